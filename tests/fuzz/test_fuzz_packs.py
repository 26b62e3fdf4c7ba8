"""Packs of a stranger: read safely, and configured without touching anything else."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from hypothesis import strategies as st

from tests.support import pairs
from tests.support.fuzz import ODD, XML, fuzz, mutated
from tests.support.headless import untouched
from tests.support.strangers import FILES, KINDS, PLACES, World
from wizard.command_line.run import from_homes
from wizard.command_line.run import replay as headless
from wizard.command_line.run.replay import Options, Result
from wizard.pack.home import is_pack
from wizard.passwords.resolver import Resolver
from wizard.profile.model import Profile
from wizard.profile.store import examine, load
from wizard.system.errors import Cancel, WizardError

Oddities = list[tuple[str, str | bytes]]
"""Places of a home, and what is there: something that is not a file, or a file that was changed."""


@st.composite
def oddities(draw: st.DrawFn, pack: Path) -> Oddities:
    found: Oddities = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            found.append((draw(st.sampled_from(PLACES)), draw(st.sampled_from(KINDS))))
        else:
            file = draw(st.sampled_from(FILES))
            found.append((file, draw(mutated((pack / file).read_bytes(), (*ODD, *XML), most=2))))
    return found


def spoil(world: World, odd: Oddities) -> None:
    world.fresh()
    for place, what in odd:
        with contextlib.suppress(OSError):  # an earlier oddity may be in the way of this one
            world.put(place, what)


def read_back(world: World) -> str | None:
    """The profile that the homes give; None where they are refused."""
    path = world.folder / "back.toml"
    try:
        found = from_homes.read((world.homes[0], world.homes[1]))
    except WizardError as problem:
        assert problem.exit_code == 3
        assert not path.exists()
        return None
    from_homes.write(found, path)
    text = path.read_text("utf-8")
    judged = examine(text, path.parent)
    assert isinstance(judged, Profile) or {one.field for one in judged} == set(found.missing)
    return text


def test_a_stock_pack_that_was_spoilt(world: World) -> None:
    """What only reads touches nothing; a run writes into the homes and into the targets that the plan names."""

    def tried(odd: Oddities) -> None:
        spoil(world, odd)
        profile = world.profile()
        around = (world.outside, world.homes[1], profile)  # a pipe or a device in the first home is not read
        before = untouched(*around)
        world.run(profile, dry_run=True)
        planned = {str(path) for target in world.targets for path in (target, target.parent)}
        with contextlib.suppress(WizardError):
            options = Options(offline=True)
            headless.check(load(str(profile)), options, Resolver(), tell=lambda one: None, cancel=Cancel())
        read_back(world)
        assert untouched(*around) == before

        before = untouched(world.outside)
        result = world.run(profile)
        after = untouched(world.outside)
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        applied = isinstance(result, Result) and result.outcome == "applied"
        assert {os.path.realpath(path) for path in changed} <= (planned if applied else set())

    fuzz(0.4, tried, odd=oddities(world.pack))


def test_a_configured_pair_that_was_spoilt_is_read_back(world: World) -> None:
    """Here there is a password to lose, and every value to spoil."""
    result = world.run(world.profile())
    assert isinstance(result, Result) and result.outcome == "applied", result
    world.pack = world.homes[0].rename(world.folder / "configured")
    world.homes[1].rename(world.folder / "other")

    def read(odd: Oddities) -> None:
        spoil(world, odd)
        if is_pack(world.homes[0]):
            text = read_back(world)
            assert text is not None and pairs.PASSWORD not in text

    fuzz(0.12, read, odd=oddities(world.pack))
