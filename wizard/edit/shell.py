"""Environment variables in shell and batch scripts, changed without noise.

Only whole lines of the form `export NAME=value` and `set NAME=value` are known; a script is never run.  A line
that is not certain to run (inside of a block, a here-document, behind a backslash) is not touched: a new one at
the end counts more than it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from wizard.edit.splice import NOTE, Edit, Note, Splice, Value, described, is_secret_name, reveal, splice
from wizard.system.errors import EditError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SAFE = re.compile(r"[A-Za-z0-9.:_%/-]*")
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")


class _Assignment(NamedTuple):
    """A live assignment; `start` and `end` are the offsets of the value, inside of its quotes."""

    name: str
    value: str
    start: int
    end: int


class _Script:
    """What both kinds of script have in common."""

    line_end: ClassVar[bytes]
    new_line: ClassVar[str]

    def __init__(self, data: bytes, name: str) -> None:
        """Reads `data`; `name` is what errors call the file."""
        self.data = data
        self.name = name
        self._assignments = list(self._read(data))
        self._values: dict[str, tuple[str, str, Note]] = {}

    def get(self, name: str) -> str | None:
        """The value that the script gives to the variable in its last live line, or None."""
        if self._key(name) in self._values:
            return self._values[self._key(name)][1]
        found = self._last(name)
        return found.value if found else None

    def set(self, name: str, value: Value, *, note: Note = NOTE) -> None:
        """Changes the value in the last live line, or adds a line at the end.

        Raises:
            EditError: a name or value with characters that a shell might interpret.
        """
        if not _NAME.fullmatch(name):
            raise EditError(
                f"{name!r} is not a variable name", place=self.name, fix="use letters, digits and underscores"
            )
        text = reveal(value)
        if not _SAFE.fullmatch(text):
            raise EditError(
                f"the value of {name} holds characters that a script would not take as they are",
                place=self.name,
                fix="use letters, digits, dots, colons, slashes and dashes only",
            )
        if self.get(name) != text:
            self._values[self._key(name)] = name, text, note

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result."""
        edits = []
        for name, value, note in self._values.values():
            found = self._last(name)
            old = found.value if found else None
            if old != value:
                written = self._escaped(value)
                made = Splice(found.start, found.end, written) if found else self._added(name, written)
                edits.append(Edit(described(name, old, value, secret=is_secret_name(name)), (made,), note))
        return edits

    def result(self) -> bytes:
        """The script's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: a line was to be added and the script's end is inside of a block.
        """
        edits = self.edits
        if not edits:
            return self.data
        result = splice(self.data, [each for edit in edits for each in edit.splices])
        wanted = {self._key(each.name): each.value for each in self._assignments}
        wanted |= {key: value for key, (_, value, _) in self._values.items()}
        if {self._key(each.name): each.value for each in self._read(result)} != wanted:
            raise EditError(
                "a line at the end of the script would not run on its own; nothing is written",
                place=f"{self.name}:{len(self.data.splitlines())}",
                fix="close the block, the here-document or the continued line at the end",
            )
        return result

    def _last(self, name: str) -> _Assignment | None:
        wanted = self._key(name)
        return next((each for each in reversed(self._assignments) if self._key(each.name) == wanted), None)

    def _added(self, name: str, written: bytes) -> Splice:
        at = len(self.data)
        line_end = b"\r\n" if b"\r\n" in self.data else b"\n" if b"\n" in self.data else self.line_end
        line = self.new_line.format(name=name).encode() + written
        is_ended = not self.data or self.data.endswith(b"\n")
        return Splice(at, at, line + line_end if is_ended else line_end + line)

    def _key(self, name: str) -> str:
        return name

    def _escaped(self, value: str) -> bytes:
        return value.encode("ascii")

    def _read(self, data: bytes) -> Iterator[_Assignment]:
        raise NotImplementedError


