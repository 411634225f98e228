"""The queries that are saved in the workgroup, each run on the local Athena over rows whose answers are known."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime, timedelta, timezone

import pytest
from emulator_stack import Stack
from program_tables import FIRST, PROJECT, Tables, parquet_of

QUERIES = {path.stem: path.read_text() for path in sorted((PROJECT / "infra" / "catalog" / "queries").glob("*.sql"))}
TODAY = datetime.now(timezone.utc).date()
YESTERDAY = TODAY - timedelta(days=1)
T, Y = str(TODAY), str(YESTERDAY)
RUN_A, RUN_B = f"{Y} 12:00:00", f"{T} 00:30:00"
ARRIVED_Y, ARRIVED_T = f"{Y} 11:30:00", f"{T} 00:10:00"

# id, date, time, type, user, session, page, device, product, name, quantity, revenue, arrival, run
EVENTS = [
    ("e1", Y, "10:00:00", "page_view", "u1", "s1", "/home", "desktop", None, None, None, 0, ARRIVED_Y, RUN_A),
    ("e2", Y, "10:01:00", "product_view", "u1", "s1", "/p1", "desktop", "p1", "Lamp", None, 0, ARRIVED_Y, RUN_A),
    ("e3", Y, "10:02:00", "add_to_cart", "u1", "s1", "/p1", "desktop", "p1", "Lamp", 1, 0, ARRIVED_Y, RUN_A),
    ("e4", Y, "10:05:00", "purchase", "u1", "s1", "/buy", "desktop", "p1", "Lamp", 2, 20, ARRIVED_Y, RUN_A),
    ("e5", Y, "11:00:00", "page_view", "u2", "s2", "/home", "mobile", None, None, None, 0, ARRIVED_Y, RUN_A),
    # Late: it happened yesterday and came today.
    ("e6", Y, "23:00:00", "page_view", None, "s4", "/home", "mobile", None, None, None, 0, ARRIVED_T, RUN_B),
    ("e7", T, "00:00:00", "page_view", "u1", "s3", "/shop", "desktop", None, None, None, 0, ARRIVED_T, RUN_B),
    # The same id twice, which the pipeline never writes.
    ("e7", T, "00:01:00", "page_view", "u1", "s3", "/shop", "desktop", None, None, None, 0, ARRIVED_T, RUN_B),
]
GIVEN = "event_id event_date time event_type user_id session_id page_url device_type product_id product_name quantity"
NAMES = [*GIVEN.split(), "revenue", "ingested_at", "processed_at", "anonymous_id"]
# Who did not sign in has an anonymous id only.
EVENTS = [(*row, None if row[4] else "a1") for row in EVENTS]

QUARANTINE = [
    {"reason": "not_json", "detail": "B", "payload": "{", "position": 0, "arrival_time": f"{Y} 08:00:00.000"},
    {"reason": "not_json", "detail": "A", "payload": "x", "position": 1, "arrival_time": f"{T} 00:00:00.000"},
    {"reason": "no_time", "detail": "C", "payload": "{}", "position": 2, "arrival_time": f"{Y} 09:00:00.000"},
]

EXPECTED = {
    "events-a-day": [[T, "2", "1", "1", "0.0"], [Y, "6", "3", "3", "20.0"]],
    "events-by-type": [
        ["page_view", "5", "4"],
        ["add_to_cart", "1", "1"],
        ["product_view", "1", "1"],
        ["purchase", "1", "1"],
    ],
    "events-by-device": [
        [T, "page_view", "desktop", "2"],
        [Y, "page_view", "mobile", "2"],
        [Y, "add_to_cart", "desktop", "1"],
        [Y, "page_view", "desktop", "1"],
        [Y, "product_view", "desktop", "1"],
        [Y, "purchase", "desktop", "1"],
    ],
    "quarantine-by-reason": [
        ["not_json", "2", f"{Y} 08:00:00.000", f"{T} 00:00:00.000", "A"],
        ["no_time", "1", f"{Y} 09:00:00.000", f"{Y} 09:00:00.000", "C"],
    ],
    "quarantine-newest": [
        [f"{T} 00:00:00.000", "not_json", "A", "x", "utf8", "shard-0", "1", "1"],
        [f"{Y} 09:00:00.000", "no_time", "C", "{}", "utf8", "shard-0", "1", "2"],
        [f"{Y} 08:00:00.000", "not_json", "B", "{", "utf8", "shard-0", "1", "0"],
    ],
    "sessions": [[T, "1", "2.0", "60.0", "0.0"], [Y, "3", "2.0", "100.0", "66.7"]],
    "top-pages": [["/home", "3", "3"], ["/shop", "2", "1"]],
    "top-products": [["p1", "Lamp", "1", "2", "20.0"]],
    "conversion": [[T, "1", "0", "0", "0", "0.0"], [Y, "3", "1", "1", "1", "33.33"]],
    "data-freshness": [[f"{T} 00:01:00.000", f"{ARRIVED_T}.000", f"{RUN_B}.000", "20"]],
    "late-events": [["1", "1", Y]],
    "duplicates": [["e7", T, "2", f"{RUN_B}.000", f"{RUN_B}.000"]],
    "runs": [[f"{RUN_B}.000", "3", "2", Y, T], [f"{RUN_A}.000", "5", "1", Y, Y]],
}


OLD = "year=2026/month=01/day=02"


@pytest.fixture(scope="module")
def tables(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    made = Tables(stack)
    made.create_both()
    s3 = stack.client("s3")
    for day in (Y, T):
        given = [dict(zip(NAMES, row, strict=True)) for row in EVENTS if row[1] == day]
        rows = [{**row, "event_time": f"{row['event_date']} {row['time']}"} for row in given]
        body = parquet_of(rows, (*NAMES, "event_time"), tmp_path_factory.mktemp("day"))
        s3.put_object(Bucket=made.bucket, Key=f"events/event_date={day}/a.parquet", Body=body)
    # Of a day and an hour that no saved query is about: a query that opens one of them fails.
    s3.put_object(Bucket=made.bucket, Key="events/event_date=2020-01-01/a.parquet", Body=b"no parquet")
    s3.put_object(Bucket=made.bucket, Key=f"quarantine/{OLD}/hour=23/a.jsonl.gz", Body=b"\x1f\x8bno gzip")
    made.rows("MSCK REPAIR TABLE events")
    common = {"payload_encoding": "utf8", "shard_id": "shard-0", "sequence_number": "1"}
    lines = "".join(json.dumps(line | common) + "\n" for line in QUARANTINE)
    key = f"quarantine/{YESTERDAY:year=%Y/month=%m/day=%d}/hour=09/a.jsonl.gz"
    s3.put_object(Bucket=made.bucket, Key=key, Body=gzip.compress(lines.encode()))
    return made


def test_every_saved_query_has_an_answer_here():
    assert sorted(QUERIES) == sorted(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_saved_query_answers_what_it_says(tables: Tables, name: str):
    assert tables.rows(QUERIES[name]) == EXPECTED[name]


@pytest.mark.parametrize("sql", ["SELECT max(event_id) FROM events", "SELECT max(reason) FROM quarantine"])
def test_a_query_without_a_bound_reads_the_old_files_too(tables: Tables, sql: str):
    """Shows that the old files above would fail a saved query that opens them."""
    with pytest.raises(AssertionError):
        tables.rows(sql)


def line_of(detail: str) -> dict:
    return {**QUARANTINE[0], "detail": detail}


def folders(first: date) -> list[str]:
    """The days from the first one to tomorrow, which is in the range, too."""
    days = (TODAY - first).days + 2
    return [f"quarantine/{first + timedelta(days=day):year=%Y/month=%m/day=%d}/" for day in range(days)]


@pytest.fixture(scope="module")
def old_and_new(stack: Stack) -> Tables:
    """A quarantine of its own: a query that failed on the other one may go on listing it for a while."""
    made = Tables(stack)
    made.create_quarantine()
    for day in (FIRST, TODAY, TODAY + timedelta(days=1)):
        made.put_line(day, line_of(str(day)))
    return made


@pytest.mark.parametrize("name", ["quarantine-by-reason", "quarantine-newest"])
def test_a_query_on_the_quarantine_lists_the_days_that_it_names(old_and_new: Tables, name: str):
    before = sorted(old_and_new.listed(QUERIES[name]))
    assert sorted(set(before)) == folders(TODAY - timedelta(days=30))
    # Trino asks twice for a day that has nothing.
    assert len(before) == 2 * 32 - 2
    for day in range(30):
        old_and_new.put_line(FIRST + timedelta(days=day), line_of(f"old-{name}-{day}"))
    assert sorted(old_and_new.listed(QUERIES[name])) == before


def test_a_query_without_a_bound_finds_every_line_since_the_first_day(old_and_new: Tables):
    sql = "SELECT detail, arrival_day FROM quarantine WHERE detail NOT LIKE 'old%' ORDER BY detail"
    assert old_and_new.rows(sql) == [
        [str(day), f"{day:year=%Y/month=%m/day=%d}"] for day in (FIRST, TODAY, TODAY + timedelta(days=1))
    ]
    # The key comes after the columns, so that what reads them by position goes on.
    sql = "SELECT * FROM quarantine WHERE detail = '2026-01-01' AND arrival_day < 'year=2026/month=02/day=01'"
    assert old_and_new.rows(sql)[0][-1] == "year=2026/month=01/day=01"


def test_the_workgroup_lists_the_queries_saved_in_it(tables: Tables):
    athena = tables.stack.client("athena")
    saved = athena.create_named_query(
        Name="sessions", Database=tables.database, QueryString=QUERIES["sessions"], WorkGroup=tables.workgroup
    )["NamedQueryId"]
    assert athena.list_named_queries(WorkGroup=tables.workgroup)["NamedQueryIds"] == [saved]
    found = athena.get_named_query(NamedQueryId=saved)["NamedQuery"]
    assert (found["Name"], found["QueryString"]) == ("sessions", QUERIES["sessions"])
