"""The files of the way `arrival`: what a run removes, what it keeps, and a writer that is late or killed."""

import gzip
import hashlib
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from clickstream.arrived_files import remove_arrived
from clickstream.head import DateFiles, Head, Position, TakenList
from clickstream.quarantine import load_quarantine, unreadable_line
from clickstream.run import Run
from directory_store import DirectoryStore
from lake import Crash, Lake

DAY = "2026-03-15"
NOW = datetime.now(timezone.utc)
FOLDER = "year=2026/month=03/day=15/hour=09/"


class Arrival:
    """A lake whose raw objects are called as Firehose calls them, and what to-parquet wrote for them."""

    def __init__(self, folder: Path) -> None:
        # Nothing here starts Spark.
        self.lake = Lake(folder, cast(Any, None))
        self.head = Head()

    def write(self, name: str, *days: str, **ago: int) -> None:
        hashed = self.name_of(name)
        for uri in [*(f"arrived/event_date={day}/{hashed}.parquet" for day in days), f"runs/arrived/{hashed}.json"]:
            self.lake.store.put(self.lake.uri(uri), b"PAR1")
            self.lake.age(self.lake.uri(uri), **ago)

    def name_of(self, name: str) -> str:
        """By hand: what the contract says of the name."""
        return hashlib.sha256(f"raw/{FOLDER}{name}.jsonl.gz".encode()).hexdigest()[:32]

    def take(self, *names: str, **ago: int) -> None:
        """A run took these raw objects and was committed so long ago."""
        at = NOW - timedelta(**ago)
        uri = self.lake.uri(f"runs/taken/{len(self.head.taken)}.json.gz")
        taken = [self.lake.uri(f"raw/{FOLDER}{name}.jsonl.gz") for name in names]
        self.lake.store.put(uri, gzip.compress(json.dumps([*taken, self.lake.uri("quarantine/x.jsonl.gz")]).encode()))
        self.head = Head(
            committed_at=at,
            position=Position(at - timedelta(minutes=5), "", []),
            retention_hours=24,
            taken=[*self.head.taken, TakenList(at, uri)],
            dates={DAY: DateFiles(at, 1, 1)},
        )
        self.lake.catalog.registered[DAY] = self.lake.uri(f"events/event_date={DAY}/")

    def clear(self, arrived_path: str = "arrived/") -> None:
        path = self.lake.uri(arrived_path) if arrived_path != "none" else "none"
        options = self.lake.options(arrived_path=path)
        remove_arrived(Run(options, self.lake.store, self.lake.catalog, self.lake.open_spark, NOW), self.head)

    def left(self) -> list[str]:
        """What is left: the dates or "marker" of each name."""
        names = {self.name_of(name): name for name in ("a", "b", "c", "late")}
        found = [*self.lake.store.list_objects(self.lake.uri("arrived/"))]
        found += self.lake.store.list_objects(self.lake.uri("runs/arrived/"))
        return sorted(f"{names[Path(one.uri).stem]} {Path(one.uri).parent.name}" for one in found)


@pytest.fixture
def arrival(tmp_path: Path) -> Arrival:
    return Arrival(tmp_path)


def test_files_go_an_hour_after_the_run_that_took_their_object_was_committed(arrival: Arrival) -> None:
    arrival.write("a", DAY, "2026-03-14", minutes=90)
    arrival.write("b", DAY, minutes=50)
    arrival.write("c", DAY, minutes=1)
    arrival.take("a", minutes=61)
    arrival.take("b", minutes=59)
    arrival.clear()
    assert arrival.left() == ["b arrived", f"b event_date={DAY}", "c arrived", f"c event_date={DAY}"]


def test_other_ways_keep_what_is_there(arrival: Arrival) -> None:
    arrival.write("a", DAY, minutes=90)
    arrival.take("a", minutes=61)
    arrival.clear("none")
    assert arrival.left() == ["a arrived", f"a event_date={DAY}"]


def test_a_file_that_is_written_after_its_object_was_taken_goes_with_the_next_run(arrival: Arrival) -> None:
    arrival.take("late", minutes=120)
    arrival.clear()
    arrival.write("late", DAY, minutes=0)
    arrival.clear()
    assert arrival.left() == []


def test_a_file_whose_object_is_in_no_list_any_more_goes_when_nothing_so_old_can_be_new(arrival: Arrival) -> None:
    # Sent again from the queue of failed objects, two weeks later. The last run listed 66 minutes ago; before that come
    # the retention of 24 hours and a margin of one hour.
    arrival.take("a", minutes=61)
    arrival.write("late", DAY, hours=26, minutes=7)
    arrival.write("b", DAY, hours=26, minutes=5)
    arrival.clear()
    assert arrival.left() == ["b arrived", f"b event_date={DAY}"]


def test_right_after_a_commit_the_age_of_a_file_decides_nothing(arrival: Arrival) -> None:
    arrival.write("late", DAY, hours=48)
    arrival.take("a", minutes=10)
    arrival.clear()
    assert arrival.left() == ["late arrived", f"late event_date={DAY}"]


def test_a_date_that_the_job_wrote_to_and_nobody_registered_keeps_its_files_and_their_marker(arrival: Arrival) -> None:
    arrival.write("a", DAY, "2026-03-14", minutes=90)
    arrival.take("a", minutes=61)
    arrival.lake.catalog.registered.clear()
    arrival.clear()
    # The job wrote nothing for the 14th: the rows of its file were copies, so no partition of it will come.
    assert arrival.left() == ["a arrived", f"a event_date={DAY}"]


def test_a_run_that_is_killed_in_the_middle_leaves_the_rest_to_the_next_one(
    arrival: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival.write("a", DAY, "2026-03-14", minutes=90)
    arrival.take("a", minutes=61)
    delete = DirectoryStore.delete

    def delete_one(store: DirectoryStore, uris: list[str]) -> None:
        delete(store, uris[:1])
        raise Crash

    monkeypatch.setattr(DirectoryStore, "delete", delete_one)
    with pytest.raises(Crash):
        arrival.clear()
    assert len(arrival.left()) == 2, "one file is gone, the marker is not"
    monkeypatch.setattr(DirectoryStore, "delete", delete)
    arrival.clear()
    assert arrival.left() == []


def test_without_arrived_files_no_list_of_taken_objects_is_read(
    arrival: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival.take("a", minutes=61)
    monkeypatch.setattr(DirectoryStore, "get_tagged", lambda *_: pytest.fail("read a list"))
    arrival.clear()


def test_unreadable_lines_of_firehose_s_objects_go_to_the_hour_of_their_object(arrival: Arrival) -> None:
    uri = arrival.lake.uri(f"raw/{FOLDER}stream-1-2026-03-15-09-30-01-0b7d.jsonl.gz")
    line = unreadable_line(uri, "{")
    options = arrival.lake.options()
    run = Run(options, arrival.lake.store, arrival.lake.catalog, arrival.lake.open_spark, NOW)
    load_quarantine(run, [(uri, line)], "-unreadable.jsonl.gz")
    target = f"quarantine/{FOLDER}stream-1-2026-03-15-09-30-01-0b7d-unreadable.jsonl.gz"
    saved = json.loads(gzip.decompress(arrival.lake.store.get(arrival.lake.uri(target))))
    assert saved["arrival_time"] == "2026-03-15 09:00:00.000"
    assert "shard_id" not in saved
