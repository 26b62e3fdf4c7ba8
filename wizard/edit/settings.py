"""Files of keys with values, one a line: what editing a properties file and a script have in common."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.edit.splice import NOTE, Edit, Note, Splice, Value, described, is_secret_name, reveal, splice
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
    """The error, and its fix, for a result that does not read as it was set."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read `data`; `name` is what errors call the file."""
        self.data = data
        self.name = name
        self.lines = list(self.read(data))
        self.counting = {line.key: line for line in self.lines}
        self._values: dict[str, tuple[str, str, bool, Note]] = {}

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        """Return the live lines."""
        raise NotImplementedError

    def changed(self, line: PropertyLine, value: str) -> Splice:
        """Return the splice that gives a line another value."""
        raise NotImplementedError

    def added(self, name: str, value: str) -> Splice:
        """Return the splice that inserts a line."""
        raise NotImplementedError

    def key(self, name: str) -> str:
        """Return the key of a name."""
        return name

    def keys(self) -> list[str]:
        """Return the live keys, each once, in the order of the file; new ones at the end."""
        return list(dict.fromkeys([*self.counting, *self._values]))

    def get(self, name: str) -> str | None:
        """Return the value that counts: the one that was set, else that of the last live line; or None."""
        key = self.key(name)
        if key in self._values:
            return self._values[key][1]
        return self.counting[key].value if key in self.counting else None

    def set(self, name: str, value: Value, *, note: Note = NOTE) -> None:
        """Make `value` the one that counts.  Raises EditError for a name or value that the file cannot hold."""
        text = self.checked(name, reveal(value))
        if self.get(name) != text:
            secret = isinstance(value, Secret) or is_secret_name(name)
            self._values[self.key(name)] = name, text, secret, note

    def checked(self, name: str, text: str) -> str:
        """Return the text as it will be read.  Raises EditError for a name or text that the file cannot hold."""
        raise NotImplementedError

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result.

        Raises:
            EditError: a new line cannot be added.
        """
        edits = []
        for key, (name, value, secret, note) in self._values.items():
            line = self.counting.get(key)
            old = line.value if line else None
            if value != old:
                made = self.changed(line, value) if line else self.added(name, value)
                edits.append(Edit(described(note.what or name, old, value, secret=secret), (made,), note))
        return edits

    def result(self) -> bytes:
        """Return the file's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: the result does not read as it was set.
        """
        splices = [each for edit in self.edits for each in edit.splices]
        if not splices:
            return self.data
        result = splice(self.data, splices)
        if {line.key: line.value for line in self.read(result)} != {
            key: self.get(key) for key in self.keys()
        }:
            place = f"{self.name}:{len(self.data.splitlines())}"
            raise EditError(self.refusal, place=place, fix=self.way_out)
        return result

    def insertion(self, at: int, line: bytes, line_end: bytes) -> Splice:
        """Return the splice that inserts a line at an offset, behind whatever ends or does not end there."""
        ended = at == 0 or self.data[at - 1 : at] in (b"\n", b"\r")
        return Splice(at, at, line + line_end if ended else line_end + line)
