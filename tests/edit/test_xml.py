"""What a user relies on when an XML file is edited: what is kept, what is found, what is said."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from lxml import etree

from wizard.edit.edits import Note, described
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


def changed(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines that went and those that came, with their line ends."""
    old, new = before.splitlines(True), after.splitlines(True)
    gone, come = [], []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += old[a:b]
            come += new[c:d]
    return gone, come


Step = tuple[Any, ...]
"""The path of an element (empty: the root), the name of an edit, and its arguments."""


def after(source: str | bytes, *steps: Step) -> XmlDocument:
    """The document after these edits."""
    edited = document(source)
    for path, edit, *arguments in steps:
        getattr(edited.one(path) if path else edited.root, edit)(*arguments)
    return edited


PORT = "mode[@name='HA']/eventSync/port"
X_WITH_Y = New("x", children=(New("y"),))
D_WITH_E = New("d", children=(New("e", text="1"),))
BLANKS_AT_ENDS = "<a> \n  <b/>\t \n  <c/>  <!-- c --> \n  <d> \n  </d>\n  <e>\n   <!-- e --> \n  </e>\n</a>"
MEMBERS = "<a>\n  <members>\n    <member>\n      <port>{}</port>\n    </member>\n  </members>\n</a>"

KEPT: dict[str, tuple[str | bytes, list[Step], str | bytes]] = {
    "the line end of the neighbour, in a file of both": (
        "<a>\n  <b/>\r\n  <c/>\n</a>",
        [("b", "insert_after", New("x")), ("c", "insert_after", New("y"))],
        "<a>\n  <b/>\n  <x/>\r\n  <c/>\r\n  <y/>\n</a>",
    ),
    "line ends of old Macs": (
        "<a>\r  <b>1</b>\r</a>\r",
        [("b", "insert_after", New("c"))],
        "<a>\r  <b>1</b>\r  <c/>\r</a>\r",
    ),
    "line ends in a value": ("<a>\r\n<b/></a>", [("b", "set_text", "1\n2")], "<a>\r\n<b>1\r\n2</b></a>"),
    "the byte order mark": ("\ufeff<a b='1'/>", [("", "set", "b", "ä")], "\ufeff<a b='ä'/>"),
    "ISO-8859-1": (
        b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!-- M\xfcller -->\n<a b="\xe4"><c>\xdf</c></a>',
        [("c", "set_text", "ö€")],
        b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!-- M\xfcller -->\n<a b="\xe4"><c>\xf6&#8364;</c></a>',
    ),
    "comments in a value": (
        "<a>\n  <!-- one -->\n  old<!-- two -->er\n</a>",
        [("", "set_text", "new")],
        "<a>\n  <!-- one -->\n  new<!-- two -->\n</a>",
    ),
    "only a comment, and the value in front of it": (
        "<a><b><!-- here -->\n</b></a>",
        [("b", "set_text", "1")],
        "<a><b>1<!-- here -->\n</b></a>",
    ),
    "a value that shrinks and one that grows around comments": (
        "<a>\n <b>long<!-- c --> <!-- d -->er</b>\n <c/></a>",
        [("b", "set_text", ""), ("b", "set_text", "very, very long"), ("c", "set_text", "1")],
        "<a>\n <b>very, very long<!-- c --> <!-- d --></b>\n <c>1</c></a>",
    ),
    "double quotes and the order of attributes": (
        "<a  one='1'\r\n    two = \"2\"   three='3' />",
        [("", "set", "two", 'say "it\'s" <&>')],
        "<a  one='1'\r\n    two = \"say &quot;it's&quot; &lt;&amp;&gt;\"   three='3' />",
    ),
    "single quotes": ("<a one='1'/>", [("", "set", "one", 'say "it\'s"')], "<a one='say \"it&apos;s\"'/>"),
    "a start tag of two lines": (
        '<a>\r\n    <clustering class="H"\r\n                enable="false">\r\n    </clustering>\r\n</a>',
        [("clustering", "set", "enable", "true")],
        '<a>\r\n    <clustering class="H"\r\n                enable="true">\r\n    </clustering>\r\n</a>',
    ),
    "tabs": (
        "<a>\n\t<b>\n\t\t<c/>\n\t</b>\n</a>",
        [("b", "insert_after", D_WITH_E)],
        "<a>\n\t<b>\n\t\t<c/>\n\t</b>\n\t<d>\n\t\t<e>1</e>\n\t</d>\n</a>",
    ),
    "two spaces": (
        "<a>\n  <b/>\n  <f><g>1</g></f>\n</a>",
        [("b", "insert_after", D_WITH_E)],
        "<a>\n  <b/>\n  <d>\n    <e>1</e>\n  </d>\n  <f><g>1</g></f>\n</a>",
    ),
    "processing instructions": (
        "<?one a?><a><?two <b>1</b>?>text<?three?></a><?four?>",
        [("", "set_text", "new")],
        "<?one a?><a><?two <b>1</b>?>new<?three?></a><?four?>",
    ),
    "CDATA, which is text": (
        "<a><b><![CDATA[1 < 2]]></b><c>x<![CDATA[<b/>]]>y</c></a>",
        [("c", "set_text", "a & b")],
        "<a><b><![CDATA[1 < 2]]></b><c>a &amp; b</c></a>",
    ),
    "a file of one line": (
        "<a><b>1</b><!-- c --><d/></a>",
        [
            ("b", "set_text", "2"),
            ("b", "insert_after", New("new", children=(New("x", text="1"), New("y")))),
            ("d", "append", New("z")),
        ],
        "<a><b>2</b><new><x>1</x><y/></new><!-- c --><d><z/></d></a>",
    ),
    "references in other values": (
        "<a b='&#x41;&amp;&#10;'><c>&#65;&gt;</c><d>1</d></a>",
        [("d", "set_text", "2")],
        "<a b='&#x41;&amp;&#10;'><c>&#65;&gt;</c><d>2</d></a>",
    ),
    "the blanks around a value that is emptied": (
        "<a><b>1</b><c> x <!-- c --> y </c></a>",
        [("b", "set_text", ""), ("c", "set_text", "")],
        "<a><b></b><c>  <!-- c -->  </c></a>",
    ),
    "a relative namespace, which C14N does not accept": (
        '<a xmlns="relative"><b/></a>',
        [("b", "set_text", "1")],
        '<a xmlns="relative"><b>1</b></a>',
    ),
}
NEW_ATTRIBUTES = {
    "<a/>": '<a new="1"/>',
    "<a />": '<a new="1" />',
    "<a></a>": '<a new="1"></a>',
    "<a b='2'>x</a>": "<a b='2' new='1'>x</a>",
    '<a b = "2"  >x</a>': '<a b = "2" new = "1"  >x</a>',
    '<a b="2"\n   c="3"/>': '<a b="2"\n   c="3"\n   new="1"/>',
}
KEPT |= {f"the style of {old}": (old, [("", "set", "new", "1")], new) for old, new in NEW_ATTRIBUTES.items()}
EMPTY = {"<b/>": "<b>", "<b />": "<b>", "<b></b>": "<b>", "<b c='1'/>": "<b c='1'>", "<b >\t</b>": "<b >"}
KEPT |= {
    f"an empty {old}": (f"<a>{old}</a>", [("b", "set_text", "1")], f"<a>{new}1</b></a>")
    for old, new in EMPTY.items()
}
ENCODINGS = {
    "windows-1252": ("€", b"\x80"),
    "ISO-8859-15": ("€", b"\xa4"),
    "US-ASCII": ("ä", b"&#228;"),
    "utf-8": ("漢", "漢".encode()),
    "windows-1251": ("Ж", b"\xc6"),
}
KEPT |= {
    encoding: (
        f'<?xml version="1.0" encoding="{encoding}"?><a/>',
        [("", "set_text", text)],
        f'<?xml version="1.0" encoding="{encoding}"?><a>'.encode() + written + b"</a>",
    )
    for encoding, (text, written) in ENCODINGS.items()
}

