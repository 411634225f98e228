"""Athena on Trino, the engine that Athena version 3 is built on. Replaces MiniStack's approximation.

Trino reads the Glue catalog and S3 of this emulator over HTTP (server.py, client.py). Ours are Athena's API
(service.py), Hive's DDL (hive.py, ddl.py, repair.py), the caller's rights (access.py), Athena's words for Iceberg and
for writing (iceberg.py, writes.py), and results in Athena's forms (values.py, results.py).
"""

from __future__ import annotations

import os

from ..core.context import Context

_REPLACED = {
    "_start_query_execution": "start_query_execution",
    "_get_query_execution": "get_query_execution",
    "_get_query_results": "get_query_results",
    "_stop_query_execution": "stop_query_execution",
    "_list_query_executions": "list_query_executions",
    "_delete_workgroup": "delete_workgroup",
    "_get_table_metadata": "get_table_metadata",
}
_CALLED = [
    ("ministack.services.athena", name)
    for name in (
        "_executions",
        "_workgroups",
        "_prepared_statements",
        "_tags",
        "_ensure_default_workgroup",
        "_arn_workgroup",
        "_glue_table_to_metadata",
    )
]
_GLUE = [
    ("ministack.services.glue", name)
    for name in (
        "_databases",
        "_tables",
        "_partitions",
        "_create_database",
        "_delete_database",
        "_create_table",
        "_update_table",
        "_delete_table",
        "_create_partition",
        "_delete_partition",
    )
]
_S3 = [("ministack.services.s3", name) for name in ("_buckets", "_put_object")]

PATCHES = [*(("ministack.services.athena", name) for name in _REPLACED), *_CALLED, *_GLUE, *_S3]


def install(context: Context) -> None:
    """Replace MiniStack's functions with those of service.py."""
    from ministack.services import athena

    from . import client, service
    from .server import Trino

    client.longest_seconds()  # a wrong value ends the start

    trino = Trino(context)
    context.on_shutdown("Trino", trino.stop)
    service.install(trino)
    if os.environ.get("ATHENA_START") != "lazy":
        trino.start_in_background()
    for name, replacement in _REPLACED.items():
        setattr(athena, name, getattr(service, replacement))
