"""Reads SQL with Trino's own parser, which runs in Trino's JVM."""

from __future__ import annotations

import re
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError, Py4JNetworkError

from .errors import MalformedQuery
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
        return Parsed(kind, tuple(_names(text)), _refused(tree, kind))
    except Py4JJavaError as error:
        raise MalformedQuery(str(error.java_exception.getMessage())) from None
    except (Py4JNetworkError, OSError) as problem:
        raise TrinoUnavailable(f"Trino ended while it read the query ({problem}). Run the query again.") from None


def _names(text: str) -> list[TableName]:
    found = (next(filter(None, groups)) for groups in _TABLES.findall(text))
    return [TableName(*reversed([part.strip('"').lower() for part in name.split(".")][-3:])) for name in found]


def _refused(tree, kind: str) -> str | None:  # noqa: ANN001 (an object of the JVM)
    if kind == "Query" and tree.getFunctions().size():
        return "WITH FUNCTION"
    if kind == "Query" and tree.getSessionProperties().size():
        return "WITH SESSION"
    return None
