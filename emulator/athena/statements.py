"""Decides what runs a statement: Trino, Hive's DDL, or what only Athena has. And refuses what Athena refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ministack.services import athena

from ..core import request_log
from ..core.queries import MalformedQuery, QueryFailed
from ..glue import tables
from ..glue.tables import Table
from ..hive import statements as hive
from ..hive.scanner import Part, Scanner, TableName
from ..hive.syntax import read_one
from ..trino import client, parser
from ..trino.client import Sql
from ..trino.server import HIVE, Trino
from . import access, iceberg, values, writes
from .session import Outcome, Run, Session, printed, written

# Kind in Trino's grammar -> statement type and name of GetQueryExecution, and the ending of the result file.
_KINDS = {
    "Query": ("DML", "SELECT", ".csv"),
    "Insert": ("DML", "INSERT", ""),
    "Merge": ("DML", "MERGE", ""),
    "Update": ("DML", "UPDATE", ""),
    "Delete": ("DML", "DELETE", ""),
}
_ALLOWED = (
    "'ALTER', 'CREATE', 'DELETE', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MERGE', 'MSCK', 'OPTIMIZE', "
    "'PREPARE', 'SHOW', 'UNLOAD', 'UPDATE', 'VACUUM', <query>"
)


@dataclass
class Statement:
    """A parsed statement: DDL, DML or UTILITY, its name, and how to run it."""

    kind: str
    name: str
    run: Run
    # Name of the result object below the output location: <id><suffix>.
    suffix: str = ".txt"


def understand(trino: Trino, sql: str) -> Statement:
    """Parse a statement. As in Athena, text that is not a statement is rejected at the start. A statement that cannot
    be executed becomes one that fails."""
    scanner = Scanner(sql)
    try:
        if scanner.peek() not in _FIRST_WORDS:
            return _on_trino(trino, Sql(_query(sql)))
        syntax, fields = read_one(scanner, [*_HIVE, *_OWN], _READERS)
        return _hive(_HIVE[syntax], fields) if syntax in _HIVE else _OWN[syntax](trino, sql, **fields)
    except QueryFailed as failure:
        return Statement("DDL", "UNKNOWN", partial(_fail, failure))


def _fail(failure: QueryFailed, _session: Session) -> Outcome:
    raise failure


def _query(sql: str) -> str:
    return sql.rstrip().rstrip(";")


def _hive(statement: hive.Statement, fields: dict) -> Statement:
    def run(session: Session) -> Outcome:
        if statement.kind == "DDL":
            with request_log.as_athena():
                tables.look_at_default()
        on_trino = iceberg.action(statement, fields, session)
        with contextlib.nullcontext() if on_trino else request_log.as_athena():
            lines = on_trino() if on_trino else statement.action(session.database, **fields)
        return printed(statement.labels, lines)

    return Statement(statement.kind, statement.name, run)


# ---- Statements that Trino takes as they are ----


def _on_trino(trino: Trino, sql: Sql) -> Statement:
    parsed = _parsed(trino, sql, *_KINDS)
    kind, name, suffix = _KINDS[parsed.kind]

    def run(session: Session) -> Outcome:
        changed = None if parsed.kind == "Query" else _changed(parsed, session)
        if parsed.kind in ("Merge", "Update", "Delete") and changed is not None and not changed.is_iceberg:
            # Trino also deletes whole partitions of Hive's tables.
            raise QueryFailed("NOT_SUPPORTED", "Modifying Hive table rows is only supported for transactional tables")
        access.check(sql, parsed, session)
        settings = iceberg.write_settings(changed, session) if changed is not None and changed.is_iceberg else {}
        answer = client.run(replace(sql, settings=settings), session)
        return _rows(answer) if parsed.kind == "Query" else written(answer.update_count or 0)

    return Statement(kind, name, run, suffix)


def _parsed(trino: Trino, sql: Sql, *allowed: str) -> parser.Parsed:
    try:
        parsed = parser.parse(trino, sql.text)
    except MalformedQuery as problem:
        raise MalformedQuery(sql.original(str(problem), prepared=False)) from None
    if parsed.kind not in allowed:
        raise MalformedQuery(f"line {sql.line}:{sql.column}: mismatched input. Expecting: {_ALLOWED}")
    if parsed.refused:
        raise MalformedQuery(f"line {sql.line}:{sql.column}: NOT_SUPPORTED: Athena has no {parsed.refused}")
    return parsed


def _changed(parsed: parser.Parsed, session: Session) -> Table | None:
    """The table that a statement writes: the parser lists it first."""
    name = parsed.tables[0]
    return tables.find_table(name.database or session.database, name.name)


def _rows(answer: client.Answer) -> Outcome:
    rows = [values.texts(row, answer.columns) for row in answer.rows]
    return Outcome([values.column(one) for one in answer.columns], rows, header=True, plain_text=False)


# ---- Statements that hold a query ----


def _create_table_as(
    trino: Trino, _sql: str, table: TableName, query: Part, if_not_exists: bool = False, properties: dict | None = None
) -> Statement:
    sql = Sql.of(query)
    _parsed(trino, sql, "Query")
    run = partial(writes.create_table_as, table, sql, properties or {}, if_not_exists)
    return Statement("DDL", "CREATE_TABLE_AS_SELECT", run, "")


def _unload(trino: Trino, _sql: str, query: Part, location: str, properties: dict) -> Statement:
    sql = Sql.of(query)
    _parsed(trino, sql, "Query")
    if "format" not in properties:
        raise MalformedQuery("line 1:1: UNLOAD needs the property format: WITH (format = 'PARQUET')")
    return Statement("DML", "UNLOAD", partial(writes.unload, sql, location, properties), "")


def _create_view(trino: Trino, sql: str, table: TableName, rest: Part, or_replace: bool = False) -> Statement:
    statement = Sql(_query(sql), takes_values=False)
    parsed = _parsed(trino, statement, "CreateView")

    def run(session: Session) -> Outcome:
        schema = table.database or session.database
        existing = tables.find_table(schema, table.name)
        if existing is not None and or_replace and not existing.is_view:
            message = f"line 1:1: Table '{HIVE}.{schema}.{table.name}' already exists"
            raise QueryFailed("TABLE_ALREADY_EXISTS", message)
        tables.require("UpdateTable" if existing else "CreateTable", schema, table.name)
        access.check_names(parsed, session, session.database)
        client.run(statement, session, counted=False)
        return Outcome()

    return Statement("DDL", "CREATE_VIEW", run)


def _explain(
    trino: Trino, _sql: str, query: Part, options: Part | None = None, analyze: bool = False, verbose: bool = False
) -> Statement:
    inner = Sql.of(query)
    parsed = _parsed(trino, inner, *_KINDS, "CreateTableAsSelect")
    if analyze and parsed.kind != "Query":
        raise MalformedQuery("line 1:1: EXPLAIN ANALYZE is for SELECT only, as it runs the statement")
    if parsed.kind == "CreateTableAsSelect":
        message = "EXPLAIN of CREATE TABLE AS is not supported by the local Athena. Explain its query"
        raise QueryFailed("NOT_SUPPORTED", message)
    words = "EXPLAIN " + "ANALYZE " * analyze + "VERBOSE " * verbose + (f"({options.text})" if options else "")
    _parsed(trino, Sql(f"{words} {inner.text}"), "Explain", "ExplainAnalyze")

    def run(session: Session) -> Outcome:
        access.check(inner, parsed, session)
        answer = client.run(replace(inner, prefix=f"{words}\n"), session)
        return printed(["Query Plan"], answer.rows[0][0].splitlines(), header=True)

    return Statement("UTILITY", "EXPLAIN", run)


def _optimize(_trino: Trino, _sql: str, table: TableName, condition: Part | None = None) -> Statement:
    where = Sql.of(condition) if condition else None
    return Statement("DML", "OPTIMIZE", partial(iceberg.optimize, table, where))


def _vacuum(_trino: Trino, _sql: str, table: TableName) -> Statement:
    return Statement("DML", "VACUUM", partial(iceberg.vacuum, table))


# ---- Prepared statements ----


def _prepare(trino: Trino, _sql: str, name: str, query: Part) -> Statement:
    understand(trino, query.text)

    def run(session: Session) -> Outcome:
        athena._prepared_statements.pop(f"{session.workgroup}/{name}", None)
        request = {"StatementName": name, "WorkGroup": session.workgroup, "QueryStatement": query.text}
        athena._create_prepared_statement(request)
        return Outcome()

    return Statement("DML", "PREPARE", run)


def _execute(trino: Trino, _sql: str, name: str, parameters: Part | None = None) -> Statement:
    def run(session: Session) -> Outcome:
        statement = understand(trino, _prepared(name, session)["QueryStatement"])
        if parameters:
            session.parameters = [parameters.text]
        return statement.run(session)

    return Statement("DML", "EXECUTE", run, ".csv")


def _deallocate(_trino: Trino, _sql: str, name: str) -> Statement:
    def run(session: Session) -> Outcome:
        _prepared(name, session)
        athena._prepared_statements.pop(f"{session.workgroup}/{name}")
        return Outcome()

    return Statement("DML", "DEALLOCATE", run)


def _prepared(name: str, session: Session) -> dict:
    found = athena._prepared_statements.get(f"{session.workgroup}/{name}")
    if found is None:
        raise QueryFailed("NOT_FOUND", f"Prepared statement not found: {name}")
    return found


_READERS = {**hive.READ, "assignments": writes.read_properties}
_HIVE = {statement.syntax: statement for statement in hive.STATEMENTS}
_OWN: dict[str, Callable[..., Statement]] = {
    "CREATE TABLE [IF NOT EXISTS] table [WITH properties:assignments] AS query:rest": _create_table_as,
    "CREATE [OR REPLACE] VIEW table rest": _create_view,
    "UNLOAD query:group TO location:text WITH properties:assignments": _unload,
    "EXPLAIN options:group query:rest": _explain,
    "EXPLAIN [ANALYZE] [VERBOSE] query:rest": _explain,
    "OPTIMIZE table REWRITE DATA USING BIN_PACK [WHERE condition:rest]": _optimize,
    "VACUUM table": _vacuum,
    "PREPARE name FROM query:rest": _prepare,
    "EXECUTE name [USING parameters:rest]": _execute,
    "DEALLOCATE PREPARE name": _deallocate,
}
_FIRST_WORDS = {word for syntax in [*_HIVE, *_OWN] for word in syntax.split()[0].split("|")}
