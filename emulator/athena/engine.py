"""Runs one query: resolves it against the catalog, checks it on empty tables, reads the files with DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

import duckdb
from sqlglot import exp

from . import scan, tables
from .catalog import Column
from .dialect import parse_expression, parse_query, place
from .errors import AthenaFailure, QueryCancelled
from .functions import MACROS
from .messages import translate_error
from .resolve import Query, Reference, collect_conditions, resolve, used_columns, wanted_values
from .rewrite import rewrite
from .typed import Typer, generate
from .types import column_info, quoted, text
from .values import render

# A projection without a name is called _col<position>; the position is known once * is expanded.
_UNNAMED = "\u0001unnamed"
_THREADS = 2
_MEMORY = "768MB"
CUT_OFF = "Query cancelled! : Bytes scanned limit was exceeded"


@dataclass
class Outcome:
    """The result of a statement."""

    columns: list[dict] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    header: bool = True
    update_count: int | None = None
    plain_text: bool = False
    keep_result_file: bool = True


@dataclass
class Session:
    """The context of a query execution: database, output location, limits, and whether it was stopped."""

    database: str
    scratch: Path
    cutoff: int | None = None
    scanned: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    _connection: duckdb.DuckDBPyConnection | None = None

    def stop(self) -> None:
        self.stopped.set()
        if self._connection is not None:
            self._connection.interrupt()

    def check(self) -> None:
        if self.stopped.is_set():
            raise QueryCancelled("Query was cancelled by user")

    def count_bytes(self, read: int) -> None:
        self.check()
        self.scanned += read
        if self.cutoff is not None and self.scanned > self.cutoff:
            raise QueryCancelled(CUT_OFF)

    def use(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.check()


@dataclass
class Prepared:
    """A checked query: DuckDB's SQL, its result columns and the tables that it refers to."""

    query: Query
    duckdb_sql: str
    names: list[str]
    types: list


def connect(macros: bool = True) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": _THREADS, "memory_limit": _MEMORY})
    for setting in (
        "TimeZone='UTC'",
        "default_null_order='nulls_last'",
        "autoinstall_known_extensions=false",
    ):
        connection.execute(f"SET {setting}")
    connection.execute("SET autoload_known_extensions=false")
    if macros:
        connection.execute(MACROS)
    return connection


@cache
def _analysis() -> duckdb.DuckDBPyConnection:
    """The DuckDB that checks queries. It contains only empty tables."""
    return connect()


def bind_parameters(tree: exp.Expr, parameters: list[str]) -> exp.Expr:
    """Put the ExecutionParameters in the place of the question marks, in order."""
    holes = sorted(tree.find_all(exp.Placeholder), key=lambda node: _order_of(tree, node))
    if len(holes) != len(parameters):
        message = f"Incorrect number of parameters: expected {len(holes)} but found {len(parameters)}"
        raise AthenaFailure("INVALID_PARAMETER_USAGE", message)
    for hole, source in zip(holes, parameters, strict=True):
        hole.replace(parse_expression(source))
    return tree


def _order_of(tree: exp.Expr, wanted: exp.Expr) -> int:
    """The position of a question mark in the text: WITH, SELECT, FROM, WHERE, ... as generated."""
    marker = exp.Placeholder(this="wanted")
    copy_path = []
    node: exp.Expr | None = wanted
    while node is not None and node is not tree:
        copy_path.append((node.arg_key, node.index))
        node = node.parent
    twin = tree.copy()
    place = twin
    for key, index in reversed(copy_path):
        place = place.args[key] if index is None else place.args[key][index]
    place.replace(marker)
    return twin.sql("trino").index(":wanted")


