"""The pair on the screen without a screen: what it does with the news of its threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from screens.model.draft import open_profile
from screens.model.draft_saver import DraftSaver, Validated
from screens.model.memory import Memory
from screens.model.pair import OpenPair, Phase
from screens.model.session import FindingCame
from tests.support.screens import PROFILE, Scripted
from wizard.profile import drafts
from wizard.profile.store import load
from wizard.system import finding


class Around:
    """The application, as far as the pair knows it; `later` holds the calls that were put off."""

    pair: OpenPair

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def tell_from_thread(self, news: Any) -> None:
        self.pair.take(news)

    def set_timer(self, seconds: float, call: Callable[[], None]) -> Around:
        self.later.append(call)
        return self

    def run_worker(self, work: Coroutine[Any, Any, None], **given: Any) -> None:
        asyncio.run(work)

    def stop(self) -> None:
        self.later.clear()

    def show_pair(self) -> None:
        return


def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checks: type[Scripted]) -> OpenPair:
    monkeypatch.setattr("screens.model.session.CheckSession", checks)
    path = tmp_path / "analytics.toml"
    path.write_text(PROFILE, "utf-8")
    around: Any = Around()
    around.pair = OpenPair(open_profile(str(path)), Memory(), around)
    return around.pair


class Planned(Scripted):
    prepare = staticmethod(lambda wanted: (wanted.profile, None))
    """The plan is the profile that it is about."""


def test_a_late_timer_keeps_the_plan_of_the_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause of the checks ends after the review has asked for its plan, and after it has got it."""
    pair = opened(tmp_path, monkeypatch, Planned)
    pair.take(Validated(0, load(pair.draft.target).profile, ()))
    (check,) = pair._app.later
    pair.look_at_everything()
    assert pair.phase is Phase.PLANNED and pair.prepared is pair.profile
    check()
    assert pair.phase is Phase.PLANNED and pair.prepared is pair.profile


def test_a_plan_is_made_of_the_newest_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter, and at once the review: the plan waits for the validation of that letter."""
    pair = opened(tmp_path, monkeypatch, Planned)
    older = load(pair.draft.target).profile
    pair.take(Validated(0, older, ()))
    pair.set(("nodes", 1, "host"), "10.100.0.48")
    pair.look_at_everything()
    assert pair.prepared is None
    pair.take(Validated(0, older, ()))
    assert pair.prepared is None, "that is about an older value"
    newer = older.model_copy(update={"spark": older.spark})
    pair.take(Validated(1, newer, ()))
    assert pair.prepared is newer


def test_findings_about_older_values_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Scripted):
        unfinished = ("all",)

    pair = opened(tmp_path, monkeypatch, Hanging)
    pair.take(Validated(0, load(pair.draft.target).profile, ()))
    pair._app.later.pop()()
    assert pair.phase is Phase.CHECKING and "mysql.connect" in pair.running
    older = pair._session.run
    pair.set(("mysql", "host"), "10.100.0.11")
    pair.take(FindingCame(older, finding.error("no answer", fix="x")._replace(id="mysql.connect")))
    assert "mysql.connect" not in pair.findings
    assert pair.phase is Phase.CHANGED
    pair.take(Validated(1, pair.profile, ()))
    pair._app.later.pop()()
    assert "mysql.connect" in pair.running, "the check is run again"


def test_what_is_published_before_it_was_judged_is_judged_all_the_same(tmp_path: Path) -> None:
    """A letter, and at once on to the next step: the thread finds both waiting."""
    path = tmp_path / "analytics.toml"
    path.write_text(PROFILE, "utf-8")
    told: list[Any] = []
    both_wait = threading.Event()

    def tell(news: Any) -> None:
        both_wait.wait(30)
        told.append(news)

    saver = DraftSaver(drafts.of_file(path, PROFILE), tell, published=True)
    saver.judge()
    saver.change(("nodes", 1, "host"), "10.100.0.48", 1)
    saver.publish()
    both_wait.set()
    assert saver.settled(30)
    assert [one.changes for one in told if isinstance(one, Validated)] == [0, 1]
    assert "10.100.0.48" in path.read_text("utf-8")
