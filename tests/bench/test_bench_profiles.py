"""How long profiles take: 1,000 of them, and what the first one costs.  Prints figures, asserts nothing about time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.support.profiles import MINIMAL_TEXT
from wizard.profile.store import listing, load
from wizard.profile.template import show
from wizard.system import locations

SIZES = (125, 250, 500, 1000)
MISTAKES = (60, 120, 240, 480)

FIRST = """
import time
start = time.perf_counter()
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
pydantic = time.perf_counter()
import wizard.profile.store
imported = time.perf_counter()
wizard.profile.store.load(__import__("sys").argv[1])
loaded = time.perf_counter()
print(pydantic - start, imported - pydantic, loaded - imported)
"""


def test_loading_grows_linearly(tmp_path):
    (tmp_path / "minimal.toml").write_text(MINIMAL_TEXT)
    text = show(load(tmp_path / "minimal.toml").profile)  # every key written out
    folder = locations.profiles()
    folder.mkdir(parents=True)
    for number in range(max(SIZES)):
        (folder / f"p{number}.toml").write_text(text)
    load("p0")  # what only the first one costs is measured below
    print(f"\n{'profiles':>10} {'CPU s':>10} {'ms each':>10}")
    for size in SIZES:
        began = time.process_time()  # other work on the machine does not count
        for number in range(size):
            load(f"p{number}")
        seconds = time.process_time() - began
        print(f"{size:>10} {seconds:>10.3f} {seconds / size * 1000:>10.3f}")
    began = time.process_time()
    found = listing()
    print(f"{'profile list':>14}: {len(found)} in {time.process_time() - began:.3f} s")
    assert len(found) == max(SIZES)


def test_a_broken_profile_with_very_many_mistakes(tmp_path):
    path = tmp_path / "broken.toml"
    print(f"\n{'mistakes':>10} {'seconds':>10}")
    for size in MISTAKES:
        path.write_text(MINIMAL_TEXT + "[pool]\n" + "".join(f"unknown{n} = 1\n" for n in range(size)))
        began = time.perf_counter()
        try:
            load(path)
        except Exception as failure:
            count = len(failure.mistakes)
        print(f"{count:>10} {time.perf_counter() - began:>10.3f}")
        assert count == size


def test_the_first_profile_of_a_process(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(MINIMAL_TEXT)
    rows = []
    for _ in range(15):
        out = subprocess.run(
            [sys.executable, "-c", FIRST, str(path)], capture_output=True, text=True, check=True
        )
        rows.append([float(part) * 1000 for part in out.stdout.split()])
    print("\nmilliseconds:   median   least")
    for name, column in zip(
        ("pydantic itself", "+ the models", "+ the first load"), zip(*rows, strict=True), strict=True
    ):
        print(f"{name:>16} {statistics.median(column):>6.1f} {min(column):>7.1f}")
