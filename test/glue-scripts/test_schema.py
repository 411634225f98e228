"""The script against schema/clickstream.json, field by field."""

import json
from pathlib import Path

import clickstream_etl as etl
from lake import arrived, event

CONTRACT = json.loads((Path(__file__).resolve().parents[2] / "schema" / "clickstream.json").read_text())
# What a table that exists has first, then what later versions of the contract added, version by version.
COLUMNS = [
    (one.get("column", one["name"]), one["type"])
    for one in sorted(CONTRACT["fields"], key=lambda one: one.get("since", 1))
    if one.get("curated", True)
]


def test_the_columns_and_their_order_are_the_contracts():
    assert list(etl.EVENT_COLUMNS.items()) == COLUMNS


def test_the_privacy_fields_and_their_defaults_are_the_contracts():
    rules = {one.get("column", one["name"]): one["privacy"] for one in CONTRACT["fields"] if "privacy" in one}
    assert set(etl.PRIVACY_FIELDS) == rules.keys()
    assert etl.parse_privacy("{}") == rules
    assert set(etl.NEVER_CURATED) == {one["name"] for one in CONTRACT["fields"] if not one.get("curated", True)}


def test_every_text_that_a_producer_sends_is_searched_for_personal_values():
    texts = [
        one.get("column", one["name"])
        for one in CONTRACT["fields"]
        if one["type"] == "string" and one.get("curated", True) and not one.get("computed")
    ]
    # An event's id is never changed, and an address has a rule of its own.
    assert sorted(etl.SCRUBBED) == sorted(set(texts) - {"event_id", "ip"})


def test_two_events_are_the_same_by_all_that_a_producer_sends_but_for_the_connection():
    compared = [
        one["name"]
        for one in CONTRACT["fields"]
        if one.get("curated", True) and not one.get("computed") and not one.get("connection")
    ]
    assert sorted(etl.CONTENT) == sorted(set(compared) - {"event_id", "properties"})


def test_the_raw_schema_has_every_field_of_an_event_and_of_its_arrival(spark):
    schema = spark.createDataFrame([], etl.RAW_SCHEMA).schema
    found = {}
    for one in schema:
        if one.name in ("geo", "arrival"):
            found |= {f"{one.name}.{inner.name}": inner.dataType.simpleString() for inner in one.dataType}
        else:
            found[one.name] = one.dataType.simpleString()
    del found["_unparsed"]
    expected = {field["name"]: field["type"] for field in CONTRACT["fields"] if not field.get("computed")}
    expected |= {f"arrival.{field['name']}": field["type"] for field in CONTRACT["arrival"]}
    # Times are read as text and cast.
    assert found == {name: "string" if kind == "timestamp" else kind for name, kind in expected.items()}


def test_the_files_carry_the_contracts_types_and_all_of_its_columns(lake):
    lake.put_raw([arrived(event("a"), 1)])
    lake.run("r1")
    table = lake.spark.read.parquet(lake.uri("events/"))
    assert [(one.name, one.dataType.simpleString()) for one in table.schema] == [
        *COLUMNS,
        *((key["name"], key["type"]) for key in CONTRACT["partitionKeys"]),
    ]


def test_every_reason_that_the_script_gives_is_in_the_contract():
    text = json.dumps(arrived(event("a"), 1))
    lines = [json.loads(etl.unreadable_line("file:///x", "payload")), json.loads(etl.conflict_line(text, "a"))]
    assert [line["reason"] for line in lines] == ["unreadable_raw_line", "id_conflict"]
    assert {line["reason"] for line in lines} <= {reason["code"] for reason in CONTRACT["quarantine"]["reasons"]}


def test_a_quarantine_line_has_only_the_contracts_columns():
    uri = "s3://b/raw/year=2026/month=03/day=02/hour=12/shardId-000000000000-1-5.jsonl.gz"
    line = json.loads(etl.unreadable_line(uri, "payload"))
    assert set(line) <= {column["name"] for column in CONTRACT["quarantine"]["columns"]}
    assert line["sequence_number"] == "1"
    assert line["arrival_time"] == "2026-03-02 12:00:00.000"
    conflict = json.loads(etl.conflict_line(json.dumps(arrived(event("a"), 1)), "a"))
    assert set(conflict) <= {column["name"] for column in CONTRACT["quarantine"]["columns"]}
    assert json.loads(conflict["payload"]) == event("a")
    assert conflict["arrival_time"] == "2026-03-02 12:00:01.000"
