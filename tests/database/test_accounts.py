"""The account that the server matches a login to, and creating one in each server's dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from tests.support import servers
from tests.support.playground import Playground
from tests.support.servers import Server
from wizard.database.accounts import (
    Account,
    AccountSettings,
    create_account,
    current_account,
    longest_name,
    match_account,
    matches,
    own_hosts,
    own_settings,
    read_accounts,
)
from wizard.database.connection import connect
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.greeting import Greeting
from wizard.passwords.secret import Secret

ANONYMOUS = Account("", "localhost")
EVERYWHERE = Account("apim", "%")
NEAR, FAR = Account("apim", "10.0.0.%"), Account("", "10.%")


class TestMatchingAccounts:
    @pytest.mark.parametrize(
        ("accounts", "hosts", "matched"),
        [
            ([EVERYWHERE, ANONYMOUS], ["localhost", "127.0.0.1"], ANONYMOUS),
            ([EVERYWHERE, ANONYMOUS], ["10.0.0.7"], EVERYWHERE),
            # With equal hosts the named account wins, else the longer pattern.
            (
                [ANONYMOUS, EVERYWHERE, Account("apim", "localhost")],
                ["localhost"],
                Account("apim", "localhost"),
            ),
            ([FAR, NEAR, EVERYWHERE], ["10.0.0.7"], NEAR),
            ([FAR, NEAR, EVERYWHERE], ["10.9.0.7"], FAR),
            ([Account("apim", "10.%"), Account("other", "%")], ["192.168.0.1"], None),
        ],
    )
    def test_which_account_the_server_uses(
        self, accounts: list[Account], hosts: list[str], matched: Account | None
    ) -> None:
        assert match_account(accounts, "apim", hosts) == matched

    @pytest.mark.parametrize(
        ("pattern", "host", "fits"),
        [
            ("%", "anything", True),
            ("", "anything", True),
            ("LocalHost", "localhost", True),
            ("10.0.0._", "10.0.0.7", True),
            ("10.0.0._", "10.0.0.17", False),
            ("%.example.com", "a.b.example.com", True),
            ("%.example.com", "example.com", False),
            ("10.0.0.0/255.0.0.0", "10.9.8.7", True),
            ("10.0.0.0/8", "11.0.0.1", False),
            ("10.0.0.0/8", "name.example.com", False),
            ("not/anetwork", "10.0.0.1", False),
            ("2001:db8::/32", "2001:db8::7", True),
            ("a.c", "abc", False),
        ],
    )
    def test_patterns_of_hosts(self, pattern: str, host: str, fits: bool) -> None:
        assert matches(pattern, [host]) is fits


@pytest.fixture(params=["mysql56", "mariadb"])
def as_installed(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server as it is after its installation, with the anonymous accounts (MySQL 9 has none)."""
    with servers.fresh(request.param, anonymous=True) as server:
        yield server


class TestOnRealServers:
    def test_a_fresh_server_shadows_an_account_of_everywhere(self, as_installed: Server) -> None:
        endpoint = Endpoint(as_installed.host, as_installed.port)
        with connect(endpoint, "root", Secret("")) as inside:
            assert create_account(inside, EVERYWHERE, Secret("x"))
            accounts = read_accounts(inside, "apim")
            hosts = own_hosts(inside)
        assert hosts == ("localhost", "127.0.0.1")
        assert accounts is not None
        assert match_account(accounts, "apim", hosts) == ANONYMOUS
        with pytest.raises(DatabaseError) as raised:
            connect(endpoint, "apim", Secret("x")).close()
        assert raised.value.cause == "denied"
        # The anonymous account has no password: a login without a password is anonymous.
        with connect(endpoint, "apim", Secret("")) as inside:
            assert current_account(inside) == ANONYMOUS
        as_installed.run("DROP USER ''@'localhost'")
        with connect(endpoint, "apim", Secret("x")) as inside:
            assert current_account(inside) == EVERYWHERE

    def test_making_it_twice_leaves_the_first_as_it_is(self, ground: Playground) -> None:
        wanted = ground.wanted()
        with ground.root_session() as inside:
            assert create_account(inside, wanted.account, wanted.login.password)
            assert not create_account(inside, wanted.account, Secret("another"))
        ground.connect().close()

    @pytest.mark.parametrize(
        "name", ["ap'im", 'ap"im', "ap`im", "ap\\im", "ap%im", "ap im", "apüm", "a@b", "--", "a;b"]
    )
    def test_any_name(self, ground: Playground, name: str) -> None:
        ground.account = name
        wanted = ground.wanted()
        with ground.root_session() as inside:
            assert create_account(inside, wanted.account, wanted.login.password)
            assert list(read_accounts(inside, name) or ()) == [Account(name, "%")]
        with connect(wanted.endpoint, name, wanted.login.password) as inside:
            assert current_account(inside) == Account(name, "%")

    def test_an_account_that_may_not_see_the_others(self, ground: Playground) -> None:
        ground.make_account()
        wanted = ground.wanted()
        with connect(wanted.endpoint, ground.account, wanted.login.password) as inside:
            assert read_accounts(inside, ground.account) is None

    @pytest.mark.parametrize("required", ["", "SSL", "X509", "SUBJECT '/CN=apim'"])
    def test_what_an_account_requires(self, ground: Playground, required: str) -> None:
        """As an administrator sees it in the list of accounts; the words may also be part of a name."""
        ground.account = "a REQUIRE SSL b"
        ground.make_account()
        ground.alter_account(f"REQUIRE {required or 'NONE'} WITH MAX_USER_CONNECTIONS 7")
        kind = {"": "", "SSL": "ANY", "X509": "X509"}.get(required, "SPECIFIED")
        wanted = ground.wanted()
        with ground.root_session() as inside:
            settings = read_accounts(inside, ground.account)
        assert settings == {Account(ground.account, "%"): AccountSettings(kind, 7)}
        assert settings and settings[Account(ground.account, "%")].needs_certificate is (
            kind in ("X509", "SPECIFIED")
        )
        tls = ground.server.kind == "mysql9"  # the others offer none, so such an account cannot log in
        if not required or (required == "SSL" and tls):
            with connect(wanted.endpoint, ground.account, wanted.login.password) as inside:
                assert own_settings(inside) == AccountSettings(kind, 7)
                assert read_accounts(inside, ground.account) is None

    def test_the_longest_name_is_what_the_server_takes(self, ground: Playground) -> None:
        if ground.server.kind == "mariadb":
            assert longest_name(Greeting("10.11-MariaDB")) > 32  # the most that a profile takes
            return
        with ground.root_session() as inside:
            longest = longest_name(inside.greeting)
        ground.account = "u" * longest
        ground.make_account()
        ground.server.drop_user(ground.account)
        ground.account = "u" * (longest + 1)
        with pytest.raises(pymysql.err.MySQLError):
            ground.make_account()

    def test_the_password_is_in_no_error(self, ground: Playground) -> None:
        wanted = ground.wanted()
        ground.make_account()
        with connect(wanted.endpoint, ground.account, wanted.login.password) as inside:
            with pytest.raises(DatabaseError) as raised:
                create_account(inside, Account("other", "%"), Secret("s3cret-one"))
        assert "s3cret" not in str(raised.value)
        assert raised.value.cause == "right"
