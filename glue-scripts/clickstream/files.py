"""The files of the table: their locations, and how Spark tasks write them."""

import io
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.arguments import Options
from clickstream.blocks import pack, unpacked
from clickstream.storage import Catalog, Store, Uploads

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
    return f"{options.curated_path}event_date={day}/"


def with_files(store: Store, locations: dict[str, str]) -> dict[str, str]:
    """Leaves out the dates without any object at their location, which Spark refuses to read."""
    with ThreadPoolExecutor(16) as pool:
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
        return self.elsewhere.get(day) or f"{self.base}event_date={day}/"


def write_parquet(rows: DataFrame, placement: Placement, stamp: str, uploads: Uploads) -> list[WrittenFile]:
    """Writes the rows to the location of their date, as part-<stamp>-<task>.parquet, one file per date and task."""
    columns = [name for name in rows.columns if name != "event_date"]
    blocks = pack(rows, columns).withColumn("gone", F.lit(None).cast("array<int>"))
    return write_blocks(blocks, placement, stamp, uploads)


def write_blocks(blocks: DataFrame, placement: Placement, stamp: str, uploads: Uploads) -> list[WrittenFile]:
    """Writes the rows of blocks (blocks.py), except for the rows in `gone`.

    The query plan decides the blocks of a task. A repeated task writes the same rows under the same names. A task can
    therefore run several times, even in parallel.
    """

    def rows_of(batches: Iterable[pa.RecordBatch], task: int) -> Iterator[tuple[tuple[date, int], pa.RecordBatch]]:
        return (((day, task), rows) for day, rows in unpacked(batches))

    balanced = blocks.sparkSession.sql("SELECT /*+ REBALANCE(event_date) */ * FROM {blocks}", blocks=blocks)
    # Sorted, so that a task has only one open file.
    rows = balanced.sortWithinPartitions("event_date", "block", "row")
    return write_tasks(rows, rows_of, placement, f"part-{stamp}", uploads)


def write_sorted(rows: DataFrame, placement: Placement, name: str, uploads: Uploads) -> list[WrittenFile]:
    """Writes rows that are sorted by event_date within each Spark partition. The files are <name>-<number>.parquet.

    The number is the one of the task, or the column `_part` if there is one. The rows are then sorted by event_date and
    part, and all rows of a part are in one task.
    """

    return write_tasks(rows, by_file, placement, name, uploads)


def write_tasks(
    rows: DataFrame,
    split_task: Callable[[Iterable[pa.RecordBatch], int], Iterator[tuple[tuple[date, int], pa.RecordBatch]]],
    placement: Placement,
    name: str,
    uploads: Uploads,
) -> list[WrittenFile]:
    """Writes the files. `split_task` has the batches of a task and its number. It returns the rows of each file."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        task = TaskContext.get()
        assert task is not None  # set in every task
        for file in write_files(split_task(batches, task.partitionId()), placement, name, uploads):
            yield pa.RecordBatch.from_pylist([file._asdict()])

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


def write_files(
    rows: Iterable[tuple[tuple[date, int], pa.RecordBatch]], placement: Placement, name: str, uploads: Uploads
) -> Iterator[WrittenFile]:
    """Runs in a task: writes rows, sorted by date and number, to one file for each, with a few parallel uploads."""
    put = uploads.open()

    def upload(day: date, number: int, body: IO[bytes], rows: int) -> WrittenFile:
        uri = f"{placement.location(str(day))}{name}-{number:05d}.parquet"
        size = body.seek(0, io.SEEK_END)
        body.seek(0)
        with body:
            put(uri, body)
        return WrittenFile(uri, str(day), rows, size)

    with ThreadPoolExecutor(UPLOADS) as pool:
        pending: deque[Future] = deque()
        for (day, number), pieces in itertools.groupby(rows, key=lambda piece: piece[0]):
            pending.append(pool.submit(upload, day, number, *parquet_file(piece for _, piece in pieces)))
            # Keeps no more files than can be uploaded in parallel.
            while len(pending) > UPLOADS:
                yield pending.popleft().result()
        for one in pending:
            yield one.result()


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
