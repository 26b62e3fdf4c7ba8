"""What a test cannot do without."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip for a reason that a person may accept; fail where `CI` is set, which has to have it all."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def need(*programs: str) -> None:
    """Skip where a program is not installed; fail where `CI` is set, since `make test` installs them all."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        missing(f"{', '.join(absent)}: not installed; make test installs it")
