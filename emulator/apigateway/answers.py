"""Answers of an HTTP API: its own messages, and what a Lambda's response becomes in payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
# API Gateway sets these itself.
_OWN = {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class InvalidResponse(ValueError):
    """The function's response is not of the format. The client gets 500."""


def message(status: int, text: str) -> Answer:
    """An answer that API Gateway gives itself."""
    return Answer(status, [("content-type", JSON)], json.dumps({"message": text}, separators=(",", ":")).encode())


def of_function(payload: Any) -> Answer:
    """The answer to the client. Raises InvalidResponse."""
    if not isinstance(payload, dict) or "statusCode" not in payload:
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        return Answer(200, [("content-type", JSON)], _utf8(text))
    headers = _headers(payload.get("headers"))
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", TEXT))
    return Answer(_status(payload["statusCode"]), headers + _cookies(payload.get("cookies")), _body(payload))


def _status(given: Any) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 200 <= given <= 599:
        raise InvalidResponse(f"statusCode must be a whole number from 200 to 599, got {given!r}")
    return given


def _headers(given: Any) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, dict):
        raise InvalidResponse(f"headers must be an object, got {given!r}")
    headers = []
    for name, value in given.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, (str, int, float)):
            raise InvalidResponse(f"the header {name} must be a text, got {value!r}")
        if name.lower() not in _OWN:
            headers.append((name.lower(), _one_line(str(value))))
    return headers


def _cookies(given: Any) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(cookie, str) for cookie in given):
        raise InvalidResponse(f"cookies must be a list of texts, got {given!r}")
    return [("set-cookie", _one_line(cookie)) for cookie in given]


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value or "\0" in value:
        raise InvalidResponse("a header has a line break")
    return value


def _body(payload: dict[str, Any]) -> bytes:
    body, encoded = payload.get("body"), payload.get("isBase64Encoded", False)
    if body is None:
        return b""
    if not isinstance(body, str):
        raise InvalidResponse(f"body must be a text, got {type(body).__name__}")
    if encoded is not None and not isinstance(encoded, bool):
        raise InvalidResponse(f"isBase64Encoded must be true or false, got {encoded!r}")
    if not encoded:
        return _utf8(body)
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise InvalidResponse("isBase64Encoded is true, and body is not base64") from None


def _utf8(text: str) -> bytes:
    """JavaScript's strings may have half of a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
