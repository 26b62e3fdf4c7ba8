"""XML files changed without noise: lxml decides, bytes are spliced.

The document is parsed with lxml, which tells what is live; every edit is made on that tree by lxml itself
and noted.  `XmlDocument.result` makes the same edits on the original bytes, at the places that expat gives,
parses what comes out and compares it with the tree.  Only if they are equal is there a result.
"""

from __future__ import annotations

from wizard.edit.editor import Editor
from wizard.edit.new import New
from wizard.edit.splice import NOTE, Note, Value
from wizard.pack.xml import Element

__all__ = ["NOTE", "New", "Note", "XmlDocument", "XmlElement"]


class XmlDocument(Editor["XmlElement"]):
    """One XML file: look-ups in what is live, edits, and the bytes that come out."""

    @property
    def root(self) -> XmlElement:
        """The document's element."""
        return XmlElement(self, self.tree.getroot())


class XmlElement(Element):
    """An element of the live tree, of the original or inserted since.

    Every edit takes a `note`: a name for the description in place of the path, and the field that causes the edit.
    An edit of an element that has been removed is an EditError, and so is a value with a character that XML cannot
    hold.
    """

    __slots__ = ()
    document: XmlDocument

    @property
    def _editor(self) -> XmlDocument:
        """The document, for an edit of this element."""
        self.document.refuse_removed(self.node)
        return self.document

    def set_text(self, value: Value, *, note: Note = NOTE) -> None:
        """Make `value` the text; comments inside stay.  Setting the present value changes nothing.

        Raises:
            EditError: the element holds elements.
        """
        self._editor.set_text(self.node, value, note)

    def set(self, attribute: str, value: Value, *, note: Note = NOTE) -> None:
        """Make `value` the attribute's; a new attribute goes behind the last one."""
        self._editor.set_attribute(self.node, attribute, value, note)

    def insert_after(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Insert `new` directly behind this element, a second one behind the first; return the new one."""
        return self._like(self._editor.insert_after(self.node, new, note))

    def append(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Insert `new` behind the last element in this one; return it.  Raises EditError if this one holds a value."""
        return self._like(self._editor.append(self.node, new, note))

    def prepend(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Insert `new` in front of all that is in this one; return it.  Raises EditError if this one holds a value."""
        return self._like(self._editor.prepend(self.node, new, note))

    def remove(self, *, note: Note = NOTE) -> None:
        """Remove the element, with its line if nothing else is on it."""
        self._editor.remove(self.node, note)
