"""The files of a table: its registered (or projected) partitions, and the data files under each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import catalog, projection, store
from .catalog import Table
from .errors import AthenaFailure


@dataclass(frozen=True)
class Partition:
    """One partition to read; an unpartitioned table is one partition without values."""

    values: tuple[str | None, ...]
    location: str
    descriptor: dict


@dataclass(frozen=True)
class DataFile:
    """One object to read and the partition that it belongs to."""

    item: store.S3Object
    partition: Partition


def partitions(table: Table, wanted: dict[str, set[str]]) -> list[Partition]:
    """The partitions of the catalog (or of the table's projection). `wanted` contains the constants that the query
    compares partition columns with. Only an injected projection needs them."""
    if not table.keys:
        return [Partition((), _location(table, table.descriptor), table.descriptor)]
    if table.projected:
        return _projected(table, wanted)
    found = []
    for raw in catalog.partitions(table):
        values = tuple(None if v == catalog.DEFAULT_PARTITION else v for v in raw["Values"])
        if len(values) != len(table.keys):
            detail = f"{list(raw['Values'])} for the partition keys {[key.name for key in table.keys]}"
            raise AthenaFailure("HIVE_INVALID_METADATA", f"Partition of {table.name} has the values {detail}")
        descriptor = raw.get("StorageDescriptor") or {}
        found.append(Partition(values, _location(table, descriptor), {**table.descriptor, **descriptor}))
    return found


def _location(table: Table, descriptor: dict) -> str:
    location = descriptor.get("Location")
    if not location:
        raise AthenaFailure("HIVE_INVALID_METADATA", f"{table.database}.{table.name} has no Location")
    return location


def _projected(table: Table, wanted: dict[str, set[str]]) -> list[Partition]:
    names = [key.name for key in table.keys]
    choices = [projection.values_of(key, table.parameters, wanted.get(key.name)) for key in table.keys]
    projection.check_size(choices)
    template = table.parameters.get("storage.location.template")
    found = []
    for values in itertools.product(*choices):
        if template:
            location = projection.fill(template, dict(zip(names, values, strict=True)))
        else:
            location = table.location.rstrip("/") + "/" + catalog.partition_path(table.keys, list(values))
        found.append(Partition(values, location, {**table.descriptor, "Location": location}))
    return found


def files(chosen: Iterable[Partition], cancelled: Callable[[], bool]) -> list[DataFile]:
    """The data files under the partitions' locations, at any depth, without hidden files."""
    found = []
    list_objects = store.lister()
    for partition in chosen:
        if cancelled():
            break
        bucket, prefix = store.folder(partition.location)
        for item in list_objects(bucket, prefix):
            if item.size and not item.key.endswith("/") and not hidden(item.key[len(prefix) :]):
                found.append(DataFile(item, partition))
    return found


def hidden(relative_key: str) -> bool:
    """Hive and Trino ignore names that start with `_` or `.`: _SUCCESS, _temporary/, .spark-staging-1/."""
    return any(part.startswith(("_", ".")) for part in relative_key.split("/"))
