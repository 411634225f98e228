"""Text formats as their Hive SerDes read them: each line becomes one JSON array of values for DuckDB.

DuckDB's readers are more tolerant than a SerDe (case of keys, malformed lines, NULL markers), so the lines are parsed
here and passed on in one simple form.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from .catalog import Column
from .errors import AthenaFailure, not_supported
from .types import HiveType

OPENX = "org.openx.data.jsonserde.JsonSerDe"
HCATALOG = "org.apache.hive.hcatalog.data.JsonSerDe"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?")
_RANGES = {"tinyint": 7, "smallint": 15, "int": 31, "integer": 31, "bigint": 63}


class BadValue(Exception):
    """A value that does not fit its column. The caller adds file and line."""


def reader(library: str, parameters: dict) -> Callable[[list[str], list[Column]], Iterator[list | None]]:
    """The function that turns lines into rows for a SerDe. None means: skip the line."""
    if library in (OPENX, HCATALOG):
        return lambda lines, columns: _json_rows(lines, columns, library, parameters)
    if library == OPEN_CSV:
        return lambda lines, columns: _open_csv_rows(lines, columns, parameters)
    if library == LAZY:
        return lambda lines, columns: _lazy_rows(lines, columns, parameters)
    raise AthenaFailure("HIVE_UNSUPPORTED_FORMAT", f"The SerDe {library} is not supported by the local Athena")


def rows(body: bytes, uri: str, library: str, parameters: dict, header: int, columns: list[Column]) -> Iterator[list]:
    """The rows of one object."""
    if uri.endswith(".gz"):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError) as error:
            raise AthenaFailure("HIVE_CURSOR_ERROR", f"Failed to read file at {uri}: {error}") from error
    elif uri.endswith((".bz2", ".snappy", ".zst", ".lzo", ".deflate")):
        raise not_supported(f"reading the compressed file {uri}")
    lines = body.decode("utf-8", "replace").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    lines = [line[:-1] if line.endswith("\r") else line for line in lines][header:]
    number = header
    try:
        for row in reader(library, parameters)(lines, columns):
            number += 1
            if row is not None:
                yield row
    except BadValue as error:
        code = "HIVE_CURSOR_ERROR" if str(error).startswith("Row is not a valid JSON Object") else "HIVE_BAD_DATA"
        raise AthenaFailure(code, f"{error} (line {number + 1} of {uri})") from error


# ---- JSON ----


def _json_rows(lines: list[str], columns: list[Column], library: str, parameters: dict) -> Iterator[list | None]:
    forgive = str(parameters.get("ignore.malformed.json", "")).lower() == "true"
    if str(parameters.get("case.insensitive", "true")).lower() == "false":
        raise not_supported("the SerDe property case.insensitive=false")
    dots = str(parameters.get("dots.in.keys", "")).lower() == "true"
    sources = {c.name: parameters.get(f"mapping.{c.name}", c.name).lower() for c in columns}
    for line in lines:
        if not line.strip():
            yield None
            continue
        try:
            found = json.loads(line, parse_float=Decimal)
            if not isinstance(found, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError):
            if forgive and library == OPENX:
                yield [None] * len(columns)
                continue
            raise BadValue(f"Row is not a valid JSON Object: {line[:200]}") from None
        lowered = {(k.replace(".", "_") if dots else k).lower(): v for k, v in found.items()}
        yield [_json_value(lowered.get(sources[c.name]), c.type, c.name) for c in columns]


def _json_value(value: Any, kind: HiveType, column: str) -> Any:
    if value is None:
        return None
    if kind.name in ("string", "varchar", "char"):
        written = value if isinstance(value, str) else json.dumps(value, default=_number, separators=(",", ":"))
        return written[: kind.precision] if kind.precision else written
    if kind.name == "array":
        _require(isinstance(value, list), value, kind, column)
        return [_json_value(item, kind.children[0], column) for item in value]
    if kind.name == "map":
        _require(isinstance(value, dict), value, kind, column)
        # DuckDB reads a JSON object as a map with text keys. Other key types are not possible.
        _require(kind.children[0].name in ("string", "varchar"), value, kind, column)
        return {key: _json_value(item, kind.children[1], column) for key, item in value.items()}
    if kind.name == "struct":
        _require(isinstance(value, dict), value, kind, column)
        lowered = {key.lower(): item for key, item in value.items()}
        fields = zip(kind.field_names, kind.children, strict=True)
        return {name: _json_value(lowered.get(name), child, column) for name, child in fields}
    _require(not isinstance(value, (list, dict)), value, kind, column)
    if kind.name == "boolean":
        return value if isinstance(value, bool) else str(value).strip().lower() == "true"
    return scalar(str(value) if not isinstance(value, bool) else str(value).lower(), kind, column)


def _number(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and "." not in str(value) else float(value)
    raise TypeError(f"{value!r} is no JSON value")


def _require(condition: bool, value: object, kind: HiveType, column: str) -> None:
    if not condition:
        written = json.dumps(value, default=str)[:100]
        raise BadValue(f"Error parsing field value '{written}' for field {column}: it is no {kind.trino}")


def scalar(source: str, kind: HiveType, column: str) -> Any:
    """One value of text as the column's type, in the form that DuckDB casts from."""
    try:
        return _scalar(source, kind)
    except (ValueError, InvalidOperation) as error:
        message = f"Error parsing field value '{source[:100]}' for field {column}: it is no {kind.trino}"
        raise BadValue(message) from error


