"""The resources on which Glue checks a request. MiniStack takes each `Name` for that of a table."""

from __future__ import annotations

from typing import Any


def resources(operation: str, request: dict[str, Any], account: str) -> tuple[str, ...]:
    """All of them must be allowed; none if MiniStack's answer is right. `account` is an ARN's part before the resource.

    For a database Glue also checks the catalog, for a table also its database.
    """
    if arn := request.get("ResourceArn"):
        return (arn,)
    for kind in ("Crawler", "Job"):
        if kind in operation:
            name = request.get("Name") or request.get(f"{kind}Name")
            return (f"{account}:{kind.lower()}/{name}",) if name else ()
    database = request.get("DatabaseName")
    if "Database" in operation:
        database = request.get("Name") or request.get("DatabaseInput", {}).get("Name")
    if not database:
        return ()
    levels = [f"{account}:catalog", f"{account}:database/{database}"]
    table = request.get("TableName")
    if "Table" in operation:
        table = table or request.get("Name") or request.get("TableInput", {}).get("Name")
    return (*levels, f"{account}:table/{database}/{table}") if table else tuple(levels)
