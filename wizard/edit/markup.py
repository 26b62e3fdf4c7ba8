"""The bytes of an XML file that is edited: the parts of its tags and contents, and values escaped for it."""

from __future__ import annotations

import re
from typing import NamedTuple

BLANKS = b" \t\r\n"

_START_TAG = re.compile(rb"<[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")
_TAG_NAME = re.compile(rb"<([^\s/>]+)")
# From the first blank only, and without giving any back: a million of them are passed over at once.
_ATTRIBUTE = re.compile(rb"(?<!\s)(\s++)([^\s=/>\"']++)(\s*+=\s*+)(\"[^\"]*\"|'[^']*')")
_CONTENT = re.compile(rb"(<!--.*?-->|<\?.*?\?>)|((?:<!\[CDATA\[.*?\]\]>|[^<])+)", re.DOTALL)
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
    close = offset + len(data[offset : end - 2].rstrip(BLANKS)) if is_empty else end - 1
    attributes = tuple(
        Attribute(
            name=each[2].decode(encoding),
            start=each.start(4) + 1,
            end=each.end(4) - 1,
            blanks=each[1],
            equals=each[3],
            quote=each[4][:1],
        )
        for each in _ATTRIBUTE.finditer(data, name.end(), close)
    )
    return StartTag(offset, close, end, is_empty, name[1], attributes)


class TextRun(NamedTuple):
    """Text between two comments; the core is what is left without the blanks at both of its ends."""

    start: int
    end: int
    core_start: int
    core_end: int

    @property
    def is_blank(self) -> bool:
        return self.core_start == self.core_end


def runs(data: bytes, start: int, end: int) -> list[TextRun]:
    """The text of an element's content that holds no elements: one run more than it has comments.

    Runs may be empty.  Processing instructions count as comments, CDATA as text.
    """
    found: list[TextRun] = []
    run = (start, start)
    position = start
    while position < end:
        part = _CONTENT.match(data, position, end)
        if part is None:
            raise ValueError("the content holds an element")
        position = part.end()
        if part[1] is None:
            run = part.span()
        else:
            found.append(_run(data, *run))
            run = (position, position)
    return [*found, _run(data, *run)]


def _run(data: bytes, start: int, end: int) -> TextRun:
    text = data[start:end]
    core = text.strip(BLANKS)
    core_start = start + (text.index(core) if core else 0)
    return TextRun(start, end, core_start, core_start + len(core))


def end_of_comment(data: bytes, offset: int) -> int:
    """The offset behind the comment or processing instruction that follows at `offset` after blanks."""
    blanks = _ALL_BLANKS.match(data, offset)
    assert blanks is not None
    comment = _CONTENT.match(data, blanks.end())
    assert comment is not None
    return comment.end()


def end_of_last_comment(data: bytes, end: int) -> int:
    """The offset behind the comment or processing instruction that only blanks separate from `end`.

    The blanks may be written as references or CDATA, which cannot be mistaken for the end of a comment.
    """
    return max(data.rfind(b"-->", 0, end) + len(b"-->"), data.rfind(b"?>", 0, end) + len(b"?>"))


def blanks_around(data: bytes, start: int, end: int) -> tuple[bytes, bytes]:
    """The blanks directly before `start` and directly behind `end`."""
    first = start
    while first and data[first - 1] in BLANKS:
        first -= 1
    behind = _ALL_BLANKS.match(data, end)
    assert behind is not None
    return data[first:start], behind[0]


def last_lines(blanks: bytes, count: int) -> bytes:
    """The end of `blanks` that has that many line ends."""
    ends = [each.start() for each in _LINE_END.finditer(blanks)]
    return blanks[ends[-count] :]


def rest_of_line(data: bytes, offset: int) -> str:
    """The blanks from `offset` to the end of the line, if it holds nothing else."""
    found = _REST_OF_LINE.match(data, offset)
    return found[0].decode("ascii") if found else ""


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


def forbidden(text: str) -> str | None:
    """The first character that XML 1.0 has no way to write, as `U+001B`; None if it can hold `text`."""
    found = _FORBIDDEN.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def text_bytes(text: str, encoding: str, line_end: str) -> bytes:
    """`text` as an element's content; what the encoding lacks becomes a numeric reference."""
    return text.translate(_TEXT).replace("\n", line_end).encode(encoding, "xmlcharrefreplace")


def attribute_bytes(text: str, encoding: str, quote: bytes) -> bytes:
    """`text` as it stands between two of `quote`."""
    quoted = text.translate(_QUOTED)
    quoted = quoted.replace('"', "&quot;") if quote == b'"' else quoted.replace("'", "&apos;")
    return quoted.encode(encoding, "xmlcharrefreplace")
