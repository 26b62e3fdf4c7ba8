"""`start`, `stop`, `restart` and `service`: the servers of the homes on this machine (procedure, "The launcher").

`Servers` launches, signals and waits, one node at a time; the functions behind it are the orders in which that is done.
Whoever launches or stops holds the homes (`locked`), so that no run writes into them meanwhile.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizard.command_line.run.replay import Options
from wizard.pack.home import Pack, is_pack
from wizard.plan.planner import Plan
from wizard.preflight import checks
from wizard.preflight.checks import CheckContext
from wizard.profile.names import called
from wizard.profile.passwords import UNRESOLVED, Passwords, gather
from wizard.server import launcher, systemd
from wizard.server.process import send, server_of, stranger_in_pid_file
from wizard.steps import procedure
from wizard.system import finding
from wizard.system.cancel import Cancel
from wizard.system.errors import ChecksFailed, UsageError, WizardError, os_errors_as_failures
from wizard.transaction.home_lock import locked
from wizard.verify.homes import LOG, packs_here
from wizard.verify.hosts import resolve
from wizard.verify.judges.analytics import SETTLING
from wizard.verify.knowledge import BY_ID, recognise
from wizard.verify.log import FileLog, PipeLog, lines_that_matter
from wizard.verify.story import Story
from wizard.verify.unfinished import UNFINISHED, unfinished_runs
from wizard.verify.verdict import PairOutcome, outcome
from wizard.verify.view import EXIT_CODES, View, finding_json
from wizard.verify.watcher import Watcher

if TYPE_CHECKING:
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node, Profile
    from wizard.system.finding import Finding

ServersOutcome = Literal["healthy", "waiting", "unhealthy", "stopped", "refused", "failed", "cancelled"]
ServerState = Literal["running", "waiting", "starting", "stopping", "stopped", "failed"]

START_LIMIT, STOP_LIMIT = 600.0, 120.0
"""Seconds that a start or a restart, and the stop of a node, may take unless another time is asked for."""
PERIOD = 0.2
"""Seconds between two looks at logs and processes."""
APPEARING, CANCELLED = 30.0, 3.0
"""Seconds that a launcher may take until the process of the server is there, also once the start was cancelled."""
GONE = 5.0
"""Seconds without a process after which a server has ended whose launcher is not known: it may start it again."""
KNOWING = 20.0
"""Seconds that the first look at a pair, the Spark UIs included, may take."""
BEFORE_A_START = ("prerequisites.java", "ports.clash", "ports.free")


class NodeState(NamedTuple):
    """A node's server: `seconds` from its launch until its start was complete; `text` is for people."""

    name: str
    home: str
    pid: int | None
    state: ServerState
    seconds: float | None
    text: str
    changed: bool = False
    """Whether this command has launched or stopped it."""


