"""Reads statements by their syntax, written as in AWS's documentation.

`DROP TABLE [IF EXISTS] table` are words in capitals, what may be left out, and fields in lower case. `IN|FROM` is one
of two words. A field is named after what it is; `location:text` has another name. Words that may be left out and hold
no field are one of their own: `if_exists`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .scanner import Scanner, Unexpected

Readers = dict[str, Callable[[Scanner], Any]]
Parts = list["str | Parts"]

READERS: Readers = {
    name: getattr(Scanner, name) for name in ("name", "table", "text", "constant", "properties", "rest", "group")
}


def read_one(scanner: Scanner, syntaxes: Iterable[str], readers: Readers) -> tuple[str, dict[str, Any]]:
    """The syntax that the whole statement has, and its fields. If it has none, the error is that of the syntaxes that
    went furthest."""
    problems: list[Unexpected] = []
    for syntax in syntaxes:
        scanner.index = 0
        try:
            fields = read(scanner, syntax, readers)
            scanner.finish()
            return syntax, fields
        except Unexpected as problem:
            problems.append(problem)
    scanner.index = max(problem.index for problem in problems)
    wanted = {word: None for problem in problems if problem.index == scanner.index for word in problem.wanted}
    raise Unexpected(scanner, *wanted)


def read(scanner: Scanner, syntax: str, readers: Readers) -> dict[str, Any]:
    """The fields of a statement or clause with this syntax."""
    fields: dict[str, Any] = {}
    _read(scanner, _parts(syntax), readers, fields)
    return fields


def read_clauses(scanner: Scanner, syntaxes: Iterable[str], readers: Readers) -> dict[str, Any]:
    """The fields of clauses in any order, as many as there are."""
    fields: dict[str, Any] = {}
    while any(_read_optional(scanner, _parts(syntax), readers, fields) for syntax in syntaxes):
        pass
    return fields


def _parts(syntax: str) -> Parts:
    """The words of a syntax. What may be left out is a list in it."""
    levels: list[Parts] = [[]]
    for word in re.findall(r"[\[\]]|[^\s\[\]]+", syntax):
        if word == "[":
            levels.append([])
        elif word == "]":
            inner = levels.pop()
            levels[-1].append(inner)
        else:
            levels[-1].append(word)
    return levels[0]


def _is_keyword(part: str | Parts) -> bool:
    return isinstance(part, str) and not part[0].islower()


def _read(scanner: Scanner, parts: Parts, readers: Readers, fields: dict[str, Any]) -> None:
    for part in parts:
        if isinstance(part, list):
            _read_optional(scanner, part, readers, fields)
        elif _is_keyword(part):
            scanner.expect(part)
        else:
            name, _, kind = part.partition(":")
            fields[name] = readers[kind or name](scanner)


def _read_optional(scanner: Scanner, parts: Parts, readers: Readers, fields: dict[str, Any]) -> bool:
    """Read it if its first words come next, or, if it begins with a field, if anything comes next."""
    count = next((i for i, part in enumerate(parts) if not _is_keyword(part)), len(parts))
    words = [part for part in parts[:count] if isinstance(part, str)]
    if scanner.done() or not scanner.take(*words):
        return False
    if count == len(parts):
        fields["_".join(words).lower()] = True
    _read(scanner, parts[count:], readers, fields)
    return True
