"""Any edit of any element, of made-up documents and of the real ones: no byte outside of it changes, and the
tree that comes out is the one that lxml's own edit yields."""

from __future__ import annotations

import copy
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support.documents import documents, spans
from tests.support.headless import PACKS
from wizard.edit.xml import New, XmlDocument, XmlElement
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError

BLANKS = " \t\r\n"

quick = settings(max_examples=80, suppress_health_check=list(HealthCheck))

# Everything that XML can hold, the awkward characters more often than not.
values = st.text(
    st.one_of(
        st.sampled_from("ab1 <>&\"'\n\t\r]=ä€漢😀"),
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
    ),
    max_size=12,
)


def tree_of(data: bytes) -> etree._ElementTree:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False)).getroottree()


def canonical(tree: etree._ElementTree) -> bytes:
    return etree.tostring(tree, method="c14n", with_comments=True)


def without_blanks(tree: etree._ElementTree) -> bytes:
    """The tree without text that is only blanks, and without those at the ends of other text."""
    bare = copy.deepcopy(tree)
    for node in bare.getroot().iter():
        if isinstance(node.tag, str):
            node.text = (node.text or "").strip(BLANKS) or None
        node.tail = (node.tail or "").strip(BLANKS) or None
    return canonical(bare)


def elements_of(tree: etree._ElementTree) -> list[etree._Element]:
    return list(tree.getroot().iter("*"))


def take_out(node: etree._Element) -> None:
    """Removes a node by lxml's own means; its tail stays."""
    parent, previous, tail = node.getparent(), node.getprevious(), node.tail or ""
    parent.remove(node)
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail


def pick(data: st.DataObject, source: bytes) -> tuple[XmlDocument, XmlElement, int]:
    """A document, one of its elements, and the number of that in document order."""
    document = XmlDocument(source, "made-up.xml")
    everything = elements_of(document.root.node.getroottree())
    number = data.draw(st.integers(0, len(everything) - 1), label="element")
    return document, XmlElement(document, everything[number]), number


def same(source: bytes, number: int) -> XmlElement:
    """The element of that number, in a document of its own."""
    document = XmlDocument(source, "made-up.xml")
    return XmlElement(document, elements_of(document.root.node.getroottree())[number])


def is_insertion(shorter: bytes, longer: bytes, first: int = 0) -> bool:
    """Whether `longer` is `shorter` with something put in at one place, not before `first`."""
    cuts = (at for at in range(first, len(shorter) + 1) if longer.startswith(shorter[:at]))
    return len(longer) >= len(shorter) and any(longer.endswith(shorter[at:]) for at in cuts)


@quick
@given(documents(), st.data())
def test_a_new_value_changes_only_the_content_or_the_start_tag(made: bytes, data: st.DataObject) -> None:
    document, element, number = pick(data, made)
    name = data.draw(st.sampled_from(["", "name", "enable", "url", "id", "value", "new"]), label="attribute")
    value = data.draw(values, label="value")
    assume(name or not element.children)
    there = element.get(name) if name else element.text
    edit = (lambda one: one.set(name, value)) if name else (lambda one: one.set_text(value))
    edit(element)
    result = document.result()

    start, content, end, behind = spans(made)[number]
    if name:
        assert result.startswith(made[: start + 1])
        assert result.endswith(made[content:])
        assert there is not None or is_insertion(made, result, start)
    elif content == behind and value:
        assert result.startswith(made[:content].removesuffix(b"/>").rstrip() + b">")
        assert result.endswith(made[behind:])
    else:
        assert result.startswith(made[:content])
        assert result.endswith(made[end:])
    assert there != value or result is made
    intended = tree_of(made)
    node, edited = elements_of(intended)[number], elements_of(tree_of(result))[number]
    if not name and len(node):
        text = (edited.text or "") + "".join(child.tail or "" for child in edited)
        assert text.strip(BLANKS) == value.strip(BLANKS)
        bare = [[etree.tostring(each, with_tail=False) for each in one] for one in (edited, node)]
        assert bare[0] == bare[1]
    else:
        node.set(name, value) if name else setattr(node, "text", value)
        assert canonical(tree_of(result)) == canonical(intended)
    again = same(result, number)
    edit(again)
    assert again.document.result() is result


@quick
@given(documents(), st.data())
def test_an_insertion_adds_bytes_at_one_place(made: bytes, data: st.DataObject) -> None:
    document, element, number = pick(data, made)
    how = data.draw(st.sampled_from(["insert_after", "append", "prepend"]), label="how")
    name, text = data.draw(values, label="name"), data.draw(values, label="text")
    new = New("brandNew", {"name": name}, children=(New("brandNewChild", text=Secret(text)), New("empty")))
    live = [elements_of(document.root.node.getroottree()).index(child.node) for child in element.children]
    try:
        getattr(element, how)(new)
    except EditError:
        assert (number == 0) if how == "insert_after" else (not live and element.text.strip(BLANKS))
        assert document.result() is made
        return
    result = document.result()

    edited = tree_of(result)
    everything = elements_of(edited)
    (added,) = [each for each in everything if etree.QName(each).localname == "brandNew"]
    old = [each for each in everything if each is not added and added not in each.iterancestors()]
    parent = old[number].getparent() if how == "insert_after" else old[number]
    last = old[live[-1]] if how == "append" and live else None
    behind = old[number] if how == "insert_after" else last
    assert added.getparent() is parent
    assert next(added.itersiblings("*", preceding=True), None) is behind
    assert etree.QName(added).namespace == etree.QName(parent).namespace
    child, empty = added
    assert (added.get("name"), child.text or "", len(empty)) == (name, text, 0)
    take_out(added)
    assert without_blanks(edited) == without_blanks(tree_of(made))

    _, content, end, after = spans(made)[number]
    node = elements_of(tree_of(made))[number]
    is_blank = not len(node) and not (node.text or "").strip(BLANKS)
    if how != "insert_after" and content == after:
        assert result.startswith(made[:content].removesuffix(b"/>").rstrip() + b">")
        assert result.endswith(made[after:])
    elif how != "insert_after" and is_blank:
        assert result.startswith(made[:content])
        assert result.endswith(made[end:])
    else:
        assert is_insertion(made, result)
    if b"\r\n" in made:
        assert b"\n" not in result.replace(b"\r\n", b"")
    start = spans(made)[number][0]
    stands_alone = re.search(rb"[\r\n][ \t]*\Z", made[:start]) and re.match(rb"[ \t]*[\r\n]", made[after:])
    if how == "insert_after" and stands_alone:  # then no line that was there changes
        assert not Counter(made.splitlines(True)) - Counter(result.splitlines(True))


