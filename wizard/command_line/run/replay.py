"""`replay`: profile → checks → plan → databases → files; and `check`, which stops after the checks.

The screen calls the same functions one by one: `prepare`, `checks.run`, `apply`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from wizard.pack.home import Pack, is_pack
from wizard.pack.releases import version_tuple
from wizard.plan import planner
from wizard.plan.diff import unified
from wizard.preflight import checks, drift
from wizard.preflight.checks import CheckContext
from wizard.profile import passwords
from wizard.profile.files import called
from wizard.steps import procedure
from wizard.system.errors import Cancel, ChecksFailed, UsageError, WizardError, os_errors_as_failures
from wizard.system.finding import ANY_PROFILE, Agree, Finding
from wizard.system.network import on_one_machine, resolve_ahead
from wizard.transaction import apply as applying
from wizard.transaction import recovery, runs
from wizard.transaction.marker import locked

if TYPE_CHECKING:
    from wizard.database.needs import Needs
    from wizard.database.provision import DatabaseProgress
    from wizard.passwords.masking import Masker
    from wizard.passwords.resolver import Resolver
    from wizard.preflight.mysql.view import DatabaseView
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Profile
    from wizard.steps.step import Step
    from wizard.transaction.apply import Keeper

    Keeping = Callable[["Prepared"], AbstractContextManager[tuple[Keeper, tuple[str, ...]]]]
    """Returns what stops and starts the servers of a running pair, and the order of the nodes.

    It raises `ChecksFailed` where no node may be stopped.
    """

T = TypeVar("T")
Tell = Callable[[Finding], None]
"""Gets each finding as it comes."""
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
        for one, other, given in (
            ("--rolling", "--node", self.rolling and self.only_node is not None),
            ("--rolling", "--offline", self.rolling and self.offline),
            ("--only", "--skip", self.only and self.skip),
        ):
            if given:
                raise UsageError(f"{one} and {other} exclude each other", fix="use one of them")
        for option, values, what, known in (
            ("--only", self.only, "step has this name", procedure.STEP_IDS),
            ("--skip", self.skip, "step has this name", procedure.STEP_IDS),
            ("--ignore", self.ignore, "check has this id", tuple(one.id for one in procedure.CHECKS)),
            ("--node", (self.only_node,), "node has this name", tuple(node.name for node in profile.nodes)),
        ):
            for value in values:
                if value is not None and value not in known:
                    raise UsageError(f"{option} {value}: no {what}", fix=_nearest(value, known))
                if value in checks.UNIGNORABLE:
                    text = f"--ignore {value}: this check cannot be ignored"
                    raise UsageError(text, fix="correct what it reports")


def _nearest(value: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(value, known, 1)
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
        checks = [
            {"id": one.id, "step": one.id.partition(".")[0]}
            | {key: getattr(one, key) for key in ("node", "status", "message", "fix")}
            | ({"needs_agreement": True} if isinstance(one.action, Agree) else {})
            | ({"ignored": True} if one.id in self.ignored and one.status == "warning" else {})
            for one in self.checks
        ]
        result = {"version": 1, "outcome": self.outcome, "run": self.run, "files": self.files}
        return {**result, "checks": checks, "databases": self.databases, "error": self.error}


@dataclass(eq=False, kw_only=True)
class Prepared(CheckContext):
    """A run before it writes: its plan, and what its checks read."""

    options: Options
    chosen: tuple[Step, ...]
    """The steps of this run."""

    def files(self, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add to the entries of `files` the masked diff, and whether the change can roll; null where there is none."""
        hide = self.masker()
        return [
            {**entry, "diff": "\n".join(unified(change, hide)) or None, "rolling": change.rolls}
            for entry, change in zip(files, self.plan.changes, strict=False)
        ]

    def masker(self) -> Masker:
        """Return what hides the passwords of this run in a diff."""
        from wizard.passwords.masking import Masker

        return Masker([secret.reveal() for secret in self.passwords.all()], self.passwords.url_parameters)

    def plan_for(self, server: tuple[int, ...] | None, *, mariadb: bool) -> None:
        """Plan for a version of the server; None: unknown."""
        who, how = (self.profile, self.nodes, self.packs, self.passwords), (self.offline, self.only_node)
        self.plan = planner.build(*who, self.chosen, *how, server=server, mariadb=mariadb)

    def check(self, chosen: Iterable[checks.Check]) -> Iterator[Finding]:
        """Run checks of this run; yield their findings as they come."""
        return checks.run(chosen, self, ignore=frozenset(self.options.ignore))


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
    offline, only_node = options.offline, options.only_node
    chosen = procedure.chosen(options.only, options.skip)
    prepared = Prepared(
        profile,
        nodes=tuple(node for node in profile.nodes if only_node in (None, node.name)),
        packs=packs_here(profile, only_node, resolve=not offline),
        plan=planner.Plan(()),
        passwords=passwords.gather(profile, resolver, steps=[step.id for step in chosen], offline=offline),
        trusted=resolver.trusted,
        offline=offline,
        only_node=only_node,
        called=called,
        steps=procedure.STEPS,
        rolling=options.rolling,
        options=options,
        chosen=chosen,
    )
    assumed = profile.mysql.server_version or ""
    prepared.plan_for(version_tuple(assumed) or None, mariadb="mariadb" in assumed.lower())
    return prepared


