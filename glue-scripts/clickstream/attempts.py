"""Handles failed attempts: the note that an attempt writes first, and how its files are removed."""

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
    """Another run assumed that this one had ended, and removed its files. It must not be committed."""


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
    """Removes the files of attempts that were never committed. This run then processes their events as new ones.

    If some raw objects of an attempt no longer exist, its rows cannot be written again. They stay, and count as
    recovered.
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
        # If the attempt still runs, it sees this before it commits.
        run.store.put(uri, json.dumps(note | {"given_up": True}).encode())
    waiting = {one.uri: one for one in work.raw}
    # A note without a stamp is from an earlier version of the job, which used other file names.
    complete = [note for note in dead.values() if note.get("stamp") and waiting.keys() >= set(note["raw"])]
    if len(complete) < len(dead):
        say("raw objects of an interrupted run no longer exist: its rows stay in the table", level="WARN")
    if complete:
        taken = {uri for note in complete for uri in note["raw"]}
        withdraw(run, [note["stamp"] for note in complete], [waiting[uri] for uri in sorted(taken)])
    run.store.delete(list(dead))


def is_committed(run: Run, attempt: dict) -> bool:
    """True if the report of the execution was written by this attempt."""
    uri = f"{run.options.runs_path}{attempt['execution']}.json"
    return run.store.exists(uri) and json.loads(run.store.get(uri)).get("processed_at") == attempt["processed_at"]


def check_not_given_up(run: Run) -> None:
    """Raises GivenUp if another run has marked the note of this attempt or removed it."""
    if run.store.exists(run.note_uri) and not json.loads(run.store.get(run.note_uri)).get("given_up"):
        return
    raise GivenUp(
        f"Another run assumed that this run of execution {run.options.execution} had ended, and removed its files. "
        "Nothing was committed. The other run processes the same events."
    )


def give_up(run: Run, work: Work) -> None:
    """Removes the files of this attempt before its error is raised. Readers then see no rows without a report.

    The note stays, so that the next run checks again. A task on a lost executor may still upload a file.
    """
    if not leaves_note(run, work):
        return
    try:
        withdraw(run, [run.stamp], work.raw)
    except Exception as error:
        say("could not remove this run's files; the next run removes them", level="WARN", error=type(error).__name__)


def withdraw(run: Run, stamps: list[str], raw: list[StoredObject]) -> None:
    """Removes the files of these attempts, which processed these raw objects.

    Only the event dates of these objects are listed, because the files can have no other date.
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
    """Removes the note of a committed attempt. If this fails, the next run sees the report and removes the note."""
    try:
        run.store.delete([run.note_uri])
    except Exception as error:
        say("could not remove this run's note; the next run removes it", level="WARN", error=type(error).__name__)
