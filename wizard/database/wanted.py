"""What the profile wants of the database server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.database.accounts import Account
from wizard.database.failure import Endpoint

if TYPE_CHECKING:
    from wizard.passwords.secret import Secret
    from wizard.profile.model import Profile
    from wizard.profile.passwords import Passwords

Mode = Literal["wizard", "server", "dba"]

SCHEMA_ROLES = ("user", "registry")
"""The databases that get the tables of the pack's script; the others are the server's own (procedure, 2)."""


@dataclass(frozen=True, slots=True)
class Login:
    """A name and its password."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Database:
    """A database, what it is for, and whether the pack's tables belong into it."""

    name: str
    role: str

    @property
    def has_schema(self) -> bool:
        return self.role in SCHEMA_ROLES


@dataclass(frozen=True, slots=True)
class WantedDatabases:
    """Where, by whom, and which databases.  `administrator` is None where the profile names none."""

    endpoint: Endpoint
    login: Login
    administrator: Login | None
    grant_host: str
    charset: str | None
    mode: Mode
    databases: tuple[Database, ...]

    @property
    def account(self) -> Account:
        """The account that is made where there is none."""
        return Account(self.login.username, self.grant_host)

    @property
    def may_make(self) -> bool:
        """Whether a run may make databases, account and grants: not for a DBA, and not without administrator."""
        return self.mode != "dba" and self.administrator is not None


def wanted(profile: Profile, passwords: Passwords) -> WantedDatabases:
    """What this profile wants, with its passwords resolved."""
    mysql = profile.mysql
    administrator = None
    if mysql.admin_username is not None and passwords.admin is not None:
        administrator = Login(mysql.admin_username, passwords.admin)
    return WantedDatabases(
        endpoint=Endpoint(mysql.host, mysql.port),
        login=Login(mysql.username, passwords.mysql),
        administrator=administrator,
        grant_host=mysql.grant_host,
        charset=mysql.charset,
        mode=mysql.provisioning,
        databases=tuple(Database(name, role) for role, name in mysql.database_names().items()),
    )
