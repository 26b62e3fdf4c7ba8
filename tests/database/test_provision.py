"""From nothing to two schemas, once, whole or not at all: on real servers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest

from tests.support import listeners, servers
from tests.support.playground import Playground, playground
from tests.support.servers import Server, quoted
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.needs import DatabaseResult, Login
from wizard.database.provision import ProvisioningFailed
from wizard.database.situation import LOCK
from wizard.passwords.secret import Secret
from wizard.system.cancel import Cancel
from wizard.system.errors import Cancelled, Failed


def assert_complete(ground: Playground) -> None:
    """Everything is there, and the account can work in each database and nowhere else."""
    server = ground.server
    assert len(server.tables(ground.user)) == 39
    assert len(server.tables(ground.registry)) == 39
    for role in ("event_store", "processed_data_store"):
        assert server.tables(ground.names[role]) == []
    assert ground.journal.begun() == {}
    with ground.connect() as connection, connection.cursor() as cursor:
        for name in ground.names.values():
            cursor.execute(f"CREATE TABLE {quoted(name)}.tried (i INT PRIMARY KEY)")
            cursor.execute(f"INSERT INTO {quoted(name)}.tried VALUES (1)")
            cursor.execute(f"DROP TABLE {quoted(name)}.tried")


def at_statement(number: int, act: Callable[[], object]) -> Callable[[str, int, int, str], None]:
    """A progress that acts once, before that statement of a script."""
    begun = threading.Event()

    def progress(database: str, done: int, total: int, text: str) -> None:
        if total and done == number and not begun.is_set():
            begun.set()
            act()

    return progress


def checksums(ground: Playground) -> list[tuple[str, int]]:
    """How many rows and what checksum each table has, and when the server says it was made."""
    rows = []
    for name in (ground.user, ground.registry):
        for table in ground.server.tables(name):
            checksum = ground.server.run(f"CHECKSUM TABLE {quoted(name)}.{quoted(table)}")[0][1]
            created = ground.server.run(
                "SELECT CREATE_TIME FROM information_schema.TABLES"
                f" WHERE TABLE_SCHEMA = '{name}' AND TABLE_NAME = '{table}'"
            )
            rows.append((f"{name}.{table}", checksum, created))
    return rows


class TestFromNothing:
    def test_databases_account_grants_and_tables(self, ground: Playground) -> None:
        results = ground.provision()
        assert results == [
            DatabaseResult(ground.user, "created", 39),
            DatabaseResult(ground.registry, "created", 39),
            DatabaseResult(ground.names["event_store"], "created", 0),
            DatabaseResult(ground.names["processed_data_store"], "created", 0),
        ]
        assert_complete(ground)

    @pytest.mark.parametrize("pack_name", ["apim-analytics-2.1.0", "das-3.0.1"])
    def test_the_other_packs(self, ground: Playground, packs: Path, pack_name: str) -> None:
        ground.pack = packs / pack_name
        if pack_name == "das-3.0.1" and ground.server.kind == "mysql9":
            needs = ground.pending()
            assert [need.script for need in needs.databases] == [
                False
            ] * 4  # no script fits: mysql.script tells
            return
        ground.provision()
        assert_complete(ground)

    def test_the_second_time_touches_nothing(self, ground: Playground) -> None:
        ground.provision()
        ground.server.run("INSERT INTO UM_DOMAIN (UM_DOMAIN_NAME) VALUES ('PRIMARY')", database=ground.user)
        before = checksums(ground)
        asked = statements_of(ground, ground.provision)
        assert checksums(ground) == before
        assert not [one for one in asked if one.split()[0].upper() not in ("SELECT", "SHOW", "SET")]
        assert [result.status for result in ground.provision()] == ["present"] * 4

    def test_the_character_set_is_the_profiles(self, maria: Playground) -> None:
        maria.provision(maria.wanted(charset="latin2"))
        for name in maria.names.values():
            assert maria.server.charset_of(name) == "latin2"

    def test_without_one_it_is_the_servers(self, ground: Playground) -> None:
        ground.provision()
        expected = "utf8mb4" if ground.server.kind == "mysql9" else "latin1"
        assert {ground.server.charset_of(name) for name in ground.names.values()} == {expected}

    def test_56_with_utf8_in_a_strict_mode(self, ground56: Playground) -> None:
        mode = "'STRICT_TRANS_TABLES,NO_ZERO_DATE,ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"
        with ground56.server.setting("sql_mode", mode):
            ground56.provision(ground56.wanted(charset="utf8"))
            assert_complete(ground56)

    def test_in_another_mode(self, ground: Playground) -> None:
        """Nothing that is sent depends on how quotes and backslashes are read: the password has all of them."""
        modes = "CONCAT(@@GLOBAL.sql_mode, ',ANSI_QUOTES,NO_BACKSLASH_ESCAPES')"
        with ground.server.setting("sql_mode", modes):
            ground.provision()
        assert_complete(ground)

    @pytest.mark.parametrize(
        "name", ["user-db", "user.db", "user db", "us'er\"db", "us`er`db", "userdb; DROP DATABASE x", "ünïx"]
    )
    def test_any_name_of_a_database(self, maria: Playground, name: str) -> None:
        maria.names = {**maria.names, "user": name}
        maria.provision()
        assert_complete(maria)

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

    def test_where_grants_take_names_literally(self, ground9: Playground) -> None:
        """With `partial_revokes` an escaped name would be another name, and the account would have no right."""
        with ground9.server.setting("partial_revokes", "ON"):
            ground9.provision()
            assert_complete(ground9)
            assert [result.status for result in ground9.provision()] == ["present"] * 4
            ground9.server.drop_user(ground9.account)


def statements_of(ground: Playground, act: Callable[[], object]) -> list[str]:
    """Every statement that the server got while `act` ran, by its general log."""
    server = ground.server
    server.run("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON", "TRUNCATE mysql.general_log")
    try:
        act()
    finally:
        server.run("SET GLOBAL general_log = OFF")
    rows = server.run("SELECT argument, command_type FROM mysql.general_log WHERE command_type = 'Query'")
    texts = [row[0].decode() if isinstance(row[0], bytes) else row[0] for row in rows]
    return [text for text in texts if "general_log" not in text]


class TestExistingDatabases:
    def test_an_empty_database_keeps_its_character_set(self, ground: Playground) -> None:
        ground.server.run(f"CREATE DATABASE {quoted(ground.user)} CHARACTER SET latin2")
        ground.provision(ground.wanted(charset="latin1"))
        assert ground.server.charset_of(ground.user) == "latin2"
        assert ground.server.charset_of(ground.registry) == "latin1"
        assert_complete(ground)

    def test_an_account_keeps_its_password_and_gets_its_grants(self, ground: Playground) -> None:
        ground.make_account()
        ground.provision()
        assert_complete(ground)

    def test_a_revoked_privilege_is_granted_again(self, ground: Playground) -> None:
        ground.provision()
        pattern = ground.registry.replace("_", r"\_")
        ground.server.run(f"REVOKE CREATE, DROP ON {quoted(pattern)}.* FROM '{ground.account}'@'%'")
        statuses = [result.status for result in ground.provision()]
        assert statuses == ["present", "created", "present", "present"]
        assert_complete(ground)

    def test_an_account_of_a_narrower_host_is_enough(self, ground: Playground) -> None:
        """The wizard does not create apim@% beside an existing apim@localhost."""
        ground.make_account(host="localhost")
        ground.provision()
        assert_complete(ground)
        assert ground.server.accounts(ground.account) == {"localhost"}

    def test_tables_of_another_product_in_a_whole_database_stay(self, ground: Playground) -> None:
        ground.provision()
        ground.server.run("CREATE TABLE IDN_EXTRA (i INT)", database=ground.user)
        assert [result.status for result in ground.provision()] == ["present"] * 4
        assert "IDN_EXTRA" in ground.server.tables(ground.user)

    @pytest.mark.parametrize("state", ["partial", "other"])
    def test_what_was_not_ours_is_never_touched(self, ground: Playground, state: str) -> None:
        ground.server.run(f"CREATE DATABASE {quoted(ground.user)}")
        table = "UM_DOMAIN" if state == "partial" else "orders"
        ground.server.run(
            f"CREATE TABLE {table} (i INT)", f"INSERT INTO {table} VALUES (7)", database=ground.user
        )
        results = ground.provision()
        assert [result.status for result in results] == ["missing", "created", "created", "created"]
        assert ground.server.tables(ground.user) == [table]
        assert ground.server.run(f"SELECT * FROM {table}", database=ground.user) == [(7,)]


class TestWhoMayCreateWhat:
    def test_without_administrator_the_account_runs_the_script_itself(self, ground: Playground) -> None:
        ground.make_account()
        for name in ground.names.values():
            ground.server.run(
                f"CREATE DATABASE {quoted(name)}",
                f"GRANT ALL ON {quoted(name.replace('_', chr(92) + '_'))}.* TO '{ground.account}'@'%'",
            )
        statuses = [result.status for result in ground.provision(ground.wanted(admin=False))]
        assert statuses == ["created", "created", "present", "present"]
        assert_complete(ground)

    def test_without_administrator_nothing_else_is_created(self, ground: Playground) -> None:
        ground.make_account()
        needs = ground.pending(ground.wanted(admin=False))
        assert [result.status for result in needs.results] == ["missing"] * 4
        assert not needs.pending
        assert ground.provision(ground.wanted(admin=False)) == needs.results

    def test_for_a_dba_nothing_is_created(self, ground: Playground) -> None:
        before = ground.server.databases()
        results = ground.provision(ground.wanted(mode="dba"))
        assert [result.status for result in results] == ["missing"] * 4
        assert ground.server.databases() == before
        assert ground.server.accounts(ground.account) == set()

    def test_with_setup_the_tables_are_the_servers(self, ground: Playground) -> None:
        results = ground.provision(ground.wanted(mode="server"))
        assert results == [DatabaseResult(name, "created", 0) for name in ground.names.values()]
        with ground.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {quoted(ground.user)}.t (i INT)")

    def test_missing_privileges_of_the_administrator_stop_before_anything_is_created(
        self, ground: Playground
    ) -> None:
        before = ground.server.databases()
        weak = f"{ground.account}a"
        with ground.server.user(weak), pytest.raises(ProvisioningFailed, match="lacks CREATE USER") as raised:
            ground.provision(ground.wanted(administrator=Login(weak, Secret("x"))))
        assert "WITH" in str(raised.value) or "grant" in str(raised.value)
        assert raised.value.exit_code == 1
        assert ground.server.databases() == before

    def test_an_administrator_of_these_databases_alone_is_enough(self, ground: Playground) -> None:
        """No right to see mysql.user, and none anywhere else."""
        little = f"{ground.account}a"
        grants = (
            f"GRANT ALL ON {quoted(name.replace('_', chr(92) + '_'))}.* TO '{little}'@'%' WITH GRANT OPTION"
            for name in ground.names.values()
        )
        with ground.server.user(little, f"GRANT CREATE USER ON *.* TO '{little}'@'%'", *grants):
            ground.provision(ground.wanted(administrator=Login(little, Secret("x"))))
        assert_complete(ground)

    def test_an_account_that_cannot_log_in_afterwards_is_an_error(self, maria: Playground) -> None:
        """An account of a narrower host has another password: the login at the end shows it."""
        maria.make_account(host="localhost", password="another")
        little = f"{maria.account}a"
        grants = (
            f"GRANT ALL ON {place}.* TO '{little}'@'%' WITH GRANT OPTION"
            for place in (r"`userdb%`", r"`reg%`", r"`WSO2%`", r"`processed%`")
        )
        with (
            maria.server.user(little, *grants, f"GRANT CREATE USER ON *.* TO '{little}'@'%'"),
            pytest.raises(ProvisioningFailed, match="was created, but its login fails") as raised,
        ):
            maria.provision(maria.wanted(administrator=Login(little, Secret("x"))))
        assert raised.value.fix and raised.value.place
        assert [result.status for result in raised.value.results] == ["created"] * 4

    def test_missing_privileges_of_the_account_are_an_error(self, maria: Playground) -> None:
        """While the script runs, the account is created for a narrower host, which the server prefers."""
        with pytest.raises(ProvisioningFailed, match=r"which lacks .*CREATE") as raised:
            maria.provision(progress=at_statement(30, lambda: maria.make_account(host="localhost")))
        assert "localhost" in raised.value.message and maria.user in raised.value.message
        assert "drop" in (raised.value.fix or "")


class TestTwoAtOnce:
    def test_both_succeed_and_it_is_created_once(self, ground: Playground, tmp_path: Path) -> None:
        """Two machines at the same moment: each has its own journal."""
        other = Playground(ground.server, ground.pack, tmp_path / "other", ground.names, ground.account)
        both = threading.Barrier(2)
        results: dict[int, object] = {}

        def run(number: int, who: Playground) -> None:
            both.wait()
            try:
                results[number] = [result.status for result in who.provision()]
            except BaseException as problem:
                results[number] = problem

        threads = [threading.Thread(target=run, args=(i, who)) for i, who in enumerate((ground, other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(results.values(), key=str) == [["created"] * 4, ["present"] * 4]
        assert_complete(ground)
        assert other.journal.begun() == {}

    def test_cancelling_while_waiting_for_the_other_run(self, maria: Playground) -> None:
        cancel = Cancel()
        with maria.server.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", (LOCK,))

            def progress(database: str, done: int, total: int, text: str) -> None:
                assert "another run" in text
                cancel.set()

            with pytest.raises(Cancelled):
                maria.provision(progress=progress, cancel=cancel)
        assert maria.server.accounts(maria.account) == set()

    def test_what_another_run_is_in_the_middle_of_is_waited_for(
        self, ground: Playground, tmp_path: Path
    ) -> None:
        """Half a schema is no error while another run creates the other half."""
        other = Playground(ground.server, ground.pack, tmp_path / "other", ground.names, ground.account)
        results: list[object] = []
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

        def waited(database: str, done: int, total: int, text: str) -> None:
            go_on.set()

        second = [one.status for one in other.provision(progress=waited)]
        thread.join(30)
        assert results == [["created"] * 4]
        assert second == ["present"] * 4
        assert_complete(ground)

    def test_what_it_then_leaves_half_done_is_an_error(self, maria: Playground, tmp_path: Path) -> None:
        """The other machine fails in the middle: nothing of it is changed here, and it does not count as complete."""
        other = Playground(maria.server, maria.pack, tmp_path / "other", maria.names, maria.account)
        maria.make_account()
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)}")
        maria.server.run("CREATE TABLE UM_DOMAIN (i INT)", database=maria.user)
        with maria.server.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", (LOCK,))

            def waited(database: str, done: int, total: int, text: str) -> None:
                cursor.execute("SELECT RELEASE_LOCK(%s)", (LOCK,))

            with pytest.raises(ProvisioningFailed, match="left incomplete") as raised:
                other.provision(progress=waited)
        assert raised.value.results[0].status == "missing"
        assert maria.server.tables(maria.user) == ["UM_DOMAIN"]


class TestUndoing:
    """What a run begins and cannot finish is taken back; what it finished stays."""

    def gone(self, ground: Playground, *, registry: bool = False) -> None:
        name = ground.registry if registry else ground.user
        assert name not in ground.server.databases()
        assert ground.journal.begun() == {}

    def test_a_statement_that_fails(self, ground56: Playground) -> None:
        """5.6 with utf8mb4: the check is ignored, and the 17 tables go again."""
        with pytest.raises(ProvisioningFailed, match="too long") as raised:
            ground56.provision(ground56.wanted(charset="utf8mb4"))
        assert "dbscripts/mysql.sql, line" in str(raised.value)
        assert ground56.user in str(raised.value)
        assert [result.status for result in raised.value.results] == [
            "failed",
            "pending",
            "pending",
            "pending",
        ]
        self.gone(ground56)
        ground56.provision(ground56.wanted(charset="latin1"))
        assert_complete(ground56)

    def test_in_a_database_that_was_there_and_empty_only_the_tables_go(self, ground56: Playground) -> None:
        ground56.server.run(f"CREATE DATABASE {quoted(ground56.user)} CHARACTER SET utf8mb4")
        with pytest.raises(ProvisioningFailed):
            ground56.provision()
        assert ground56.server.tables(ground56.user) == []
        assert ground56.server.charset_of(ground56.user) == "utf8mb4"
        assert ground56.journal.begun() == {}

    def test_what_was_finished_before_stays(self, ground: Playground) -> None:
        seen = []

        def progress(database: str, done: int, total: int, text: str) -> None:
            if database == ground.registry and done == 20:
                seen.append(database)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ground.provision(progress=progress)
        assert seen
        assert len(ground.server.tables(ground.user)) == 39
        self.gone(ground, registry=True)
        assert [result.status for result in ground.provision()] == [
            "present",
            "created",
            "created",
            "created",
        ]
        assert_complete(ground)

    @pytest.mark.parametrize("number", [0, 1, 40, 72])
    @pytest.mark.parametrize("problem", [KeyboardInterrupt, RuntimeError])
    def test_ctrl_c_and_an_error_of_the_program(
        self, maria: Playground, number: int, problem: type[BaseException]
    ) -> None:
        def stop() -> None:
            raise problem

        with pytest.raises(problem):
            maria.provision(progress=at_statement(number, stop))
        self.gone(maria)

    def test_a_cancel_is_obeyed_between_two_statements(self, ground: Playground) -> None:
        cancel = Cancel()
        with pytest.raises(Cancelled):
            ground.provision(progress=at_statement(30, cancel.set), cancel=cancel)
        self.gone(ground)

    def fails_after_a_change(self, maria: Playground, statement: str) -> ProvisioningFailed:
        """A run that fails in the middle of the first script, after another client has changed something there."""

        def does() -> None:
            maria.server.run(statement, database=maria.user)
            raise Failed("for the test")

        with pytest.raises(ProvisioningFailed, match="for the test") as raised:
            maria.provision(progress=at_statement(20, does))
        return raised.value

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

        with pytest.raises(ProvisioningFailed, match="exists"):
            maria.provision(progress=progress)
        assert maria.user in maria.server.databases()
        assert maria.journal.begun() == {}


class TestLostServer:
    def test_a_connection_that_breaks_at_any_point(self, ground: Playground) -> None:
        """Whatever was begun stays written down, and the next run makes it whole."""
        for spoken in (3, 12, 60, 100, 150, 200):
            with listeners.cutting_proxy(ground.server.port, after=spoken) as port:
                wanted = ground.wanted(endpoint=Endpoint("127.0.0.1", port))
                with pytest.raises((ProvisioningFailed, DatabaseError)) as raised:
                    ground.provision(wanted)
            assert raised.value.exit_code == 1
        # The journal's endpoint is the server's own: the proxy only stood in between.
        ground.provision()
        assert_complete(ground)

    def test_a_server_that_dies_in_the_middle(self, mysql56: Server, pack: Path, tmp_path: Path) -> None:
        with servers.fresh("mariadb") as server:
            with playground(server, pack, tmp_path) as ground:
                with pytest.raises(ProvisioningFailed) as raised:
                    ground.provision(progress=at_statement(33, server.kill))
                assert "next run removes it" in str(raised.value)
                assert list(ground.journal.begun()) == [ground.user]
                assert raised.value.results[0].status == "failed"

    def test_a_server_that_is_read_only(self, ground9: Playground) -> None:
        """Root may write all the same on 5.6 and MariaDB; with super_read_only no account may."""
        ground9.server.run("SET GLOBAL super_read_only = ON")
        try:
            with pytest.raises(ProvisioningFailed, match="read-only") as raised:
                ground9.provision()
        finally:
            ground9.server.run("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
        assert "primary" in str(raised.value)
        assert ground9.user not in ground9.server.databases()


class TestPasswordsStayHidden:
    def test_in_no_progress_and_no_error(self, ground: Playground) -> None:
        ground.password = "s3cret-of-the-account"
        said: list[str] = []

        def progress(database: str, done: int, total: int, text: str) -> None:
            said.append(f"{database} {text}")
            if done == 30:
                raise Failed("stop")

        with pytest.raises(ProvisioningFailed) as raised:
            ground.provision(progress=progress)
        everything = "\n".join([*said, str(raised.value), repr(raised.value.__dict__), repr(ground.wanted())])
        assert "s3cret" not in everything
        assert ground.server.root_password not in everything
        for path in (ground.folder / "journal").rglob("*"):
            assert "s3cret" not in path.read_text()
