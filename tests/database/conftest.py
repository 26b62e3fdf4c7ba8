"""A playground on each of the three servers, and what the checks of the MySQL step find there."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.pairs import make_pair
from tests.support.playground import Playground, playground
from tests.support.servers import KINDS, Kind, Server, shared_server
from wizard.pack.home import Pack
from wizard.passwords.secret import Secret
from wizard.plan.planner import Plan
from wizard.preflight import checks
from wizard.preflight.checks import CheckContext
from wizard.preflight.mysql import CHECKS
from wizard.profile.model import Profile
from wizard.profile.passwords import Passwords
from wizard.system.finding import Finding


@pytest.fixture
def pack(packs: Path) -> Path:
    """The pack of the procedure."""
    return packs / "apim-analytics-2.0.0"


@pytest.fixture
def ground(server: Server, pack: Path, tmp_path: Path) -> Iterator[Playground]:
    """A playground on each of the three servers in turn."""
    with playground(server, pack, tmp_path) as made:
        yield made


def _ground_on(kind: Kind) -> Any:
    @pytest.fixture
    def ground(pack: Path, tmp_path: Path) -> Iterator[Playground]:
        with playground(shared_server(kind), pack, tmp_path) as made:
            yield made

    return ground


ground56, ground9, maria = map(_ground_on, KINDS)
"""A playground on one of them: MariaDB, the fastest, for behaviour that is equal on all servers."""


@dataclass
class Looked:
    """The findings of one run; `looked["names"]` are those of `mysql.names`."""

    found: list[Finding]

    def __getitem__(self, name: str) -> list[Finding]:
        return [one for one in self.found if one.id == f"mysql.{name}"]

    def errors(self) -> set[str]:
        return {one.id.removeprefix("mysql.") for one in self.found if one.status == "error"}

    def error(self, name: str) -> Finding:
        """The one error of a check."""
        (found,) = [one for one in self[name] if one.status == "error"]
        assert found.fix
        return found


Look = Callable[..., Looked]
MakeContext = Callable[..., CheckContext]


@pytest.fixture
def context_for(packs: Path, tmp_path: Path) -> MakeContext:
    """`context_for(ground, mysql={…})`: a profile for that playground; `admin=False` leaves root out.

    `names` are other names of databases, whatever a profile may say.
    """
    number = itertools.count(1)

    def made(
        ground: Playground,
        *,
        pack: str = "apim-analytics-2.0.0",
        admin: bool = True,
        passwords: Passwords | None = None,
        offline: bool = False,
        names: dict[str, str] | None = None,
        **changes: Any,
    ) -> CheckContext:
        root = {"admin_username": "root", "admin_password": {"env": "ROOT"}} if admin else {}
        server = {"host": ground.server.host, "port": ground.server.port, "username": ground.account}
        mysql = {**server, **root, "databases": ground.names, **changes.pop("mysql", {})}
        pair = make_pair(packs / pack, tmp_path / f"pair{next(number)}", mysql=mysql, **changes)
        raw = tomllib.loads(pair.profile.read_text())
        profile = Profile.model_validate(raw, context={"folder": pair.profile.parent})
        databases = profile.mysql.databases.model_copy(update=names)
        profile = profile.model_copy(
            update={"mysql": profile.mysql.model_copy(update={"databases": databases})}
        )
        if passwords is None:
            of_root = Secret(ground.server.root_password) if admin else None
            passwords = Passwords(Secret(ground.password), of_root)
        homes = {node.name: Pack(Path(node.home)) for node in profile.nodes}
        context = CheckContext(profile, profile.nodes, homes, Plan(()), passwords)
        context.offline = offline
        return context

    return made


@pytest.fixture
def look(context_for: MakeContext) -> Look:
    """The findings for a playground, or for a context, of the checks named, else of all but the driver's."""

    def looked(where: Playground | CheckContext, *names: str, **changes: Any) -> Looked:
        context = where if isinstance(where, CheckContext) else context_for(where, **changes)
        ids = {f"mysql.{name}" for name in names} or {one.id for one in CHECKS} - {"mysql.driver"}
        return Looked(list(checks.run([one for one in CHECKS if one.id in ids], context)))

    return looked