@dataclass
class ServersResult:
    """How a command ended: everything that its text or its JSON tells."""

    outcome: ServersOutcome
    exit_code: int
    nodes: list[NodeState] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The one object of `--json` (design.md, "start, stop, restart")."""
        keys = ("name", "home", "pid", "state", "seconds", "changed")
        return {
            "outcome": self.outcome,
            "nodes": [{key: getattr(node, key) for key in keys} for node in self.nodes],
            "findings": [finding_json(one) for one in self.findings],
            "error": self.error,
        }


ServerProgress = Callable[[Sequence[NodeState]], None]
"""Gets the nodes at each look."""


class Setting(NamedTuple):
    """What each command is about: the profile, the node of `--node`, and how the logs of the nodes are seen."""

    loaded: LoadedProfile
    resolver: Resolver
    """Asked for a password only where it is not known whether the servers have made the tables."""
    only_node: str | None = None
    logs: Mapping[str, FileLog | PipeLog] = {}
    """Of `--log`, by node."""
    mask: Callable[[str], str] = str
    """Hides passwords in what is shown of a log."""
    settling: float = SETTLING.total_seconds()
    """Seconds that errors of a pair whose starts are complete may last until they count as final."""


@dataclass
class _Launched:
    """A server that this command has launched.

    `process` is the launcher, None where systemd has it; `before` the line with which the start before began: what the
    log says of that one is over.
    """

    process: subprocess.Popen[bytes] | None
    before: str | None
    at: float = field(default_factory=time.monotonic)
    seconds: float | None = None


class Servers:
    """The servers of a profile on this machine, and what their logs say.  Close it at the end.

    Raises:
        UsageError: no node has the name of `--node`.
        ChecksFailed: a home is not on this machine, or this user is neither its owner nor root.
    """

    def __init__(self, verb: str, setting: Setting, progress: ServerProgress, cancel: Cancel) -> None:
        self.profile, self.name = setting.loaded.profile, setting.loaded.name
        self.called = called(self.name, setting.loaded.path)
        self.only_node = setting.only_node
        Options(only_node=self.only_node).validate(self.profile)
        self.nodes = [node for node in self.profile.nodes if self.only_node in (None, node.name)]
        hosts = resolve(node.host for node in self.profile.nodes)
        self.packs = packs_here(self.profile, hosts)
        for node in self.nodes:
            # Where both homes have one path and neither host is known here, --node says whose home this is.
            named = self.only_node is not None and not hosts.here(self.profile.partner(node).host)
            if named and is_pack(Path(node.home)):
                self.packs = {node.name: Pack(Path(node.home))}
            if os.path.exists(node.home):
                option = f" --node {self.only_node}" if self.only_node else ""
                launcher.refuse_other_user(Path(node.home), f"apimha-wizard {verb} {self.called}{option}")
            if node.name not in self.packs:
                raise ChecksFailed(
                    f"the home of {node.name} is not on this machine",
                    place=str(node.home),
                    fix=f"run on {node.host}: apimha-wizard {verb} {self.called} --node {node.name}   "
                    "(both machines at once: the Ansible collection apimha.wizard)",
                )
        self._progress, self._cancel, self._mask = progress, cancel, setting.mask
        self._settling, self.resolver = setting.settling, setting.resolver
        own = {node.name: FileLog(Path(node.home, LOG)) for node in self.nodes}
        self._own = {name: pack for name, pack in self.packs.items() if name in own}
        self._watcher = Watcher(
            self.profile,
            {**own, **setting.logs},
            packs=self._own,
            hosts=hosts,
            offline=self.only_node is not None,
            name=self.called,
            mask=setting.mask,
        )
        self._launched: dict[str, _Launched] = {}
        self._seen: dict[str, float] = {}
        """When the server of a node was launched or last seen to run."""
        self._stopping: set[str] = set()
        self._changed: set[str] = set()
        """The nodes whose server this command has launched or stopped."""
        self._view: View | None = None
        self.states: list[NodeState] = []
        """The nodes at the newest look."""
        self.notes: list[Finding] = []
        """What this command itself has found, beside what `verify` says."""

    def close(self) -> None:
        self._watcher.close()

    def judge_by(self, before: dict[str, Profile]) -> None:
        """Judge these nodes by these profiles: a run that is going on has not changed them yet."""
        self._watcher.before = before

    def finish(self) -> None:
        """From now on nobody can cancel what is done."""
        self._cancel = Cancel()

    @property
    def homes(self) -> list[Path]:
        return [Path(node.home) for node in self.nodes]

    def pid(self, node: Node) -> int | None:
        """The process of a node's server; None where it does not run."""
        return server_of(Path(node.home))

    def is_up(self, node: Node) -> bool:
        """Whether there is anything to stop: the server, or a unit that is about to start it."""
        return self.pid(node) is not None or ((unit := self._unit(node)) is not None and unit.active)

    def look(self) -> View:
        """Read what is new in the logs, and report how the nodes are."""
        if self._cancel.is_set():
            raise KeyboardInterrupt
        self._view = self._watcher.poll()
        self._report()
        return self._view

    def _report(self) -> None:
        self.states = [self._state(node) for node in self.nodes]
        self._progress(self.states)

    def rest(self) -> None:
        threading.Event().wait(PERIOD)

    # --- what the nodes are ------------------------------------------------------------------------------

    def _state(self, node: Node) -> NodeState:
        pid, launched = self.pid(node), self._launched.get(node.name)
        seconds = None if launched is None or launched.seconds is None else round(launched.seconds, 1)

        def state(now: ServerState, text: str) -> NodeState:
            return NodeState(node.name, str(node.home), pid, now, seconds, text, node.name in self._changed)

        facts = self._view.pair.facts(node) if self._view is not None else None
        if self._ended(node, pid, launched):
            return state("failed", "ended")
        if pid is None and launched is None:
            return state("stopped", "stopped")
        if node.name in self._stopping:
            return state("stopping", "stopping")
        if facts is None or not self.begun(node):
            return state("starting", "launched")
        if facts.complete is None:
            if facts.failed:
                return state("failed", "its start has failed")
            if facts.tasks:
                return state("waiting", f"waiting for {self.profile.partner(node).name}")
            return state("starting", "starting" if facts.clustered is None else "in the cluster")
        if launched is not None and launched.seconds is None:
            launched.seconds = time.monotonic() - launched.at
        synced = (
            "" if facts.role != "passive" else ", state synced" if facts.synced else ", state not synced yet"
        )
        return state("running", f"started, {facts.role or 'no role yet'}{synced}")

    def begun(self, node: Node) -> bool:
        """Whether the log tells of the start that this command has launched, or of one that it found running.

        A log that cannot be read never will: that is told at once.
        """
        launched = self._launched.get(node.name)
        trouble = self._view.pair.sight(node).trouble if self._view is not None else None
        unreadable = trouble is not None and trouble.kind == "unreadable"
        return launched is None or unreadable or self._newest_start(node) not in (None, launched.before)

    def _newest_start(self, node: Node) -> str | None:
        facts = self._view.pair.facts(node) if self._view is not None else None
        return facts.started.line if facts is not None and facts.started is not None else None

    def _ended(self, node: Node, pid: int | None, launched: _Launched | None) -> bool:
        """Whether a server that was launched, or seen to run, has ended: neither it nor its launcher is there."""
        if pid is not None:
            self._seen[node.name] = time.monotonic()
            return False
        if launched is not None and launched.process is not None:
            return launched.process.poll() is not None
        return node.name in self._seen and time.monotonic() - self._seen[node.name] > GONE

    def verdict(self) -> PairOutcome:
        """What `verify` says; with `--node` of all that the logs seen here can show."""
        view = self._view or self.look()
        if not all(map(self.begun, self.nodes)):
            return "waiting"
        return view.outcome if self.only_node is None else outcome(view.findings, unseen=False)

    def result(
        self, outcome: ServersOutcome, exit_code: int, error: str | None = None, *, verified: bool = True
    ) -> ServersResult:
        """The result, with what `verify` says of the starts that this command is about."""
        states = [self._state(node) for node in self.nodes]
        shown = verified and self._view is not None and all(map(self.begun, self.nodes))
        found = self._view.findings if shown and self._view is not None else ()
        return ServersResult(outcome, exit_code, states, [*self.notes, *found], error)

    # --- launching ---------------------------------------------------------------------------------------

    def check(self, nodes: Sequence[Node]) -> bool:
        """Run the checks that can be made before these nodes are launched; whether none of them fails.

        What they find is in `notes`.  A unit has a `JAVA_HOME` of its own.

        Raises:
            ChecksFailed: a launcher would get no `JAVA_HOME`, or one that holds no Java while the server runs, or that
                of a profile that the user has not agreed to.
        """
        with_unit = {node.name for node in nodes if self._unit(node) is not None}
        for node in nodes:
            if node.name not in with_unit:
                java = Path(launcher.java_home_of(node), "bin/java")
                if self.pid(node) is not None and not os.access(java, os.X_OK):
                    raise ChecksFailed(
                        f"{node.name} runs, and could not be started again: there is no {java}",
                        fix="set java_home of the node or JAVA_HOME to a JDK 1.7 or 1.8",
                    )
            if node.java_home is not None and not self.resolver.trusted:
                raise ChecksFailed(
                    f"java_home of {node.name} is run only for a profile that you have agreed to",
                    place=str(node.java_home),
                    fix=self.resolver.how_to_agree,
                )
        context = CheckContext(
            self.profile,
            tuple(nodes),
            self.packs,
            Plan(()),
            Passwords(UNRESOLVED),
            only_node=self.only_node,
            called=self.called,
        )
        context.cancel = self._cancel
        chosen = [one for one in procedure.CHECKS if one.id in BEFORE_A_START]
        found = [
            one
            for one in checks.run(chosen, context)
            if one.status == "error"
            or (one.status == "warning" and not (one.id == "prerequisites.java" and one.node in with_unit))
        ]
        homes = {name: pack.home for name, pack in self._own.items()}
        unfinished = finding.of(UNFINISHED, unfinished_runs(homes, locked=True))
        found += [one.for_profile(self.called) for one in unfinished]
        self.notes += found
        self.name_stale(nodes)
        return not any(one.status == "error" for one in found)

    def name_stale(self, nodes: Sequence[Node]) -> None:
        """Note each `wso2carbon.pid` that names the process of something else."""
        for node in nodes:
            if (stranger := stranger_in_pid_file(Path(node.home))) is not None:
                stale = finding.warning(
                    f"wso2carbon.pid is stale: process {stranger} is not the server of this home; the file is ignored",
                    node=node.name,
                    fix="No action needed: the server writes the file again",
                )
                self.notes.append(stale._replace(id="server.pid"))

    def _unit(self, node: Node) -> systemd.Unit | None:
        return systemd.installed(self.name, node.name, Path(node.home))

    def launch(self, node: Node, *, setup: bool = False) -> None:
        """Launch a node's server, and wait for its process; the caller has checked, and holds the home.

        With `setup` the launcher itself gets `-Dsetup`, also where a unit is installed, which has no such option.

        Raises:
            Failed: launcher or systemctl cannot be run, or do not do it.
        """
        self.look()
        unit = None if setup else self._unit(node)
        with self._cancel.shield():
            process = None
            if unit is not None:
                systemd.control("start", unit)
            else:
                options = ["-Dsetup"] if setup else []
                process = launcher.launch(Path(node.home), launcher.java_home_of(node), *options)
            launched = self._launched[node.name] = _Launched(process, self._newest_start(node))
            self._changed.add(node.name)
            self._seen[node.name] = launched.at
            self._report()
            while self.pid(node) is None and (process is None or process.poll() is None):
                patience = CANCELLED if self._cancel.is_set() else APPEARING
                if time.monotonic() - launched.at > patience:
                    break
                self.rest()
        self.look()

    def wait(self, deadline: float) -> tuple[ServersOutcome, int]:
        """Wait until the pair (or the node of `--node`) is healthy, a start has failed, or it is `deadline`.

        The outcome and its exit code; why a start has failed is in `notes`.
        """
        errors: frozenset[Finding] = frozenset()
        since = time.monotonic()
        while True:
            view, now = self.look(), time.monotonic()
            failed = [one for one in self.states if one.state == "failed"]
            if failed:
                self.notes += [self._failure(self.profile.node(one.name)) for one in failed]
                return ("failed", 1) if any(one.text == "ended" for one in failed) else ("unhealthy", 3)
            verdict = self.verdict()
            found = frozenset(one for one in view.findings if one.status == "error")
            if found != errors or any(one.state != "running" for one in self.states):
                errors, since = found, now
            if (
                verdict == "healthy"
                or now >= deadline
                or (verdict == "unhealthy" and now - since > self._settling)
            ):
                self.notes += self._console_warnings()
                return verdict, EXIT_CODES[verdict]
            self.rest()

    def wait_for(self, happened: Callable[[View], bool], deadline: float) -> bool:
        """Wait until something is seen; False where a server has failed before, or it is `deadline`."""
        while not happened(self.look()):
            if time.monotonic() >= deadline or any(one.state == "failed" for one in self.states):
                return False
            self.rest()
        return True

    def _failure(self, node: Node) -> Finding:
        """Why a start has failed: the last lines of the log that matter, else of the console, and the known cause."""
        launched, ended = self._launched.get(node.name), self.pid(node) is None
        logs = [LOG] if self.begun(node) else []
        logs += [launcher.CONSOLE] if launched is not None and launched.process is not None else []
        paths = [Path(node.home, log) for log in logs]
        lines = [self._mask(line) for line in lines_that_matter(paths)]
        known = recognise(lines[::-1])
        look = f"read {' and '.join(map(str, paths))}" if paths else ""
        after = f" {time.monotonic() - launched.at:.0f} s after its launch" if launched and ended else ""
        return finding.error(
            f"{'the server has ended' if ended else 'its start has failed'}{after}"
            + (f": {known.cause}" if known is not None else ""),
            node=node.name,
            evidence="\n".join(lines) or None,
            fix=known.fix
            if known
            else look or f"journalctl -u {quote(systemd.unit_name(self.name, node.name))}",
        )._replace(id="server.start")

    def _console_warnings(self) -> list[Finding]:
        """What the launcher printed of a wrong Java before it went on."""
        java, found = BY_ID["java-version"], []
        for node in self.nodes:
            launched = self._launched.get(node.name)
            if launched is None or launched.process is None:
                continue
            story, console = Story(), FileLog(Path(node.home, launcher.CONSOLE))
            story.read(console.read())
            console.close()
            troubles = (one.tally.last for one in story.facts.troubles.values() if one.failure == java)
            if (said := story.facts.refused or next(troubles, None)) is not None:
                made = finding.warning(java.cause, node=node.name, evidence=said.line, fix=java.fix)
                found.append(made._replace(id="server.java"))
        return found

    # --- stopping ----------------------------------------------------------------------------------------

    def passive_first(self) -> list[Node]:
        """The nodes in the order in which they are stopped: the active one last."""
        view = self._view or self.look()
        roles = {node.name: facts.role if (facts := view.pair.facts(node)) else None for node in self.nodes}
        return sorted(self.nodes, key=lambda node: roles[node.name] == "active")

    def stop(self, node: Node, limit: float, *, kill: bool = False) -> bool:
        """Stop a node's server with SIGTERM, or by its unit, and wait up to `limit` seconds, whether it has ended.

        SIGKILL only with `kill`, after that time.  A server that does not run has ended.
        """
        pid, unit = self.pid(node), self._unit(node)
        self._launched.pop(node.name, None)
        self._stopping.add(node.name)
        if self.is_up(node):
            self._changed.add(node.name)
        try:
            self.look()
            by_unit = unit is not None and unit.runs(pid)
            if unit is not None and by_unit:
                systemd.control("stop", unit)
            if self._has_ended(node, limit, None if by_unit else signal.SIGTERM):
                self._report()
                return True
            if kill:
                return self._has_ended(node, STOP_LIMIT, signal.SIGKILL)
            left = finding.error(
                f"the server (process {self.pid(node)}) still runs {limit:g} s after SIGTERM",
                node=node.name,
                fix=f"wait and stop it again, or end it without saving its state: "
                f"apimha-wizard stop {self.called} --node {node.name} --kill",
            )
            self.notes.append(left._replace(id="server.stop"))
            return False
        finally:
            self._stopping.discard(node.name)
            self._seen.pop(node.name, None)

    def _signal(self, node: Node, pid: int, number: signal.Signals) -> None:
        try:
            send(pid, Path(node.home), number)
        except PermissionError:
            raise ChecksFailed(
                f"the server of {node.name} (process {pid}) runs as another user than the owner of its home",
                fix=f"sudo apimha-wizard stop {self.called} --node {node.name}",
            ) from None

    def _has_ended(self, node: Node, limit: float, number: signal.Signals | None) -> bool:
        """Wait until the home has no server.  Each gets the signal: there can be two, and the launcher starts another
        after a restart from the console."""
        deadline, told = time.monotonic() + limit, None
        while (pid := self.pid(node)) is not None:
            if number is not None and pid != told:
                self._signal(node, pid, number)
                told = pid
            if time.monotonic() >= deadline:
                return False
            self.look()
            self.rest()
        return True


