"""Creating what is missing: databases, the account, its grants, and the tables of the pack's script.

Under a lock in the server, so that two machines do not do it at once.  A complete database is not changed.  What was
begun in a database is removed after a failure; if the run is killed, the journal lets the next run do that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wizard.database import lock
from wizard.database.accounts import create_account, grant_all, matches
from wizard.database.connection import WORK_LIMIT, DatabaseSession, connect
from wizard.database.failure import DatabaseError
from wizard.database.needs import DatabaseResult, Needs, administrator_lacks, decide
from wizard.database.quoting import identifier
from wizard.database.rights import SERVERS_NEED, grant_pattern, partial_revokes
from wizard.database.schema import compare, read_contents
from wizard.database.scripts import scripts_for
from wizard.database.server import script_mode
from wizard.database.situation import has_rows, look
from wizard.system.cancel import Cancel
from wizard.system.errors import Cancelled, Failed, WizardError

if TYPE_CHECKING:
    from wizard.database.journal import FileJournal
    from wizard.database.needs import Need
    from wizard.database.schema import Contents
    from wizard.database.scripts import Script, Scripts
    from wizard.database.server import Server
    from wizard.database.situation import Situation
    from wizard.database.wanted import WantedDatabases
    from wizard.pack.home import Pack

IDLE_LIMIT = 120
"""Seconds after which the server closes an idle session, and with it releases its lock."""

DatabaseProgress = Callable[[str, int, int, str], None]
"""Called with the database, the number of statements done and in all, and the current action."""


class ProvisioningFailed(Failed):
    """It failed; `results` hold the state of each database.  What was begun was removed, or the message says so."""

    def __init__(
        self,
        message: str,
        results: list[DatabaseResult],
        *,
        place: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, place=place, fix=fix)
        self.results = results


def without_progress(database: str, done: int, total: int, text: str) -> None:
    """A progress callback that ignores everything."""


def provision(
    wanted: WantedDatabases,
    packs: Collection[Pack],
    journal: FileJournal,
    *,
    progress: DatabaseProgress = without_progress,
    cancel: Cancel | None = None,
) -> list[DatabaseResult]:
    """Create what is missing; returns the state of each database afterwards, in the profile's order.

    Raises ProvisioningFailed and Cancelled, with what was begun removed.
    """
    stop = cancel or Cancel()
    try:
        situation = look(wanted, suspects=journal.begun())
        before = _needs(wanted, situation, scripts_for(packs, situation.greeting), journal)
        if not before.pending:
            return before.results
        with _worker(wanted, before) as session, _locked(session, progress, stop) as own_lock:
            # Again under the lock: another machine may have created it meanwhile, or left it half done.
            situation = look(wanted, suspects=journal.begun(), limit=WORK_LIMIT, own_lock=own_lock)
            scripts = scripts_for(packs, situation.greeting)
            needs = _needs(wanted, situation, scripts, journal)
            _refuse_new_problems(before, needs, wanted)
            assert situation.server is not None  # the session is logged in
            return _Run(
                wanted=wanted,
                situation=situation,
                server=situation.server,
                scripts=scripts,
                needs=needs,
                journal=journal,
                session=session,
                progress=progress,
                stop=stop,
                waited=before.busy,
            ).all()
    except DatabaseError as problem:
        results = [DatabaseResult(database.name, "failed", 0) for database in wanted.databases]
        raise ProvisioningFailed(problem.message, results, place=problem.place, fix=problem.fix) from None


def _needs(
    wanted: WantedDatabases, situation: Situation, scripts: Scripts | None, journal: FileJournal
) -> Needs:
    """Decide what to create; complete databases leave the journal."""
    begun = journal.begun()
    needs = decide(wanted, situation, scripts, begun)
    for need in needs.databases:
        if need.database.name in begun and need.verdict.state == "whole":
            journal.done(need.database.name)
    return needs


def _refuse_new_problems(before: Needs, now: Needs, wanted: WantedDatabases) -> None:
    """Stop if another run, which this one waited for, left a database half done that the checks had passed."""
    known = {need.database.name for need in before.databases if need.lacking}
    for need in now.databases:
        if need.lacking and need.database.name not in known:
            missing = ", ".join(need.verdict.missing[:5]) or need.verdict.state
            raise ProvisioningFailed(
                f"{need.database.name} was left incomplete by another run ({missing})",
                now.results,
                place=f"MySQL at {wanted.endpoint}",
                fix="run it again on the machine of that run, which removes what it began",
            )


@contextlib.contextmanager
def _worker(wanted: WantedDatabases, needs: Needs) -> Iterator[DatabaseSession]:
    login = wanted.administrator if needs.by_administrator and wanted.administrator else wanted.login
    with connect(wanted.endpoint, login.username, login.password, work_limit=WORK_LIMIT) as session:
        # A machine that disappears from the network does not hold the lock for hours.
        session.make("SET SESSION wait_timeout = %s", (IDLE_LIMIT,))
        yield session


def _locked(
    session: DatabaseSession, progress: DatabaseProgress, stop: Cancel
) -> contextlib.AbstractContextManager[int]:
    def waiting() -> None:
        progress("", 0, 0, "waiting for another run in the databases")

    return lock.held(session, cancelled=stop.is_set, waiting=waiting)


@dataclass
class _Run:
    """One run that holds the lock."""

    wanted: WantedDatabases
    situation: Situation
    server: Server
    scripts: Scripts | None
    needs: Needs
    journal: FileJournal
    session: DatabaseSession
    progress: DatabaseProgress
    stop: Cancel
    waited: bool
    """Whether another run was working when this one began."""
    results: dict[str, DatabaseResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.results = {need.database.name: need.result for need in self.needs.databases}

    def all(self) -> list[DatabaseResult]:
        if lacking := administrator_lacks(self.wanted, self.situation, self.needs):
            raise self._failed(
                f"the administrator lacks {'; '.join(lacking)}",
                "grant that to the administrator, or name one that has it",
            )
        if self.needs.account is not None:
            self._create_account()
        for need in self.needs.databases:
            name = need.database.name
            try:
                self._one(need)
            except (DatabaseError, Failed) as problem:
                self.results[name] = DatabaseResult(name, "failed", need.tables)
                raise self._failed(f"{name}: {problem.message}", problem.fix, place=problem.place) from None
        self._verify_account()
        return list(self.results.values())

    def _failed(self, message: str, fix: str | None, *, place: str | None = "") -> ProvisioningFailed:
        """Return the error with the databases as they are; without a `place` it is the server."""
        where = f"MySQL at {self.wanted.endpoint}" if place == "" else place
        return ProvisioningFailed(message, list(self.results.values()), place=where, fix=fix)

    # --- the account ----------------------------------------------------------------------------------------

    def _create_account(self) -> None:
        account = self.wanted.account
        self.progress("", 0, 0, f"creating the account {account}")
        if not create_account(self.session, account, self.wanted.login.password):
            raise self._failed(
                f"the account {account} exists already, with another password",
                "correct mysql.password, or set the account's password to the one of the profile",
            )

    def _verify_account(self) -> None:
        """Log in as the servers will, and check their privileges."""
        if not self.needs.pending and not self.waited:
            return
        try:
            situation = look(self.wanted, limit=WORK_LIMIT)
        except DatabaseError as problem:
            raise Failed(problem.message, place=problem.place, fix=problem.fix) from None
        if (failure := situation.account_failure) is not None:
            if failure.cause == "host-refused" or not matches(self.wanted.grant_host, self.situation.origins):
                return  # it may log in from the nodes only, which cannot be tested here
            raise self._failed(
                f"the account was created, but its login fails: {failure.message}",
                failure.fix,
                place=failure.place,
            )
        account = situation.account
        assert account is not None
        for need in self.needs.databases:
            lacking = situation.rights[account].missing(need.database.name, SERVERS_NEED)
            if lacking and need.grant_to:
                raise self._failed(
                    f"the server matches {self.wanted.login.username} to {account}, which lacks"
                    f" {', '.join(lacking)} on {need.database.name}",
                    f"drop {account}, or grant it ALL on the databases",
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
        if not need.script:
            if not exists:
                self._create(need)
            self._grant(need)
            self._record(need, created=need.pending)
            return
        self.journal.begin(name, created=not exists)
        created = False
        try:
            if not exists:
                self._create(need)
                created = (
                    True  # not before: a database that another client created meanwhile must not be dropped
                )
            self._grant(need)
            assert self.scripts is not None and self.scripts.fitting is not None
            self._run_script(name, self.scripts.fitting)
        except BaseException as problem:
            with self.stop.shield():
                left = self._try_to_take_back(name, created=created)
            if left and isinstance(problem, WizardError):
                problem.message += f" ({left})"
            raise
        self.journal.done(name)
        self._record(need, created=True)

    def _create(self, need: Need) -> None:
        name = need.database.name
        charset = self.server.charset_for(self.wanted.charset_of(need.database))
        self.progress(name, 0, 0, f"creating the database with character set {charset}")
        # The name of a character set is letters, digits and _ in a profile, and the server's own otherwise.
        self.session.make(f"CREATE DATABASE {identifier(name)} CHARACTER SET {charset}")

    def _grant(self, need: Need) -> None:
        literal = partial_revokes(self.session) if need.grant_to else False
        for account in need.grant_to:
            self.progress(need.database.name, 0, 0, f"granting all privileges to {account}")
            grant_all(self.session, grant_pattern(need.database.name, literal=literal), account)

    def _run_script(self, name: str, script: Script) -> None:
        self.session.use(name)
        mode = script_mode(self.server.greeting)
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
        verdict = compare(self._contents(name), [script.schema], fold=self.server.folds_names)
        if verdict.state != "whole":
            raise Failed(
                f"missing after the script: {', '.join(verdict.missing[:5])}",
                place=f"MySQL at {self.wanted.endpoint}",
                fix="check the server's error log",
            )

    def _contents(self, name: str, *, deep: bool = True) -> Contents | None:
        return read_contents(self.session, name, fold=self.server.folds_names, deep=deep)

    def _record(self, need: Need, *, created: bool) -> None:
        name = need.database.name
        status = "created" if created and not need.lacking else need.result.status
        contents = self._contents(name, deep=False)
        tables = 0 if contents is None else len(contents.schema.tables)
        self.results[name] = DatabaseResult(name, status, tables)

    # --- removing what was begun ----------------------------------------------------------------------------

    def _try_to_take_back(self, name: str, *, created: bool) -> str | None:
        """Remove what this run began; returns a text for the message if that fails and is left to the next run."""
        try:
            # The session may be in the middle of a statement, or closed: that releases its lock.
            self.session.close()
            with _worker(self.wanted, self.needs) as session, _locked(session, self.progress, Cancel()):
                self.session = session
                self._take_back(name, created=created)
        except WizardError:
            return "what was begun still exists; the next run removes it"
        return None

    def _take_back(self, name: str, *, created: bool) -> None:
        """Drop the script's tables, if none has a row, and the database, if a run created it and it is empty."""
        contents = self._contents(name)
        if contents is not None and contents.schema.tables:
            assert self.scripts is not None
            verdict = compare(contents, self.scripts.schemas, fold=self.server.folds_names)
            if verdict.foreign or has_rows(self.session, contents):
                raise Failed(
                    "the database contains more than what was begun", fix="check its tables yourself"
                )
            self.session.make("SET SESSION foreign_key_checks = 0")
            for table in contents.schema.tables:
                self.session.make(f"DROP TABLE {identifier(contents.name, table)}")
            self.session.make("SET SESSION foreign_key_checks = 1")
            contents = self._contents(name)
        if contents is not None and contents.empty and created and self.needs.by_administrator:
            self.session.make(f"DROP DATABASE {identifier(contents.name)}")
        self.journal.done(name)
