"""Attempts that may die: the note that one leaves before it writes, and how its files are removed."""

import json
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream.files import current_locations
from clickstream.log import say
from clickstream.progress import Work
from clickstream.rows import extract_raw, flatten
from clickstream.run import Run
from clickstream.storage import StoredObject


class GivenUp(Exception):
    """Another run treated this one as dead and removed its files, so it must not be committed."""


def note_attempt(run: Run, work: Work) -> None:
    """Records this attempt before it writes its first file, so that a later run can remove what it wrote."""
    note = {
        "execution": run.options.execution,
        "processed_at": run.processed_at,
        "stamp": run.stamp,
        "raw": [one.uri for one in work.raw],
    }
    run.store.put(run.note_uri, json.dumps(note).encode())


def leaves_note(run: Run, work: Work) -> bool:
    return bool(work.raw) and not run.options.reprocess


def clear_dead_attempts(run: Run, work: Work) -> None:
    """Removes the files of attempts that were never committed. Their events are then taken again as if for the first
    time, so it does not matter what a dead attempt left, and how often.

    If raw no longer has all that an attempt took, its rows cannot be written again. They stay, and count as recovered.
    """
    dead = {}
    for one in run.store.list_objects(f"{run.options.runs_path}attempts/"):
        note = json.loads(run.store.get(one.uri))
        if is_committed(run, note):
            run.store.delete([one.uri])
        else:
            dead[one.uri] = note
    if not dead:
        return
    for uri, note in dead.items():
        # An attempt that still runs after all sees this before it commits.
        run.store.put(uri, json.dumps(note | {"given_up": True}).encode())
    waiting = {one.uri: one for one in work.raw}
    # A note without a stamp is of an earlier version of the job, whose files had other names.
    complete = [note for note in dead.values() if note.get("stamp") and waiting.keys() >= set(note["raw"])]
    if len(complete) < len(dead):
        say("raw objects of an interrupted run are gone: what it wrote stays", level="WARN")
    if complete:
        taken = {uri for note in complete for uri in note["raw"]}
        withdraw(run, [note["stamp"] for note in complete], [waiting[uri] for uri in sorted(taken)])
    run.store.delete(list(dead))


def is_committed(run: Run, attempt: dict) -> bool:
    """Whether the report of its execution is of this attempt."""
    uri = f"{run.options.runs_path}{attempt['execution']}.json"
    return run.store.exists(uri) and json.loads(run.store.get(uri)).get("processed_at") == attempt["processed_at"]


def check_not_given_up(run: Run) -> None:
    """The run that marks a note removes it at last."""
    if run.store.exists(run.note_uri) and not json.loads(run.store.get(run.note_uri)).get("given_up"):
        return
    raise GivenUp(
        f"Another run treated this one of execution {run.options.execution} as dead and removed its files. "
        "Nothing was committed: the other run takes the same events."
    )


def give_up(run: Run, work: Work) -> None:
    """Removes what this attempt wrote before its error is raised, so that no reader sees rows that no report counts.

    The note stays, so that the next run looks again: a task on a machine that Spark has lost may still put a file.
    """
    if not leaves_note(run, work):
        return
    try:
        withdraw(run, [run.stamp], work.raw)
    except Exception as error:
        say("could not remove what this run wrote; the next run does", level="WARN", error=type(error).__name__)


def withdraw(run: Run, stamps: list[str], raw: list[StoredObject]) -> None:
    """Removes the files of these attempts, all of them made of these raw objects.

    Such files can only be of the dates of these objects' events: no other date is listed.
    """
    spark = run.start_spark(raw)
    locations = current_locations(run.store, run.catalog, run.options)
    dates = event_dates(extract_raw(spark, raw))
    touched = [location for day, location in locations.items() if day in dates]
    names = tuple(f"part-{stamp}-" for stamp in stamps)
    with ThreadPoolExecutor(16) as pool:
        listed = pool.map(run.store.list_objects, touched)
        waste = [one.uri for found in listed for one in found if one.uri.rsplit("/", 1)[1].startswith(names)]
    run.store.delete(waste)
    say(f"removed {len(waste):,} files of a run that was not committed")


def event_dates(raw: DataFrame) -> set[str]:
    days = flatten(raw).where("is_readable").select(F.to_date("event_time").cast("string").alias("day")).distinct()
    return {row["day"] for row in days.collect()}


def forget_attempt(run: Run) -> None:
    """Removes the note of a committed attempt. If that fails, the next run sees the report and removes it."""
    try:
        run.store.delete([run.note_uri])
    except Exception as error:
        say("the note of this attempt could not be removed", level="WARN", error=type(error).__name__)
