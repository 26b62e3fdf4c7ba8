"""The sandbox that the tests of transactions run on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import faults
from tests.support.sandboxes import Sandbox, sandbox


@pytest.fixture(params=["pair"])
def box(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox on a memory file system, with a state folder of its own; `link` has a symbolic link to create."""
    with tempfile.TemporaryDirectory(dir=faults.memory(), prefix="transaction-") as folder:
        monkeypatch.setenv("XDG_STATE_HOME", f"{folder}/box/state")
        with sandbox(Path(folder) / "box", request.param) as made:
            yield made