def check(
    loaded: LoadedProfile, options: Options, resolver: Resolver, *, tell: Tell, cancel: Cancel
) -> Result:
    """Run only the checks.  Outcome `ok` (0), or `refused`: 3, and 5 after an interrupted run."""
    with os_errors_as_failures():
        prepared = prepare(loaded.profile, options, resolver, called=called(loaded.name, loaded.path))
        result, _ = _checked(prepared, tell, cancel)
    return result if result.exit_code else dataclasses.replace(result, outcome="ok")


def _checked(prepared: Prepared, tell: Tell, cancel: Cancel) -> tuple[Result, Needs | None]:
    """Run all checks; return the result with their findings, and what is to be created in the databases."""
    found = look(prepared, tell, cancel)
    needs = pending_databases(prepared)
    databases = [dataclasses.asdict(one) for one in needs.results] if needs is not None else []
    ignored = prepared.options.ignore
    return Result("refused", _refusal(found), checks=found, databases=databases, ignored=ignored), needs


def look(prepared: Prepared, tell: Tell, cancel: Cancel) -> list[Finding]:
    """Run all checks; return their findings, each passed to `tell` as it comes, and plan for the server's version."""
    prepared.cancel = cancel
    found = []
    for result in prepared.check(procedure.checks_of(prepared.chosen)):
        found.append(result)
        tell(result)
    if cancel.is_set():
        raise KeyboardInterrupt
    before = prepared.plan
    if prepared.profile.mysql.provisioning == "server":
        server = _of_databases(prepared, lambda view: view.situation.greeting)
        if server is not None:
            prepared.plan_for(server.version, mariadb=server.mariadb)
    if prepared.plan != before:
        for result in prepared.check(one for one in procedure.CHECKS if one.id in OF_THE_PLAN):
            if result.status == "error" and result not in found:
                found.append(result)
                tell(result)
    return found


OF_THE_PLAN = {f"prerequisites.{name}" for name in ("files", "running", "writable", "space", "same-home")}
"""The checks of the plan itself, which run again where the version of the server changes it."""


def _of_databases(prepared: Prepared, read: Callable[[DatabaseView], T]) -> T | None:
    """Read what the checks know of the databases; None offline, without the step, or where no server answers."""
    if prepared.offline or all(step.id != "mysql" for step in prepared.chosen):
        return None
    from wizard.preflight.mysql.view import DatabaseView

    try:
        return read(DatabaseView(prepared))
    except Exception:
        return None  # a check reports it


