"""Compaction: many small files of a date become few, in a new location, while readers see every row once."""

import json
import math
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame

from clickstream.attempts import note_attempt
from clickstream.compact import CompactionFailed, compact, compact_due, merge
from clickstream.compacted import Compacted
from clickstream.compaction_plan import FileCount, data_files, files_of
from clickstream.contract import EVENT_COLUMNS
from clickstream.files import write_parquet, write_sorted
from clickstream.head import Head, read_head, swap_head
from clickstream.progress import Work
from clickstream.retire import remove_retired
from directory_store import FailingOnce
from lake import Crash, Lake, event
from test_reprocess import retire

OLD = ("2026-03-01", "2026-03-02", "2026-03-03")
NOW = datetime(2026, 3, 15, 15, tzinfo=timezone.utc)
OLD_FILE = Path(__file__).resolve().parents[1] / "fixtures" / "version-1" / "events.parquet"


@pytest.fixture(scope="module")
def prepared(new_lake) -> Lake:
    """A lake after three runs, with three old dates of three files each, and one date of today."""
    lake = new_lake()
    for number in range(3):
        # In reverse order of their times.
        old = [event(f"{day}-{number}", f"{day}T1{9 - number}:00:00.000Z", user_id=f"u{number}") for day in OLD]
        lake.put_raw(*old, event(f"today-{number}"), first=100 * (number + 1), time=f"2026-03-15T0{number}:30:00.000Z")
        lake.register(lake.run(f"run-{number}", compaction="off"))
    lake.save()
    return lake


@pytest.fixture
def lake(prepared) -> Lake:
    prepared.restore()
    prepared.spark_starts = 0
    return prepared


def location(lake: Lake, day: str) -> str:
    return lake.catalog.registered.get(day) or lake.uri(f"events/event_date={day}/")


def figures(lake: Lake) -> dict[str, FileCount]:
    """What the head object has for each date."""
    return {day: files_of(data_files(at, lake.store.list_objects(at))) for day, at in lake.places().items()}


def number_of_files(lake: Lake) -> dict[str, int]:
    return {day: found.files for day, found in sorted(figures(lake).items())}


def run_compaction(
    lake: Lake, execution: str = "compacting", claim: Callable = lambda moves: None, now: datetime = NOW, **how: Any
) -> Compacted:
    def locate(days: list[str]) -> dict[str, str]:
        return {day: location(lake, day) for day in days}

    return compact(lake.attempt(execution, now, **how), figures(lake), locate, claim, now)


def root(lake: Lake, execution: str = "compacting") -> str:
    return lake.uri(f"rebuilt/{execution}/{execution}-20260315T150000000-compact/")


def test_old_dates_get_one_file_each_and_no_row_changes(lake):
    before, old_files = lake.rows(), lake.files()
    result = run_compaction(lake)
    # processed_at and ingested_at included: the run of a row stays known.
    assert lake.rows() == before
    assert number_of_files(lake) == {day: 1 for day in OLD} | {"2026-03-15": 3}
    assert result.locations == {day: f"{root(lake)}event_date={day}/" for day in OLD}
    assert lake.catalog.locations() == result.locations | {"2026-03-15": lake.uri("events/event_date=2026-03-15/")}
    assert result.retired == [lake.uri(f"events/event_date={day}/") for day in OLD]
    report = result.to_json()
    assert report.pop("seconds") > 0
    written = sum(one.size for day in OLD for one in lake.store.list_objects(lake.uri(f"events/event_date={day}/")))
    assert report == {"dates": 3, "files_before": 9, "files_after": 3, "bytes": written, "left": 0}
    assert {day: (found.files, found.bytes) for day, found in result.figures.items()} == {
        day: tuple(figures(lake)[day]) for day in OLD
    }
    # A query that started before the switch still reads the old files.
    assert all(lake.store.exists(f"file://{file}") for file in old_files)
    [merged] = lake.path(f"rebuilt/compacting/compacting-20260315T150000000-compact/event_date={OLD[0]}").iterdir()
    assert merged.name == "merged-compacting-20260315T150000000-00000.parquet"
    # Sorted by time, which the runs wrote in reverse order.
    assert pq.ParquetFile(merged).read()["event_id"].to_pylist() == [f"{OLD[0]}-{number}" for number in (2, 1, 0)]
    # Nothing is due any more.
    assert run_compaction(lake, "again") == Compacted()


