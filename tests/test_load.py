"""Much of everything: files in a home, state files, profiles.  Work is counted in calls, not in seconds."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import run
from tests.support.limited import memory_below
from tests.support.pairs import Pair, make_pair
from tests.support.profiles import MINIMAL_TEXT
from tests.support.quick import folder_in_memory
from tests.support.server_logs import CARBON, ServerLog
from wizard.profile.store import listing
from wizard.system import locations
from wizard.verify.homes import LOG, clean, plan_cleaning


def calls_of(work: Callable[[], object]) -> int:
    profiler = cProfile.Profile()
    profiler.enable()
    work()
    profiler.disable()
    return pstats.Stats(profiler).total_calls  # type: ignore[attr-defined,no-any-return]


def fill(folder: Path, count: int, *, folders: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"x{number}"
        path.mkdir(exist_ok=True) if folders else path.touch()


@pytest.fixture
def pair(packs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("APIM_DB_PASSWORD", "x")
    with folder_in_memory() as folder:
        yield make_pair(packs / "apim-analytics-2.0.0", folder)


@pytest.mark.parametrize("command", [["check"], ["replay", "--dry-run"], ["verify"]])
def test_what_else_a_home_holds_costs_nothing(command: list[str], pair: Pair) -> None:
    for home in pair.homes:
        (home / LOG).write_text(ServerLog().say(CARBON, "Starting WSO2 Carbon...") + "\n")

    def work() -> None:
        run(command[0], pair.profile, *command[1:], "--offline")

    work()
    before = calls_of(work)
    for home in pair.homes:
        for place in (".", "repository/logs", "repository/data/index"):
            fill(home / place, 3000)
        for place in ("tmp", "repository/deployment/server/webapps"):
            fill(home / place, 3000, folders=True)
    assert calls_of(work) <= before + 200


def test_a_configuration_of_any_number_of_files_is_compared_up_to_a_limit(pair: Pair) -> None:
    calls = []
    for count in (6000, 12_000):
        for home in pair.homes:
            fill(home / "repository/conf/more", count)
        calls.append(calls_of(lambda: run("check", pair.profile, "--offline")))
    assert calls[1] <= calls[0] + 200, calls


def test_work_and_memory_of_cleaning_grow_with_the_state_files(tmp_path: Path) -> None:
    calls = []
    for count in (1000, 4000):
        with folder_in_memory() as home:
            for plan in ("one", "two"):
                states = home / "cep_persistence/-1234" / plan
                states.mkdir(parents=True)
                for number in range(count):
                    (states / f"{1480000000000 + number}_{plan}").touch()
            with memory_below(2 * count * 200 + 100_000):
                cleaning = plan_cleaning(home)
            assert (cleaning.count, cleaning.keep) == (2 * count - 4, 4)
            calls.append(calls_of(lambda home=home: clean(plan_cleaning(home))))  # type: ignore[misc]
            assert plan_cleaning(home).count == 0
    assert calls[1] <= 4.2 * calls[0], calls


def test_a_list_of_profiles_grows_with_them() -> None:
    calls: list[int] = []
    locations.profiles().mkdir(parents=True)
    locations.drafts().mkdir(parents=True)
    for count in (50, 200):
        for number in range(count):
            locations.profile(f"good{number}").write_text(MINIMAL_TEXT)
            locations.profile(f"bad{number}").write_text(MINIMAL_TEXT.replace("username", "usernme"))
            locations.draft(f"draft{number}").write_text("schema_version = 1\n")
        listing()
        calls.append(calls_of(listing))
    assert calls[1] <= 4.2 * calls[0], calls
