"""From event to row: its columns, its date, and which copy of it is kept."""

import pytest

from lake import SHARD, arrived, event


def test_a_full_event_becomes_the_row_written_here_by_hand(lake):
    lake.put_lines(
        [
            arrived(
                event(
                    "e-1",
                    "2026-03-15T23:59:59.999999Z",
                    event_type="purchase",
                    session_id="s1",
                    page_url="https://shop.example/checkout",
                    referrer_url="https://shop.example/cart",
                    device_type="mobile",
                    browser="Firefox",
                    user_agent="Mozilla/5.0",
                    email="a@example.org",
                    geo={"ip": "203.0.113.77", "country": "DE", "city": "Berlin"},
                    product_id="p1",
                    product_name="Runner",
                    product_category="shoes",
                    product_price=19.5,
                    quantity=3,
                    properties={"coupon": "SPRING"},
                ),
                4,
            )
        ]
    )
    report = lake.run("r1")
    columns = (
        "event_id, user_id, session_id, event_time::VARCHAR, event_type, page_url, referrer_url, device_type, browser, "
        "ip, country, city, product_id, product_name, product_category, product_price, quantity, revenue, hour, "
        "day_of_week, properties, ingested_at::VARCHAR, processed_at::VARCHAR, event_date::VARCHAR"
    )
    assert lake.select(columns) == [
        (
            "e-1", "u1", "s1", "2026-03-15 23:59:59.999999+00", "purchase", "https://shop.example/checkout",
            "https://shop.example/cart", "mobile", "Firefox", "203.0.113.0", "DE", "Berlin", "p1", "Runner", "shoes",
            19.5, 3, 58.5, 23, "Sunday", {"coupon": "SPRING"}, "2026-03-15 12:00:04+00",
            trim_zeros(report["processed_at"]) + "+00", "2026-03-15",
        )
    ]  # fmt: skip


def trim_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".")


@pytest.mark.parametrize(
    "fields, revenue",
    [
        ({"event_type": "purchase", "product_price": 10.0, "quantity": 2}, 20.0),
        ({"event_type": "add_to_cart", "product_price": 10.0, "quantity": 2}, 0.0),
        ({"event_type": "purchase", "product_price": 10.0}, 10.0),
        ({"event_type": "purchase", "product_price": 10.0, "quantity": 0}, 0.0),
        ({"event_type": "purchase", "quantity": 2}, 0.0),
        ({"event_type": "view", "product_price": 10.0}, 0.0),
        ({"event_type": "purchase"}, 0.0),
        ({"event_type": "purchase", "product_price": -5.0, "quantity": 2}, -10.0),
    ],
)
def test_revenue_is_price_times_quantity_for_purchases_and_otherwise_zero(lake, fields, revenue):
    lake.put_lines([arrived(event("a", **fields), 1)])
    lake.run("r1")
    assert lake.select("revenue") == [(revenue,)]


def test_absent_fields_are_null(lake):
    lake.put_lines(
        [arrived({"event_id": "a", "event_type": "x", "event_time": "2026-03-15T09:00:00Z", "session_id": "s"}, 1)]
    )
    lake.run("r1")
    assert lake.select("user_id, ip, product_price, quantity, properties, revenue") == [
        (None, None, None, None, None, 0.0)
    ]


def test_dates_are_utc_and_old_events_go_to_their_date(lake):
    lake.put_lines(
        [
            arrived(event("last", "2026-03-14T23:59:59.999Z"), 1),
            arrived(event("first", "2026-03-15T00:00:00.000Z"), 2),
            arrived(event("old", "2000-02-29T12:00:00Z"), 3),
        ]
    )
    report = lake.run("r1")
    assert lake.select("event_id, event_date, hour, day_of_week") == [
        ("first", "2026-03-15", 0, "Sunday"),
        ("last", "2026-03-14", 23, "Saturday"),
        ("old", "2000-02-29", 12, "Tuesday"),
    ]
    assert report["partitions"] == ["2000-02-29", "2026-03-14", "2026-03-15"]


