"""Measure a whole `replay --offline`, from the start of its process to its exit, against a floor.

The floor is a Python process that imports lxml, click and pydantic, builds models of the size of a profile's, validates
one profile with them, parses the files that a replay edits, and writes each of them again, on disk.  Homes and state
are on a memory file system, so that the program is measured and not the disk.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.paired import floor_models, paired
from tests.support import faults, pairs, strace
from tests.support.many_runs import add_runs
from tests.support.need import need

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 21
TIMES = 1.5
MANY_TIMES = 1.2
PEAK = 80 * 1024
"""Kilobytes."""

FILES = (
    "datasources/master-datasources.xml",
    "datasources/analytics-datasources.xml",
    "user-mgt.xml",
    "registry.xml",
    "axis2/axis2.xml",
    "event-processor.xml",
    "analytics/spark/spark-defaults.conf",
)

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
        for name in ("analytics-1", "analytics-2", "state"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if name != "state":
                shutil.copytree(self.folder / "stock" / name, self.folder / name)


@pytest.fixture
def measured(packs: Path) -> Iterator[Measured]:
    # As it is where it was installed: compiled.
    compileall.compile_dir(ROOT / "wizard", quiet=1)
    with tempfile.TemporaryDirectory(dir=faults.memory(), prefix="bench-") as name:
        folder = Path(name)
        pair = pairs.make_pair(packs / "apim-analytics-2.0.0", folder)
        (folder / "stock").mkdir()
        for home in pair.homes:
            shutil.copytree(home, folder / "stock" / home.name)
        script = folder / "floor.py"
        script.write_text(FLOOR)
        (folder / "models.py").write_text(floor_models())
        compileall.compile_file(folder / "models.py", quiet=1)
        edited = [str(home / "repository/conf" / file) for home in pair.homes for file in FILES]
        unset = {"PYTHONUNBUFFERED", "PYTHONHASHSEED"}
        env = {key: value for key, value in pair.env.items() if key not in unset}
        yield Measured(
            folder,
            {**env, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)},
            [sys.executable, str(script), *edited],
            [sys.executable, "-m", "wizard", "replay", str(pair.profile), "--offline"],
        )


def test_first_replay(measured: Measured) -> None:
    times = paired(measured.floor, measured.replay, measured.env, pairs=PAIRS, before=measured.fresh)
    print(f"\nfirst replay: {times}")
    assert times.subject.peak <= PEAK
    assert times.ratio <= TIMES


def test_nothing_to_do(measured: Measured) -> None:
    measured.fresh()
    subprocess.run(measured.replay, env=measured.env, check=True, capture_output=True)
    times = paired(measured.floor, measured.replay, measured.env, pairs=PAIRS)
    print(f"\nreplay with nothing to do: {times}")
    assert times.subject.peak <= PEAK
    assert times.ratio <= TIMES


@pytest.mark.parametrize("what", ["first replay", "replay with nothing to do"])
def test_many_runs(measured: Measured, what: str) -> None:
    """A replay with 5,000 recorded runs, against one with 50."""
    measured.fresh()
    subprocess.run(measured.replay, env=measured.env, check=True, capture_output=True)
    commands = []
    for count in (50, 5000):
        state = measured.folder / f"state-{count}"
        shutil.copytree(measured.folder / "state", state)
        add_runs(state, range(count - 1))
        commands.append(["env", f"XDG_STATE_HOME={state}", *measured.replay])
        subprocess.run(commands[-1], env=measured.env, check=True, capture_output=True)
    before = measured.fresh if what == "first replay" else lambda: None
    times = paired(commands[0], commands[1], measured.env, pairs=PAIRS, before=before)
    print(f"\n{what} with 5,000 runs against 50: {times}")
    assert times.ratio <= MANY_TIMES


def test_the_price_of_durability(measured: Measured) -> None:
    """How many fsyncs a first replay makes, for what; and that one with nothing to do makes none."""
    need("strace")
    measured.fresh()
    out = measured.folder / "trace"
    trace = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(out), *measured.replay]
    subprocess.run(trace, env=measured.env, check=True, capture_output=True)
    counts: Counter[str] = Counter()
    for call in strace.read(out):
        where = "state" if call.within(measured.folder / "state") else "homes"
        kind = "folders" if os.path.isdir(call.path) else "files"
        counts[f"{kind} in the {where}"] += 1
    print(f"\nfsyncs of a first replay: {counts.total()} ({dict(counts)})")
    subprocess.run(trace, env=measured.env, check=True, capture_output=True)
    assert strace.read(out) == []
