"""Edits of an XML file: made on the tree by lxml, noted, and made again on the bytes.

Elements that are removed stay in the tree, as places to insert behind, until the result is made; `children`
passes over them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from lxml import etree

from wizard.edit import markup, spacing
from wizard.edit import new as new_elements
from wizard.edit.new import New
from wizard.edit.splice import (
    NOTE,
    Edit,
    Note,
    Splice,
    Value,
    described,
    is_secret_name,
    reveal,
    shown,
    splice,
)
from wizard.pack import xml_nodes, xml_parse
from wizard.pack.xml import E, XmlTree
from wizard.pack.xml_nodes import XmlNode
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError

_SUMMARY_LENGTH = 100  # characters of what a new or removed element holds that its description may have

_Key = tuple[XmlNode, Literal["text", "attribute", "insert", "remove"], str]


class _Change:
    """An edit that was asked for; `what` names it for people, `old` is the value of the original.

    `texts` are all texts of the original element, those between its comments too.
    """

    __slots__ = ("note", "old", "secret", "texts", "what")

    def __init__(self, what: str, old: str | None = None, note: Note = NOTE) -> None:
        self.what = what
        self.note = note
        self.old = old
        self.secret = False
        self.texts: tuple[str | None, ...] = ()


class _Slot:
    """A place in the original bytes where elements are inserted.

    The bytes from `start` to `end` give way to `opening`, the elements (each behind its own blanks), and
    `closing`.  `blanks` are what the tree had there, if they are replaced.
    """

    __slots__ = ("blanks", "closing", "end", "line_end", "nodes", "opening", "parent", "start")

    def __init__(self, start: int, parent: XmlNode, line_end: str) -> None:
        self.start = self.end = start
        self.parent = parent
        self.line_end = line_end
        self.opening = self.closing = b""
        self.blanks: str | None = None
        self.nodes: list[XmlNode] = []


class _Spot(NamedTuple):
    """Where an element is inserted in the tree: in `parent`, behind `anchor` (None: as the first).

    `indentation` is that of its line (None: it has no line of its own), `front` the blanks in front of it.
    """

    parent: XmlNode
    anchor: XmlNode | None
    indentation: str | None
    front: str


class Editor(XmlTree[E]):
    """The edits of one document.

    Values and elements are given to it as nodes of its tree; each method says in its EditError why it refuses.
    """

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data, name)
        self._root = self.tree.getroot()
        self._root_indentation = "" if b"\n" in data or b"\r" in data else None
        # Known from the first edit on; the numbers are those of expat's elements, in document order.
        self._numbers: dict[XmlNode, int] = {}
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._changes: dict[_Key, _Change] = {}
        self._slots: dict[int, _Slot] = {}
        self._slot_of: dict[XmlNode, _Slot] = {}
        self._front: dict[XmlNode, str] = {}
        self._behind: dict[XmlNode, list[XmlNode]] = {}
        self._removed: set[XmlNode] = set()
        self._secrets: set[tuple[XmlNode, str]] = set()
        self._edits: list[Edit] | None = []
        self._result: bytes | None = data

    @property
    def edits(self) -> list[Edit]:
        """What changes, in the order in which it was asked for; all of their splices make the result."""
        if self._edits is None:
            self._edits = list(self._made())
        return list(self._edits)

    def result(self) -> bytes:
        """The file's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: what comes out is not the tree that was meant (a defect of this program).
        """
        if self._result is None:
            self._result = self._verified()
        return self._result

    def children(self, node: XmlNode, name: str = "*") -> list[XmlNode]:
        """The live elements in `node`, those of that local name."""
        found = node.iterchildren("*" if name == "*" else f"{{*}}{name}")
        return [child for child in found if child not in self._removed] if self._removed else list(found)

    def refuse_removed(self, node: XmlNode) -> None:
        """Raise an EditError for an element that was removed, alone or with what it is in."""
        current: XmlNode | None = node
        while current is not None and current not in self._removed:
            if current is self._root:
                return
            current = current.getparent()
        raise self._refusal(
            f"internal: {xml_nodes.local_name(node)} was removed before", node, "report this with the file"
        )

    def _refusal(self, message: str, node: XmlNode, fix: str) -> EditError:
        return xml_nodes.error_at(self.name, message, node, fix=fix)

    @contextmanager
    def _refusing(self, node: XmlNode, fix: str) -> Iterator[None]:
        """Turn the ValueError of what XML cannot hold into an EditError at `node`."""
        try:
            yield
        except ValueError as problem:
            raise self._refusal(str(problem), node, fix) from None

    # --- values ----------------------------------------------------------------------------------------

    def set_text(self, node: XmlNode, value: Value, note: Note) -> None:
        """Make `value` the text; the comments inside stay."""
        label, old, new = note.what or xml_nodes.label(node), xml_nodes.text_of(node), reveal(value)
        self._check(node, label, value)
        if next(node.iterchildren("*"), None) is not None:
            raise self._refusal(
                f"{label} holds elements and cannot hold a value", node, "remove the elements in it"
            )
        self._note(node, "", value)
        if _is_same(node, new, old):
            return
        self._begin()
        if node not in self._numbers:
            node.text = new
            return
        change = self._record((node, "text", ""), note, label, old, value)
        change.texts = change.texts or (node.text, *(child.tail for child in node))
        texts: Sequence[str | None] = [new]
        if _is_same(node, new, change.old or ""):
            texts = change.texts
            del self._changes[node, "text", ""]
        elif len(node):
            texts = self._texts_with(node, new)
        node.text = texts[0]
        for child, text in zip(node, texts[1:], strict=True):
            child.tail = text

    def _texts_with(self, node: XmlNode, new: str) -> list[str]:
        """The texts between the comments of an element, with `new` in place of the value."""
        texts, runs = [], self._runs(node)
        target = _target(runs)
        for number, run in enumerate(runs):
            front, rear = self._blanks_of(run)
            texts.append(front + (new if number == target else "") + rear)
        return texts

    def set_attribute(self, node: XmlNode, name: str, value: Value, note: Note) -> None:
        """Make `value` the attribute's; a new one goes behind the last."""
        label = note.what or xml_nodes.label(node, name)
        self._check(node, label, value)
        with self._refusing(node, "use a name that is declared there"):
            new_elements.check_attribute(node, name)
        qualified, new = new_elements.qualified(node, name), reveal(value)
        old = node.get(qualified)
        self._note(node, name, value)
        if new == old:
            return
        self._begin()
        if node in self._numbers:
            self._record((node, "attribute", name), note, label, old, value)
        node.set(qualified, new)

    def _check(self, node: XmlNode, label: str, value: Value) -> None:
        with self._refusing(node, "remove that character from the value"):
            new_elements.check_value(label, value)

    def _note(self, node: XmlNode, attribute: str, value: Value) -> None:
        if isinstance(value, Secret):
            self._secrets.add((node, attribute))

    def _record(self, key: _Key, note: Note, label: str, old: str | None, value: Value) -> _Change:
        change = self._changes.setdefault(key, _Change(label, old))
        change.what = note.what or change.what
        change.note = note
        change.secret |= self._is_secret(key[0], key[2], value)
        return change

    def _is_secret(self, node: XmlNode, attribute: str, value: Value = "") -> bool:
        """Whether the value is a password: by its type, now or before, or by a name."""
        if isinstance(value, Secret) or (node, attribute) in self._secrets:
            return True
        parent = node.getparent()
        named = xml_nodes.identifier(parent) if parent is not None and parent is not self._root else None
        names = (xml_nodes.local_name(node), attribute, node.get("name"), node.get("key"), named)
        return any(is_secret_name(name) for name in names if name)

    def _runs(self, node: XmlNode) -> list[markup.TextRun]:
        return markup.runs(self.data, self._start_tag(node).end, self._ends[self._numbers[node]])

    def _blanks_of(self, run: markup.TextRun) -> tuple[str, str]:
        front, rear = self.data[run.start : run.core_start], self.data[run.core_end : run.end]
        return markup.as_parsed(front), markup.as_parsed(rear)

    # --- elements --------------------------------------------------------------------------------------

    def insert_after(self, node: XmlNode, new: New, note: Note) -> XmlNode:
        """Put `new` behind `node` and what was put there before; comments on that line stay in front."""
        parent = node.getparent()
        if parent is None:
            raise self._refusal("a document has only one root", node, "insert into the root")
        self._begin_insertion(new, parent)
        anchor = node
        while self._behind.get(anchor):
            anchor = self._behind[anchor][-1]
        indentation = spacing.indentation(node, self._root_indentation)
        if anchor is node and indentation is not None:
            anchor = spacing.last_comment_of_line(node)
        spot = _Spot(parent, anchor, indentation, self._front_of(node, anchor, indentation))
        if parent in self._numbers and anchor not in self._slot_of:
            made = self._insert_at(self._end_behind(node, anchor), spot, new, note)
        else:
            made = self._insert(spot, new)
            if anchor in self._slot_of:
                slot = self._slot_of[anchor]
                self._take_place(made, slot, slot.nodes.index(anchor) + 1, note)
        self._behind.setdefault(node, []).append(made)
        return made

    def append(self, parent: XmlNode, new: New, note: Note) -> XmlNode:
        """Put `new` behind the last element in `parent`, else behind all that is in it."""
        if live := self.children(parent):
            return self.insert_after(live[-1], new, note)
        label = xml_nodes.label(parent)
        if xml_nodes.text_of(parent).strip(xml_nodes.BLANKS):
            raise self._refusal(f"{label} holds a value and cannot hold elements", parent, "remove the value")
        if (parent, "text", "") in self._changes:
            fix = "report this with the file"
            raise self._refusal(f"internal: {label} was given a value before", parent, fix)
        if not len(parent):
            self._begin_insertion(new, parent)
            return self._insert_into_empty(parent, new, note)
        last = parent[-1]
        if last in self._removed:
            return self.insert_after(last, new, note)
        self._begin_insertion(new, parent)
        indentation = spacing.indentation(last, self._root_indentation)
        spot = _Spot(parent, last, indentation, self._front_of(last, last, indentation))
        if parent not in self._numbers:
            return self._insert(spot, new)
        end = markup.end_of_last_comment(self.data, self._ends[self._numbers[parent]])
        return self._insert_at(end, spot, new, note)

    def prepend(self, parent: XmlNode, new: New, note: Note) -> XmlNode:
        """Put `new` directly behind the start tag of `parent`."""
        live = self.children(parent)
        if not live:
            return self.append(parent, new, note)
        self._begin_insertion(new, parent)
        indentation = spacing.indentation(live[0], self._root_indentation)
        spot = _Spot(parent, None, indentation, "" if indentation is None else "\n" + indentation)
        if parent not in self._numbers:
            return self._insert(spot, new)
        tag = self._start_tag(parent)
        if tag.is_empty or tag.end in self._slots:  # what is in it was inserted there
            made = self._insert(spot, new)
            self._take_place(made, self._slots[tag.close if tag.is_empty else tag.end], 0, note)
            return made
        return self._insert_at(tag.end, spot, new, note)

    def _insert_into_empty(self, parent: XmlNode, new: New, note: Note) -> XmlNode:
        """Put `new` into an element without node and text; the end tag gets a line of its own."""
        outer = spacing.indentation(parent, self._root_indentation)
        inner = None if outer is None else outer + spacing.unit(parent, self._root_indentation)
        spot = _Spot(parent, None, inner, "" if inner is None else "\n" + inner)
        blanks = parent.text or ""
        if "\n" in blanks and parent in self._numbers:
            return self._insert_at(self._start_tag(parent).end, spot, new, note)
        closing = blanks if "\n" in blanks else "" if outer is None else "\n" + outer
        parent.text = closing
        made = self._insert(spot, new)
        if parent in self._numbers:
            tag = self._start_tag(parent)
            slot = self._slot(parent, tag.close if tag.is_empty else tag.end)
            slot.end = tag.end if tag.is_empty else self._ends[self._numbers[parent]]
            slot.closing = markup.text_bytes(closing, self.encoding, slot.line_end)
            slot.blanks = blanks
            if tag.is_empty:
                slot.opening, slot.closing = b">", slot.closing + b"</" + tag.name + b">"
            self._take_place(made, slot, 0, note)
        return made

    def _begin_insertion(self, new: New, parent: XmlNode) -> None:
        with self._refusing(parent, "use names and values that XML can hold"):
            new_elements.check(new, parent)
        self._begin()

    def _front_of(self, node: XmlNode, anchor: XmlNode, indentation: str | None) -> str:
        """Return the blanks between `anchor`, which is `node` or is behind it, and what is inserted there."""
        if indentation is None:
            return ""
        return ("\n\n" if spacing.is_spaced(node, anchor) else "\n") + indentation

    def _insert_at(self, position: int, spot: _Spot, new: New, note: Note) -> XmlNode:
        """Put `new` behind the anchor, which ends at `position` of the bytes."""
        # Blanks at the end of a line stay there: else that line would change too.
        skipped = "" if spot.indentation is None else markup.rest_of_line(self.data, position)
        made = self._insert(spot, new, skipped)
        self._take_place(made, self._slot(spot.parent, position + len(skipped)), 0, note)
        return made

    def _insert(self, spot: _Spot, new: New, skipped: str = "") -> XmlNode:
        """Make the element in the tree, behind the anchor and the blanks `skipped`."""
        near = spacing.unit(spot.parent if spot.anchor is None else spot.anchor, self._root_indentation)
        made = new_elements.make(new, spot.parent)
        spacing.put_in(spot.parent, spot.anchor, made, spot.front, skipped)
        self._front[made] = spot.front
        for node, attribute, value in new_elements.fill(made, new, spot.indentation, near):
            self._note(node, attribute, value)
        return made

    def _slot(self, parent: XmlNode, start: int) -> _Slot:
        if start not in self._slots:
            self._slots[start] = _Slot(start, parent, markup.line_end_at(self.data, start))
        return self._slots[start]

    def _take_place(self, made: XmlNode, slot: _Slot, position: int, note: Note) -> None:
        slot.nodes.insert(position, made)
        self._slot_of[made] = slot
        self._changes[made, "insert", ""] = _Change("", note=note)

    def _end_behind(self, node: XmlNode, anchor: XmlNode) -> int:
        """The offset behind `anchor`: the element `node` itself, or a comment behind it on its line."""
        end = self._end(node)
        current: XmlNode | None = node
        while current is not None and current is not anchor:
            end = markup.end_of_comment(self.data, end)
            current = current.getnext()
        return end

    def remove(self, node: XmlNode, note: Note) -> None:
        """Remove `node`, with its line if it stands alone there."""
        parent = node.getparent()
        if parent is None:
            raise self._refusal("the root cannot be removed", node, "remove what is in it")
        self._begin()
        label, summary = note.what or xml_nodes.label(node), self._summary(node)
        if self._forget(node):
            summary = ""  # what is in it now never stood in the file
        if node in self._numbers:
            self._removed.add(node)
            self._changes[node, "remove", ""] = _Change(f"{label}: removed{summary}", note=note)
            return
        spacing.take_out(node, self._front.pop(node, spacing.before(node)), "")
        for siblings in self._behind.values():
            if node in siblings:
                at = siblings.index(node)
                siblings[at : at + 1] = self._behind.pop(node, [])
                break
        slot = self._slot_of.pop(node, None)
        if slot is not None:
            slot.nodes.remove(node)
            if not slot.nodes:
                del self._slots[slot.start]
                if slot.blanks is not None:
                    parent.text = slot.blanks

    def _forget(self, node: XmlNode) -> bool:
        """Drop the edits of `node` and of all that is in it; returns whether there were any."""
        gone = set(node.iter())
        kept = {key: change for key, change in self._changes.items() if key[0] not in gone}
        had_edits = len(kept) < len(self._changes)
        self._changes = kept
        self._slots = {start: slot for start, slot in self._slots.items() if slot.parent not in gone}
        return had_edits

    # --- places ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Before an edit: the elements get their numbers while the tree is still as expat sees it."""
        if not self._numbers:
            self._starts, self._ends = xml_parse.places(self.data, self.name)
            self._numbers = {node: number for number, node in enumerate(self._root.iter("*"))}
        self._edits = self._result = None

    def _start_tag(self, node: XmlNode) -> markup.StartTag:
        return markup.start_tag(self.data, self._starts[self._numbers[node]], self.encoding)

    def _end(self, node: XmlNode) -> int:
        """The offset behind the element."""
        end = self._ends[self._numbers[node]]
        return end if self._start_tag(node).is_empty else self.data.index(b">", end) + 1

    # --- the result ------------------------------------------------------------------------------------

    def _made(self) -> Iterator[Edit]:
        slots: set[int] = set()
        for (node, kind, attribute), change in self._changes.items():
            if kind == "remove":
                yield Edit(change.what, (self._removal(node)[2],), change.note)
            elif kind == "insert":
                slot = self._slot_of[node]
                if slot.start not in slots:
                    slots.add(slot.start)
                    yield from self._insertions(slot)
            else:
                new = xml_nodes.text_of(node) if kind == "text" else xml_nodes.attribute_of(node, attribute)
                if new != change.old:
                    splices = self._text_splices(node) if kind == "text" else self._attribute(node, attribute)
                    text = described(change.what, change.old, new, secret=change.secret)
                    yield Edit(text, splices, change.note)

    def _text_splices(self, node: XmlNode) -> tuple[Splice, ...]:
        tag = self._start_tag(node)
        line_end = markup.line_end_at(self.data, tag.start)
        if not len(node):
            content = markup.text_bytes(node.text or "", self.encoding, line_end)
            if tag.is_empty:
                return (Splice(tag.close, tag.end, b">" + content + b"</" + tag.name + b">"),)
            return (Splice(tag.end, self._ends[self._numbers[node]], content),)
        texts = [node.text or "", *(child.tail or "" for child in node)]
        made, runs = [], self._runs(node)
        target = _target(runs)
        for number, (run, text) in enumerate(zip(runs, texts, strict=True)):
            if number == target or not run.is_blank:
                front, rear = self._blanks_of(run)
                core = markup.text_bytes(text[len(front) : len(text) - len(rear)], self.encoding, line_end)
                made.append(Splice(run.core_start, run.core_end, core))
        return tuple(made)

    def _attribute(self, node: XmlNode, name: str) -> tuple[Splice, ...]:
        tag = self._start_tag(node)
        qualified = new_elements.qualified(node, name)
        new = str(node.get(qualified))
        for each in tag.attributes:
            is_declaration = each.name.partition(":")[0] == "xmlns"
            if not is_declaration and new_elements.qualified(node, each.name) == qualified:
                return (Splice(each.start, each.end, markup.attribute_bytes(new, self.encoding, each.quote)),)
        end, blanks, equals, quote = tag.start + 1 + len(tag.name), b" ", b"=", b'"'
        if tag.attributes:
            last = tag.attributes[-1]
            end, blanks, equals, quote = last.end + 1, last.blanks, last.equals, last.quote
        value = markup.attribute_bytes(new, self.encoding, quote)
        return (Splice(end, end, blanks + name.encode("ascii") + equals + quote + value + quote),)

    def _insertions(self, slot: _Slot) -> Iterator[Edit]:
        written = [
            markup.text_bytes(self._front[node], self.encoding, slot.line_end)
            + new_elements.rendered(node, self.encoding, slot.line_end)
            for node in slot.nodes
        ]
        written[0] = slot.opening + written[0]
        written[-1] += slot.closing
        if slot.start < slot.end:  # all in one: a second one would begin where what follows the slot does
            written = [b"".join(written)]
        for number, node in enumerate(slot.nodes):
            note = self._changes[node, "insert", ""].note
            splices = tuple(Splice(slot.start, slot.end, each) for each in written[number : number + 1])
            yield Edit(f"{note.what or xml_nodes.label(node)}: added{self._summary(node)}", splices, note)

    def _summary(self, node: XmlNode) -> str:
        """What a small element holds, in brackets: its text, or that of its children; passwords masked."""
        texts = []
        for each in self.children(node) or [node]:
            if self.children(each):
                return ""
            if xml_nodes.text_of(each).strip(xml_nodes.BLANKS):
                texts.append(shown(xml_nodes.text_of(each), secret=self._is_secret(each, "")))
        summary = ", ".join(texts)
        return f" ({summary})" if 0 < len(summary) <= _SUMMARY_LENGTH else ""

    def _removal(self, node: XmlNode) -> tuple[str, str, Splice]:
        """The blanks that go with an element, before and behind it, and the bytes of all three."""
        start, end = self._starts[self._numbers[node]], self._end(node)
        before, behind = markup.blanks_around(self.data, start, end)
        rear = markup.rest_of_line(self.data, end)
        slot = self._slots.get(end + len(rear)) or self._slots.get(end)
        follower = self._front[slot.nodes[0]] if slot else markup.as_parsed(behind)
        if "\n" not in markup.as_parsed(before) or "\n" not in follower:
            return "", "", Splice(start, end, b"")
        is_last = slot is None and self.data.startswith(b"</", end + len(behind))
        has_own_empty_line = markup.as_parsed(before).count("\n") >= 2 and (
            is_last or follower.count("\n") >= 2
        )
        front = markup.last_lines(before, 2 if has_own_empty_line else 1)
        return markup.as_parsed(front), rear, Splice(start - len(front), end + len(rear), b"")

    def _verified(self) -> bytes:
        splices = [each for edit in self.edits for each in edit.splices]
        if not splices:
            return self.data
        try:
            result = splice(self.data, splices)
            is_meant = _are_equal(xml_parse.parse(result, self.name), self._intended())
        except (ValueError, EditError):
            is_meant = False
        if not is_meant:
            raise EditError(
                "internal: the edited bytes are not the tree that was meant; nothing is written",
                place=self.name,
                fix="report this with the file, passwords taken out",
            )
        return result

    def _intended(self) -> etree._ElementTree:
        """The tree as it is to be: that of the edits, without what was removed."""
        if not self._removed:
            return self.tree
        intended = copy.deepcopy(self.tree)
        for node, twin in list(zip(self._root.iter(), intended.getroot().iter(), strict=True)):
            if (node, "remove", "") in self._changes:
                front, rear, _ = self._removal(node)
                spacing.take_out(twin, front, rear)
        return intended


def _target(runs: list[markup.TextRun]) -> int:
    """The number of the run that takes a new value: the first that holds text, else the first."""
    return next((number for number, run in enumerate(runs) if not run.is_blank), 0)


def _is_same(node: XmlNode, new: str, old: str) -> bool:
    """Whether a value is that of the element already; beside comments the blanks at its ends do not count."""
    return new == old or (len(node) > 0 and new.strip(xml_nodes.BLANKS) == old)


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
