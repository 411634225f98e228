"""The summary that the state machine reads stays small for any run."""

import json
from datetime import date, timedelta

import pytest

from clickstream.commit import SUMMARY_FIELDS, summarise
from lake import event

DAYS = [(date(1980, 1, 1) + timedelta(days=number)).isoformat() for number in range(20_000)]


def report(days: list[str], reasons: dict[str, int], retired: int = 0) -> dict:
    """A report of a run with all parts that can be long."""
    return {name: 1 for name in SUMMARY_FIELDS} | {
        "execution": "e" * 80,
        "partitions": days,
        "quarantine_reasons": reasons,
        "retired": {
            "at": "2026-03-15T12:00:00.000Z",
            "locations": [f"s3://b/{'x' * 100}/{n}/" for n in range(retired)],
        },
        "position": {"rebuilds": ["2026-03-15 12:00:00.000"] * 5000},
    }


def test_a_run_of_20000_dates_5000_retired_places_and_10000_reasons_fits_through_a_state():
    long = '\u00e9"' * 200
    reasons = {f"{number:05d}-{long}": number + 1 for number in range(10_000)}
    summary = summarise(report(DAYS, reasons, retired=5000))
    # As getObject returns it: JSON text inside JSON.
    assert len(json.dumps(json.dumps(summary)).encode()) < 32_000
    assert summary["dates"] == {"count": 20_000, "first": "1980-01-01", "last": DAYS[-1]}
    assert summary["partitions"] == DAYS[:10] + DAYS[-10:]
    assert list(summary["quarantine_reasons"].values()) == list(range(10_000, 9980, -1))
    assert summary["quarantine_reasons_left_out"] == {"reasons": 9980, "lines": 9980 * 9981 // 2}
    assert summary["retired"] == {"at": "2026-03-15T12:00:00.000Z", "count": 5000}
    assert "position" not in summary


@pytest.mark.parametrize(("count", "named"), [(0, 0), (1, 1), (5000, 5000), (5001, 20)])
def test_names_all_dates_up_to_5000(count, named):
    summary = summarise(report(DAYS[:count], {"not_json": 2}))
    assert (summary["dates"]["count"], len(summary["partitions"])) == (count, named)
    assert len(json.dumps(json.dumps(summary)).encode()) < 100_000
    assert summary["quarantine_reasons"] == {"not_json": 2}
    assert summary["quarantine_reasons_left_out"] == {"reasons": 0, "lines": 0}


def test_a_run_writes_its_summary_and_its_report(lake_with_events):
    found = lake_with_events.run("first")
    summary = json.loads(lake_with_events.store.get(lake_with_events.uri("runs/summaries/first.json")))
    same = ("execution", "outcome", "processed_at", "raw", "written", "curated", "quarantined", "partitions", "files")
    assert {name: summary[name] for name in same} == {name: found[name] for name in same}
    assert summary["dates"] == {"count": 2, "first": "2026-03-14", "last": "2026-03-15"}
    # A summary is not a report. The next run continues from the report only.
    assert lake_with_events.run("second")["outcome"] == "nothing_new"


@pytest.fixture
def lake_with_events(new_lake):
    lake = new_lake()
    lake.put_raw(event("a"), event("b", event_time="2026-03-14T10:00:00.000Z"))
    return lake