def test_the_table_has_the_same_rows_at_every_step_until_the_old_files_are_removed(lake):
    before = lake.rows()
    run_compaction(lake)
    # New rows go to the new location, and copies are found there.
    lake.put_raw(
        event("late", f"{OLD[0]}T09:00:00.000Z"), event(f"{OLD[0]}-1", f"{OLD[0]}T18:00:00.000Z", user_id="u1"),
        first=500, time="2026-03-15T10:30:00.000Z",
    )  # fmt: skip
    report = lake.run("next")
    assert (report["written"], report["duplicates"]) == (1, 1)
    assert set(lake.rows()) == {*before, "late"}
    assert number_of_files(lake)[OLD[0]] == 2
    retire(lake, minutes=59)
    remove_retired(lake.attempt())
    assert lake.store.exists(lake.uri(f"events/event_date={OLD[0]}/"))
    retire(lake, minutes=61)
    remove_retired(lake.attempt())
    # MSCK REPAIR finds no file in the default folders.
    assert not any(lake.store.exists(lake.uri(f"events/event_date={day}/")) for day in OLD)
    assert not lake.store.exists(lake.uri("runs/retired/"))
    assert set(lake.rows()) == {*before, "late"}
    # The merged file and a late one are few enough. A second late file is too many.
    put_late(lake, "later")
    second = run_compaction(lake, "second")
    assert [one.day for one in second.dates] == [OLD[0]]
    assert set(lake.rows()) == {*before, "late", "later"}
    retire(lake, minutes=61)
    remove_retired(lake.attempt())
    assert set(lake.rows()) == {*before, "late", "later"}
    assert not lake.store.exists(f"{root(lake)}event_date={OLD[0]}/")


def put_late(lake: Lake, event_id: str) -> None:
    """Adds a file of one late row to the first date."""
    sequence = 600 + lake.runs
    lake.put_raw(event(event_id, f"{OLD[0]}T09:00:00.000Z"), first=sequence, time="2026-03-15T11:30:00.000Z")
    assert lake.run(f"adds-{event_id}", compaction="off")["written"] == 1


def test_a_location_that_was_left_a_moment_ago_is_kept_although_an_older_note_names_it(lake):
    first = run_compaction(lake).locations[OLD[0]]
    retire(lake, minutes=61)
    # Without the removal at the start of a run, as if both compactions were within an hour.
    [note] = lake.store.list_objects(lake.uri("runs/retired/"))
    body = lake.store.get(note.uri)
    put_late(lake, "late")
    put_late(lake, "later")
    lake.store.put(note.uri, body)
    second = run_compaction(lake, "second").locations[OLD[0]]
    remove_retired(lake.attempt())
    assert lake.store.exists(first)
    retire(lake, minutes=61)
    remove_retired(lake.attempt())
    assert not lake.store.exists(first)
    assert lake.store.exists(second)
    assert "late" in lake.rows()


def test_a_reader_sees_each_row_once_all_the_while(lake):
    before = set(lake.rows())
    stop, seen, problems = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                seen.append(set(lake.rows()))
            except BaseException as problem:
                problems.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        run_compaction(lake)
        put_late(lake, "late")
        put_late(lake, "later")
        retire(lake, minutes=61)
        run_compaction(lake, "second")
        remove_retired(lake.attempt())
    finally:
        stop.set()
        reader.join()
    assert problems == []
    assert len(seen) > 5
    assert all(rows in (before, before | {"late"}, before | {"late", "later"}) for rows in seen)


