"""Finds the position of the last committed run, and the objects that are still to be processed."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from clickstream.arguments import Options
from clickstream.head import LISTING_MARGIN, Head, Position, TakenList, earliest_arrival, read_head
from clickstream.keys import CONFLICT_SUFFIX, RAW_KEY, UNREADABLE_SUFFIX, arrival_hour, hour_folder
from clickstream.legacy import head_of_reports
from clickstream.storage import REQUESTS, Store, StoredObject


class AlreadyCommitted(Exception):
    """This execution is committed (its report exists), so it must not run again."""


@dataclass(frozen=True)
class Work:
    """The objects to process, the raw objects of earlier runs that were listed too, and the head that this run read."""

    raw: list[StoredObject]
    quarantine: list[StoredObject]
    taken_raw: list[StoredObject]
    listed_at: datetime
    head: Head
    # Stamps of attempts whose files this run removed. Files that such an attempt still writes do not count.
    withdrawn: tuple[str, ...] = ()

    @property
    def position(self) -> Position | None:
        return self.head.position


def extract_work(store: Store, options: Options, listed_at: datetime) -> Work:
    """Returns the raw and quarantine objects that no committed run has processed. The listing starts at `listed_at`."""
    head = read_head(store, options) or head_of_reports(store, options)
    if head.execution == options.execution or store.exists(options.report_uri):
        raise AlreadyCommitted(
            f"Execution {options.execution} has already been committed (its report exists). "
            "Start a new execution to process what has arrived since."
        )
    raw, quarantine = list_arrived(store, options, head)
    if head.position is None:
        return Work(raw, quarantine, [], listed_at, head)
    since = head.position.listed_at - LISTING_MARGIN
    recent = [one for one in raw + quarantine if one.modified >= since]
    taken = extract_taken(store, recent, since, head.taken)
    new = {one.uri for one in recent} - taken
    return Work(
        [one for one in raw if one.uri in new],
        [one for one in quarantine if one.uri in new],
        [one for one in raw if one.uri not in new],
        listed_at,
        head,
    )


def list_arrived(store: Store, options: Options, head: Head) -> tuple[list[StoredObject], list[StoredObject]]:
    """Lists the raw and quarantine objects of the hours that can have a new one. A reprocess needs all raw objects."""
    after = ""
    if head.position is not None and not options.reprocess:
        after = hour_folder(earliest_arrival(head.position, options, head.retention_hours))

    def arrived(path: str) -> list[StoredObject]:
        listed = store.list_objects(path, after=f"{path}{after}" if after else "")
        return [one for one in listed if one.uri.endswith(".jsonl.gz")]

    quarantine = arrived(options.quarantine_path)
    own = (UNREADABLE_SUFFIX, CONFLICT_SUFFIX)
    return arrived(options.raw_path), [one for one in quarantine if not one.uri.endswith(own)]


def extract_taken(store: Store, recent: list[StoredObject], since: datetime, lists: list[TakenList]) -> set[str]:
    """Returns the URIs in the lists of committed runs. Reads only lists that can contain one of the recent objects."""
    if not recent:
        return set()
    # A redelivery overwrites an old object, which then looks new. It was first processed after the hour in its key.
    earliest = min([since, *(arrival_hour(one.uri) for one in recent)])
    with ThreadPoolExecutor(REQUESTS) as pool:
        bodies = pool.map(store.get_tagged, [one.uri for one in lists if one.at >= earliest])
        # If a list is lost, its objects are processed again: all their events are known, and none is counted twice.
        return {uri for body in bodies if body for uri in json.loads(gzip.decompress(body[0]))}


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
