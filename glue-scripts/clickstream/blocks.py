"""Packs rows into blocks: one block has many rows of one date as Arrow data.

Spark then moves and sorts a few large values instead of each row with all its columns.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import DataFrame

# A task packs rows of about this size at a time. Each date among them is one block.
PACKED_BYTES = 32_000_000

# The blocks of a task have numbers from the task's number times this.
BLOCKS_PER_TASK = 1 << 32

# A block is kept in pieces of this size. Spark sends rows to Python in batches by number, not by size.
PIECE_BYTES = 64_000

BLOCK = "block bigint, row int, event_date date, piece binary"

# The blocks are kept on disk and sent between machines.
COMPRESSION = "lz4"


def pack(rows: DataFrame, columns: Sequence[str], keys: Sequence[str] = ()) -> DataFrame:
    """Packs these columns, by event_date. The columns that decide which rows are needed, the keys, stay readable.

    The result has two kinds of rows. One has a piece of a block: its date, its block and the index of the piece. If
    there are keys, there is also one for each packed row: its keys, its block and its index in the block. Rows without
    a date are in no block. A task that runs again makes the same blocks, with the same numbers.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        task = TaskContext.get()
        assert task is not None  # set in every task
        return packed(batches, columns, keys, task.partitionId() * BLOCKS_PER_TASK)

    named = "".join(f"{name} {rows.schema[name].dataType.simpleString()}, " for name in keys)
    return rows.mapInArrow(run, named + BLOCK)


def packed(
    batches: Iterable[pa.RecordBatch], columns: Sequence[str], keys: Sequence[str], first: int
) -> Iterator[pa.RecordBatch]:
    """Runs in a task: the blocks of its rows, and the rows with the keys."""
    numbers = itertools.count(first)
    for rows in large_batches(batches, PACKED_BYTES):
        for day, of_day in by_date(rows):
            block = None if day is None else next(numbers)
            if keys:
                yield with_keys(of_day, keys, block)
            if day is not None:
                yield in_pieces(of_day, columns, keys, block, day)


def large_batches(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Combines batches to about this size."""
    waiting: list[pa.RecordBatch] = []
    waiting_bytes = 0
    for batch in batches:
        waiting.append(batch)
        waiting_bytes += batch.nbytes
        if waiting_bytes >= size:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, waiting_bytes = [], 0
    if waiting:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


def by_date(rows: pa.RecordBatch) -> Iterator[tuple[pa.Scalar | None, pa.RecordBatch]]:
    """The rows of each date in their order, and those without a date."""
    days = rows.column("event_date")
    if len(days.unique()) > 1:
        rows = rows.take(pc.call_function("sort_indices", [days], pc.SortOptions([("", "ascending")])))
        days = rows.column("event_date")
    ends = pc.call_function("run_end_encode", [days]).run_ends.to_pylist()
    for start, end in itertools.pairwise([0, *ends]):
        yield (days[start] if days[start].is_valid else None), rows.slice(start, end - start)


def with_keys(rows: pa.RecordBatch, keys: Sequence[str], block: int | None) -> pa.RecordBatch:
    count = len(rows)
    return pa.record_batch(
        {name: rows.column(name) for name in keys}
        | {
            "block": pa.nulls(count, pa.int64()) if block is None else pa.array(np.full(count, block)),
            "row": pa.array(np.arange(count, dtype=np.int32)),
            "event_date": pa.nulls(count, pa.date32()),
            "piece": pa.nulls(count, pa.binary()),
        }
    )


def in_pieces(
    rows: pa.RecordBatch, columns: Sequence[str], keys: Sequence[str], block: int | None, day: pa.Scalar
) -> pa.RecordBatch:
    body = to_bytes(rows.select(columns))
    pieces = [body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES)]
    count = len(pieces)
    return pa.record_batch(
        {name: pa.nulls(count, rows.schema.field(name).type) for name in keys}
        | {
            "block": pa.array(np.full(count, block)),
            "row": pa.array(np.arange(count, dtype=np.int32)),
            "event_date": pa.array([day.as_py()] * count, pa.date32()),
            "piece": pa.array(pieces, pa.binary()),
        }
    )


def to_bytes(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression=COMPRESSION)) as writer:
        writer.write_batch(rows)
    return sink.getvalue().to_pybytes()


def unpacked(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[date, pa.RecordBatch]]:
    """Runs in a task: the date and the rows of each block, without the rows whose indexes are in `gone`.

    The pieces must be sorted by event_date, block and row. The first piece of a block has `gone`, or null.
    """
    pieces = (piece for batch in batches for piece in batch.to_pylist())
    for (day, _), group in itertools.groupby(pieces, key=lambda piece: (piece["event_date"], piece["block"])):
        block = list(group)
        with pa.ipc.open_stream(b"".join(piece["piece"] for piece in block)) as stream:
            rows = stream.read_next_batch()
        if gone := block[0]["gone"]:
            stays = np.ones(len(rows), bool)
            stays[gone] = False
            rows = rows.filter(pa.array(stays))
        if len(rows):
            yield day, rows
