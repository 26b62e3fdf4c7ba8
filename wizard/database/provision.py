"""Making what is missing: databases, the account, its grants, and the tables of the pack's script.

Under a lock in the server, so that two machines do not do it at once.  What is whole is not touched.  What was
begun in a database and fails is taken back; the journal lets the next run do that where this one is killed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from wizard.database import lock
from wizard.database.accounts import create_account, grant_all, matches
from wizard.database.connection import WORK_LIMIT, DatabaseSession, connect
from wizard.database.failure import DatabaseError
from wizard.database.needs import DatabaseResult, Needs, administrator_lacks, decide
from wizard.database.quoting import identifier
from wizard.database.rights import SERVERS_NEED, grant_pattern, partial_revokes
from wizard.database.schema import compare, read_contents
from wizard.database.server import script_mode
from wizard.database.situation import has_rows, look
from wizard.system.errors import Cancelled, Failed, WizardError

if TYPE_CHECKING:
    from wizard.database.journal import Journal
    from wizard.database.needs import Need
    from wizard.database.scripts import Script, Scripts
    from wizard.database.server import Server
    from wizard.database.situation import Situation
    from wizard.database.wanted import WantedDatabases

IDLE_LIMIT = 120
"""Seconds after which the server ends a session from which nothing more comes, and with it its lock."""

DatabaseProgress = Callable[[str, int, int, str], None]
"""Called with the database, how many statements are done, of how many, and what is being done."""

FindScripts = Callable[["Situation"], "Scripts | None"]
"""Gives the pack's scripts for the server that was found."""


class Stop(Protocol):
    """The wish to stop (`wizard.system.cancel.Cancel`)."""

    def is_set(self) -> bool: ...

    def shield(self) -> contextlib.AbstractContextManager[None]: ...


class _Never:
    def is_set(self) -> bool:
        return False

    def shield(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


class ProvisioningFailed(Failed):
    """It failed; `results` tell how each database stands.  What had been begun was taken back, or the text says."""

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


def nobody_watches(database: str, done: int, total: int, text: str) -> None:
    """A progress that goes nowhere."""


def pending(wanted: WantedDatabases, find_scripts: FindScripts, journal: Journal) -> Needs:
    """What `provision` would make now.  Only looks.  Raises DatabaseError."""
    begun = journal.begun()
    situation = look(wanted, suspects=begun)
    return decide(wanted, situation, find_scripts(situation), begun)


def provision(
    wanted: WantedDatabases,
    find_scripts: FindScripts,
    journal: Journal,
    *,
    progress: DatabaseProgress = nobody_watches,
    cancel: Stop | None = None,
) -> list[DatabaseResult]:
    """Make what is missing.  How each database stands afterwards, in the profile's order.

    Raises ProvisioningFailed, with what was begun taken back, and Cancelled likewise.
    """
    stop = cancel or _Never()
    try:
        first = pending(wanted, find_scripts, journal)
        _forget_what_is_whole(first, journal)
        if not first.pending:
            return first.results
        with _worker(wanted, first) as session, _locked(session, progress, stop) as own_lock:
            # Again under the lock: another machine may have made it meanwhile, or left it half done.
            begun = journal.begun()
            situation = look(wanted, suspects=begun, limit=WORK_LIMIT, own_lock=own_lock)
            scripts = find_scripts(situation)
            needs = decide(wanted, situation, scripts, begun)
            _forget_what_is_whole(needs, journal)
            _refuse_new_trouble(first, needs, wanted)
            assert situation.server is not None  # somebody is logged in, or `look` had raised
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
                waited=first.busy,
            ).all()
    except DatabaseError as problem:
        results = [DatabaseResult(database.name, "failed", 0) for database in wanted.databases]
        raise ProvisioningFailed(problem.message, results, place=problem.place, fix=problem.fix) from None


def _refuse_new_trouble(before: Needs, now: Needs, wanted: WantedDatabases) -> None:
    """What nobody knew when the checks were made: another run that was waited for has left it half done."""
    known = {need.database.name for need in before.databases if need.lacking}
    for need in now.databases:
        if need.lacking and need.database.name not in known:
            missing = ", ".join(need.verdict.missing[:5]) or need.verdict.state
            raise ProvisioningFailed(
                f"{need.database.name} was left incomplete by another run ({missing})",
                now.results,
                place=f"MySQL at {wanted.endpoint}",
                fix="run it again on the machine of that run, which takes back what it began",
            )


