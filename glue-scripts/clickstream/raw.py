"""Reads raw objects: fetches each one once, keeps it on the executors' disks, and splits it into lines.

Spark's own reader sends several requests per object before it reads it, and plans each object as four megabytes of
work. The job has listed the objects already, so a task takes a bundle of them and sends one GET for each.
"""

import gzip
import heapq
import io
import itertools
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.contract import RAW_SCHEMA
from clickstream.rows import flatten
from clickstream.storage import Downloads, StoredObject

# Parallel requests per task.
DOWNLOADS = 8

# The size of a task. A larger object is a task of its own.
BUNDLE_BYTES = 16_000_000

# A request takes about as long as a task's work on this many bytes: some 3 ms, of 240 for a megabyte.
REQUEST_BYTES = 20_000

# A larger object is streamed. The others are read as a whole, so that several can be read in parallel.
MOST_IN_MEMORY = 1_000_000

# Objects are kept in pieces of this size. Spark sends rows to Python in batches by number, not by size.
PIECE_BYTES = 64_000

# Lines go to Spark in batches of about this size.
BATCH_BYTES = 1_000_000

NEWLINE = ord("\n")

# White space of JSON. A line of nothing else is skipped.
BLANK = b" \t\r"


@dataclass(frozen=True)
class Raw:
    """The raw objects of a run. The source of a line is the index of its object."""

    objects: list[StoredObject]
    bodies: DataFrame


@contextmanager
def fetched(spark: SparkSession, downloads: Downloads, objects: list[StoredObject]) -> Iterator[Raw]:
    """The raw objects, fetched and kept until the end of the block.

    They are kept compressed, which takes a twentieth of the space of their lines.
    """
    raw = Raw(objects, fetch(spark, downloads, objects).persist(StorageLevel.DISK_ONLY))
    try:
        # Fetches them in a stage of its own. Otherwise each task of the next stage has a second Python worker for it.
        raw.bodies.count()
        yield raw
    finally:
        raw.bodies.unpersist()


