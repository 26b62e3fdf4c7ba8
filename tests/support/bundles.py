"""What a release consists of, built once in a session: wheel, sdist and bundle; and commands without a network."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import ROOT
from tests.support.need import missing
from tests.support.programs import must

CODE = ("wizard", "screens")
EPOCH = "315532800"
"""1980, the first year of a zip file: the time of every file in a wheel."""


def shipped_files() -> list[str]:
    """Every file of the code that git has."""
    return must("git", "ls-files", *CODE, cwd=ROOT).stdout.splitlines()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="apimha-release-")


@cache
def release() -> Path:
    """The folder with what `make dist` makes, from a copy of what git has; deleted when the process ends."""
    as_make = f"SOURCE_DATE_EPOCH={EPOCH} $(BIN)/python -m build --no-isolation\n"
    assert as_make in (ROOT / "Makefile").read_text(), "as `make dist` does it"
    source, out = Path(_folder().name, "source"), Path(_folder().name, "dist")
    source.mkdir()
    for name in ROOT.iterdir():
        if name.is_file() and not name.name.startswith("."):
            shutil.copy2(name, source)
    for folder in (*CODE, "docs"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    env = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    done = must(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, cwd=source, env=env)
    assert "Warning" not in done.stdout + done.stderr, done.stdout + done.stderr
    return out


@cache
def bundle() -> Path:
    """The archive of `make bundle`; the dependencies are downloaded once for each lock file, into the cache."""
    as_make = "$(BIN)/python -m tools.bundle dist\n"
    assert as_make in (ROOT / "Makefile").read_text(), "as `make bundle` does it"
    try:
        done = must(sys.executable, "-m", "tools.bundle", release(), cwd=ROOT)
    except AssertionError as problem:
        missing(f"no dependencies for the bundle: {str(problem)[-400:]}")
    return Path(done.stdout.splitlines()[-1])


@cache
def without_network() -> tuple[str, ...]:
    """What runs a command in a network namespace of its own; empty where the kernel refuses one."""
    for prefix in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([*prefix, "true"], capture_output=True, check=True)
            return prefix
    return ()


def program(name: str) -> str:
    """Path of a program that comes with `make venv`, from this environment or the PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return shutil.which(name, path=path) or pytest.fail(f"{name}: not installed; make test installs it")


NO_INDEX = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
"""No package index and no configuration of pip."""


def offline(*command: str | Path, code: int | None = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command without a network, a package index and a configuration of pip; see `must`.

    `env` is added to the environment; without a `code` any exit code will do.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))}
    env = {**kept, **NO_INDEX, **options.pop("env", {})}
    return must(*without_network(), *command, code=code, env=env, **options)
