"""Checks the caller's rights on what Trino will read and write, before it does.

Trino itself reads Glue and S3 with the rights of the account. What a statement will use is what
`EXPLAIN (TYPE IO)` says of it: the tables, and the partitions that are left after the conditions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from ..core.queries import QueryFailed
from ..glue import tables
from ..glue.partition_filter import NULL_PARTITION
from ..glue.tables import Table
from ..s3 import objects
from ..trino import client, parser
from ..trino.client import Sql
from ..trino.server import HIVE, ICEBERG
from .session import Session

_KEY = re.compile(r"\$\{([^}]+)\}")
_VIEWS_DEEP = 20


def check(sql: Sql, parsed: parser.Parsed, session: Session) -> None:
    """Raise Denied or QueryFailed unless the caller may read and write what the statement reads and writes."""
    check_names(parsed, session, session.database)
    answer = client.run(sql.explained(), session, counted=False)
    plan = json.loads(answer.rows[0][0])
    for used in plan.get("inputTableColumnInfos", []):
        _check_input(used["table"], used.get("constraint", {}))
    if "outputTable" in plan:
        _check_output(plan["outputTable"], session)


def check_names(parsed: parser.Parsed, session: Session, database: str, depth: int = 0) -> None:
    """Views are not in the plan, and Trino's other catalogs are not Athena's."""
    for name in parsed.tables:
        if name.catalog not in (None, HIVE):
            raise QueryFailed("CATALOG_NOT_FOUND", f"Catalog '{name.catalog}' not found")
        schema = name.database or database
        if schema == "information_schema" or not tables.exists(schema, name.name):
            continue  # a name of the query's own WITH, or one that Trino reports
        table = tables.find_table(schema, name.name)
        if table is not None and table.is_view and depth < _VIEWS_DEEP:
            view = tables.view_sql(table)
            inner = parser.parse(session.trino, view["originalSql"])
            check_names(inner, session, view.get("schema") or schema, depth + 1)


def _table(named: dict) -> tuple[str, str, str]:
    schema_table = named["schemaTable"]
    return named["catalog"], schema_table["schema"], schema_table["table"]


def _check_input(named: dict, constraint: dict) -> None:
    source, schema, name = _table(named)
    if source not in (HIVE, ICEBERG):
        raise QueryFailed("CATALOG_NOT_FOUND", f"Catalog '{source}' not found")
    if schema == "information_schema":
        tables.databases()
        return
    table = _found(schema, name)
    if table is None:
        return  # a system table of Trino, which holds no data of S3
    _check_files(table, constraint)


def _found(schema: str, name: str) -> Table | None:
    tables.has_database(schema)
    # `t$partitions` and `t$snapshots` are about t.
    return tables.find_table(schema, name.split("$")[0])


def _check_files(table: Table, constraint: dict) -> None:
    for location, belongs in _locations(table, constraint):
        bucket, prefix = objects.folder(location)
        for item in objects.list_objects(bucket, prefix):
            relative = item.key[len(prefix) :]
            if belongs(relative) and not (objects.hidden(relative) and not table.is_iceberg):
                objects.require_object(item.bucket, item.key)


def _locations(table: Table, constraint: dict) -> Iterator[tuple[str, Callable[[str], Any]]]:
    """Folders that are read, and which of the keys below them."""
    domains = {found["columnName"]: found for found in constraint.get("columnConstraints", [])}
    if table.projected:
        yield _projected(table, domains)
    elif not table.keys or table.is_iceberg:
        yield table.location, lambda _key: True
    else:
        for raw in tables.partitions(table):
            if _matches(dict(zip((key.name for key in table.keys), raw["Values"], strict=False)), domains):
                yield (raw.get("StorageDescriptor") or {}).get("Location") or table.location, lambda _key: True


def _projected(table: Table, domains: dict) -> tuple[str, Callable[[str], Any]]:
    """The fixed part of the location, and a pattern that finds the values of the partition keys after it."""
    default = table.location.rstrip("/") + "".join(f"/{key.name}=${{{key.name}}}" for key in table.keys)
    template = table.parameters.get("storage.location.template") or default
    fixed, _, _ = template.partition("${")
    folder, _, rest = fixed.rpartition("/")
    parts = _KEY.split(rest + template[len(fixed) :])
    pattern = "".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))

    def belongs(key: str) -> bool:
        found = re.match(pattern.rstrip("/") + "/", key)
        return found is not None and _matches(found.groupdict(), domains)

    return folder + "/", belongs


def _matches(values: dict[str, str], domains: dict) -> bool:
    return all(_inside(values[name], domain) for name, domain in domains.items() if name in values)


def _inside(value: str, column: dict) -> bool:
    domain, kind = column["domain"], column["type"]
    if value == NULL_PARTITION:
        return bool(domain.get("nullsAllowed"))
    try:
        return any(_between(_comparable(value, kind), found, kind) for found in domain.get("ranges", []))
    except ValueError:
        return True  # Trino reports a value that does not fit


def _between(value: Any, span: dict, kind: str) -> bool:
    low, high = span.get("low", {}), span.get("high", {})
    if "value" in low:
        bound = _comparable(low["value"], kind)
        if value < bound or (value == bound and low["bound"] == "ABOVE"):
            return False
    if "value" in high:
        bound = _comparable(high["value"], kind)
        if value > bound or (value == bound and high["bound"] == "BELOW"):
            return False
    return True


def _comparable(value: str, kind: str) -> Any:
    if kind in ("tinyint", "smallint", "integer", "bigint"):
        return int(value)
    return date.fromisoformat(value) if kind == "date" else value


def _check_output(named: dict, session: Session) -> None:
    _, schema, name = _table(named)
    table = _found(schema, name)
    if table is None:  # CREATE TABLE AS
        return
    objects.require_write(table.location, session.query_id)
    if table.is_iceberg:
        tables.require("UpdateTable", schema, name)
    elif table.keys:
        tables.require("BatchCreatePartition", schema, name)
