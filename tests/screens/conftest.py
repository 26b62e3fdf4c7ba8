"""What the screens' tests share: pictures in one folder, a clock that stands still, and an application to drive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension

from screens.theme import dress_scroll_bars
from tests.support.screens import PROFILE, Scripted

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pictures in the top-level folder `snapshots/`, the same on every machine and at any time."""

    def dirname(cls: type, *, test_location: Any) -> str:
        return str(ROOT / "snapshots" / Path(test_location.filepath).stem)

    monkeypatch.setattr(SVGImageExtension, "dirname", classmethod(dirname))
    monkeypatch.setattr("screens.signs.ASCII", False)
    dress_scroll_bars(ascii=False)
    monkeypatch.setattr("screens.model.pair.clock", lambda: "10:42")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The file of a valid profile, whose homes are nowhere."""
    path = tmp_path / "analytics.toml"
    path.write_text(PROFILE, "utf-8")
    return path


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs' ports on this machine are nobody's business; checks run soon after a change."""
    monkeypatch.setattr("wizard.preflight.pair.is_free", lambda number: True)
    monkeypatch.setattr("screens.model.pair.SETTLE", 0.02)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    """What the checks say, at once and without looking: set its `findings`."""
    checks = type("Said", (Scripted,), {})
    monkeypatch.setattr("screens.model.session.CheckRound", checks)
    monkeypatch.setattr("screens.model.pair.SETTLE", 0.01)
    return checks


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A PATH without programs: no Java of this machine is found."""
    if "mariadb" in request.fixturenames:
        request.getfixturevalue("mariadb")  # it is started by programs of the PATH
    empty = tmp_path / "no-programs"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def picture(snapshot: Any) -> Callable[[Any], None]:
    """`picture(app)`: what the application shows now is what the picture of the test shows."""

    def compare(app: Any) -> None:
        assert app.export_screenshot(simplify=True) == snapshot.use_extension(SVGImageExtension)

    return compare
