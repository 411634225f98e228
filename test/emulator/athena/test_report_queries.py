"""The queries of the report on the local Athena, over generated events, compared with report_numbers.py."""

from __future__ import annotations

import gzip
import json
import random
import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
import report_numbers
from emulator_stack import Stack
from program_tables import PROJECT, Tables, parquet_of

QUERIES = {path.stem: path.read_text() for path in (PROJECT / "infra/catalog/queries/report").glob("*.sql")}
ON_EVENTS = sorted(set(QUERIES) - {"quarantine"})
TODAY = datetime.now(timezone.utc).date()
SAVED = (TODAY - timedelta(days=29), TODAY)
NARROW = (TODAY - timedelta(days=12), TODAY - timedelta(days=3))
NOTHING = (TODAY - timedelta(days=40), TODAY - timedelta(days=35))
EVENTS = 4000
# Without data: an outage within the dates. With data on the day before and after the saved dates.
EMPTY_DAYS = {TODAY - timedelta(days=7), TODAY - timedelta(days=8)}

PAGES = [
    *("https://shop.example.com/", "https://shop.example.com", "https://shop.example.com/cart?step=1"),
    *("https://shop.example.com/cart?step=2#top", "/cart", "http://u:p@shop.example.com/a@b", "//cdn.example.com/x"),
    *("https://shop.example.com/?q=<script>alert(1)</script>", "https://shop.example.com/<b>&\"'", "mailto:a@b"),
    *("https://shop.example.com/מוצר/א", "?only=query", "#", "HTTPS://Shop.Example.com/Cart"),
    *(f"https://shop.example.com/product/{n}" for n in range(40)),
]
REFERRERS = [
    *("https://www.google.com/search?q=a", "https://google.co.uk/", "https://www.bing.com/", "https://notgoogle.com/"),
    *("https://mail.google.com/mail", "android-app://com.google.android.gm/", "https://t.co/x", "https://T.CO/y"),
    *("https://www.facebook.com", "https://l.instagram.com/", "https://blog.example.org:8080/a", "https://www./"),
    *("https://shop.example.com/cart", "http://www.shop.example.com/", "no url", "https:///path", "://x", "1a://b"),
    *("https://user:x@news.example.net/?a=https://www.google.com/", "https://news.google.com/"),
]
UTM = [
    *(("google", "cpc", "brand"), ("Google", "CPC", "brand"), ("newsletter", "email", "weekly"), ("fb", None, None)),
    *((None, None, "only"), ("x", "affiliate", None), ("p", "cpm", "B"), ("q", "unknown", "b"), (None, "sm", None)),
]


def clicks(seed: int) -> list[dict[str, Any]]:
    """Sessions with all that is odd: no ids, equal times, two dates, no page view, no cart before a purchase, bots."""
    rng = random.Random(seed)
    made: list[dict[str, Any]] = []
    while len(made) < EVENTS:
        visitor, day = rng.randrange(300), SAVED[0] - timedelta(days=2) + timedelta(days=rng.randrange(32))
        start = datetime(day.year, day.month, day.day) + timedelta(minutes=rng.choice([rng.randrange(1440), 1438]))
        ids = {
            "session_id": rng.choice([f"s{len(made)}", f"s{len(made)}", f"s{len(made)}", "s-again", None]),
            "anonymous_id": rng.choice([f"a{visitor}", f"a{visitor}", None]),
            "user_id": rng.choice([f"u{visitor}", None, None]),
        }
        if rng.random() < 0.04:  # Global Privacy Control: one request, no other id
            ids = {"session_id": f"anonymous-{len(made)}", "anonymous_id": None, "user_id": None}
        if not any(ids.values()):
            continue
        device = rng.choice([("mobile", "Safari", "iOS"), ("desktop", "Firefox", None), (None, None, None)])
        if rng.random() < 0.05:
            device = ("bot", "Googlebot", None)
        utm = rng.choice(UTM) if rng.random() < 0.3 else (None, None, None)
        referrer = rng.choice(REFERRERS) if rng.random() < 0.5 else None
        for _ in range(rng.choice([1, 1, 2, 4, 9])):
            start += timedelta(milliseconds=rng.choice([0, 0, 5, 40_000, 200_000]))
            made.append({**ids, **event(rng, start), **attributes(device, utm, referrer)})
            referrer = rng.choice([None, "https://shop.example.com/"])
            utm = rng.choice([utm, (None, None, None)])
    return [one for one in made if one["event_date"] not in EMPTY_DAYS]


def attributes(device: tuple, utm: tuple, referrer: str | None) -> dict[str, Any]:
    names = ("device_type", "browser", "os", "utm_source", "utm_medium", "utm_campaign", "referrer_url")
    return dict(zip(names, (*device, *utm, referrer), strict=True))


