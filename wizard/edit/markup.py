"""The bytes of an XML file: its encoding, its places, and values escaped for it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from xml.parsers import expat

from wizard.errors import EditError

BLANKS = b" \t\r\n"

_DECLARATION = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)[\"']")
_SUPPORTED = re.compile(
    r"utf-?8|us-ascii|ascii|latin-?1|iso-?8859-\d{1,2}|iso_8859-\d{1,2}|(?:windows-|cp)125\d", re.I
)
_START_TAG = re.compile(rb"<[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")
_ATTRIBUTE = re.compile(rb"(\s+)([^\s=/>\"']+)(\s*=\s*)(\"[^\"]*\"|'[^']*')")
_CONTENT = re.compile(rb"(<!--.*?-->)|(<\?.*?\?>)|((?:<!\[CDATA\[.*?\]\]>|[^<])+)", re.S)
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TEXT = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_QUOTED = {**_TEXT, ord("\t"): "&#9;", ord("\n"): "&#10;"}


def encoding_of(data: bytes, name: str) -> str:
    """The name of Python's codec for the file; every one that passes is a superset of ASCII.

    Raises:
        EditError: UTF-16, UTF-32, or an encoding that a configuration file of the product never has.
    """
    utf8_mark = data.startswith(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise EditError("the file is UTF-16 or UTF-32", place=f"{name}:1:1", fix="save it as UTF-8")
    found = _DECLARATION.match(data, 3 if utf8_mark else 0)
    if found is None:
        return "utf-8"
    declared = found[1].decode("ascii", "replace")
    fix = "save it as UTF-8 and let its first line say so"
    if not _SUPPORTED.fullmatch(declared):
        raise EditError(f"the encoding {declared!r} is not supported", place=f"{name}:1:1", fix=fix)
    try:
        codec = codecs.lookup(declared).name
    except LookupError:
        raise EditError(f"there is no encoding {declared!r}", place=f"{name}:1:1", fix=fix) from None
    if utf8_mark and codec != "utf-8":
        raise EditError(
            f"the file starts with UTF-8's byte order mark and declares {declared}",
            place=f"{name}:1:1",
            fix=fix,
        )
    return codec


def places(data: bytes, name: str) -> tuple[list[int], list[int]]:
    """Byte offsets of all elements in document order: where each starts, and where its end tag starts.

    The second number of `<a/>` is the offset behind the tag.

    Raises:
        EditError: the file is not well-formed, or has a DOCTYPE; nothing of that is expanded.
    """
    parser = expat.ParserCreate()
    starts: list[int] = []
    ends: list[int] = []
    open_elements: list[int] = []

    def start(_name: str, _attributes: object) -> None:
        open_elements.append(len(starts))
        starts.append(parser.CurrentByteIndex)
        ends.append(-1)

    def end(_name: str) -> None:
        ends[open_elements.pop()] = parser.CurrentByteIndex

    def doctype(*_: object) -> None:
        # expat stands at the end of the name here; the reader looks for the word.
        at = data.rfind(b"<!DOCTYPE", 0, parser.CurrentByteIndex + 1)
        line_start = max(data.rfind(b"\n", 0, at), data.rfind(b"\r", 0, at)) + 1
        line = len(data[:at].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
        raise EditError(
            "the file has a DOCTYPE, which can pull in other files and is refused",
            place=f"{name}:{line}:{at - line_start + 1}",
            fix="remove the <!DOCTYPE …> declaration",
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    parser.buffer_text = True
    parser.ordered_attributes = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as failure:
        raise EditError(
            f"the file is not well-formed XML: {expat.errors.messages[failure.code]}"
            if failure.code in expat.errors.messages
            else "the file is not well-formed XML",
            place=f"{name}:{failure.lineno}:{failure.offset + 1}",
            fix="mend the file at that place, or take it from a fresh pack",
        ) from None
    except (ValueError, LookupError, UnicodeError) as failure:
        raise EditError(
            f"the file cannot be read: {type(failure).__name__}", place=f"{name}:1:1", fix="save it as UTF-8"
        ) from None
    return starts, ends


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute as it stands in a start tag; `start` and `end` are the offsets inside its quotes."""

    name: str
    start: int
    end: int
    blanks: bytes
    equals: bytes
    quote: bytes


@dataclass(frozen=True, slots=True)
class StartTag:
    """A start tag; `slash` is the offset of what closes it (`>`, or blanks and `/>`), `end` that behind it."""

    start: int
    slash: int
    end: int
    is_empty: bool
    name: bytes
    attributes: tuple[Attribute, ...]


