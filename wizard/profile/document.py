"""The text of a profile: where each key is, and changing one value while every other byte stays.

The standard library's parser says what a file means, and not where.  `Layout` says where, and knows only what it
needs for that: it reads text that the parser has accepted, when an error has to name a line, or for an edit.

A commented line `# key = value` of the table, as `profile new` writes them, is where that key goes when it is
set, and what becomes of its line when it is taken out.  Each edit is parsed again: a text that does not mean
exactly what was wanted is never handed out.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cached_property
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from wizard.system.errors import WizardError

Place = tuple[str | int, ...]
"""The way to a value: keys of tables and numbers of list items, such as `("nodes", 1, "host")`."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANKS = re.compile(r"[ \t]*")
_BLANKS_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BETWEEN_ITEMS = re.compile(r"(?:[ \t\r\n,]+|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")
_LINE_STRING = {'"': re.compile(r'"(?:[^"\\\n]|\\.)*"'), "'": re.compile(r"'[^'\n]*'")}
# Up to two quotes may stand right before the three that close.
_LONG_STRING = {
    '"""': re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}"),
}
_SAMPLE = re.compile(r"^(?P<indent>[ \t]*)#[ \t]*(?P<pair>[A-Za-z0-9_\"'-][^\r\n]*)", re.MULTILINE)


# --- where each key is --------------------------------------------------------------------------------------


class KeyLine(NamedTuple):
    """A `key = value`, as offsets into the text; `inline`: within another value, not on a line of its own."""

    start: int
    value_start: int
    value_end: int
    inline: bool


class Layout:
    """The places in `text`: `entries` are the values, `headers` the tables that have one, both in order.

    Of a header it holds the offsets of its line's start, and of what comes behind that line.  Text that is not
    TOML gives fewer places, never an error.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.entries: dict[Place, KeyLine] = {}
        self.headers: dict[Place, tuple[int, int]] = {}
        self._at = 0
        self._counts: dict[Place, int] = {}
        # What was found before an error names the nearest lines.
        with suppress(IndexError, RecursionError, ValueError):
            self._document()

    @cached_property
    def starts(self) -> dict[Place, int]:
        """Where each place begins; a table without a header of its own begins with the first key in it."""
        found: dict[Place, int] = {}
        spans = [*self.entries.items(), *self.headers.items()]
        for place, start in sorted(((place, span[0]) for place, span in spans), key=itemgetter(1)):
            for length in range(1, len(place) + 1):
                found.setdefault(place[:length], start)
        return found

    def line(self, place: Place) -> int:
        """The line, from 1, where `place` begins, or where the nearest table or list around it does.

        What is missing at the top level belongs at the end: then it is the last line.
        """
        nearest = _nearest(self.starts, place)
        start = self.starts[nearest] if nearest else max(0, len(self.text.rstrip()) - 1)
        return self.text.count("\n", 0, start) + 1

    def body(self, table: Place) -> tuple[int, int]:
        """Where the body of a table with a header begins and ends; () is the file's own, above the first header."""
        begin = self.headers[table][1] if table else 0
        starts = sorted(start for start, _ in self.headers.values())
        return begin, next((start for start in starts if start >= begin), len(self.text))

    def _document(self) -> None:
        table: Place = ()
        while True:
            self._skip(_BLANKS_AND_COMMENTS)
            if self._at >= len(self.text):
                return
            if self.text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table, inline=False)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self._at)
        if match is None:
            raise ValueError("invalid TOML")
        self._at = match.end()
        return match[0]

    def _header(self) -> Place:
        start = self.text.rfind("\n", 0, self._at) + 1
        brackets = 2 if self.text.startswith("[[", self._at) else 1
        self._at += brackets
        keys = self._key()
        self._at += brackets
        place: Place = ()
        for number, key in enumerate(keys, 1):
            place += (key,)
            if number == len(keys) and brackets == 2:
                self._counts[place] = self._counts.get(place, -1) + 1
            if place in self._counts:
                place += (self._counts[place],)
        self.headers[place] = (start, _line_end(self.text, self._at))
        return place

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_BLANKS)
            quote = self.text[self._at]
            part = self._skip(_LINE_STRING.get(quote, _BARE_KEY))
            parts.append(tomllib.loads(f"k = {part}")["k"] if quote in _LINE_STRING else part)
            self._skip(_BLANKS)
            if not self.text.startswith(".", self._at):
                return parts
            self._at += 1

    def _pair(self, table: Place, *, inline: bool) -> None:
        start = self._at
        place = (*table, *self._key())
        self._at += 1  # the equals sign
        self._skip(_BLANKS)
        self._value(place, start, inline=inline)

    def _value(self, place: Place, start: int, *, inline: bool) -> None:
        begin, first = self._at, self.text[self._at]
        if first in "[{":
            self._at += 1
            for number in count():
                self._skip(_BETWEEN_ITEMS)
                if self.text[self._at] in "]}":
                    break
                if first == "{":
                    self._pair(place, inline=True)
                else:
                    self._value((*place, number), self._at, inline=True)
            self._at += 1
        else:
            long_string = _LONG_STRING.get(self.text[begin : begin + 3])
            self._skip(long_string or _LINE_STRING.get(first, _SCALAR))
        self.entries[place] = KeyLine(start, begin, self._at, inline)


