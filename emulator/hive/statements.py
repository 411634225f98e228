"""The statements of Hive's DDL: the syntax of each, and what it does to the catalog."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..glue import tables
from ..glue.tables import Table
from . import definition, partitions
from .definition import Definition
from .errors import TASK, DdlFailed, table_not_found
from .scanner import TableName
from .syntax import READERS

# What a statement prints: lines, or rows of columns. Nothing for most.
Printed = list[str] | list[list[str | None]] | None


@dataclass(frozen=True)
class Statement:
    # Athena's name of it (SubstatementType).
    name: str
    syntax: str
    # Takes the current database and the fields of the syntax.
    action: Callable[..., Printed]
    # The columns of what it prints.
    labels: list[str]

    @property
    def kind(self) -> str:
        return "UTILITY" if self.syntax.startswith(("SHOW", "DESCRIBE")) else "DDL"


def _of_table(action: Callable[..., Printed]) -> Callable[..., Printed]:
    """Find the table that the statement names, and give it to the action in the place of the name."""

    def run(current: str, table: TableName, database: str | None = None, **fields: Any) -> Printed:
        schema = database or table.database or current
        found = tables.find_table(schema, table.name)
        if found is None:
            raise table_not_found(schema, table.name)
        return action(found, **fields)

    return run


# ---- Databases ----


def _create_database(
    _current: str,
    name: str,
    if_not_exists: bool = False,
    comment: str = "",
    location: str | None = None,
    properties: dict | None = None,
) -> None:
    if not tables.has_database(name):
        tables.create_database(name, comment, location, properties or {})
    elif not if_not_exists:
        raise DdlFailed(f"{TASK} Database {name} already exists")


def _drop_database(
    _current: str, name: str, if_exists: bool = False, cascade: bool = False, restrict: bool = False
) -> None:
    if if_exists and not tables.has_database(name):
        return
    require_database(name)
    if tables.tables(name) and not cascade:
        problem = f"Database {name} is not empty. One or more tables exist."
        raise DdlFailed(f"{TASK} InvalidOperationException(message:{problem})")
    tables.drop_database(name)


def require_database(name: str) -> None:
    if not tables.has_database(name):
        raise DdlFailed(f"SemanticException [Error 10072]: Database does not exist: {name}")


def _show_databases(_current: str, pattern: str = "*") -> list[str]:
    return _like(tables.databases(), pattern)


def _like(names: list[str], pattern: str) -> list[str]:
    """Hive's patterns: * for anything, | between alternatives."""
    choices = [choice.strip().lower() for choice in pattern.split("|")]
    return [name for name in names if any(fnmatch.fnmatchcase(name, choice) for choice in choices)]


# ---- Tables ----


def _create_table(current: str, table: TableName, definition: Definition, if_not_exists: bool = False) -> None:
    if is_new(current, table, if_not_exists):
        tables.create_table(table.database or current, definition.table_input(table.name))


def is_new(current: str, table: TableName, if_not_exists: bool) -> bool:
    """Whether the table is to be created. Raises DdlFailed if it must not be."""
    schema = table.database or current
    require_database(schema)
    if tables.find_table(schema, table.name) is None:
        return True
    if not if_not_exists:
        raise DdlFailed(f"{TASK} AlreadyExistsException(message:Table {table.name} already exists)")
    return False


def _drop(current: str, table: TableName, views: bool, if_exists: bool = False) -> None:
    schema = table.database or current
    found = tables.find_table(schema, table.name)
    if found is None:
        if if_exists:
            return
        raise table_not_found(schema, table.name)
    if found.is_view != views:
        kind = "Cannot drop a view with DROP TABLE" if found.is_view else "Cannot drop a base table with DROP VIEW"
        raise DdlFailed(f"SemanticException [Error 10018]: {kind}")
    tables.drop_table(found)


def _show(current: str, views: bool, database: str = "", pattern: str = "*") -> list[str]:
    require_database(database or current)
    found = tables.tables(database or current)
    return _like([table.name for table in found if table.is_view or not views], pattern)


# ---- One table ----


def _set_location(table: Table, location: str) -> None:
    moved = {**table.descriptor, "Location": location.rstrip("/") + "/"}
    tables.update_table(table, {"StorageDescriptor": moved})


def _set_properties(table: Table, properties: dict) -> None:
    tables.update_table(table, {"Parameters": {**table.parameters, **properties}})


def _add_columns(table: Table, columns: list[dict]) -> None:
    check_new_columns(table, columns)
    _replace_columns(table, [*table.descriptor.get("Columns", []), *columns])


def check_new_columns(table: Table, columns: list[dict]) -> None:
    known = {column.name for column in [*table.columns, *table.keys]}
    twice = [column["Name"] for column in columns if column["Name"] in known]
    if twice:
        raise DdlFailed(f"{TASK} Duplicate column name: {twice[0]}")


def _replace_columns(table: Table, columns: list[dict]) -> None:
    tables.update_table(table, {"StorageDescriptor": {**table.descriptor, "Columns": columns}})


def _iceberg_only(table: Table, **_fields: object) -> None:
    raise DdlFailed(f"SemanticException: {table.database}.{table.name} is not an Iceberg table")


