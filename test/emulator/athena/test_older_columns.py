"""A partition that was written and registered before a column was added stays readable: the column is null there."""

import json
from pathlib import Path

import duckdb
import pytest
from emulator_stack import Stack
from test_saved_queries import Tables

PROJECT = Path(__file__).resolve().parents[3]
CONTRACT = json.loads((PROJECT / "schema" / "clickstream.json").read_text())
OLD_FILE = PROJECT / "test" / "fixtures" / "version-1" / "events.parquet"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
VERSION_2 = ["anonymous_id", "page_title", "utm_source", "utm_medium", "utm_campaign", "os"]


def columns(version: int) -> list[dict]:
    fields = sorted(CONTRACT["fields"], key=lambda one: one.get("since", 1))
    return [
        {"name": one.get("column", one["name"]), "type": one["type"]}
        for one in fields
        if one.get("curated", True) and one.get("since", 1) <= version
    ]


def new_file(folder: Path) -> bytes:
    """One row of version 2, with some of its columns."""
    target = folder / "new.parquet"
    duckdb.sql(f"COPY (SELECT 'new-1' AS event_id, 'Sale' AS page_title, 'Android' AS os) TO '{target}'")
    return target.read_bytes()


@pytest.fixture(scope="module")
def tables(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    made = Tables(stack)
    made.create("events", "events", columns(1), PARQUET, CONTRACT["partitionKeys"], classification="parquet")
    s3, glue = stack.client("s3"), stack.client("glue")
    s3.put_object(Bucket=made.bucket, Key="events/event_date=2026-03-02/a.parquet", Body=OLD_FILE.read_bytes())
    made.rows("MSCK REPAIR TABLE events")
    # The update as pulumi makes it: the table gets the columns, its partitions do not.
    table = glue.get_table(DatabaseName=made.database, Name="events")["Table"]
    kept = {name: table[name] for name in ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    kept["StorageDescriptor"]["Columns"] = [{"Name": one["name"], "Type": one["type"]} for one in columns(2)]
    glue.update_table(DatabaseName=made.database, TableInput=kept)
    body = new_file(tmp_path_factory.mktemp("day"))
    s3.put_object(Bucket=made.bucket, Key="events/event_date=2026-03-03/b.parquet", Body=body)
    made.rows("MSCK REPAIR TABLE events")
    return made


def test_the_old_partition_keeps_its_own_list_of_columns(tables: Tables):
    found = tables.stack.client("glue").get_partitions(DatabaseName=tables.database, TableName="events")["Partitions"]
    names = {
        one["Values"][0]: [column["Name"] for column in one["StorageDescriptor"].get("Columns", [])] for one in found
    }
    assert names["2026-03-02"] == [one["name"] for one in columns(1)]
    assert names["2026-03-03"] == [one["name"] for one in columns(2)]


def test_the_new_columns_are_null_in_the_old_partition_and_filled_in_the_new_one(tables: Tables):
    assert tables.rows("SELECT event_id, page_title, os, utm_source FROM events ORDER BY event_id") == [
        ["new-1", "Sale", "Android", None],
        ["old-1", None, None, None],
        ["old-2", None, None, None],
    ]


def test_the_old_columns_read_as_before_and_a_condition_on_a_new_one_leaves_old_rows_out(tables: Tables):
    old = tables.rows(
        "SELECT event_id, session_id, ip, revenue FROM events WHERE event_date = DATE '2026-03-02' ORDER BY 1"
    )
    assert old == [["old-1", "s1", "203.0.113.0", "0.0"], ["old-2", None, None, "19.0"]]
    assert tables.rows("SELECT event_id FROM events WHERE os IS NOT NULL") == [["new-1"]]
    assert tables.rows("SELECT count(*), count(anonymous_id) FROM events") == [["3", "0"]]


def test_all_columns_of_both_partitions_can_be_selected(tables: Tables):
    rows = tables.rows("SELECT * FROM events ORDER BY event_id")
    assert [len(row) for row in rows] == [len(columns(2)) + 1] * 3
