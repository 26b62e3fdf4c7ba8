"""Questions about the nodes of a tree: how people call them."""

from __future__ import annotations

import pytest
from lxml import etree

from wizard.pack import xml_nodes


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
    assert xml_nodes.label(first(text, name)) == label
    assert xml_nodes.label(first(text, name), "x") == f"{label}/@x"
