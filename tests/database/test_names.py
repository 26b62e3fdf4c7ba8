"""Which names a server can store: the rule holds on real servers, and is checked before anything is made."""

from __future__ import annotations

import pymysql
import pytest

from tests.database.conftest import Look, MakeContext
from tests.support import servers
from tests.support.playground import Playground
from tests.support.servers import Server, quoted
from wizard.database.names import differing_in_case, is_system, unstorable
from wizard.preflight.checks import CheckContext

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
    assert unstorable("user😀") == "it contains U+1F600; a name may contain characters up to U+FFFF only"
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


def named(context: CheckContext, **names: str) -> CheckContext:
    """The same with other names of databases, whatever a profile may say."""
    databases = context.profile.mysql.databases.model_copy(update=names)
    mysql = context.profile.mysql.model_copy(update={"databases": databases})
    context.profile = context.profile.model_copy(update={"mysql": mysql})
    return context


class TestTheCheck:
    @pytest.fixture(params=[True, False], ids=["offline", "live"])
    def context(
        self, request: pytest.FixtureRequest, maria: Playground, context_for: MakeContext
    ) -> CheckContext:
        context = context_for(maria)
        context.offline = request.param
        return context

    def test_names_that_can_be(self, context: CheckContext, look: Look) -> None:
        assert [one.status for one in look(context, "connect", "names")["names"]] == ["ok"]

    @pytest.mark.parametrize(
        ("name", "word"), [("a😀", "U+1F600"), ("漢" * 60, "300 bytes"), ("MYSQL", "own database")]
    )
    def test_a_name_that_cannot_be(self, context: CheckContext, look: Look, name: str, word: str) -> None:
        found = look(named(context, event_store=name), "connect", "names")
        assert found.errors() == {"names"}
        assert word in found.error("names").message
        assert found.error("names").fix == "choose another name for mysql.databases.event_store"

    def test_names_that_differ_only_in_case(self, context: CheckContext, look: Look) -> None:
        problem = look(named(context, **EQUAL), "connect", "names").error("names")
        assert "SharedDb and shareddb differ only in case" in problem.message
        assert ("lower_case_table_names = 0" in problem.message) is not context.offline
        assert "user and registry" in (problem.fix or "")

    def test_what_a_server_without_case_does(
        self, maria: Playground, context_for: MakeContext, look: Look
    ) -> None:
        with servers.fresh("mariadb", "--lower-case-table-names=1") as folding:
            context = named(context_for(maria, mysql={"port": folding.port}), **EQUAL)
            problem = look(context, "connect", "names").error("names")
        assert "lower_case_table_names = 1, so both are one database" in problem.message

    def test_without_a_server_they_are_judged_too(
        self, maria: Playground, context_for: MakeContext, look: Look
    ) -> None:
        context = named(context_for(maria, mysql={"port": servers.free_port()}), **EQUAL)
        assert look(context, "connect", "names").errors() == {"connect", "names"}
