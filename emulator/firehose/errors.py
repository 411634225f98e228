"""The error that a Firehose call answers with."""

from __future__ import annotations


class Refused(Exception):
    """AWS refuses the request, or the local stack cannot do what it asks for."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def invalid(message: str) -> Refused:
    return Refused("InvalidArgumentException", message)


def unsupported(what: str, remedy: str) -> Refused:
    """An argument that AWS takes and that would have no effect here."""
    return invalid(f"{what} is not supported by the local stack. {remedy}")
