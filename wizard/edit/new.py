"""New elements: as a value, as nodes of the tree, and as bytes of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from lxml import etree

from wizard.edit import markup
from wizard.edit.edits import Value, reveal
from wizard.edit.markup import Style
from wizard.pack.xml_nodes import XmlNode

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


class New(NamedTuple):
    """An element to be inserted, with all that is in it: attributes, and either text or children.

    Names are local names: the element belongs to the namespace of its parent; an attribute may carry a prefix
    that is declared there.
    """

    name: str
    attributes: Mapping[str, Value] = MappingProxyType({})
    children: tuple[New, ...] | None = None
    text: Value | None = None


def qualified(node: XmlNode, name: str) -> str:
    """The name of an attribute of `node` as lxml writes it.

    Raises:
        ValueError: its prefix is not declared there.
    """
    prefix, colon, local = name.rpartition(":")
    if not colon:
        return name
    namespace = XML_NAMESPACE if prefix == "xml" else node.nsmap.get(prefix)
    if namespace is None:
        raise ValueError(f"the prefix {prefix!r} is not declared")
    return f"{{{namespace}}}{local}"


def check(new: New, parent: XmlNode) -> None:
    """Whether `new` can be written as it is.

    Raises:
        ValueError: what is wrong with it, without any value.
    """
    if not _NAME.fullmatch(new.name):
        raise ValueError(f"{new.name!r} is not an element name")
    if new.text is not None and new.children is not None:
        raise ValueError(f"{new.name} cannot hold both text and elements")
    for name, value in new.attributes.items():
        check_attribute(parent, name)
        check_value(f"{new.name}/@{name}", value)
    check_value(new.name, new.text or "")
    for child in new.children or ():
        check(child, parent)


def check_attribute(node: XmlNode, name: str) -> None:
    """Whether `node` can have an attribute of that name.

    Raises:
        ValueError: it is not a name, it declares a namespace, or its prefix is not declared.
    """
    if not all(map(_NAME.fullmatch, name.split(":", 1))) or name.partition(":")[0] == "xmlns":
        raise ValueError(f"{name!r} is not an attribute name")
    qualified(node, name)


def check_value(what: str, value: Value) -> None:
    """Whether XML can hold the value.

    Raises:
        ValueError: without the value, which may be a password.
    """
    if character := markup.forbidden(reveal(value)):
        raise ValueError(f"the new value of {what} holds the character {character}, which XML cannot hold")


def make(new: New, parent: XmlNode) -> XmlNode:
    """A node of that name for `parent`, of its namespace, not in it yet and still empty."""
    namespace = etree.QName(parent).namespace
    return parent.makeelement(f"{{{namespace}}}{new.name}" if namespace else new.name)


def write(
    node: XmlNode, new: New, indentation: str | None, unit: str, style: Style, out: bytearray
) -> Iterator[tuple[XmlNode, New, list[int]]]:
    """Put everything into `node`, which is in the tree already, and its bytes behind `out`.

    Each child gets a line of its own; `indentation` is that of `node`; None: all on one line.  Yields each element
    with its place, as `xml_parse.places`.
    """
    place = [len(out), 0]
    tag = f"{node.prefix}:{new.name}" if node.prefix else new.name
    out += f"<{tag}".encode(style.encoding)
    for name, value in new.attributes.items():
        node.set(qualified(node, name), reveal(value))
        out += f' {name}="'.encode(style.encoding) + style.attribute(reveal(value), b'"') + b'"'
    if new.text is None and not new.children:
        out += b"/>"
    else:
        out += b">"
        if new.text is not None:
            node.text = reveal(new.text)
            out += style.text(node.text)
        inner, behind = ("", "") if indentation is None else (f"\n{indentation}{unit}", f"\n{indentation}")
        for child in new.children or ():
            made = make(child, node)
            if len(node):
                node[-1].tail = inner
            else:
                node.text = inner
            node.append(made)
            made.tail = behind
            out += style.text(inner)
            yield from write(
                made, child, None if indentation is None else indentation + unit, unit, style, out
            )
        out += style.text(behind) if new.children else b""
        place[1] = len(out)
        out += f"</{tag}>".encode(style.encoding)
    yield node, new, place
