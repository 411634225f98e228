"""Hive's statements about databases, tables and partitions, run against the Glue catalog."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable

from . import catalog, ddl, iceberg, repair
from .catalog import Table
from .errors import DdlFailure, MalformedQuery, not_supported
from .scanner import Scanner
from .session import Outcome, Session, text_column

Found = tuple[str, str, Callable]
_TASK = "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."


def understand(scanner: Scanner) -> Found | None:
    """Parse one statement. The returned function executes it."""
    for words, read in _STATEMENTS:
        if scanner.take(*words):
            name, action = read(scanner)
            scanner.finish()
            kind = "UTILITY" if words[0] in ("SHOW", "DESCRIBE", "DESC") else "DDL"
            return kind, name, _runner(action, looks_at_default=kind == "DDL")
    if scanner.peek() in ("CREATE", "DROP", "ALTER", "SHOW"):
        raise MalformedQuery(f"NOT_SUPPORTED: {scanner.sql.strip()[:80]} is not supported by the local Athena")
    return None


def _runner(action: Callable[[Session], Outcome], *, looks_at_default: bool) -> Callable:
    def run(session: Session) -> Outcome:
        if looks_at_default:
            catalog.look_at_default()
        return action(session)

    return run


def _silent(action: Callable[[Session], None]) -> Callable[[Session], Outcome]:
    def run(session: Session) -> Outcome:
        action(session)
        return Outcome(header=False, plain_text=True)

    return run


def _lines(column: str, action: Callable[[Session], list[str]]) -> Callable[[Session], Outcome]:
    def run(session: Session) -> Outcome:
        return Outcome([text_column(column)], [[line] for line in action(session)], header=False, plain_text=True)

    return run


def table_of(session: Session, database: str | None, name: str) -> Table:
    schema = database or session.database
    found = catalog.find_table(schema, name)
    if found is None:
        raise DdlFailure(f"SemanticException [Error 10001]: Table not found {schema}.{name}")
    return found


def require_database(name: str) -> None:
    if not catalog.has_database(name):
        raise DdlFailure(f"SemanticException [Error 10072]: Database does not exist: {name}")


# ---- Databases ----


def _create_database(scanner: Scanner) -> tuple[str, Callable]:
    lenient = scanner.take("IF", "NOT", "EXISTS")
    name, comment, location, properties = scanner.name(), "", None, {}
    if scanner.take("COMMENT"):
        comment = scanner.text()
    if scanner.take("LOCATION"):
        location = scanner.text()
    if scanner.take("WITH", "DBPROPERTIES"):
        properties = scanner.properties()

    def run(_session: Session) -> None:
        if catalog.has_database(name):
            if lenient:
                return
            raise DdlFailure(f"{_TASK} Database {name} already exists")
        catalog.create_database(name, comment, location, properties)

    return "CREATE_DATABASE", _silent(run)


def _drop_database(scanner: Scanner) -> tuple[str, Callable]:
    lenient = scanner.take("IF", "EXISTS")
    name = scanner.name()
    cascade = scanner.take("CASCADE")
    scanner.take("RESTRICT")

    def run(_session: Session) -> None:
        if not catalog.has_database(name):
            if lenient:
                return
            require_database(name)
        if catalog.tables(name) and not cascade:
            raise DdlFailure(
                f"{_TASK} InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)"
            )
        catalog.drop_database(name)

    return "DROP_DATABASE", _silent(run)


# ---- Tables ----


def _create_table(scanner: Scanner, external: bool) -> tuple[str, Callable]:
    lenient = scanner.take("IF", "NOT", "EXISTS")
    database, name = scanner.qualified()
    found = ddl.read_table(scanner, name)
    if ddl.is_iceberg(found):
        iceberg.check_properties(found["properties"])
    elif not external:
        raise MalformedQuery("line 1:8: External keyword required for table type HIVE")
    elif found["transforms"]:
        raise MalformedQuery("line 1:8: PARTITIONED BY needs the types of the columns: (name type, …)")

    def run(session: Session) -> None:
        schema = database or session.database
        require_database(schema)
        if catalog.find_table(schema, name) is not None:
            if lenient:
                return
            raise DdlFailure(f"{_TASK} AlreadyExistsException(message:Table {name} already exists)")
        if ddl.is_iceberg(found):
            iceberg.create(schema, found, session)
        else:
            catalog.create_table(schema, ddl.table_input(found))

    return "CREATE_TABLE", _silent(run)


def _drop(scanner: Scanner, views: bool) -> tuple[str, Callable]:
    lenient = scanner.take("IF", "EXISTS")
    database, name = scanner.qualified()

    def run(session: Session) -> None:
        if lenient and catalog.find_table(database or session.database, name) is None:
            return
        found = table_of(session, database, name)
        if found.is_view != views:
            kind = "Cannot drop a view with DROP TABLE" if found.is_view else "Cannot drop a base table with DROP VIEW"
            raise DdlFailure(f"SemanticException [Error 10018]: {kind}")
        if found.is_iceberg:
            iceberg.drop(found, session)
        else:
            catalog.drop_table(found)

    return ("DROP_VIEW" if views else "DROP_TABLE"), _silent(run)


def _msck(scanner: Scanner) -> tuple[str, Callable]:
    database, name = scanner.qualified()

    def run(session: Session) -> list[str]:
        table = table_of(session, database, name)
        if not table.keys:
            raise DdlFailure(f"{_TASK} Table {table.name} is not partitioned: there is nothing to repair")
        return repair.repair(table)

    return "MSCK_REPAIR_TABLE", _lines("result", run)


# ---- ALTER TABLE ----


def _alter(scanner: Scanner) -> tuple[str, Callable]:
    database, name = scanner.qualified()
    for words, read in _ALTERATIONS:
        if scanner.take(*words):
            label, change = read(scanner)
            return label, _silent(_on_table(change, database, name))
    raise scanner.unexpected("ADD, DROP, PARTITION, REPLACE, SET")


def _on_table(change: Callable[[Table, Session], None], database: str | None, name: str) -> Callable:
    return lambda session: change(table_of(session, database, name), session)


def _hive_only(table: Table) -> None:
    if table.is_iceberg:
        raise DdlFailure(
            f"SemanticException: {table.database}.{table.name} is an Iceberg table, which does not take this"
        )


def _add_partitions(scanner: Scanner) -> tuple[str, Callable]:
    lenient = scanner.take("IF", "NOT", "EXISTS")
    specs = []
    while scanner.take("PARTITION"):
        spec = _spec(scanner)
        specs.append((spec, scanner.text() if scanner.take("LOCATION") else None))
    if not specs:
        raise scanner.unexpected("PARTITION")

    def change(table: Table, _session: Session) -> None:
        _hive_only(table)
        registered = {tuple(raw["Values"]) for raw in catalog.partitions(table)}
        wanted = [(_values(table, spec), location) for spec, location in specs]
        for values, _ in wanted:
            if tuple(values) in registered and not lenient:
                raise DdlFailure(f"{_TASK} AlreadyExistsException(message:Partition already exists: {values})")
        for values, location in wanted:
            if tuple(values) not in registered:
                path = catalog.partition_path(table.keys, values)
                chosen = location or f"{table.location.rstrip('/')}/{path}"
                catalog.add_partition(table, values, chosen.rstrip("/") + "/")
                registered.add(tuple(values))

    return "ALTER_TABLE_ADD_PARTITION", change


def _drop_partitions(scanner: Scanner) -> tuple[str, Callable]:
    lenient = scanner.take("IF", "EXISTS")
    specs = []
    while scanner.take("PARTITION"):
        specs.append(_spec(scanner))
        scanner.take(",")
    if not specs:
        raise scanner.unexpected("PARTITION")

    def change(table: Table, _session: Session) -> None:
        _hive_only(table)
        for spec in specs:
            matching = [raw["Values"] for raw in catalog.partitions(table) if _matches(table, raw["Values"], spec)]
            if not matching and not lenient:
                raise DdlFailure(f"SemanticException [Error 10006]: Partition not found ({_spec_text(spec)})")
            for values in matching:
                catalog.drop_partition(table, values)

    return "ALTER_TABLE_DROP_PARTITION", change


def _partition_location(scanner: Scanner) -> tuple[str, Callable]:
    spec = _spec(scanner)
    scanner.expect("SET", "LOCATION")
    location = scanner.text()

    def change(table: Table, _session: Session) -> None:
        _hive_only(table)
        values = _values(table, spec)
        if values not in [raw["Values"] for raw in catalog.partitions(table)]:
            raise DdlFailure(f"SemanticException [Error 10006]: Partition not found ({_spec_text(spec)})")
        catalog.move_partition(table, values, location.rstrip("/") + "/")

    return "ALTER_TABLE_SET_LOCATION", change


def _table_location(scanner: Scanner) -> tuple[str, Callable]:
    location = scanner.text()

    def change(table: Table, _session: Session) -> None:
        _hive_only(table)
        moved = {**table.descriptor, "Location": location.rstrip("/") + "/"}
        catalog.update_table(table, {"StorageDescriptor": moved})

    return "ALTER_TABLE_SET_LOCATION", change


def _set_properties(scanner: Scanner) -> tuple[str, Callable]:
    properties = scanner.properties()

    def change(table: Table, session: Session) -> None:
        if table.is_iceberg:
            iceberg.set_properties(table, properties, session)
            return
        catalog.update_table(table, {"Parameters": {**table.parameters, **properties}})

    return "ALTER_TABLE_SET_TBLPROPERTIES", change


def _add_columns(scanner: Scanner) -> tuple[str, Callable]:
    columns = ddl.added_columns(scanner)

    def change(table: Table, session: Session) -> None:
        known = {column.name for column in [*table.columns, *table.keys]}
        twice = [column["Name"] for column in columns if column["Name"] in known]
        if twice:
            raise DdlFailure(f"{_TASK} Duplicate column name: {twice[0]}")
        if table.is_iceberg:
            iceberg.add_columns(table, columns, session)
            return
        wider = {**table.descriptor, "Columns": [*table.descriptor.get("Columns", []), *columns]}
        catalog.update_table(table, {"StorageDescriptor": wider})

    return "ALTER_TABLE_ADD_COLUMNS", change


def _replace_columns(scanner: Scanner) -> tuple[str, Callable]:
    columns = ddl.added_columns(scanner)

    def change(table: Table, _session: Session) -> None:
        _hive_only(table)
        catalog.update_table(table, {"StorageDescriptor": {**table.descriptor, "Columns": columns}})

    return "ALTER_TABLE_REPLACE_COLUMNS", change


def _drop_column(scanner: Scanner) -> tuple[str, Callable]:
    name = scanner.name()
    return "ALTER_TABLE_DROP_COLUMN", lambda table, session: iceberg.drop_column(_iceberg(table), name, session)


def _change_column(scanner: Scanner) -> tuple[str, Callable]:
    name, changed = scanner.name(), ddl.one_column(scanner)

    def change(table: Table, session: Session) -> None:
        iceberg.change_column(_iceberg(table), name, changed, session)

    return "ALTER_TABLE_CHANGE_COLUMN", change


def _iceberg(table: Table) -> Table:
    if not table.is_iceberg:
        raise DdlFailure(f"SemanticException: {table.database}.{table.name} is not an Iceberg table")
    return table


def _spec(scanner: Scanner) -> dict[str, str]:
    scanner.expect("(")
    spec = {}
    while True:
        key = scanner.name()
        if scanner.peek() in ("<", ">"):
            raise not_supported("a partition specification with a comparison other than =")
        scanner.expect("=")
        spec[key] = scanner.constant()
        if scanner.take(")"):
            return spec
        scanner.expect(",")


def _values(table: Table, spec: dict[str, str]) -> list[str]:
    names = [key.name for key in table.keys]
    if set(spec) != set(names):
        problem = f"Partition spec ({_spec_text(spec)}) does not name exactly the partition columns {names}"
        raise DdlFailure(f"SemanticException [Error 10098]: {problem}")
    return [spec[name] for name in names]


def _matches(table: Table, values: list[str], spec: dict[str, str]) -> bool:
    named = dict(zip((key.name for key in table.keys), values, strict=True))
    unknown = set(spec) - set(named)
    if unknown:
        raise DdlFailure(f"SemanticException [Error 10098]: Not a partition column: {sorted(unknown)[0]}")
    return all(named[key] == value for key, value in spec.items())


def _spec_text(spec: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in spec.items())


# ---- SHOW and DESCRIBE ----


def _show_databases(scanner: Scanner) -> tuple[str, Callable]:
    pattern = _pattern(scanner)
    return "SHOW_DATABASES", _lines("database_name", lambda _s: _like(catalog.databases(), pattern))


def _show_tables(scanner: Scanner, views: bool) -> tuple[str, Callable]:
    database = scanner.name() if scanner.take("IN") or scanner.take("FROM") else None
    pattern = _pattern(scanner)

    def run(session: Session) -> list[str]:
        require_database(database or session.database)
        found = catalog.tables(database or session.database)
        return _like([t.name for t in found if t.is_view or not views], pattern)

    return ("SHOW_VIEWS" if views else "SHOW_TABLES"), _lines("views" if views else "tab_name", run)


def _pattern(scanner: Scanner) -> str | None:
    scanner.take("LIKE")
    return None if scanner.done() else scanner.text()


def _like(names: list[str], pattern: str | None) -> list[str]:
    """Hive's patterns: * for anything, | between alternatives; Athena also reads a plain prefix pattern."""
    if pattern is None:
        return names
    choices = [choice.strip().lower() for choice in pattern.split("|")]
    return [name for name in names if any(fnmatch.fnmatchcase(name, choice) for choice in choices)]


