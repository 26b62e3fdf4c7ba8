"""The checks of the MySQL step on real servers: each problem its finding, its fix, and no write."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests.database.conftest import Look
from tests.support import listeners, servers
from tests.support.certificates import old_certificate
from tests.support.playground import Playground, playground
from tests.support.servers import Server, free_port, quoted
from wizard.database.names import differing_in_case, is_system, unstorable
from wizard.database.provision import ProvisioningFailed
from wizard.database.situation import LOCK, FileJournal
from wizard.passwords.secret import Secret
from wizard.preflight.mysql import CHECKS
from wizard.profile.passwords import Passwords
from wizard.system import finding
from wizard.system.finding import Finding, SetField

WITHOUT_SERVER = {"mysql.connect", "mysql.loopback", "mysql.names"}
"""What is judged without a login."""

EVERY = tuple(one.id.removeprefix("mysql.") for one in CHECKS)
TWO_MACHINES = [{"host": "10.100.0.46"}, {"host": "10.100.0.47"}]
SMALL = {"max_active": 10}
"""Pools of which two nodes open 80 connections."""


def apply_fix(ground: Playground, found: Finding, until: str = "; as an administrator") -> None:
    """Run the statement that a fix begins with."""
    assert found.fix is not None
    ground.server.run(found.fix.split(until)[0])


class TestAServer:
    def test_that_is_empty(self, ground: Playground, look: Look) -> None:
        before = ground.server.databases()
        found = look(ground)
        assert found.errors() == set()
        expected = {"mysql56": "MySQL 5.6.24", "mysql9": "MySQL 9.7", "mariadb": "MariaDB 10.11"}
        assert found["connect"][0].message.startswith(expected[ground.server.kind])
        words = {"account": "will be created", "administrator": "may create", "script": "fits"}
        for name, word in {**words, "schema": "does not exist yet"}.items():
            assert word in found[name][0].message
        assert all(name in found["missing"][0].message for name in ground.names.values())
        assert ground.server.databases() == before
        assert ground.server.accounts(ground.account) == set()

    def test_that_is_complete(self, ground: Playground, look: Look) -> None:
        ground.provision()
        found = look(ground)
        assert found.errors() == set()
        assert "39 tables" in found["schema"][0].message
        assert found["missing"][0].message == "nothing is missing"
        assert found["script"][0].message.startswith("not needed")
        for mode in ("dba", "wizard", "server"):
            assert look(ground, admin=False, mysql={"provisioning": mode}).errors() == set()


class TestAccount:
    def test_a_wrong_password(self, ground: Playground, look: Look) -> None:
        ground.make_account(password="another")
        found = look(ground)
        assert found.errors() == {"account"}
        problem = found.error("account")
        assert "exists" in problem.message and "password is refused" in problem.message

    def test_without_administrator_its_existence_is_unknown(self, ground: Playground, look: Look) -> None:
        found = look(ground, admin=False)
        assert found.errors() == {"account"}
        assert "without an administrator" in found.error("account").message
        for name in ("schema", "charset", "missing", "connections"):
            assert found[name][0].status == "skipped"

    def test_a_dba_has_to_make_it(self, ground: Playground, look: Look) -> None:
        found = look(ground, mysql={"provisioning": "dba"})
        assert found.errors() == {"account", "missing"}
        assert "sql PROFILE" in (found.error("account").fix or "")

    def test_privileges_that_it_lacks(self, ground: Playground, look: Look) -> None:
        ground.provision()
        pattern = quoted(ground.registry.replace("_", r"\_"))
        ground.server.run(f"REVOKE DROP, ALTER ON {pattern}.* FROM '{ground.account}'@'%'")
        assert look(ground).errors() == set()  # an administrator grants them again
        problem = look(ground, admin=False).error("account")
        assert problem.message == f"{ground.account} lacks DROP, ALTER on {ground.registry}"
        apply_fix(ground, problem)
        assert look(ground, admin=False).errors() == set()

    def test_a_name_that_is_too_long_for_56(self, ground56: Playground, look: Look) -> None:
        ground56.account = "a_name_of_18_chars"
        assert "this server allows 16" in look(ground56).error("account").message

    def test_a_read_only_server(self, ground: Playground, look: Look) -> None:
        with ground.server.setting("read_only", "ON"):
            assert "read-only" in look(ground).error("account").message

    @pytest.mark.parametrize("exists", [True, False])
    def test_an_anonymous_account_shadows_it(self, maria: Playground, look: Look, exists: bool) -> None:
        if exists:
            maria.make_account()
        maria.server.run("CREATE USER ''@'localhost'")
        try:
            problems = [one for one in look(maria)["account"] if one.status == "error"]
            # Seen from here, and for both nodes, which are on the server's machine.
            assert len(problems) == 3
            for problem in problems:
                assert "anonymous account ''@'localhost'" in problem.message
            assert {one.action.value for one in problems if isinstance(one.action, SetField)} == {"localhost"}
            apply_fix(maria, problems[0])
        finally:
            maria.server.drop_user("")
        assert look(maria).errors() == set()

    def test_a_login_matched_to_the_anonymous_account(self, maria: Playground, look: Look) -> None:
        """With an empty password the anonymous account lets everybody in."""
        maria.password = ""
        maria.server.run("CREATE USER ''@'localhost'")
        try:
            message = look(maria, admin=False).error("account").message
        finally:
            maria.server.drop_user("")
        assert message.startswith("the server matches logins as ")

    def test_a_node_that_no_account_fits(self, maria: Playground, look: Look) -> None:
        nodes = [{"host": "10.100.0.46"}, {"host": "127.0.0.1"}]
        looked = look(maria, mysql={"grant_host": "127.0.0.1"}, nodes=nodes)
        (found,) = [one for one in looked["account"] if one.node]
        assert (found.status, found.node) == ("warning", "node1")
        assert "10.100.0.46" in found.message

    @pytest.mark.parametrize("admin", [True, False])
    def test_an_expired_password(self, ground: Playground, look: Look, admin: bool) -> None:
        """MySQL refuses the login (1862); MariaDB accepts it, and then every statement fails (1820)."""
        ground.provision()
        ground.server.run(f"ALTER USER '{ground.account}'@'%' PASSWORD EXPIRE")
        found = look(ground, admin=admin)
        assert found.errors() == {"account"}
        assert f"the password of {ground.account} has expired" in found.error("account").message
        assert "set the account's password again" in (found.error("account").fix or "")
        if admin:
            assert "39 tables" in found["schema"][0].message


@pytest.fixture(scope="class")
def maria_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A MariaDB that offers TLS."""
    certificate, key = old_certificate(tmp_path_factory.mktemp("tls"))
    with servers.fresh("mariadb", f"--ssl-cert={certificate}", f"--ssl-key={key}") as server:
        yield server


