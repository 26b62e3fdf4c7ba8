"""The SQL for a DBA is refused where no server would take it; no server is asked for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cli import run
from tests.support.pairs import Pair
from tests.support.servers import free_port


@pytest.mark.parametrize(
    ("pack", "mysql", "words"),
    [
        ("apim-analytics-2.1.0", {"store_charset": "utf8mb4"}, 'store_charset = "utf8mb4" does not fit'),
        ("is-analytics-5.3.0", {"databases": {"user": "Aa", "registry": "aA"}}, "differ only in case"),
        ("apim-analytics-2.0.0", {"charset": "utf8mb4", "server_version": "5.6"}, "not fit MySQL 5.6"),
        ("apim-analytics-2.0.0", {"store_charset": "utf8mb4"}, ""),
        ("das-3.0.1", {"charset": "utf8mb4", "server_version": "10.11-MariaDB"}, ""),
    ],
)
def test_what_no_server_takes(
    pack: str, mysql: dict[str, Any], words: str, make_pair: Callable[..., Pair]
) -> None:
    pair = make_pair(pack, mysql={"server_version": "9.0", "port": free_port(), **mysql})
    ran = run("sql", pair.profile)
    if words:
        assert (ran.code, ran.out) == (3, "")
        assert words in ran.err and "fix:" in ran.err
    else:
        assert ran.code == 0, ran.err
        assert "CREATE DATABASE" in ran.out
