"""Which names a server can store: the rule holds on real servers, and is checked before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from tests.database.test_checks import Looked, MakeContext, context_for
from tests.support import servers
from tests.support.playground import Playground
from tests.support.servers import Server, quoted
from wizard.database.names import differing_in_case, is_system, unstorable
from wizard.preflight import checks
from wizard.preflight.checks import CheckContext
from wizard.preflight.mysql import CHECKS

__all__ = ["context_for"]

NAMES = tuple(one for one in CHECKS if one.id in ("mysql.connect", "mysql.names"))


@pytest.mark.parametrize(
    "name",
    [
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
    ],
)
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


@pytest.fixture(scope="module")
def folding() -> Iterator[Server]:
    """A server that ignores the case of names, as on Windows."""
    with servers.fresh("mariadb", "--lower-case-table-names=1") as server:
        yield server


class TestTheCheck:
    @pytest.mark.parametrize("offline", [True, False])
    def test_names_that_can_be(self, maria: Playground, context_for: MakeContext, offline: bool) -> None:
        context = context_for(maria)
        context.offline = offline
        (found,) = Looked(list(checks.run(NAMES, context)))["names"]
        assert found.status == "ok"

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize(
        ("name", "word"), [("a😀", "U+1F600"), ("漢" * 60, "300 bytes"), ("MYSQL", "own database")]
    )
    def test_a_name_that_cannot_be(
        self, ground: Playground, context_for: MakeContext, offline: bool, name: str, word: str
    ) -> None:
        context = named(context_for(ground), event_store=name)
        context.offline = offline
        before = ground.server.databases()
        looked = Looked(list(checks.run(NAMES, context)))
        assert looked.errors() == {"names"}
        assert word in looked.error("names").message
        assert looked.error("names").fix == "choose another name for mysql.databases.event_store"
        assert ground.server.databases() == before

    @pytest.mark.parametrize("offline", [True, False])
    def test_names_that_differ_only_in_case(
        self, maria: Playground, context_for: MakeContext, offline: bool
    ) -> None:
        context = named(context_for(maria), user="SharedDb", registry="shareddb")
        context.offline = offline
        problem = Looked(list(checks.run(NAMES, context))).error("names")
        assert "SharedDb and shareddb differ only in case" in problem.message
        assert ("lower_case_table_names = 0" in problem.message) is not offline
        assert "user and registry" in (problem.fix or "")

    def test_what_a_server_without_case_does(
        self, folding: Server, maria: Playground, context_for: MakeContext
    ) -> None:
        context = named(context_for(maria), user="SharedDb", registry="shareddb")
        mysql = context.profile.mysql.model_copy(update={"port": folding.port})
        context.profile = context.profile.model_copy(update={"mysql": mysql})
        problem = Looked(list(checks.run(NAMES, context))).error("names")
        assert "lower_case_table_names = 1, so both are one database" in problem.message

    def test_without_a_server_the_names_are_judged_all_the_same(
        self, maria: Playground, context_for: MakeContext
    ) -> None:
        context = context_for(maria, mysql={"port": servers.free_port()})
        looked = Looked(list(checks.run(NAMES, named(context, user="SharedDb", registry="shareddb"))))
        assert looked.errors() == {"connect", "names"}

    def test_equal_names_are_none_of_its_business(self, maria: Playground, context_for: MakeContext) -> None:
        context = named(context_for(maria), registry=maria.user)
        assert Looked(list(checks.run(NAMES, context))).errors() == set()