def fetch(spark: SparkSession, downloads: Downloads, objects: list[StoredObject]) -> DataFrame:
    """The bodies of the objects in pieces. Each action that reads them fetches them again, unless they are kept."""
    found = [(index, one.uri, one.size) for index, one in enumerate(objects)]
    tasks = bundles([one.size for one in objects], spark.sparkContext.defaultParallelism)

    def read(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from fetch_bundle([found[index] for index in tasks[number]], downloads.open())

    # One row, and one partition, per bundle.
    return spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(read, "source bigint, piece binary")


def bundles(sizes: list[int], cores: int) -> list[list[int]]:
    """Splits the objects into bundles of about the same work. Returns their indexes."""
    total = sum(sizes) + REQUEST_BYTES * len(sizes)
    count = min(len(sizes), max(cores, -(-total // BUNDLE_BYTES)))
    found: list[list[int]] = [[] for _ in range(count)]
    # The largest object first, each into the bundle with the least work.
    work = [(0, number) for number in range(count)]
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]):
        filled, number = heapq.heappop(work)
        found[number].append(index)
        heapq.heappush(work, (filled + sizes[index] + REQUEST_BYTES, number))
    return found


def fetch_bundle(bundle: list[tuple[int, str, int]], get: Callable[[str], IO[bytes]]) -> Iterator[pa.RecordBatch]:
    """Runs in a task: fetches its objects. The pieces of an object follow each other.

    The pieces of several small objects make one batch, as each batch that is sent to Spark has a cost.
    """
    sources: list[int] = []
    pieces: list[bytes] = []
    size = 0
    for index, block in blocks_of(bundle, get):
        cut = [block[start : start + PIECE_BYTES] for start in range(0, len(block), PIECE_BYTES)]
        pieces += cut
        sources += [index] * len(cut)
        size += len(block)
        if size >= BATCH_BYTES:
            yield batch_of(sources, pieces)
            sources, pieces, size = [], [], 0
    if pieces:
        yield batch_of(sources, pieces)


def batch_of(sources: list[int], pieces: list[bytes]) -> pa.RecordBatch:
    return pa.record_batch({"source": pa.array(sources, pa.int64()), "piece": pa.array(pieces, pa.binary())})


def blocks_of(bundle: list[tuple[int, str, int]], get: Callable[[str], IO[bytes]]) -> Iterator[tuple[int, bytes]]:
    """The bodies of a bundle's objects: the index of each object with a part of its body, or all of it."""
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        pending: deque[tuple[int, Future[bytes]]] = deque()
        for index, uri, size in bundle:
            if size > MOST_IN_MEMORY:
                for block in streamed(get, uri):
                    yield index, block
                continue
            pending.append((index, pool.submit(whole, get, uri)))
            # Keeps no more objects in memory than are fetched in parallel.
            if len(pending) > DOWNLOADS:
                first, body = pending.popleft()
                yield first, body.result()
        for index, body in pending:
            yield index, body.result()


def streamed(get: Callable[[str], IO[bytes]], uri: str) -> Iterator[bytes]:
    """The body of an object in blocks."""
    try:
        with get(uri) as body:
            while block := body.read(MOST_IN_MEMORY):
                yield block
    except Exception as error:
        raise RuntimeError(f"Could not read {uri}: {type(error).__name__}: {error}") from error


def whole(get: Callable[[str], IO[bytes]], uri: str) -> bytes:
    return b"".join(streamed(get, uri))


def extract_raw(raw: Raw) -> DataFrame:
    """The lines of the raw objects, parsed with a fixed schema. To infer the schema would read everything twice."""
    return parsed(extract_text(raw), "source")


def extract_lines(raw: Raw, sources: Iterable[int]) -> DataFrame:
    """The events in some of the raw objects, each with the text of its line."""
    return flatten(parsed(extract_text(raw, set(sources)), "value", "source"), "value", "source")


def sources_in(text: str) -> set[int]:
    """The sources in a set that was counted as text."""
    return {int(source) for source in text.split()}


def arriving(raw: Raw) -> DataFrame:
    """A 64-bit hash of the id of each readable event, and its date."""
    events = flatten(extract_raw(raw)).where("is_readable")
    return events.select(F.xxhash64("event_id").alias("hash"), F.to_date("event_time").alias("event_date"))


def dates_of(ids: DataFrame) -> set[str]:
    """The dates of these events, as text."""
    return {row["day"] for row in ids.select(F.col("event_date").cast("string").alias("day")).distinct().collect()}


def parsed(lines: DataFrame, *beside: str) -> DataFrame:
    """Parses each line, and keeps the columns in `beside`. A line that is not UTF-8 is unreadable, like one that is
    not JSON: Spark would replace the bytes that it cannot read."""
    line = F.from_json("value", RAW_SCHEMA, {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_unparsed"})
    unparsed = F.when(F.col("is_text"), F.col("_unparsed")).otherwise(F.lit("not UTF-8"))
    # A generator, although each line has one row: Spark copies the parsing into each filter that reads a field of it,
    # and does not do so through a generator.
    rows = lines.select(F.inline(F.array(line)), "is_text", *beside)
    return rows.withColumn("_unparsed", unparsed).drop("is_text")


def extract_text(raw: Raw, wanted: set[int] | None = None) -> DataFrame:
    """The lines of all raw objects, or of the wanted ones, as text."""
    uris = [one.uri for one in raw.objects]

    def split(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return lines_of(batches, uris, wanted)

    return raw.bodies.mapInArrow(split, "value string, is_text boolean, source bigint")


def lines_of(batches: Iterable[pa.RecordBatch], uris: list[str], wanted: set[int] | None) -> Iterator[pa.RecordBatch]:
    """Runs in a task: unpacks the objects and splits them into lines.

    The lines of several small objects are split together, as each split has a cost of its own.
    """
    waiting: list[tuple[int, bytes]] = []
    size = 0
    for source, block in unpacked(batches, uris, wanted):
        waiting.append((source, block))
        size += len(block)
        if size >= BATCH_BYTES // 2:
            yield split_lines(waiting)
            waiting, size = [], 0
    if waiting:
        yield split_lines(waiting)


def unpacked(
    batches: Iterable[pa.RecordBatch], uris: list[str], wanted: set[int] | None
) -> Iterator[tuple[int, bytes]]:
    """Whole lines of the objects, unpacked, each block with its source."""
    rows = ((row["source"], row["piece"]) for batch in batches for row in batch.to_pylist())
    for source, pieces in itertools.groupby(rows, key=lambda row: row[0]):
        if wanted is not None and source not in wanted:
            continue
        try:
            file = io.BufferedReader(Pieces(piece for _, piece in pieces), PIECE_BYTES)
            for block in whole_lines(gzip.GzipFile(fileobj=file)):
                yield source, block
        except (OSError, EOFError, zlib.error) as error:
            raise RuntimeError(f"{uris[source]} is not a whole gzip file: {error}") from error


class Pieces(io.RawIOBase):
    """A file of pieces that are read one after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not self._rest:
            self._rest = next(self._pieces, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def whole_lines(file: gzip.GzipFile) -> Iterator[bytes]:
    """Reads blocks that end where a line ends. A line can be longer than a block."""
    rest = b""
    while block := file.read(BATCH_BYTES):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = b""
        rest += block[end:]
    if rest:
        yield rest + b"\n"


def split_lines(blocks: list[tuple[int, bytes]]) -> pa.RecordBatch:
    """The lines of blocks, each block with its source. Each ends with a line feed.

    Only a line feed ends a line, as CR is white space in JSON. Blank lines are skipped.
    """
    data = np.frombuffer(b"".join(block for _, block in blocks), np.uint8)
    ends = np.flatnonzero(data == NEWLINE)
    # Where each line starts in the same bytes without the line feeds.
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    texts = data[data != NEWLINE]
    lines = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(texts))
    block_ends = np.cumsum([len(block) for _, block in blocks])
    sources = np.array([source for source, _ in blocks], np.int64)[np.searchsorted(block_ends, ends, side="right")]
    # An empty line has the line feed at its start, any other its first byte.
    starts = data[np.append(0, ends[:-1] + 1)]
    is_blank = starts == NEWLINE
    for number in np.flatnonzero(np.isin(starts, list(BLANK))):
        is_blank[number] = not texts[offsets[number] : offsets[number + 1]].tobytes().strip(BLANK)
    if is_blank.any():
        lines, sources = lines.filter(pa.array(~is_blank)), sources[~is_blank]
    return pa.record_batch({"value": lines, "is_text": are_text(lines), "source": pa.array(sources)})


def are_text(lines: pa.StringArray) -> pa.BooleanArray:
    """Whether each line is UTF-8."""
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array([is_utf8(line) for line in lines.cast(pa.binary()).to_pylist()])
    return pa.array(np.ones(len(lines), bool))


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