def test_does_nothing_if_it_is_off_or_nothing_is_due(lake, monkeypatch):
    monkeypatch.setattr(lake.store, "list_objects", lambda *_: pytest.fail("listed"))
    nothing = compact(lake.attempt("off", NOW, compaction="off"), {OLD[0]: FileCount(9, 9)}, fail, fail, NOW)
    assert nothing == Compacted()
    young = {"2026-03-13": FileCount(17, 9), "2026-03-01": FileCount(1, 9)}
    assert compact(lake.attempt("idle", NOW), young, fail, fail, NOW) == Compacted()
    assert nothing.to_json() == {
        "dates": 0, "files_before": 0, "files_after": 0, "bytes": 0, "left": 0, "seconds": 0.0,
    }  # fmt: skip
    assert lake.spark_starts == 0


def fail(*_: object) -> Any:
    pytest.fail("called")


def test_a_young_date_is_compacted_if_it_has_many_small_files(lake):
    before = lake.rows()
    young = {"2026-03-15": FileCount(18, 1000)}
    result = compact(
        lake.attempt("young", NOW), young, lambda days: {day: location(lake, day) for day in days}, ignore, NOW
    )
    # The figures of the head can be wrong. The files that are listed decide.
    assert [(one.day, one.before.files, one.after.files) for one in result.dates] == [("2026-03-15", 3, 1)]
    assert lake.rows() == before


def ignore(moves: dict) -> None:
    """A claim that no other run disputes."""


def test_a_date_with_fewer_files_than_the_head_says_stays_where_it_is_and_its_figures_are_returned(lake):
    run_compaction(lake)
    places = lake.places()
    wrong = {day: FileCount(5, 9) for day in OLD}
    result = compact(lake.attempt("wrong", NOW), wrong, lambda days: {day: places[day] for day in days}, fail, NOW)
    assert (result.dates, result.left, lake.places()) == ([], [], places)
    assert result.figures == {day: figures(lake)[day] for day in OLD}


def test_lists_each_due_date_once_and_asks_for_no_other(lake, monkeypatch):
    listed: list[str] = []
    list_objects = lake.store.list_objects
    candidates, asked = figures(lake), []

    def locate(days: list[str]) -> dict[str, str]:
        asked.append(days)
        return {day: location(lake, day) for day in days}

    monkeypatch.setattr(lake.store, "list_objects", lambda *of: listed.append(of[0]) or list_objects(*of))
    compact(lake.attempt("compacting", NOW), candidates, locate, ignore, NOW)
    assert sorted(listed) == [
        *(lake.uri(f"events/event_date={day}/") for day in OLD),
        lake.uri("runs/attempts/"),
    ]
    assert asked == [list(OLD)]


# ---- large files ----