@pytest.fixture(params=["mysql9", "mariadb"])
def tls_ground(
    request: pytest.FixtureRequest, maria_with_tls: Server, pack: Path, tmp_path: Path
) -> Iterator[Playground]:
    """A playground on each kind of server that offers TLS."""
    server = maria_with_tls if request.param == "mariadb" else servers.shared_server(request.param)
    with playground(server, pack, tmp_path) as made:
        yield made


class TestTls:
    @pytest.mark.parametrize("ground", ["ground56", "maria"])
    def test_a_server_without_it(self, request: pytest.FixtureRequest, look: Look, ground: str) -> None:
        where: Playground = request.getfixturevalue(ground)
        where.provision()
        where.alter_account("REQUIRE SSL")
        found = look(where)
        assert found.errors() == {"account"}
        problem = found.error("account")
        assert "requires TLS" in problem.message and "the server offers no TLS" in problem.message
        assert "wrong password" not in problem.message
        assert "or the account requires TLS" in look(where, admin=False).error("account").message
        assert "REQUIRE NONE" in (problem.fix or "")
        apply_fix(where, problem, until="; ")
        assert look(where).errors() == set()

    def test_a_server_whose_tls_is_too_old(self, look: Look, pack: Path, tmp_path: Path) -> None:
        certificate, key = old_certificate(tmp_path)
        options = [f"--ssl-ca={certificate}", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with servers.fresh("mysql56", *options) as server, playground(server, pack, tmp_path) as ground:
            found = look(ground)
            assert found.errors() == {"account", "administrator"}
            assert "handshake" in found.error("account").message
            assert any("useSSL" in (one.fix or "") for one in found.found)
            plainly = dataclasses.replace(ground.endpoint, plain_after_tls=True)
            ground.provision(ground.wanted(endpoint=plainly))
            ground.alter_account("REQUIRE SSL")
            found = look(ground, mysql={"url_parameters": {"useSSL": "false"}})
            assert found.errors() == {"account"}
            assert any("too old for this machine" in one.message for one in found.found)

    def test_a_wrong_password_is_still_a_wrong_password(self, tls_ground: Playground, look: Look) -> None:
        tls_ground.make_account(password="another")
        tls_ground.alter_account("REQUIRE SSL")
        assert "password is refused" in look(tls_ground).error("account").message
        assert "requires TLS" not in look(tls_ground, admin=False).error("account").message

    def test_a_certificate_of_the_client(self, tls_ground: Playground, look: Look) -> None:
        tls_ground.provision()
        tls_ground.alter_account("REQUIRE X509")
        problem = look(tls_ground).error("account")
        assert "TLS with a certificate of the client" in problem.message
        apply_fix(tls_ground, problem)
        assert look(tls_ground).errors() == set()

    @pytest.mark.parametrize("admin", [True, False])
    @pytest.mark.parametrize(
        ("name", "value", "on"), [("useSSL", "false", "true"), ("sslMode", "DISABLED", "REQUIRED")]
    )
    def test_a_profile_that_switches_it_off(
        self, tls_ground: Playground, look: Look, admin: bool, name: str, value: str, on: str
    ) -> None:
        """The wizard itself logs in over TLS: what the servers' driver will do is what counts."""
        tls_ground.provision()
        url = {"url_parameters": {name: value}}
        assert look(tls_ground, admin=admin, mysql=url).errors() == set()
        tls_ground.alter_account("REQUIRE SSL")
        assert look(tls_ground, admin=admin).errors() == set()
        found = look(tls_ground, admin=admin, mysql=url)
        assert found.errors() == {"account"}
        problem = found.error("account")
        assert f"TLS is required by the account '{tls_ground.account}'@'%'" in problem.message
        assert f'{name} = "{value}"' in problem.message
        assert isinstance(problem.action, SetField)
        assert (problem.action.field, problem.action.value) == (f"mysql.url_parameters.{name}", on)

    @pytest.mark.parametrize(
        ("parameters", "trusted", "said"),
        [
            ({"sslMode": "VERIFY_CA"}, True, "certificate was verified"),
            ({"useSSL": "false", "sslMode": "verify-ca"}, False, None),
            ({"sslMode": "VERIFY_IDENTITY"}, True, {"mariadb": "certificate was verified"}),
            ({"verifyServerCertificate": "true"}, False, None),
            ({"sslMode": "VERIFY_CA", "trustCertificateKeyStoreUrl": "file:/t"}, False, "only the driver"),
            ({"sslMode": "REQUIRED"}, False, "with TLS)"),
        ],
    )
    def test_a_certificate_is_verified_where_the_driver_does(
        self,
        tls_ground: Playground,
        look: Look,
        monkeypatch: pytest.MonkeyPatch,
        parameters: dict[str, str],
        trusted: bool,
        said: str | dict[str, str] | None,
    ) -> None:
        """MySQL 9's own certificate is for no host."""
        server = tls_ground.server
        said = said.get(server.kind) if isinstance(said, dict) else said
        own = "@@ssl_cert" if server.kind == "mariadb" else "CONCAT(@@datadir, '/ca.pem')"
        monkeypatch.setenv("SSL_CERT_FILE", server.one(f"SELECT {own}") if trusted else "/dev/null")
        found = look(tls_ground, mysql={"url_parameters": parameters})
        if said is not None:
            assert found.errors() == set()
            assert said in found["connect"][0].message
        else:
            assert found.errors() == {"account", "administrator"}
            problem = found.error("account")
            assert "no login was sent" in problem.message and "SSL_CERT_FILE" in (problem.fix or "")

    def test_without_tls_there_is_no_certificate(self, maria: Playground, look: Look) -> None:
        for parameters in ({"trustStore": "/t"}, {}):
            found = look(maria, mysql={"url_parameters": {"sslMode": "VERIFY-FULL", **parameters}})
            assert found.errors() == {"account", "administrator"}
            assert "offers no TLS" in found.error("account").message

    def test_the_account_of_a_node_counts_too(self, maria: Playground, look: Look) -> None:
        """Not the one that logs in from here: the administrator sees what each node's account requires."""
        maria.provision()
        maria.make_account("10.100.0.47")
        maria.server.run(f"ALTER USER '{maria.account}'@'10.100.0.47' REQUIRE SSL")
        found = look(maria, nodes=TWO_MACHINES, mysql={"url_parameters": {"useSSL": "false"}})
        assert f"'{maria.account}'@'10.100.0.47'" in found.error("account").message
        assert look(maria, nodes=TWO_MACHINES).errors() == set()

    def test_a_server_that_requires_it_of_everybody(self, look: Look, ground9: Playground) -> None:
        ground9.provision()
        ground9.server.run("SET GLOBAL require_secure_transport = ON")
        try:
            found = look(ground9, mysql={"url_parameters": {"useSSL": "false"}})
        finally:
            with ground9.root_session() as inside:
                inside.make("SET GLOBAL require_secure_transport = OFF")
        assert "require_secure_transport" in found.error("account").message


class TestConnections:
    def test_the_pools_ask_for_more_than_a_stock_server_has(self, maria: Playground, look: Look) -> None:
        (found,) = look(maria)["connections"]
        assert found.status == "warning"
        assert "151" in found.message and "400" in found.message
        assert "SET GLOBAL max_connections" in (found.fix or "")
        assert look(maria, pool=SMALL)["connections"][0].status == "ok"

    @pytest.mark.parametrize("admin", [True, False])
    def test_an_account_that_may_have_too_few(self, ground: Playground, look: Look, admin: bool) -> None:
        def found() -> Finding:
            (one,) = look(ground, admin=admin, pool=SMALL)["connections"]
            return one

        ground.provision()
        assert found().status == "ok"
        ground.alter_account("WITH MAX_USER_CONNECTIONS 79")
        problem = found()
        assert problem.status == "warning"
        assert "79 connections" in problem.message and "may open 80" in problem.message
        apply_fix(ground, problem)
        assert found().status == "ok"
        ground.alter_account("WITH MAX_USER_CONNECTIONS 80")
        assert found().status == "ok"

    @pytest.mark.parametrize("state", ["made", "not made", "no administrator"])
    def test_the_servers_limit(self, look: Look, pack: Path, tmp_path: Path, state: str) -> None:
        with servers.fresh("mariadb", "--max-user-connections=50") as server:
            with playground(server, pack, tmp_path) as ground:
                if state != "not made":
                    ground.provision()
                (found,) = look(ground, admin=state != "no administrator", pool=SMALL)["connections"]
                assert found.status == "warning"
                assert "50 connections" in found.message and "max_user_connections" in found.message
                also = "; and the same in the server's configuration file"
                assert found.fix == f"SET GLOBAL max_user_connections = 130{also}"
                apply_fix(ground, found, until=also)
                assert look(ground, pool=SMALL)["connections"][0].status == "ok"

    def test_each_node_with_an_account_of_its_own(self, maria: Playground, look: Look) -> None:
        """The limit counts for each account: two of 40 are enough for two nodes of 40."""
        maria.provision()
        for host, limit in (("10.100.0.46", 40), ("10.100.0.47", 39)):
            maria.make_account(host)
            maria.server.run(f"ALTER USER '{maria.account}'@'{host}' WITH MAX_USER_CONNECTIONS {limit}")
        (found,) = look(maria, pool=SMALL, nodes=TWO_MACHINES)["connections"]
        assert found.status == "warning"
        assert "10.100.0.47" in found.message and "node2 may open 40" in found.message


class TestLoopback:
    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8", "10.100.0.10"])
    def test_two_machines(self, maria: Playground, look: Look, host: str, offline: bool) -> None:
        for nodes in (TWO_MACHINES, [{}, {}]):
            looked = look(maria, "loopback", mysql={"host": host}, nodes=nodes, offline=offline)
            (found,) = looked["loopback"]
            wrong = nodes is TWO_MACHINES and host != "10.100.0.10"
            assert found.status == ("warning" if wrong else "ok")
            assert not wrong or (host in found.message and "10.100.0.47" in found.message)


class TestAdministrator:
    def test_a_wrong_password(self, ground: Playground, look: Look) -> None:
        wrong = Passwords(Secret(ground.password), Secret("wrong"))
        found = look(ground, passwords=wrong)
        assert found.errors() == {"administrator", "account"}
        assert found["schema"][0].status == "skipped"
        ground.provision()
        assert look(ground, passwords=wrong).errors() == {"administrator"}

    def weak(self, ground: Playground, look: Look, statement: str) -> str:
        """The message of the check for an administrator of whom the statement is."""
        name = f"{ground.account}a"
        passwords = Passwords(Secret(ground.password), Secret("x"))
        with ground.server.user(name, statement.format(f"'{name}'@'%'")):
            return (
                look(ground, mysql={"admin_username": name}, passwords=passwords)
                .error("administrator")
                .message
            )

    def test_privileges_that_it_lacks(self, ground: Playground, look: Look) -> None:
        message = self.weak(ground, look, "GRANT CREATE ON *.* TO {}")
        for word in ("CREATE USER on *.*", f"on {ground.user}.*", "GRANT OPTION"):
            assert word in message

    def test_an_expired_password(self, ground: Playground, look: Look) -> None:
        ground.provision()
        assert "has expired" in self.weak(ground, look, "ALTER USER {} PASSWORD EXPIRE")


class TestScript:
    @pytest.mark.parametrize(
        ("kind", "variable"),
        [("mysql9", "sql_require_primary_key"), ("mariadb", "innodb_force_primary_key")],
    )
    @pytest.mark.parametrize("mode", ["wizard", "server", "dba"])
    def test_a_server_that_requires_primary_keys(
        self, kind: servers.Kind, variable: str, look: Look, pack: Path, tmp_path: Path, mode: str
    ) -> None:
        with (
            servers.fresh(kind, f"--{variable.replace('_', '-')}=ON") as server,
            playground(server, pack, tmp_path) as ground,
        ):
            problem = look(ground, mysql={"provisioning": mode}).error("script")
            assert variable in problem.message
            if mode == "wizard":
                with pytest.raises(ProvisioningFailed) as failed:
                    ground.provision()
                assert "primary key" in failed.value.message.lower()
            apply_fix(ground, problem, until=";")
            assert "script" not in look(ground, mysql={"provisioning": mode}).errors()
            ground.provision()
            server.run(f"SET GLOBAL {variable} = ON")
            assert look(ground, mysql={"provisioning": mode}).errors() == set()

    def test_a_pack_without_one_for_9(self, ground9: Playground, look: Look) -> None:
        found = look(ground9, pack="das-3.0.1")
        assert found.errors() == {"script"}
        assert len(found["script"]) == 2  # both nodes
        assert "REG_RESOURCE" in found["script"][0].message

    @pytest.mark.parametrize(
        ("version", "errors"),
        [("9.0", {"script"}), ("5.7", {"script"}), ("5.6", set()), ("10.11-MariaDB", set()), (None, set())],
    )
    def test_offline_the_version_of_the_profile_counts(
        self, maria: Playground, look: Look, version: str | None, errors: set[str]
    ) -> None:
        mysql = {"server_version": version, "port": free_port()}
        found = look(maria, *EVERY, pack="das-3.0.1", mysql=mysql, offline=True)
        assert found.errors() == errors
        always = {"mysql.loopback", "mysql.names"}
        assert {one.id for one in found.found} == always | ({"mysql.script"} if version else set())


class TestDatabases:
    def test_half_a_schema_is_named_before_anything_runs(self, ground: Playground, look: Look) -> None:
        ground.provision()
        drops = ("TABLE UM_HYBRID_REMEMBER_ME", "INDEX REG_RESOURCE_IND_BY_UUID ON REG_RESOURCE")
        ground.server.run(*(f"DROP {what}" for what in drops), database=ground.user)
        found = look(ground)
        assert found.errors() == {"schema"}
        message = found.error("schema").message
        assert "table UM_HYBRID_REMEMBER_ME" in message
        assert "index REG_RESOURCE_IND_BY_UUID (reg_uuid) of REG_RESOURCE" in message

    def test_what_is_no_schema(self, maria: Playground, look: Look) -> None:
        """A long list is counted, and tables of another application are named."""
        for name, table in ((maria.user, "UM_TENANT"), (maria.registry, "orders")):
            maria.server.run(
                f"CREATE DATABASE {quoted(name)}", f"CREATE TABLE {quoted(name)}.{table} (i INT)"
            )
        long, other = (one for one in look(maria)["schema"] if one.status == "error")
        assert "and" in long.message and "more" in long.message and len(long.message) < 1000
        assert "orders" in other.message and "mysql.databases.registry" in (other.fix or "")

    @pytest.mark.parametrize("by", ["a killed run", "another run"])
    def test_what_is_half_done_is_no_error(self, maria: Playground, look: Look, by: str) -> None:
        maria.make_account(password="not yet the right one")
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)} CHARACTER SET utf8")
        maria.server.run("CREATE TABLE UM_TENANT (UM_ID INT)", database=maria.user)
        assert look(maria).errors() == {"account", "schema"}
        if by == "a killed run":
            FileJournal(maria.endpoint).begin(maria.user, created=True)
            found = look(maria)
            assert found.errors() == {"account"}
            assert "will be removed" in found["schema"][0].message
            return
        with maria.server.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", (LOCK,))
            found = look(maria)
        assert found.errors() == set()
        for name in ("schema", "account", "missing"):
            assert "another run is working" in found[name][0].message

    def test_56_with_utf8mb4(self, ground56: Playground, look: Look) -> None:
        problems = look(ground56, mysql={"charset": "utf8mb4"})["charset"]
        assert [one.status for one in problems] == ["error", "error"]  # user and registry
        assert problems[0].fix == 'set charset = "latin1" or "utf8"'
        assert isinstance(problems[0].action, SetField) and problems[0].action.field == "mysql.charset"
        assert "767 bytes" in problems[0].message
        with ground56.server.setting("character_set_server", "utf8mb4"):
            assert "the server's own" in look(ground56)["charset"][0].message
        ground56.server.run(f"CREATE DATABASE {quoted(ground56.user)} CHARACTER SET utf8mb4")
        existing = look(ground56).error("charset")
        assert "has the character set utf8mb4" in existing.message
        assert "drop the empty database" in (existing.fix or "")

    def test_56_with_utf8_and_setup(self, ground56: Playground, look: Look) -> None:
        """Connector/J's sessions are strict: what the wizard can make, -Dsetup cannot."""
        assert look(ground56, mysql={"charset": "utf8"}).errors() == set()
        found = look(ground56, mysql={"charset": "utf8", "provisioning": "server"})
        assert {one.fix for one in found["charset"]} == {'set charset = "latin1"'}

    def test_an_unknown_character_set(self, ground: Playground, look: Look) -> None:
        problem = look(ground, mysql={"charset": "latin99"}).error("charset")
        assert "latin99" in problem.message
        assert "latin1" in (problem.fix or "")

    @pytest.mark.parametrize(
        ("mode", "admin"), [("dba", True), ("dba", False), ("wizard", False), ("server", False)]
    )
    def test_what_this_run_may_not_make(self, maria: Playground, look: Look, mode: str, admin: bool) -> None:
        maria.make_account()
        found = look(maria, admin=admin, mysql={"provisioning": mode})
        missing = [one.message for one in found["missing"] if one.status == "error"]
        assert len(missing) == 4
        assert all("does not exist" in message for message in missing)

    def test_an_empty_database_is_filled_by_the_account(self, maria: Playground, look: Look) -> None:
        maria.provision()
        maria.server.drop(maria.user)
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)}")
        assert look(maria, admin=False).errors() == set()
        dba = look(maria, admin=False, mysql={"provisioning": "dba"})
        assert "no tables yet" in dba.error("missing").message
        assert look(maria, admin=False, mysql={"provisioning": "server"}).errors() == set()


