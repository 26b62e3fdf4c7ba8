"""Environment variables in shell and batch scripts, changed without noise.

Only whole lines of the form `export NAME=value` and `set NAME=value` are known; a script is never run.  A line
that is not certain to run (inside of a block, a here-document, behind a backslash) is not touched: a new one at
the end counts more than it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from wizard.edit.settings import SettingsDocument
from wizard.pack.properties import PropertyLine
from wizard.system.errors import EditError

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SAFE = re.compile(r"[A-Za-z0-9.:_%/-]*")
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")


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
    here_document: ClassVar[bytes] = rb"(?!)"
    quotes: ClassVar[tuple[bytes, ...]] = ()

    def checked(self, name: str, text: str) -> str:
        if not re.fullmatch(_NAME, name):
            raise EditError(
                f"{name!r} is not a variable name", place=self.name, fix="use letters, digits and underscores"
            )
        if not _SAFE.fullmatch(text):
            raise EditError(
                f"the value of {name} holds characters that a script would not take as they are",
                place=self.name,
                fix="use letters, digits, dots, colons, slashes and dashes only",
            )
        return text

    def changed(self, line: PropertyLine, value: str) -> bytes:
        return self.escaped(value)

    def added(self, name: str, value: str) -> tuple[int, bytes, bytes]:
        line_end = b"\r\n" if b"\r\n" in self.data else b"\n" if b"\n" in self.data else self.line_end
        return len(self.now), self.new_line.format(name=name).encode() + self.escaped(value), line_end

    def escaped(self, value: str) -> bytes:
        return value.encode("ascii")

    def read(self, data: bytes) -> Iterator[PropertyLine]:
        for offset, line in self.live_lines(data):
            if found := re.fullmatch(self.assignment, line):
                start, end = found.span("value")
                if found["value"][:1] in self.quotes:
                    start, end = start + 1, end - 1
                value = line[start:end].decode("utf-8", "replace")
                yield PropertyLine(found["name"].decode("ascii"), value, offset + start, offset + end)

    def live_lines(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the offset and the bytes of each line that runs whenever the script does."""
        depth, continues, waits_for = 0, False, b""
        for found in _LINE.finditer(data):
            line = found[1]
            if waits_for:
                waits_for = b"" if line.lstrip(b"\t") == waits_for else waits_for
                continue
            is_comment = re.match(self.comment, line) is not None and not continues
            is_start, continues = (
                not continues,
                not is_comment and re.search(self.continued, line) is not None,
            )
            if is_comment:
                continue
            if is_start and not continues and depth <= 0:
                yield found.start(), line
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
    quotes = (b'"', b"'")
    here_document = rb"<<-?[ \t]*[\"'\\]?([A-Za-z_][A-Za-z0-9_]*)"

    def read(self, data: bytes) -> Iterator[PropertyLine]:
        matches = (re.fullmatch(self.export, line) for _, line in self.live_lines(data))
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
            yield line._replace(key=self.key(line.key), value=line.value.replace("%%", "%"))
