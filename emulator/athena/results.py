"""Writes query results to Athena's output location, and pages through them for GetQueryResults."""

from __future__ import annotations

from ..s3 import objects
from .errors import RequestRefused
from .session import Outcome

_MOST_ROWS = 1000


def csv_bytes(outcome: Outcome) -> bytes:
    """Athena's result file: a header, every value in double quotes, NULL as an empty field."""
    lines = [",".join(_quoted(column["Name"]) for column in outcome.columns)] if outcome.header else []
    lines += [",".join(_quoted(value) for value in row) for row in outcome.rows]
    return "".join(line + "\n" for line in lines).encode()


def text_bytes(outcome: Outcome) -> bytes:
    """DDL and SHOW results: one line per row, columns separated by tabs."""
    return "".join("\t".join(value or "" for value in row) + "\n" for row in outcome.rows).encode()


def _quoted(value: str | None) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'


def write(outcome: Outcome, location: str) -> None:
    """Write the result object and its .metadata companion."""
    if not outcome.keep_result_file:
        return
    bucket, key = objects.split_uri(location)
    if outcome.plain_text:
        objects.put(bucket, key, text_bytes(outcome), "text/plain")
    else:
        objects.put(bucket, key, csv_bytes(outcome), "text/csv")
    objects.put(bucket, key + ".metadata", _metadata(outcome), "application/octet-stream")


def _metadata(outcome: Outcome) -> bytes:
    """AWS's companion file is binary and undocumented. Here it lists the columns and types."""
    return "".join(f"{column['Name']}\t{column['Type']}\n" for column in outcome.columns).encode()


def page(outcome: Outcome, token: str | None, most: int | None) -> dict:
    """One page of GetQueryResults. The header row of a SELECT counts as a row, as on Athena."""
    size = most if most is not None else _MOST_ROWS
    if not 1 <= size <= _MOST_ROWS:
        raise RequestRefused(f"MaxResults is {size}; it must be between 1 and {_MOST_ROWS}")
    start = _start(token)
    rows: list[list[str | None]] = []
    if outcome.header and outcome.columns:
        rows.append([column["Name"] for column in outcome.columns])
    total = len(rows) + len(outcome.rows)
    offset = len(rows)
    picked = rows[start : start + size]
    picked += outcome.rows[max(0, start - offset) : max(0, start + size - offset)]
    answer = {
        "ResultSet": {
            "Rows": [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in picked],
            "ResultSetMetadata": {"ColumnInfo": outcome.columns},
        },
        "UpdateCount": outcome.update_count or 0,
    }
    if start + size < total:
        answer["NextToken"] = f"row-{start + size}"
    return answer


def _start(token: str | None) -> int:
    if not token:
        return 0
    if not token.startswith("row-") or not token[4:].isdigit():
        raise RequestRefused("Invalid NextToken")
    return int(token[4:])
