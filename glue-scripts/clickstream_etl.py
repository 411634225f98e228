"""Makes the clean, partitioned `events` table of the raw clickstream: each event once, whatever was retried.

Runs on AWS Glue 5.1 (Spark 3.5, Python 3.11) and, unchanged, on any Spark 3.5. All it knows of the outside comes as
arguments. Only `Store`, `Catalog`, `extract_*` and `load_*` touch the world; between them DataFrames become DataFrames.

What makes it safe to kill at any point, and to run again:
  - rows are only ever appended, and only those whose event_id is not curated yet;
  - an attempt leaves a note before it writes; files of one that never came to its report are removed before the next
    run takes the same events again;
  - what a run took is on record only from its last step on: one PUT of its report that fails if the report exists;
  - what must replace rows (reprocess) is written elsewhere, then the partitions are pointed at it.
One run at a time: the job's MaxConcurrentRuns of 1 sees to that.
"""

import functools
import gzip
import hashlib
import io
import itertools
import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.exceptions import ClientError
from pyspark import TaskContext
from pyspark.sql import Column, DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F

ARGUMENTS = [
    "raw_path", "quarantine_path", "given_up_path", "curated_path", "rebuilt_path", "runs_path", "database", "table",
    "privacy", "privacy_key_secret", "target_file_mb", "execution", "reprocess_from", "reprocess_to",
]  # fmt: skip

# Times stay text here: Spark's cast to timestamp is several times faster than its JSON timestamp parser.
RAW_SCHEMA = """
  event_id string, event_type string, event_time string, user_id string, session_id string, anonymous_id string,
  page_url string, page_title string, referrer_url string, utm_source string, utm_medium string, utm_campaign string,
  device_type string, browser string, os string, user_agent string, email string,
  geo struct<ip: string, country: string, city: string>,
  product_id string, product_name string, product_category string, product_price double, quantity int,
  properties map<string, string>,
  arrival struct<time: string, shard_id: string, sequence_number: string, position: int>,
  _unparsed string
"""

# Columns that a later version of the contract added: in older rows they are null.
LATER_COLUMNS = ("anonymous_id", "page_title", "utm_source", "utm_medium", "utm_campaign", "os")

# The columns of the table in their order, as schema/clickstream.json has them; event_date is in the path.
EVENT_COLUMNS = {
    "event_id": "string", "user_id": "string", "session_id": "string", "event_time": "timestamp",
    "event_type": "string", "page_url": "string", "referrer_url": "string", "device_type": "string",
    "browser": "string", "ip": "string", "country": "string", "city": "string", "product_id": "string",
    "product_name": "string", "product_category": "string", "product_price": "double", "quantity": "int",
    "revenue": "double", "hour": "int", "day_of_week": "string", "properties": "map<string,string>",
    "ingested_at": "timestamp", "processed_at": "timestamp",
    **dict.fromkeys(LATER_COLUMNS, "string"),
}  # fmt: skip

# The files are written by the tasks themselves: at most this many uploads of a task at a time.
UPLOADS = 8
# A larger file waits for its upload on disk.
MOST_IN_MEMORY = 8_000_000
# How much of a file is held, uncompressed, before it is written as a row group.
ROW_GROUP_BYTES = 128_000_000
# Nearly every row has a value of its own: a dictionary of them takes more room than the values.
WITHOUT_DICTIONARY = ("event_id", "session_id", "event_time", "ingested_at")
# A row may be as large as a Kinesis record, and a batch of rows is held whole.
BATCH_ROWS = 1000
WRITTEN = "uri string, event_date string, rows bigint, bytes bigint"
# How long a failed write waits for its tasks to end.
TASKS_END_SECONDS = 60

# What the summary names at most. Step Functions carries 256 KiB from state to state, quotes escaped.
SUMMARY_DATES = 5000
SUMMARY_DATE_ENDS = 10
SUMMARY_REASONS = 20
SUMMARY_NAME_LENGTH = 100
SUMMARY_FIELDS = (
    "version", "execution", "job_run_id", "started_at", "finished_at", "seconds", "outcome", "processed_at", "raw",
    "curated", "written", "recovered", "duplicates", "redelivered", "quarantined", "unreadable_lines",
    "given_up_batches", "files", "curated_bytes", "reprocess",
)  # fmt: skip
# What makes two events with one id the same event. Not the address and what is derived of it: they are the
# connection's, and a producer may send an event again through another one.
CONTENT = (
    "event_type", "event_time", "user_id", "session_id", "page_url", "referrer_url", "device_type", "browser",
    "product_id", "product_name", "product_category", "product_price", "quantity", *LATER_COLUMNS,
)  # fmt: skip
FATES = ("new", "recovered", "redelivered", "duplicate", "conflict", "known")

OPTIMIZER = "org.apache.spark.sql.catalyst.optimizer"
ADAPTIVE = "org.apache.spark.sql.execution.adaptive"
OBSERVATION_SECONDS = 30

PRIVACY_ACTIONS = ("keep", "mask", "hash", "drop")
PRIVACY_FIELDS = (
    "user_id", "session_id", "page_url", "referrer_url", "device_type", "browser", "ip", "country", "city",
    "product_id", "product_name", "product_category", "user_agent", "email", *LATER_COLUMNS,
)  # fmt: skip
DEFAULT_PRIVACY = {"ip": "mask", "user_agent": "drop", "email": "drop"}
# Columns that the table does not have: their rules speak of `properties`, where a producer may have put them.
NEVER_CURATED = ("user_agent", "email")
# Columns that may hold any text.
SCRUBBED = (
    "user_id", "session_id", "event_type", "page_url", "referrer_url", "device_type", "browser", "country", "city",
    "product_id", "product_name", "product_category", *LATER_COLUMNS,
)  # fmt: skip

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

# An object may carry an earlier LastModified than the listing that missed it; an hour covers clocks and slow uploads.
LISTING_MARGIN = timedelta(hours=1)
# A query that started before a switch may still read the old files; Athena ends a query after 30 minutes.
RETIREMENT_DELAY = timedelta(hours=1)
# End the keys of what this job itself puts into quarantine, so that the next run does not take it for ingest's.
UNREADABLE_SUFFIX = "-unreadable.jsonl.gz"
CONFLICT_SUFFIX = "-conflicts.jsonl.gz"
# Of the batches that Lambda gave up, no more are counted: more than that is one fault, not so many.
MOST_GIVEN_UP = 10_000
# Spark's JSON parser takes no number of more digits.
LONGEST_NUMBER = 1000
LONG_NUMBER = re.compile(rf"(?<![\w\"])-?[0-9]{{{LONGEST_NUMBER + 1},}}")
ARRIVAL = re.compile(r',\s*"arrival"\s*:\s*\{[^{}]*\}\s*\}\s*$')
RAW_KEY = re.compile(
    r"year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/(?P<shard>.+)-(?P<first>\d+)-(?P<last>\d+)\.jsonl\.gz$"
)


class AlreadyCommitted(Exception):
    """This execution's report exists: what it did counts, and must not be done in its name again."""


class GivenUp(Exception):
    """Another run treated this one as dead and removed its files, so it must not be committed."""


class NothingToReprocess(Exception):
    """No run was committed yet, so there is nothing that a reprocess could read again."""


# ---------------------------------------------------------------------------------------------------- the world


class StoredObject(NamedTuple):
    """One object of a listing."""

    uri: str
    size: int
    modified: datetime


def split_uri(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Store:
    """Objects in S3, addressed by their s3:// URI."""

    def __init__(self):
        self._s3 = boto3.client("s3")
        # Old versions of boto3 do not know the parameter IfNoneMatch; as a header it works with all of them.
        self._conditional = boto3.client("s3")
        self._conditional.meta.events.register(
            "before-call.s3.PutObject", lambda params, **_: params["headers"].update({"If-None-Match": "*"})
        )

    def list_objects(self, prefix: str, in_folders: bool = True) -> list[StoredObject]:
        """The objects under a prefix. Without those in its folders, a folder costs one entry, whatever it holds."""
        bucket, key = split_uri(prefix)
        how = {} if in_folders else {"Delimiter": "/"}
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, **how)
        return [
            StoredObject(f"s3://{bucket}/{item['Key']}", item["Size"], item["LastModified"])
            for page in pages
            for item in page.get("Contents", [])
        ]

    def count(self, prefix: str, most: int) -> int:
        """How many objects lie under a prefix, by as few requests as it takes to count to `most`."""
        bucket, key = split_uri(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=key, PaginationConfig={"MaxItems": most}
        )
        return sum(len(page.get("Contents", [])) for page in pages)

    def list_folders(self, prefix: str) -> list[str]:
        """The names right under a prefix that something lies in; costs one request per thousand."""
        bucket, key = split_uri(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, Delimiter="/")
        return [item["Prefix"][len(key) :].rstrip("/") for page in pages for item in page.get("CommonPrefixes", [])]

    def exists(self, prefix: str) -> bool:
        bucket, key = split_uri(prefix)
        return self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0) > 0

    def get(self, uri: str) -> bytes:
        bucket, key = split_uri(uri)
        return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def put(self, uri: str, body: bytes) -> None:
        bucket, key = split_uri(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body)

    @staticmethod
    def uploads() -> "Uploads":
        """What the tasks of Spark put files with, wherever they run."""
        return Uploads(boto3.session.Session().region_name)

    def put_if_absent(self, uri: str, body: bytes) -> bool:
        """False when the object exists; S3 decides, so that of two writers one loses."""
        bucket, key = split_uri(uri)
        try:
            self._conditional.put_object(Bucket=bucket, Key=key, Body=body)
        except ClientError as error:
            if error.response["ResponseMetadata"].get("HTTPStatusCode") in (409, 412):
                return False
            raise
        return True

    def delete(self, uris: list[str]) -> None:
        by_bucket: dict[str, list[str]] = {}
        for uri in uris:
            bucket, key = split_uri(uri)
            by_bucket.setdefault(bucket, []).append(key)
        for bucket, keys in by_bucket.items():
            for start in range(0, len(keys), 1000):
                chunk = [{"Key": key} for key in keys[start : start + 1000]]
                answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
                if answer.get("Errors"):
                    raise RuntimeError(f"Could not delete from {bucket}: {answer['Errors'][0]}")


@dataclass(frozen=True)
class Uploads:
    """Travels to the tasks, where it opens a client with the credentials of the machine that it is on."""

    region: str | None

    def open(self) -> Callable[[str, BinaryIO], None]:
        s3 = boto3.client(
            "s3", region_name=self.region, config=Config(retries={"mode": "standard", "max_attempts": 10})
        )

        def put(uri: str, body: BinaryIO) -> None:
            bucket, key = split_uri(uri)
            s3.put_object(Bucket=bucket, Key=key, Body=body)

        return put


