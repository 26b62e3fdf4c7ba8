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


_Predicate = tuple[str, bool, str | None, str | None]  # name, whether of an attribute, value, name of a value


def _parsed(text: str) -> tuple[tuple[str, tuple[_Predicate, ...]], ...]:
    segments: list[tuple[str, tuple[_Predicate, ...]]] = []
    position = 0
    while position < len(text) or not segments:
        match = _SEGMENT.match(text, position)
        if match is None or (match.end() == len(text) and text.endswith("/")):
            raise ValueError(f"not a path: {text}")
        segments.append((match["name"], tuple(_predicates(match["predicates"], text))))
        position = match.end()
    return tuple(segments)


def _predicates(raw: str, text: str) -> Iterator[_Predicate]:
    position = 0
    while position < len(raw):
        match = _PREDICATE.match(raw, position)
        if match is None:
            raise ValueError(f"not a path: {text}")
        value = match["one"] if match["one"] is not None else match["two"]
        yield match["name"], bool(match["attribute"]), value, match["variable"]
        position = match.end()


def parse_path(text: str, values: Mapping[str, str]) -> Path:
    """The segments of `text`; `$name` stands for `values["name"]`, whatever characters that holds.

    Raises:
        ValueError: it is no path, or a `$name` has no value (a mistake in the program, not in a file).
    """
    return _bound(text, tuple(sorted(values.items())))


@lru_cache(maxsize=1024)
def _bound(text: str, pairs: tuple[tuple[str, str], ...]) -> Path:
    values = dict(pairs)
    path = []
    for name, predicates in _parsed(text):
        bound = []
        for predicate, is_attribute, literal, variable in predicates:
            if variable is not None and variable not in values:
                raise ValueError(f"no value for ${variable} in {text}")
            value = literal if variable is None else values[variable]
            bound.append(Predicate(predicate, is_attribute, value))
        path.append(Segment(name, tuple(bound)))
    return tuple(path)


def path_text(path: Path) -> str:
    """A path as a person reads it, values filled in."""
    return "/".join(map(str, path))
