"""Questions about the nodes of an lxml tree: their text, their names, what tells them apart."""

from __future__ import annotations

from typing import cast

from lxml import etree

from wizard.system.errors import EditError

BLANKS = " \t\r\n"

XmlNode = etree._Element

_IDENTIFIERS = ("name", "id", "key", "path", "url", "targetPath")


def is_element(node: XmlNode) -> bool:
    """Whether it is an element, not a comment or processing instruction."""
    return isinstance(node.tag, str)


def local_name(node: XmlNode) -> str:
    return etree.QName(node).localname


def line_of(node: XmlNode) -> int | None:
    """The line of the file, counted from 1; None for a node that was not parsed."""
    return cast("int | None", node.sourceline)


def text_of(node: XmlNode) -> str:
    """Return the character data directly in it; without outer blanks if it holds other nodes too."""
    if not len(node):
        return node.text or ""
    return ((node.text or "") + "".join(child.tail or "" for child in node)).strip(BLANKS)


def attribute_of(node: XmlNode, name: str) -> str | None:
    """The attribute's value; without a prefix it may be in any namespace, in none if it is there too."""
    prefix, colon, local = name.rpartition(":")
    if not colon and (own := node.get(name)) is not None:
        return own
    for key, value in node.attrib.items():
        qualified = etree.QName(key)
        if qualified.localname == local and (not colon or node.nsmap.get(prefix) == qualified.namespace):
            return str(value)
    return None


def identifier(node: XmlNode) -> str | None:
    """What tells an element from its sisters: the value of an attribute, or the text of a child."""
    children = (child for name in ("name", "id") for child in node.iterchildren(f"{{*}}{name}"))
    texts = (text_of(child).strip(BLANKS) for child in children)
    return next((value for value in (*map(node.get, _IDENTIFIERS), *texts) if value), None)


def label(node: XmlNode, attribute: str | None = None) -> str:
    """A short path for people, from the nearest ancestor that has a name: `mode[HA]/eventSync/port`."""
    parts: list[str] = []
    current: XmlNode | None = node
    while current is not None:
        parent = current.getparent()
        if parent is None and parts:
            break
        own = identifier(current)
        parts.insert(0, f"{local_name(current)}[{own}]" if own else local_name(current))
        if own and current is not node:
            break
        current = parent
    return "/".join(parts if attribute is None else [*parts, f"@{attribute}"])


def error_at(name: str, message: str, node: XmlNode, *, fix: str) -> EditError:
    """The error, at the line of `node` in the file called `name`."""
    line = line_of(node)
    return EditError(message, place=f"{name}:{line}" if line else name, fix=fix)
