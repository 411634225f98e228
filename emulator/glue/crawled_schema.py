"""Reads the columns of a Parquet or JSON object as a Glue crawler names them, with a few requests of ranges."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

PARQUET, JSON = "parquet", "json"
# A crawler looks at the beginning of a text file.
SAMPLE_BYTES = 1024 * 1024
INT_MAX = 2**31 - 1
SIMILAR = 0.7


class CannotClassify(Exception):
    """The object is in no format that the local crawler reads."""


class Schema(NamedTuple):
    """Columns by name in their order, and what kind of file they are in."""

    classification: str
    compression: str
    columns: dict[str, str]


def read(s3: Any, bucket: str, key: str, size: int) -> Schema:
    """The schema of one object. Raises CannotClassify."""
    start = _range(s3, bucket, key, 0, min(size, SAMPLE_BYTES if not key.endswith(".parquet") else 4))
    if start[:4] == b"PAR1":
        return Schema(PARQUET, "none", _parquet_columns(_RangeFile(s3, bucket, key, size)))
    gzipped = start[:2] == b"\x1f\x8b"
    try:
        text = zlib.decompressobj(31).decompress(start) if gzipped else start
    except zlib.error as problem:
        raise CannotClassify(f"s3://{bucket}/{key} is not a whole gzip file: {problem}") from None
    whole = size <= SAMPLE_BYTES
    return Schema(JSON, "gzip" if gzipped else "none", _json_columns(text, whole, f"s3://{bucket}/{key}"))


def _range(s3: Any, bucket: str, key: str, start: int, end: int) -> bytes:
    if end <= start:
        return b""
    return s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}")["Body"].read()


class _RangeFile(io.RawIOBase):
    """An object of S3 as a file. Each read is a GET of a range: pyarrow reads the footer only."""

    def __init__(self, s3: Any, bucket: str, key: str, size: int) -> None:
        self._object, self._size, self._at = (s3, bucket, key), size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        found = _range(*self._object, self._at, end)
        self._at += len(found)
        return found


# ---- Parquet ----


def _parquet_columns(file: _RangeFile) -> dict[str, str]:
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(file)
    return {field.name.lower(): _of_arrow(field.type) for field in schema}


def _of_arrow(kind: Any) -> str:
    import pyarrow.types as is_type

    plain = {
        "string": "string", "large_string": "string", "binary": "binary", "large_binary": "binary",
        "bool": "boolean", "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint",
        "float": "float", "double": "double", "date32[day]": "date",
    }  # fmt: skip
    if str(kind) in plain:
        return plain[str(kind)]
    if is_type.is_timestamp(kind):
        return "timestamp"
    if is_type.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if is_type.is_list(kind) or is_type.is_large_list(kind):
        return f"array<{_of_arrow(kind.value_type)}>"
    if is_type.is_map(kind):
        return f"map<{_of_arrow(kind.key_type)},{_of_arrow(kind.item_type)}>"
    if is_type.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return "struct<" + ",".join(f"{field.name.lower()}:{_of_arrow(field.type)}" for field in fields) + ">"
    raise CannotClassify(f"The local crawler does not know the Parquet type {kind}")


# ---- JSON ----


def _json_columns(text: bytes, whole: bool, name: str) -> dict[str, str]:
    lines = text.split(b"\n")
    if not whole and len(lines) > 1:
        lines.pop()  # cut off
    columns: dict[str, str | None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            raise CannotClassify(f"{name} is neither Parquet nor JSON lines: line {number} is not JSON") from None
        if not isinstance(record, dict):
            raise CannotClassify(f"{name} has a line that is no JSON object: line {number}")
        for key, value in record.items():
            columns[key.lower()] = merged(columns.get(key.lower()), _of_json(value))
    if not columns:
        raise CannotClassify(f"{name} has no JSON object")
    return {key: kind or "string" for key, kind in columns.items()}


def _of_json(value: object) -> str | None:
    """The type of a value; none of null, which has any type."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -INT_MAX - 1 <= value <= INT_MAX else "bigint"
    if isinstance(value, float):
        return "double"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        item: str | None = None
        for one in value:
            item = merged(item, _of_json(one))
        return f"array<{item or 'string'}>"
    assert isinstance(value, dict)
    return "struct<" + ",".join(f"{key.lower()}:{_of_json(one) or 'string'}" for key, one in value.items()) + ">"


# ---- several schemas ----


def merged(one: str | None, other: str | None) -> str | None:
    """The type that holds both. What has nothing in common is a string."""
    if one == other or other is None:
        return one
    if one is None:
        return other
    numbers = ["tinyint", "smallint", "int", "bigint", "float", "double"]
    if one in numbers and other in numbers:
        return max(one, other, key=numbers.index)
    if one.startswith("struct<") and other.startswith("struct<"):
        fields: dict[str, str | None] = {}
        for name, kind in [*_fields(one), *_fields(other)]:
            fields[name] = merged(fields.get(name), kind)
        return "struct<" + ",".join(f"{name}:{kind}" for name, kind in fields.items()) + ">"
    if one.startswith("array<") and other.startswith("array<"):
        return f"array<{merged(one[6:-1], other[6:-1])}>"
    return "string"


def _fields(struct: str) -> Iterable[tuple[str, str]]:
    depth, start, inner = 0, 0, struct[len("struct<") : -1] + ","
    for position, sign in enumerate(inner):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            name, _, kind = inner[start:position].partition(":")
            start = position + 1
            if name:
                yield name, kind


def combined(schemas: Iterable[Schema]) -> Schema:
    """One schema of several that are compatible."""
    first, *others = schemas
    columns: dict[str, str] = dict(first.columns)
    for schema in others:
        for name, kind in schema.columns.items():
            columns[name] = merged(columns.get(name), kind) or "string"
    return Schema(first.classification, first.compression, columns)


def compatible(one: Schema, other: Schema) -> bool:
    """AWS: the same format and compression, and schemas that are at least 70 percent alike."""
    if one[:2] != other[:2]:
        return False
    alike = sum(other.columns.get(name) == kind for name, kind in one.columns.items())
    return alike >= SIMILAR * min(len(one.columns), len(other.columns))
