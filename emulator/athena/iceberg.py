"""Iceberg tables: Athena's statements about them as Trino's."""

from __future__ import annotations

import re
from dataclasses import replace

from . import catalog, client, store
from .catalog import Table
from .client import Sql
from .errors import AthenaFailure, DdlFailure, MalformedQuery
from .hive_types import trino_type
from .scanner import Scanner
from .server import ICEBERG
from .session import Session

# Athena's defaults for VACUUM: https://docs.aws.amazon.com/athena/latest/ug/vacuum-statement.html
_MAX_AGE_SECONDS = "432000"
_TRANSFORM = re.compile(r"(\w+)\((?:(\d+),)?([^,()]+)(?:,(\d+))?\)")
_MIN_SNAPSHOTS = "vacuum_min_snapshots_to_keep"
# What the table keeps for later statements: VACUUM, and all that write.
_KEPT = ("write_compression", "vacuum_max_snapshot_age_seconds", _MIN_SNAPSHOTS)
_SETTABLE = ("format", *_KEPT)
CODECS = ("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4")
_SHOWN = re.compile(r"partitioning = ARRAY\[(.*?)\]")
_FIELD = re.compile(r"(\w+)\((\w+)(?:, (\d+))?\)")


def target(table: Table) -> str:
    return f'{ICEBERG}."{table.database}"."{table.name}"'


def run(sql: str | Sql, session: Session) -> None:
    """Run one statement on the table. A text is one of ours, without the caller's values."""
    client.run(Sql(sql, takes_values=False) if isinstance(sql, str) else sql, session)


def write_settings(table: Table, session: Session) -> dict[str, str]:
    """Trino takes the compression from the session, Athena from the table."""
    codec = _property(table, "write_compression", session)
    return {f"{ICEBERG}.compression_codec": codec.upper()} if codec else {}


def require_write(table: Table, session: Session) -> None:
    catalog.require("UpdateTable", table.database, table.name)
    bucket, prefix = store.folder(table.location)
    store.require_object(bucket, f"{prefix}{session.query_id}", "PutObject")


# ---- CREATE TABLE ----


def create(schema: str, found: dict, session: Session) -> None:
    """CREATE TABLE … TBLPROPERTIES ('table_type' = 'ICEBERG'), as ddl.py has read it."""
    name = found["name"]
    location = found["location"].rstrip("/") + "/"
    bucket, prefix = store.folder(location)
    store.require_object(bucket, f"{prefix}{session.query_id}", "PutObject")
    catalog.require("CreateTable", schema, name)
    columns = ", ".join(
        f'"{column["Name"]}" {trino_type(column["Type"])}{_comment(column)}' for column in found["columns"]
    )
    options = f"location = {_text(location)}, {_properties({'format': 'parquet', **found['properties']})}"
    if found["transforms"]:
        options += f", partitioning = ARRAY[{', '.join(_text(_transform(one)) for one in found['transforms'])}]"
    run(f'CREATE TABLE {ICEBERG}."{schema}"."{name}" ({columns}) WITH ({options})', session)


def _comment(column: dict) -> str:
    return f" COMMENT {_text(column['Comment'])}" if column.get("Comment") else ""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _transform(source: str) -> str:
    """Athena's `bucket(16, id)` is Trino's `bucket(id, 16)`."""
    found = _TRANSFORM.fullmatch(source.replace(" ", ""))
    if not found:
        return source.strip()
    name, before, column, after = found.groups()
    number = before or after
    return f"{name}({column}, {number})" if number else f"{name}({column})"


# ---- OPTIMIZE and VACUUM ----


