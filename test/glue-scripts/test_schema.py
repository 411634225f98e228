"""The script against schema/clickstream.json, field by field."""

import json
from pathlib import Path

import clickstream_etl as etl
from lake import arrived, event

CONTRACT = json.loads((Path(__file__).resolve().parents[2] / "schema" / "clickstream.json").read_text())


def test_the_columns_and_their_order_are_the_contracts():
    assert list(etl.EVENT_COLUMNS.items()) == [
        (column["name"], column["type"]) for column in CONTRACT["events"]["columns"]
    ]


def test_the_raw_schema_has_every_field_of_an_event_and_of_its_arrival(spark):
    schema = spark.createDataFrame([], etl.RAW_SCHEMA).schema
    found = {}
    for one in schema:
        if one.name in ("geo", "arrival"):
            found |= {f"{one.name}.{inner.name}": inner.dataType.simpleString() for inner in one.dataType}
        else:
            found[one.name] = one.dataType.simpleString()
    del found["_unparsed"]
    expected = {field["name"]: field["type"] for field in CONTRACT["event"]}
    expected |= {f"arrival.{field['name']}": field["type"] for field in CONTRACT["arrival"]}
    # Times are read as text and cast.
    assert found == {name: "string" if kind == "timestamp" else kind for name, kind in expected.items()}


def test_the_files_carry_the_contracts_types_and_all_of_its_columns(lake):
    lake.put_raw([arrived(event("a"), 1)])
    lake.run("r1")
    table = lake.spark.read.parquet(lake.uri("events/"))
    assert [(one.name, one.dataType.simpleString()) for one in table.schema] == [
        (column["name"], column["type"])
        for column in CONTRACT["events"]["columns"] + CONTRACT["events"]["partitionKeys"]
    ]


def test_every_reason_that_the_script_gives_is_in_the_contract():
    text = json.dumps(arrived(event("a"), 1))
    lines = [json.loads(etl.unreadable_line("file:///x", "payload")), json.loads(etl.conflict_line(text, "a"))]
    assert [line["reason"] for line in lines] == ["unreadable_raw_line", "id_conflict"]
    assert {line["reason"] for line in lines} <= set(CONTRACT["quarantineReasons"])


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
