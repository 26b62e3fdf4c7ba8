"""Questions about the nodes of a tree: how people call them, and how they are laid out."""

from __future__ import annotations

import pytest
from lxml import etree

from wizard.edit import nodes


def first(text: str, name: str) -> etree._Element:
    return next(etree.fromstring(text).getroottree().iter(name))


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("<a><b/></a>", "a", "a"),
        ("<a><b/></a>", "b", "b"),
        ("<a><b><c><d/></c></b></a>", "d", "b/c/d"),
        ("<a><mode name='HA'><c><d/></c></mode></a>", "d", "mode[HA]/c/d"),
        ("<a><b><property name='x'/></b></a>", "property", "b/property[x]"),
        ("<a><ds><name>DB</name><c><url/></c></ds></a>", "url", "ds[DB]/c/url"),
        ("<a><ds><c><id> 1 </id><url/></c></ds></a>", "url", "c[1]/url"),
        ("<a xmlns='urn:x'><mount path='/p'/></a>", "{urn:x}mount", "mount[/p]"),
        ("<a><b name=''><c/></b></a>", "c", "b/c"),
    ],
)
def test_a_label_starts_at_the_nearest_ancestor_with_a_name(text: str, name: str, label: str) -> None:
    assert nodes.label(first(text, name)) == label
    assert nodes.label(first(text, name), "x") == f"{label}/@x"


@pytest.mark.parametrize(
    ("text", "indentation"),
    [
        ("<a>\n  <b/></a>", "  "),
        ("<a>\n\n\t<b/></a>", "\t"),
        ("<a>\n<b/></a>", ""),
        ("<a><b/></a>", None),
        ("<a>\n  <x/><b/></a>", None),
        ("<a>\n  <!-- x --> <?y?> <b/></a>", "  "),
        ("<a>\n  <!-- x\n --> <b/></a>", None),
        ("<a>\n  text <b/></a>", None),
        ("<a>text\n  <b/></a>", "  "),
    ],
)
def test_the_indentation_of_a_line(text: str, indentation: str | None) -> None:
    assert nodes.indentation(first(text, "b"), "") == indentation


def test_the_indentation_of_the_root_is_given() -> None:
    assert nodes.indentation(first("<a/>", "a"), None) is None
    assert nodes.indentation(first("<a/>", "a"), "") == ""


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("<a>\n  <b/></a>", "  "),
        ("<a>\n\t<b/></a>", "\t"),
        ("<a>\n  <b>\n   <c/></b></a>", " "),
        ("<a>\n  <x>\n     <y/></x>\n  <b/></a>", "   "),
        ("<a>\n<b/></a>", ""),
        ("<a><b/></a>", "    "),
        ("<a>\n<z>\n<b/></z>\n<x>\n  <y/></x></a>", "  "),
    ],
)
def test_the_step_of_the_indentation(text: str, unit: str) -> None:
    assert nodes.unit(first(text, "b"), "") == unit


@pytest.mark.parametrize(
    ("text", "is_spaced"),
    [
        ("<a>\n <x/>\n\n <b/>\n\n <y/></a>", True),
        ("<a>\n <x/>\n\n <b/>\n <y/></a>", False),
        ("<a>\n <x/>\n <b/>\n\n <y/></a>", False),
        ("<a>\n <x/>\n \n <b/>\n</a>", True),
        ("<a>\n\n <b/>\n</a>", True),
        ("<a>\n\n <b/>\n <y/>\n</a>", False),
        ("<a>\n <b/>\n\n</a>", False),
        ("<a>\n <x/>\n\n <!-- b -->\n <b/>\n</a>", True),
        ("<a>\n <!-- b -->\n <b/>\n\n <y/></a>", True),
    ],
)
def test_whether_empty_lines_separate_an_element_from_its_neighbours(text: str, is_spaced: bool) -> None:
    found = first(text, "b")
    assert nodes.is_spaced(found, found) == is_spaced


def test_taken_out_and_put_in_again_is_as_before() -> None:
    root = etree.fromstring("<a>\n  <x/>\n  <b/>  \n  <y/>\n</a>")
    before = etree.tostring(root)
    taken = root[1]
    nodes.take_out(taken, "\n  ", "  ")
    assert etree.tostring(root) == b"<a>\n  <x/>\n  <y/>\n</a>"
    nodes.put_in(root, root[0], taken, "\n  ")
    root[1].tail = "  " + root[1].tail
    assert etree.tostring(root) == before
    with pytest.raises(ValueError, match="blanks"):
        nodes.take_out(root[0], "\t", "")
