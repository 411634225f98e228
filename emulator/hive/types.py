"""Hive's column types: which there are, and what Trino calls them."""

from __future__ import annotations

from ..core.queries import QueryFailed
from .scanner import Scanner, Unexpected

# Hive's name -> Trino's name in an Iceberg table.
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


def read_type(scanner: Scanner) -> str:
    """A type of Hive as the catalog holds it. Raises QueryFailed for one that Athena does not know."""
    start = scanner.index
    _type(scanner)
    return "".join(token.text for token in scanner.tokens[start : scanner.index]).lower().replace("`", "")


def trino_type(source: str) -> str:
    """`array<struct<a:int>>` as `array(row("a" integer))`."""
    scanner = Scanner(source)
    try:
        name = _type(scanner)
        scanner.finish()
    except Unexpected:
        raise _unknown(source) from None
    return name


def _unknown(source: str) -> QueryFailed:
    return QueryFailed("HIVE_INVALID_METADATA", f"'{source}' is not a Hive type that this Athena knows")


def _type(scanner: Scanner) -> str:
    if scanner.take("ARRAY", "<"):
        return f"array({_type_and(scanner, '>')})"
    if scanner.take("MAP", "<"):
        return f"map({_type_and(scanner, ',')}, {_type_and(scanner, '>')})"
    if scanner.take("STRUCT", "<"):
        return f"row({', '.join(scanner.items(lambda: _field(scanner), '>'))})"
    name = scanner.name()
    if name == "decimal":
        numbers = _numbers(scanner, 2)
        return f"decimal({', '.join(numbers + ['10', '0'][len(numbers) :])})"
    if name not in _SIMPLE:
        raise _unknown(name)
    numbers = _numbers(scanner, 1) if name in ("varchar", "char") else []
    return f"{_SIMPLE[name]}({numbers[0]})" if numbers else _SIMPLE[name]


def _type_and(scanner: Scanner, end: str) -> str:
    name = _type(scanner)
    scanner.expect(end)
    return name


def _field(scanner: Scanner) -> str:
    name = scanner.name()
    while scanner.peek() in ("-", "."):  # Hive takes them in the name of a field
        name += scanner.token().text
        scanner.index += 1
        name += scanner.name()
    scanner.expect(":")
    return f'"{name}" {_type(scanner)}'


def _numbers(scanner: Scanner, most: int) -> list[str]:
    numbers = scanner.items(scanner.constant) if scanner.take("(") else []
    if len(numbers) > most or not all(number.isdecimal() for number in numbers):
        raise Unexpected(scanner, "<number>")
    return numbers