class Optimize:
    """OPTIMIZE t REWRITE DATA USING BIN_PACK [WHERE …]."""

    def __init__(self, scanner: Scanner) -> None:
        self.database, self.name = scanner.qualified()
        for word in ("REWRITE", "DATA", "USING", "BIN_PACK"):
            scanner.expect(word)
        self.condition = scanner.rest_as_sql() if not scanner.done() else None
        if self.condition and not self.condition.text.upper().startswith("WHERE"):
            raise MalformedQuery(
                f"line {self.condition.line}:{self.condition.column}: mismatched input. Expecting: 'WHERE', <EOF>"
            )

    def run(self, session: Session) -> None:
        table = existing(self.database, self.name, session)
        require_write(table, session)
        head = f"ALTER TABLE {target(table)} EXECUTE optimize"
        where = self.condition
        sql = Sql(f"{head}\n{where.text}", 2, where.line, where.column) if where else Sql(head)
        run(replace(sql, takes_values=False, settings=write_settings(table, session)), session)


class Vacuum:
    """VACUUM t: expire old snapshots, then remove files that no snapshot needs."""

    def __init__(self, scanner: Scanner) -> None:
        self.database, self.name = scanner.qualified()
        scanner.finish()

    def run(self, session: Session) -> None:
        table = existing(self.database, self.name, session)
        require_write(table, session)
        age = _property(table, "vacuum_max_snapshot_age_seconds", session) or _MAX_AGE_SECONDS
        for work in ("expire_snapshots", "remove_orphan_files"):
            run(f"ALTER TABLE {target(table)} EXECUTE {work}(retention_threshold => '{age}s')", session)


def _property(table: Table, key: str, session: Session) -> str | None:
    properties = f'{ICEBERG}."{table.database}"."{table.name}$properties"'
    query = Sql(f"SELECT value FROM {properties} WHERE key = {_text(key)}", takes_values=False)
    rows = client.run(query, session, counted=False).rows
    return rows[0][0] if rows else None


def existing(database: str | None, name: str, session: Session) -> Table:
    schema = database or session.database
    table = catalog.find_table(schema, name)
    if table is None:
        raise AthenaFailure("TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{schema}.{name}' does not exist")
    if not table.is_iceberg:
        raise AthenaFailure("NOT_SUPPORTED", f"{schema}.{name} is not an Iceberg table")
    return table


# ---- ALTER and DROP ----


def drop(table: Table, session: Session) -> None:
    """As Athena does, with the table's files."""
    catalog.require("DeleteTable", table.database, table.name)
    bucket, prefix = store.folder(table.location)
    store.require_object(bucket, f"{prefix}{session.query_id}", "DeleteObject")
    run(f"DROP TABLE {target(table)}", session)


def add_columns(table: Table, columns: list[dict], session: Session) -> None:
    require_write(table, session)
    for column in columns:
        added = f'"{column["Name"]}" {trino_type(column["Type"])}{_comment(column)}'
        run(f"ALTER TABLE {target(table)} ADD COLUMN {added}", session)


def drop_column(table: Table, name: str, session: Session) -> None:
    require_write(table, session)
    run(f'ALTER TABLE {target(table)} DROP COLUMN "{name}"', session)


def change_column(table: Table, name: str, changed: dict, session: Session) -> None:
    """CHANGE COLUMN: another name, and a wider type."""
    require_write(table, session)
    if changed["Name"] != name:
        run(f'ALTER TABLE {target(table)} RENAME COLUMN "{name}" TO "{changed["Name"]}"', session)
    kind = trino_type(changed["Type"])
    before = next((column.source for column in table.columns if column.name == name), None)
    if before is None or trino_type(before) != kind:
        run(f'ALTER TABLE {target(table)} ALTER COLUMN "{changed["Name"]}" SET DATA TYPE {kind}', session)


def set_properties(table: Table, properties: dict[str, str], session: Session) -> None:
    check_properties(properties)
    require_write(table, session)
    settings = _properties(properties)
    run(f"ALTER TABLE {target(table)} SET PROPERTIES {settings}", session)


