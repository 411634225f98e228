"""CREATE TABLE AS and UNLOAD: Athena's properties as Trino's, and the rights on what they write."""

from __future__ import annotations

from ..core.queries import QueryFailed
from ..glue import tables
from ..hive.scanner import Scanner, TableName
from ..s3 import objects
from ..trino import client, parser
from ..trino.client import Sql
from ..trino.server import HIVE, ICEBERG, UNLOAD
from . import access, iceberg
from .session import Outcome, Session, written

Value = str | list[str]
Properties = dict[str, Value]

_COMPRESSIONS = ("write_compression", "parquet_compression", "orc_compression", "compression")
# Athena's name of a format -> Trino's, where they differ.
_FORMATS = {"TEXT": "TEXTFILE"}
# Athena's property -> Trino's.
_UNLOADED = {"format": "format", "partitioned_by": "partitioned_by", "field_delimiter": "textfile_field_separator"}
_HIVE = {**_UNLOADED, "bucketed_by": "bucketed_by", "bucket_count": "bucket_count"}
_ICEBERG = {"format": "format", "partitioning": "partitioning", "location": "location"}
# Properties that are read here, beside the compression and the location.
_OURS = ("is_external", "table_type")
_VACUUM = ("vacuum_max_snapshot_age_seconds", "vacuum_min_snapshots_to_keep")


def read_properties(scanner: Scanner) -> Properties:
    """`(format = 'PARQUET', partitioned_by = ARRAY['a'])`."""
    return dict(scanner.listed(lambda: _read_property(scanner)))


def _read_property(scanner: Scanner) -> tuple[str, Value]:
    name = scanner.name()
    scanner.expect("=")
    return name, scanner.items(scanner.text, "]") if scanner.take("ARRAY", "[") else scanner.constant()


def _invalid(message: str) -> QueryFailed:
    return QueryFailed("INVALID_TABLE_PROPERTY", message)


# ---- CREATE TABLE AS ----


def create_table_as(
    table: TableName, query: Sql, properties: Properties, if_not_exists: bool, session: Session
) -> Outcome:
    schema, name = table.database or session.database, table.name
    if not tables.has_database(schema):
        raise QueryFailed("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{schema}' does not exist")
    if tables.find_table(schema, name) is not None:
        if if_not_exists:
            return written(0)
        raise QueryFailed("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{HIVE}.{schema}.{name}' already exists")
    create = _create_iceberg if _is_iceberg(properties) else _create_hive
    statement = create(f'"{schema}"."{name}"', query, properties, session)
    tables.require("CreateTable", schema, name)
    named = parser.parse(session.trino, query.text).tables
    access.check(statement, parser.Parsed("CreateTableAsSelect", named), session)
    rows = client.run(statement, session).update_count or 0
    made = tables.find_table(schema, name)
    if made is not None:
        _write_manifest(f"{made.location.rstrip('/')}/{'data/' if made.is_iceberg else ''}", session)
    return written(rows)


def _is_iceberg(given: Properties) -> bool:
    """AWS: is_external must be false for Iceberg, and is true for the others."""
    kind, external = str(given.get("table_type", "HIVE")).upper(), str(given.get("is_external", "true")).lower()
    if kind not in ("HIVE", "ICEBERG"):
        raise _invalid(f"table_type is {kind}. Allowed are HIVE, ICEBERG")
    needed = "false" if kind == "ICEBERG" else "true"
    if external != needed:
        raise _invalid(f"A table of type {kind} needs is_external = {needed}")
    return kind == "ICEBERG"


def _create_hive(target: str, query: Sql, given: Properties, session: Session) -> Sql:
    location = _empty(given.get("external_location") or f"{session.output}tables/{session.query_id}", session)
    own = {"external_location": location, "format": _format(given)}
    options = _options("CREATE TABLE AS", given, _HIVE, own, (*_OURS, "external_location"))
    settings = {f"{HIVE}.compression_codec": _codec(given, "GZIP")}
    return query.after(f"CREATE TABLE {HIVE}.{target} {options} AS", settings)


