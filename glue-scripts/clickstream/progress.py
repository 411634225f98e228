"""Finds the position of the last committed run, and the objects that are still to be processed."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from clickstream.arguments import Options
from clickstream.keys import CONFLICT_SUFFIX, RAW_KEY, UNREADABLE_SUFFIX, arrival_hour
from clickstream.storage import Store, StoredObject

# An object can have an earlier LastModified than a listing that missed it. One hour covers clock differences and slow
# uploads.
LISTING_MARGIN = timedelta(hours=1)


class AlreadyCommitted(Exception):
    """This execution is committed (its report exists), so it must not run again."""


@dataclass(frozen=True)
class Position:
    """The position of the last committed run."""

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
    """The objects to process, and the raw objects of earlier runs."""

    raw: list[StoredObject]
    quarantine: list[StoredObject]
    taken_raw: list[StoredObject]
    listed_at: datetime
    position: Position | None


def extract_position(store: Store, options: Options) -> tuple[Position | None, set[str]]:
    """Returns the position of the last committed run, and the names of all committed runs."""
    reports = [one for one in store.list_objects(options.runs_path, in_folders=False) if one.uri.endswith(".json")]
    names = {one.uri[len(options.runs_path) : -len(".json")] for one in reports}
    if options.execution in names:
        raise AlreadyCommitted(
            f"Execution {options.execution} has already been committed (its report exists). "
            "Start a new execution to process what has arrived since."
        )
    if not reports:
        return None, names
    # LastModified has whole seconds, so the newest reports are compared by their finished_at.
    newest = max(one.modified for one in reports) - timedelta(seconds=2)
    latest = max(
        (json.loads(store.get(one.uri)) for one in reports if one.modified >= newest),
        key=lambda report: report["finished_at"],
    )
    saved = latest["position"]
    listed_at = datetime.fromisoformat(saved["listed_at"])
    return Position(listed_at, saved["processed_at"], saved["rebuilds"]), names


def extract_work(store: Store, options: Options) -> Work:
    """Returns the raw and quarantine objects that no committed run has processed."""
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
    """Returns the keys in the lists of committed runs. Reads only lists that can contain one of the recent objects."""
    if not recent:
        return set()
    # A redelivery overwrites an old object, which then looks new. It was first processed after the hour in its key.
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
    """Sequence ranges of earlier objects that overlap new objects: redelivered batches with other boundaries."""
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
        # Overlapping ranges are merged, so that a line is in at most one of them.
        if merged and merged[-1][0] == shard and first <= merged[-1][2]:
            merged[-1] = (shard, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((shard, first, last))
    return merged
