"""What exists now: the server, both accounts, and each database; and what an earlier run left unfinished there."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.database.accounts import (
    Account,
    AccountSettings,
    Rights,
    current_account,
    own_hosts,
    own_rights,
    own_settings,
    read_accounts,
    rights_of,
)
from wizard.database.connection import LIMIT, DatabaseSession, connect
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.names import identifier, unstorable
from wizard.database.schema import Contents, read_contents
from wizard.database.server import Server, read_server
from wizard.system import bounded
from wizard.system.durable import fsync_folder, make_folder, write_durably
from wizard.system.errors import Failed
from wizard.system.locations import state

if TYPE_CHECKING:
    from wizard.database.connection import Greeting
    from wizard.database.needs import Login, WantedDatabases

LOCK = "apimha-wizard"
"""The lock in the server that keeps two machines from creating databases at once.

One name for all databases, since two profiles may share some.
"""


@dataclass(frozen=True, slots=True)
class Situation:
    """What could be seen with the two accounts of the profile.

    `server`, `contents` and `accounts` are as the administrator sees them, or the account without an administrator:
    without either only the greeting is known.
    """

    greeting: Greeting
    begun: Mapping[str, bool]
    """By database that the journal names as begun and not finished: whether that run created the database itself."""
    account_failure: DatabaseError | None = None
    administrator_failure: DatabaseError | None = None
    server: Server | None = None
    account: Account | None = None
    """The account that the server matches the servers' login to, from this machine; None: it cannot log in."""
    administrator: Rights | None = None
    """The administrator's privileges; None if there is none, or it cannot log in."""
    accounts: tuple[Account, ...] | None = None
    """The accounts of the same name and the anonymous ones; None if they may not be seen."""
    rights: Mapping[Account, Rights] = field(default_factory=dict)
    """Of the account that logged in, and of the one of the profile's `grant_host`, if they exist."""
    settings: Mapping[Account, AccountSettings] = field(default_factory=dict)
    """Of those accounts, as far as they may be seen: at least of the one that logged in."""
    origins: tuple[str, ...] = ()
    """This machine's name and address, as the server sees them."""
    contents: Mapping[str, Contents | None] = field(default_factory=dict)
    """By database; None: it does not exist, or may not be seen."""
    with_rows: frozenset[str] = frozenset()
    """The databases among those begun in which some table has a row."""
    busy: bool = False
    """Another run was working in the databases meanwhile: what is half done may be complete soon."""


def look(
    wanted: WantedDatabases, begun: Mapping[str, bool], *, limit: float = LIMIT, own_lock: int | None = None
) -> Situation:
    """Log in with both accounts and read everything, within `limit` seconds.

    `begun`: see `Situation`; `own_lock` is the connection with which the caller holds the lock: it does not make the
    server busy.

    Raises DatabaseError if no server answers, or a login fails without a greeting.
    """
    end = time.monotonic() + limit
    holders = []
    with ExitStack() as stack:

        def logged_in(login: Login | None) -> tuple[DatabaseSession | None, DatabaseError | None]:
            if login is None:
                return None, None
            session = None
            try:
                left = end - time.monotonic()
                session = connect(wanted.endpoint, login.username, login.password, limit=left)
                stack.enter_context(session)
                holders.append(lock_holder(session))
            except DatabaseError as problem:
                if session is not None and problem.cause == "expired":
                    problem.greeting = session.greeting  # logged in; only a new password is allowed (1820)
                if not problem.reached or problem.greeting is None:
                    raise
                return None, problem
            return session, None

        account, account_failure = logged_in(wanted.login)
        administrator, administrator_failure = logged_in(wanted.administrator)
        session = administrator or account
        if session is None:
            assert account_failure is not None and account_failure.greeting is not None
            return Situation(account_failure.greeting, begun, account_failure, administrator_failure)
        server = read_server(session)
        fold = server.folds_names
        contents: dict[str, Contents | None] = {}
        for database in wanted.databases:
            # As the administrator sees it, else the account; not even a comparison with some names succeeds.
            sessions = () if unstorable(database.name) else filter(None, (administrator, account))
            how = {"fold": fold, "deep": database.has_schema}
            seen = (read_contents(one, database.name, **how) for one in sessions)
            contents[database.name] = next(filter(None, seen), None)
        accounts = read_accounts(session, wanted.login.username)
        settings = dict(accounts or {})
        rights: dict[Account, Rights] = {}
        matched = None
        if account is not None:
            matched = current_account(account)
            if matched not in settings:
                settings[matched] = own_settings(account)
            rights[matched] = own_rights(account, fold=fold)
        other = wanted.account not in rights and wanted.account in (accounts or ())
        if other and (found_rights := rights_of(session, wanted.account, fold=fold)) is not None:
            rights[wanted.account] = found_rights
        with_rows = (name for name in begun if (found := contents.get(name)) and has_rows(session, found))
        return Situation(
            greeting=session.greeting,
            begun=begun,
            account_failure=account_failure,
            administrator_failure=administrator_failure,
            server=server,
            account=matched,
            administrator=own_rights(administrator, fold=fold) if administrator is not None else None,
            accounts=None if accounts is None else tuple(accounts),
            rights=rights,
            settings=settings,
            origins=own_hosts(session),
            contents=contents,
            with_rows=frozenset(with_rows),
            # Before and after: a run takes far longer than this.
            busy=any(one not in (None, own_lock) for one in (*holders, lock_holder(session))),
        )


def lock_holder(session: DatabaseSession) -> int | None:
    """Return the number of the connection that holds the lock; None if the lock is free."""
    found = session.value("SELECT IS_USED_LOCK(%s)", (LOCK,))
    return None if found is None else int(found)


def has_rows(session: DatabaseSession, contents: Contents) -> bool:
    """Whether any table of the database has a row.  Raises DatabaseError."""
    tables = (identifier(contents.name, table) for table in contents.schema.tables)
    return any(session.rows(f"SELECT 1 FROM {table} LIMIT 1") for table in tables)


class FileJournal:
    """What a run began in a database and has not finished, so that the next run can undo that and nothing else.

    One small file for each server and database, on disk when `begin` returns, which is before the first statement.
    """

    def __init__(self, endpoint: Endpoint, folder: Path | None = None) -> None:
        self.server = str(endpoint)
        self.folder = folder or state() / "databases"

    def begin(self, database: str, *, created: bool) -> None:
        """Record that a run begins to fill a database; `created`: the run creates the database itself.

        Raises:
            Failed: the entry cannot be written; the run may not create anything then.
        """
        entry = {"server": self.server, "database": database, "created": created}
        try:
            make_folder(self.folder, mode=0o700)
            write_durably(self._path(database), json.dumps(entry).encode(), mode=0o600)
        except OSError as problem:
            raise Failed(
                f"the database journal cannot be written: {problem.strerror}",
                place=str(self.folder),
                fix="free space there, or let this user write there",
            ) from None

    def done(self, database: str) -> None:
        """Record that the database is complete, or that everything begun in it was removed."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(database))
            fsync_folder(self.folder)

    def begun(self) -> dict[str, bool]:
        """Return the databases that were begun and are not done → whether the run created the database itself."""
        found = {}
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            with suppress(OSError, ValueError, KeyError, TypeError):
                entry = bounded.read_json(path)
                if entry["server"] == self.server:
                    found[str(entry["database"])] = bool(entry["created"])
        return found

    def _path(self, database: str) -> Path:
        name = hashlib.sha256(f"{self.server}\n{database}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.json"
