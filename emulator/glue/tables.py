"""The Glue catalog for the engines of this process, with the rights of the caller: databases, tables, partitions."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from ministack.core.responses import get_account_id, get_region
from ministack.services import glue

from ..core import request_log
from ..core.queries import QueryFailed
from ..iam import permissions
from .catalog import BATCH_LIMITS, MAX_RESULTS, CatalogError

PATCHES = [
    ("ministack.services.glue", name)
    for name in (
        *("_databases", "_tables", "_partitions", "_create_database", "_delete_database", "_create_table"),
        *("_update_table", "_delete_table", "_create_partition", "_batch_create_partition", "_delete_partition"),
    )
]
_VIEW_PREFIX, _VIEW_SUFFIX = "/* Presto View: ", " */"


@dataclass(frozen=True)
class Column:
    """A column of a table, with its Hive type."""

    name: str
    source: str
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """One Glue table."""

    database: str
    name: str
    raw: dict

    @property
    def descriptor(self) -> dict:
        return self.raw.get("StorageDescriptor") or {}

    @property
    def location(self) -> str:
        return self.descriptor.get("Location") or ""

    @property
    def parameters(self) -> dict:
        return self.raw.get("Parameters") or {}

    @property
    def columns(self) -> list[Column]:
        return _columns(self.descriptor.get("Columns"))

    @property
    def keys(self) -> list[Column]:
        return _columns(self.raw.get("PartitionKeys"))

    @property
    def is_view(self) -> bool:
        return self.raw.get("TableType") == "VIRTUAL_VIEW"

    @property
    def is_iceberg(self) -> bool:
        return str(self.parameters.get("table_type", "")).lower() == "iceberg"

    @property
    def projected(self) -> bool:
        return str(self.parameters.get("projection.enabled", "")).lower() == "true"


def _columns(raw: list | None) -> list[Column]:
    return [Column(c["Name"].lower(), c.get("Type") or "string", c.get("Comment") or "") for c in raw or []]


def require(action: str, database: str | None = None, table: str | None = None, *, pages: int = 1) -> None:
    """Check the caller's permission in the catalog. Glue checks each level down to the named one."""
    levels = ["catalog"]
    levels += [f"database/{database}"] if database else []
    levels += [f"table/{database}/{table}"] if table else []
    arns = [f"arn:aws:glue:{get_region()}:{get_account_id()}:{level}" for level in levels]
    permissions.require(f"glue:{action}", *arns)
    request_log.add_of_athena(f"glue:{action}", arns[-1], pages=pages)


def look_at_default() -> None:
    """For DDL, Athena also reads the default database."""
    require("GetDatabase", "default")


def databases() -> list[str]:
    require("GetDatabases")
    return sorted(glue._databases.keys())


def has_database(name: str) -> bool:
    require("GetDatabase", name)
    return name in glue._databases


def tables(database: str) -> list[Table]:
    require("GetTables", database, "*")
    found = [(key, raw) for key, raw in glue._tables.items() if key.split("/", 1)[0] == database]
    return [Table(database, raw["Name"], raw) for _, raw in sorted(found)]


def exists(database: str, name: str) -> bool:
    """Whether there is such a table, without asking for the right to see it."""
    return f"{database}/{name}" in glue._tables


def find_table(database: str, name: str) -> Table | None:
    require("GetTable", database, name)
    raw = glue._tables.get(f"{database}/{name}")
    return Table(database, name, raw) if raw else None


def partitions(table: Table) -> list[dict]:
    found = list(glue._partitions.get(f"{table.database}/{table.name}", []))
    require("GetPartitions", table.database, table.name, pages=max(1, math.ceil(len(found) / MAX_RESULTS)))
    return found


def _call(action: Callable[[dict], tuple], request: dict) -> None:
    """Run one of MiniStack's Glue actions. Raises CatalogError with its error."""
    status, _, body = action(request)
    if status >= 300:
        answer = json.loads(body)
        code = str(answer.get("__type", "GlueException")).split("#")[-1]
        raise CatalogError(code, answer.get("message") or answer.get("Message") or "")


def create_database(name: str, description: str, location: str | None, parameters: dict) -> None:
    require("CreateDatabase", name)
    fields = {"Name": name, "Description": description, "LocationUri": location, "Parameters": parameters}
    _call(glue._create_database, {"DatabaseInput": fields})


def drop_database(name: str) -> None:
    require("DeleteDatabase", name)
    _call(glue._delete_database, {"Name": name})


def create_table(database: str, table_input: dict) -> None:
    require("CreateTable", database, table_input["Name"])
    _call(glue._create_table, {"DatabaseName": database, "TableInput": table_input})


def update_table(table: Table, changes: dict) -> None:
    require("UpdateTable", table.database, table.name)
    _call(glue._update_table, {"DatabaseName": table.database, "TableInput": {"Name": table.name, **changes}})


def drop_table(table: Table) -> None:
    require("DeleteTable", table.database, table.name)
    _call(glue._delete_table, {"DatabaseName": table.database, "Name": table.name})


def add_partition(table: Table, values: list[str], location: str) -> None:
    """Register one partition with the table's own format."""
    require("CreatePartition", table.database, table.name)
    _call(glue._create_partition, {**_named(table), "PartitionInput": _partition(table, values, location)})


def add_partitions(table: Table, locations: dict[tuple[str, ...], str]) -> None:
    """Register new partitions with the table's own format, 100 a call, as the API takes them. One that another
    caller has just made stays as it is."""
    inputs = [_partition(table, list(values), location) for values, location in locations.items()]
    for start in range(0, len(inputs), BATCH_LIMITS["create"]):
        require("BatchCreatePartition", table.database, table.name)
        some = inputs[start : start + BATCH_LIMITS["create"]]
        _call(glue._batch_create_partition, {**_named(table), "PartitionInputList": some})


def _named(table: Table) -> dict[str, str]:
    return {"DatabaseName": table.database, "TableName": table.name}


def _partition(table: Table, values: list[str], location: str) -> dict:
    descriptor = {**table.descriptor, "Location": location}
    return {"Values": values, "StorageDescriptor": descriptor, "Parameters": {}}


def drop_partition(table: Table, values: list[str]) -> None:
    require("DeletePartition", table.database, table.name)
    _call(glue._delete_partition, {**_named(table), "PartitionValues": values})


def move_partition(table: Table, values: list[str], location: str) -> None:
    require("UpdatePartition", table.database, table.name)
    for partition in glue._partitions.get(f"{table.database}/{table.name}", []):
        if partition.get("Values") == values:
            partition["StorageDescriptor"] = {**partition.get("StorageDescriptor", {}), "Location": location}


def partition_path(keys: list[Column], values: list[str]) -> str:
    """Hive's folder name of a partition: `year=2026/month=11`, special characters escaped."""
    pairs = zip(keys, values, strict=True)
    return "/".join(f"{key.name}={_escape(value)}" for key, value in pairs)


def _escape(value: str) -> str:
    special = set("\"#%'*/:=?\\{[]^") | {chr(code) for code in range(1, 32)} | {"\x7f"}
    return "".join(f"%{ord(ch):02X}" if ch in special else ch for ch in value)


def view_sql(table: Table) -> dict:
    """What CREATE VIEW stored: originalSql, catalog, schema, columns."""
    source = str(table.raw.get("ViewOriginalText") or "")
    if not source.startswith(_VIEW_PREFIX):
        raise QueryFailed("NOT_SUPPORTED", f"{table.database}.{table.name} is not a view made by Athena or Trino")
    return json.loads(base64.b64decode(source[len(_VIEW_PREFIX) : -len(_VIEW_SUFFIX)]))
