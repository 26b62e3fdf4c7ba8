"""The lock files are complete, in step with `pyproject.toml`, and name no place that packages come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, tuple[Requirement, int]]:
    """Each locked package's line, and how many hashes it has."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
            found[canonicalize_name(Requirement(requirement).name)] = (Requirement(requirement), len(hashes))
    return found


def bounds(lock: str) -> list[Requirement]:
    """What the project asks for of that which a lock file names."""
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    if lock == "requirements-dev.lock":
        wanted += [name for extra in PROJECT["project"]["optional-dependencies"].values() for name in extra]
    return [Requirement(text) for text in wanted]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_is_exact_hashed_within_the_bounds_of_the_project_and_names_no_index(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 20
    for requirement, hashes in found.values():
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement
    for wanted in bounds(lock):
        (version,) = found[canonicalize_name(wanted.name)][0].specifier
        assert wanted.specifier.contains(version.version), f"{wanted}: run make lock"
    assert re.findall(r"https?:|file:|index", (ROOT / lock).read_text()) == []


def test_tests_run_with_the_versions_that_users_get() -> None:
    runtime, development = map(pins, LOCKS)
    exact = {name: str(requirement.specifier) for name, (requirement, _) in development.items()}
    assert {name: str(pin.specifier) for name, (pin, _) in runtime.items()}.items() <= exact.items()
