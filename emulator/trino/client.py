"""Runs one statement on Trino, with the limits of the query that it belongs to."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote

from ..core.queries import QueryFailed
from . import protocol
from .server import HIVE, Trino, TrinoUnavailable

CANCELLED, OVER_SCAN_LIMIT = "USER_CANCELED", "EXCEEDED_SCAN_LIMIT"
_POSITION = re.compile(r"\bline (\d+):(\d+)")
_PREPARED = "statement"


@dataclass(kw_only=True)
class Session:
    """One query while it runs: its database and limits, what it has read, and whether it was stopped."""

    trino: Trino
    database: str
    longest_seconds: int
    scan_limit_bytes: int | None = None
    parameters: list[str] = field(default_factory=list)
    scanned: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)
    # What ends the statement that Trino runs for it now.
    on_stop: Callable[[], None] | None = None

    def stop(self) -> None:
        self._stopped.set()
        if self.on_stop is not None:
            self.on_stop()

    def for_cleaning_up(self) -> Session:
        """The same query for a statement that also runs after it was stopped."""
        return replace(self, _stopped=threading.Event(), on_stop=None)

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def check(self) -> None:
        if self.stopped:
            raise QueryFailed(CANCELLED, "Query was canceled")


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

    @classmethod
    def of(cls, part: tuple[str, int, int]) -> Sql:
        """A part of the statement: its text, line and column."""
        text, line, column = part
        return cls(text, 1, line, column)

    def explained(self) -> Sql:
        """The statement that tells which tables this one reads and writes."""
        return replace(self, prefix="EXPLAIN (TYPE IO, FORMAT JSON)\n")

    def after(self, head: str, settings: dict[str, str]) -> Sql:
        """The statement that begins with a line of ours, and then has this text."""
        return replace(self, text=f"{head}\n{self.text}", first=2, settings=settings)

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
        raise QueryFailed(OVER_SCAN_LIMIT, f"{session.scanned} bytes were read")


def _is_prepared(sql: Sql, session: Session) -> bool:
    return sql.takes_values and bool(session.parameters)


def _statement(sql: Sql, session: Session) -> str:
    if not _is_prepared(sql, session):
        return sql.prefix + sql.text
    return f"{sql.prefix}EXECUTE {_PREPARED} USING {', '.join(session.parameters)}"


def _headers(sql: Sql, session: Session) -> dict[str, str]:
    limit = session.scan_limit_bytes
    settings = {
        "query_max_execution_time": f"{session.longest_seconds}s",
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


def _failure(error: dict, sql: Sql, session: Session) -> QueryFailed:
    session.check()
    code = error.get("errorName", "GENERIC_INTERNAL_ERROR")
    if code == OVER_SCAN_LIMIT:
        session.scanned = max(session.scanned, session.scan_limit_bytes or 0)
    message = sql.original(error.get("message", ""), prepared=_is_prepared(sql, session))
    return QueryFailed(code, message, is_system=error.get("errorType", "USER_ERROR") != "USER_ERROR")
