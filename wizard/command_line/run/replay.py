"""`replay`: profile → checks → plan → databases → files; and `check`, which stops after the checks.

The screen calls the same functions one by one: `prepare`, `checks.run`, `apply`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizard.pack.home import Pack, is_pack
from wizard.plan import planner
from wizard.plan.diff import unified
from wizard.preflight import checks, drift
from wizard.preflight.checks import CheckContext
from wizard.profile import passwords
from wizard.profile.names import called
from wizard.steps import procedure
from wizard.system.cancel import Cancel
from wizard.system.errors import ChecksFailed, UsageError, WizardError, os_errors_as_failures
from wizard.system.finding import ANY_PROFILE, Agree, Finding
from wizard.system.network import on_one_machine, resolve_ahead
from wizard.transaction import apply as applying
from wizard.transaction import recovery, runs
from wizard.transaction.home_lock import locked

if TYPE_CHECKING:
    from wizard.database.needs import Needs
    from wizard.database.provision import DatabaseProgress
    from wizard.passwords.masking import Masker
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords
    from wizard.steps.step import Step
    from wizard.transaction.apply import Keeper

    Keeping = Callable[["Prepared"], AbstractContextManager[tuple[Keeper, tuple[str, ...]]]]
    """Returns what stops and starts the servers of a running pair, and the order of the nodes.

    It raises `ChecksFailed` where no node may be stopped.
    """

RunOutcome = Literal["applied", "unchanged", "pending", "refused", "failed", "cancelled", "ok", "restored"]


class Options(NamedTuple):
    """The options of a run."""

    only_node: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    offline: bool = False
    ignore: tuple[str, ...] = ()
    dry_run: bool = False
    rolling: bool = False

    def validate(self, profile: Profile) -> None:
        """Refuse options that exclude each other or name nothing.  `UsageError` names the option and what it takes."""
        excluded = [
            ("--rolling", "--node", self.rolling and self.only_node is not None),
            ("--rolling", "--offline", self.rolling and self.offline),
            ("--only", "--skip", bool(self.only and self.skip)),
        ]
        for one, other, given in excluded:
            if given:
                raise UsageError(f"{one} and {other} exclude each other", fix="use one of them")
        nodes = tuple(node.name for node in profile.nodes)
        checks_known = tuple(one.id for one in procedure.CHECKS)
        for option, values, what, known in (
            ("--only", self.only, "step has this name", procedure.STEP_IDS),
            ("--skip", self.skip, "step has this name", procedure.STEP_IDS),
            ("--ignore", self.ignore, "check has this id", checks_known),
            ("--node", () if self.only_node is None else (self.only_node,), "node has this name", nodes),
        ):
            for value in values:
                if value not in known:
                    raise UsageError(f"{option} {value}: no {what}", fix=_nearest(value, known))
        for value in self.ignore:
            if value in checks.UNIGNORABLE:
                raise UsageError(
                    f"--ignore {value}: this check cannot be ignored", fix="correct what it reports"
                )


def _nearest(value: str, known: tuple[str, ...]) -> str:
    import difflib

    near = difflib.get_close_matches(value, known, 1)
    return f"did you mean {near[0]}?" if near and len(known) > 2 else f"use one of: {', '.join(known)}"


@dataclass
class Result:
    """How a command ended: everything that its text and its JSON contain."""

    outcome: RunOutcome
    exit_code: int
    run: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    checks: list[Finding] = field(default_factory=list)
    databases: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    ignored: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The one object of `--json` (design.md, "Commands")."""
        checks = [check_json(result, self.ignored) for result in self.checks]
        result = {"version": 1, "outcome": self.outcome, "run": self.run, "files": self.files}
        return {**result, "checks": checks, "databases": self.databases, "error": self.error}


def check_json(result: Finding, ignored: tuple[str, ...] = ()) -> dict[str, Any]:
    """A check's entry in the JSON."""
    return {
        "id": result.id,
        "step": result.id.partition(".")[0],
        "node": result.node,
        "status": result.status,
        "message": result.message,
        "fix": result.fix,
        **({"needs_agreement": True} if isinstance(result.action, Agree) else {}),
        **({"ignored": True} if result.id in ignored and result.status == "warning" else {}),
    }