def _refusal(found: list[Finding]) -> int:
    """The exit code for the findings: 5 for an interrupted run, 3 for any other error, else 0."""
    errors = {result.id for result in found if result.status == "error"}
    return 5 if "apply.unfinished" in errors else 3 if errors else 0


def pending_databases(prepared: Prepared) -> Needs | None:
    """What the run would create in the databases, by the checks; None offline, or where no server answers."""
    return None if prepared.passwords.problems else _of_databases(prepared, lambda view: view.needs)


def replay(
    loaded: LoadedProfile,
    options: Options,
    resolver: Resolver,
    *,
    tell: Tell = lambda result: None,
    say: Callable[[str], None] = lambda text: None,
    progress: applying.WriteProgress = lambda node, path, done, total: None,
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
        result, needs = _checked(prepared, tell, cancel)
        result.files = prepared.plan.files(status="pending")
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
        servers: tuple[Keeper | None, tuple[str, ...]] = None, ()
        if options.rolling:
            assert keeping is not None, "nothing stops the servers"
            try:
                servers = stack.enter_context(keeping(prepared))
            except ChecksFailed as problem:
                return dataclasses.replace(result, exit_code=3, error=str(problem)), prepared
        return _write(loaded, prepared, result, progress, cancel, *servers), prepared


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
    return ", ".join(f"apimha-wizard {verb} {prepared.called}" for verb in ("stop", "replay", "start"))


def _with_databases(
    prepared: Prepared, result: Result, progress: DatabaseProgress, cancel: Cancel, tell: Tell
) -> Result:
    """Create the databases; return the result, which has failed where the homes must not be touched."""
    from wizard.database.needs import wanted
    from wizard.database.provision import provision
    from wizard.database.situation import FileJournal

    packs = prepared.packs.values()
    try:
        target = wanted(prepared.profile, prepared.passwords, packs)
        journal = FileJournal(target.endpoint)
        made = provision(target, packs, journal, progress=progress, cancel=cancel)
    except WizardError as problem:
        left = getattr(problem, "results", None)
        databases = [dataclasses.asdict(one) for one in left] if left is not None else result.databases
        return dataclasses.replace(_failed(result, problem), databases=databases)
    prepared.forget()
    found, driver = result.checks, list[Finding]()
    if any(one.id == "mysql.driver" and one.status == "skipped" for one in found):
        # The driver can log in now that account and databases exist.
        driver = list(prepared.check(one for one in procedure.CHECKS if one.id == "mysql.driver"))
        found = [one for one in found if one.id != "mysql.driver"] + driver
        for finding in driver:
            tell(finding)
    databases = [dataclasses.asdict(one) for one in made]
    return dataclasses.replace(result, databases=databases, checks=found, exit_code=_refusal(driver))


def _failed(result: Result, problem: WizardError) -> Result:
    outcome = problem.outcome if problem.exit_code in {5, 130} else "failed"
    return dataclasses.replace(result, outcome=outcome, exit_code=problem.exit_code, error=str(problem))


def _write(
    loaded: LoadedProfile,
    prepared: Prepared,
    result: Result,
    progress: applying.WriteProgress,
    cancel: Cancel,
    keeper: Keeper | None,
    stages: tuple[str, ...],
) -> Result:
    """Apply the plan; the caller holds the locks of the homes.  Return the result; never raises."""
    files = prepared.plan.files()
    run = runs.new(
        "replay",
        loaded.name,
        str(loaded.path.resolve()),
        {plan.node: str(plan.home) for plan in prepared.plan.nodes},
        files=tuple(file for file in files if file["status"] != "unchanged"),
        ignored=prepared.options.ignore,
        databases=tuple(result.databases),
        stages=stages,
    )
    try:
        run = applying.apply(prepared.plan.moves, run, cancel=cancel, progress=progress, keeper=keeper)
    except WizardError as problem:
        return _failed(result, problem)
    drift.remember(prepared.plan, run)
    runs.enlist(run)
    return dataclasses.replace(result, outcome="applied", run=run.run, files=files)
