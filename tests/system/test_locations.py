"""Where the program keeps its files, and how the paths in a profile are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizard.system import locations


def test_they_follow_the_xdg_variables(monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert locations.profile("prod") == Path("/c/apimha-wizard/profiles/prod.toml")
    assert locations.runs() == Path("/s/apimha-wizard/runs")
    assert locations.draft("prod") == Path("/s/apimha-wizard/drafts/prod.toml")


def test_without_them_they_are_below_the_home(monkeypatch, isolated):
    for kind in ("CONFIG", "STATE"):
        monkeypatch.delenv(f"XDG_{kind}_HOME")
    assert locations.profiles() == isolated / ".config/apimha-wizard/profiles"
    assert locations.state() == isolated / ".local/state/apimha-wizard"


def test_asking_for_them_makes_nothing(isolated):
    locations.profiles(), locations.runs(), locations.draft("x")
    assert list(isolated.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", "/folder/a"),
        ("./a", "/folder/a"),
        ("../a", "/folder/../a"),
        ("/a//b/", "/a/b"),
        ("a b & ä", "/folder/a b & ä"),
        ("a~b", "/folder/a~b"),
    ],
)
def test_a_path_of_a_profile(text, path):
    assert str(locations.located(text, Path("/folder"))) == path


def test_the_home(isolated):
    assert locations.located("~", Path("/folder")) == isolated
    assert locations.located("~/a", Path("/folder")) == isolated / "a"


def test_without_a_folder_it_counts_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert locations.located("a", None) == tmp_path / "a"


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a\0b", "a\x1b", "~nobody-has-this-name/a"])
def test_what_is_no_path(text):
    with pytest.raises(ValueError):
        locations.located(text, Path("/folder"))
