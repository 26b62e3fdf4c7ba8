"""What an account may do is read from its grants as the server reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.playground import Playground
from tests.support.servers import Server, quoted
from wizard.database.accounts import (
    ALL_OF_A_DATABASE,
    SERVERS_NEED,
    Account,
    Rights,
    grant_pattern,
    own_rights,
    parsed,
    rights_of,
)
from wizard.database.connection import connect

EXACT = r"GRANT SELECT, INSERT ON `user\_db`.* TO 'a'@'%'"


def rights(*lines: str, literal: bool = False) -> Rights:
    return Rights(parsed(lines), literal=literal)


GRANTS: list[tuple[list[str], str, list[str], list[str]]] = [
    # The server's lines, a database, what is asked for, what is missing.
    (
        ["GRANT USAGE ON *.* TO `a`@`%`", r"GRANT ALL PRIVILEGES ON `u\_db`.* TO `a`@`%`"],
        "u_db",
        ["DROP"],
        [],
    ),
    ([r"GRANT ALL PRIVILEGES ON `u\_db`.* TO `a`@`%`"], "uXdb", ["CREATE", "DROP"], ["CREATE", "DROP"]),
    # An unescaped underscore is a wildcard.
    (["GRANT ALL PRIVILEGES ON `user_db`.* TO 'a'@'%'"], "userXdb", ["CREATE"], []),
    (["GRANT ALL PRIVILEGES ON `user_db`.* TO 'a'@'%'"], "userXXdb", ["CREATE"], ["CREATE"]),
    # The most exact name counts.
    ([EXACT, "GRANT ALL PRIVILEGES ON `user%`.* TO 'a'@'%'"], "user_db", ["SELECT", "CREATE"], ["CREATE"]),
    (["GRANT ALL PRIVILEGES ON `user%`.* TO 'a'@'%'", EXACT], "user_x", ["SELECT", "CREATE"], []),
    # Global privileges count everywhere.
    (["GRANT SELECT, CREATE ON *.* TO 'a'@'%'"], "anything", ["SELECT", "CREATE", "DROP"], ["DROP"]),
    # Quotes in names, a server that quotes nothing, and double quotes in ANSI mode.
    (["GRANT ALL PRIVILEGES ON `we``ird'\"x`.* TO 'a'@'%'"], "we`ird'\"x", ["CREATE"], []),
    ([r"GRANT ALL PRIVILEGES ON user\_db.* TO apim@'%'"], "user_db", ["CREATE"], []),
    (['GRANT ALL PRIVILEGES ON "we""ird`x".* TO "a"@"%" WITH GRANT OPTION'], 'we"ird`x', ["CREATE"], []),
]


class TestReadingGrants:
    @pytest.mark.parametrize(("lines", "database", "asked", "missing"), GRANTS)
    def test_what_a_server_lists(
        self, lines: list[str], database: str, asked: list[str], missing: list[str]
    ) -> None:
        assert rights(*lines).missing(database, asked) == missing

    def test_without_the_grant_option_nothing_can_be_passed_on(self) -> None:
        found = rights("GRANT ALL PRIVILEGES ON `d`.* TO 'a'@'%'")
        assert found.missing("d", ALL_OF_A_DATABASE, grantable=True) == ["GRANT OPTION"]
        found = rights("GRANT SELECT, CREATE ON *.* TO 'a'@'%' WITH GRANT OPTION")
        assert found.missing("x", ["CREATE"], grantable=True) == []
        assert found.missing(None, ["CREATE USER"]) == ["CREATE USER"]

    def test_with_partial_revokes(self) -> None:
        """A revoke removes a global privilege, and a backslash is part of a name."""
        found = rights(
            *("GRANT SELECT, CREATE ON *.* TO `a`@`%`", "REVOKE CREATE ON `d`.* FROM `a`@`%`"), literal=True
        )
        assert found.missing("d", ["SELECT", "CREATE"]) == ["CREATE"]
        assert found.missing("e", ["SELECT", "CREATE"]) == []
        found = rights(r"GRANT ALL PRIVILEGES ON `a\_b`.* TO `a`@`%`", literal=True)
        assert found.missing("a_b", ["CREATE"]) == ["CREATE"]

    def test_tables_columns_routines_and_roles_give_nothing_for_a_database(self) -> None:
        found = rights(
            "GRANT ALL PRIVILEGES ON `d`.`t` TO 'a'@'%'",
            "GRANT EXECUTE ON PROCEDURE `d`.`p` TO 'a'@'%'",
            "GRANT `role`@`%` TO `a`@`%`",
            "GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION",
        )
        assert found.grants == ()

    @given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12))
    def test_the_pattern_of_a_name_fits_that_name_alone(self, name: str) -> None:
        found = rights(f"GRANT ALL PRIVILEGES ON {quoted(grant_pattern(name))}.* TO 'a'@'%'")
        assert found.missing(name, ["CREATE"]) == []
        for other in (name + "x", re.sub("[_%]", "X", name)):
            if other != name:
                assert found.missing(other, ["CREATE"]) == ["CREATE"]


class TestOnRealServers:
    def test_root_lacks_nothing(self, server: Server, ground: Playground) -> None:
        wanted = ground.wanted()
        assert wanted.administrator is not None
        with connect(wanted.endpoint, "root", wanted.administrator.password) as inside:
            found = own_rights(inside)
        assert found.missing("any_db", ALL_OF_A_DATABASE, grantable=True) == []
        assert found.missing(None, ["CREATE USER"]) == []

    def test_an_account_sees_its_own_and_root_sees_it_too(self, ground: Playground) -> None:
        ground.make_account()
        ground.server.run(
            f"GRANT ALL ON {quoted(grant_pattern(ground.registry))}.* TO '{ground.account}'@'%'",
            f"GRANT SELECT ON {quoted(grant_pattern(ground.user))}.* TO '{ground.account}'@'%'",
        )
        wanted = ground.wanted()
        with connect(wanted.endpoint, ground.account, wanted.login.password) as inside:
            own = own_rights(inside)
        assert wanted.administrator is not None
        with connect(wanted.endpoint, "root", wanted.administrator.password) as inside:
            seen = rights_of(inside, Account(ground.account, "%"))
            assert rights_of(inside, Account("nobody-here", "%")) is None
        for found in (own, seen):
            assert found is not None
            assert found.missing(ground.registry, SERVERS_NEED) == []
            assert found.missing(ground.user, SERVERS_NEED) == list(SERVERS_NEED[1:])

    def test_what_the_parser_says_is_what_the_server_does(self, ground: Playground) -> None:
        """A grant for one name, tried against names that only look like it."""
        import pymysql

        ground.make_account()
        name = ground.registry
        similar = [name.replace("_", "X"), name + "2", name.upper(), name.replace("_", "")]
        ground.server.run(f"GRANT ALL ON {quoted(grant_pattern(name))}.* TO '{ground.account}'@'%'")
        wanted = ground.wanted()
        with connect(wanted.endpoint, ground.account, wanted.login.password) as inside:
            found = own_rights(inside)
        for database in [name, *similar]:
            ground.server.run(f"CREATE DATABASE {quoted(database)}")
            try:
                with ground.connect() as connection, connection.cursor() as cursor:
                    try:
                        cursor.execute(f"CREATE TABLE {quoted(database)}.t (i INT)")
                        made = True
                    except pymysql.err.OperationalError:
                        made = False
            finally:
                ground.server.drop(database)
            assert made is (database == name)
            assert (found.missing(database, ["CREATE"]) == []) is made

    def test_rights_that_come_with_a_role(self, mysql9: Server, mariadb: Server) -> None:
        from wizard.database.failure import Endpoint
        from wizard.passwords.secret import Secret

        for server in (mysql9, mariadb):
            default = "SET DEFAULT ROLE r_apim TO roled@'%'"
            if server is mariadb:
                default = "SET DEFAULT ROLE r_apim FOR roled@'%'"
            server.run(
                "CREATE ROLE r_apim",
                r"GRANT ALL ON `ro\_db`.* TO r_apim",
                "CREATE USER roled@'%' IDENTIFIED BY 'x'",
                "GRANT r_apim TO roled@'%'",
                default,
            )
            try:
                with connect(Endpoint(server.host, server.port), "roled", Secret("x")) as inside:
                    assert own_rights(inside).missing("ro_db", SERVERS_NEED) == []
            finally:
                server.run("DROP ROLE r_apim", "DROP USER roled@'%'")
