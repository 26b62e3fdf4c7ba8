"""Fuzzing with a time box: what is generated, how long it goes on, and when it hangs.

`make test` gives it `SECONDS` in all, with the same seeds each time; `APIMHA_FUZZ_SECONDS=600 make fuzz` more, with
new ones.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SECONDS = 18.0
AT_ONCE = 20
"""Examples between two looks at the clock."""
HANGS = 60.0
"""Seconds after which one example hangs; far above the slowest on a busy machine."""


def fuzz(share: float, test: Callable[..., None], **strategies: st.SearchStrategy[Any]) -> int:
    """Run `test` on ever new examples for its `share` of the time; at least once.  Gives the number of examples.

    A failure is shrunk and shown as hypothesis does, with the seed that repeats it.
    """
    given_time = os.environ.get("APIMHA_FUZZ_SECONDS")
    end = time.monotonic() + float(given_time or SECONDS) * share
    first = random.randrange(2**32) if given_time else 0
    examples = 0

    def counted(**drawn: Any) -> None:
        nonlocal examples
        examples += 1
        with no_hang():
            test(**drawn)

    counted.__name__ = test.__name__
    for number in range(first, first + 10**9):
        phases, unhealthy = [Phase.generate, Phase.shrink], list(HealthCheck)
        chosen = settings(max_examples=AT_ONCE, phases=phases, suppress_health_check=unhealthy)
        seed(number)(chosen(given(**strategies)(counted)))()
        if time.monotonic() >= end:
            break
    print(f"\n{test.__name__}: {examples} examples, seeds {first} to {number}")
    return examples


@contextmanager
def no_hang(seconds: float = HANGS) -> Iterator[None]:
    """Fails where what is inside does not end in time."""

    late: list[str] = []

    def hangs(*_: object) -> None:
        late.append(f"it hangs: not done within {seconds:g} s")
        raise AssertionError(late[0])

    before = signal.signal(signal.SIGALRM, hangs)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)  # of the whole test's limit
    began = time.monotonic()
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left and max(0.001, left - (time.monotonic() - began)))
    assert not late  # what is raised within a callback of the interpreter is lost


ODD = (
    *(b"\0", b"\r", b"\n", b"\x1b[2J", b"\xff\xfe", b"\xef\xbb\xbf", b"\\", b"\\\n", b'"', b"'", b"\xc3\x28"),
    *(b"\xed\xa0\x80", b"%00", b"..", b"../" * 9, b"9" * 30, b"-1", b"\xc2\xb2", b" "),
)
XML = (
    *(b"<", b">", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>", b"&#0;", b"&#x10FFFF;", b"&amp;", b"&x;"),
    *(b"<!DOCTYPE x [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>", b"</datasource>", b"<datasource/>"),
    *(b"<name>WSO2UM_DB</name>", b"<mode name='HA' enable='true'/>", b"<a>" * 300, b' xmlns="urn:x"'),
    *(b' name="HA"', b"true", b"<?xml version='1.1' encoding='utf-7'?>"),
)


@st.composite
def mutated(draw: st.DrawFn, data: bytes, pieces: Sequence[bytes] = ODD, most: int = 5) -> bytes:
    """`data` with a few changes: bytes replaced, cut, doubled, moved, and pieces put in that mean something there."""
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.sampled_from([0, 1, 2, 10, 100, 10_000])))
        match draw(st.sampled_from(["put", "put", "replace", "cut", "double", "flip"])):
            case "put":
                data = data[:at] + draw(st.sampled_from(pieces)) + data[at:]
            case "replace":
                data = data[:at] + draw(st.sampled_from(pieces)) + data[to:]
            case "cut":
                data = data[:at] + data[to:]
            case "double":
                data = data[:to] + data[at:]
            case "flip" if at < len(data):
                data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    return data
