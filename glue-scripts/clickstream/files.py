"""The files of the table: their locations, and how Spark tasks write them."""

import io
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession

from clickstream.arguments import Options
from clickstream.storage import REQUESTS, Catalog, Store, Uploads

# The tasks write the files themselves, with at most this many parallel uploads per task.
UPLOADS = 8

# Larger files are kept on disk until the upload.
MOST_IN_MEMORY = 8_000_000

# Uncompressed size of a row group.
ROW_GROUP_BYTES = 128_000_000

# Nearly every value is unique, so a dictionary would be larger than the values.
WITHOUT_DICTIONARY = ("event_id", "session_id", "event_time", "ingested_at")

# Rows per Arrow batch. A row can be as large as a Kinesis record, and a whole batch is in memory.
BATCH_ROWS = 1000

WRITTEN = "uri string, event_date string, rows bigint, bytes bigint"

# How long a failed write waits until its tasks end.
TASKS_END_SECONDS = 60


def locations_of(catalog: Catalog, options: Options, days: Iterable[str]) -> dict[str, str]:
    """Maps each date to its location: the one in the catalog, or the default location if it is not registered.

    Dates of an interrupted run are not registered yet, but their rows count too.
    """
    wanted = set(days)
    return {day: default_location(options, day) for day in sorted(wanted)} | catalog.locations(wanted)


def default_location(options: Options, day: str) -> str:
    return date_folder(options.curated_path, day)


def date_folder(base: str, day: str) -> str:
    """The folder of a date under a base, as Hive names the folders of partitions."""
    return f"{base}event_date={day}/"