INSERTED: dict[str, tuple[str | bytes, list[Step], str | bytes]] = {
    "a second one behind the first": (
        "<a>\n  <b/>\n  <z/>\n</a>",
        [
            *(("b", "insert_after", New("c")), ("z", "insert_after", New("y"))),
            *(("b", "insert_after", New("d")), ("c", "insert_after", New("c2"))),
            *(("c", "insert_after", New("c3")), ("b", "insert_after", New("e"))),
            *(("", "append", New("end")), ("", "prepend", New("first"))),
        ],
        "<a>\n"
        + "".join(f"  <{n}/>\n" for n in ("first", "b", "c", "d", "c2", "c3", "e", "z", "y", "end"))
        + "</a>",
    ),
    "in the opened root": (
        '<?xml version="1.0"?>\n<a/>\n',
        [("", "append", New("b"))],
        '<?xml version="1.0"?>\n<a>\n    <b/>\n</a>\n',
    ),
    "in an opened element, which gets an attribute and a sister too": (
        "<a>\n  <b />\n</a>",
        [
            ("b", "insert_after", New("z")),
            *(("b", "append", New(name)) for name in "cde"),
            ("b", "set", "x", "1"),
        ],
        '<a>\n  <b x="1">\n    <c/>\n    <d/>\n    <e/>\n  </b>\n  <z/>\n</a>',
    ),
    "behind commented-out samples": (
        "<a>\n  <members>\n     <!-- <member/> -->\n  </members>\n</a>",
        [("members", "append", New("member", children=(New("port", text="1"),)))],
        "<a>\n  <members>\n     <!-- <member/> -->\n     <member>\n        <port>1</port>\n     </member>\n"
        "  </members>\n</a>",
    ),
    "an empty line between sisters that have some": (
        "<a>\n\n  <b/>\n\n  <c/>\n\n\n  <d/>\n</a>",
        [("b", "insert_after", New("x")), ("d", "insert_after", New("y")), ("d", "insert_after", New("z"))],
        "<a>\n\n  <b/>\n\n  <x/>\n\n  <c/>\n\n\n  <d/>\n\n  <y/>\n\n  <z/>\n</a>",
    ),
    "none between sisters that have none": (
        "<a>\n\n  <b/>\n  <c/>\n\n</a>",
        [("c", "insert_after", New("x"))],
        "<a>\n\n  <b/>\n  <c/>\n  <x/>\n\n</a>",
    ),
    "directly behind the last of a group": (
        "<a>\n  <b/>\n  <c/>\n\n  <d/>\n</a>",
        [("c", "insert_after", New("x"))],
        "<a>\n  <b/>\n  <c/>\n  <x/>\n\n  <d/>\n</a>",
    ),
    "comments above belong to their element": (
        "<a>\n  <!-- b -->\n  <b/>\n\n  <!-- c -->\n  <c/>\n</a>",
        [("c", "insert_after", New("x")), ("b", "insert_after", New("y"))],
        "<a>\n  <!-- b -->\n  <b/>\n\n  <y/>\n\n  <!-- c -->\n  <c/>\n\n  <x/>\n</a>",
    ),
    "a comment on the same line stays there": (
        "<a>\n  <b/> <!-- about b --> <?b?>\n  <c/></a>",
        [("b", "insert_after", New("x"))],
        "<a>\n  <b/> <!-- about b --> <?b?>\n  <x/>\n  <c/></a>",
    ),
    "behind elements that share their line": (
        "<a>\n  <b/><c/>\n  <!-- d --> <d/>\n</a>",
        [("c", "insert_after", X_WITH_Y), ("d", "insert_after", New("z"))],
        "<a>\n  <b/><c/><x><y/></x>\n  <!-- d --> <d/>\n  <z/>\n</a>",
    ),
    "the step of the indentation of the neighbours": (
        "<a>\n<b>\n   <c/>\n</b>\n<e/>\n</a>",
        [("e", "insert_after", X_WITH_Y)],
        "<a>\n<b>\n   <c/>\n</b>\n<e/>\n<x>\n   <y/>\n</x>\n</a>",
    ),
    "no indentation where the file has none": (
        "<a>\n<b>\n<c/>\n</b>\n</a>",
        [("b", "insert_after", X_WITH_Y)],
        "<a>\n<b>\n<c/>\n</b>\n<x>\n<y/>\n</x>\n</a>",
    ),
    "whatever a new element can hold, in the namespace and encoding of the file": (
        '<?xml version="1.0" encoding="iso-8859-1"?>\r\n<p:a xmlns:p="urn:p" xmlns:s="urn:s">\r\n\t<p:b/>\r\n</p:a>',
        [
            (
                "b",
                "insert_after",
                New(
                    "c",
                    {"plain": "\n\"'"},
                    children=(
                        New("d", text='a<b&"c'),
                        New("e", text="ä€"),
                        New("f", children=(New("g", text=""),)),
                    ),
                ),
            )
        ],
        b'<?xml version="1.0" encoding="iso-8859-1"?>\r\n<p:a xmlns:p="urn:p" xmlns:s="urn:s">\r\n\t<p:b/>\r\n'
        b'\t<p:c plain="&#10;&quot;\'">\r\n\t\t<p:d>a&lt;b&amp;"c</p:d>\r\n'
        b"\t\t<p:e>\xe4&#8364;</p:e>\r\n\t\t<p:f>\r\n\t\t\t<p:g></p:g>\r\n\t\t</p:f>\r\n\t</p:c>\r\n</p:a>",
    ),
    "directly in front of an element that is edited then": (
        "<a><b/><c/></a>",
        [("b", "insert_after", New("x")), ("c", "set", "d", "1"), ("b", "append", New("y"))],
        '<a><b><y/></b><x/><c d="1"/></a>',
    ),
    "what was inserted is edited on": (
        "<a>\n  <b/>\n</a>",
        [
            ("b", "insert_after", New("c", {"d": "1"}, children=(New("e", text="1"), New("f")))),
            *(("c", "set", "d", "2"), ("c/e", "set_text", "&"), ("c/f", "append", New("g"))),
            *(("c/e", "remove"), ("c/f", "insert_after", New("h", text=""))),
        ],
        '<a>\n  <b/>\n  <c d="2">\n    <f>\n      <g/>\n    </f>\n    <h></h>\n  </c>\n</a>',
    ),
    "all replaced by others": (
        MEMBERS.format(1),
        [
            ("members/member", "remove"),
            *(("members", "append", New("member", children=(New("port", text=port),))) for port in "23"),
        ],
        MEMBERS.format("2</port>\n    </member>\n    <member>\n      <port>3"),
    ),
    "some taken out again": (
        "<a>\n  <b/>\n  <z/>\n</a>",
        [
            *(("b", "insert_after", New("c")), ("b", "insert_after", New("d"))),
            *(("c", "insert_after", New("c2")), ("c", "remove"), ("b", "insert_after", New("e"))),
        ],
        "<a>\n  <b/>\n  <d/>\n  <c2/>\n  <e/>\n  <z/>\n</a>",
    ),
}
INSERTED |= {
    f"in {empty!r}": (
        f"<a>\n  {empty}\n</a>",
        [("b", "append", New("c")), ("b", "append", New("d", text="1"))],
        f"<a>\n  {'<b >' if empty.startswith('<b >') else '<b>'}\n    <c/>\n    <d>1</d>\n  </b>\n</a>",
    )
    for empty in ("<b/>", "<b />", "<b></b>", "<b>\n  </b>", "<b> </b>", "<b >\t</b>")
}