def _show_partitions(scanner: Scanner) -> tuple[str, Callable]:
    database, name = scanner.qualified()
    spec = _spec(scanner) if scanner.take("PARTITION") else {}

    def run(session: Session) -> list[str]:
        table = table_of(session, database, name)
        if not table.keys:
            raise DdlFailure(f"SemanticException [Error 10001]: Table {table.name} is not a partitioned table")
        rows = [raw["Values"] for raw in catalog.partitions(table) if _matches(table, raw["Values"], spec)]
        return sorted(catalog.partition_path(table.keys, values) for values in rows)

    return "SHOW_PARTITIONS", _lines("partition", run)


def _show_columns(scanner: Scanner) -> tuple[str, Callable]:
    if not (scanner.take("IN") or scanner.take("FROM")):
        raise scanner.unexpected("FROM")
    database, name = scanner.qualified()
    if scanner.take("IN") or scanner.take("FROM"):
        database = scanner.name()

    def run(session: Session) -> list[str]:
        table = table_of(session, database, name)
        return [f"{column.name:<20}" for column in [*table.columns, *table.keys]]

    return "SHOW_COLUMNS", _lines("field", run)


def _show_create_table(scanner: Scanner) -> tuple[str, Callable]:
    database, name = scanner.qualified()

    def run(session: Session) -> list[str]:
        table = table_of(session, database, name)
        return iceberg.create_statement(table, session) if table.is_iceberg else ddl.create_statement(table)

    return "SHOW_CREATE_TABLE", _lines("createtab_stmt", run)


