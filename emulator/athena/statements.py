"""Decides what runs a statement: Trino, or this Athena's own DDL. And refuses what Athena refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ministack.services import athena

from . import access, catalog, client, hive, iceberg, parser, values, writes
from .catalog import Table
from .client import Sql
from .errors import AthenaFailure, MalformedQuery
from .scanner import Scanner
from .server import HIVE, Trino
from .session import Outcome, Session, text_column

Run = Callable[[Session], Outcome]
_HIVE_STARTS = ("CREATE", "DROP", "ALTER", "MSCK", "SHOW", "DESCRIBE", "DESC")
# Kind in Trino's grammar -> statement type and name of GetQueryExecution, and the ending of the result file.
_KINDS = {
    "Query": ("DML", "SELECT", ".csv"),
    "Insert": ("DML", "INSERT", ""),
    "Merge": ("DML", "MERGE", ""),
    "Update": ("DML", "UPDATE", ""),
    "Delete": ("DML", "DELETE", ""),
}
_EXPLAINED = ("Query", "Insert", "Merge", "Update", "Delete", "CreateTableAsSelect")
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
    try:
        return _understand(trino, sql)
    except AthenaFailure as failure:
        return Statement("DDL", "UNKNOWN", _failing(failure))


def _failing(failure: AthenaFailure) -> Run:
    def run(_session: Session) -> Outcome:
        raise failure

    return run


def _understand(trino: Trino, sql: str) -> Statement:
    scanner = Scanner(sql)
    first = scanner.peek()
    if first in _OWN:
        scanner.index += 1
        return _OWN[first](trino, scanner)
    if first in _HIVE_STARTS:
        found = _created(trino, scanner) or hive.understand(scanner)
        if found is not None:
            kind, name, run = found
            return Statement(kind, name, run, "" if name == "CREATE_TABLE_AS_SELECT" else ".txt")
    return _on_trino(trino, Sql(_query(sql)))


def _query(sql: str) -> str:
    return sql.rstrip().rstrip(";")


# ---- Statements that Trino takes as they are ----


def _on_trino(trino: Trino, sql: Sql) -> Statement:
    parsed = _parsed(trino, sql, tuple(_KINDS))
    kind, name, suffix = _KINDS[parsed.kind]

    def run(session: Session) -> Outcome:
        if parsed.kind in ("Merge", "Update", "Delete"):
            _require_iceberg(parsed, session)
        access.check(sql, parsed, session)
        answer = client.run(_with_settings(sql, parsed, session), session)
        if parsed.kind != "Query":
            return writes.written(answer.update_count or 0)
        return _table(answer)

    return Statement(kind, name, run, suffix)


def _parsed(trino: Trino, sql: Sql, allowed: tuple[str, ...]) -> parser.Parsed:
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
    return catalog.find_table(name.database or session.database, name.name)


def _with_settings(sql: Sql, parsed: parser.Parsed, session: Session) -> Sql:
    """The statement with the settings of the table that it writes."""
    if parsed.kind == "Query":
        return sql
    table = _changed(parsed, session)
    return replace(sql, settings=iceberg.write_settings(table, session)) if table and table.is_iceberg else sql


def _require_iceberg(parsed: parser.Parsed, session: Session) -> None:
    """Athena changes rows of Iceberg tables only. Trino also deletes whole partitions of Hive's."""
    table = _changed(parsed, session)
    if table is not None and not table.is_iceberg:
        raise AthenaFailure("NOT_SUPPORTED", "Modifying Hive table rows is only supported for transactional tables")


def _table(answer: client.Answer) -> Outcome:
    columns = [values.column(described) for described in answer.columns]
    return Outcome(columns, [values.texts(row, answer.columns) for row in answer.rows])


def _created(trino: Trino, scanner: Scanner) -> tuple[str, str, Run] | None:
    """CREATE TABLE AS and CREATE VIEW hold a query."""
    start = scanner.index
    if scanner.take("CREATE", "TABLE"):
        found = writes.CreateTableAs.read(scanner)
        if found is not None:
            _parsed(trino, found.query, ("Query",))
            return "DDL", "CREATE_TABLE_AS_SELECT", found.run
        scanner.index = start
    replaces = scanner.take("CREATE", "OR", "REPLACE", "VIEW")
    if replaces or scanner.take("CREATE", "VIEW"):
        return "DDL", "CREATE_VIEW", _create_view(trino, scanner, replaces)
    return None


