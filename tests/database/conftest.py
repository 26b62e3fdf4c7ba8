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
    """A playground on MariaDB, the fastest, for behaviour that is equal on all servers."""
    with playground(mariadb, pack, tmp_path) as made:
        yield made


@pytest.fixture
def ground56(mysql56: Server, pack: Path, tmp_path: Path) -> Iterator[Playground]:
    with playground(mysql56, pack, tmp_path) as made:
        yield made


@pytest.fixture
def ground9(mysql9: Server, pack: Path, tmp_path: Path) -> Iterator[Playground]:
    with playground(mysql9, pack, tmp_path) as made:
        yield made
