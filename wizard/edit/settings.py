"""Files of keys with values, one a line, changed without noise: properties (Spark's `spark-defaults.conf`) and scripts.

Of a script only whole lines of the form `export NAME=value` and `set NAME=value` are known; it is never run.  A line
that is not certain to run (inside of a block, a here-document, behind a backslash), or that sets the variable in
another way, is not touched: a new one at the end counts more than it, and than those before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import ClassVar

from wizard.edit.edits import NOTE, Line, Note, Value, changed, reveal
from wizard.pack.properties import TRIMMED, PropertyLine, read
from wizard.passwords.masking import is_password
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError

_SAFE = re.compile(r"[A-Za-z0-9.:_%/-]*")
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")


class SettingsDocument:
    """One file: the value of a key, changing it, and the bytes that come out.

    Of several live lines with one key the last counts, and in it only the value changes.  A new key gets a line of
    its own.
    """

    refusal = "internal: the edited lines do not read as they should; nothing is written"
    way_out = "report this with the file; passwords taken out"
    """The error, and its fix, for an edit that does not read as it was set."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read `data`; `name` is what errors call the file."""
        self.data = data
        self.name = name
        self.now = data  # the bytes with all edits so far
        self.lines = list(self.read(data))
        self._before = self.counting
        self._changes: dict[str, tuple[str, bool, Note]] = {}
        """By the key: its name, whether the new value is a password, and the note."""

    @property
    def counting(self) -> dict[str, PropertyLine]:
        """The line that counts of each key, in the order of the file."""
        return {line.key: line for line in self.lines}

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        """Return the live lines."""
        raise NotImplementedError

    def checked(self, name: str, text: str) -> str:
        """Return the text as it will be read.  Raises EditError for a text that the file cannot hold."""
        raise NotImplementedError

    def escaped(self, value: str) -> bytes:
        """Return a value as the file holds it."""
        raise NotImplementedError

    def added(self, name: str, value: str) -> tuple[int, bytes, bytes]:
        """Return a new line: its offset, its bytes and its line end."""
        raise NotImplementedError

    def key(self, name: str) -> str:
        """Return the key of a name."""
        return name

    def get(self, name: str) -> str | None:
        """Return the value that counts, which is that of the last live line; or None."""
        line = self.counting.get(self.key(name))
        return line.value if line else None

    def set(self, name: str, value: Value, *, note: Note = NOTE) -> None:
        """Make `value` the one that counts.

        Raises:
            EditError: the file cannot hold the name, the value or another line, or would not read as it was set.
        """
        text, key, counting = self.checked(name, reveal(value)), self.key(name), self.counting
        if text == self.get(name):
            return
        if line := counting.get(key):
            start, end, replacement = line.value_start, line.value_end, self.escaped(text)
            replacement = replacement if line.has_separator else b" " + replacement
        else:
            start, replacement, line_end = self.added(name, text)
            end = start
            is_ended = start == 0 or self.now[start - 1 : start] in (b"\n", b"\r")
            replacement = replacement + line_end if is_ended else line_end + replacement
        now = self.now[:start] + replacement + self.now[end:]
        lines = list(self.read(now))
        meant = {key: one.value for key, one in counting.items()} | {key: text}
        if {one.key: one.value for one in lines} != meant:
            place = f"{self.name}:{len(self.data.splitlines())}"
            raise EditError(self.refusal, place=place, fix=self.way_out)
        self.now, self.lines = now, lines
        self._changes[key] = name, isinstance(value, Secret) or is_password(name), note

    @property
    def edits(self) -> list[Line]:
        """What changes, in the order in which it was asked for."""
        edits, counting = [], self.counting
        for key, (name, secret, note) in self._changes.items():
            line, old = counting[key], self._before[key].value if key in self._before else None
            if line.value != old:
                number = 1 + self.now.count(b"\n", 0, line.value_start)
                edits.append(changed(note, note.what or name, old, line.value, number, secret=secret))
        return edits

    def result(self) -> bytes:
        """Return the file's bytes with all edits; the very same object if nothing changes."""
        return self.now if self.edits else self.data


