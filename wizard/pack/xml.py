"""XML files for reading: look-ups in what is live.  `edit/xml.py` adds the edits.

A path such as `mode[@name='HA']/eventSync/port` is a small part of XPath, read here and never handed to an XPath
engine, so that no value can break out of its predicate.  It is relative to the children of an element.  Names are
local names (`*`: any), comments never match; `[@a='v']` asks for an attribute, `[name='v']` for the text of a child,
`[@a]` and `[name]` that there is one; `$x` in place of `'v'` takes a keyword argument of that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, Self, TypeVar

from wizard.pack import xml_tree
from wizard.pack.xml_tree import XmlNode

E = TypeVar("E", bound="Element")

_NAME = r"[^\W\d][\w.\-]*"
_VALUE = r"'(?P<one>[^']*)'|\"(?P<two>[^\"]*)\"|\$(?P<variable>\w+)"
_CONDITION = rf"\[(?P<attribute>@)?(?P<tested>{_NAME}(?::{_NAME})?)(?:=(?:{_VALUE}))?\]"
_PREDICATE = re.compile(_CONDITION)
_SEGMENT = re.compile(rf"(?P<name>{_NAME}|\*)(?P<predicates>(?:{_CONDITION})*)(?:/(?!\Z)|\Z)")


class Predicate(NamedTuple):
    """`[@name='value']`, `[name='value']` (a child's text); without a value: that there is one."""

    name: str
    is_attribute: bool
    value: str | None

    def __str__(self) -> str:
        quote = '"' if "'" in (self.value or "") else "'"
        value = "" if self.value is None else f"={quote}{self.value}{quote}"
        return f"[{'@' if self.is_attribute else ''}{self.name}{value}]"


class Segment(NamedTuple):
    """A child of that local name (`*`: any) which fulfils every predicate."""

    name: str
    predicates: tuple[Predicate, ...]

    def __str__(self) -> str:
        return self.name + "".join(map(str, self.predicates))


Path = tuple[Segment, ...]


def parse_path(text: str, values: Mapping[str, str]) -> Path:
    """Return the segments of `text`; `$name` is replaced with `values["name"]`, whatever characters that holds.

    Raises `ValueError` for a mistake in the program: what is not a path, or a `$name` without a value.
    """
    return _parsed(text, tuple(sorted(values.items())))


@lru_cache(maxsize=1024)
def _parsed(text: str, values: tuple[tuple[str, str], ...]) -> Path:
    segments: list[Segment] = []
    known, position = dict(values), 0
    while position < len(text) or not segments:
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ValueError(f"not a path: {text}")
        predicates = []
        for found in _PREDICATE.finditer(match["predicates"]):
            variable, value = found["variable"], found["two"] if found["one"] is None else found["one"]
            if variable is not None and variable not in known:
                raise ValueError(f"no value for ${variable} in {text}")
            value = value if variable is None else known[variable]
            predicates.append(Predicate(found["tested"], bool(found["attribute"]), value))
        segments.append(Segment(match["name"], tuple(predicates)))
        position = match.end()
    return tuple(segments)


def path_text(path: Path) -> str:
    """A path as a person reads it, values filled in."""
    return "/".join(map(str, path))


class XmlTree(Generic[E]):
    """One XML file: look-ups below its root (`one`, `find`, `all`), which give elements of one kind."""

    def __init__(self, data: bytes, name: str) -> None:
        """Parse `data`; `name` is what errors call the file.  Raises `EditError` as `encoding_of` and `parse` do."""
        self.data = data
        self.name = name
        self.encoding = xml_tree.encoding_of(data, name)
        self.tree = xml_tree.parse(data, name)
        self.one, self.find, self.all = self.root.one, self.root.find, self.root.all

    @property
    def root(self) -> E:
        """The document's element."""
        raise NotImplementedError

    def children(self, node: XmlNode, name: str = "*") -> list[XmlNode]:
        """The live elements in `node`, those of that local name."""
        return list(node.iterchildren("*" if name == "*" else f"{{*}}{name}"))

    def sole(self, found: Sequence[E], what: str) -> E | None:
        """Of the elements that can be meant the only one, or None.  Raises `EditError`, with `what`, for several."""
        if len(found) > 1:
            lines = ", ".join(str(each.line or "new") for each in found)
            raise xml_tree.error_at(
                self.name,
                f"doubles {what}: {len(found)} live elements, at the lines {lines}",
                found[1].node,
                fix="keep one of them, and remove or comment out the others",
            )
        return found[0] if found else None

    def select(self, node: XmlNode, path: Path) -> list[XmlNode]:
        """The nodes at `path` below a node, in the order of the file; the node itself for an empty path."""
        found = [node]
        for segment in path:
            found = [
                child
                for parent in found
                for child in self.children(parent, segment.name)
                if all(self._fits(child, one) for one in segment.predicates)
            ]
        return found

    def _fits(self, node: XmlNode, predicate: Predicate) -> bool:
        if predicate.is_attribute:
            own = xml_tree.attribute_of(node, predicate.name)
            values = [] if own is None else [own]
        else:
            texts = map(xml_tree.text_of, self.children(node, predicate.name))
            values = [text.strip(xml_tree.BLANKS) for text in texts]
        return bool(values) if predicate.value is None else predicate.value in values


class Element:
    """An element of the live tree."""

    __slots__ = ("document", "node")
    document: XmlTree[Any]

    def __init__(self, document: XmlTree[Any], node: XmlNode) -> None:
        self.document = document
        self.node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and self.node is other.node

    def __hash__(self) -> int:
        return hash(self.node)

    @property
    def name(self) -> str:
        """The local name."""
        return xml_tree.local_name(self.node)

    @property
    def text(self) -> str:
        """The character data directly in it; without outer blanks if it holds comments or elements too."""
        return xml_tree.text_of(self.node)

    @property
    def line(self) -> int:
        """The line of the original where it is, counted from 1; 0 for a new one."""
        return xml_tree.line_of(self.node) or 0

    @property
    def label(self) -> str:
        """A short path for people: `mode[HA]/eventSync/port`."""
        return xml_tree.label(self.node)

    @property
    def children(self) -> list[Self]:
        """The elements in it, in the order of the file."""
        return [self._like(child) for child in self.document.children(self.node)]

    @property
    def parent(self) -> Self | None:
        """The element that it is in; None for the root."""
        parent = self.node.getparent()
        return None if parent is None else self._like(parent)

    def get(self, attribute: str) -> str | None:
        """The attribute's value, or None; without a prefix it may be in any namespace."""
        return xml_tree.attribute_of(self.node, attribute)

    def one(self, path: str, /, **values: str) -> Self:
        """Return the only live element at `path` below this one.  Raises `EditError` for none, and for several."""
        found = self.find(path, **values)
        if found is not None:
            return found
        segments = parse_path(path, values)
        number = len(segments) - 1  # of the segment that fails
        while not (parents := self.document.select(self.node, segments[:number])):
            number -= 1
        where = xml_tree.label(parents[0]) if len(parents) == 1 else path_text(segments[:number])
        raise xml_tree.error_at(
            self.document.name,
            f"{where} lacks {path_text(segments[number:])}",
            parents[0],
            fix="add the element, or take the file from a fresh pack",
        )

    def find(self, path: str, /, **values: str) -> Self | None:
        """Return the live element at `path` below this one, or None.  Raises `EditError` for several."""
        found = self.all(path, **values)
        what = path_text(parse_path(path, values)) if len(found) > 1 else ""
        return self.document.sole(found, what)

    def all(self, path: str, /, **values: str) -> list[Self]:
        """All live elements at `path` below this one, in the order of the file."""
        return [self._like(node) for node in self.document.select(self.node, parse_path(path, values))]

    def _like(self, node: XmlNode) -> Self:
        return type(self)(self.document, node)


class XmlFile(XmlTree[Element]):
    """An XML file that is only read."""

    @property
    def root(self) -> Element:
        return Element(self, self.tree.getroot())
