"""The blanks between the nodes of an lxml tree, and nodes put in and taken out with them."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.pack.xml_tree import BLANKS, XmlNode, is_element

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
    """The last of the comments behind the element on its line, if nothing else is there; else the element."""
    last = node
    while True:
        line, line_end, _ = (last.tail or "").partition("\n")
        following = last.getnext()
        if line.strip(BLANKS):
            return node
        if line_end or following is None:
            return last
        if is_element(following):
            return node
        last = following


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
