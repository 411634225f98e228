"""Trino's HTTP protocol for clients: https://trino.io/docs/current/develop/client-protocol.html."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

_REQUEST_SECONDS = 60
_ATTEMPTS = 5
# Only addresses of this machine are asked, so a proxy of the shell must not see them.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def pages(url: str, statement: str, headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The responses to a statement, until the last one. Floating-point numbers are strings, as Trino wrote them.
    Raises OSError if the server does not answer."""
    page = _response(urllib.request.Request(f"{url}/v1/statement", statement.encode(), headers))
    yield page
    while "nextUri" in page:
        page = _response(urllib.request.Request(page["nextUri"]))
        yield page


def cancel(page: dict[str, Any]) -> None:
    """Stop the statement that this response belongs to."""
    if "nextUri" in page:
        with contextlib.suppress(OSError):  # it has ended
            _opener.open(urllib.request.Request(page["nextUri"], method="DELETE"), timeout=_REQUEST_SECONDS).close()


def _response(request: urllib.request.Request) -> dict[str, Any]:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with _opener.open(request, timeout=_REQUEST_SECONDS) as response:
                return json.loads(response.read(), parse_float=str)
        except urllib.error.HTTPError as error:
            # The protocol asks to repeat these.
            if error.code not in (429, 502, 503, 504) or attempt == _ATTEMPTS:
                raise
            time.sleep(0.1 * attempt)
        except http.client.HTTPException as problem:
            raise ConnectionError(f"the answer ended early: {problem!r}") from problem
    raise AssertionError("the loop returns or raises")
