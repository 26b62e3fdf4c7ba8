"""What a user relies on when an XML file is edited: what is kept, what is found, what is said."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from lxml import etree

from tests.support.headless import PACKS
from wizard.edit.splice import Note, splice
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


class TestKept:
    """A value and an element are set; every other byte stays."""

    def test_crlf_files_stay_crlf(self) -> None:
        source = EVENT_PROCESSOR.replace(b"\n", b"\r\n")
        edited = document(source)
        edited.one("mode[@name='HA']/eventSync/port").set_text("1")
        edited.one("mode[@name='HA']/eventSync/port").insert_after(New("x", children=(New("y"),)))
        gone, come = changed(source, edited.result())
        assert gone == [b"            <port>11224</port> <!-- own -->\r\n"]
        assert come == [
            b"            <port>1</port> <!-- own -->\r\n",
            b"            <x>\r\n",
            b"                <y/>\r\n",
            b"            </x>\r\n",
        ]

    def test_lf_files_stay_lf(self) -> None:
        edited = document(EVENT_PROCESSOR)
        edited.one("mode[@name='HA']/eventSync/port").insert_after(New("x", children=(New("y"),)))
        assert b"\r" not in edited.result()

    def test_in_a_file_of_both_the_line_end_of_the_neighbour_is_taken(self) -> None:
        edited = document("<a>\n  <b/>\r\n  <c/>\n</a>")
        edited.one("b").insert_after(New("x"))
        edited.one("c").insert_after(New("y"))
        assert edited.result() == b"<a>\n  <b/>\n  <x/>\r\n  <c/>\r\n  <y/>\n</a>"

    def test_old_mac_line_ends_stay(self) -> None:
        edited = document("<a>\r  <b>1</b>\r</a>\r")
        edited.one("b").insert_after(New("c"))
        assert edited.result() == b"<a>\r  <b>1</b>\r  <c/>\r</a>\r"

    def test_a_value_of_several_lines_takes_the_file_s_line_ends(self) -> None:
        edited = document("<a>\r\n<b/></a>")
        edited.one("b").set_text("1\n2")
        assert edited.result() == b"<a>\r\n<b>1\r\n2</b></a>"
        assert document(edited.result()).one("b").text == "1\n2"

    def test_the_byte_order_mark_stays(self) -> None:
        edited = document(b"\xef\xbb\xbf<a b='1'/>")
        edited.root.set("b", "ä")
        assert edited.result() == b"\xef\xbb\xbf<a b='" + "ä".encode() + b"'/>"

    def test_iso_8859_1_bytes_stay_and_new_text_is_iso_8859_1(self) -> None:
        source = (
            b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!-- M\xfcller -->\n<a b="\xe4"><c>\xdf</c></a>'
        )
        edited = document(source)
        edited.one("c").set_text("ö€")
        assert edited.result() == source.replace(b">\xdf<", b">\xf6&#8364;<")
        assert document(edited.result()).one("c").text == "ö€"

    @pytest.mark.parametrize(
        ("encoding", "text", "written"),
        [
            ("windows-1252", "€", b"\x80"),
            ("ISO-8859-15", "€", b"\xa4"),
            ("US-ASCII", "ä", b"&#228;"),
            ("utf-8", "漢", "漢".encode()),
            ("windows-1251", "Ж", b"\xc6"),
        ],
    )
    def test_new_text_has_the_encoding_of_the_file(self, encoding: str, text: str, written: bytes) -> None:
        edited = document(f'<?xml version="1.0" encoding="{encoding}"?><a/>')
        edited.root.set_text(text)
        assert edited.result().endswith(b"<a>" + written + b"</a>")

    def test_comments_stay_also_inside_of_the_value(self) -> None:
        edited = document("<a>\n  <!-- one -->\n  old<!-- two -->er\n</a>")
        edited.root.set_text("new")
        assert edited.result() == b"<a>\n  <!-- one -->\n  new<!-- two -->\n</a>"

    def test_commented_out_copies_in_front_stay_as_they_are(self) -> None:
        edited = document(EVENT_PROCESSOR)
        edited.one("mode[@name='HA']").set("enable", "true")
        edited.one("mode[@name='HA']/eventSync/port").set_text("11225")
        gone, come = changed(EVENT_PROCESSOR, edited.result())
        assert gone == [
            b"    <mode name='HA'   enable = \"false\">\n",
            b"            <port>11224</port> <!-- own -->\n",
        ]
        assert come == [
            b"    <mode name='HA'   enable = \"true\">\n",
            b"            <port>11225</port> <!-- own -->\n",
        ]

    def test_attribute_quotes_order_and_blanks_stay(self) -> None:
        edited = document("<a  one='1'\r\n    two = \"2\"   three='3' />")
        edited.root.set("two", 'say "it\'s" <&>')
        assert edited.result() == (
            b"<a  one='1'\r\n    two = \"say &quot;it's&quot; &lt;&amp;&gt;\"   three='3' />"
        )
        edited = document("<a one='1'/>")
        edited.root.set("one", 'say "it\'s"')
        assert edited.result() == b"<a one='say \"it&apos;s\"'/>"

    def test_a_start_tag_of_two_lines_stays_one_of_two_lines(self) -> None:
        edited = document(
            '<a>\r\n    <clustering class="H"\r\n                enable="false">\r\n    </clustering>\r\n</a>'
        )
        edited.one("clustering").set("enable", "true")
        assert changed(edited.data, edited.result()) == (
            [b'                enable="false">\r\n'],
            [b'                enable="true">\r\n'],
        )

    def test_a_new_attribute_goes_behind_the_last_one_in_its_style(self) -> None:
        for before, after in [
            ("<a/>", '<a new="1"/>'),
            ("<a />", '<a new="1" />'),
            ("<a></a>", '<a new="1"></a>'),
            ("<a b='2'>x</a>", "<a b='2' new='1'>x</a>"),
            ('<a b = "2"  >x</a>', '<a b = "2" new = "1"  >x</a>'),
            ('<a b="2"\n   c="3"/>', '<a b="2"\n   c="3"\n   new="1"/>'),
        ]:
            edited = document(before)
            edited.root.set("new", "1")
            assert edited.result() == after.encode()

    def test_tabs_stay_tabs(self) -> None:
        edited = document("<a>\n\t<b>\n\t\t<c/>\n\t</b>\n</a>")
        edited.one("b").insert_after(New("d", children=(New("e", text="1"),)))
        assert edited.result() == b"<a>\n\t<b>\n\t\t<c/>\n\t</b>\n\t<d>\n\t\t<e>1</e>\n\t</d>\n</a>"

    def test_two_spaces_stay_two_spaces(self) -> None:
        edited = document("<a>\n  <b/>\n  <f><g>1</g></f>\n</a>")
        edited.one("b").insert_after(New("d", children=(New("e", text="1"),)))
        assert b"\n  <d>\n    <e>1</e>\n  </d>\n  <f>" in edited.result()

    def test_a_missing_last_newline_stays_missing(self) -> None:
        edited = document("<a>\n    <b/>\n</a>")
        edited.one("b").insert_after(New("c"))
        assert edited.result().endswith(b"</a>")

    def test_processing_instructions_stay(self) -> None:
        edited = document("<?one a?><a><?two <b>1</b>?>text<?three?></a><?four?>")
        edited.root.set_text("new")
        assert edited.result() == b"<?one a?><a><?two <b>1</b>?>new<?three?></a><?four?>"

    def test_cdata_is_text(self) -> None:
        edited = document("<a><b><![CDATA[1 < 2]]></b><c>x<![CDATA[<b/>]]>y</c></a>")
        assert edited.one("b").text == "1 < 2"
        assert edited.one("c").text == "x<b/>y"
        edited.one("c").set_text("a & b")
        assert edited.result() == b"<a><b><![CDATA[1 < 2]]></b><c>a &amp; b</c></a>"

    def test_a_one_line_file_stays_one(self) -> None:
        edited = document("<a><b>1</b><!-- c --><d/></a>")
        edited.one("b").set_text("2")
        edited.one("b").insert_after(New("new", children=(New("x", text="1"), New("y"))))
        edited.one("d").append(New("z"))
        assert edited.result() == b"<a><b>2</b><new><x>1</x><y/></new><!-- c --><d><z/></d></a>"

    def test_text_behind_the_root_stays(self) -> None:
        edited = document(EVENT_PROCESSOR)
        edited.one("mode[@name='Single']").set("enable", "false")
        assert edited.result().endswith(b"</eventProcessorConfiguration>\n<!-- the end --> ")

    def test_references_in_other_values_stay(self) -> None:
        edited = document("<a b='&#x41;&amp;&#10;'><c>&#65;&gt;</c><d>1</d></a>")
        edited.one("d").set_text("2")
        assert edited.result() == b"<a b='&#x41;&amp;&#10;'><c>&#65;&gt;</c><d>2</d></a>"

    def test_a_value_that_is_there_already_is_no_change(self) -> None:
        edited = document(EVENT_PROCESSOR)
        edited.one("mode[@name='HA']").set("enable", "false")
        edited.one("mode[@name='HA']/eventSync/port").set_text("11224")
        assert edited.result() is EVENT_PROCESSOR
        assert edited.edits == []

    def test_a_value_changed_back_is_no_change(self) -> None:
        edited = document(EVENT_PROCESSOR)
        port = edited.one("mode[@name='HA']/eventSync/port")
        port.set_text("1")
        assert len(edited.edits) == 1
        port.set_text("11224")
        assert edited.edits == []
        assert edited.result() is EVENT_PROCESSOR
        edited = document("<a>&#32;x <!-- c -->&#32;y</a>")
        for value in ("1", "", "x  y"):
            edited.root.set_text(value)
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

    @pytest.mark.parametrize("empty", ["<b/>", "<b />", "<b></b>", "<b c='1'/>"])
    def test_an_empty_element_gets_text(self, empty: str) -> None:
        edited = document(f"<a>{empty}</a>")
        edited.one("b").set_text("1")
        assert (
            edited.result()
            == f"<a>{empty.replace('></b>', '>').replace(' />', '>').replace('/>', '>')}1</b></a>".encode()
        )

    def test_nothing_put_into_an_empty_element_is_no_change(self) -> None:
        for empty in ("<b/>", "<b></b>", "<b><!-- c --></b>", "<b>\n<!-- c --></b>"):
            edited = document(f"<a>{empty}</a>")
            edited.one("b").set_text("")
            assert edited.result() is edited.data

    def test_the_empty_value_takes_the_text_out(self) -> None:
        edited = document("<a><b>1</b><c> x <!-- c --> y </c></a>")
        edited.one("b").set_text("")
        edited.one("c").set_text("")
        assert edited.result() == b"<a><b></b><c>  <!-- c -->  </c></a>"

    def test_only_a_comment_inside_and_the_value_stands_in_front(self) -> None:
        edited = document("<a><b><!-- here -->\n</b></a>")
        edited.one("b").set_text("1")
        assert edited.result() == b"<a><b>1<!-- here -->\n</b></a>"

    def test_an_element_with_elements_cannot_hold_a_value(self) -> None:
        edited = document("<a>\n <b><c/></b></a>")
        with pytest.raises(EditError, match="b holds elements") as refused:
            edited.one("b").set_text("1")
        assert refused.value.place == "file.xml:2"
        assert refused.value.fix

    def test_an_element_with_a_value_cannot_hold_elements(self) -> None:
        edited = document("<a><b>1</b></a>")
        for insert in (edited.one("b").append, edited.one("b").prepend):
            with pytest.raises(EditError, match="b holds a value"):
                insert(New("c"))
        assert edited.result() is edited.data

    def test_the_last_of_several_values_wins_and_is_one_edit(self) -> None:
        edited = document("<a b='1'><c>1</c></a>")
        for value in ("2", "3"):
            edited.one("c").set_text(value)
            edited.root.set("b", value)
        assert edited.result() == b"<a b='3'><c>3</c></a>"
        assert [edit.description for edit in edited.edits] == ["c: 1 → 3", "a/@b: 1 → 3"]

    def test_an_attribute_of_a_namespace(self) -> None:
        edited = document('<a xmlns:svns="urn:s"><password svns:secretAlias="x" other="1">p</password></a>')
        password = edited.one("password")
        assert password.get("secretAlias") == password.get("svns:secretAlias") == "x"
        password.set("svns:secretAlias", "y")
        password.set("svns:new", "z")
        assert b'<password svns:secretAlias="y" other="1" svns:new="z">p<' in edited.result()
        with pytest.raises(EditError, match="prefix 'nope'"):
            password.set("nope:x", "1")

    @pytest.mark.parametrize("name", ["a b", "1", "", "xmlns", "xmlns:x", "a=", "a:b:c", "<"])
    def test_no_attribute_of_an_impossible_name(self, name: str) -> None:
        edited = document("<a/>")
        with pytest.raises(EditError):
            edited.root.set(name, "1")
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
    def test_a_second_one_goes_behind_the_first(self) -> None:
        edited = document("<a>\n  <b/>\n  <z/>\n</a>")
        edited.one("b").insert_after(New("c"))
        edited.one("z").insert_after(New("y"))
        edited.one("b").insert_after(New("d"))
        edited.one("c").insert_after(New("c2"))
        edited.one("b").insert_after(New("e"))
        edited.root.append(New("end"))
        edited.root.prepend(New("first"))
        names = ["first", "b", "c", "c2", "d", "e", "z", "y", "end"]
        assert edited.result() == b"<a>\n" + b"".join(f"  <{n}/>\n".encode() for n in names) + b"</a>"
        assert [child.name for child in edited.root.children] == names

    @pytest.mark.parametrize("empty", ["<b/>", "<b />", "<b></b>", "<b>\n  </b>", "<b> </b>", "<b >\t</b>"])
    def test_an_empty_element_is_opened(self, empty: str) -> None:
        edited = document(f"<a>\n  {empty}\n</a>")
        edited.one("b").append(New("c"))
        edited.one("b").append(New("d", text="1"))
        start = "<b >" if empty.startswith("<b >") else "<b>"
        assert edited.result() == f"<a>\n  {start}\n    <c/>\n    <d>1</d>\n  </b>\n</a>".encode()

    def test_an_opened_element_closes_when_all_is_taken_out_again(self) -> None:
        edited = document("<a>\n  <b/>\n</a>")
        first = edited.one("b").append(New("c"))
        second = edited.one("b").prepend(New("d"))
        first.remove()
        second.remove()
        assert edited.result() is edited.data

    def test_attributes_of_an_opened_element(self) -> None:
        edited = document("<a>\n  <b />\n</a>")
        edited.one("b").append(New("c"))
        edited.one("b").set("x", "1")
        assert edited.result() == b'<a>\n  <b x="1">\n    <c/>\n  </b>\n</a>'

    def test_an_opened_element_and_what_is_put_behind_it(self) -> None:
        edited = document("<a>\n  <b/>\n</a>")
        edited.one("b").insert_after(New("z"))
        for name in ("c", "d", "e"):
            edited.one("b").append(New(name))
        edited.one("b").set("x", "1")
        inside = "".join(f"    <{name}/>\n" for name in "cde")
        assert edited.result() == f'<a>\n  <b x="1">\n{inside}  </b>\n  <z/>\n</a>'.encode()
        assert len(edited.edits) == 5

    def test_the_root_can_be_opened(self) -> None:
        edited = document('<?xml version="1.0"?>\n<a/>\n')
        edited.root.append(New("b"))
        assert edited.result() == b'<?xml version="1.0"?>\n<a>\n    <b/>\n</a>\n'

    def test_behind_commented_out_samples_of_an_element_that_has_only_those(self) -> None:
        edited = document("<a>\n  <members>\n     <!-- <member/> -->\n  </members>\n</a>")
        edited.one("members").append(New("member", children=(New("port", text="1"),)))
        assert edited.result() == (
            b"<a>\n  <members>\n     <!-- <member/> -->\n     <member>\n        <port>1</port>\n     </member>\n"
            b"  </members>\n</a>"
        )

    def test_siblings_with_empty_lines_between_them_get_one(self) -> None:
        edited = document("<a>\n\n  <b/>\n\n  <c/>\n\n\n  <d/>\n</a>")
        edited.one("b").insert_after(New("x"))
        edited.one("d").insert_after(New("y"))
        edited.one("d").insert_after(New("z"))
        assert edited.result() == (b"<a>\n\n  <b/>\n\n  <x/>\n\n  <c/>\n\n\n  <d/>\n\n  <y/>\n\n  <z/>\n</a>")

    def test_blanks_at_the_end_of_a_line_stay_there(self) -> None:
        edited = document(
            "<a> \n  <b/>\t \n  <c/>  <!-- c --> \n  <d> \n  </d>\n  <e>\n   <!-- e --> \n  </e>\n</a>"
        )
        edited.root.prepend(New("a1"))
        edited.root.prepend(New("a0"))
        for name in ("b", "c"):
            edited.one(name).insert_after(New(name + "1"))
            edited.one(name).insert_after(New(name + "2"))
        edited.one("d").append(New("d1"))
        edited.one("d").prepend(New("d0"))
        edited.one("e").append(New("e1"))
        edited.one("b").remove()
        gone, come = changed(edited.data, edited.result())
        assert gone == [b"  <b/>\t \n"]
        names = ["a0", "a1", "b1", "b2", "c1", "c2", "d0", "d1", "e1"]
        assert [line.strip() for line in come] == [f"<{name}/>".encode() for name in names]

    def test_siblings_without_empty_lines_get_none(self) -> None:
        edited = document("<a>\n\n  <b/>\n  <c/>\n\n</a>")
        edited.one("c").insert_after(New("x"))
        assert edited.result() == b"<a>\n\n  <b/>\n  <c/>\n  <x/>\n\n</a>"

    def test_the_last_of_a_group_is_followed_directly(self) -> None:
        edited = document("<a>\n  <b/>\n  <c/>\n\n  <d/>\n</a>")
        edited.one("c").insert_after(New("x"))
        assert edited.result() == b"<a>\n  <b/>\n  <c/>\n  <x/>\n\n  <d/>\n</a>"

    def test_comments_above_belong_to_their_element(self) -> None:
        edited = document("<a>\n  <!-- b -->\n  <b/>\n\n  <!-- c -->\n  <c/>\n</a>")
        edited.one("c").insert_after(New("x"))
        edited.one("b").insert_after(New("y"))
        assert edited.result() == (
            b"<a>\n  <!-- b -->\n  <b/>\n\n  <y/>\n\n  <!-- c -->\n  <c/>\n\n  <x/>\n</a>"
        )

    def test_a_comment_on_the_same_line_stays_there(self) -> None:
        edited = document("<a>\n  <b/> <!-- about b --> <?b?>\n  <c/></a>")
        edited.one("b").insert_after(New("x"))
        assert edited.result() == b"<a>\n  <b/> <!-- about b --> <?b?>\n  <x/>\n  <c/></a>"

    def test_behind_an_element_that_shares_its_line(self) -> None:
        edited = document("<a>\n  <b/><c/>\n  <!-- d --> <d/>\n</a>")
        edited.one("c").insert_after(New("x", children=(New("y"),)))
        edited.one("d").insert_after(New("z"))
        assert edited.result() == b"<a>\n  <b/><c/><x><y/></x>\n  <!-- d --> <d/>\n  <z/>\n</a>"

    def test_the_step_of_the_indentation_is_that_of_the_neighbours(self) -> None:
        edited = document("<a>\n<b>\n   <c/>\n</b>\n<e/>\n</a>")
        edited.one("e").insert_after(New("x", children=(New("y"),)))
        assert edited.result().endswith(b"<e/>\n<x>\n   <y/>\n</x>\n</a>")
        flat = document("<a>\n<b>\n<c/>\n</b>\n</a>")
        flat.one("b").insert_after(New("x", children=(New("y"),)))
        assert flat.result().endswith(b"<x>\n<y/>\n</x>\n</a>")

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

    def test_what_was_inserted_can_be_edited_on(self) -> None:
        edited = document("<a>\n  <b/>\n</a>")
        new = edited.one("b").insert_after(New("c", {"d": "1"}, children=(New("e", text="1"), New("f"))))
        new.set("d", "2")
        new.one("e").set_text("&")
        new.one("f").append(New("g"))
        new.one("e").remove()
        new.one("f").insert_after(New("h", text=""))
        assert edited.result() == (
            b'<a>\n  <b/>\n  <c d="2">\n    <f>\n      <g/>\n    </f>\n    <h></h>\n  </c>\n</a>'
        )
        assert [edit.description for edit in edited.edits] == ["c: added"]

    def test_what_was_inserted_can_be_taken_out_again(self) -> None:
        edited = document("<a>\n  <b/>\n  <z/>\n</a>")
        first, second = (edited.one("b").insert_after(New(name)) for name in ("c", "d"))
        first.insert_after(New("c2"))
        first.remove()
        edited.one("b").insert_after(New("e"))
        assert edited.result() == b"<a>\n  <b/>\n  <c2/>\n  <d/>\n  <e/>\n  <z/>\n</a>"
        for name in ("c2", "e"):
            edited.one(name).remove()
        second.remove()
        assert edited.result() is edited.data

    def test_nothing_can_stand_beside_the_root(self) -> None:
        edited = document("<a/>")
        with pytest.raises(EditError, match="one root"):
            edited.root.insert_after(New("b"))
        with pytest.raises(EditError, match="root cannot be removed"):
            edited.root.remove()

    @pytest.mark.parametrize("name", ["a b", "", "1", "a:b", "<", "é", "xml version"])
    def test_no_element_of_an_impossible_name(self, name: str) -> None:
        edited = document("<a>\n  <b/>\n</a>")
        for new in (New(name), New("c", children=(New(name),)), New("c", {name + " ": "1"})):
            with pytest.raises(EditError):
                edited.one("b").insert_after(new)
        assert edited.result() is edited.data

    def test_text_and_children_at_once_are_refused(self) -> None:
        edited = document("<a><b/></a>")
        with pytest.raises(EditError, match="both"):
            edited.root.append(New("c", text="1", children=(New("d"),)))


class TestRemoval:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
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
        ],
    )
    def test_an_element_goes_with_its_line(self, before: str, after: str) -> None:
        edited = document(before)
        edited.one("b").remove()
        assert edited.result() == after.encode()

    def test_neighbours_go_together(self) -> None:
        edited = document("<a>\n\n  <b/>  \n\n  <b/>\n  <b/>\n\n  <c/>\n</a>")
        for each in edited.all("b"):
            each.remove()
        assert edited.result().endswith(b"\n  <c/>\n</a>")
        assert not edited.all("b")

    def test_all_replaced_by_others(self) -> None:
        source = "<a>\n  <members>\n    <member>\n      <port>1</port>\n    </member>\n  </members>\n</a>"
        edited = document(source)
        edited.one("members/member").remove()
        for port in ("2", "3"):
            edited.one("members").append(New("member", children=(New("port", text=port),)))
        two, three = source.replace("1", "2"), source.replace("1", "3")
        member = three[three.index("    <member>") : three.index("  </members>")]
        assert edited.result() == two.replace("  </members>", member + "  </members>").encode()

    def test_edits_inside_of_what_goes_are_forgotten(self) -> None:
        edited = document("<a>\n  <b>\n    <c>1</c>\n  </b>\n  <d/>\n</a>")
        edited.one("b/c").set_text("2")
        edited.one("b/c").insert_after(New("x"))
        edited.one("b").set("y", "1")
        edited.one("b").remove()
        assert edited.result() == b"<a>\n  <d/>\n</a>"
        assert [edit.description for edit in edited.edits] == ["b: removed"]

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

    def test_removed_twice_is_a_mistake(self) -> None:
        edited = document("<a>\n  <b/>\n</a>")
        new = edited.one("b").insert_after(New("c"))
        new.remove()
        with pytest.raises(EditError, match="removed before"):
            new.remove()


class TestDescriptions:
    def descriptions(self, edited: XmlDocument) -> list[str]:
        edited.result()
        return [edit.description for edit in edited.edits]

    def test_the_path_starts_at_the_nearest_ancestor_with_a_name(self) -> None:
        edited = document(EVENT_PROCESSOR)
        edited.one("mode[@name='HA']").set("enable", "true")
        edited.one("mode[@name='HA']/eventSync/hostName").set_text("10.0.0.1")
        edited.one("mode[@name='HA']/eventSync").append(New("x", text="1"))
        edited.one("mode[@name='Single']").remove()
        assert self.descriptions(edited) == [
            "mode[HA]/@enable: false → true",
            "mode[HA]/eventSync/hostName: 0.0.0.0 → 10.0.0.1",
            "mode[HA]/eventSync/x: added (1)",
            "mode[Single]: removed",
        ]

    def test_a_caller_can_name_it_otherwise(self) -> None:
        edited = document("<a><b>1</b><c/></a>")
        edited.one("b").set_text("2", note=Note("the port"))
        edited.one("b").set("x", "", note=Note("the x"))
        edited.one("b").insert_after(New("d"), note=Note("the d"))
        edited.one("c").remove(note=Note("the c"))
        assert self.descriptions(edited) == [
            "the port: 1 → 2",
            'the x: (none) → ""',
            "the d: added",
            "the c: removed",
        ]

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
        found = " ".join(self.descriptions(edited))
        assert "old" not in found
        assert "new" not in found
        assert found.count("******** → ********") == 6
        assert "user[n]: added (n, ********)" in found
        assert "new" not in repr(edited.edits)

    def test_passwords_inside_of_other_values_are_masked(self) -> None:
        edited = document("<a><url>jdbc:mysql://u:geheim@h/db?user=u&amp;password=geheim&amp;x=1</url></a>")
        edited.one("url").set_text("jdbc:mysql://h/db?trustCertificateKeyStorePassword=geheim&y=2")
        assert self.descriptions(edited) == [
            "url: jdbc:mysql://u:********@h/db?user=u&password=********&x=1"
            " → jdbc:mysql://h/db?trustCertificateKeyStorePassword=********&y=2"
        ]

    def test_the_splices_of_all_edits_make_the_result(self) -> None:
        edited = document(EVENT_PROCESSOR)
        edited.one("mode[@name='HA']").set("enable", "true")
        edited.one("mode[@name='HA']").set("new", "1")
        first = edited.one("mode[@name='HA']").insert_after(New("x"))
        edited.one("mode[@name='HA']").insert_after(New("z"))
        first.insert_after(New("y"))
        edited.one("mode[@name='Single']").remove()
        edited.root.append(New("end"))
        assert splice(edited.data, [s for edit in edited.edits for s in edit.splices]) == edited.result()
        assert len(edited.edits) == 7


class TestVerification:
    def test_a_result_that_is_not_the_tree_that_was_meant_is_never_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edited = document("<a>\n  <b>1</b>\n  <password>geheim</password>\n</a>")
        edited.one("b").set_text("2")
        monkeypatch.setattr("wizard.edit.markup.text_bytes", lambda *_: b"<wrong/>")
        with pytest.raises(EditError, match="nothing is written") as refused:
            edited.result()
        assert "geheim" not in str(refused.value)
        monkeypatch.setattr("wizard.edit.markup.text_bytes", lambda *_: b"not <well-formed")
        with pytest.raises(EditError, match="nothing is written"):
            edited.result()

    def test_a_namespace_that_c14n_does_not_know(self) -> None:
        edited = document('<a xmlns="relative"><b/></a>')
        edited.one("b").set_text("1")
        assert edited.result() == b'<a xmlns="relative"><b>1</b></a>'

    def test_editing_goes_on_after_a_result(self) -> None:
        edited = document("<a>\n  <b>1</b>\n  <c/>\n</a>")
        edited.one("b").set_text("2")
        edited.one("c").remove()
        assert edited.result() == b"<a>\n  <b>2</b>\n</a>"
        edited.one("b").insert_after(New("d"))
        assert edited.result() == b"<a>\n  <b>2</b>\n  <d/>\n</a>"
        assert edited.result() is edited.result()


def lines_that_change(before: bytes, after: bytes) -> int:
    """Lines removed plus lines added, as a unified diff without context counts them."""
    diff = difflib.unified_diff(
        before.decode("iso-8859-1").splitlines(True), after.decode("iso-8859-1").splitlines(True), n=0
    )
    return sum(line[0] in "+-" for line in list(diff)[2:])


class TestNoNoise:
    """A careful person's edit of node 1 of the stock 2.0.0 pack, both hosts 127.0.0.1; and of the others."""

    @pytest.fixture
    def conf(self, packs: Path) -> Path:
        return packs / "apim-analytics-2.0.0" / "repository" / "conf"

    def open(self, file: Path) -> XmlDocument:
        return XmlDocument(file.read_bytes(), file.name)

    def test_axis2(self, conf: Path) -> None:
        edited = self.open(conf / "axis2/axis2.xml")
        clustering = edited.one(
            "clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
        )
        clustering.set("enable", "true")
        for name, value in {
            "membershipScheme": "wka",
            "domain": "wso2.carbon.domain",
            "localMemberHost": "127.0.0.1",
            "localMemberPort": "4000",
        }.items():
            clustering.one("parameter[@name=$name]", name=name).set_text(value)
        clustering.one("parameter[@name='properties']/property[@name='subDomain']").set("value", "worker")
        clustering.one("members/member").insert_after(
            New("member", children=(New("hostName", text="127.0.0.1"), New("port", text="4001")))
        )
        assert lines_that_change(edited.data, edited.result()) == 8
        assert edited.result().count(b"\r\n") == edited.result().count(b"\n") == edited.data.count(b"\n") + 4

    def test_event_processor(self, conf: Path) -> None:
        edited = self.open(conf / "event-processor.xml")
        ha = edited.one("mode[@name='HA']")
        ha.set("enable", "true")
        edited.one("mode[@name='Distributed']").set("enable", "false")
        ha.one("nodeType/worker").set("enable", "true")
        for part, port in (("eventSync", "11224"), ("management", "10005")):
            ha.one(f"{part}/hostName").set_text("127.0.0.1")
            ha.one(f"{part}/port").set_text(port)
        assert lines_that_change(edited.data, edited.result()) == 6

    def test_registry(self, conf: Path) -> None:
        edited = self.open(conf / "registry.xml")
        behind = edited.one("dbConfig[@name='wso2registry']")
        values = {
            "id": "gov",
            "cacheId": "apim@jdbc:mysql://127.0.0.1:3306/regdb",
            "dbConfig": "govregistry",
            "readOnly": "false",
            "enableCache": "true",
            "registryRoot": "/",
        }
        behind.insert_after(
            New("dbConfig", {"name": "govregistry"}, children=(New("dataSource", text="jdbc/WSO2REG_DB"),))
        )
        behind.insert_after(
            New(
                "remoteInstance",
                {"url": "https://localhost:9443/registry"},
                children=tuple(New(name, text=value) for name, value in values.items()),
            )
        )
        for path in ("/_system/governance", "/_system/config"):
            children = (New("instanceId", text="gov"), New("targetPath", text=path))
            behind.insert_after(New("mount", {"path": path, "overwrite": "true"}, children=children))
        assert lines_that_change(edited.data, edited.result()) == 23

    def test_master_datasources(self, conf: Path) -> None:
        edited = self.open(conf / "datasources/master-datasources.xml")
        last = edited.one("datasources/datasource[name='WSO2_CARBON_DB']")
        for name in ("WSO2UM_DB", "WSO2REG_DB"):
            configuration = tuple(New(f"element{number}", text="1") for number in range(9))
            last.insert_after(
                New(
                    "datasource",
                    children=(
                        New("name", text=name),
                        New("description", text="The datasource"),
                        New("jndiConfig", children=(New("name", text=f"jdbc/{name}"),)),
                        New(
                            "definition",
                            {"type": "RDBMS"},
                            children=(New("configuration", children=configuration),),
                        ),
                    ),
                )
            )
        assert lines_that_change(edited.data, edited.result()) == 42

    def test_analytics_datasources(self, conf: Path) -> None:
        edited = self.open(conf / "datasources/analytics-datasources.xml")
        for configuration in edited.all("datasources/datasource/definition/configuration"):
            for name in ("url", "username", "driverClassName"):
                configuration.one(name).set_text("new")
            configuration.one("password").set_text(Secret("new"))
            configuration.one("maxActive").set_text("50")
            configuration.one("maxWait").insert_after(New("testOnBorrow", text="true"))
            configuration.one("validationQuery").insert_after(New("validationInterval", text="30000"))
        assert lines_that_change(edited.data, edited.result()) == 20

    def test_user_mgt(self, conf: Path) -> None:
        edited = self.open(conf / "user-mgt.xml")
        edited.one("Realm/Configuration/Property[@name='dataSource']").set_text("jdbc/WSO2UM_DB")
        assert lines_that_change(edited.data, edited.result()) == 2

    @pytest.mark.parametrize("pack", PACKS)
    def test_every_pack_takes_a_new_mount_as_lines_of_its_own(self, packs: Path, pack: str) -> None:
        edited = self.open(packs / pack / "repository/conf/registry.xml")
        edited.one("dbConfig[@name='wso2registry']").insert_after(
            New("mount", {"path": "/x"}, children=(New("a"),))
        )
        gone, come = changed(edited.data, edited.result())
        assert gone == []
        assert sorted(come) == sorted(
            [b"\n", b'    <mount path="/x">\n', b"        <a/>\n", b"    </mount>\n"]
        )
