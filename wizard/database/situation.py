"""What exists now: the server, both accounts, and each database.  Read only."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wizard.database.accounts import (
    Account,
    AccountSettings,
    current_account,
    own_hosts,
    own_settings,
    read_accounts,
    read_settings,
)
from wizard.database.connection import DatabaseSession, connect
from wizard.database.failure import DatabaseError
from wizard.database.greeting import LIMIT
from wizard.database.lock import holder
from wizard.database.names import unstorable
from wizard.database.quoting import identifier
from wizard.database.rights import Rights, own_rights, rights_of
from wizard.database.schema import Contents, read_contents
from wizard.database.server import Server, read_server

if TYPE_CHECKING:
    from wizard.database.greeting import Greeting
    from wizard.database.wanted import Database, Login, WantedDatabases


@dataclass(frozen=True, slots=True)
class Situation:
    """What could be seen with the two accounts of the profile.

    `server`, `contents` and `accounts` are as the administrator sees them, or the account without an administrator:
    without either only the greeting is known.
    """

    greeting: Greeting
    server: Server | None = None
    account: Account | None = None
    """The account that the server matches the servers' login to, from this machine; None: it cannot log in."""
    account_failure: DatabaseError | None = None
    administrator_failure: DatabaseError | None = None
    administrator: Rights | None = None
    """The administrator's privileges; None if there is none, or it cannot log in."""
    accounts: tuple[Account, ...] | None = None
    """The accounts of the same name and the anonymous ones; None if they may not be seen."""
    rights: Mapping[Account, Rights] = field(default_factory=dict)
    """Of the account that logged in, and of the one of the profile's `grant_host`, if they exist."""
    origins: tuple[str, ...] = ()
    """This machine's name and address, as the server sees them."""
    contents: Mapping[str, Contents | None] = field(default_factory=dict)
    """By database; None: it does not exist, or may not be seen."""
    with_rows: frozenset[str] = frozenset()
    """The databases among the suspects in which some table has a row."""
    busy: bool = False
    """Another run was working in the databases meanwhile: what is half done may be complete soon."""
    settings: Mapping[Account, AccountSettings] = field(default_factory=dict)
    """Of the accounts of that name, as far as they may be seen: at least of the one that logged in."""

    @property
    def exists(self) -> bool | None:
        """Whether the account exists, from whatever host; None if that may not be seen."""
        if self.account is not None and self.account.username:
            return True
        if self.accounts is None:
            return None
        return any(account.username for account in self.accounts)


def look(
    wanted: WantedDatabases,
    *,
    suspects: Collection[str] = (),
    limit: float = LIMIT,
    own_lock: int | None = None,
) -> Situation:
    """Log in with both accounts and read everything, within `limit` seconds.

    `suspects` are databases in which rows matter; `own_lock` is the connection with which the caller holds the lock:
    it does not make the server busy.

    Raises DatabaseError if no server answers, or a login fails without a greeting.
    """
    end = time.monotonic() + limit
    holders: list[int | None] = []
    with ExitStack() as stack:

        def logged_in(login: Login | None) -> tuple[DatabaseSession | None, DatabaseError | None]:
            if login is None:
                return None, None
            try:
                left = end - time.monotonic()
                session = connect(wanted.endpoint, login.username, login.password, limit=left)
                stack.enter_context(session)
                try:
                    holders.append(holder(session))
                except DatabaseError as problem:
                    if problem.cause == "expired":  # logged in; only a new password is allowed (1820)
                        problem.greeting = session.greeting
                    raise
            except DatabaseError as problem:
                if not problem.reached or problem.greeting is None:
                    raise
                return None, problem
            return session, None

        account, account_failure = logged_in(wanted.login)
        administrator, administrator_failure = logged_in(wanted.administrator)
        session = administrator or account
        failure = account_failure or administrator_failure
        if session is None:
            assert failure is not None and failure.greeting is not None
            return Situation(
                failure.greeting,
                account_failure=account_failure,
                administrator_failure=administrator_failure,
            )
        server = read_server(session)
        sessions = list(dict.fromkeys(one for one in (session, account) if one is not None))
        contents = {
            database.name: None
            if unstorable(database.name)  # not even a comparison with such a name succeeds
            else _seen(database, sessions, fold=server.folds_names)
            for database in wanted.databases
        }
        accounts = read_accounts(session, wanted.login.username)
        settings = read_settings(session, wanted.login.username)
        rights: dict[Account, Rights] = {}
        matched = None
        if account is not None:
            matched = current_account(account)
            if matched not in settings:
                settings[matched] = own_settings(account)
            rights[matched] = own_rights(account)
        if wanted.account not in rights and wanted.account in (accounts or ()):
            of_profile = rights_of(session, wanted.account.username, wanted.account.host)
            if of_profile is not None:
                rights[wanted.account] = of_profile
        with_rows = frozenset(
            name
            for name, content in contents.items()
            if content is not None and name in suspects and has_rows(session, content)
        )
        # Before and after: a run takes far longer than this.
        holders.append(holder(session))
        return Situation(
            greeting=session.greeting,
            server=server,
            account=matched,
            account_failure=account_failure,
            administrator_failure=administrator_failure,
            administrator=own_rights(administrator) if administrator is not None else None,
            accounts=accounts,
            rights=rights,
            origins=own_hosts(session),
            contents=contents,
            with_rows=with_rows,
            busy=any(one not in (None, own_lock) for one in holders),
            settings=settings,
        )


def _seen(database: Database, sessions: list[DatabaseSession], *, fold: bool) -> Contents | None:
    contents = (
        read_contents(session, database.name, fold=fold, deep=database.has_schema) for session in sessions
    )
    return next((found for found in contents if found is not None), None)


def has_rows(session: DatabaseSession, contents: Contents) -> bool:
    """Whether any table of the database has a row.  Raises DatabaseError."""
    tables = (identifier(contents.name, table) for table in contents.schema.tables)
    return any(session.rows(f"SELECT 1 FROM {table} LIMIT 1") for table in tables)
