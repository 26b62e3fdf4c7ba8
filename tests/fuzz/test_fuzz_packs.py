"""Packs and profiles of a stranger: looked at safely, and configured without touching anything else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.support import pairs
from tests.support.fuzz import ODD, XML, fuzz, mutated
from tests.support.headless import PACKS, untouched
from tests.support.quick import folder_in_memory
from tests.support.strangers import FILES, KINDS, PLACES, World
from wizard.command_line.run import from_homes
from wizard.command_line.run import replay as headless
from wizard.command_line.run.replay import Options, Result
from wizard.passwords.resolver import Resolver
from wizard.profile.model import Profile
from wizard.profile.store import examine, load
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError


@pytest.fixture
def world(packs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with folder_in_memory() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        yield World(folder, packs / PACKS[0])


@st.composite
def oddities(draw: st.DrawFn, pack: Path) -> list[tuple[str, str | bytes]]:
    """Places of a home, and what stands there: something that is no file, or a file that was changed."""
    found: list[tuple[str, str | bytes]] = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            found.append((draw(st.sampled_from(PLACES)), draw(st.sampled_from(KINDS))))
        else:
            file = draw(st.sampled_from(FILES))
            found.append((file, draw(mutated((pack / file).read_bytes(), (*ODD, *XML), most=2))))
    return found


def spoil(world: World, odd: list[tuple[str, str | bytes]]) -> None:
    world.fresh()
    for place, what in odd:
        with contextlib.suppress(OSError):  # an earlier oddity may be in the way of this one
            world.put(place, what)


def test_check_and_dry_run_touch_nothing(world: World) -> None:
    def looked_at(odd: list[tuple[str, str | bytes]]) -> None:
        spoil(world, odd)
        profile = world.profile()
        before = untouched(*_all(world))
        result = world.run(profile, dry_run=True)
        if isinstance(result, Result):
            assert result.exit_code in {0, 3, 4, 5}
        assert untouched(*_all(world)) == before
        with contextlib.suppress(WizardError):
            headless.check(
                load(str(profile)), Options(offline=True), Resolver(), tell=lambda one: None, cancel=Cancel()
            )
        assert untouched(*_all(world)) == before

    fuzz(0.15, looked_at, odd=oddities(world.pack))


def _all(world: World) -> list[Path]:
    """What can be looked at without end: a pipe or a device is not read."""
    return [world.outside, world.homes[1], world.folder / "pair.toml"]


def test_from_homes_reads_or_refuses(world: World) -> None:
    def read(odd: list[tuple[str, str | bytes]]) -> None:
        spoil(world, odd)
        before = untouched(world.outside, world.homes[1])
        path = world.folder / "back.toml"
        try:
            found = from_homes.read((world.homes[0], world.homes[1]))
        except WizardError:
            assert not path.exists()
            return
        from_homes.write(found, path)
        judged = examine(path.read_text("utf-8"), path.parent)
        assert isinstance(judged, Profile) or {one.field for one in judged} == set(found.missing)
        assert untouched(world.outside, world.homes[1]) == before

    fuzz(0.12, read, odd=oddities(world.pack))


def test_a_configured_pair_that_was_spoilt_is_read_back(world: World) -> None:
    """Here there is a password to lose, and every value to spoil."""
    world.fresh()
    result = world.run(world.profile())
    assert isinstance(result, Result) and result.outcome == "applied", result
    configured = world.folder / "configured"
    world.homes[0].rename(configured)
    world.homes[1].rename(world.folder / "other")
    world.pack = configured

    def read(odd: list[tuple[str, str | bytes]]) -> None:
        spoil(world, odd)
        found = from_homes.read((world.homes[0], world.homes[1])) if _is_pack(world.homes[0]) else None
        if found is None:
            return
        path = world.folder / "back.toml"
        from_homes.write(found, path)
        text = path.read_text("utf-8")
        judged = examine(text, path.parent)
        assert isinstance(judged, Profile) or {one.field for one in judged} == set(found.missing)
        assert pairs.PASSWORD not in text

    fuzz(0.12, read, odd=oddities(configured))


def _is_pack(home: Path) -> bool:
    from wizard.pack.home import is_pack

    return is_pack(home)


def test_a_run_writes_into_the_homes_and_into_targets_that_the_plan_names(world: World) -> None:
    def configured(odd: list[tuple[str, str | bytes]]) -> None:
        spoil(world, odd)
        profile = world.profile()
        planned = _targets(world, profile)
        before = untouched(world.outside)
        result = world.run(profile)
        after = untouched(world.outside)
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        real = {os.path.realpath(path) for path in changed}
        allowed = {str(path) for path in planned} | {str(path.parent) for path in planned}
        if not isinstance(result, Result) or result.outcome != "applied":
            allowed = set()
        assert real <= allowed, (real, allowed)

    fuzz(0.13, configured, odd=oddities(world.pack))


def _targets(world: World, profile: Path) -> set[Path]:
    chosen = Options(offline=True, dry_run=True, ignore=("ports.clash", "prerequisites.driver-jar"))
    try:
        _, prepared = headless.replay(load(str(profile)), chosen, Resolver(), cancel=Cancel())
    except WizardError:
        return set()
    return {target for change in prepared.plan.pending for target in change.targets}
