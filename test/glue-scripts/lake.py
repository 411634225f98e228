"""A lake in a folder: raw lines in the ingest's format, runs of the job, and DuckDB to read the results.

A test can save and restore its state.
"""

import gzip
import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
from pyspark.sql import SparkSession

from clickstream.arguments import Options, parse_options
from clickstream.job import execute
from clickstream.run import Run
from directory_store import DictionaryCatalog, DirectoryStore

SHARD = "shardId-000000000000"
ARRIVED = "2026-03-15T09:30:01.123Z"
FIRST_RUN = datetime(2026, 3, 15, 12, 0, tzinfo=timezone.utc)


class Crash(BaseException):
    """Ends the job like SIGKILL: no code of the job catches it."""


def event(event_id: str, event_time: str = "2026-03-15T09:30:00.000Z", **more: object) -> dict:
    """A small event on the day of the tests, Sunday 15 March 2026."""
    return {"event_id": event_id, "event_type": "page_view", "event_time": event_time, "user_id": "u1"} | more


def arrived(line: dict, sequence: int, position: int = 0, time: str | None = None, shard: str = SHARD) -> dict:
    """The line as the ingest writes it. By default, the record with sequence number n arrives n seconds after noon."""
    moment = datetime(2026, 3, 15, 12, tzinfo=timezone.utc) + timedelta(seconds=sequence)
    arrival = {
        "time": time or moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "shard_id": shard,
        "sequence_number": str(sequence),
        "position": position,
    }
    return line | {"arrival": arrival}


