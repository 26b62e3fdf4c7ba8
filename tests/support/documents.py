"""XML documents for property-based tests: every style of blanks, quotes and line ends that people have."""

from __future__ import annotations

import difflib
import re

from hypothesis import strategies as st

NAMES = ["mode", "port", "hostName", "password", "property", "a", "x-y.z"]
ATTRIBUTES = ["name", "enable", "url", "id", "value"]
ENCODINGS = {
    "utf-8": "äß€漢😀",
    "iso-8859-1": "äßé\xa0",
    "us-ascii": "",
    "windows-1252": "ä€",
    "ISO-8859-15": "€ß",
}
PIECES = ["v", "10.0.0.1", " ", "&amp;", "&lt;", "&#228;", "&#x20AC;", "&gt;", "]] ", '"', "'", "=", "é"]


_TOKEN = re.compile(
    rb"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>"
    rb"|(?P<end></)[^>]*>|(?P<start><)(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL,
)


def spans(data: bytes) -> list[tuple[int, int, int, int]]:
    """Of each element, in document order: the offsets of its start tag, its content (twice) and its end.

    Found by taking the document apart by hand, so that it is no echo of what the editor does.
    """
    found: list[list[int]] = []
    stack: list[int] = []
    for token in _TOKEN.finditer(data):
        if token["start"]:
            found.append([token.start(), token.end(), token.end(), token.end()])
            if not token[0].endswith(b"/>"):
                stack.append(len(found) - 1)
        elif token["end"]:
            found[stack.pop()][2:] = token.span()
    assert not stack
    return [(a, b, c, d) for a, b, c, d in found]


def changed_lines(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines that a diff removes and adds, line ends included."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    removed, added = [], []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += old[i1:i2]
            added += new[j1:j2]
    return removed, added


@st.composite
def attributes(draw: st.DrawFn, extra: str) -> str:
    written = ""
    for name in draw(st.lists(st.sampled_from(ATTRIBUTES), unique=True, max_size=3)):
        quote = draw(st.sampled_from("\"'"))
        blanks = draw(st.sampled_from([" ", "  ", "\n      ", "\t"]))
        equals = draw(st.sampled_from(["=", "=", " = ", "= "]))
        pieces = draw(st.lists(st.sampled_from([*PIECES, *extra, ">", "\n"]), max_size=4))
        value = "".join(pieces).replace(quote, "&quot;" if quote == '"' else "&apos;")
        written += f"{blanks}{name}{equals}{quote}{value}{quote}"
    return written


@st.composite
def texts(draw: st.DrawFn, extra: str) -> str:
    """The content of a leaf: text, references, CDATA, comments, processing instructions."""
    comment = st.sampled_from(["<!-- c -->", "<!--<port>1</port>-->", "<?pi some > thing?>", "<!---->"])
    cdata = st.sampled_from(["<![CDATA[<raw> & ]]>", "<![CDATA[ ]]>", "<![CDATA[]]>"])
    blank = st.sampled_from([" ", "\n  ", "\t", "&#32;", "&#10;"])
    piece = st.one_of(st.sampled_from([*PIECES, *extra]), blank, comment, cdata)
    return "".join(draw(st.lists(piece, max_size=5)))


@st.composite
def elements(draw: st.DrawFn, extra: str, depth: int, indentation: str | None) -> str:
    name = draw(st.sampled_from(NAMES))
    tag = f"<{name}{draw(attributes(extra))}"
    kind = draw(st.sampled_from(["empty", "pair", "leaf", "leaf", *(["parent"] * 4 if depth else [])]))
    if kind == "empty":
        return tag + draw(st.sampled_from(["/>", " />"]))
    closing = f"</{name}{draw(st.sampled_from(['', '', ' ']))}>"
    if kind == "pair":
        return tag + ">" + draw(st.sampled_from(["", " ", "\n", "\n\n  "])) + closing
    if kind == "leaf":
        return tag + ">" + draw(texts(extra)) + closing
    unit = draw(st.sampled_from(["    ", "  ", "\t", ""]))
    inner = None if indentation is None else indentation + unit
    mixed = draw(st.sampled_from([False] * 5 + [True]))
    content = ""
    for _ in range(draw(st.integers(1, 4))):
        gap = "" if inner is None else draw(st.sampled_from(["\n", "\n", "\n\n", " \n \n"])) + inner
        node = st.one_of(
            elements(extra, depth - 1, inner),
            elements(extra, depth - 1, inner),
            st.sampled_from(["<!-- <port>1</port> -->", "<!-- two\n  lines -->", "<?pi?>"]),
        )
        content += gap + draw(node)
        content += draw(st.sampled_from(["", "", "", " ", " <!-- same line -->", "<port/>"]))
        if mixed:
            content += draw(st.sampled_from(["text", " text\n", "&amp;"]))
    return tag + ">" + content + ("" if indentation is None else "\n" + indentation) + closing


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """The bytes of a well-formed document; the root has children, most of the time."""
    encoding = draw(st.sampled_from(list(ENCODINGS)))
    extra = ENCODINGS[encoding]
    is_one_line = draw(st.sampled_from([False, False, False, True]))
    body = draw(elements(extra, 3, None if is_one_line else ""))
    declarations = ["", "", ' xmlns="http://wso2.org/p"', ' xmlns:svns="http://wso2.org/s"']
    namespace = draw(st.sampled_from(declarations))
    name = body[1:].split(">")[0].split("/")[0].split()[0]
    body = f"<{name}{namespace}{body[1 + len(name) :]}"
    declared = encoding != "utf-8" or draw(st.booleans())
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n' if declared else ""
    head += draw(st.sampled_from(["", "<!-- copyright <mode/> -->\n", "\n" if declared else "", "<?pi?>"]))
    tail = draw(st.sampled_from(["", "\n", "\n\n", "\n<!-- after the root -->\n", " "]))
    line_end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    text = (head + body + tail).replace("\n", line_end)
    codec = "ascii" if encoding == "us-ascii" else encoding
    data = text.encode(codec, "xmlcharrefreplace")
    if encoding == "utf-8" and draw(st.booleans()):
        data = b"\xef\xbb\xbf" + data
    return data
