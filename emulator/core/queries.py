"""The ways in which a query ends without a result. Each engine raises them, and Athena reports them."""

from __future__ import annotations


class MalformedQuery(Exception):
    """The text is not a statement."""


class QueryFailed(Exception):
    """A statement failed, or was stopped: Trino's name of the error, and the reason."""

    def __init__(self, code: str, message: str, *, is_system: bool = False) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.message = message
        self.is_system = is_system


def not_supported(what: str) -> QueryFailed:
    return QueryFailed("NOT_SUPPORTED", f"{what} is not supported by the local Athena")
