"""Evaluates the Expression of Glue's GetPartitions, a SQL condition on typed partition keys."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class InvalidExpression(ValueError):
    """The expression is not a valid condition on the partition keys. The message explains why."""


Value = str | int | Decimal | date | datetime | None
Row = dict[str, Value]
Condition = Callable[[Row], bool | None]  # None is SQL's unknown

INTEGERS = ("int", "integer", "bigint", "long", "smallint", "tinyint")
COMPARISONS: dict[type[exp.Expr], Callable] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}


def matcher(expression: str, partition_keys: list[dict]) -> Callable[[list[str]], bool]:
    """Returns a function that checks whether a partition with these values matches the expression."""
    types = {key["Name"].lower(): key.get("Type", "string").lower() for key in partition_keys}
    condition = _compile(_parse(expression), types)

    def matches(values: list[str]) -> bool:
        row = {name: _stored(value, kind) for (name, kind), value in zip(types.items(), values, strict=False)}
        return condition(row) is True

    return matches


def _parse(expression: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(expression, dialect="athena")
    except SqlglotError as problem:
        first_line = str(problem).splitlines()[0]
        raise InvalidExpression(f"Unsupported expression {expression!r}: {first_line}") from None
    return tree


def _compile(node: exp.Expr, types: dict[str, str]) -> Condition:
    if isinstance(node, exp.Paren):
        return _compile(node.this, types)
    if isinstance(node, exp.And):
        return _and(_compile(node.left, types), _compile(node.right, types))
    if isinstance(node, exp.Or):
        return _not(_and(_not(_compile(node.left, types)), _not(_compile(node.right, types))))
    if isinstance(node, exp.Not):
        return _not(_compile(node.this, types))
    if isinstance(node, exp.Is):
        return _is_null(node, types)
    if isinstance(node, exp.Between):
        return _and(
            _compare(operator.ge, node.this, node.args["low"], types),
            _compare(operator.le, node.this, node.args["high"], types),
        )
    if isinstance(node, exp.In) and node.expressions:
        choices = [_compare(operator.eq, node.this, choice, types) for choice in node.expressions]
        return _any(choices)
    if isinstance(node, exp.Like):
        return _like(node, types)
    if isinstance(node, exp.Binary) and type(node) in COMPARISONS:
        return _compare(COMPARISONS[type(node)], node.left, node.right, types)
    raise InvalidExpression(f"Unsupported expression {node.sql()!r}: GetPartitions does not support this condition")


def _and(left: Condition, right: Condition) -> Condition:
    def both(row: Row) -> bool | None:
        first, second = left(row), right(row)
        if first is False or second is False:
            return False
        return None if first is None or second is None else True

    return both


def _not(condition: Condition) -> Condition:
    def negated(row: Row) -> bool | None:
        result = condition(row)
        return None if result is None else not result

    return negated


def _any(conditions: list[Condition]) -> Condition:
    def one(row: Row) -> bool | None:
        results = [condition(row) for condition in conditions]
        return True if True in results else (None if None in results else False)

    return one


def _is_null(node: exp.Is, types: dict[str, str]) -> Condition:
    if not isinstance(node.expression, exp.Null):
        raise InvalidExpression(f"Unsupported expression {node.sql()!r}: only IS NULL and IS NOT NULL are supported")
    key = _key(node.this, types)
    return lambda row: row[key] is None


def _compare(compare: Callable, left: exp.Expr, right: exp.Expr, types: dict[str, str]) -> Condition:
    if not _is_key(left) and _is_key(right):
        return _compare(_mirrored(compare), right, left, types)
    key = _key(left, types)
    literal = _literal(right, key, types[key])

    def holds(row: Row) -> bool | None:
        value = row[key]
        return None if value is None or literal is None else compare(value, literal)

    return holds


def _mirrored(compare: Callable) -> Callable:
    mirror = {
        operator.lt: operator.gt,
        operator.le: operator.ge,
        operator.gt: operator.lt,
        operator.ge: operator.le,
    }
    return mirror.get(compare, compare)


def _like(node: exp.Like, types: dict[str, str]) -> Condition:
    key = _key(node.this, types)
    if not node.expression.is_string:
        raise InvalidExpression(f"LIKE needs a quoted pattern, got {node.expression.sql()}")
    wildcards = {"%": ".*", "_": "."}
    parts = (
        wildcards[character] if character in wildcards else re.escape(character) for character in node.expression.this
    )
    pattern = re.compile("".join(parts), re.DOTALL)
    return lambda row: None if row[key] is None else pattern.fullmatch(str(row[key])) is not None


def _is_key(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column)


def _key(node: exp.Expr, types: dict[str, str]) -> str:
    if not _is_key(node):
        raise InvalidExpression(f"{node.sql()} is not a partition key")
    name = node.name.lower()
    if name not in types:
        known = ", ".join(types) or "none"
        raise InvalidExpression(f"{node.name} is not a partition key; the table's keys are: {known}")
    return name


def _literal(node: exp.Expr, key: str, kind: str) -> Value:
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, (exp.Cast, exp.Paren)):  # DATE '2026-01-01' is a cast of a literal
        return _literal(node.this, key, kind)
    if isinstance(node, exp.Neg):
        return _typed(f"-{node.this.name}", kind, key)
    if not isinstance(node, exp.Literal):
        raise InvalidExpression(f"{node.sql()} is not a literal that can be compared with {key}")
    return _typed(node.name, kind, key)


def _stored(text: str, kind: str) -> Value:
    return None if text == NULL_PARTITION else _typed(text, kind, "partition value")


def _typed(text: str, kind: str, what: str) -> Value:
    base = kind.split("(")[0].strip()
    try:
        if base in ("string", "char", "varchar"):
            return text
        if base in INTEGERS:
            return int(text)
        if base in ("decimal", "double", "float"):
            return Decimal(text)
        if base == "date":
            return date.fromisoformat(text)
        if base == "timestamp":
            return datetime.fromisoformat(text)
    except (ValueError, InvalidOperation):
        raise InvalidExpression(f"{text!r} is not a valid {kind} ({what})") from None
    raise InvalidExpression(f"Partition keys of type {kind} cannot be used in an expression ({what})")
