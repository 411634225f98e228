"""Reads the words, names and literals of a statement one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ..core.queries import MalformedQuery

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/|(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")|(?P<name>`(?:[^`]|``)*`)"
    r"|(?P<word>[A-Za-z0-9_$]+)|(?P<sign>.)",
    re.DOTALL,
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b"}
Item = TypeVar("Item")


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Part(NamedTuple):
    """A part of the statement as it was written, and the line and column where it begins."""

    text: str
    line: int
    column: int


class TableName(NamedTuple):
    """`table` or `database.table`. A catalog before them is left out: there is one."""

    database: str | None
    name: str


class Unexpected(MalformedQuery):
    """The statement goes on with something else than what could come here."""

    def __init__(self, scanner: Scanner, *wanted: str) -> None:
        token = scanner.token()
        line, column = scanner.position()
        self.wanted = tuple(word for words in wanted for word in words.split("|"))
        expecting = f". Expecting: {', '.join(self.wanted)}" if wanted else ""
        super().__init__(f"line {line}:{column}: mismatched input '{token.text or '<EOF>'}'{expecting}")
        self.index = scanner.index


class Scanner:
    """A cursor over the tokens of one statement."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        found = (Token(m.lastgroup, m.group(), m.start(), m.end()) for m in _TOKEN.finditer(sql) if m.lastgroup)
        self.tokens = [*found]
        if self.tokens and self.tokens[-1].text == ";":
            self.tokens.pop()
        self.index = 0

    # ---- Looking ahead ----

    def done(self) -> bool:
        return self.index >= len(self.tokens)

    def token(self, ahead: int = 0) -> Token:
        """The next token. At the end, one without a text."""
        index, end = self.index + ahead, len(self.sql.rstrip())
        return self.tokens[index] if index < len(self.tokens) else Token("end", "", end, end)

    def position(self, offset: int | None = None) -> tuple[int, int]:
        """Line and column, both from 1, of the next token or of a place in the text."""
        before = self.sql[: self.token().start if offset is None else offset]
        return before.count("\n") + 1, len(before) - before.rfind("\n")

    def peek(self, ahead: int = 0) -> str:
        """The next word in upper case, nothing at the end or before a literal."""
        token = self.token(ahead)
        return token.text.upper() if token.kind in ("word", "sign") else ""

    def take(self, *words: str) -> bool:
        """Consume these words if they come next. `IN|FROM` is one of two."""
        if all(self.peek(ahead) in word.split("|") for ahead, word in enumerate(words)):
            self.index += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise Unexpected(self, word)

    def finish(self) -> None:
        if not self.done():
            raise Unexpected(self, "<EOF>")

    # ---- Names, literals and lists ----

    def name(self) -> str:
        """An identifier, in lower case as the catalog holds it."""
        kind, text, *_ = self.token()
        if kind in ("end", "sign"):
            raise Unexpected(self, "<identifier>")
        self.index += 1
        return (text if kind == "word" else text[1:-1].replace(text[0] * 2, text[0])).lower()

    def table(self) -> TableName:
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return TableName(parts[-2] if len(parts) > 1 else None, parts[-1])

    def text(self) -> str:
        kind, raw, *_ = self.token()
        if kind != "text":
            raise Unexpected(self, "<string>")
        self.index += 1
        body = raw[1:-1].replace(raw[0] * 2, raw[0])
        body = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), body)
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), body)

    def constant(self) -> str:
        """A text, a number or DATE 'text'."""
        self.take("DATE")
        if self.token().kind == "text":
            return self.text()
        sign = "-" if self.take("-") else ""
        return sign + self.name()

    def items(self, read: Callable[[], Item], end: str = ")") -> list[Item]:
        """The rest of a list such as `(a, b, c)`."""
        found = [read()]
        while not self.take(end):
            self.expect(",")
            found.append(read())
        return found

    def listed(self, read: Callable[[], Item]) -> list[Item]:
        self.expect("(")
        return self.items(read)

    def properties(self) -> dict[str, str]:
        """`('a'='b', 'c'='d')`."""
        return dict(self.listed(self._property))

    def _property(self) -> tuple[str, str]:
        key = self.text()
        self.expect("=")
        return key, self.text()

    # ---- What Trino reads ----

    def rest(self) -> Part:
        """Everything from here on."""
        if self.done():
            raise Unexpected(self, "<query>")
        text = self.sql[self.token().start : self.tokens[-1].end]
        part = Part(text, *self.position())
        self.index = len(self.tokens)
        return part

    def group(self) -> Part:
        """What is between this parenthesis and the matching one."""
        self.expect("(")
        start, depth = self.tokens[self.index - 1].end, 1
        while depth:
            if self.done():
                raise Unexpected(self, ")")
            depth += {"(": 1, ")": -1}.get(self.peek(), 0)
            self.index += 1
        return Part(self.sql[start : self.tokens[self.index - 1].start], *self.position(start))
