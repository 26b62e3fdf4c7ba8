"""XML files changed without noise: lxml decides, bytes are spliced.

Every edit is made twice: by lxml on the tree, which tells what is live, and as a splice of the bytes, at the places
that expat gives.  Before there is a result its bytes are parsed, and must be that very tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lxml import etree

from wizard.edit import markup
from wizard.edit.edits import NOTE, Line, Note, Value, changed, reveal, shown
from wizard.edit.markup import New, StartTag, Style
from wizard.pack import xml_tree
from wizard.pack.xml import Element, XmlTree
from wizard.pack.xml_tree import XmlNode
from wizard.passwords.masking import is_password
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError

__all__ = ["NOTE", "New", "Note", "XmlDocument", "XmlElement"]

_SUMMARY_LENGTH = 100  # characters of what a new or removed element holds that its description may have
_ADDED, _REMOVED, _TEXT = "added", "removed", "text"  # an attribute is called by its name with an @


@dataclass
class _Change:
    """What was changed for people, and its value in the original; `within` is the element that has to be live."""

    what: str
    within: XmlNode
    note: Note
    old: str | None = None
    is_secret: bool = False


class XmlDocument(XmlTree["XmlElement"]):
    """One XML file: look-ups in what is live, edits of its elements, and the bytes that come out."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data, name)
        self.top = self.root.node
        self.root_indentation = "" if b"\n" in data or b"\r" in data else None
        self.now = data  # the bytes with all edits so far
        # Of each node its place in `now`, as `xml_tree.places`; from the first edit on.
        self.places: dict[XmlNode, list[int]] = {}
        self.opened: dict[XmlNode, bytes] = {}  # the ends of empty tags that were opened
        # The blanks before an element that was removed, by the node before it (none: by the one that it was in).
        self.gaps: dict[XmlNode, str] = {}
        self.secrets: set[tuple[XmlNode, str]] = set()
        self.changes: dict[tuple[XmlNode, str], _Change] = {}

    @property
    def root(self) -> XmlElement:
        """The document's element."""
        return XmlElement(self, self.tree.getroot())

    @property
    def edits(self) -> list[Line]:
        """What changes, in the order in which it was asked for."""
        made = [
            self._edit(*key, change) for key, change in self.changes.items() if self.is_live(change.within)
        ]
        return [line for line in made if line is not None]

    def result(self) -> bytes:
        """The file's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: what comes out is not the tree that was meant (a defect of this program).
        """
        if not self.edits:
            return self.data
        try:
            is_meant = _are_equal(xml_tree.parse(self.now, self.name), self.tree)
        except EditError:
            is_meant = False
        if not is_meant:
            raise EditError(
                "internal: the edited bytes are not the tree that was meant; nothing is written",
                place=self.name,
                fix="report this with the file, passwords taken out",
            )
        return self.now

    def _edit(self, node: XmlNode, kind: str, change: _Change) -> Line | None:
        at, note, text = self.places[node][0], change.note, change.what
        if kind == _ADDED:
            text = f"{text or xml_tree.label(node)}: added{self.summary(node)}"
        elif kind != _REMOVED:
            is_text = kind == _TEXT
            new = xml_tree.text_of(node) if is_text else xml_tree.attribute_of(node, kind[1:])
            if new == change.old:
                return None
            at = self.tag(node).end if is_text else self.attribute(node, kind[1:]).start
            number = 1 + self.now.count(b"\n", 0, at)
            return changed(note, text, change.old, new, number, secret=change.is_secret)
        return Line(text, note.field, note.rolls, 1 + self.now.count(b"\n", 0, at), (text,))

    def is_live(self, node: XmlNode) -> bool:
        """Whether neither the node nor anything that it is in was removed."""
        return any(one is self.top for one in (node, *node.iterancestors()))

    def is_new(self, node: XmlNode) -> bool:
        """Whether the node was inserted, alone or with what it is in: then it is described with that."""
        return any((one, _ADDED) in self.changes for one in (node, *node.iterancestors()))

    def refusal(self, message: str, node: XmlNode, fix: str) -> EditError:
        return xml_tree.error_at(self.name, message, node, fix=fix)

    @contextmanager
    def refusing(self, node: XmlNode, fix: str) -> Iterator[None]:
        """Turn the ValueError of what XML cannot hold into an EditError at `node`."""
        try:
            yield
        except ValueError as problem:
            raise self.refusal(str(problem), node, fix) from None

    # --- bytes -----------------------------------------------------------------------------------------

    def begin(self, node: XmlNode) -> None:
        """Before an edit of `node`; raises an EditError if that was removed, alone or with what it is in."""
        if not self.is_live(node):
            message = f"internal: {xml_tree.local_name(node)} was removed before"
            raise self.refusal(message, node, "report this with the file")
        if not self.places:
            found = xml_tree.places(self.data, self.name)
            self.places = dict(zip(self.top.iter(), found, strict=True))

    def replace(self, start: int, end: int, replacement: bytes) -> None:
        """The bytes from `start` to `end` give way to `replacement`, and all places behind them move."""
        self.now = self.now[:start] + replacement + self.now[end:]
        if grown := len(replacement) - (end - start):
            for place in self.places.values():
                if place[1] >= end:
                    place[1] += grown
                if place[0] >= end:
                    place[0] += grown

    def tag(self, node: XmlNode) -> StartTag:
        return markup.start_tag(self.now, self.places[node][0], self.encoding)

    def attribute(self, node: XmlNode, name: str) -> markup.Attribute:
        """An attribute that the element has, as it is written."""
        return next(each for each in self.tag(node).attributes if each.name == name)

    def end(self, node: XmlNode) -> int:
        """The offset behind a node."""
        start, end = self.places[node]
        if not xml_tree.is_element(node):
            opening, closing = (b"<!--", b"-->") if isinstance(node, etree._Comment) else (b"<?", b"?>")
            return self.now.index(closing, start + len(opening)) + len(closing)
        tag = self.tag(node)
        return tag.end if tag.is_empty else self.now.index(b">", end) + 1

    def content(self, node: XmlNode) -> tuple[int, int]:
        """Where the content of an element starts and ends; an empty tag becomes two."""
        tag = self.tag(node)
        if tag.is_empty:
            self.opened[node] = self.now[tag.close : tag.end]
            self.replace(tag.close, tag.end, b"></" + tag.name + b">")
            self.places[node][1] = tag.close + 1
            return tag.close + 1, tag.close + 1
        return tag.end, self.places[node][1]

    def close(self, node: XmlNode) -> None:
        """An element whose empty tag was opened, and that holds nothing but blanks now, becomes that tag again."""
        if node in self.opened and not len(node) and not xml_tree.text_of(node).strip(xml_tree.BLANKS):
            node.text, written, at = None, self.opened.pop(node), self.tag(node).close
            self.replace(at, self.end(node), written)
            self.places[node][1] = at + len(written)

    def style(self, offset: int) -> Style:
        """How new text is written at an offset."""
        return Style(self.encoding, markup.line_end_at(self.now, offset))

    # --- descriptions ----------------------------------------------------------------------------------

    def record(self, node: XmlNode, kind: str, note: Note, label: str, old: str | None, value: Value) -> None:
        """Note a new value; raises an EditError for one that XML cannot hold."""
        with self.refusing(node, "remove that character from the value"):
            markup.check_value(label, value)
        if isinstance(value, Secret):
            self.secrets.add((node, kind))
        if not self.is_new(node):
            change = self.changes.setdefault((node, kind), _Change(label, node, note, old))
            change.what, change.note = note.what or change.what, note
            change.is_secret |= self._is_secret(node, kind)

    def _is_secret(self, node: XmlNode, kind: str) -> bool:
        """Whether the value is a password: by its type, now or before, or by a name."""
        if (node, kind) in self.secrets:
            return True
        parent = node.getparent()
        named = xml_tree.identifier(parent) if parent is not None and parent is not self.top else None
        names = (xml_tree.local_name(node), kind, node.get("name"), node.get("key"), named)
        return any(is_password(name) for name in names if name)

    def summary(self, node: XmlNode) -> str:
        """What a small element holds, in brackets: its text, or that of its children; passwords masked."""
        texts = []
        for each in self.children(node) or [node]:
            if self.children(each):
                return ""
            if xml_tree.text_of(each).strip(xml_tree.BLANKS):
                texts.append(shown(xml_tree.text_of(each), secret=self._is_secret(each, _TEXT)))
        summary = ", ".join(texts)
        return f" ({summary})" if 0 < len(summary) <= _SUMMARY_LENGTH else ""


