"""XML files changed without noise: lxml decides, bytes are spliced.

The document is parsed with lxml, which tells what is live; every edit is made on that tree by lxml itself
and noted.  `XmlDocument.result` makes the same edits on the original bytes, at the places that expat gives,
parses what comes out and compares it with the tree.  Only if they are equal is there a result.
"""

from __future__ import annotations

from wizard.edit.editor import Editor
from wizard.edit.new import New
from wizard.edit.splice import NOTE, Edit, Note, Value
from wizard.pack.xml import Element, XmlTree
from wizard.pack.xml_nodes import XmlNode

__all__ = ["NOTE", "New", "Note", "XmlDocument", "XmlElement"]


class XmlDocument(XmlTree["XmlElement"]):
    """One XML file: look-ups in what is live, edits, and the bytes that come out."""

    def __init__(self, data: bytes, name: str) -> None:
        """Parses `data`; `name` is what errors call the file.

        Raises:
            EditError: not well-formed (with line and column), a DOCTYPE, an encoding that is not supported.
        """
        super().__init__(data, name)
        self.editor = Editor(data, name, self.tree, self.encoding)

    @property
    def root(self) -> XmlElement:
        """The document's element."""
        return XmlElement(self, self.tree.getroot())

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

    def children(self, node: XmlNode, name: str = "*") -> list[XmlNode]:
        """The live elements in `node`, those of that local name; what was removed is not among them."""
        return self.editor.children(node, name)


class XmlElement(Element):
    """An element of the live tree, of the original or inserted since.

    Every edit takes a `note`: a name for the description in place of the path, and the field that causes the edit.
    An edit of an element that has been removed is an EditError, and so is a value with a character that XML cannot
    hold.
    """

    __slots__ = ()
    document: XmlDocument

    def set_text(self, value: Value, *, note: Note = NOTE) -> None:
        """Makes `value` the text; comments inside stay.  Setting the present value changes nothing.

        Raises:
            EditError: the element holds elements.
        """
        self.document.editor.refuse_removed(self.node)
        self.document.editor.set_text(self.node, value, note)

    def set(self, attribute: str, value: Value, *, note: Note = NOTE) -> None:
        """Makes `value` the attribute's; a new attribute goes behind the last one."""
        self.document.editor.refuse_removed(self.node)
        self.document.editor.set_attribute(self.node, attribute, value, note)

    def insert_after(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Puts `new` directly behind this element, a second one behind the first; returns the new one."""
        self.document.editor.refuse_removed(self.node)
        return self._like(self.document.editor.insert_after(self.node, new, note))

    def append(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Puts `new` behind the last element in this one; returns the new one.

        Raises:
            EditError: this one holds a value.
        """
        self.document.editor.refuse_removed(self.node)
        return self._like(self.document.editor.append(self.node, new, note))

    def prepend(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Puts `new` in front of all that is in this one; returns the new one.

        Raises:
            EditError: this one holds a value.
        """
        self.document.editor.refuse_removed(self.node)
        return self._like(self.document.editor.prepend(self.node, new, note))

    def remove(self, *, note: Note = NOTE) -> None:
        """Takes the element out, with its line if it stands alone there."""
        self.document.editor.refuse_removed(self.node)
        self.document.editor.remove(self.node, note)
