"""What the profile wants of the database server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.database.accounts import Account
from wizard.database.failure import Endpoint
from wizard.pack.stores import SINGLE_BYTE, needs_single_byte
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.passwords.secret import Secret
    from wizard.profile.model import Profile
    from wizard.profile.passwords import Passwords

Mode = Literal["wizard", "server", "dba"]

SCHEMA_ROLES = ("user", "registry")
"""The databases that get the tables of the pack's script; the server fills the others (procedure, 2)."""

STORE_ROLES = ("event_store", "processed_data_store")
"""The databases in which the server creates its record tables."""


@dataclass(frozen=True, slots=True)
class Login:
    """A name and its password."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Database:
    """A database and its role, with the further roles of the profile that name the same database."""

    name: str
    role: str
    also: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        return (self.role, *self.also)

    @property
    def has_schema(self) -> bool:
        """Whether it gets the pack's tables."""
        return any(role in SCHEMA_ROLES for role in self.roles)

    @property
    def is_store(self) -> bool:
        """Whether the server creates its record tables in it."""
        return any(role in STORE_ROLES for role in self.roles)


def databases_of(names: Iterable[tuple[str, str]]) -> tuple[Database, ...]:
    """Return the databases of these roles and names in their order, each once.

    Source: procedure, chapter 3: user and registry may share one, and so may the stores and the statistics.
    """
    roles: dict[str, list[str]] = {}
    for role, name in names:
        roles.setdefault(name, []).append(role)
    return tuple(Database(name, first, tuple(also)) for name, (first, *also) in roles.items())


@dataclass(frozen=True, slots=True)
class WantedDatabases:
    """The server, the accounts and the databases.  `administrator` is None if the profile names none."""

    endpoint: Endpoint
    login: Login
    administrator: Login | None
    grant_host: str
    charset: str | None
    mode: Mode
    databases: tuple[Database, ...]
    store_charset: str | None = None
    """For the analytics stores and the statistics; None: the same as for the others."""

    def charset_of(self, database: Database) -> str | None:
        """Return the character set that a new database gets; None: the server decides (`Server.charset_for`)."""
        return self.charset if database.has_schema else self.store_charset or self.charset

    @property
    def account(self) -> Account:
        """The account that is created if it does not exist."""
        return Account(self.login.username, self.grant_host)

    @property
    def may_create(self) -> bool:
        """Whether a run may create databases, account and grants: not for a DBA, and not without administrator."""
        return self.mode != "dba" and self.administrator is not None


def wanted(profile: Profile, passwords: Passwords, packs: Iterable[Pack]) -> WantedDatabases:
    """Return what this profile wants, with its passwords resolved; `packs` are the homes that are here."""
    mysql = profile.mysql
    parameters = {key: value.lower() for key, value in mysql.url_parameters.items() if isinstance(value, str)}
    administrator = None
    if mysql.admin_username is not None and passwords.admin is not None:
        administrator = Login(mysql.admin_username, passwords.admin)
    return WantedDatabases(
        endpoint=Endpoint(
            mysql.host,
            mysql.port,
            plain_after_tls=parameters.get("useSSL") == "false",
            trusts_server_key=parameters.get("allowPublicKeyRetrieval") == "true",
        ),
        login=Login(mysql.username, passwords.mysql),
        administrator=administrator,
        grant_host=mysql.grant_host,
        charset=mysql.charset,
        mode=mysql.provisioning,
        databases=databases_of(mysql.database_names().items()),
        store_charset=mysql.store_charset or default_store_charset(packs),
    )


def default_store_charset(packs: Iterable[Pack]) -> str | None:
    """Return the character set of new stores if the profile names none; None: the same as for the others.

    Source: procedure, chapter 2: `latin1` if a row of the pack's own store tables is too large in a multi-byte one.
    """
    try:
        return SINGLE_BYTE if needs_single_byte(packs) else None
    except EditError:
        return None  # reported by mysql.charset
