"""Values and keys as TOML writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def written(value: Any) -> str:
    """`value` on one line of TOML: text, numbers, true and false, paths, lists, and tables as inline ones.

    Raises:
        TypeError: TOML has no such value (None), or a profile does not (dates).
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return '"' + "".join(_escaped(character) for character in value) + '"'
        case Path():
            return written(str(value))
        case Mapping():
            pairs = ", ".join(f"{written_key(key)} = {written(item)}" for key, item in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(written(item) for item in value)}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def written_key(key: str) -> str:
    """`key`, in quotes where it needs them."""
    return key if _BARE_KEY.fullmatch(key) else written(key)


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    # Escaped too: what a terminal would obey, and what looks like something else.
    if character == " " or character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