def _show_create_view(scanner: Scanner) -> tuple[str, Callable]:
    database, name = scanner.qualified()

    def run(session: Session) -> list[str]:
        view = table_of(session, database, name)
        if not view.is_view:
            raise DdlFailure(f"SemanticException: {view.database}.{view.name} is not a view")
        sql = catalog.view_sql(view)["originalSql"]
        return f"CREATE VIEW {view.database}.{view.name} AS\n{sql}".splitlines()

    return "SHOW_CREATE_VIEW", _lines("Create View", run)


def _show_properties(scanner: Scanner) -> tuple[str, Callable]:
    database, name = scanner.qualified()
    key = None
    if scanner.take("("):
        key = scanner.text()
        scanner.expect(")")

    def run(session: Session) -> Outcome:
        properties = table_of(session, database, name).parameters
        chosen = {key: properties.get(key, "")} if key else properties
        columns = [text_column("prpt_name"), text_column("prpt_value")]
        return Outcome(columns, [[k, str(v)] for k, v in sorted(chosen.items())], header=False, plain_text=True)

    return "SHOW_TBLPROPERTIES", run


def _describe(scanner: Scanner) -> tuple[str, Callable]:
    formatted = scanner.take("FORMATTED") or scanner.take("EXTENDED")
    scanner.take("TABLE")
    database, name = scanner.qualified()

    def run(session: Session) -> Outcome:
        table = table_of(session, database, name)
        if table.is_iceberg:
            rows = iceberg.described(table, session)
        else:
            rows = _formatted_rows(table) if formatted else _described_rows(table)
        columns = [text_column(label) for label in ("col_name", "data_type", "comment")]
        return Outcome(columns, rows, header=False, plain_text=True)

    return "DESCRIBE_TABLE", run