class Catalog:
    """Where each date of the table lies, as the Glue catalog has it."""

    def __init__(self, database: str, table: str):
        self._glue = boto3.client("glue")
        self._table = {"DatabaseName": database, "TableName": table}

    def locations(self) -> dict[str, str]:
        """Registered date to location, each with a slash at its end."""
        pages = self._glue.get_paginator("get_partitions").paginate(**self._table, ExcludeColumnSchema=True)
        return {
            partition["Values"][0]: partition["StorageDescriptor"]["Location"].rstrip("/") + "/"
            for page in pages
            for partition in page["Partitions"]
        }

    def switch(self, locations: dict[str, str]) -> None:
        """Points the dates at their new locations: one call for a hundred, so that a reader sees old or new."""
        request = {"DatabaseName": self._table["DatabaseName"], "Name": self._table["TableName"]}
        descriptor = self._glue.get_table(**request)["Table"]["StorageDescriptor"]
        registered = self.locations()
        inputs = [
            {"Values": [day], "StorageDescriptor": {**descriptor, "Location": location}}
            for day, location in sorted(locations.items())
        ]
        known = [one for one in inputs if one["Values"][0] in registered]
        for start in range(0, len(known), 100):
            entries = [
                {"PartitionValueList": one["Values"], "PartitionInput": one} for one in known[start : start + 100]
            ]
            self._raise(self._glue.batch_update_partition(**self._table, Entries=entries))
        unknown = [one for one in inputs if one["Values"][0] not in registered]
        for start in range(0, len(unknown), 100):
            chunk = unknown[start : start + 100]
            self._raise(self._glue.batch_create_partition(**self._table, PartitionInputList=chunk))

    @staticmethod
    def _raise(answer: dict) -> None:
        if answer.get("Errors"):
            raise RuntimeError(f"The catalog refused to switch a partition: {answer['Errors'][0]}")


# What every log line carries: the execution, and the job run where it is known. A process has one run.
LOG_CONTEXT: dict[str, str] = {}


def say(message: str, level: str = "INFO", **fields: object) -> None:
    """One log line, a JSON object: progress for the person who watches the run, fields for Logs Insights."""
    line = {"timestamp": iso(datetime.now(timezone.utc)), "level": level, "message": message}
    print(json.dumps(line | LOG_CONTEXT | fields, ensure_ascii=False), flush=True)


def size_text(count: int) -> str:
    if count < 1_000_000:
        return f"{count / 1000:,.1f} kB"
    return f"{count / 1_000_000:,.1f} MB"


# ------------------------------------------------------------------------------------------------ the arguments


@dataclass
class Options:
    """The job's arguments, checked."""

    raw_path: str
    quarantine_path: str
    given_up_path: str
    curated_path: str
    rebuilt_path: str
    runs_path: str
    execution: str
    privacy: dict[str, str]
    target_file_mb: int = 128
    reprocess: tuple[str, str] | None = None
    job_run_id: str | None = None
    privacy_key: bytes | None = field(default=None, repr=False)


def parse_options(arguments: dict[str, str]) -> Options:
    """Checks the arguments before anything is read; all paths end with a slash from here on."""
    paths = {name: arguments[name].rstrip("/") + "/" for name in ARGUMENTS if name.endswith("_path")}
    if not re.fullmatch(r"[1-9]\d*", arguments["target_file_mb"]):
        raise ValueError(f"--target_file_mb must be a whole number from 1, got {arguments['target_file_mb']!r}")
    return Options(
        **paths,
        execution=arguments["execution"],
        privacy=parse_privacy(arguments["privacy"]),
        target_file_mb=int(arguments["target_file_mb"]),
        reprocess=parse_reprocess(arguments["reprocess_from"], arguments["reprocess_to"]),
    )


def parse_privacy(text: str) -> dict[str, str]:
    """The rule of every field; what the argument leaves out has its default, so that an empty one protects."""
    try:
        rules = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--privacy must be a JSON object, got {text!r}: {error}") from None
    if not isinstance(rules, dict):
        raise ValueError(f"--privacy must be a JSON object, got {text!r}")
    problems = [
        f"unknown field {name!r} (allowed: {', '.join(PRIVACY_FIELDS)})" for name in rules if name not in PRIVACY_FIELDS
    ] + [
        f"{name} has the unknown action {action!r} (allowed: {', '.join(PRIVACY_ACTIONS)})"
        for name, action in rules.items()
        if action not in PRIVACY_ACTIONS
    ]
    if problems:
        raise ValueError("--privacy: " + "; ".join(problems))
    return {name: "keep" for name in PRIVACY_FIELDS} | DEFAULT_PRIVACY | rules


def parse_reprocess(first: str, last: str) -> tuple[str, str] | None:
    """Both dates, or none."""
    if first == "none" and last == "none":
        return None
    for name, value in (("--reprocess_from", first), ("--reprocess_to", last)):
        try:
            if date.fromisoformat(value).isoformat() != value:
                raise ValueError
        except ValueError:
            raise ValueError(f"{name} must be a date such as 2026-01-31, got {value!r}") from None
    if first > last:
        raise ValueError(f"--reprocess_from {first} lies after --reprocess_to {last}")
    return first, last


def read_privacy_key(rules: dict[str, str], secret: str) -> bytes | None:
    """The key of the field hashes, only fetched where a rule needs it; it goes nowhere else."""
    if "hash" not in rules.values():
        return None
    if secret == "none":
        raise ValueError("--privacy hashes a field, so --privacy_key_secret must name the secret with the key")
    key = boto3.client("secretsmanager").get_secret_value(SecretId=secret).get("SecretString", "")
    if not key:
        raise ValueError("The secret that --privacy_key_secret names holds no text: store the key as its SecretString")
    return key.encode()


# ------------------------------------------------------------------------------------------ what earlier runs did


@dataclass
class Position:
    """How far the committed runs have come."""

    listed_at: datetime
    processed_at: str
    rebuilds: list[str]

    def to_json(self) -> dict:
        return {
            "listed_at": self.listed_at.isoformat(),
            "processed_at": self.processed_at,
            "rebuilds": self.rebuilds,
        }


@dataclass
class Work:
    """What there is to take, and what was taken before."""

    raw: list[StoredObject]
    quarantine: list[StoredObject]
    taken_raw: list[StoredObject]
    listed_at: datetime
    position: Position | None


def extract_position(store: Store, options: Options) -> tuple[Position | None, set[str]]:
    """Where the last committed run stood, and the names of all committed runs."""
    reports = [one for one in store.list_objects(options.runs_path, in_folders=False) if one.uri.endswith(".json")]
    names = {one.uri[len(options.runs_path) : -len(".json")] for one in reports}
    if options.execution in names:
        raise AlreadyCommitted(
            f"Execution {options.execution} has already been committed (its report exists). "
            "Start a new execution: it takes whatever has come since."
        )
    if not reports:
        return None, names
    # LastModified has whole seconds: among the newest the reports themselves say which came last.
    newest = max(one.modified for one in reports) - timedelta(seconds=2)
    latest = max(
        (json.loads(store.get(one.uri)) for one in reports if one.modified >= newest),
        key=lambda report: report["finished_at"],
    )
    saved = latest["position"]
    listed_at = datetime.fromisoformat(saved["listed_at"])
    return Position(listed_at, saved["processed_at"], saved["rebuilds"]), names


def extract_work(store: Store, options: Options) -> Work:
    """The raw and quarantine objects that no committed run took."""
    position, committed = extract_position(store, options)
    listed_at = datetime.now(timezone.utc)
    raw = [one for one in store.list_objects(options.raw_path) if one.uri.endswith(".jsonl.gz")]
    quarantine = [
        one
        for one in store.list_objects(options.quarantine_path)
        if one.uri.endswith(".jsonl.gz") and not one.uri.endswith((UNREADABLE_SUFFIX, CONFLICT_SUFFIX))
    ]
    if position is None:
        return Work(raw, quarantine, [], listed_at, None)
    since = position.listed_at - LISTING_MARGIN
    recent = [one for one in raw + quarantine if one.modified >= since]
    taken = extract_taken(store, options, recent, since, committed)
    new = {one.uri for one in recent} - taken
    return Work(
        [one for one in raw if one.uri in new],
        [one for one in quarantine if one.uri in new],
        [one for one in raw if one.uri not in new],
        listed_at,
        position,
    )


def extract_taken(store: Store, options: Options, recent: list, since: datetime, committed: set[str]) -> set[str]:
    """The keys on the committed runs' lists, of just those lists that can name one of the recent objects."""
    if not recent:
        return set()
    # A redelivery overwrites an old object, which then looks new; it was first taken after the hour in its key.
    earliest = min([since, *(arrival_hour(one.uri) for one in recent)])
    prefix = f"{options.runs_path}taken/"
    lists = [
        one
        for one in store.list_objects(prefix)
        if one.modified >= earliest and one.uri[len(prefix) :].removesuffix(".json.gz") in committed
    ]
    with ThreadPoolExecutor(16) as pool:
        bodies = pool.map(lambda one: json.loads(gzip.decompress(store.get(one.uri))), lists)
        return {uri for body in bodies for uri in body}


def arrival_hour(uri: str) -> datetime:
    match = RAW_KEY.search(uri)
    if not match:
        return datetime.min.replace(tzinfo=timezone.utc)
    return datetime(*(int(match[group]) for group in range(1, 5)), tzinfo=timezone.utc)


def taken_ranges(work: Work) -> list[tuple[str, str, str]]:
    """Sequence ranges of earlier objects that new ones overlap: Kinesis delivered these again, cut otherwise."""
    new: dict[str, list[tuple[str, str]]] = {}
    for one in work.raw:
        if match := RAW_KEY.search(one.uri):
            new.setdefault(match["shard"], []).append((match["first"].zfill(64), match["last"].zfill(64)))
    spans = {
        shard: (min(first for first, _ in ranges), max(last for _, last in ranges)) for shard, ranges in new.items()
    }
    old: list[tuple[str, str, str]] = []
    for one in work.taken_raw:
        match = RAW_KEY.search(one.uri)
        if not match or match["shard"] not in spans:
            continue
        first, last = match["first"].zfill(64), match["last"].zfill(64)
        if first <= spans[match["shard"]][1] and last >= spans[match["shard"]][0]:
            old.append((match["shard"], first, last))
    merged: list[tuple[str, str, str]] = []
    for shard, first, last in sorted(old):
        # Overlapping ranges become one, so that a line meets at most one of them.
        if merged and merged[-1][0] == shard and first <= merged[-1][2]:
            merged[-1] = (shard, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((shard, first, last))
    return merged


def extract_quarantine_reasons(store: Store, objects: list[StoredObject]) -> Counter:
    """How many lines were quarantined for which reason; the lines themselves stay where ingest put them."""

    def count(one: StoredObject) -> Counter:
        lines = gzip.decompress(store.get(one.uri)).splitlines()
        return Counter(json.loads(line)["reason"] for line in lines if line.strip())

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(count, objects), Counter())


def current_locations(store: Store, catalog: Catalog, options: Options) -> dict[str, str]:
    """Every date that has files, and where they lie: where the catalog says, else at the default place.

    A date that an interrupted run wrote is not registered yet, but its rows count all the same.
    """
    folders = store.list_folders(options.curated_path)
    dates = [name.removeprefix("event_date=") for name in folders if name.startswith("event_date=")]
    locations = {day: f"{options.curated_path}event_date={day}/" for day in dates}
    elsewhere = {
        day: location
        for day, location in catalog.locations().items()
        if location != f"{options.curated_path}event_date={day}/"
    }
    return locations | {day: location for day, location in elsewhere.items() if store.exists(location)}


# --------------------------------------------------------------------------------------- DataFrame to DataFrame


