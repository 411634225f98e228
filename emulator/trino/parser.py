"""Reads SQL with Trino's own parser, which runs in Trino's JVM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError, Py4JNetworkError

from ..core.queries import MalformedQuery
from .server import Trino, TrinoUnavailable

# How the parser's tree prints the tables that a statement reads, and the one that it changes.
_TABLES = re.compile(r"\bTable\{([^,}]+)|\bDelete\{table=([^,}]+)|\bInsert\{target=([^,}]+)")


@dataclass(frozen=True)
class TableName:
    """A table as a statement names it, in lower case."""

    name: str
    database: str | None = None
    catalog: str | None = None


@dataclass(frozen=True)
class Parsed:
    """A statement: the name of its kind in Trino's grammar (Query, Insert, Merge, …), and the tables in it."""

    kind: str
    tables: tuple[TableName, ...] = ()
    # What only Trino has, in words, if the statement uses it.
    refused: str | None = None


def parse(trino: Trino, sql: str) -> Parsed:
    """Raises MalformedQuery with Trino's message if the text is no statement."""
    try:
        tree = trino.java().io.trino.sql.parser.SqlParser().createStatement(sql)
        kind = tree.getClass().getSimpleName()
        text = tree.toString()
        # The tree prints an expression as SQL, so tables of subqueries in it are only found by a walk.
        names = [*_names(text), *_named(trino, tree, "Table"), *_named(trino, tree, "TableFunctionInvocation")]
        return Parsed(kind, tuple(dict.fromkeys(names)), _refused(tree, kind))
    except Py4JJavaError as error:
        raise MalformedQuery(str(error.java_exception.getMessage())) from None
    except (Py4JNetworkError, OSError) as problem:
        raise TrinoUnavailable(f"Trino ended while it read the query ({problem}). Run the query again.") from None


def value(trino: Trino, text: str) -> str:
    """The SQL of an execution parameter. Athena takes a constant expression as it is, and anything else as a text."""
    try:
        expression = trino.java().io.trino.sql.parser.SqlParser().createExpression(text)
        constant = not _has_column(expression)
    except Py4JJavaError:
        constant = False
    except (Py4JNetworkError, OSError) as problem:
        raise TrinoUnavailable(f"Trino ended while it read the query ({problem}). Run the query again.") from None
    return text if constant else "'" + text.replace("'", "''") + "'"


def _has_column(node: Any) -> bool:
    kind = node.getClass().getSimpleName()
    if kind.endswith("DataType"):  # the name of a type is an identifier, too
        return False
    return kind == "Identifier" or any(_has_column(child) for child in node.getChildren())


def _named(trino: Trino, tree: Any, kind: str) -> list[TableName]:
    """The names of all nodes of a class in the tree."""
    jvm = trino.java()
    wanted = jvm.com.google.common.base.Predicates.instanceOf(jvm.java.lang.Class.forName(f"io.trino.sql.tree.{kind}"))
    nodes = jvm.io.trino.sql.util.AstUtils.preOrder(tree).filter(wanted).toList()
    return [TableName(*reversed(list(node.getName().getParts())[-3:])) for node in nodes]


def _names(text: str) -> list[TableName]:
    found = (next(filter(None, groups)) for groups in _TABLES.findall(text))
    return [TableName(*reversed([part.strip('"').lower() for part in name.split(".")][-3:])) for name in found]


def _refused(tree: Any, kind: str) -> str | None:
    if kind == "Query" and tree.getFunctions().size():
        return "WITH FUNCTION"
    if kind == "Query" and tree.getSessionProperties().size():
        return "WITH SESSION"
    return None
