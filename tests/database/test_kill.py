"""kill -9 before each statement (`make faults`; otherwise before a few): the next run makes it whole."""

from __future__ import annotations

import gc
import json
import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.playground import Playground, playground
from tests.support.servers import Server, quoted
from wizard.database.connection import DatabaseSession
from wizard.database.failure import Endpoint
from wizard.database.provision import DatabaseProgress
from wizard.database.situation import FileJournal
from wizard.system.errors import Failed

STATEMENTS = range(73) if os.environ.get("FAULTS") else (0, 1, 37, 72)
"""Those of the stock script that are tried."""

SMALL = """
CREATE TABLE a (i INT NOT NULL, PRIMARY KEY (i)) ENGINE INNODB;
CREATE TABLE b (i INT, FOREIGN KEY (i) REFERENCES a (i)) ENGINE INNODB;
CREATE INDEX b_by_i ON b (i);
"""


def killed(act: Callable[[], object]) -> bool:
    """Runs `act` in a process of its own; whether it was killed.  Anything but that or success fails the test."""
    gc.freeze()  # the child's garbage collector has no need to go through everything that pytest holds
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException as problem:
            os.write(2, f"child: {problem!r}\n".encode())
            os._exit(7)
    gc.unfreeze()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_statement(database: str, number: int) -> DatabaseProgress:
    def progress(name: str, done: int, total: int, text: str) -> None:
        if total and name == database and done == number:
            die()

    return progress


class TestBeforeEachStatementOfTheStockScript:
    def test_each_run_begins_again_and_the_last_is_complete(self, ground: Playground) -> None:
        """Each run finds what the one before left, takes it back, and is killed one statement later."""
        ground.names = {"user": ground.user}
        for number in STATEMENTS:
            assert killed(lambda n=number: ground.provision(progress=before_statement(ground.user, n)))
            if number % 12 == 1:
                (cut,) = ground.pending().databases
                assert cut.take_back
                assert len(ground.server.tables(ground.user)) == cut.tables
        # Killed behind the last statement it is whole, and nothing is taken back.
        assert killed(lambda: ground.provision(progress=before_statement(ground.user, 73)))
        assert ground.provision()[0].status == "present"
        ground.assert_complete()

    def test_the_second_database_leaves_the_first_as_it_is(self, ground: Playground) -> None:
        for number in (0, 37, 72):
            assert killed(lambda n=number: ground.provision(progress=before_statement(ground.registry, n)))
            needs = ground.pending()
            assert [need.take_back for need in needs.databases] == [False, True, False, False]
        assert ground.statuses() == ["present", "created", "created", "created"]
        ground.assert_complete()


@pytest.fixture
def small(mariadb: Server, tmp_path: Path) -> Iterator[Playground]:
    """A pack whose script has three statements, so that every single moment can be tried."""
    scripts = tmp_path / "pack" / "dbscripts"
    scripts.mkdir(parents=True)
    for name in ("mysql.sql", "mysql5.7.sql"):
        (scripts / name).write_text(SMALL)
    with playground(mariadb, tmp_path / "pack", tmp_path) as ground:
        ground.names = {"user": ground.user}
        yield ground