class PropertiesDocument(SettingsDocument):
    """One properties file.  What is written is ASCII, the rest as `\\uXXXX`.

    A new key goes behind the last live line whose key starts with the same dotted word, else to the end.

    Raises:
        EditError: a `\\u` that no four hexadecimal digits follow, with its line.
    """

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        return read(data, self.name)

    def checked(self, name: str, text: str) -> str:
        return text.strip(TRIMMED)  # as Spark does

    def escaped(self, value: str) -> bytes:
        return _escaped(value, is_key=False)

    def added(self, name: str, value: str) -> tuple[int, bytes, bytes]:
        prefix = name.partition(".")[0] + "."
        near = [line for line in self.lines if line.key.startswith(prefix)]
        at = near[-1].end if near else len(self.now)
        if at == len(self.now) and self.lines and self.lines[-1].is_open:
            raise EditError(
                "the last line ends with a backslash, so that no other can follow",
                place=f"{self.name}:{len(self.data.splitlines())}",
                fix="remove that backslash",
            )
        line = _escaped(name, is_key=True) + b" " + self.escaped(value)
        return at, line, b"\r\n" if b"\r\n" in self.data else b"\n"


def _escaped(text: str, *, is_key: bool) -> bytes:
    written = ""
    for position, character in enumerate(text):
        # At the start of a value, a separator would be read as the one behind the key.
        if character == "\\" or (is_key and character in " =:#!") or (not position and character in " =:"):
            written += "\\" + character
        elif " " <= character <= "~":
            written += character
        else:
            pair = character.encode("utf-16-be", "surrogatepass")
            written += "".join(f"\\u{pair[i : i + 2].hex()}" for i in range(0, len(pair), 2))
    return written.encode("ascii")


class Script(SettingsDocument):
    """A script of one kind.  Its patterns are compiled when they are used: most runs touch no script."""

    refusal = "a line at the end of the script would not run on its own; nothing is written"
    way_out = "close the block, the here-document or the continued line at the end"

    line_end: ClassVar[bytes]
    new_line: ClassVar[str]
    assignment: ClassVar[bytes]
    comment: ClassVar[bytes]
    continued: ClassVar[bytes]
    opens: ClassVar[bytes]
    closes: ClassVar[bytes]
    unsets: ClassVar[bytes] = rb"(?!)"
    here_document: ClassVar[bytes] = rb"(?!)"
    quotes: ClassVar[tuple[bytes, ...]] = ()

    def checked(self, name: str, text: str) -> str:
        if not _SAFE.fullmatch(text):
            raise EditError(
                f"the value of {name} holds characters that a script would not take as they are",
                place=self.name,
                fix="use letters, digits, dots, colons, slashes and dashes only",
            )
        return text

    def added(self, name: str, value: str) -> tuple[int, bytes, bytes]:
        line_end = b"\r\n" if b"\r\n" in self.data else b"\n" if b"\n" in self.data else self.line_end
        return len(self.now), self.new_line.format(name=name).encode() + self.escaped(value), line_end

    def escaped(self, value: str) -> bytes:
        return value.encode("ascii")

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        lines: dict[str, list[PropertyLine]] = {}
        for offset, line, is_certain in self.statements(data):
            found = re.fullmatch(self.assignment, line) if is_certain else None
            if found is None:  # where it may set a variable, nothing before it counts
                names = re.findall(rb"(?<![\w$%])(\w+)=", line)
                if unset := re.search(self.unsets, line):
                    names += re.findall(rb"\w+", unset[0])
                for name in names:
                    lines.pop(self.key(name.decode("ascii")), None)
                continue
            start, end = found.span("value")
            if found["value"][:1] in self.quotes:
                start, end = start + 1, end - 1
            value = line[start:end].decode("utf-8", "replace")
            key = self.key(found["name"].decode("ascii"))
            lines.setdefault(key, []).append(PropertyLine(key, value, offset + start, offset + end))
        return sorted(chain.from_iterable(lines.values()), key=attrgetter("value_start"))

    def statements(self, data: bytes) -> Iterator[tuple[int, bytes, bool]]:
        """Yield the offset and the bytes of each line, and whether it runs as it is whenever the script does."""
        depth, continues, waits_for = 0, False, b""
        for found in _LINE.finditer(data):
            line = found[1]
            if waits_for:
                waits_for = b"" if line.lstrip(b"\t") == waits_for else waits_for
                continue
            if not continues and re.match(self.comment, line):
                continue
            yield found.start(), line, not continues and depth <= 0
            continues = re.search(self.continued, line) is not None
            depth += len(re.findall(self.opens, line)) - len(re.findall(self.closes, line))
            if here := re.search(self.here_document, line):
                waits_for = here[1]


