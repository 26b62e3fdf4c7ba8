"""Properties files, such as Spark's `spark-defaults.conf`, changed without noise."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.edit.settings import SettingsDocument
from wizard.edit.splice import NOTE, Note, Splice, Value
from wizard.pack.properties import TRIMMED, PropertyLine, read
from wizard.system.errors import EditError


class PropertiesDocument(SettingsDocument):
    """One properties file.  What is written is ASCII, the rest as `\\uXXXX`.

    Raises:
        EditError: a `\\u` that no four hexadecimal digits follow, with its line.
    """

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data, name)
        self._prefixes: dict[str, str] = {}

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        return read(data, self.name)

    def set(self, name: str, value: Value, after_prefix: str | None = None, *, note: Note = NOTE) -> None:
        """Make `value` the one that counts; blanks at its ends are dropped, as Spark does.

        A new key goes behind the last live line whose key starts with `after_prefix` (the key's first dotted word and
        its dot unless given), else to the end.  Raises EditError for an empty key.
        """
        super().set(name, value, note=note)
        self._prefixes[name] = name.partition(".")[0] + "." if after_prefix is None else after_prefix

    def checked(self, name: str, text: str) -> str:
        if not name:
            raise EditError("a property needs a key", place=self.name, fix="give it one")
        return text.strip(TRIMMED)

    def changed(self, line: PropertyLine, value: str) -> Splice:
        written = _escaped(value, is_key=False)
        return Splice(line.value_start, line.value_end, written if line.has_separator else b" " + written)

    def added(self, name: str, value: str) -> Splice:
        near = [line for line in self.lines if line.key.startswith(self._prefixes[name])]
        at = near[-1].end if near else len(self.data)
        if at == len(self.data) and self.lines and self.lines[-1].is_open:
            raise EditError(
                "the last line ends with a backslash, so that no other can follow",
                place=f"{self.name}:{len(self.data.splitlines())}",
                fix="remove that backslash",
            )
        line = _escaped(name, is_key=True) + b" " + _escaped(value, is_key=False)
        return self.insertion(at, line, b"\r\n" if b"\r\n" in self.data else b"\n")


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
