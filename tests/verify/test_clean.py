"""State files: the two newest of each plan stay, all else is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wizard.verify.homes import clean, plan_cleaning


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def save(home: Path, tenant: str, plan: str, *timestamps: int, size: int = 10) -> Path:
    folder = home / "cep_persistence" / tenant / plan
    folder.mkdir(parents=True, exist_ok=True)
    for timestamp in timestamps:
        (folder / f"{timestamp}_{plan}").write_bytes(b"s" * size)
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_two_newest_of_each_plan_of_each_tenant_stay(home: Path) -> None:
    """By the timestamp in the name as a number, not by the file's own time."""
    a = save(home, "-1234", "alerts", 1480000000000, 1480000900000, 1480001800000, 1480002700000)
    b = save(home, "-1234", "limits", 1480000000000, 1480000900000)
    c = save(home, "5", "my_plan 2", 99, 100, 1000, 998)
    os.utime(c / "99_my_plan 2", (2**31, 2**31))
    everything = names(a) | names(b) | names(c)
    cleaning = plan_cleaning(home)
    assert (cleaning.count, cleaning.keep, cleaning.frees) == (4, 6, 40)
    assert [path.name for path in cleaning.remove][-2:] == ["100_my_plan 2", "99_my_plan 2"]
    assert names(a) | names(b) | names(c) == everything, "planning touches nothing"
    done = clean(cleaning)
    assert (done.files, done.bytes, done.failures) == (4, 40, [])
    assert names(a) == {"1480001800000_alerts", "1480002700000_alerts"}
    assert names(b) == {"1480000000000_limits", "1480000900000_limits"}
    assert names(c) == {"1000_my_plan 2", "998_my_plan 2"}
    assert plan_cleaning(home).count == 0, "a second cleaning finds nothing"


def test_everything_else_is_left_and_named(home: Path) -> None:
    folder = save(home, "-1234", "p", 4, 5, 6)
    for name in ("1_other", "notes.txt", "x_p", "1_p.bak", "_p"):
        (folder / name).write_text("mine")
    (folder / "0_p").mkdir()
    (folder / "9_p").symlink_to(folder / "notes.txt")
    (home / "cep_persistence/backup").mkdir()
    (home / "cep_persistence/backup/1_backup").write_text("mine")
    (home / "cep_persistence/-1234/loose").write_text("mine")
    cleaning = plan_cleaning(home)
    clean(cleaning)
    assert names(folder) == {"5_p", "6_p", "0_p", "9_p", "1_other", "notes.txt", "x_p", "1_p.bak", "_p"}
    assert (home / "cep_persistence/backup/1_backup").exists()
    assert len(cleaning.left_alone) == 9


@pytest.mark.parametrize("level", ["cep_persistence", "cep_persistence/-1234", "cep_persistence/-1234/p"])
def test_links_are_never_followed(home: Path, tmp_path: Path, level: str) -> None:
    outside = tmp_path / "outside"
    real = save(outside, "-1234", "p", 1, 2, 3)
    link = home / level
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside / level)
    cleaning = plan_cleaning(home)
    assert cleaning.count == 0
    assert "links are not followed" in cleaning.left_alone[0]
    assert names(real) == {"1_p", "2_p", "3_p"}


def test_what_changed_after_the_plan(home: Path, tmp_path: Path) -> None:
    """A folder that became a link leads nowhere; a file that is gone already is no failure."""
    folder = save(home, "-1234", "p", 1, 2, 3)
    cleaning = plan_cleaning(home)
    outside = save(tmp_path / "outside", "-1234", "p", 1)
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside)
    done = clean(cleaning)
    assert (done.files, len(done.failures)) == (0, 1)
    assert names(outside) == {"1_p"}
    folder.unlink()
    folder.with_name("moved").rename(folder)
    (folder / "1_p").unlink()
    assert clean(cleaning).failures == []