@quick
@given(documents(), st.data())
def test_a_removal_takes_bytes_from_one_place(made: bytes, data: st.DataObject) -> None:
    document, element, number = pick(data, made)
    assume(number)
    element.remove()
    result = document.result()

    start, _, _, behind = spans(made)[number]
    lost = len(made) - len(result)
    cuts = range(max(0, behind - lost), start + 1)
    cuts = [at for at in cuts if result == made[:at] + made[at + lost :]]
    assert cuts
    assert not (made[cuts[-1] : start] + made[behind : cuts[-1] + lost]).strip()
    intended = tree_of(made)
    take_out(elements_of(intended)[number])
    assert without_blanks(tree_of(result)) == without_blanks(intended)


@settings(quick, max_examples=100)
@given(documents(), st.data())
def test_edits_of_one_document_do_not_disturb_each_other(made: bytes, data: st.DataObject) -> None:
    """Every mixture, also of edits in what was inserted just now; lxml does the same on a second tree."""
    document = XmlDocument(made, "made-up.xml")
    intended = tree_of(made)
    mine = [XmlElement(document, node) for node in elements_of(document.root.node.getroottree())]
    pairs = list(zip(mine, elements_of(intended), strict=True))
    for number in range(data.draw(st.integers(1, 8), label="edits")):
        element, twin = pairs[data.draw(st.integers(0, len(pairs) - 1), label="element")]
        edit = data.draw(
            st.sampled_from(["set_text", "set", "insert_after", "append", "prepend", "remove", "result"]),
            label="edit",
        )
        value = data.draw(values, label="value")
        new = New("new", {"number": str(number)}, children=(New("port", text=value),) if value else None)
        try:
            match edit:
                case "set_text":
                    element.set_text(value)
                    set_text(twin, value)
                case "set":
                    element.set("name", value)
                    twin.set("name", value)
                case "remove":
                    element.remove()
                    pairs = [(e, t) for e, t in pairs if t is not twin and twin not in t.iterancestors()]
                    take_out(twin)
                case "result":
                    document.result()
                case _:
                    made_by_lxml = insert(twin, edit, number, value)
                    pairs.append((getattr(element, edit)(new), made_by_lxml))
        except EditError as refused:
            assert "nothing is written" not in str(refused)
            if edit in ("append", "prepend", "insert_after") and made_by_lxml is not None:
                take_out(made_by_lxml)
    result = document.result()
    assert elements_and_values(tree_of(result)) == elements_and_values(intended)


def set_text(node: etree._Element, value: str) -> None:
    for child in node:
        child.tail = None
    node.text = value


def insert(node: etree._Element, how: str, number: int, value: str) -> etree._Element | None:
    """What the editor's insertions mean, by lxml's means; the order of sisters does not count."""
    parent = node.getparent() if how == "insert_after" else node
    if parent is None:
        return None
    namespace = etree.QName(node).namespace
    prefix = f"{{{namespace}}}" if namespace else ""
    made = etree.SubElement(parent, f"{prefix}new", {"number": str(number)})
    if value:
        etree.SubElement(made, f"{prefix}port").text = value
    return made


def elements_and_values(tree: etree._ElementTree) -> list[object]:
    """Of each element: its name, its ancestors, its attributes and its text; not the order of sisters."""
    found = []
    for node in tree.getroot().iter("*"):
        text = "".join(((node.text or "") + "".join(child.tail or "" for child in node)).split())
        path = [etree.QName(each).localname for each in node.iterancestors()]
        found.append((path, node.tag, sorted(node.attrib.items()), text))
    return sorted(found, key=repr)


@pytest.mark.parametrize("pack", PACKS)
def test_every_element_of_every_real_file(packs: Path, pack: str) -> None:
    files = sorted((packs / pack).rglob("*.xml"))
    assert len(files) >= 9
    for file in files:
        source = file.read_bytes()
        places = spans(source)
        assert XmlDocument(source, file.name).result() is source
        for number, (start, content, end, behind) in enumerate(places):
            element = same(source, number)
            element.set("enable", 'a "new" <value> & ä')
            result = element.document.result()
            assert result.startswith(source[: start + 1])
            assert result.endswith(source[content:])
            if element.children:
                element.append(New("added", text="1"))
            else:
                element.set_text("new & <value> ä")
            result = element.document.result()
            assert result.startswith(source[: start + 1])
            assert result.endswith(source[end:])
            if number:
                element = same(source, number)
                element.remove()
                result = element.document.result()
                assert result.startswith(source[:start].rstrip())
                assert result.endswith(source[behind:].lstrip(b" \t"))
