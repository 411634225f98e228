"""Handles attempts that were not committed: the note that an attempt writes first, and how its files are removed."""

import json
from dataclasses import replace

from clickstream.files import locations_of
from clickstream.head import Head, swap_head
from clickstream.log import say
from clickstream.progress import Work
from clickstream.raw import Raw, arriving, dates_of, fetch
from clickstream.run import Run
from clickstream.storage import StoredObject, list_each


class Overtaken(Exception):
    """Another run replaced the head object while this one was active. This run must not be committed."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"Another run of the job was active at the same time as this run of execution {run.options.execution}, and "
            "changed the head object first. No row of this run counts. Start the pipeline again to process what is "
            "still new, and keep MaxConcurrentRuns of the job at 1."
        )


def note_attempt(run: Run, work: Work) -> None:
    """Records this attempt before it writes its first file, so that a later run can remove what it wrote."""
    run.store.put(run.note_uri, json.dumps(attempt_note(run, work)).encode())


def note_report(run: Run, work: Work, report: dict) -> None:
    """Adds the report to the note. If the run is killed after its commit, the next run publishes the report."""
    run.store.put(run.note_uri, json.dumps(attempt_note(run, work) | {"report": report}).encode())


def attempt_note(run: Run, work: Work) -> dict:
    return {
        "execution": run.options.execution,
        "processed_at": run.processed_at,
        "stamp": run.stamp,
        "raw": [one.uri for one in work.raw] if appends(run, work) else [],
    }


def appends(run: Run, work: Work) -> bool:
    """Whether this run appends rows. The rows of a reprocess run are at a new location, which has a note of its own."""
    return bool(work.raw) and not run.options.reprocess


def clear_dead_attempts(run: Run, work: Work) -> Work:
    """Removes the files of attempts that were never committed. This run then processes their events as new ones.

    If some raw objects of an attempt no longer exist, its rows cannot be written again. They stay, and count as
    recovered. Before any file is removed, a swap of the head excludes that the attempt is still active and commits.
    """
    dead = {}
    for one in run.store.list_objects(f"{run.options.runs_path}attempts/"):
        note = json.loads(run.store.get(one.uri))
        if is_committed(run, work.head, note):
            publish_report(run, note.get("report"))
            run.store.delete([one.uri])
        else:
            dead[one.uri] = note
    if not dead:
        return work
    claimed = swap_head(run.store, run.options, work.head, replace(work.head, claimed_by=run.stamp))
    if claimed is None:
        raise Overtaken(run)
    existing = {one.uri: one for one in work.raw + work.taken_raw}
    # A note without a stamp is from an earlier version of the job, which used other file names.
    complete = [note for note in dead.values() if note.get("stamp") and existing.keys() >= set(note["raw"])]
    if len(complete) < len(dead):
        say("raw objects of an interrupted run no longer exist: its rows stay in the table", level="WARN")
    stamps = [note["stamp"] for note in complete]
    if raw := {uri for note in complete for uri in note["raw"]}:
        withdraw(run, stamps, [existing[uri] for uri in sorted(raw)])
    run.store.delete(list(dead))
    # If such an attempt is still active, it writes more files until it finds the head changed, and then removes them.
    return replace(work, head=claimed, withdrawn=tuple(stamps))


def is_committed(run: Run, head: Head, note: dict) -> bool:
    """True if this attempt replaced the head, or if the report of its execution is the one that it wrote."""
    if head.stamp is not None and head.stamp == note.get("stamp"):
        return True
    found = run.store.get_tagged(f"{run.options.runs_path}{note['execution']}.json")
    return found is not None and json.loads(found[0]).get("processed_at") == note["processed_at"]


def publish_report(run: Run, report: dict | None) -> None:
    """Writes the report of a committed run, if it is not there. The note of an earlier version has no report."""
    if report:
        uri = f"{run.options.runs_path}{report['execution']}.json"
        if not run.store.exists(uri):
            run.store.put(uri, json.dumps(report, indent=2).encode())


def give_up(run: Run, work: Work) -> bool:
    """Removes the files of this failed run. If that fails too, returns False: the next run removes them by the note."""
    try:
        if appends(run, work):
            withdraw(run, [run.stamp], work.raw)
    except Exception as error:
        say("could not remove this run's files; the next run removes them", level="WARN", error=type(error).__name__)
        return False
    return True


def leave_overtaken(run: Run, work: Work) -> None:
    """Removes the files of this run, which another run has overtaken. That run may have removed this one's note."""
    if give_up(run, work):
        forget_attempt(run)
    else:
        note_attempt(run, work)


def withdraw(run: Run, stamps: list[str], raw: list[StoredObject]) -> None:
    """Removes the files of these attempts, which processed these raw objects.

    Only the event dates of these objects are listed, because the files can have no other date.
    """
    spark = run.start_spark(raw)
    dates = dates_of(arriving(Raw(raw, fetch(spark, run.store.downloads(), raw))))
    touched = locations_of(run.catalog, run.options, dates)
    names = tuple(f"part-{stamp}-" for stamp in stamps)
    listed = list_each(run.store, touched.values())
    waste = [one.uri for found in listed for one in found if one.uri.rsplit("/", 1)[1].startswith(names)]
    run.store.delete(waste)
    say(f"removed {len(waste):,} files of a run that was not committed")


def forget_attempt(run: Run) -> None:
    """Removes the note of a committed attempt. If this fails, the next run finds the report and removes the note."""
    try:
        run.store.delete([run.note_uri])
    except Exception as error:
        say("could not remove this run's note; the next run removes it", level="WARN", error=type(error).__name__)
