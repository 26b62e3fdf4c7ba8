"""Paths to elements: what is one, and that no value breaks out of its predicate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.edit.xml import XmlDocument
from wizard.pack.xml import Predicate, Segment, parse_path, path_text

NO_PATHS = [
    "",
    "/a",
    "a/",
    "/",
    "a//b",
    "a[",
    "a]",
    "a[]",
    "a[@b='c]",
    "a[@b='c'",
    "a[b=c]",
    "a[@b=1]",
    "a b",
    "a[1]",
]
NO_PATHS += ["//a", "..", ".", "a/@b", "a[@b='c']x", "a[@b='c' or 'd']", "1a", "a|b", "a[@b=$]"]


def test_names_and_predicates() -> None:
    assert parse_path("mode[@name='HA'][@enable]/event-Sync.x/*[name=\"it's\"][@svns:alias='']", {}) == (
        Segment("mode", (Predicate("name", True, "HA"), Predicate("enable", True, None))),
        Segment("event-Sync.x", ()),
        Segment("*", (Predicate("name", False, "it's"), Predicate("svns:alias", True, ""))),
    )


def test_a_value_may_hold_what_separates() -> None:
    found = parse_path("a[@b='/x[1]/y']/c", {})
    assert found == (Segment("a", (Predicate("b", True, "/x[1]/y"),)), Segment("c", ()))


def test_values_by_name() -> None:
    assert parse_path("a[@b=$x][c=$y]", {"x": "']", "y": "$x"}) == (
        Segment("a", (Predicate("b", True, "']"), Predicate("c", False, "$x"))),
    )


@pytest.mark.parametrize("path", NO_PATHS)
def test_what_is_no_path_is_a_mistake_of_the_program(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_path(path, {})


def test_a_value_that_was_not_given_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"no value for \$x"):
        parse_path("b[@c=$x]", {"y": "1"})


@pytest.mark.parametrize("path", ["a/b", "a[@b='c']/d[e=\"f'\"]/*", "a[@b][c]"])
def test_a_path_reads_as_it_was_written(path: str) -> None:
    assert path_text(parse_path(path, {})) == path


@settings(max_examples=200)
@given(st.text(max_size=20), st.sampled_from(["b[@c=$v]", "b[c=$v]", "b[@c=$v]/d", "*[@c=$v]"]))
def test_no_value_is_taken_for_a_path(value: str, path: str) -> None:
    document = XmlDocument(b"<a><b c='1'><d/></b></a>", "file.xml")
    assert (document.find(path, v=value) is not None) == (value == "1" and "[@c" in path)
