"""Translates date patterns to strftime's: MySQL's of date_format and date_parse, Joda's of format_datetime."""

from __future__ import annotations

import re

from .errors import not_supported

_MYSQL = {
    "a": "%a",
    "b": "%b",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "f": "%f",
    "H": "%H",
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "j": "%j",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "m": "%m",
    "p": "%p",
    "r": "%I:%M:%S %p",
    "S": "%S",
    "s": "%S",
    "T": "%H:%M:%S",
    "v": "%V",
    "W": "%A",
    "x": "%G",
    "Y": "%Y",
    "y": "%y",
    "%": "%%",
}
_JODA = {
    "yyyy": "%Y",
    "YYYY": "%Y",
    "y": "%Y",
    "yy": "%y",
    "M": "%-m",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "d": "%-d",
    "dd": "%d",
    "H": "%-H",
    "HH": "%H",
    "h": "%-I",
    "hh": "%I",
    "m": "%-M",
    "mm": "%M",
    "s": "%-S",
    "ss": "%S",
    "SSS": "%g",
    "E": "%a",
    "EE": "%a",
    "EEE": "%a",
    "EEEE": "%A",
    "a": "%p",
    "e": "%u",
    "D": "%-j",
    "DDD": "%j",
    "ww": "%V",
    "xxxx": "%G",
}


def mysql(pattern: str) -> str:
    """`%Y-%m-%d %H:%i` as a strftime pattern."""

    def one(match: re.Match) -> str:
        letter = match.group(1)
        if letter in _MYSQL:
            return _MYSQL[letter]
        if letter in "DUuVwX":
            raise not_supported(f"%{letter} in a date format")
        return letter

    return re.sub(r"%(.)", one, pattern)


def joda(pattern: str) -> str:
    """`yyyy-MM-dd HH:mm` as a strftime pattern."""
    parts = []
    for literal, letters, _, other in re.findall(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|(.)", pattern):
        if letters:
            if letters not in _JODA:
                raise not_supported(f"'{letters}' in a datetime pattern")
            parts.append(_JODA[letters])
        else:
            parts.append((literal.replace("''", "'") if literal else other or "'").replace("%", "%%"))
    return "".join(parts)