def incompressible(spark, count: int, day: str) -> DataFrame:
    """Rows of the table, about 70 compressed bytes each: the digits of a hash."""
    columns = {
        "event_id": "CAST(id AS string)",
        "event_type": "'click'",
        "event_time": f"TIMESTAMP '{day} 00:00:00' + make_interval(0, 0, 0, 0, 0, 0, id)",
        "user_id": "sha2(CAST(id AS string), 512)",
        "ingested_at": "TIMESTAMP '2026-03-15 09:00:00'",
        "processed_at": "TIMESTAMP '2026-03-15 12:00:00'",
    }
    every = [f"CAST({columns.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in EVENT_COLUMNS.items()]
    return spark.range(count).selectExpr(*every)


def test_large_files_are_copied_and_large_amounts_get_several_files(lake, spark):
    day = OLD[0]
    place = location(lake, day)
    rows = incompressible(spark, 48_000, day)
    for low, high in ((0, 10_000), (10_000, 22_000), (22_000, 48_000)):
        part = rows.where(f"CAST(event_id AS int) >= {low} AND CAST(event_id AS int) < {high}")
        # 26,000 rows in files of about 2,000 rows.
        pieces = part.repartition(13) if low == 22_000 else part.coalesce(1)
        pieces.write.mode("append").option("compression", "zstd").parquet(place)
    before = {one.uri: lake.store.get(one.uri) for one in data_files(place, lake.store.list_objects(place))}
    large = {uri: body for uri, body in before.items() if len(body) >= 500_000}
    assert (len(large), len(before)) == (2, 18)
    total = sum(len(body) for body in before.values())
    ids = set(lake.rows())

    result = run_compaction(lake, target_file_mb="1")

    [done] = [one for one in result.dates if one.day == day]
    assert lake.rows().keys() == ids
    after = {one.uri: lake.store.get(one.uri) for one in lake.store.list_objects(done.new)}
    merged = {uri: body for uri, body in after.items() if "/merged-" in uri}
    copied = {uri: body for uri, body in after.items() if uri not in merged}
    assert copied
    assert {done.old + uri[len(done.new) :]: body for uri, body in copied.items()}.items() <= large.items()
    assert len(merged) >= 2
    assert len(after) == done.after.files <= math.ceil(total / 1_000_000) < len(before)
    assert done.after == FileCount(len(after), sum(len(body) for body in after.values()))
    assert done.rewritten == total - sum(len(body) for body in copied.values())
    # It is not due again, although the files got smaller.
    assert run_compaction(lake, "again", target_file_mb="1").dates == []


def test_files_of_an_earlier_version_and_of_spark_are_merged_and_hidden_ones_are_not(lake, spark):
    day = "2026-03-02"
    folder = lake.path(f"events/event_date={day}")
    shutil.copy(OLD_FILE, folder / "part-old.parquet")
    # Times as INT96, which older versions of Spark write. Files in a folder are read by Athena too.
    spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    try:
        spark.sql(
            f"SELECT 'int96' AS event_id, 'click' AS event_type, TIMESTAMP '{day} 23:59:59.123456' AS event_time, "
            "map('k', 'v') AS properties"
        ).coalesce(1).write.parquet(f"{location(lake, day)}sub/")
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    for hidden in (".spark-staging-1", "_temporary"):
        (folder / hidden).mkdir()
        shutil.copy(OLD_FILE, folder / hidden / "part-9.parquet")
    # A name that a URL escapes.
    [one, *_] = folder.glob("part-run-0*")
    one.rename(folder / "part a+b%20c.parquet")
    columns = "event_id, event_time, user_id, page_title, properties"
    before = [row for row in by_spark(spark, location(lake, day), columns)]
    assert {row[0] for row in before} == {"old-1", "old-2", "int96", *(f"{day}-{number}" for number in range(3))}
    result = run_compaction(lake)
    assert result.dates[1].before.files == 5
    assert number_of_files(lake)[day] == 1
    assert by_spark(spark, location(lake, day), columns) == before


def by_spark(spark, place: str, columns: str) -> list[tuple]:
    schema = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS.items())
    table = spark.read.schema(schema).option("recursiveFileLookup", "true").parquet(place)
    return [tuple(row) for row in table.selectExpr(*columns.split(", ")).orderBy("event_id").collect()]


# ---- the budget ----


def test_the_bytes_of_a_run_are_limited_and_later_runs_go_on_with_the_oldest(lake):
    done = []
    for number in range(3):
        attempt = lake.attempt(f"c{number}", NOW)
        # Each date is larger than this budget, and is done alone.
        attempt = replace(attempt, options=replace(attempt.options, compaction_mb=0))
        done.append(
            compact(attempt, figures(lake), lambda days: {day: location(lake, day) for day in days}, ignore, NOW)
        )
    assert [([one.day for one in each.dates], each.left) for each in done] == [
        ([OLD[0]], [OLD[1], OLD[2]]),
        ([OLD[1]], [OLD[2]]),
        ([OLD[2]], []),
    ]
    assert done[0].to_json()["left"] == 2


