"""`replay`, `check` and `sql` with a real server behind them: what a user sees, with exit codes and JSON."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.support import cli, listeners, servers
from tests.support.pairs import Pair, copy_pack, make_pair
from tests.support.playground import Playground, playground
from tests.support.servers import Server, free_port, quoted
from wizard.pack.home import Pack
from wizard.pack.stores import LARGEST_ROW, RDBMS_CONFIG, row_size, store_tables


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
    # A Java that is only found: logins with the driver are tested in tests/preflight/test_jdbc.py.
    java = folder / "java"
    java.mkdir(parents=True, exist_ok=True)
    (java / "release").write_text('JAVA_VERSION="1.8.0_392"\n')
    nodes = [{"java_home": str(java)}] * 2
    return World(
        make_pair(pack, folder / "world", mysql=ground.table("ROOT_PASSWORD", **mysql), nodes=nodes), ground
    )


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

    @pytest.mark.parametrize(
        ("file", "text", "expected"),
        [
            ("wso2carbon.pid", "PID", ["prerequisites.running"]),
            # Not done before: the new script still has its own name.
            ("dbscripts/mysql-before-5.7.sql", "", ["prerequisites.files"]),
            # This one is found by the first round, and is not repeated.
            ("repository/conf/user-mgt.xml", "<", ["prerequisites.files"]),
        ],
    )
    def test_the_plan_is_checked_again_for_the_servers_version(
        self, ground9: Playground, pack: Path, tmp_path: Path, file: str, text: str, expected: list[str]
    ) -> None:
        """Only the server tells that its scripts have to be swapped: what is in the way of that is an error."""
        world = world_of(ground9, pack, tmp_path, provisioning="server")
        assert world.replay("--skip", "mysql").code == 0
        assert world.run("check", "--json", "--offline").code == 0
        (world.pair.homes[0] / file).write_text(text.replace("PID", str(os.getpid())))
        found = world.run("check", "--json", "--ignore", "ports.free").json["checks"]
        errors = [one for one in found if one["status"] == "error"]
        assert [(one["id"], one["node"]) for one in errors] == [(id, "node1") for id in expected], errors
        assert [one["node"] for one in found if one["id"] == "prerequisites.files"].count("node2") == 1


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


# --- the analytics stores' character set: the packs' own `CREATE TABLE` succeeds after a replay ----------------


CONNECTOR_J = "SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_TRANS_TABLES')"
"""What Connector/J sets in each session by default."""

TOO_LARGE = 1118

ROLES = ("event_store", "processed_data_store")
PACKS = ("apim-analytics-2.0.0", "apim-analytics-2.1.0", "das-3.1.0")


def creates_its_tables(ground: Playground, database: str, pack: Path) -> list[int]:
    """Run each `CREATE TABLE` of the pack as the servers' account, and drop the table: the error numbers."""
    errors = []
    with contextlib.closing(ground.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"USE {quoted(database)}")
        cursor.execute(CONNECTOR_J)
        for table in store_tables(Pack(pack)):
            try:
                cursor.execute(table)
            except pymysql.MySQLError as problem:
                errors.append(int(problem.args[0]))
            else:
                cursor.execute("DROP TABLE ANX___8GO8JC2Q_")
    return errors


@pytest.fixture(params=PACKS)
def multi_byte_world(
    request: pytest.FixtureRequest, ground: Playground, packs: Path, tmp_path: Path
) -> World:
    """A pair of each pack on each server, whose user and registry database are multi-byte."""
    ground.pack = packs / request.param
    return world_of(ground, ground.pack, tmp_path, charset="utf8")


def test_after_a_replay_the_server_can_create_its_tables(multi_byte_world: World) -> None:
    done = multi_byte_world.replay("--only", "mysql")
    assert done.code == 0, done.err
    ground = multi_byte_world.ground
    for role in ROLES:
        assert creates_its_tables(ground, ground.names[role], ground.pack) == []
        single = ground.pack.name == "apim-analytics-2.1.0"
        assert ground.server.charset_of(ground.names[role]) == ("latin1" if single else "utf8")
    for name in (ground.user, ground.registry):
        assert ground.server.charset_of(name) == "utf8"


@pytest.mark.parametrize(("charset", "width"), [("latin1", 1), ("utf8", 3), ("utf8mb4", 4)])
@pytest.mark.parametrize("engine", ["MyISAM", "InnoDB"])
def test_the_largest_row_is_the_servers(ground: Playground, charset: str, width: int, engine: str) -> None:
    """The size that is computed is right to the byte: a row of 65,535 is accepted, and one more is refused."""

    def statement(padding: int) -> str:
        columns = ", ".join(f"ED{number} VARCHAR(1500)" for number in range(10))
        return (
            f"CREATE TABLE t (record_id VARCHAR(128), timestamp BIGINT, data LONGBLOB, {columns}, partition_key INT, "
            f"filler VARBINARY({padding}) NOT NULL, PRIMARY KEY(record_id)) ENGINE={engine}"
        )

    padding = 300 + LARGEST_ROW - row_size(statement(300), width)
    assert row_size(statement(padding), width) == LARGEST_ROW
    name = ground.names["event_store"]
    ground.server.run(f"CREATE DATABASE {quoted(name)} CHARACTER SET {charset}")
    ground.server.run(CONNECTOR_J, statement(padding), "DROP TABLE t", database=name)
    with pytest.raises(pymysql.MySQLError) as refused:
        ground.server.run(CONNECTOR_J, statement(padding + 1), database=name)
    assert refused.value.args[0] == TOO_LARGE


