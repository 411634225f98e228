"""Trino's column types and JSON values as Athena's ColumnInfo and texts."""

from __future__ import annotations

import base64
from typing import Any

from .session import column_info

# Type of Trino -> type and precision of ColumnInfo, where they differ from name and 0.
_TYPES = {
    "tinyint": ("tinyint", 3),
    "smallint": ("smallint", 5),
    "integer": ("integer", 10),
    "bigint": ("bigint", 19),
    "real": ("float", 17),
    "double": ("double", 17),
    "varchar": ("varchar", 2147483647),
    "varbinary": ("varbinary", 1073741824),
    "interval day to second": ("interval day to second", 0),
    "interval year to month": ("interval year to month", 0),
}
_DATED = ("timestamp", "time")


def column(described: dict) -> dict:
    """ColumnInfo of GetQueryResults for one column of Trino's response."""
    signature = described["typeSignature"]
    kind = signature["rawType"].lower()
    numbers = [argument["value"] for argument in signature["arguments"] if argument["kind"] == "LONG"]
    athena, precision = _TYPES.get(kind, (kind, 0))
    scale = 0
    if kind == "decimal":
        precision, scale = numbers
    elif kind in ("varchar", "char") and numbers:
        precision = numbers[0]
    elif kind.startswith(_DATED):
        precision = numbers[0] if numbers else 3
    return column_info(described["name"], athena, precision, scale, case_sensitive=kind in ("varchar", "char"))


def texts(row: list, described: list[dict]) -> list[str | None]:
    """One row of Trino's response. Its floating-point numbers must have been left as they were written."""
    return [text(value, column["typeSignature"]) for value, column in zip(row, described, strict=True)]


def text(value: Any, signature: dict) -> str | None:
    if value is None:
        return None
    kind = signature["rawType"].lower()
    arguments = signature["arguments"]
    if kind == "array":
        return "[" + ", ".join(_nested(item, arguments[0]["value"]) for item in value) + "]"
    if kind == "map":
        of_key, of_value = (argument["value"] for argument in arguments)
        pairs = (f"{_nested(key, of_key)}={_nested(item, of_value)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if kind == "row":
        return (
            "{"
            + ", ".join(_field(item, argument, i) for i, (item, argument) in enumerate(_fields(value, arguments)))
            + "}"
        )
    if kind == "boolean":
        return value if isinstance(value, str) else str(value).lower()
    if kind == "varbinary":
        return base64.b64decode(value).hex(" ")
    return str(value)


def _fields(value: list, arguments: list[dict]) -> list[tuple[Any, dict]]:
    return list(zip(value, arguments, strict=True))


def _field(value: Any, argument: dict, position: int) -> str:
    named = argument["value"].get("fieldName") or {}
    return f"{named.get('name') or f'field{position}'}={_nested(value, argument['value']['typeSignature'])}"


def _nested(value: Any, signature: dict) -> str:
    rendered = text(value, signature)
    return "null" if rendered is None else rendered
