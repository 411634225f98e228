"""CREATE TABLE AS and UNLOAD: Athena's properties as Trino's, and the rights on what they write."""

from __future__ import annotations

from dataclasses import dataclass

from . import access, catalog, client, iceberg, parser, store
from .client import Sql
from .errors import AthenaFailure, MalformedQuery
from .scanner import Scanner
from .server import HIVE, ICEBERG, UNLOAD
from .session import Outcome, Session

_COMPRESSIONS = ("write_compression", "parquet_compression", "orc_compression", "compression")
# Athena's name of a format -> Trino's, where they differ.
_FORMATS = {"TEXT": "TEXTFILE"}
# Athena's property -> Trino's, for tables of Hive.
_HIVE_PROPERTIES = {
    "format": "format",
    "partitioned_by": "partitioned_by",
    "bucketed_by": "bucketed_by",
    "bucket_count": "bucket_count",
    "field_delimiter": "textfile_field_separator",
}
_ICEBERG_PROPERTIES = {"format": "format", "partitioning": "partitioning", "location": "location"}
# Properties that are read here, beside the compression and the location.
_OURS = ("is_external", "table_type")
_VACUUM = ("vacuum_max_snapshot_age_seconds", "vacuum_min_snapshots_to_keep")

Value = str | list[str]


@dataclass(frozen=True)
class Properties:
    """The WITH of a statement, with names in lower case."""

    given: dict[str, Value]
    statement: str

    def text(self, name: str, default: str = "") -> str:
        return str(self.given.get(name, default))

    def trino(self, names: dict[str, str], others: dict[str, str], read: tuple[str, ...] = ()) -> str:
        """`WITH (…)` for Trino. Raises AthenaFailure for a property that is neither known nor `read` by the caller."""
        known = {*names, *_COMPRESSIONS, *read}
        unknown = sorted(set(self.given) - known)
        if unknown:
            raise AthenaFailure(
                "INVALID_TABLE_PROPERTY",
                f"{self.statement} has no property {unknown[0]}. Allowed are {', '.join(sorted(known))}",
            )
        chosen = {
            names[name]: _literal(value, number=name == "bucket_count")
            for name, value in self.given.items()
            if name in names
        }
        pairs = {**chosen, **others}
        return f"WITH ({', '.join(f'{name} = {value}' for name, value in pairs.items())})" if pairs else ""

    def codec(self, default: str) -> str:
        asked = next((self.text(name) for name in _COMPRESSIONS if name in self.given), default).upper()
        if asked not in iceberg.CODECS:
            raise AthenaFailure(
                "INVALID_TABLE_PROPERTY", f"Compression {asked} is not one of {', '.join(iceberg.CODECS)}"
            )
        return asked


def _literal(value: Value, *, number: bool = False) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    return value if number else "'" + value.replace("'", "''") + "'"


def read_properties(source: str, statement: str) -> Properties:
    """`format = 'PARQUET', partitioned_by = ARRAY['a']`."""
    scanner, found = Scanner(source), {}
    while True:
        name = scanner.name()
        scanner.expect("=")
        found[name] = _texts(scanner) if scanner.take("ARRAY", "[") else scanner.constant()
        if scanner.done():
            return Properties(found, statement)
        scanner.expect(",")


def _texts(scanner: Scanner) -> list[str]:
    texts = [scanner.text()]
    while scanner.take(","):
        texts.append(scanner.text())
    scanner.expect("]")
    return texts


# ---- CREATE TABLE AS ----


