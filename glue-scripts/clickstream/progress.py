"""How far the committed runs have come, and what is left to take."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from clickstream.arguments import Options
from clickstream.keys import CONFLICT_SUFFIX, RAW_KEY, UNREADABLE_SUFFIX, arrival_hour
from clickstream.storage import Store, StoredObject

# An object may carry an earlier LastModified than the listing that missed it; an hour covers clocks and slow uploads.
LISTING_MARGIN = timedelta(hours=1)


class AlreadyCommitted(Exception):
    """This execution's report exists: what it did counts, and must not be done in its name again."""


@dataclass(frozen=True)
class Position:
    """How far the committed runs have come."""

    listed_at: datetime
    processed_at: str
    rebuilds: list[str]

    def to_json(self) -> dict:
        return {
            "listed_at": self.listed_at.isoformat(),
            "processed_at": self.processed_at,
            "rebuilds": self.rebuilds,
        }


@dataclass(frozen=True)
class Work:
    """What there is to take, and what was taken before."""

    raw: list[StoredObject]
    quarantine: list[StoredObject]
    taken_raw: list[StoredObject]
    listed_at: datetime
    position: Position | None


def extract_position(store: Store, options: Options) -> tuple[Position | None, set[str]]:
    """Where the last committed run stood, and the names of all committed runs."""
    reports = [one for one in store.list_objects(options.runs_path, in_folders=False) if one.uri.endswith(".json")]
    names = {one.uri[len(options.runs_path) : -len(".json")] for one in reports}
    if options.execution in names:
        raise AlreadyCommitted(
            f"Execution {options.execution} has already been committed (its report exists). "
            "Start a new execution: it takes whatever has come since."
        )
    if not reports:
        return None, names
    # LastModified has whole seconds: among the newest the reports themselves say which came last.
    newest = max(one.modified for one in reports) - timedelta(seconds=2)
    latest = max(
        (json.loads(store.get(one.uri)) for one in reports if one.modified >= newest),
        key=lambda report: report["finished_at"],
    )
    saved = latest["position"]
    listed_at = datetime.fromisoformat(saved["listed_at"])
    return Position(listed_at, saved["processed_at"], saved["rebuilds"]), names


def extract_work(store: Store, options: Options) -> Work:
    """The raw and quarantine objects that no committed run took."""
    position, committed = extract_position(store, options)
    listed_at = datetime.now(timezone.utc)
    raw = [one for one in store.list_objects(options.raw_path) if one.uri.endswith(".jsonl.gz")]
    quarantine = [
        one
        for one in store.list_objects(options.quarantine_path)
        if one.uri.endswith(".jsonl.gz") and not one.uri.endswith((UNREADABLE_SUFFIX, CONFLICT_SUFFIX))
    ]
    if position is None:
        return Work(raw, quarantine, [], listed_at, None)
    since = position.listed_at - LISTING_MARGIN
    recent = [one for one in raw + quarantine if one.modified >= since]
    taken = extract_taken(store, options, recent, since, committed)
    new = {one.uri for one in recent} - taken
    return Work(
        [one for one in raw if one.uri in new],
        [one for one in quarantine if one.uri in new],
        [one for one in raw if one.uri not in new],
        listed_at,
        position,
    )


def extract_taken(store: Store, options: Options, recent: list, since: datetime, committed: set[str]) -> set[str]:
    """The keys on the committed runs' lists, of just those lists that can name one of the recent objects."""
    if not recent:
        return set()
    # A redelivery overwrites an old object, which then looks new; it was first taken after the hour in its key.
    earliest = min([since, *(arrival_hour(one.uri) for one in recent)])
    prefix = f"{options.runs_path}taken/"
    lists = [
        one
        for one in store.list_objects(prefix)
        if one.modified >= earliest and one.uri[len(prefix) :].removesuffix(".json.gz") in committed
    ]
    with ThreadPoolExecutor(16) as pool:
        bodies = pool.map(lambda one: json.loads(gzip.decompress(store.get(one.uri))), lists)
        return {uri for body in bodies for uri in body}


def taken_ranges(work: Work) -> list[tuple[str, str, str]]:
    """Sequence ranges of earlier objects that new ones overlap: Kinesis delivered these again, cut otherwise."""
    new: dict[str, list[tuple[str, str]]] = {}
    for one in work.raw:
        if match := RAW_KEY.search(one.uri):
            new.setdefault(match["shard"], []).append((match["first"].zfill(64), match["last"].zfill(64)))
    spans = {
        shard: (min(first for first, _ in ranges), max(last for _, last in ranges)) for shard, ranges in new.items()
    }
    old: list[tuple[str, str, str]] = []
    for one in work.taken_raw:
        match = RAW_KEY.search(one.uri)
        if not match or match["shard"] not in spans:
            continue
        first, last = match["first"].zfill(64), match["last"].zfill(64)
        if first <= spans[match["shard"]][1] and last >= spans[match["shard"]][0]:
            old.append((match["shard"], first, last))
    merged: list[tuple[str, str, str]] = []
    for shard, first, last in sorted(old):
        # Overlapping ranges become one, so that a line meets at most one of them.
        if merged and merged[-1][0] == shard and first <= merged[-1][2]:
            merged[-1] = (shard, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((shard, first, last))
    return merged
