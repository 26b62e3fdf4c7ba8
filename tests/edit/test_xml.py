"""What a user relies on when an XML file is edited: what is kept, what is found, what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wizard.edit.edits import NOTE, Note, changed
from wizard.edit.xml import New, XmlDocument
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError

EVENT_PROCESSOR = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- <mode name="HA" enable="no"><port>0</port></mode> -->
<eventProcessorConfiguration>

    <!--<mode name="HA" enable="false">
        <eventSync><port>1</port></eventSync>
    </mode>-->
    <?wizard <mode name="HA"/>?>
    <mode name='HA'   enable = "false">
        <eventSync>
            <!-- <port>1</port> -->
            <hostName>0.0.0.0</hostName>
            <port>11224</port> <!-- own -->
        </eventSync>
    </mode>

    <mode name="Single" enable="true"/>
</eventProcessorConfiguration>
<!-- the end --> """


def document(text: str | bytes) -> XmlDocument:
    return XmlDocument(text.encode() if isinstance(text, str) else text, "file.xml")


Step = tuple[Any, ...]
"""The path of an element (empty: the root), the name of an edit, and its arguments."""


def after(source: str | bytes, *steps: Step) -> XmlDocument:
    """The document after these edits."""
    edited = document(source)
    for path, edit, *arguments in steps:
        getattr(edited.one(path) if path else edited.root, edit)(*arguments)
    return edited


PORT = "mode[@name='HA']/eventSync/port"
X, X_WITH_Y = New("x"), New("x", children=(New("y"),))
HEAD = '<?xml version="1.0" encoding="{}"?>'
LATIN = HEAD.format("ISO-8859-1").encode() + b"\r\n"