@dataclass
class Lake:
    """Paths, store and catalog of one test, and its clock: the first run is at noon, each later run a minute later."""

    folder: Path
    spark: SparkSession

    def __post_init__(self) -> None:
        self.store, self.catalog = DirectoryStore(), DictionaryCatalog()
        self.runs = self.spark_starts = 0
        self.retention_hours, self.dedupe_days = 24, 7

    def uri(self, path: str) -> str:
        return f"file://{self.folder}/lake/{path}"

    def path(self, path: str) -> Path:
        return self.folder / "lake" / path

    def put_raw(self, *events: dict | str, first: int = 100, time: str = ARRIVED) -> str:
        """Writes one raw object and returns its URI. Each event is a separate record, text is written unchanged."""
        lines = [
            one if isinstance(one, str) else arrived(one, first + number, time=time)
            for number, one in enumerate(events)
        ]
        return self.put_lines(lines, first, first + len(events) - 1, time=time)

    def put_lines(
        self, lines: list[dict | str], first: int = 0, last: int = 0, time: str = ARRIVED, shard: str = SHARD
    ) -> str:
        """Writes one raw object with these lines, named after their sequence numbers or after the given ones."""
        numbers = [int(line["arrival"]["sequence_number"]) for line in lines if isinstance(line, dict)]
        uri = self.uri(f"raw/{raw_key(first or min(numbers), last or max(numbers), time, shard)}")
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        self.store.put(uri, gzip.compress(text.encode()))
        return uri

    def put_quarantine(self, *reasons: str, first: int = 100, time: str = ARRIVED) -> str:
        lines = [json.dumps({"reason": reason, "detail": "d", "payload": "p"}) for reason in reasons]
        uri = self.uri(f"quarantine/{raw_key(first, first + len(reasons) - 1, time)}")
        self.store.put(uri, gzip.compress("\n".join(lines).encode()))
        return uri

    def age(self, uri: str, **ago: int) -> None:
        """Sets an object's LastModified to a time in the past."""
        moment = (datetime.now(timezone.utc) - timedelta(**ago)).timestamp()
        os.utime(self.store.path(uri), (moment, moment))

    def run(self, execution: str | None = None, started: datetime | None = None, **how: Any) -> dict:
        """Runs the job and returns its report. Each starts a minute after the last one, or at the given time."""
        return execute(self.attempt(execution, started, **how))

    def attempt(self, execution: str | None = None, started: datetime | None = None, **how: Any) -> Run:
        """One attempt of an execution, not started yet."""
        started = started or FIRST_RUN + timedelta(minutes=self.runs)
        self.runs += 1
        options = self.options(execution or f"run-{self.runs}", **how)
        return Run(options, self.store, self.catalog, self.open_spark, started)

    def options(
        self,
        execution: str = "by-hand",
        privacy: str = "{}",
        reprocess: tuple[str, str] = ("none", "none"),
        privacy_key: bytes | None = None,
        **arguments: str,
    ) -> Options:
        """The options of a run, from the job's arguments. More arguments replace these ones."""
        paths = {"raw": "raw/", "quarantine": "quarantine/", "given_up": "aws/lambda/"}
        paths |= {"curated": "events/", "rebuilt": "rebuilt/", "runs": "runs/"}
        given = {f"{name}_path": self.uri(path) for name, path in paths.items()}
        given |= {"privacy": privacy, "execution": execution, "target_file_mb": "128"}
        given |= {"retention_hours": str(self.retention_hours), "dedupe_days": str(self.dedupe_days)}
        given |= {"compaction": "on", "compaction_mb": "4096", "compaction_seconds": "120"}
        given |= {"arrived_path": "none", "reprocess_from": reprocess[0], "reprocess_to": reprocess[1]}
        return replace(parse_options(given | arguments), privacy_key=privacy_key)

    def open_spark(self) -> SparkSession:
        self.spark_starts += 1
        return self.spark

    def register(self, report: dict) -> None:
        """Does what the pipeline does after a run: registers new dates at their default location."""
        for day in report["partitions"]:
            self.catalog.registered.setdefault(day, self.uri(f"events/event_date={day}/"))

    def places(self) -> dict[str, str]:
        """Does what MSCK REPAIR TABLE does: registers default folders of unregistered dates."""
        days = [one.name.removeprefix("event_date=") for one in self.path("events").glob("event_date=*")]
        return {day: self.uri(f"events/event_date={day}/") for day in days} | self.catalog.registered

    def files(self) -> list[str]:
        found = [file for place in self.places().values() for file in self.store.path(place).rglob("*.parquet")]
        return sorted(str(file) for file in found if not any(part.startswith(("_", ".")) for part in file.parts[-3:]))

    def rows(self) -> dict[str, dict]:
        """Returns every row by its event_id, read by DuckDB. Fails if an id occurs twice."""
        # Uses microseconds since 1970, so that the time zone of this machine has no effect.
        times = [
            f"make_timestamp(epoch_us({name})) AS {name}" for name in ("event_time", "ingested_at", "processed_at")
        ]
        with duckdb.connect() as connection:
            found = connection.sql(
                f"SELECT * REPLACE ({', '.join(times)}) FROM read_parquet({self.files()}, hive_partitioning = true, "
                "hive_types = {'event_date': DATE})"
            )
            rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        by_id = {row["event_id"]: row for row in rows}
        assert len(by_id) == len(rows), f"an event_id occurs twice: {sorted(row['event_id'] for row in rows)}"
        return by_id

    def select(self, columns: str = "event_id, event_date") -> list[tuple]:
        """Returns the result of a query for these columns, sorted, with dates and times as text."""
        if not self.files():
            return []
        table = f"read_parquet({self.files()}, hive_partitioning = true)"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            rows = connection.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()
        return [tuple(str(value) if hasattr(value, "isoformat") else value for value in row) for row in rows]

    def contents(self) -> dict[str, dict]:
        """The rows without processed_at, which can differ between runs that write the same rows."""
        rows = self.rows().items()
        return {key: {name: value for name, value in row.items() if name != "processed_at"} for key, row in rows}

    def contents_by_date(self) -> dict[tuple[str, str], tuple]:
        """The rows by event_id and date, without processed_at. An id can have rows of several dates."""
        rows = self.select("event_id, event_date, * EXCLUDE (event_id, event_date, processed_at)")
        by_key = {(row[0], row[1]): row[2:] for row in rows}
        assert len(by_key) == len(rows), "an event_id occurs twice in a date"
        return by_key

    def quarantined(self) -> list[dict]:
        bodies = [gzip.decompress(self.store.get(one.uri)) for one in self.store.list_objects(self.uri("quarantine/"))]
        return [json.loads(line) for body in bodies for line in body.decode().splitlines()]

    def save(self) -> None:
        shutil.copytree(self.path("."), self.folder / "saved")
        self.saved = (self.runs, dict(self.catalog.registered))

    def restore(self) -> None:
        """Restores the saved state at the same paths, because the job's files contain complete URIs."""
        shutil.rmtree(self.path("."))
        shutil.copytree(self.folder / "saved", self.path("."))
        self.store, self.catalog = DirectoryStore(), DictionaryCatalog()
        self.runs, registered = self.saved
        self.catalog.registered = dict(registered)


def raw_key(first: int, last: int, time: str, shard: str = SHARD) -> str:
    year, month, day, hour = time[:4], time[5:7], time[8:10], time[11:13]
    return f"year={year}/month={month}/day={day}/hour={hour}/{shard}-{first}-{last}.jsonl.gz"
