"""Parses Athena's SQL: Trino's grammar, with all function names unchanged."""

from __future__ import annotations

import logging
import re
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from .errors import MalformedQuery

# sqlglot warns about statements that it keeps as text. They are rejected below or handled elsewhere.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class AthenaQuery(Trino):
    """Trino without sqlglot's handling of functions: functions.py defines what each one means."""

    # Subscripts stay as written. Otherwise sqlglot would count them from 0 in the tree.
    INDEX_OFFSET = 0

    class Parser(Trino.Parser):
        FUNCTIONS: ClassVar[dict] = {}


_STARTS = ("SELECT", "WITH", "VALUES", "TABLE", "(")
# Tokens of other dialects that sqlglot accepts and Athena rejects.
_FOREIGN = {
    TokenType.DCOLON: "::",
    TokenType.ILIKE: "ILIKE",
    TokenType.QUALIFY: "QUALIFY",
    TokenType.GLOB: "GLOB",
    TokenType.RLIKE: "RLIKE",
    TokenType.PIVOT: "PIVOT",
    TokenType.UNPIVOT: "UNPIVOT",
    TokenType.DPIPE_SLASH: "||/",
    TokenType.AMP: "&",
    TokenType.PIPE: "|",
    TokenType.NATURAL: "NATURAL",
    TokenType.DIV: "DIV",
    TokenType.ASOF: "ASOF",
    TokenType.SEMI: "SEMI",
    TokenType.ANTI: "ANTI",
}


def parse_query(sql: str) -> exp.Expr:
    """One query (SELECT, WITH, VALUES, TABLE). Anything else is refused as Athena's parser does."""
    try:
        tokens = AthenaQuery().tokenize(sql)
        for token in tokens:
            if token.token_type in _FOREIGN and token.text.upper() == _FOREIGN[token.token_type]:
                raise MalformedQuery(f"{where(sql, token.start)}: mismatched input '{token.text}'")
            if token.text == "`" or (token.token_type == TokenType.IDENTIFIER and sql[token.start] == "`"):
                message = "backquoted identifiers are not supported; use double quotes to quote identifiers"
                raise MalformedQuery(f"{where(sql, token.start)}: {message}")
        trees = [tree for tree in sqlglot.parse(sql, read=AthenaQuery) if tree is not None]
    except ParseError as error:
        raise _malformed(sql, error) from error
    except TokenError as error:
        raise MalformedQuery(f"line 1:1: {str(error).splitlines()[0]}") from error
    if not trees:
        raise MalformedQuery("line 1:1: mismatched input '<EOF>'. Expecting: <query>")
    if len(trees) > 1:
        raise MalformedQuery("Only one sql statement is allowed. Got: " + sql[:200])
    if not isinstance(trees[0], (exp.Query, exp.Values)):
        first = sql.split(None, 1)[0]
        raise MalformedQuery(f"line 1:1: mismatched input '{first}'. Expecting: 'ALTER', 'CREATE', ..., <query>")
    return _plain_shape(trees[0], sql)


def parse_expression(sql: str) -> exp.Expr:
    """One execution parameter: a literal or an expression without columns."""
    tree = parse_query(f"SELECT {sql}")
    if len(tree.expressions) != 1 or tree.find(exp.Column, exp.Table):
        raise MalformedQuery(f"The execution parameter {sql} is no constant expression")
    return tree.expressions[0]


def where(sql: str, start: int) -> str:
    """Trino's `line L:C` of an offset."""
    return f"line {sql.count(chr(10), 0, start) + 1}:{start - sql.rfind(chr(10), 0, start)}"


def place(node: exp.Expr, sql: str) -> str:
    """`line L:C: ` of a node, or nothing where the parser kept no place."""
    for found in node.find_all(exp.Identifier, bfs=False):
        start = found.meta.get("start")
        if start is not None and sql[start : start + len(found.name) + 1].strip('"').lower().startswith(
            found.name.lower()
        ):
            return where(sql, start) + ": "
    match = re.search(rf"\b{re.escape(node.name)}\b", sql, re.IGNORECASE) if node.name else None
    return f"{where(sql, match.start())}: " if match else ""


def _malformed(sql: str, error: ParseError) -> MalformedQuery:
    detail = error.errors[0] if error.errors else {}
    highlight = detail.get("highlight") or "<EOF>"
    line, col = detail.get("line") or 1, detail.get("col") or 1
    start = max(1, col - len(highlight) + 1)
    reason = detail.get("description") or ""
    reason = "" if "<" in reason else f" {reason}"
    return MalformedQuery(f"line {line}:{start}: mismatched input '{highlight}'.{reason}")


_SELECT_ARGS = {
    "expressions",
    "from_",
    "joins",
    "where",
    "group",
    "having",
    "windows",
    "order",
    "limit",
    "offset",
    "with_",
    "distinct",
    "laterals",
}


def _plain_shape(tree: exp.Expr, sql: str) -> exp.Expr:
    """Refuse clauses that sqlglot accepts from other dialects."""
    for select in tree.find_all(exp.Select):
        for name, value in select.args.items():
            if value and name not in _SELECT_ARGS:
                raise MalformedQuery(f"line 1:1: the clause {name.strip('_').upper()} is no part of Athena's SQL")
        group = select.args.get("group")
        if group and (group.args.get("all") or group.args.get("totals")):
            raise MalformedQuery("line 1:1: mismatched input 'ALL' in GROUP BY")
        if select.args.get("distinct") and select.args["distinct"].args.get("on"):
            raise MalformedQuery("line 1:1: mismatched input 'ON'. DISTINCT ON is no part of Athena's SQL")
    for star in tree.find_all(exp.Star):
        if any(star.args.get(name) for name in ("except_", "replace", "rename", "except")):
            raise MalformedQuery("line 1:1: * EXCLUDE/REPLACE/RENAME is no part of Athena's SQL")
    return tree
