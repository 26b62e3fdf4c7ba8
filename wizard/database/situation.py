"""What is there now: the server, both accounts, and each database.  Only looks."""

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

    `server`, `contents` and `accounts` are of the administrator, or of the account where there is none: without
    either nothing is known beyond the greeting.
    """

    greeting: Greeting
    server: Server | None
    account: Account | None
    """Whom the server takes the servers' account for, seen from this machine; None: it cannot log in."""
    account_failure: DatabaseError | None
    administrator_failure: DatabaseError | None
    administrator: Rights | None
    """What the administrator may do; None where there is none, or it cannot log in."""
    accounts: tuple[Account, ...] | None
    """The accounts of the same name and the anonymous ones; None where this may not be seen."""
    rights: Mapping[Account, Rights]
    """Of the account as it logs in, and of the one of the profile's `grant_host`, if they exist."""
    origins: tuple[str, ...]
    """This machine's name and address, as the server sees them."""
    contents: Mapping[str, Contents | None]
    """By database; None: it does not exist, or may not be seen."""
    with_rows: frozenset[str]
    """Of the databases that were asked about, those where some table has a row."""
    busy: bool = False
    """Another run was at work while this was looked at: what is half there may be whole in a moment."""
    settings: Mapping[Account, AccountSettings] = field(default_factory=dict)
    """Of the accounts of that name, as far as they may be seen: at least of the one that logged in."""

    @property
    def exists(self) -> bool | None:
        """Whether the account exists, from whatever host; None where that may not be seen."""
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
    """Log in with both accounts and look: all of that within `limit` seconds.

    `suspects` are databases of which it matters whether they have rows; `own_lock` is the connection with which
    the caller holds the lock, which makes the server no busier.

    Raises DatabaseError where no server answers, or none that lets anybody in.
    """
    end = time.monotonic() + limit
    with ExitStack() as stack:
        seen_holders: list[int | None] = []

        def entered(login: Login | None) -> tuple[DatabaseSession | None, DatabaseError | None]:
            if login is None:
                return None, None
            try:
                left = end - time.monotonic()
                session = connect(wanted.endpoint, login.username, login.password, limit=left)
                stack.enter_context(session)
                try:
                    seen_holders.append(holder(session))
                except DatabaseError as problem:
                    if problem.cause == "expired":  # logged in, and allowed nothing but a new password (1820)
                        problem.greeting = session.greeting
                    raise
            except DatabaseError as problem:
                if not problem.reached or problem.greeting is None:
                    raise
                return None, problem
            return session, None

        account, account_failure = entered(wanted.login)
        administrator, administrator_failure = entered(wanted.administrator)
        session = administrator or account
        failure = account_failure or administrator_failure
        if session is None:
            assert failure is not None and failure.greeting is not None
            return Situation(
                greeting=failure.greeting,
                server=None,
                account=None,
                account_failure=account_failure,
                administrator_failure=administrator_failure,
                administrator=None,
                accounts=None,
                rights={},
                origins=(),
                contents={},
                with_rows=frozenset(),
            )
        server = read_server(session)
        others = [other for other in (account,) if other is not None and other is not session]
        contents = {
            database.name: None
            if unstorable(database.name)  # not even a comparison with such a name succeeds
            else _seen(database, [session, *others], fold=server.folds_names)
            for database in wanted.databases
        }
        taken_for = current_account(account) if account is not None else None
        accounts = read_accounts(session, wanted.login.username)
        settings = read_settings(session, wanted.login.username)
        if account is not None and taken_for is not None and taken_for not in settings:
            settings[taken_for] = own_settings(account)
        rights = {taken_for: own_rights(account)} if account is not None and taken_for is not None else {}
        if wanted.account not in rights and accounts is not None and wanted.account in accounts:
            of_profile = rights_of(session, wanted.account.username, wanted.account.host)
            if of_profile is not None:
                rights[wanted.account] = of_profile
        rows = frozenset(
            name
            for name, content in contents.items()
            if content is not None and name in suspects and has_rows(session, content)
        )
        # Before and after: a run takes far longer than this look.
        seen_holders.append(holder(session))
        return Situation(
            greeting=session.greeting,
            server=server,
            account=taken_for,
            account_failure=account_failure,
            administrator_failure=administrator_failure,
            administrator=own_rights(administrator) if administrator is not None else None,
            accounts=accounts,
            rights=rights,
            origins=own_hosts(session),
            contents=contents,
            with_rows=rows,
            busy=any(one not in (None, own_lock) for one in seen_holders),
            settings=settings,
        )


def _seen(database: Database, sessions: list[DatabaseSession], *, fold: bool) -> Contents | None:
    for session in sessions:
        found = read_contents(session, database.name, fold=fold, deep=database.has_schema)
        if found is not None:
            return found
    return None


def has_rows(session: DatabaseSession, contents: Contents) -> bool:
    """Whether any table of the database has a row.  Raises DatabaseError."""
    name = identifier(contents.name)
    return any(
        session.rows(f"SELECT 1 FROM {name}.{identifier(table)} LIMIT 1") for table in contents.schema.tables
    )
