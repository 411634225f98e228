"""The job against schema/clickstream.json, field by field."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from clickstream.contract import (
    CONTENT,
    DEFAULT_PRIVACY,
    EVENT_COLUMNS,
    IP_FIELDS,
    NEVER_CURATED,
    PRIVACY_FIELDS,
    RAW_SCHEMA,
    SCRUBBED,
    URL_FIELDS,
)
from clickstream.quarantine import conflict_line, unreadable_line
from lake import arrived, event

PROJECT = Path(__file__).resolve().parents[2]
CONTRACT = json.loads((PROJECT / "schema" / "clickstream.json").read_text())
LATER = tuple(one.get("column", one["name"]) for one in CONTRACT["fields"] if one.get("since", 1) > 1)
# First the columns of version 1, then those of each later version of the contract.
COLUMNS = [
    (one.get("column", one["name"]), one["type"])
    for one in sorted(CONTRACT["fields"], key=lambda one: one.get("since", 1))
    if one.get("curated", True)
]
PACKAGE = PROJECT / "glue-scripts" / "clickstream"


def test_a_new_field_is_an_edit_of_the_contract_alone(tmp_path):
    """Checks a copy of the package whose contract has two more fields: a text and an IP address."""
    package = tmp_path / "clickstream"
    package.mkdir()
    for module in ("__init__.py", "contract.py"):
        shutil.copy(PACKAGE / module, package)
    contract = json.loads(json.dumps(CONTRACT))
    contract["fields"].insert(0, {"name": "shop", "type": "string", "privacy": "mask", "since": 99})
    contract["fields"].append({"name": "proxy_ip", "type": "string", "format": "ip", "privacy": "mask", "since": 99})
    (package / "clickstream.json").write_text(json.dumps(contract))
    names = ("EVENT_COLUMNS", "RAW_SCHEMA", "DEFAULT_PRIVACY", "SCRUBBED", "CONTENT", "IP_FIELDS")
    code = f"import json; from clickstream import contract; print(json.dumps([getattr(contract, n) for n in {names}]))"
    answer = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True)
    columns, raw, privacy, scrubbed, content, addresses = json.loads(answer.stdout)
    assert (columns["shop"], privacy["shop"]) == ("string", "mask")
    assert "shop string" in raw
    assert "shop" in scrubbed
    assert "shop" in content
    assert "proxy_ip" in columns
    assert "proxy_ip" not in scrubbed
    assert addresses == ["ip", "proxy_ip"]


def test_the_rules_use_the_fields_of_the_contract():
    """The expected values are written by hand."""
    assert (
        "user_id", "session_id", "page_url", "referrer_url", "device_type", "browser", "ip", "country", "city",
        "product_id", "product_name", "product_category", *LATER, "user_agent", "email",
    ) == PRIVACY_FIELDS  # fmt: skip
    assert {name: rule for name, rule in DEFAULT_PRIVACY.items() if rule != "keep"} == {
        "ip": "mask", "user_agent": "drop", "email": "drop",
    }  # fmt: skip
    assert NEVER_CURATED == ("user_agent", "email")
    assert URL_FIELDS == ("page_url", "referrer_url")
    assert IP_FIELDS == ("ip",)
    assert (
        "user_id", "session_id", "event_type", "page_url", "referrer_url", "device_type", "browser", "country", "city",
        "product_id", "product_name", "product_category", *LATER,
    ) == SCRUBBED  # fmt: skip
    assert sorted(CONTENT) == sorted((
        "event_type", "event_time", "user_id", "session_id", "page_url", "referrer_url", "device_type", "browser",
        "product_id", "product_name", "product_category", "product_price", "quantity", *LATER,
    ))  # fmt: skip


def test_the_columns_and_their_order_are_the_contracts():
    assert list(EVENT_COLUMNS.items()) == COLUMNS


def test_the_raw_schema_has_every_field_of_an_event_and_of_its_arrival(spark):
    schema = spark.createDataFrame([], RAW_SCHEMA).schema
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
    lake.put_lines([arrived(event("a"), 1)])
    lake.run("r1")
    table = lake.spark.read.parquet(lake.uri("events/"))
    assert [(one.name, one.dataType.simpleString()) for one in table.schema] == [
        *COLUMNS,
        *((key["name"], key["type"]) for key in CONTRACT["partitionKeys"]),
    ]


def test_every_quarantine_reason_of_the_job_is_in_the_contract():
    text = json.dumps(arrived(event("a"), 1))
    lines = [json.loads(unreadable_line("file:///x", "payload")), json.loads(conflict_line(text, "a"))]
    assert [line["reason"] for line in lines] == ["unreadable_raw_line", "id_conflict"]
    assert {line["reason"] for line in lines} <= {reason["code"] for reason in CONTRACT["quarantine"]["reasons"]}


def test_a_quarantine_line_has_only_the_contracts_columns():
    uri = "s3://b/raw/year=2026/month=03/day=15/hour=12/shardId-000000000000-1-5.jsonl.gz"
    line = json.loads(unreadable_line(uri, "payload"))
    assert set(line) <= {column["name"] for column in CONTRACT["quarantine"]["columns"]}
    assert line["sequence_number"] == "1"
    assert line["arrival_time"] == "2026-03-15 12:00:00.000"
    conflict = json.loads(conflict_line(json.dumps(arrived(event("a"), 1)), "a"))
    assert set(conflict) <= {column["name"] for column in CONTRACT["quarantine"]["columns"]}
    assert json.loads(conflict["payload"]) == event("a")
    assert conflict["arrival_time"] == "2026-03-15 12:00:01.000"
