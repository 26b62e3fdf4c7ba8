"""The checks of the MySQL step on real servers: each problem its finding, its fix, and no write."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import listeners, servers
from tests.support.certificates import old_certificate
from tests.support.pairs import make_pair
from tests.support.playground import Playground, playground
from tests.support.servers import Server, free_port, quoted
from wizard.database.connection import connect
from wizard.database.provision import ProvisioningFailed
from wizard.database.situation import LOCK, FileJournal
from wizard.pack.home import Pack
from wizard.passwords.secret import Secret
from wizard.plan.planner import Plan
from wizard.preflight import checks
from wizard.preflight.checks import CheckContext
from wizard.preflight.mysql import CHECKS
from wizard.profile.model import Profile
from wizard.profile.passwords import Passwords
from wizard.system import finding
from wizard.system.finding import Finding, SetField

WITHOUT_SERVER = {"mysql.connect", "mysql.loopback", "mysql.names"}
"""What is judged without a login."""

ALL_BUT_DRIVER = tuple(one for one in CHECKS if one.id != "mysql.driver")


class Looked:
    """The findings of one run, by check."""

    def __init__(self, found: list[Finding]) -> None:
        self.found = found

    def __getitem__(self, name: str) -> list[Finding]:
        return [one for one in self.found if one.id == f"mysql.{name}"]

    def errors(self) -> set[str]:
        return {one.id.removeprefix("mysql.") for one in self.found if one.status == "error"}

    def error(self, name: str) -> Finding:
        (found,) = [one for one in self[name] if one.status == "error"]
        assert found.fix
        return found

    def text(self) -> str:
        return "\n".join(f"{one.message} {one.fix}" for one in self.found)


Look = Callable[..., Looked]


MakeContext = Callable[..., CheckContext]


@pytest.fixture
def context_for(packs: Path, tmp_path: Path) -> MakeContext:
    """`context_for(ground, mysql={…})`: a profile for that playground; `admin=False` leaves root out."""
    number = itertools.count(1)

    def made(ground: Playground, *, pack: str = "apim-analytics-2.0.0", **changes: Any) -> CheckContext:
        return _context(packs / pack, tmp_path / f"pair{next(number)}", ground, **changes)

    return made


@pytest.fixture
def look(context_for: MakeContext) -> Look:
    """The findings of all checks but the driver's, with such a context."""

    def looked(
        ground: Playground, *, which: tuple[checks.Check, ...] = ALL_BUT_DRIVER, **changes: Any
    ) -> Looked:
        return Looked(list(checks.run(which, context_for(ground, **changes))))

    return looked


def _context(
    pack: Path,
    folder: Path,
    ground: Playground,
    *,
    admin: bool = True,
    admin_password: str | None = None,
    **changes: Any,
) -> CheckContext:
    administrator = {"admin_username": "root", "admin_password": {"env": "ROOT"}} if admin else {}
    mysql = {
        "host": ground.server.host,
        "port": ground.server.port,
        "username": ground.account,
        "databases": ground.names,
        **administrator,
        **changes.pop("mysql", {}),
    }
    pair = make_pair(pack, folder, mysql=mysql, **changes)
    raw = tomllib.loads(pair.profile.read_text())
    profile = Profile.model_validate(raw, context={"folder": pair.profile.parent})
    root = ground.server.root_password if admin_password is None else admin_password
    passwords = Passwords(Secret(ground.password), Secret(root) if admin else None)
    packs = {node.name: Pack(Path(node.home)) for node in profile.nodes}
    return CheckContext(profile, profile.nodes, packs, Plan(()), passwords)


class TestEmptyServer:
    def test_everything_may_be_created(self, ground: Playground, look: Look) -> None:
        before = ground.server.databases()
        found = look(ground)
        assert found.errors() == set()
        expected = {"mysql56": "MySQL 5.6.24", "mysql9": "MySQL 9.7", "mariadb": "MariaDB 10.11"}
        assert found["connect"][0].message.startswith(expected[ground.server.kind])
        assert "will be created" in found["account"][0].message
        assert "may create" in found["administrator"][0].message
        assert "fits" in found["script"][0].message
        assert "does not exist yet" in found["schema"][0].message
        assert all(name in found["missing"][0].message for name in ground.names.values())
        assert ground.server.databases() == before
        assert ground.server.accounts(ground.account) == set()

    def test_the_pools_ask_for_more_connections_than_a_stock_server_has(
        self, maria: Playground, look: Look
    ) -> None:
        (found,) = look(maria)["connections"]
        assert found.status == "warning"
        assert "151" in found.message and "400" in found.message
        assert found.fix and "SET GLOBAL max_connections" in found.fix
        (found,) = look(maria, pool={"max_active": 10})["connections"]
        assert found.status == "ok"