def _nearest(known: Collection[Place], place: Place) -> Place:
    """`place`, or the nearest one around it, that is `known`; () if there is none."""
    return next((place[:n] for n in range(len(place), 0, -1) if place[:n] in known), ())


def lookup(tables: Any, place: Place) -> Any:
    """Return the value at `place`.  Raises `KeyError` if nothing is there."""
    for key in place:
        here = dict(enumerate(tables)) if isinstance(tables, list) else tables
        if not isinstance(here, Mapping) or key not in here:
            raise KeyError(key)
        tables = here[key]
    return tables


# --- values as TOML writes them -----------------------------------------------------------------------------


def written(value: Any) -> str:
    """Return `value` on one line of TOML: text, numbers, true and false, paths, lists, and tables as inline ones.

    Raises `TypeError` for what TOML does not have (None), or a profile does not (dates).
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() | Path():
            # A JSON string is one of TOML too.  Escaped besides: what a terminal obeys, and what has no width.
            text = json.dumps(str(value), ensure_ascii=False)
            return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
        case Mapping():
            pairs = ", ".join(f"{written_key(key)} = {written(item)}" for key, item in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def written_key(key: str) -> str:
    """`key`, in quotes where it needs them."""
    return key if _BARE_KEY.fullmatch(key) else written(key)


# --- changing one value -------------------------------------------------------------------------------------


def place_of(field: str | Place) -> Place:
    """The place that a dotted name means: `nodes.1.port_offset` is `("nodes", 1, "port_offset")`.

    A name with a dot in it, as a URL parameter may have, has to come as a place.
    """
    if isinstance(field, tuple):
        return field
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))


def set_field(text: str, field: str | Place, value: Any) -> str:
    """Return `text`, which is TOML, with the value of `field`, a dotted name or a place, changed or added.

    The value is one that `written` takes; tables around it are added where they are missing.  Raises
    `tomllib.TOMLDecodeError`, and `WizardError` if its parent is not a table or the nodes before it are missing.
    """
    place = place_of(field)
    value = tomllib.loads(f"value = {written(value)}")["value"]  # a path is text there, a tuple a list
    before = tomllib.loads(text)
    after = _with(before, place, value)
    if _canonical(before) == _canonical(after):
        return text
    layout = Layout(text)
    # The value, or the nearest list or inline table around it, is in the text: only that is rewritten.
    if whole := _nearest(layout.entries, place):
        new = _rewritten(layout, after, whole)
    elif isinstance(value, dict) and place in layout.starts:  # a table with a header: its keys one by one
        new = text
        for key in lookup(before, place):
            new = new if key in value else unset_field(new, (*place, key))
        for key, item in value.items():
            new = set_field(new, (*place, key), item)
    else:
        new = _with_line(layout, place, value)
    return _verified(new, after, place)


def unset_field(text: str, field: str | Place) -> str:
    """Return `text` without the value of `field`: its line becomes a comment; a table keeps its header.

    Raises `tomllib.TOMLDecodeError`.
    """
    place = place_of(field)
    after = tomllib.loads(text)
    try:
        value = lookup(after, place)
    except KeyError:
        return text
    layout = Layout(text)
    if place not in layout.entries:
        for key in reversed(range(len(value))) if isinstance(value, list) else value:
            text = unset_field(text, (*place, key))
        return text
    del lookup(after, place[:-1])[place[-1]]
    entry = layout.entries[place]
    if entry.inline:
        new = _rewritten(layout, after, _nearest(layout.entries, place[:-1]))
    elif "\n" not in text[entry.start : entry.value_end]:
        new = f"{text[: entry.start]}# {text[entry.start :]}"
    else:
        new = text[: text.rfind("\n", 0, entry.start) + 1] + text[_line_end(text, entry.value_end) :]
    return _verified(new, after, place)


def _with(tables: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """The tables with the value at `place`, and with what is missing around it."""
    result = deepcopy(tables)
    around: Any = result
    for key, following in zip(place, (*place[1:], None), strict=True):
        new = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(around, list) and isinstance(key, int) and key <= len(around):
            around += [new] if key == len(around) else []
        elif isinstance(around, dict) and isinstance(key, str):
            around.setdefault(key, new)
        else:
            message, fix = "cannot be set: its parent is not a table", "correct the file in an editor"
            raise WizardError(message, place=".".join(map(str, place)), fix=fix)
        if following is None:
            around[key] = new
        around = around[key]
    return result


def _canonical(value: Any) -> str:
    """The same text for the same TOML, whatever the order of keys."""
    return json.dumps(value, sort_keys=True, default=repr)


def _pruned(value: Any) -> Any:
    """`value` without empty tables: one that was written by dotted keys alone is gone with the last of them."""
    if isinstance(value, dict):
        kept = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _verified(text: str, wanted: dict[str, Any], place: Place) -> str:
    """Return `text`, if it means what is wanted.

    Raises `WizardError` if it does not; that is an error of this module, and nothing has been lost by it.
    """
    with suppress(ValueError):
        if _canonical(_pruned(tomllib.loads(text))) == _canonical(_pruned(wanted)):
            return text
    message, fix = "cannot be changed without changing other values", "change it in an editor"
    raise WizardError(message, place=".".join(map(str, place)), fix=fix)


def _rewritten(layout: Layout, after: dict[str, Any], place: Place) -> str:
    text, entry = layout.text, layout.entries[place]
    return text[: entry.value_start] + written(lookup(after, place)) + text[entry.value_end :]


def _with_line(layout: Layout, place: Place, value: Any) -> str:
    """The text with a new line for the value: in its table, beside dotted keys of that, or in a new table."""
    text, newline, table = layout.text, "\r\n" if "\r\n" in layout.text else "\n", place[:-1]
    line = f"{written_key(str(place[-1]))} = {written(value)}"
    if not table or table in layout.headers:
        begin, end = layout.body(table)
        values = [range(one.value_start, one.value_end) for one in layout.entries.values()]
        for sample in _SAMPLE.finditer(text, begin, end):
            if any(sample.start() in one for one in values):
                continue  # no comment, but a part of a text of several lines
            if span := _value_of_sample(sample["pair"], str(place[-1])):
                new = sample["pair"][: span[0]] + written(value) + sample["pair"][span[1] :]
                return text[: sample.end("indent")] + new + text[sample.end() :]
        own = [one for one in layout.entries.values() if not one.inline and begin <= one.start < end]
        if own:
            return _insert_below(text, own[-1], line, newline)
        before = newline if begin and not text[:begin].endswith("\n") else ""
        return text[:begin] + before + line + newline + text[begin:]
    dotted = [
        entry
        for other, entry in layout.entries.items()
        if other[: len(table)] == table and len(_nearest(layout.headers, other[:-1])) < len(table)
    ]
    if dotted:
        below_header = place[len(_nearest(layout.headers, place[:-2])) :]
        key = ".".join(written_key(str(part)) for part in below_header)
        return _insert_below(text, dotted[-1], f"{key} = {written(value)}", newline)
    name = ".".join(written_key(part) for part in table if isinstance(part, str))
    header = f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"
    between = "" if not text else newline if text.endswith("\n") else newline * 2
    return f"{text}{between}{header}{newline}{line}{newline}"


def _value_of_sample(pair: str, key: str) -> tuple[int, int] | None:
    """Where in `pair`, an uncommented line, the value is, if it is one of `key`."""
    with suppress(ValueError):
        if list(tomllib.loads(pair)) == [key] and (entry := Layout(pair).entries.get((key,))):
            return entry.value_start, entry.value_end
    return None


def _insert_below(text: str, entry: KeyLine, line: str, newline: str) -> str:
    """`line` below the line on which the value of `entry` ends, with the same indentation."""
    indent = text[text.rfind("\n", 0, entry.start) + 1 : entry.start]
    end = _line_end(text, entry.value_end)
    before = "" if text[:end].endswith("\n") else newline
    return f"{text[:end]}{before}{indent}{line}{newline}{text[end:]}"


def _line_end(text: str, offset: int) -> int:
    """Where the line that holds `offset` ends, its line break included."""
    return text.find("\n", offset) + 1 or len(text)