@dataclass
class Prepared:
    """A run before it writes: its plan, and what its checks read."""

    profile: Profile
    options: Options
    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]
    passwords: Passwords
    packs: dict[str, Pack]
    real_homes: dict[str, str]
    """The nodes' homes with links resolved, as planned."""
    plan: planner.Plan
    context: CheckContext

    @property
    def homes(self) -> list[Path]:
        """The homes that this run works on."""
        return [self.packs[node.name].home for node in self.nodes if node.name in self.packs]

    def files(self, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add to the entries of `files` the masked diff, and whether the change can roll; null where there is none."""
        hide = self.masker()
        return [
            {**entry, "diff": "\n".join(unified(change, hide)) or None, "rolling": change.rolls}
            for entry, change in zip(files, self.plan.changes, strict=False)
        ]

    def masker(self) -> Masker:
        """Return what hides the passwords of this run in a diff."""
        from wizard.passwords.masking import masker

        references = [
            key for key, value in self.passwords.url_parameters.items() if not isinstance(value, str)
        ]
        return masker([secret.reveal() for secret in self.passwords.all()], references)

    def plan_for(self, server: tuple[int, ...] | None, *, mariadb: bool) -> None:
        """Plan for a version of the server; None: unknown."""
        options = self.options
        self.plan = planner.build(
            self.profile,
            self.nodes,
            self.packs,
            self.passwords,
            self.steps,
            offline=options.offline,
            only_node=options.only_node,
            server=server,
            mariadb=mariadb,
        )
        self.context.plan = self.plan

    def check(self, cancel: Cancel | None = None) -> Iterator[Finding]:
        """Run all checks of this run; yield their findings as they come."""
        if cancel is not None:
            self.context.cancel = cancel
        return checks.run(
            procedure.checks_of(self.steps), self.context, ignore=frozenset(self.options.ignore)
        )


def packs_here(profile: Profile, only_node: str | None, *, resolve: bool) -> dict[str, Pack]:
    """The packs whose homes are on this machine, by node.

    With `--node`, the other node's home counts only if both are on one machine: on two, its path here is another
    folder, mostly this node's own.
    """
    together = only_node is None or on_one_machine([node.host for node in profile.nodes], resolve=resolve)
    return {
        node.name: Pack(Path(node.home))
        for node in profile.nodes
        if (together or node.name == only_node) and is_pack(Path(node.home))
    }


def prepare(profile: Profile, options: Options, resolver: Resolver, *, called: str = ANY_PROFILE) -> Prepared:
    """Read everything and plan; nothing is written, the network is used only to resolve names.

    `UsageError` for options that exclude each other; every other problem becomes a finding of the checks.
    """
    options.validate(profile)
    if not options.offline:
        resolve_ahead([*(node.host for node in profile.nodes), profile.mysql.host])
    chosen = procedure.chosen(options.only, options.skip)
    nodes = tuple(node for node in profile.nodes if options.only_node in (None, node.name))
    packs = packs_here(profile, options.only_node, resolve=not options.offline)
    secrets = passwords.gather(profile, resolver, steps=[step.id for step in chosen], offline=options.offline)
    context = CheckContext(
        profile,
        nodes,
        packs,
        planner.Plan(()),
        secrets,
        trusted=resolver.trusted,
        offline=options.offline,
        only_node=options.only_node,
        called=called,
        steps=procedure.STEPS,
        rolling=options.rolling,
    )
    real = {name: os.path.realpath(pack.home) for name, pack in packs.items()}
    prepared = Prepared(profile, options, nodes, chosen, secrets, packs, real, context.plan, context)
    version, mariadb = assumed_server(profile)
    prepared.plan_for(version, mariadb=mariadb)
    return prepared


def assumed_server(profile: Profile) -> tuple[tuple[int, ...] | None, bool]:
    """The server's version in the profile, and whether it is MariaDB; None where the profile has none."""
    from wizard.pack.releases import version_tuple

    text = profile.mysql.server_version
    return (version_tuple(text), "mariadb" in text.lower()) if text else (None, False)


def check(
    loaded: LoadedProfile,
    options: Options,
    resolver: Resolver,
    *,
    tell: Callable[[Finding], None],
    cancel: Cancel,
) -> Result:
    """Run only the checks.  Outcome `ok` (0), or `refused`: 3, and 5 after an interrupted run."""
    with os_errors_as_failures():
        prepared = prepare(loaded.profile, options, resolver, called=called(loaded.name, loaded.path))
        found = look(prepared, tell, cancel)
    code = _refusal(found)
    databases = databases_json(pending_databases(prepared))
    return Result(
        "refused" if code else "ok", code, checks=found, databases=databases, ignored=options.ignore
    )


def look(prepared: Prepared, tell: Callable[[Finding], None], cancel: Cancel) -> list[Finding]:
    """Run all checks; return their findings, each passed to `tell` as it comes, and plan for the server's version."""
    found = []
    for result in prepared.check(cancel):
        found.append(result)
        tell(result)
    if cancel.is_set():
        raise KeyboardInterrupt
    if _knows_more(prepared):
        for result in checks.run(_of_the_plan(), prepared.context, ignore=frozenset(prepared.options.ignore)):
            if result.status == "error" and result not in found:
                found.append(result)
                tell(result)
    return found


def _knows_more(prepared: Prepared) -> bool:
    """Whether the server's version changes the plan, which is then made again."""
    if not _asks_databases(prepared) or prepared.profile.mysql.provisioning != "server":
        return False
    from wizard.preflight.mysql.view import DatabaseView

    try:
        greeting = DatabaseView(prepared.context).situation.greeting
    except Exception:
        return False  # mysql.connect reports it
    before = prepared.plan
    prepared.plan_for(greeting.version, mariadb=greeting.mariadb)
    return prepared.plan != before


def _of_the_plan() -> list[checks.Check]:
    """The checks of the plan itself."""
    ids = {f"prerequisites.{name}" for name in ("files", "running", "writable", "space", "same-home")}
    return [one for one in procedure.CHECKS if one.id in ids]


def _refusal(found: list[Finding]) -> int:
    """The exit code for the findings: 5 for an interrupted run, 3 for any other error, else 0."""
    errors = {result.id for result in found if result.status == "error"}
    return 5 if "apply.unfinished" in errors else 3 if errors else 0


def _asks_databases(prepared: Prepared) -> bool:
    return not prepared.options.offline and any(step.id == "mysql" for step in prepared.steps)


def pending_databases(prepared: Prepared) -> Needs | None:
    """What the run would create in the databases, by the checks; None offline, or where no server answers."""
    if not _asks_databases(prepared) or prepared.passwords.problems:
        return None
    from wizard.preflight.mysql.view import DatabaseView

    try:
        return DatabaseView(prepared.context).needs
    except Exception:
        return None  # a check reports it, and is ignored


def databases_json(needs: Needs | None) -> list[dict[str, Any]]:
    """The `databases` of the JSON: name, status, number of tables."""
    return [dataclasses.asdict(result) for result in needs.results] if needs is not None else []


def driver_at_last(prepared: Prepared, before: list[Finding]) -> list[Finding]:
    """Log in with the driver, now that account and databases exist; nothing where it was tried before."""
    if not any(result.id == "mysql.driver" and result.status == "skipped" for result in before):
        return []
    again = [one for one in procedure.CHECKS if one.id == "mysql.driver"]
    return list(checks.run(again, prepared.context, ignore=frozenset(prepared.options.ignore)))


def replay(
    loaded: LoadedProfile,
    options: Options,
    resolver: Resolver,
    *,
    tell: Callable[[Finding], None] = lambda result: None,
    say: Callable[[str], None] = lambda text: None,
    progress: applying.WriteProgress = applying.no_progress,
    database_progress: DatabaseProgress = lambda database, done, total, text: None,
    agreed: Callable[[Prepared], bool] = lambda prepared: True,
    keeping: Keeping | None = None,
    cancel: Cancel,
) -> tuple[Result, Prepared]:
    """Check, create the databases, write: both nodes, or the one of `--node`, or nothing.

    With the option `rolling` the pair stays up: the files of a node are written after `keeping` has stopped its server.
    `tell` gets each finding, `say` lines for people, `progress` each path that is written, `database_progress` each
    statement that is run.  `agreed` is called last, before the first write: whether the plan is the one that the user
    has seen.
    """
    options.validate(loaded.profile)
    with os_errors_as_failures(), ExitStack() as stack:
        if not options.dry_run:
            here = packs_here(loaded.profile, options.only_node, resolve=not options.offline)
            homes = [pack.home for name, pack in here.items() if options.only_node in (None, name)]
            stack.enter_context(locked(homes))
            for recovered in recovery.recover(homes, cancel):
                for line in recovered.lines():
                    say(line)
        prepared = prepare(loaded.profile, options, resolver, called=called(loaded.name, loaded.path))
        found = look(prepared, tell, cancel)
        needs = pending_databases(prepared)
        result = Result(
            "refused",
            _refusal(found),
            files=applying.files_json(prepared.plan, status="pending"),
            checks=found,
            databases=databases_json(needs),
            ignored=options.ignore,
        )
        if result.exit_code:
            return result, prepared
        databases_pending = needs is not None and needs.pending
        if not prepared.plan.pending and not databases_pending:
            return dataclasses.replace(result, outcome="unchanged"), prepared
        if options.rolling and (stays := _stays(prepared, result.databases)):
            both = "both nodes need these changes at once, so that they cannot be made node by node"
            error = f"{both}:\n{stays}\n  fix: {ordinary_way(prepared)}"
            return dataclasses.replace(result, exit_code=3, error=error), prepared
        if options.dry_run:
            return dataclasses.replace(result, outcome="pending", exit_code=4), prepared
        if not agreed(prepared):
            changed = "a file was changed since the plan was shown\n  fix: review the plan again"
            return dataclasses.replace(result, exit_code=3, error=changed), prepared
        if databases_pending:
            result = _with_databases(prepared, result, database_progress, cancel, tell)
            if result.exit_code:
                return result, prepared
        if not prepared.plan.pending:
            return dataclasses.replace(result, outcome="applied"), prepared
        if not options.rolling:
            return write(loaded, prepared, result, progress, cancel), prepared
        assert keeping is not None, "nothing stops the servers"
        try:
            keeper, stages = stack.enter_context(keeping(prepared))
        except ChecksFailed as problem:
            return dataclasses.replace(result, exit_code=3, error=str(problem)), prepared
        return write(loaded, prepared, result, progress, cancel, keeper, stages), prepared


def _stays(prepared: Prepared, databases: list[dict[str, Any]]) -> str:
    """List what cannot be changed node by node."""
    lines = [
        f"  {change.node}  {change.path}: {line.text}"
        for change in prepared.plan.pending
        for line in change.lines
        if not line.rolls
    ]
    lines += [f"  database {one['name']}: {one['status']}" for one in databases if one["status"] == "pending"]
    return "\n".join(lines)


def ordinary_way(prepared: Prepared) -> str:
    """The commands for a change that cannot roll."""
    return ", ".join(
        f"apimha-wizard {verb} {prepared.context.called}" for verb in ("stop", "replay", "start")
    )


def _with_databases(
    prepared: Prepared,
    result: Result,
    progress: DatabaseProgress,
    cancel: Cancel,
    tell: Callable[[Finding], None],
) -> Result:
    """Create the databases; return the result, which has failed where the homes must not be touched."""
    from wizard.command_line.run.databases import make_databases

    try:
        made = make_databases(
            prepared.profile, prepared.passwords, prepared.packs, progress=progress, cancel=cancel
        )
    except WizardError as problem:
        left = getattr(problem, "results", None)
        databases = [dataclasses.asdict(one) for one in left] if left is not None else result.databases
        return dataclasses.replace(_failed(result, problem), databases=databases)
    prepared.context.forget()
    databases = [dataclasses.asdict(one) for one in made]
    driver = driver_at_last(prepared, result.checks)
    for finding in driver:
        tell(finding)
    found = [one for one in result.checks if one.id != "mysql.driver" or not driver] + driver
    return dataclasses.replace(result, databases=databases, checks=found, exit_code=_refusal(driver))


def _failed(result: Result, problem: WizardError) -> Result:
    outcome = problem.outcome if problem.exit_code in {5, 130} else "failed"
    return dataclasses.replace(result, outcome=outcome, exit_code=problem.exit_code, error=str(problem))


def write(
    loaded: LoadedProfile,
    prepared: Prepared,
    result: Result,
    progress: applying.WriteProgress,
    cancel: Cancel,
    keeper: Keeper | None = None,
    stages: tuple[str, ...] = (),
) -> Result:
    """Apply the plan; the caller holds the locks of the homes.  Return the result; never raises."""
    files = applying.files_json(prepared.plan)
    run = runs.new(
        "replay",
        loaded.name,
        str(loaded.path.resolve()),
        {node.name: prepared.real_homes[node.name] for node in prepared.nodes},
        files=tuple(file for file in files if file["status"] != "unchanged"),
        ignored=prepared.options.ignore,
        databases=tuple(result.databases),
        stages=stages,
    )
    try:
        run = applying.apply(prepared.plan, run, cancel=cancel, progress=progress, keeper=keeper)
    except WizardError as problem:
        return _failed(result, problem)
    drift.remember(prepared.plan, run)
    runs.enlist(run)
    return dataclasses.replace(result, outcome="applied", run=run.run, files=files)
