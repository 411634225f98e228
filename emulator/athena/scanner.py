"""Reads Hive DDL word by word."""

from __future__ import annotations

import re

from .client import Sql
from .errors import MalformedQuery

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/|(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")|(?P<name>`(?:[^`]|``)*`)"
    r"|(?P<word>[A-Za-z0-9_$]+)|(?P<sign>.)",
    re.DOTALL,
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b"}


def position(sql: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1."""
    before = sql[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def where(sql: str, offset: int) -> str:
    line, column = position(sql, offset)
    return f"line {line}:{column}"


class Scanner:
    """A cursor over the words, names and literals of one statement."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens: list[tuple[str, str, int, int]] = []
        position = 0
        while position < len(sql):
            match = _TOKEN.match(sql, position)
            if match is None:
                raise MalformedQuery(f"{where(sql, position)}: mismatched input '{sql[position]}'")
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match.group(), match.start(), match.end()))
            position = match.end()
        if self.tokens and self.tokens[-1][1] == ";":
            self.tokens.pop()
        self.index = 0

    def done(self) -> bool:
        return self.index >= len(self.tokens)

    def peek(self, ahead: int = 0) -> str:
        """The next word in upper case; nothing at the end or before a literal."""
        if self.index + ahead >= len(self.tokens):
            return ""
        kind, text, _, _ = self.tokens[self.index + ahead]
        return text.upper() if kind in ("word", "sign") else ""

    def take(self, *words: str) -> bool:
        """Consume this run of words if it comes next."""
        if all(self.peek(i) == word for i, word in enumerate(words)):
            self.index += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        if not self.take(*words):
            raise self.unexpected(" ".join(words))

    def unexpected(self, wanted: str = "") -> MalformedQuery:
        expecting = f". Expecting: {wanted}" if wanted else ""
        if self.done():
            end = where(self.sql, len(self.sql.rstrip()))
            return MalformedQuery(f"{end}: mismatched input '<EOF>'{expecting}")
        _, text, start, _ = self.tokens[self.index]
        return MalformedQuery(f"{where(self.sql, start)}: mismatched input '{text}'{expecting}")

    def finish(self) -> None:
        if not self.done():
            raise self.unexpected("<EOF>")

    def name(self) -> str:
        """An identifier, in lower case as the catalog holds it."""
        if self.done() or self.tokens[self.index][0] == "sign":
            raise self.unexpected("<identifier>")
        kind, text, _, _ = self.tokens[self.index]
        self.index += 1
        if kind == "word":
            return text.lower()
        return text[1:-1].replace(text[0] * 2, text[0]).lower()

    def qualified(self) -> tuple[str | None, str]:
        """`table`, `db.table` or `awsdatacatalog.db.table`."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return (parts[-2] if len(parts) > 1 else None), parts[-1]

    def text(self) -> str:
        if self.done() or self.tokens[self.index][0] != "text":
            raise self.unexpected("<string>")
        raw = self.tokens[self.index][1]
        self.index += 1
        body = raw[1:-1].replace(raw[0] * 2, raw[0])
        body = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), body)
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), body)

    def constant(self) -> str:
        """A partition value: text, number or DATE 'text'."""
        self.take("DATE")
        if not self.done() and self.tokens[self.index][0] == "text":
            return self.text()
        sign = "-" if self.take("-") else ""
        return sign + self.name()

    def properties(self) -> dict[str, str]:
        """`('a'='b', 'c'='d')`."""
        self.expect("(")
        found = {}
        while True:
            key = self.text()
            self.expect("=")
            found[key] = self.text()
            if self.take(")"):
                return found
            self.expect(",")

    def rest(self) -> str:
        """Everything from here on, as written."""
        if self.done():
            raise self.unexpected("<query>")
        start = self.tokens[self.index][2]
        self.index, end = len(self.tokens), self.tokens[-1][3]
        return self.sql[start:end]

    def rest_as_sql(self) -> Sql:
        """Everything from here on, with its place in the statement."""
        start = self._offset()
        return self._sql(self.rest(), start)

    def group_as_sql(self) -> Sql:
        """The text between this parenthesis and the matching one, with its place in the statement."""
        start = self._offset() + 1
        return self._sql(self.group(), start)

    def _offset(self) -> int:
        return len(self.sql) if self.done() else self.tokens[self.index][2]

    def _sql(self, text: str, start: int) -> Sql:
        line, column = position(self.sql, start)
        return Sql(text, 1, line, column)

    def group(self) -> str:
        """The text between this parenthesis and the matching one."""
        self.expect("(")
        start, depth = self.tokens[self.index - 1][3], 1
        while depth:
            if self.done():
                raise self.unexpected(")")
            depth += {"(": 1, ")": -1}.get(self.peek(), 0)
            self.index += 1
        return self.sql[start : self.tokens[self.index - 1][2]]

    def type(self) -> str:
        """A Hive type up to the comma or parenthesis that ends it."""
        start = self.index
        depth = 0
        while not self.done() and not (depth == 0 and self.peek() in (",", ")", "COMMENT")):
            depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(self.peek(), 0)
            self.index += 1
            if depth == 0 and self.peek() not in ("<", "("):
                break
        if start == self.index:
            raise self.unexpected("<type>")
        return "".join(text for _, text, _, _ in self.tokens[start : self.index]).lower().replace("`", "")