# fmt: off
KEPT: list[tuple[Any, ...]] = [  # what it shows, the file, the file that is wanted, the edits
    ("the line end of the neighbour, in a file of both", "<a>\n  <b/>\r\n  <c/>\n</a>",
        "<a>\n  <b/>\n  <x/>\r\n  <c/>\r\n  <y/>\n</a>", ("b", "insert_after", X), ("c", "insert_after", New("y"))),
    ("line ends of old Macs", "<a>\r  <b>1</b>\r</a>\r", "<a>\r  <b>1</b>\r  <x/>\r</a>\r", ("b", "insert_after", X)),
    ("line ends in a value", "<a>\r\n<b/></a>", "<a>\r\n<b>1\r\n2</b></a>", ("b", "set_text", "1\n2")),
    ("the byte order mark", "\ufeff<a b='1'/>", "\ufeff<a b='ä'/>", ("", "set", "b", "ä")),
    ("ISO-8859-1", LATIN + b'<!-- M\xfcller -->\n<a b="\xe4"><c>\xdf</c></a>',
        LATIN + b'<!-- M\xfcller -->\n<a b="\xe4"><c>\xf6&#8364;</c></a>', ("c", "set_text", "ö€")),
    ("comments in a value", "<a>\n  <!-- one -->\n  old<!-- two -->er\n</a>",
        "<a>\n  <!-- one -->\n  new<!-- two -->\n</a>", ("", "set_text", "new")),
    ("only a comment, and the value in front of it", "<a><b><!-- here -->\n</b></a>", "<a><b>1<!-- here -->\n</b></a>",
        ("b", "set_text", "1")),
    ("a value that shrinks and one that grows around comments", "<a>\n <b>long<!-- c --> <!-- d -->er</b>\n <c/></a>",
        "<a>\n <b>very, very long<!-- c --> <!-- d --></b>\n <c>1</c></a>",
        ("b", "set_text", ""), ("b", "set_text", "very, very long"), ("c", "set_text", "1")),
    ("double quotes and the order of attributes", "<a  one='1'\r\n    two = \"2\"   three='3' />",
        "<a  one='1'\r\n    two = \"say &quot;it's&quot; &lt;&amp;&gt;\"   three='3' />",
        ("", "set", "two", 'say "it\'s" <&>')),
    ("single quotes", "<a one='1'/>", "<a one='say \"it&apos;s\"'/>", ("", "set", "one", 'say "it\'s"')),
    ("a start tag of two lines", '<a>\r\n    <c class="H"\r\n       enable="false">\r\n    </c>\r\n</a>',
        '<a>\r\n    <c class="H"\r\n       enable="true">\r\n    </c>\r\n</a>', ("c", "set", "enable", "true")),
    ("tabs", "<a>\n\t<b>\n\t\t<c/>\n\t</b>\n</a>",
        "<a>\n\t<b>\n\t\t<c/>\n\t</b>\n\t<x>\n\t\t<y/>\n\t</x>\n</a>", ("b", "insert_after", X_WITH_Y)),
    ("two spaces", "<a>\n  <b/>\n  <f><g>1</g></f>\n</a>",
        "<a>\n  <b/>\n  <x>\n    <y/>\n  </x>\n  <f><g>1</g></f>\n</a>", ("b", "insert_after", X_WITH_Y)),
    ("processing instructions", "<?one a?><a><?two <b>1</b>?>text<?three?></a><?four?>",
        "<?one a?><a><?two <b>1</b>?>new<?three?></a><?four?>", ("", "set_text", "new")),
    ("CDATA, which is text", "<a><b><![CDATA[1 < 2]]></b><c>x<![CDATA[<b/>]]>y</c></a>",
        "<a><b><![CDATA[1 < 2]]></b><c>a &amp; b</c></a>", ("c", "set_text", "a & b")),
    ("a file of one line", "<a><b>1</b><!-- c --><d/></a>", "<a><b>2</b><x><y/></x><!-- c --><d><x/></d></a>",
        ("b", "set_text", "2"), ("b", "insert_after", X_WITH_Y), ("d", "append", X)),
    ("references in other values", "<a b='&#x41;&amp;&#10;'><c>&#65;&gt;</c><d>1</d></a>",
        "<a b='&#x41;&amp;&#10;'><c>&#65;&gt;</c><d>2</d></a>", ("d", "set_text", "2")),
    ("the blanks around a value that is emptied", "<a><b>1</b><c> x <!-- c --> y </c></a>",
        "<a><b></b><c>  <!-- c -->  </c></a>", ("b", "set_text", ""), ("c", "set_text", "")),
    *(("commented-out copies in front, and the end behind the root", source, source.replace(
            b'"false">' + end + b"        <eventSync>" + end + b"            <!--",
            b'"true">' + end + b"        <eventSync>" + end + b"            <!--").replace(b">11224<", b">1<"),
        ("mode[@name='HA']", "set", "enable", "true"), (PORT, "set_text", "1"))
        for end in (b"\n", b"\r\n") for source in (EVENT_PROCESSOR.replace(b"\n", end),)),
    ("a relative namespace, which C14N does not accept", '<a xmlns="relative"><b/></a>',
        '<a xmlns="relative"><b>1</b></a>', ("b", "set_text", "1")),
    *((f"the style of {old}", old, new, ("", "set", "new", "1")) for old, new in (
        ("<a/>", '<a new="1"/>'), ("<a />", '<a new="1" />'), ("<a></a>", '<a new="1"></a>'),
        ("<a b='2'>x</a>", "<a b='2' new='1'>x</a>"), ('<a b = "2"  >x</a>', '<a b = "2" new = "1"  >x</a>'),
        ('<a b="2"\n   c="3"/>', '<a b="2"\n   c="3"\n   new="1"/>'))),
    *((f"an empty {old}", f"<a>{old}</a>", f"<a>{new}1</b></a>", ("b", "set_text", "1")) for old, new in (
        ("<b/>", "<b>"), ("<b />", "<b>"), ("<b></b>", "<b>"), ("<b c='1'/>", "<b c='1'>"), ("<b >\t</b>", "<b >"))),
    *((name, HEAD.format(name) + "<a/>", HEAD.format(name).encode() + b"<a>" + new + b"</a>", ("", "set_text", text))
        for name, text, new in (
            ("windows-1252", "€", b"\x80"), ("ISO-8859-15", "€", b"\xa4"), ("US-ASCII", "ä", b"&#228;"),
            ("utf-8", "漢", "漢".encode()), ("windows-1251", "Ж", b"\xc6"))),
]
INSERTED: list[tuple[Any, ...]] = [
    ("behind the new ones that follow", "<a>\n  <b/>\n  <z/>\n</a>",
        "<a>\n" + "".join(f"  <{name}/>\n" for name in ["f", "b", "c", "d", "e", "g", "z", "y", "h"]) + "</a>",
        ("b", "insert_after", New("c")), ("z", "insert_after", New("y")), ("b", "insert_after", New("d")),
        ("c", "insert_after", New("e")), ("b", "insert_after", New("g")), ("", "append", New("h")),
        ("", "prepend", New("f"))),
    ("some removed again", "<a>\n  <b/>\n  <z/>\n</a>", "<a>\n  <b/>\n  <d/>\n  <e/>\n  <z/>\n</a>",
        ("b", "insert_after", New("c")), ("b", "insert_after", New("d")), ("c", "remove"),
        ("b", "insert_after", New("e"))),
    ("in the opened root", '<?xml version="1.0"?>\n<a/>\n', '<?xml version="1.0"?>\n<a>\n    <x/>\n</a>\n',
        ("", "append", X)),
    ("in an opened element, which gets an attribute and a sister too", "<a>\n  <b />\n</a>",
        '<a>\n  <b x="1">\n    <c/>\n    <d/>\n  </b>\n  <z/>\n</a>',
        ("b", "insert_after", New("z")), *(("b", "append", New(name)) for name in "cd"), ("b", "set", "x", "1")),
    *((f"in {empty!r}", f"<a>\n  {empty}\n</a>", f"<a>\n  {tag}\n    <c/>\n    <d>1</d>\n  </b>\n</a>",
        ("b", "append", New("c")), ("b", "append", New("d", text="1"))) for empty, tag in (
            ("<b/>", "<b>"), ("<b />", "<b>"), ("<b></b>", "<b>"), ("<b>\n  </b>", "<b>"), ("<b >\t</b>", "<b >"))),
    ("behind commented-out samples", "<a>\n  <m>\n     <!-- <x/> -->\n  </m>\n</a>",
        "<a>\n  <m>\n     <!-- <x/> -->\n     <x>\n        <y/>\n     </x>\n  </m>\n</a>", ("m", "append", X_WITH_Y)),
    ("an empty line between sisters that have some", "<a>\n\n  <b/>\n\n  <c/>\n\n\n  <d/>\n</a>",
        "<a>\n\n  <b/>\n\n  <x/>\n\n  <c/>\n\n\n  <d/>\n\n  <x/>\n\n  <z/>\n</a>",
        ("b", "insert_after", X), ("d", "insert_after", X), ("d", "insert_after", New("z"))),
    ("none between sisters that have none", "<a>\n\n  <b/>\n  <c/>\n\n</a>", "<a>\n\n  <b/>\n  <c/>\n  <x/>\n\n</a>",
        ("c", "insert_after", X)),
    ("directly behind the last of a group", "<a>\n  <b/>\n  <c/>\n\n  <d/>\n</a>",
        "<a>\n  <b/>\n  <c/>\n  <x/>\n\n  <d/>\n</a>", ("c", "insert_after", X)),
    ("an only child between empty lines", "<a>\n\n  <b/>\n\n</a>", "<a>\n\n  <b/>\n\n  <x/>\n\n</a>",
        ("b", "insert_after", X)),
    ("comments above belong to their element", "<a>\n  <!-- b -->\n  <b/>\n\n  <!-- c -->\n  <c/>\n</a>",
        "<a>\n  <!-- b -->\n  <b/>\n\n  <y/>\n\n  <!-- c -->\n  <c/>\n\n  <x/>\n</a>",
        ("c", "insert_after", X), ("b", "insert_after", New("y"))),
    ("a comment that an empty line separates belongs to none", "<a>\n  <b/>\n  <!-- s -->\n\n  <c/>\n\n  <d/>\n</a>",
        "<a>\n  <b/>\n  <!-- s -->\n\n  <c/>\n\n  <x/>\n\n  <d/>\n</a>", ("c", "insert_after", X)),
    *((f"comments on the same line stay there, in front of {behind!r}", f"<a>\n  <b/>{comments}{behind}</a>",
        f"<a>\n  <b/>{comments}{new}{behind}</a>", ("b", "insert_after", X))
        for comments in (" <!-- about b --> <?b?>", "<!-- b -->")
        for behind, new in (("\n  <c/>", "\n  <x/>"), ("\n  <!-- c -->\n  <c/>", "\n  <x/>"), ("", "\n  <x/>"),
            (" text", "\n  <x/>"), ("<c/>", "\n  <x/>"), ("\n  text<!-- c -->", "\n  <x/>"))),
    ("text in front of a comment on the same line parts the two", "<a>\n  <b/> text <!-- c -->\n</a>",
        "<a>\n  <b/>\n  <x/> text <!-- c -->\n</a>", ("b", "insert_after", X)),
    ("behind elements that share their line", "<a>\n  <b/><c/>\n  <!-- d --> <d/>\n</a>",
        "<a>\n  <b/><c/><x><y/></x>\n  <!-- d --> <d/>\n  <z/>\n</a>",
        ("c", "insert_after", X_WITH_Y), ("d", "insert_after", New("z"))),
    ("behind a comment of two lines, and behind text", "<a>\n  <!-- x\n --> <b/>\n  t <c/>\n</a>",
        "<a>\n  <!-- x\n --> <b/><x/>\n  t <c/><y/>\n</a>", ("b", "insert_after", X), ("c", "insert_after", New("y"))),
    ("blanks at the end of a line stay there", "<a> \n  <b/>\t \n  <c/>  <!-- c --> \n  <d> \n  </d>\n</a>",
        "<a> \n  <a0/>\n  <b1/>\n  <c/>  <!-- c --> \n  <c1/>\n  <d> \n    <d0/>\n    <d1/>\n  </d>\n</a>",
        ("", "prepend", New("a0")), ("b", "insert_after", New("b1")), ("b", "remove"), ("c", "insert_after", New("c1")),
        ("d", "append", New("d1")), ("d", "prepend", New("d0"))),
    ("blanks at the end of a line, behind a comment", "<a>\n  <e>\n   <!-- e --> \n  </e>\n</a>",
        "<a>\n  <e>\n   <!-- e --> \n   <e1/>\n  </e>\n</a>", ("e", "append", New("e1"))),
    ("the step of the indentation of the neighbours", "<a>\n<b>\n   <c/>\n</b>\n<e/>\n</a>",
        "<a>\n<b>\n   <c/>\n</b>\n<e/>\n<x>\n   <y/>\n</x>\n</a>", ("e", "insert_after", X_WITH_Y)),
    ("the step of the element's own children", "<a>\n  <b>\n   <c/></b>\n  <d>\n    <e/></d></a>",
        "<a>\n  <b>\n   <c/></b>\n  <x>\n   <y/>\n  </x>\n  <d>\n    <e/></d></a>", ("b", "insert_after", X_WITH_Y)),
    ("no indentation where the file has none", "<a>\n<b>\n<c/>\n</b>\n</a>",
        "<a>\n<b>\n<c/>\n</b>\n<x>\n<y/>\n</x>\n</a>", ("b", "insert_after", X_WITH_Y)),
    ("whatever a new element can hold, in the namespace and encoding of the file",
        LATIN + b'<p:a xmlns:p="urn:p">\r\n\t<p:b/>\r\n</p:a>',
        LATIN + b'<p:a xmlns:p="urn:p">\r\n\t<p:b/>\r\n\t<p:c plain="&#10;&quot;\'">\r\n\t\t'
        b'<p:d>a&lt;b&amp;"c</p:d>\r\n'
        b"\t\t<p:e>\xe4&#8364;</p:e>\r\n\t\t<p:f>\r\n\t\t\t<p:g></p:g>\r\n\t\t</p:f>\r\n\t</p:c>\r\n</p:a>",
        ("b", "insert_after", New("c", {"plain": "\n\"'"}, (
            New("d", text='a<b&"c'), New("e", text="ä€"), New("f", children=(New("g", text=""),)))))),
    ("directly in front of an element that is edited then", "<a><b/><c/></a>", '<a><b><y/></b><x/><c d="1"/></a>',
        ("b", "insert_after", X), ("c", "set", "d", "1"), ("b", "append", New("y"))),
    ("what was inserted is edited on", "<a>\n  <b/>\n</a>",
        '<a>\n  <b/>\n  <c d="2">\n    <f>\n      <g/>\n    </f>\n    <h></h>\n  </c>\n</a>',
        ("b", "insert_after", New("c", {"d": "1"}, (New("e", text="1"), New("f")))), ("c", "set", "d", "2"),
        ("c/e", "set_text", "&"), ("c/f", "append", New("g")), ("c/e", "remove"),
        ("c/f", "insert_after", New("h", text=""))),
    ("all replaced by others", "<a>\n  <m>\n    <x>\n      <p>1</p>\n    </x>\n  </m>\n</a>",
        "<a>\n  <m>\n    <x>\n      <y/>\n    </x>\n    <z/>\n  </m>\n</a>",
        ("m/x", "remove"), ("m", "append", X_WITH_Y), ("m", "append", New("z"))),
    ("a replacement gets the blanks of what it replaces", "<a>\n  <b/>\n   <c/>\n  <d/>\n</a>",
        "<a>\n  <b/>\n   <x/>\n  <d/>\n</a>", ("c", "remove"), ("b", "insert_after", X)),
    ("also the last of all", "<a>\n  <b/>\n\n  <c/>\n\n  <d/>\n</a>", "<a>\n  <b/>\n\n  <x/>\n\n  <y/>\n</a>",
        ("d", "remove"), ("c", "remove"), ("b", "insert_after", X), ("x", "insert_after", New("y"))),
    ("also the only one", "<a>\n\n  <b/>\n\n</a>", "<a>\n\n  <x/>\n\n</a>", ("b", "remove"), ("", "append", X)),
    ("an empty tag that was opened is closed as it was", "<a>\n  <b />\n  <d/><e x='1'/>\n  <c/>\n</a>",
        "<a>\n  <b />\n  <d/><e x='1' y='2'/><z/>\n  <c>1</c>\n</a>",
        ("b", "append", X), ("b", "prepend", New("y")), ("b/x", "remove"), ("b/y", "remove"), ("d", "set_text", "1"),
        ("d", "set_text", ""), ("e", "append", X), ("e", "set", "y", "2"), ("e/x", "remove"),
        ("e", "insert_after", New("z")), ("c", "set_text", "1")),
    ("a blank in a tag that was opened is a value", "<a><b/><c>1</c></a>", "<a><b> </b><c></c></a>",
        ("b", "set_text", ""), ("b", "set_text", " "), ("c", "set_text", "")),
]
# fmt: on
REMOVED = [
    ("<a>\n  <b/>\n  <c/>\n</a>", "<a>\n  <c/>\n</a>"),
    ("<a>\n  <c/>\n  <b>\n    <d/>\n  </b>\n</a>", "<a>\n  <c/>\n</a>"),
    ("<a>\r\n  <b/>\r\n  <c/>\r\n</a>", "<a>\r\n  <c/>\r\n</a>"),
    ("<a>\n  <c/>\n  <b/>  \n  <d/>\n</a>", "<a>\n  <c/>\n  <d/>\n</a>"),
    ("<a>\n  <c/>\n\n  <b/>\n\n  <d/>\n</a>", "<a>\n  <c/>\n\n  <d/>\n</a>"),
    ("<a>\n  <c/>\n \n  <b/>\n</a>", "<a>\n  <c/>\n</a>"),
    ("<a>\n  <c/>\n\n  <b/>\n  <d/>\n</a>", "<a>\n  <c/>\n\n  <d/>\n</a>"),
    ("<a>\n  <c/>\n  <b/>\n\n  <d/>\n</a>", "<a>\n  <c/>\n\n  <d/>\n</a>"),
    ("<a><c/><b/><d/></a>", "<a><c/><d/></a>"),
    ("<a>\n  <c/> <b/>\n  <d/>\n</a>", "<a>\n  <c/> \n  <d/>\n</a>"),
    ("<a>\n  <b/> <!-- kept -->\n</a>", "<a>\n   <!-- kept -->\n</a>"),
    ("<a>\n  <b/></a>", "<a>\n  </a>"),
    ("<a>text\n  <b/>\n more</a>", "<a>text\n more</a>"),
]


