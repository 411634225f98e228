"""Translates Hive's column types to DuckDB's types, Trino's names and the ColumnInfo of GetQueryResults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .errors import AthenaFailure

_SIMPLE = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_TOKEN = re.compile(r"\s*([A-Za-z0-9_$.\-]+|[<>(),:]|`[^`]+`)")


@dataclass(frozen=True)
class HiveType:
    """One parsed Hive type: `array<struct<a:int>>` is a tree of these."""

    name: str
    precision: int | None = None
    scale: int | None = None
    children: tuple[HiveType, ...] = ()
    field_names: tuple[str, ...] = field(default=())

    @property
    def duckdb(self) -> str:
        if self.name == "array":
            return f"{self.children[0].duckdb}[]"
        if self.name == "map":
            return f"MAP({self.children[0].duckdb}, {self.children[1].duckdb})"
        if self.name == "struct":
            fields = zip(self.field_names, self.children, strict=True)
            return "STRUCT(" + ", ".join(f"{quoted(n)} {t.duckdb}" for n, t in fields) + ")"
        if self.name == "decimal":
            return f"DECIMAL({self.precision}, {self.scale})"
        return _SIMPLE[self.name]

    @property
    def trino(self) -> str:
        if self.name == "array":
            return f"array({self.children[0].trino})"
        if self.name == "map":
            return f"map({self.children[0].trino}, {self.children[1].trino})"
        if self.name == "struct":
            fields = zip(self.field_names, self.children, strict=True)
            return "row(" + ", ".join(f"{n} {t.trino}" for n, t in fields) + ")"
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.name in ("varchar", "char") and self.precision:
            return f"{self.name}({self.precision})"
        plain = {"int": "integer", "string": "varchar", "binary": "varbinary", "float": "real"}
        return {**plain, "timestamp": "timestamp(3)"}.get(self.name, self.name)

    def has_timestamp(self) -> bool:
        return self.name == "timestamp" or any(child.has_timestamp() for child in self.children)


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """An SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


@cache
def parse_hive_type(source: str) -> HiveType:
    """Parse a type of the Glue catalog."""
    tokens = _TOKEN.findall(source)
    if "".join(tokens).replace(" ", "") != re.sub(r"\s+", "", source):
        raise _invalid(source)
    try:
        parsed, rest = _type(tokens, source)
    except (IndexError, ValueError) as error:
        raise _invalid(source) from error
    if rest:
        raise _invalid(source)
    return parsed


def _invalid(source: str) -> AthenaFailure:
    return AthenaFailure("HIVE_INVALID_METADATA", f"'{source}' is not a Hive type that this Athena knows")


def _type(tokens: list[str], source: str) -> tuple[HiveType, list[str]]:
    name, rest = tokens[0].lower(), tokens[1:]
    if name == "array":
        child, rest = _type(_expect(rest, "<", source), source)
        return HiveType("array", children=(child,)), _expect(rest, ">", source)
    if name == "map":
        key, rest = _type(_expect(rest, "<", source), source)
        value, rest = _type(_expect(rest, ",", source), source)
        return HiveType("map", children=(key, value)), _expect(rest, ">", source)
    if name == "struct":
        return _struct(_expect(rest, "<", source), source)
    if name == "decimal":
        numbers, rest = _numbers(rest)
        precision, scale = [*numbers, 0][:2] if numbers else (10, 0)
        return HiveType("decimal", precision, scale), rest
    if name not in _SIMPLE:
        raise _invalid(source)
    numbers, rest = _numbers(rest) if name in ("varchar", "char") else ([], rest)
    return HiveType(name, numbers[0] if numbers else None), rest


def _struct(tokens: list[str], source: str) -> tuple[HiveType, list[str]]:
    names, children, rest = [], [], tokens
    while True:
        names.append(rest[0].strip("`").lower())
        child, rest = _type(_expect(rest[1:], ":", source), source)
        children.append(child)
        if rest[0] == ">":
            return HiveType("struct", children=tuple(children), field_names=tuple(names)), rest[1:]
        rest = _expect(rest, ",", source)


def _expect(tokens: list[str], wanted: str, source: str) -> list[str]:
    if tokens[0] != wanted:
        raise _invalid(source)
    return tokens[1:]


def _numbers(tokens: list[str]) -> tuple[list[int], list[str]]:
    if not tokens or tokens[0] != "(":
        return [], tokens
    end = tokens.index(")")
    return [int(token) for token in tokens[1:end] if token != ","], tokens[end + 1 :]


