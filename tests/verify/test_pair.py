"""What becomes of a node that its partner saw leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import server_logs as tell
from tests.support.server_logs import Side, profile, sides
from wizard.verify.pair import Pair, Sight
from wizard.verify.scan import Scanner
from wizard.verify.story import Story
from wizard.verify.verdict import judge

WaysOn = Callable[[Side, Side], object]


def begins(first: Side, second: Side) -> None:
    first.log.say(tell.CARBON, "Starting WSO2 Carbon...")


def starts_alone(first: Side, second: Side) -> None:
    """A whole start without Hazelcast."""
    begins(first, second)
    tell.complete(first)


@pytest.mark.parametrize(
    ("goes_on", "gone", "status"),
    [
        (None, True, "error"),  # its log is on another machine
        (lambda first, second: None, True, "error"),
        (tell.leaves, False, "error"),  # each saw the other leave: the network is cut
        (begins, False, "waiting"),
        (tell.starts_again, False, "ok"),
        (starts_alone, False, "error"),
    ],
)
def test_a_node_that_left_is_gone_until_its_log_shows_another_start(
    goes_on: WaysOn | None, gone: bool, status: str
) -> None:
    first, second = sides()
    tell.first_start(first, second)
    tell.fail_over(first, second)
    if goes_on is not None:
        goes_on(first, second)
    sights = {}
    for name, side in (("node1", first if goes_on is not None else None), ("node2", second)):
        if side is not None:
            story, scanner = Story(), Scanner()
            story.read([*scanner.feed(side.log.content), *scanner.settle()])
            sights[name] = Sight(story.facts, f"{name}.log")
    pair = Pair(profile(), sights)
    assert pair.gone(pair.nodes[0]) == pair.ended(pair.nodes[0]) == gone
    found = [one.status for one in judge(pair) if (one.id, one.node) == ("verify.member", "node2")]
    assert found == [status]
