"""The partitions of a table: added, dropped, moved and listed, and MSCK REPAIR TABLE."""

from __future__ import annotations

from urllib.parse import unquote

from ..core.queries import not_supported
from ..glue import tables
from ..glue.tables import Table
from ..s3 import objects
from .errors import TASK, DdlFailed
from .scanner import Scanner
from .syntax import READERS, read

Spec = dict[str, str]


# ---- Reading ----


def read_spec(scanner: Scanner) -> Spec:
    """`(year = '2026', month = 11)`."""
    return dict(scanner.listed(lambda: _read_pair(scanner)))


def _read_pair(scanner: Scanner) -> tuple[str, str]:
    key = scanner.name()
    if scanner.peek() in ("<", ">"):
        raise not_supported("a partition specification with a comparison other than =")
    scanner.expect("=")
    return key, scanner.constant()


def read_added(scanner: Scanner) -> list[dict]:
    """`PARTITION (…) LOCATION '…'`, one or more."""
    found: list[dict] = []
    while not found or not scanner.done():
        found.append(read(scanner, "PARTITION spec [LOCATION location:text]", {**READERS, "spec": read_spec}))
    return found


def read_dropped(scanner: Scanner) -> list[Spec]:
    """`PARTITION (…), PARTITION (…)`."""
    found: list[Spec] = []
    while not found or scanner.take(","):
        scanner.expect("PARTITION")
        found.append(read_spec(scanner))
    return found


# ---- Running ----


def add(table: Table, partitions: list[dict], if_not_exists: bool = False) -> None:
    registered = {tuple(raw["Values"]) for raw in tables.partitions(table)}
    wanted = [(_values(table, one["spec"]), one.get("location")) for one in partitions]
    for values, _ in wanted:
        if values in registered and not if_not_exists:
            raise DdlFailed(f"{TASK} AlreadyExistsException(message:Partition already exists: {list(values)})")
    for values, location in wanted:
        if values not in registered:
            chosen = location or _default_location(table, values)
            tables.add_partition(table, list(values), chosen.rstrip("/") + "/")
            registered.add(values)


def drop(table: Table, specs: list[Spec], if_exists: bool = False) -> None:
    for spec in specs:
        found = _matching(table, spec)
        if not found and not if_exists:
            raise _not_found(spec)
        for values in found:
            tables.drop_partition(table, values)


def move(table: Table, spec: Spec, location: str) -> None:
    values = list(_values(table, spec))
    if not _matching(table, spec):
        raise _not_found(spec)
    tables.move_partition(table, values, location.rstrip("/") + "/")


def show(table: Table, spec: Spec | None = None) -> list[str]:
    if not table.keys:
        raise DdlFailed(f"SemanticException [Error 10001]: Table {table.name} is not a partitioned table")
    return sorted(tables.partition_path(table.keys, values) for values in _matching(table, spec or {}))


def _values(table: Table, spec: Spec) -> tuple[str, ...]:
    names = [key.name for key in table.keys]
    if set(spec) != set(names):
        problem = f"Partition spec ({_text(spec)}) does not name exactly the partition columns {names}"
        raise DdlFailed(f"SemanticException [Error 10098]: {problem}")
    return tuple(spec[name] for name in names)


def _matching(table: Table, spec: Spec) -> list[list[str]]:
    """The values of the partitions that the specification names, or some of whose keys it names."""
    names = [key.name for key in table.keys]
    unknown = sorted(set(spec) - set(names))
    if unknown:
        raise DdlFailed(f"SemanticException [Error 10098]: Not a partition column: {unknown[0]}")
    found = [raw["Values"] for raw in tables.partitions(table)]
    return [values for values in found if spec.items() <= dict(zip(names, values, strict=True)).items()]


def _not_found(spec: Spec) -> DdlFailed:
    return DdlFailed(f"SemanticException [Error 10006]: Partition not found ({_text(spec)})")


def _text(spec: Spec) -> str:
    return ", ".join(f"{key}={value}" for key, value in spec.items())


def _default_location(table: Table, values: tuple[str, ...]) -> str:
    return f"{table.location.rstrip('/')}/{tables.partition_path(table.keys, list(values))}"


# ---- MSCK REPAIR TABLE ----


def repair(table: Table) -> list[str]:
    """Register the partitions under the table's location that the catalog lacks, and change nothing else. Returns the
    lines that Athena prints."""
    if not table.keys:
        raise DdlFailed(f"{TASK} Table {table.name} is not partitioned: there is nothing to repair")
    found = _on_storage(table)
    registered = {
        tuple(raw["Values"]): (raw.get("StorageDescriptor") or {}).get("Location", "")
        for raw in tables.partitions(table)
    }
    new = [values for values in found if values not in registered]
    gone = [
        values
        for values, location in registered.items()
        if values not in found and location.rstrip("/") == _default_location(table, values)
    ]
    lines = []
    if new:
        lines.append("Partitions not in metastore:\t" + "\t".join(_shown(table, values) for values in new))
    if gone:
        lines.append("Partitions missing from filesystem:\t" + "\t".join(_shown(table, values) for values in gone))
    tables.add_partitions(table, {values: found[values] for values in new})
    return [*lines, *(f"Repair: Added partition to metastore {_shown(table, values)}" for values in new)]


def _on_storage(table: Table) -> dict[tuple[str, ...], str]:
    """Partition values -> location of every key=value folder with data."""
    bucket, prefix = objects.folder(table.location)
    found: dict[tuple[str, ...], str] = {}
    for item in objects.list_objects(bucket, prefix):
        relative = item.key[len(prefix) :]
        folders = relative.split("/")[:-1][: len(table.keys)]
        values = _values_of(table, folders)
        if values is not None and item.size and not objects.hidden(relative):
            found.setdefault(values, f"s3://{bucket}/{prefix}{'/'.join(folders)}/")
    return found


def _values_of(table: Table, folders: list[str]) -> tuple[str, ...] | None:
    pairs = [folder.partition("=") for folder in folders]
    names = [name for name, _, _ in pairs]
    # Athena accepts only lower-case folder names, in the order of the partition keys.
    if names != [key.name for key in table.keys] or not all(value for _, _, value in pairs):
        return None
    return tuple(unquote(value) for _, _, value in pairs)


def _shown(table: Table, values: tuple[str, ...]) -> str:
    return f"{table.name}:{tables.partition_path(table.keys, list(values))}"
