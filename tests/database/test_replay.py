"""`replay`, `check` and `sql` with a real server behind them: what a user sees, with exit codes and JSON."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import cli, listeners, servers
from tests.support.pairs import Pair, make_pair
from tests.support.playground import Playground, playground
from tests.support.servers import Server, free_port, quoted


class World:
    """A pair, its profile, and the environment that holds the passwords."""

    def __init__(self, pair: Pair, ground: Playground) -> None:
        self.pair, self.ground = pair, ground
        passwords = {"APIM_DB_PASSWORD": ground.password, "ROOT_PASSWORD": ground.server.root_password}
        self.env = {**pair.env, **passwords}

    def run(self, *arguments: str, **env: str) -> cli.Ran:
        command, *options = arguments
        return cli.process(command, str(self.pair.profile), *options, env={**self.env, **env})

    def replay(self, *options: str, **env: str) -> cli.Ran:
        # What else runs on this machine, and on the ports of a stock pack, is not what these tests are about.
        return self.run("replay", "--json", "--ignore", "ports.free", *options, **env)

    def homes(self) -> str:
        """A fingerprint of every file of both homes, with its mode and times."""
        digest = hashlib.sha256()
        for home in self.pair.homes:
            for path in sorted(home.rglob("*")):
                status = path.lstat()
                digest.update(f"{path} {status.st_mode} {status.st_mtime_ns}".encode())
                if path.is_file():
                    digest.update(path.read_bytes())
        return digest.hexdigest()


MakeWorld = Callable[..., World]


def world_of(ground: Playground, pack: Path, folder: Path, **mysql: Any) -> World:
    tables: dict[str, Any] = {
        "host": ground.server.host,
        "port": ground.server.port,
        "username": ground.account,
        "admin_username": ground.server.root,
        "admin_password": {"env": "ROOT_PASSWORD"},
        "databases": ground.names,
        **mysql,
    }
    # A Java that is only found: logins with the driver are tested in tests/preflight/test_jdbc.py.
    java = folder / "java"
    java.mkdir(parents=True, exist_ok=True)
    (java / "release").write_text('JAVA_VERSION="1.8.0_392"\n')
    nodes = [{"java_home": str(java)}] * 2
    return World(make_pair(pack, folder / "world", mysql=tables, nodes=nodes), ground)


@pytest.fixture
def world(ground: Playground, pack: Path, tmp_path: Path) -> World:
    return world_of(ground, pack, tmp_path)


@pytest.fixture
def maria_world(maria: Playground, pack: Path, tmp_path: Path) -> Iterator[MakeWorld]:
    number = itertools.count()
    yield lambda **mysql: world_of(maria, pack, tmp_path / str(next(number)), **mysql)


class TestFromNothing:
    def test_databases_to_be_made_are_no_rolling_change(self, maria_world: MakeWorld) -> None:
        world = maria_world()
        done = world.replay("--rolling", "--only", "mysql")
        assert (done.code, done.json["outcome"]) == (3, "refused")
        assert f"\n  database {world.ground.user}: pending\n" in done.json["error"]
        assert world.ground.user not in world.ground.server.databases()

    def test_dry_run_then_replay_then_nothing_left_to_do(self, world: World) -> None:
        ground, before = world.ground, world.homes()
        dry = world.replay("--dry-run")
        assert (dry.code, dry.json["outcome"]) == (4, "pending"), dry.err
        assert [one["status"] for one in dry.json["databases"]] == ["pending"] * 4
        assert world.homes() == before
        assert ground.user not in ground.server.databases()

        done = world.replay()
        assert (done.code, done.json["outcome"]) == (0, "applied"), done.err
        assert done.json["databases"] == [
            {"name": name, "status": "created", "tables": tables}
            for name, tables in zip(ground.names.values(), (39, 39, 0, 0), strict=True)
        ]

        before = world.homes()
        again = world.replay()
        assert (again.code, again.json["outcome"]) == (0, "unchanged")
        assert [one["status"] for one in again.json["databases"]] == ["present"] * 4
        assert world.homes() == before

    def test_only_the_databases(self, maria_world: MakeWorld) -> None:
        world = maria_world()
        before = world.homes()
        assert world.replay("--dry-run", "--only", "mysql").code == 4
        done = world.replay("--only", "mysql")
        assert (done.code, done.json["outcome"]) == (0, "applied")
        assert world.homes() == before

    def test_setup_gets_the_scripts_swapped_for_9_alone(
        self, server: Server, ground: Playground, pack: Path, tmp_path: Path
    ) -> None:
        world = world_of(ground, pack, tmp_path, provisioning="server")
        done = world.replay()
        assert done.code == 0, done.err
        assert [one["tables"] for one in done.json["databases"]] == [0] * 4
        swapped = [(home / "dbscripts/mysql-before-5.7.sql").exists() for home in world.pair.homes]
        assert swapped == [server.kind == "mysql9"] * 2
        assert world.replay().json["outcome"] == "unchanged"


class TestNothingIsWritten:
    def refused(self, world: World, check: str, *options: str, **env: str) -> str:
        """The message of the one failing check of a run that leaves the homes as they were."""
        before = world.homes()
        ran = world.replay(*options, **env)
        assert (ran.code, ran.json["outcome"]) == (3, "refused"), ran.err
        error, *more = [one for one in ran.json["checks"] if one["status"] == "error"]
        assert {error["id"], *(one["id"] for one in more)} == {check} and error["fix"]
        assert world.homes() == before
        return str(error["message"])

    def test_what_the_server_refuses(self, maria_world: MakeWorld) -> None:
        assert "nothing listens" in self.refused(maria_world(port=free_port()), "mysql.connect")
        world = maria_world()
        ground = world.ground
        ground.make_account(password="another")
        self.refused(world, "mysql.account")
        ground.server.drop_user(ground.account)
        ground.provision()
        self.refused(world, "mysql.administrator", ROOT_PASSWORD="wrong")
        ground.server.run("DROP TABLE UM_HYBRID_REMEMBER_ME", database=ground.user)
        assert "UM_HYBRID_REMEMBER_ME" in self.refused(world, "mysql.schema")
        assert len(ground.server.tables(ground.user)) == 38

    def test_a_full_server(self, pack: Path, tmp_path: Path) -> None:
        """Every connection is taken when the run begins; the administrator has an extra one."""
        with (
            servers.fresh("mariadb", "--max-connections=10") as server,
            playground(server, pack, tmp_path) as ground,
        ):
            ground.make_account()
            world = world_of(ground, pack, tmp_path)
            with contextlib.ExitStack() as held:
                for _ in range(10):
                    held.enter_context(ground.connect())
                assert "no more connections" in self.refused(world, "mysql.account")

    def test_an_ignored_error_is_a_warning(self, ground56: Playground, pack: Path, tmp_path: Path) -> None:
        world = world_of(ground56, pack, tmp_path, charset="utf8mb4")
        self.refused(world, "mysql.charset")
        before = world.homes()
        ran = world.replay("--ignore", "mysql.charset")
        assert (ran.code, ran.json["outcome"]) == (1, "failed"), ran.err
        assert "too long" in ran.json["error"]
        assert ran.json["databases"][0]["status"] == "failed"
        assert world.homes() == before
        assert ground56.user not in ground56.server.databases()

    def test_a_server_that_stops_in_the_middle(self, ground: Playground) -> None:
        with listeners.cutting_proxy(ground.server.port, after=90) as port:
            through = world_of(ground, ground.pack, ground.folder / "proxied", port=port)
            before = through.homes()
            ran = through.replay()
        assert (ran.code, ran.json["outcome"]) == (1, "failed"), ran.err
        assert ran.json["error"]
        assert through.homes() == before


def test_what_sql_prints_makes_a_later_replay_find_nothing_missing(world: World) -> None:
    ground = world.ground
    printed = world.run("sql", "--with-password")
    assert printed.code == 0, printed.err
    done = ground.server.client(printed.out)
    assert done.returncode == 0, done.stderr
    ran = world.replay("--dry-run", "--only", "mysql")
    assert (ran.code, ran.json["outcome"]) == (0, "unchanged"), ran.json


def test_evil_names_are_only_names(maria_world: MakeWorld, maria: Playground) -> None:
    """Every field of the profile that gets into SQL, with SQL in it."""
    evil = "x`; DROP DATABASE mysql; -- '"
    maria.names = {**maria.names, "user": evil}
    maria.account = "a'; DROP USER root@localhost; -- "[:30].strip()
    world = maria_world()
    before = maria.server.databases()
    done = world.replay()
    assert done.code == 0, done.err
    assert maria.server.databases() == before | set(maria.names.values())
    assert len(maria.server.tables(evil)) == 39
    maria.server.run(f"SELECT 1 FROM {quoted(evil)}.UM_USER")