INSERTED |= {
    "an empty tag that was opened is closed as it was": (
        "<a>\n  <b />\n  <d/><e x='1'/>\n  <c/>\n</a>",
        [
            *(("b", "append", New("x")), ("b", "prepend", New("y")), ("b/x", "remove"), ("b/y", "remove")),
            *(
                ("d", "set_text", "1"),
                ("d", "set_text", ""),
                ("e", "append", New("x")),
                ("e", "set", "y", "2"),
            ),
            *(("e/x", "remove"), ("e", "insert_after", New("z")), ("c", "set_text", "1")),
        ],
        "<a>\n  <b />\n  <d/><e x='1' y='2'/><z/>\n  <c>1</c>\n</a>",
    ),
    "a blank in a tag that was opened is a value": (
        "<a><b/><c>1</c></a>",
        [("b", "set_text", ""), ("b", "set_text", " "), ("c", "set_text", "")],
        "<a><b> </b><c></c></a>",
    ),
    "what replaces another gets its empty line": (
        "<a>\n  <b/>\n\n  <c/>\n\n  <d/>\n</a>",
        [("d", "remove"), ("c", "remove"), ("b", "insert_after", New("x")), ("x", "insert_after", New("y"))],
        "<a>\n  <b/>\n\n  <x/>\n\n  <y/>\n</a>",
    ),
    "the only one that replaces the only one gets its empty line": (
        "<a>\n\n  <b/>\n\n</a>",
        [("b", "remove"), ("", "append", New("x"))],
        "<a>\n\n  <x/>\n\n</a>",
    ),
}

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
    ("before", "steps", "wanted"),
    [
        *(pytest.param(*case, id=name) for name, case in (KEPT | INSERTED).items()),
        *((before, [("b", "remove")], wanted) for before, wanted in REMOVED),
    ],
)
def test_an_edit_changes_no_other_byte(before: str | bytes, steps: list[Step], wanted: str | bytes) -> None:
    edited = after(before, *steps)
    assert edited.result() == (wanted.encode() if isinstance(wanted, str) else wanted)
    if all(edit.startswith("set") for _, edit, *_ in steps):
        assert after(edited.result(), *steps).result() == edited.result()