class TestNoAnswer:
    @pytest.mark.parametrize("full", [False, True])
    def test_everything_else_is_skipped(self, look: Look, maria: Playground, full: bool) -> None:
        refusal = listeners.saying(b"\xff\x10\x04#08004Too many connections")
        with listeners.listener(refusal) as port:
            found = look(maria, *EVERY, mysql={"port": port if full else free_port()})
        assert found.errors() == {"connect"}
        assert {one.status for one in found.found if one.id not in WITHOUT_SERVER} == {"skipped"}
        problem = found.error("connect")
        assert ("no more connections" if full else "nothing listens") in problem.message
        assert not full or "max_connections" in (problem.fix or "")

    def test_without_a_password_no_login_is_tried(self, maria: Playground, look: Look) -> None:
        problem = finding.error("mysql.password: no such variable", fix="set it")
        refused = "SHOW GLOBAL STATUS LIKE 'Access_denied_errors'"
        before = maria.server.run(refused)
        found = look(maria, *EVERY, passwords=Passwords(Secret("x"), problems=(problem,)))
        assert found["connect"][0].status == "ok"
        assert {one.status for one in found.found if one.id not in WITHOUT_SERVER} == {"skipped"}
        assert maria.server.run(refused) == before


# --- names: which a server can store ---------------------------------------------------------------------------


