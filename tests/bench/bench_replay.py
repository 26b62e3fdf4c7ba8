"""Measure a whole `replay --offline`, from the start of its process to its exit, against a floor.

The floor is a Python process that imports lxml, click and pydantic, builds models of the size of a profile's, validates
one profile with them, parses the files that a replay edits, and writes each of them again, on disk.  Homes and state
are on a memory file system, so that the program is measured and not the disk.
"""

from __future__ import annotations

import compileall
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bench.paired import floor_models, paired
from tests.support import faults, pairs
from tests.support.cli import ROOT
from tests.support.headless import EDITED, SPARK
from tests.support.programs import must
from tests.support.sandboxes import add_runs

PAIRS = 21
TIMES = 1.5
MANY_TIMES = 1.2
PEAK = 80 * 1024
"""Kilobytes."""

FILES = (*EDITED, SPARK)

FLOOR = """
import os, sys
import click
from lxml import etree
import models

models.Profile.model_validate(models.PROFILE)
for path in sys.argv[1:]:
    with open(path, "rb") as stream:
        content = stream.read()
    if path.endswith(".xml"):
        etree.fromstring(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, content)
    os.fsync(descriptor)
    os.close(descriptor)
"""


@dataclass(frozen=True)
class Measured:
    """A pair of stock packs on a memory file system."""

    folder: Path
    env: dict[str, str]
    floor: list[str]
    replay: list[str]

    def fresh(self) -> None:
        """Both homes as they were unpacked, and no state."""
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        for stock in (self.folder / "stock").iterdir():
            shutil.rmtree(self.folder / stock.name)
            shutil.copytree(stock, self.folder / stock.name)

    def replayed(self) -> None:
        """Both homes configured."""
        self.fresh()
        must(*self.replay, env=self.env)

    def ratio(self, title: str, **how: Any) -> float:
        """Time a replay against the floor, print and return how many times as long it takes; check its memory."""
        times = paired(self.floor, self.replay, self.env, pairs=PAIRS, **how)
        print(f"\n{title}: {times}")
        assert times.subject.peak <= PEAK
        return times.ratio


@pytest.fixture
def measured(packs: Path) -> Iterator[Measured]:
    compileall.compile_dir(ROOT / "wizard", quiet=1)  # as where it was installed
    with tempfile.TemporaryDirectory(dir=faults.memory(), prefix="bench-") as name:
        folder = Path(name)
        pair = pairs.make_pair(packs / "apim-analytics-2.0.0", folder)
        for home in pair.homes:
            shutil.copytree(home, folder / "stock" / home.name)
        (folder / "floor.py").write_text(FLOOR)
        (folder / "models.py").write_text(floor_models())
        compileall.compile_file(folder / "models.py", quiet=1)
        edited = [str(home / file) for home in pair.homes for file in FILES]
        unset = {"PYTHONUNBUFFERED", "PYTHONHASHSEED"}
        env = {key: value for key, value in pair.env.items() if key not in unset}
        yield Measured(
            folder,
            {**env, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)},
            [sys.executable, str(folder / "floor.py"), *edited],
            [sys.executable, "-m", "wizard", "replay", str(pair.profile), "--offline"],
        )


def test_first_replay(measured: Measured) -> None:
    assert measured.ratio("first replay", before=measured.fresh) <= TIMES


def test_nothing_to_do(measured: Measured) -> None:
    measured.replayed()
    assert measured.ratio("replay with nothing to do") <= TIMES


@pytest.mark.parametrize("what", ["first replay", "replay with nothing to do"])
def test_many_runs(measured: Measured, what: str) -> None:
    """A replay with 5,000 recorded runs, against one with 50."""
    measured.replayed()
    commands = []
    for count in (50, 5000):
        state = measured.folder / f"state-{count}"
        shutil.copytree(measured.folder / "state", state)
        add_runs(state, range(count - 1))
        commands.append(["env", f"XDG_STATE_HOME={state}", *measured.replay])
        must(*commands[-1], env=measured.env)
    before = measured.fresh if what == "first replay" else lambda: None
    times = paired(*commands, measured.env, pairs=PAIRS, before=before)
    print(f"\n{what} with 5,000 runs against 50: {times}")
    assert times.ratio <= MANY_TIMES