def test_blanks_at_the_end_of_a_line_stay_there() -> None:
    steps = [("", "prepend", New("a1")), ("", "prepend", New("a0"))]
    steps += [(name, "insert_after", New(f"{name}{number}")) for name in "bc" for number in (1, 2)]
    steps += [
        ("d", "append", New("d1")),
        ("d", "prepend", New("d0")),
        ("e", "append", New("e1")),
        ("b", "remove"),
    ]
    edited = after(BLANKS_AT_ENDS, *steps)
    gone, come = changed(edited.data, edited.result())
    assert gone == [b"  <b/>\t \n"]
    names = ["a0", "a1", "b1", "b2", "c1", "c2", "d0", "d1", "e1"]
    assert [line.strip() for line in come] == [f"<{name}/>".encode() for name in names]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_lines_that_are_not_edited_stay_with_their_line_ends(line_end: bytes) -> None:
    """Commented-out copies in front, and the end of the file behind the root."""
    steps = [(PORT, "set_text", "1"), (PORT, "insert_after", X_WITH_Y)]
    edited = after(
        EVENT_PROCESSOR.replace(b"\n", line_end), *steps, ("mode[@name='HA']", "set", "enable", "true")
    )
    gone, come = changed(edited.data, edited.result())
    assert [line.removesuffix(line_end) for line in gone] == [
        b"    <mode name='HA'   enable = \"false\">",
        b"            <port>11224</port> <!-- own -->",
    ]
    assert [line.removesuffix(line_end) for line in come] == [
        b"    <mode name='HA'   enable = \"true\">",
        b"            <port>1</port> <!-- own -->",
        b"            <x>",
        b"                <y/>",
        b"            </x>",
    ]
    assert edited.result().endswith(b"</eventProcessorConfiguration>" + line_end + b"<!-- the end --> ")


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