def _described_rows(table: Table) -> list[list[str | None]]:
    rows = [_column_row(column) for column in [*table.columns, *table.keys]]
    if table.keys:
        rows += [["", None, None], ["# Partition Information", None, None]]
        rows += [["# col_name            ", "data_type           ", "comment             "], ["", None, None]]
        rows += [_column_row(key) for key in table.keys]
    return rows


def _column_row(column: catalog.Column) -> list[str | None]:
    return [f"{column.name:<20}", f"{column.source:<20}", f"{column.comment:<20}"]


def _formatted_rows(table: Table) -> list[list[str | None]]:
    details = [
        ("Database:", table.database),
        ("Location:", table.location),
        ("Table Type:", "VIRTUAL_VIEW" if table.is_view else "EXTERNAL_TABLE"),
        ("SerDe Library:", (table.descriptor.get("SerdeInfo") or {}).get("SerializationLibrary", "")),
        ("InputFormat:", table.descriptor.get("InputFormat", "")),
        ("OutputFormat:", table.descriptor.get("OutputFormat", "")),
        *((f"Parameter {key}:", str(value)) for key, value in sorted(table.parameters.items())),
    ]
    header = [["# Detailed Table Information", None, None]]
    return [*_described_rows(table), ["", None, None], *header, *([f"{k:<20}", v, None] for k, v in details)]


