"""Removes the Parquet files of the way `arrival` once the table has their rows, together with their markers.

The Lambda to-parquet writes a file for each raw object and date, named after the raw object. Users query a view, which
shows a row of these files only while the table does not have it. So a file that stays too long costs a query some
bytes, but shows no row twice. A file that goes too early hides rows, so a file stays:
  - until an hour after the commit of the run that took its raw object: a query that started before still reads it;
  - while the table has no partition for a date that the job has written to.
"""

import gzip
import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from clickstream.head import Head, earliest_arrival
from clickstream.keys import event_date
from clickstream.log import say
from clickstream.retire import RETIREMENT_DELAY
from clickstream.run import Run
from clickstream.storage import REQUESTS, StoredObject

NAME = re.compile(r"/([0-9a-f]{32})\.(?:parquet|json)$")


def name_of(raw_uri: str, raw_path: str) -> str:
    """The name that to-parquet gives the files and the marker of a raw object: a hash of its key in the bucket."""
    folder = raw_path.rstrip("/").rsplit("/", 1)[1]
    key = f"{folder}/{raw_uri.removeprefix(raw_path)}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def remove_arrived(run: Run, head: Head) -> None:
    """Removes the files and markers of raw objects that a run took which was committed an hour ago or earlier."""
    path = run.options.arrived_path
    if path is None:
        return
    files = run.store.list_objects(path)
    markers = run.store.list_objects(f"{run.options.runs_path}arrived/")
    if not files and not markers:
        return
    before = datetime.now(timezone.utc) - RETIREMENT_DELAY
    names, oldest = taken_names(run, head, before), oldest_new(run, head, before)
    kept = unregistered_dates(run, head, files)

    def is_done(one: StoredObject) -> bool:
        return name_in(one.uri) in names or (oldest is not None and one.modified < oldest)

    waste = [one.uri for one in files if is_done(one) and event_date(one.uri) not in kept]
    held = {name_in(one.uri) for one in files if event_date(one.uri) in kept}
    run.store.retire(waste)
    # The markers last: a run that is killed here finds them again.
    run.store.delete([one.uri for one in markers if is_done(one) and name_in(one.uri) not in held])
    if waste:
        say(f"removed {len(waste):,} files of arrived objects whose rows are in the table")


def taken_names(run: Run, head: Head, before: datetime) -> set[str | None]:
    """The names of the raw objects that runs took which were committed before this moment."""
    lists = [one.uri for one in head.taken if one.at <= before]
    with ThreadPoolExecutor(REQUESTS) as pool:
        bodies = list(pool.map(run.store.get_tagged, lists))
    uris = [uri for body in bodies if body for uri in json.loads(gzip.decompress(body[0]))]
    path = run.options.raw_path
    return {name_of(uri, path) for uri in uris if uri.startswith(path)}


def oldest_new(run: Run, head: Head, before: datetime) -> datetime | None:
    """Before this moment nothing can have arrived that no run took. A raw object is older than its Parquet files.

    The head has no list any more of what was taken earlier. None if the last run was committed only now.
    """
    if head.position is None or head.committed_at is None or head.committed_at > before:
        return None
    return earliest_arrival(head.position, run.options, head.retention_hours)


def unregistered_dates(run: Run, head: Head, files: list[StoredObject]) -> set[str]:
    """The dates of these files that the job wrote to, and that the table has no partition for yet."""
    written = {event_date(one.uri) or "" for one in files} & head.dates.keys()
    return written - run.catalog.locations(sorted(written)).keys() if written else set()


def name_in(uri: str) -> str | None:
    match = NAME.search(uri)
    return match[1] if match else None