def prepare(sql: str, database: str, parameters: list[str] | None = None) -> Prepared:
    """Parse, resolve, rewrite and type-check a query without reading a file."""
    tree = parse_query(sql)
    if parameters or tree.find(exp.Placeholder):
        tree = bind_parameters(tree, parameters or [])
    _drop_limit_all(tree)
    query = resolve(tree, sql, database)
    query.tree = _name_outputs(rewrite(query.tree, sql))
    with _analysis().cursor() as connection:
        try:
            for reference in query.references:
                connection.execute(reference.shape)
                if reference.table is not None:
                    _add_pseudo_columns(connection, query.tree, reference)
            _check_aliases(query, connection)
            query.tree = Typer(query.tree, sql, connection).apply()
            collect_conditions(query)
            duckdb_sql = generate(query.tree)
            described = connection.sql(duckdb_sql)
            labels, types = described.columns, described.types
        except duckdb.Error as error:
            raise translate_error(error, sql) from error
        finally:
            for reference in query.references:
                connection.execute(f"DROP TABLE IF EXISTS {quoted(reference.name)}")
    names = [f"_col{i}" if label.startswith(_UNNAMED) else label for i, label in enumerate(labels)]
    return Prepared(query, duckdb_sql, names, types)


def _add_pseudo_columns(connection: duckdb.DuckDBPyConnection, tree: exp.Expr, reference: Reference) -> None:
    """`$path` and the like exist where a query names them, and are no part of `*`."""
    named = {identifier.name.lower() for identifier in tree.find_all(exp.Identifier)} & set(scan.PSEUDO)
    for name in sorted(named):
        if tree.find(exp.Star) and used_columns(tree) is None:
            raise AthenaFailure("NOT_SUPPORTED", f'"{name}" beside * is not supported by the local Athena')
        connection.execute(f"ALTER TABLE {quoted(reference.name)} ADD COLUMN {quoted(name)} VARCHAR")


def _drop_limit_all(tree: exp.Expr) -> None:
    for limit in list(tree.find_all(exp.Limit)):
        if isinstance(limit.expression, (exp.Var, exp.Column)) and limit.expression.name.upper() == "ALL":
            limit.pop()


def _name_outputs(tree: exp.Expr) -> exp.Expr:
    select = tree
    while isinstance(select, (exp.SetOperation, exp.Subquery)):
        select = select.this
    if isinstance(select, exp.Select):
        for projection in list(select.expressions):
            if not isinstance(projection, (exp.Alias, exp.Column, exp.Star, exp.Dot)):
                named = exp.alias_(projection.copy(), _UNNAMED, quoted=True)
                projection.replace(named)
    if isinstance(select, exp.Values):
        width = len(select.expressions[0].expressions)
        names = [exp.to_identifier(f"_col{i}", quoted=True) for i in range(width)]
        bare = exp.Values(expressions=[row.copy() for row in select.expressions])
        bare.set("alias", exp.TableAlias(this=exp.to_identifier("rows_"), columns=names))
        values = exp.select("*").from_(bare)
        if select is tree:
            return values
    return tree


def _check_aliases(query: Query, connection: duckdb.DuckDBPyConnection) -> None:
    """Trino accepts a SELECT's aliases only in ORDER BY. DuckDB accepts them anywhere."""
    for select in query.tree.find_all(exp.Select):
        aliases = {p.alias.lower() for p in select.expressions if isinstance(p, exp.Alias)}
        places = [select.args.get(key) for key in ("where", "group", "having")] + list(select.expressions)
        for part in places:
            for column in part.find_all(exp.Column) if part is not None else ():
                own = not column.table and column.name.lower() in aliases and column.parent_select is select
                if own and not column.find_ancestor(exp.Lambda) and not _in_sources(query, select, column, connection):
                    raise AthenaFailure(
                        "COLUMN_NOT_FOUND",
                        f"{place(column, query.sql)}Column '{column.name}' cannot be resolved or requester "
                        "is not authorized to access requested resources",
                    )


def _in_sources(query: Query, select: exp.Select, column: exp.Column, connection: duckdb.DuckDBPyConnection) -> bool:
    if not select.args.get("from_"):
        return False
    trial = exp.Select(expressions=[column.copy()])
    for key in ("from_", "joins", "laterals"):
        value = select.args.get(key)
        if value:
            trial.set(key, [part.copy() for part in value] if isinstance(value, list) else value.copy())
    with_ = query.tree.args.get("with_")
    if with_ is not None and select.find_ancestor(exp.With) is None:
        trial.set("with_", with_.copy())
    try:
        connection.execute("PREPARE alias_probe AS " + generate(trial))
    except duckdb.Error as error:
        return f'"{column.name}" not found' not in str(error)
    return True


# ---- Reading ----


