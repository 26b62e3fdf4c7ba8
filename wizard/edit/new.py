"""New elements: as a value, as nodes of the tree, and as bytes of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from lxml import etree

from wizard.edit import markup
from wizard.edit.splice import Value, reveal
from wizard.pack.xml_nodes import XmlNode, local_name

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
    if new.text is not None:
        check_value(new.name, new.text)
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


def fill(node: XmlNode, new: New, indentation: str | None, unit: str) -> Iterator[tuple[XmlNode, str, Value]]:
    """Puts everything into `node`, which is in the tree already, each child on a line of its own.

    `indentation` is that of `node`; None: all on one line.  Yields each value with its node and the name of
    its attribute (empty for text).
    """
    for name, value in new.attributes.items():
        node.set(qualified(node, name), reveal(value))
        yield node, name, value
    if new.text is not None:
        node.text = reveal(new.text)
        yield node, "", new.text
    inner = None if indentation is None else indentation + unit
    for child in new.children or ():
        made = make(child, node)
        node.append(made)
        previous = made.getprevious()
        front = "" if inner is None else "\n" + inner
        if previous is None:
            node.text = front
        else:
            previous.tail = front
        made.tail = "" if indentation is None else "\n" + indentation
        yield from fill(made, child, inner, unit)


def rendered(node: XmlNode, encoding: str, line_end: str) -> bytes:
    """A new element as bytes, without its tail."""
    name = (f"{node.prefix}:" if node.prefix else "") + local_name(node)
    tag = f"<{name}".encode(encoding)
    for key, value in node.attrib.items():
        written = markup.attribute_bytes(str(value), encoding, b'"')
        tag += f" {_prefixed(node, str(key))}=".encode(encoding) + b'"' + written + b'"'
    if node.text is None and not len(node):
        return tag + b"/>"
    content = markup.text_bytes(node.text or "", encoding, line_end)
    for child in node:
        content += rendered(child, encoding, line_end)
        content += markup.text_bytes(child.tail or "", encoding, line_end)
    return tag + b">" + content + f"</{name}>".encode(encoding)


def _prefixed(node: XmlNode, key: str) -> str:
    name = etree.QName(key)
    if not name.namespace:
        return name.localname
    if name.namespace == XML_NAMESPACE:
        return f"xml:{name.localname}"
    prefix = next(prefix for prefix, uri in node.nsmap.items() if prefix and uri == name.namespace)
    return f"{prefix}:{name.localname}"
