"""Bytes replaced in bytes, and how a change is described."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.edit.splice import Edit, Splice, described, splice


def test_splices_are_applied_at_their_places_in_any_order() -> None:
    made = [Splice(8, 9, b"!"), Splice(0, 1, b"H"), Splice(5, 5, b",")]
    assert splice(b"hello you?", made) == b"Hello, yo!?"
    assert splice(b"abc", []) == b"abc"


def test_insertions_at_one_place_keep_their_order() -> None:
    made = [
        Splice(1, 1, b"1"),
        Splice(1, 2, b"B"),
        Splice(1, 1, b"2"),
        Splice(0, 1, b"A"),
        Splice(3, 3, b"!"),
    ]
    assert splice(b"abc", made) == b"A12Bc!"


@pytest.mark.parametrize(
    "made",
    [
        [Splice(0, 2, b""), Splice(1, 3, b"")],
        [Splice(0, 2, b""), Splice(1, 1, b"")],
        [Splice(2, 1, b"")],
        [Splice(-1, 1, b"")],
        [Splice(3, 4, b"")],
    ],
)
def test_what_overlaps_or_leaves_the_file_is_refused(made: list[Splice]) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        splice(b"abc", made)


@given(
    st.binary(max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.binary(max_size=3)), max_size=4),
)
def test_all_bytes_between_the_splices_stay(data: bytes, places: list[tuple[int, int, bytes]]) -> None:
    made, position, expected = [], 0, b""
    for gap, length, replacement in places:
        start = position + gap
        if start + length > len(data):
            break
        made.append(Splice(start, start + length, replacement))
        expected += data[position:start] + replacement
        position = start + length
    assert (
        splice(data, made[::-1] if all(s.end > s.start for s in made) else made) == expected + data[position:]
    )


def test_neither_a_splice_nor_an_edit_shows_what_is_written() -> None:
    assert "geheim" not in repr(Edit("password: ******** → ********", (Splice(0, 1, b"geheim"),)))


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
