"""What a run would create, decided from what exists.  Pure: no server is asked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.database.accounts import Account, match_account
from wizard.database.rights import ALL_OF_A_DATABASE, SCRIPT_NEEDS, SERVERS_NEED
from wizard.database.schema import Verdict, compare

if TYPE_CHECKING:
    from wizard.database.scripts import Scripts
    from wizard.database.situation import Situation
    from wizard.database.wanted import Database, WantedDatabases

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


def decide(
    wanted: WantedDatabases, situation: Situation, scripts: Scripts | None, begun: Mapping[str, bool]
) -> Needs:
    """Return what a run would create.

    `scripts`: None if no pack is here.  `begun`: the databases that the journal names as begun and not finished, and
    whether that run created the database itself.
    """
    by_administrator = wanted.may_create and situation.administrator is not None
    account = wanted.account if by_administrator and _account_can_be_created(wanted, situation) else None
    decision = _Decision(wanted, situation, scripts, begun, account, by_administrator)
    needs = tuple(map(decision.need, wanted.databases))
    return Needs(account, needs, by_administrator, situation.busy)


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


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is known when the needs of each database are decided."""

    wanted: WantedDatabases
    situation: Situation
    scripts: Scripts | None
    begun: Mapping[str, bool]
    account: Account | None
    by_administrator: bool

    def need(self, database: Database) -> Need:
        situation, name = self.situation, database.name
        contents = situation.contents.get(name)
        verdict = self._verdict(database)
        create = verdict.state == "absent" and self.by_administrator
        take_back = self._can_take_back(database, verdict)
        fillable = create or verdict.state == "empty" or take_back
        script = (
            fillable
            and database.has_schema
            and self.wanted.mode == "wizard"
            and self.scripts is not None
            and self.scripts.fitting is not None
            and (self.by_administrator or self._account_may_run_script(name))
        )
        lacking = self._lacks(database, verdict, create=create, script=script)
        return Need(
            database=database,
            verdict=verdict,
            tables=len(contents.schema.tables) if contents is not None else 0,
            take_back=take_back and script,
            recreate=take_back and script and self.by_administrator and self.begun[name],
            create=create,
            grant_to=self._to_grant(name) if self.by_administrator else (),
            script=script,
            lacking=lacking and not situation.busy,
            awaited=lacking and situation.busy,
        )

    def _verdict(self, database: Database) -> Verdict:
        """Compare a database with the pack's scripts; one without the pack's tables is whole if it exists."""
        contents, server = self.situation.contents.get(database.name), self.situation.server
        if database.has_schema and self.scripts is not None:
            fold = server is not None and server.folds_names
            return compare(contents, self.scripts.schemas, fold=fold)
        if contents is None:
            return Verdict("absent")
        return Verdict("empty" if contents.empty else "whole")

    def _lacks(self, database: Database, verdict: Verdict, *, create: bool, script: bool) -> bool:
        mode = self.wanted.mode
        if verdict.state == "absent":
            return not create or (database.has_schema and mode == "wizard" and not script)
        if not database.has_schema or script:
            return False
        return verdict.state in ("partial", "other") or (verdict.state == "empty" and mode != "server")

    def _to_grant(self, name: str) -> tuple[Account, ...]:
        """Return the accounts that get all privileges on the database: a new one, and those that lack some."""
        lacking = (
            account
            for account, rights in self.situation.rights.items()
            if account.username and rights.missing(name, SERVERS_NEED)
        )
        return (*([self.account] if self.account is not None else []), *lacking)

    def _account_may_run_script(self, name: str) -> bool:
        account = self.situation.account
        return account is not None and not self.situation.rights[account].missing(name, SCRIPT_NEEDS)

    def _can_take_back(self, database: Database, verdict: Verdict) -> bool:
        """Whether what an earlier run of this machine began there may be removed: its own tables, without a row."""
        name = database.name
        contents = self.situation.contents.get(name)
        if (
            name not in self.begun
            or contents is None
            or self.wanted.mode != "wizard"
            or not database.has_schema
        ):
            return False
        if verdict.state == "partial":
            return not verdict.foreign and not contents.others and name not in self.situation.with_rows
        # An empty database that the run created is dropped too: its character set may have caused the failure.
        return verdict.state == "empty" and self.begun[name] and self.situation.administrator is not None


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
