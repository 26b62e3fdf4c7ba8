"""Where in a document an element stands: `mode[@name='HA']/eventSync/port`.

A small part of XPath, read here and never handed to an XPath engine, so that no value can break out of its
predicate.  Values that are not written in the program go in by name: `remoteInstance[@url=$url]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

_NAME = r"[^\W\d][\w.\-]*"
_SEGMENT = re.compile(
    rf"(?P<name>{_NAME}|\*)(?P<predicates>(?:\[[^\]'\"]*(?:'[^']*'|\"[^\"]*\")?\])*)(?:/|$)"
)
_PREDICATE = re.compile(
    rf"\[(?P<attribute>@)?(?P<name>{_NAME}(?::{_NAME})?)"
    r"(?:=(?:'(?P<one>[^']*)'|\"(?P<two>[^\"]*)\"|\$(?P<variable>\w+)))?\]"
)


class Predicate(NamedTuple):
    """`[@name='value']`, `[name='value']` (a child's text); without a value: that there is one."""

    name: str
    is_attribute: bool
    value: str | None

    def __str__(self) -> str:
        sign = "@" if self.is_attribute else ""
        if self.value is None:
            return f"[{sign}{self.name}]"
        quote = '"' if "'" in self.value else "'"
        return f"[{sign}{self.name}={quote}{self.value}{quote}]"


class Segment(NamedTuple):
    """A child of that local name (`*`: any) which fulfils every predicate."""

    name: str
    predicates: tuple[Predicate, ...]

    def __str__(self) -> str:
        return self.name + "".join(map(str, self.predicates))


Path = tuple[Segment, ...]


def parse_path(text: str, values: Mapping[str, str]) -> Path:
    """Return the segments of `text`; `$name` is replaced with `values["name"]`, whatever characters that holds.

    Raises:
        ValueError: it is not a path, or a `$name` has no value (a mistake in the program, not in a file).
    """
    return _parsed(text, tuple(sorted(values.items())))


@lru_cache(maxsize=1024)
def _parsed(text: str, values: tuple[tuple[str, str], ...]) -> Path:
    segments: list[Segment] = []
    position = 0
    while position < len(text) or not segments:
        match = _SEGMENT.match(text, position)
        if match is None or (match.end() == len(text) and text.endswith("/")):
            raise ValueError(f"not a path: {text}")
        segments.append(Segment(match["name"], tuple(_predicates(match["predicates"], text, dict(values)))))
        position = match.end()
    return tuple(segments)


def _predicates(raw: str, text: str, values: Mapping[str, str]) -> Iterator[Predicate]:
    position = 0
    while position < len(raw):
        match = _PREDICATE.match(raw, position)
        if match is None:
            raise ValueError(f"not a path: {text}")
        variable = match["variable"]
        if variable is not None and variable not in values:
            raise ValueError(f"no value for ${variable} in {text}")
        value = (
            values[variable]
            if variable is not None
            else match["two"]
            if match["one"] is None
            else match["one"]
        )
        yield Predicate(match["name"], bool(match["attribute"]), value)
        position = match.end()


def path_text(path: Path) -> str:
    """A path as a person reads it, values filled in."""
    return "/".join(map(str, path))
