"""Creating what is missing: databases, the account, its grants, and the tables of the pack's script.

Under a lock in the server, so that two machines do not do it at once.  A complete database is not changed.  What was
begun in a database is removed after a failure; if the run is killed, the journal lets the next run do that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wizard.database.accounts import (
    SERVERS_NEED,
    create_account,
    grant_all,
    matches,
)
from wizard.database.connection import WORK_LIMIT, DatabaseSession, connect
from wizard.database.failure import DatabaseError
from wizard.database.names import identifier
from wizard.database.needs import DatabaseResult, Needs, administrator_lacks, decide
from wizard.database.schema import Contents, compare, read_contents
from wizard.database.script import scripts_for
from wizard.database.server import script_mode
from wizard.database.situation import LOCK, has_rows, look
from wizard.system.errors import Cancel, Cancelled, Failed, WizardError

if TYPE_CHECKING:
    from wizard.database.needs import Need, WantedDatabases
    from wizard.database.script import Script
    from wizard.database.situation import FileJournal
    from wizard.pack.home import Pack

IDLE_LIMIT = 120
"""Seconds after which the server closes an idle session, and with it releases its lock."""

WAIT_LIMIT = 300.0
"""Seconds to wait for another run."""

DatabaseProgress = Callable[[str, int, int, str], None]
"""Called with the database, the number of statements done and in all, and the current action."""


class ProvisioningFailed(Failed):
    """It failed; `results` hold the state of each database.  What was begun was removed, or the message says so."""

    results: Sequence[DatabaseResult] = ()


def provision(
    wanted: WantedDatabases,
    packs: Collection[Pack],
    journal: FileJournal,
    *,
    progress: DatabaseProgress | None = None,
    cancel: Cancel | None = None,
) -> list[DatabaseResult]:
    """Create what is missing; returns the state of each database afterwards, in the profile's order.

    Raises ProvisioningFailed and Cancelled, with what was begun removed.
    """
    run = _Run(wanted, packs, journal, progress or (lambda *_: None), cancel or Cancel())
    try:
        before = run.decide()
        if before.pending:
            with run.locked(run.stop) as own_lock:
                # Again under the lock: another machine may have created it meanwhile, or left it half done.
                run.decide(limit=WORK_LIMIT, own_lock=own_lock)
                run.create(before)
    except (DatabaseError, Failed) as problem:
        if isinstance(problem, DatabaseError):  # not while it worked on one database
            run.results = {one.name: DatabaseResult(one.name, "failed", 0) for one in wanted.databases}
        place = problem.place or f"MySQL at {wanted.endpoint}"
        failure = ProvisioningFailed(problem.message, place=place, fix=problem.fix)
        failure.results = list(run.results.values())
        raise failure from None
    return list(run.results.values())


@dataclass
class _Run:
    """One run: what it found, what it needs, and what it has done."""

    wanted: WantedDatabases
    packs: Collection[Pack]
    journal: FileJournal
    progress: DatabaseProgress
    stop: Cancel
    results: dict[str, DatabaseResult] = field(default_factory=dict)
    needs: Needs = field(init=False)
    session: DatabaseSession = field(init=False)

    def decide(self, **how: Any) -> Needs:
        """Read what exists, as `look` does, and decide what to create; complete databases leave the journal."""
        self.situation = look(self.wanted, self.journal.begun(), **how)
        self.scripts = scripts_for(self.packs, self.situation.greeting)
        self.needs = decide(self.wanted, self.situation, self.scripts)
        for need in self.needs.databases:
            if need.database.name in self.situation.begun and need.verdict.state == "whole":
                self.journal.done(need.database.name)
        self.results = {result.name: result for result in self.needs.results}
        return self.needs

    @contextlib.contextmanager
    def locked(self, stop: Cancel) -> Iterator[int]:
        """Log in and hold the lock in the server; yields the number of the connection.

        Raises Cancelled on `stop`, and Failed after `WAIT_LIMIT`.
        """
        by, limit, waits = self.wanted.login, time.monotonic() + WAIT_LIMIT, False
        if self.needs.by_administrator and self.wanted.administrator is not None:
            by = self.wanted.administrator
        with connect(self.wanted.endpoint, by.username, by.password) as session:
            session.work_limit = WORK_LIMIT
            # A machine that disappears from the network does not hold the lock for hours.
            session.make("SET SESSION wait_timeout = %s", (IDLE_LIMIT,))
            # In short pieces, so that a cancel does not wait for the other run.
            while session.value("SELECT GET_LOCK(%s, 1)", (LOCK,)) != 1:
                if stop.is_set():
                    raise Cancelled("cancelled while waiting for another run in the databases")
                if time.monotonic() > limit:
                    raise Failed(
                        f"another run has held the database lock for {WAIT_LIMIT:g} s",
                        fix=f"wait for it; its connection holds the lock {LOCK} (SHOW PROCESSLIST)",
                    )
                if not waits:
                    self.progress("", 0, 0, "waiting for another run in the databases")
                waits = True
            self.session = session
            try:
                yield int(session.value("SELECT CONNECTION_ID()"))
            finally:
                with contextlib.suppress(DatabaseError):  # a closed connection holds no lock
                    session.make("DO RELEASE_LOCK(%s)", (LOCK,))

    def create(self, before: Needs) -> None:
        """Create what is missing; `before` is what was needed before the lock was held."""
        known = {need.database.name for need in before.databases if need.lacking}
        for need in self.needs.databases:
            # Another run, which this one waited for, left a database half done that the checks had passed.
            if need.lacking and need.database.name not in known:
                missing = ", ".join(need.verdict.missing[:5]) or need.verdict.state
                raise Failed(
                    f"{need.database.name} was left incomplete by another run ({missing})",
                    fix="run it again on the machine of that run, which removes what it began",
                )
        if lacking := administrator_lacks(self.wanted, self.situation, self.needs):
            raise Failed(
                f"the administrator lacks {'; '.join(lacking)}",
                fix="grant that to the administrator, or name one that has it",
            )
        if (account := self.needs.account) is not None:
            self.progress("", 0, 0, f"creating the account {account}")
            if not create_account(self.session, account, self.wanted.login.password):
                raise Failed(
                    f"the account {account} exists already, with another password",
                    fix="correct mysql.password, or set the account's password to the one of the profile",
                )
        for need in self.needs.databases:
            name = need.database.name
            try:
                self._one(need)
            except (DatabaseError, Failed) as problem:
                self.results[name] = DatabaseResult(name, "failed", need.tables)
                message = f"{name}: {problem.message}"
                raise Failed(message, place=problem.place, fix=problem.fix) from None
        if self.needs.pending or before.busy:
            self._verify_account()

    def _verify_account(self) -> None:
        """Log in as the servers will, and check their privileges."""
        try:
            situation = look(self.wanted, {}, limit=WORK_LIMIT)
        except DatabaseError as problem:
            raise Failed(problem.message, place=problem.place, fix=problem.fix) from None
        if (failure := situation.account_failure) is not None:
            if failure.cause == "host-refused" or not matches(self.wanted.grant_host, self.situation.origins):
                return  # it may log in from the nodes only, which cannot be tested here
            message = f"the account was created, but its login fails: {failure.message}"
            raise Failed(message, place=failure.place, fix=failure.fix)
        account = situation.account
        assert account is not None
        for need in self.needs.databases:
            lacking = situation.rights[account].missing(need.database.name, SERVERS_NEED)
            if lacking and need.grant_to:
                raise Failed(
                    f"the server matches {self.wanted.login.username} to {account}, which lacks"
                    f" {', '.join(lacking)} on {need.database.name}",
                    fix=f"drop {account}, or grant it ALL on the databases",
                )

    # --- one database ---------------------------------------------------------------------------------------

    def _one(self, need: Need) -> None:
        name = need.database.name
        if need.take_back:
            self.progress(name, 0, 0, "removing what an earlier run began")
            self._take_back(name, created=need.recreate)
        exists = self._contents(name, deep=False) is not None
        if not exists and not self.needs.by_administrator:
            return
        created = False
        if need.script:
            self.journal.begin(name, created=not exists)
        try:
            if not exists:
                assert self.situation.server is not None  # the session is logged in
                charset = self.situation.server.charset_for(self.wanted.charset_of(need.database))
                self.progress(name, 0, 0, f"creating the database with character set {charset}")
                # A character set is letters, digits and _ in a profile, and the server's own otherwise.
                self.session.make(f"CREATE DATABASE {identifier(name)} CHARACTER SET {charset}")
                # Not before: a database that another client created meanwhile must not be dropped.
                created = True
            for account in need.grant_to:
                self.progress(name, 0, 0, f"granting all privileges to {account}")
                grant_all(self.session, name, account)
            if need.script:
                assert self.scripts is not None and self.scripts.fitting is not None
                self._run_script(name, self.scripts.fitting)
        except BaseException as problem:
            left = need.script
            if left:
                with self.stop.shield(), contextlib.suppress(WizardError):
                    # The session may be in the middle of a statement, or closed: that releases its lock.
                    self.session.close()
                    with self.locked(Cancel()):
                        self._take_back(name, created=created)
                    left = False
            if left and isinstance(problem, WizardError):
                problem.message += " (what was begun still exists; the next run removes it)"
            raise
        if need.script:
            self.journal.done(name)
        contents = self._contents(name, deep=False)
        tables = 0 if contents is None else len(contents.schema.tables)
        status = "created" if need.pending and not need.lacking else need.result.status
        self.results[name] = DatabaseResult(name, status, tables)

    def _run_script(self, name: str, script: Script) -> None:
        self.session.make(f"USE {identifier(name)}")
        mode = script_mode(self.situation.greeting)
        if mode is not None:
            self.session.make("SET SESSION sql_mode = %s", (mode,))
        total = len(script.statements)
        for done, statement in enumerate(script.statements):
            if self.stop.is_set():
                raise Cancelled("cancelled")
            self.progress(name, done, total, statement.text.split("(")[0].strip()[:80])
            try:
                self.session.make(statement.text)
            except DatabaseError as problem:
                problem.message = f"{script.path}, line {statement.line}: {problem.message}"
                raise
        self.progress(name, total, total, "done")
        verdict = compare(self._contents(name), [script.schema])
        if verdict.state != "whole":
            missing = ", ".join(verdict.missing[:5])
            raise Failed(f"missing after the script: {missing}", fix="check the server's error log")

    def _contents(self, name: str, *, deep: bool = True) -> Contents | None:
        server = self.situation.server
        return read_contents(self.session, name, fold=server is not None and server.folds_names, deep=deep)

    def _take_back(self, name: str, *, created: bool) -> None:
        """Drop the script's tables, if none has a row, and the database, if a run created it and it is empty."""
        contents = self._contents(name)
        if contents is not None and contents.schema.tables:
            assert self.scripts is not None
            verdict = compare(contents, [script.schema for script in self.scripts.all])
            if verdict.foreign or has_rows(self.session, contents):
                message = "the database contains more than what was begun"
                raise Failed(message, fix="check its tables yourself")
            self.session.make("SET SESSION foreign_key_checks = 0")
            for table in contents.schema.tables:
                self.session.make(f"DROP TABLE {identifier(contents.name, table)}")
            self.session.make("SET SESSION foreign_key_checks = 1")
            contents = self._contents(name)
        if contents is not None and contents.empty and created and self.needs.by_administrator:
            self.session.make(f"DROP DATABASE {identifier(contents.name)}")
        self.journal.done(name)
