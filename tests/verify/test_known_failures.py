"""Each known failure at each place of a log gets the right verdict, through the real command."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import server_logs as tell
from tests.support.known_failures import KNOWN, Known, clock_of, printed
from tests.support.server_logs import Side, line_of
from tests.support.verdicts import Printed, Replayed
from wizard.verify.knowledge import BY_ID, FAILURES, Failure, recognise, required_words

NODES = ("node1", "node2")
OVER_BY_THE_START = {"database", "receiver", "quiet", "start"}
"""What the rest of a healthy start shows to be over."""
HARMLESS_BEFORE = {"stopped context", "hazelcast executor", "no Spark master"}
"""What counts only after both nodes are up (procedure, chapter 9)."""


RECOVERY: dict[str | None, Callable[[Side, Side], tuple[str, str]]] = {
    "receiver": lambda one, _: (tell.EVENTS, f"{tell.RECEIVES} on port {one.event_sync}"),
    "spark": lambda *_: (tell.SPARK, "Started Spark CLIENT in the cluster pointing to x with UI port : 4041"),
    "state": lambda *_: (tell.HA, "CEP HA State successfully synced."),
    "member": lambda _, other: (tell.WKA, other.member()),
    "connection": lambda _, other: (tell.PUBLISHER, f"Connecting to {other.host}:{other.event_sync}"),
}
"""The line that shows that a failure is over."""


def recovery(failure: Known, one: Side, other: Side) -> bool:
    """Add what shows that the failure is over; whether anything does."""
    if failure.over in RECOVERY:
        one.log.say(*RECOVERY[failure.over](one, other))
        return True
    passes = failure.over in ("database", "quiet")
    tell.goes_on(one, 120 if passes else 3600)
    return passes


def known(name: str, node: str) -> Known:
    """Return the failure as that node prints it, with its partner's port."""
    one = KNOWN[name]
    if node == "node2" and one.over == "connection":
        return one._replace(message=one.message.replace("11227", "11225"), says="11225")
    return one


def assert_reported(result: Printed, node: str, failure: Known) -> None:
    """Assert that the only error is about that node and names the fix."""
    assert result.outcome == "unhealthy", str(result)
    errors = result.of("error")
    assert [one["node"] for one in errors] == [node], str(result)
    assert errors[0]["id"] != "verify.unknown-error"
    assert failure.says.lower() in f"{errors[0]['message']} {errors[0]['fix']}".lower(), str(errors)


DEEP = "in a trace of 64 KiB"
PLACES = ("as the last word", "with other lines behind it", DEEP)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize(
    ("place", "name"),
    [(place, name) for place in PLACES for name, one in KNOWN.items() if one.causes or place != DEEP],
)
def test_after_the_start(place: str, name: str, node: str, replayed_pair: Callable[..., Replayed]) -> None:
    sides = tell.local_start()
    one, failure = sides[NODES.index(node)], known(name, node)
    deep = place == DEEP
    if place == "with other lines behind it":
        tell.goes_on(one, 3600)
        for _ in range(5):
            one.log.wait(5)
            one.log.lines += printed(failure, one.log.clock)
        tell.goes_on(one, 20)
    else:
        one.log.lines += printed(failure, one.log.clock + timedelta(seconds=1), deep=deep)
    result = replayed_pair().of(*sides)
    assert_reported(result, node, failure)
    if deep:
        assert sum(line.startswith("Caused by:") for line in one.log.lines[-2500:]) >= 9
        assert len(one.log.content) > 64 * 1024
        assert failure.causes[-1][:60] in result.of("error")[0]["evidence"]


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("name", KNOWN)
def test_before_the_start_is_complete(name: str, node: str, replayed_pair: Callable[..., Replayed]) -> None:
    sides = tell.local_start()
    one, failure = sides[NODES.index(node)], known(name, node)
    one.log.lines[2:2] = printed(failure, clock_of(one.log.lines[1]))
    result = replayed_pair().of(*sides)
    over = name in HARMLESS_BEFORE or failure.over in OVER_BY_THE_START
    over = over or (failure.over in ("connection", "member") and node == "node1")
    if failure.over == "state":
        over = node == "node2" or "10006" in failure.says  # synced, or active and in need of nothing
    if over:
        assert result.outcome == "healthy", str(result)
    else:
        assert_reported(result, node, failure)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("name", KNOWN)
def test_followed_by_recovery(name: str, node: str, replayed_pair: Callable[..., Replayed]) -> None:
    sides = tell.local_start()
    number = NODES.index(node)
    one, failure = sides[number], known(name, node)
    for _ in range(60):
        one.log.wait(1)
        one.log.lines += printed(failure, one.log.clock)
    over = recovery(failure, one, sides[1 - number])
    result = replayed_pair().of(*sides)
    if over:
        assert result.outcome == "healthy", str(result)
    else:
        assert_reported(result, node, failure)
    # What comes again after the recovery is not over.
    one.log.wait(1)
    one.log.lines += printed(failure, one.log.clock)
    assert_reported(replayed_pair().of(*sides), node, failure)


@pytest.mark.parametrize("name", KNOWN)
def test_a_new_start_ends_it(name: str, replayed_pair: Callable[..., Replayed]) -> None:
    first, second = tell.local_start()
    first.log.lines[:0] = [
        line_of("file", datetime(2026, 1, 26), "INFO", tell.CARBON, "Starting WSO2 Carbon..."),
        *printed(KNOWN[name], datetime(2026, 1, 26)),
    ]
    replayed_pair().of(first, second, outcome="healthy")


def test_every_row_of_the_table_is_whole_and_met_by_a_failure_here() -> None:
    """No id, cause or number is there twice."""
    assert len(BY_ID) == len({one.cause for one in FAILURES}) == len(FAILURES)
    numbers = [number for one in FAILURES for number in one.numbers]
    assert len(numbers) == len(set(numbers))
    for one in FAILURES:
        assert one.fix[0].islower(), one.id
        assert not one.cause.endswith("."), one.id
    met = set()
    for known in KNOWN.values():
        texts = ["\n".join((cause, *known.frames)) for cause in reversed(known.causes)]
        if found := recognise([*texts, known.message], source=known.source):
            met.add(found.id)
    rare = (
        "driver-java driver-url account-expired account-locked primary-key datasource-duplicate direct-memory"
    )
    assert met >= BY_ID.keys() - {*rare.split(), "port-permission", "local-ports"}


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: one.id)
def test_the_quick_test_before_a_pattern_hides_nothing(failure: Failure) -> None:
    """Every text that the pattern finds contains one of the words that are searched first."""
    words, pattern = list(required_words(failure.pattern)), re.compile(failure.pattern, re.IGNORECASE)
    assert all(words), words

    @given(st.from_regex(pattern))
    @settings(max_examples=60)
    def holds(text: str) -> None:
        found = pattern.search(text)
        assert found
        if text.isascii():  # elsewhere upper and lower case are not pairs
            assert any(word in text.lower() for word in words), text

    holds()
