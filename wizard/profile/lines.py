"""Locate keys in a TOML file: the line of each key and table, and the exact span of each value.

The standard library's parser says what a file means, and not where.  This scanner says where, and knows
only what it needs for that: it is run on text that the parser has accepted, when an error has to name a line,
or when one value is to be changed and everything else is to stay as it is.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Place = tuple[str | int, ...]
"""The way to a value: keys of tables and numbers of list items, such as `("nodes", 1, "host")`."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANKS = re.compile(r"[ \t]*")
_BLANKS_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_LINE_STRING = {'"': re.compile(r'"(?:[^"\\\n]|\\.)*"'), "'": re.compile(r"'[^'\n]*'")}
# Up to two quotes may stand right before the three that close.
_LONG_STRING = {
    '"""': re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}"),
}


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A `key = value`, as offsets into the text; `inline`: within another value, not on a line of its own."""

    start: int
    value_start: int
    value_end: int
    inline: bool


@dataclass(frozen=True, slots=True)
class Header:
    """A `[table]` or `[[table]]`: offsets of its line's start, and of what comes behind that line."""

    start: int
    end: int


@dataclass
class Layout:
    """The places in `text`: `entries` are the values, `headers` the tables that have one, in order."""

    text: str
    entries: dict[Place, KeyLine] = field(default_factory=dict)
    headers: dict[Place, Header] = field(default_factory=dict)
    _offsets: dict[Place, int] = field(default_factory=dict)
    _line_starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def mark(self, place: Place, offset: int) -> None:
        """`place`, and the tables around it that have no header of their own, begin at `offset`."""
        for length in range(1, len(place) + 1):
            self._offsets.setdefault(place[:length], offset)

    def line_at(self, offset: int) -> int:
        """The number of the line, from 1, that holds the character at `offset`."""
        return bisect_right(self._line_starts, offset)

    def line(self, place: Place) -> int:
        """The line where `place` begins, or where the nearest table or list around it does.

        What is missing at the top level belongs at the end: then it is the last line.
        """
        for length in range(len(place), 0, -1):
            if place[:length] in self._offsets:
                return self.line_at(self._offsets[place[:length]])
        return self.line_at(max(0, len(self.text.rstrip()) - 1))

    def body_end(self, place: Place) -> int:
        """Where the body of a table with a header ends; () is the file's own, above the first header."""
        starts = sorted(header.start for header in self.headers.values())
        begin = self.headers[place].end if place else 0
        return next((start for start in starts if start >= begin), len(self.text))


def scan(text: str) -> Layout:
    """Return the places in `text`, which must be TOML; invalid text gives fewer places, never an error."""
    layout = Layout(text)
    with suppress(IndexError, RecursionError, ValueError):  # what was found so far names the nearest lines
        _Scanner(layout).document()
    return layout


class _Scanner:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.text = layout.text
        self.at = 0
        self.counts: dict[Place, int] = {}

    def document(self) -> None:
        table: Place = ()
        while True:
            self.skip(_BLANKS_AND_COMMENTS)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table, inline=False)

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError("invalid TOML")
        self.at = match.end()

    def header(self) -> Place:
        start = self.text.rfind("\n", 0, self.at) + 1
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        keys = self.key()
        self.at += 2 if is_list else 1
        place: Place = ()
        for number, key in enumerate(keys, 1):
            place += (key,)
            if number == len(keys) and is_list:
                self.counts[place] = self.counts.get(place, -1) + 1
                self.layout.mark(place, start)
            if place in self.counts:
                place += (self.counts[place],)
        end = self.text.find("\n", self.at) + 1 or len(self.text)
        self.layout.headers[place] = Header(start, end)
        self.layout.mark(place, start)
        return place

    def key(self) -> list[str]:
        parts = []
        while True:
            self.skip(_BLANKS)
            quote = self.text[self.at]
            pattern = _LINE_STRING.get(quote, _BARE_KEY)
            match = pattern.match(self.text, self.at)
            if match is None:
                raise ValueError("no key here")
            self.at = match.end()
            parts.append(tomllib.loads(f"k = {match[0]}")["k"] if quote in _LINE_STRING else match[0])
            self.skip(_BLANKS)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def pair(self, table: Place, *, inline: bool) -> None:
        start = self.at
        place = (*table, *self.key())
        self.at += 1  # the equals sign
        self.skip(_BLANKS)
        self.layout.mark(place, start)
        value_start = self.at
        self.value(place)
        self.layout.entries[place] = KeyLine(start, value_start, self.at, inline)

    def value(self, place: Place) -> None:
        first = self.text[self.at]
        long_string = _LONG_STRING.get(self.text[self.at : self.at + 3])
        pattern = long_string or _LINE_STRING.get(first)
        if first == "[":
            self.items(place)
        elif first == "{":
            self.inline_table(place)
        elif pattern is not None:
            self.skip(pattern)
        else:
            match = _SCALAR.match(self.text, self.at)
            length = len(match[0].rstrip()) if match else 0
            if not length:
                raise ValueError("invalid TOML")
            self.at += length

    def items(self, place: Place) -> None:
        self.at += 1
        number = 0
        while True:
            self.skip(_BLANKS_AND_COMMENTS)
            if self.text[self.at] == "]":
                self.at += 1
                return
            start = self.at
            self.layout.mark((*place, number), start)
            self.value((*place, number))
            self.layout.entries[(*place, number)] = KeyLine(start, start, self.at, inline=True)
            number += 1
            self.skip(_BLANKS_AND_COMMENTS)
            if self.text[self.at] == ",":
                self.at += 1

    def inline_table(self, place: Place) -> None:
        self.at += 1
        while True:
            self.skip(_BLANKS_AND_COMMENTS)
            if self.text[self.at] == "}":
                self.at += 1
                return
            self.pair(place, inline=True)
            self.skip(_BLANKS_AND_COMMENTS)
            if self.text[self.at] == ",":
                self.at += 1


def lookup(tables: Any, place: Place) -> Any:
    """The value at `place`.

    Raises:
        KeyError: nothing is there.
    """
    for key in place:
        here = tables
        if isinstance(here, list):
            here = dict(enumerate(here))
        if not isinstance(here, Mapping) or key not in here:
            raise KeyError(key)
        tables = here[key]
    return tables