def _create_iceberg(target: str, query: Sql, given: Properties, session: Session) -> Sql:
    if not given.get("location"):
        raise _invalid("An Iceberg table needs a location: WITH (table_type = 'ICEBERG', location = 's3://…')")
    codec = _codec(given, "ZSTD")
    kept = {name: str(given[name]) for name in _VACUUM if name in given}
    extra = iceberg.kept_properties({**kept, "write_compression": codec.lower()})
    own = {"location": _empty(given["location"], session), "extra_properties": extra}
    options = _options("CREATE TABLE AS", given, _ICEBERG, own, (*_OURS, *_VACUUM))
    return query.after(f"CREATE TABLE {ICEBERG}.{target} {options} AS", {f"{ICEBERG}.compression_codec": codec})


# ---- UNLOAD ----


def unload(query: Sql, location: str, properties: Properties, session: Session) -> Outcome:
    own = {"external_location": _empty(location, session), "format": _format(properties)}
    access.check(query, parser.parse(session.trino, query.text), session)
    table = f'{UNLOAD}.{UNLOAD}."q_{session.query_id.replace("-", "")}"'
    head = f"CREATE TABLE {table} {_options('UNLOAD', properties, _UNLOADED, own)} AS"
    create = query.after(head, {f"{UNLOAD}.compression_codec": _codec(properties, "GZIP")})
    try:
        rows = client.run(create, session).update_count or 0
    finally:
        # The table is only the way to write: dropping it leaves the files, as they are at an external location.
        drop = Sql(f"DROP TABLE IF EXISTS {table}", takes_values=False)
        client.run(drop, session.for_cleaning_up(), counted=False)
    _write_manifest(location, session)
    return written(rows)


# ---- What both write ----


def _options(
    statement: str, given: Properties, names: dict[str, str], own: dict[str, str], read: tuple[str, ...] = ()
) -> str:
    """`WITH (…)` for Trino. Refuses a property that is neither known nor `read` by the caller."""
    known = {*names, *_COMPRESSIONS, *read}
    unknown = sorted(set(given) - known)
    if unknown:
        raise _invalid(f"{statement} has no property {unknown[0]}. Allowed are {', '.join(sorted(known))}")
    chosen = {
        names[name]: str(value) if name == "bucket_count" else _literal(value)
        for name, value in given.items()
        if name in names
    }
    return f"WITH ({', '.join(f'{name} = {value}' for name, value in {**chosen, **own}.items())})"


def _literal(value: Value) -> str:
    return f"ARRAY[{', '.join(map(_literal, value))}]" if isinstance(value, list) else iceberg.quoted(value)


def _format(given: Properties) -> str:
    form = str(given.get("format", "PARQUET")).upper()
    return _literal(_FORMATS.get(form, form))


def _codec(given: Properties, default: str) -> str:
    asked = next((str(given[name]) for name in _COMPRESSIONS if name in given), default).upper()
    if asked not in iceberg.CODECS:
        raise _invalid(f"Compression {asked} is not one of {', '.join(iceberg.CODECS)}")
    return asked


def _empty(location: Value, session: Session) -> str:
    """The location as a literal. It must have no files yet, and the caller must be allowed to write there."""
    folder = str(location).rstrip("/") + "/"
    if any(item.size for item in objects.list_objects(*objects.folder(folder))):
        raise QueryFailed("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {folder}")
    objects.require_write(folder, session.query_id)
    return _literal(folder)


def _write_manifest(location: str, session: Session) -> None:
    """Athena lists the files that the query wrote, one a line."""
    files = "".join(f"{item.uri}\n" for item in objects.list_objects(*objects.folder(location)))
    session.manifest = f"{session.output}{session.query_id}-manifest.csv"
    objects.put(*objects.split_uri(session.manifest), files.encode(), "text/csv")