def test_no_chunk_starts_after_the_seconds_are_used_up(lake, monkeypatch):
    monkeypatch.setattr("clickstream.compaction_plan.CHUNK_BYTES", 1)
    clock = iter([0.0, 119.9, 120.0, 121.0, 500.0])
    monkeypatch.setattr("clickstream.compact.time.monotonic", lambda: next(clock))
    result = run_compaction(lake)
    assert [one.day for one in result.dates] == [OLD[0], OLD[1]]
    assert (result.left, result.seconds) == ([OLD[2]], 121.0)
    # The old locations of both chunks are removed later.
    retire(lake, minutes=61)
    monkeypatch.undo()
    remove_retired(lake.attempt())
    assert [lake.store.exists(lake.uri(f"events/event_date={day}/")) for day in OLD] == [False, False, True]


@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("compaction", "true", "--compaction must be on or off, got 'true'"),
        ("compaction_mb", "0", "--compaction_mb must be a whole number from 1, got '0'"),
        ("compaction_seconds", "1.5", "--compaction_seconds must be a whole number from 1, got '1.5'"),
    ],
)
def test_an_argument_that_is_not_allowed_is_named(lake, argument, value, allowed):
    with pytest.raises(ValueError, match=allowed):
        lake.options("wrong", **{argument: value})


# ---- what must not be compacted ----


def test_a_date_with_files_of_an_attempt_that_is_not_committed_is_left_out(lake):
    dead = lake.attempt("dead", NOW - timedelta(hours=1))
    note_attempt(dead, Work([], [], [], NOW, Head()))
    [file, *_] = lake.store.list_objects(location(lake, OLD[1]))
    lake.store.put(f"{location(lake, OLD[1])}part-{dead.stamp}-00000.parquet", lake.store.get(file.uri))
    result = run_compaction(lake)
    assert ([one.day for one in result.dates], result.left) == ([OLD[0], OLD[2]], [OLD[1]])
    assert lake.catalog.registered[OLD[1]] == lake.uri(f"events/event_date={OLD[1]}/")


def test_nothing_is_switched_if_another_run_could_commit_at_the_old_location(lake):
    before, places = lake.rows(), lake.places()
    claimed: list[dict] = []

    def refused(moves: dict) -> None:
        claimed.append(moves)
        raise RuntimeError("another run replaced the head")

    with pytest.raises(RuntimeError, match="another run replaced the head"):
        run_compaction(lake, claim=refused)
    assert claimed == [{day: f"{root(lake)}event_date={day}/" for day in OLD}]
    assert (lake.rows(), lake.places()) == (before, places)


@pytest.mark.parametrize("rows", [1, 4])
def test_nothing_is_switched_if_rows_are_lost_or_doubled(lake, monkeypatch, rows):
    before, places = lake.rows(), lake.places()

    def miscounted(*arguments: Any) -> list:
        first, *others = write_sorted(*arguments)
        return [first._replace(rows=rows), *others]

    monkeypatch.setattr("clickstream.compact.write_sorted", miscounted)
    with pytest.raises(CompactionFailed, match=rf"have 3 rows, but the merged files have {rows}.*compaction false"):
        run_compaction(lake)
    monkeypatch.undo()
    assert (lake.rows(), lake.places()) == (before, places)
    # The useless files are removed later.
    retire(lake, minutes=61)
    remove_retired(lake.attempt())
    assert not lake.store.exists(lake.uri("rebuilt/"))
    assert (lake.rows(), lake.places()) == (before, places)


def test_a_repeated_task_writes_no_row_twice(lake, monkeypatch, tmp_path):
    before = lake.rows()
    monkeypatch.setattr(lake.store, "uploads", lambda: FailingOnce(str(tmp_path / "failed")))
    run_compaction(lake)
    assert (tmp_path / "failed").exists()
    assert lake.rows() == before
    assert number_of_files(lake)[OLD[0]] == 1


def test_a_date_that_is_not_registered_is_registered_at_its_new_location(lake):
    del lake.catalog.registered[OLD[0]]
    before = lake.rows()
    result = run_compaction(lake)
    assert lake.catalog.registered[OLD[0]] == result.locations[OLD[0]]
    # The pipeline registers the dates of a run only if they are not registered yet.
    lake.register({"partitions": OLD})
    assert lake.rows() == before


# ---- killed at any point ----

