"""Consecutive runs: each processes what arrived since the last one, curates an event once and counts a line once."""

import json
import threading
from typing import Any

import pytest
from pyspark.sql import Observation

from clickstream.attempts import Overtaken
from clickstream.commit import prepare_commit
from clickstream.counts import observed_counts
from clickstream.files import write_parquet
from clickstream.progress import AlreadyCommitted, Work
from clickstream.run import Run
from lake import Lake, event

# Half an hour after the events of the first run.
LATER = "2026-03-15T10:00:00.000Z"
COUNTS = ("outcome", "curated", "written", "recovered", "duplicates", "redelivered", "quarantined")


def counts(report: dict) -> tuple:
    return tuple(report[name] for name in COUNTS)


@pytest.fixture(scope="module")
def first_run(new_lake) -> Lake:
    """A lake after one committed run over the events a and b, with two lines in quarantine."""
    lake = new_lake()
    lake.put_raw(event("a"), event("b", event_time="2026-03-14T10:00:00.000Z"), first=100)
    lake.put_quarantine("not_json", "not_utf8", first=50)
    report = lake.run("first")
    assert counts(report) == ("processed", 2, 2, 0, 0, 0, 2)
    lake.register(report)
    lake.save()
    return lake


@pytest.fixture
def lake(first_run) -> Lake:
    first_run.restore()
    first_run.spark_starts = 0
    return first_run


def test_a_run_without_new_objects_starts_no_spark_and_reports_nothing_new(lake):
    before = lake.rows()
    report = lake.run()
    assert counts(report) == ("nothing_new", 0, 0, 0, 0, 0, 0)
    assert (report["partitions"], report["files"], report["raw"]["objects"]) == ([], 0, 0)
    assert lake.spark_starts == 0
    assert lake.rows() == before


def test_a_run_processes_only_new_objects_and_adds_a_late_event_to_its_old_date(lake):
    before = lake.rows()
    lake.put_raw(event("c"), event("late", event_time="2026-03-14T23:59:59.000Z"), first=200)
    report = lake.run()
    assert counts(report) == ("processed", 2, 2, 0, 0, 0, 0)
    assert (report["raw"]["objects"], report["partitions"]) == (1, ["2026-03-14", "2026-03-15"])
    after = lake.rows()
    assert {name: after[name] for name in before} == before
    assert after["late"]["event_date"].isoformat() == "2026-03-14"
    assert set(after) == {"a", "b", "c", "late"}


def test_a_run_with_only_duplicates_ends_and_curates_nothing(lake, monkeypatch):
    # Spark removes an empty stage from its plan, and with it the observed counts. The job once waited for them forever.
    monkeypatch.setattr("clickstream.append.counted", lambda *_: pytest.fail("Spark did not return the counts"))
    before = lake.rows()
    lake.put_raw(event("a"), event("b", event_time="2026-03-14T10:00:00.000Z"), first=300, time=LATER)
    report = lake.run()
    assert counts(report) == ("processed", 0, 0, 0, 2, 0, 0)
    assert (report["partitions"], report["files"], report["raw"]["lines"]) == ([], 0, 2)
    assert lake.rows() == before


def test_a_batch_redelivered_with_other_boundaries_is_counted_as_redelivered(lake):
    before = lake.rows()
    # b, sequence 101, is delivered again, now together with 102.
    lake.put_raw(event("b", event_time="2026-03-14T10:00:00.000Z"), event("c"), first=101)
    report = lake.run()
    assert counts(report) == ("processed", 1, 1, 0, 0, 1, 0)
    assert {name: row for name, row in lake.rows().items() if name != "c"} == before


def test_a_copy_that_was_counted_as_duplicate_is_not_counted_again_when_redelivered(lake):
    lake.put_raw(event("a"), event("c"), first=400, time=LATER)
    assert counts(lake.run()) == ("processed", 1, 1, 0, 1, 0, 0)
    lake.put_raw(event("a"), event("c"), event("d"), first=400, time=LATER)
    assert counts(lake.run()) == ("processed", 1, 1, 0, 0, 2, 0)


def test_a_raw_object_overwritten_by_a_redelivery_is_not_processed_again(lake):
    uri = lake.put_raw(event("c"), first=200)
    lake.run()
    # The report is hours old, but the object's LastModified is new.
    for one in lake.store.list_objects(lake.uri("runs/")):
        lake.age(one.uri, minutes=50)
    lake.put_raw(event("c"), first=200)
    lake.spark_starts = 0
    assert counts(lake.run())[0] == "nothing_new"
    assert lake.spark_starts == 0
    assert lake.store.exists(uri)


