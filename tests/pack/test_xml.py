"""Paths to elements, what elements are called, and that no value breaks out of its predicate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from wizard.edit.xml import XmlDocument
from wizard.pack import xml_tree
from wizard.pack.xml import Predicate, Segment, parse_path, path_text

# fmt: off
NO_PATHS = ["", "/a", "a/", "/", "a//b", "a[", "a]", "a[]", "a[@b='c]", "a[@b='c'", "a[b=c]", "a[@b=1]", "a b", "a[1]",
    "//a", "..", ".", "a/@b", "a[@b='c']x", "a[@b='c' or 'd']", "1a", "a|b", "a[@b=$]", "a\n"]
# fmt: on


def test_names_and_predicates() -> None:
    assert parse_path("mode[@name='HA'][@enable]/event-Sync.x/*[name=\"it's\"][@svns:alias='']", {}) == (
        Segment("mode", (Predicate("name", True, "HA"), Predicate("enable", True, None))),
        Segment("event-Sync.x", ()),
        Segment("*", (Predicate("name", False, "it's"), Predicate("svns:alias", True, ""))),
    )


def test_a_value_may_hold_what_separates_and_may_have_a_name() -> None:
    found = parse_path("a[@b='/x[1]/y']/c", {})
    assert found == (Segment("a", (Predicate("b", True, "/x[1]/y"),)), Segment("c", ()))
    assert parse_path("a[@b=$x][c=$y]", {"x": "']", "y": "$x"}) == (
        Segment("a", (Predicate("b", True, "']"), Predicate("c", False, "$x"))),
    )


def test_what_is_no_path_or_lacks_a_value_is_a_mistake_of_the_program() -> None:
    for path in NO_PATHS:
        with pytest.raises(ValueError, match="not a path"):
            parse_path(path, {})
    with pytest.raises(ValueError, match=r"no value for \$x"):
        parse_path("b[@c=$x]", {"y": "1"})
    for path in ("a/b", "a[@b='c']/d[e=\"f'\"]/*", "a[@b][c]"):
        assert path_text(parse_path(path, {})) == path


@settings(max_examples=200)
@given(st.text(max_size=20), st.sampled_from(["b[@c=$v]", "b[c=$v]", "b[@c=$v]/d", "*[@c=$v]"]))
def test_no_value_is_taken_for_a_path(value: str, path: str) -> None:
    document = XmlDocument(b"<a><b c='1'><d/></b></a>", "file.xml")
    assert (document.find(path, v=value) is not None) == (value == "1" and "[@c" in path)


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
    assert xml_tree.label(first(text, name)) == label
    assert xml_tree.label(first(text, name), "x") == f"{label}/@x"
