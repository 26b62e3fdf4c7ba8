"""New elements: as nodes of the tree, and as bytes of the file."""

from __future__ import annotations

import pytest
from lxml import etree

from wizard.edit import new as new_elements
from wizard.edit.new import New
from wizard.passwords.secret import Secret

NEW = New(
    "datasource",
    {"type": "RDBMS"},
    children=(
        New("name", text='a<b&"c'),
        New("password", text=Secret("ä€")),
        New("definition", children=(New("empty"), New("blank", text=""))),
    ),
)


def made(parent: etree._Element, new: New, indentation: str | None) -> etree._Element:
    node = new_elements.make(new, parent)
    parent.append(node)
    list(new_elements.fill(node, new, indentation, "  "))
    return node


def test_each_child_gets_a_line_in_the_style_of_the_file() -> None:
    node = made(etree.fromstring("<a/>"), NEW, "\t")
    assert new_elements.rendered(node, "iso8859-1", "\r\n") == (
        b'<datasource type="RDBMS">\r\n\t  <name>a&lt;b&amp;"c</name>\r\n'
        b"\t  <password>\xe4&#8364;</password>\r\n\t  <definition>\r\n"
        b"\t    <empty/>\r\n\t    <blank></blank>\r\n\t  </definition>\r\n\t</datasource>"
    )


def test_all_on_one_line() -> None:
    node = made(etree.fromstring("<a/>"), New("b", children=(New("c"), New("d", text="1"))), None)
    assert new_elements.rendered(node, "utf-8", "\n") == b"<b><c/><d>1</d></b>"


def test_namespaces_and_prefixes_are_those_of_the_parent() -> None:
    parent = etree.fromstring('<p:a xmlns:p="urn:p" xmlns:s="urn:s"/>')
    node = made(parent, New("b", {"s:alias": "1", "xml:lang": "en", "plain": "\n\"'"}, text="x"), None)
    assert new_elements.rendered(node, "utf-8", "\n") == (
        b'<p:b s:alias="1" xml:lang="en" plain="&#10;&quot;\'">x</p:b>'
    )
    assert parent[0].tag == "{urn:p}b"


def test_every_value_is_reported_with_its_place() -> None:
    parent = etree.fromstring("<a/>")
    node = new_elements.make(NEW, parent)
    parent.append(node)
    reported = list(new_elements.fill(node, NEW, None, ""))
    assert [(etree.QName(n).localname, attribute) for n, attribute, _ in reported] == [
        ("datasource", "type"),
        ("name", ""),
        ("password", ""),
        ("blank", ""),
    ]
    assert isinstance(reported[2][2], Secret)


@pytest.mark.parametrize(
    "new",
    [
        New("a b"),
        New(""),
        New("a", {"b c": "1"}),
        New("a", {"nope:b": "1"}),
        New("a", {"xmlns": "urn:x"}),
        New("a", text="\0"),
        New("a", {"b": "\x01"}),
        New("a", text="1", children=()),
        New("a", children=(New("b", children=(New("<"),)),)),
    ],
)
def test_what_cannot_be_written_is_found_before_anything_is_made(new: New) -> None:
    with pytest.raises(ValueError, match=r"name|hold|declared"):
        new_elements.check(new, etree.fromstring("<a/>"))