# --- the commands -------------------------------------------------------------------------------------------


def run(
    verb: Literal["start", "stop", "restart"],
    setting: Setting,
    *,
    progress: ServerProgress = lambda nodes: None,
    cancel: Cancel,
    **options: Any,
) -> ServersResult:
    """The result of `start`, `stop` or `restart`, which take the options, also of one that was cancelled or refused.

    Raises:
        UsageError: no node has the name of `--node`.
    """
    servers: Servers | None = None
    try:
        with os_errors_as_failures():
            servers = Servers(verb, setting, progress, cancel)
            actions: Mapping[str, Callable[..., ServersResult]]
            actions = {"start": start, "stop": stop, "restart": restart}
            return actions[verb](servers, **options)
    except KeyboardInterrupt:
        ended: tuple[ServersOutcome, int, str] = (
            "cancelled",
            130,
            "cancelled; servers that run keep running",
        )
    except UsageError:
        raise
    except WizardError as problem:
        ended = "failed" if problem.exit_code == 1 else "refused", problem.exit_code, str(problem)
    finally:
        if servers is not None:
            servers.close()
    return servers.result(*ended) if servers is not None else ServersResult(*ended[:2], error=ended[2])


def start(servers: Servers, *, timeout: float = START_LIMIT, wait: bool = True) -> ServersResult:
    """Start both nodes side by side, or the one of `--node`, and wait until they are healthy.

    Without `wait` it ends once the launchers run (outcome `waiting`, exit code 0).  A node that runs is left alone.
    """
    deadline, first = time.monotonic() + timeout, servers.profile.nodes[0]

    def tables_made(view: View) -> bool:
        """Whether the first node's log says `Cluster initialization completed`: it has made the tables then."""
        facts = view.pair.facts(first)
        return servers.begun(first) and facts is not None and facts.clustered is not None

    with locked(servers.homes):
        stopped = [node for node in servers.nodes if servers.pid(node) is None]
        if not servers.check(stopped):
            return _refused(servers)
        setup = bool(stopped) and _tables_missing(servers)
        if setup and first not in servers.nodes:
            raise ChecksFailed(
                f"there are no tables yet, and {first.name} makes them at its first start (-Dsetup)",
                fix=f"start {first.name} first: apimha-wizard start {servers.called} --node {first.name}",
            )
        for node in stopped:
            if node != first and setup and not servers.wait_for(tables_made, deadline):
                wait = True  # there is a node that was not launched
                break
            if servers.pid(node) is None:  # still: it has been some time
                servers.launch(node, setup=setup and node == first)
    if wait or any(one.state == "failed" for one in servers.states):
        return servers.result(*servers.wait(deadline))
    return servers.result("waiting", 0)


