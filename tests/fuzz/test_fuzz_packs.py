"""Packs and profiles of a stranger: looked at safely, and configured without touching anything else."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import strategies as st

from tests.support import pairs
from tests.support.fuzz import ODD, XML, fuzz, mutated
from tests.support.headless import LIB, PACKS, SPARK, SPARK_BAT, SPARK_SH, STATS, XML_FILES, untouched
from tests.support.quick import folder_in_memory
from wizard import from_homes
from wizard import replay as headless
from wizard.cancel import Cancel
from wizard.errors import WizardError
from wizard.profile import Profile, load
from wizard.profile.store import examine
from wizard.replay import Options, Result
from wizard.secrets import Resolver

FILES = (*XML_FILES, STATS, SPARK, SPARK_SH, SPARK_BAT, "bin/version.txt", "dbscripts/mysql.sql")
PLACES = (
    *FILES,
    LIB,
    f"{LIB}/driver.jar",
    "repository",
    "repository/conf",
    "bin",
    "wso2carbon.pid",
    ".apimha-wizard-run",
    "repository/conf/analytics/my-node-id.dat",
    "repository/conf/security/cipher-text.properties",
    "repository/deployment/server/carbonapps/a.car",
    "repository/deployment/server/eventreceivers/r.xml",
    "repository/tenants/1/carbonapps/b.car",
)


class World:
    """A folder with two fresh homes, and around them what nobody may touch."""

    def __init__(self, folder: Path, pack: Path) -> None:
        self.folder = folder
        self.pack = pack
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("root:x:0:0\n")
        (self.outside / "folder").mkdir()
        self.jar = pairs.driver_jar(self.outside / "driver.jar")
        self.homes = [folder / "first", folder / "second"]

    def fresh(self) -> None:
        for home in self.homes:
            shutil.rmtree(home, ignore_errors=True)
            pairs.copy_pack(self.pack, home)
        for name in ("back.toml", "back.mysql.password"):
            (self.folder / name).unlink(missing_ok=True)

    def profile(self, **tables: Any) -> Path:
        path = self.folder / "pair.toml"
        path.write_text(
            tomlkit.dumps(pairs.merged(pairs.plain(self.pack, self.homes, self.jar), tables)), "utf-8"
        )
        return path

    def put(self, place: str, what: str | bytes) -> None:
        """Something else at a place of the first home."""
        path = self.homes[0] / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        make: dict[str, Callable[[], Any]] = {
            "nothing": lambda: None,
            "pipe": lambda: os.mkfifo(path),
            "socket": lambda: _socket(path),
            "folder": path.mkdir,
            "zero": lambda: path.symlink_to("/dev/zero"),
            "terminal": lambda: path.symlink_to("/dev/tty"),
            "loop": lambda: path.symlink_to(path.name),
            "nowhere": lambda: path.symlink_to("/nonexistent/x"),
            "secret": lambda: path.symlink_to(self.outside / "secret"),
            "outside": lambda: path.symlink_to(self.outside / "folder"),
            "partner": lambda: path.symlink_to(self.homes[1] / place),
            "itself": lambda: path.symlink_to(self.homes[0]),
            "huge": lambda: _huge(path),
            "unreadable": lambda: path.write_bytes(b"\xff\xfe\x00"),
        }
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            make[what]()

    def run(self, profile: Path, **options: Any) -> Result | WizardError:
        chosen = Options(
            **{"offline": True, "ignore": ("ports.clash", "prerequisites.driver-jar"), **options}
        )
        try:
            return headless.replay(load(str(profile)), chosen, Resolver(), cancel=Cancel())[0]
        except WizardError as problem:
            return problem


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have 108 characters
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 42)  # 4 TiB, all of them holes


@pytest.fixture
def world(packs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with folder_in_memory() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        yield World(folder, packs / PACKS[0])


KINDS = (
    "nothing", "pipe", "socket", "folder", "zero", "terminal", "loop", "nowhere", "secret", "outside", "partner",
    "itself", "huge", "unreadable",
)  # fmt: skip


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
    from wizard.pack import is_pack

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
