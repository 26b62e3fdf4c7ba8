"""What a DBA has to run: databases, account, grants and tables, as text for the `mysql` client."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.database.greeting import server_name
from wizard.database.quoting import identifier, literal
from wizard.database.rights import grant_pattern
from wizard.database.server import script_mode

if TYPE_CHECKING:
    from wizard.database.scripts import Script
    from wizard.database.wanted import WantedDatabases


def sql_text(
    wanted: WantedDatabases,
    script: Script | None,
    version: tuple[int, ...],
    *,
    mariadb: bool = False,
    with_password: bool = False,
) -> str:
    """The whole text.  It runs in the `mysql` client of MySQL 5.5 and later and of MariaDB.

    `script`: the one that fits the server; None leaves the tables out (`provisioning = "server"`, or no pack here).
    Without `with_password` the account gets a random throw-away password, which nobody needs to keep.
    Names and passwords may hold anything: all are quoted, and none ever stands in a comment.
    """
    lines = [*_head(wanted, version, mariadb=mariadb), *_databases(wanted)]
    lines += _account(wanted, version, mariadb=mariadb, with_password=with_password)
    lines += _grants(wanted, version, mariadb=mariadb)
    lines += _tables(wanted, script, version, mariadb=mariadb)
    return "\n".join(lines) + "\n"


def _head(wanted: WantedDatabases, version: tuple[int, ...], *, mariadb: bool) -> Iterator[str]:
    yield f"-- For {server_name(version, mariadb=mariadb)}, as an administrator, once: mysql -u root -p < this-file"
    yield "SET NAMES utf8mb4;"
    # The quoting below is right where a backslash escapes.
    yield "SET @apimha_sql_mode = @@SESSION.sql_mode;"
    yield "SET SESSION sql_mode = '';"


def _databases(wanted: WantedDatabases) -> Iterator[str]:
    yield ""
    yield "-- The databases.  Those that exist stay as they are."
    for database in wanted.databases:
        # Letters, digits and _ only: a profile takes nothing else.
        wished = wanted.charset_of(database)
        charset = f" CHARACTER SET {wished}" if wished else ""
        yield f"CREATE DATABASE IF NOT EXISTS {identifier(database.name)}{charset};"
    stores = [one for one in wanted.databases if not one.has_schema and wanted.store_charset]
    if stores:
        yield "-- What the servers create in the analytics stores has to fit this character set, also where they exist."
    for database in stores:
        yield f"ALTER DATABASE {identifier(database.name)} CHARACTER SET {wanted.store_charset};"


def _account(
    wanted: WantedDatabases, version: tuple[int, ...], *, mariadb: bool, with_password: bool
) -> Iterator[str]:
    username, host = literal(wanted.account.username), literal(wanted.account.host)
    password = wanted.login.password.reveal() if with_password else _throw_away()
    create = f"CREATE USER {username}@{host} IDENTIFIED BY {literal(password)}"
    yield ""
    yield "-- The account of the two servers.  One that exists keeps its password."
    if mariadb or version >= (5, 7, 6):
        yield create.replace("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1) + ";"
    else:  # MySQL 5.6 has no IF NOT EXISTS here
        yield f"SET @apimha_there = (SELECT COUNT(*) FROM mysql.user WHERE User = {username} AND Host = {host});"
        yield f"SET @apimha_make = IF(@apimha_there, 'DO 0', {literal(create)});"
        yield "PREPARE apimha_make FROM @apimha_make;"
        yield "EXECUTE apimha_make;"
        yield "DEALLOCATE PREPARE apimha_make;"
        yield "SET @apimha_make = NULL;"
    if not with_password:
        yield "-- Its password is a throw-away one.  Set the one of the profile afterwards:"
        if mariadb or version < (5, 7, 6):
            yield f"--   SET PASSWORD FOR {username}@{host} = PASSWORD('...');"
        else:
            yield f"--   ALTER USER {username}@{host} IDENTIFIED BY '...';"


def _throw_away() -> str:
    """Long, random, and of every kind of character that a server's policy may ask for."""
    return f"{secrets.token_urlsafe(24)}aA1!"


def _grants(wanted: WantedDatabases, version: tuple[int, ...], *, mariadb: bool) -> Iterator[str]:
    username, host = literal(wanted.account.username), literal(wanted.account.host)
    yield ""
    yield "-- Its rights.  In a grant the _ of a name is a wildcard unless it is escaped."
    if not mariadb and version >= (8, 0, 16):
        yield "-- (Where the variable partial_revokes is ON, take the backslashes out.)"
    for database in wanted.databases:
        yield f"GRANT ALL ON {identifier(grant_pattern(database.name))}.* TO {username}@{host};"


def _tables(
    wanted: WantedDatabases, script: Script | None, version: tuple[int, ...], *, mariadb: bool
) -> Iterator[str]:
    yield ""
    mode = script_mode(version, mariadb=mariadb)
    yield f"SET SESSION sql_mode = {literal(mode) if mode is not None else '@apimha_sql_mode'};"
    if script is None or wanted.mode == "server":
        yield "-- No tables here: the servers make their own" + (
            " (-Dsetup, at the first start of the first node)." if wanted.mode == "server" else "."
        )
        return
    for database in wanted.databases:
        if database.has_schema:
            roles = " and ".join(database.roles)
            yield f"-- The tables of the {roles} database: {script.path} of the pack."
            yield f"USE {identifier(database.name)};"
            for statement in script.statements:
                yield f"{statement.text};"
            yield ""
    yield "-- The analytics stores stay empty: the servers make their tables."
    yield "SET SESSION sql_mode = @apimha_sql_mode;"
