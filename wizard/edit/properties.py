"""Properties files, such as Spark's `spark-defaults.conf`, changed without noise.

Spark reads them with `java.util.Properties`: a key ends at the first blank, `=` or `:`; `#` and `!` start a
comment; a backslash at the end of a line continues it; of several lines with one key the last counts.  Then
Spark takes the blanks at both ends off each value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from wizard.edit.splice import Edit, Splice, Value, described, is_secret_name, reveal, splice
from wizard.errors import EditError
from wizard.secrets import Secret

_BLANKS = " \t\f"
_TRIMMED = "".join(map(chr, range(0x21)))  # what Java's String.trim takes off
_KEY = re.compile(r"(?:\\.|[^\\ \t\f=:])*", re.S)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[^u]|u|\Z)", re.S)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_NATURAL_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")


class _Line(NamedTuple):
    """A live line with those that continue it; all numbers are offsets, `end` that behind its line end.

    `is_open`: the file ends inside of it, so that nothing can follow.
    """

    key: str
    value: str
    value_start: int
    value_end: int
    end: int
    has_separator: bool
    is_open: bool


class PropertiesDocument:
    """One properties file: the value of a key, changing it, and the bytes that come out.

    Text is UTF-8, as Spark reads it; what is written is ASCII, the rest as `\\uXXXX`.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Reads `data`; `name` is what errors call the file.

        Raises:
            EditError: a `\\u` that no four hexadecimal digits follow, with its line.
        """
        self.data = data
        self.name = name
        self._lines = list(_read(data, name))
        self._counting = {line.key: line for line in self._lines}  # of several lines with one key the last
        self._values: dict[str, tuple[str, bool]] = {}
        self._prefixes: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def keys(self) -> list[str]:
        """The live keys, each once, in the order of the file; new ones at the end."""
        return list(dict.fromkeys([*(line.key for line in self._lines), *self._values]))

    def get(self, key: str) -> str | None:
        """The value that counts (that of the last live line), or None."""
        if key in self._values:
            return self._values[key][0]
        line = self._last(key)
        return line.value if line else None

    def set(
        self, key: str, value: Value, after_prefix: str | None = None, *, what: str | None = None
    ) -> None:
        """Makes `value` the one that counts; blanks at its ends are dropped, as Spark does.

        Only the value changes in the last live line of `key`.  A new key gets a line of its own behind the
        last live one whose key starts with `after_prefix` (the key's first dotted word and its dot unless
        given), else at the end.

        Raises:
            EditError: the key is empty.
        """
        if not key:
            raise EditError("a property needs a key", place=self.name, fix="give it one")
        new = reveal(value).strip(_TRIMMED)
        if self.get(key) == new:
            return
        self._values[key] = new, isinstance(value, Secret) or is_secret_name(key)
        self._prefixes[key] = key.partition(".")[0] + "." if after_prefix is None else after_prefix
        self._labels[key] = what or key

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result.

        Raises:
            EditError: a new line would have to go behind one that never ends.
        """
        edits = []
        for key, (value, secret) in self._values.items():
            line = self._last(key)
            old = line.value if line else None
            if value != old:
                made = _changed(line, value) if line else self._added(key, value)
                edits.append(Edit(described(self._labels[key], old, value, secret=secret), (made,)))
        return edits

    def result(self) -> bytes:
        """The file's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: the result does not read as it should (a defect of this program, not of the file).
        """
        edits = self.edits
        if not edits:
            return self.data
        result = splice(self.data, [each for edit in edits for each in edit.splices])
        if {line.key: line.value for line in _read(result, self.name)} != {
            k: self.get(k) for k in self.keys()
        }:
            raise EditError(
                "internal: the edited lines do not read as they should; nothing is written",
                place=self.name,
                fix="report this with the file; passwords taken out",
            )
        return result

    def _last(self, key: str) -> _Line | None:
        return self._counting.get(key)

    def _added(self, key: str, value: str) -> Splice:
        near = [line for line in self._lines if line.key.startswith(self._prefixes[key])]
        at = near[-1].end if near else len(self.data)
        if at == len(self.data) and self._lines and self._lines[-1].is_open:
            raise EditError(
                "the last line ends with a backslash, so that no other can follow",
                place=f"{self.name}:{len(self.data.splitlines())}",
                fix="remove that backslash",
            )
        line_end = b"\r\n" if b"\r\n" in self.data else b"\n"
        line = _escaped(key, is_key=True) + b" " + _escaped(value, is_key=False)
        ended = at == 0 or self.data[at - 1 : at] in (b"\n", b"\r")
        return Splice(at, at, line + line_end if ended else line_end + line)


def _changed(line: _Line, value: str) -> Splice:
    written = _escaped(value, is_key=False)
    return Splice(line.value_start, line.value_end, written if line.has_separator else b" " + written)


def _read(data: bytes, name: str) -> Iterator[_Line]:
    for text, offsets, end, is_open in _logical_lines(data):
        key = _KEY.match(text)
        assert key is not None
        separator = _SEPARATOR.match(text, key.end())
        assert separator is not None
        start, stop = separator.end(), len(text)
        while stop > start and text[stop - 1] in _BLANKS and not _is_escaped(text, stop - 1):
            stop -= 1
        value_start, value_end = offsets[start], offsets[stop - 1] + 1 if stop > start else offsets[start]
        if not separator[0]:  # in front of what continues the line, so that the two stay apart
            value_start = value_end = offsets[key.end() - 1] + 1 if key[0] else offsets[0]
        try:
            plain_key, value = _unescaped(key[0]), _unescaped(text[start:stop])
        except ValueError as problem:
            line = data.count(b"\n", 0, offsets[0]) + 1
            raise EditError(str(problem), place=f"{name}:{line}", fix="double the backslash") from None
        yield _Line(
            key=plain_key,
            value=value.strip(_TRIMMED),
            value_start=value_start,
            value_end=value_end,
            end=end,
            has_separator=bool(separator[0]),
            is_open=is_open,
        )


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
    first = position
    while first and text[first - 1] == "\\":
        first -= 1
    return (position - first) % 2 == 1


def _unescaped(raw: str) -> str:
    """The text of a key or value, of which each character is a byte of the file.

    Raises:
        ValueError: a broken escape.
    """
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


def _escaped(text: str, *, is_key: bool) -> bytes:
    written = ""
    for position, character in enumerate(text):
        # A value could be mistaken for what separates it from the key, at its start alone.
        if character == "\\" or (is_key and character in " =:#!") or (not position and character in " =:"):
            written += "\\" + character
        elif " " <= character <= "~":
            written += character
        else:
            pair = character.encode("utf-16-be", "surrogatepass")
            written += "".join(f"\\u{pair[i : i + 2].hex()}" for i in range(0, len(pair), 2))
    return written.encode("ascii")
