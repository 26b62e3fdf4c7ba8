"""XML files changed without noise: lxml decides, bytes are spliced.

The document is parsed with lxml, which tells what is live; every edit is made on that tree by lxml itself
and noted.  `XmlDocument.result` makes the same edits on the original bytes, at the places that expat gives,
parses what comes out and compares it with the tree.  Only if they are equal is there a result.

Elements that are removed stay in the tree, as places to insert behind, until the result is made; look-ups
pass over them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from lxml import etree

from wizard.edit import markup, nodes
from wizard.edit import new as new_elements
from wizard.edit.new import New
from wizard.edit.nodes import Node
from wizard.edit.path import Path, Segment, parse_path, path_text
from wizard.edit.splice import Edit, Splice, Value, described, is_secret_name, reveal, shown, splice
from wizard.errors import EditError
from wizard.secrets import MASK, Secret

__all__ = ["New", "XmlDocument", "XmlElement"]

_SUMMARY_LENGTH = 100  # characters of what a new or removed element holds that its description may have

_Key = tuple[Node, Literal["text", "attribute", "insert", "remove"], str]


class _Change:
    """An edit that was asked for; `what` names it for people, `old` is the value of the original.

    `texts` are all texts of the original element, those between its comments too.
    """

    __slots__ = ("old", "secret", "texts", "what")

    def __init__(self, what: str, old: str | None = None) -> None:
        self.what = what
        self.old = old
        self.secret = False
        self.texts: tuple[str | None, ...] = ()


class _Slot:
    """A place in the original bytes where elements are inserted.

    The bytes from `start` to `end` give way to `opening`, the elements (each behind its own blanks), and
    `closing`.  `blanks` are what the tree had there, if they are replaced.
    """

    __slots__ = ("blanks", "closing", "end", "line_end", "nodes", "opening", "parent", "start")

    def __init__(self, start: int, parent: Node, line_end: str) -> None:
        self.start = self.end = start
        self.parent = parent
        self.line_end = line_end
        self.opening = self.closing = b""
        self.blanks: str | None = None
        self.nodes: list[Node] = []


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
        self._encoding = markup.encoding_of(data, name)
        self._tree = markup.parse(data, name)
        self._root = self._tree.getroot()
        self._root_indentation = "" if b"\n" in data or b"\r" in data else None
        # What only edits need; the numbers are those of expat's elements, in document order.
        self._numbers: dict[Node, int] = {}
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._changes: dict[_Key, _Change] = {}
        self._slots: dict[int, _Slot] = {}
        self._slot_of: dict[Node, _Slot] = {}
        self._front: dict[Node, str] = {}
        self._behind: dict[Node, list[Node]] = {}
        self._removed: set[Node] = set()
        self._secrets: set[tuple[Node, str]] = set()
        self._edits: list[Edit] | None = []
        self._result: bytes | None = data

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

    # --- for XmlElement: looking -----------------------------------------------------------------------

    def _children(self, node: Node) -> list[Node]:
        return [child for child in node.iterchildren("*") if child not in self._removed]

    def _select(self, node: Node, path: Path) -> tuple[list[Node], int, list[Node]]:
        """The nodes at `path`; if there are none, the number of the segment that fails, and where it does."""
        found = [node]
        for number, segment in enumerate(path):
            parents, found = found, []
            for parent in parents:
                found += [child for child in self._named(parent, segment.name) if self._fits(child, segment)]
            if not found:
                return [], number, parents
        return found, len(path), found

    def _named(self, node: Node, name: str) -> Iterator[Node]:
        for child in node.iterchildren("*" if name == "*" else f"{{*}}{name}"):
            if child not in self._removed:
                yield child

    def _fits(self, node: Node, segment: Segment) -> bool:
        for each in segment.predicates:
            if each.is_attribute:
                values = [nodes.attribute_of(node, each.name)]
            else:
                values = [nodes.text_of(child).strip(nodes.BLANKS) for child in self._named(node, each.name)]
            if not (any(v is not None for v in values) if each.value is None else each.value in values):
                return False
        return True

    def _error(self, message: str, node: Node, *, fix: str) -> EditError:
        line = nodes.line_of(node)
        return EditError(message, place=f"{self.name}:{line}" if line else self.name, fix=fix)

    # --- for XmlElement: values ------------------------------------------------------------------------

    def _set_text(self, node: Node, value: Value, what: str | None) -> None:
        label, old, new = what or nodes.label(node), nodes.text_of(node), reveal(value)
        self._check(node, label, value)
        if next(node.iterchildren("*"), None) is not None:
            raise self._error(
                f"{label} holds elements and cannot hold a value", node, fix="take the elements out of it"
            )
        self._note(node, "", value)
        if _is_same(node, new, old):
            return
        self._begin()
        if node not in self._numbers:
            node.text = new
            return
        change = self._record((node, "text", ""), what, label, old, value)
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

    def _texts_with(self, node: Node, new: str) -> list[str]:
        """The texts between the comments of an element, with `new` in place of the value."""
        texts = []
        for number, run in enumerate(self._runs(node)):
            front, rear = self._blanks_of(run)
            texts.append(front + (new if number == self._target(node) else "") + rear)
        return texts

    def _set_attribute(self, node: Node, name: str, value: Value, what: str | None) -> None:
        label = what or nodes.label(node, name)
        self._check(node, label, value)
        try:
            new_elements.check_attribute(node, name)
        except ValueError as problem:
            raise self._error(str(problem), node, fix="use a name that is declared there") from None
        qualified, new = new_elements.qualified(node, name), reveal(value)
        old = node.get(qualified)
        self._note(node, name, value)
        if new == old:
            return
        self._begin()
        if node in self._numbers:
            self._record((node, "attribute", name), what, label, old, value)
        node.set(qualified, new)

    def _check(self, node: Node, label: str, value: Value) -> None:
        try:
            new_elements.check_value(label, value)
        except ValueError as problem:
            raise self._error(str(problem), node, fix="take that character out of the value") from None

    def _note(self, node: Node, attribute: str, value: Value) -> None:
        if isinstance(value, Secret):
            self._secrets.add((node, attribute))

    def _record(self, key: _Key, what: str | None, label: str, old: str | None, value: Value) -> _Change:
        change = self._changes.setdefault(key, _Change(label, old))
        change.what = what or change.what
        change.secret |= self._is_secret(key[0], key[2], value)
        return change

    def _is_secret(self, node: Node, attribute: str, value: Value = "") -> bool:
        """Whether the value is a password: by its type, now or before, or by a name."""
        if isinstance(value, Secret) or (node, attribute) in self._secrets:
            return True
        names = (nodes.local_name(node), attribute, node.get("name") or "", node.get("key") or "")
        return any(map(is_secret_name, names))

    def _runs(self, node: Node) -> list[markup.Run]:
        return markup.runs(self.data, self._start_tag(node).end, self._ends[self._numbers[node]])

    def _target(self, node: Node) -> int:
        """The number of the run that takes a new value: the first that holds text, else the first."""
        return next((number for number, run in enumerate(self._runs(node)) if not run.is_blank), 0)

    def _blanks_of(self, run: markup.Run) -> tuple[str, str]:
        front, rear = self.data[run.start : run.core_start], self.data[run.core_end : run.end]
        return markup.as_parsed(front), markup.as_parsed(rear)

    # --- for XmlElement: elements ----------------------------------------------------------------------

    def _insert_after(self, node: Node, new: New, what: str | None) -> XmlElement:
        parent = node.getparent()
        if parent is None:
            raise self._error("a document has only one root", node, fix="insert into the root")
        self._check_new(new, parent)
        self._begin()
        anchor = node
        while self._behind.get(anchor):
            anchor = self._behind[anchor][-1]
        indentation = nodes.indentation(node, self._root_indentation)
        if anchor is node and indentation is not None:
            anchor = nodes.last_comment_of_line(node)
        made = self._insert(parent, anchor, new, indentation, self._front_of(node, anchor, indentation))
        self._behind.setdefault(node, []).append(made)
        if parent in self._numbers:
            if anchor in self._slot_of:
                slot = self._slot_of[anchor]
                self._take_place(made, slot, slot.nodes.index(anchor) + 1, what)
            else:
                slot = self._slot(parent, self._end_behind(node, anchor))
                self._take_place(made, slot, 0, what)
        return XmlElement(self, made)

    def _append(self, parent: Node, new: New, what: str | None) -> XmlElement:
        live = self._children(parent)
        if live:
            return self._insert_after(live[-1], new, what)
        if nodes.text_of(parent).strip(nodes.BLANKS):
            raise self._error(
                f"{nodes.label(parent)} holds a value and cannot hold elements",
                parent,
                fix="take the value out of it",
            )
        if (parent, "text", "") in self._changes:
            raise self._error(
                f"internal: {nodes.label(parent)} was given a value before",
                parent,
                fix="report this with the file",
            )
        self._check_new(new, parent)
        self._begin()
        if not len(parent):
            return self._insert_into_empty(parent, new, what)
        last = parent[-1]
        if last in self._removed:
            return self._insert_after(last, new, what)
        indentation = nodes.indentation(last, self._root_indentation)
        made = self._insert(parent, last, new, indentation, self._front_of(last, last, indentation))
        if parent in self._numbers:
            end = markup.end_of_last_comment(self.data, self._ends[self._numbers[parent]])
            self._take_place(made, self._slot(parent, end), 0, what)
        return XmlElement(self, made)

    def _prepend(self, parent: Node, new: New, what: str | None) -> XmlElement:
        live = self._children(parent)
        if not live:
            return self._append(parent, new, what)
        self._check_new(new, parent)
        self._begin()
        indentation = nodes.indentation(live[0], self._root_indentation)
        made = self._insert(parent, None, new, indentation, "" if indentation is None else "\n" + indentation)
        if parent in self._numbers:
            tag = self._start_tag(parent)
            self._take_place(made, self._slot(parent, tag.close if tag.is_empty else tag.end), 0, what)
        return XmlElement(self, made)

    def _insert_into_empty(self, parent: Node, new: New, what: str | None) -> XmlElement:
        """Puts `new` into an element without node and text; the end tag gets a line of its own."""
        outer = nodes.indentation(parent, self._root_indentation)
        blanks = parent.text or ""
        closes = "\n" not in blanks
        if closes:
            parent.text = "" if outer is None else "\n" + outer
        closing = parent.text or ""
        inner = None if outer is None else outer + nodes.unit(parent, self._root_indentation)
        made = self._insert(parent, None, new, inner, "" if inner is None else "\n" + inner)
        if parent in self._numbers:
            tag = self._start_tag(parent)
            slot = self._slot(parent, tag.close if tag.is_empty else tag.end)
            if closes:
                slot.end = tag.end if tag.is_empty else self._ends[self._numbers[parent]]
                slot.closing = markup.text_bytes(closing, self._encoding, slot.line_end)
                slot.blanks = blanks
            if tag.is_empty:
                slot.opening, slot.closing = b">", slot.closing + b"</" + tag.name + b">"
            self._take_place(made, slot, 0, what)
        return XmlElement(self, made)

    def _check_new(self, new: New, parent: Node) -> None:
        try:
            new_elements.check(new, parent)
        except ValueError as problem:
            raise self._error(str(problem), parent, fix="use names and values that XML can hold") from None

    def _front_of(self, node: Node, anchor: Node, indentation: str | None) -> str:
        """The blanks between `anchor`, which is `node` or stands behind it, and what is inserted there."""
        if indentation is None:
            return ""
        return ("\n\n" if nodes.is_spaced(node, anchor) else "\n") + indentation

    def _insert(
        self, parent: Node, anchor: Node | None, new: New, indentation: str | None, front: str
    ) -> Node:
        near = nodes.unit(parent if anchor is None else anchor, self._root_indentation)
        made = new_elements.make(new, parent)
        nodes.put_in(parent, anchor, made, front)
        self._front[made] = front
        for node, attribute, value in new_elements.fill(made, new, indentation, near):
            self._note(node, attribute, value)
        return made

    def _slot(self, parent: Node, start: int) -> _Slot:
        if start not in self._slots:
            self._slots[start] = _Slot(start, parent, markup.line_end_at(self.data, start))
        return self._slots[start]

    def _take_place(self, made: Node, slot: _Slot, position: int, what: str | None) -> None:
        slot.nodes.insert(position, made)
        self._slot_of[made] = slot
        self._changes[made, "insert", ""] = _Change(what or "")

    def _end_behind(self, node: Node, anchor: Node) -> int:
        """The offset behind `anchor`: the element `node` itself, or a comment behind it on its line."""
        end = self._end(node)
        current: Node | None = node
        while current is not None and current is not anchor:
            end = markup.end_of_comment(self.data, end)
            current = current.getnext()
        return end

    def _remove(self, node: Node, what: str | None) -> None:
        parent = node.getparent()
        if parent is None:
            raise self._error("the root cannot be removed", node, fix="remove what is in it")
        self._begin()
        label, summary = what or nodes.label(node), self._summary(node)
        if self._forget(node):
            summary = ""  # what is in it now never stood in the file
        if node in self._numbers:
            self._removed.add(node)
            self._changes[node, "remove", ""] = _Change(f"{label}: removed{summary}")
            return
        nodes.take_out(node, self._front.pop(node, nodes.before(node)), "")
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

    def _forget(self, node: Node) -> bool:
        """Drops the edits of `node` and of all that is in it; returns whether there were any."""
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
            self._starts, self._ends = markup.places(self.data, self.name)
            self._numbers = {node: number for number, node in enumerate(self._root.iter("*"))}
        self._edits = self._result = None

    def _start_tag(self, node: Node) -> markup.StartTag:
        return markup.start_tag(self.data, self._starts[self._numbers[node]], self._encoding)

    def _end(self, node: Node) -> int:
        """The offset behind the element."""
        end = self._ends[self._numbers[node]]
        return end if self._start_tag(node).is_empty else self.data.index(b">", end) + 1

    # --- the result ------------------------------------------------------------------------------------

    def _made(self) -> Iterator[Edit]:
        slots: set[int] = set()
        for (node, kind, attribute), change in self._changes.items():
            if kind == "remove":
                yield Edit(change.what, (self._removal(node)[2],))
            elif kind == "insert":
                slot = self._slot_of[node]
                if slot.start not in slots:
                    slots.add(slot.start)
                    yield from self._insertions(slot)
            else:
                new = nodes.text_of(node) if kind == "text" else nodes.attribute_of(node, attribute)
                if new != change.old:
                    splices = self._text_splices(node) if kind == "text" else self._attribute(node, attribute)
                    yield Edit(described(change.what, change.old, new, secret=change.secret), splices)

    def _text_splices(self, node: Node) -> tuple[Splice, ...]:
        tag = self._start_tag(node)
        line_end = markup.line_end_at(self.data, tag.start)
        if not len(node):
            content = markup.text_bytes(node.text or "", self._encoding, line_end)
            if tag.is_empty:
                return (Splice(tag.close, tag.end, b">" + content + b"</" + tag.name + b">"),)
            return (Splice(tag.end, self._ends[self._numbers[node]], content),)
        texts = [node.text or "", *(child.tail or "" for child in node)]
        made = []
        for number, (run, text) in enumerate(zip(self._runs(node), texts, strict=True)):
            if number == self._target(node) or not run.is_blank:
                front, rear = self._blanks_of(run)
                core = markup.text_bytes(text[len(front) : len(text) - len(rear)], self._encoding, line_end)
                made.append(Splice(run.core_start, run.core_end, core))
        return tuple(made)

    def _attribute(self, node: Node, name: str) -> tuple[Splice, ...]:
        tag = self._start_tag(node)
        qualified = new_elements.qualified(node, name)
        new = str(node.get(qualified))
        for each in tag.attributes:
            is_declaration = each.name.partition(":")[0] == "xmlns"
            if not is_declaration and new_elements.qualified(node, each.name) == qualified:
                return (
                    Splice(each.start, each.end, markup.attribute_bytes(new, self._encoding, each.quote)),
                )
        end, blanks, equals, quote = tag.start + 1 + len(tag.name), b" ", b"=", b'"'
        if tag.attributes:
            last = tag.attributes[-1]
            end, blanks, equals, quote = last.end + 1, last.blanks, last.equals, last.quote
        value = markup.attribute_bytes(new, self._encoding, quote)
        return (Splice(end, end, blanks + name.encode("ascii") + equals + quote + value + quote),)

    def _insertions(self, slot: _Slot) -> Iterator[Edit]:
        for number, node in enumerate(slot.nodes):
            written = markup.text_bytes(self._front[node], self._encoding, slot.line_end)
            written += new_elements.rendered(node, self._encoding, slot.line_end)
            start = slot.start
            if number == 0:
                written = slot.opening + written
            else:
                start = slot.end
            if number == len(slot.nodes) - 1:
                written += slot.closing
            what = self._changes[node, "insert", ""].what or nodes.label(node)
            yield Edit(f"{what}: added{self._summary(node)}", (Splice(start, slot.end, written),))

    def _summary(self, node: Node) -> str:
        """What a small element holds, in brackets: its text, or that of its children; passwords masked."""
        texts = []
        for each in self._children(node) or [node]:
            if self._children(each):
                return ""
            if text := nodes.text_of(each):
                texts.append(MASK if self._is_secret(each, "") else shown(text, secret=False))
        summary = ", ".join(texts)
        return f" ({summary})" if 0 < len(summary) <= _SUMMARY_LENGTH else ""

    def _removal(self, node: Node) -> tuple[str, str, Splice]:
        """The blanks that go with an element, before and behind it, and the bytes of all three."""
        start, end = self._starts[self._numbers[node]], self._end(node)
        before, behind = markup.blanks_around(self.data, start, end)
        slot = self._slots.get(end)
        follower = self._front[slot.nodes[0]] if slot else markup.as_parsed(behind)
        if "\n" not in markup.as_parsed(before) or "\n" not in follower:
            return "", "", Splice(start, end, b"")
        is_last = slot is None and self.data.startswith(b"</", end + len(behind))
        has_own_empty_line = markup.as_parsed(before).count("\n") >= 2 and (
            is_last or follower.count("\n") >= 2
        )
        front = markup.last_lines(before, 2 if has_own_empty_line else 1)
        rear = b"" if slot else markup.first_line(behind)
        return (
            markup.as_parsed(front),
            markup.as_parsed(rear),
            Splice(start - len(front), end + len(rear), b""),
        )

    def _verified(self) -> bytes:
        splices = [each for edit in self.edits for each in edit.splices]
        if not splices:
            return self.data
        try:
            result = splice(self.data, splices)
            is_meant = _are_equal(markup.parse(result, self.name), self._intended())
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
            return self._tree
        intended = copy.deepcopy(self._tree)
        for node, twin in list(zip(self._root.iter(), intended.getroot().iter(), strict=True)):
            if (node, "remove", "") in self._changes:
                front, rear, _ = self._removal(node)
                nodes.take_out(twin, front, rear)
        return intended


class XmlElement(NamedTuple):
    """An element of the live tree, of the original or inserted since.

    Every edit takes `what`, which stands in the description in place of the path.  An edit of an element that
    has been removed is an EditError, and so is a value with a character that XML cannot hold.
    """

    document: XmlDocument
    node: Node

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
        return [XmlElement(self.document, child) for child in self.document._children(self.node)]

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
        _, number, parents = self.document._select(self.node, segments)
        where = nodes.label(parents[0]) if len(parents) == 1 else path_text(segments[:number])
        raise self.document._error(
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
        found, _, _ = self.document._select(self.node, segments)
        if len(found) > 1:
            lines = ", ".join(str(nodes.line_of(each) or "new") for each in found)
            raise self.document._error(
                f"doubles {path_text(segments)}: {len(found)} live elements, at the lines {lines}",
                found[1],
                fix="keep one of them, and remove or comment out the others",
            )
        return XmlElement(self.document, found[0]) if found else None

    def all(self, path: str, /, **values: str) -> list[XmlElement]:
        """All live elements at `path` below this one, in the order of the file."""
        found, _, _ = self.document._select(self.node, parse_path(path, values))
        return [XmlElement(self.document, node) for node in found]

    def set_text(self, value: Value, *, what: str | None = None) -> None:
        """Makes `value` the text; comments inside stay.  The value that is there already is no change.

        Raises:
            EditError: the element holds elements.
        """
        self._refuse_removed()
        self.document._set_text(self.node, value, what)

    def set(self, attribute: str, value: Value, *, what: str | None = None) -> None:
        """Makes `value` the attribute's; a new attribute goes behind the last one."""
        self._refuse_removed()
        self.document._set_attribute(self.node, attribute, value, what)

    def insert_after(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` directly behind this element, a second one behind the first; returns the new one."""
        self._refuse_removed()
        return self.document._insert_after(self.node, new, what)

    def append(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` behind the last element in this one; returns the new one.

        Raises:
            EditError: this one holds a value.
        """
        self._refuse_removed()
        return self.document._append(self.node, new, what)

    def prepend(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` in front of all that is in this one; returns the new one.

        Raises:
            EditError: this one holds a value.
        """
        self._refuse_removed()
        return self.document._prepend(self.node, new, what)

    def remove(self, *, what: str | None = None) -> None:
        """Takes the element out, with its line if it stands alone there."""
        self._refuse_removed()
        self.document._remove(self.node, what)

    def _refuse_removed(self) -> None:
        current: Node | None = self.node
        while current is not None and current not in self.document._removed:
            if current is self.document._root:
                return
            current = current.getparent()
        raise self.document._error(
            f"internal: {self.name} was removed before", self.node, fix="report this with the file"
        )


def _is_same(node: Node, new: str, old: str) -> bool:
    """Whether a value is that of the element already; beside comments the blanks at its ends do not count."""
    return new == old or (len(node) > 0 and new.strip(nodes.BLANKS) == old)


def _are_equal(one: etree._ElementTree, other: etree._ElementTree) -> bool:
    """Whether two trees have the same canonical form, comments included."""
    # What is written alike is alike, and that is found out in a third of the time.
    if etree.tostring(one) == etree.tostring(other):
        return True
    try:
        forms = [etree.tostring(tree, method="c14n", with_comments=True) for tree in (one, other)]
    except etree.C14NError:  # a namespace that is no absolute URI: C14N does not know those
        forms = [etree.tostring(tree, method="c14n2") for tree in (one, other)]
    return forms[0] == forms[1]