STEPS = [("note", 1), ("copy", 1), ("write", 1), ("note", 2), ("claim", 1), ("switch", 1)]


class CompactionSteps:
    """Counts the changes of a compaction, and kills it before or after one of them."""

    def __init__(self, lake: Lake, patch: pytest.MonkeyPatch, die_before: tuple = (), die_after: tuple = ()):
        self.seen: list[tuple[str, int]] = []
        self.before, self.after = die_before, die_after
        patch.setattr(lake.store, "put", self.watched(lake.store.put, "note"))
        patch.setattr(lake.store, "copy", self.watched(lake.store.copy, "copy"))
        patch.setattr("clickstream.compact.write_sorted", self.watched(write_sorted, "write"))
        patch.setattr(lake.catalog, "switch", self.watched(lake.catalog.switch, "switch"))
        self.claim = self.watched(ignore, "claim")

    def watched(self, real: Callable, name: str) -> Callable:
        def step(*arguments: Any) -> object:
            number = (name, 1 + sum(seen == name for seen, _ in self.seen))
            if number == self.before:
                raise Crash(name)
            result = real(*arguments)
            self.seen.append(number)
            if number == self.after:
                raise Crash(name)
            return result

        return step


@pytest.fixture
def with_large_file(lake, spark) -> Lake:
    """The first date has a large file too, which is copied. The copies start before the merge."""
    rows = incompressible(spark, 20_000, OLD[0])
    rows.coalesce(1).write.mode("append").parquet(location(lake, OLD[0]))
    return lake


@pytest.mark.parametrize("how", ["die_before", "die_after"])
def test_killed_at_any_step_the_next_run_ends_with_the_same_rows_and_files(with_large_file, how):
    lake = with_large_file
    before, places = lake.rows(), lake.places()
    switched = False
    for number, step in enumerate(STEPS):
        with pytest.MonkeyPatch.context() as patch:
            steps = CompactionSteps(lake, patch, **{how: step})
            with pytest.raises(Crash):
                run_compaction(lake, f"killed-{number}", steps.claim, target_file_mb="2")
        assert (step in steps.seen) == (how == "die_after")
        # The copies and the merge run at the same time. All others are in order.
        assert not {*STEPS[max(number + 1, 3) :]} & {*steps.seen}
        assert lake.rows() == before
        switched = ("switch", 1) in steps.seen
        assert (lake.places() == places) != switched
    assert switched == (how == "die_after")
    run_compaction(lake, "undisturbed", target_file_mb="2")
    assert lake.rows() == before
    assert number_of_files(lake) == {OLD[0]: 2, OLD[1]: 1, OLD[2]: 1, "2026-03-15": 3}
    # All that the killed ones left is removed, and no file that is read.
    retire(lake, minutes=61)
    remove_retired(lake.attempt())
    assert lake.rows() == before
    used = tuple(lake.places().values())
    everything = lake.store.list_objects(lake.uri("events/")) + lake.store.list_objects(lake.uri("rebuilt/"))
    assert [one.uri for one in everything if not one.uri.startswith(used)] == []
    lake.put_raw(event("late", f"{OLD[0]}T09:00:00.000Z"), first=500, time="2026-03-15T10:30:00.000Z")
    assert lake.run("next")["written"] == 1
    assert lake.rows().keys() == {*before, "late"}


# ---- as a part of a run ----


def put_new(lake: Lake) -> None:
    lake.put_raw(
        event("late", f"{OLD[0]}T09:00:00.000Z"), event(f"{OLD[0]}-1", f"{OLD[0]}T18:00:00.000Z", user_id="u1"),
        first=500, time="2026-03-15T10:30:00.000Z",
    )  # fmt: skip


def head(lake: Lake) -> Head:
    found = read_head(lake.store, lake.options())
    assert found is not None
    return found


def assert_head_has_the_files_of(lake: Lake) -> None:
    found = {day: FileCount(one.files, one.bytes) for day, one in head(lake).dates.items()}
    assert found == {day: one for day, one in figures(lake).items() if day in found}
    assert (head(lake).moving, OLD[0] in found) == ({}, True)


