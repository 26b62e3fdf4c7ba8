"""An XML file that is edited, in parts: its tags and values as bytes, new elements, the blanks between the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from lxml import etree

from wizard.edit.edits import Value, reveal
from wizard.pack.xml_tree import BLANKS, XmlNode, is_element

_START_TAG = re.compile(rb"<[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")
_TAG_NAME = re.compile(rb"<([^\s/>]+)")
# From the first blank only, and without giving any back: a million of them are passed over at once.
_ATTRIBUTE = re.compile(rb"(?<!\s)(\s++)([^\s=/>\"']++)(\s*+=\s*+)(\"[^\"]*\"|'[^']*')")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_REST_OF_LINE = re.compile(rb"[ \t]+(?=[\r\n])")
_ALL_BLANKS = re.compile(rb"[ \t\r\n]*")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_TEXT = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_QUOTED = {**_TEXT, ord("\t"): "&#9;", ord("\n"): "&#10;"}


class Attribute(NamedTuple):
    """An attribute as written in a start tag; `start` and `end` are the offsets inside its quotes."""

    name: str
    start: int
    end: int
    blanks: bytes
    equals: bytes
    quote: bytes


class StartTag(NamedTuple):
    """A start tag; `close` is the offset of what closes it (`>`, or blanks and `/>`), `end` lies behind."""

    start: int
    close: int
    end: int
    is_empty: bool
    name: bytes
    attributes: tuple[Attribute, ...]


def start_tag(data: bytes, offset: int, encoding: str) -> StartTag:
    """The start tag at `offset` of a well-formed file."""
    tag, name = _START_TAG.match(data, offset), _TAG_NAME.match(data, offset)
    assert tag is not None
    assert name is not None
    end = tag.end()
    is_empty = data[end - 2 : end] == b"/>"
    close = offset + len(data[offset : end - 2].rstrip(BLANKS.encode())) if is_empty else end - 1
    attributes = tuple(
        Attribute(each[2].decode(encoding), each.start(4) + 1, each.end(4) - 1, each[1], each[3], each[4][:1])
        for each in _ATTRIBUTE.finditer(data, name.end(), close)
    )
    return StartTag(offset, close, end, is_empty, name[1], attributes)


def line_around(data: bytes, start: int, end: int) -> tuple[bytes, bytes]:
    """The blanks before and behind that go with the bytes from `start` to `end`, if nothing else is on their line.

    An empty line goes too, if there is one on both sides, or on one and an end tag on the other.
    """
    first = start
    while first and data[first - 1] in BLANKS.encode():
        first -= 1
    before, behind = data[first:start], _ALL_BLANKS.match(data, end)
    assert behind is not None
    ends = [each.start() for each in _LINE_END.finditer(before)]
    following = len(_LINE_END.findall(behind[0]))
    if not ends or not following:
        return b"", b""
    has_empty_line = len(ends) > 1 and (following > 1 or data.startswith(b"</", behind.end()))
    return before[ends[-2 if has_empty_line else -1] :], rest_of_line(data, end)


def rest_of_line(data: bytes, offset: int) -> bytes:
    """The blanks from `offset` to the end of the line, if it holds nothing else."""
    found = _REST_OF_LINE.match(data, offset)
    return found[0] if found else b""


def line_end_at(data: bytes, offset: int) -> str:
    """The line end nearest before `offset`, else the first behind it, else `\\n`."""
    at = data.rfind(b"\n", 0, offset)
    if at < 0:
        at = data.find(b"\n", offset)
    if at < 0:
        return "\r" if b"\r" in data else "\n"
    return "\r\n" if data[at - 1 : at] == b"\r" else "\n"


def as_parsed(blanks: bytes) -> str:
    """Blanks of the file as a parser reports them."""
    return blanks.decode("ascii").replace("\r\n", "\n").replace("\r", "\n")


class Style(NamedTuple):
    """How new text is written at a place of a file; what the encoding lacks becomes a numeric reference."""

    encoding: str
    line_end: str

    def text(self, text: str) -> bytes:
        """`text` as an element's content."""
        return text.translate(_TEXT).replace("\n", self.line_end).encode(self.encoding, "xmlcharrefreplace")

    def attribute(self, text: str, quote: bytes) -> bytes:
        """`text` between two of `quote`."""
        quoted = text.translate(_QUOTED)
        quoted = quoted.replace('"', "&quot;") if quote == b'"' else quoted.replace("'", "&apos;")
        return quoted.encode(self.encoding, "xmlcharrefreplace")


# --- new elements ---------------------------------------------------------------------------------------


class New(NamedTuple):
    """An element to be inserted, with all that is in it: attributes, and either text or children.

    Names are local names: the element belongs to the namespace of its parent, an attribute to none.
    """

    name: str
    attributes: Mapping[str, Value] = MappingProxyType({})
    children: tuple[New, ...] | None = None
    text: Value | None = None


def check_value(what: str, value: Value) -> None:
    """Raise a ValueError, which does not hold the value, if XML cannot hold that."""
    if found := _FORBIDDEN.search(reveal(value)):
        character = f"U+{ord(found[0]):04X}"
        raise ValueError(f"the new value of {what} holds the character {character}, which XML cannot hold")