class TestValues:
    def test_whatever_xml_can_hold_comes_back(self) -> None:
        value = "a&b<c>\"'ä€漢😀]]>\r\n\t x"
        edited = document("<a><b>1</b></a>")
        edited.one("b").set_text(value)
        edited.one("b").set("c", value)
        read = document(edited.result()).one("b")
        assert read.text == value
        assert read.get("c") == value

    @pytest.mark.parametrize("character", ["\0", "\x1b", "\ufffe", "\ud800", "\x0b"])
    def test_what_xml_cannot_hold_is_refused_without_showing_it(self, character: str) -> None:
        edited = document("<a><password>1</password></a>")
        for edit in (
            lambda: edited.one("password").set_text(Secret(f"geheim{character}")),
            lambda: edited.one("password").set("value", f"geheim{character}"),
            lambda: edited.one("password").insert_after(New("b", text=f"geheim{character}")),
            lambda: edited.one("password").insert_after(New("b", {"c": Secret(f"geheim{character}")})),
            lambda: edited.root.append(New("b", children=(New("c", text=f"geheim{character}"),))),
        ):
            with pytest.raises(EditError, match=r"U\+[0-9A-F]{4}") as refused:
                edit()
            assert "geheim" not in repr(refused.value) + str(refused.value)
        assert edited.result() is edited.data