def start_tag(data: bytes, offset: int, encoding: str) -> StartTag:
    """The start tag at `offset` of a well-formed file."""
    found = _START_TAG.match(data, offset)
    assert found is not None
    end = found.end()
    is_empty = data[end - 2 : end] == b"/>"
    close = end - (2 if is_empty else 1)
    slash = offset + len(data[offset:close].rstrip(BLANKS)) if is_empty else close
    name = re.compile(rb"<([^\s/>]+)").match(data, offset)
    assert name is not None
    attributes = tuple(
        Attribute(
            each[2].decode(encoding),
            each.start(4) + 1,
            each.end(4) - 1,
            each[1],
            each[3],
            each[4][:1],
        )
        for each in _ATTRIBUTE.finditer(data, name.end(), close)
    )
    return StartTag(offset, slash, end, is_empty, name[1], attributes)


def text_runs(data: bytes, start: int, end: int) -> list[tuple[int, int]] | None:
    """The spans of text between the comments of an element's content, the empty ones too.

    One span more than there are comments and processing instructions; None if elements stand between them.
    """
    runs: list[tuple[int, int]] = []
    position = start
    run: tuple[int, int] | None = None
    while position < end:
        found = _CONTENT.match(data, position, end)
        if found is None:
            return None
        if found[3] is not None:
            run = found.span()
        else:
            runs.append(run or (position, position))
            run = None
        position = found.end()
    runs.append(run or (position, position))
    return runs


def core(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The span without the blanks at both of its ends."""
    run = data[start:end]
    left = len(run) - len(run.lstrip(BLANKS))
    return (start + left, start + len(run.rstrip(BLANKS))) if left < len(run) else (start, start)


def check_text(text: str, what: str, name: str) -> None:
    """Refuses characters that XML 1.0 has no way to write.

    Raises:
        EditError: without the value, which may be a password.
    """
    found = _FORBIDDEN.search(text)
    if found:
        raise EditError(
            f"the new value of {what} holds the character U+{ord(found[0]):04X}, which XML cannot hold",
            place=name,
            fix="take that character out of the value",
        )


def text_bytes(text: str, encoding: str, line_end: str) -> bytes:
    """`text` as an element's content; what the encoding lacks becomes a numeric reference."""
    return text.translate(_TEXT).replace("\n", line_end).encode(encoding, "xmlcharrefreplace")


def attribute_bytes(text: str, encoding: str, quote: bytes) -> bytes:
    """`text` as it stands between two of `quote`."""
    quoted = text.translate(_QUOTED)
    quoted = quoted.replace('"', "&quot;") if quote == b'"' else quoted.replace("'", "&apos;")
    return quoted.encode(encoding, "xmlcharrefreplace")


def line_end_at(data: bytes, offset: int) -> str:
    """The line end nearest before `offset`, else the first behind it, else `\\n`."""
    at = data.rfind(b"\n", 0, offset)
    if at < 0:
        at = data.find(b"\n", offset)
    if at < 0:
        return "\r" if b"\r" in data else "\n"
    return "\r\n" if at > 0 and data[at - 1 : at] == b"\r" else "\n"


def end_of_comment(data: bytes, offset: int) -> int:
    """The offset behind the comment or processing instruction that follows at `offset` after blanks."""
    start = offset + len(data[offset:]) - len(data[offset:].lstrip(BLANKS))
    found = _CONTENT.match(data, start)
    assert found is not None
    return found.end()


def blanks_around(data: bytes, start: int, end: int) -> tuple[bytes, bytes]:
    """The blanks directly before `start` and directly behind `end`."""
    before = re.compile(rb"[ \t\r\n]*\Z").search(data, max(0, len(data[:start].rstrip(BLANKS))), start)
    behind = re.compile(rb"[ \t\r\n]*").match(data, end)
    assert before is not None
    assert behind is not None
    return before[0], behind[0]


def last_lines(blanks: bytes, count: int) -> bytes:
    """The end of `blanks` from its last line end on, or from the last but one on."""
    ends = [each.start() for each in _LINE_END.finditer(blanks)]
    return blanks[ends[-count] :]


def first_line(blanks: bytes) -> bytes:
    """The start of `blanks`, up to its first line end."""
    return _LINE_END.split(blanks, maxsplit=1)[0]
