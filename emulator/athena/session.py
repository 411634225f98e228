"""One query while it runs: its names and limits, what it has read, and whether it was stopped. And what it returned."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import QueryCancelled
from .server import Trino


@dataclass
class Session:
    trino: Trino
    database: str
    query_id: str
    workgroup: str
    # Where Athena writes the tables of CREATE TABLE AS that name no location.
    output: str
    scan_limit_bytes: int | None = None
    parameters: list[str] = field(default_factory=list)
    scanned: int = 0
    # The list of the files that the query wrote, as an S3 address.
    manifest: str | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    # What ends the statement that Trino runs for it now.
    on_stop: Callable[[], None] | None = None

    def stop(self) -> None:
        self._stopped.set()
        if self.on_stop is not None:
            self.on_stop()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def check(self) -> None:
        if self.stopped:
            raise QueryCancelled("Query was cancelled by user")


@dataclass
class Outcome:
    """What a query returned: columns as ColumnInfo, rows as Athena's texts."""

    columns: list[dict] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    # Whether the column names are the first row, as in the result of a SELECT.
    header: bool = True
    # Results of DDL and SHOW are a text file, not CSV.
    plain_text: bool = False
    update_count: int | None = None
    keep_result_file: bool = True


def text_column(name: str) -> dict:
    """The ColumnInfo of what DDL and SHOW statements return."""
    return column_info(name, "string", 0, 0, case_sensitive=False)


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
