"""Checks the caller's rights on what Trino will read and write, before it does.

Trino itself reads Glue and S3 with the rights of the account. What a statement will use is what
`EXPLAIN (TYPE IO)` says of it: the tables, and the partitions that are left after the conditions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
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
        _check_input(used["table"], used.get("constraint", {}), session)
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


def _check_input(named: dict, constraint: dict, session: Session) -> None:
    source, schema, name = _table(named)
    if source not in (HIVE, ICEBERG):
        raise QueryFailed("CATALOG_NOT_FOUND", f"Catalog '{source}' not found")
    if schema == "information_schema":
        tables.databases()
        return
    table = _found(schema, name)
    if table is None:
        return  # a system table of Trino, which holds no data of S3
    _check_files(table, constraint, session)


def _found(schema: str, name: str) -> Table | None:
    tables.has_database(schema)
    # `t$partitions` and `t$snapshots` are about t.
    return tables.find_table(schema, name.split("$")[0])


def _check_files(table: Table, constraint: dict, session: Session) -> None:
    for location in _locations(table, constraint, session):
        bucket, prefix = objects.folder(location)
        for item in objects.list_objects(bucket, prefix):
            if table.is_iceberg or not objects.hidden(item.key[len(prefix) :]):
                objects.require_object(item.bucket, item.key)


def _locations(table: Table, constraint: dict, session: Session) -> Iterator[str]:
    """The folders that are read."""
    domains = {found["columnName"]: found for found in constraint.get("columnConstraints", [])}
    if table.projected:
        yield from _projected(table, domains, session)
    elif not table.keys or table.is_iceberg:
        yield table.location
    else:
        for raw in tables.partitions(table):
            if _matches(dict(zip((key.name for key in table.keys), raw["Values"], strict=False)), domains):
                yield (raw.get("StorageDescriptor") or {}).get("Location") or table.location


def _projected(table: Table, domains: dict, session: Session) -> Iterator[str]:
    """The folders of the partitions that Trino projects for these conditions. No other folder is listed."""
    names = [key.name for key in table.keys]
    default = table.location.rstrip("/") + "".join(f"/{name}=${{{name}}}" for name in names)
    template = table.parameters.get("storage.location.template") or default
    conditions = [_condition(domains[name]) for name in names if name in domains]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT {_listed(names)} FROM {_quoted(table.database)}.{_quoted(table.name + '$partitions')}{where}"
    for row in client.run(Sql(sql, takes_values=False), session, counted=False).rows:
        values = dict(zip(names, map(str, row), strict=True))
        yield _KEY.sub(lambda found, values=values: values[found.group(1).lower()], template)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _condition(column: dict) -> str:
    """The constraint of a column as SQL."""
    domain, name = column["domain"], _quoted(column["columnName"])
    spans = [_span(name, span, column["type"]) for span in domain.get("ranges", [])]
    spans += [f"{name} IS NULL"] if domain.get("nullsAllowed") else []
    return f"({' OR '.join(spans)})" if spans else "false"


def _span(name: str, span: dict, kind: str) -> str:
    bounds = []
    for end, beyond in (("low", ">"), ("high", "<")):
        found = span.get(end, {})
        if "value" in found:
            value = found["value"].replace("'", "''")
            exactly = "=" if found["bound"] == "EXACTLY" else ""
            bounds.append(f"{name} {beyond}{exactly} CAST('{value}' AS {kind})")
    return f"({' AND '.join(bounds)})" if bounds else f"{name} IS NOT NULL"


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
