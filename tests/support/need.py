"""Programs that a test cannot do without."""

from __future__ import annotations

import os
import shutil

import pytest


def need(*programs: str) -> None:
    """Skip where a program is not installed; fail where `CI` is set, since `make test` installs them all."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{', '.join(missing)}: not installed, though CI is set")
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed; make test installs it")
