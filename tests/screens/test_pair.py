"""The pair on the screen without a screen: what it does with the news of its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from screens.model.draft import open_profile
from screens.model.draft_saver import DraftSaver, Validated
from screens.model.memory import Memory
from screens.model.pair import OpenPair
from tests.support.screens import PROFILE, Scripted
from wizard.profile import drafts
from wizard.profile.store import load


class Around:
    """The application, as far as the pair knows it; `later` holds the calls that were put off."""

    pair: OpenPair

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def tell_from_thread(self, news: Any) -> None:
        self.pair.take(news)

    def call_later_in(self, seconds: float, call: Callable[[], None]) -> Around:
        self.later.append(call)
        return self

    def stop(self) -> None:
        self.later.clear()

    def show_pair(self) -> None:
        return


@pytest.mark.parametrize("validated_first", [True, False])
def test_a_late_round_of_checks_keeps_the_plan_of_the_review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validated_first: bool
) -> None:
    """The draft is validated before or after the review has its plan; the timer fires after that."""
    plan = object()

    class Planned(Scripted):
        prepare = staticmethod(lambda wanted: (plan, None))

    monkeypatch.setattr("screens.model.session.CheckSession", Planned)
    path = tmp_path / "analytics.toml"
    path.write_text(PROFILE, "utf-8")
    around: Any = Around()
    pair = around.pair = OpenPair(open_profile(str(path)), Memory(), around)
    validated = Validated(0, load(path).profile, ())
    pair.take(validated)
    if not validated_first:
        around.later.pop()()
    pair.look_at_everything()
    assert pair.prepared is plan
    if not validated_first:
        pair.take(validated)
    around.later.pop()()
    assert pair.prepared is plan


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