class TestCreation:
    def test_the_statistics_get_the_stores_character_set(self, maria: Playground) -> None:
        maria.names["stats"] = f"{maria.user}_stats"
        maria.provision(maria.wanted(charset="utf8mb4", store_charset="latin1"))
        found = {role: maria.server.charset_of(name) for role, name in maria.names.items()}
        schemas = {"user": "utf8mb4", "registry": "utf8mb4"}
        assert found == {**schemas, **dict.fromkeys((*ROLES, "stats"), "latin1")}

    def test_the_command_sql_prints_it_too(self, mariadb: Server, packs: Path, tmp_path: Path) -> None:
        for name, stores in (("apim-analytics-2.1.0", 2), ("apim-analytics-2.0.0", 0)):
            with playground(mariadb, packs / name, tmp_path / name) as ground:
                text = world_of(ground, ground.pack, tmp_path / name).run("sql").out
                made = [line for line in text.splitlines() if line.startswith("CREATE DATABASE")]
                assert len(made) == 4
                assert sum(line.endswith("CHARACTER SET latin1;") for line in made) == stores

    def test_a_wished_one_wins(self, maria: Playground, packs: Path, tmp_path: Path) -> None:
        maria.pack = packs / "apim-analytics-2.1.0"
        world = world_of(maria, maria.pack, tmp_path, charset="utf8mb4", store_charset="latin2")
        assert world.replay("--only", "mysql").code == 0
        assert {maria.server.charset_of(maria.names[role]) for role in ROLES} == {"latin2"}


def charset_findings(world: World) -> list[dict[str, str]]:
    """What `check` says of the character sets, and whether it failed for anything else."""
    ran = world.run("check", "--json", "--only", "mysql", "--ignore", "ports.free")
    found = [one for one in ran.json["checks"] if one["id"] == "mysql.charset"]
    assert ran.code == (3 if any(one["status"] == "error" for one in found) else 0)
    return found


class TestWhatIsRefused:
    @pytest.mark.parametrize("options", [("--offline",), ()])
    def test_a_multi_byte_set_for_210(
        self, maria: Playground, packs: Path, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        world = world_of(maria, packs / "apim-analytics-2.1.0", tmp_path, store_charset="utf8mb4")
        before = maria.server.databases()
        ran = world.replay(*options)
        assert ran.code == 3
        (error,) = [one for one in ran.json["checks"] if one["status"] == "error"]
        assert error["id"] == "mysql.charset"
        assert "160560 bytes" in error["message"] and "65535" in error["message"]
        assert 'set store_charset = "latin1"' in error["fix"]
        assert maria.server.databases() == before
        again = world_of(maria, packs / "apim-analytics-2.0.0", tmp_path / "b", store_charset="utf8mb4")
        assert again.replay("--dry-run", *options).code == 4

    def test_a_store_with_the_wrong_default(self, maria: Playground, packs: Path, tmp_path: Path) -> None:
        maria.pack = packs / "apim-analytics-2.1.0"
        world = world_of(maria, maria.pack, tmp_path)
        assert world.replay("--only", "mysql").code == 0
        store = maria.names["event_store"]
        maria.server.run(f"ALTER DATABASE {quoted(store)} CHARACTER SET utf8mb4")
        (error,) = [one for one in charset_findings(world) if one["status"] == "error"]
        assert store in error["message"]
        statement = error["fix"].removesuffix(";")
        assert statement == f"ALTER DATABASE {quoted(store)} CHARACTER SET latin1"
        # With a record table the store works, and cannot get another one.
        maria.server.run("CREATE TABLE ANX___8GO8JC2Q_ (record_id VARCHAR(9))", database=store)
        assert "warning" in {one["status"] for one in charset_findings(world)}
        maria.server.run(statement, "DROP TABLE ANX___8GO8JC2Q_", database=store)
        assert {one["status"] for one in charset_findings(world)} == {"ok"}
        assert creates_its_tables(maria, store, maria.pack) == []

    def test_a_broken_configuration(self, maria: Playground, packs: Path, tmp_path: Path) -> None:
        pack = copy_pack(packs / "apim-analytics-2.1.0", tmp_path / "broken")
        (pack / RDBMS_CONFIG).write_text("<rdbms-configuration>")
        world = world_of(maria, pack, tmp_path)
        before = maria.server.databases()
        ran = world.replay("--only", "mysql")
        assert ran.code == 3
        assert {one["id"] for one in ran.json["checks"] if one["status"] == "error"} == {"mysql.charset"}
        assert maria.server.databases() == before
