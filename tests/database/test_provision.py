"""From nothing to two schemas, once, whole or not at all: on real servers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.database.conftest import Look
from tests.support import listeners, servers
from tests.support.playground import Playground, playground
from tests.support.servers import quoted
from wizard.database.accounts import grant_pattern
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.needs import Database, DatabaseResult, Login, WantedDatabases, databases_of
from wizard.database.provision import ProvisioningFailed
from wizard.database.situation import LOCK
from wizard.passwords.secret import Secret
from wizard.system.errors import Cancel, Cancelled, Failed

PRESENT, CREATED = ["present"] * 4, ["created"] * 4
Progress = Callable[[str, int, int, str], None]


def at_statement(number: int, act: Callable[[], object]) -> Progress:
    """A progress that acts once, before that statement of a script."""
    begun = threading.Event()

    def progress(database: str, done: int, total: int, text: str) -> None:
        if total and done == number and not begun.is_set():
            begun.set()
            act()

    return progress


def another_machine(ground: Playground, folder: Path) -> Playground:
    """The same databases, with a journal of its own."""
    return Playground(ground.server, ground.pack, folder / "other", ground.names, ground.account)


def failure(ground: Playground, wanted: WantedDatabases | None = None, match: str = ".", **how: object):
    """The error of a run."""
    with pytest.raises(ProvisioningFailed, match=match) as raised:
        ground.provision(wanted, **how)
    return raised.value


class TestFromNothing:
    def test_databases_account_grants_and_tables(self, ground: Playground) -> None:
        tables = (39, 39, 0, 0)
        assert ground.provision() == [
            DatabaseResult(name, "created", count)
            for name, count in zip(ground.names.values(), tables, strict=True)
        ]
        ground.assert_complete()
        charset = "utf8mb4" if ground.server.kind == "mysql9" else "latin1"  # the server's own
        assert {ground.server.charset_of(name) for name in ground.names.values()} == {charset}

    def test_the_second_time_touches_nothing(self, ground: Playground) -> None:
        ground.provision()
        server = ground.server
        server.run(
            "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON", "TRUNCATE mysql.general_log"
        )
        try:
            assert ground.statuses() == PRESENT
        finally:
            server.run("SET GLOBAL general_log = OFF")
        rows = server.run("SELECT argument FROM mysql.general_log WHERE command_type = 'Query'")
        texts = [row[0].decode() if isinstance(row[0], bytes) else row[0] for row in rows]
        asked = {text.split()[0].upper() for text in texts if "general_log" not in text}
        assert "SELECT" in asked and asked <= {"SELECT", "SHOW", "SET"}

    def test_56_with_utf8_in_a_strict_mode(self, ground56: Playground) -> None:
        mode = "'STRICT_TRANS_TABLES,NO_ZERO_DATE,ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"
        with ground56.server.setting("sql_mode", mode):
            ground56.provision(ground56.wanted(charset="utf8"))
            ground56.assert_complete()

    def test_in_another_mode(self, ground: Playground) -> None:
        """Nothing that is sent depends on how quotes and backslashes are read: the password has all of them."""
        modes = "CONCAT(@@GLOBAL.sql_mode, ',ANSI_QUOTES,NO_BACKSLASH_ESCAPES')"
        with ground.server.setting("sql_mode", modes):
            ground.provision()
        ground.assert_complete()

    @pytest.mark.parametrize(
        "name", ["user-db", "user.db", "user db", "us'er\"db", "us`er`db", "userdb; DROP DATABASE x", "ünïx"]
    )
    def test_any_name_of_a_database(self, maria: Playground, name: str) -> None:
        maria.names = {**maria.names, "user": name}
        maria.provision()
        maria.assert_complete()

    def test_no_database_with_a_similar_name_is_reached(self, ground: Playground) -> None:
        """`_` is a wildcard in a grant: unescaped, `reg_db` would open `regXdb`."""
        ground.provision()
        similar = [name.replace("_", "X") for name in ground.names.values() if "_" in name]
        ground.server.run(*(f"CREATE DATABASE {quoted(name)}" for name in similar))
        try:
            for name in similar:
                with ground.connect() as connection, connection.cursor() as cursor:
                    with pytest.raises(pymysql.err.OperationalError, match="denied"):
                        cursor.execute(f"CREATE TABLE {quoted(name)}.t (i INT)")
        finally:
            ground.server.drop(*similar)
        assert len(similar) == 3

    @pytest.mark.parametrize("kind", ["mysql56", "mariadb"])
    def test_where_names_have_no_case(self, kind: servers.Kind, pack: Path, tmp_path: Path) -> None:
        """`lower_case_table_names = 1`, as on Windows: the server shows the grants in lower case."""
        with (
            servers.fresh(kind, "--lower-case-table-names=1") as server,
            playground(server, pack, tmp_path, names={"user": "UserDB"}) as ground,
        ):
            assert ground.statuses() == CREATED
            ground.assert_complete()
            assert ground.statuses() == ground.statuses(ground.wanted(admin=False)) == PRESENT

    def test_where_grants_take_names_literally(self, ground9: Playground) -> None:
        """With `partial_revokes` an escaped name would be another name, and the account would have no right."""
        with ground9.server.setting("partial_revokes", "ON"):
            ground9.provision()
            ground9.assert_complete()
            assert ground9.statuses() == PRESENT
            ground9.server.drop_user(ground9.account)


class TestWhatExists:
    def test_an_empty_database_keeps_its_character_set(self, ground: Playground) -> None:
        ground.server.run(f"CREATE DATABASE {quoted(ground.user)} CHARACTER SET latin2")
        ground.provision(ground.wanted(charset="latin1"))
        assert ground.server.charset_of(ground.user) == "latin2"
        assert ground.server.charset_of(ground.registry) == "latin1"
        ground.assert_complete()

    @pytest.mark.parametrize("host", ["%", "localhost"])
    def test_an_account_keeps_its_password_and_gets_its_grants(self, ground: Playground, host: str) -> None:
        """Also one of a narrower host is enough: no `apim@%` is created beside an `apim@localhost`."""
        ground.make_account(host=host)
        ground.provision()
        ground.assert_complete()
        assert ground.server.accounts(ground.account) == {host}

    def test_a_revoked_privilege_is_granted_again(self, ground: Playground) -> None:
        ground.provision()
        pattern = quoted(grant_pattern(ground.registry))
        ground.server.run(f"REVOKE CREATE, DROP ON {pattern}.* FROM '{ground.account}'@'%'")
        assert ground.statuses() == ["present", "created", "present", "present"]
        ground.assert_complete()

    @pytest.mark.parametrize("table", ["UM_DOMAIN", "orders"])
    def test_what_was_not_ours_is_never_touched(self, ground: Playground, table: str) -> None:
        name = quoted(ground.user)
        ground.server.run(
            f"CREATE DATABASE {name}",
            f"CREATE TABLE {name}.{table} (i INT)",
            f"INSERT INTO {name}.{table} VALUES (7)",
        )
        assert ground.statuses() == ["missing", "created", "created", "created"]
        assert ground.server.tables(ground.user) == [table]
        assert ground.server.run(f"SELECT * FROM {name}.{table}") == [(7,)]


class TestWhoMayCreateWhat:
    def test_without_administrator_the_account_runs_the_script_itself(self, ground: Playground) -> None:
        ground.make_account()
        for name in ground.names.values():
            to = f"{quoted(grant_pattern(name))}.* TO '{ground.account}'@'%'"
            ground.server.run(f"CREATE DATABASE {quoted(name)}", f"GRANT ALL ON {to}")
        assert ground.statuses(ground.wanted(admin=False)) == ["created", "created", "present", "present"]
        ground.assert_complete()

    @pytest.mark.parametrize("changes", [{"admin": False}, {"mode": "dba"}])
    def test_where_it_may_not_nothing_is_created(self, ground: Playground, changes: dict[str, Any]) -> None:
        ground.make_account()
        before = ground.server.databases()
        needs = ground.pending(ground.wanted(**changes))
        assert not needs.pending
        assert ground.provision(ground.wanted(**changes)) == needs.results
        assert [result.status for result in needs.results] == ["missing"] * 4
        assert ground.server.databases() == before

    def test_privileges_that_the_administrator_lacks_stop_it_first(self, ground: Playground) -> None:
        before = ground.server.databases()
        weak = f"{ground.account}a"
        with ground.server.user(weak):
            problem = failure(
                ground, ground.wanted(administrator=Login(weak, Secret("x"))), match="lacks CREATE USER"
            )
        assert "grant that to the administrator" in (problem.fix or "")
        assert problem.exit_code == 1
        assert ground.server.databases() == before

    def test_an_administrator_of_these_databases_alone_is_enough(self, ground: Playground) -> None:
        """Without the privilege to see mysql.user, and without any other.  An account of a narrower host is not seen
        then: the login at the end shows its other password."""
        little = f"{ground.account}a"
        grants = [f"GRANT CREATE USER ON *.* TO '{little}'@'%'"]
        for name in ground.names.values():
            grants.append(f"GRANT ALL ON {quoted(grant_pattern(name))}.* TO '{little}'@'%' WITH GRANT OPTION")
        wanted = ground.wanted(administrator=Login(little, Secret("x")))
        with ground.server.user(little, *grants):
            ground.provision(wanted)
            ground.assert_complete()
            ground.server.drop(*ground.names.values())
            ground.server.drop_user(ground.account)
            ground.make_account(host="localhost", password="another")
            problem = failure(ground, wanted, match="was created, but its login fails")
        assert problem.fix and problem.place
        assert [result.status for result in problem.results] == CREATED

    def test_privileges_that_the_account_lacks_are_an_error(self, maria: Playground) -> None:
        """While the script runs, the account is created for a narrower host, which the server prefers."""
        progress = at_statement(30, lambda: maria.make_account(host="localhost"))
        problem = failure(maria, match=r"which lacks .*CREATE", progress=progress)
        assert "localhost" in problem.message and maria.user in problem.message
        assert "drop" in (problem.fix or "")


class TestTwoAtOnce:
    def test_cancelling_while_waiting_for_the_other_run(self, maria: Playground) -> None:
        cancel = Cancel()

        def progress(database: str, done: int, total: int, text: str) -> None:
            assert "another run" in text
            cancel.set()

        with maria.server.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", (LOCK,))
            with pytest.raises(Cancelled):
                maria.provision(progress=progress, cancel=cancel)
        assert maria.server.accounts(maria.account) == set()

    def test_another_run_is_waited_for(self, ground: Playground, tmp_path: Path) -> None:
        """Part of a schema is no error while another run creates the rest."""
        other = another_machine(ground, tmp_path)
        results: list[list[str]] = []
        middle, go_on = threading.Event(), threading.Event()

        def pause() -> None:
            middle.set()
            go_on.wait(30)

        def first() -> None:
            results.append([one.status for one in ground.provision(progress=at_statement(40, pause))])

        thread = threading.Thread(target=first)
        thread.start()
        assert middle.wait(30)
        needs = other.pending()
        assert needs.busy and needs.pending
        assert not any(need.lacking for need in needs.databases)
        second = other.provision(progress=lambda *_: go_on.set())
        thread.join(30)
        assert [*results, [one.status for one in second]] == [CREATED, PRESENT]
        ground.assert_complete()

    def test_what_it_then_leaves_half_done_is_an_error(self, maria: Playground, tmp_path: Path) -> None:
        """The other machine fails in the middle: nothing of it is changed here, and it does not count as complete."""
        maria.make_account()
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)}")
        maria.server.run("CREATE TABLE UM_DOMAIN (i INT)", database=maria.user)
        with maria.server.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", (LOCK,))

            def waited(*_: object) -> None:
                cursor.execute("SELECT RELEASE_LOCK(%s)", (LOCK,))

            problem = failure(another_machine(maria, tmp_path), match="left incomplete", progress=waited)
        assert problem.results[0].status == "missing"
        assert maria.server.tables(maria.user) == ["UM_DOMAIN"]


class TestUndoing:
    """What a run begins and cannot finish is removed; what it finished stays."""

    def gone(self, ground: Playground, name: str) -> None:
        assert name not in ground.server.databases()
        assert ground.journal.begun() == {}

    def test_a_statement_that_fails(self, ground56: Playground) -> None:
        """5.6 with utf8mb4: the check is ignored, and the 17 tables are dropped."""
        problem = failure(ground56, ground56.wanted(charset="utf8mb4"), match="too long")
        assert "dbscripts/mysql.sql, line" in problem.message
        assert "still exists" not in problem.message
        assert ground56.user in problem.message
        assert [result.status for result in problem.results] == ["failed", *["pending"] * 3]
        self.gone(ground56, ground56.user)
        ground56.provision(ground56.wanted(charset="latin1"))
        ground56.assert_complete()

    def test_a_database_of_the_dba_is_only_emptied(self, ground56: Playground) -> None:
        ground56.server.run(f"CREATE DATABASE {quoted(ground56.user)} CHARACTER SET utf8mb4")
        failure(ground56)
        assert ground56.server.tables(ground56.user) == []
        assert ground56.server.charset_of(ground56.user) == "utf8mb4"
        assert ground56.journal.begun() == {}

    @pytest.mark.parametrize("number", [0, 1, 40, 72])
    @pytest.mark.parametrize("problem", [KeyboardInterrupt, RuntimeError])
    def test_ctrl_c_and_bugs(self, maria: Playground, number: int, problem: type[BaseException]) -> None:
        def stop() -> None:
            raise problem

        with pytest.raises(problem):
            maria.provision(progress=at_statement(number, stop))
        self.gone(maria, maria.user)

    def test_a_cancel_is_obeyed_between_two_statements(self, ground: Playground) -> None:
        cancel = Cancel()
        with pytest.raises(Cancelled):
            ground.provision(progress=at_statement(30, cancel.set), cancel=cancel)
        self.gone(ground, ground.user)

    def fails_after_a_change(self, maria: Playground, statement: str) -> ProvisioningFailed:
        """A run that fails in the middle of the first script, after another client has changed something there."""

        def act() -> None:
            maria.server.run(statement, database=maria.user)
            raise Failed("for the test")

        return failure(maria, match="for the test", progress=at_statement(20, act))

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO REG_LOG (REG_USER_ID, REG_ACTION, REG_LOGGED_TIME) VALUES ('x', 1, NOW())",
            "CREATE TABLE somebodys (i INT)",
            "CREATE TABLE um_user (i INT)",
        ],
    )
    def test_a_row_or_table_that_came_meanwhile_is_not_lost(self, maria: Playground, statement: str) -> None:
        """The tables are in use, or others exist: nothing is dropped, and the message says so."""
        assert "still exists" in self.fails_after_a_change(maria, statement).message
        assert len(maria.server.tables(maria.user)) > 5
        assert maria.journal.begun() == {maria.user: True}
        if "INSERT" in statement:
            assert maria.server.one("SELECT COUNT(*) FROM REG_LOG", database=maria.user) == 1
        else:
            assert statement.split()[2] in maria.server.tables(maria.user)

    @pytest.mark.parametrize("kind", ["VIEW", "PROCEDURE"])
    def test_a_database_with_other_contents_is_not_dropped(self, maria: Playground, kind: str) -> None:
        self.fails_after_a_change(maria, f"CREATE {kind} mine {'AS' if kind == 'VIEW' else '()'} SELECT 1")
        assert maria.server.run(f"SHOW CREATE {kind} mine", database=maria.user)
        assert set(maria.server.tables(maria.user)) <= {"mine"}

    def test_a_database_created_meanwhile_by_another_client_is_not_dropped(self, maria: Playground) -> None:
        def progress(database: str, done: int, total: int, text: str) -> None:
            if "creating the database" in text and database == maria.user:
                maria.server.run(f"CREATE DATABASE {quoted(maria.user)}")

        failure(maria, match="exists", progress=progress)
        assert maria.user in maria.server.databases()
        assert maria.journal.begun() == {}


class TestLostServer:
    def test_a_connection_that_breaks_at_any_point(self, ground: Playground) -> None:
        """Whatever was begun stays written down, and the next run completes it."""
        for spoken in (3, 12, 60, 100, 150, 200):
            with listeners.cutting_proxy(ground.server.port, after=spoken) as port:
                wanted = ground.wanted(endpoint=Endpoint("127.0.0.1", port))
                with pytest.raises((ProvisioningFailed, DatabaseError)) as raised:
                    ground.provision(wanted)
            assert raised.value.exit_code == 1
        # The journal's endpoint is the server's own: the proxy was only in between.
        ground.provision()
        ground.assert_complete()

    def test_a_server_that_dies_in_the_middle(self, pack: Path, tmp_path: Path) -> None:
        with servers.fresh("mariadb") as server, playground(server, pack, tmp_path) as ground:
            problem = failure(ground, match="next run removes it", progress=at_statement(33, server.kill))
            assert list(ground.journal.begun()) == [ground.user]
            assert problem.results[0].status == "failed"


def test_no_progress_and_no_error_shows_a_password(ground: Playground) -> None:
    ground.password = "s3cret-of-the-account"
    said: list[str] = []

    def progress(database: str, done: int, total: int, text: str) -> None:
        said.append(f"{database} {text}")
        if done == 30:
            raise Failed("stop")

    problem = failure(ground, progress=progress)
    everything = "\n".join([*said, str(problem), repr(problem.__dict__), repr(ground.wanted())])
    assert "s3cret" not in everything
    assert ground.server.root_password not in everything
    for path in (ground.folder / "journal").rglob("*"):
        assert "s3cret" not in path.read_text()


# --- several roles in one database: it is created once, and its script is run once -----------------------------


@pytest.fixture
def sharing(ground: Playground) -> Playground:
    """User and registry in one database, both stores and the statistics in another."""
    ground.names["registry"] = ground.user
    ground.names["processed_data_store"] = ground.names["stats"] = ground.names["event_store"]
    return ground


def test_each_database_is_there_once_with_its_roles() -> None:
    names = {"user": "a", "registry": "a", "event_store": "e", "processed_data_store": "p", "stats": "e"}
    found = databases_of(names.items())
    assert found == (
        Database("a", ("user", "registry")),
        Database("e", ("event_store", "stats")),
        Database("p", ("processed_data_store",)),
    )
    assert [one.has_schema for one in found] == [True, False, False]
    assert [one.is_store for one in found] == [False, True, True]
    assert Database("r", ("registry",)).has_schema and not Database("s", ("stats",)).is_store


def test_each_is_created_once_and_the_script_runs_once(sharing: Playground) -> None:
    steps: list[tuple[str, int, int, str]] = []
    store = sharing.names["event_store"]
    assert sharing.provision(progress=lambda *step: steps.append(step)) == [
        DatabaseResult(sharing.user, "created", 39),
        DatabaseResult(store, "created", 0),
    ]
    statements = [(database, done) for database, done, total, _ in steps if total]
    assert len(statements) == len(set(statements)) > 70
    assert {database for database, _ in statements} == {sharing.user}
    assert sharing.statuses() == ["present", "present"]
    assert sharing.journal.begun() == {}


def test_something_else_is_named_with_its_roles(maria: Playground, look: Look) -> None:
    maria.server.run(f"CREATE DATABASE {maria.user}", f"CREATE TABLE {maria.user}.orders (i INT)")
    problem = look(maria, names={"registry": maria.user}).error("schema")
    assert problem.fix == "name another database for mysql.databases.user and registry"