class TestCompleteServer:
    def test_nothing_is_left_to_say(self, ground: Playground, look: Look) -> None:
        ground.provision()
        found = look(ground)
        assert found.errors() == set()
        assert "39 tables" in found["schema"][0].message
        assert found["missing"][0].message == "nothing is missing"
        assert found["script"][0].message.startswith("not needed")

    @pytest.mark.parametrize("mode", ["dba", "wizard", "server"])
    def test_without_an_administrator_too(self, maria: Playground, look: Look, mode: str) -> None:
        maria.provision()
        assert look(maria, admin=False, mysql={"provisioning": mode}).errors() == set()


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

    def test_rights_that_it_lacks(self, ground: Playground, look: Look) -> None:
        ground.provision()
        pattern = quoted(ground.registry.replace("_", r"\_"))
        ground.server.run(f"REVOKE DROP, ALTER ON {pattern}.* FROM '{ground.account}'@'%'")
        assert look(ground).errors() == set()  # an administrator grants them again
        problem = look(ground, admin=False).error("account")
        assert problem.message == f"{ground.account} lacks DROP, ALTER on {ground.registry}"
        assert problem.fix is not None
        ground.server.run(problem.fix.removesuffix("; as an administrator"))
        assert look(ground, admin=False).errors() == set()

    def test_a_name_that_is_too_long_for_56(self, ground56: Playground, look: Look) -> None:
        ground56.account = "a_name_of_18_chars"
        assert "this server allows 16" in look(ground56).error("account").message

    def test_a_read_only_server(self, ground: Playground, look: Look) -> None:
        with ground.server.setting("read_only", "ON"):
            found = look(ground)
        assert "read-only" in found.error("account").message

    @pytest.mark.parametrize("exists", [True, False])
    def test_an_anonymous_account_shadows_it(self, maria: Playground, look: Look, exists: bool) -> None:
        if exists:
            maria.make_account()
        maria.server.run("CREATE USER ''@'localhost'")
        try:
            found = look(maria)
            problems = [one for one in found["account"] if one.status == "error"]
            # Seen from here, and for both nodes, which are on the server's machine.
            assert len(problems) == 3
            for problem in problems:
                assert "anonymous account ''@'localhost'" in problem.message
            assert {one.action.value for one in problems if isinstance(one.action, SetField)} == {"localhost"}
            assert problems[0].fix is not None
            maria.server.run(problems[0].fix.removesuffix("; as an administrator"))
        finally:
            maria.server.drop_user("")
        assert look(maria).errors() == set()

    def test_a_login_matched_to_the_anonymous_account(self, maria: Playground, look: Look) -> None:
        """With an empty password the anonymous account lets everybody in."""
        maria.password = ""
        maria.server.run("CREATE USER ''@'localhost'")
        try:
            assert (
                look(maria, admin=False).error("account").message.startswith("the server matches logins as ")
            )
        finally:
            maria.server.drop_user("")

    def test_a_node_that_no_account_fits(self, maria: Playground, look: Look) -> None:
        nodes = [{"host": "10.100.0.46"}, {"host": "127.0.0.1"}]
        (found,) = [
            one for one in look(maria, mysql={"grant_host": "127.0.0.1"}, nodes=nodes)["account"] if one.node
        ]
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

    def test_an_administrator_whose_password_has_expired(self, ground: Playground, look: Look) -> None:
        ground.provision()
        weak = f"{ground.account}a"
        with ground.server.user(weak, f"ALTER USER '{weak}'@'%' PASSWORD EXPIRE"):
            found = look(ground, mysql={"admin_username": weak}, admin_password="x")
        assert found.errors() == {"administrator"}
        assert "has expired" in found.error("administrator").message


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
    @pytest.mark.parametrize("kind", ["mysql56", "mariadb"])
    def test_a_server_without_tls_and_an_account_that_requires_it(
        self, kind: servers.Kind, look: Look, pack: Path, tmp_path: Path
    ) -> None:
        with playground(servers.shared_server(kind), pack, tmp_path) as ground:
            ground.provision()
            ground.alter_account("REQUIRE SSL")
            found = look(ground)
            assert found.errors() == {"account"}
            problem = found.error("account")
            assert "requires TLS" in problem.message and "the server offers no TLS" in problem.message
            assert "wrong password" not in problem.message
            assert problem.fix is not None and "REQUIRE NONE" in problem.fix
            alone = look(ground, admin=False).error("account")
            assert "or the account requires TLS" in alone.message
            ground.server.run(problem.fix.split("; ")[0])
            assert look(ground).errors() == set()

    def test_a_server_whose_tls_is_too_old(self, look: Look, pack: Path, tmp_path: Path) -> None:
        certificate, key = old_certificate(tmp_path)
        options = [f"--ssl-ca={certificate}", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with servers.fresh("mysql56", *options) as server, playground(server, pack, tmp_path) as ground:
            found = look(ground)
            assert found.errors() == {"account", "administrator"}
            assert "handshake" in found.error("account").message
            assert "useSSL" in found.text()
            plainly = dataclasses.replace(ground.endpoint, plain_after_tls=True)
            ground.provision(ground.wanted(endpoint=plainly))
            ground.alter_account("REQUIRE SSL")
            found = look(ground, mysql={"url_parameters": {"useSSL": "false"}})
            assert found.errors() == {"account"}
            assert "too old for this machine" in found.text()

    def test_a_wrong_password_over_tls_is_still_a_wrong_password(
        self, tls_ground: Playground, look: Look
    ) -> None:
        tls_ground.make_account(password="another")
        tls_ground.alter_account("REQUIRE SSL")
        assert "password is refused" in look(tls_ground).error("account").message
        assert "requires TLS" not in look(tls_ground, admin=False).error("account").message

    def test_a_certificate_of_the_client(self, tls_ground: Playground, look: Look) -> None:
        tls_ground.provision()
        tls_ground.alter_account("REQUIRE X509")
        problem = look(tls_ground).error("account")
        assert "TLS with a certificate of the client" in problem.message
        tls_ground.server.run(str(problem.fix).removesuffix("; as an administrator"))
        assert look(tls_ground).errors() == set()

    @pytest.mark.parametrize("admin", [True, False])
    @pytest.mark.parametrize(
        ("name", "value", "on"), [("useSSL", "false", "true"), ("sslMode", "DISABLED", "REQUIRED")]
    )
    def test_a_profile_that_switches_tls_off(
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
        assert problem.action is not None
        assert (problem.action.field, problem.action.value) == (f"mysql.url_parameters.{name}", on)

    def test_the_account_of_a_node_counts_too(self, maria: Playground, look: Look) -> None:
        """Not the one that logs in from here: the administrator sees what each node's account requires."""
        maria.provision()
        maria.make_account("10.100.0.47")
        maria.server.run(f"ALTER USER '{maria.account}'@'10.100.0.47' REQUIRE SSL")
        nodes = [{"host": "10.100.0.46"}, {"host": "10.100.0.47"}]
        found = look(maria, nodes=nodes, mysql={"url_parameters": {"useSSL": "false"}})
        assert f"'{maria.account}'@'10.100.0.47'" in found.error("account").message
        assert look(maria, nodes=nodes).errors() == set()

    def test_a_server_that_requires_tls_of_everybody(self, look: Look, ground9: Playground) -> None:
        ground9.provision()
        ground9.server.run("SET GLOBAL require_secure_transport = ON")
        try:
            found = look(ground9, mysql={"url_parameters": {"useSSL": "false"}})
        finally:
            with connect(
                ground9.endpoint, ground9.server.root, Secret(ground9.server.root_password)
            ) as inside:
                inside.make("SET GLOBAL require_secure_transport = OFF")
        assert "require_secure_transport" in found.error("account").message


class TestLimitsOfAccounts:
    @pytest.mark.parametrize("admin", [True, False])
    def test_an_account_that_may_have_too_few(self, ground: Playground, look: Look, admin: bool) -> None:
        ground.provision()
        pool = {"max_active": 10}
        (found,) = look(ground, admin=admin, pool=pool)["connections"]
        assert found.status == "ok"
        ground.alter_account("WITH MAX_USER_CONNECTIONS 79")
        (found,) = look(ground, admin=admin, pool=pool)["connections"]
        assert found.status == "warning"
        assert "79 connections" in found.message and "may open 80" in found.message
        assert found.fix is not None
        ground.server.run(found.fix.removesuffix("; as an administrator"))
        (found,) = look(ground, admin=admin, pool=pool)["connections"]
        assert found.status == "ok"
        ground.alter_account("WITH MAX_USER_CONNECTIONS 80")
        (found,) = look(ground, admin=admin, pool=pool)["connections"]
        assert found.status == "ok"

    @pytest.mark.parametrize("state", ["made", "not made", "no administrator"])
    def test_the_servers_limit_of_every_account(
        self, look: Look, pack: Path, tmp_path: Path, state: str
    ) -> None:
        with (
            servers.fresh("mariadb", "--max-user-connections=50") as server,
            playground(server, pack, tmp_path) as ground,
        ):
            if state != "not made":
                ground.provision()
            pool = {"max_active": 10}
            (found,) = look(ground, admin=state != "no administrator", pool=pool)["connections"]
            assert found.status == "warning"
            assert "50 connections" in found.message and "max_user_connections" in found.message
            assert found.fix == (
                "SET GLOBAL max_user_connections = 130; and the same in the server's configuration file"
            )
            server.run(found.fix.split(";")[0])
            assert look(ground, pool=pool)["connections"][0].status == "ok"

    def test_each_node_with_an_account_of_its_own(self, maria: Playground, look: Look) -> None:
        """The limit counts for each account: two of 40 are enough for two nodes of 40."""
        maria.provision()
        nodes = [{"host": "10.100.0.46"}, {"host": "10.100.0.47"}]
        for host in ("10.100.0.46", "10.100.0.47"):
            maria.make_account(host)
            maria.server.run(
                f"ALTER USER '{maria.account}'@'{host}' WITH MAX_USER_CONNECTIONS {39 if host.endswith('7') else 40}"
            )
        (found,) = look(maria, pool={"max_active": 10}, nodes=nodes)["connections"]
        assert found.status == "warning"
        assert "10.100.0.47" in found.message and "node2 may open 40" in found.message


PRIMARY_KEY_VARIABLES = {"mysql9": "sql_require_primary_key", "mariadb": "innodb_force_primary_key"}


class TestAServerThatRequiresPrimaryKeys:
    @pytest.mark.parametrize("kind", PRIMARY_KEY_VARIABLES)
    @pytest.mark.parametrize("mode", ["wizard", "server", "dba"])
    def test_is_found_before_the_script_is_run(
        self, kind: servers.Kind, look: Look, pack: Path, tmp_path: Path, mode: str
    ) -> None:
        variable = PRIMARY_KEY_VARIABLES[kind]
        with (
            servers.fresh(kind, f"--{variable.replace('_', '-')}=ON") as server,
            playground(server, pack, tmp_path) as ground,
        ):
            found = look(ground, mysql={"provisioning": mode})
            assert "script" in found.errors()
            problem = found.error("script")
            assert variable in problem.message
            if mode == "wizard":
                with pytest.raises(ProvisioningFailed) as failed:
                    ground.provision()
                assert "primary key" in failed.value.message.lower()
            assert problem.fix is not None
            server.run(problem.fix.split(";")[0])
            assert "script" not in look(ground, mysql={"provisioning": mode}).errors()
            ground.provision()
            server.run(f"SET GLOBAL {variable} = ON")
            assert look(ground, mysql={"provisioning": mode}).errors() == set()


class TestLoopback:
    def found(self, context: CheckContext, *, offline: bool) -> Finding:
        context.offline = offline
        (check,) = [one for one in CHECKS if one.id == "mysql.loopback"]
        (found,) = checks.run([check], context)
        return found

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
    def test_with_nodes_on_two_machines(
        self, maria: Playground, context_for: MakeContext, host: str, offline: bool
    ) -> None:
        nodes = [{"host": "10.100.0.46"}, {"host": "10.100.0.47"}]
        found = self.found(context_for(maria, mysql={"host": host}, nodes=nodes), offline=offline)
        assert found.status == "warning"
        assert host in found.message and "10.100.0.47" in found.message
        together = self.found(context_for(maria, mysql={"host": host}), offline=offline)
        assert together.status == "ok"

    def test_any_other_host(self, maria: Playground, context_for: MakeContext) -> None:
        nodes = [{"host": "10.100.0.46"}, {"host": "10.100.0.47"}]
        found = self.found(context_for(maria, mysql={"host": "10.100.0.10"}, nodes=nodes), offline=True)
        assert found.status == "ok"


class TestAdministrator:
    def test_a_wrong_password(self, ground: Playground, look: Look) -> None:
        ground.provision()
        found = look(ground, admin_password="wrong")
        assert found.errors() == {"administrator"}

    def test_both_wrong(self, ground: Playground, look: Look) -> None:
        found = look(ground, admin_password="wrong")
        assert found.errors() == {"administrator", "account"}
        assert found["schema"][0].status == "skipped"

    def test_rights_that_it_lacks(self, ground: Playground, look: Look) -> None:
        weak = f"{ground.account}a"
        with ground.server.user(weak, f"GRANT CREATE ON *.* TO '{weak}'@'%'"):
            found = look(ground, mysql={"admin_username": weak}, admin_password="x")
        message = found.error("administrator").message
        assert "CREATE USER on *.*" in message
        assert f"on {ground.user}.*" in message
        assert "GRANT OPTION" in message


class TestDatabases:
    def test_half_a_schema_is_named_before_anything_runs(self, ground: Playground, look: Look) -> None:
        ground.provision()
        ground.server.run(
            "DROP TABLE UM_HYBRID_REMEMBER_ME", "DROP INDEX REG_RESOURCE_IND_BY_UUID ON REG_RESOURCE",
            database=ground.user,
        )  # fmt: skip
        found = look(ground)
        assert found.errors() == {"schema"}
        message = found.error("schema").message
        assert "table UM_HYBRID_REMEMBER_ME" in message
        assert "index REG_RESOURCE_IND_BY_UUID (reg_uuid) of REG_RESOURCE" in message

    def test_what_is_no_schema(self, maria: Playground, look: Look) -> None:
        """A long list is counted, and tables of another application are named."""
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)}", f"CREATE DATABASE {quoted(maria.registry)}")
        maria.server.run("CREATE TABLE UM_TENANT (UM_ID INT)", database=maria.user)
        maria.server.run("CREATE TABLE orders (i INT)", database=maria.registry)
        long, other = (one for one in look(maria)["schema"] if one.status == "error")
        assert "and" in long.message and "more" in long.message and len(long.message) < 1000
        assert "orders" in other.message and "mysql.databases.registry" in (other.fix or "")

    def test_what_is_in_the_analytics_stores_is_the_servers(self, maria: Playground, look: Look) -> None:
        maria.provision()
        maria.server.run("CREATE TABLE ANX___8G (i INT)", database=maria.names["event_store"])
        assert look(maria).errors() == set()

    def test_what_a_killed_run_left_is_no_error(self, maria: Playground, look: Look) -> None:
        FileJournal(maria.endpoint).begin(maria.user, created=True)
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)} CHARACTER SET utf8")
        maria.server.run("CREATE TABLE UM_TENANT (UM_ID INT)", database=maria.user)
        found = look(maria)
        assert found.errors() == set()
        assert "will be removed" in found["schema"][0].message

    def test_while_another_run_is_working_half_a_schema_is_no_error(
        self, maria: Playground, look: Look
    ) -> None:
        maria.make_account(password="not yet the right one")
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)}")
        maria.server.run("CREATE TABLE UM_TENANT (UM_ID INT)", database=maria.user)
        assert look(maria).errors() == {"account", "schema"}
        with maria.server.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", (LOCK,))
            found = look(maria)
        assert found.errors() == set()
        assert "another run is working" in found["schema"][0].message
        assert "another run is working" in found["account"][0].message
        assert "another run is working" in found["missing"][0].message

    @pytest.mark.parametrize("state", ["absent", "empty"])
    def test_56_with_utf8mb4(self, ground56: Playground, look: Look, state: str) -> None:
        if state == "empty":
            ground56.server.run(f"CREATE DATABASE {quoted(ground56.user)} CHARACTER SET utf8mb4")
            found = look(ground56)
            assert "has the character set utf8mb4" in found.error("charset").message
            assert "drop the empty database" in (found.error("charset").fix or "")
        else:
            found = look(ground56, mysql={"charset": "utf8mb4"})
            problems = [one for one in found["charset"] if one.status == "error"]
            assert len(problems) == 2  # user and registry
            assert problems[0].fix == 'set charset = "latin1" or "utf8"'
            assert problems[0].action is not None and problems[0].action.field == "mysql.charset"
            assert "767 bytes" in problems[0].message

    def test_56_whose_own_default_is_utf8mb4(self, ground56: Playground, look: Look) -> None:
        with ground56.server.setting("character_set_server", "utf8mb4"):
            found = look(ground56)
        assert "the server's own" in found["charset"][0].message

    def test_56_with_utf8_and_setup(self, ground56: Playground, look: Look) -> None:
        """Connector/J's sessions are strict: what the wizard can make, -Dsetup cannot."""
        assert look(ground56, mysql={"charset": "utf8"}).errors() == set()
        found = look(ground56, mysql={"charset": "utf8", "provisioning": "server"})
        assert {one.fix for one in found["charset"]} == {'set charset = "latin1"'}

    def test_an_unknown_character_set(self, ground: Playground, look: Look) -> None:
        problem = look(ground, mysql={"charset": "latin99"}).error("charset")
        assert "latin99" in problem.message
        assert "latin1" in (problem.fix or "")

    def test_a_pack_without_a_script_for_9(self, ground9: Playground, look: Look, pack: Path) -> None:
        found = look(ground9, pack="das-3.0.1")
        assert found.errors() == {"script"}
        assert len(found["script"]) == 2  # both nodes
        assert "REG_RESOURCE" in found["script"][0].message

    @pytest.mark.parametrize(
        ("mode", "admin"), [("dba", True), ("dba", False), ("wizard", False), ("server", False)]
    )
    def test_what_this_run_may_not_make(self, maria: Playground, look: Look, mode: str, admin: bool) -> None:
        maria.make_account()
        found = look(maria, admin=admin, mysql={"provisioning": mode})
        missing = [one.message for one in found["missing"] if one.status == "error"]
        assert len(missing) == 4
        assert all("does not exist" in message for message in missing)

    def test_an_empty_database_without_administrator_is_filled_by_the_account(
        self, maria: Playground, look: Look
    ) -> None:
        maria.provision()
        maria.server.drop(maria.user)
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)}")
        assert look(maria, admin=False).errors() == set()
        dba = look(maria, admin=False, mysql={"provisioning": "dba"})
        assert "no tables yet" in dba.error("missing").message
        assert look(maria, admin=False, mysql={"provisioning": "server"}).errors() == set()