# ---- Result columns ----

# DuckDB type id -> (type of ColumnInfo, precision)
_RESULT = {
    "boolean": ("boolean", 0),
    "tinyint": ("tinyint", 3),
    "smallint": ("smallint", 5),
    "integer": ("integer", 10),
    "bigint": ("bigint", 19),
    "hugeint": ("bigint", 19),
    "utinyint": ("smallint", 5),
    "usmallint": ("integer", 10),
    "uinteger": ("bigint", 19),
    "ubigint": ("bigint", 19),
    "float": ("float", 17),
    "double": ("double", 17),
    "varchar": ("varchar", 2147483647),
    "blob": ("varbinary", 1073741824),
    "date": ("date", 0),
    "time": ("time", 3),
    "timestamp": ("timestamp", 3),
    "timestamp_s": ("timestamp", 3),
    "timestamp_ms": ("timestamp", 3),
    "timestamp_ns": ("timestamp", 3),
    "timestamp with time zone": ("timestamp with time zone", 3),
    "interval": ("interval day to second", 0),
    "list": ("array", 0),
    "array": ("array", 0),
    "map": ("map", 0),
    "struct": ("row", 0),
    "json": ("json", 0),
    "uuid": ("varchar", 2147483647),
    # A bare NULL has Trino's type `unknown`.
    "sqlnull": ("unknown", 0),
    '"null"': ("unknown", 0),
}
_TRINO = {
    "float": "real",
    "timestamp": "timestamp(3)",
    "timestamp with time zone": "timestamp(3) with time zone",
}


def type_id(duckdb_type: Any) -> str:
    """`id` of DuckDB's type object, with JSON distinguished from VARCHAR."""
    return "json" if str(duckdb_type) == "JSON" else duckdb_type.id


def column_info(name: str, duckdb_type: Any) -> dict:
    """One ColumnInfo of GetQueryResults for a result column."""
    kind, scale = type_id(duckdb_type), 0
    if kind == "decimal":
        precision, scale = (value for _, value in duckdb_type.children)
        athena = "decimal"
    elif kind in _RESULT:
        athena, precision = _RESULT[kind]
    else:
        raise AthenaFailure("NOT_SUPPORTED", f"a result of type {duckdb_type} is not supported by the local Athena")
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": athena,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": athena == "varchar",
    }


def text_column(name: str) -> dict:
    """The ColumnInfo of what DDL and SHOW statements print."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": "string",
        "Precision": 0,
        "Scale": 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": False,
    }


def trino_name(duckdb_type: Any) -> str:
    """A type's name in `typeof` and error messages."""
    kind = type_id(duckdb_type)
    if kind in ("list", "array"):
        return f"array({trino_name(duckdb_type.children[0][1])})"
    if kind == "map":
        return f"map({trino_name(duckdb_type.children[0][1])}, {trino_name(duckdb_type.children[1][1])})"
    if kind == "struct":
        fields = (f"{name} {trino_name(child)}".strip() for name, child in duckdb_type.children)
        return f"row({', '.join(fields)})"
    if kind == "decimal":
        precision, scale = (value for _, value in duckdb_type.children)
        return f"decimal({precision},{scale})"
    athena = _RESULT.get(kind, (str(duckdb_type).lower(), 0))[0]
    return _TRINO.get(athena, athena)


def hive_name(duckdb_type: Any) -> str:
    """The Hive type that CTAS and CREATE VIEW register for a result column."""
    kind = type_id(duckdb_type)
    if kind in ("list", "array"):
        return f"array<{hive_name(duckdb_type.children[0][1])}>"
    if kind == "map":
        return f"map<{hive_name(duckdb_type.children[0][1])},{hive_name(duckdb_type.children[1][1])}>"
    if kind == "struct":
        fields = (f"{name}:{hive_name(child)}" for name, child in duckdb_type.children)
        return f"struct<{','.join(fields)}>"
    if kind == "decimal":
        precision, scale = (value for _, value in duckdb_type.children)
        return f"decimal({precision},{scale})"
    athena = _RESULT.get(kind, ("unknown", 0))[0]
    hive = {"integer": "int", "varchar": "string", "varbinary": "binary"}.get(athena, athena)
    if hive.split("(")[0] not in _SIMPLE:
        raise AthenaFailure("NOT_SUPPORTED", f"Unsupported Hive type: {trino_name(duckdb_type)}")
    return hive