@pytest.mark.parametrize(
    ("before", "wanted", "steps"),
    [
        *(pytest.param(before, wanted, steps, id=name) for name, before, wanted, *steps in KEPT + INSERTED),
        *((before, wanted, [("b", "remove")]) for before, wanted in REMOVED),
    ],
)
def test_an_edit_changes_no_other_byte(before: str | bytes, wanted: str | bytes, steps: list[Step]) -> None:
    edited = after(before, *steps)
    assert edited.result() == (wanted.encode() if isinstance(wanted, str) else wanted)
    if all(edit.startswith("set") for _, edit, *_ in steps):
        assert after(edited.result(), *steps).result() == edited.result()


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        (EVENT_PROCESSOR, [("mode[@name='HA']", "set", "enable", "false"), (PORT, "set_text", "11224")]),
        (EVENT_PROCESSOR, [(PORT, "set_text", "1"), (PORT, "set_text", "11224")]),
        ("<a>&#32;x <!-- c -->&#32;y</a>", [("", "set_text", value) for value in ("1", "", "x  y")]),
        *((f"<a>{b}</a>", [("b", "set_text", "")]) for b in ("<b/>", "<b></b>", "<b>\n<!-- c --></b>")),
        (
            "<a>\n  <b/>\n</a>",
            [("b", "append", New("c")), ("b", "prepend", New("d")), *[("b/*", "remove")] * 2],
        ),
        ("<a>\n  <b/>\n  <z/>\n</a>", [("b", "insert_after", New("c")), ("c", "remove")]),
    ],
)
def test_a_value_that_is_there_or_is_changed_back_is_no_change(
    source: str | bytes, steps: list[Step]
) -> None:
    edited = document(source)
    for path, edit, *arguments in steps:
        getattr(edited.all(path)[0] if path else edited.root, edit)(*arguments)
    assert edited.edits == []
    assert edited.result() is edited.data


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ufffe", "\ud800", "\x0b"])
@pytest.mark.parametrize(
    ("edit", "arguments"),
    [
        ("set_text", lambda value: [Secret(value)]),
        ("set", lambda value: ["value", value]),
        ("insert_after", lambda value: [New("b", text=value)]),
        ("insert_after", lambda value: [New("b", {"c": Secret(value)})]),
        ("append", lambda value: [New("b", children=(New("c", text=value),))]),
    ],
)
def test_what_xml_cannot_hold_is_refused_without_showing_it(
    edit: str, arguments: Callable[[str], list[Any]], character: str
) -> None:
    edited = document("<a><password/></a>")
    with pytest.raises(EditError, match=r"U\+[0-9A-F]{4}") as refused:
        getattr(edited.one("password"), edit)(*arguments(f"geheim{character}"))
    assert "geheim" not in repr(refused.value) + str(refused.value)
    assert edited.result() is edited.data


