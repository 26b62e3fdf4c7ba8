"""Where in a document an element stands: `mode[@name='HA']/eventSync/port`.

A small part of XPath, read here and never handed to an XPath engine, so that no value can break out of its
predicate.  Values that are not written in the program go in by name: `remoteInstance[@url=$url]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_NAME = r"[^\W\d][\w.\-]*"
_SEGMENT = re.compile(
    rf"(?P<name>{_NAME}|\*)(?P<predicates>(?:\[[^\]'\"]*(?:'[^']*'|\"[^\"]*\")?\])*)(?:/|$)"
)
_PREDICATE = re.compile(
    rf"\[(?P<attribute>@)?(?P<name>{_NAME}(?::{_NAME})?)(?:=(?:'(?P<one>[^']*)'|\"(?P<two>[^\"]*)\"|\$(?P<variable>\w+)))?\]"
)


@dataclass(frozen=True, slots=True)
class Predicate:
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


@dataclass(frozen=True, slots=True)
class Segment:
    """A child of that local name (`*`: any) which fulfils every predicate."""

    name: str
    predicates: tuple[Predicate, ...]

    def __str__(self) -> str:
        return self.name + "".join(map(str, self.predicates))


Path = tuple[Segment, ...]


@lru_cache(maxsize=512)
def _parsed(text: str) -> tuple[tuple[str, tuple[tuple[str, bool, str | None, str | None], ...]], ...]:
    segments = []
    position = 0
    while position < len(text) or not segments:
        match = _SEGMENT.match(text, position)
        if match is None or (match.end() == len(text) and text.endswith("/")):
            raise ValueError(f"not a path: {text}")
        predicates = []
        at = 0
        raw = match["predicates"]
        while at < len(raw):
            predicate = _PREDICATE.match(raw, at)
            if predicate is None:
                raise ValueError(f"not a path: {text}")
            value = predicate["one"] if predicate["one"] is not None else predicate["two"]
            predicates.append((predicate["name"], bool(predicate["attribute"]), value, predicate["variable"]))
            at = predicate.end()
        segments.append((match["name"], tuple(predicates)))
        position = match.end()
    return tuple(segments)


def parse_path(text: str, values: Mapping[str, str]) -> Path:
    """The segments of `text`; `$name` stands for `values["name"]`, whatever characters that holds.

    Raises:
        ValueError: it is no path, or a `$name` has no value (a mistake in the program, not in a file).
    """
    path = []
    for name, predicates in _parsed(text):
        bound = []
        for predicate, is_attribute, value, variable in predicates:
            if variable is not None:
                if variable not in values:
                    raise ValueError(f"no value for ${variable} in {text}")
                value = values[variable]
            bound.append(Predicate(predicate, is_attribute, value))
        path.append(Segment(name, tuple(bound)))
    return tuple(path)


def path_text(path: Path) -> str:
    """A path as a person reads it, values filled in."""
    return "/".join(map(str, path))
