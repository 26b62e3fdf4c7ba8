"""The pair on the screen without a screen: what it does with what its threads tell."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from screens.model.draft import DraftSaver, open_profile
from screens.model.memory import Memory
from screens.model.pair import OpenPair, Phase
from screens.model.session import host_hints
from tests.support.screens import PROFILE, Scripted
from wizard.profile import drafts
from wizard.profile.store import load


class Around:
    """The application, as far as the pair knows it; `later` holds the calls that were put off."""

    def __init__(self, path: Path) -> None:
        self.later: list[Callable[[], None]] = []
        self.said: list[str] = []
        around: Any = self
        self.pair: Any = OpenPair(open_profile(str(path)), Memory(), around)

    def call_later(self, call: Callable[..., None], *given: Any) -> None:
        call(*given)

    def set_timer(self, seconds: float, call: Callable[[], None]) -> Around:
        self.later.append(call)
        return self

    def run_worker(self, work: Coroutine[Any, Any, None], **given: Any) -> None:
        asyncio.run(work)

    def stop(self) -> None:
        self.later.clear()

    def show_pair(self) -> None:
        return

    def say(self, message: str, severity: str) -> None:
        self.said.append(message)


class Planned(Scripted):
    prepare = staticmethod(lambda order: (order.profile, None))
    """The plan is the profile that it is about."""


class Hanging(Scripted):
    unfinished = ("all",)


@pytest.fixture
def opened(profile: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Scripted]], Around]:
    """`opened(checks)`: a valid profile is open and validated, with these checks."""

    def open_with(checks: type[Scripted]) -> Around:
        monkeypatch.setattr("screens.model.session.CheckRound", checks)
        around = Around(profile)
        around.pair.validated(0, load(profile).profile)
        return around

    return open_with


def test_a_late_timer_keeps_the_plan_of_the_review(opened: Any) -> None:
    """The pause of the checks ends after the review has asked for its plan, and after it has got it."""
    around = opened(Planned)
    pair, (check,) = around.pair, around.later
    pair.check_again(Phase.PLANNED)
    assert pair.phase is Phase.PLANNED and pair.prepared is pair.profile
    check()
    assert pair.phase is Phase.PLANNED and pair.prepared is pair.profile


def test_a_plan_is_made_of_the_newest_values(opened: Any) -> None:
    """A letter, and at once the review: the plan waits for the validation of that letter."""
    pair = opened(Planned).pair
    older = pair.profile
    pair.set(("nodes", 1, "host"), "10.100.0.48")
    pair.check_again(Phase.PLANNED)
    assert pair.prepared is None
    pair.validated(0, older)
    assert pair.prepared is None, "that is about an older value"
    newer = older.model_copy(update={"spark": older.spark})
    pair.validated(1, newer)
    assert pair.prepared is newer


def test_what_threads_tell_a_pair_that_is_closed_is_dropped(opened: Any) -> None:
    around = opened(Hanging)
    pair, around.pair = around.pair, None
    pair.tell(pair.saved_as, "draft")
    assert pair.kept == "profile" and pair.saved_at is None


def test_the_thread_of_a_pair_that_is_closed_ends_and_what_it_could_not_save_is_said(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    around = opened(Hanging)
    pair, around.pair = around.pair, None
    (saver,) = set(threading.enumerate()) - before

    def full(draft: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wizard.profile.drafts.keep", full)
    pair.set(("mysql", "host"), "10.100.0.11")
    pair.close()
    saver.join(30)
    assert not saver.is_alive()
    assert around.said[0] == "analytics: it cannot be saved: No space left on device"


def test_what_is_published_before_it_was_validated_is_validated_all_the_same(profile: Path) -> None:
    """A letter, and at once on to the next step: the thread finds both waiting."""
    told: list[Any] = []
    both_wait = threading.Event()

    class Pair:
        validated = saved_as = conflicts = not_saved = None

        def tell(self, call: Any, *given: Any) -> None:
            both_wait.wait(30)
            told.append(given)

    saver = DraftSaver(drafts.of_file(profile, PROFILE), Pair(), published=True)  # type: ignore[arg-type]
    saver.validate()
    saver.change(("nodes", 1, "host"), "10.100.0.48", 1)
    saver.publish()
    both_wait.set()
    assert saver.settled(30)
    assert [given[0] for given in told if len(given) == 2] == [0, 1], "how many changes each was about"
    assert "10.100.0.48" in profile.read_text("utf-8")


def test_a_host_is_hinted_only_where_the_home_is_here(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.system.network.own_addresses", lambda: ["10.9.8.7"])
    homes = {"node1": str(pair.homes[0]), "node2": "/nowhere", "node3": str(pair.homes[0].parent)}
    assert [one.node for one in host_hints(homes, pair.profile.parent)] == ["node1"]