def _refused(servers: Servers) -> ServersResult:
    unfinished = any(one.id == UNFINISHED and one.status == "error" for one in servers.notes)
    return servers.result("refused", 5 if unfinished else 3, "nothing was started: a check has failed")


def _tables_missing(servers: Servers) -> bool:
    """Whether the servers make the tables, and have not made them yet.

    Raises:
        ChecksFailed: that cannot be seen, or a database does not exist.
    """
    profile, mysql = servers.profile, servers.profile.mysql
    if mysql.provisioning != "server":
        return False
    from wizard.preflight.mysql.view import DatabaseView

    passwords = gather(profile, servers.resolver, steps=["datasources"], offline=False)
    for problem in passwords.problems:
        raise ChecksFailed(problem.message, fix=problem.fix)
    try:
        context = CheckContext(profile, profile.nodes, servers.packs, Plan(()), passwords)
        situation = DatabaseView(context).situation
        if situation.account_failure is not None:
            raise situation.account_failure
    except WizardError as problem:
        text = f"whether there are tables cannot be seen: {problem.message}"
        raise ChecksFailed(text, place=problem.place, fix=problem.fix) from None
    contents = [situation.contents.get(name) for name in (mysql.databases.user, mysql.databases.registry)]
    if None in contents:
        raise ChecksFailed(
            f"{mysql.databases.user} or {mysql.databases.registry} does not exist, or {mysql.username} may not see it",
            fix=f"apimha-wizard replay {servers.called}, or let a DBA run what apimha-wizard sql prints",
        )
    return any(found.empty for found in contents if found is not None)


