"""What all tests share: the real packs, a world of their own, and a pair to work on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import bundles, pairs, servers, this_machine
from tests.support.need import missing
from tests.support.servers import mariadb, mysql9, mysql56, server

# A loaded machine is no bug of the code: how long one example takes is not judged.  Nothing is left in the folder.
settings.register_profile("unhurried", deadline=None, database=None)
settings.load_profile("unhurried")

this_machine.stay()

# What a shell that runs the tests in the background has ignored, every child would ignore too: a handler is not
# inherited, and this one ignores as well.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# The real database servers, for whoever names one as an argument.
__all__ = ["mariadb", "mysql9", "mysql56", "server"]

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a real server."""
    for item in items:
        if isinstance(item, pytest.Function) and _uses_a_server(item):
            item.add_marker("servers")


def _uses_a_server(item: pytest.Function) -> bool:
    # A module can have a fixture of its own that is called `server`.
    used = item._fixtureinfo.name2fixturedefs.values()
    return any(one.func.__module__ == servers.__name__ for definitions in used for one in definitions)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the project (or `APIMHA_SHARED`) that holds the real packs; read only."""
    folder = Path(os.environ.get("APIMHA_SHARED") or ROOT.parent / "shared")
    if not (folder / "packs").is_dir():
        missing(f"the real packs are not at {folder}: set APIMHA_SHARED")
    return folder


@pytest.fixture(scope="session")
def packs(shared: Path) -> Path:
    """The folder of the three stock packs."""
    return shared / "packs"


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The archive of `make bundle`."""
    return bundles.bundle()


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test and the processes that it starts: nobody's profiles, runs or keyring."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name in ("APIM_DB_PASSWORD", "JAVA_HOME", "MYSQL_ROOT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(autouse=True)
def stays_here() -> Iterator[None]:
    """Every test's traffic stays on this machine."""
    this_machine.WENT_AWAY.clear()
    yield
    assert not this_machine.WENT_AWAY, "it wanted to leave this machine"


@pytest.fixture
def make_pair(packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pairs.Pair]:
    """`make_pair("das-3.0.1", mysql={…})`: see `tests.support.pairs.make_pair`; one a test and pack.

    The password's variable is set for this process too.
    """

    def make(pack: str = "apim-analytics-2.0.0", **overrides: Any) -> pairs.Pair:
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        return pairs.make_pair(packs / pack, tmp_path / pack, **overrides)

    return make


@pytest.fixture
def pair(make_pair: Callable[..., pairs.Pair]) -> pairs.Pair:
    """A pair of API-M Analytics 2.0.0 as unpacked, with the plain profile."""
    return make_pair()


@pytest.fixture
def environ(isolated: Path) -> dict[str, str]:
    """The environment of a program on a pseudo-terminal."""
    keep = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    own = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return {**keep, **own}