OF_NAMES = ("connect", "names")
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


UNSTORABLE = ["漢" * 52, "-" * 52, "a" * 65, "blank ", "", "nul\0", "user😀"]


@pytest.mark.parametrize("name", [*STORABLE, *UNSTORABLE])
def test_which_names_a_server_stores(server: Server, name: str) -> None:
    """What is not stored is refused, or becomes another name."""
    assert (unstorable(name) is None) is (name in STORABLE)
    before, made = server.databases(), set()
    try:
        with contextlib.suppress(pymysql.MySQLError):
            server.run(f"CREATE DATABASE {quoted(name)}")
            made = server.databases() - before
        assert (made == {name}) is (name in STORABLE)
        if name in STORABLE:
            server.run("CREATE TABLE UM_HYBRID_REMEMBER_ME (i INT)", database=name)
    finally:
        server.drop(*made)


def test_names_that_differ_in_case() -> None:
    assert differing_in_case(["a", "A", "b", "b", "Ü", "ü"]) == [("a", "A"), ("Ü", "ü")]
    assert differing_in_case(["userdb", "userdb", "regdb"]) == []
    assert is_system("MySQL") and not is_system("mysql2")


class TestNames:
    @pytest.mark.parametrize("offline", [True, False])
    def test_names_that_can_be(self, maria: Playground, look: Look, offline: bool) -> None:
        assert [one.status for one in look(maria, *OF_NAMES, offline=offline)["names"]] == ["ok"]

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize(
        ("name", "word"), [("a😀", "U+1F600"), ("漢" * 60, "300 bytes"), ("MYSQL", "own database")]
    )
    def test_other_names(self, maria: Playground, look: Look, offline: bool, name: str, word: str) -> None:
        found = look(maria, *OF_NAMES, names={"event_store": name}, offline=offline)
        assert found.errors() == {"names"}
        assert word in found.error("names").message
        assert found.error("names").fix == "choose another name for mysql.databases.event_store"

    @pytest.mark.parametrize("offline", [True, False])
    def test_names_that_differ_only_in_case(self, maria: Playground, look: Look, offline: bool) -> None:
        problem = look(maria, *OF_NAMES, names=EQUAL, offline=offline).error("names")
        assert "SharedDb and shareddb differ only in case" in problem.message
        assert ("lower_case_table_names = 0" in problem.message) is not offline
        assert "user and registry" in (problem.fix or "")

    def test_what_a_server_without_case_does(self, maria: Playground, look: Look) -> None:
        with servers.fresh("mariadb", "--lower-case-table-names=1") as folding:
            looked = look(maria, *OF_NAMES, mysql={"port": folding.port}, names=EQUAL)
        assert "lower_case_table_names = 1, so both are one database" in looked.error("names").message

    def test_without_a_server_they_are_judged_too(self, maria: Playground, look: Look) -> None:
        found = look(maria, *OF_NAMES, mysql={"port": servers.free_port()}, names=EQUAL)
        assert found.errors() == {"connect", "names"}