class ShellScript(Script):
    """A script for `sh`: `export NAME=value`, or `NAME=value` with an `export NAME` in another line."""

    line_end = b"\n"
    new_line = "export {name}="

    # Possessive, so that a line of a million blanks is given up at once.
    _END = rb"[ \t]*+(?:;[ \t]*+)?(?:(?<=[ \t])#.*)?"
    assignment = (
        rb"[ \t]*(?P<export>export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
        rb"(?P<value>\"[^\"\\]*\"|'[^']*'|(?![#~])[^\s\"'\\;&|<>()`]*)" + _END
    )
    export = rb"[ \t]*export((?:[ \t]+[A-Za-z_][A-Za-z0-9_]*)+)(?:=[^|&;]*)?" + _END
    comment = rb"[ \t]*#"
    continued = rb"(?<!\\)(?:\\\\)*\\\Z"
    opens = rb"(?:^|[;&|])[ \t]*(?:if|for|while|until|case|select)\b|[{(][ \t]*$"
    closes = rb"(?:^|[;&|])[ \t]*(?:(?:fi|done|esac)\b|[})])"
    unsets = rb"\bunset\b.*"
    quotes = (b'"', b"'")
    here_document = rb"<<-?[ \t]*[\"'\\]?([A-Za-z_][A-Za-z0-9_]*)"

    def read(self, data: bytes) -> Iterator[PropertyLine]:
        matches = (
            re.fullmatch(self.export, line) for _, line, is_certain in self.statements(data) if is_certain
        )
        exported = {name.decode("ascii") for found in matches if found for name in found[1].split()}
        return (line for line in super().read(data) if line.key in exported)


class BatchScript(Script):
    """A script for Windows: `set NAME=value` or `set "NAME=value"`; names in any case."""

    line_end = b"\r\n"
    new_line = "set {name}="

    assignment = (
        rb"(?i)[ \t]*+(?:@[ \t]*+)?set[ \t]+(?P<quote>\")?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
        rb"(?P<value>(?(quote)[^\"]*|[^&|<>^]*))(?(quote)\"[ \t]*)"
    )
    comment = rb"(?i)[ \t]*(?:@?rem\b|::)"
    continued = rb"\^[ \t]*\Z"
    opens = rb"\([ \t]*$"
    closes = rb"^[ \t]*\)"

    def key(self, name: str) -> str:
        return name.upper()

    def escaped(self, value: str) -> bytes:
        return value.replace("%", "%%").encode("ascii")

    def read(self, data: bytes) -> Iterator[PropertyLine]:
        for line in super().read(data):
            yield line._replace(value=line.value.replace("%%", "%"))


def opened(data: bytes, name: str) -> SettingsDocument:
    """Return the editor of a file, by the ending of its name: a shell script, a batch script, or properties."""
    kinds = {".sh": ShellScript, ".bat": BatchScript}
    return kinds.get(name[name.rfind(".") :], PropertiesDocument)(data, name)
