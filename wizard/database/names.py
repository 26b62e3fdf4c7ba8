"""Names in SQL: quoting them, and which a server can store or may treat as equal (procedure, chapter 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", "'": "''", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}

_LONGEST = 64  # characters
# Bytes of the longest folder name: a database is a folder, in whose name most special characters take five.
_LONGEST_FILE = 255
# Characters that may take three bytes in a folder name (`@` and two more) instead of five.
_SHORT = re.compile("[\u00c0-\u05ff\u1e00-\u1fff\u2160-\u217f\u24b0-\u24ef\uff20-\uff5f]")

_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


def identifier(*names: str) -> str:
    """Return a name in backticks, right in every SQL mode; several names are joined by dots."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


def literal(text: str) -> str:
    """Return a string in quotes, on one line.

    Its backslashes are doubled, so it is right only without the SQL mode NO_BACKSLASH_ESCAPES: printed SQL switches
    that mode off first.
    """
    return "'" + "".join(_ESCAPES.get(character, character) for character in text) + "'"


def as_text(value: object) -> str:
    """Return a column's value as text; some servers send names as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def unstorable(name: str) -> str | None:
    """Return why no server can have a database of this name; None for a valid name.

    Measured on MySQL 5.6.24, MySQL 9.7.4 and MariaDB 10.11: identifiers are characters of the Basic Multilingual
    Plane; MySQL 5.6 replaces others by `?` without an error.
    """
    other = sorted({one for one in name if one == "\0" or "\ud800" <= one <= "\udfff" or one > "\uffff"})
    if other:
        shown = ", ".join(f"U+{ord(character):04X}" for character in other)
        return f"it contains {shown}; a name may contain characters from U+0001 to U+FFFF only"
    if name.endswith(" "):
        return "it ends with a space"
    if not 0 < len(name) <= _LONGEST:
        return f"it has {len(name)} characters; a name has 1 to {_LONGEST}"
    plain, short = len(re.findall(r"(?a)\w", name)), len(_SHORT.findall(name))
    length = plain + 3 * short + 5 * (len(name) - plain - short)
    if length <= _LONGEST_FILE:
        return None
    return (
        f"the name of its folder has {length} bytes (up to five for each special character); a file system allows "
        f"{_LONGEST_FILE}"
    )


def is_system(name: str) -> bool:
    """Whether this is the name of one of the server's own databases."""
    return name.lower() in _SYSTEM


def differing_in_case(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different names that are equal for a server that ignores case."""
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault(name.lower(), {})[name] = None
    return [tuple(group) for group in groups.values() if len(group) > 1]