class XmlElement(Element):
    """An element of the live tree, of the original or inserted since.

    Every edit takes a `note`: a name for the description in place of the path, and the field that causes the edit.
    An edit of an element that has been removed is an EditError, and so is a value with a character that XML cannot
    hold.
    """

    __slots__ = ()
    document: XmlDocument

    def set_text(self, value: Value, *, note: Note = NOTE) -> None:
        """Make `value` the text; comments inside stay.  Raises EditError if this element holds elements."""
        document, node = self.document, self.node
        document.begin(node)
        label, old, new = note.what or self.label, self.text, reveal(value)
        if self.children:
            fix = "remove the elements in it"
            raise document.refusal(f"{label} holds elements and cannot hold a value", node, fix)
        document.record(node, _TEXT, note, label, old, value)
        # Beside comments the blanks at both ends do not count.
        if new == old or (len(node) and new.strip(xml_tree.BLANKS) == old):
            return
        start, end = document.content(node)
        style = document.style(start)
        children = list(node)
        comments = [(document.places[child][0], document.end(child)) for child in children]
        cuts = [start, *(at for comment in comments for at in comment), end]
        parts = [document.now[one:other] for one, other in zip(cuts[::2], cuts[1::2], strict=True)]
        # The value takes the place of the first text, else that in front of the first comment.
        target = next(
            (number for number, part in enumerate(parts) if part.strip(xml_tree.BLANKS.encode())), 0
        )
        content, moved = bytearray(), []
        for number, part in enumerate(parts):
            core = part.strip(xml_tree.BLANKS.encode()) if children else part
            at = part.index(core)
            front, text, rear = part[:at], new if number == target else "", part[at + len(core) :]
            content += front + style.text(text) + rear
            text = markup.as_parsed(front) + text + markup.as_parsed(rear)
            if number:
                children[number - 1].tail = text
            else:
                node.text = text
            if number < len(comments):
                moved.append(start + len(content))
                content += document.now[slice(*comments[number])]
        document.replace(start, end, bytes(content))
        document.places.update({child: [at, at] for child, at in zip(children, moved, strict=True)})
        if not new:
            document.close(node)

    def set(self, attribute: str, value: Value, *, note: Note = NOTE) -> None:
        """Make `value` the attribute's; a new attribute goes behind the last one, written like it."""
        document, node, kind = self.document, self.node, f"@{attribute}"
        document.begin(node)
        label, new = note.what or xml_tree.label(node, attribute), reveal(value)
        with document.refusing(node, "use a name without a prefix"):
            old = node.get(attribute)
            document.record(node, kind, note, label, old, value)
            if new == old:
                return
            node.set(attribute, new)
        tag, style = document.tag(node), document.style(document.places[node][0])
        if old is not None:
            there = document.attribute(node, attribute)
            document.replace(there.start, there.end, style.attribute(new, there.quote))
        else:
            at, blanks, equals, quote = tag.start + 1 + len(tag.name), b" ", b"=", b'"'
            if tag.attributes:
                last = tag.attributes[-1]
                at, blanks, equals, quote = last.end + 1, last.blanks, last.equals, last.quote
            written = (
                attribute.encode(document.encoding) + equals + quote + style.attribute(new, quote) + quote
            )
            document.replace(at, at, blanks + written)

    def insert_after(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Insert `new` directly behind this element and the new ones that follow it; return it.

        Comments on the line of this element stay in front.
        """
        document, node = self.document, self.node
        document.begin(node)
        if self.parent is None:
            raise document.refusal("a document has only one root", node, "insert into the root")
        has_line = markup.indentation(node, document.root_indentation) is not None
        anchor = markup.last_comment_of_line(node) if has_line else node
        while (following := anchor.getnext()) is not None and xml_tree.line_of(following) is None:
            anchor = following
        return self.parent._insert(anchor, node, new, note)

    def append(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Insert `new` behind the last element, else behind all that is in this one; raises as `prepend`."""
        document, node = self.document, self.node
        document.begin(node)
        if live := self.children:
            return live[-1].insert_after(new, note=note)
        if self.text.strip(xml_tree.BLANKS):
            message = f"{self.label} holds a value and cannot hold elements"
            raise document.refusal(message, node, "remove the value")
        last = node[-1] if len(node) else None
        return self._insert(last, last, new, note)

    def prepend(self, new: New, *, note: Note = NOTE) -> XmlElement:
        """Insert `new` in front of all that is in this one; return it.  Raises EditError if this one holds a value."""
        self.document.begin(self.node)
        if not self.children:
            return self.append(new, note=note)
        return self._insert(None, self.children[0].node, new, note)

    def _insert(self, anchor: XmlNode | None, like: XmlNode | None, new: New, note: Note) -> XmlElement:
        """Insert `new` into this element behind `anchor` (None: as the first), with the spacing of `like`.

        `like` is None where this element holds no node.
        """
        document, node = self.document, self.node
        with document.refusing(node, "use names and values that XML can hold"):
            made = markup.make(new, node)
        unit = markup.unit(node if anchor is None else anchor, document.root_indentation)
        if like is not None:
            indentation = markup.indentation(like, document.root_indentation)
        else:
            outer = markup.indentation(node, document.root_indentation)
            indentation = None if outer is None else outer + unit
            if "\n" not in (node.text or ""):  # the end tag gets a line of its own
                node.text = "" if outer is None else f"\n{outer}"
                start, end = document.content(node)
                document.replace(start, end, document.style(start).text(node.text))
        is_spaced = anchor is not None and like is not None and markup.is_spaced(like, anchor)
        front = "" if indentation is None else f"\n\n{indentation}" if is_spaced else f"\n{indentation}"
        if (gap := document.gaps.pop(node if anchor is None else anchor, None)) is not None:
            front, indentation = gap, gap.rpartition("\n")[2]
        at = document.content(node)[0] if anchor is None else document.end(anchor)
        # Blanks at the end of a line stay there: else that line would change too.
        skipped = b"" if indentation is None else markup.rest_of_line(document.now, at)
        at += len(skipped)
        style, written = document.style(at), bytearray()
        markup.put_in(node, anchor, made, skipped.decode(), front)
        written += style.text(front)
        inner = list(markup.write(made, new, indentation, unit, style, written))
        document.replace(at, at, bytes(written))
        for each, source, offsets in inner:
            document.places[each] = [at + offsets[0], at + offsets[1]]
            values = {_TEXT: source.text, **{f"@{name}": value for name, value in source.attributes.items()}}
            document.secrets |= {(each, kind) for kind, value in values.items() if isinstance(value, Secret)}
        if not document.is_new(node):
            document.changes[made, _ADDED] = _Change(note.what, made, note)
        return self._like(made)

    def remove(self, *, note: Note = NOTE) -> None:
        """Remove the element, with its line if nothing else is on it."""
        document, node = self.document, self.node
        document.begin(node)
        parent = node.getparent()
        if parent is None:
            raise document.refusal("the root cannot be removed", node, "remove what is in it")
        label, inside, is_new = note.what or self.label, set(node.iter()), document.is_new(node)
        is_edited = any(one in inside for one, _ in document.changes)
        summary = "" if is_edited else document.summary(node)  # what was set since was never in the file
        start, end = document.places[node][0], document.end(node)
        front, rear = markup.line_around(document.now, start, end)
        if front:
            previous = node.getprevious()
            document.gaps[parent if previous is None else previous] = markup.as_parsed(front)
        markup.take_out(node, markup.as_parsed(front), markup.as_parsed(rear))
        start -= len(front)
        document.replace(start, end + len(rear), b"")
        document.places[node] = [start, start]
        document.close(parent)
        document.changes.pop((node, _ADDED), None)
        if not is_new:
            document.changes[node, _REMOVED] = _Change(f"{label}: removed{summary}", parent, note)


def _are_equal(one: etree._ElementTree, other: etree._ElementTree) -> bool:
    """Whether two trees have the same canonical form, comments included."""
    # What is written alike is alike, and that is found out in a third of the time.
    if etree.tostring(one) == etree.tostring(other):
        return True
    try:
        forms = [etree.tostring(tree, method="c14n", with_comments=True) for tree in (one, other)]
    except etree.C14NError:  # a namespace that is not an absolute URI, which C14N does not accept
        forms = [etree.tostring(tree, method="c14n2") for tree in (one, other)]
    return forms[0] == forms[1]
