"""The errors of Hive, as Athena reports them for DDL."""

from __future__ import annotations

from ..core.queries import QueryFailed

TASK = "Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."


class DdlFailed(QueryFailed):
    """A DDL statement failed. Hive's errors have no name, only a message."""

    def __init__(self, message: str) -> None:
        super().__init__("", f"FAILED: {message}")


def table_not_found(database: str, name: str) -> DdlFailed:
    return DdlFailed(f"SemanticException [Error 10001]: Table not found {database}.{name}")
