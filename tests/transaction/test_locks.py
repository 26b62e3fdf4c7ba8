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
def test_every_package_has_one_exact_version_and_its_hashes(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 20
    for requirement, hashes in found.values():
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_what_the_project_asks_for_is_locked_within_its_bounds(lock: str) -> None:
    found = pins(lock)
    for wanted in bounds(lock):
        locked, _ = found[canonicalize_name(wanted.name)]
        (version,) = locked.specifier
        assert wanted.specifier.contains(version.version), f"{wanted}: run make lock"


def test_tests_run_with_the_versions_that_users_get() -> None:
    runtime, development = map(pins, LOCKS)
    exact = {name: str(requirement.specifier) for name, (requirement, _) in development.items()}
    assert {name: str(pin.specifier) for name, (pin, _) in runtime.items()}.items() <= exact.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_of_a_package_index_is_named(lock: str) -> None:
    assert re.findall(r"https?:|file:|index", (ROOT / lock).read_text()) == []