def _properties(properties: dict[str, str]) -> str:
    """Athena's table properties as Trino's."""
    chosen = {}
    if "format" in properties:
        chosen["format"] = _text(properties["format"].upper())
    extra = {key: value for key, value in properties.items() if key in _KEPT}
    if extra:
        chosen["extra_properties"] = kept_properties(extra)
    return ", ".join(f"{key} = {value}" for key, value in chosen.items())


def kept_properties(properties: dict[str, str]) -> str:
    """The map of Trino's property extra_properties."""
    extra = dict(properties)
    if _MIN_SNAPSHOTS in extra:  # Iceberg itself reads this one
        extra["history.expire.min-snapshots-to-keep"] = extra[_MIN_SNAPSHOTS]
    keys, values = (", ".join(map(_text, texts)) for texts in (extra.keys(), extra.values()))
    return f"MAP(ARRAY[{keys}], ARRAY[{values}])"


def check_properties(properties: dict[str, str]) -> None:
    unknown = sorted(set(properties) - {*_SETTABLE, "table_type"})
    if unknown:
        raise DdlFailure(f"Unsupported table property key: {unknown[0]}. Allowed are {', '.join(_SETTABLE)}")
    codec = properties.get("write_compression", CODECS[0]).upper()
    if codec not in CODECS:
        raise DdlFailure(f"Unsupported write_compression: {codec}. Allowed are {', '.join(CODECS)}")


# ---- SHOW CREATE TABLE and DESCRIBE ----


def create_statement(table: Table, session: Session) -> list[str]:
    """SHOW CREATE TABLE, line by line."""
    lines = [f"CREATE TABLE {table.database}.{table.name} ("]
    ends = [","] * (len(table.columns) - 1) + [")"]
    lines += [
        f"  {column.name} {column.source}{_comment({'Comment': column.comment})}{end}"
        for column, end in zip(table.columns, ends, strict=True)
    ]
    fields = _partitioning(table, session)
    if fields:
        lines.append(f"PARTITIONED BY ({', '.join(_as_transform(*field) for field in fields)})")
    lines += [f"LOCATION '{table.location.rstrip('/')}'", "TBLPROPERTIES ("]
    properties = {"table_type": "iceberg"}
    for key in ("write.format.default", *_KEPT):
        value = _property(table, key, session)
        if value is not None:
            properties["format" if key == "write.format.default" else key] = value.lower()
    shown = [f"  '{key}'='{value}'" for key, value in properties.items()]
    return [*lines, *(line + "," for line in shown[:-1]), shown[-1], ")"]


def described(table: Table, session: Session) -> list[list[str | None]]:
    """The rows of DESCRIBE."""
    rows = [("# Table schema:", "", ""), ("# col_name", "data_type", "comment")]
    rows += [(column.name, re.sub(r"([,:])(?! )", r"\1 ", column.source), column.comment) for column in table.columns]
    rows += [("", "", ""), ("# Partition spec:", "", ""), ("# field_name", "field_transform", "column_name")]
    for column, transform, number in _partitioning(table, session):
        suffix = {"identity": "", "truncate": "_trunc"}.get(transform, f"_{transform}")
        rows.append((column + suffix, f"{transform}[{number}]" if number else transform, column))
    return [[*row] for row in rows]


def _partitioning(table: Table, session: Session) -> list[tuple[str, str, str]]:
    """Column, transform and its number, of each partition field."""
    answer = client.run(Sql(f"SHOW CREATE TABLE {target(table)}", takes_values=False), session, counted=False)
    shown = _SHOWN.search(answer.rows[0][0])
    fields = []
    for source in re.findall(r"'([^']+)'", shown.group(1)) if shown else []:
        found = _FIELD.fullmatch(source)
        fields.append((found[2], found[1], found[3] or "") if found else (source, "identity", ""))
    return fields


def _as_transform(column: str, transform: str, number: str) -> str:
    if transform == "identity":
        return f"`{column}`"
    return f"{transform}({number}, `{column}`)" if number else f"{transform}(`{column}`)"
