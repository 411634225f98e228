"""The head object: a run lists and reads what is new, whatever the lake holds, and an older lake gets a head."""

import gzip
import json
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from clickstream.head import DateFiles, Head, Position, TakenList, UnknownVersion, keep_recent
from clickstream.storage import StoredObject
from directory_store import DictionaryCatalog, DirectoryStore
from lake import Lake, event, raw_key

NOON = datetime(2026, 3, 15, 12, tzinfo=timezone.utc)
VERSION_1 = Path(__file__).parent / "lake_of_version_1"


class CountingStore(DirectoryStore):
    """Counts the requests and the listed objects."""

    def __init__(self) -> None:
        self.lists = self.listed = self.gets = 0

    def list_objects(self, prefix: str, in_folders: bool = True, after: str = "") -> list[StoredObject]:
        found = super().list_objects(prefix, in_folders, after)
        self.lists += 1
        self.listed += len(found)
        return found

    def exists(self, prefix: str) -> bool:
        self.lists += 1
        return super().exists(prefix)

    def get(self, uri: str) -> bytes:
        self.gets += 1
        return super().get(uri)

    def get_tagged(self, uri: str) -> tuple[bytes, str] | None:
        self.gets += 1
        return super().get_tagged(uri)


class CountingCatalog(DictionaryCatalog):
    """Records the dates that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def locations(self, days=None) -> dict[str, str]:
        found = super().locations(days)
        self.asked += found
        return found


def add_history(lake: Lake, days: int) -> None:
    """Adds days before the 14th: for each a curated file, raw and quarantine objects, a report and its list."""
    [file] = lake.store.list_objects(lake.uri("events/event_date=2026-03-15/"))
    report = lake.store.get(lake.uri("runs/first.json"))
    for number in range(2, days + 2):
        moment = NOON - timedelta(days=number)
        day, time = f"{moment:%Y-%m-%d}", f"{moment:%Y-%m-%dT%H}"
        place = lake.uri(f"events/event_date={day}/")
        lake.store.put(f"{place}part-old-00000.parquet", lake.store.get(file.uri))
        lake.catalog.registered[day] = place
        taken = [lake.uri(f"{zone}/{raw_key(number, number, time)}") for zone in ("raw", "quarantine")]
        for uri in taken:
            lake.store.put(uri, gzip.compress(b""))
        lake.store.put(lake.uri(f"runs/old-{number}.json"), report)
        lake.store.put(lake.uri(f"runs/taken/old-{number}.json.gz"), gzip.compress(json.dumps(taken).encode()))


def requests_of_a_run(lake: Lake, days: int) -> dict[str, Any]:
    lake.put_raw(event("a"), event("b"), first=100)
    lake.register(lake.run("first"))
    add_history(lake, days)
    lake.put_raw(event("c"), event("late", event_time="2026-03-14T10:00:00.000Z"), first=300)
    lake.store, catalog = CountingStore(), CountingCatalog()
    catalog.registered, lake.catalog = lake.catalog.registered, catalog
    assert lake.run("second")["written"] == 2
    found = {"lists": lake.store.lists, "listed": lake.store.listed, "gets": lake.store.gets}
    lake.store = CountingStore()
    assert lake.run("third")["outcome"] == "nothing_new"
    return found | {"asked": catalog.asked, "idle": (lake.store.lists, lake.store.listed, lake.store.gets)}


def test_the_requests_of_a_run_do_not_depend_on_the_days_of_the_lake(new_lake):
    small = requests_of_a_run(new_lake(), 3)
    large = requests_of_a_run(new_lake(), 300)
    assert large == small
    # The 15th is asked for, and the 14th, although only the former is registered.
    assert large["asked"] == ["2026-03-15"]


def test_a_listing_starts_at_the_hour_before_the_stream_s_retention(lake):
    # The first run is at 12:00, so an object of the hour 10:00 of the day before can still be new, and no earlier one.
    lake.put_raw(event("a"), first=100)
    lake.run()
    lake.put_raw(event("b"), first=200, time="2026-03-14T11:30:00.000Z")
    lake.put_raw(event("too-old"), first=300, time="2026-03-14T10:30:00.000Z")
    assert lake.run()["written"] == 1
    # With a longer retention, the earlier object can be new too.
    lake.retention_hours = 48
    assert lake.run()["written"] == 1


def test_after_the_retention_was_reduced_the_next_listing_still_covers_the_longer_one(lake):
    lake.retention_hours = 48
    lake.put_raw(event("a"), first=100)
    lake.run()
    lake.retention_hours = 24
    lake.put_raw(event("b"), first=200, time="2026-03-13T12:30:00.000Z")
    assert lake.run()["written"] == 1


def test_the_head_keeps_only_what_a_later_run_can_need(lake):
    lake.run()
    options = lake.options()
    earliest = NOON - timedelta(hours=25)
    first_written = earliest - timedelta(days=7)
    second = timedelta(seconds=1)
    mb = 1_000_000
    head = keep_recent(
        Head(
            position=Position(NOON, "", []),
            taken=[TakenList(earliest - second, "old"), TakenList(earliest, "kept")],
            dates={
                "2026-01-01": DateFiles(first_written - second, 1, 1),
                "2026-01-02": DateFiles(first_written, 1, 1),
                # To be compacted: more than one file for each 128 MB, and one for late rows.
                "2026-01-03": DateFiles(first_written - second, 3, 128 * mb),
                "2026-01-04": DateFiles(first_written - second, 3, 129 * mb),
            },
        ),
        options,
    )
    assert [one.uri for one in head.taken] == ["kept"]
    assert list(head.dates) == ["2026-01-02", "2026-01-03"]


def test_a_head_is_read_as_it_was_written():
    head = Head(
        execution="e1",
        stamp="e1-1",
        committed_at=NOON,
        position=Position(NOON, "2026-03-15 12:00:00.000", ["2026-03-15 11:00:00.000"]),
        claimed_by="e2-1",
        retention_hours=24,
        taken=[TakenList(NOON, "s3://b/runs/taken/e1-1.json.gz")],
        dates={"2026-03-15": DateFiles(NOON, 3, 1000)},
        tag="t",
    )
    assert Head.from_json(json.loads(json.dumps(head.to_json())), "t") == head
    assert Head.from_json(json.loads(json.dumps(Head().to_json())), None) == Head()


def test_a_head_of_a_later_version_stops_the_run(lake):
    lake.put_raw(event("a"))
    lake.store.put(lake.uri("runs/head.json"), b'{"version": 3}')
    with pytest.raises(UnknownVersion, match="deploy that version again"):
        lake.run()


@pytest.fixture
def old_lake(lake) -> Lake:
    """A lake of version 1 of the job: two runs, a rebuild of the 14th, and a run that was killed after its rows."""
    lake.path(".").mkdir()
    root = lake.uri("").removesuffix("/")
    for file in VERSION_1.rglob("*.*"):
        target = lake.path(str(file.relative_to(VERSION_1)))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
        if file.suffix == ".json":
            target.write_text(file.read_text().replace("LAKE", root))
        if file.name.endswith(".json.gz"):
            target.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"LAKE", root.encode())))
    rebuilt = "rebuilt/rebuild/rebuild-20260315T120200000/event_date=2026-03-14/"
    lake.catalog.registered = {day: lake.uri(f"events/event_date={day}/") for day in ("2026-03-13", "2026-03-15")}
    lake.catalog.registered["2026-03-14"] = lake.uri(rebuilt)
    lake.runs = 10
    return lake


def test_a_lake_of_the_version_before_goes_on(old_lake):
    assert set(old_lake.rows()) == {"a", "b", "c", "late", "d"}
    copy = event("b", event_time="2026-03-14T10:00:00.000Z")
    old_lake.put_raw(event("e"), copy, first=400, time="2026-03-15T11:30:00.000Z")
    report = old_lake.run()
    # The rows of the killed run are removed and written again.
    assert (report["written"], report["recovered"], report["duplicates"]) == (2, 0, 1)
    assert set(old_lake.rows()) == {"a", "b", "c", "late", "d", "e"}
    assert not any("part-killed" in file for file in old_lake.files())
    # The second run finds the head and lists neither the table nor the reports.
    old_lake.store = CountingStore()
    assert old_lake.run()["outcome"] == "nothing_new"
    assert old_lake.store.listed < 10


def test_a_copy_with_another_date_is_found_in_a_lake_of_the_version_before(old_lake):
    old_lake.put_raw(event("late", event_time="2026-03-15T10:00:00.000Z"), first=400)
    report = old_lake.run()
    assert (report["written"], report["quarantine_reasons"]) == (1, {"id_conflict": 1})
