"""Names and strings of SQL, quoted safely whatever they hold, and the text of what a server returns."""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", "'": "''", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}


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
