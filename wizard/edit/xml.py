"""XML files changed without noise: lxml decides, bytes are spliced.

The document is parsed with lxml, which tells what is live; every edit is made on that tree by lxml itself
and noted.  `XmlDocument.result` makes the same edits on the original bytes, at the places that expat gives,
parses what comes out and compares it with the tree.  Only if they are equal is there a result.
"""

from __future__ import annotations

from wizard.edit import markup, nodes
from wizard.edit.editor import Editor
from wizard.edit.new import New
from wizard.edit.nodes import Node
from wizard.edit.path import Path, Segment, parse_path, path_text
from wizard.edit.splice import Edit, Value

__all__ = ["New", "XmlDocument", "XmlElement"]


class XmlDocument:
    """One XML file: look-ups in what is live, edits, and the bytes that come out.

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
        encoding = markup.encoding_of(data, name)
        tree = markup.parse(data, name)
        self._root = tree.getroot()
        self.editor = Editor(data, name, tree, encoding)

    @property
    def root(self) -> XmlElement:
        """The document's element."""
        return XmlElement(self, self._root)

    def one(self, path: str, /, **values: str) -> XmlElement:
        """The only live element at `path`.

        Raises:
            EditError: there is none, or more than one.
        """
        return self.root.one(path, **values)

    def find(self, path: str, /, **values: str) -> XmlElement | None:
        """The live element at `path`, or None.

        Raises:
            EditError: there is more than one.
        """
        return self.root.find(path, **values)

    def all(self, path: str, /, **values: str) -> list[XmlElement]:
        """All live elements at `path`, in the order of the file."""
        return self.root.all(path, **values)

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result."""
        return self.editor.edits

    def result(self) -> bytes:
        """The file's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: what comes out is not the tree that was meant (a defect of this program).
        """
        return self.editor.result()

    def select(self, node: Node, path: Path) -> tuple[list[Node], int, list[Node]]:
        """The nodes at `path`; if there are none, the number of the segment that fails, and where it does."""
        found = [node]
        for number, segment in enumerate(path):
            parents, found = found, []
            for parent in parents:
                children = self.editor.children(parent, segment.name)
                found += [child for child in children if self._fits(child, segment)]
            if not found:
                return [], number, parents
        return found, len(path), found

    def _fits(self, node: Node, segment: Segment) -> bool:
        for each in segment.predicates:
            if each.is_attribute:
                values = [nodes.attribute_of(node, each.name)]
            else:
                children = self.editor.children(node, each.name)
                values = [nodes.text_of(child).strip(nodes.BLANKS) for child in children]
            if not (any(v is not None for v in values) if each.value is None else each.value in values):
                return False
        return True


class XmlElement:
    """An element of the live tree, of the original or inserted since.

    Every edit takes `what`, which stands in the description in place of the path.  An edit of an element that
    has been removed is an EditError, and so is a value with a character that XML cannot hold.
    """

    __slots__ = ("document", "node")

    def __init__(self, document: XmlDocument, node: Node) -> None:
        self.document = document
        self.node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, XmlElement) and self.node is other.node

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
        """The character data directly in it; without outer blanks if comments or elements stand there too."""
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
    def children(self) -> list[XmlElement]:
        """The elements in it, in the order of the file."""
        return [XmlElement(self.document, child) for child in self.document.editor.children(self.node)]

    @property
    def parent(self) -> XmlElement | None:
        """The element that it is in; None for the root."""
        parent = self.node.getparent()
        return None if parent is None else XmlElement(self.document, parent)

    def get(self, attribute: str) -> str | None:
        """The attribute's value, or None; without a prefix it may be in any namespace."""
        return nodes.attribute_of(self.node, attribute)

    def one(self, path: str, /, **values: str) -> XmlElement:
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
        raise self.document.editor.error(
            f"{where} lacks {path_text(segments[number:])}",
            parents[0],
            fix="add the element, or take the file from a fresh pack",
        )

    def find(self, path: str, /, **values: str) -> XmlElement | None:
        """The live element at `path` below this one, or None.

        Raises:
            EditError: there is more than one.
        """
        segments = parse_path(path, values)
        found, _, _ = self.document.select(self.node, segments)
        if len(found) > 1:
            lines = ", ".join(str(nodes.line_of(each) or "new") for each in found)
            raise self.document.editor.error(
                f"doubles {path_text(segments)}: {len(found)} live elements, at the lines {lines}",
                found[1],
                fix="keep one of them, and remove or comment out the others",
            )
        return XmlElement(self.document, found[0]) if found else None

    def all(self, path: str, /, **values: str) -> list[XmlElement]:
        """All live elements at `path` below this one, in the order of the file."""
        found, _, _ = self.document.select(self.node, parse_path(path, values))
        return [XmlElement(self.document, node) for node in found]

    def set_text(self, value: Value, *, what: str | None = None) -> None:
        """Makes `value` the text; comments inside stay.  The value that is there already is no change.

        Raises:
            EditError: the element holds elements.
        """
        self.document.editor.refuse_removed(self.node)
        self.document.editor.set_text(self.node, value, what)

    def set(self, attribute: str, value: Value, *, what: str | None = None) -> None:
        """Makes `value` the attribute's; a new attribute goes behind the last one."""
        self.document.editor.refuse_removed(self.node)
        self.document.editor.set_attribute(self.node, attribute, value, what)

    def insert_after(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` directly behind this element, a second one behind the first; returns the new one."""
        self.document.editor.refuse_removed(self.node)
        return XmlElement(self.document, self.document.editor.insert_after(self.node, new, what))

    def append(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` behind the last element in this one; returns the new one.

        Raises:
            EditError: this one holds a value.
        """
        self.document.editor.refuse_removed(self.node)
        return XmlElement(self.document, self.document.editor.append(self.node, new, what))

    def prepend(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` in front of all that is in this one; returns the new one.

        Raises:
            EditError: this one holds a value.
        """
        self.document.editor.refuse_removed(self.node)
        return XmlElement(self.document, self.document.editor.prepend(self.node, new, what))

    def remove(self, *, what: str | None = None) -> None:
        """Takes the element out, with its line if it stands alone there."""
        self.document.editor.refuse_removed(self.node)
        self.document.editor.remove(self.node, what)
