"""What a run would make, decided from what is there.  Pure: nothing here talks to a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.database.accounts import Account, taken_for
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
    """What an earlier run began and did not finish goes first."""
    recreate: bool = False
    """The database itself goes with it, and is made anew: that run had made it."""
    create: bool = False
    grant_to: tuple[Account, ...] = ()
    script: bool = False
    """The pack's script is run."""
    lacking: bool = False
    """Something is missing that this run may not make."""
    awaited: bool = False
    """Another run is at work on it."""

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
    """All that a run would make: the account (None: not needed), then the databases, one after the other."""

    account: Account | None
    databases: tuple[Need, ...]
    by_administrator: bool
    """Who does it: without an administrator the account itself runs the script."""
    busy: bool = False
    """Another run is at work: only under the lock can be said what is left to do."""

    @property
    def pending(self) -> bool:
        return self.busy or self.account is not None or any(need.pending for need in self.databases)

    @property
    def results(self) -> list[DatabaseResult]:
        return [need.result for need in self.databases]


def decide(
    wanted: WantedDatabases, situation: Situation, scripts: Scripts | None, begun: Mapping[str, bool]
) -> Needs:
    """What a run would make of this situation.

    `scripts`: None where no pack is here.  `begun`: what the journal says was begun and not finished, and whether
    the database itself was made then.
    """
    by_administrator = wanted.may_make and situation.administrator is not None
    account = wanted.account if by_administrator and account_can_be_made(wanted, situation) else None
    needs = tuple(
        _need(
            *(database, wanted, situation, scripts, begun), account=account, by_administrator=by_administrator
        )
        for database in wanted.databases
    )
    return Needs(account, needs, by_administrator, situation.busy)


def account_can_be_made(wanted: WantedDatabases, situation: Situation) -> bool:
    """Whether making the account would let it in: it is refused now, does not exist, and nothing shadows it."""
    failure = situation.account_failure
    if failure is None or failure.cause != "denied":
        return False
    if situation.accounts is None:
        return True  # nobody knows; the server will say if it exists
    if wanted.account in situation.accounts:
        return False
    return taken_for([*situation.accounts, wanted.account], wanted.login.username, situation.origins) in (
        wanted.account,
        None,  # it may not come from here at all, only from the nodes
    )


def verdict_of(database: Database, situation: Situation, scripts: Scripts | None, *, fold: bool) -> Verdict:
    """How a database compares with the pack's scripts; one without the pack's tables is whole when it exists."""
    contents = situation.contents.get(database.name)
    if database.has_schema and scripts is not None:
        return compare(contents, scripts.schemas, fold=fold)
    if contents is None:
        return Verdict("absent")
    return Verdict("empty" if contents.empty else "whole")


def _need(
    database: Database,
    wanted: WantedDatabases,
    situation: Situation,
    scripts: Scripts | None,
    begun: Mapping[str, bool],
    *,
    account: Account | None,
    by_administrator: bool,
) -> Need:
    fold = situation.server is not None and situation.server.folds_names
    verdict = verdict_of(database, situation, scripts, fold=fold)
    contents = situation.contents.get(database.name)
    create = verdict.state == "absent" and by_administrator
    grant_to = tuple(_to_grant(database, situation, account)) if by_administrator else ()
    take_back = can_take_back(database, wanted, situation, verdict, begun)
    script = False
    if (
        database.has_schema
        and wanted.mode == "wizard"
        and scripts is not None
        and scripts.fitting is not None
    ):
        fillable = create or verdict.state == "empty" or take_back
        script = fillable and (by_administrator or _runs_script(database, situation))
    lacking = _lacks(database, wanted, situation, verdict, create=create, script=script)
    return Need(
        database=database,
        verdict=verdict,
        tables=len(contents.schema.tables) if contents is not None else 0,
        take_back=take_back and script,
        recreate=take_back and script and by_administrator and begun[database.name],
        create=create,
        grant_to=grant_to,
        script=script,
        lacking=lacking and not situation.busy,
        awaited=lacking and situation.busy,
    )


def _lacks(
    database: Database,
    wanted: WantedDatabases,
    situation: Situation,
    verdict: Verdict,
    *,
    create: bool,
    script: bool,
) -> bool:
    if verdict.state == "absent":
        return not create or (database.has_schema and wanted.mode == "wizard" and not script)
    if database.has_schema and verdict.state in ("partial", "other"):
        return not script
    if database.has_schema and verdict.state == "empty":
        return wanted.mode != "server" and not script
    return False


def _to_grant(database: Database, situation: Situation, account: Account | None) -> list[Account]:
    """The accounts that get all rights on the database: a new one, and those that lack what the servers need."""
    found = [account] if account is not None else []
    for one, rights in situation.rights.items():
        if one.username and rights.missing(database.name, SERVERS_NEED):
            found.append(one)
    return found


def _runs_script(database: Database, situation: Situation) -> bool:
    """Whether the account itself may run the script in this database."""
    if situation.account is None:
        return False
    return not situation.rights[situation.account].missing(database.name, SCRIPT_NEEDS)


def can_take_back(
    database: Database,
    wanted: WantedDatabases,
    situation: Situation,
    verdict: Verdict,
    begun: Mapping[str, bool],
) -> bool:
    """Whether what an earlier run of this machine began there may go: only its own, and only without a row."""
    contents = situation.contents.get(database.name)
    if database.name not in begun or contents is None or wanted.mode != "wizard" or not database.has_schema:
        return False
    if verdict.state == "partial":
        untouched = not verdict.foreign and not contents.others
        return untouched and database.name not in situation.with_rows
    # Made by that run and still empty: it goes, too, since its character set may be what went wrong.
    return verdict.state == "empty" and begun[database.name] and situation.administrator is not None


def administrator_lacks(wanted: WantedDatabases, situation: Situation, needs: Needs) -> list[str]:
    """The rights that this run needs and the administrator has not, each with what it is for."""
    rights = situation.administrator
    if rights is None or not needs.by_administrator:
        return []
    lacking: list[str] = []
    if needs.account is not None and rights.missing(None, ["CREATE USER"]):
        lacking.append("CREATE USER on *.*")
    for need in needs.databases:
        name = need.database.name
        wants = set(SCRIPT_NEEDS) if need.script else set()
        if need.create:
            wants.add("CREATE")
        if need.take_back:
            wants.add("DROP")
        missing = rights.missing(name, sorted(wants))
        if need.grant_to:
            missing += [
                one for one in rights.missing(name, ALL_OF_A_DATABASE, grantable=True) if one not in missing
            ]
        if missing:
            lacking.append(f"{', '.join(missing)} on {name}.*")
    return lacking