MOUNTS = (
    "<a><mount path='/x' overwrite='true'>1</mount><mount path='/x'>2</mount><mount>3</mount>"
    "<datasource><name>\n A </name></datasource><datasource><name>B</name><name>C</name></datasource></a>"
)
TEXTS = "<a>\n <b> 1 <!-- 2 --> 3 </b>\n <c> x </c><d>y<e>z</e></d></a>"


@pytest.mark.parametrize(
    ("source", "path", "texts"),
    [
        (EVENT_PROCESSOR, "mode[@name='HA']/eventSync/port", ["11224"]),  # not those in comments
        (EVENT_PROCESSOR, "mode/eventSync/port", ["11224"]),
        ('<s:S xmlns:s="urn:a" xmlns="urn:b"><P><s:O>1</s:O></P></s:S>', "P/O", ["1"]),  # local names
        (MOUNTS, "mount[@path='/x'][@overwrite=\"true\"]", ["1"]),
        (MOUNTS, "mount[@path]", ["1", "2"]),
        (MOUNTS, "datasource[name='A']/name", ["\n A "]),
        (MOUNTS, "datasource[name='C']/name", ["B", "C"]),
        (MOUNTS, "datasource[name='D']/name", []),
        (MOUNTS, "datasource[name]/name", ["\n A ", "B", "C"]),
        (MOUNTS, "*", ["1", "2", "3", "", ""]),
        (TEXTS, "*", ["1  3", " x ", "y"]),  # an element's own
        (TEXTS, "d/e", ["z"]),
    ],
)
def test_what_is_found_at_a_path(source: str | bytes, path: str, texts: list[str]) -> None:
    assert [each.text for each in document(source).all(path)] == texts