def _forget_what_is_whole(needs: Needs, journal: Journal) -> None:
    begun = journal.begun()
    for need in needs.databases:
        if need.database.name in begun and need.verdict.state == "whole":
            journal.done(need.database.name)


@contextlib.contextmanager
def _worker(wanted: WantedDatabases, needs: Needs) -> Iterator[DatabaseSession]:
    login = wanted.administrator if needs.by_administrator and wanted.administrator else wanted.login
    with connect(wanted.endpoint, login.username, login.password, work_limit=WORK_LIMIT) as session:
        # A machine that vanishes from the network in the middle does not hold the lock for hours.
        session.make("SET SESSION wait_timeout = %s", (IDLE_LIMIT,))
        yield session


def _locked(
    session: DatabaseSession, progress: DatabaseProgress, stop: Stop
) -> contextlib.AbstractContextManager[int]:
    def waiting() -> None:
        progress("", 0, 0, "waiting for another run that is at work in the databases")

    return lock.held(session, cancelled=stop.is_set, waiting=waiting)


@dataclass
class _Run:
    """One run that holds the lock."""

    wanted: WantedDatabases
    situation: Situation
    server: Server
    scripts: Scripts | None
    needs: Needs
    journal: Journal
    session: DatabaseSession
    progress: DatabaseProgress
    stop: Stop
    waited: bool
    """Whether another run was at work when this one began."""
    results: dict[str, DatabaseResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.results = {need.database.name: need.result for need in self.needs.databases}

    def all(self) -> list[DatabaseResult]:
        lacking = administrator_lacks(self.wanted, self.situation, self.needs)
        if lacking:
            raise ProvisioningFailed(
                f"the administrator lacks {'; '.join(lacking)}",
                list(self.results.values()),
                place=f"MySQL at {self.wanted.endpoint}",
                fix="grant that to the administrator, or name one that has it",
            )
        if self.needs.account is not None:
            self._make_account()
        for need in self.needs.databases:
            name = need.database.name
            try:
                self._one(need)
            except (DatabaseError, Failed) as problem:
                self.results[name] = DatabaseResult(name, "failed", need.tables)
                raise ProvisioningFailed(
                    f"{name}: {problem.message}",
                    list(self.results.values()),
                    place=problem.place,
                    fix=problem.fix,
                ) from None
        self._prove_account()
        return list(self.results.values())

    # --- the account ----------------------------------------------------------------------------------------

    def _make_account(self) -> None:
        account = self.wanted.account
        self.progress("", 0, 0, f"making the account {account}")
        if not create_account(self.session, account, self.wanted.login.password):
            raise ProvisioningFailed(
                f"the account {account} exists already, with another password",
                list(self.results.values()),
                place=f"MySQL at {self.wanted.endpoint}",
                fix="correct mysql.password, or set the account's password to the one of the profile",
            )

    def _prove_account(self) -> None:
        """Whether what was made is what the servers need: the log-in, with their rights."""
        if not self.needs.pending and not self.waited:
            return
        try:
            situation = look(self.wanted, limit=WORK_LIMIT)
        except DatabaseError as problem:
            raise Failed(problem.message, place=problem.place, fix=problem.fix) from None
        if situation.account_failure is not None:
            if situation.account_failure.cause == "host-refused" or not self._may_come_from_here():
                return  # it may come from the nodes only: nothing can be said from here
            raise ProvisioningFailed(
                f"the account was made and still cannot log in: {situation.account_failure.message}",
                list(self.results.values()),
                place=situation.account_failure.place,
                fix=situation.account_failure.fix,
            )
        account = situation.account
        assert account is not None
        for need in self.needs.databases:
            lacking = situation.rights[account].missing(need.database.name, SERVERS_NEED)
            if lacking and need.grant_to:
                raise ProvisioningFailed(
                    f"the server takes {self.wanted.login.username} for {account}, which lacks"
                    f" {', '.join(lacking)} on {need.database.name}",
                    list(self.results.values()),
                    place=f"MySQL at {self.wanted.endpoint}",
                    fix=f"drop {account}, or grant it ALL on the databases",
                )

    def _may_come_from_here(self) -> bool:
        return matches(self.wanted.grant_host, self.situation.origins)

    # --- one database ---------------------------------------------------------------------------------------

    def _one(self, need: Need) -> None:
        name = need.database.name
        if need.take_back:
            self.progress(name, 0, 0, "taking back what an earlier run began")
            self._take_back(name, created=need.recreate)
        exists = self._tables(name) is not None
        if not exists and not self.needs.by_administrator:
            return
        if not need.script:
            if not exists:
                self._create(need)
            self._grant(need)
            self._now(need, made=need.pending)
            return
        self.journal.begin(name, created=not exists)
        created = False
        try:
            if not exists:
                self._create(need)
                created = True  # not before: a name that somebody else took meanwhile is not ours to drop
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
        self._now(need, made=True)

    def _create(self, need: Need) -> None:
        name = need.database.name
        charset = self.server.charset_for(self.wanted.charset_of(need.database))
        self.progress(name, 0, 0, f"making the database with character set {charset}")
        # The name of a character set is letters, digits and _ in a profile, and the server's own otherwise.
        self.session.make(f"CREATE DATABASE {identifier(name)} CHARACTER SET {charset}")

    def _grant(self, need: Need) -> None:
        literal = partial_revokes(self.session) if need.grant_to else False
        for account in need.grant_to:
            self.progress(need.database.name, 0, 0, f"granting all rights to {account}")
            grant_all(self.session, grant_pattern(need.database.name, literal=literal), account)

    def _run_script(self, name: str, script: Script) -> None:
        self.session.use(name)
        mode = script_mode(self.server.version, mariadb=self.server.mariadb)
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
        contents = read_contents(self.session, name, fold=self.server.folds_names)
        verdict = compare(contents, [script.schema], fold=self.server.folds_names)
        if verdict.state != "whole":
            raise Failed(
                f"after the script there is still missing: {', '.join(verdict.missing[:5])}",
                place=f"MySQL at {self.wanted.endpoint}",
                fix="look into the server's error log",
            )

    def _tables(self, name: str) -> int | None:
        """How many tables the database holds now; None where there is no such database."""
        contents = read_contents(self.session, name, fold=self.server.folds_names, deep=False)
        return None if contents is None else len(contents.schema.tables)

    def _now(self, need: Need, *, made: bool) -> None:
        name = need.database.name
        status = "created" if made and not need.lacking else need.result.status
        self.results[name] = DatabaseResult(name, status, self._tables(name) or 0)

    # --- taking back ----------------------------------------------------------------------------------------

    def _try_to_take_back(self, name: str, *, created: bool) -> str | None:
        """Takes back what this run began; what is left of it in words where that fails, for the next run to do."""
        try:
            # The session may be in the middle of a statement, or gone: its lock goes with it.
            self.session.close()
            with (
                _worker(self.wanted, self.needs) as session,
                _locked(session, self.progress, _Never()),
            ):
                self.session = session
                self._take_back(name, created=created)
        except WizardError:
            return "what was begun is still there, and the next run takes it back"
        return None

    def _take_back(self, name: str, *, created: bool) -> None:
        """Drops the script's tables, if none has a row, and the database, if a run made it and it is empty."""
        fold = self.server.folds_names
        contents = read_contents(self.session, name, fold=fold)
        if contents is not None and contents.schema.tables:
            assert self.scripts is not None
            verdict = compare(contents, self.scripts.schemas, fold=fold)
            if verdict.foreign or has_rows(self.session, contents):
                raise Failed("what is there is not only what was begun", fix="look at the tables yourself")
            self.session.make("SET SESSION foreign_key_checks = 0")
            for table in contents.schema.tables:
                self.session.make(f"DROP TABLE {identifier(contents.name)}.{identifier(table)}")
            self.session.make("SET SESSION foreign_key_checks = 1")
            contents = read_contents(self.session, name, fold=fold)
        if contents is not None and contents.empty and created and self.needs.by_administrator:
            self.session.make(f"DROP DATABASE {identifier(contents.name)}")
        self.journal.done(name)
