"""Where the program keeps its files, and how the paths in a profile are read."""

from __future__ import annotations

from pathlib import Path

from wizard.system import locations


def test_they_follow_the_xdg_variables_or_are_below_the_home(monkeypatch, isolated):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert locations.profile("prod") == Path("/c/apimha-wizard/profiles/prod.toml")
    assert locations.runs() == Path("/s/apimha-wizard/runs")
    assert locations.draft("prod") == Path("/s/apimha-wizard/drafts/prod.toml")
    for kind in ("CONFIG", "STATE"):
        monkeypatch.delenv(f"XDG_{kind}_HOME")
    assert locations.profiles() == isolated / ".config/apimha-wizard/profiles"
    assert locations.state() == isolated / ".local/state/apimha-wizard"
    assert list(isolated.iterdir()) == [], "nothing was made"


def test_paths_of_a_profile(isolated, tmp_path, monkeypatch):
    names = {"./a": "/folder/a", "../a": "/folder/../a", "/a//b/": "/a/b", "a b & ä": "/folder/a b & ä",
        "a~b": "/folder/a~b", "~": f"{isolated}", "~/a": f"{isolated}/a"}  # fmt: skip
    assert {text: str(locations.located(text, Path("/folder"))) for text in names} == names
    monkeypatch.chdir(tmp_path)
    assert locations.located("a", None) == tmp_path / "a"