def test_a_run_compacts_after_its_commit_and_reports_it(lake):
    before = lake.rows()
    assert_head_has_the_files_of(lake)
    put_new(lake)
    report = lake.run("next")
    assert lake.rows() == before | {"late": lake.rows()["late"]}
    assert number_of_files(lake) == {OLD[0]: 1, OLD[1]: 1, OLD[2]: 1, "2026-03-15": 3}
    assert (report["written"], report["duplicates"], report["files"]) == (1, 1, 1)
    compaction = report["compaction"]
    counts = {name: compaction[name] for name in ("dates", "files_before", "files_after", "left")}
    assert counts == {"dates": 3, "files_before": 10, "files_after": 3, "left": 0}
    assert report["retired"]["locations"] == [lake.uri(f"events/event_date={day}/") for day in OLD]
    assert json.loads(lake.store.get(lake.uri("runs/summaries/next.json")))["compaction"] == compaction
    assert json.loads(lake.store.get(lake.uri("runs/next.json"))) == report
    assert_head_has_the_files_of(lake)
    # Without new rows there is nothing to compact.
    assert lake.run("idle")["compaction"]["dates"] == 0
    assert lake.catalog.registered[OLD[0]].startswith(lake.uri("rebuilt/next/"))


def test_a_run_with_compaction_off_compacts_nothing(lake):
    put_new(lake)
    report = lake.run("next", compaction="off")
    assert (report["written"], report["compaction"]["dates"], number_of_files(lake)[OLD[0]]) == (1, 0, 4)


def test_the_files_of_a_date_that_the_head_no_longer_names_are_counted_again(lake):
    forgotten = replace(head(lake), dates={})
    assert swap_head(lake.store, lake.options(), head(lake), forgotten)
    put_new(lake)
    lake.run("next", compaction="off")
    assert number_of_files(lake)[OLD[0]] == 4
    assert list(head(lake).dates) == [OLD[0]]
    assert_head_has_the_files_of(lake)


def test_a_compaction_that_another_run_has_overtaken_switches_nothing_and_says_so(lake, monkeypatch):
    before = lake.rows()
    put_new(lake)

    def overtaken(*given: Any) -> list:
        monkeypatch.undo()
        lake.put_raw(event("other"), first=600, time="2026-03-15T11:30:00.000Z")
        lake.run("other")
        lake.places_of_other = lake.places()
        return merge(*given)

    monkeypatch.setattr("clickstream.compact.merge", overtaken)
    report = lake.run("overtaken")
    assert (report["written"], report["compaction"]["dates"], report["compaction"]["left"]) == (1, 0, 3)
    assert "changed the head object first" in report["compaction"]["error"]
    assert lake.places() == lake.places_of_other
    assert lake.rows().keys() == {*before, "late", "other"}
    assert lake.run("afterwards")["outcome"] == "nothing_new"


def test_an_error_of_the_compaction_does_not_fail_a_run_that_is_committed(lake, monkeypatch):
    put_new(lake)
    monkeypatch.setattr("clickstream.compact.merge", failing)
    report = lake.run("next")
    assert (report["written"], report["compaction"]["error"]) == (1, "no space left")
    assert json.loads(lake.store.get(lake.uri("runs/summaries/next.json")))["compaction"] == report["compaction"]
    monkeypatch.undo()
    # The next run with new rows goes on.
    lake.put_raw(event("more"), first=600, time="2026-03-15T11:30:00.000Z")
    assert lake.run("more")["compaction"]["dates"] == 3


def failing(*_: object) -> list:
    raise OSError("no space left")


def test_files_of_a_withdrawn_attempt_that_is_still_active_are_not_merged(lake):
    [file, *_] = lake.store.list_objects(location(lake, OLD[1]))
    lake.store.put(f"{location(lake, OLD[1])}part-zombie-00000.parquet", lake.store.get(file.uri))
    result = compact_due(lake.attempt("next", NOW), head(lake), ("zombie",))
    assert ([one.day for one in result.dates], result.left) == ([OLD[0], OLD[2]], [OLD[1]])