def test_a_time_is_read_in_its_zone_and_an_invalid_time_is_quarantined(lake):
    lake.put_lines(
        [
            arrived(event("utc", "2026-03-15T09:00:00.123456Z"), 1),
            arrived(event("east", "2026-03-15T01:00:00+02:00"), 2),
            arrived(event("none", "2026-03-15T09:00:00"), 3),
            arrived(event("twice", "2026-03-15T09:00:00ZZ"), 4),
            arrived(event("inside", "2026-03-15Z09:00:00Z"), 5),
        ]
    )
    report = lake.run("r1")
    assert lake.select("event_id, event_time::VARCHAR, event_date::VARCHAR") == [
        ("east", "2026-03-14 23:00:00+00", "2026-03-14"),
        ("none", "2026-03-15 09:00:00+00", "2026-03-15"),
        ("utc", "2026-03-15 09:00:00.123456+00", "2026-03-15"),
    ]
    assert report["quarantine_reasons"] == {"unreadable_raw_line": 2}


def test_the_first_copy_to_arrive_is_kept_in_any_object(lake):
    other = "shardId-000000000001"
    lake.put_lines([arrived(event("a", user_id="late"), 9), arrived(event("b", user_id="b"), 10)])
    lake.put_lines([arrived(event("a", user_id="early"), 5, shard=other, time="2026-03-15T12:00:01Z")], shard=other)
    report = lake.run("r1")
    assert lake.select("event_id, user_id") == [("a", "early"), ("b", "b")]
    assert (report["curated"], report["quarantine_reasons"], report["redelivered"]) == (2, {"id_conflict": 1}, 0)


def test_copies_with_equal_arrival_times_are_ordered_by_numeric_sequence_number_then_position(lake):
    at = "2026-03-15T12:00:00Z"
    lake.put_lines(
        [
            arrived(event("a", user_id="ten"), 10, time=at),
            arrived(event("a", user_id="nine, second"), 9, 1, time=at),
            arrived(event("a", user_id="nine, first"), 9, 0, time=at),
        ]
    )
    lake.run("r1")
    assert lake.select("user_id") == [("nine, first",)]


def test_an_id_with_another_date_is_curated_once_within_a_run_and_across_runs(lake):
    lake.put_lines([arrived(event("a", "2026-03-15T09:00:00Z"), 1), arrived(event("a", "2026-03-18T09:00:00Z"), 2)])
    assert lake.run("r1")["quarantine_reasons"] == {"id_conflict": 1}
    lake.put_lines([arrived(event("a", "2026-04-01T09:00:00Z"), 3), arrived(event("b"), 4)])
    report = lake.run("r2")
    assert (report["curated"], report["quarantined"]) == (1, 1)
    assert lake.select() == [("a", "2026-03-15"), ("b", "2026-03-15")]


def test_the_same_record_in_two_objects_of_a_run_is_a_redelivery_not_a_duplicate(lake):
    first, second, third = (arrived(event(name), number) for number, name in enumerate("abc", 1))
    lake.put_lines([first, second, third])
    lake.put_lines([second, third])
    report = lake.run("r1")
    assert (report["curated"], report["duplicates"], report["redelivered"]) == (3, 0, 2)
    assert report["raw"]["lines"] == 5


def test_lines_equal_curated_plus_quarantined_plus_duplicates(lake):
    lake.put_lines([arrived(event(str(number % 40)), number, shard=SHARD) for number in range(1, 51)])
    lake.put_quarantine("not_json", "not_json", "missing_event_type", first=51)
    report = lake.run("r1")
    assert (report["curated"], report["quarantined"], report["duplicates"]) == (40, 3, 10)
    assert report["quarantine_reasons"] == {"missing_event_type": 1, "not_json": 2}
