"""Runs one statement of a query on Trino: with the query's limits, and with errors in Athena's words."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote

from . import protocol
from .errors import AthenaFailure, QueryCancelled
from .server import HIVE, TrinoUnavailable
from .session import Session

_UNKNOWN = " or requester is not authorized to access requested resources"
_UNRESOLVED = ("COLUMN_NOT_FOUND",)
_POSITION = re.compile(r"\bline (\d+):(\d+)")
_OVER_LIMIT = "Query cancelled! : Bytes scanned limit was exceeded"
_PREPARED = "statement"
# Athena's quota for DML queries is 30 minutes. The variable shortens it.
_LONGEST_SECONDS = 30 * 60
TIMEOUT_VARIABLE = "CLICKSTREAM_ATHENA_TIMEOUT_SECONDS"


@dataclass(frozen=True)
class Sql:
    """A statement for Trino, and where in it the caller's own text begins, so that errors name the caller's lines."""

    text: str
    # The line of `text` where the caller's text begins, and the line and column where that began in the statement.
    first: int = 1
    line: int = 1
    column: int = 1
    # A line before the text, which is not part of a prepared statement.
    prefix: str = ""
    # Settings of a catalog for this statement, such as a compression.
    settings: dict[str, str] = field(default_factory=dict)
    # Whether the values of the execution belong to it.
    takes_values: bool = True

    def explained(self) -> Sql:
        """The statement that tells which tables this one reads and writes."""
        return replace(self, prefix="EXPLAIN (TYPE IO, FORMAT JSON)\n")

    def original(self, message: str, *, prepared: bool) -> str:
        """The message with the positions of the caller's statement."""
        first = self.first + (0 if prepared else self.prefix.count("\n"))

        def moved(found: re.Match) -> str:
            line, column = int(found.group(1)), int(found.group(2))
            if line < first:
                return f"line {self.line}:{self.column}"
            if line == first:
                column += self.column - 1
            return f"line {line - first + self.line}:{column}"

        return _POSITION.sub(moved, message)


@dataclass
class Answer:
    """What Trino returned: columns and rows as in its JSON, floating-point numbers as written."""

    columns: list[dict] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    update_count: int | None = None


def run(sql: Sql, session: Session, *, counted: bool = True) -> Answer:
    """Run a statement to its end. `counted` statements read the files of tables."""
    session.check()
    url = session.trino.url()
    answer = Answer()
    try:
        for page in protocol.pages(url, _statement(sql, session), _headers(sql, session)):
            session.on_stop = partial(protocol.cancel, page)
            session.check()
            answer.columns = page.get("columns") or answer.columns
            answer.rows += page.get("data") or []
            answer.update_count = page.get("updateCount", answer.update_count)
            if counted:
                session.scanned = max(session.scanned, page.get("stats", {}).get("physicalInputBytes", 0))
                _check_limit(session)
            if "error" in page:
                raise _failure(page["error"], sql, session)
    except OSError as problem:
        session.check()
        raise TrinoUnavailable(f"Trino ended while the query ran ({problem}). Run the query again.") from None
    finally:
        if session.on_stop is not None and session.stopped:
            session.on_stop()
        session.on_stop = None
    return answer


def _check_limit(session: Session) -> None:
    """Trino looks at the limit once a second, so a short query can read more before it ends."""
    if session.scan_limit_bytes and session.scanned > session.scan_limit_bytes:
        if session.on_stop is not None:
            session.on_stop()
        raise QueryCancelled(_OVER_LIMIT)


def _is_prepared(sql: Sql, session: Session) -> bool:
    return sql.takes_values and bool(session.parameters)


def _statement(sql: Sql, session: Session) -> str:
    if not _is_prepared(sql, session):
        return sql.prefix + sql.text
    return f"{sql.prefix}EXECUTE {_PREPARED} USING {', '.join(session.parameters)}"


def longest_seconds() -> int:
    """How long a query may run. Raises ValueError for a value that cannot be taken."""
    given = os.environ.get(TIMEOUT_VARIABLE, str(_LONGEST_SECONDS))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _LONGEST_SECONDS:
        raise ValueError(
            f"{TIMEOUT_VARIABLE} is {given!r}. It must be a whole number of seconds from 1 to {_LONGEST_SECONDS}"
        )
    return int(given)


def _headers(sql: Sql, session: Session) -> dict[str, str]:
    limit = session.scan_limit_bytes
    settings = {
        "query_max_execution_time": f"{longest_seconds()}s",
        **({"query_max_scan_physical_bytes": f"{limit}B"} if limit else {}),
        **sql.settings,
    }
    return {
        "X-Trino-User": "athena",
        "X-Trino-Source": "athena",
        "X-Trino-Catalog": HIVE,
        "X-Trino-Schema": session.database,
        "X-Trino-Time-Zone": "UTC",
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        "X-Trino-Session": ",".join(f"{name}={quote(value)}" for name, value in settings.items()),
        **({"X-Trino-Prepared-Statement": f"{_PREPARED}={quote(sql.text)}"} if _is_prepared(sql, session) else {}),
    }


def _failure(error: dict, sql: Sql, session: Session) -> Exception:
    code = error.get("errorName", "GENERIC_INTERNAL_ERROR")
    message = sql.original(error.get("message", ""), prepared=_is_prepared(sql, session))
    if code == "USER_CANCELED" or session.stopped:
        return QueryCancelled("Query was cancelled by user")
    if code == "EXCEEDED_SCAN_LIMIT":
        session.scanned = max(session.scanned, session.scan_limit_bytes or 0)
        return QueryCancelled(_OVER_LIMIT)
    if code == "EXCEEDED_TIME_LIMIT":
        return AthenaFailure(code, f"Query timeout: {message}")
    if code in _UNRESOLVED:
        message += _UNKNOWN
    return AthenaFailure(code, message, error.get("errorType", "USER_ERROR"))