def make(new: New, parent: XmlNode) -> XmlNode:
    """The element with all that is in it, for `parent` but not in it yet, and without indentation.

    Raises a ValueError, which holds no value, for what XML cannot hold.
    """
    if new.text is not None and new.children is not None:
        raise ValueError(f"{new.name} cannot hold both text and elements")
    namespace = etree.QName(parent).namespace
    made = parent.makeelement(f"{{{namespace}}}{new.name}" if namespace else new.name)
    for name, value in new.attributes.items():
        check_value(f"{new.name}/@{name}", value)
        made.set(name, reveal(value))
    if new.text is not None:
        check_value(new.name, new.text)
        made.text = reveal(new.text)
    made.extend([make(child, parent) for child in new.children or ()])
    return made


def write(
    node: XmlNode, new: New, indentation: str | None, unit: str, style: Style, out: bytearray
) -> Iterator[tuple[XmlNode, New, list[int]]]:
    """Put the bytes of `node`, which `make` made of `new` and is in the tree now, behind `out`, and indent both.

    Each child gets a line of its own; `indentation` is that of `node`; None: all on one line.  Yields each element
    with its place, as `xml_tree.places`.
    """
    place = [len(out), 0]
    tag = f"{node.prefix}:{new.name}" if node.prefix else new.name
    out += f"<{tag}".encode(style.encoding)
    for name, value in new.attributes.items():
        out += f' {name}="'.encode(style.encoding) + style.attribute(reveal(value), b'"') + b'"'
    if new.text is None and not new.children:
        out += b"/>"
    else:
        out += b">" + style.text(reveal(new.text or ""))
        inner, behind = ("", "") if indentation is None else (f"\n{indentation}{unit}", f"\n{indentation}")
        for number, (made, child) in enumerate(zip(node, new.children or (), strict=True)):
            set_text(node, number, inner)
            made.tail = behind
            out += style.text(inner)
            yield from write(
                made, child, None if indentation is None else indentation + unit, unit, style, out
            )
        out += style.text(behind) if new.children else b""
        place[1] = len(out)
        out += f"</{tag}>".encode(style.encoding)
    yield node, new, place


# --- blanks between the nodes of a tree -----------------------------------------------------------------

DEFAULT_UNIT = "    "


def before(node: XmlNode) -> str:
    """The text directly in front of a node."""
    previous = node.getprevious()
    if previous is not None:
        return previous.tail or ""
    parent = node.getparent()
    return (parent.text or "") if parent is not None else ""


def set_text(parent: XmlNode, number: int, text: str) -> None:
    """Set the text in front of the child of that number, or behind the last."""
    if number:
        parent[number - 1].tail = text
    else:
        parent.text = text


def take_out(node: XmlNode, front: str, rear: str) -> None:
    """Remove a node with the blanks `front` before and `rear` behind it; the rest of its tail stays."""
    rest, parent = before(node).removesuffix(front) + (node.tail or "").removeprefix(rear), node.getparent()
    assert parent is not None
    number = parent.index(node)
    parent.remove(node)
    set_text(parent, number, rest)


def put_in(parent: XmlNode, anchor: XmlNode | None, node: XmlNode, skipped: str, front: str) -> None:
    """Insert a node behind `anchor` (None: as the first) and the blanks `skipped`, with `front` before it."""
    number, rest = (0, parent.text) if anchor is None else (parent.index(anchor) + 1, anchor.tail)
    set_text(parent, number, skipped + front)
    parent.insert(number, node)
    node.tail = (rest or "").removeprefix(skipped)


def indentation(node: XmlNode, of_root: str | None) -> str | None:
    """The blanks at the start of the node's line; None if more than comments stands before it there."""
    while True:
        if node.getparent() is None:
            return of_root
        text = before(node)
        if "\n" in text:
            found = text[text.rindex("\n") + 1 :]
            return None if found.strip(BLANKS) else found
        previous = node.getprevious()
        if text.strip(BLANKS) or previous is None or is_element(previous) or "\n" in (previous.text or ""):
            return None
        node = previous


def last_comment_of_line(node: XmlNode) -> XmlNode:
    """The last of the comments that directly follow the element on its line; without one the element itself."""
    while (following := node.getnext()) is not None and not is_element(following):
        between = node.tail or ""
        if between.strip(BLANKS) or "\n" in between:
            break
        node = following
    return node


def is_spaced(node: XmlNode, last: XmlNode) -> bool:
    """Whether empty lines separate the element from its neighbours; `last` is what ends its line.

    Comments directly above belong to the element.  What stands before the parent's end tag never counts, what
    stands behind its start tag only for an only child.
    """
    top = node
    while (above := top.getprevious()) is not None and not is_element(above):
        if before(top).count("\n") != 1:
            break
        top = above
    gaps = [last.tail or ""] if last.getnext() is not None else []
    if above is not None or not gaps:
        gaps.append(before(top))
    return all(gap.count("\n") >= 2 for gap in gaps)


def unit(near: XmlNode, of_root: str | None) -> str:
    """The step of the indentation in the neighbourhood of `near`."""
    flat = False
    for parent, child in _pairs(near):
        outer, inner = indentation(parent, of_root), indentation(child, of_root)
        if outer is not None and inner is not None and inner.startswith(outer):
            if inner != outer:
                return inner[len(outer) :]
            flat = True
    return "" if flat else DEFAULT_UNIT


def _pairs(near: XmlNode) -> Iterator[tuple[XmlNode, XmlNode]]:
    """Parents, each with a child of it, the nearest first."""
    if is_element(near):
        yield from ((near, child) for child in near.iterchildren("*"))
    current = near
    while (parent := current.getparent()) is not None:
        for sibling in parent.iterchildren("*"):
            yield from ((sibling, child) for child in sibling.iterchildren("*"))
        yield parent, current
        current = parent