@dataclass(frozen=True)
class CreateTableAs:
    database: str | None
    name: str
    lenient: bool
    properties: Properties
    query: Sql

    @classmethod
    def read(cls, scanner: Scanner) -> CreateTableAs | None:
        """Parse after CREATE TABLE. None if it is no CREATE TABLE AS."""
        lenient = scanner.take("IF", "NOT", "EXISTS")
        database, name = scanner.qualified()
        properties = (
            read_properties(scanner.group(), "CREATE TABLE AS")
            if scanner.take("WITH")
            else Properties({}, "CREATE TABLE AS")
        )
        if not scanner.take("AS"):
            return None
        return cls(database, name, lenient, properties, scanner.rest_as_sql())

    def run(self, session: Session) -> Outcome:
        schema = self.database or session.database
        if not catalog.has_database(schema):
            raise AthenaFailure("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{schema}' does not exist")
        if catalog.find_table(schema, self.name) is not None:
            if self.lenient:
                return written(0)
            raise AthenaFailure("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{HIVE}.{schema}.{self.name}' already exists")
        statement = self._statement(schema, session)
        catalog.require("CreateTable", schema, self.name)
        access.check(
            statement,
            parser.Parsed("CreateTableAsSelect", parser.parse(session.trino, self.query.text).tables),
            session,
        )
        rows = client.run(statement, session).update_count or 0
        table = catalog.find_table(schema, self.name)
        if table is not None:
            _write_manifest(f"{table.location.rstrip('/')}/{'data/' if table.is_iceberg else ''}", session)
        return written(rows)

    def _statement(self, schema: str, session: Session) -> Sql:
        is_iceberg = self._is_iceberg()
        given = self.properties.text("location" if is_iceberg else "external_location")
        if is_iceberg and not given:
            raise AthenaFailure(
                "INVALID_TABLE_PROPERTY",
                "An Iceberg table needs a location: WITH (table_type = 'ICEBERG', location = 's3://…')",
            )
        location = (given or f"{session.output}tables/{session.query_id}").rstrip("/") + "/"
        require_empty(location, session)
        codec = self.properties.codec("ZSTD" if is_iceberg else "GZIP")
        names = _ICEBERG_PROPERTIES if is_iceberg else _HIVE_PROPERTIES
        own = self._iceberg_options(location, codec) if is_iceberg else self._hive_options(location)
        read = (*_OURS, *_VACUUM) if is_iceberg else (*_OURS, "external_location")
        target = f'{ICEBERG if is_iceberg else HIVE}."{schema}"."{self.name}"'
        head = f"CREATE TABLE {target} {self.properties.trino(names, own, read)} AS"
        settings = {f"{ICEBERG if is_iceberg else HIVE}.compression_codec": codec}
        return Sql(f"{head}\n{self.query.text}", 2, self.query.line, self.query.column, settings=settings)

    def _is_iceberg(self) -> bool:
        """AWS: is_external must be false for Iceberg, and is true for the others."""
        kind, external = self.properties.text("table_type", "HIVE").upper(), self.properties.text("is_external", "true")
        if kind not in ("HIVE", "ICEBERG"):
            raise AthenaFailure("INVALID_TABLE_PROPERTY", f"table_type is {kind}. Allowed are HIVE, ICEBERG")
        needed = "false" if kind == "ICEBERG" else "true"
        if external.lower() != needed:
            raise AthenaFailure("INVALID_TABLE_PROPERTY", f"A table of type {kind} needs is_external = {needed}")
        return kind == "ICEBERG"

    def _hive_options(self, location: str) -> dict[str, str]:
        form = self.properties.text("format", "PARQUET").upper()
        return {"external_location": _literal(location), "format": _literal(_FORMATS.get(form, form))}

    def _iceberg_options(self, location: str, codec: str) -> dict[str, str]:
        properties = {name: self.properties.text(name) for name in _VACUUM if name in self.properties.given}
        kept = iceberg.kept_properties({**properties, "write_compression": codec.lower()})
        return {"location": _literal(location), "extra_properties": kept}


def require_empty(location: str, session: Session) -> None:
    bucket, prefix = store.folder(location)
    if any(item.size for item in store.list_objects(bucket, prefix)):
        raise AthenaFailure("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table already exists: {location}")
    store.require_object(bucket, f"{prefix}{session.query_id}", "PutObject")


def _write_manifest(location: str, session: Session) -> None:
    """Athena lists the files that the query wrote, one a line."""
    files = "".join(f"{item.uri}\n" for item in store.list_objects(*store.folder(location)))
    session.manifest = f"{session.output}{session.query_id}-manifest.csv"
    store.put(*store.split_uri(session.manifest), files.encode(), "text/csv")


def written(rows: int) -> Outcome:
    return Outcome(header=False, update_count=rows, keep_result_file=False)


# ---- UNLOAD ----


@dataclass(frozen=True)
class Unload:
    query: Sql
    location: str
    properties: Properties

    @classmethod
    def read(cls, scanner: Scanner) -> Unload:
        """Parse after UNLOAD."""
        query = scanner.group_as_sql()
        scanner.expect("TO")
        location = scanner.text()
        scanner.expect("WITH")
        properties = read_properties(scanner.group(), "UNLOAD")
        scanner.finish()
        if "format" not in properties.given:
            raise MalformedQuery("line 1:1: UNLOAD needs the property format: WITH (format = 'PARQUET')")
        return cls(query, location, properties)

    def run(self, session: Session) -> Outcome:
        location = self.location.rstrip("/") + "/"
        require_empty(location, session)
        access.check(self.query, parser.parse(session.trino, self.query.text), session)
        table = f'{UNLOAD}.{UNLOAD}."q_{session.query_id.replace("-", "")}"'
        form = self.properties.text("format").upper()
        names = {name: mapped for name, mapped in _HIVE_PROPERTIES.items() if not name.startswith("bucket")}
        own = {"external_location": _literal(location), "format": _literal(_FORMATS.get(form, form))}
        settings = {f"{UNLOAD}.compression_codec": self.properties.codec("GZIP")}
        create = Sql(
            f"CREATE TABLE {table} {self.properties.trino(names, own)} AS\n{self.query.text}",
            2,
            self.query.line,
            self.query.column,
            settings=settings,
        )
        try:
            rows = client.run(create, session).update_count or 0
        finally:
            # The table is only the way to write: dropping it leaves the files, as they are at an external location.
            _run_ours(f"DROP TABLE IF EXISTS {table}", session)
        _write_manifest(location, session)
        return written(rows)


def _run_ours(text: str, session: Session) -> None:
    """A statement about a table of our own, which also runs for a query that was stopped."""
    ours = Session(session.trino, session.database, session.query_id, session.workgroup, session.output)
    client.run(Sql(text, takes_values=False), ours, counted=False)
