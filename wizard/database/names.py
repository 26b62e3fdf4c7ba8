"""Which names of databases a server can store, and which it may take for the same (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 64
"""Characters of the longest name."""

LONGEST_FILE = 255
"""Bytes of the longest name of a folder: a database is a folder, in which most special characters take five."""

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
"""The databases of the server itself."""

# What takes three bytes in the name of a folder (`@` and two more) instead of five; some of it does take five.
_SHORT = (
    (0x00C0, 0x05FF),
    (0x1E00, 0x1FFF),
    (0x2160, 0x217F),
    (0x24B0, 0x24EF),
    (0xFF20, 0xFF5F),
)


def unstorable(name: str) -> str | None:
    """Return why no server can have a database of this name; None for a name that one can have.

    Measured on MySQL 5.6.24, MySQL 9.7.4 and MariaDB 10.11: identifiers are characters of the Basic Multilingual
    Plane. MySQL 5.6 stores `?` in place of others without an error.
    """
    beyond = sorted({character for character in name if ord(character) > 0xFFFF})
    if beyond:
        shown = ", ".join(f"U+{ord(character):04X}" for character in beyond)
        return f"it holds {shown}, and a name may hold characters up to U+FFFF only"
    if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
        return "it holds half of a surrogate pair, which is not a character"
    if "\0" in name:
        return "it holds a NUL character"
    if name != name.rstrip(" "):
        return "it ends with a blank"
    if not 0 < len(name) <= LONGEST:
        return f"it has {len(name)} characters, and a name has 1 to {LONGEST}"
    length = sum(map(_file_bytes, name))
    if length > LONGEST_FILE:
        return (
            f"the server's name for its folder has {length} bytes (up to five for each special character), and a "
            f"file system takes {LONGEST_FILE}"
        )
    return None


def _file_bytes(character: str) -> int:
    if character.isascii() and (character.isalnum() or character == "_"):
        return 1
    return 3 if any(low <= ord(character) <= high for low, high in _SHORT) else 5


def is_system(name: str) -> bool:
    """Whether the server's own database has this name."""
    return name.lower() in SYSTEM


def differing_in_case(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different names that a server which ignores case takes for one."""
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault(name.lower(), {})[name] = None
    return [tuple(group) for group in groups.values() if len(group) > 1]