def _create_view(trino: Trino, scanner: Scanner, replaces: bool) -> Run:
    database, name = scanner.qualified()
    statement = Sql(_query(scanner.sql), takes_values=False)
    parsed = _parsed(trino, statement, ("CreateView",))

    def run(session: Session) -> Outcome:
        schema = database or session.database
        existing = catalog.find_table(schema, name)
        if existing is not None and replaces and not existing.is_view:
            raise AthenaFailure("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{HIVE}.{schema}.{name}' already exists")
        catalog.require("UpdateTable" if existing else "CreateTable", schema, name)
        access.check_names(parsed, session, session.database)
        client.run(statement, session, counted=False)
        return _silent()

    return run


def _silent() -> Outcome:
    return Outcome(header=False, plain_text=True)


# ---- Statements with a syntax that only Athena has ----


def _unload(trino: Trino, scanner: Scanner) -> Statement:
    found = writes.Unload.read(scanner)
    _parsed(trino, found.query, ("Query",))
    return Statement("DML", "UNLOAD", found.run, "")


def _optimize(_trino: Trino, scanner: Scanner) -> Statement:
    return Statement("DML", "OPTIMIZE", _quietly(iceberg.Optimize(scanner).run))


def _vacuum(_trino: Trino, scanner: Scanner) -> Statement:
    return Statement("DML", "VACUUM", _quietly(iceberg.Vacuum(scanner).run))


def _quietly(work: Callable[[Session], None]) -> Run:
    def run(session: Session) -> Outcome:
        work(session)
        return _silent()

    return run


def _explain(trino: Trino, scanner: Scanner) -> Statement:
    options = scanner.group() if scanner.peek() == "(" else ""
    analyzed = scanner.take("ANALYZE")
    verbose = analyzed and scanner.take("VERBOSE")
    inner = scanner.rest_as_sql()
    parsed = _parsed(trino, inner, _EXPLAINED)
    if analyzed and parsed.kind != "Query":
        raise MalformedQuery("line 1:1: EXPLAIN ANALYZE is for SELECT only, as it runs the statement")
    if parsed.kind == "CreateTableAsSelect":
        raise AthenaFailure(
            "NOT_SUPPORTED", "EXPLAIN of CREATE TABLE AS is not supported by the local Athena. Explain its query"
        )
    words = (
        f"EXPLAIN {'ANALYZE ' if analyzed else ''}{'VERBOSE ' if verbose else ''}{f'({options})' if options else ''}"
    )
    whole = replace(inner, prefix=f"{words}\n")
    _parsed(trino, Sql(f"{words} {inner.text}"), ("Explain", "ExplainAnalyze"))

    def run(session: Session) -> Outcome:
        access.check(inner, parsed, session)
        lines = client.run(whole, session).rows[0][0].splitlines()
        return Outcome([text_column("Query Plan")], [[line] for line in lines], header=True, plain_text=True)

    return Statement("UTILITY", "EXPLAIN", run)


# ---- Prepared statements ----


def _prepare(trino: Trino, scanner: Scanner) -> Statement:
    name = scanner.name()
    scanner.expect("FROM")
    sql = scanner.rest()
    understand(trino, sql)

    def run(session: Session) -> Outcome:
        request = {"StatementName": name, "WorkGroup": session.workgroup, "QueryStatement": sql}
        athena._prepared_statements.pop(f"{session.workgroup}/{name}", None)
        athena._create_prepared_statement(request)
        return _silent()

    return Statement("DML", "PREPARE", run)


def _execute(trino: Trino, scanner: Scanner) -> Statement:
    name = scanner.name()
    using = scanner.rest() if scanner.take("USING") else ""
    scanner.finish()

    def run(session: Session) -> Outcome:
        statement = understand(trino, _prepared(name, session.workgroup)["QueryStatement"])
        if using:
            session.parameters = [using]
        return statement.run(session)

    return Statement("DML", "EXECUTE", run, ".csv")


def _deallocate(_trino: Trino, scanner: Scanner) -> Statement:
    scanner.expect("PREPARE")
    name = scanner.name()
    scanner.finish()

    def run(session: Session) -> Outcome:
        _prepared(name, session.workgroup)
        athena._prepared_statements.pop(f"{session.workgroup}/{name}")
        return _silent()

    return Statement("DML", "DEALLOCATE", run)


def _prepared(name: str, workgroup: str) -> dict:
    found = athena._prepared_statements.get(f"{workgroup}/{name}")
    if found is None:
        raise AthenaFailure("NOT_FOUND", f"Prepared statement not found: {name}")
    return found


_OWN = {
    "UNLOAD": _unload,
    "OPTIMIZE": _optimize,
    "VACUUM": _vacuum,
    "EXPLAIN": _explain,
    "PREPARE": _prepare,
    "EXECUTE": _execute,
    "DEALLOCATE": _deallocate,
}