def configure(spark: SparkSession, raw_bytes: int, target_file_mb: int) -> None:
    """Every setting that the rows or the files depend on, so that no cluster default decides."""
    # 8 partitions hold some 100 MB of gzipped raw; above that as many as keep a task's share at that size.
    shuffle_partitions = max(8, raw_bytes // 12_000_000)
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        # A value that cannot be cast must become null, and its line quarantined, instead of ending the run.
        "spark.sql.ansi.enabled": "false",
        "spark.sql.shuffle.partitions": str(shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        # Without these rules a stage that turns out empty is cut out of the plan, and what it observed with it.
        "spark.sql.optimizer.excludedRules": f"{OPTIMIZER}.PropagateEmptyRelation",
        "spark.sql.adaptive.optimizer.excludedRules": f"{ADAPTIVE}.AQEPropagateEmptyRelation",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": f"{target_file_mb}m",
        # Few rows of many dates are many files: they are work for more than one task.
        "spark.sql.adaptive.coalescePartitions.minPartitionSize": "64k",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        "spark.sql.legacy.timeParserPolicy": "CORRECTED",
        # Spark lists the files of the table by a task for each date; thousands of dates would be as many tasks.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "32",
        "spark.sql.files.ignoreCorruptFiles": "false",
        "spark.sql.files.ignoreMissingFiles": "false",
        "spark.sql.caseSensitive": "true",
        # A name twice in a map makes its file unreadable in Athena; a JSON parser takes the last one.
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    }.items():
        spark.conf.set(key, value)


def extract_raw(spark: SparkSession, objects: list[StoredObject]) -> DataFrame:
    """The lines of the raw objects, with a schema that is given: to infer it would read everything twice."""
    return (
        spark.read.schema(RAW_SCHEMA)
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", "_unparsed")
        .option("multiLine", "false")
        # Without it a CR ends a line, too: it is white space in JSON.
        .option("lineSep", "\n")
        .json([one.uri for one in objects])
        .select("*", source_of(F.col("_metadata.file_path")).alias("source"))
    )


def source_of(uri: Column) -> Column:
    """A short name of the raw object that a line lies in: eight bytes a line, where its key would be a hundred."""
    return F.xxhash64(F.substring_index(uri, "/", -1))


def flatten(raw: DataFrame, *beside: str) -> DataFrame:
    """Types and names of the table, what of the arrival decides between copies, and columns to keep beside."""
    event_time = instant(F.col("event_time"))
    arrived = instant(F.col("arrival.time"))
    is_readable = (
        F.col("_unparsed").isNull()
        & (F.coalesce(F.col("event_id"), F.lit("")) != "")
        & (F.coalesce(F.col("event_type"), F.lit("")) != "")
        & event_time.isNotNull()
        & arrived.isNotNull()
        & F.col("arrival.shard_id").isNotNull()
        & F.col("arrival.sequence_number").isNotNull()
        & F.col("arrival.position").isNotNull()
    )
    return raw.select(
        "event_id", "user_id", "session_id", event_time.alias("event_time"), "event_type", "page_url", "referrer_url",
        "device_type", "browser", F.col("geo.ip").alias("ip"), F.col("geo.country").alias("country"),
        F.col("geo.city").alias("city"), "product_id", "product_name", "product_category", "product_price", "quantity",
        each_key_once(F.col("properties")).alias("properties"), arrived.alias("ingested_at"),
        F.col("arrival.shard_id").alias("shard_id"), F.col("arrival.sequence_number").alias("sequence_number"),
        F.col("arrival.position").alias("position"), is_readable.alias("is_readable"), *LATER_COLUMNS,
        *beside,
    ).withColumn("content", content_hash())  # fmt: skip


def content_hash() -> Column:
    """64 bits of all that makes an event this event; properties in any order."""
    return F.xxhash64(*CONTENT, F.sort_array(F.map_entries("properties")))


def each_key_once(names: Column) -> Column:
    """A map as Spark read it may have a key twice, from JSON and from Parquet alike; made anew, the last one counts."""
    return F.transform_keys(names, lambda key, _: key)


def instant(text: Column) -> Column:
    """A time with its `Z` cut off, the session's zone being UTC: Spark compiles patterns for each zone it reads.

    Any other zone is left in place, and read as it says; so is what has more than one `Z`, which is no time.
    """
    without_zone = F.substring_index(text, "Z", 1)
    is_utc = F.concat(without_zone, F.lit("Z")) == text
    return F.when(is_utc, without_zone).otherwise(text).cast("timestamp")


def mark_taken(events: DataFrame, spark: SparkSession, ranges: list[tuple[str, str, str]]) -> DataFrame:
    """Says which lines lie in a range that an earlier run took, so that a copy of a copy is not counted again."""
    if not ranges:
        return events.withColumn("was_taken", F.lit(False))
    earlier = spark.createDataFrame(ranges, "taken_shard string, first string, last string")
    padded = F.lpad("sequence_number", 64, "0")
    lies_within = (F.col("shard_id") == F.col("taken_shard")) & padded.between(F.col("first"), F.col("last"))
    return (
        events.join(F.broadcast(earlier), lies_within, "left")
        .withColumn("was_taken", F.col("taken_shard").isNotNull())
        .drop("taken_shard", "first", "last")
    )


def order_copies(events: DataFrame) -> DataFrame:
    """Numbers the copies of each event by arrival: Kinesis delivers at least once, so the first one wins.

    The same shard, sequence number and position again is not a second event but a second delivery. Each copy has
    the first one's content and source beside its own.
    """
    arrival = Window.partitionBy("event_id").orderBy(
        "ingested_at", "shard_id", F.length("sequence_number"), "sequence_number", "position"
    )
    copies = events.withColumns(
        {
            "copy": F.row_number().over(arrival),
            "place": F.rank().over(arrival),
            "first_content": F.first("content").over(arrival),
            "first_source": F.first("source").over(arrival),
        }
    )
    # Only an equal arrival shares a rank, so the second delivery's number is higher than its rank.
    return copies.withColumn("is_again", F.col("copy") > F.col("place")).drop("place")


def classify(copies: DataFrame, known: DataFrame | None, position: Position | None) -> DataFrame:
    """Gives each line its fate: new, recovered, redelivered, duplicate, conflict or known.

    `recovered` is a row that an interrupted run wrote and that was left, because raw no longer has all that the run
    took: its run has no report, so it is this run that counts it.
    `conflict` is another event under the id of the first one. `known` has the id of a curated row: whether it is a
    duplicate or a conflict, `settle_known` says.
    """
    is_first = F.col("copy") == 1
    is_redelivered = F.col("is_again") | F.col("was_taken")
    among_new = (
        F.when(is_first, "new")
        .when(is_redelivered, "redelivered")
        .when(F.col("content") == F.col("first_content"), "duplicate")
        .otherwise("conflict")
    )
    if known is None:
        return copies.withColumns({"fate": among_new, "known_file": F.lit(None).cast("string")})
    is_uncommitted = uncommitted(F.col("known_processed_at"), position)
    is_same_copy = is_first & (F.col("known_ingested_at") == F.col("ingested_at"))
    fate = (
        F.when(F.col("known_id").isNull(), among_new)
        .when(is_same_copy & is_uncommitted, "recovered")
        .when(is_same_copy | is_redelivered, "redelivered")
        .otherwise("known")
    )
    joined = copies.join(known, F.col("event_id") == F.col("known_id"), "left")
    return joined.withColumn("fate", fate).drop("known_id", "known_ingested_at", "known_processed_at")


def uncommitted(processed_at: Column, position: Position | None) -> Column:
    """True for the rows of a run that never came to its report."""
    if position is None:
        return F.lit(True)
    is_later = processed_at > F.lit(position.processed_at).cast("timestamp")
    return is_later & ~processed_at.cast("string").isin(rebuild_texts(position))


def rebuild_texts(position: Position) -> list[str]:
    """The times of committed rebuilds as Spark prints a timestamp: without zeros at its end."""
    return [re.sub(r"\.?0+$", "", text) if "." in text else text for text in position.rebuilds] or [""]


def extract_known(spark: SparkSession, locations: dict[str, str], raw: DataFrame, raw_bytes: int) -> DataFrame | None:
    """Which of the arriving ids are curated already, on whatever date: the same id may come with another time.

    Only three columns are read, and 64-bit hashes of the arriving ids are sent to where the curated ones are, so
    that these need no shuffle. A hash may collide: the equality of the id itself decides in `classify`.
    """
    if not locations:
        return None
    known = (
        spark.read.schema("event_id string, ingested_at timestamp, processed_at timestamp")
        .parquet(*locations.values())
        .select("*", F.col("_metadata.file_path").alias("known_file"))
    )
    arriving = raw.select(F.xxhash64("event_id").alias("hash"))
    # Some 15 lines in a kilobyte of gzipped raw: below 128 MB the hashes take less than 64 MB in memory.
    if raw_bytes < 128_000_000:
        arriving = F.broadcast(arriving)
    return known.join(arriving, F.xxhash64("event_id") == F.col("hash"), "left_semi").select(
        F.col("event_id").alias("known_id"),
        F.col("ingested_at").alias("known_ingested_at"),
        F.col("processed_at").alias("known_processed_at"),
        "known_file",
    )


# ------------------------------------------------------------------------------------------------- personal data

# Java's patterns. No group repeats without a bound: Java matches each repeat by a call, and a long value would
# overflow its stack. What a URL or JSON text escapes is matched as it is written there.
OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
IPV4 = rf"(?:{OCTET}\.){{3}}{OCTET}"
GROUP, COLON = "[0-9A-Fa-f]{1,4}", "(?::|%(?:25)?3[Aa])"
IPV6 = (
    rf"(?:(?:{GROUP}{COLON}){{6}}|(?:{GROUP}(?:{COLON}{GROUP}){{0,5}})?{COLON}{COLON}(?:{GROUP}{COLON}){{0,5}}){IPV4}"
    rf"|(?:{GROUP}{COLON}){{7}}{GROUP}"
    rf"|{GROUP}(?:{COLON}{GROUP}){{0,6}}{COLON}{COLON}(?:{GROUP}(?:{COLON}{GROUP}){{0,6}})?"
    rf"|{COLON}{COLON}{GROUP}(?:{COLON}{GROUP}){{0,6}}"
)
# A word may begin right after an escape, too: %3D203.0.113.7, \n203.0.113.7
AFTER_ESCAPE = r"(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])"
ADDRESS = (
    rf"(?:(?<![0-9A-Za-z:.])|{AFTER_ESCAPE})(?:{IPV6})(?!:?[0-9A-Za-z]|::|\.[0-9])"
    rf"|(?:(?<![0-9A-Za-z])|{AFTER_ESCAPE})(?<![0-9]\.){IPV4}(?![0-9A-Za-z]|\.[0-9])"
)
AT = r"(?:@|%(?:25)?40|\\{1,3}u0040)"
EMAIL = (
    rf"(?<!\\)(?:[\p{{L}}\p{{N}}._+'-]|%(?:25)?2[Bb]|%[89A-Fa-f][0-9A-Fa-f]){{1,64}}{AT}"
    rf"(?:(?:[\p{{L}}\p{{N}}-]{{1,63}}\.){{1,8}}\p{{L}}[\p{{L}}\p{{N}}-]{{1,62}}|\[[^\]\s]{{2,45}}\]|{IPV4})"
)
# Programs that name themselves without a comment in brackets; only at the beginning of a value.
AGENTS = (
    "curl|Wget|okhttp|python-requests|Python-urllib|aiohttp|Go-http-client|Java|PostmanRuntime|axios|node-fetch|"
    "Apache-HttpClient|Dart|Ruby|PHP|libwww-perl|CFNetwork|Dalvik|Opera|Lynx"
)
AGENT = (
    r"\b(?:Mozilla|Opera|Dalvik)/[0-9][^\"\\\r\n]*"
    rf"|(?:^\s*|(?<=\"))(?:{AGENTS})/[0-9][^\"\\\r\n]*"
    # Name/1.0 (what it runs on) and Name/1.0 Library/2.0
    r"|\b[A-Za-z][\w.-]{0,40}/[0-9][\w.]{0,20}[ +](?:\(|[A-Za-z][\w.-]{0,40}/[0-9])[^\"\\\r\n]*"
    r"|\bMozilla%(?:25)?2[Ff][0-9][^&#\"\\\s]*"
)

# An IPv4 address written as IPv6, ::ffff:203.0.113.7, is what it stands for. Another IPv4 tail stands for two groups.
TO_IPV4_OR_GROUPS = (
    (rf"^(?:::|(?:0{{1,4}}:){{5}})ffff:({IPV4})$", "$1"),
    (rf"(?<=:){IPV4}$", "0:0"),
)
# `::` may stand at an end or between groups, once, and for one group at least.
WELL_FORMED = (
    rf"^(?:{IPV4}|(?:{GROUP}:){{7}}{GROUP}|::|(?:{GROUP}:){{1,7}}:|:(?::{GROUP}){{1,7}}"
    rf"|(?=[^:]*(?::[^:]*){{2,7}}$)(?:{GROUP}:){{1,6}}(?::{GROUP}){{1,6}})$"
)
# Of an IPv6 address three groups are left, so that of the zeros for which `::` stands two are enough.
TO_NETWORK = (
    (r"\.[0-9]+$", ".0"),
    ("^::", "0::"),
    ("::$", "::0"),
    ("::(?=(?:[^:]+:){6}[^:]+$)", ":"),
    ("::(?=(?:[^:]+:){5}[^:]+$)", ":0:"),
    ("::", ":0:0:"),
    # Leading zeros of a group, all behind the third group, and groups of zeros at the end.
    ("(?<![0-9a-f.])0+(?=[0-9a-f]+(?::|$))", ""),
    ("^((?:[^:.]+:){3})[^.]*$", "$1:"),
    ("(?:(?:^|:)0)+::$", "::"),
)

# Stands for a match while the others are looked at: a code point that is no character, and never will be.
MATCH = "\uffff"
PERSONAL_VALUES = {"ip": ADDRESS, "user_agent": AGENT, "email": EMAIL}
# https://jane:secret@shop.example/
USER_IN_URL = r"//[^/@\s?#\"]{1,200}@"

# How the names of a field end, words apart or not. What a name begins with (`context.`, `$`, `user`) says where it
# comes from, a number at its end that it came twice: neither changes what it means.
NAME_ENDS = {
    "ip": (
        r"ip(?:\W|_)?addr(?:ess)?|ips?|ip(?:\W|_)?v[46]?"
        r"|(?:client|user|remote|visitor|source|src|real|origin|peer|proxy|customer|sender|last|host)ip"
        r"|(?:client|remote|peer|source|visitor|src)(?:\W|_)?addr(?:ess)?|(?:x(?:\W|_)?)?forwarded(?:(?:\W|_)?for)?"
    ),
    "user_agent": r"user(?:\W|_)?agents?(?:(?:\W|_)?(?:string|header|raw|full))?|ua(?:(?:\W|_)?string)?",
    "email": r"[a-z]{0,40}e(?:\W|_)?mails?(?:(?:\W|_)?(?:address|addr|id))?|mail(?:\W|_)?addr(?:ess)?",
}
WORD_START = r"(?:^|(?<=[^A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]))"
NAME_TAIL = r"(?:[^\p{L}\p{N}\"=&\\]{0,3}[0-9]{1,6}){0,3}(?:[^\p{L}\p{N}\"=&\\]|%5[Dd]){0,3}"
# name=value to the next parameter, and "name": "value" in JSON text that may itself stand in JSON text.
PARAMETER = r"({name}(?:=|%(?:25)?3[Dd]))([^&;#\s\"\\]+?)(?=%(?:25)?26|[&;#\s\"\\]|$)"
MEMBER = (
    r"(?s)((?=(\\{{0,3}}\"))\2[^\"\\]{{0,200}}?{name}\2\s{{0,9}}:\s{{0,9}})"
    r"(?:\2(.*?)(?<!\\)\2|(-?[0-9][0-9.eE+-]*))"
)
# The last words of these names, to look for before a `=` or a quote: the cheap question, asked of every row.
NAME_HINTS = {
    "ip": ("ip", "ips", "v", "addr", "address", "for", "forwarded"),
    "user_agent": ("agent", "agents", "ua", "string", "header", "raw", "full"),
    "email": ("mail", "mails", "id", "addr", "address"),
}


def name_pattern(field: str) -> str:
    """Names that mean a field, to their end; the case of letters may tell words apart, but matters nowhere else."""
    ends = NAME_ENDS.get(field) or r"(?:\W|_)?".join(field.split("_"))
    return rf"{WORD_START}(?i:{ends}){NAME_TAIL}"


def mask_ip(ip: Column) -> Column:
    """The network of the client's address; null where there is none.

    Of IPv4 without the last octet, of IPv6 the first 48 bits. A port goes; of a forwarded list the first is the client.
    """
    # Most are IPv4 and nothing else, so that is asked first; the costly rest is only computed for the others.
    return F.when(ip.rlike(f"^{IPV4}$"), F.concat(F.substring_index(ip, ".", 3), F.lit(".0"))).otherwise(
        # `::` alone is an address, but no text is searched for it.
        mask_rare_ip(F.coalesce(first_address(ip), F.trim(ip)))
    )


def first_address(text: Column) -> Column:
    """The first address in a text, in small letters and with plain colons; null where there is none."""
    found = F.get(F.regexp_extract_all(text, F.lit(ADDRESS), F.lit(0)), F.lit(0))
    return F.lower(F.regexp_replace(found, COLON, ":"))


def mask_rare_ip(address: Column) -> Column:
    """A chain in which each step uses the one before once: used twice, it would be planned and run twice."""
    for pattern, replacement in TO_IPV4_OR_GROUPS:
        address = F.regexp_replace(address, pattern, replacement)
    network = F.get(F.regexp_extract_all(address, F.lit(WELL_FORMED), F.lit(0)), F.lit(0))
    for pattern, replacement in TO_NETWORK:
        network = F.regexp_replace(network, pattern, replacement)
    return network


def mask(name: str, value: Column) -> Column:
    """What is left of a masked value: an address's network, a URL without what follows the path, one character."""
    if name == "ip":
        return mask_ip(value)
    if name in ("page_url", "referrer_url"):
        return F.regexp_replace(F.regexp_replace(value, r"[?#].*$", ""), r"//[^/@]*@", "//")
    return F.concat(F.substring(value, 1, 1), F.lit("***"))


def protect_value(name: str, action: str, value: Column) -> Column:
    """One rule on one value."""
    if action == "drop":
        return F.lit(None).cast("string")
    if action == "mask":
        return mask(name, value)
    if action == "hash":
        # HMAC is two SHA-256 over the key's two pads: done by Spark itself, no Python worker is needed.
        inner = F.unhex(F.sha2(F.concat(F.col("_inner_pad"), plain(name, value).cast("binary")), 256))
        return F.sha2(F.concat(F.col("_outer_pad"), inner), 256)
    return value


def plain(name: str, value: Column) -> Column:
    """What a hash is made of: of an address without its port and its proxies, so that a client has one hash."""
    return F.coalesce(first_address(value), value) if name == "ip" else value


def protect(events: DataFrame, spark: SparkSession, rules: dict[str, str], key: bytes | None) -> DataFrame:
    """Applies the privacy rules to each column by its name, to properties by theirs, and to personal values anywhere.

    `event_id` stays: it is what makes a copy a copy.
    """
    acting = {name: action for name, action in rules.items() if action != "keep"}
    if not acting:
        return events
    if "hash" in acting.values():
        events = events.crossJoin(F.broadcast(key_pads(spark, key)))
    # Each step is a column of its own: Spark analyses an expression anew for each level of lambdas that it nests.
    events = events.withColumns(
        {
            name: protect_value(name, action, F.col(name))
            for name, action in acting.items()
            if name not in NEVER_CURATED and name != "ip"
        }
        | {"_text": all_text()}
    )
    events = events.withColumn("_suspect", may_concern(F.col("_text"), acting))
    events = events.withColumn("_named", F.when(F.col("_suspect"), protect_named_properties(acting)))
    # One array for all texts of a row: as many expressions as there are columns make a plan that takes seconds.
    values = F.coalesce(F.map_values("_named"), F.array().cast("array<string>"))
    events = events.withColumn("_texts", F.when(F.col("_suspect"), F.concat(F.array(*SCRUBBED), values)))
    events = scrub(events, acting)
    cleaned = {
        name: F.when(F.col("_suspect"), F.get("_texts", F.lit(number))).otherwise(F.col(name))
        for number, name in enumerate(SCRUBBED)
    }
    if "ip" in acting:
        cleaned["ip"] = protect_value("ip", acting["ip"], F.col("ip"))
    values = F.slice("_texts", len(SCRUBBED) + 1, F.size(F.map_keys("_named")))
    properties = F.map_filter(F.map_from_arrays(F.map_keys("_named"), values), lambda _, value: value.isNotNull())
    cleaned["properties"] = F.when(F.col("_suspect"), properties).otherwise(F.col("properties"))
    return events.withColumns(cleaned).drop("_text", "_suspect", "_named", "_texts", "_inner_pad", "_outer_pad")


def key_pads(spark: SparkSession, key: bytes | None) -> DataFrame:
    """HMAC's two pads as data: a literal would show the key in the query plan, and so in the logs."""
    if key is None:
        raise ValueError("A privacy rule hashes, but there is no key")
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    pads = [(bytearray(byte ^ 0x36 for byte in block), bytearray(byte ^ 0x5C for byte in block))]
    return spark.createDataFrame(pads, "_inner_pad binary, _outer_pad binary")


def all_text() -> Column:
    """All text of a row, each piece on a line of its own; a property's name ends with `=`, as one in a URL does."""
    names = F.array_join(F.map_keys("properties"), "=\n")
    return F.concat_ws("\n", F.lit(""), *SCRUBBED, names, F.lit("="), F.array_join(F.map_values("properties"), "\n"))


def may_concern(text: Column, acting: dict[str, str]) -> Column:
    """Whether a row's text may hold what a rule changes. It may find too much, never too little.

    Every row is asked: each look is for a byte, or for a pattern that begins with one character or a set of them, by
    which Java skips all others fast.
    """
    words = [word for name in acting for word in NAME_HINTS.get(name) or (name.rpartition("_")[2],)]
    last = "".join(sorted({letter for word in words for letter in (word[-1], word[-1].upper())}))
    # The end of a name, before the `=` or the quote that ends it; first just its last letter.
    end = r"[^A-Za-z=\"]{0,4}[=\"]"
    looks = [text.rlike(rf"[=\"](?<=[{last}]{end})(?<=(?i:{'|'.join(words)}){end})")]
    escapes = ["3D|253D|5[Dd]="]
    if "email" in acting:
        looks += [text.contains("@"), text.contains("u0040")]
        escapes += ["(?:25)?40"]
    if "ip" in acting:
        looks += [text.rlike("[.:][0-9A-Fa-f]{0,4}[.:]")]
        escapes += ["(?:25)?3[Aa][0-9A-Fa-f]{0,4}%"]
    if "user_agent" in acting:
        looks += [
            text.contains("Mozilla"),
            text.rlike(rf"/[0-9](?:[\w.]{{0,20}}[ +][(A-Za-z]|(?<=(?:^|[\"\n\s])(?:{AGENTS})/[0-9]))"),
        ]
    looks += [text.contains("%") & text.rlike(f"%(?:{'|'.join(escapes)})")]
    return functools.reduce(Column.__or__, looks)


def may_hold_email(text: Column) -> Column:
    return text.contains("@") | text.contains("%40") | text.contains("%2540") | text.contains("u0040")


def may_hold_address(text: Column) -> Column:
    return text.rlike(rf"\.[0-9]{{1,3}}\.[0-9]|:[0-9A-Fa-f]{{0,4}}:|{COLON}[0-9A-Fa-f]{{0,4}}%(?:25)?3[Aa]")


def may_hold_agent(text: Column) -> Column:
    return text.contains("Mozilla") | text.rlike(rf"/[0-9][0-9A-Za-z_.]{{0,20}}[ +][(A-Za-z]|\b(?:{AGENTS})/[0-9]")


def scrub(rows: DataFrame, acting: dict[str, str]) -> DataFrame:
    """Applies the rules to what stands within each of `_texts`; null where it held nothing but what is dropped."""

    def values(name: str, pattern: str, guard: Callable[[Column], Column]) -> Callable[[Column], Column]:
        return lambda text: replace_each(
            text, guard(text), pattern, lambda part: protect_value(name, acting[name], part)
        )

    steps = [values("user_agent", AGENT, may_hold_agent)] if "user_agent" in acting else []
    steps += [step for name, action in acting.items() for step in named(name, action)]
    if "email" in acting:
        steps += [lambda text: F.regexp_replace(text, USER_IN_URL, "//"), values("email", EMAIL, may_hold_email)]
    if "ip" in acting:
        steps += [values("ip", ADDRESS, may_hold_address)]
    # Of a row that is looked at closely most texts hold nothing, either: they are null on the way.
    asked = F.transform("_texts", lambda text: F.when(may_concern(text, acting), text))
    rows = rows.withColumn("_clean", asked)
    for step in steps:
        rows = rows.withColumn("_clean", F.transform("_clean", step))

    def settled(text: Column, clean: Column) -> Column:
        return F.when(clean.isNull(), text).when((clean == text) | (F.trim(clean) != ""), clean)

    return rows.withColumn("_texts", F.zip_with("_texts", "_clean", settled)).drop("_clean")


def named(name: str, action: str) -> list[Callable[[Column], Column]]:
    """The rule on what a text names itself: a parameter, as in a URL, and a member, as in JSON text."""
    parameter = PARAMETER.format(name=name_pattern(name))
    member = MEMBER.format(name=name_pattern(name))

    def part(match: Column, pattern: str, group: int) -> Column:
        return F.regexp_extract(match, pattern, group)

    def protected(value: Column) -> Column:
        return F.when(value != "", F.coalesce(protect_value(name, action, value), F.lit(""))).otherwise(value)

    def new_parameter(match: Column) -> Column:
        return F.concat(part(match, parameter, 1), protected(part(match, parameter, 2)))

    def new_member(match: Column) -> Column:
        if action == "drop":
            return F.concat(part(match, member, 1), F.lit("null"))
        value = protected(F.concat(part(match, member, 3), part(match, member, 4)))
        return F.concat(part(match, member, 1), part(match, member, 2), value, part(match, member, 2))

    return [
        lambda text: replace_each(text, text.rlike("=|%3D|%253D"), parameter, new_parameter),
        lambda text: replace_each(text, text.rlike(r"\"\s*:"), member, new_member),
    ]


def replace_each(text: Column, guard: Column, pattern: str, replace: Callable[[Column], Column]) -> Column:
    """Puts something made of each match in its place; regexp_replace can only put a text there.

    The guard is a cheap question first; `text` stands here five times, so it has to be a name for a value.
    """
    # Spark compiles the pattern of `split` anew for each value; of a single character it needs none.
    pieces = F.split(F.regexp_replace(text, pattern, MATCH), MATCH)
    changed = F.zip_with(
        pieces,
        F.regexp_extract_all(text, F.lit(pattern), F.lit(0)),
        lambda piece, match: F.concat(piece, F.coalesce(replace(match), F.lit(""))),
    )
    return F.when(guard & text.rlike(pattern), F.array_join(changed, "")).otherwise(text)


def protect_named_properties(acting: dict[str, str]) -> Column:
    """The rules on properties whose names mean a field."""
    patterns = {name: rf"{name_pattern(name)}$" for name in acting}
    dropped = [pattern for name, pattern in patterns.items() if acting[name] == "drop"]
    # What names a property is not worth keeping where it names a person.
    dropped += [PERSONAL_VALUES[name] for name in acting if name in PERSONAL_VALUES]
    changing = {name: pattern for name, pattern in patterns.items() if acting[name] != "drop"}

    def stays(key: Column, _: Column) -> Column:
        return functools.reduce(Column.__and__, [~key.rlike(pattern) for pattern in dropped], F.lit(True))

    def change(key: Column, value: Column) -> Column:
        result = value
        for name, pattern in changing.items():
            result = F.when(key.rlike(pattern), protect_value(name, acting[name], value)).otherwise(result)
        return result

    return F.transform_values(F.map_filter("properties", stays), change)


def derive(events: DataFrame, processed_at: str) -> DataFrame:
    """The columns that are computed; all of them from the event alone, so that a rerun computes the same."""
    is_purchase = F.col("event_type") == "purchase"
    # A purchase that names a price and no quantity is of one piece; the column `quantity` stays null.
    total = F.col("product_price") * F.coalesce(F.col("quantity"), F.lit(1))
    revenue = F.when(is_purchase, F.coalesce(total, F.lit(0.0))).otherwise(0.0)
    day = F.element_at(F.array(*map(F.lit, DAYS)), F.dayofweek("event_time"))
    return events.withColumns(
        {
            "revenue": revenue,
            "hour": F.hour("event_time"),
            "day_of_week": day,
            "processed_at": F.lit(processed_at).cast("timestamp"),
            "event_date": F.to_date("event_time"),
        }
    )


def to_table(events: DataFrame) -> DataFrame:
    """The table's columns in the table's order: the contract with everyone who queries it."""
    return events.select(*(F.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items()), "event_date")


def line_counts() -> list[Column]:
    return [
        F.count(F.lit(1)).alias("lines"),
        F.count(F.when(~F.col("is_readable"), 1)).alias("unreadable"),
        set_as_text(F.when(~F.col("is_readable"), F.col("source"))).alias("unreadable_sources"),
    ]


def fate_counts() -> list[Column]:
    counts = [F.count(F.when(F.col("fate") == fate, 1)).alias(fate) for fate in FATES]
    is_curated = F.col("fate").isin("new", "recovered")
    is_conflict, is_known = F.col("fate") == "conflict", F.col("fate") == "known"
    return [
        *counts,
        set_as_text(F.when(is_curated, F.to_date("event_time"))).alias("dates"),
        # The few objects and files in which a second look has to find what may be in conflict.
        set_as_text(F.when(is_conflict | is_known, F.col("source"))).alias("sources"),
        set_as_text(F.when(is_conflict, F.col("first_source"))).alias("first_sources"),
        set_as_text(F.when(is_known, F.col("known_file"))).alias("known_files"),
    ]


def set_as_text(value: Column) -> Column:
    """As text: an observed array reaches Python as a Java object. Only what is in the set is made text."""
    return F.array_join(F.collect_set(value).cast("array<string>"), " ")


# ------------------------------------------------------------------------------------------------- what a run does


@dataclass
class Run:
    """One run: its options, its world, its clock, and what it found."""

    options: Options
    store: Store
    catalog: Catalog
    open_spark: object
    started: datetime
    work: Work | None = None
    reasons: Counter = field(default_factory=Counter)
    lines: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    files: list["WrittenFile"] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    session: SparkSession | None = None
    is_noted: bool = False
    is_committing: bool = False
    given_up: int = 0

    @property
    def processed_at(self) -> str:
        return self.started.strftime("%Y-%m-%d %H:%M:%S.") + f"{self.started.microsecond // 1000:03d}"

    @property
    def stamp(self) -> str:
        """Names this attempt: a second one of the same execution must not write where the first one did."""
        name = re.sub(r"[^A-Za-z0-9-]", "-", self.options.execution)
        return f"{name}-{self.started:%Y%m%dT%H%M%S}{self.started.microsecond // 1000:03d}"

    @property
    def report_uri(self) -> str:
        return f"{self.options.runs_path}{self.options.execution}.json"

    @property
    def note_uri(self) -> str:
        return f"{self.options.runs_path}attempts/{self.stamp}.json"

    def start_spark(self, objects: list[StoredObject]) -> SparkSession:
        """Spark, started once, with the settings for this much raw."""
        self.session = self.session or self.open_spark()
        configure(self.session, sum(one.size for one in objects), self.options.target_file_mb)
        return self.session


def execute(run: Run) -> dict:
    """Takes what is new, or rebuilds the dates asked for; ends with the report, which is the commit."""
    LOG_CONTEXT["execution"] = run.options.execution
    if run.options.job_run_id:
        LOG_CONTEXT["job_run_id"] = run.options.job_run_id
    run.work = extract_work(run.store, run.options)
    run.given_up = run.store.count(run.options.given_up_path, MOST_GIVEN_UP)
    if run.given_up:
        say(f"{run.given_up:,} batches that the ingest gave up lie under {run.options.given_up_path}", level="WARN")
    remove_retired(run)
    clear_dead_attempts(run)
    try:
        if run.options.reprocess:
            rebuild(run)
        else:
            append_new(run)
        return load_report(run)
    except Exception:
        give_up(run)
        raise


def append_new(run: Run) -> None:
    """Everything that came since: counted where it is quarantined, appended where it is an event."""
    work = run.work
    if not work.raw and not work.quarantine:
        say("nothing new since the last run")
        return
    run.reasons = extract_quarantine_reasons(run.store, work.quarantine)
    if work.quarantine:
        say(f"{sum(run.reasons.values()):,} lines are in quarantine in {len(work.quarantine):,} new objects")
    if not work.raw:
        say("no new raw objects")
        return
    raw_bytes = sum(one.size for one in work.raw)
    say(f"reading {len(work.raw):,} raw objects ({size_text(raw_bytes)})")
    spark = run.start_spark(work.raw)
    raw = extract_raw(spark, work.raw)
    locations = current_locations(run.store, run.catalog, run.options)
    known = extract_known(spark, locations, raw, raw_bytes)
    say(f"leaving out what {len(locations):,} curated dates hold already" if locations else "no date is curated yet")
    note_attempt(run)
    load_events(run, spark, raw, known, locations)


def load_events(run: Run, spark: SparkSession, raw: DataFrame, known: DataFrame | None, locations: dict) -> None:
    """Appends the new rows; one pass over the raw lines yields the files and all counts."""
    lines, fates = Observation("lines"), Observation("fates")

    def plan(observed: bool) -> tuple[DataFrame, DataFrame]:
        events = flatten(raw, "source")
        events = events.observe(lines, *line_counts()) if observed else events
        readable = mark_taken(events.where("is_readable"), spark, taken_ranges(run.work))
        judged = classify(order_copies(readable), known, run.work.position)
        return events, judged.observe(fates, *fate_counts()) if observed else judged

    def rows(judged: DataFrame) -> DataFrame:
        new = judged.where(F.col("fate") == "new")
        return to_table(protect(derive(new, run.processed_at), spark, run.options.privacy, run.options.privacy_key))

    default = run.options.curated_path
    elsewhere = {day: at for day, at in locations.items() if at != f"{default}event_date={day}/"}
    table_rows = rows(plan(observed=True)[1])
    at_default = (
        table_rows.where(~F.col("event_date").cast("string").isin(list(elsewhere))) if elsewhere else table_rows
    )
    run.files = write_parquet(at_default, default, run.stamp, run.store.uploads())
    counted, judged_counts = observed_counts(lines), observed_counts(fates)
    if counted is None or judged_counts is None:
        say("the counts were lost on the way: counting again")
        counted, judged_counts = counted_again(plan)
    for base, days in rebuilt_bases(elsewhere, set(judged_counts["dates"].split())).items():
        # Rebuilt dates lie elsewhere: theirs is a write of its own, which reads the raw lines again.
        of_base = rows(plan(observed=False)[1]).where(F.col("event_date").cast("string").isin(days))
        run.files += write_parquet(of_base, base, run.stamp, run.store.uploads())

    run.dates = sorted(judged_counts["dates"].split())
    written = sum(file.rows for file in run.files)
    if written != judged_counts["new"] or counted["lines"] != counted["unreadable"] + fate_sum(judged_counts):
        # Spark counts a task again that it had to repeat: then, and only then, the counts take a pass of their own.
        say("some tasks were repeated: counting again")
        counted, judged_counts = counted_again(plan)
    if written != judged_counts["new"]:
        raise RuntimeError(
            f"{judged_counts['new']:,} new events, but {written:,} rows in the files of this run. "
            "Nothing was committed, and these files are removed: start the pipeline again for the same events."
        )
    if counted["lines"] != counted["unreadable"] + fate_sum(judged_counts):
        raise RuntimeError(
            f"{counted['lines']:,} raw lines, but {counted['unreadable'] + fate_sum(judged_counts):,} of them have a "
            "fate. Nothing was committed: start the pipeline again, and it goes on from here."
        )
    run.lines = counted["lines"]
    run.fates = {fate: judged_counts[fate] for fate in FATES}
    if counted["unreadable"]:
        run.reasons["unreadable_raw_line"] += counted["unreadable"]
        load_unreadable(run, spark, objects_of(spark, run.work.raw, counted["unreadable_sources"].split()))
    if run.fates["conflict"] or run.fates["known"]:
        settle_known(run, spark, judged_counts)
    say(f"wrote {written:,} rows of {len(run.dates):,} dates in {len(run.files):,} files")


def observed_counts(observation: Observation) -> dict | None:
    """What was observed, or None where Spark did not deliver it: the observation's own wait has no end."""
    found: list[dict] = []
    waiting = threading.Thread(target=lambda: found.append(observation.get), daemon=True)
    waiting.start()
    waiting.join(OBSERVATION_SECONDS)
    return found[0] if found else None


def counted_again(plan: Callable[[bool], tuple[DataFrame, DataFrame]]) -> tuple[dict, dict]:
    """The same counts by a pass of their own."""
    events, judged = plan(False)
    return events.agg(*line_counts()).first().asDict(), judged.agg(*fate_counts()).first().asDict()


def fate_sum(counts: dict) -> int:
    return sum(counts[fate] for fate in FATES)


def rebuilt_bases(elsewhere: dict[str, str], dates: set[str]) -> dict[str, list[str]]:
    """The places outside the default one that a run has rows for, with their dates."""
    bases: dict[str, list[str]] = {}
    for day in sorted(dates & elsewhere.keys()):
        bases.setdefault(elsewhere[day].removesuffix(f"event_date={day}/"), []).append(day)
    return bases


class WrittenFile(NamedTuple):
    """One file of a write, as the task that put it says."""

    uri: str
    event_date: str
    rows: int
    bytes: int


def write_parquet(rows: DataFrame, base: str, stamp: str, uploads: Uploads) -> list[WrittenFile]:
    """Writes the rows to base/event_date=.../part-<stamp>-<task>.parquet, a file for each date of a task.

    A task's rows are a matter of the plan, not of the try: a task that is run again puts the same rows under the same
    names. So it does not matter how often a task runs, nor whether two tries of it run side by side.
    """
    balanced = rows.sparkSession.sql("SELECT /*+ REBALANCE(event_date) */ * FROM {rows}", rows=rows)

    def write(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return write_partition(batches, base, stamp, uploads)

    # Sorted, so that a task has one open file.
    written = balanced.sortWithinPartitions("event_date").mapInArrow(write, WRITTEN)
    try:
        return [WrittenFile(*row) for row in written.collect()]
    except Exception:
        end_tasks(rows.sparkSession)
        raise


def end_tasks(spark: SparkSession) -> None:
    """Waits until no task runs any more: the others of a failed write go on putting files for a moment."""
    context = spark.sparkContext
    context.cancelAllJobs()
    deadline = time.monotonic() + TASKS_END_SECONDS
    status = context._jsc.sc().statusTracker()
    while any(one.numRunningTasks() for one in status.getExecutorInfos()) and time.monotonic() < deadline:
        time.sleep(0.1)


def write_partition(
    batches: Iterable[pa.RecordBatch], base: str, stamp: str, uploads: Uploads
) -> Iterator[pa.RecordBatch]:
    """Within a task: the rows, sorted by date, become a file for each date, put a few at a time."""
    put = uploads.open()
    name = f"part-{stamp}-{TaskContext.get().partitionId():05d}.parquet"

    def upload(day: date, body: BinaryIO, rows: int) -> WrittenFile:
        uri = f"{base}event_date={day}/{name}"
        size = body.seek(0, io.SEEK_END)
        body.seek(0)
        with body:
            put(uri, body)
        return WrittenFile(uri, str(day), rows, size)

    with ThreadPoolExecutor(UPLOADS) as pool:
        pending: deque[Future] = deque()
        for day, pieces in itertools.groupby(by_date(batches), key=lambda piece: piece[0]):
            pending.append(pool.submit(upload, day, *parquet_file(piece for _, piece in pieces)))
            # No more files are held than can be on their way.
            while len(pending) > UPLOADS:
                yield manifest(pending.popleft().result())
        for one in pending:
            yield manifest(one.result())


def manifest(file: WrittenFile) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([file._asdict()])


def by_date(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[date, pa.RecordBatch]]:
    """The batches cut where the date changes, without the date: it is in the path of the file."""
    for batch in batches:
        place = batch.schema.get_field_index("event_date")
        days = batch.column(place)
        rest = pa.RecordBatch.from_arrays(
            batch.columns[:place] + batch.columns[place + 1 :],
            schema=batch.schema.remove(place),
        )
        ends = pc.run_end_encode(days).run_ends.to_pylist()
        for start, end in itertools.pairwise([0, *ends]):
            yield days[start].as_py(), rest.slice(start, end - start)


def parquet_file(pieces: Iterator[pa.RecordBatch]) -> tuple[BinaryIO, int]:
    """One Parquet file of all these rows, and their number. What is larger than some megabytes lies on disk."""
    first = next(pieces)
    schema = first.schema
    encoded = [name for name in schema.names if name not in (*WITHOUT_DICTIONARY, "properties")]
    encoded += ["properties.key_value.key", "properties.key_value.value"]
    rows = 0
    body = tempfile.SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 (its upload closes it)
    # Without Arrow's own schema: a reader takes the types from Parquet's, as it does of Spark's files.
    with pq.ParquetWriter(body, schema, compression="zstd", use_dictionary=encoded, store_schema=False) as writer:
        for group in row_groups(itertools.chain([first], pieces)):
            writer.write_table(group)
            rows += group.num_rows
    return body, rows


def row_groups(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows in tables that are worth a row group each."""
    group, size = [], 0
    for piece in pieces:
        group.append(piece)
        size += piece.nbytes
        if size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(group)
            group, size = [], 0
    if group:
        yield pa.Table.from_batches(group)


def objects_of(spark: SparkSession, objects: list[StoredObject], sources: list[str]) -> list[StoredObject]:
    """The raw objects behind the short names that were observed."""
    named = spark.createDataFrame([(one.uri,) for one in objects], "uri string")
    wanted = {int(source) for source in sources}
    found = {
        row.uri
        for row in named.select("uri", source_of(F.col("uri")).alias("source")).collect()
        if row.source in wanted
    }
    # A key that Spark writes otherwise than the listing did is not found: then all are read.
    return [one for one in objects if one.uri in found] if len(found) >= len(wanted) else objects


def extract_lines(spark: SparkSession, objects: list[StoredObject]) -> DataFrame:
    """The lines of raw objects again, each with its own text and its object's key beside."""
    parsed = F.from_json("value", RAW_SCHEMA, {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_unparsed"})
    text = spark.read.text([one.uri for one in objects], lineSep="\n").where(F.trim("value") != "")
    lines = text.select("value", F.col("_metadata.file_path").alias("file"), parsed.alias("line"))
    return flatten(
        lines.select("value", "file", "line.*").withColumn("source", source_of(F.col("file"))),
        "value",
        "file",
        "source",
    )


def load_unreadable(run: Run, spark: SparkSession, objects: list[StoredObject]) -> None:
    """Puts raw lines that cannot be read into quarantine, under keys that a rerun overwrites."""
    unreadable = extract_lines(spark, objects).where(~F.col("is_readable")).select("file", "value")
    lines = ((row["file"], unreadable_line(row["file"], row["value"])) for row in by_file(unreadable))
    count = load_quarantine(run, lines, UNREADABLE_SUFFIX)
    say(f"put {count:,} unreadable raw lines into quarantine", level="WARN")


def by_file(lines: DataFrame):
    return lines.orderBy("file", "value").toLocalIterator()


def load_quarantine(run: Run, lines: Iterable[tuple[str, str]], suffix: str) -> int:
    """Puts lines into a quarantine object for each raw object that they are of; they come sorted by it."""
    count = 0
    for file, group in itertools.groupby(lines, key=lambda line: line[0]):
        body = [line for _, line in group]
        uri = unquote(file)
        key = RAW_KEY.search(uri)
        name = key[0] if key else uri.rsplit("/", 1)[1]
        target = run.options.quarantine_path + name.removesuffix(".jsonl.gz") + suffix
        run.store.put(target, gzip.compress("".join(body).encode(), mtime=0))
        count += len(body)
    return count


def unreadable_line(uri: str, payload: str) -> str:
    """A line as ingest writes them; what the raw line would have said of its arrival is taken from the object's key."""
    key = RAW_KEY.search(uri)
    line = {
        "reason": "unreadable_raw_line",
        "detail": f"A line of {uri.rsplit('/', 1)[1]}: {what_is_wrong(payload)}.",
        "payload": payload,
        "payload_encoding": "utf8",
    }
    if key:
        line |= {"shard_id": key["shard"], "sequence_number": key["first"]}
        line["arrival_time"] = arrival_hour(uri).strftime("%Y-%m-%d %H:%M:%S.000")
    return json.dumps(line, ensure_ascii=False) + "\n"


def what_is_wrong(text: str) -> str:
    """Says in words why a raw line cannot be taken."""
    if digits := LONG_NUMBER.search(text):
        return f"it holds a number of {len(digits[0]):,} digits; {LONGEST_NUMBER:,} can be read"
    try:
        # As text: Python itself refuses to make a number of many digits.
        line = json.loads(text, parse_int=str, parse_float=str)
    except RecursionError:
        return "it is nested too deeply to be read"
    except ValueError as error:
        return f"it is no JSON ({error})"
    if not isinstance(line, dict):
        return "it is JSON, but no object"
    for name in ("event_id", "event_type", "event_time"):
        if not line.get(name):
            return f"{name} is missing or empty"
    arrival = line.get("arrival")
    if not isinstance(arrival, dict):
        return "arrival, which says when and from where it came, is missing"
    for name in ("time", "shard_id", "sequence_number", "position"):
        if arrival.get(name) in (None, ""):
            return f"arrival.{name} is missing"
    for name, value in (("quantity", line.get("quantity")), ("arrival.position", arrival["position"])):
        if value is not None and not (re.fullmatch(r"-?\d{1,10}", str(value)) and -(2**31) <= int(value) < 2**31):
            return f"{name} is {shown(value)}, which is no whole number from -2147483648 to 2147483647"
    price = line.get("product_price")
    if price is not None and not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", str(price)):
        return f"product_price is {shown(price)}, which is no number"
    for name in ("geo", "properties"):
        if not isinstance(line.get(name, {}), dict | None):
            return f"{name} is {shown(line[name])}, which is no object"
    for name, value in (("event_time", line["event_time"]), ("arrival.time", arrival["time"])):
        if not is_time(str(value)):
            return f"{name} is {shown(value)}, which is no date and time"
    return "Spark cannot read it as a raw line"


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def is_time(text: str) -> bool:
    """As Spark reads a time; Python alone would take any character between date and time."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


# --------------------------------------------------------------------------------- another event under a known id


def settle_known(run: Run, spark: SparkSession, counts: dict) -> None:
    """Tells other events under a known id from copies, and puts them into quarantine, where people can see them.

    Only the raw objects and the curated files that hold such ids are read again.
    """
    sources = [*counts["sources"].split(), *counts["first_sources"].split()]
    lines = extract_lines(spark, objects_of(spark, run.work.raw, sources))
    readable = mark_taken(lines.where("is_readable"), spark, taken_ranges(run.work))
    files = [unquote(file) for file in counts["known_files"].split()]
    curated = extract_curated(spark, files) if files else None
    known = curated and curated.select(
        F.col("event_id").alias("known_id"),
        F.col("ingested_at").alias("known_ingested_at"),
        F.col("processed_at").alias("known_processed_at"),
        F.lit("").alias("known_file"),
    )
    judged = classify(order_copies(readable), known, run.work.position)
    columns = ("file", "value", "event_id")
    conflicts = judged.where("fate = 'conflict'").select(*columns)
    if curated:
        conflicts = conflicts.unionByName(differing(run, spark, judged, curated).select(*columns))
    rows = ((row["file"], conflict_line(row["value"], row["event_id"])) for row in by_file(conflicts))
    found = load_quarantine(run, rows, CONFLICT_SUFFIX)
    if not run.fates["conflict"] <= found <= run.fates["conflict"] + run.fates["known"]:
        raise RuntimeError(
            f"{run.fates['conflict']:,} events have the id of another one, but {found:,} were found when they were "
            "looked for. Nothing was committed: start the pipeline again, and it goes on from here."
        )
    run.fates["duplicate"] += run.fates["conflict"] + run.fates["known"] - found
    if found:
        run.reasons["id_conflict"] += found
        say(f"put {found:,} events with the id of another event into quarantine", level="WARN")


def differing(run: Run, spark: SparkSession, judged: DataFrame, curated: DataFrame) -> DataFrame:
    """The `known` lines whose content is not that of the curated row with their id."""
    options = run.options
    known = judged.where("fate = 'known'").drop("processed_at")
    as_sent = F.struct(*CONTENT, "properties").alias("sent")
    known = protect(known.select("*", as_sent), spark, options.privacy, options.privacy_key)
    row = F.struct(*CONTENT, "properties").alias("row")
    rows = curated.select(F.col("event_id").alias("row_id"), row)
    joined = known.join(rows, F.col("event_id") == F.col("row_id"))
    return joined.where(functools.reduce(Column.__or__, [differs(name) for name in CONTENT], properties_differ()))


def differs(name: str) -> Column:
    """Whether a column of the curated row is neither what was sent, nor what a privacy rule may have made of it.

    The rules may have been others when the row was written, and the row does not say which.
    """
    sent, now, row = F.col(f"sent.{name}"), F.col(name), F.col(f"row.{name}")
    is_same = sent.eqNullSafe(row) | now.eqNullSafe(row)
    if name in PRIVACY_FIELDS:
        is_same = is_same | may_be_ruled(row)
    if name in LATER_COLUMNS:
        # A row that is older than the column has the value among its properties.
        before = F.element_at("row.properties", F.lit(name))
        is_same = is_same | (row.isNull() & (before.eqNullSafe(sent) | before.eqNullSafe(now)))
    if name in ("page_url", "referrer_url"):
        is_same = is_same | mask(name, now).eqNullSafe(row)
    return ~F.coalesce(is_same, F.lit(False))


def may_be_ruled(value: Column) -> Column:
    """What a mask or a hash leaves."""
    return F.coalesce(value.rlike(r"^.?\*\*\*$|^[0-9a-f]{64}$"), F.lit(False))


def properties_differ() -> Column:
    """The same for the map: a property that only one of both has counts unless its name is one that rules are for."""
    sent, now, row = (
        F.coalesce(F.col(f"{of}properties"), F.create_map().cast("map<string,string>")) for of in ("sent.", "", "row.")
    )
    ruled = "|".join(name_pattern(name) for name in PRIVACY_FIELDS)

    def changed(key: Column, value: Column) -> Column:
        is_same = value.eqNullSafe(F.element_at(sent, key)) | value.eqNullSafe(F.element_at(now, key))
        return ~(is_same | may_be_ruled(value) | key.rlike(f"(?:{ruled})$"))

    def is_gone(key: Column, _: Column) -> Column:
        return ~(F.array_contains(F.map_keys(row), key) | key.rlike(f"(?:{ruled})$"))

    return (F.size(F.map_filter(row, changed)) > 0) | (F.size(F.map_filter(now, is_gone)) > 0)


def extract_curated(spark: SparkSession, files: list[str]) -> DataFrame:
    """Whole rows of some files of the table; a file of an earlier version may have a key of a map twice."""
    schema = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS.items())
    rows = spark.read.schema(schema).parquet(*files)
    return rows.withColumn("properties", each_key_once(F.col("properties")))


def conflict_line(text: str, event_id: str) -> str:
    """A line as ingest writes them; the payload is the event without its arrival, which can be sent again."""
    arrival = json.loads(text)["arrival"]
    line = {
        "reason": "id_conflict",
        "detail": f"event_id {shown(event_id)} is that of another event, which arrived first and is in the table. "
        "Send this one again under an id of its own.",
        "payload": ARRIVAL.sub("}", text),
        "payload_encoding": "utf8",
        "shard_id": arrival["shard_id"],
        "sequence_number": arrival["sequence_number"],
        "position": arrival["position"],
        "arrival_time": arrival["time"].replace("T", " ").removesuffix("Z"),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------------------------------------------ reprocess


def rebuild(run: Run) -> None:
    """Makes the rows of some dates anew from all that was taken, beside the old files, then switches.

    Raw objects that no run took yet are left to the next run, which counts them as it always does.
    """
    work = run.work
    if work.position is None or not work.taken_raw:
        raise NothingToReprocess(
            f"No committed run under {run.options.runs_path} took a raw object that is still there. "
            "Run the pipeline once without `reprocess` first."
        )
    first, last = run.options.reprocess
    raw_bytes = sum(one.size for one in work.taken_raw)
    say(f"rebuilding {first} to {last} from {len(work.taken_raw):,} raw objects ({size_text(raw_bytes)})")
    spark = run.start_spark(work.taken_raw)
    locations = current_locations(run.store, run.catalog, run.options)
    root = f"{run.options.rebuilt_path}{run.options.execution}/{run.stamp}/"
    note_retirement(run, root, {})
    lines = Observation("lines")
    run.files = write_parquet(rebuilt_rows(run, spark, locations, lines), root, run.stamp, run.store.uploads())
    counted = (
        observed_counts(lines) or flatten(extract_raw(spark, work.taken_raw), "source").agg(*line_counts()).first()
    )
    run.lines = counted["lines"]
    run.dates = sorted({file.event_date for file in run.files})
    rebuilt = {day: f"{root}event_date={day}/" for day in run.dates}
    run.fates = {"new": sum(file.rows for file in run.files)}
    old = {day: locations[day] for day in run.dates if day in locations}
    note_retirement(run, root, old)
    run.catalog.switch(rebuilt)
    run.retired = sorted(old.values())
    say(f"switched {len(run.dates):,} dates to their {run.fates['new']:,} rebuilt rows")


def rebuilt_rows(run: Run, spark: SparkSession, locations: dict[str, str], lines: Observation) -> DataFrame:
    """The dates' rows from raw, and those curated ones that raw no longer has."""
    first, last = run.options.reprocess
    raw = extract_raw(spark, run.work.taken_raw)
    inside = {day: location for day, location in locations.items() if first <= day <= last}
    outside = {day: location for day, location in locations.items() if day not in inside}
    is_inside = F.col("event_date").between(F.lit(first).cast("date"), F.lit(last).cast("date"))
    known_outside = extract_known(spark, outside, raw, sum(one.size for one in run.work.taken_raw))

    def winners(events: DataFrame) -> DataFrame:
        chosen = order_copies(events.where("is_readable")).where("copy = 1")
        chosen = derive(chosen, run.processed_at).where(is_inside)
        if known_outside is None:
            return chosen
        # Another copy of it, with another date, was there first: it stays where it is.
        return chosen.join(known_outside, F.col("event_id") == F.col("known_id"), "left_anti")

    options = run.options
    fresh = to_table(
        protect(
            winners(flatten(raw, "source").observe(lines, *line_counts())), spark, options.privacy, options.privacy_key
        )
    )
    if not inside:
        return fresh
    curated = extract_curated(spark, list(inside.values()))
    kept = curated.join(winners(flatten(raw, "source")).select("event_id"), "event_id", "left_anti")
    # A row of an interrupted run keeps its time: by it the run that goes on recognises and counts it.
    is_counted_later = uncommitted(F.col("processed_at"), run.work.position)
    stamped = F.when(is_counted_later, F.col("processed_at")).otherwise(F.lit(run.processed_at).cast("timestamp"))
    kept = kept.withColumns({"processed_at": stamped, "event_date": F.to_date("event_time")})
    return fresh.unionByName(to_table(kept))


def note_retirement(run: Run, root: str, old: dict[str, str]) -> None:
    """Leaves word of every place that this rebuild may turn to waste, before it does: a crash cannot lose it."""
    note = {"at": datetime.now(timezone.utc).isoformat(), "root": root, "old": old}
    run.store.put(f"{run.options.runs_path}retired/{run.stamp}.json", json.dumps(note).encode())


def remove_retired(run: Run) -> None:
    """Removes the files that earlier rebuilds left unused, when no reader can be on them any more.

    A place goes only when the catalog says that its date lies elsewhere: a date that is not registered keeps all.
    """
    notes = run.store.list_objects(f"{run.options.runs_path}retired/")
    if not notes:
        return
    registered = run.catalog.locations()
    for one in notes:
        note = json.loads(run.store.get(one.uri))
        if datetime.now(timezone.utc) - datetime.fromisoformat(note["at"]) < RETIREMENT_DELAY:
            continue
        days = {
            name.removeprefix("event_date="): f"{note['root']}{name}/" for name in run.store.list_folders(note["root"])
        }
        places = [*days.items(), *note["old"].items()]
        waste = [location for day, location in places if registered.get(day) not in (None, location)]
        objects = [item.uri for location in waste for item in run.store.list_objects(location)]
        run.store.delete(objects)
        if objects:
            say(f"removed {len(objects):,} files that a rebuild had replaced")
        if all(day in registered for day, _ in places):
            run.store.delete([one.uri])


# ------------------------------------------------------------------------------------------------------- attempts


def note_attempt(run: Run) -> None:
    """Records this attempt before it writes its first file, so that a later run can remove what it wrote."""
    note = {
        "execution": run.options.execution,
        "processed_at": run.processed_at,
        "stamp": run.stamp,
        "raw": [one.uri for one in run.work.raw],
    }
    run.store.put(run.note_uri, json.dumps(note).encode())
    run.is_noted = True


def clear_dead_attempts(run: Run) -> None:
    """Removes the files of attempts that were never committed. Their events are then taken again as if for the first
    time, so it does not matter what a dead attempt left, and how often.

    If raw no longer has all that an attempt took, its rows cannot be written again. They stay, and count as recovered.
    """
    dead = {}
    for one in run.store.list_objects(f"{run.options.runs_path}attempts/"):
        note = json.loads(run.store.get(one.uri))
        if is_committed(run, note):
            run.store.delete([one.uri])
        else:
            dead[one.uri] = note
    if not dead:
        return
    for uri, note in dead.items():
        # An attempt that still runs after all sees this before it commits.
        run.store.put(uri, json.dumps(note | {"given_up": True}).encode())
    waiting = {one.uri: one for one in run.work.raw}
    # A note without a stamp is of an earlier version of the job, whose files had other names.
    complete = [note for note in dead.values() if note.get("stamp") and waiting.keys() >= set(note["raw"])]
    if len(complete) < len(dead):
        say("raw objects of an interrupted run are gone: what it wrote stays", level="WARN")
    if complete:
        taken = {uri for note in complete for uri in note["raw"]}
        withdraw(run, [note["stamp"] for note in complete], [waiting[uri] for uri in sorted(taken)])
    run.store.delete(list(dead))


def is_committed(run: Run, attempt: dict) -> bool:
    """Whether the report of its execution is of this attempt."""
    uri = f"{run.options.runs_path}{attempt['execution']}.json"
    return run.store.exists(uri) and json.loads(run.store.get(uri)).get("processed_at") == attempt["processed_at"]


def give_up(run: Run) -> None:
    """Removes what this attempt wrote before its error is raised, so that no reader sees rows that no report counts.

    The note stays, so that the next run looks again: a task on a machine that Spark has lost may still put a file.
    Not if the report may have arrived although S3's answer did not: the next run looks, and removes them if needed.
    """
    if not run.is_noted or run.is_committing:
        return
    try:
        withdraw(run, [run.stamp], run.work.raw)
    except Exception as error:
        say("could not remove what this run wrote; the next run does", level="WARN", error=type(error).__name__)


def withdraw(run: Run, stamps: list[str], raw: list[StoredObject]) -> None:
    """Removes the files of these attempts, all of them made of these raw objects.

    Such files can only be of the dates of these objects' events: no other date is listed.
    """
    spark = run.start_spark(raw)
    locations = current_locations(run.store, run.catalog, run.options)
    dates = event_dates(extract_raw(spark, raw))
    touched = [location for day, location in locations.items() if day in dates]
    names = tuple(f"part-{stamp}-" for stamp in stamps)
    with ThreadPoolExecutor(16) as pool:
        listed = pool.map(run.store.list_objects, touched)
        waste = [one.uri for found in listed for one in found if one.uri.rsplit("/", 1)[1].startswith(names)]
    run.store.delete(waste)
    say(f"removed {len(waste):,} files of a run that was not committed")


def event_dates(raw: DataFrame) -> set[str]:
    days = flatten(raw).where("is_readable").select(F.to_date("event_time").cast("string").alias("day")).distinct()
    return {row["day"] for row in days.collect()}


# --------------------------------------------------------------------------------------------------------- commit


def load_report(run: Run) -> dict:
    """Puts the list of what was taken and the summary, then the report, which is the commit."""
    work, options = run.work, run.options
    report = make_report(run)
    taken = [] if options.reprocess else [one.uri for one in work.raw + work.quarantine]
    if taken:
        body = gzip.compress(json.dumps(taken).encode(), mtime=0)
        run.store.put(f"{options.runs_path}taken/{options.execution}.json.gz", body)
    if run.is_noted and json.loads(run.store.get(run.note_uri)).get("given_up"):
        # The events are the other run's: there is nothing for a later one to look at.
        forget_attempt(run)
        raise GivenUp(
            f"Another run treated this one of execution {options.execution} as dead and removed its files. "
            "Nothing was committed: the other run takes the same events."
        )
    run.store.put(f"{options.runs_path}summaries/{options.execution}.json", json.dumps(summarise(report)).encode())
    run.is_committing = True
    is_put = run.store.put_if_absent(run.report_uri, json.dumps(report, indent=2).encode())
    # A PUT whose answer was lost is sent again, and then finds this attempt's own report.
    if not is_put and not is_committed(run, report):
        run.is_committing = False
        raise AlreadyCommitted(
            f"Execution {options.execution} has already been committed by another run of the job; this one changed "
            "nothing that counts. Start a new execution: it takes whatever has come since."
        )
    forget_attempt(run)
    return report


def forget_attempt(run: Run) -> None:
    """Removes the note of a committed attempt. If that fails, the next run sees the report and removes it."""
    if not run.is_noted:
        return
    try:
        run.store.delete([run.note_uri])
    except Exception as error:
        say("the note of this attempt could not be removed", level="WARN", error=type(error).__name__)


def make_report(run: Run) -> dict:
    work, options, fates = run.work, run.options, run.fates
    read = work.taken_raw if options.reprocess else work.raw
    is_idle = not options.reprocess and not work.raw and not work.quarantine
    finished = datetime.now(timezone.utc)
    return {
        "version": 1,
        "execution": options.execution,
        "job_run_id": options.job_run_id,
        "started_at": iso(run.started),
        "finished_at": iso(finished),
        "seconds": round((finished - run.started).total_seconds(), 3),
        "outcome": "nothing_new" if is_idle else "processed",
        "processed_at": run.processed_at,
        "raw": {"objects": len(read), "bytes": sum(one.size for one in read), "lines": run.lines},
        "curated": fates.get("new", 0) + fates.get("recovered", 0),
        "written": fates.get("new", 0),
        "recovered": fates.get("recovered", 0),
        "duplicates": fates.get("duplicate", 0),
        "redelivered": fates.get("redelivered", 0),
        "quarantined": sum(run.reasons.values()),
        "quarantine_reasons": dict(sorted(run.reasons.items())),
        "unreadable_lines": run.reasons["unreadable_raw_line"],
        "given_up_batches": run.given_up,
        "partitions": run.dates,
        "files": len(run.files),
        "curated_bytes": sum(file.bytes for file in run.files),
        "reprocess": dict(zip(("from", "to"), options.reprocess, strict=True)) if options.reprocess else None,
        "retired": {"at": iso(finished), "locations": run.retired},
        "position": next_position(run).to_json(),
    }


def summarise(report: dict) -> dict:
    """What the state machine and its mails need of a report, in 100 KB at most, however much the run did."""
    days, reasons = report["partitions"], report["quarantine_reasons"]
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:SUMMARY_REASONS]
    named: Counter = Counter()
    for reason, lines in most:
        named[reason[:SUMMARY_NAME_LENGTH]] += lines
    return {name: report[name] for name in SUMMARY_FIELDS} | {
        "quarantine_reasons": dict(named),
        "quarantine_reasons_left_out": {
            "reasons": len(reasons) - len(most),
            "lines": sum(reasons.values()) - sum(named.values()),
        },
        "dates": {"count": len(days), "first": days[0] if days else None, "last": days[-1] if days else None},
        "partitions": days if len(days) <= SUMMARY_DATES else days[:SUMMARY_DATE_ENDS] + days[-SUMMARY_DATE_ENDS:],
        "retired": {"at": report["retired"]["at"], "count": len(report["retired"]["locations"])},
    }


def next_position(run: Run) -> Position:
    """Where the next run goes on: a reprocess takes nothing, so it leaves the position where it was."""
    before = run.work.position
    if run.options.reprocess:
        return Position(before.listed_at, before.processed_at, [*before.rebuilds, run.processed_at])
    return Position(run.work.listed_at, run.processed_at, [])


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def main() -> None:
    from awsglue.utils import getResolvedOptions

    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    LOG_CONTEXT["execution"] = arguments["execution"]
    try:
        run_job(arguments)
    except Exception as error:
        # Glue's own account of the error is a traceback over many lines, which knows no execution.
        say("the run failed", level="ERROR", error=type(error).__name__, detail=str(error))
        raise


def run_job(arguments: dict[str, str]) -> None:
    """Reads the arguments, makes the world that the run works in, and runs."""
    options = parse_options(arguments)
    options.privacy_key = read_privacy_key(options.privacy, arguments["privacy_key_secret"])
    if "--JOB_RUN_ID" in sys.argv:
        options.job_run_id = sys.argv[sys.argv.index("--JOB_RUN_ID") + 1]

    def open_spark() -> SparkSession:
        # Only a run that has something to read waits for Spark.
        from awsglue.context import GlueContext
        from pyspark.context import SparkContext

        return GlueContext(SparkContext.getOrCreate()).spark_session

    catalog = Catalog(arguments["database"], arguments["table"])
    report = execute(Run(options, Store(), catalog, open_spark, datetime.now(timezone.utc)))
    say("the run is committed", report=report)


if __name__ == "__main__":
    main()
