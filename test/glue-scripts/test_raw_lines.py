"""Raw lines with duplicate names, with line ends inside, and lines that cannot be read."""

import json

import pytest

from clickstream.quarantine import what_is_wrong
from lake import arrived, event

TWICE = '"properties":{"utm":"a","Osv":"8","osv":"9","utm":"b"}'


def with_properties(name: str, sequence: int, properties: str) -> str:
    return json.dumps(arrived(event(name), sequence))[:-1] + f", {properties}}}"


def keys_and_values(lake) -> list[tuple]:
    return lake.select("event_id, map_keys(properties), map_values(properties)")


def test_a_duplicate_name_in_properties_is_one_key_with_the_last_value(lake):
    lake.put_lines(
        [with_properties("a", 1, TWICE), with_properties("b", 2, '"properties":{"utm":"a","u\\u0074m":"b"}')], 1, 2
    )
    lake.run("r1")
    assert keys_and_values(lake) == [
        ("a", ["utm", "Osv", "osv"], ["b", "8", "9"]),
        ("b", ["utm"], ["b"]),
    ]


def test_a_reprocess_run_repairs_files_with_duplicate_keys(lake, monkeypatch):
    lake.put_lines([with_properties("kept", 1, TWICE)], 1, 1)
    with monkeypatch.context() as before:
        # As in an earlier version of the job, the file has the result of Spark's JSON parser.
        before.setattr("clickstream.rows.each_key_once", lambda names: names)
        lake.run("r1", privacy='{"ip": "keep", "email": "keep", "user_agent": "keep"}')
    assert keys_and_values(lake) == [("kept", ["utm", "Osv", "osv", "utm"], ["a", "8", "9", "b"])]
    # Only one of the two raw objects still exists. The reprocess run rebuilds its row and keeps the other row.
    for one in lake.store.list_objects(lake.uri("raw/")):
        lake.store.delete([one.uri])
    lake.put_lines([with_properties("new", 2, TWICE)], 2, 2)
    lake.run("r2")
    lake.run("r3", reprocess=("2026-03-15", "2026-03-15"))
    assert keys_and_values(lake) == [
        ("kept", ["utm", "Osv", "osv"], ["b", "8", "9"]),
        ("new", ["utm", "Osv", "osv"], ["b", "8", "9"]),
    ]


@pytest.mark.parametrize("end", ["\r", "\u2028", "\u2029", "\u0085", "\x0b", "\x0c"])
def test_only_a_line_feed_ends_a_raw_line(lake, end):
    text = json.dumps(arrived(event("a", page_url=f"/before{end}after"), 1), ensure_ascii=False)
    # JSON allows CR as white space only, not in strings.
    torn = text.replace(", ", ",\r ").replace("\\r", "") if end == "\r" else text
    lake.put_lines([torn, arrived(event("b"), 2)], 1, 2)
    report = lake.run("r1")
    assert (report["raw"]["lines"], report["curated"], report["quarantined"]) == (2, 2, 0)


def changed(**fields: object) -> str:
    return json.dumps(arrived(event("a"), 1) | fields)


@pytest.mark.parametrize(
    "line, words",
    [
        ("{cut", "it is not JSON (Expecting property name"),
        ("[1]", "it is JSON, but not an object"),
        (changed(event_id=""), "event_id is missing or empty"),
        (changed(arrival=None), "arrival (when and in which shard the line arrived) is missing"),
        (
            changed(quantity=3_000_000_000),
            "quantity is 3000000000, which is not a whole number from -2147483648 to 2147483647",
        ),
        (changed(product_price="cheap"), "product_price is cheap, which is not a number"),
        (changed(properties=[1]), 'properties is ["1"], which is not an object'),
        (
            changed(event_time="2026-03-15Z09:00:00Z"),
            "event_time is 2026-03-15Z09:00:00Z, which is not a date and time",
        ),
        (
            changed(user_id="u").replace('"u"', "1" * 1001),
            "it contains a number of 1,001 digits; at most 1,000 can be read",
        ),
    ],
)
def test_the_detail_explains_why_a_raw_line_is_unreadable(line, words):
    assert words in what_is_wrong(line)


def test_an_unreadable_line_is_quarantined_with_the_reason_and_a_readable_long_number_is_kept(lake):
    long_id = changed(event_id="long").replace('"u1"', "123456789012345678901234567890")
    too_long = changed(event_id="x").replace('"u1"', "1" * 1001)
    lake.put_lines([long_id, too_long, changed(event_id="y", quantity=3_000_000_000)], 1, 3)
    report = lake.run("r1")
    assert lake.select("user_id") == [("123456789012345678901234567890",)]
    assert (report["unreadable_lines"], report["quarantine_reasons"]) == (2, {"unreadable_raw_line": 2})
    details = sorted(line["detail"].partition(": ")[2] for line in lake.quarantined())
    assert details == [
        "it contains a number of 1,001 digits; at most 1,000 can be read.",
        "quantity is 3000000000, which is not a whole number from -2147483648 to 2147483647.",
    ]


def test_given_up_batches_are_counted_as_long_as_they_exist(lake):
    uri = lake.uri("aws/lambda/mapping/shardId-000000000000/2026/03/15/2026-03-15T12.00.00-uuid")
    lake.store.put(uri, b"{}")
    lake.put_lines([arrived(event("a"), 1)])
    assert lake.run("r1")["given_up_batches"] == 1
    assert lake.run("r2")["given_up_batches"] == 1
    lake.store.delete([uri])
    assert lake.run("r3")["given_up_batches"] == 0
