"""Removes files that a rebuild or a compaction has replaced, once no query can read them any more."""

import json
from datetime import datetime, timedelta, timezone

from clickstream.log import say
from clickstream.run import Run
from clickstream.storage import list_each

# A query that started before a switch can still read the old files. Athena stops queries after 30 minutes.
RETIREMENT_DELAY = timedelta(hours=1)


def note_retirement(run: Run, name: str, root: str, old: dict[str, str]) -> None:
    """Records every location that a switch may leave unused. Written first, so that a crash cannot lose it.

    `root` is the folder of the new files, and `old` has the location that each date leaves.
    """
    note = {"at": datetime.now(timezone.utc).isoformat(), "root": root, "old": old}
    run.store.put(f"{run.options.runs_path}retired/{name}.json", json.dumps(note).encode())


def remove_retired(run: Run) -> None:
    """Removes the unused files of earlier switches. Asks the catalog only for the dates of these switches."""
    notes = {
        one.uri: json.loads(run.store.get(one.uri))
        for one in run.store.list_objects(f"{run.options.runs_path}retired/")
    }
    before = datetime.now(timezone.utc) - RETIREMENT_DELAY
    due = {
        uri: retired_places(run, note) for uri, note in notes.items() if datetime.fromisoformat(note["at"]) <= before
    }
    # The new location of one note can be the old one of a later note, whose delay is not over.
    still_read = {location for uri, note in notes.items() if uri not in due for location in note["old"].values()}
    dates = sorted({day for places in due.values() for day, _ in places})
    registered = run.catalog.locations(dates) if dates else {}
    for uri, places in due.items():
        remove_places(run, [place for place in places if place[1] not in still_read], registered)
        if all(day in registered for day, _ in places):
            run.store.delete([uri])


def retired_places(run: Run, note: dict) -> list[tuple[str, str]]:
    """The dates and locations of a note: the old ones, and the new ones, which a killed run did not switch to."""
    folders = run.store.list_folders(note["root"])
    new = [(name.removeprefix("event_date="), f"{note['root']}{name}/") for name in folders]
    return [*new, *note["old"].items()]


def remove_places(run: Run, places: list[tuple[str, str]], registered: dict[str, str]) -> None:
    """Removes the files of each location, if the catalog has another location for its date.

    Dates that are not in the catalog keep all files.
    """
    waste = [location for day, location in places if registered.get(day) not in (None, location)]
    objects = [one.uri for found in list_each(run.store, waste) for one in found]
    run.store.retire(objects)
    if objects:
        say(f"removed {len(objects):,} files that a later location of their date had replaced")