def event(rng: random.Random, time: datetime) -> dict[str, Any]:
    types = ["page_view", "page_view", "product_view", "add_to_cart", "begin_checkout", "purchase", "search"]
    kind = rng.choice(types)
    purchase = kind == "purchase"
    return {
        "event_time": time,
        "event_date": time.date(),
        "event_type": kind,
        "page_url": rng.choice([*PAGES, None, None]),
        "page_title": rng.choice(["Home", "</title><script>", "עמוד הבית", None]),
        "product_category": rng.choice(["Toys", "Books", None, *(f"C{n}" for n in range(25))]) if purchase else None,
        "quantity": rng.choice([1, 3, None]) if purchase else None,
        "revenue": rng.choice([19.99, 0.1, 1234567.89, 0.0]) if purchase else rng.choice([0.0, None]),
        "ingested_at": time + timedelta(days=rng.choice([0, 0, 0, 3])),
        "processed_at": time + timedelta(days=4),
        "hour": time.hour,
        "day_of_week": time.strftime("%A"),
    }


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return clicks(14)


@pytest.fixture(scope="module")
def tables(stack: Stack, events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Tables:
    made = Tables(stack)
    made.create_both()
    s3 = stack.client("s3")
    names = tuple(name for name in events[0] if name != "event_date")
    for day in {one["event_date"] for one in events}:
        rows = [{name: text(one[name]) for name in names} for one in events if one["event_date"] == day]
        body = parquet_of(rows, names, tmp_path_factory.mktemp("day"))
        s3.put_object(Bucket=made.bucket, Key=f"events/event_date={day}/a.parquet", Body=body)
    made.rows("MSCK REPAIR TABLE events")
    for day, reasons in QUARANTINED.items():
        lines = "".join(json.dumps({"reason": one, "arrival_time": f"{day} 10:00:00.000"}) + "\n" for one in reasons)
        key = f"quarantine/{day:year=%Y/month=%m/day=%d}/hour=10/a.jsonl.gz"
        s3.put_object(Bucket=made.bucket, Key=key, Body=gzip.compress(lines.encode()))
    return made


def text(value: Any) -> str | None:
    return None if value is None else str(value)


QUARANTINED = {
    SAVED[0] - timedelta(days=1): ["before"],
    SAVED[0]: ["not_json", "not_json"],
    NARROW[1]: ["not_json", "missing_event_type"],
    TODAY: ["invalid_field"],
    TODAY + timedelta(days=1): ["after"],
}


def answer(tables: Tables, name: str, dates: tuple[date, date]) -> list[tuple]:
    """The query as it is saved, or for other dates as infra/catalog/saved-queries.ts (sqlBetween) writes it."""
    sql = QUERIES[name]
    if dates != SAVED:
        sql = re.sub(r"\bcurrent_date - INTERVAL '\d+' DAY", f"DATE '{dates[0]}'", sql)
        sql = re.sub(r"\bcurrent_date\b", f"DATE '{dates[1]}'", sql)
    return [tuple(row) for row in tables.rows(sql)]


def plain(rows: list[tuple]) -> list[tuple]:
    return [tuple(text(value) for value in row) for row in rows]


def test_the_events_have_what_is_odd(events: list[dict[str, Any]]):
    nights = {one["session_id"] for one in events if one["event_time"].hour == 23}
    mornings = {one["session_id"] for one in events if one["event_time"].hour == 0}
    assert len(nights & mornings - {None, "s-again"}) > 5
    assert sum(one["device_type"] == "bot" for one in events) > 50
    assert sum(report_numbers.session_of(one) is None for one in events) > 100
    reached = report_numbers.funnel(events, *SAVED)
    assert 0 < int(reached[4][1]) < int(reached[4][2])


@pytest.mark.parametrize("dates", [SAVED, NARROW, NOTHING], ids=["saved", "narrow", "nothing"])
@pytest.mark.parametrize("name", ON_EVENTS)
def test_a_query_of_the_report_answers_what_plain_python_does(
    tables: Tables, events: list[dict[str, Any]], name: str, dates: tuple[date, date]
):
    expected = plain(getattr(report_numbers, name)(events, *dates))
    assert answer(tables, name, dates) == expected
    assert dates == NOTHING or len(expected) > 4


def test_the_quarantine_is_counted_within_the_dates(tables: Tables):
    first, third = str(SAVED[0]), str(NARROW[1])
    narrow = [("missing_event_type", third, "1"), ("not_json", third, "1")]
    assert answer(tables, "quarantine", NARROW) == narrow
    today = ("invalid_field", str(TODAY), "1")
    saved = [today, narrow[0], ("not_json", first, "2"), narrow[1]]
    assert answer(tables, "quarantine", SAVED) == saved