def at_event(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dies before (even numbers) or after (odd) the event; each statement and each note of the journal is one."""
    count = iter(range(1_000_000))

    def around(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def event(*arguments: object, **more: object) -> object:
            if next(count) == number:
                die()
            result = original(*arguments, **more)
            if next(count) == number:
                die()
            return result

        monkeypatch.setattr(owner, name, event)

    for owner, name in ((DatabaseSession, "make"), (FileJournal, "begin"), (FileJournal, "done")):
        around(owner, name)


def killed_at(ground: Playground, number: int) -> bool:
    def act() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            at_event(number, monkeypatch)
            ground.provision()

    return killed(act)


@pytest.mark.parametrize("interrupted", [False, True])
def test_at_every_moment(small: Playground, interrupted: bool) -> None:
    """Of a run, and of one that removes what another began, which was killed in the middle of its script."""
    number = 0
    while True:
        if interrupted:
            assert killed(lambda: small.provision(progress=before_statement(small.user, 2)))
        if not killed_at(small, number):
            break
        small.provision()
        small.assert_complete(2)
        small.server.drop(*small.names.values())
        if not interrupted:
            small.server.drop_user(small.account)
        number += 1
    assert number > 16  # statements and notes, each twice
    small.assert_complete(2)


class TestWhatAKilledRunLeavesToOthers:
    def test_rows_that_came_after_the_kill_are_kept(self, maria: Playground) -> None:
        assert killed(lambda: maria.provision(progress=before_statement(maria.user, 40)))
        row = "INSERT INTO REG_LOG (REG_USER_ID, REG_ACTION, REG_LOGGED_TIME) VALUES ('x', 1, NOW())"
        maria.server.run(row, database=maria.user)
        needs = maria.pending()
        assert not needs.databases[0].take_back
        assert needs.databases[0].lacking
        assert maria.statuses() == ["missing", "created", "created", "created"]
        assert maria.server.one("SELECT COUNT(*) FROM REG_LOG", database=maria.user) == 1

    @pytest.mark.parametrize("number", [0, 40])
    def test_a_database_of_the_dba_is_not_recreated(self, maria: Playground, number: int) -> None:
        maria.server.run(f"CREATE DATABASE {quoted(maria.user)} CHARACTER SET latin2")
        assert killed(lambda: maria.provision(progress=before_statement(maria.user, number)))
        assert maria.journal.begun() == {maria.user: False}
        assert maria.statuses() == ["created"] * 4
        assert maria.server.run(f"SHOW CREATE DATABASE {quoted(maria.user)}")[0][1].count("latin2")
        maria.assert_complete()

    def test_a_schema_completed_meanwhile_stays(self, maria: Playground, tmp_path: Path) -> None:
        """Killed here, made there: nothing is taken back, and the note goes."""
        assert killed(lambda: maria.provision(progress=before_statement(maria.user, 0)))
        maria.server.drop(maria.user)
        other = Playground(maria.server, maria.pack, tmp_path / "other", maria.names, maria.account)
        other.provision()
        since = f"SELECT MIN(CREATE_TIME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{maria.user}'"
        created = maria.server.one(since)
        assert maria.statuses() == ["present"] * 4
        assert created == maria.server.one(since)
        assert maria.journal.begun() == {}


# --- the journal: on disk before anything is created, and removed when it is done ------------------------------


HERE = Endpoint("db", 3306)
ODD_NAMES = ("../../etc/passwd", "a/b", "ünï", "x" * 64, "a\nb")


def test_what_is_begun_is_remembered_until_it_is_done(tmp_path: Path) -> None:
    journal = FileJournal(HERE, tmp_path / "j")
    assert journal.begun() == {}
    journal.begin("userdb", created=True)
    journal.begin("regdb", created=False)
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"server": "db:3306"}'), ("d", "7")):
        (tmp_path / "j" / f"{name}.json").write_text(text)  # an unreadable entry is ignored
    assert FileJournal(HERE, tmp_path / "j").begun() == {"userdb": True, "regdb": False}
    for other in (Endpoint("db", 3307), Endpoint("other", 3306)):
        assert FileJournal(other, tmp_path / "j").begun() == {}
    for _ in range(2):  # twice is once
        journal.done("userdb")
        assert journal.begun() == {"regdb": False}


def test_the_default_place_is_the_state_folder(isolated: Path) -> None:
    FileJournal(HERE).begin("userdb", created=True)
    (entry,) = (isolated / "state").rglob("*.json")
    assert json.loads(entry.read_text())["database"] == "userdb"
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700


def test_a_name_is_never_a_path(tmp_path: Path) -> None:
    journal = FileJournal(HERE, tmp_path / "j")
    for name in ODD_NAMES:
        journal.begin(name, created=False)
    assert journal.begun() == dict.fromkeys(ODD_NAMES, False)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / "j"}


def test_where_nothing_can_be_written_nothing_may_begin(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Failed, match="cannot be written") as raised:
        FileJournal(HERE, tmp_path / "file" / "j").begin("userdb", created=True)
    assert raised.value.fix