def open_for(prepared: Prepared, session: Session, writable: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the query's tables as views over the files that it may read. It can access nothing else."""
    connection = connect(macros="athena_" in prepared.duckdb_sql)
    session.use(connection)
    used = used_columns(prepared.query.tree)
    paths: list[str] = []
    statements: list[str] = []
    for reference in prepared.query.references:
        if reference.table is None:
            statements.append(reference.shape)
            continue
        chosen = _prune(connection, reference)
        found = tables.files(chosen, session.stopped.is_set)
        plan = scan.view(reference.table, reference.name, found, used, session.scratch, session.count_bytes)
        paths += plan.paths
        statements += plan.statements
    connection.execute(f"SET allowed_paths=[{', '.join(text(path) for path in dict.fromkeys(paths))}]")
    if writable is not None:
        connection.execute(f"SET allowed_directories=[{text(str(writable))}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    for statement in statements:
        connection.execute(_hide_pseudo(statement, prepared))
    return connection


def _hide_pseudo(statement: str, prepared: Prepared) -> str:
    """Without `$path` in the query, `*` must not return it."""
    named = {identifier.name.lower() for identifier in prepared.query.tree.find_all(exp.Identifier)}
    if not statement.startswith("CREATE VIEW") or named & set(scan.PSEUDO):
        return statement
    head, body = statement.split(" AS ", 1)
    hidden = ", ".join(quoted(name) for name in scan.PSEUDO)
    return f"{head} AS SELECT * EXCLUDE ({hidden}) FROM ({body})"


def _prune(connection: duckdb.DuckDBPyConnection, reference: Reference) -> list[tables.Partition]:
    """The partitions that the conditions leave; DuckDB evaluates them on the partitions' values."""
    table = reference.own_table
    every = tables.partitions(table, wanted_values(reference))
    if not reference.conditions or not every:
        return every
    name, alias = quoted(reference.name + "_values"), quoted(reference.node.alias_or_name)
    connection.execute(f"CREATE TABLE {name} (number_ BIGINT, {_key_columns(table.keys)})")
    for start in range(0, len(every), 1000):
        rows = []
        for number, partition in enumerate(every[start : start + 1000], start):
            values = ["NULL" if value is None else text(value) for value in partition.values]
            rows.append(f"({number}, {', '.join(values)})")
        connection.execute(f"INSERT INTO {name} VALUES {', '.join(rows)}")
    conditions = " AND ".join(f"({generate(condition)})" for condition in reference.conditions)
    kept = connection.execute(f"SELECT number_ FROM {name} AS {alias} WHERE {conditions} ORDER BY 1").fetchall()
    connection.execute(f"DROP TABLE {name}")
    return [every[number] for (number,) in kept]


def _key_columns(keys: list[Column]) -> str:
    return ", ".join(f"{quoted(key.name)} {key.type.duckdb}" for key in keys)


def run(prepared: Prepared, session: Session) -> Outcome:
    """Execute a checked query and render its rows."""
    return guarded(prepared, lambda: _run(prepared, session))


def _run(prepared: Prepared, session: Session) -> Outcome:
    with open_for(prepared, session) as connection:
        session.use(connection)
        columns = [column_info(name, kind) for name, kind in zip(prepared.names, prepared.types, strict=True)]
        cursor = connection.execute(prepared.duckdb_sql)
        kinds = [description[1] for description in cursor.description]
        rows = []
        while batch := cursor.fetchmany(10_000):
            session.check()
            rows += [[render(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in batch]
    return Outcome(columns, rows)


Answer = TypeVar("Answer")


def guarded(prepared: Prepared, action: Callable[[], Answer]) -> Answer:
    """Run an action that uses DuckDB and translate its errors to Athena's."""
    try:
        return action()
    except duckdb.Error as error:
        raise translate_error(error, prepared.query.sql) from error


def first_row(result: duckdb.DuckDBPyConnection) -> tuple:
    """The one row of a statement that always has one."""
    row = result.fetchone()
    if row is None:
        raise RuntimeError("DuckDB answered a statement that has one row with none")
    return row


def explain(prepared: Prepared, session: Session) -> list[str]:
    """DuckDB's plan, line by line."""

    def plan() -> list[str]:
        with open_for(prepared, session) as connection:
            return first_row(connection.execute("EXPLAIN " + prepared.duckdb_sql))[1].splitlines()

    return guarded(prepared, plan)
