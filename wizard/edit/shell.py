"""Environment variables in shell and batch scripts, changed without noise.

Only whole lines of the form `export NAME=value` and `set NAME=value` are known; a script is never run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from wizard.edit.splice import Edit, Splice, described, is_secret_name, splice
from wizard.errors import EditError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SAFE = re.compile(r"[A-Za-z0-9.:_%/-]*")


@dataclass(frozen=True, slots=True)
class _Assignment:
    name: str
    value: str
    start: int
    end: int


class _Script:
    """What both kinds of script have in common."""

    ignores_case: ClassVar[bool] = False
    new_line: ClassVar[str]

    def __init__(self, data: bytes, name: str) -> None:
        """Reads `data`; `name` is what errors call the file."""
        self.data = data
        self.name = name
        self._assignments = self._read(data)
        self._values: dict[str, tuple[str, str]] = {}

    def get(self, name: str) -> str | None:
        """The value that the script gives to the variable in its last live line, or None."""
        if self._key(name) in self._values:
            return self._values[self._key(name)][1]
        found = self._last(name)
        return found.value if found else None

    def set(self, name: str, value: str) -> None:
        """Changes the value in the last live line, or adds a line at the end.

        Raises:
            EditError: a name or value with characters that the shell might take for more than text.
        """
        if not _NAME.fullmatch(name):
            raise EditError(f"{name!r} is no variable", place=self.name, fix="use letters, digits and _")
        if not _SAFE.fullmatch(value) or ("%" in value and self.ignores_case):
            raise EditError(
                f"the value of {name} holds characters that a script would not take as they are",
                place=self.name,
                fix="use an address or a name of letters, digits, dots, colons and dashes",
            )
        if self.get(name) != value:
            self._values[self._key(name)] = name, value

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result."""
        edits = []
        for name, value in self._values.values():
            found = self._last(name)
            old = found.value if found else None
            if old != value:
                made = Splice(found.start, found.end, value.encode()) if found else self._added(name, value)
                edits.append(Edit(described(name, old, value, secret=is_secret_name(name)), (made,)))
        return edits

    def result(self) -> bytes:
        """The script's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: the result does not read as it should (a defect of this program, not of the file).
        """
        edits = self.edits
        if not edits:
            return self.data
        result = splice(self.data, [each for edit in edits for each in edit.splices])
        wanted = {self._key(each.name): each.value for each in self._assignments}
        wanted |= {key: value for key, (_, value) in self._values.items()}
        if {self._key(each.name): each.value for each in self._read(result)} != wanted:
            raise EditError(
                "internal: the edited script does not read as it should; nothing is written",
                place=self.name,
                fix="report this with the file; passwords taken out",
            )
        return result

    def _key(self, name: str) -> str:
        return name.upper() if self.ignores_case else name

    def _last(self, name: str) -> _Assignment | None:
        wanted = self._key(name)
        return next((each for each in reversed(self._assignments) if self._key(each.name) == wanted), None)

    def _added(self, name: str, value: str) -> Splice:
        at = len(self.data)
        line_end = b"\r\n" if b"\r\n" in self.data else b"\n"
        line = self.new_line.format(name=name, value=value).encode()
        ended = not self.data or self.data.endswith(b"\n")
        return Splice(at, at, line + line_end if ended else line_end + line)

    def _read(self, data: bytes) -> list[_Assignment]:
        raise NotImplementedError


class ShellScript(_Script):
    """A script for `sh`: `export NAME=value`, or `NAME=value` and a later `export NAME`."""

    new_line = "export {name}={value}"

    _ASSIGNMENT = re.compile(
        rb"^[ \t]*(?P<export>export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
        rb"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"';&|#]*)[ \t]*(?:;?[ \t]*(?:#[^\n]*)?)?\r?$",
        re.M,
    )
    _EXPORT = re.compile(rb"^[ \t]*export(?P<names>(?:[ \t]+[A-Za-z_][A-Za-z0-9_]*)+)[ \t]*;?\r?$", re.M)

    def _read(self, data: bytes) -> list[_Assignment]:
        exports = [
            (found.start(), name) for found in self._EXPORT.finditer(data) for name in found["names"].split()
        ]
        made = []
        for found in self._ASSIGNMENT.finditer(data):
            later = any(at > found.start() and name == found["name"] for at, name in exports)
            if found["export"] or later:
                made.append(_assignment(found))
        return made


class BatchScript(_Script):
    """A script for Windows: `set NAME=value` or `set "NAME=value"`; names in any case."""

    ignores_case = True
    new_line = "set {name}={value}"

    _ASSIGNMENT = re.compile(
        rb"^[ \t]*@?[ \t]*set[ \t]+(?P<quote>\")?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="
        rb"(?P<value>(?(quote)[^\"\r\n]*|[^\r\n]*))(?(quote)\"[ \t]*)\r?$",
        re.M | re.I,
    )

    def _read(self, data: bytes) -> list[_Assignment]:
        return [_assignment(found) for found in self._ASSIGNMENT.finditer(data)]


def _assignment(found: re.Match[bytes]) -> _Assignment:
    start, end = found.span("value")
    raw = found["value"]
    if raw[:1] in (b'"', b"'") and raw[:1] == raw[-1:] and len(raw) > 1:
        start, end = start + 1, end - 1
    return _Assignment(found["name"].decode(), found.string[start:end].decode("utf-8", "replace"), start, end)