class TestOffline:
    @pytest.mark.parametrize(
        ("version", "errors"),
        [("9.0", {"script"}), ("5.7", {"script"}), ("5.6", set()), ("10.11-MariaDB", set()), (None, set())],
    )
    def test_the_script_is_judged_by_the_assumed_version(
        self, maria: Playground, context_for: MakeContext, version: str | None, errors: set[str]
    ) -> None:
        context = context_for(maria, pack="das-3.0.1", mysql={"server_version": version, "port": free_port()})
        context.offline = True
        found = Looked(list(checks.run(CHECKS, context)))
        assert found.errors() == errors
        always = {"mysql.loopback", "mysql.names"}
        assert {one.id for one in found.found} == always | ({"mysql.script"} if version else set())


class TestNoAnswer:
    def fails(self, look: Look, ground: Playground, port: int) -> Finding:
        found = look(ground, mysql={"port": port}, which=CHECKS)
        assert found.errors() == {"connect"}
        assert {one.status for one in found.found if one.id not in WITHOUT_SERVER} == {"skipped"}
        return found.error("connect")

    def test_a_closed_port(self, maria: Playground, look: Look) -> None:
        assert "nothing listens" in self.fails(look, maria, free_port()).message

    def test_a_full_server(self, maria: Playground, look: Look) -> None:
        with listeners.listener(listeners.saying(b"\xff\x10\x04#08004Too many connections")) as port:
            problem = self.fails(look, maria, port)
        assert "no more connections" in problem.message
        assert "max_connections" in (problem.fix or "")

    def test_forty_black_holes_at_once_are_not_waited_for_in_turn(
        self, maria: Playground, context_for: MakeContext
    ) -> None:
        with listeners.black_hole() as port:
            context = context_for(maria, mysql={"port": port})
            results: list[set[str]] = []

            def run() -> None:
                own = CheckContext(context.profile, context.nodes, context.packs, Plan(()), context.passwords)
                results.append(Looked(list(checks.run(CHECKS, own))).errors())

            threads = [threading.Thread(target=run) for _ in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert results == [{"connect"}] * 40


class TestPasswords:
    def test_without_a_password_no_login_is_tried(self, maria: Playground, context_for: MakeContext) -> None:
        context = context_for(maria)
        missing = Passwords(
            Secret("x"), problems=(finding.error("mysql.password: no such variable", fix="set it"),)
        )
        context.passwords = missing
        before = maria.server.run("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")[0][1]
        found = Looked(list(checks.run(CHECKS, context)))
        assert found["connect"][0].status == "ok"
        assert {one.status for one in found.found if one.id not in WITHOUT_SERVER} == {"skipped"}
        assert maria.server.run("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")[0][1] == before
