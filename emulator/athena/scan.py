"""Makes a DuckDB view of a table reference, over exactly the files that the query may read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb

from . import serde, store
from .catalog import Column, Table
from .errors import AthenaFailure, not_supported
from .tables import DataFile
from .types import quoted, text

# The number of file footers read at once. Between two reads, a query can be stopped and is billed.
_FOOTERS = 500
PSEUDO = ("$path", "$file_size", "$file_modified_time")
_WIDER = {
    "TINYINT": {"SMALLINT", "INTEGER", "BIGINT"},
    "SMALLINT": {"INTEGER", "BIGINT", "TINYINT"},
    "INTEGER": {"BIGINT", "SMALLINT", "TINYINT"},
    "FLOAT": {"DOUBLE"},
    "DATE": {"TIMESTAMP"},
}


@dataclass
class Plan:
    """SQL that creates the view, and the files that it opens."""

    statements: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def shape(table: Table, name: str) -> str:
    """An empty DuckDB table with the same columns, to check a query without reading a file."""
    columns = [f"{quoted(c.name)} {c.type.duckdb}" for c in [*table.columns, *table.keys]]
    if not columns:
        raise AthenaFailure("HIVE_INVALID_METADATA", f"{table.database}.{table.name} has no columns")
    return f"CREATE TABLE {quoted(name)} ({', '.join(columns)})"


def view(
    table: Table,
    name: str,
    found: list[DataFile],
    used: set[str] | None,
    scratch: Path,
    check: Callable[[int], None],
) -> Plan:
    """Plan the view `name`. `used` are the columns that the query uses (None: all). `check` gets the number of bytes
    as it becomes known, and stops a query that reads too much."""
    plan = Plan()
    wanted = [c.name for c in table.columns if used is None or c.name in used]
    groups: dict[tuple, list[tuple[str, DataFile]]] = {}
    parquet: dict[str, list[tuple[str, DataFile]]] = {}
    for data in found:
        library = (data.partition.descriptor.get("SerdeInfo") or {}).get("SerializationLibrary") or ""
        if not _is_parquet(library):
            check(data.item.size)
        member = (_materialize(data, library, table, scratch, check), data)
        if _is_parquet(library):
            parquet.setdefault(library, []).append(member)
        else:
            groups.setdefault((library, None), []).append(member)
    for library, members in parquet.items():
        for start in range(0, len(members), _FOOTERS):
            some = members[start : start + _FOOTERS]
            types = _parquet_types([path for path, _ in some], wanted, check)
            for path, data in some:
                groups.setdefault((library, types[path]), []).append((path, data))
    plan.paths = [path for members in groups.values() for path, _ in members]
    selects = [_select(table, name, key, members, wanted) for key, members in groups.items()]
    plan.statements = [*_file_table(table, name, groups), _create_view(table, name, selects)]
    return plan


def _is_parquet(library: str) -> bool:
    return "parquet" in library.lower()


def _materialize(data: DataFile, library: str, table: Table, scratch: Path, check: Callable[[int], None]) -> str:
    if not library:
        raise AthenaFailure("HIVE_INVALID_METADATA", f"{table.database}.{table.name} names no SerDe")
    if _is_parquet(library):
        return store.local_path(data.item, scratch)
    serde.reader(library, {})
    target = scratch / f"rows-{len(list(scratch.iterdir()))}.ndjson"
    parameters = (data.partition.descriptor.get("SerdeInfo") or {}).get("Parameters") or {}
    header = int(table.parameters.get("skip.header.line.count", 0))
    body = store.read(data.item)
    with target.open("w", encoding="utf-8") as out:
        rows = serde.rows(body, data.item.uri, library, parameters, header, table.columns)
        for number, row in enumerate(rows):
            if number % 10_000 == 0:
                check(0)
            named = {f"c{i}": value for i, value in enumerate(row) if value is not None}
            out.write(json.dumps(named or {"c": None}, ensure_ascii=False) + "\n")
    return str(target)


def _file_table(table: Table, name: str, groups: dict) -> list[str]:
    """A small table that gives each file its partition's values and pseudo columns."""
    keys = ", ".join(f"{quoted(k.name)} {k.type.duckdb}" for k in table.keys)
    pseudo = f'"file" VARCHAR, {", ".join(quoted(p) + " VARCHAR" for p in PSEUDO)}'
    statements = [f"CREATE TABLE {quoted(name + '_files')} ({pseudo}{', ' + keys if keys else ''})"]
    for members in groups.values():
        rows = []
        for path, data in members:
            item = data.item
            fixed = [text(path), text(item.uri), text(str(item.size)), text(item.modified)]
            values = ["NULL" if v is None else text(v) for v in data.partition.values]
            rows.append("(" + ", ".join([*fixed, *values]) + ")")
        statements.append(f"INSERT INTO {quoted(name + '_files')} VALUES {', '.join(rows)}")
    return statements


