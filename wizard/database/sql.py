"""The SQL for a DBA: databases, account, grants and tables, as text for the `mysql` client."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.database.accounts import grant_pattern
from wizard.database.names import identifier, literal
from wizard.database.server import script_mode

if TYPE_CHECKING:
    from wizard.database.connection import Greeting
    from wizard.database.needs import WantedDatabases
    from wizard.database.script import Script


def sql_text(
    wanted: WantedDatabases, script: Script | None, server: Greeting, *, with_password: bool = False
) -> str:
    """Return the whole text.  It runs in the `mysql` client of MySQL 5.5 and later and of MariaDB.

    `script`: the one that fits the server; None omits the tables (`provisioning = "server"`, or no pack here).
    Without `with_password` the account gets a random password that need not be kept.  Names and passwords may
    contain anything: all are quoted, and none is part of a comment.
    """
    lines = [
        f"-- For {server.name}, as an administrator, once: mysql -u root -p < this-file",
        "SET NAMES utf8mb4;",
        # The quoting below is right if a backslash escapes.
        "SET @apimha_sql_mode = @@SESSION.sql_mode;",
        "SET SESSION sql_mode = '';",
        *_databases(wanted),
        *_account(wanted, server, with_password=with_password),
        *_grants(wanted, server),
        *_tables(wanted, script, server),
    ]
    return "\n".join(lines) + "\n"


def _databases(wanted: WantedDatabases) -> Iterator[str]:
    yield ""
    yield "-- The databases.  Existing ones are not changed."
    for database in wanted.databases:
        # Letters, digits and _ only: a profile accepts nothing else.
        wished = wanted.charset_of(database)
        charset = f" CHARACTER SET {wished}" if wished else ""
        yield f"CREATE DATABASE IF NOT EXISTS {identifier(database.name)}{charset};"
    stores = [one for one in wanted.databases if not one.has_schema and wanted.store_charset]
    if stores:
        yield "-- The tables that the servers create in the analytics stores need this character set, existing or not."
    for database in stores:
        yield f"ALTER DATABASE {identifier(database.name)} CHARACTER SET {wanted.store_charset};"


def _account(wanted: WantedDatabases, server: Greeting, *, with_password: bool) -> Iterator[str]:
    account = wanted.account
    username, host = literal(account.username), literal(account.host)
    # Without the profile's password: long, random, and with every kind of character that a policy may require.
    password = wanted.login.password.reveal() if with_password else f"{secrets.token_urlsafe(24)}aA1!"
    identified = f"{account.sql} IDENTIFIED BY {literal(password)}"
    old = server.is_before((5, 7, 6))
    yield ""
    yield "-- The account of the two servers.  An existing one keeps its password."
    if not old:
        yield f"CREATE USER IF NOT EXISTS {identified};"
    else:  # MySQL 5.6 has no IF NOT EXISTS here
        yield f"SET @apimha_there = (SELECT COUNT(*) FROM mysql.user WHERE User = {username} AND Host = {host});"
        yield f"SET @apimha_make = IF(@apimha_there, 'DO 0', {literal(f'CREATE USER {identified}')});"
        yield "PREPARE apimha_make FROM @apimha_make;"
        yield "EXECUTE apimha_make;"
        yield "DEALLOCATE PREPARE apimha_make;"
        yield "SET @apimha_make = NULL;"
    if not with_password:
        yield "-- Its password is random.  Set the one of the profile afterwards:"
        if server.mariadb or old:
            yield f"--   SET PASSWORD FOR {account.sql} = PASSWORD('...');"
        else:
            yield f"--   ALTER USER {account.sql} IDENTIFIED BY '...';"


def _grants(wanted: WantedDatabases, server: Greeting) -> Iterator[str]:
    yield ""
    yield "-- Its privileges.  In a grant the _ of a name is a wildcard unless it is escaped."
    if not server.mariadb and not server.is_before((8, 0, 16)):
        yield "-- (If the variable partial_revokes is ON, remove the backslashes.)"
    for database in wanted.databases:
        yield f"GRANT ALL ON {identifier(grant_pattern(database.name))}.* TO {wanted.account.sql};"


def _tables(wanted: WantedDatabases, script: Script | None, server: Greeting) -> Iterator[str]:
    yield ""
    mode = script_mode(server)
    yield f"SET SESSION sql_mode = {literal(mode) if mode is not None else '@apimha_sql_mode'};"
    if script is None or wanted.mode == "server":
        how = " (-Dsetup, at the first start of the first node)" if wanted.mode == "server" else ""
        yield f"-- No tables here: the servers create their own{how}."
        return
    for database in wanted.databases:
        if database.has_schema:
            roles = " and ".join(database.roles)
            yield f"-- The tables of the {roles} database: {script.path} of the pack."
            yield f"USE {identifier(database.name)};"
            for statement in script.statements:
                yield f"{statement.text};"
            yield ""
    yield "-- The analytics stores stay empty: the servers create their tables."
    yield "SET SESSION sql_mode = @apimha_sql_mode;"