RUN_STEPS = [
    "put runs/attempts", "append", "put runs/taken", "put runs/summaries", "put runs/attempts", "swap", "put runs",
    "put runs/retired", "merge", "put runs/retired", "swap", "switch", "swap", "put runs", "put runs/summaries",
]  # fmt: skip


# After the commit, around the merge and around the switch. The other steps leave the same state as one of these.
@pytest.mark.parametrize("number", [5, 7, 8, 10, 11, 12])
def test_after_a_run_was_killed_at_any_step_after_its_commit_the_next_one_compacts(lake, number):
    put_new(lake)
    before = lake.rows()
    seen: list[str] = []

    def watched(real: Callable, name: Callable[..., str]) -> Callable:
        def step(*given: Any) -> object:
            result = real(*given)
            seen.append(name(*given))
            if len(seen) == number + 1:
                raise Crash(seen[-1])
            return result

        return step

    with pytest.MonkeyPatch.context() as patch:
        folder = len(lake.uri(""))
        patch.setattr(
            lake.store, "put", watched(lake.store.put, lambda uri, _: f"put {uri[folder:].rsplit('/', 1)[0]}")
        )
        patch.setattr(lake.store, "swap", watched(lake.store.swap, lambda *_: "swap"))
        patch.setattr(lake.catalog, "switch", watched(lake.catalog.switch, lambda *_: "switch"))
        patch.setattr("clickstream.compact.write_sorted", watched(write_sorted, lambda *_: "merge"))
        patch.setattr("clickstream.append.write_parquet", watched(write_parquet, lambda *_: "append"))
        with pytest.raises(Crash, match=RUN_STEPS[number]):
            lake.run("killed")
    assert seen == RUN_STEPS[: number + 1]
    assert lake.rows().keys() == {*before, "late"}

    lake.put_raw(event("more"), first=600, time="2026-03-15T11:30:00.000Z")
    report = lake.run("after")

    assert (report["written"], report["duplicates"], report["recovered"]) == (1, 0, 0)
    assert {name: row for name, row in lake.rows().items() if name not in ("late", "more")} == before
    assert lake.store.exists(lake.uri("runs/killed.json"))
    assert number_of_files(lake) == {OLD[0]: 1, OLD[1]: 1, OLD[2]: 1, "2026-03-15": 4}
    assert_head_has_the_files_of(lake)
    retire(lake, minutes=61)
    remove_retired(lake.attempt())
    used = tuple(lake.places().values())
    everything = lake.store.list_objects(lake.uri("events/")) + lake.store.list_objects(lake.uri("rebuilt/"))
    assert [one.uri for one in everything if not one.uri.startswith(used)] == []
    assert lake.rows().keys() == {*before, "late", "more"}


# ---- the promise ----


def test_after_simulated_days_of_runs_with_late_events_no_old_date_has_too_many_files(new_lake):
    """Two runs a day for eight days. test_compaction_plan.py simulates all 720 runs of 30 days."""
    lake = new_lake()
    first = datetime(2026, 3, 1, 1, tzinfo=timezone.utc)
    ids = set()
    for number in range(16):
        now = first + timedelta(hours=12 * number)
        days = {now - timedelta(days=back) for back in (0, 1, 3, number % 7)}
        events = [event(f"{day:%d}-{number}", f"{day:%Y-%m-%d}T00:30:00.000Z") for day in days if day >= first]
        ids |= {one["event_id"] for one in events}
        lake.put_raw(*events, first=1000 * (number + 1), time=f"{now:%Y-%m-%dT%H:%M:%S}.000Z")
        lake.register(lake.run(f"r{number}", now))
        old = (now - timedelta(days=2)).date().isoformat()
        assert all(files <= 2 for day, files in number_of_files(lake).items() if day < old)
    assert set(lake.rows()) == ids
    assert max(number_of_files(lake).values()) > 2
