"""A playground on each of the three servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.playground import Playground, playground
from tests.support.servers import Server


@pytest.fixture
def pack(packs: Path) -> Path:
    """The pack of the procedure."""
    return packs / "apim-analytics-2.0.0"


@pytest.fixture
def ground(server: Server, pack: Path, tmp_path: Path) -> Iterator[Playground]:
    """A playground on each of the three servers in turn."""
    with playground(server, pack, tmp_path) as made:
        yield made


@pytest.fixture
def maria(mariadb: Server, pack: Path, tmp_path: Path) -> Iterator[Playground]:
    """A playground on MariaDB, for what is the same on all servers: it is the quickest."""
    with playground(mariadb, pack, tmp_path) as made:
        yield made
