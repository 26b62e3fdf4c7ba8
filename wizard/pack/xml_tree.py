"""The bytes of an XML file become a tree, or an error with its place; and what the nodes of a tree say.

Nothing is expanded, nothing is fetched.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from typing import Any, cast
from xml.parsers import expat

from lxml import etree

from wizard.system.errors import EditError

XmlNode = etree._Element

BLANKS = " \t\r\n"
_IDENTIFIERS = ("name", "id", "key", "path", "url", "targetPath")
_DECLARATION = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)[\"']")
_SUPPORTED = re.compile(
    r"utf-?8|us-ascii|ascii|latin-?1|iso[-_]?8859-\d{1,2}|(?:windows-|cp)125\d", re.IGNORECASE
)
_LINE_END = re.compile(rb"\r\n|\n|\r")

_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def encoding_of(data: bytes, name: str) -> str:
    """Return the name of Python's codec for the file; every one that passes is a superset of ASCII.

    Raises `EditError` for UTF-16, UTF-32, and an encoding that no file of the product has.
    """
    is_marked = data.startswith(codecs.BOM_UTF8)
    found = _DECLARATION.match(data, len(codecs.BOM_UTF8) if is_marked else 0)
    declared = found[1].decode("ascii", "replace") if found else "utf-8"
    codec = ""
    with suppress(LookupError):
        codec = codecs.lookup(declared).name if _SUPPORTED.fullmatch(declared) else ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        message = "the file is UTF-16 or UTF-32, or no text at all"
    elif not codec:
        message = f"the encoding {declared!r} is not supported"
    elif is_marked and codec != "utf-8":
        message = f"the file starts with the byte order mark of UTF-8 and declares {declared}"
    else:
        return codec
    raise EditError(message, place=f"{name}:1:1", fix="save it as UTF-8 and let its first line say so")


def parse(data: bytes, name: str) -> etree._ElementTree:
    """Return the tree of a file whose encoding `encoding_of` has let pass.

    Raises `EditError` for what is not well-formed (with line and column), or has a DOCTYPE: nothing is expanded.
    """
    # Without these bytes there is no DOCTYPE, and so no entity; with them expat, which expands nothing,
    # finds whether they are part of a comment.
    if b"<!DOCTYPE" in data:
        places(data, name)
    try:
        return etree.fromstring(data, _parser).getroottree()
    except etree.XMLSyntaxError as failure:
        # libxml2 quotes from the file in its messages, and what it quotes may be a password; expat does not.
        places(data, name)
        line, column = failure.position
        raise _broken(_reason(failure), name, line, column) from None
    except (ValueError, LookupError):
        places(data, name)
        raise _broken("it cannot be decoded", name, 1, 1) from None


def _reason(failure: etree.XMLSyntaxError) -> str:
    log: Any = failure.error_log
    kind, message = (str(log[-1].type_name), str(log[-1].message)) if len(log) else ("no reason is known", "")
    # Before 6.1, lxml has no name for a limit: it reports "unknown", "internal error" or "no memory".
    if kind.endswith(("RESOURCE_LIMIT", "NO_MEMORY")) or "XML_PARSE_HUGE" in message:
        return "is nested too deeply, or holds a value that is too long"
    return kind.removeprefix("NS_").removeprefix("ERR_").lower().replace("_", " ")


def _broken(reason: str, name: str, line: int, column: int) -> EditError:
    return EditError(
        f"the file is not well-formed XML: {reason}",
        place=f"{name}:{line}:{column}",
        fix="correct the file at that place, or take it from a fresh pack",
    )


def places(data: bytes, name: str) -> list[list[int]]:
    """Byte offsets of all nodes of the root in document order: where each starts, and where its end tag starts.

    The second number of `<a/>` is the offset behind the tag; that of a comment or processing instruction means nothing.
    Raises `EditError` as `parse` does.
    """
    parser = expat.ParserCreate()
    found: list[list[int]] = []
    open_elements: list[list[int]] = []

    def start(_name: str, _attributes: object) -> None:
        place = [parser.CurrentByteIndex, -1]
        open_elements.append(place)
        found.append(place)

    def end(_name: str) -> None:
        open_elements.pop()[1] = parser.CurrentByteIndex

    def other(*_: object) -> None:
        if open_elements:
            found.append([parser.CurrentByteIndex] * 2)

    def doctype(*_: object) -> None:
        # expat is inside of the declaration here; a reader looks for its start.
        lines = _LINE_END.split(data[: data.rfind(b"<!DOCTYPE", 0, parser.CurrentByteIndex + 1)])
        raise EditError(
            "the file has a DOCTYPE, which can pull in other files and is refused",
            place=f"{name}:{len(lines)}:{len(lines[-1]) + 1}",
            fix="remove the <!DOCTYPE …> declaration",
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CommentHandler = parser.ProcessingInstructionHandler = other
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as failure:
        reason = expat.errors.messages.get(failure.code, "error")
        raise _broken(reason, name, failure.lineno, failure.offset + 1) from None
    except (ValueError, LookupError):
        raise _broken("it cannot be decoded", name, 1, 1) from None
    return found


# --- what a node says ----------------------------------------------------------------------


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
