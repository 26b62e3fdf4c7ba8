"""XML files changed without noise: lxml decides, bytes are spliced.

The document is parsed with lxml, which tells what is live; every edit is made on that tree by lxml itself
and noted.  `XmlDocument.result` makes the same edits on the original bytes, at the places that expat gives,
parses what comes out and compares it with the tree.  Only if they are equal is there a result.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from lxml import etree

from wizard.edit import markup
from wizard.edit.path import Path, Segment, parse_path, path_text
from wizard.edit.splice import Edit, Splice, Value, described, is_secret_name, reveal, splice
from wizard.errors import EditError
from wizard.secrets import MASK, Secret

Node = etree._Element

_BLANK_TEXT = " \t\r\n"
_NAME = re.compile(r"[^\W\d][\w.\-]*")
_IDENTIFIERS = ("name", "id", "key", "path", "url", "targetPath")
_DEFAULT_UNIT = "    "

_parser = etree.XMLParser(
    resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_blank_text=False
)


@dataclass(frozen=True, slots=True)
class New:
    """An element to be inserted, with all that is in it: attributes, and either text or children.

    Names are local names: the element belongs to the namespace of its parent; an attribute may carry a prefix
    that is declared there.
    """

    name: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    children: tuple[New, ...] | None = None
    text: Value | None = None


@dataclass(slots=True)
class _Slot:
    """A place in the original bytes where elements are inserted.

    The bytes from `start` to `end` give way to `opening`, the elements (each behind its own blanks), and
    `closing`.
    """

    start: int
    end: int
    parent: Node
    line_end: str
    opening: bytes = b""
    closing: str = ""
    closing_tag: bytes = b""
    text_before: str | None = None
    nodes: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class _Change:
    """An edit that has been asked for: of an element of the original, or the insertion of a new one."""

    kind: Literal["text", "attribute", "insert", "remove"]
    node: Node
    what: str
    attribute: str = ""
    old: str | None = None
    secret: bool = False
    is_named: bool = False


class XmlDocument:
    """One XML file: look-ups in what is live, edits, and the bytes that come out.

    Paths are relative to the children of the root: `mode[@name='HA']/eventSync/port`.  Names are local names,
    comments never match; `[@a='v']` asks for an attribute, `[name='v']` for the text of a child, `[@a]` and
    `[name]` that there is one; `$x` in place of `'v'` takes a keyword argument of that name.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Parses `data`; `name` is what errors call the file.

        Raises:
            EditError: not well-formed (with line and column), a DOCTYPE, an encoding that is not supported.
        """
        self.data = data
        self.name = name
        self.encoding = markup.encoding_of(data, name)
        self._starts, self._ends = markup.places(data, name)
        self._tree = _parse(data, name)
        self._root = self._tree.getroot()
        self._index: dict[Node, int] = {}
        self._changes: dict[tuple[Node, str, str], _Change] = {}
        self._slots: dict[int, _Slot] = {}
        self._slot_of: dict[Node, _Slot] = {}
        self._behind: dict[Node, list[Node]] = {}
        self._lead: dict[Node, str] = {}
        self._removed: set[Node] = set()
        self._secret: set[tuple[Node, str]] = set()
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
        edits: list[Edit] = []
        seen: set[int] = set()
        for change in self._changes.values():
            if change.kind == "insert":
                slot = self._slot_of[change.node]
                if slot.start not in seen:
                    seen.add(slot.start)
                    edits += self._insertions(slot)
            elif change.kind == "remove":
                edits.append(Edit(change.what, (self._removal(change.node)[2],)))
            elif (made := self._change_of_value(change)) is not None:
                edits.append(made)
        return edits

    def result(self) -> bytes:
        """The file's bytes with all edits; the very same object if nothing changes.

        Raises:
            EditError: the result is not the tree that was meant (a defect of this program, not of the file).
        """
        if self._result is None:
            self._result = self._verified()
        return self._result

    # --- from here on for XmlElement -------------------------------------------------------------------

    def _error(self, message: str, *, line: int | None = None, fix: str) -> EditError:
        return EditError(message, place=f"{self.name}:{line}" if line else self.name, fix=fix)

    def _changed(self) -> None:
        """Before an edit: the elements get their numbers while the tree is still as expat saw it."""
        if not self._index:
            self._index = {node: number for number, node in enumerate(self._root.iter("*"))}
        self._result = None

    def _is_original(self, node: Node) -> bool:
        return node in self._index

    def _start_tag(self, node: Node) -> markup.StartTag:
        return markup.start_tag(self.data, self._starts[self._index[node]], self.encoding)

    def _content_end(self, node: Node) -> int:
        return self._ends[self._index[node]]

    def _end(self, node: Node) -> int:
        """The offset behind the element."""
        end = self._content_end(node)
        if self.data[end : end + 2] == b"</" and not self._start_tag(node).is_empty:
            return self.data.index(b">", end) + 1
        return end

    # text and attributes

    def _set_text(self, node: Node, value: Value, what: str | None) -> None:
        new = reveal(value)
        label = what or self._label(node)
        markup.check_text(new, label, self.name)
        if any(True for _ in node.iterchildren("*")):
            raise self._error(
                f"{label} holds elements, so that it cannot hold a value",
                line=_line(node),
                fix="take the elements out of it",
            )
        old = _text(node)
        if new == old or (len(node) and new.strip(_BLANK_TEXT) == old):
            self._note_secret(node, "", value)
            return
        self._changed()
        if self._is_original(node):
            key = (node, "text", "")
            change = self._changes.setdefault(key, _Change("text", node, label, old=old))
            change.secret |= _is_secret(node, "", value)
            if what:
                change.what = what
            self._set_original_text(node, new)
        else:
            node.text = new
        self._note_secret(node, "", value)

    def _set_original_text(self, node: Node, new: str) -> None:
        if not len(node):
            node.text = new or None
            return
        texts = []
        for kept, is_target, rest in self._runs(node):
            texts.append(kept + (new if is_target else "") + rest)
        node.text = texts[0]
        for child, text in zip(node, texts[1:], strict=True):
            child.tail = text

    def _runs(self, node: Node) -> Iterator[tuple[str, bool, str]]:
        """Of each run of text: the blanks before its core, whether the value goes there, the blanks behind."""
        spans, target = self._spans(node)
        for number, ((start, end), (left, right)) in enumerate(spans):
            yield _blanks(self.data[start:left]), number == target, _blanks(self.data[right:end])

    def _spans(self, node: Node) -> tuple[list[tuple[tuple[int, int], tuple[int, int]]], int]:
        """Each run of text with its core, and the number of the run that takes a new value."""
        runs = markup.text_runs(self.data, self._start_tag(node).end, self._content_end(node))
        assert runs is not None  # an element with elements was refused
        spans = [(run, markup.core(self.data, *run)) for run in runs]
        full = [number for number, (_, (left, right)) in enumerate(spans) if left < right]
        return spans, full[0] if full else 0

    def _set_attribute(self, node: Node, name: str, value: Value, what: str | None) -> None:
        new = reveal(value)
        label = what or self._label(node, name)
        markup.check_text(new, label, self.name)
        qualified = self._qualified(node, name)
        old = node.get(qualified)
        self._note_secret(node, name, value)
        if new == old:
            return
        self._changed()
        if self._is_original(node):
            key = (node, "attribute", name)
            change = self._changes.setdefault(key, _Change("attribute", node, label, attribute=name, old=old))
            change.secret |= _is_secret(node, name, value)
            if what:
                change.what = what
        node.set(qualified, new)

    def _qualified(self, node: Node, name: str) -> str:
        """The attribute's name as lxml writes it.

        Raises:
            EditError: it is no name, or its prefix is not declared here.
        """
        prefix, colon, local = name.rpartition(":")
        namespaces = {"xml": "http://www.w3.org/XML/1998/namespace", **node.nsmap}
        good = _NAME.fullmatch(local) and local != "xmlns" and prefix != "xmlns"
        if not good or (colon and prefix not in namespaces):
            raise self._error(
                f"an attribute cannot be named {name!r} here", line=_line(node), fix="declare its prefix"
            )
        return f"{{{namespaces[prefix]}}}{local}" if colon else name

    def _change_of_value(self, change: _Change) -> Edit | None:
        node = change.node
        if change.kind == "text":
            new = _text(node)
            if new == change.old:
                return None
            splices = self._text_splices(node)
        else:
            new = node.get(self._qualified(node, change.attribute)) or ""
            if new == change.old:
                return None
            splices = (self._attribute_splice(node, change.attribute, new),)
        return Edit(described(change.what, change.old, new, secret=change.secret), splices)

    def _text_splices(self, node: Node) -> tuple[Splice, ...]:
        tag = self._start_tag(node)
        line_end = markup.line_end_at(self.data, tag.start)
        if not len(node):
            content = markup.text_bytes(node.text or "", self.encoding, line_end)
            if tag.is_empty:
                return (Splice(tag.slash, tag.end, b">" + content + b"</" + tag.name + b">"),)
            return (Splice(tag.end, self._content_end(node), content),)
        spans, target = self._spans(node)
        texts = [node.text, *(child.tail for child in node)]
        made = []
        for number, ((start, end), (left, right)) in enumerate(spans):
            text = texts[number] or ""
            new = text[len(_blanks(self.data[start:left])) : len(text) - len(_blanks(self.data[right:end]))]
            if number == target or left < right:
                made.append(Splice(left, right, markup.text_bytes(new, self.encoding, line_end)))
        return tuple(made)

    def _attribute_splice(self, node: Node, name: str, new: str) -> Splice:
        tag = self._start_tag(node)
        qualified = self._qualified(node, name)
        for each in tag.attributes:
            if each.name.startswith("xmlns"):
                continue
            if self._qualified(node, each.name) == qualified:
                return Splice(each.start, each.end, markup.attribute_bytes(new, self.encoding, each.quote))
        end, blanks, equals, quote = tag.start + 1 + len(tag.name), b" ", b"=", b'"'
        if tag.attributes:
            last = tag.attributes[-1]
            end, blanks, equals, quote = last.end + 1, last.blanks, last.equals, last.quote
        value = markup.attribute_bytes(new, self.encoding, quote)
        return Splice(end, end, blanks + name.encode(self.encoding) + equals + quote + value + quote)

    # insertions

    def _insert_behind(self, node: Node, new: New, what: str | None) -> XmlElement:
        parent = node.getparent()
        if parent is None:
            raise self._error("a document has one root", line=_line(node), fix="insert into the root")
        self._changed()
        anchor = node
        while self._behind.get(anchor):
            anchor = self._behind[anchor][-1]
        indentation = _indentation(node, self._root_indentation)
        if anchor is node and indentation is not None:
            anchor = _last_comment_of_line(node)
        lead = "" if indentation is None else _line_ends(_is_spaced(anchor, node)) + indentation
        made = self._insert(parent, anchor, lead, new, indentation)
        if self._is_original(parent):
            if anchor in self._slot_of:
                slot = self._slot_of[anchor]
                slot.nodes.insert(slot.nodes.index(anchor) + 1, made)
            else:
                slot = self._slot(parent, self._end_of_anchor(node, anchor))
                slot.nodes.append(made)
            self._slot_of[made] = slot
        self._behind.setdefault(node, []).append(made)
        return self._noted(made, lead, what)

    def _append(self, parent: Node, new: New, what: str | None) -> XmlElement:
        live = self._children(parent)
        if live:
            return self._insert_behind(live[-1], new, what)
        self._refuse_text(parent)
        nodes = list(parent)
        if nodes and nodes[-1] in self._removed:
            return self._insert_behind(nodes[-1], new, what)
        self._changed()
        if nodes:
            return self._append_behind_comment(parent, nodes[-1], new, what)
        return self._fill(parent, new, what)

    def _append_behind_comment(self, parent: Node, comment: Node, new: New, what: str | None) -> XmlElement:
        indentation = _indentation(comment, self._root_indentation)
        lead = "" if indentation is None else _line_ends(_is_spaced(comment, comment)) + indentation
        made = self._insert(parent, comment, lead, new, indentation)
        if self._is_original(parent):
            content = self.data[: self._content_end(parent)]
            slot = self._slot(parent, len(content.rstrip(markup.BLANKS)))
            slot.nodes.append(made)
            self._slot_of[made] = slot
        return self._noted(made, lead, what)

    def _fill(self, parent: Node, new: New, what: str | None) -> XmlElement:
        """Puts the first node into an element that has none."""
        before = parent.text
        outer = _indentation(parent, self._root_indentation)
        indentation = None if outer is None else outer + self._unit(parent)
        lead = "" if indentation is None else "\n" + indentation
        has_line = "\n" in (before or "")
        closing = "" if has_line or outer is None else "\n" + outer
        if not has_line:
            parent.text = closing
        made = self._insert(parent, None, lead, new, indentation)
        if self._is_original(parent):
            tag = self._start_tag(parent)
            slot = self._slot(parent, tag.slash if tag.is_empty else tag.end)
            if not has_line:
                slot.end = tag.end if tag.is_empty else self._content_end(parent)
                slot.closing = closing
                slot.text_before = before or ""
            if tag.is_empty:
                slot.opening = b">"
                slot.closing_tag = b"</" + tag.name + b">"
            slot.nodes.append(made)
            self._slot_of[made] = slot
        return self._noted(made, lead, what)

    def _prepend(self, parent: Node, new: New, what: str | None) -> XmlElement:
        live = self._children(parent)
        if not live:
            return self._append(parent, new, what)
        self._changed()
        indentation = _indentation(live[0], self._root_indentation)
        lead = "" if indentation is None else "\n" + indentation
        made = self._insert(parent, None, lead, new, indentation)
        if self._is_original(parent):
            tag = self._start_tag(parent)
            slot = self._slot(parent, tag.slash if tag.is_empty else tag.end)
            slot.nodes.insert(0, made)
            self._slot_of[made] = slot
        return self._noted(made, lead, what)

    def _refuse_text(self, parent: Node) -> None:
        if _text(parent).strip(_BLANK_TEXT):
            raise self._error(
                f"{self._label(parent)} holds a value, so that it cannot hold elements",
                line=_line(parent),
                fix="take the text out of it",
            )

    def _insert(
        self, parent: Node, anchor: Node | None, lead: str, new: New, indentation: str | None
    ) -> Node:
        """Makes the new element in the tree, behind `anchor` or as the first, with the blanks `lead` before."""
        unit = None if indentation is None else self._unit(parent if anchor is None else anchor)
        made = parent.makeelement(self._tag_for(parent, new.name))
        if anchor is None:
            rest, parent.text = parent.text, lead
            parent.insert(0, made)
        else:
            rest, anchor.tail = anchor.tail, lead
            parent.insert(parent.index(anchor) + 1, made)
        made.tail = rest
        try:
            self._build(made, new, indentation, unit)
        except EditError:
            _take_out(made, lead, "")
            raise
        return made

    def _build(self, node: Node, new: New, indentation: str | None, unit: str | None) -> None:
        label = self._label(node)
        for name, value in new.attributes.items():
            markup.check_text(reveal(value), f"{label}/@{name}", self.name)
            node.set(self._qualified(node, name), reveal(value))
            self._note_secret(node, name, value)
        if new.text is not None:
            if new.children:
                raise self._error(f"{label} cannot hold both text and elements", fix="give it one of them")
            markup.check_text(reveal(new.text), label, self.name)
            node.text = reveal(new.text)
            self._note_secret(node, "", new.text)
            return
        inner = None if indentation is None or unit is None else indentation + unit
        for child in new.children or ():
            made = node.makeelement(self._tag_for(node, child.name))
            lead = "" if inner is None else "\n" + inner
            if len(node):
                node[-1].tail = lead
            else:
                node.text = lead
            node.append(made)
            made.tail = "" if indentation is None else "\n" + indentation
            self._lead[made] = lead
            self._build(made, child, inner, unit)

    def _tag_for(self, parent: Node, name: str) -> str:
        if not _NAME.fullmatch(name) or _cannot_hold(name, self.encoding):
            raise self._error(f"an element cannot be named {name!r} in this file", fix="use another name")
        namespace = etree.QName(parent).namespace
        return f"{{{namespace}}}{name}" if namespace else name

    def _noted(self, made: Node, lead: str, what: str | None) -> XmlElement:
        self._lead[made] = lead
        if made in self._slot_of:
            self._changes[made, "insert", ""] = _Change(
                "insert", made, what or "", secret=False, is_named=what is not None
            )
        return XmlElement(self, made)

    def _note_secret(self, node: Node, attribute: str, value: Value) -> None:
        if isinstance(value, Secret):
            self._secret.add((node, attribute))

    def _slot(self, parent: Node, start: int) -> _Slot:
        if start not in self._slots:
            self._slots[start] = _Slot(start, start, parent, markup.line_end_at(self.data, start))
        return self._slots[start]

    def _end_of_anchor(self, node: Node, anchor: Node) -> int:
        """The offset behind `anchor`: the element `node` itself, or a comment behind it on its line."""
        end = self._end(node)
        while node is not anchor:
            end = markup.end_of_comment(self.data, end)
            following = node.getnext()
            assert following is not None
            node = following
        return end

    def _insertions(self, slot: _Slot) -> Iterator[Edit]:
        for number, node in enumerate(slot.nodes):
            is_first, is_last = number == 0, number == len(slot.nodes) - 1
            replacement = slot.opening if is_first else b""
            replacement += self._written(self._lead[node], slot) + self._rendered(node, slot)
            if is_last:
                replacement += self._written(slot.closing, slot) + slot.closing_tag
            start = slot.start if is_first else slot.end
            yield Edit(self._insertion_text(node), (Splice(start, slot.end, replacement),))

    def _written(self, text: str | None, slot: _Slot) -> bytes:
        return markup.text_bytes(text or "", self.encoding, slot.line_end)

    def _rendered(self, node: Node, slot: _Slot) -> bytes:
        """A new element as bytes, without its tail."""
        name = self._prefixed(node).encode(self.encoding)
        tag = b"<" + name
        for key, value in node.attrib.items():
            attribute = self._prefixed_attribute(node, str(key)).encode(self.encoding)
            tag += b" " + attribute + b'="' + markup.attribute_bytes(str(value), self.encoding, b'"') + b'"'
        if node.text is None and not len(node):
            return tag + b"/>"
        content = self._written(node.text, slot)
        for child in node:
            content += self._rendered(child, slot) + self._written(child.tail, slot)
        return tag + b">" + content + b"</" + name + b">"

    def _prefixed(self, node: Node) -> str:
        return f"{node.prefix}:{_local(node)}" if node.prefix else _local(node)

    @staticmethod
    def _prefixed_attribute(node: Node, key: str) -> str:
        name = etree.QName(key)
        if not name.namespace:
            return name.localname
        if name.namespace == "http://www.w3.org/XML/1998/namespace":
            return f"xml:{name.localname}"
        prefix = next(p for p, uri in node.nsmap.items() if p and uri == name.namespace)
        return f"{prefix}:{name.localname}"

    def _insertion_text(self, node: Node) -> str:
        change = self._changes[node, "insert", ""]
        what = change.what if change.is_named else self._label(node)
        return f"{what}: added{self._summary(node)}"

    def _summary(self, node: Node) -> str:
        """What a small element holds, in brackets: its text, or that of its children; passwords masked."""
        values = []
        for each in self._children(node) or [node]:
            if self._children(each):
                return ""
            secret = (each, "") in self._secret or _is_secret(each, "", "")
            if _text(each):
                values.append(MASK if secret else _text(each))
        text = ", ".join(values)
        return f" ({text})" if 0 < len(text) <= 100 else ""

    # removals

    def _remove(self, node: Node, what: str | None) -> None:
        parent = node.getparent()
        if parent is None:
            raise self._error("the root cannot be removed", line=_line(node), fix="remove what is in it")
        self._changed()
        label = what or self._label(node)
        summary = self._summary(node)
        self._forget(node)
        if self._is_original(node):
            self._removed.add(node)
            self._changes[node, "remove", ""] = _Change("remove", node, f"{label}: removed{summary}")
            return
        slot = self._slot_of.pop(node, None)
        _take_out(node, self._lead.pop(node), "")
        for siblings in self._behind.values():
            if node in siblings:
                at = siblings.index(node)
                siblings[at : at + 1] = self._behind.pop(node, [])
                break
        if slot is not None:
            slot.nodes.remove(node)
            if not slot.nodes:
                del self._slots[slot.start]
                if slot.text_before is not None:
                    parent.text = slot.text_before

    def _forget(self, node: Node) -> None:
        """Drops the edits of `node` and of all that is in it."""
        gone = set(node.iter())
        for key in [key for key in self._changes if key[0] in gone]:
            del self._changes[key]
        for start in [start for start, slot in self._slots.items() if slot.parent in gone]:
            del self._slots[start]

    def _removal(self, node: Node) -> tuple[str, str, Splice]:
        """The blanks that go with an element, before and behind it, and the bytes of all three."""
        start, end = self._starts[self._index[node]], self._end(node)
        before, behind = markup.blanks_around(self.data, start, end)
        slot = self._slots.get(end)
        follower = self._lead[slot.nodes[0]] if slot else _blanks(behind)
        is_last = not slot and self.data.startswith(b"</", end + len(behind))
        if not ("\n" in _blanks(before) and "\n" in follower):
            return "", "", Splice(start, end, b"")
        own_line, line_ends = markup.last_lines(before, 1), _blanks(before).count("\n")
        if line_ends >= 2 and (is_last or follower.count("\n") >= 2):
            own_line = markup.last_lines(before, 2)
        trail = b"" if slot else markup.first_line(behind)
        return _blanks(own_line), _blanks(trail), Splice(start - len(own_line), end + len(trail), b"")

    # the result

    def _verified(self) -> bytes:
        splices = [each for edit in self.edits for each in edit.splices]
        if not splices:
            return self.data
        try:
            result = splice(self.data, splices)
            same = _canonical(_parse(result, self.name)) == _canonical(self._intended())
        except (ValueError, EditError):
            same = False
        if not same:
            raise self._error(
                "internal: the edited bytes are not the tree that was meant; nothing is written",
                fix="report this with the file; passwords taken out",
            )
        return result

    def _intended(self) -> etree._ElementTree:
        """The tree as it is to be: that of the edits, without what was removed."""
        if not self._removed:
            return self._tree
        wanted = copy.deepcopy(self._tree)
        for node, twin in list(zip(self._root.iter(), wanted.getroot().iter(), strict=True)):
            if (node, "remove", "") in self._changes:
                before, behind, _ = self._removal(node)
                _take_out(twin, before, behind)
        return wanted

    # looking

    @property
    def _root_indentation(self) -> str | None:
        return "" if b"\n" in self.data or b"\r" in self.data else None

    def _children(self, node: Node) -> list[Node]:
        children = list(node.iterchildren("*"))
        return [child for child in children if child not in self._removed] if self._removed else children

    def _select(self, node: Node, path: Path) -> tuple[list[Node], int, list[Node]]:
        """The nodes at `path`; if there are none, the number of the segment that fails, and where it does."""
        found = [node]
        for number, segment in enumerate(path):
            parents, found = found, []
            for parent in parents:
                found += [child for child in self._named(parent, segment) if self._fulfils(child, segment)]
            if not found:
                return [], number, parents
        return found, len(path), found

    def _named(self, node: Node, segment: Segment) -> Iterator[Node]:
        for child in node.iterchildren("*" if segment.name == "*" else f"{{*}}{segment.name}"):
            if child not in self._removed:
                yield child

    def _fulfils(self, node: Node, segment: Segment) -> bool:
        for each in segment.predicates:
            if each.is_attribute:
                value = _attribute(node, each.name)
                if value is None or (each.value is not None and value != each.value):
                    return False
            else:
                texts = [
                    _text(child).strip(_BLANK_TEXT) for child in self._named(node, Segment(each.name, ()))
                ]
                if not texts or (each.value is not None and each.value not in texts):
                    return False
        return True

    def _unit(self, near: Node) -> str:
        """The step of the indentation in the neighbourhood of `near`."""
        flat = False
        for parent, child in _pairs(near):
            outer = _indentation(parent, self._root_indentation)
            inner = _indentation(child, self._root_indentation)
            if outer is not None and inner is not None and inner.startswith(outer):
                if len(inner) > len(outer):
                    return inner[len(outer) :]
                flat = True
        return "" if flat else _DEFAULT_UNIT

    def _label(self, node: Node, attribute: str | None = None) -> str:
        """A short path for people, from the nearest ancestor that has a name of its own."""
        parts: list[str] = []
        current: Node | None = node
        while current is not None and (current is not self._root or not parts):
            identifier = _identifier(current)
            parts.insert(0, f"{_local(current)}[{identifier}]" if identifier else _local(current))
            if identifier and (current is not node or current.getparent() is self._root):
                break
            current = current.getparent()
        return "/".join([*parts, f"@{attribute}"] if attribute else parts)


@dataclass(frozen=True, slots=True)
class XmlElement:
    """An element of the live tree, of the original or inserted since.

    Every edit takes `what`, which stands in the description in place of the path.  An edit of an element that
    has been removed is an EditError, and so is a value with a character that XML cannot hold.
    """

    document: XmlDocument
    node: Node

    @property
    def name(self) -> str:
        """The local name."""
        return _local(self.node)

    @property
    def text(self) -> str:
        """The character data directly in it; without outer blanks if comments or elements stand there too."""
        return _text(self.node)

    @property
    def line(self) -> int:
        """The line of the original where it stands, counted from 1; 0 for a new one."""
        return _line(self.node) or 0

    @property
    def label(self) -> str:
        """A short path for people: `mode[HA]/eventSync/port`."""
        return self.document._label(self.node)

    @property
    def children(self) -> list[XmlElement]:
        """The elements in it, in order."""
        return [XmlElement(self.document, child) for child in self.document._children(self.node)]

    @property
    def parent(self) -> XmlElement | None:
        """The element that it is in; None for the root."""
        parent = self.node.getparent()
        return None if parent is None else XmlElement(self.document, parent)

    def get(self, attribute: str) -> str | None:
        """The attribute's value, or None; without a prefix it may be in any namespace."""
        return _attribute(self.node, attribute)

    def one(self, path: str, /, **values: str) -> XmlElement:
        """The only live element at `path` below this one.

        Raises:
            EditError: there is none, or more than one.
        """
        found = self.find(path, **values)
        if found is not None:
            return found
        document, segments = self.document, parse_path(path, values)
        _, number, parents = document._select(self.node, segments)
        where = document._label(parents[0]) if len(parents) == 1 else path_text(segments[:number])
        raise document._error(
            f"{where} lacks {path_text(segments[number:])}",
            line=_line(parents[0]),
            fix="take the file from a fresh pack, or add the element",
        )

    def find(self, path: str, /, **values: str) -> XmlElement | None:
        """The live element at `path` below this one, or None.

        Raises:
            EditError: there is more than one.
        """
        segments = parse_path(path, values)
        found, _, _ = self.document._select(self.node, segments)
        if len(found) > 1:
            lines = ", ".join(str(_line(each) or "new") for each in found)
            raise self.document._error(
                f"there are {len(found)} live elements {path_text(segments)} and only one is needed: lines {lines}",
                line=_line(found[1]),
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
        return self.document._insert_behind(self.node, new, what)

    def append(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` behind the last element in this one.  Returns the new one."""
        self._refuse_removed()
        return self.document._append(self.node, new, what)

    def prepend(self, new: New, *, what: str | None = None) -> XmlElement:
        """Puts `new` in front of all that is in this one.  Returns the new one."""
        self._refuse_removed()
        return self.document._prepend(self.node, new, what)

    def put(self, name: str, value: Value, *, order: tuple[str, ...] = (), what: str | None = None) -> None:
        """Sets the text of the only child `name`; if there is none, makes it.

        A new one goes behind the nearest of its predecessors in `order` that is there, else behind the last
        child.
        """
        child = self.find(name)
        if child is not None:
            child.set_text(value, what=what)
            return
        new = New(name, text=value)
        for before in reversed(order[: order.index(name)] if name in order else ()):
            if found := self.all(before):
                found[-1].insert_after(new, what=what)
                return
        self.append(new, what=what)

    def remove(self, *, what: str | None = None) -> None:
        """Takes the element out, with its line if it stands alone there."""
        self._refuse_removed()
        self.document._remove(self.node, what)

    def _refuse_removed(self) -> None:
        current: Node | None = self.node
        while current is not None:
            if current in self.document._removed:
                raise self.document._error("internal: the element has been removed", fix="report this")
            if current is self.document._root:
                return
            current = current.getparent()
        raise self.document._error("internal: the element has been removed", fix="report this")


def _parse(data: bytes, name: str) -> etree._ElementTree:
    try:
        return etree.fromstring(data, _parser).getroottree()
    except etree.XMLSyntaxError as failure:
        line, column = failure.position
        raise EditError(
            f"the file is not well-formed XML: {failure.msg or 'it is empty'}",
            place=f"{name}:{line}:{column}",
            fix="mend the file at that place, or take it from a fresh pack",
        ) from None


def _canonical(tree: etree._ElementTree) -> bytes:
    try:
        return etree.tostring(tree, method="c14n", with_comments=True)
    except etree.C14NError:  # a namespace that is no absolute URI, which C14N does not know
        return etree.tostring(tree, encoding="utf-8")


def _line(node: Node) -> int | None:
    return cast("int | None", node.sourceline)


def _local(node: Node) -> str:
    return etree.QName(node).localname


def _text(node: Node) -> str:
    if not len(node):
        return node.text or ""
    return ((node.text or "") + "".join(child.tail or "" for child in node)).strip(_BLANK_TEXT)


def _attribute(node: Node, name: str) -> str | None:
    value = node.get(name) if ":" not in name else None
    if value is not None:
        return value
    prefix, colon, local = name.rpartition(":")
    for key, each in node.attrib.items():
        qualified = etree.QName(key)
        if qualified.localname == local and (not colon or node.nsmap.get(prefix) == qualified.namespace):
            return str(each)
    return None


def _identifier(node: Node) -> str | None:
    """What tells an element from its sisters: the value of an attribute, or the text of a child."""
    for name in _IDENTIFIERS:
        if value := node.get(name):
            return value
    for name in ("name", "id"):
        for child in node.iterchildren(f"{{*}}{name}"):
            if value := _text(child).strip(_BLANK_TEXT):
                return value
    return None


def _is_secret(node: Node, attribute: str, value: Value) -> bool:
    """Whether the value is a password, by its type or by a name."""
    names = (_local(node), attribute, node.get("name") or "", node.get("key") or "")
    return isinstance(value, Secret) or any(map(is_secret_name, names))


def _cannot_hold(name: str, encoding: str) -> bool:
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        return True
    return False


def _blanks(data: bytes) -> str:
    """Blanks of the file as the parser reports them."""
    return data.decode("ascii").replace("\r\n", "\n").replace("\r", "\n")


def _before(node: Node) -> str:
    """The text directly in front of a node."""
    previous = node.getprevious()
    if previous is not None:
        return previous.tail or ""
    parent = node.getparent()
    return (parent.text or "") if parent is not None else ""


def _take_out(node: Node, before: str, behind: str) -> None:
    """Removes a node with the blanks `before` and `behind` it; the rest of its tail stays."""
    text, tail = _before(node), node.tail or ""
    if not (text.endswith(before) and tail.startswith(behind)):
        raise ValueError("the blanks around an element are not where they should be")
    rest = text[: len(text) - len(before)] + tail[len(behind) :]
    previous, parent = node.getprevious(), node.getparent()
    assert parent is not None
    parent.remove(node)
    if previous is not None:
        previous.tail = rest
    else:
        parent.text = rest


def _is_element(node: Node) -> bool:
    return isinstance(node.tag, str)


def _indentation(node: Node, of_root: str | None) -> str | None:
    """The blanks at the start of the node's line; None if more than comments stands before it there."""
    while True:
        if node.getparent() is None:
            return of_root
        text = _before(node)
        if "\n" in text:
            indentation = text[text.rindex("\n") + 1 :]
            return None if indentation.strip(_BLANK_TEXT) else indentation
        previous = node.getprevious()
        if (
            text.strip(_BLANK_TEXT)
            or previous is None
            or _is_element(previous)
            or "\n" in (previous.text or "")
        ):
            return None
        node = previous


def _last_comment_of_line(node: Node) -> Node:
    """The last of the comments that follow the element on its line, if nothing else does, or the element."""
    last = node
    while True:
        tail, following = last.tail or "", last.getnext()
        if "\n" in tail or (following is None and not tail.strip(_BLANK_TEXT)):
            return last if not tail[: tail.find("\n")].strip(_BLANK_TEXT) else node
        if following is None or tail.strip(_BLANK_TEXT) or _is_element(following):
            return node
        last = following


def _is_spaced(anchor: Node, node: Node) -> bool:
    """Whether an empty line separates the element from its neighbours on both sides.

    Comments directly above belong to the element.  What stands behind the start tag counts only for the one
    child, what stands before the end tag never.
    """
    top = node
    while (
        (above := top.getprevious()) is not None and not _is_element(above) and _before(top).count("\n") == 1
    ):
        top = above
    gaps = [anchor.tail or ""] if anchor.getnext() is not None else []
    if top.getprevious() is not None or not gaps:
        gaps.append(_before(top))
    return all(gap.count("\n") >= 2 for gap in gaps)


def _line_ends(spaced: bool) -> str:
    return "\n\n" if spaced else "\n"


def _pairs(near: Node) -> Iterator[tuple[Node, Node]]:
    """Parents with a child of theirs, the nearest first."""
    if _is_element(near):
        yield from ((near, child) for child in near.iterchildren("*"))
    current = near
    while (parent := current.getparent()) is not None:
        for sibling in parent.iterchildren("*"):
            yield from ((sibling, child) for child in sibling.iterchildren("*"))
        yield parent, current
        current = parent
