"""CORS of an HTTP API: what a configuration may say, and the headers that follow from it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from __future__ import annotations

import re
from typing import Any

PREFIX = "access-control-"
ANY_ORIGIN = "*"
ANY_OF_SCHEME = ("http://*", "https://*")
MAX_AGE_SECONDS = 86_400

_LISTS = ("allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders")
_KNOWN = {*_LISTS, "allowCredentials", "maxAge"}
_ORIGIN = re.compile(r"https?://[^/*?#\s]+")
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "*"}

Configuration = dict[str, Any]
Headers = list[tuple[str, str]]


def problem(configuration: Configuration) -> str | None:
    """Why AWS refuses this configuration, or None."""
    if unknown := sorted(set(configuration) - _KNOWN):
        return f"corsConfiguration has unknown members: {', '.join(unknown)}"
    origins = configuration.get("allowOrigins") or []
    if ANY_ORIGIN in origins and configuration.get("allowCredentials"):
        return "allow-credentials is not supported if 'allow-origin' is *"
    for origin in origins:
        if origin != ANY_ORIGIN and origin not in ANY_OF_SCHEME and not _ORIGIN.fullmatch(origin):
            return (
                f"Invalid format for origin {origin}. An origin is http:// or https:// with a host and an optional "
                "port, or *, http://* or https://*"
            )
    for method in configuration.get("allowMethods") or []:
        if str(method).upper() not in _METHODS:
            return f"Invalid method in allowMethods: {method}"
    age = configuration.get("maxAge")
    if age is not None and not -1 <= age <= MAX_AGE_SECONDS:
        return f"maxAge must be between -1 and {MAX_AGE_SECONDS}, got {age}"
    return None


def preflight_headers(configuration: Configuration, origin: str | None, method: str | None) -> Headers:
    """The headers of the answer to OPTIONS. AWS sends them to a request with an origin and a method only."""
    allowed = _allowed_origin(configuration, origin)
    if allowed is None or not method:
        return []
    headers = [("access-control-allow-origin", allowed)]
    if methods := configuration.get("allowMethods"):
        headers.append(("access-control-allow-methods", ",".join(str(name).upper() for name in methods)))
    if names := configuration.get("allowHeaders"):
        headers.append(("access-control-allow-headers", ",".join(str(name).lower() for name in names)))
    if configuration.get("maxAge") is not None:
        headers.append(("access-control-max-age", str(configuration["maxAge"])))
    return headers + _common_headers(configuration)


def answer_headers(configuration: Configuration, origin: str | None) -> Headers:
    """The headers of an answer to any other request."""
    allowed = _allowed_origin(configuration, origin)
    if allowed is None:
        return []
    return [("access-control-allow-origin", allowed), *_common_headers(configuration)]


def _common_headers(configuration: Configuration) -> Headers:
    headers: Headers = []
    if configuration.get("allowCredentials"):
        headers.append(("access-control-allow-credentials", "true"))
    if names := configuration.get("exposeHeaders"):
        headers.append(("access-control-expose-headers", ",".join(str(name).lower() for name in names)))
    return headers


def _allowed_origin(configuration: Configuration, origin: str | None) -> str | None:
    """The value of access-control-allow-origin: * where all origins are allowed by *, else the origin itself."""
    if not origin:
        return None
    allowed = [str(one).lower() for one in configuration.get("allowOrigins") or []]
    if ANY_ORIGIN in allowed:
        return ANY_ORIGIN
    given = origin.lower()
    by_scheme = any(one in allowed and given.startswith(one[:-1]) for one in ANY_OF_SCHEME)
    return origin if by_scheme or given in allowed else None
