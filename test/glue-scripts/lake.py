"""A lake in a folder: raw lines go in as ingest writes them, the job runs, rows are read back apart from Spark."""

import gzip
import itertools
import json
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import clickstream_etl as etl
import duckdb
from directory_store import DictionaryCatalog, DirectoryStore

SHARD = "shardId-000000000000"


def event(event_id: str, event_time: str = "2026-03-02T09:00:00.000Z", **fields) -> dict:
    return {"event_id": event_id, "event_type": "page_view", "event_time": event_time, "user_id": "u1"} | fields


def arrived(line: dict, sequence: int, position: int = 0, time: str | None = None, shard: str = SHARD) -> dict:
    """The line as ingest writes it: by default the record with sequence number n arrives n seconds after noon."""
    moment = datetime(2026, 3, 2, 12, tzinfo=timezone.utc) + timedelta(seconds=sequence)
    return line | {
        "arrival": {
            "time": time or moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "shard_id": shard,
            "sequence_number": str(sequence),
            "position": position,
        }
    }


class Crash(BaseException):
    """Ends a run as a kill does: nothing in the job catches it."""


class Lake:
    def __init__(self, folder: Path, spark):
        self.folder = folder
        self.spark = spark
        self.store = DirectoryStore()
        self.catalog = DictionaryCatalog()
        self.spark_starts = 0
        self._clock = itertools.count()

    def uri(self, path: str) -> str:
        return f"file://{self.folder}/{path}"

    def put_raw(self, lines: list, first: int | None = None, last: int | None = None, shard: str = SHARD) -> str:
        """Puts one raw object, named after the sequence range of its lines."""
        numbers = [int(line["arrival"]["sequence_number"]) for line in lines if isinstance(line, dict)]
        name = f"{shard}-{first or min(numbers)}-{last or max(numbers)}.jsonl.gz"
        text = "".join((json.dumps(line) if isinstance(line, dict) else line) + "\n" for line in lines)
        uri = self.uri(f"raw/year=2026/month=03/day=02/hour=12/{name}")
        self.store.put(uri, gzip.compress(text.encode()))
        return uri

    def put_quarantine(self, reasons: list[str], name: str) -> str:
        text = "".join(json.dumps({"reason": reason, "payload": "x"}) + "\n" for reason in reasons)
        uri = self.uri(f"quarantine/year=2026/month=03/day=02/hour=12/{SHARD}-{name}.jsonl.gz")
        self.store.put(uri, gzip.compress(text.encode()))
        return uri

    def options(self, execution: str, privacy: str = "{}", **fields) -> etl.Options:
        return etl.Options(
            raw_path=self.uri("raw/"),
            quarantine_path=self.uri("quarantine/"),
            given_up_path=self.uri("aws/lambda/"),
            curated_path=self.uri("events/"),
            rebuilt_path=self.uri("rebuilt/"),
            runs_path=self.uri("runs/"),
            execution=execution,
            privacy=etl.parse_privacy(privacy),
            **fields,
        )

    def open_spark(self):
        self.spark_starts += 1
        return self.spark

    def run(self, execution: str, **fields) -> dict:
        """One run; each starts a second after the one before, as runs of a real lake do."""
        started = datetime.now(timezone.utc) + timedelta(seconds=next(self._clock))
        run = etl.Run(self.options(execution, **fields), self.store, self.catalog, self.open_spark, started)
        return etl.execute(run)

    def repair(self) -> None:
        """What MSCK REPAIR TABLE does: registers the dates under the table's location that are not registered."""
        for name in self.store.list_folders(self.uri("events/")):
            if name.startswith("event_date="):
                self.catalog.registered.setdefault(name[11:], self.uri(f"events/{name}/"))

    def rows(self, columns: str = "event_id, event_date") -> list[tuple]:
        """What a reader of the registered partitions sees, sorted; read by DuckDB."""
        self.repair()
        files = [
            etl.unquote(one.uri.removeprefix("file://"))
            for location in self.catalog.registered.values()
            for one in self.store.list_objects(location)
            if one.uri.endswith(".parquet")
        ]
        if not files:
            return []
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        query = "SELECT {} FROM read_parquet(?, hive_partitioning = true) ORDER BY ALL"
        rows = connection.execute(query.format(columns), [files]).fetchall()
        return [tuple(str(value) if hasattr(value, "isoformat") else value for value in row) for row in rows]

    def age(self, path: str, by: timedelta) -> None:
        """Makes everything under a path look older."""
        for one in self.store.list_objects(self.uri(path)):
            moment = time.time() - by.total_seconds()
            os.utime(self.store.path(one.uri), (moment, moment))

    def quarantined(self) -> list[dict]:
        objects = self.store.list_objects(self.uri("quarantine/"))
        return [json.loads(line) for one in objects for line in gzip.decompress(self.store.get(one.uri)).splitlines()]
