"""Numbers with a point, as Athena reads them: `1.5` is a double. Trino reads a decimal.

https://docs.aws.amazon.com/athena/latest/ug/data-types-examples.html has `1.234` as a double, and `DECIMAL '123.456'`.
Trino once had a setting for it, and has it no more. So each of them gets an exponent, and positions in messages are
moved back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_EXPONENT = "E0"
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|[A-Za-z_][\w$@]*"
    r"|(?:\d[\d_]*)?\.\d[\d_]*[eE][+-]?\d+|(?P<decimal>\d[\d_]*\.(?:\d[\d_]*)?(?![\w.])|\.\d[\d_]*(?!\w))|\d\w*|.",
    re.DOTALL,
)


def as_doubles(sql: str) -> str:
    """The statement with each decimal literal as a double."""
    return _TOKEN.sub(lambda found: found.group() + (_EXPONENT if found.group("decimal") else ""), sql)


def source_column(sql: str, line: int, column: int) -> int:
    """The column in `sql` of what is at this line and column of as_doubles(sql)."""
    return column - len(_EXPONENT) * sum(end < column for end in _ends(sql, line))


def _ends(sql: str, line: int) -> Iterator[int]:
    """The columns of as_doubles(sql) at which the exponents of a line begin."""
    added = 0
    for found in _TOKEN.finditer(sql):
        if found.group("decimal") and sql.count("\n", 0, found.end()) + 1 == line:
            yield found.end() - sql.rfind("\n", 0, found.end()) + added
            added += len(_EXPONENT)
