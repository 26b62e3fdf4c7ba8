"""XML files for reading: look-ups in what is live.  `edit/xml.py` adds the edits."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar

from wizard.pack import xml_nodes as nodes
from wizard.pack import xml_parse
from wizard.pack.xml_nodes import XmlNode
from wizard.pack.xml_path import Path, Segment, parse_path, path_text

E = TypeVar("E", bound="Element")


class XmlTree(Generic[E]):
    """One XML file: look-ups in what is live, which give elements of one kind.

    Paths are relative to the children of the root: `mode[@name='HA']/eventSync/port`.  Names are local names
    (`*`: any), comments never match; `[@a='v']` asks for an attribute, `[name='v']` for the text of a child,
    `[@a]` and `[name]` that there is one; `$x` in place of `'v'` takes a keyword argument of that name.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Parses `data`; `name` is what errors call the file.

        Raises:
            EditError: not well-formed (with line and column), a DOCTYPE, an encoding that is not supported.
        """
        self.data = data
        self.name = name
        self.encoding = xml_parse.encoding_of(data, name)
        self.tree = xml_parse.parse(data, name)

    @property
    def root(self) -> E:
        """The document's element."""
        raise NotImplementedError

    def one(self, path: str, /, **values: str) -> E:
        """The only live element at `path`.

        Raises:
            EditError: there is none, or more than one.
        """
        return self.root.one(path, **values)

    def find(self, path: str, /, **values: str) -> E | None:
        """The live element at `path`, or None.

        Raises:
            EditError: there is more than one.
        """
        return self.root.find(path, **values)

    def all(self, path: str, /, **values: str) -> list[E]:
        """All live elements at `path`, in the order of the file."""
        return self.root.all(path, **values)

    def children(self, node: XmlNode, name: str = "*") -> list[XmlNode]:
        """The live elements in `node`, those of that local name."""
        return list(node.iterchildren("*" if name == "*" else f"{{*}}{name}"))

    def select(self, node: XmlNode, path: Path) -> tuple[list[XmlNode], int, list[XmlNode]]:
        """The nodes at `path`; if there are none, the number of the segment that fails, and where it does."""
        found = [node]
        for number, segment in enumerate(path):
            parents, found = found, []
            for parent in parents:
                children = self.children(parent, segment.name)
                found += [child for child in children if self._fits(child, segment)]
            if not found:
                return [], number, parents
        return found, len(path), found

    def _fits(self, node: XmlNode, segment: Segment) -> bool:
        for each in segment.predicates:
            if each.is_attribute:
                values = [nodes.attribute_of(node, each.name)]
            else:
                children = self.children(node, each.name)
                values = [nodes.text_of(child).strip(nodes.BLANKS) for child in children]
            if not (any(v is not None for v in values) if each.value is None else each.value in values):
                return False
        return True


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

    def __repr__(self) -> str:
        return f"<{self.label} in {self.document.name}>"

    @property
    def name(self) -> str:
        """The local name."""
        return nodes.local_name(self.node)

    @property
    def text(self) -> str:
        """The character data directly in it; without outer blanks if it holds comments or elements too."""
        return nodes.text_of(self.node)

    @property
    def line(self) -> int:
        """The line of the original where it stands, counted from 1; 0 for a new one."""
        return nodes.line_of(self.node) or 0

    @property
    def label(self) -> str:
        """A short path for people: `mode[HA]/eventSync/port`."""
        return nodes.label(self.node)

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
        return nodes.attribute_of(self.node, attribute)

    def one(self, path: str, /, **values: str) -> Self:
        """The only live element at `path` below this one.

        Raises:
            EditError: there is none, or more than one.
        """
        found = self.find(path, **values)
        if found is not None:
            return found
        segments = parse_path(path, values)
        _, number, parents = self.document.select(self.node, segments)
        where = nodes.label(parents[0]) if len(parents) == 1 else path_text(segments[:number])
        raise nodes.error_at(
            self.document.name,
            f"{where} lacks {path_text(segments[number:])}",
            parents[0],
            fix="add the element, or take the file from a fresh pack",
        )

    def find(self, path: str, /, **values: str) -> Self | None:
        """The live element at `path` below this one, or None.

        Raises:
            EditError: there is more than one.
        """
        segments = parse_path(path, values)
        found, _, _ = self.document.select(self.node, segments)
        if len(found) > 1:
            lines = ", ".join(str(nodes.line_of(each) or "new") for each in found)
            raise nodes.error_at(
                self.document.name,
                f"doubles {path_text(segments)}: {len(found)} live elements, at the lines {lines}",
                found[1],
                fix="keep one of them, and remove or comment out the others",
            )
        return self._like(found[0]) if found else None

    def all(self, path: str, /, **values: str) -> list[Self]:
        """All live elements at `path` below this one, in the order of the file."""
        found, _, _ = self.document.select(self.node, parse_path(path, values))
        return [self._like(node) for node in found]

    def _like(self, node: XmlNode) -> Self:
        return type(self)(self.document, node)


class XmlFile(XmlTree[Element]):
    """An XML file that is only read."""

    @property
    def root(self) -> Element:
        return Element(self, self.tree.getroot())