class ShellScript(_Script):
    """A script for `sh`: `export NAME=value`, or `NAME=value` where `export NAME` stands elsewhere."""

    line_end = b"\n"
    new_line = "export {name}="

    # Possessive, so that a line of a million blanks is given up at once.
    _END = rb"[ \t]*+(?:;[ \t]*+)?(?:(?<=[ \t])#.*)?"
    # Compiled when they are used: most runs touch no script.
    _ASSIGNMENT = (
        rb"[ \t]*(?P<export>export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
        rb"(?P<value>\"[^\"\\]*\"|'[^']*'|(?![#~])[^\s\"'\\;&|<>()`]*)" + _END
    )
    _EXPORT = rb"[ \t]*export((?:[ \t]+[A-Za-z_][A-Za-z0-9_]*)+)" + _END
    _OPENS = rb"(?:^|[;&|])[ \t]*(?:if|for|while|until|case|select)\b|[{(][ \t]*$"
    _CLOSES = rb"(?:^|[;&|])[ \t]*(?:(?:fi|done|esac)\b|[})])"
    _HERE_DOCUMENT = rb"<<-?[ \t]*[\"'\\]?([A-Za-z_][A-Za-z0-9_]*)"

    def _read(self, data: bytes) -> Iterator[_Assignment]:
        lines = list(self._live_lines(data))
        exported = set()
        for _, line in lines:
            if found := re.fullmatch(self._EXPORT, line):
                exported |= set(found[1].split())
            elif (found := re.fullmatch(self._ASSIGNMENT, line)) and found["export"]:
                exported.add(found["name"])
        for offset, line in lines:
            found = re.fullmatch(self._ASSIGNMENT, line)
            if found and found["name"] in exported:
                yield _assignment(found, offset, found["value"][:1] in (b'"', b"'"))

    def _live_lines(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The offset and the bytes of each line that runs whenever the script does."""
        depth, continues, waits_for = 0, False, b""
        for found in _LINE.finditer(data):
            line = found[1]
            if waits_for:
                waits_for = b"" if line.lstrip(b"\t") == waits_for else waits_for
                continue
            is_comment = line.lstrip(b" \t").startswith(b"#") and not continues
            is_start, continues = not continues, _is_continued(line) and not is_comment
            if is_comment:
                continue
            if is_start and not continues and depth <= 0:
                yield found.start(), line
            depth += len(re.findall(self._OPENS, line)) - len(re.findall(self._CLOSES, line))
            if here := re.search(self._HERE_DOCUMENT, line):
                waits_for = here[1]


class BatchScript(_Script):
    """A script for Windows: `set NAME=value` or `set "NAME=value"`; names in any case."""

    line_end = b"\r\n"
    new_line = "set {name}="

    _ASSIGNMENT = (
        rb"[ \t]*+(?:@[ \t]*+)?set[ \t]+(?P<quote>\")?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
        rb"(?P<value>(?(quote)[^\"]*|[^&|<>^]*))(?(quote)\"[ \t]*)"
    )

    def _read(self, data: bytes) -> Iterator[_Assignment]:
        depth, continues = 0, False
        for found in _LINE.finditer(data):
            line = found[1].strip(b" \t")
            is_comment = re.match(rb"@?rem\b|::", line, re.IGNORECASE) is not None
            is_start, continues = not continues, line.endswith(b"^") and not is_comment
            if is_comment:
                continue
            depth -= line.startswith(b")")
            assignment = re.fullmatch(self._ASSIGNMENT, found[1], re.IGNORECASE)
            if assignment and is_start and depth <= 0:
                yield _assignment(assignment, found.start(), False, unescape=True)
            depth += line.endswith(b"(")

    def _key(self, name: str) -> str:
        return name.upper()

    def _escaped(self, value: str) -> bytes:
        return value.replace("%", "%%").encode("ascii")


def _is_continued(line: bytes) -> bool:
    return (len(line) - len(line.rstrip(b"\\"))) % 2 == 1


def _assignment(found: re.Match[bytes], offset: int, is_quoted: bool, unescape: bool = False) -> _Assignment:
    start, end = found.span("value")
    if is_quoted:
        start, end = start + 1, end - 1
    value = found.string[start:end].decode("utf-8", "replace")
    return _Assignment(
        name=found["name"].decode("ascii"),
        value=value.replace("%%", "%") if unescape else value,
        start=offset + start,
        end=offset + end,
    )
