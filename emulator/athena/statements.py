"""Detects the kind of a statement and runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ministack.services import athena

from . import engine, hive, writes
from .dialect import parse_query
from .engine import Outcome, Session
from .errors import AthenaFailure, MalformedQuery
from .scanner import Scanner
from .types import text_column

Run = Callable[[Session, list[str], str], Outcome]
_HIVE_STARTS = ("CREATE", "DROP", "ALTER", "MSCK", "SHOW", "DESCRIBE", "DESC")
_REFUSED = (
    "MERGE",
    "DELETE",
    "UPDATE",
    "VACUUM",
    "OPTIMIZE",
    "ANALYZE",
    "GRANT",
    "REVOKE",
    "CALL",
    "SET",
    "USE",
)


@dataclass
class Statement:
    """A parsed statement: DDL, DML or UTILITY, its name, and how to run it."""

    kind: str
    name: str
    run: Run
    # Name of the result object below the output location: <id><suffix>.
    suffix: str = ".txt"


def understand(sql: str) -> Statement:
    """Parse a statement. As in Athena, text that is not a statement is rejected at the start. A statement that cannot
    be executed becomes one that fails."""
    try:
        return _understand(sql)
    except AthenaFailure as failure:
        return Statement("DDL", "UNKNOWN", _failing(failure))


def _failing(failure: AthenaFailure) -> Run:
    def run(_session: Session, _parameters: list[str], _workgroup: str) -> Outcome:
        raise failure

    return run


def _understand(sql: str) -> Statement:
    body = _uncommented(sql)
    if re.match(r"(SELECT|WITH|VALUES|TABLE|\()", body, re.IGNORECASE):
        return _select(sql)
    scanner = Scanner(sql)
    first = scanner.peek()
    if first in _HIVE_STARTS:
        found = _write(scanner) or hive.understand(scanner)
        if found is not None:
            kind, name, run = found
            suffix = "" if name == "CREATE_TABLE_AS_SELECT" else ".txt"
            return Statement(kind, name, run, suffix)
    if first in ("INSERT", "UNLOAD", "EXPLAIN", "PREPARE", "EXECUTE", "DEALLOCATE"):
        scanner.index += 1
        return _STARTS[first](scanner)
    if first in _REFUSED:
        raise MalformedQuery(f"NOT_SUPPORTED: {first} is not supported by the local Athena")
    parse_query(sql)
    raise scanner.unexpected("'ALTER', 'CREATE', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MSCK', <query>")


def execute(statement: Statement, session: Session, parameters: list[str], workgroup: str) -> Outcome:
    return statement.run(session, parameters, workgroup)


def _uncommented(sql: str) -> str:
    return re.sub(r"^(\s|--[^\n]*(\n|$)|/\*.*?\*/)+", "", sql, flags=re.DOTALL)


def _query(sql: str) -> str:
    return sql.rstrip().rstrip(";")


def _select(sql: str) -> Statement:
    parse_query(_query(sql))

    def run(session: Session, parameters: list[str], _workgroup: str) -> Outcome:
        return engine.run(engine.prepare(_query(sql), session.database, parameters), session)

    return Statement("DML", "SELECT", run, ".csv")


def _write(scanner: Scanner) -> tuple[str, str, Run] | None:
    """CREATE TABLE AS and CREATE VIEW hold a query."""
    start = scanner.index
    if scanner.take("CREATE", "TABLE"):
        found = writes.create_table_as(scanner)
        if found is not None:
            return "DDL", "CREATE_TABLE_AS_SELECT", found
        scanner.index = start
    if scanner.take("CREATE", "OR", "REPLACE", "VIEW"):
        return "DDL", "CREATE_VIEW", writes.create_view(scanner, True)
    if scanner.take("CREATE", "VIEW"):
        return "DDL", "CREATE_VIEW", writes.create_view(scanner, False)
    return None


def _insert(scanner: Scanner) -> Statement:
    return Statement("DML", "INSERT", writes.insert(scanner), "")


def _unload(scanner: Scanner) -> Statement:
    return Statement("DML", "UNLOAD", writes.unload(scanner), "")


def _explain(scanner: Scanner) -> Statement:
    if scanner.peek() in ("ANALYZE", "("):
        raise MalformedQuery("NOT_SUPPORTED: EXPLAIN ANALYZE and options are not supported by the local Athena")
    sql = scanner.rest()
    parse_query(sql)

    def run(session: Session, parameters: list[str], _workgroup: str) -> Outcome:
        prepared = engine.prepare(sql, session.database, parameters)
        lines = ["Plan of the local Athena (DuckDB, not Trino):", *engine.explain(prepared, session)]
        return Outcome([text_column("Query Plan")], [[line] for line in lines], header=True, plain_text=True)

    return Statement("UTILITY", "EXPLAIN", run)


# ---- Prepared statements ----


def _prepare(scanner: Scanner) -> Statement:
    name = scanner.name()
    scanner.expect("FROM")
    sql = scanner.rest()
    understand(sql)

    def run(_session: Session, _parameters: list[str], workgroup: str) -> Outcome:
        request = {"StatementName": name, "WorkGroup": workgroup, "QueryStatement": sql}
        athena._prepared_statements.pop(f"{workgroup}/{name}", None)
        athena._create_prepared_statement(request)
        return Outcome(header=False, plain_text=True)

    return Statement("DML", "PREPARE", run)


def _execute(scanner: Scanner) -> Statement:
    name = scanner.name()
    values = _split_values(scanner.rest()) if scanner.take("USING") else []
    scanner.finish()

    def run(session: Session, parameters: list[str], workgroup: str) -> Outcome:
        sql = _prepared(name, workgroup)["QueryStatement"]
        return understand(sql).run(session, values or parameters, workgroup)

    return Statement("DML", "EXECUTE", run, ".csv")


def _split_values(source: str) -> list[str]:
    row = parse_query(f"SELECT {source}")
    return [value.sql("trino") for value in row.expressions]


def _deallocate(scanner: Scanner) -> Statement:
    scanner.expect("PREPARE")
    name = scanner.name()
    scanner.finish()

    def run(_session: Session, _parameters: list[str], workgroup: str) -> Outcome:
        _prepared(name, workgroup)
        athena._prepared_statements.pop(f"{workgroup}/{name}")
        return Outcome(header=False, plain_text=True)

    return Statement("DML", "DEALLOCATE", run)


def _prepared(name: str, workgroup: str) -> dict:
    found = athena._prepared_statements.get(f"{workgroup}/{name}")
    if found is None:
        raise AthenaFailure("NOT_FOUND", f"Prepared statement not found: {name}")
    return found


_STARTS = {
    "INSERT": _insert,
    "UNLOAD": _unload,
    "EXPLAIN": _explain,
    "PREPARE": _prepare,
    "EXECUTE": _execute,
    "DEALLOCATE": _deallocate,
}
