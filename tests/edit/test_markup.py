"""Broken files, and files made to break a parser: an EditError with the place and a fix, and nothing else."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.documents import documents
from tests.support.fuzz import no_hang
from wizard.edit.xml import New, XmlDocument
from wizard.system.errors import EditError

BOMB = (
    '<?xml version="1.0"?>\n<!-- a comment -->\n  <!DOCTYPE a [\n <!ENTITY e0 "ha">\n'
    + "".join(f' <!ENTITY e{n} "{f"&e{n - 1};" * 10}">\n' for n in range(1, 12))
    + "]>\n<a>&e11;</a>"
)


MANY = b" " * 1_000_000
WIDE = {
    "wide": b"<a>" + b"<b c='1'>2</b>\n" * 20_000 + b"</a>",
    "deep": b"<a>" * 200 + b"</a>" * 200,
    "blanks in tags": b"<a?><b?c?=?'1'?/></a?>".replace(b"?", MANY),
    "blanks between tags": b"<a>" + MANY + b"\n" + MANY + b"<b/>" + MANY + b"\n" + MANY + b"</a>",
    "comments": b"<a>\n<b/>" + b"<!-- c -->" * 20_000 + b"\n</a>",
}


def edited(data: bytes) -> bytes | None:
    """The file with an edit of its root and of its first element; None if that was refused as it should be."""
    try:
        document = XmlDocument(data, "hostile.xml")
        document.root.set("new", "1")
        for element in document.root.children[:1]:
            element.insert_after(New("added", text="1"))
        return document.result()
    except EditError as refused:
        assert refused.place
        assert refused.place.startswith("hostile.xml")
        assert refused.fix
        return None


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (BOMB, "3:3"),
        (BOMB.replace("\n", "\r\n"), "3:3"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "1:1"),
        ('<!DOCTYPE a PUBLIC "x" "http://127.0.0.1:1/x.dtd"><a/>', "1:1"),
        ('<!-- <!DOCTYPE b> --><!DOCTYPE a [<!ENTITY % p SYSTEM "x"> %p;]><a/>', "1:22"),
        ("\ufeff<?pi?>\n<!DOCTYPE a><a/>", "2:1"),
    ],
)
def test_a_doctype_is_refused_with_its_place_before_anything_of_it_is_read(source: str, place: str) -> None:
    tracemalloc.start()
    with pytest.raises(EditError, match="DOCTYPE") as refused:
        XmlDocument(source.encode(), "hostile.xml")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.place == f"hostile.xml:{place}"
    assert refused.value.fix
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "source", ["<!-- <!DOCTYPE a> --><a/>", "<a><![CDATA[<!DOCTYPE a>]]></a>", "<a b='&lt;!DOCTYPE'/>"]
)
def test_the_word_in_a_comment_or_in_text_is_no_doctype(source: str) -> None:
    assert edited(source.encode()) is not None


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        (b"", "1:1", "no element found"),
        (b"no xml", "1:1", "not well-formed"),
        (b"<a>\n  <b>\n</a>", "3:3", "mismatched tag"),
        (b"<a>\r\n\r\n&nbsp;</a>", "3:1", "undefined entity"),
        (b"<a>&geheim;</a>", "1:4", "undefined entity"),
        (b'<a b="1" b="2"/>', "1:10", "duplicate attribute"),
        (b"<a/><b/>", "1:5", "junk after document element"),
        (b"<a:b/>", "1:5", "undefined namespace"),
        (b"<a>\xff</a>", "1:4", "not well-formed"),
        (b"<a", "1:1", "unclosed token"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "1:", "nested too deeply"),
        (b"<a>" * 100_000, "1:", "no element found"),
        (b'<a b="' + b"x" * 11_000_000 + b'"/>', "1:", "too long"),
        (b"<a>" + b"x" * 11_000_000 + b"</a>", "1:", "too long"),
        ("<a/>".encode("utf-16"), "1:1", "UTF-16"),
        ("<a/>".encode("utf-16-le"), "1:1", "UTF-16"),
        ("<a/>".encode("utf-32"), "1:1", "UTF-16 or UTF-32"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "1:1", "'UTF-16' is not supported"),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "1:1", "'UTF-7' is not supported"),
        (b'<?xml version="1.0" encoding="x-geheim\xff"?><a/>', "1:1", "is not supported"),
        (b'<?xml version="1.0" encoding="cp037"?><a/>', "1:1", "'cp037' is not supported"),
        (b'<?xml version="1.0" encoding="ISO-8859-99"?><a/>', "1:1", "'ISO-8859-99' is not supported"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "1:1", "byte order mark"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(source: bytes, place: str, message: str) -> None:
    with pytest.raises(EditError, match=re.escape(message)) as refused:
        XmlDocument(source, "hostile.xml")
    assert (refused.value.place or "").startswith(f"hostile.xml:{place}")
    assert refused.value.fix
    assert len(str(refused.value)) < 300
    assert refused.value.__cause__ is None
    assert "geheim;" not in str(refused.value)


def test_a_password_with_a_bare_ampersand_is_not_quoted() -> None:
    with pytest.raises(EditError) as refused:
        XmlDocument(b"<a><password>a&geheim;b<geheim</password></a>", "hostile.xml")
    assert "geheim" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("kind", WIDE)
def test_what_is_wide_or_deep_or_full_of_blanks_is_edited_in_time(kind: str) -> None:
    with no_hang():
        assert edited(WIDE[kind]) is not None


def test_a_value_between_many_comments_is_edited_in_time() -> None:
    with no_hang():
        document = XmlDocument(b"<a>" + b"x<!-- c -->" * 20_000 + b"</a>", "hostile.xml")
        document.root.set_text("1")
        assert document.result().startswith(b"<a>1<!-- c --><!-- c -->")


quick = settings(max_examples=100, suppress_health_check=list(HealthCheck))

BITS = [
    *b"< > /> </ <!-- --> <![CDATA[ ]]> <? ?> & ; \" ' = a \0 \xff \xc3 xmlns : <!DOCTYPE [ % &#xD800;".split(
        b" "
    ),
    *(b" ", b"\n", b"\r"),
]


@quick
@given(documents(), st.data())
def test_a_file_that_is_truncated_or_damaged(made: bytes, data: st.DataObject) -> None:
    noise = b"".join(data.draw(st.lists(st.sampled_from(BITS), max_size=20)))
    edited(noise)
    edited(b"<a>" + noise + b"</a>")
    cut = data.draw(st.integers(0, len(made)))
    edited(made[:cut])
    edited(made[:cut] + data.draw(st.sampled_from(BITS)) + made[cut:])
    edited(made[:cut] + made[cut + 1 :])
