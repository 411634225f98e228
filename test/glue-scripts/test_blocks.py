"""Rows that are packed into blocks and unpacked again: none is lost, doubled or changed."""

from datetime import date

import pyarrow as pa
import pytest

from clickstream import blocks
from clickstream.blocks import BLOCKS_PER_TASK, packed, unpacked

DAYS = [date(2026, 3, 15), None, date(2026, 3, 14), date(2026, 3, 15)]


def batch(numbers: list[int]) -> pa.RecordBatch:
    """Rows with these numbers. Every fourth one has no date."""
    return pa.record_batch(
        {
            "number": pa.array(numbers),
            "text": pa.array([f"text {number} " * 20 for number in numbers]),
            "hidden": pa.array([-number for number in numbers]),
            "event_date": pa.array([DAYS[number % 4] for number in numbers], pa.date32()),
        }
    )


def pack_all(*batches: pa.RecordBatch, keys: tuple[str, ...] = ("number", "hidden")) -> list[dict]:
    return [row for one in packed(batches, ["number", "text"], keys, 3 * BLOCKS_PER_TASK) for row in one.to_pylist()]


def unpack_all(rows: list[dict], gone: dict[int, list[int]] | None = None) -> list[tuple]:
    pieces = [
        {name: row[name] for name in ("event_date", "block", "row", "piece")}
        | {"gone": (gone or {}).get(row["block"]) if row["row"] == 0 else None}
        for row in sorted(rows, key=lambda row: (row["block"] or 0, row["row"]))
        if row["piece"] is not None
    ]
    # In batches of two, as pieces of a block may come in several batches.
    given = [pa.RecordBatch.from_pylist(pieces[start : start + 2], schema=PIECES) for start in range(0, len(pieces), 2)]
    return [(day, row) for day, found in unpacked(given) for row in found.to_pylist()]


PIECES = pa.schema(
    [
        ("event_date", pa.date32()),
        ("block", pa.int64()),
        ("row", pa.int32()),
        ("piece", pa.binary()),
        ("gone", pa.list_(pa.int32())),
    ]
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Two batches are packed at a time, and a block has many pieces."""
    monkeypatch.setattr(blocks, "PACKED_BYTES", batch(list(range(40))).nbytes + 1)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 100)


def expected(numbers: range, without: tuple[int, ...] = ()) -> list[tuple]:
    return [
        (DAYS[number % 4], {"number": number, "text": f"text {number} " * 20})
        for number in numbers
        if DAYS[number % 4] and number not in without
    ]


def test_each_row_with_a_date_is_unpacked_once_with_its_date():
    rows = pack_all(*(batch(list(range(start, start + 40))) for start in range(0, 200, 40)))
    assert sorted(unpack_all(rows), key=lambda row: row[1]["number"]) == expected(range(200))


def test_each_row_has_its_keys_its_block_and_its_index():
    rows = pack_all(batch(list(range(40))), batch(list(range(40, 80))))
    keys = [row for row in rows if row["piece"] is None]
    assert sorted((row["number"], row["hidden"]) for row in keys) == [(number, -number) for number in range(80)]
    assert all((row["block"] is None) == (row["number"] % 4 == 1) for row in keys)
    # Two dates, packed together. The numbers begin with the task's.
    assert {row["block"] for row in keys} - {None} == {3 * BLOCKS_PER_TASK, 3 * BLOCKS_PER_TASK + 1}
    # The indexes name the same rows as the blocks have: without some of them, exactly those are missing.
    chosen = [row for row in keys if row["number"] in (0, 2, 40, 43, 46)]
    gone: dict[int, list[int]] = {}
    for row in chosen:
        gone.setdefault(row["block"], []).append(row["row"])
    left = sorted(unpack_all(rows, gone), key=lambda row: row[1]["number"])
    assert left == expected(range(80), without=(0, 2, 40, 43, 46))


def test_a_block_without_any_row_left_is_no_block():
    rows = pack_all(batch([0, 4, 8]))
    assert unpack_all(rows, {3 * BLOCKS_PER_TASK: [0, 1, 2]}) == []


def test_a_task_that_runs_again_packs_the_same_bytes():
    given = [batch(list(range(start, start + 40))) for start in range(0, 120, 40)]
    assert pack_all(*given) == pack_all(*given)


def test_without_keys_there_are_only_blocks():
    rows = pack_all(batch(list(range(8))), keys=())
    assert all(row["piece"] for row in rows)
    assert sorted(unpack_all(rows), key=lambda row: row[1]["number"]) == expected(range(8))


def test_no_rows_make_no_block():
    assert pack_all() == pack_all(batch([])) == []