def stop(
    servers: Servers,
    *,
    timeout: float = STOP_LIMIT,
    kill: bool = False,
    agreed: Callable[[Sequence[Node]], bool] = lambda nodes: True,
) -> ServersResult:
    """Stop both nodes, the passive one first, or the one of `--node`; `timeout` is for each.

    `agreed` is asked before both go down.
    """
    servers.name_stale(servers.nodes)
    running = [node for node in servers.passive_first() if servers.is_up(node)]
    if len(running) == len(servers.profile.nodes) and not agreed(running):
        return servers.result("cancelled", 130, "cancelled; nothing was stopped")
    with locked(servers.homes):
        left = [node.name for node in running if not servers.stop(node, timeout, kill=kill)]
    if left:
        return servers.result("failed", 1, f"{' and '.join(left)} still running", verified=False)
    return servers.result("stopped", 0, verified=False)


def restart(servers: Servers, *, timeout: float = START_LIMIT) -> ServersResult:
    """Restart node by node, the passive one first, each only while the pair is healthy; or the one of `--node`."""
    deadline = time.monotonic() + timeout
    with locked(servers.homes):
        if not servers.check(servers.nodes):
            return _refused(servers)
        if servers.only_node is None:
            refuse_unhealthy(servers, "to restart all the same: stop, then start", deadline)
        for node in servers.passive_first():
            # Not cut off by the deadline: a node that was told to stop would stay down.
            if not servers.stop(node, STOP_LIMIT):
                return servers.result("failed", 1, f"{node.name} still running")
            servers.launch(node)
            outcome, code = servers.wait(deadline)
            if outcome != "healthy":
                return servers.result(outcome, code)
    return servers.result("healthy", 0)


