"""What the profile wants of the database server, and what a run would create for it.  No server is asked here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from wizard.database.accounts import ALL_OF_A_DATABASE, SCRIPT_NEEDS, SERVERS_NEED, Account, match_account
from wizard.database.failure import Endpoint, Verifies
from wizard.database.schema import Verdict, compare
from wizard.pack.stores import SINGLE_BYTE, needs_single_byte
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.database.script import Scripts
    from wizard.database.situation import Situation
    from wizard.pack.home import Pack
    from wizard.passwords.secret import Secret
    from wizard.profile.model import MySQL, Profile
    from wizard.profile.passwords import Passwords

# --- what the profile wants --------------------------------------------------------------------------------

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
    """A database and its roles: several in a profile may name the same one."""

    name: str
    roles: tuple[str, ...]

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
    return tuple(Database(name, tuple(of_name)) for name, of_name in roles.items())


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
    name, word = mysql.admin_username, passwords.admin
    return WantedDatabases(
        endpoint=_endpoint(mysql),
        login=Login(mysql.username, passwords.mysql),
        administrator=Login(name, word) if name is not None and word is not None else None,
        grant_host=mysql.grant_host,
        charset=mysql.charset,
        mode=mysql.provisioning,
        databases=databases_of(mysql.database_names().items()),
        store_charset=mysql.store_charset or default_store_charset(packs),
    )


# The values of `sslMode` by which the driver verifies the certificate: Connector/J's, then those of MariaDB's driver.
_VERIFIES: dict[str, Verifies] = {
    "verify_ca": "authority",
    "verify_identity": "identity",
    "verify-ca": "authority",
    "verify-full": "identity",
}
_FOR_JAVA = {"trustcertificatekeystoreurl", "truststore", "serversslcert"}


def _endpoint(mysql: MySQL) -> Endpoint:
    """Return where the server listens, and what the URL parameters allow and require, as the driver reads them."""
    given = {name.lower(): str(value).lower() for name, value in mysql.url_parameters.items()}
    without_tls = given.get("usessl") == "false"
    mode = "verify_ca" if given.get("verifyservercertificate") == "true" and not without_tls else ""
    verifies = _VERIFIES.get(given.get("sslmode", mode), "")
    return Endpoint(
        mysql.host,
        mysql.port,
        plain_after_tls=without_tls and not verifies,
        trusts_server_key=given.get("allowpublickeyretrieval") == "true",
        verifies="by driver" if verifies and _FOR_JAVA & given.keys() else verifies,
    )


def default_store_charset(packs: Iterable[Pack]) -> str | None:
    """Return the character set of new stores if the profile names none; None: the same as for the others.

    Source: procedure, chapter 2: `latin1` if a row of the pack's own store tables is too large in a multi-byte one.
    """
    try:
        return SINGLE_BYTE if needs_single_byte(packs) else None
    except EditError:
        return None  # reported by mysql.charset


# --- what a run would create ------------------------------------------------------------------------------

DatabaseStatus = Literal["created", "present", "pending", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    """A database as `--json` names it; `tables` is how many it holds."""

    name: str
    status: DatabaseStatus
    tables: int


@dataclass(frozen=True, slots=True)
class Need:
    """What one database needs, in the order in which it is done."""

    database: Database
    verdict: Verdict
    tables: int
    take_back: bool = False
    """What an earlier run began and did not finish is removed first."""
    recreate: bool = False
    """The database itself is dropped and created again: that run had created it."""
    create: bool = False
    grant_to: tuple[Account, ...] = ()
    script: bool = False
    """The pack's script is run."""
    lacking: bool = False
    """Something is missing that this run may not create."""
    awaited: bool = False
    """Another run is working on it."""

    @property
    def pending(self) -> bool:
        return self.awaited or self.take_back or self.create or self.script or bool(self.grant_to)

    @property
    def result(self) -> DatabaseResult:
        """What a run would do to it."""
        status: DatabaseStatus = "missing" if self.lacking else "pending" if self.pending else "present"
        return DatabaseResult(self.database.name, status, self.tables)


@dataclass(frozen=True, slots=True)
class Needs:
    """All that a run would create: the account (None: not needed), then the databases, one after the other."""

    account: Account | None
    databases: tuple[Need, ...]
    by_administrator: bool
    """Whether the administrator creates it: otherwise the account itself runs the script."""
    busy: bool = False
    """Another run is working in the databases: what is left to do is known only under the lock."""

    @property
    def pending(self) -> bool:
        return self.busy or self.account is not None or any(need.pending for need in self.databases)

    @property
    def results(self) -> list[DatabaseResult]:
        return [need.result for need in self.databases]


