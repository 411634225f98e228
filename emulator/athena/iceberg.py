"""Iceberg tables: Athena's statements about them as Trino's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ..core.queries import QueryFailed
from ..glue import tables
from ..glue.tables import Table
from ..hive import statements as hive
from ..hive.definition import Definition, ended
from ..hive.errors import DdlFailed
from ..hive.scanner import TableName
from ..hive.types import trino_type
from ..s3 import objects
from ..trino import client
from ..trino.client import Sql
from ..trino.server import ICEBERG
from .session import Outcome, Session

# Athena's defaults for VACUUM: https://docs.aws.amazon.com/athena/latest/ug/vacuum-statement.html
_MAX_AGE_SECONDS = "432000"
_MIN_SNAPSHOTS = "vacuum_min_snapshots_to_keep"
# What the table keeps for later statements: VACUUM, and all that write.
_KEPT = ("write_compression", "vacuum_max_snapshot_age_seconds", _MIN_SNAPSHOTS)
_SETTABLE = ("format", *_KEPT)
CODECS = ("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4")
# Athena's `bucket(16, id)`, Trino's `bucket(id, 16)`, and where Trino shows them.
_TRANSFORM = re.compile(r"(\w+)\((?:(\d+), )?([^,()]+)(?:, (\d+))?\)")
_SHOWN = re.compile(r"partitioning = ARRAY\[(.*?)\]")


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(table: Table, suffix: str = "") -> str:
    return f'{ICEBERG}."{table.database}"."{table.name}{suffix}"'


def _run(text: str, session: Session) -> None:
    """Run a statement of ours, which has none of the caller's values."""
    client.run(Sql(text, takes_values=False), session)


def _ask(text: str, session: Session) -> list[list]:
    return client.run(Sql(text, takes_values=False), session, counted=False).rows


def write_settings(table: Table, session: Session) -> dict[str, str]:
    """Trino takes the compression from the session, Athena from the table."""
    codec = _properties_of(table, session).get("write_compression")
    return {f"{ICEBERG}.compression_codec": codec.upper()} if codec else {}


def _properties_of(table: Table, session: Session) -> dict[str, str]:
    return {key: value for key, value in _ask(f"SELECT key, value FROM {_name(table, '$properties')}", session)}


def _require_write(table: Table, session: Session) -> None:
    tables.require("UpdateTable", table.database, table.name)
    objects.require_write(table.location, session.query_id)


# ---- DDL, which Trino runs for Iceberg in the place of Hive ----


def action(statement: hive.Statement, fields: dict[str, Any], session: Session) -> Callable | None:
    """What runs the statement if it is about an Iceberg table, and if Iceberg needs another way than Hive's."""
    named: TableName | None = fields.get("table")
    if named is None:
        return None
    if "definition" in fields:
        return partial(_create, session, **fields) if fields["definition"].is_iceberg else None
    schema = fields.get("database") or named.database or session.database
    table = tables.find_table(schema, named.name)
    if table is None or not table.is_iceberg:
        return None
    if statement.name in _ACTIONS:
        return partial(_ACTIONS[statement.name], table, session, **{k: v for k, v in fields.items() if k != "table"})
    if statement.name.startswith("ALTER_TABLE"):
        problem = f"{schema}.{table.name} is an Iceberg table, which does not take this"
        raise DdlFailed(f"SemanticException: {problem}")
    return None


def _create(session: Session, table: TableName, definition: Definition, if_not_exists: bool = False) -> None:
    """CREATE TABLE … TBLPROPERTIES ('table_type' = 'ICEBERG')."""
    _check_properties(definition.properties)
    if not hive.is_new(session.database, table, if_not_exists):
        return
    schema = table.database or session.database
    location = definition.location.rstrip("/") + "/"
    objects.require_write(location, session.query_id)
    tables.require("CreateTable", schema, table.name)
    columns = ", ".join(map(_column, definition.columns))
    options = f"location = {quoted(location)}, {_options({'format': 'parquet', **definition.properties})}"
    if definition.partitioned_by:
        options += f", partitioning = ARRAY[{', '.join(map(_transform, definition.transforms))}]"
    _run(f'CREATE TABLE {ICEBERG}."{schema}"."{table.name}" ({columns}) WITH ({options})', session)