def _show_columns(table: Table) -> list[str]:
    return [f"{column.name:<20}" for column in [*table.columns, *table.keys]]


def _show_create_view(table: Table) -> list[str]:
    if not table.is_view:
        raise DdlFailed(f"SemanticException: {table.database}.{table.name} is not a view")
    sql = tables.view_sql(table)["originalSql"]
    return f"CREATE VIEW {table.database}.{table.name} AS\n{sql}".splitlines()


def _show_properties(table: Table, key: str | None = None) -> list[list[str | None]]:
    chosen = {key: table.parameters.get(key, "")} if key else table.parameters
    return [[name, str(value)] for name, value in sorted(chosen.items())]


def _describe(table: Table, formatted: bool = False, extended: bool = False) -> list[list[str | None]]:
    return definition.description(table, formatted=formatted or extended)


READ = {
    **READERS,
    "definition": definition.read_definition,
    "without_external": definition.read_without_external,
    "column": definition.read_column,
    "columns": definition.read_columns,
    "spec": partitions.read_spec,
    "added": partitions.read_added,
    "dropped": partitions.read_dropped,
}
_NAMES = "[LIKE pattern:text] [pattern:text]"
_DATABASE_OPTIONS = "[COMMENT comment:text] [LOCATION location:text] [WITH DBPROPERTIES properties]"
# Name, syntax, action, and the columns of what it prints.
_OF_DATABASES = [
    ("CREATE_DATABASE", f"CREATE DATABASE|SCHEMA [IF NOT EXISTS] name {_DATABASE_OPTIONS}", _create_database),
    ("DROP_DATABASE", "DROP DATABASE|SCHEMA [IF EXISTS] name [CASCADE] [RESTRICT]", _drop_database),
    ("SHOW_DATABASES", f"SHOW DATABASES|SCHEMAS {_NAMES}", _show_databases, "database_name"),
    ("CREATE_TABLE", "CREATE EXTERNAL TABLE [IF NOT EXISTS] table definition", _create_table),
    ("CREATE_TABLE", "CREATE TABLE [IF NOT EXISTS] table definition:without_external", _create_table),
    ("DROP_TABLE", "DROP TABLE [IF EXISTS] table", partial(_drop, views=False)),
    ("DROP_VIEW", "DROP VIEW [IF EXISTS] table", partial(_drop, views=True)),
    ("SHOW_TABLES", f"SHOW TABLES [IN|FROM database:name] {_NAMES}", partial(_show, views=False), "tab_name"),
    ("SHOW_VIEWS", f"SHOW VIEWS [IN|FROM database:name] {_NAMES}", partial(_show, views=True), "views"),
]
_OF_ONE_TABLE = [
    ("MSCK_REPAIR_TABLE", "MSCK REPAIR TABLE table", partitions.repair, "result"),
    ("ALTER_TABLE_ADD_PARTITION", "ALTER TABLE table ADD [IF NOT EXISTS] partitions:added", partitions.add),
    ("ALTER_TABLE_DROP_PARTITION", "ALTER TABLE table DROP [IF EXISTS] specs:dropped", partitions.drop),
    ("ALTER_TABLE_SET_LOCATION", "ALTER TABLE table PARTITION spec SET LOCATION location:text", partitions.move),
    ("ALTER_TABLE_SET_LOCATION", "ALTER TABLE table SET LOCATION location:text", _set_location),
    ("ALTER_TABLE_SET_TBLPROPERTIES", "ALTER TABLE table SET TBLPROPERTIES properties", _set_properties),
    ("ALTER_TABLE_ADD_COLUMNS", "ALTER TABLE table ADD COLUMNS columns", _add_columns),
    ("ALTER_TABLE_REPLACE_COLUMNS", "ALTER TABLE table REPLACE COLUMNS columns", _replace_columns),
    ("ALTER_TABLE_DROP_COLUMN", "ALTER TABLE table DROP COLUMN name", _iceberg_only),
    ("ALTER_TABLE_CHANGE_COLUMN", "ALTER TABLE table CHANGE [COLUMN] name column", _iceberg_only),
    ("SHOW_PARTITIONS", "SHOW PARTITIONS table [PARTITION spec]", partitions.show, "partition"),
    ("SHOW_COLUMNS", "SHOW COLUMNS IN|FROM table [IN|FROM database:name]", _show_columns, "field"),
    ("SHOW_CREATE_TABLE", "SHOW CREATE TABLE table", definition.create_statement, "createtab_stmt"),
    ("SHOW_CREATE_VIEW", "SHOW CREATE VIEW table", _show_create_view, "Create View"),
    ("SHOW_TBLPROPERTIES", "SHOW TBLPROPERTIES table [( key:text )]", _show_properties, "prpt_name", "prpt_value"),
    (
        *("DESCRIBE_TABLE", "DESCRIBE|DESC [FORMATTED] [EXTENDED] [TABLE] table", _describe),
        *("col_name", "data_type", "comment"),
    ),
]
STATEMENTS = [
    *(Statement(name, syntax, action, labels) for name, syntax, action, *labels in _OF_DATABASES),
    *(Statement(name, syntax, _of_table(action), labels) for name, syntax, action, *labels in _OF_ONE_TABLE),
]
