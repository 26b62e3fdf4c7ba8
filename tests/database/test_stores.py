"""The analytics stores' character set on real servers: the packs' own `CREATE TABLE` succeeds after a replay."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pymysql
import pytest

from tests.database.test_replay import World, world_of
from tests.support.pairs import copy_pack
from tests.support.playground import Playground, playground
from tests.support.servers import Server, quoted
from wizard.pack.home import Pack
from wizard.pack.stores import LARGEST_ROW, RDBMS_CONFIG, row_size, store_tables

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
                cursor.execute(table.statement)
            except pymysql.MySQLError as problem:
                errors.append(int(problem.args[0]))
            else:
                cursor.execute("DROP TABLE ANX___8GO8JC2Q_")
    return errors


@pytest.fixture(params=PACKS)
def world(request: pytest.FixtureRequest, ground: Playground, packs: Path, tmp_path: Path) -> World:
    """A pair of each pack on each server, whose user and registry database are multi-byte."""
    ground.pack = packs / request.param
    return world_of(ground, ground.pack, tmp_path, charset="utf8")


def test_after_a_replay_the_server_can_create_its_tables(world: World) -> None:
    done = world.replay("--only", "mysql")
    assert done.code == 0, done.err
    ground = world.ground
    for role in ROLES:
        assert creates_its_tables(ground, ground.names[role], ground.pack) == []
        single = ground.pack.name == "apim-analytics-2.1.0"
        assert ground.server.charset_of(ground.names[role]) == ("latin1" if single else "utf8")
    for name in (ground.user, ground.registry):
        assert ground.server.charset_of(name) == "utf8"


@pytest.mark.parametrize("charset", ["utf8mb4", "utf8"])
def test_in_a_multi_byte_database_the_tables_of_210_cannot_be_created(
    ground: Playground, packs: Path, charset: str
) -> None:
    ground.provision()
    name = ground.names["event_store"]
    ground.server.run(f"ALTER DATABASE {quoted(name)} CHARACTER SET {charset}")
    assert creates_its_tables(ground, name, packs / "apim-analytics-2.1.0") == [TOO_LARGE, TOO_LARGE]
    assert creates_its_tables(ground, name, packs / "apim-analytics-2.0.0") == []


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