_ALTERATIONS: list[tuple[tuple[str, ...], Callable]] = [
    (("ADD", "COLUMNS"), _add_columns),
    (("ADD",), _add_partitions),
    (("REPLACE", "COLUMNS"), _replace_columns),
    (("CHANGE", "COLUMN"), _change_column),
    (("CHANGE",), _change_column),
    (("DROP", "COLUMN"), _drop_column),
    (("DROP",), _drop_partitions),
    (("PARTITION",), _partition_location),
    (("SET", "TBLPROPERTIES"), _set_properties),
    (("SET", "LOCATION"), _table_location),
]
_STATEMENTS: list[tuple[tuple[str, ...], Callable]] = [
    (("CREATE", "DATABASE"), _create_database),
    (("CREATE", "SCHEMA"), _create_database),
    (("CREATE", "EXTERNAL", "TABLE"), lambda scanner: _create_table(scanner, True)),
    (("CREATE", "TABLE"), lambda scanner: _create_table(scanner, False)),
    (("DROP", "DATABASE"), _drop_database),
    (("DROP", "SCHEMA"), _drop_database),
    (("DROP", "TABLE"), lambda scanner: _drop(scanner, False)),
    (("DROP", "VIEW"), lambda scanner: _drop(scanner, True)),
    (("MSCK", "REPAIR", "TABLE"), _msck),
    (("ALTER", "TABLE"), _alter),
    (("SHOW", "DATABASES"), _show_databases),
    (("SHOW", "SCHEMAS"), _show_databases),
    (("SHOW", "TABLES"), lambda scanner: _show_tables(scanner, False)),
    (("SHOW", "VIEWS"), lambda scanner: _show_tables(scanner, True)),
    (("SHOW", "PARTITIONS"), _show_partitions),
    (("SHOW", "COLUMNS"), _show_columns),
    (("SHOW", "CREATE", "TABLE"), _show_create_table),
    (("SHOW", "CREATE", "VIEW"), _show_create_view),
    (("SHOW", "TBLPROPERTIES"), _show_properties),
    (("DESCRIBE",), _describe),
    (("DESC",), _describe),
]
