"""Properties files, such as Spark's `spark-defaults.conf`, for reading; `edit/settings.py` adds the edits.

Spark reads them with `java.util.Properties`: a key ends at the first blank, `=` or `:`; `#` and `!` start a
comment; a backslash at the end of a line continues it; of several lines with one key the last counts.  Then
Spark takes the blanks at both ends off each value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from wizard.system.errors import EditError

_BLANKS = " \t\f"
TRIMMED = "".join(map(chr, range(0x21)))  # what Java's String.trim takes off
_KEY = re.compile(r"(?:\\.|[^\\ \t\f=:])*", re.S)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[^u]|u|\Z)", re.S)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_NATURAL_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")


class PropertyLine(NamedTuple):
    """A live line with those that continue it; all numbers are offsets, `end` that behind its line end.

    `is_open`: the file ends inside of it, so that nothing can follow.
    """

    key: str
    value: str
    value_start: int
    value_end: int
    end: int = 0
    has_separator: bool = True
    is_open: bool = False


def read(data: bytes, name: str) -> Iterator[PropertyLine]:
    """Yield the live lines of a properties file, whose text is UTF-8, as Spark reads it.

    Raises `EditError`, with the line, for a `\\u` that no four hexadecimal digits follow.
    """
    for text, offsets, end, is_open in _logical_lines(data):
        key = _KEY.match(text)
        separator = _SEPARATOR.match(text, key.end() if key else 0)
        assert key is not None and separator is not None
        start, stop = separator.end(), len(text.rstrip(_BLANKS))
        if stop < len(text) and _is_escaped(text, stop):
            stop += 1
        stop = max(start, stop)
        value_start, value_end = offsets[start], offsets[stop - 1] + 1 if stop > start else offsets[start]
        if not separator[0]:  # in front of what continues the line, so that the two stay apart
            value_start = value_end = offsets[key.end() - 1] + 1 if key[0] else offsets[0]
        try:
            plain_key, value = _unescaped(key[0]), _unescaped(text[start:stop])
        except ValueError as problem:
            line = data.count(b"\n", 0, offsets[0]) + 1
            raise EditError(str(problem), place=f"{name}:{line}", fix="double the backslash") from None
        value = value.strip(TRIMMED)
        yield PropertyLine(plain_key, value, value_start, value_end, end, bool(separator[0]), is_open)


def _logical_lines(data: bytes) -> Iterator[tuple[str, list[int], int, bool]]:
    """Each live line: its characters (one a byte), their offsets and one more, its end, if it is open."""
    text, offsets, continues = "", [0], False
    for found in _NATURAL_LINE.finditer(data):
        natural = found[1].decode("latin-1")
        body = natural.lstrip(_BLANKS)
        if not continues:
            text, offsets = "", [found.end(1)]
            if not body or body[0] in "#!":
                continue
        first = found.end(1) - len(body)
        ends_file = not found[2]
        is_open = ends_file and continues and not natural
        continues = _is_escaped(body, len(body))
        if continues:
            body = body[:-1]
        text += body
        offsets[-1:] = range(first, first + len(body) + 1)
        if not continues or ends_file:
            if text or continues:  # Java passes over what is only continued nothing
                yield text, offsets, found.end(), continues or is_open
            continues = False


def _is_escaped(text: str, position: int) -> bool:
    """Whether an odd number of backslashes stands before `position`."""
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescaped(raw: str) -> str:
    """Return the text of a key or value, of which each character is a byte.  Raises `ValueError` as `_character`."""
    if raw.isascii() and "\\" not in raw:
        return raw
    try:
        text = raw.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        text = raw
    text = _ESCAPE.sub(_character, text)
    # Java's \ud83d\ude00 is one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(found: re.Match[str]) -> str:
    escape = found[1]
    if escape == "u":
        raise ValueError("four hexadecimal digits have to follow \\u")
    return chr(int(escape[1:], 16)) if escape[:1] == "u" else _LETTERS.get(escape, escape)