class TestLookUp:
    def test_comments_and_processing_instructions_never_match(self) -> None:
        found = document(EVENT_PROCESSOR)
        assert found.one("mode[@name='HA']").line == 9
        assert [each.text for each in found.all("mode/eventSync/port")] == ["11224"]

    def test_names_are_local_names(self) -> None:
        found = document(
            '<s:Server xmlns:s="urn:a" xmlns="urn:b"><Ports><s:Offset>1</s:Offset></Ports></s:Server>'
        )
        assert found.one("Ports/Offset").text == "1"
        assert found.root.name == "Server"

    def test_by_attribute_by_child_and_by_several(self) -> None:
        found = document(
            "<a><mount path='/x' overwrite='true'>1</mount><mount path='/x'>2</mount><mount>3</mount>"
            "<datasource><name>\n A </name></datasource><datasource><name>B</name><name>C</name></datasource></a>"
        )
        assert found.one("mount[@path='/x'][@overwrite=\"true\"]").text == "1"
        assert [each.text for each in found.all("mount[@path]")] == ["1", "2"]
        assert found.one("datasource[name='A']").line == 1
        assert found.one("datasource[name='C']") == found.one("datasource[name='B']")
        assert found.find("datasource[name='D']") is None
        assert len(found.all("datasource[name]")) == 2
        assert [each.name for each in found.all("*")] == ["mount"] * 3 + ["datasource"] * 2

    @pytest.mark.parametrize("value", ["'", '"', "']|//*['", "x'][@y='", "$a", "]", "/", "'\""])
    def test_a_value_cannot_break_out_of_its_predicate(self, value: str) -> None:
        edited = document("<a><b url='x'/><c url='y'/></a>")
        assert edited.find("b[@url=$url]", url=value) is None
        edited.one("b").set("url", value)
        read = document(edited.result())
        assert read.one("b[@url=$url]", url=value).get("url") == value
        assert read.find("c[@url=$url]", url=value) is None

    def test_what_is_lacking_is_named_with_the_place_where_it_should_be(self) -> None:
        with pytest.raises(EditError) as lacking:
            document(EVENT_PROCESSOR).one("mode[@name='HA']/eventSync/host")
        assert lacking.value.place == "file.xml:10"
        assert lacking.value.message == "mode[HA]/eventSync lacks host"
        with pytest.raises(EditError, match=r"lacks mode\[@name='Distributed'\]/eventSync"):
            document(EVENT_PROCESSOR).one("mode[@name='Distributed']/eventSync")
        with pytest.raises(EditError, match="mode lacks none"):
            document("<a><mode/><mode/></a>").one("mode/none")

    def test_what_is_doubled_is_named_with_all_its_lines(self) -> None:
        found = document("<a>\n<mode name='HA'/>\n<!--\n<mode name='HA'/>-->\n<mode name='HA'/></a>")
        for look in (found.one, found.find):
            with pytest.raises(
                EditError, match=r"doubles mode\[@name='HA'\]: 2 live elements.* 2, 5"
            ) as doubled:
                look("mode[@name=$name]", name="HA")
            assert doubled.value.place == "file.xml:5"
            assert doubled.value.fix

    def test_text_is_the_element_s_own(self) -> None:
        found = document("<a>\n <b> 1 <!-- 2 --> 3 </b>\n <c> x </c><d>y<e>z</e></d></a>")
        assert found.one("b").text == "1  3"
        assert found.one("c").text == " x "
        assert found.one("d").text == "y"
        assert found.root.text == ""
        assert [child.name for child in found.root.children] == ["b", "c", "d"]
        assert found.one("d/e").parent == found.one("d")
        assert found.root.parent is None

    def test_look_ups_see_what_was_edited(self) -> None:
        edited = document("<a>\n  <b>1</b>\n</a>")
        edited.one("b").insert_after(New("c", {"d": "1"}, children=(New("e", text="2"),)))
        assert edited.one("c[@d='1']/e").text == "2"
        assert edited.one("c").line == 0
        edited.one("b").remove()
        assert edited.find("b") is None
        assert [child.name for child in edited.root.children] == ["c"]
        assert edited.find("c[e='3']") is None


