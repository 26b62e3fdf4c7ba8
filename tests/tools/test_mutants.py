"""The mutants change what a program does, and only that; a run reports whether a test notices."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.programs import must
from tools import mutants

SOURCE = '''\
"""A module: 1 + 1."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    LIMIT = 3

def biggest(a: "int", ä=0):
    """Not 1."""
    if a == 1 and not ä or a:
        print("é", a < 2)
    return a + ä
'''


def test_what_is_changed() -> None:
    found = mutants.mutants_of("x.py", SOURCE.encode())
    assert sorted({(one.line, one.before, one.after) for one in found}) == [
        (7, "0", "1"),
        (9, "1", "2"),
        (9, "a == 1", "(a != 1)"),
        (9, "a == 1 and not ä", "(a == 1 or not ä)"),
        (9, "a == 1 and not ä", "(a == 1)"),
        (9, "a == 1 and not ä", "(not ä)"),
        (9, "a == 1 and not ä or a", "((a == 1 and (not ä)) and a)"),
        (9, "a == 1 and not ä or a", "(a == 1 and (not ä))"),
        (9, "a == 1 and not ä or a", "(a)"),
        (9, "not ä", "(ä)"),
        (10, "2", "3"),
        (10, "a < 2", "(a <= 2)"),
        (10, 'print("é", a < 2)', "pass"),
        (11, "a + ä", "(a - ä)"),
        (11, "return a + ä", "return None"),
    ]
    for one in found:
        ast.parse(one.applied(SOURCE.encode()))
        assert one.lines == (() if one.line == 7 else (one.line,))


def test_the_seed_alone_says_which() -> None:
    first, again, other = (mutants.chosen(mutants.ROOT, "edit/xml.py", 30, seed) for seed in (1, 1, 2))
    assert first == again != other
    everywhere = mutants.chosen(mutants.ROOT, "", 11, 1)
    assert {Path(one.path).parts[1] for one in everywhere} == set(mutants.PACKAGES)


def test_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)  # the tests of a copy are about the copy
    files = {
        "wizard/edit/both.py": "def both(a, b):\n    if a < 0:\n        raise ValueError\n    return a and b\n",
        "tests/edit/test_both.py": "from wizard.edit.both import both\n"
        "def test_true(): assert both(2, True)\ndef test_false(): assert not both(2, False)\n",
        "tests/test_other.py": "def test_other(): assert 1\n",
        "conftest.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for part in ("tools", "pyproject.toml"):
        (tmp_path / part).symlink_to(mutants.ROOT / part)
    must("git", "init", "--quiet", cwd=tmp_path)
    must("git", "add", "wizard", "tests", "conftest.py", "pyproject.toml", cwd=tmp_path)
    known = mutants.reached(tmp_path, ["tests"])
    every = mutants.chosen(tmp_path, "edit", 100, 0)
    assert len(every) == 7
    picked = [one for one in every if one.after in ("1", "pass", "(a or b)")]
    ended = dict(mutants.run(tmp_path, picked, known))
    assert {(one.line, one.before, one.after): verdict for one, verdict in ended.items()} == {
        (2, "0", "1"): "survived",
        (3, "raise ValueError", "pass"): "not reached",
        (4, "a and b", "(a or b)"): "killed",
    }
    assert not any("test_other" in test for one in every for test in mutants.tests_of(one, known))
    assert (tmp_path / "wizard/edit/both.py").read_text() == files["wizard/edit/both.py"]