def test_an_object_that_an_earlier_listing_missed_is_processed(lake):
    # Its LastModified is before the last run's listing, which did not contain it.
    lake.age(lake.put_raw(event("c"), first=200), minutes=30)
    assert counts(lake.run()) == ("processed", 1, 1, 0, 0, 0, 0)
    assert "c" in lake.rows()


def test_quarantine_is_counted_by_reason_once_and_needs_no_spark(lake):
    lake.put_quarantine("not_json", "invalid_field", "not_json", first=60)
    report = lake.run()
    assert counts(report) == ("processed", 0, 0, 0, 0, 0, 3)
    assert report["quarantine_reasons"] == {"invalid_field": 1, "not_json": 2}
    assert lake.spark_starts == 0
    assert lake.run()["outcome"] == "nothing_new"


def test_an_unreadable_raw_line_is_counted_by_one_run_only(lake):
    lake.put_raw(event("c"), "{cut", first=200)
    report = lake.run()
    assert (report["quarantined"], report["quarantine_reasons"]) == (1, {"unreadable_raw_line": 1})
    # The quarantine objects of the job are not counted as objects of the ingest.
    assert counts(lake.run()) == ("nothing_new", 0, 0, 0, 0, 0, 0)
    assert [line["payload"] for line in lake.quarantined() if line["reason"] == "unreadable_raw_line"] == ["{cut"]


def test_rows_stay_the_same_if_all_reports_are_lost(lake):
    before = lake.rows()
    lake.store.clear(lake.uri("runs/"))
    report = lake.run()
    assert counts(report) == ("processed", 2, 0, 2, 0, 0, 2)
    assert lake.rows() == before


def test_rows_stay_the_same_if_only_the_lists_of_processed_objects_are_lost(lake):
    before = lake.rows()
    lake.store.clear(lake.uri("runs/taken/"))
    # The report exists, so the rows are already counted.
    assert counts(lake.run()) == ("processed", 0, 0, 0, 0, 2, 2)
    assert lake.rows() == before


def test_an_execution_with_a_report_is_rejected_before_any_change(lake):
    lake.put_raw(event("c"), first=200)
    with pytest.raises(AlreadyCommitted, match=r"first has already been committed.*Start a new execution"):
        lake.run("first")
    assert lake.spark_starts == 0
    assert set(lake.rows()) == {"a", "b"}


def test_of_two_runs_with_the_same_name_only_one_commits(lake, monkeypatch):
    lake.put_quarantine("not_json", first=60)

    def overtaken(run: Run, work: Work, report: dict) -> None:
        monkeypatch.undo()
        lake.other = lake.run("twin")
        prepare_commit(run, work, report)

    monkeypatch.setattr("clickstream.job.prepare_commit", overtaken)
    with pytest.raises(Overtaken, match="Start the pipeline again"):
        lake.run("twin")
    assert json.loads(lake.store.get(lake.uri("runs/twin.json"))) == lake.other
    assert lake.run()["outcome"] == "nothing_new"


def test_counts_that_spark_counted_twice_are_counted_again(lake, monkeypatch):
    def doubled(observation) -> dict:
        found = observed_counts(observation)
        assert found is not None
        return {name: n * 2 if isinstance(n, int) else n for name, n in found.items()}

    monkeypatch.setattr("clickstream.counts.observed_counts", doubled)
    lake.put_raw(event("c"), event("c"), "{cut", first=200)
    report = lake.run()
    assert counts(report) == ("processed", 1, 1, 0, 1, 0, 1)
    assert report["raw"]["lines"] == 3


def test_lost_counts_are_counted_again(lake, monkeypatch):
    monkeypatch.setattr("clickstream.counts.observed_counts", lambda _: None)
    lake.put_raw(event("c"), event("a"), first=200, time=LATER)
    assert counts(lake.run()) == ("processed", 1, 1, 0, 1, 0, 0)


def test_waits_a_limited_time_for_an_observation(monkeypatch):
    class Silent(Observation):
        @property
        def get(self) -> dict[str, Any]:
            threading.Event().wait(5)
            return {}

    monkeypatch.setattr("clickstream.counts.OBSERVATION_SECONDS", 0.05)
    assert observed_counts(Silent()) is None


def test_nothing_is_committed_if_rows_are_missing_in_the_files(lake, monkeypatch):
    def short(*given) -> list:
        return [write_parquet(*given)[0]._replace(rows=1)]

    monkeypatch.setattr("clickstream.append.write_parquet", short)
    lake.put_raw(event("c"), event("d"), first=200)
    with pytest.raises(RuntimeError, match="2 new events, but 1 rows in the files"):
        lake.run("short")
    assert not lake.store.exists(lake.uri("runs/short.json"))
