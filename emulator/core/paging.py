"""Splits a list into pages with an opaque token, as AWS's list calls do."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class InvalidToken(ValueError):
    """NextToken was not issued for this call, or MaxResults is out of range."""


def page(
    items: Sequence[T], max_results: int | None, token: str | None, *, limit: int, scope: str
) -> tuple[list[T], str | None]:
    """One page of `items` and the token of the next. A token is valid only for its `scope`."""
    if max_results is not None and not 1 <= max_results <= limit:
        raise InvalidToken(f"MaxResults must be between 1 and {limit}, got {max_results}")
    start = _decode(token, scope) if token else 0
    end = start + (max_results or limit)
    return list(items[start:end]), (_encode(end, scope) if end < len(items) else None)


def _encode(offset: int, scope: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([offset, scope]).encode()).decode()


def _decode(token: str, scope: str) -> int:
    try:
        offset, given_for = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidToken("NextToken is not valid") from None
    if given_for != scope or not isinstance(offset, int) or offset < 0:
        raise InvalidToken("NextToken is not valid")
    return offset