def _column(column: dict) -> str:
    return f'"{column["Name"]}" {trino_type(column["Type"])}{_comment(column.get("Comment"))}'


def _comment(text: str | None) -> str:
    return f" COMMENT {quoted(text)}" if text else ""


def _transform(source: str) -> str:
    found = _TRANSFORM.fullmatch(source)
    if found and found[2]:
        source = f"{found[1]}({found[3]}, {found[2]})"
    return quoted(source)


def _drop(table: Table, session: Session, **_fields: object) -> None:
    """As Athena does, with the table's files."""
    tables.require("DeleteTable", table.database, table.name)
    objects.require_write(table.location, session.query_id, "DeleteObject")
    _run(f"DROP TABLE {_name(table)}", session)


def _add_columns(table: Table, session: Session, columns: list[dict]) -> None:
    hive.check_new_columns(table, columns)
    _alter(table, session, *(f"ADD COLUMN {_column(column)}" for column in columns))


def _drop_column(table: Table, session: Session, name: str) -> None:
    _alter(table, session, f'DROP COLUMN "{name}"')


def _change_column(table: Table, session: Session, name: str, column: dict) -> None:
    """CHANGE COLUMN: another name, and a wider type."""
    kind = trino_type(column["Type"])
    before = next((one.source for one in table.columns if one.name == name), None)
    if column["Name"] != name:
        _alter(table, session, f'RENAME COLUMN "{name}" TO "{column["Name"]}"')
    if before is None or trino_type(before) != kind:
        _alter(table, session, f'ALTER COLUMN "{column["Name"]}" SET DATA TYPE {kind}')


def _set_properties(table: Table, session: Session, properties: dict[str, str]) -> None:
    _check_properties(properties)
    _alter(table, session, f"SET PROPERTIES {_options(properties)}")


def _alter(table: Table, session: Session, *changes: str) -> None:
    _require_write(table, session)
    for change in changes:
        _run(f"ALTER TABLE {_name(table)} {change}", session)


# ---- Properties ----


def _check_properties(properties: dict[str, str]) -> None:
    unknown = sorted(set(properties) - {*_SETTABLE, "table_type"})
    if unknown:
        raise DdlFailed(f"Unsupported table property key: {unknown[0]}. Allowed are {', '.join(_SETTABLE)}")
    codec = properties.get("write_compression", CODECS[0]).upper()
    if codec not in CODECS:
        raise DdlFailed(f"Unsupported write_compression: {codec}. Allowed are {', '.join(CODECS)}")


def _options(properties: dict[str, str]) -> str:
    """Athena's table properties as Trino's."""
    chosen = [f"format = {quoted(properties['format'].upper())}"] if "format" in properties else []
    extra = {key: value for key, value in properties.items() if key in _KEPT}
    return ", ".join([*chosen, *([f"extra_properties = {kept_properties(extra)}"] if extra else [])])


def kept_properties(properties: dict[str, str]) -> str:
    """The map of Trino's property extra_properties."""
    extra = dict(properties)
    if _MIN_SNAPSHOTS in extra:  # Iceberg itself reads this one
        extra["history.expire.min-snapshots-to-keep"] = extra[_MIN_SNAPSHOTS]
    keys, values = (", ".join(map(quoted, texts)) for texts in (extra.keys(), extra.values()))
    return f"MAP(ARRAY[{keys}], ARRAY[{values}])"


# ---- OPTIMIZE and VACUUM ----


