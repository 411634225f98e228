"""Translates DuckDB's errors to Trino's messages."""

from __future__ import annotations

import re

import duckdb

from .dialect import where
from .errors import AthenaFailure, QueryCancelled

# What athena_fail of functions.py writes into DuckDB's message of a failed cast.
_OWN = re.compile(r"Could not convert string '([A-Z]+(?:_[A-Z]+)+): (.*)' to INT8", re.DOTALL)
_UNKNOWN = "cannot be resolved or requester is not authorized to access requested resources"


def translate_error(error: duckdb.Error, sql: str) -> Exception:
    """The failure that Athena would report for a DuckDB error."""
    message = str(error)
    if isinstance(error, duckdb.InterruptException):
        return QueryCancelled("Query was cancelled by user")
    if own := _OWN.search(message):
        return AthenaFailure(own.group(1), own.group(2).strip())
    for pattern, build in _PATTERNS:
        if found := re.search(pattern, message, re.DOTALL):
            code, text = build(found, sql)
            return AthenaFailure(code, text)
    if isinstance(error, duckdb.OutOfRangeException):
        return AthenaFailure("NUMERIC_VALUE_OUT_OF_RANGE", _first_line(message))
    if isinstance(error, duckdb.ConversionException):
        return AthenaFailure("INVALID_CAST_ARGUMENT", _first_line(message))
    if isinstance(error, duckdb.OutOfMemoryException):
        return AthenaFailure("EXCEEDED_LOCAL_MEMORY_LIMIT", _first_line(message))
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return AthenaFailure("SYNTAX_ERROR", _first_line(message))
    return AthenaFailure("GENERIC_INTERNAL_ERROR", _first_line(message))


def _first_line(message: str) -> str:
    line = message.strip().splitlines()[0]
    line = re.sub(r"^[A-Za-z ]+ Error: ", "", line)
    return re.sub(r"athena_(typed_)?", "", line)


def _at(name: str, sql: str) -> str:
    match = re.search(
        rf'(?<![\w"]){re.escape(name)}(?!\w)|(?<![\w"]){re.escape(name)}\b|"{re.escape(name)}"',
        sql,
        re.IGNORECASE,
    )
    return f"{where(sql, match.start())}: " if match else ""


def _column(found: re.Match, sql: str) -> tuple[str, str]:
    name = found.group(1)
    return "COLUMN_NOT_FOUND", f"{_at(name, sql)}Column '{name}' {_UNKNOWN}"


def _column_of(found: re.Match, sql: str) -> tuple[str, str]:
    return (
        "COLUMN_NOT_FOUND",
        f"{_at(found.group(1) + '.', sql)}Column '{found.group(1)}.{found.group(2)}' {_UNKNOWN}",
    )


def _qualifier(found: re.Match, sql: str) -> tuple[str, str]:
    name = found.group(1)
    column = re.search(rf"\b{re.escape(name)}\"?\.\"?(\w+)", sql, re.IGNORECASE)
    full = f"{name}.{column.group(1)}" if column else name
    return "COLUMN_NOT_FOUND", f"{_at(name, sql)}Column '{full}' {_UNKNOWN}"


def _grouped(found: re.Match, sql: str) -> tuple[str, str]:
    name = found.group(1)
    message = f"{_at(name, sql)}'{name}' must be an aggregate expression or appear in GROUP BY clause"
    return "EXPRESSION_NOT_AGGREGATE", message


def _parameters(found: re.Match, sql: str) -> tuple[str, str]:
    name, types = found.group(1), found.group(2)
    name = re.sub(r"^athena_(typed_)?", "", name)
    lowered = types.lower().replace("_literal", "")
    return "FUNCTION_NOT_FOUND", f"{_at(name, sql)}Unexpected parameters ({lowered}) for function {name}"


def _compared(found: re.Match, _sql: str) -> tuple[str, str]:
    left, right = (part.lower() for part in found.groups())
    return "TYPE_MISMATCH", f"Cannot apply operator: {left} and {right}"


def _mixed(found: re.Match, _sql: str) -> tuple[str, str]:
    left, right, place = (part.lower().replace("_literal", "") for part in found.groups())
    message = f"All {place} operands must be the same type or coercible to a common type. "
    return "TYPE_MISMATCH", f"{message}Cannot find common type between {left} and {right}"


_PATTERNS = [
    (r'Referenced column "([^"]+)" not found', _column),
    (r'Could not find key "([^"]+)" in struct', _column),
    (r'(?:Table|Values list) "([^"]+)" does not have a column named "([^"]+)"', _column_of),
    (r'Referenced table "([^"]+)" not found', _qualifier),
    (r'Ambiguous reference to column name "([^"]+)"', lambda m, s: (
        "AMBIGUOUS_NAME", f"{_at(m.group(1), s)}Column '{m.group(1)}' is ambiguous")),
    (r'column "?([^" ]+)"? must appear in the GROUP BY clause', _grouped),
    (r"No function matches the given name and argument types '(\w+)\((.*?)\)'\. You", _parameters),
    (r"Cannot compare values of type (\S+) and type (\S+)", _compared),
    (r"Cannot mix values of type (\S+) and (\S+) in (\w+)", _mixed),
    (r"(WHERE|GROUP BY) clause cannot contain aggregates", lambda m, _s: (
        "EXPRESSION_NOT_SCALAR",
        f"{m.group(1)} clause cannot contain aggregations, window functions or grouping operations")),
    (r"Set operations can only apply to expressions with the same number of result columns", lambda _m, _s: (
        "TYPE_MISMATCH", "UNION, INTERSECT or EXCEPT query has different number of fields")),
    (r"Could not convert string '(.*?)' to (\w+)", lambda m, _s: (
        "INVALID_CAST_ARGUMENT", f"Cannot cast '{m.group(1)}' to {m.group(2)}")),
    (r"Could not parse string \"(.*?)\" according to format", lambda m, _s: (
        "INVALID_FUNCTION_ARGUMENT", f"Invalid format: \"{m.group(1)}\" does not match the pattern")),
    (r"More than one row returned by a subquery", lambda _m, _s: (
        "SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")),
    (r"Malformed JSON", lambda _m, _s: ("INVALID_FUNCTION_ARGUMENT", "Cannot convert value to JSON")),
]  # fmt: skip
