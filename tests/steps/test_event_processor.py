"""The event processor as the server reads it: the mode HA, and what it has to hold."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from lxml import etree

from tests.support.headless import CARBON, EVENT_PROCESSOR, applied, checked, of, replayed, statuses
from tests.support.pairs import Pair
from wizard.steps.event_processor import REQUIRED

MakePair = Callable[..., Pair]


def edited(pair: Pair, pattern: str, new: str) -> None:
    for home in pair.homes:
        path = home / EVENT_PROCESSOR
        text = path.read_text()
        changed = re.sub(pattern, new, text, count=1, flags=re.DOTALL)
        assert changed != text
        path.write_text(changed)


@pytest.mark.parametrize("pack", ["apim-analytics-2.1.0", "das-3.0.1"])
@pytest.mark.parametrize("name", ["ha", "Ha", "hA"])
def test_the_mode_is_found_whatever_the_case_of_its_name(pack: str, name: str, make_pair: MakePair) -> None:
    pair = make_pair(pack)
    edited(pair, '<mode name="HA" enable="false">', f'<mode name="{name}" enable="false">')
    applied(pair)
    for home in pair.homes:
        modes = etree.parse(home / EVENT_PROCESSOR).getroot().findall("mode")
        enabled = {mode.get("name"): mode.get("enable") for mode in modes}
        assert enabled.pop(name) == "true"
        assert set(enabled.values()) == {"false"}
    assert replayed(pair)[0].outcome == "unchanged"


@pytest.mark.parametrize(("pack", "refused"), [("apim-analytics-2.1.0", True), ("das-3.0.1", False)])
@pytest.mark.parametrize("offset", ["", "<Offset> </Offset>"])
def test_without_an_offset_it_does_not_start_whatever_steps_are_left_out(
    offset: str, pack: str, refused: bool, make_pair: MakePair
) -> None:
    pair = make_pair(pack, nodes=[{}, {"port_offset": 20}])
    path = pair.homes[0] / CARBON
    path.write_text(re.sub(r"<Offset>\d+</Offset>", offset, path.read_text("iso-8859-1")), "iso-8859-1")
    for options in ({}, {"only": ("event-processor",)}, {"skip": ("prerequisites",)}):
        found = [one for one in of(checked(pair, **options), "prerequisites.files") if one.status == "error"]
        assert [one.node for one in found] == ["node1"] * refused
        assert not refused or "lacks Ports/Offset" in found[0].message


def test_a_switch_in_capitals_is_no_change(make_pair: MakePair) -> None:
    pair = make_pair()
    applied(pair)
    edited(pair, '<mode name="HA" enable="true">', '<mode name="HA" enable="TRUE">')
    assert replayed(pair)[0].outcome == "unchanged"


def test_two_modes_of_that_name_are_refused(make_pair: MakePair) -> None:
    pair = make_pair()
    edited(pair, '<mode name="Distributed"', '<mode name="hA"')
    found = [one for one in of(checked(pair), "prerequisites.files") if one.status == "error"]
    assert len(found) == 2
    assert "doubles the mode HA" in found[0].message


@pytest.mark.parametrize("pack", ["apim-analytics-2.0.0", "das-3.0.1", "is-analytics-5.3.0"])
@pytest.mark.parametrize("path", REQUIRED)
def test_a_setting_that_the_server_requires(path: str, pack: str, make_pair: MakePair) -> None:
    pair = make_pair(pack)
    assert statuses(checked(pair), "event-processor.member-interval") == ["ok", "ok"]
    name = path.rpartition("/")[2]
    edited(pair, rf"<{name}>[^<]*</{name}>", f"<{name}> </{name}>" if "Queue" in name else "")
    edited(pair, r"<receiverQueueSize>.*?</receiverQueueSize>", "<receiverQueueSize/>")
    found = of(checked(pair), "event-processor.member-interval")
    assert [one.status for one in found] == ["error", "error"], "one a node, whatever is missing"
    assert path in found[0].message and "eventSync/receiverQueueSize" in found[0].message