def optimize(name: TableName, where: Sql | None, session: Session) -> Outcome:
    """OPTIMIZE t REWRITE DATA USING BIN_PACK [WHERE …]."""
    table = _existing(name, session)
    _require_write(table, session)
    head, settings = f"ALTER TABLE {_name(table)} EXECUTE optimize", write_settings(table, session)
    sql = where.after(f"{head} WHERE", settings) if where else Sql(head, settings=settings)
    client.run(replace(sql, takes_values=False), session)
    return Outcome()


def vacuum(name: TableName, session: Session) -> Outcome:
    """VACUUM t: expire old snapshots, then remove files that no snapshot needs."""
    table = _existing(name, session)
    age = _properties_of(table, session).get("vacuum_max_snapshot_age_seconds", _MAX_AGE_SECONDS)
    works = ("expire_snapshots", "remove_orphan_files")
    _alter(table, session, *(f"EXECUTE {work}(retention_threshold => '{age}s')" for work in works))
    return Outcome()


def _existing(name: TableName, session: Session) -> Table:
    schema = name.database or session.database
    table = tables.find_table(schema, name.name)
    if table is None:
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{schema}.{name.name}' does not exist")
    if not table.is_iceberg:
        raise QueryFailed("NOT_SUPPORTED", f"{schema}.{name.name} is not an Iceberg table")
    return table


# ---- SHOW CREATE TABLE and DESCRIBE ----


def _create_statement(table: Table, session: Session) -> list[str]:
    columns = [f"  {column.name} {column.source}{_comment(column.comment)}" for column in table.columns]
    fields = ", ".join(_as_transform(*field) for field in _partitioning(table, session))
    kept = _properties_of(table, session)
    shown = {"table_type": "iceberg", "format": kept.get("write.format.default"), **{k: kept.get(k) for k in _KEPT}}
    properties = [f"  '{key}'='{value.lower()}'" for key, value in shown.items() if value is not None]
    return [
        f"CREATE TABLE {table.database}.{table.name} (",
        *ended(columns, ","),
        *([f"PARTITIONED BY ({fields})"] if fields else []),
        f"LOCATION '{table.location.rstrip('/')}'",
        "TBLPROPERTIES (",
        *ended(properties, ",")[:-1],
        properties[-1],
        ")",
    ]


def _describe(table: Table, session: Session, **_fields: object) -> list[list[str]]:
    rows = [["# Table schema:", "", ""], ["# col_name", "data_type", "comment"]]
    rows += [[column.name, re.sub(r"([,:])(?! )", r"\1 ", column.source), column.comment] for column in table.columns]
    rows += [["", "", ""], ["# Partition spec:", "", ""], ["# field_name", "field_transform", "column_name"]]
    for column, transform, number in _partitioning(table, session):
        suffix = {"identity": "", "truncate": "_trunc"}.get(transform, f"_{transform}")
        rows.append([column + suffix, f"{transform}[{number}]" if number else transform, column])
    return rows


def _partitioning(table: Table, session: Session) -> list[tuple[str, str, str]]:
    """Column, transform and its number, of each partition field."""
    shown = _SHOWN.search(_ask(f"SHOW CREATE TABLE {_name(table)}", session)[0][0])
    fields = []
    for source in re.findall(r"'([^']+)'", shown.group(1)) if shown else []:
        found = _TRANSFORM.fullmatch(source)
        fields.append((found[3], found[1], found[4] or "") if found else (source, "identity", ""))
    return fields


def _as_transform(column: str, transform: str, number: str) -> str:
    if transform == "identity":
        return f"`{column}`"
    return f"{transform}({number}, `{column}`)" if number else f"{transform}(`{column}`)"


_ACTIONS: dict[str, Callable] = {
    "DROP_TABLE": _drop,
    "ALTER_TABLE_ADD_COLUMNS": _add_columns,
    "ALTER_TABLE_DROP_COLUMN": _drop_column,
    "ALTER_TABLE_CHANGE_COLUMN": _change_column,
    "ALTER_TABLE_SET_TBLPROPERTIES": _set_properties,
    "SHOW_CREATE_TABLE": _create_statement,
    "DESCRIBE_TABLE": _describe,
}
