"""Which names a server can store: the rule holds on real servers, and is checked before anything is made."""

from __future__ import annotations

import pymysql
import pytest

from tests.database.conftest import Look
from tests.support import servers
from tests.support.playground import Playground
from tests.support.servers import Server, quoted
from wizard.database.names import differing_in_case, is_system, unstorable

CHECKS = ("connect", "names")
EQUAL = {"user": "SharedDb", "registry": "shareddb"}
"""Names that differ in case alone."""

STORABLE = [
    "userdb",
    "a" * 64,
    "é" * 64,
    "漢" * 51,
    "-" * 51,
    "a.b",
    "ünï_x",
    "x`; DROP DATABASE y; -- '",
    "ß",
    "a b",
]


@pytest.mark.parametrize("name", STORABLE)
def test_a_name_that_every_server_stores(server: Server, name: str) -> None:
    assert unstorable(name) is None
    server.run(f"CREATE DATABASE {quoted(name)}")
    try:
        server.run(f"CREATE TABLE {quoted(name)}.UM_HYBRID_REMEMBER_ME (i INT)")
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (name,))
            assert cursor.fetchone() == (1,)
    finally:
        server.drop(name)


@pytest.mark.parametrize("name", ["漢" * 52, "-" * 52, "a" * 65, "blank ", "", "nul\0"])
def test_a_name_that_no_server_stores(server: Server, name: str) -> None:
    assert unstorable(name)
    with pytest.raises((pymysql.MySQLError, AssertionError)):
        server.run(f"CREATE DATABASE {quoted(name)}")
        assert name in server.databases()


def test_a_character_beyond_the_plane_is_another_name_or_none(server: Server) -> None:
    assert (
        unstorable("user😀")
        == "it contains U+1F600; a name may contain characters from U+0001 to U+FFFF only"
    )
    before = server.databases()
    try:
        server.run(f"CREATE DATABASE {quoted('user😀')}")
    except pymysql.MySQLError:
        made: set[str] = set()
    else:
        made = server.databases() - before
    assert "user😀" not in made
    server.drop(*made)


def test_names_that_differ_in_case() -> None:
    assert differing_in_case(["a", "A", "b", "b", "Ü", "ü"]) == [("a", "A"), ("Ü", "ü")]
    assert differing_in_case(["userdb", "userdb", "regdb"]) == []
    assert is_system("MySQL") and not is_system("mysql2")


class TestTheCheck:
    @pytest.mark.parametrize("offline", [True, False])
    def test_names_that_can_be(self, maria: Playground, look: Look, offline: bool) -> None:
        assert [one.status for one in look(maria, *CHECKS, offline=offline)["names"]] == ["ok"]

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize(
        ("name", "word"), [("a😀", "U+1F600"), ("漢" * 60, "300 bytes"), ("MYSQL", "own database")]
    )
    def test_a_name_that_cannot_be(
        self, maria: Playground, look: Look, offline: bool, name: str, word: str
    ) -> None:
        found = look(maria, *CHECKS, names={"event_store": name}, offline=offline)
        assert found.errors() == {"names"}
        assert word in found.error("names").message
        assert found.error("names").fix == "choose another name for mysql.databases.event_store"

    @pytest.mark.parametrize("offline", [True, False])
    def test_names_that_differ_only_in_case(self, maria: Playground, look: Look, offline: bool) -> None:
        problem = look(maria, *CHECKS, names=EQUAL, offline=offline).error("names")
        assert "SharedDb and shareddb differ only in case" in problem.message
        assert ("lower_case_table_names = 0" in problem.message) is not offline
        assert "user and registry" in (problem.fix or "")

    def test_what_a_server_without_case_does(self, maria: Playground, look: Look) -> None:
        with servers.fresh("mariadb", "--lower-case-table-names=1") as folding:
            looked = look(maria, *CHECKS, mysql={"port": folding.port}, names=EQUAL)
        assert "lower_case_table_names = 1, so both are one database" in looked.error("names").message

    def test_without_a_server_they_are_judged_too(self, maria: Playground, look: Look) -> None:
        found = look(maria, *CHECKS, mysql={"port": servers.free_port()}, names=EQUAL)
        assert found.errors() == {"connect", "names"}
