"""Hive's column types: which there are, and what Trino calls them."""

from __future__ import annotations

import re

from .errors import AthenaFailure

# Hive's name -> Trino's name in an Iceberg table. The rest have the same name.
_SIMPLE = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "int": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "float": "real",
    "real": "real",
    "double": "double",
    "string": "varchar",
    "varchar": "varchar",
    "char": "char",
    "binary": "varbinary",
    "date": "date",
    "timestamp": "timestamp(6)",
    "timestamptz": "timestamp(6) with time zone",
    "uuid": "uuid",
}
_TOKEN = re.compile(r"\s*([A-Za-z0-9_$.\-]+|[<>(),:]|`[^`]+`)")


def trino_type(source: str) -> str:
    """`array<struct<a:int>>` as `array(row("a" integer))`. Raises AthenaFailure for what is no Hive type."""
    tokens = _TOKEN.findall(source)
    if "".join(tokens).replace(" ", "") != re.sub(r"\s+", "", source):
        raise _invalid(source)
    try:
        name = _type(tokens, source)
    except (IndexError, ValueError) as error:
        raise _invalid(source) from error
    if tokens:
        raise _invalid(source)
    return name


def _invalid(source: str) -> AthenaFailure:
    return AthenaFailure("HIVE_INVALID_METADATA", f"'{source}' is not a Hive type that this Athena knows")


def _type(tokens: list[str], source: str) -> str:
    """Read one type from the front of the list."""
    name = tokens.pop(0).lower()
    if name == "array":
        _expect(tokens, "<")
        item = _type(tokens, source)
        _expect(tokens, ">")
        return f"array({item})"
    if name == "map":
        _expect(tokens, "<")
        key = _type(tokens, source)
        _expect(tokens, ",")
        value = _type(tokens, source)
        _expect(tokens, ">")
        return f"map({key}, {value})"
    if name == "struct":
        return _struct(tokens, source)
    if name == "decimal":
        precision, scale = [*_numbers(tokens), "0"][:2] if tokens[:1] == ["("] else ("10", "0")
        return f"decimal({precision}, {scale})"
    if name not in _SIMPLE:
        raise _invalid(source)
    length = _numbers(tokens) if name in ("varchar", "char") and tokens[:1] == ["("] else []
    return f"{_SIMPLE[name]}({length[0]})" if length else _SIMPLE[name]


def _struct(tokens: list[str], source: str) -> str:
    _expect(tokens, "<")
    fields = []
    while True:
        name = tokens.pop(0).strip("`").lower()
        _expect(tokens, ":")
        fields.append(f'"{name}" {_type(tokens, source)}')
        if tokens[0] == ">":
            tokens.pop(0)
            return f"row({', '.join(fields)})"
        _expect(tokens, ",")


def _expect(tokens: list[str], wanted: str) -> None:
    if tokens.pop(0) != wanted:
        raise ValueError(f"{wanted} is missing")


def _numbers(tokens: list[str]) -> list[str]:
    end = tokens.index(")")
    found = [str(int(token)) for token in tokens[1:end] if token != ","]
    del tokens[: end + 1]
    return found
