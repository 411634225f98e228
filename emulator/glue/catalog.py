"""Replaces the partition calls of MiniStack's Glue catalog. Adds filters, paging, checks and missing calls."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import glue

from ..core.context import Context
from ..core.paging import InvalidToken, page
from .partition_filter import InvalidExpression, matcher

HANDLERS = (
    "_create_partition",
    "_delete_partition",
    "_get_partition",
    "_get_partitions",
    "_batch_create_partition",
    "_batch_get_partition",
    "_batch_update_partition",
)
# Calls that MiniStack answers, except that it also stores what was not given.
CREATORS = ("_create_database", "_create_table")
PATCHES = [
    ("ministack.services.glue", name)
    for name in (
        *(*HANDLERS, *CREATORS, "_handle_request_sync"),
        *("_databases", "_tables", "_partitions", "_partition_column_statistics"),
    )
]

MAX_RESULTS = 1000
MAX_SEGMENTS = 10
BATCH_LIMITS = {"create": 100, "delete": 25, "update": 100, "get": 1000}


# Each call runs in its own thread. Without a lock, two calls could create the same partition.
_lock = threading.RLock()


class CatalogError(Exception):
    """An API error with its code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(context: Context) -> None:
    for name in HANDLERS:
        setattr(glue, name, _answering(globals()[name]))
    glue._create_database = _without_absent(
        glue._create_database, lambda data: glue._databases.get(_name(data, "Database"))
    )
    glue._create_table = _without_absent(
        glue._create_table, lambda data: glue._tables.get(f"{data.get('DatabaseName')}/{_name(data, 'Table')}")
    )
    # MiniStack does not have these two calls. Its own dispatcher handles all other calls.
    added = {
        "UpdatePartition": _answering(_update_partition),
        "BatchDeletePartition": _answering(_batch_delete_partition),
    }
    dispatch = glue._handle_request_sync

    def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
        handler = added.get(headers.get("x-amz-target", "").split(".")[-1])
        if handler and not path.startswith("/iceberg"):
            return handler(json.loads(body or "{}"))
        return dispatch(method, path, headers, body, query_params)

    glue._handle_request_sync = handle


def _name(data: dict, kind: str) -> str:
    return (data.get(f"{kind}Input") or {}).get("Name", "")


def _without_absent(create: Callable[[dict], tuple], created: Callable[[dict], dict | None]) -> Callable[[dict], tuple]:
    """AWS returns no field that was not given. Trino takes an empty description for the comment of a view."""

    def answer(data: dict) -> tuple:
        response = create(data)
        stored = created(data)
        if response[0] < 300 and stored is not None:
            for field in [name for name, value in stored.items() if value in ("", None)]:
                del stored[field]
        return response

    return answer


def _answering(handler: Callable[[dict], dict]) -> Callable[[dict], tuple]:
    def answer(data: dict) -> tuple:
        try:
            with _lock:
                return json_response(handler(data))
        except CatalogError as problem:
            return error_response_json(problem.code, str(problem), 400)

    return answer


# ---- reading ----


def _get_partitions(data: dict) -> dict:
    table = _table(data)
    partitions = list(glue._partitions.get(_key(data), []))
    expression = (data.get("Expression") or "").strip()
    try:
        if expression:
            matches = matcher(expression, table.get("PartitionKeys") or [])
            partitions = [partition for partition in partitions if matches(partition["Values"])]
        partitions = _segment(partitions, data.get("Segment"))
        scope = json.dumps([_key(data), expression, data.get("Segment")], sort_keys=True)
        found, token = page(partitions, data.get("MaxResults"), data.get("NextToken"), limit=MAX_RESULTS, scope=scope)
    except (InvalidExpression, InvalidToken) as problem:
        raise CatalogError("InvalidInputException", str(problem)) from None
    if data.get("ExcludeColumnSchema"):
        found = [_without_columns(partition) for partition in found]
    return {"Partitions": found, **({"NextToken": token} if token else {})}


def _segment(partitions: list[dict], segment: dict | None) -> list[dict]:
    """The partitions of one segment of a parallel read. A partition is always in the same segment."""
    if not segment:
        return partitions
    number, total = segment.get("SegmentNumber", -1), segment.get("TotalSegments", 0)
    if not 1 <= total <= MAX_SEGMENTS or not 0 <= number < total:
        raise CatalogError(
            "InvalidInputException",
            f"Segment needs TotalSegments from 1 to {MAX_SEGMENTS} and a SegmentNumber below it, "
            f"got {number} of {total}",
        )
    return [
        partition for partition in partitions if zlib.crc32("/".join(partition["Values"]).encode()) % total == number
    ]


def _without_columns(partition: dict) -> dict:
    descriptor = {key: value for key, value in partition.get("StorageDescriptor", {}).items() if key != "Columns"}
    return {**partition, "StorageDescriptor": descriptor}


def _get_partition(data: dict) -> dict:
    _table(data)
    return {"Partition": _existing(data, data.get("PartitionValues") or [])}


def _batch_get_partition(data: dict) -> dict:
    _table(data)
    wanted = _batch(data.get("PartitionsToGet"), "get")
    found = [_find(data, entry.get("Values") or []) for entry in wanted]
    # UnprocessedKeys only lists partitions that could not be read. Missing partitions are not returned.
    return {"Partitions": [partition for partition in found if partition], "UnprocessedKeys": []}


