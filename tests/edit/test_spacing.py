"""The blanks between the nodes of a tree."""

from __future__ import annotations

import pytest
from lxml import etree

from wizard.edit import spacing


def first(text: str, name: str) -> etree._Element:
    return next(etree.fromstring(text).getroottree().iter(name))


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
    assert spacing.indentation(first(text, "b"), "") == indentation


def test_the_indentation_of_the_root_is_given() -> None:
    assert spacing.indentation(first("<a/>", "a"), None) is None
    assert spacing.indentation(first("<a/>", "a"), "") == ""


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
    assert spacing.unit(first(text, "b"), "") == unit


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
    assert spacing.is_spaced(found, found) == is_spaced


def test_taken_out_and_put_in_again_is_as_before() -> None:
    root = etree.fromstring("<a>\n  <x/>\n  <b/>  \n  <y/>\n</a>")
    before = etree.tostring(root)
    taken = root[1]
    spacing.take_out(taken, "\n  ", "  ")
    assert etree.tostring(root) == b"<a>\n  <x/>\n  <y/>\n</a>"
    spacing.put_in(root, root[0], taken, "", "\n  ")
    root[1].tail = "  " + root[1].tail
    assert etree.tostring(root) == before
