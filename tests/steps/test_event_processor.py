"""The event processor as the server reads it: the mode HA, and the offset that it needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.hands import do, judged, on, rewrite, written
from tests.support.headless import CARBON, EVENT_PROCESSOR, applied, replayed
from tests.support.pairs import Pair

MakePair = Callable[..., Pair]


@pytest.mark.parametrize(
    ("pack", "others"), [("apim-analytics-2.1.0", ["false"]), ("das-3.0.1", ["false", "false"])]
)
@pytest.mark.parametrize("name", ["ha", "Ha", "hA"])
def test_the_mode_is_found_whatever_the_case_of_its_name(
    pack: str, others: list[str], name: str, make_pair: MakePair
) -> None:
    pair = do(make_pair(pack), (EVENT_PROCESSOR, '<mode name="HA"', f'<mode name="{name}"'))
    expected = {
        (EVENT_PROCESSOR, f"//mode[@name='{name}']/@enable"): ["true"],
        (EVENT_PROCESSOR, f"//mode[@name!='{name}']/@enable"): others,
    }
    written(pair, expected)


@pytest.mark.parametrize(("pack", "status"), [("apim-analytics-2.1.0", "error"), ("das-3.0.1", "ok")])
@pytest.mark.parametrize("offset", ["", "<Offset> </Offset>"])
def test_without_an_offset_it_does_not_start_whatever_steps_are_left_out(
    offset: str, pack: str, status: str, make_pair: MakePair
) -> None:
    pair = make_pair(pack, nodes=[{}, {"port_offset": 20}])
    do(pair, on(1, rewrite(CARBON, r"<Offset>\d+</Offset>", offset)))
    for options in ({}, {"only": ("event-processor",)}, {"skip": ("prerequisites",)}):
        parts = ["lacks Ports/Offset"] * (status == "error")
        judged(pair, "prerequisites.files", f"{status} ok", *parts, **options)


def test_a_switch_in_capitals_is_no_change(pair: Pair) -> None:
    do(pair, applied, (EVENT_PROCESSOR, '<mode name="HA" enable="true">', '<mode name="HA" enable="TRUE">'))
    assert replayed(pair)[0].outcome == "unchanged"
