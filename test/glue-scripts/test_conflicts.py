"""A different event with a known id is quarantined, a copy of an event is a duplicate."""

import json
from typing import Any

import pytest

from clickstream.conflicts import differs
from lake import SHARD, arrived, event

SENT = {
    "page_url": "https://shop.example/p?color=red",
    "session_id": "s1",
    "product_price": 9.5,
    "quantity": 1,
    "properties": {"coupon": "SPRING", "ab": "A"},
    "geo": {"ip": "203.0.113.7", "city": "Berlin"},
    "user_agent": "Mozilla/5.0 (X11)",
}
OTHERS = [
    {"event_type": "purchase"},
    {"event_time": "2026-03-15T09:30:00.001Z"},
    {"event_time": "2026-03-22T09:00:00.000Z"},
    {"user_id": "u2"},
    {"session_id": "s2"},
    {"page_url": "https://shop.example/p?color=blue"},
    {"product_price": 9.51},
    {"quantity": 2},
    {"product_name": "Runner"},
    {"properties": {"coupon": "SUMMER", "ab": "A"}},
    {"properties": {"coupon": "SPRING"}},
    {"properties": {"coupon": "SPRING", "ab": "A", "more": "1"}},
]
SAME = [
    {},
    {"properties": {"ab": "A", "coupon": "SPRING"}},
    {"event_time": "2026-03-15T10:30:00.000+01:00"},
    {"geo": {"ip": "198.51.100.9", "city": "Potsdam"}, "user_agent": "Mozilla/5.0 (Phone)"},
]


def copies(changes: list[dict]) -> list[dict]:
    """The changed events with the same id. They arrive ten seconds after the event under test."""
    return [arrived(event("a", **SENT) | change, 10 + number) for number, change in enumerate(changes)]


def counts(report: dict) -> tuple:
    return report["curated"], report["quarantined"], report["duplicates"], report["redelivered"]


def test_other_content_is_a_conflict_and_same_content_a_duplicate_within_a_run(lake):
    lake.put_lines([arrived(event("a", **SENT), 1)])
    lake.put_lines(copies(OTHERS + SAME))
    report = lake.run("r1")
    assert counts(report) == (1, len(OTHERS), len(SAME), 0)
    assert report["quarantine_reasons"] == {"id_conflict": len(OTHERS)}
    assert sorted(json.loads(line["payload"])["event_type"] for line in lake.quarantined()) == sorted(
        change.get("event_type", "page_view") for change in OTHERS
    )


def test_other_content_is_a_conflict_and_same_content_a_duplicate_across_runs(lake):
    lake.put_lines([arrived(event("a", **SENT), 1), arrived(event("z"), 2)])
    lake.run("r1")
    lake.put_lines([*copies(OTHERS + SAME), arrived(event("b"), 50)])
    report = lake.run("r2")
    assert counts(report) == (1, len(OTHERS), len(SAME), 0)
    assert len(lake.quarantined()) == len(OTHERS)
    assert lake.select("event_id") == [("a",), ("b",), ("z",)]


def test_the_quarantine_has_the_complete_event_and_its_position_so_that_it_can_be_resent(lake):
    lake.put_lines([arrived(event("a"), 1), arrived(event("a", user_id="u2"), 2, 3)])
    lake.run("r1")
    [line] = lake.quarantined()
    assert json.loads(line["payload"]) == event("a", user_id="u2")
    assert (line["shard_id"], line["sequence_number"], line["position"]) == (SHARD, "2", 3)
    assert line["arrival_time"] == "2026-03-15 12:00:02.000"
    assert line["detail"].startswith("event_id a belongs to another event, which arrived first and is in the table.")


def test_a_rerun_after_a_crash_quarantines_each_conflict_once(lake, monkeypatch):
    lake.put_lines([arrived(event("a"), 1), arrived(event("a", user_id="u2"), 2), arrived(event("a"), 3)])

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr("clickstream.job.prepare_commit", die)
        with pytest.raises(KeyboardInterrupt):
            lake.run("r1")
    lines = lake.quarantined()
    report = lake.run("r2")
    assert counts(report) == (1, 1, 1, 0)
    assert lake.quarantined() == lines
    assert counts(lake.run("r3")) == (0, 0, 0, 0)


def test_a_redelivered_conflict_is_not_counted_or_quarantined_again(lake):
    line = arrived(event("a", user_id="u2"), 2)
    lake.put_lines([arrived(event("a"), 1), line])
    lake.put_lines([line, arrived(event("c"), 3)])
    assert counts(lake.run("r1")) == (2, 1, 0, 1)
    lake.put_lines([line, arrived(event("d"), 4)])
    assert counts(lake.run("r2")) == (1, 0, 0, 1)
    assert len(lake.quarantined()) == 1


@pytest.mark.parametrize("curated, expected", [("203.0.113.0", False), ("203.0.113.7", False), ("203.0.112.0", True)])
def test_an_ip_column_masked_by_an_earlier_rule_does_not_differ(spark, monkeypatch, curated, expected):
    monkeypatch.setattr("clickstream.conflicts.IP_FIELDS", ("proxy_ip",))
    monkeypatch.setattr("clickstream.privacy.IP_FIELDS", ("proxy_ip",))
    address = "struct<proxy_ip: string>"
    rows = spark.createDataFrame(
        [(("203.0.113.7",), "203.0.113.7", (curated,))], f"sent {address}, proxy_ip string, row {address}"
    )
    assert [row[0] for row in rows.select(differs("proxy_ip")).collect()] == [expected]


@pytest.mark.parametrize(
    "before, after",
    [
        ('{"user_id": "mask"}', '{"user_id": "keep"}'),
        ('{"user_id": "keep"}', '{"user_id": "drop"}'),
        ('{"page_url": "mask", "session_id": "mask"}', "{}"),
        ("{}", '{"page_url": "mask"}'),
        ('{"email": "keep"}', "{}"),
        ("{}", '{"email": "keep"}'),
    ],
)
def test_a_copy_is_a_duplicate_even_if_the_privacy_rules_have_changed(lake, before, after):
    sent: dict[str, Any] = SENT | {"properties": {"email": "jane@example.org", "coupon": "SPRING"}}
    lake.put_lines([arrived(event("a", **sent), 1)])
    lake.run("r1", privacy=before)
    lake.put_lines([arrived(event("a", **sent), 9), arrived(event("a", **sent, event_type="purchase"), 10)])
    assert counts(lake.run("r2", privacy=after)) == (0, 1, 1, 0)
