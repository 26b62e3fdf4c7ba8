"""The pair on the screen without a screen: what it does with the news of its threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from screens.model.draft import open_profile
from screens.model.draft_saver import Validated
from screens.model.memory import Memory
from screens.model.pair import OpenPair
from tests.support.screens import PROFILE, Scripted
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