class TestInsertion:
    @pytest.mark.parametrize(
        ("source", "tag"),
        [
            ('<Server xmlns="urn:a"><b/></Server>', "<new d"),
            ('<s:Server xmlns:s="urn:a"><s:b/></s:Server>', "<s:new d"),
            ('<Server xmlns="urn:a" xmlns:o="urn:o"><b/></Server>', "<new d"),
        ],
    )
    def test_a_new_element_belongs_to_the_namespace_of_its_parent(self, source: str, tag: str) -> None:
        edited = document(source)
        edited.one("b").insert_after(New("new", {"d": "1"}, children=(New("inner", text="1"),)))
        assert tag.encode() in edited.result()
        tree = etree.fromstring(edited.result())
        assert [each.tag for each in tree.iter()] == [
            f"{{urn:a}}{n}" for n in ("Server", "b", "new", "inner")
        ]


REFUSED: list[tuple[str, Step, str]] = [
    ("<a>\n <b><c/></b></a>", ("b", "set_text", "1"), "file.xml:2: b holds elements and cannot hold a value"),
    *(
        ("<a>\n <b>1</b></a>", ("b", edit, New("c")), "file.xml:2: b holds a value and cannot hold elements")
        for edit in ("append", "prepend")
    ),
    ("<a/>", ("", "insert_after", New("b")), "only one root"),
    ("<a/>", ("", "remove"), "the root cannot be removed"),
    ("<a/>", ("", "append", New("c", text="1", children=(New("d"),))), "both text and elements"),
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


class TestRemoval:
    def test_neighbours_go_together(self) -> None:
        edited = document("<a>\n\n  <b/>  \n\n  <b/>\n  <b/>\n\n  <c/>\n</a>")
        for each in edited.all("b"):
            each.remove()
        assert edited.result().endswith(b"\n  <c/>\n</a>")
        assert not edited.all("b")

    def test_what_was_removed_cannot_be_edited(self) -> None:
        edited = document("<a>\n  <b><c>1</c></b>\n</a>")
        gone, inside = edited.one("b"), edited.one("b/c")
        new = inside.insert_after(New("d"))
        gone.remove()
        for element in (gone, inside, new):
            for edit in (
                lambda e: e.set_text("1"),
                lambda e: e.set("x", "1"),
                lambda e: e.insert_after(New("x")),
                lambda e: e.append(New("x")),
                lambda e: e.prepend(New("x")),
                lambda e: e.remove(),
            ):
                with pytest.raises(EditError, match="removed before"):
                    edit(element)
        assert edited.result() == b"<a>\n</a>"


class TestDescriptions:
    @pytest.mark.parametrize(
        ("source", "steps", "wanted"),
        [
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
                [
                    ("c", "set_text", "2"),
                    ("", "set", "b", "2"),
                    ("c", "set_text", "3"),
                    ("", "set", "b", "3"),
                ],
                ["2 c: 1 → 3", "1 a/@b: 1 → 3"],
            ),
            (  # what is in an inserted or removed element is described with that
                "<a>\n<b>\n<c>1</c></b>\n<e>1</e></a>",
                [
                    *(("b/c", "set_text", "2"), ("b/c", "insert_after", New("x")), ("b", "set", "y", "1")),
                    *(("e", "insert_after", X_WITH_Y), ("x/y", "set_text", "3"), ("x", "set", "z", "4")),
                    *(("b/x", "remove"), ("b", "remove")),
                ],
                ["3 x: added (3)", "1 b: removed"],
            ),
        ],
    )
    def test_what_changes_is_said_with_its_line(
        self, source: str | bytes, steps: list[Step], wanted: list[str]
    ) -> None:
        edited = after(source, *steps)
        edited.result()
        assert [f"{edit.line} {edit.description}" for edit in edited.edits] == wanted

    def test_a_caller_can_name_it_otherwise(self) -> None:
        edited = document("<a><b>1</b><c/></a>")
        edited.one("b").set_text("2", note=Note("the port"))
        edited.one("b").set("x", "", note=Note("the x"))
        edited.one("b").insert_after(New("d"), note=Note("the d"))
        edited.one("c").remove(note=Note("the c"))
        wanted = ["the port: 1 → 2", 'the x: (none) → ""', "the d: added", "the c: removed"]
        assert [edit.description for edit in edited.edits] == wanted

    def test_passwords_are_masked_by_type_and_by_name(self) -> None:
        edited = document(
            "<a><password>old1</password><SvnPassword>old2</SvnPassword><url>old3</url><x dbPassword='old4'/>"
            "<property name='password'>old5</property><property name='password' value='old6'/></a>"
        )
        edited.one("password").set_text("new1")
        edited.one("SvnPassword").set_text("new2")
        edited.one("url").set_text(Secret("new3"))
        edited.one("url").set_text("new3a")
        edited.one("x").set("dbPassword", "new4")
        first, second = edited.all("property")
        first.set_text("new5")
        second.set("value", Secret("new6"))
        second.insert_after(New("user", children=(New("name", text="n"), New("password", text="new7"))))
        second.insert_after(New("token", text=Secret("new8")))
        second.insert_after(New("token", {"value": Secret("new9")}, text="")).set_text(Secret("new10"))
        found = " ".join([edit.description for edit in edited.edits])
        assert "old" not in found
        assert "new" not in found
        assert found.count("******** → ********") == 6
        assert "user[n]: added (n, ********)" in found
        assert "new" not in repr(edited.edits)

    def test_passwords_inside_of_other_values_are_masked(self) -> None:
        edited = document("<a><url>jdbc:mysql://u:geheim@h/db?user=u&amp;password=geheim&amp;x=1</url></a>")
        edited.one("url").set_text("jdbc:mysql://h/db?trustCertificateKeyStorePassword=geheim&y=2")
        assert [edit.description for edit in edited.edits] == [
            "url: jdbc:mysql://u:********@h/db?user=u&password=********&x=1"
            " → jdbc:mysql://h/db?trustCertificateKeyStorePassword=********&y=2"
        ]


