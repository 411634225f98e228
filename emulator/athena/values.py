"""Formats values as Athena does, in the result CSV and in GetQueryResults."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .errors import AthenaFailure, not_supported
from .types import type_id

_BIGINT = 1 << 63


def render(value: Any, duckdb_type: Any) -> str | None:
    """The text of one value; None for NULL."""
    if value is None:
        return None
    kind = type_id(duckdb_type)
    if kind in ("list", "array"):
        child = duckdb_type.children[0][1]
        return "[" + ", ".join(_nested(item, child) for item in value) + "]"
    if kind == "map":
        key, item = duckdb_type.children[0][1], duckdb_type.children[1][1]
        return "{" + ", ".join(f"{_nested(k, key)}={_nested(v, item)}" for k, v in value.items()) + "}"
    if kind == "struct":
        return _row(value, duckdb_type.children)
    if kind == "hugeint" and not -_BIGINT <= value < _BIGINT:
        raise AthenaFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"bigint overflow: {value}")
    return _SCALAR.get(kind, str)(value)


def _nested(value: Any, duckdb_type: Any) -> str:
    rendered = render(value, duckdb_type)
    return "null" if rendered is None else rendered


def _row(value: Any, children: list[tuple[str, Any]]) -> str:
    values = list(value.values()) if isinstance(value, dict) else list(value)
    names = [name or f"field{i}" for i, (name, _) in enumerate(children)]
    parts = zip(names, values, (child for _, child in children), strict=True)
    return "{" + ", ".join(f"{name}={_nested(v, child)}" for name, v, child in parts) + "}"


def double(value: float) -> str:
    """Java's Double.toString: 1.0, 1.0E10, NaN."""
    return _java(value, repr)


def real(value: float) -> str:
    """Java's Float.toString: the fewest digits that give the same 32-bit number."""
    return _java(value, _shortest_float)


def _shortest_float(value: float) -> str:
    wanted = struct.pack("f", value)
    for digits in range(1, 10):
        written = f"{value:.{digits}g}"
        if struct.pack("f", float(written)) == wanted:
            return repr(float(written))
    return repr(value)


def _java(value: float, shortest: Callable[[float], str]) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    sign, digits, exponent = Decimal(shortest(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    scientific = int(exponent) + len(text) - 1
    minus = "-" if sign else ""
    if not -3 <= scientific < 7:
        return f"{minus}{text[0]}.{text[1:] or '0'}E{scientific}"
    if scientific < 0:
        return f"{minus}0.{'0' * (-scientific - 1)}{text}"
    whole = text[: scientific + 1].ljust(scientific + 1, "0")
    return f"{minus}{whole}.{text[scientific + 1 :] or '0'}"


def _timestamp(value: datetime) -> str:
    millis = round(value.microsecond / 1000 + 1e-9)
    shown = value.replace(microsecond=0) + timedelta(milliseconds=millis)
    return f"{shown:%H:%M:%S}.{shown.microsecond // 1000:03d}".join([f"{shown.date().isoformat()} ", ""])


def _instant(value: datetime) -> str:
    return _timestamp(value.astimezone(timezone.utc).replace(tzinfo=None)) + " UTC"


def _interval(value: timedelta) -> str:
    if abs(value) >= timedelta(days=28) and value % timedelta(days=30) == timedelta(0):
        # DuckDB returns a month as 30 days, so the two cannot be distinguished.
        raise not_supported("an interval of 30 days or of months as a result (cast or compare it instead)")
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    return f"{sign}{value.days} {hours:02d}:{rest // 60:02d}:{rest % 60:02d}.{value.microseconds // 1000:03d}"


_SCALAR = {
    "boolean": lambda value: "true" if value else "false",
    "float": real,
    "double": double,
    "decimal": lambda value: f"{value:f}",
    "timestamp": _timestamp,
    "timestamp_s": _timestamp,
    "timestamp_ms": _timestamp,
    "timestamp_ns": _timestamp,
    "timestamp with time zone": _instant,
    "date": lambda value: value.isoformat(),
    "time": lambda value: f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}",
    "blob": lambda value: " ".join(f"{byte:02x}" for byte in value),
    "interval": _interval,
}
