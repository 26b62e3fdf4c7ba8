"""Files of keys with values, one a line: what editing a properties file and a script have in common."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.edit.edits import NOTE, Edit, Note, Value, described, is_secret_name, reveal
from wizard.pack.properties import PropertyLine
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError


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
        self._changes: dict[str, tuple[str, str | None, bool, Note]] = {}
        """By the key: its name, the value of the original, whether that or the new one is a password, and the note."""

    @property
    def counting(self) -> dict[str, PropertyLine]:
        """The line that counts of each key, in the order of the file."""
        return {line.key: line for line in self.lines}

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        """Return the live lines."""
        raise NotImplementedError

    def checked(self, name: str, text: str) -> str:
        """Return the text as it will be read.  Raises EditError for a name or text that the file cannot hold."""
        raise NotImplementedError

    def changed(self, line: PropertyLine, value: str) -> bytes:
        """Return the bytes that give a line another value, in place of those of its value."""
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
        line = counting.get(key)
        old = line.value if line else None
        if text == old:
            return
        if line:
            start, end, replacement = line.value_start, line.value_end, self.changed(line, text)
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
        secret = isinstance(value, Secret) or is_secret_name(name)
        _, first, *_ = self._changes.get(key, (name, old))
        self._changes[key] = name, first, secret, note

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for."""
        edits, counting = [], self.counting
        for key, (name, old, secret, note) in self._changes.items():
            line = counting[key]
            if line.value != old:
                number = 1 + self.now.count(b"\n", 0, line.value_start)
                edits.append(Edit(described(note.what or name, old, line.value, secret=secret), number, note))
        return edits

    def result(self) -> bytes:
        """Return the file's bytes with all edits; the very same object if nothing changes."""
        return self.now if self.edits else self.data