def test_the_tree_around_an_element() -> None:
    root = document(TEXTS).root
    assert (root.text, [child.name for child in root.children]) == ("", ["b", "c", "d"])
    assert (root.one("d/e").parent, root.parent) == (root.one("d"), None)
    assert document(EVENT_PROCESSOR).one("mode[@name='HA']").line == 9


@pytest.mark.parametrize("value", ["'", '"', "']|//*['", "x'][@y='", "$a", "]", "/", "'\""])
def test_a_value_cannot_break_out_of_its_predicate(value: str) -> None:
    edited = document("<a><b url='x'/><c url='y'/></a>")
    assert edited.find("b[@url=$url]", url=value) is None
    edited.one("b").set("url", value)
    read = document(edited.result())
    assert read.one("b[@url=$url]", url=value).get("url") == value
    assert read.find("c[@url=$url]", url=value) is None


DOUBLED = "<a>\n<mode name='HA'/>\n<!--\n<mode name='HA'/>-->\n<mode name='HA'/></a>"


@pytest.mark.parametrize(
    ("source", "path", "line", "message"),
    [
        (EVENT_PROCESSOR, "mode[@name='HA']/eventSync/host", 10, "mode[HA]/eventSync lacks host"),
        (EVENT_PROCESSOR, "mode[@name='HA']/nodeType/worker", 9, "mode[HA] lacks nodeType/worker"),
        (EVENT_PROCESSOR, "mode[@name='X']/eventSync", 3, "lacks mode[@name='X']/eventSync"),
        ("<a><mode/><mode/></a>", "mode/none", 1, "mode lacks none"),
        (DOUBLED, "mode[@name='HA']", 5, "doubles mode[@name='HA']: 2 live elements, at the lines 2, 5"),
    ],
)
def test_what_is_lacking_or_doubled_is_named_with_its_place(
    source: str | bytes, path: str, line: int, message: str
) -> None:
    found = document(source)
    for look in (found.one, found.find) if message.startswith("doubles") else (found.one,):
        with pytest.raises(EditError) as refused:
            look(path)
        assert refused.value.place == f"file.xml:{line}"
        assert message in refused.value.message
        assert refused.value.fix