# ---- writing ----


def _create_partition(data: dict) -> dict:
    _add(data, _table(data), data.get("PartitionInput") or {}, _registered(data))
    return {}


def _batch_create_partition(data: dict) -> dict:
    table = _table(data)
    inputs = _batch(data.get("PartitionInputList"), "create")
    registered = _registered(data)
    return _each(inputs, lambda entry: entry.get("Values") or [], lambda entry: _add(data, table, entry, registered))


def _update_partition(data: dict) -> dict:
    _replace(data, _table(data), data.get("PartitionValueList") or [], data.get("PartitionInput") or {})
    return {}


def _batch_update_partition(data: dict) -> dict:
    table = _table(data)
    entries = _batch(data.get("Entries"), "update")
    return _each(
        entries,
        lambda entry: entry.get("PartitionValueList") or [],
        lambda entry: _replace(data, table, entry.get("PartitionValueList") or [], entry.get("PartitionInput") or {}),
        values_name="PartitionValueList",
    )


def _delete_partition(data: dict) -> dict:
    _table(data)
    _remove(data, data.get("PartitionValues") or [])
    return {}


def _batch_delete_partition(data: dict) -> dict:
    _table(data)
    entries = _batch(data.get("PartitionsToDelete"), "delete")
    return _each(
        entries,
        lambda entry: entry.get("Values") or [],
        lambda entry: _remove(data, entry.get("Values") or []),
    )


def _each(entries: list[dict], values: Callable, act: Callable, values_name: str = "PartitionValues") -> dict:
    """Process each entry of a batch, and return the failed entries as errors."""
    errors = []
    for entry in entries:
        try:
            act(entry)
        except CatalogError as problem:
            detail = {"ErrorCode": problem.code, "ErrorMessage": str(problem)}
            errors.append({values_name: values(entry), "ErrorDetail": detail})
    return {"Errors": errors}


def _registered(data: dict) -> set[tuple[str, ...]]:
    """The values of all partitions. Collected once per request."""
    return {tuple(partition["Values"]) for partition in glue._partitions.get(_key(data), [])}


def _add(data: dict, table: dict, partition: dict, registered: set[tuple[str, ...]]) -> None:
    values = _checked_values(table, partition.get("Values"))
    if tuple(values) in registered:
        raise CatalogError("AlreadyExistsException", "Partition already exists.")
    registered.add(tuple(values))
    # A new list, because another thread may be reading the old one.
    glue._partitions[_key(data)] = [*glue._partitions.get(_key(data), []), _record(data, partition, values)]


def _replace(data: dict, table: dict, old_values: list[str], partition: dict) -> None:
    """Replace the definition of a partition. If its values change, it is renamed and keeps its CreationTime."""
    existing = _existing(data, old_values)
    values = _checked_values(table, partition.get("Values") or old_values)
    if values != old_values and _find(data, values):
        raise CatalogError("AlreadyExistsException", "Partition already exists.")
    replaced = {**_record(data, partition, values), "CreationTime": existing["CreationTime"]}
    glue._partitions[_key(data)] = [
        replaced if other is existing else other for other in glue._partitions.get(_key(data), [])
    ]


def _remove(data: dict, values: list[str]) -> None:
    existing = _existing(data, values)
    key = _key(data)
    glue._partitions[key] = [other for other in glue._partitions[key] if other is not existing]
    if key in glue._partition_column_statistics:
        glue._partition_column_statistics[key] = [
            entry for entry in glue._partition_column_statistics[key] if entry.get("Values") != values
        ]


def _record(data: dict, partition: dict, values: list[str]) -> dict:
    now = int(time.time())
    return {
        "LastAccessTime": now,
        **partition,
        "Values": values,
        "DatabaseName": data.get("DatabaseName"),
        "TableName": data.get("TableName"),
        "CreationTime": now,
        "CatalogId": get_account_id(),
    }


# ---- helpers ----


def _key(data: dict) -> str:
    return f"{data.get('DatabaseName')}/{data.get('TableName')}"


def _table(data: dict) -> dict:
    table = glue._tables.get(_key(data))
    if not table:
        raise CatalogError("EntityNotFoundException", f"Table {data.get('TableName')} not found.")
    return table


def _find(data: dict, values: list[str]) -> dict | None:
    partitions = glue._partitions.get(_key(data), [])
    return next((partition for partition in partitions if partition.get("Values") == values), None)


def _existing(data: dict, values: list[str]) -> dict:
    found = _find(data, values)
    if not found:
        raise CatalogError("EntityNotFoundException", f"Partition not found: {'/'.join(values)}")
    return found


def _checked_values(table: dict, values: list[str] | None) -> list[str]:
    keys = [key["Name"] for key in table.get("PartitionKeys") or []]
    if not values or len(values) != len(keys):
        raise CatalogError(
            "InvalidInputException",
            f"The number of partition keys and of values do not match: {keys} and {values or []}",
        )
    return list(values)


def _batch(entries: list[dict] | None, kind: str) -> list[dict]:
    entries, limit = entries or [], BATCH_LIMITS[kind]
    if len(entries) > limit:
        raise CatalogError("ValidationException", f"A batch can have at most {limit} entries, got {len(entries)}")
    return entries