def refuse_unhealthy(servers: Servers, otherwise: str, deadline: float = math.inf) -> None:
    """Refuse to take a node from a pair that is not healthy.  Raises `ChecksFailed`, with the other way to do it."""
    if not (
        all(map(servers.pid, servers.nodes))
        and servers.wait_for(_is_judged, min(deadline, time.monotonic() + KNOWING))
        and servers.verdict() == "healthy"
    ):
        raise ChecksFailed(
            "the pair is not healthy, so that no node can be spared",
            fix=f"apimha-wizard verify {servers.called}   says why; {otherwise}",
        )


def _is_judged(view: View) -> bool:
    """Whether the pair is healthy, or known not to be: the Spark UIs were looked at."""
    return view.outcome == "healthy" or (view.outcome == "unhealthy" and view.spark is not None)


def service(loaded: LoadedProfile, only_node: str) -> str:
    """The systemd unit of a node.

    Raises:
        UsageError: no node has that name.
        ChecksFailed: its home is not here, or there is no `JAVA_HOME`.
    """
    Options(only_node=only_node).validate(loaded.profile)
    node = loaded.profile.node(only_node)
    if not is_pack(Path(node.home)):
        raise ChecksFailed(
            "this home is not on this machine", place=str(node.home), fix=f"run it on {node.host}"
        )
    return systemd.unit_text(loaded.name, node.name, Path(node.home), launcher.java_home_of(node))