def test_look_ups_see_what_was_edited() -> None:
    edited = document("<a>\n  <b>1</b>\n</a>")
    edited.one("b").insert_after(New("c", {"d": "1"}, children=(New("e", text="2"),)))
    assert edited.one("c[@d='1']/e").text == "2"
    assert edited.one("c").line == 0
    edited.one("b").remove()
    assert edited.find("b") is None
    assert [child.name for child in edited.root.children] == ["c"]
    assert edited.find("c[e='3']") is None


REFUSED: list[tuple[str, Step, str]] = [
    ("<a>\n <b><c/></b></a>", ("b", "set_text", "1"), "file.xml:2: b holds elements and cannot hold a value"),
    *(
        ("<a>\n <b>1</b></a>", ("b", edit, X), "file.xml:2: b holds a value and cannot hold elements")
        for edit in ("append", "prepend")
    ),
    ("<a/>", ("", "insert_after", X), "only one root"),
    ("<a/>", ("", "remove"), "the root cannot be removed"),
    ("<a/>", ("", "append", New("c", text="1", children=(X,))), "both text and elements"),
    *(("<a/>", ("", "set", name, "1"), "name") for name in ("a b", "1", "", "a:b", "<")),
    *(
        ("<a>\n  <b/>\n</a>", ("b", "insert_after", new), "name")
        for name in ("a b", "", "1", "a:b", "<")
        for new in (New(name), New("c", children=(New(name),)), New("c", {name + " ": "1"}))
    ),
]


