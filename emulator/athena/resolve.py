"""Finds what each table name of a query means: a CTE, a Glue table, a view, information_schema."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from . import catalog, scan
from .catalog import CATALOG, Table
from .dialect import parse_query, place
from .errors import AthenaFailure, not_supported
from .types import text

_MOST_NESTED_VIEWS = 32
_NUMBERS = itertools.count(1)


@dataclass
class Reference:
    """One use of a table. Each gets a separate name in DuckDB, so that it reads only its partitions."""

    name: str
    node: exp.Table
    table: Table | None = None
    virtual: str | None = None
    conditions: list[exp.Expr] = field(default_factory=list)

    @property
    def shape(self) -> str:
        return self.virtual or scan.shape(self.own_table, self.name)

    @property
    def own_table(self) -> Table:
        """The table of the catalog; only what is virtual has none."""
        if self.table is None:
            raise LookupError(f"{self.name} is no table of the catalog")
        return self.table


@dataclass
class Query:
    """A query whose names are resolved."""

    tree: exp.Expr
    sql: str
    references: list[Reference] = field(default_factory=list)


def resolve(tree: exp.Expr, sql: str, database: str, depth: int = 0) -> Query:
    """Replace every table of the tree by its name in DuckDB; views are put in its place as subqueries."""
    query = Query(tree, sql)
    _strip_column_prefixes(tree)
    for node in list(tree.find_all(exp.Table)):
        if _is_cte(node):
            node.set("this", exp.to_identifier(node.name.lower(), quoted=True))
            continue
        _resolve_table(query, node, database, depth)
    return query


def _resolve_table(query: Query, node: exp.Table, database: str, depth: int) -> None:
    if not isinstance(node.this, exp.Identifier):
        raise not_supported(f"the table function {node.this.sql('trino')}")
    at = place(node, query.sql)
    catalog_name = (node.catalog or CATALOG).lower()
    schema, name = (node.db or database).lower(), node.name.lower()
    if catalog_name != CATALOG:
        raise AthenaFailure("CATALOG_NOT_FOUND", f"{at}Catalog '{catalog_name}' does not exist")
    if schema == "information_schema":
        return _use(query, node, virtual=lambda own: _information_schema(own, name, at))
    if not catalog.has_database(schema):
        raise AthenaFailure("SCHEMA_NOT_FOUND", f"{at}Schema '{schema}' does not exist")
    if name.endswith("$partitions"):
        table = _found(schema, name[: -len("$partitions")], at)
        return _use(query, node, virtual=lambda own: _partitions_table(own, table))
    table = _found(schema, name, at)
    if table.is_view:
        return _expand_view(query, node, table, depth)
    scan.refuse_iceberg(table)
    return _use(query, node, table=table)


def _found(schema: str, name: str, at: str) -> Table:
    table = catalog.find_table(schema, name)
    if table is None:
        raise AthenaFailure("TABLE_NOT_FOUND", f"{at}Table '{CATALOG}.{schema}.{name}' does not exist")
    return table


def _is_cte(node: exp.Table) -> bool:
    if node.db:
        return False
    child, parent = node, node.parent
    while parent is not None:
        with_ = parent.args.get("with_")
        if with_ is not None:
            names = [cte.alias.lower() for cte in with_.expressions]
            if child is with_ and not with_.recursive:
                own = node.find_ancestor(exp.CTE)
                while own is not None and own.parent is not with_:
                    own = own.find_ancestor(exp.CTE)
                names = names[: [cte is own for cte in with_.expressions].index(True)]
            if node.name.lower() in names:
                return True
        child, parent = parent, parent.parent
    return False


def _use(
    query: Query, node: exp.Table, table: Table | None = None, virtual: Callable[[str], str] | None = None
) -> None:
    name = f"table_{next(_NUMBERS)}"
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name.lower(), quoted=True))
    own = exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias.copy())
    for key in ("joins", "laterals"):
        if node.args.get(key):
            own.set(key, [part.copy() for part in node.args[key]])
    if node.args.get("sample") or node.args.get("pivots") or node.args.get("when") or node.args.get("version"):
        raise not_supported("TABLESAMPLE or time travel")
    node.replace(own)
    query.references.append(Reference(name, own, table, virtual(name) if virtual else None))


def _expand_view(query: Query, node: exp.Table, view: Table, depth: int) -> None:
    if depth >= _MOST_NESTED_VIEWS:
        raise AthenaFailure("INVALID_VIEW", f"View '{CATALOG}.{view.database}.{view.name}' is recursive")
    stored = catalog.view_sql(view)
    sql = stored["originalSql"]
    inner = resolve(parse_query(sql), sql, stored.get("schema") or view.database, depth + 1)
    names = [exp.to_identifier(column["name"], quoted=True) for column in stored["columns"]]
    named = exp.Subquery(
        this=inner.tree,
        alias=exp.TableAlias(this=exp.to_identifier("view"), columns=names),
    )
    wrapped = exp.select("*").from_(named)
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name.lower(), quoted=True))
    node.replace(exp.Subquery(this=wrapped, alias=alias.copy()))
    query.references.extend(inner.references)


def _strip_column_prefixes(tree: exp.Expr) -> None:
    """`database.table.column` names the table here: the database is known from FROM."""
    tables = {(t.db.lower(), t.name.lower()) for t in tree.find_all(exp.Table) if t.db}
    for column in tree.find_all(exp.Column):
        if column.args.get("db") and (column.args["db"].name.lower(), column.table.lower()) in tables:
            column.set("db", None)
            column.set("catalog", None)


# ---- Tables that Athena generates ----


def _information_schema(own: str, name: str, at: str) -> str:
    if name == "schemata":
        rows = [(CATALOG, schema) for schema in [*catalog.databases(), "information_schema"]]
        return _literal(own, ["catalog_name", "schema_name"], rows)
    if name == "tables":
        every = [table for schema in catalog.databases() for table in catalog.tables(schema)]
        rows = [(CATALOG, t.database, t.name, "VIEW" if t.is_view else "BASE TABLE") for t in every]
        return _literal(own, ["table_catalog", "table_schema", "table_name", "table_type"], rows)
    if name == "columns":
        return _columns_table(own)
    if name == "views":
        rows = [
            (CATALOG, t.database, t.name, catalog.view_sql(t)["originalSql"])
            for schema in catalog.databases()
            for t in catalog.tables(schema)
            if t.is_view
        ]
        return _literal(own, ["table_catalog", "table_schema", "table_name", "view_definition"], rows)
    raise AthenaFailure("TABLE_NOT_FOUND", f"{at}Table '{CATALOG}.information_schema.{name}' does not exist")


def _columns_table(own: str) -> str:
    rows = []
    for schema in catalog.databases():
        for table in catalog.tables(schema):
            keys = {key.name for key in table.keys}
            for position, column in enumerate([*table.columns, *table.keys], 1):
                extra = "partition key" if column.name in keys else None
                place_ = (CATALOG, schema, table.name, column.name, str(position), None, "YES")
                rows.append((*place_, column.type.trino, column.comment or None, extra, None))
    names = (
        "table_catalog table_schema table_name column_name ordinal_position column_default is_nullable "
        "data_type comment extra_info column_comment"
    )
    made = _literal(own, list[str](names.split()), rows)
    return f'{made}; ALTER TABLE "{own}" ALTER COLUMN ordinal_position TYPE BIGINT'


def _partitions_table(own: str, table: Table) -> str:
    if not table.keys:
        message = f"Table '{CATALOG}.{table.database}.{table.name}$partitions' does not exist"
        raise AthenaFailure("TABLE_NOT_FOUND", message)
    rows = [tuple(raw["Values"]) for raw in catalog.partitions(table)]
    rows = [tuple(None if value == catalog.DEFAULT_PARTITION else value for value in row) for row in rows]
    made = _literal(own, [key.name for key in table.keys], rows)
    casts = (f'ALTER TABLE "{own}" ALTER COLUMN "{key.name}" TYPE {key.type.duckdb}' for key in table.keys)
    return "; ".join([made, *casts])


def _literal(own: str, names: list[str], rows: list[tuple]) -> str:
    made = f'CREATE TABLE "{own}" ({", ".join(f"{chr(34)}{n}{chr(34)} VARCHAR" for n in names)})'
    if not rows:
        return made
    values = ", ".join("(" + ", ".join("NULL" if v is None else text(v) for v in row) + ")" for row in rows)
    return f'{made}; INSERT INTO "{own}" VALUES {values}'


# ---- Which partitions a query can need ----


def collect_conditions(query: Query) -> None:
    """Give each reference the conjuncts of its WHERE that use only its partition columns."""
    for reference in query.references:
        table, select = reference.table, reference.node.find_ancestor(exp.Select)
        if table is None or not table.keys or select is None or not _may_prune(select, reference.node):
            continue
        where = select.args.get("where")
        names = {key.name for key in table.keys}
        alone = not select.args.get("joins")
        for condition in where.this.flatten() if where and isinstance(where.this, exp.And) else _single(where):
            if _only_about(condition, reference.node.alias_or_name.lower(), names, alone):
                reference.conditions.append(condition)


def _single(where: exp.Where | None) -> list[exp.Expr]:
    return [where.this] if where else []


def _may_prune(select: exp.Select, node: exp.Table) -> bool:
    """Not on the side of an outer join whose columns can become NULL."""
    joins = select.args.get("joins") or []
    sides = {str(join.args.get("side") or "").upper() for join in joins}
    first = node.parent is select.args.get("from_")
    return node.parent in [select.args.get("from_"), *joins] and (sides <= {""} or (first and sides <= {"", "LEFT"}))


def _only_about(condition: exp.Expr, alias: str, names: set[str], alone: bool) -> bool:
    if condition.find(exp.Query, exp.Subquery, exp.Window):
        return False
    columns = list(condition.find_all(exp.Column))
    functions = {f.name.lower() for f in condition.find_all(exp.Anonymous)}
    if not columns or functions & {"random", "uuid"}:
        return False
    return all(
        column.name.lower() in names and (column.table.lower() == alias if column.table else alone)
        for column in columns
    )


def wanted_values(reference: Reference) -> dict[str, set[str]]:
    """Constants that partition columns are compared with by = or IN: an injected projection needs them."""
    wanted: dict[str, set[str]] = {}
    for condition in reference.conditions:
        if isinstance(condition, exp.EQ):
            pairs = [(condition.this, [condition.expression])]
        elif isinstance(condition, exp.In):
            pairs = [(condition.this, condition.expressions)]
        else:
            continue
        for column, constants in pairs:
            literals = [c.find(exp.Literal) for c in constants]
            if isinstance(column, exp.Column) and all(literals):
                wanted[column.name.lower()] = {literal.name for literal in literals}
    return wanted


def used_columns(tree: exp.Expr) -> set[str] | None:
    """The column names that a query mentions anywhere; None where a * may mean all."""
    for star in tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Anonymous):
            return None
    used: set[str] = set()
    for identifier in tree.find_all(exp.Identifier):
        used.add(identifier.name.lower())
    return used
