"""Athena on the engines that it uses itself: Trino for queries, and Hive for DDL. Replaces MiniStack's approximation.

Here is what is Athena's own: its API (service.py), which engine runs a statement (statements.py), the caller's rights
(access.py), its words for Iceberg and for writing (iceberg.py, writes.py), and results and errors in its forms
(values.py, results.py, errors.py).
"""

from __future__ import annotations

import os

from ..core.context import Context
from ..glue import tables
from ..s3 import objects

_REPLACED = (
    "start_query_execution",
    "get_query_execution",
    "get_query_results",
    "stop_query_execution",
    "list_query_executions",
    "delete_workgroup",
    "get_table_metadata",
)
_CALLED = (
    *("_executions", "_workgroups", "_prepared_statements", "_tags", "_ensure_default_workgroup", "_arn_workgroup"),
    *("_create_prepared_statement", "_glue_table_to_metadata"),
)
PATCHES = [
    *(("ministack.services.athena", f"_{name}") for name in _REPLACED),
    *(("ministack.services.athena", name) for name in _CALLED),
    *tables.PATCHES,
    *objects.PATCHES,
]


def install(context: Context) -> None:
    """Replace MiniStack's functions with those of service.py."""
    from ministack.services import athena

    from ..trino.server import Trino
    from . import service

    service.longest_seconds()  # a wrong value ends the start

    trino = Trino(context)
    context.on_shutdown("Trino", trino.stop)
    service.install(trino)
    if os.environ.get("ATHENA_START") != "lazy":
        trino.start_in_background()
    for name in _REPLACED:
        setattr(athena, f"_{name}", getattr(service, name))
