"""Names of databases: which a server can store, and which it may treat as equal (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 64
"""Characters."""

LONGEST_FILE = 255
"""Bytes of the longest folder name: a database is a folder, in whose name most special characters take five."""

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
"""The databases of the server itself."""

# Characters that may take three bytes in a folder name (`@` and two more) instead of five.
_SHORT = (
    (0x00C0, 0x05FF),
    (0x1E00, 0x1FFF),
    (0x2160, 0x217F),
    (0x24B0, 0x24EF),
    (0xFF20, 0xFF5F),
)


def unstorable(name: str) -> str | None:
    """Return why no server can have a database of this name; None for a valid name.

    Measured on MySQL 5.6.24, MySQL 9.7.4 and MariaDB 10.11: identifiers are characters of the Basic Multilingual
    Plane; MySQL 5.6 replaces others by `?` without an error.
    """
    beyond = sorted({character for character in name if ord(character) > 0xFFFF})
    if beyond:
        shown = ", ".join(f"U+{ord(character):04X}" for character in beyond)
        return f"it contains {shown}; a name may contain characters up to U+FFFF only"
    if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
        return "it contains half of a surrogate pair, which is not a character"
    if "\0" in name:
        return "it contains a NUL character"
    if name != name.rstrip(" "):
        return "it ends with a space"
    if not 0 < len(name) <= LONGEST:
        return f"it has {len(name)} characters; a name has 1 to {LONGEST}"
    length = sum(map(_file_bytes, name))
    if length > LONGEST_FILE:
        return (
            f"the name of its folder has {length} bytes (up to five for each special character); a file system allows "
            f"{LONGEST_FILE}"
        )
    return None


def _file_bytes(character: str) -> int:
    if character.isascii() and (character.isalnum() or character == "_"):
        return 1
    return 3 if any(low <= ord(character) <= high for low, high in _SHORT) else 5


def is_system(name: str) -> bool:
    """Whether this is the name of one of the server's own databases."""
    return name.lower() in SYSTEM


def differing_in_case(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different names that are equal for a server that ignores case."""
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault(name.lower(), {})[name] = None
    return [tuple(group) for group in groups.values() if len(group) > 1]
