"""Formats a time with a pattern of Java's DateTimeFormatter, for !{timestamp:...} in a prefix.

https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html#patterns
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")

# A run of one letter, a quoted text (or two quotes, which are one), or any other character.
_PART = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|(.)", re.DOTALL)
# Java keeps these for later, or for optional parts.
_RESERVED = "{}#[]'"


class BadPattern(ValueError):
    """The pattern is none of Java's, or has a letter that the local stack does not know."""


def format_time(pattern: str, moment: datetime) -> str:
    """Raises BadPattern."""
    return "".join(_part(found, moment) for found in _PART.finditer(pattern))


def _part(found: re.Match[str], moment: datetime) -> str:
    letter, quoted, other = found.groups()
    if letter:
        return _field(letter, len(found.group()), moment)
    if quoted is not None:
        return quoted.replace("''", "'") or "'"
    if other in _RESERVED:
        raise BadPattern(f"{other} is reserved in a pattern: put it in single quotes")
    return other


def _field(letter: str, count: int, moment: datetime) -> str:
    if letter not in _FIELDS:
        known = "".join(sorted(_FIELDS))
        raise BadPattern(f"the local stack does not know the pattern letter {letter} (it knows {known})")
    longest, write = _FIELDS[letter]
    if count > longest:
        raise BadPattern(f"too many pattern letters: {letter}")
    return write(moment, count)


def _number(value: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, count: f"{value(moment):0{count}d}"


def _year(moment: datetime, count: int) -> str:
    return f"{moment.year % 100:02d}" if count == 2 else f"{moment.year:0{count}d}"


def _month(moment: datetime, count: int) -> str:
    return f"{moment.month:0{count}d}" if count < 3 else _text(_MONTHS[moment.month - 1], count)


def _quarter(moment: datetime, count: int) -> str:
    quarter = (moment.month + 2) // 3
    if count < 3:
        return f"{quarter:0{count}d}"
    return {3: f"Q{quarter}", 4: _QUARTERS[quarter - 1]}.get(count, str(quarter))


def _text(name: str, count: int) -> str:
    """Short, full or narrow, by the number of letters."""
    return {4: name, 5: name[0]}.get(count, name[:3])


# Each letter, how often it may be repeated, and what it writes.
_FIELDS: dict[str, tuple[int, Callable[[datetime, int], str]]] = {
    "y": (19, _year),
    "u": (19, _year),
    "Q": (5, _quarter),
    "M": (5, _month),
    "L": (5, _month),
    "d": (2, _number(lambda moment: moment.day)),
    "D": (3, _number(lambda moment: moment.timetuple().tm_yday)),
    "E": (5, lambda moment, count: _text(_DAYS[moment.weekday()], count)),
    "a": (1, lambda moment, _count: "AM" if moment.hour < 12 else "PM"),
    "H": (2, _number(lambda moment: moment.hour)),
    "k": (2, _number(lambda moment: moment.hour or 24)),
    "K": (2, _number(lambda moment: moment.hour % 12)),
    "h": (2, _number(lambda moment: moment.hour % 12 or 12)),
    "m": (2, _number(lambda moment: moment.minute)),
    "s": (2, _number(lambda moment: moment.second)),
    # Firehose's times have whole seconds.
    "S": (9, lambda _moment, count: "0" * count),
}