@pytest.mark.parametrize(("source", "step", "message"), REFUSED)
def test_an_edit_that_xml_cannot_hold_is_refused(source: str, step: Step, message: str) -> None:
    edited = document(source)
    with pytest.raises(EditError) as refused:
        getattr(edited.one(step[0]) if step[0] else edited.root, step[1])(*step[2:])
    assert message in str(refused.value)
    assert refused.value.fix
    assert edited.result() is edited.data


def test_neighbours_are_removed_together() -> None:
    edited = document("<a>\n\n  <b/>  \n\n  <b/>\n  <b/>\n\n  <c/>\n</a>")
    for each in edited.all("b"):
        each.remove()
    assert edited.result().endswith(b"\n  <c/>\n</a>")
    assert not edited.all("b")


def test_what_was_removed_cannot_be_edited() -> None:
    edited = document("<a>\n  <b><c>1</c></b>\n</a>")
    gone, inside = edited.one("b"), edited.one("b/c")
    new = inside.insert_after(New("d"))
    gone.remove()
    for element in (gone, inside, new):
        for edit, *arguments in (
            *(("set_text", "1"), ("set", "x", "1"), ("remove",)),
            *(("insert_after", X), ("append", X), ("prepend", X)),
        ):
            with pytest.raises(EditError, match="removed before"):
                getattr(element, edit)(*arguments)
    assert edited.result() == b"<a>\n</a>"


