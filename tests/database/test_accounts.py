"""Accounts on real servers: which one a login is matched to, creating one, and what its grants allow."""

from __future__ import annotations

import re

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import servers
from tests.support.playground import Playground
from tests.support.servers import quoted
from wizard.database.accounts import (
    ALL_OF_A_DATABASE,
    SERVERS_NEED,
    Account,
    AccountSettings,
    Rights,
    create_account,
    current_account,
    grant_pattern,
    longest_name,
    match_account,
    matches,
    own_rights,
    own_settings,
    parsed,
    read_accounts,
    rights_of,
)
from wizard.database.connection import connect, greeting
from wizard.database.failure import Endpoint
from wizard.passwords.secret import Secret

ANONYMOUS, EVERYWHERE, LOCAL = Account("", "localhost"), Account("apim", "%"), Account("apim", "localhost")
NEAR, FAR = Account("apim", "10.0.0.%"), Account("", "10.%")


class TestMatchingAccounts:
    @pytest.mark.parametrize(
        ("accounts", "hosts", "matched"),
        [
            ([EVERYWHERE, ANONYMOUS], ["localhost", "127.0.0.1"], ANONYMOUS),
            ([EVERYWHERE, ANONYMOUS], ["10.0.0.7"], EVERYWHERE),
            # With equal hosts the named account wins, else the longer pattern.
            ([ANONYMOUS, EVERYWHERE, LOCAL], ["localhost"], LOCAL),
            ([FAR, NEAR, EVERYWHERE], ["10.0.0.7"], NEAR),
            ([FAR, NEAR, EVERYWHERE], ["10.9.0.7"], FAR),
            ([Account("apim", "10.%"), Account("other", "%")], ["192.168.0.1"], None),
        ],
    )
    def test_which_is_used(self, accounts: list[Account], hosts: list[str], matched: Account | None) -> None:
        assert match_account(accounts, "apim", hosts) == matched

    @pytest.mark.parametrize(
        ("fits", "pattern", "host"),
        [
            *((True, "%", "anything"), (True, "", "anything"), (True, "LocalHost", "localhost")),
            *((True, "10.0.0._", "10.0.0.7"), (False, "10.0.0._", "10.0.0.17"), (False, "a.c", "abc")),
            *((True, "%.example.com", "a.b.example.com"), (False, "%.example.com", "example.com")),
            *((True, "10.0.0.0/255.0.0.0", "10.9.8.7"), (False, "10.0.0.0/8", "11.0.0.1")),
            *((False, "10.0.0.0/8", "name.example.com"), (False, "not/anetwork", "10.0.0.1")),
            (True, "2001:db8::/32", "2001:db8::7"),
        ],
    )
    def test_patterns_of_hosts(self, fits: bool, pattern: str, host: str) -> None:
        assert matches(pattern, [host]) is fits


class TestAnAccount:
    def test_that_exists_stays_as_it_is(self, ground: Playground) -> None:
        account = Account(ground.account, "%")
        with ground.root_session() as inside:
            assert create_account(inside, account, Secret(ground.password))
            assert not create_account(inside, account, Secret("another"))
        with ground.session() as inside:
            assert read_accounts(inside, ground.account) is None  # it may not see the others

    @pytest.mark.parametrize(
        "name", ["ap'im", 'ap"im', "ap`im", "ap\\im", "ap%im", "ap im", "apüm", "a@b", "--", "a;b"]
    )
    def test_of_any_name(self, ground: Playground, name: str) -> None:
        ground.account = name
        with ground.root_session() as inside:
            assert create_account(inside, Account(name, "%"), Secret(ground.password))
            assert list(read_accounts(inside, name) or ()) == [Account(name, "%")]
        with ground.session() as inside:
            assert current_account(inside) == Account(name, "%")

    @pytest.mark.parametrize("required", ["", "SSL", "X509", "SUBJECT '/CN=apim'"])
    def test_and_what_it_requires(self, ground: Playground, required: str) -> None:
        """As an administrator sees it in the list of accounts; the words may also be part of a name."""
        ground.account = "a REQUIRE SSL b"
        ground.make_account()
        ground.alter_account(f"REQUIRE {required or 'NONE'} WITH MAX_USER_CONNECTIONS 7")
        kind = {"": "", "SSL": "ANY", "X509": "X509"}.get(required, "SPECIFIED")
        expected = AccountSettings(kind, 7)
        assert expected.needs_certificate is (kind in ("X509", "SPECIFIED"))
        with ground.root_session() as inside:
            assert read_accounts(inside, ground.account) == {Account(ground.account, "%"): expected}
        tls = ground.server.kind == "mysql9"  # the others offer none, so such an account cannot log in
        if not required or (required == "SSL" and tls):
            with ground.session() as inside:
                assert own_settings(inside) == expected

    @pytest.mark.parametrize("kind", ["mysql56", "mysql9"])  # MariaDB's is longer than what a profile accepts
    def test_of_the_longest_name(self, kind: servers.Kind) -> None:
        server = servers.shared_server(kind)
        longest = longest_name(greeting(Endpoint(server.host, server.port)))
        with server.user("u" * longest), pytest.raises(pymysql.err.MySQLError):
            server.run(f"CREATE USER '{'u' * (longest + 1)}'@'%' IDENTIFIED BY 'x'")


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
    def test_listed(self, lines: list[str], database: str, asked: list[str], missing: list[str]) -> None:
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

    def test_where_names_have_no_case(self) -> None:
        lines = ("GRANT DROP ON *.* TO 'a'@'%'", r"GRANT ALL PRIVILEGES ON `user\_db`.* TO 'a'@'%'")
        for fold, lacking in ((True, []), (False, ["CREATE"])):
            found = Rights(parsed(lines), fold=fold)
            assert found.missing("User_DB", ["CREATE", "DROP"]) == lacking

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


class TestRightsOnRealServers:
    def test_an_account_sees_its_own_and_root_sees_it_too(self, ground: Playground) -> None:
        ground.make_account()
        ground.server.run(
            f"GRANT ALL ON {quoted(grant_pattern(ground.registry))}.* TO '{ground.account}'@'%'",
            f"GRANT SELECT ON {quoted(grant_pattern(ground.user))}.* TO '{ground.account}'@'%'",
        )
        with ground.session() as inside:
            own = own_rights(inside, fold=False)
        with ground.root_session() as inside:
            seen = rights_of(inside, Account(ground.account, "%"), fold=False)
            assert rights_of(inside, Account("absent", "%"), fold=False) is None
        for found in (own, seen):
            assert found is not None
            assert found.missing(ground.registry, SERVERS_NEED) == []
            assert found.missing(ground.user, SERVERS_NEED) == list(SERVERS_NEED[1:])

    @pytest.mark.parametrize(("kind", "word"), [("mysql9", "TO"), ("mariadb", "FOR")])
    def test_rights_that_come_with_a_role(self, kind: servers.Kind, word: str) -> None:
        server = servers.shared_server(kind)
        with server.user("roled", "CREATE ROLE r_apim", r"GRANT ALL ON `ro\_db`.* TO r_apim"):
            server.run("GRANT r_apim TO roled@'%'", f"SET DEFAULT ROLE r_apim {word} roled@'%'")
            try:
                with connect(Endpoint(server.host, server.port), "roled", Secret("x")) as inside:
                    assert own_rights(inside, fold=False).missing("ro_db", SERVERS_NEED) == []
            finally:
                server.run("DROP ROLE r_apim")