def with_files(store: Store, locations: dict[str, str]) -> dict[str, str]:
    """Leaves out the dates without any object at their location, which Spark refuses to read."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        found = pool.map(store.exists, locations.values())
        return {day: location for (day, location), exists in zip(locations.items(), found, strict=True) if exists}


class WrittenFile(NamedTuple):
    """One written file, as reported by the task that uploaded it."""

    uri: str
    event_date: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Placement:
    """Where the files of each date go: dates in `elsewhere` to their own location, all others under the base."""

    base: str
    elsewhere: dict[str, str] = field(default_factory=dict)

    def location(self, day: str) -> str:
        return self.elsewhere.get(day) or date_folder(self.base, day)


def write_parquet(rows: DataFrame, placement: Placement, stamp: str, uploads: Uploads) -> list[WrittenFile]:
    """Writes the rows to the location of their date, as part-<stamp>-<task>.parquet, one file per date and task.

    The query plan decides the rows of a task. A repeated task writes the same rows under the same names. A task can
    therefore run several times, even in parallel.
    """
    balanced = rows.sparkSession.sql("SELECT /*+ REBALANCE(event_date) */ * FROM {rows}", rows=rows)
    # Sorted, so that a task has only one open file.
    return write_sorted(balanced.sortWithinPartitions("event_date"), placement, f"part-{stamp}", uploads)


def write_sorted(rows: DataFrame, placement: Placement, name: str, uploads: Uploads) -> list[WrittenFile]:
    """Writes rows that are sorted by event_date within each Spark partition. The files are <name>-<number>.parquet.

    The number is the one of the task, or the column `_part` if there is one. The rows are then sorted by event_date and
    part, and all rows of a part are in one task.
    """

    def write(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return write_partition(batches, placement, name, uploads)

    # The placement goes to the tasks with this function. If it has many dates, Spark broadcasts it.
    written = rows.mapInArrow(write, WRITTEN)
    try:
        return [WrittenFile(*row) for row in written.collect()]
    except Exception:
        end_tasks(rows.sparkSession)
        raise


def end_tasks(spark: SparkSession) -> None:
    """Waits until all tasks have ended. After a failed write, the other tasks still upload files for a moment."""
    context = spark.sparkContext
    context.cancelAllJobs()
    deadline = time.monotonic() + TASKS_END_SECONDS
    # py4j has no type hints.
    status = cast(Any, context._jsc).sc().statusTracker()
    while any(one.numRunningTasks() for one in status.getExecutorInfos()) and time.monotonic() < deadline:
        time.sleep(0.1)


def write_partition(
    batches: Iterable[pa.RecordBatch], placement: Placement, name: str, uploads: Uploads
) -> Iterator[pa.RecordBatch]:
    """Runs in a task: writes the sorted rows to one file per date (and part), with a few parallel uploads."""
    put = uploads.open()
    task = TaskContext.get()
    assert task is not None  # set in every task

    def upload(day: date, number: int, body: IO[bytes], rows: int) -> WrittenFile:
        uri = f"{placement.location(str(day))}{name}-{number:05d}.parquet"
        size = body.seek(0, io.SEEK_END)
        body.seek(0)
        with body:
            put(uri, body)
        return WrittenFile(uri, str(day), rows, size)

    with ThreadPoolExecutor(UPLOADS) as pool:
        pending: deque[Future] = deque()
        for (day, number), pieces in itertools.groupby(
            by_file(batches, task.partitionId()), key=lambda piece: piece[0]
        ):
            pending.append(pool.submit(upload, day, number, *parquet_file(piece for _, piece in pieces)))
            # Keeps no more files than can be uploaded in parallel.
            while len(pending) > UPLOADS:
                yield manifest(pending.popleft().result())
        for one in pending:
            yield manifest(one.result())


def manifest(file: WrittenFile) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([file._asdict()])


def by_file(batches: Iterable[pa.RecordBatch], task: int) -> Iterator[tuple[tuple[date, int], pa.RecordBatch]]:
    """Splits the batches where the next file begins, and removes the columns that are not in the file."""
    for day, piece in split(batches, "event_date"):
        if "_part" not in piece.schema.names:
            yield (day, task), piece
        else:
            for part, rest in split([piece], "_part"):
                yield (day, part), rest


def split(batches: Iterable[pa.RecordBatch], name: str) -> Iterator[tuple[Any, pa.RecordBatch]]:
    """Splits the batches where the value of this column changes, and removes the column."""
    for batch in batches:
        place = batch.schema.get_field_index(name)
        values = batch.column(place)
        rest = pa.RecordBatch.from_arrays(
            batch.columns[:place] + batch.columns[place + 1 :],
            schema=batch.schema.remove(place),
        )
        ends = pc.call_function("run_end_encode", [values]).run_ends.to_pylist()
        for start, end in itertools.pairwise([0, *ends]):
            yield values[start].as_py(), rest.slice(start, end - start)


def parquet_file(pieces: Iterator[pa.RecordBatch]) -> tuple[tempfile.SpooledTemporaryFile[bytes], int]:
    """One Parquet file of all these rows, and their number. A large file is kept on disk."""
    first = next(pieces)
    schema = first.schema
    encoded = [name for name in schema.names if name not in (*WITHOUT_DICTIONARY, "properties")]
    encoded += ["properties.key_value.key", "properties.key_value.value"]
    rows = 0
    body = tempfile.SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 (its upload closes it)
    # Without Arrow's own schema, a reader uses the Parquet types, as for files that Spark writes.
    with pq.ParquetWriter(
        body,
        schema,
        compression="zstd",
        # pyarrow has no type hints. pyright infers bool from the default, but a list of columns is allowed too.
        use_dictionary=encoded,  # pyright: ignore[reportArgumentType]
        store_schema=False,
    ) as writer:
        for group in row_groups(itertools.chain([first], pieces)):
            writer.write_table(group)
            rows += group.num_rows
            # Otherwise it is kept until the next one is whole, and a task has two of them in memory.
            del group
    return body, rows


def row_groups(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Combines the rows into tables of the size of a row group."""
    group, size = [], 0
    for piece in pieces:
        group.append(piece)
        size += piece.nbytes
        if size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(group)
            group, size = [], 0
    if group:
        yield pa.Table.from_batches(group)