def _scalar(source: str, kind: HiveType) -> Any:
    name = kind.name
    if name in _RANGES:
        number = int(source)
        if not -(1 << _RANGES[name]) <= number < 1 << _RANGES[name]:
            raise ValueError("out of range")
        return number
    if name in ("double", "float", "real"):
        return source if float(source) != float(source) else str(float(source))
    if name == "decimal":
        return str(Decimal(source))
    if name == "date":
        return date.fromisoformat(source.strip()).isoformat()
    if name == "timestamp":
        stripped = source.strip()
        if not _TIMESTAMP.fullmatch(stripped):
            raise ValueError("no timestamp")
        datetime.fromisoformat(stripped[:16])
        return stripped
    if name == "boolean":
        return source.strip().lower() == "true"
    raise ValueError(f"{name} cannot be read from text")


# ---- Delimited text ----


def _lazy_rows(lines: list[str], columns: list[Column], parameters: dict) -> Iterator[list]:
    separator = _separator(parameters, "field.delim", parameters.get("serialization.format", "\x01"))
    items = _separator(parameters, "collection.delim", parameters.get("colelction.delim", "\x02"))
    pairs = _separator(parameters, "mapkey.delim", "\x03")
    null = parameters.get("serialization.null.format", r"\N")
    escape = parameters.get("escape.delim")
    for line in lines:
        fields = _split(line, separator, escape)
        yield [
            _lazy_value(fields[i] if i < len(fields) else None, column, null, (items, pairs))
            for i, column in enumerate(columns)
        ]


def _separator(parameters: dict, name: str, default: str) -> str:
    raw = parameters.get(name, default)
    if raw.isdigit() and len(raw) > 0 and raw != "0" and name == "field.delim" and name not in parameters:
        return chr(int(raw))
    return raw.encode().decode("unicode_escape") if raw.startswith("\\") else raw


def _split(line: str, separator: str, escape: str | None) -> list[str]:
    if not escape:
        return line.split(separator)
    fields, current, i = [], "", 0
    while i < len(line):
        if line[i] == escape[0] and i + 1 < len(line):
            current, i = current + line[i + 1], i + 2
        elif line.startswith(separator, i):
            fields.append(current)
            current, i = "", i + len(separator)
        else:
            current, i = current + line[i], i + 1
    return [*fields, current]


def _lazy_value(field: str | None, column: Column, null: str, nested: tuple[str, str]) -> Any:
    """LazySimpleSerDe reads invalid values and empty numbers as NULL."""
    kind = column.type
    if field is None or field == null:
        return None
    if kind.name in ("string", "varchar", "char"):
        return field[: kind.precision] if kind.precision else field
    try:
        if kind.name == "array":
            return [_scalar_or_text(item, kind.children[0]) for item in field.split(nested[0])] if field else []
        if kind.name == "map":
            pairs = (item.split(nested[1], 1) for item in field.split(nested[0])) if field else ()
            return {pair[0]: _scalar_or_text(pair[1], kind.children[1]) if len(pair) > 1 else None for pair in pairs}
        if kind.name == "struct":
            parts = field.split(nested[0])
            named = enumerate(zip(kind.field_names, kind.children, strict=True))
            return {n: _scalar_or_text(parts[i], t) if i < len(parts) else None for i, (n, t) in named}
        if kind.name == "boolean":
            return {"true": True, "false": False}.get(field.lower())
        return _scalar(field, kind)
    except (ValueError, InvalidOperation):
        return None


def _scalar_or_text(source: str, kind: HiveType) -> Any:
    return source if kind.name in ("string", "varchar", "char") else _scalar(source, kind)


def _open_csv_rows(lines: list[str], columns: list[Column], parameters: dict) -> Iterator[list]:
    separator = parameters.get("separatorChar", ",").encode().decode("unicode_escape")[:1] or ","
    quote = parameters.get("quoteChar", '"').replace('\\"', '"')[:1]
    escape = parameters.get("escapeChar", "\\").replace("\\\\", "\\")[:1]
    for line in lines:
        fields = _csv_fields(line, separator, quote, escape)
        yield [_csv_value(fields[i] if i < len(fields) else None, c) for i, c in enumerate(columns)]


def _csv_fields(line: str, separator: str, quote: str, escape: str) -> list[str]:
    fields, current, inside, i = [], "", False, 0
    while i < len(line):
        char, after = line[i], line[i + 1 : i + 2]
        if char == escape and escape != quote and after in (quote, escape) and after:
            current, i = current + after, i + 1
        elif char == quote and inside and after == quote:
            current, i = current + quote, i + 1
        elif char == quote:
            inside = not inside
        elif char == separator and not inside:
            fields.append(current)
            current = ""
        else:
            current += char
        i += 1
    return [*fields, current]


def _csv_value(field: str | None, column: Column) -> Any:
    """Dates are days, timestamps milliseconds since 1970; an empty number is an error."""
    kind = column.type
    if field is None:
        return None
    if kind.name in ("string", "varchar", "char"):
        return field
    if kind.name == "date":
        number = scalar(field, HiveType("bigint"), column.name)
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(number)).isoformat()
    if kind.name == "timestamp":
        number = scalar(field, HiveType("bigint"), column.name)
        seconds, millis = divmod(int(number), 1000)
        return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}.{millis:03d}"
    if kind.name in ("array", "map", "struct", "binary"):
        raise not_supported(f"the type {kind.trino} with OpenCSVSerde")
    return scalar(field, kind, column.name)