def _create_view(table: Table, name: str, selects: list[str]) -> str:
    if not selects:
        columns = [f"CAST(NULL AS {c.type.duckdb}) AS {quoted(c.name)}" for c in [*table.columns, *table.keys]]
        columns += [f"CAST(NULL AS VARCHAR) AS {quoted(p)}" for p in PSEUDO]
        selects = [f"SELECT {', '.join(columns)} WHERE false"]
    return f"CREATE VIEW {quoted(name)} AS {' UNION ALL '.join(selects)}"


def _select(table: Table, name: str, key: tuple, members: list, wanted: list[str]) -> str:
    library, signature = key
    paths = "[" + ", ".join(text(path) for path, _ in members) + "]"
    if _is_parquet(library):
        columns = _parquet_columns(table, dict(signature), wanted, members[0][1])
        source = f"read_parquet({paths}, hive_partitioning=false, union_by_name=false, filename='$$file')"
    else:
        columns = [f"d.c{i} AS {quoted(c.name)}" for i, c in enumerate(table.columns)]
        spec = ", ".join(f"c{i}: {text(c.type.duckdb)}" for i, c in enumerate(table.columns))
        options = "format='newline_delimited', maximum_object_size=67108864, hive_partitioning=false"
        source = f"read_json({paths}, columns={{{spec}}}, {options}, filename='$$file')"
    columns += [f"f.{quoted(k.name)}" for k in table.keys] + [f"f.{quoted(p)}" for p in PSEUDO]
    files = quoted(name + "_files")
    return f'SELECT {", ".join(columns)} FROM {source} d JOIN {files} f ON d."$$file" = f."file"'


def _parquet_columns(table: Table, physical: dict[str, str], wanted: list[str], sample: DataFile) -> list[str]:
    """Columns by name. A missing column is NULL. A column of another type is bad data."""
    columns = []
    for column in table.columns:
        target, name = column.type.duckdb, quoted(column.name)
        found = physical.get(column.name)
        if found is None or column.name not in wanted:
            columns.append(f"CAST(NULL AS {target}) AS {name}")
            continue
        _check_type(column, found, target, sample)
        value = f"CAST(d.{name} AS {target})"
        if column.type.name == "timestamp":
            # Athena reads Hive timestamps with millisecond precision, rounding half up.
            value = f"make_timestamp(((epoch_us({value}) + 500) // 1000) * 1000)"
        columns.append(f"{value} AS {name}")
    return columns


def _check_type(column: Column, found: str, target: str, sample: DataFile) -> None:
    if _plain(found) == _plain(target) or target in _WIDER.get(found, ()):
        return
    both_decimal = found.startswith("DECIMAL") and target.startswith("DECIMAL")
    nested = found.startswith("STRUCT") and target.startswith("STRUCT")
    if both_decimal or nested:
        return
    raise AthenaFailure(
        "HIVE_BAD_DATA",
        f"Field {column.name}'s type {found} in parquet file {sample.item.uri} is incompatible with type "
        f"{column.type.trino} defined in table schema",
    )


def _plain(duckdb_type: str) -> str:
    """Spark writes timestamps as UTC instants, in any unit."""
    instants = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S")
    for other in instants:
        duckdb_type = duckdb_type.replace(other, "TIMESTAMP")
    return duckdb_type.replace(" ", "").replace('"', "").lower()


def _parquet_types(paths: list[str], wanted: list[str], check: Callable[[int], None]) -> dict[str, tuple]:
    """The columns of each file as DuckDB reads them; `check` gets the bytes of the wanted columns, as Athena bills
    them. The footers of all files are read in one go, and files of one schema are described once."""
    sizes: dict[str, int] = dict.fromkeys(paths, 0)
    for path, name, size in _footers("file_name, path_in_schema, total_compressed_size", "parquet_metadata", paths):
        if name.split(",")[0].strip().lower() in wanted:
            sizes[path] += size
    for size in sizes.values():
        check(size)
    schemas: dict[str, list[tuple]] = {path: [] for path in paths}
    for path, *element in _footers("*", "parquet_schema", paths):
        schemas[path].append(tuple(map(str, element)))
    described: dict[tuple, tuple] = {}
    types: dict[str, tuple] = {}
    for path, elements in schemas.items():
        if tuple(elements) not in described:
            found = _inspect("DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning=false)", path)
            described[tuple(elements)] = tuple((row[0].lower(), row[1]) for row in found)
        types[path] = described[tuple(elements)]
    return types


def _footers(columns: str, function: str, paths: list[str]) -> list[tuple]:
    # In the SQL text: as a parameter, the Python client is slow with a long list.
    return _inspect(f"SELECT {columns} FROM {function}([{', '.join(map(text, paths))}])")


@cache
def _inspector() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def _inspect(sql: str, *parameters: str) -> list[tuple]:
    with _inspector().cursor() as cursor:
        try:
            return cursor.execute(sql, list(parameters)).fetchall()
        except duckdb.Error as error:
            raise AthenaFailure("HIVE_BAD_DATA", f"Malformed Parquet file: {error}".split("\n")[0]) from error


def refuse_iceberg(table: Table) -> None:
    if str(table.parameters.get("table_type", "")).upper() == "ICEBERG":
        raise not_supported(f"the Iceberg table {table.database}.{table.name}")