class TestVerification:
    @pytest.mark.parametrize("wrong", [b"<wrong/>", b"not <well-formed"])
    def test_a_result_that_is_not_the_tree_that_was_meant_is_never_given(
        self, monkeypatch: pytest.MonkeyPatch, wrong: bytes
    ) -> None:
        monkeypatch.setattr("wizard.edit.markup.Style.text", lambda *_: wrong)
        edited = after("<a>\n  <b>1</b>\n  <password>geheim</password>\n</a>", ("b", "set_text", "2"))
        with pytest.raises(EditError, match="nothing is written") as refused:
            edited.result()
        assert "geheim" not in str(refused.value)

    def test_editing_goes_on_after_a_result(self) -> None:
        edited = after("<a>\n  <b>1</b>\n  <c/>\n</a>", ("b", "set_text", "2"), ("c", "remove"))
        assert edited.result() == b"<a>\n  <b>2</b>\n</a>"
        edited.one("b").insert_after(New("d"))
        assert edited.result() == b"<a>\n  <b>2</b>\n  <d/>\n</a>"
        assert edited.result() is edited.result()


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
    ],
)
def test_description(old: str | None, new: str, secret: bool, found: str) -> None:
    assert described("x", old, new, secret=secret) == found


def test_a_description_is_short_and_commands_no_terminal() -> None:
    text = described("x", "a\x1b\u202e" + "b" * 10_000, "c", secret=False)
    assert text.startswith("x: a\\x1b\\u202ebbb")
    assert text.endswith("… → c")
    assert len(text) < 600
