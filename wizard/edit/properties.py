"""Properties files, such as Spark's `spark-defaults.conf`, changed without noise.

Only the value changes in a line that is there; a new key gets a line of its own.
"""

from __future__ import annotations

from wizard.edit.splice import NOTE, Edit, Note, Splice, Value, described, is_secret_name, reveal, splice
from wizard.pack.properties import TRIMMED, PropertiesFile, PropertyLine, read
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError


class PropertiesDocument(PropertiesFile):
    """One properties file: the value of a key, changing it, and the bytes that come out.

    What is written is ASCII, the rest as `\\uXXXX`.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Reads `data`; `name` is what errors call the file.

        Raises:
            EditError: a `\\u` that no four hexadecimal digits follow, with its line.
        """
        super().__init__(data, name)
        self._values: dict[str, tuple[str, bool]] = {}
        self._prefixes: dict[str, str] = {}
        self._notes: dict[str, Note] = {}

    def keys(self) -> list[str]:
        """The live keys, each once, in the order of the file; new ones at the end."""
        return list(dict.fromkeys([*super().keys(), *self._values]))

    def get(self, key: str) -> str | None:
        """The value that counts: the one that was set, else that of the last live line; or None."""
        return self._values[key][0] if key in self._values else super().get(key)

    def set(self, key: str, value: Value, after_prefix: str | None = None, *, note: Note = NOTE) -> None:
        """Makes `value` the one that counts; blanks at its ends are dropped, as Spark does.

        Only the value changes in the last live line of `key`.  A new key gets a line of its own behind the
        last live one whose key starts with `after_prefix` (the key's first dotted word and its dot unless
        given), else at the end.

        Raises:
            EditError: the key is empty.
        """
        if not key:
            raise EditError("a property needs a key", place=self.name, fix="give it one")
        new = reveal(value).strip(TRIMMED)
        if self.get(key) == new:
            return
        self._values[key] = new, isinstance(value, Secret) or is_secret_name(key)
        self._prefixes[key] = key.partition(".")[0] + "." if after_prefix is None else after_prefix
        self._notes[key] = note

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result.

        Raises:
            EditError: a new line would have to go behind one that never ends.
        """
        edits = []
        for key, (value, secret) in self._values.items():
            line = self.counting.get(key)
            old = line.value if line else None
            if value != old:
                made = _changed(line, value) if line else self._added(key, value)
                note = self._notes[key]
                edits.append(Edit(described(note.what or key, old, value, secret=secret), (made,), note))
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
        if {line.key: line.value for line in read(result, self.name)} != {
            k: self.get(k) for k in self.keys()
        }:
            raise EditError(
                "internal: the edited lines do not read as they should; nothing is written",
                place=self.name,
                fix="report this with the file; passwords taken out",
            )
        return result

    def _added(self, key: str, value: str) -> Splice:
        near = [line for line in self.lines if line.key.startswith(self._prefixes[key])]
        at = near[-1].end if near else len(self.data)
        if at == len(self.data) and self.lines and self.lines[-1].is_open:
            raise EditError(
                "the last line ends with a backslash, so that no other can follow",
                place=f"{self.name}:{len(self.data.splitlines())}",
                fix="remove that backslash",
            )
        line_end = b"\r\n" if b"\r\n" in self.data else b"\n"
        line = _escaped(key, is_key=True) + b" " + _escaped(value, is_key=False)
        ended = at == 0 or self.data[at - 1 : at] in (b"\n", b"\r")
        return Splice(at, at, line + line_end if ended else line_end + line)


def _changed(line: PropertyLine, value: str) -> Splice:
    written = _escaped(value, is_key=False)
    return Splice(line.value_start, line.value_end, written if line.has_separator else b" " + written)


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
