"""MSCK REPAIR TABLE: registers the partitions under the table's location that the catalog lacks."""

from __future__ import annotations

from urllib.parse import unquote

from . import catalog, store
from .catalog import Table


def repair(table: Table) -> list[str]:
    """Add what is missing and change nothing else. Returns the lines that Athena prints."""
    found = _on_storage(table)
    registered = {
        tuple(raw["Values"]): (raw.get("StorageDescriptor") or {}).get("Location", "")
        for raw in catalog.partitions(table)
    }
    new = [values for values in found if values not in registered]
    gone = [
        values
        for values, location in registered.items()
        if values not in found and _is_default(table, values, location)
    ]
    lines = []
    if new:
        lines.append("Partitions not in metastore:\t" + "\t".join(_shown(table, values) for values in new))
    if gone:
        lines.append("Partitions missing from filesystem:\t" + "\t".join(_shown(table, values) for values in gone))
    catalog.add_partitions(table, {values: found[values] for values in new})
    lines += [f"Repair: Added partition to metastore {_shown(table, values)}" for values in new]
    return lines


def _on_storage(table: Table) -> dict[tuple[str, ...], str]:
    """Partition values -> location of every key=value folder with data."""
    bucket, prefix = store.folder(table.location)
    found: dict[tuple[str, ...], str] = {}
    for item in store.list_objects(bucket, prefix):
        relative = item.key[len(prefix) :]
        folders = relative.split("/")[:-1][: len(table.keys)]
        values = _values(table, folders)
        if values is None or store.hidden(relative) or not item.size:
            continue
        found.setdefault(values, f"s3://{bucket}/{prefix}{'/'.join(folders)}/")
    return found


def _values(table: Table, folders: list[str]) -> tuple[str, ...] | None:
    pairs = [folder.partition("=") for folder in folders]
    names = [name for name, _, _ in pairs]
    # Athena accepts only lower-case folder names, in the order of the partition keys.
    if names != [key.name for key in table.keys] or not all(value for _, _, value in pairs):
        return None
    return tuple(unquote(value) for _, _, value in pairs)


def _is_default(table: Table, values: tuple[str, ...], location: str) -> bool:
    return location.rstrip("/") == f"{table.location.rstrip('/')}/{catalog.partition_path(table.keys, list(values))}"


def _shown(table: Table, values: tuple[str, ...]) -> str:
    return f"{table.name}:{catalog.partition_path(table.keys, list(values))}"
