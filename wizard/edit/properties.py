"""Properties files, such as Spark's `spark-defaults.conf`, changed without noise."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.edit.settings import SettingsDocument
from wizard.pack.properties import TRIMMED, PropertyLine, read
from wizard.system.errors import EditError


class PropertiesDocument(SettingsDocument):
    """One properties file.  What is written is ASCII, the rest as `\\uXXXX`.

    A new key goes behind the last live line whose key starts with the same dotted word, else to the end.

    Raises:
        EditError: a `\\u` that no four hexadecimal digits follow, with its line.
    """

    def read(self, data: bytes) -> Iterable[PropertyLine]:
        return read(data, self.name)

    def checked(self, name: str, text: str) -> str:
        if not name:
            raise EditError("a property needs a key", place=self.name, fix="give it one")
        return text.strip(TRIMMED)  # as Spark does

    def changed(self, line: PropertyLine, value: str) -> bytes:
        written = _escaped(value, is_key=False)
        return written if line.has_separator else b" " + written

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
        line = _escaped(name, is_key=True) + b" " + _escaped(value, is_key=False)
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
