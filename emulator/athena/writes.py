"""Statements that write the result of a query (CREATE TABLE AS, INSERT, UNLOAD), and views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
from ministack.core.responses import new_uuid

from . import catalog, ddl, engine, store
from .catalog import Column, Table
from .dialect import parse_query
from .engine import Outcome, Prepared, Session
from .errors import AthenaFailure, MalformedQuery, not_supported
from .scanner import Scanner
from .types import hive_name, quoted, text, trino_name

Run = Callable[[Session, list[str], str], Outcome]
_ROWS_PER_FILE = 5_000_000
_CODECS = {
    "GZIP": "gzip",
    "SNAPPY": "snappy",
    "ZSTD": "zstd",
    "NONE": "uncompressed",
    "UNCOMPRESSED": "uncompressed",
}
_UNKNOWN = "cannot be resolved or requester is not authorized to access requested resources"


# ---- CREATE TABLE AS ----


def create_table_as(scanner: Scanner) -> Run | None:
    """Parse from the name on. None if the statement is not CTAS."""
    lenient = scanner.take("IF", "NOT", "EXISTS")
    database, name = scanner.qualified()
    options = _options(scanner.group()) if scanner.take("WITH") else {}
    if not scanner.take("AS"):
        return None
    sql, empty = _without_data(scanner.rest())
    parse_query(sql)

    def run(session: Session, parameters: list[str], _workgroup: str) -> Outcome:
        schema = database or session.database
        _require_database(schema)
        if catalog.find_table(schema, name) is not None:
            if lenient:
                return _written(0)
            raise AthenaFailure("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{schema}.{name}' already exists")
        prepared = engine.prepare(sql, session.database, parameters)
        table = _new_table(schema, name, options, prepared)
        _require_empty(table.location)
        target = _Target(table, _codec(options))
        rows = 0 if empty else target.write(prepared, session)
        catalog.create_table(schema, table.raw)
        target.register()
        return _written(rows)

    return run


def _without_data(sql: str) -> tuple[str, bool]:
    upper = " ".join(sql.upper().split())
    for ending, empty in ((" WITH NO DATA", True), (" WITH DATA", False)):
        if upper.endswith(ending):
            return sql[: sql.upper().rindex("WITH")], empty
    return sql, False


def _options(source: str) -> dict[str, object]:
    """`format = 'PARQUET', partitioned_by = ARRAY['a']` as a dict."""
    scanner, found = Scanner(source), {}
    while True:
        name = scanner.name()
        scanner.expect("=")
        found[name] = _texts(scanner) if scanner.take("ARRAY", "[") else scanner.constant()
        if scanner.done():
            return found
        scanner.expect(",")


def _texts(scanner: Scanner) -> list[str]:
    texts = [scanner.text()]
    while scanner.take(","):
        texts.append(scanner.text())
    scanner.expect("]")
    return texts


def _new_table(schema: str, name: str, options: dict, prepared: Prepared) -> Table:
    known = {"format", "external_location", "partitioned_by", "write_compression", "parquet_compression"}
    unknown = set(options) - known
    if unknown:
        raise not_supported(f"the table property {sorted(unknown)[0]} of CREATE TABLE AS")
    if str(options.get("format", "PARQUET")).upper() != "PARQUET":
        raise not_supported(f"CREATE TABLE AS with format {options['format']}")
    if "external_location" not in options:
        raise not_supported("CREATE TABLE AS without external_location")
    columns = _named_columns(prepared)
    keys = list(options.get("partitioned_by", []))
    if keys and [column["Name"] for column in columns[-len(keys) :]] != keys:
        message = f"Partition keys must be the last columns in the table and in the same order: {keys}"
        raise AthenaFailure("HIVE_COLUMN_ORDER_MISMATCH", message)
    data, partition = (columns[: -len(keys)], columns[-len(keys) :]) if keys else (columns, [])
    raw = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": partition,
        "StorageDescriptor": ddl.parquet_descriptor(data, str(options["external_location"])),
    }
    return Table(schema, name, raw)


def _named_columns(prepared: Prepared) -> list[dict]:
    columns = []
    for position, (name, kind) in enumerate(zip(prepared.names, prepared.types, strict=True), 1):
        if name == f"_col{position - 1}":
            raise AthenaFailure("MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {position}")
        columns.append({"Name": name.lower(), "Type": hive_name(kind)})
    names = [column["Name"] for column in columns]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise AthenaFailure("DUPLICATE_COLUMN_NAME", f"Column name '{sorted(twice)[0]}' specified more than once")
    return columns


def _codec(options: dict) -> str:
    asked = str(options.get("write_compression") or options.get("parquet_compression") or "GZIP").upper()
    if asked not in _CODECS:
        raise not_supported(f"the compression {asked}")
    return _CODECS[asked]


def _require_database(schema: str) -> None:
    if not catalog.has_database(schema):
        raise AthenaFailure("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{schema}' does not exist")


def _require_empty(location: str) -> None:
    bucket, prefix = store.folder(location)
    if any(item.size for item in store.list_objects(bucket, prefix)):
        raise AthenaFailure("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {location}")


def _written(rows: int) -> Outcome:
    return Outcome(header=False, update_count=rows, keep_result_file=False)


# ---- INSERT INTO ----


def insert(scanner: Scanner) -> Run:
    scanner.expect("INTO")
    database, name = scanner.qualified()
    names = _column_list(scanner) if scanner.peek() == "(" and scanner.peek(1) not in ("SELECT", "WITH") else None
    sql = scanner.rest()
    parse_query(sql)

    def run(session: Session, parameters: list[str], _workgroup: str) -> Outcome:
        schema = database or session.database
        table = catalog.find_table(schema, name)
        if table is None:
            message = f"line 1:1: Table '{catalog.CATALOG}.{schema}.{name}' does not exist"
            raise AthenaFailure("TABLE_NOT_FOUND", message)
        library = (table.descriptor.get("SerdeInfo") or {}).get("SerializationLibrary", "")
        if table.is_view or "parquet" not in library.lower():
            raise not_supported(f"INSERT INTO {schema}.{name}, which is no Parquet table,")
        prepared = engine.prepare(sql, session.database, parameters)
        target = _Target(table, "gzip", names)
        rows = target.write(prepared, session)
        target.register()
        return _written(rows)

    return run


def _column_list(scanner: Scanner) -> list[str]:
    scanner.expect("(")
    names = [scanner.name()]
    while scanner.take(","):
        names.append(scanner.name())
    scanner.expect(")")
    return names


class _Target:
    """Writes rows to a Parquet table: one file per partition. Registers the partitions at the end."""

    def __init__(self, table: Table, codec: str, names: list[str] | None = None) -> None:
        self.table, self.codec = table, codec
        every = [*table.columns, *table.keys]
        self.names = names or [column.name for column in every]
        unknown = set(self.names) - {column.name for column in every}
        if unknown:
            message = f"Insert column name does not exist in target table: {sorted(unknown)[0]}"
            raise AthenaFailure("COLUMN_NOT_FOUND", message)
        self.partitions: list[list[str]] = []

    def write(self, prepared: Prepared, session: Session) -> int:
        if len(prepared.names) != len(self.names):
            message = f"Insert query has {len(prepared.names)} columns but table has {len(self.names)}"
            raise AthenaFailure("TYPE_MISMATCH", message)
        self._check_types(prepared)
        folder = session.scratch / "written"
        folder.mkdir()
        return engine.guarded(prepared, lambda: self._write(prepared, session, folder))

    def _check_types(self, prepared: Prepared) -> None:
        types = {column.name: column.type for column in [*self.table.columns, *self.table.keys]}
        for name, kind in zip(self.names, prepared.types, strict=True):
            given, wanted = trino_name(kind), types[name].trino
            if given not in (wanted, "unknown") and not _coerces(given, wanted):
                message = f"Insert query has mismatched column types: Table: [{wanted}], Query: [{given}]"
                raise AthenaFailure("TYPE_MISMATCH", f"{message} for column {name}")

    def _write(self, prepared: Prepared, session: Session, folder: Path) -> int:
        with engine.open_for(prepared, session, writable=folder) as connection:
            session.use(connection)
            labels = ", ".join(quoted(name) for name in self.names)
            connection.execute(f"CREATE TABLE rows_ AS SELECT * FROM ({prepared.duckdb_sql}) AS q({labels})")
            total = engine.first_row(connection.execute("SELECT count(*) FROM rows_"))[0]
            keys = [quoted(key.name) for key in self.table.keys]
            if not keys:
                if total:
                    self._copy(connection, folder, "true", self.table.location)
                return total
            listed = ", ".join(f"CAST({key} AS VARCHAR)" for key in keys)
            for values in connection.execute(f"SELECT DISTINCT {listed} FROM rows_ ORDER BY ALL").fetchall():
                session.check()
                self._copy_partition(connection, folder, keys, values)
            return total

    def _copy_partition(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, keys: list[str], values: tuple
    ) -> None:
        conditions = [
            f"{key} IS NULL" if value is None else f"CAST({key} AS VARCHAR) = {text(value)}"
            for key, value in zip(keys, values, strict=True)
        ]
        named = [catalog.DEFAULT_PARTITION if value is None else value for value in values]
        self._copy(connection, folder, " AND ".join(conditions), self._location(named))
        self.partitions.append(named)

    def _location(self, values: list[str]) -> str:
        for raw in catalog.partitions(self.table):
            if raw["Values"] == values:
                return raw["StorageDescriptor"]["Location"]
        path = catalog.partition_path(self.table.keys, values)
        return f"{self.table.location.rstrip('/')}/{path}/"

    def _copy(self, connection: duckdb.DuckDBPyConnection, folder: Path, condition: str, location: str) -> None:
        columns = ", ".join(_written_column(column, self.names) for column in self.table.columns)
        name = f"{new_uuid()}.parquet"
        rows = f"SELECT {columns} FROM rows_ WHERE {condition}"
        options = f"FORMAT parquet, COMPRESSION {self.codec}"
        connection.execute(f"COPY ({rows}) TO {text(str(folder / name))} ({options})")
        bucket, prefix = store.folder(location)
        store.put(bucket, prefix + name, (folder / name).read_bytes(), "application/octet-stream")

    def register(self) -> None:
        known = [raw["Values"] for raw in catalog.partitions(self.table)]
        for values in self.partitions:
            if values not in known and not self.table.projected:
                catalog.add_partition(self.table, values, self._location(values))


def _written_column(column: Column, given: list[str]) -> str:
    value = quoted(column.name) if column.name in given else "NULL"
    return f"CAST({value} AS {column.type.duckdb}) AS {quoted(column.name)}"


def _coerces(given: str, wanted: str) -> bool:
    ladder = ["tinyint", "smallint", "integer", "bigint", "real", "double"]
    if given in ladder and wanted in ladder:
        return ladder.index(given) <= ladder.index(wanted)
    same = given.split("(")[0] == wanted.split("(")[0]
    return same or (given in ladder[:4] and wanted.startswith("decimal"))


# ---- UNLOAD ----


def unload(scanner: Scanner) -> Run:
    sql = scanner.group()
    scanner.expect("TO")
    location = scanner.text()
    options = _options(scanner.group()) if scanner.take("WITH") else {}
    scanner.finish()
    parse_query(sql)
    if set(options) - {"format", "compression"} or str(options.get("format", "")).upper() != "PARQUET":
        raise MalformedQuery("NOT_SUPPORTED: the local Athena unloads with format = 'PARQUET' (and compression) only")

    def run(session: Session, parameters: list[str], _workgroup: str) -> Outcome:
        _require_empty(location)
        prepared = engine.prepare(sql, session.database, parameters)
        columns = _named_columns(prepared)
        raw = {"Name": "unload", "StorageDescriptor": ddl.parquet_descriptor(columns, location)}
        target = _Target(
            Table(session.database, "unload", raw), _codec({"write_compression": options.get("compression")})
        )
        return _written(target.write(prepared, session))

    return run


# ---- Views ----


def create_view(scanner: Scanner, replace: bool) -> Run:
    database, name = scanner.qualified()
    scanner.expect("AS")
    sql = scanner.rest()
    parse_query(sql)

    def run(session: Session, _parameters: list[str], _workgroup: str) -> Outcome:
        schema = database or session.database
        _require_database(schema)
        existing = catalog.find_table(schema, name)
        if existing is not None and not (replace and existing.is_view):
            kind = "View" if existing.is_view else "Table"
            raise AthenaFailure("ALREADY_EXISTS", f"line 1:1: {kind} '{schema}.{name}' already exists")
        prepared = engine.prepare(sql, session.database)
        fields = _view_fields(schema, name, sql, session.database, prepared)
        if existing is None:
            catalog.create_table(schema, fields)
        else:
            catalog.update_table(existing, {key: value for key, value in fields.items() if key != "Name"})
        return Outcome(header=False, plain_text=True)

    return run


def _view_fields(schema: str, name: str, sql: str, default: str, prepared: Prepared) -> dict:
    columns = _named_columns(prepared)
    typed = zip(columns, prepared.types, strict=True)
    definition = {
        "originalSql": sql,
        "catalog": catalog.CATALOG,
        "schema": default,
        "columns": [{"name": column["Name"], "type": trino_name(kind)} for column, kind in typed],
    }
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "StorageDescriptor": {"Columns": columns, "Location": "", "SerdeInfo": {}},
        "PartitionKeys": [],
        "ViewOriginalText": catalog.encode_view(definition),
        "ViewExpandedText": "/* Presto View */",
    }