PASSWORDS = (
    "<a><password>old1</password><SvnPassword>old2</SvnPassword><url>old3</url><x dbPassword='old4'/>"
    "<property name='password'>old5</property><property name='password' value='old6'/></a>"
)
MASKED = "******** → ********"
SAID: list[tuple[str | bytes, list[Step], list[str]]] = [
    (  # the path starts at the nearest ancestor with a name
        EVENT_PROCESSOR,
        [
            ("mode[@name='HA']", "set", "enable", "true"),
            ("mode[@name='HA']/eventSync/hostName", "set_text", "10.0.0.1"),
            ("mode[@name='HA']/eventSync", "append", New("x", text="1")),
            ("mode[@name='Single']", "remove"),
        ],
        [
            "9 mode[HA]/@enable: false → true",
            "12 mode[HA]/eventSync/hostName: 0.0.0.0 → 10.0.0.1",
            "14 mode[HA]/eventSync/x: added (1)",
            "16 mode[Single]: removed",
        ],
    ),
    (  # the last of several values wins
        "<a b='1'>\n<c>1</c></a>",
        [("c", "set_text", "2"), ("", "set", "b", "2"), ("c", "set_text", "3"), ("", "set", "b", "3")],
        ["2 c: 1 → 3", "1 a/@b: 1 → 3"],
    ),
    (  # what is in an inserted or removed element is described with that
        "<a>\n<b>\n<c>1</c></b>\n<e>1</e></a>",
        [
            *(("b/c", "set_text", "2"), ("b/c", "insert_after", X), ("b", "set", "y", "1")),
            *(("e", "insert_after", X_WITH_Y), ("x/y", "set_text", "3"), ("x", "set", "z", "4")),
            *(("b/x", "remove"), ("b", "remove")),
        ],
        ["3 x: added (3)", "1 b: removed"],
    ),
    (  # passwords are masked by type, now or before, and by name
        PASSWORDS,
        [
            *(("password", "set_text", "new"), ("SvnPassword", "set_text", "new")),
            *(
                ("url", "set_text", Secret("new")),
                ("url", "set_text", "newer"),
                ("x", "set", "dbPassword", "new"),
            ),
            *(("property[@value]", "set", "value", Secret("new")), ("property[@name]", "set_text", "new")),
            ("x", "insert_after", New("user", children=(New("name", text="n"), New("password", text="new")))),
            ("x", "insert_after", New("token", text=Secret("new"))),
            ("x", "insert_after", New("key", {"value": Secret("new")}, text="")),
            ("key", "set_text", Secret("new")),
        ],
        [
            *(f"1 {name}: {MASKED}" for name in ("password", "SvnPassword", "url", "x/@dbPassword")),
            *(f"1 property[password]{part}: {MASKED}" for part in ("/@value", "")),
            *("1 user[n]: added (n, ********)", "1 token: added (********)", "1 key: added (********)"),
        ],
    ),
    (  # and so are those inside of other values
        "<a><url>jdbc:mysql://u:geheim@h/db?user=u&amp;password=geheim&amp;x=1</url></a>",
        [("url", "set_text", "jdbc:mysql://h/db?trustCertificateKeyStorePassword=geheim&y=2")],
        [
            "1 url: jdbc:mysql://u:********@h/db?user=u&password=********&x=1"
            " → jdbc:mysql://h/db?trustCertificateKeyStorePassword=********&y=2"
        ],
    ),
]


@pytest.mark.parametrize(("source", "steps", "wanted"), SAID)
def test_what_changes_is_said_with_its_line(
    source: str | bytes, steps: list[Step], wanted: list[str]
) -> None:
    edited = document(source)
    for path, edit, *arguments in steps:
        getattr(edited.all(path)[0] if path else edited.root, edit)(*arguments)
    edited.result()
    assert [f"{edit.number} {edit.text}" for edit in edited.edits] == wanted


def test_a_caller_can_name_it_otherwise() -> None:
    edited = document("<a><b>1</b><c/></a>")
    edited.one("b").set_text("2", note=Note("the port"))
    edited.one("b").set("x", "", note=Note("the x"))
    edited.one("b").insert_after(New("d"), note=Note("the d"))
    edited.one("c").remove(note=Note("the c"))
    wanted = ["the port: 1 → 2", 'the x: (none) → ""', "the d: added", "the c: removed"]
    assert [edit.text for edit in edited.edits] == wanted


@pytest.mark.parametrize("wrong", [b"<wrong/>", b"not <well-formed"])
def test_a_result_that_is_not_the_tree_that_was_meant_is_never_given(
    monkeypatch: pytest.MonkeyPatch, wrong: bytes
) -> None:
    monkeypatch.setattr("wizard.edit.markup.Style.text", lambda *_: wrong)
    edited = after("<a>\n  <b>1</b>\n  <password>geheim</password>\n</a>", ("b", "set_text", "2"))
    with pytest.raises(EditError, match="nothing is written") as refused:
        edited.result()
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "secret", "found"),
    [
        ("1", "2", False, "x: 1 → 2"),
        (None, "2", False, "x: (none) → 2"),
        ("", " ", False, 'x: "" → " "'),
        ("a\tb\x1b[2J", "c\n", False, 'x: a\\tb\\x1b[2J → "c\\n"'),
        ("1", "2", True, "x: ******** → ********"),
        (None, "2", True, "x: (none) → ********"),
        ("svn://u:p@h/x", "a?password=b;c=d", False, "x: svn://u:********@h/x → a?password=********;c=d"),
        ("a\x1b\u202e" + "b" * 10_000, "c", False, "x: a\\x1b\\u202ebbb"),
    ],
)
def test_description(old: str | None, new: str, secret: bool, found: str) -> None:
    said = changed(NOTE, "x", old, new, 1, secret=secret).text
    assert said == found or (said.startswith(found) and said.endswith("… → c") and len(said) < 600)
