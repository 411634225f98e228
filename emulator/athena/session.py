"""One query while it runs, and what it returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..trino import client


@dataclass(kw_only=True)
class Session(client.Session):
    query_id: str
    workgroup: str
    # Where Athena writes the tables of CREATE TABLE AS that name no location.
    output: str
    # The list of the files that the query wrote, as an S3 address.
    manifest: str | None = None


@dataclass
class Outcome:
    """What a query returned: columns as ColumnInfo, rows as Athena's texts."""

    columns: list[dict] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    # Whether the column names are the first row, as in the result of a SELECT.
    header: bool = False
    # Results of DDL and SHOW are a text file, not CSV.
    plain_text: bool = True
    update_count: int | None = None
    keep_result_file: bool = True


Run = Callable[[Session], Outcome]


def printed(labels: Sequence[str], lines: Sequence[str | list[str | None]] | None, *, header: bool = False) -> Outcome:
    """What DDL and SHOW statements return: lines, or rows of columns."""
    rows: list[list[str | None]] = [[line] if isinstance(line, str) else line for line in lines or []]
    return Outcome([column_info(label, "string", 0, 0, case_sensitive=False) for label in labels], rows, header)


def written(rows: int) -> Outcome:
    """What a statement returns that wrote rows."""
    return Outcome(plain_text=False, update_count=rows, keep_result_file=False)


def column_info(name: str, kind: str, precision: int, scale: int, *, case_sensitive: bool) -> dict:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": case_sensitive,
    }
