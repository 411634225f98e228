"""A database with both tables as the program makes them, and its Athena, for the tests of the saved queries."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import duckdb
from emulator_stack import Stack, unique, wait_for

PROJECT = Path(__file__).resolve().parents[3]
CONTRACT = json.loads((PROJECT / "schema" / "clickstream.json").read_text())
TABLE_COLUMNS = [
    {"name": one.get("column", one["name"]), "type": one["type"]}
    for one in CONTRACT["fields"]
    if one.get("curated", True)
]

HIVE = "org.apache.hadoop.hive.ql.io"
FORMATS = {
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": {
        "InputFormat": f"{HIVE}.parquet.MapredParquetInputFormat",
        "OutputFormat": f"{HIVE}.parquet.MapredParquetOutputFormat",
    },
    "org.openx.data.jsonserde.JsonSerDe": {
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": f"{HIVE}.HiveIgnoreKeyTextOutputFormat",
    },
}

# Where the quarantine of these tests begins.
FIRST = date(2026, 1, 1)

DUCKDB_TYPES = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "double": "DOUBLE", "int": "INTEGER"}


def projection(bucket: str) -> dict[str, str]:
    """What infra/catalog gives the table, with an earlier first day, so that there are days that no query names."""
    return {
        "projection.enabled": "true",
        "projection.arrival_day.type": "date",
        "projection.arrival_day.format": "'year='yyyy'/month='MM'/day='dd",
        "projection.arrival_day.range": f"{FIRST:year=%Y/month=%m/day=%d},NOW+1DAY",
        "projection.arrival_day.interval": "1",
        "projection.arrival_day.interval.unit": "DAYS",
        "storage.location.template": f"s3://{bucket}/quarantine/${{arrival_day}}/",
    }


class Tables:
    """A database with both tables as the program makes them, filled, and its Athena."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.bucket, self.database = stack.bucket("lake"), unique("db").replace("-", "_")
        self.workgroup = unique("group")
        stack.client("glue").create_database(DatabaseInput={"Name": self.database})
        stack.client("athena").create_work_group(
            Name=self.workgroup,
            Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/results/"}},
        )

    def create(self, name: str, prefix: str, columns: list[dict], serde: str, keys: list[dict], **parameters) -> None:
        def plain(column: dict) -> dict:
            return {"Name": column["name"], "Type": column["type"]}

        storage = {"Location": f"s3://{self.bucket}/{prefix}/", "Columns": [plain(one) for one in columns]}
        storage |= {"SerdeInfo": {"SerializationLibrary": serde}, **FORMATS[serde]}
        self.stack.client("glue").create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE", **parameters},
                "PartitionKeys": [plain(one) for one in keys],
                "StorageDescriptor": storage,
            },
        )

    def create_both(self) -> None:
        parquet = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
        self.create("events", "events", TABLE_COLUMNS, parquet, CONTRACT["partitionKeys"], classification="parquet")
        self.create_quarantine()

    def create_quarantine(self) -> None:
        columns, keys = CONTRACT["quarantine"]["columns"], CONTRACT["quarantine"]["partitionKeys"]
        json_lines = "org.openx.data.jsonserde.JsonSerDe"
        self.create("quarantine", "quarantine", columns, json_lines, keys, **projection(self.bucket))

    def put_line(self, day: date, line: dict) -> None:
        """An object of the quarantine with one line, whose detail is the object's name."""
        body = gzip.compress((json.dumps(line) + "\n").encode())
        key = f"quarantine/{day:year=%Y/month=%m/day=%d}/hour=00/{line['detail']}.jsonl.gz"
        self.stack.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def listed(self, sql: str) -> list[str]:
        """The prefixes of the quarantine that the query lists, one for each page."""
        log = self.stack.state_dir / "requests.jsonl"
        before = len(log.read_text().splitlines())
        self.rows(sql)
        calls = [json.loads(line) for line in log.read_text().splitlines()[before:]]
        return [
            call["prefix"]
            for call in calls
            if call["resource"].endswith(f":{self.bucket}") and call.get("prefix", "").startswith("quarantine/")
        ]

    def rows(self, sql: str) -> list[list[str | None]]:
        athena = self.stack.client("athena")
        query_id = athena.start_query_execution(
            QueryString=sql, WorkGroup=self.workgroup, QueryExecutionContext={"Database": self.database}
        )["QueryExecutionId"]

        def ended() -> dict | None:
            status = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
            return status if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None

        status = wait_for("the query to end", ended, 60)
        assert status["State"] == "SUCCEEDED", status.get("StateChangeReason")
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
        return [[datum.get("VarCharValue") for datum in row["Data"]] for row in rows][1:]


def parquet_of(rows: list[dict], names: tuple[str, ...], folder: Path) -> bytes:
    """The rows with all columns of the table, in its types and order. Columns without a name in `names` are null."""
    source, target = folder / "rows.json", folder / "rows.parquet"
    source.write_text("\n".join(json.dumps(row) for row in rows))
    selected = ", ".join(
        f'CAST("{name}" AS {DUCKDB_TYPES[kind]}) AS "{name}"'
        if name in names
        else f'CAST(NULL AS {DUCKDB_TYPES.get(kind, "MAP(VARCHAR, VARCHAR)")}) AS "{name}"'
        for name, kind in ((column["name"], column["type"]) for column in TABLE_COLUMNS)
    )
    fields = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    read = f"read_json('{source}', format='newline_delimited', columns={{{fields}}})"
    duckdb.sql(f"COPY (SELECT {selected} FROM {read}) TO '{target}' (FORMAT parquet)")
    return target.read_bytes()
