"""The view `events` of the way `arrival` on the running Athena: each event once, rights, and what a query reads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from emulator_stack import Stack, wait_for
from program_tables import CONTRACT, PROJECT, TABLE_COLUMNS, Tables, parquet_of

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
NAMES = ("event_id", "event_time", "event_type", "user_id", "page_url", "ingested_at", "processed_at")
TODAY, BEFORE = "2026-11-21", "2026-11-20"

# The view as the program makes it, by the program's own code.
RENDER = """
import { viewSql, viewTable } from "./infra/catalog/view";
import { PARTITION_KEYS, TABLE_COLUMNS } from "./schema/contract";
const columns = [...TABLE_COLUMNS, ...PARTITION_KEYS];
const sql = viewSql("events", columns, { curated: "curated_events", arrived: "arrived_events" });
console.log(JSON.stringify(viewTable(sql, columns, process.env.DATABASE)));
"""


def rendered(database: str) -> dict:
    script = PROJECT / ".local" / f"view-{database}.ts"
    script.write_text(RENDER.replace('"./', f'"{PROJECT}/'))
    try:
        run = subprocess.run(
            ["node", "--import", "tsx", str(script)],
            cwd=PROJECT,
            env={"PATH": __import__("os").environ["PATH"], "DATABASE": database},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        script.unlink()
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def row(event_id: str, day: str, second: int, user: str) -> dict:
    arrived = f"{day} 10:00:{second:02d}.000"
    return dict(
        zip(
            NAMES,
            (event_id, f"{day} 09:00:00.000", "page_view", user, "/", arrived, f"{day} 10:05:00.000"),
            strict=True,
        )
    )


class Lake(Tables):
    """Both tables and the view."""

    def make(self) -> None:
        keys = CONTRACT["partitionKeys"]
        for name, prefix in (("curated_events", "events"), ("arrived_events", "arrived")):
            self.create(name, prefix, TABLE_COLUMNS, PARQUET, keys, classification="parquet")
        view = rendered(self.database)
        columns = [{"Name": one["name"], "Type": one["type"]} for one in view["storageDescriptor"]["columns"]]
        made = view["storageDescriptor"]["serDeInfo"]
        serde = {"Name": made["name"], "SerializationLibrary": made["serializationLibrary"]}
        self.stack.client("glue").create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": "events",
                "TableType": view["tableType"],
                "Parameters": view["parameters"],
                "ViewOriginalText": view["viewOriginalText"],
                "ViewExpandedText": view["viewExpandedText"],
                "StorageDescriptor": {"Columns": columns, "SerdeInfo": serde},
            },
        )

    def put(self, table: str, day: str, name: str, rows: list[dict], folder: Path) -> None:
        prefix = {"curated_events": "events", "arrived_events": "arrived"}[table]
        key = f"{prefix}/event_date={day}/{name}.parquet"
        self.stack.client("s3").put_object(Bucket=self.bucket, Key=key, Body=parquet_of(rows, NAMES, folder))
        self.rows(f"ALTER TABLE {table} ADD IF NOT EXISTS PARTITION (event_date = '{day}')")

    def scanned(self, sql: str) -> int:
        athena = self.stack.client("athena")
        query_id = athena.start_query_execution(
            QueryString=sql, WorkGroup=self.workgroup, QueryExecutionContext={"Database": self.database}
        )["QueryExecutionId"]

        def ended() -> dict | None:
            found = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            return found if found["Status"]["State"] in ("SUCCEEDED", "FAILED") else None

        found = wait_for("the query to end", ended, 60)
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"].get("StateChangeReason")
        return found["Statistics"]["DataScannedInBytes"]


@pytest.fixture(scope="module")
def lake(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake, folder = Lake(stack), tmp_path_factory.mktemp("rows")
    lake.make()
    lake.put("curated_events", BEFORE, "one", [row(f"old-{n}", BEFORE, 1, "curated") for n in range(50_000)], folder)
    lake.put("curated_events", TODAY, "one", [row("taken", TODAY, 1, "curated"), row("c", TODAY, 1, "curated")], folder)
    # An object that the job has taken, with an event that came after the job's listing, and a copy in a third object.
    lake.put(
        "arrived_events", TODAY, "a" * 32, [row("taken", TODAY, 1, "arrived"), row("new", TODAY, 9, "late")], folder
    )
    lake.put("arrived_events", TODAY, "b" * 32, [row("new", TODAY, 3, "first"), row("b", TODAY, 4, "arrived")], folder)
    # The same id on another day is another event to the view, until the job decides.
    lake.put("arrived_events", "2026-11-22", "b" * 32, [row("c", "2026-11-22", 5, "arrived")], folder)
    return lake


def test_each_event_shows_once_on_its_day_the_first_copy_of_those_that_the_table_has_not(lake: Lake) -> None:
    found = lake.rows(
        f"SELECT event_id, CAST(event_date AS varchar), user_id FROM events "
        f"WHERE event_date >= DATE '{TODAY}' ORDER BY 2, 1"
    )
    assert found == [
        ["b", TODAY, "arrived"],
        ["c", TODAY, "curated"],
        ["new", TODAY, "first"],
        ["taken", TODAY, "curated"],
        ["c", "2026-11-22", "arrived"],
    ]
    assert lake.rows("SELECT count(*), count(DISTINCT (event_id, event_date)) FROM events") == [["50005", "50005"]]


def test_the_view_has_the_columns_of_the_table(lake: Lake) -> None:
    columns = (
        "SELECT column_name, data_type FROM information_schema.columns "
        f"WHERE table_schema = '{lake.database}' AND table_name = '%s' ORDER BY ordinal_position"
    )
    described = lake.rows(columns % "events")
    assert sorted(described) == sorted(lake.rows(columns % "curated_events"))
    declared = rendered(lake.database)["storageDescriptor"]["columns"]
    assert [name for name, _ in described] == [one["name"] for one in declared]


def test_a_query_of_one_day_reads_no_other_day(lake: Lake) -> None:
    [[path]] = lake.rows(f"SELECT DISTINCT \"$path\" FROM curated_events WHERE event_date = DATE '{BEFORE}'")
    assert path
    ids = "SELECT count(DISTINCT event_id) FROM {} WHERE event_date = DATE '{}'"
    old = lake.scanned(ids.format("curated_events", BEFORE))
    assert old > 200_000
    assert lake.scanned(ids.format("events", TODAY)) < old / 4
    # The days that arrived_events has no rows of are read once, by the query itself, not to look for copies.
    assert lake.scanned(ids.format("events", BEFORE)) < 1.2 * old
    everything = lake.scanned("SELECT count(DISTINCT event_id) FROM events")
    assert everything < 1.5 * old, "the ids of the 20th were read twice"
