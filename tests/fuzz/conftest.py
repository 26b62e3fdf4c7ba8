from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import pairs
from tests.support.headless import PACKS
from tests.support.quick import folder_in_memory
from tests.support.strangers import World


@pytest.fixture
def world(packs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two homes on a memory file system, and around them what nothing may touch."""
    with folder_in_memory() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        made = World(folder, packs / PACKS[0])
        made.fresh()
        yield made
