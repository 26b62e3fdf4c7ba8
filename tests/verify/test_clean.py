"""State files: the two newest of each plan stay, all else is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wizard.verify.clean import clean, plan_cleaning


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
    a = save(home, "-1234", "alerts", 1480000000000, 1480000900000, 1480001800000, 1480002700000)
    b = save(home, "-1234", "limits", 1480000000000, 1480000900000)
    c = save(home, "5", "alerts", 1480000000000, 1480000900000, 1480001800000)
    cleaning = plan_cleaning(home)
    assert cleaning.frees == 30
    assert clean(cleaning).files == 3
    assert names(a) == {"1480001800000_alerts", "1480002700000_alerts"}
    assert names(b) == {"1480000000000_limits", "1480000900000_limits"}
    assert names(c) == {"1480000900000_alerts", "1480001800000_alerts"}


def test_the_timestamp_in_the_name_counts_as_a_number_and_not_the_files_own_time(home: Path) -> None:
    folder = save(home, "-1234", "p", 99, 100, 1000, 998)
    os.utime(folder / "99_p", (2**31, 2**31))
    clean(plan_cleaning(home))
    assert names(folder) == {"1000_p", "998_p"}


def test_planning_touches_nothing(home: Path) -> None:
    folder = save(home, "-1234", "p", 1, 2, 3)
    assert [path.name for path in plan_cleaning(home).remove] == ["1_p"]
    assert names(folder) == {"1_p", "2_p", "3_p"}


def test_a_second_cleaning_finds_nothing(home: Path) -> None:
    save(home, "-1234", "p", 1, 2, 3)
    clean(plan_cleaning(home))
    assert plan_cleaning(home).count == 0


def test_plans_with_underscores_and_spaces_are_one_plan(home: Path) -> None:
    folder = save(home, "-1234", "my_plan 2", 1, 2, 3)
    clean(plan_cleaning(home))
    assert names(folder) == {"2_my_plan 2", "3_my_plan 2"}


def test_everything_else_is_left_and_named(home: Path) -> None:
    folder = save(home, "-1234", "p", 4, 5, 6)
    for name in ("1_other", "notes.txt", "x_p", "1_p.bak", "_p"):
        (folder / name).write_text("mine")
    (folder / "0_p").mkdir()
    (home / "cep_persistence/backup").mkdir()
    (home / "cep_persistence/backup/1_backup").write_text("mine")
    (home / "cep_persistence/-1234/loose").write_text("mine")
    cleaning = plan_cleaning(home)
    clean(cleaning)
    assert names(folder) == {"5_p", "6_p", "0_p", "1_other", "notes.txt", "x_p", "1_p.bak", "_p"}
    assert (home / "cep_persistence/backup/1_backup").exists()
    assert len(cleaning.left_alone) == 8


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


def test_a_link_among_the_state_files_is_no_state_file(home: Path, tmp_path: Path) -> None:
    folder = save(home, "-1234", "p", 2, 3, 4)
    (tmp_path / "precious").write_text("mine")
    (folder / "1_p").symlink_to(tmp_path / "precious")
    (folder / "9_p").symlink_to(tmp_path / "precious")
    clean(plan_cleaning(home))
    assert names(folder) == {"1_p", "9_p", "3_p", "4_p"}
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_folder_that_became_a_link_after_the_plan_leads_nowhere(home: Path, tmp_path: Path) -> None:
    folder = save(home, "-1234", "p", 1, 2, 3)
    cleaning = plan_cleaning(home)
    outside = save(tmp_path / "outside", "-1234", "p", 1)
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside)
    done = clean(cleaning)
    assert done.files == 0
    assert len(done.failures) == 1
    assert names(outside) == {"1_p"}


def test_a_file_that_is_gone_already_is_no_failure(home: Path) -> None:
    folder = save(home, "-1234", "p", 1, 2, 3)
    cleaning = plan_cleaning(home)
    (folder / "1_p").unlink()
    assert clean(cleaning).failures == []


def test_another_location_is_looked_at_where_the_profile_names_one(home: Path) -> None:
    save(home, "-1234", "p", 1, 2, 3)
    (home / "cep_persistence").rename(home / "states")
    assert plan_cleaning(home).count == 0
    assert plan_cleaning(home, "states").count == 1


def test_a_home_without_state_files_is_fine(home: Path) -> None:
    assert plan_cleaning(home).count == 0
    assert plan_cleaning(home).left_alone == ()
    assert clean(plan_cleaning(home)).files == 0
