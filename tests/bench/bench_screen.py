"""How fast the wizard is on a terminal, beside the smallest application of the same parts.

That is a Textual application with one label and one input, which also builds pydantic models of the profile's size and
validates one profile.  Both run through a pseudo-terminal from the start of their process, in turn, in one run; the
median of the pairs' ratios counts.  A run lasts until the value of the input (of the profile's second field) stands on
the screen, or until a key that was typed before anything was painted has its echo.  The same interpreter, both compiled
beforehand.
"""

from __future__ import annotations

import compileall
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.paired import floor_models
from tests.support import listeners
from tests.support.black_holes import PROGRAM
from tests.support.process import Process
from tests.support.screens import PROFILE

ROOT = Path(__file__).resolve().parents[2]
RUNS = 31
FACTOR = 1.5
"""First paint of the wizard over that of the smallest application, at most."""
MEDIAN, HIGHEST = 0.050, 0.150
"""Seconds from a key to its picture: at the median, and at the 99th percentile."""
KEYS = 300
PAUSE = 0.05
"""Seconds between two keys: somebody who types very fast."""

MARKER = "/opt/wso2/analytics-1"

MINIMAL = f"""
{floor_models()}
from textual.app import App
from textual.widgets import Input, Label

profile = Profile.model_validate(PROFILE)

class Minimal(App):
    def compose(self):
        yield Label("Home")
        yield Input(value="{MARKER}" if profile.section1.name else "", select_on_focus=False)

Minimal().run()
"""


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """As an installation leaves it: pip compiles what it installs, also the smallest application's library."""
    for folder in ("wizard", "screens"):
        compileall.compile_dir(ROOT / folder, quiet=1)


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, list[str]]:
    minimal = tmp_path / "minimal.py"
    minimal.write_text(MINIMAL, "utf-8")
    profile = tmp_path / "analytics.toml"
    profile.write_text(PROFILE, "utf-8")
    return {
        "minimal": [sys.executable, str(minimal)],
        "wizard": [sys.executable, "-m", "wizard", str(profile)],
    }


def measured(
    programs: dict[str, list[str]], environ: dict[str, str], one: Callable[[Process], float], **more: Any
) -> dict[str, list[float]]:
    """The times of each program, run in turn, each first as often as second."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(RUNS):
        for name, words in sorted(programs.items(), reverse=bool(number % 2)):
            with Process(words, environ, **more) as process:
                times[name].append(one(process))
    return times


def told(title: str, times: dict[str, list[float]]) -> float:
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = statistics.median(w / m for w, m in zip(times["wizard"], times["minimal"], strict=True))
    quickest = {name: min(values) for name, values in times.items()}
    print(
        f"\n{title}: wizard {medians['wizard'] * 1000:.0f} ms, smallest application {medians['minimal'] * 1000:.0f} ms"
        f" (median of {RUNS}): {ratio:.2f} times; quickest {quickest['wizard'] * 1000:.0f} and"
        f" {quickest['minimal'] * 1000:.0f} ms"
    )
    return ratio


def test_first_paint(programs: dict[str, list[str]], environ: dict[str, str]) -> None:
    """Until the profile's own values stand in the form."""
    times = measured(programs, environ, lambda process: process.until(lambda text: MARKER in text))
    assert told("first paint", times) <= FACTOR


def test_echo_of_a_key_typed_at_once(programs: dict[str, list[str]], environ: dict[str, str]) -> None:
    """The key waits in the terminal before anything is painted."""

    def echoed(process: Process) -> float:
        return process.until(lambda text: f"{MARKER}Z" in text or "node1Z" in text)

    times = measured(programs, environ, echoed, keys_at_once=b"Z")
    assert told("echo of a key typed at once", times) <= FACTOR


@pytest.fixture
def black_hole() -> Iterator[int]:
    with listeners.black_hole() as port:
        yield port


def test_keys_while_forty_checks_hang(
    tmp_path: Path, make_pair: Any, environ: dict[str, str], black_hole: int
) -> None:
    """A key shows within 50 ms at the median and 150 ms at the 99th percentile."""
    pair = make_pair(mysql={"port": black_hole})
    program = tmp_path / "holes.py"
    program.write_text(PROGRAM, "utf-8")
    all_hang = tmp_path / "all-hang"
    words = [sys.executable, str(program), str(pair.profile), str(all_hang)]
    environ["APIM_DB_PASSWORD"] = pair.env["APIM_DB_PASSWORD"]
    times = []
    with Process(words, environ) as process:
        process.until(lambda text: "node1" in text)
        process.until(lambda text: all_hang.exists())
        value = pair.homes[0].name
        letters = random.Random(1)  # the same six never come twice
        for _ in range(KEYS):
            letter = letters.choice("abcdefghijklmnopqrstuvwxyz")
            value += letter
            process.forget()
            began = time.perf_counter()
            process.press(letter.encode())
            process.until(lambda text, value=value[-6:]: value in text)  # type: ignore[misc]
            times.append(time.perf_counter() - began)
            time.sleep(PAUSE)
    times.sort()
    median, highest = statistics.median(times), times[int(len(times) * 0.99)]
    print(
        f"\na key with 40 checks in black holes: {median * 1000:.1f} ms at the median,"
        f" {highest * 1000:.1f} ms at the 99th percentile, {times[-1] * 1000:.1f} ms at most ({KEYS} keys)"
    )
    assert median <= MEDIAN
    assert highest <= HIGHEST
