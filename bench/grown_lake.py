"""Makes the lake that months of runs leave, in the memory of the emulator: objects, partitions, reports, the head.

A lake has a run an hour and one raw object a minute. Objects that no run reads share one body. What new events touch
and what the saved queries look at is the same in each lake, however old it is, so that only the age differs: a lake of
10 days has all of the last 125 dates, too, and 35 days of quarantine.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ministack.services import glue, s3

CONTRACT = json.loads((Path(__file__).resolve().parents[1] / "schema" / "clickstream.json").read_text())
SHARD = "shardId-000000000000"
# Late events reach 30 days back, the saved queries 120 days, on the quarantine 30; a little further at a boundary.
LATE_DAYS = 30
DATES_DAYS = 125
QUARANTINE_DAYS = 35
QUARANTINE_EACH_MINUTES = 10
LATE_SHARE = 0.02
RUNS_A_DAY = 24

Objects = Iterator[tuple[str, dict]]


@dataclass(frozen=True)
class Plan:
    """What is to be made, and where."""

    days: int
    # As the version before the head object left it: 24 files a date, and the run reports only.
    legacy: bool
    events_a_day: int
    retention_hours: int
    raw_bucket: str
    curated_bucket: str
    database: str
    table: str


def fill(plan: Plan, now: datetime) -> dict[str, int]:
    """Put everything in place. Returns how much of each there is."""
    raw = dict(_arrived(plan, now))
    curated = {**dict(_tables(plan, now)), **dict(_runs(plan, now))}
    _put(plan.raw_bucket, raw)
    _put(plan.curated_bucket, curated)
    dates = [str(day) for day in _dates(plan, now)]
    _register(plan, dates)
    # A million records that never change: the collector need not look at them again.
    gc.collect()
    gc.freeze()
    return {"raw": len(raw), "curated": len(curated), "partitions": len(dates)}


def _put(bucket: str, objects: dict[str, dict]) -> None:
    stored = s3._buckets.get(bucket)
    if stored is None:
        raise ValueError(f"there is no bucket {bucket}")
    stored["objects"] = type(stored["objects"])({**dict(stored["objects"]), **objects})


def _object(body: bytes, moment: datetime) -> dict:
    """A record as MiniStack keeps it."""
    return {
        "body": body,
        "content_type": "application/octet-stream",
        "content_encoding": None,
        "etag": f'"{hashlib.md5(body).hexdigest()}"',
        "last_modified": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "size": len(body),
        "metadata": {},
        "preserved_headers": {},
        "storage_class": "STANDARD",
        "checksums": {},
    }


def _hours(days: int, now: datetime) -> Iterator[datetime]:
    """The hours of so many days, oldest first. The last is the hour before this one: what arrives is later."""
    last = now.replace(minute=0, second=0, microsecond=0)
    return (last - timedelta(hours=back) for back in range(days * RUNS_A_DAY, 0, -1))


def _dates(plan: Plan, now: datetime) -> list[date]:
    return [now.date() - timedelta(days=back) for back in range(max(plan.days, DATES_DAYS), -1, -1)]


# ---- what arrived ----


def _arrived(plan: Plan, now: datetime) -> Objects:
    line = json.dumps({"reason": "not_json", "payload": "?", "shard_id": SHARD, "sequence_number": "1"})
    body = gzip.compress(line.encode(), mtime=0)
    for hour in _hours(plan.days, now):
        record = _object(body, hour + timedelta(minutes=59))
        for key in _raw_keys(hour):
            yield f"raw/{key}", record
    for hour in _hours(max(plan.days, QUARANTINE_DAYS), now):
        record = _object(body, hour + timedelta(minutes=59))
        for key in list(_raw_keys(hour))[::QUARANTINE_EACH_MINUTES]:
            yield f"quarantine/{key}", record


def _raw_keys(hour: datetime) -> Iterator[str]:
    folder = f"year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}"
    for minute in range(60):
        # Below any sequence number of the stream.
        first = int(hour.timestamp()) + minute * 60
        yield f"{folder}/{SHARD}-{first:020d}-{first + 59:020d}.jsonl.gz"


# ---- the table ----

_TYPES = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "double": pa.float64(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "map<string,string>": pa.map_(pa.string(), pa.string()),
}


def _tables(plan: Plan, now: datetime) -> Objects:
    whole, hourly = plan.events_a_day, max(1, plan.events_a_day // RUNS_A_DAY)
    bodies = {rows: parquet(rows, now) for rows in {whole, hourly, _late_rows(plan)}}
    for day in _dates(plan, now):
        written = datetime(day.year, day.month, day.day, 23, 30, tzinfo=timezone.utc)
        for name, rows in _files(plan, day, now):
            record = _object(bodies[rows], min(written, now - timedelta(hours=1)))
            yield f"events/event_date={day}/part-{name}.parquet", record


def _files(plan: Plan, day: date, now: datetime) -> list[tuple[str, int]]:
    """Name and rows of a date's files: one, compacted, and the last run's late events; or one of each run."""
    if plan.legacy:
        return [(f"lake-{run:02d}-00000", max(1, plan.events_a_day // RUNS_A_DAY)) for run in range(RUNS_A_DAY)]
    late = [("lake-late-00000", _late_rows(plan))] if (now.date() - day).days <= LATE_DAYS else []
    return [("compacted-00000", plan.events_a_day), *late]


def _late_rows(plan: Plan) -> int:
    return max(1, round(plan.events_a_day / RUNS_A_DAY * LATE_SHARE / 30))


def parquet(rows: int, moment: datetime) -> bytes:
    """A file with the columns of the contract. The ids are new, so no later event is a copy."""
    columns = {}
    for field in CONTRACT["fields"]:
        if field.get("curated", True):
            columns[field.get("column", field["name"])] = _values(field, rows, moment)
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd", store_schema=False)
    return out.getvalue()


def _values(field: dict, rows: int, moment: datetime) -> pa.Array:
    kind, name = _TYPES[field["type"]], field["name"]
    if name == "event_id":
        return pa.array([str(uuid.uuid4()) for _ in range(rows)], kind)
    if field["type"] == "timestamp":
        return pa.array([moment - timedelta(hours=2)] * rows, kind)
    if field["type"] == "string":
        return pa.array([f"{name}-{number % 50}" for number in range(rows)], kind)
    if field["type"].startswith("map"):
        return pa.array([[("ab", "a")]] * rows, kind)
    return pa.array([1] * rows).cast(kind)


def _register(plan: Plan, dates: list[str]) -> None:
    table = glue._tables[f"{plan.database}/{plan.table}"]
    descriptor = table["StorageDescriptor"]
    inputs = [
        {"Values": [day], "StorageDescriptor": {**descriptor, "Location": f"{descriptor['Location']}event_date={day}/"}}
        for day in dates
    ]
    for start in range(0, len(inputs), 100):
        named = {"DatabaseName": plan.database, "TableName": plan.table}
        status, _, body = glue._batch_create_partition({**named, "PartitionInputList": inputs[start : start + 100]})
        if status >= 300 or json.loads(body).get("Errors"):
            raise ValueError(f"the partitions could not be registered: {body!r}")


# ---- the runs ----


def _runs(plan: Plan, now: datetime) -> Objects:
    hours = list(_hours(plan.days, now))
    nothing = gzip.compress(b"[]", mtime=0)
    earliest = now - timedelta(hours=plan.retention_hours + 3)
    taken = []
    for number, hour in enumerate(hours):
        name, end = f"lake-{number:06d}", hour + timedelta(hours=1)
        report = _report(plan, name, end)
        yield f"runs/{name}.json", _object(json.dumps(report, indent=2).encode(), end)
        yield f"runs/summaries/{name}.json", _object(json.dumps({**report, "partitions": []}).encode(), end)
        uris = [f"s3://{plan.raw_bucket}/{zone}/{key}" for key in _raw_keys(hour) for zone in ("raw", "quarantine")]
        listed = nothing if end < earliest else gzip.compress(json.dumps(uris).encode(), mtime=0)
        list_key = f"runs/taken/{name}.json.gz"
        yield list_key, _object(listed, end)
        if end >= earliest:
            taken.append({"at": end.isoformat(), "list": f"s3://{plan.curated_bucket}/{list_key}"})
    if not plan.legacy:
        head = _head(plan, now, f"lake-{len(hours) - 1:06d}", hours[-1] + timedelta(hours=1), taken)
        yield "runs/head.json", _object(json.dumps(head, indent=1).encode(), now)


def _position(end: datetime) -> dict:
    return {"listed_at": end.isoformat(), "processed_at": f"{end:%Y-%m-%d %H:%M:%S}.000", "rebuilds": []}


def _report(plan: Plan, name: str, end: datetime) -> dict:
    dates = [str(end.date() - timedelta(days=back)) for back in range(LATE_DAYS, -1, -1)]
    written = [f"s3://{plan.curated_bucket}/events/event_date={day}/part-{name}-00000.parquet" for day in dates]
    return {
        "version": 1,
        "execution": name,
        "job_run_id": None,
        "started_at": end.isoformat(),
        "finished_at": end.isoformat(),
        "outcome": "processed",
        "processed_at": _position(end)["processed_at"],
        "raw": {"objects": 60, "bytes": 60_000, "lines": plan.events_a_day // RUNS_A_DAY},
        "partitions": dates,
        "files": len(dates),
        "written_files": written,
        "retired": {"at": end.isoformat(), "locations": []},
        "position": _position(end),
    }


def _head(plan: Plan, now: datetime, name: str, end: datetime, taken: list[dict]) -> dict:
    recent = [day for day in _dates(plan, now) if (now.date() - day).days <= LATE_DAYS]
    size = plan.events_a_day * 60
    return {
        "version": 2,
        "execution": name,
        "stamp": f"{name}-stamp",
        "committed_at": end.isoformat(),
        "position": _position(end),
        "claimed_by": None,
        "retention_hours": plan.retention_hours,
        "taken": taken,
        "dates": {str(day): {"written_at": end.isoformat(), "files": 2, "bytes": size} for day in recent},
    }