def decide(wanted: WantedDatabases, situation: Situation, scripts: Scripts | None) -> Needs:
    """Return what a run would create; `scripts`: None if no pack is here."""
    by_administrator = wanted.may_create and situation.administrator is not None
    account = wanted.account if by_administrator and _account_can_be_created(wanted, situation) else None
    needs = Needs(account, (), by_administrator, situation.busy)
    databases = (_need(database, wanted, situation, scripts, needs) for database in wanted.databases)
    return replace(needs, databases=tuple(databases))


def _account_can_be_created(wanted: WantedDatabases, situation: Situation) -> bool:
    """Whether creating the account would let it log in: it is refused now, does not exist, and none shadows it."""
    failure = situation.account_failure
    if failure is None or failure.cause != "denied":
        return False
    if situation.accounts is None:
        return True  # unknown; the server reports an account that exists
    if wanted.account in situation.accounts:
        return False
    matched = match_account([*situation.accounts, wanted.account], wanted.login.username, situation.origins)
    return matched in (wanted.account, None)  # None: it may log in from the nodes only, not from here


def _need(
    database: Database, wanted: WantedDatabases, situation: Situation, scripts: Scripts | None, run: Needs
) -> Need:
    """Return what one database needs in a run that is known but for its databases."""
    name, contents = database.name, situation.contents.get(database.name)
    if database.has_schema and scripts is not None:
        verdict = compare(contents, [script.schema for script in scripts.all])
    else:  # one without the pack's tables is whole if it exists
        verdict = Verdict("absent" if contents is None else "empty" if contents.empty else "whole")
    state, begun = verdict.state, situation.begun.get(name)
    create = state == "absent" and run.by_administrator
    own = situation.rights.get(situation.account) if situation.account is not None else None
    fillable = (
        (database.has_schema and wanted.mode == "wizard")
        and (scripts is not None and scripts.fitting is not None)
        and (run.by_administrator or (own is not None and not own.missing(name, SCRIPT_NEEDS)))
    )
    # What an earlier run of this machine began may be removed: its own tables, without a row.  An empty database that
    # the run created is dropped too: its character set may have caused the failure.
    take_back = False
    if fillable and begun is not None and contents is not None:
        others = verdict.foreign or contents.others or name in situation.with_rows
        take_back = (state == "partial" and not others) or (
            state == "empty" and begun and run.by_administrator
        )
    script = fillable and (create or state == "empty" or take_back)
    if state == "absent":
        lacking = not create or (database.has_schema and wanted.mode == "wizard" and not script)
    else:
        unfilled = state in ("partial", "other") or (state == "empty" and wanted.mode != "server")
        lacking = database.has_schema and not script and unfilled
    # A new account gets all privileges, and so do those that lack some.
    weak = (
        account
        for account, rights in situation.rights.items()
        if account.username and rights.missing(name, SERVERS_NEED)
    )
    new = [run.account] if run.account is not None else []
    return Need(
        database=database,
        verdict=verdict,
        tables=len(contents.schema.tables) if contents is not None else 0,
        take_back=take_back,
        recreate=take_back and run.by_administrator and begun is True,
        create=create,
        grant_to=(*new, *weak) if run.by_administrator else (),
        script=script,
        lacking=lacking and not situation.busy,
        awaited=lacking and situation.busy,
    )


def administrator_lacks(wanted: WantedDatabases, situation: Situation, needs: Needs) -> list[str]:
    """Return the privileges that this run needs and the administrator lacks, each with what it is for."""
    rights = situation.administrator
    if rights is None or not needs.by_administrator:
        return []
    lacking: list[str] = []
    if needs.account is not None and rights.missing(None, ["CREATE USER"]):
        lacking.append("CREATE USER on *.*")
    for need in needs.databases:
        name = need.database.name
        wants = {
            *(SCRIPT_NEEDS if need.script else ()),
            *(["CREATE"] if need.create else []),
            *(["DROP"] if need.take_back else []),
        }
        missing = rights.missing(name, sorted(wants))
        if need.grant_to:
            missing += rights.missing(name, ALL_OF_A_DATABASE, grantable=True)
        if missing:
            lacking.append(f"{', '.join(dict.fromkeys(missing))} on {name}.*")
    return lacking
