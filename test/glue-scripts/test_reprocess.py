"""Rebuilding dates: new files in a new location, one switch, and old files removed when no query reads them."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from clickstream.reprocess import NothingToReprocess
from lake import Crash, Lake, event
from test_crash import Steps

LATER = "2026-03-15T10:00:00.000Z"
BOTH = ("2026-03-14", "2026-03-15")
REBUILT = [
    "put runs/retired/", "write rebuilt/", "put runs/retired/ again", "switch", "put runs/summaries/",
    "put runs/attempts/", "swap runs/head.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def committed(new_lake) -> Lake:
    """A lake after one run, with events on the 13th, 14th and 15th. The 14th's raw object no longer exists."""
    lake = new_lake()
    gone = lake.put_raw(event("gone", event_time="2026-03-14T10:00:00.000Z"), first=50)
    lake.put_raw(
        event("a"), event("b"), event("a", event_time="2026-03-14T11:00:00.000Z"),
        event("outside", event_time="2026-03-13T10:00:00.000Z"), "{cut",
        first=100,
    )  # fmt: skip
    lake.register(lake.run("first"))
    lake.store.delete([gone])
    lake.save()
    return lake


@pytest.fixture
def lake(committed) -> Lake:
    committed.restore()
    return committed


def test_without_a_committed_run_there_is_nothing_to_reprocess(new_lake):
    empty = new_lake()
    empty.put_raw(event("a"))
    with pytest.raises(NothingToReprocess, match="Run the pipeline once without `reprocess` first"):
        empty.run(reprocess=BOTH)
    assert empty.spark_starts == 0


def test_rebuilds_the_same_rows_switches_their_dates_and_removes_the_old_files_later(lake):
    before = lake.rows()
    old_files = lake.files()
    # No run has processed it. The next normal run does.
    lake.put_raw(event("untaken"), first=300, time=LATER)
    # The first run is at 12:00, this one at 12:01.
    report = lake.run("again", reprocess=BOTH)
    after = lake.rows()
    stamp = datetime(2026, 3, 15, 12, 1)
    assert after == {
        "a": before["a"] | {"processed_at": stamp},
        "b": before["b"] | {"processed_at": stamp},
        # Its raw object no longer exists.
        "gone": before["gone"] | {"processed_at": stamp},
        "outside": before["outside"],
    }
    counts = {name: report[name] for name in ("curated", "written", "recovered", "duplicates", "quarantined")}
    assert counts == {"curated": 3, "written": 3, "recovered": 0, "duplicates": 0, "quarantined": 0}
    assert (report["partitions"], report["reprocess"]) == (list(BOTH), {"from": BOTH[0], "to": BOTH[1]})
    root = lake.uri("rebuilt/again/again-20260315T120100000/")
    assert lake.catalog.locations() == {
        "2026-03-13": lake.uri("events/event_date=2026-03-13/"),
        "2026-03-14": f"{root}event_date=2026-03-14/",
        "2026-03-15": f"{root}event_date=2026-03-15/",
    }
    # A query that started before the switch still reads the old files.
    assert all(lake.store.exists(f"file://{file}") for file in old_files)

    # The next run appends at the new location of the date, and does not count the rebuilt rows.
    lake.put_raw(event("b"), event("old", event_time="2026-03-13T11:00:00.000Z"), first=301, time=LATER)
    next_report = lake.run("next")
    counts = {name: next_report[name] for name in ("curated", "written", "recovered", "duplicates", "redelivered")}
    assert counts == {"curated": 2, "written": 2, "recovered": 0, "duplicates": 1, "redelivered": 0}
    assert set(lake.rows()) == {"a", "b", "gone", "outside", "untaken", "old"}
    assert all(lake.store.exists(f"file://{file}") for file in old_files)

    retire(lake, minutes=59)
    lake.run("too-early")
    assert all(lake.store.exists(f"file://{file}") for file in old_files)
    visible = lake.rows()
    retire(lake, minutes=61)
    lake.run("late-enough")
    kept = [file for file in old_files if lake.store.exists(f"file://{file}")]
    assert kept == [file for file in old_files if "event_date=2026-03-13" in file]
    assert lake.rows() == visible


def retire(lake: Lake, minutes: int) -> None:
    """Moves the time of the rebuilds into the past."""
    for one in lake.store.list_objects(lake.uri("runs/retired/")):
        note = json.loads(lake.store.get(one.uri))
        note["at"] = (datetime.now(timezone.utc) - timedelta(minutes=minutes)).isoformat()
        lake.store.put(one.uri, json.dumps(note).encode())


def test_rebuilds_with_the_current_privacy_rules(lake):
    lake.run(reprocess=("2026-03-15", "2026-03-15"), privacy='{"user_id": "drop"}')
    users = {event_id: row["user_id"] for event_id, row in lake.rows().items()}
    # The 14th was not requested.
    assert users == {"a": None, "b": None, "gone": "u1", "outside": "u1"}


def test_new_rows_of_dates_at_several_locations_are_written_in_one_pass(lake, monkeypatch):
    for number, day in enumerate(BOTH):
        lake.run(f"again-{number}", reprocess=(day, day))
    roots = {day: lake.catalog.locations()[day] for day in BOTH}
    assert len({root.split("event_date=")[0] for root in roots.values()}) == 2
    days = [*BOTH, "2026-03-13", "2026-03-12"]
    lake.put_raw(*(event(f"new-{day}", event_time=f"{day}T12:00:00.000Z") for day in days), first=300, time=LATER)
    steps = Steps(lake, monkeypatch)
    report = lake.run("next")
    assert [step for step in steps.seen if step.startswith("write")] == ["write events/"]
    assert (report["written"], report["files"]) == (4, 4)
    stamp = "next-20260315T120300000"
    for day in days:
        location = lake.places()[day]
        assert location == roots.get(day, lake.uri(f"events/event_date={day}/"))
        assert [one.uri for one in lake.store.list_objects(location) if stamp in one.uri] != []


@pytest.mark.parametrize("step", REBUILT[3:])
def test_readers_see_all_rows_after_a_kill_at_any_step_and_a_rerun_rebuilds(lake, step):
    before, contents = lake.rows(), lake.contents()
    places = lake.places()
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(lake, patch, die_before=step)
        with pytest.raises(Crash, match=step):
            lake.run("killed", reprocess=BOTH)
    assert steps.seen == REBUILT[: REBUILT.index(step)]
    if "switch" in steps.seen:
        assert lake.contents() == contents
    else:
        assert (lake.rows(), lake.places()) == (before, places)

    lake.run("killed", reprocess=BOTH)
    assert lake.contents() == contents
    # The files of the killed attempt are removed as well, but no file that is read.
    retire(lake, minutes=61)
    lake.run("cleaner")
    assert lake.contents() == contents
    root = lake.uri("rebuilt/killed/")
    used = tuple(lake.catalog.locations().values())
    assert [one.uri for one in lake.store.list_objects(root) if not one.uri.startswith(used)] == []


def test_a_date_that_is_not_registered_keeps_all_its_files(lake):
    lake.run("again", reprocess=BOTH)
    files = lake.store.list_objects(lake.uri("events/")) + lake.store.list_objects(lake.uri("rebuilt/"))
    lake.catalog.registered.clear()
    retire(lake, minutes=61)
    lake.run("cleaner")
    assert all(lake.store.exists(one.uri) for one in files)
