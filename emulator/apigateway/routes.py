"""Selects the route of a request: exact paths, path variables, greedy variables, ANY and $default."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

DEFAULT = "$default"
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_VARIABLE = re.compile(r"\{([\w.:-]+)(\+?)\}")

Route = dict[str, Any]


@dataclass(frozen=True)
class Match:
    """A route, and what its path variables are in this request."""

    route: Route
    variables: dict[str, str]

    @property
    def key(self) -> str:
        return self.route["routeKey"]


def problem(key: object) -> str | None:
    """What is wrong with a route key, or None."""
    if key == DEFAULT:
        return None
    method, _, path = str(key).partition(" ")
    if method not in METHODS or not path.startswith("/"):
        return "must be $default, or one of " + ", ".join(METHODS) + " followed by a path, as in 'GET /pets/{id}'"
    segments = path.split("/")[1:]
    variables = [_VARIABLE.fullmatch(segment) for segment in segments]
    if any(
        ("{" in segment or "}" in segment) and not found for segment, found in zip(segments, variables, strict=True)
    ):
        return "has a path variable that is not a whole segment, as in '/{id}' or '/{proxy+}'"
    if any(found and found.group(2) for found in variables[:-1]):
        return "has a greedy path variable that is not the last segment"
    names = [found.group(1) for found in variables if found]
    return "has a path variable twice" if len(names) > len(set(names)) else None


def select(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """The most specific route: a full match, then one with a greedy variable, then $default. Among full matches a
    fixed segment is more specific than a variable, and a method more specific than ANY."""
    best: tuple[tuple, Match] | None = None
    default: Match | None = None
    for route in routes:
        key = route["routeKey"]
        if key == DEFAULT:
            default = Match(route, {})
            continue
        wanted, _, template = key.partition(" ")
        if wanted not in ("ANY", method):
            continue
        found = _compare(template, path)
        if found is None:
            continue
        rank = (found[0], wanted != "ANY")
        if best is None or rank > best[0]:
            best = (rank, Match(route, found[1]))
    return best[1] if best else default


_GREEDY, _ONE, _FIXED = 0, 1, 2


def _compare(template: str, path: str) -> tuple[tuple, dict[str, str]] | None:
    """How specific a match is, and the variables. None if the path does not match."""
    wanted, given = template.split("/")[1:], path.split("/")[1:]
    kinds: list[int] = []
    variables: dict[str, str] = {}
    for position, segment in enumerate(wanted):
        found = _VARIABLE.fullmatch(segment)
        if found and found.group(2):
            rest = "/".join(given[position:])
            if not rest:
                return None
            variables[found.group(1)] = rest
            return (False, (*kinds, _GREEDY)), variables
        if position >= len(given):
            return None
        if found:
            if not given[position]:
                return None
            variables[found.group(1)] = given[position]
            kinds.append(_ONE)
        elif segment == given[position]:
            kinds.append(_FIXED)
        else:
            return None
    return ((True, tuple(kinds)), variables) if len(wanted) == len(given) else None
