"""`start`, `stop`, `restart` and `service`: the servers of the homes on this machine.

`Servers` launches, signals and waits (procedure, "The launcher"); the functions below it say in which order.  Whoever
launches or stops a server holds the homes (`locked`), so that no run writes into them meanwhile.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizard.command_line.run.replay import Options
from wizard.pack.home import Pack, is_pack
from wizard.plan.planner import Plan
from wizard.preflight import checks
from wizard.preflight.checks import CheckContext
from wizard.profile.files import called
from wizard.profile.passwords import UNRESOLVED, Passwords, gather
from wizard.server import launcher, systemd
from wizard.server.process import send, server_of, stranger_in_pid_file
from wizard.steps import procedure
from wizard.system import finding
from wizard.system.errors import (
    Cancel,
    ChecksFailed,
    UsageError,
    WizardError,
    os_errors_as_failures,
)
from wizard.transaction.marker import locked
from wizard.verify.checks import UNFINISHED, unfinished_runs
from wizard.verify.facts import Facts
from wizard.verify.homes import LOG, packs_here
from wizard.verify.judges.analytics import SETTLING
from wizard.verify.knowledge import BY_ID, recognise
from wizard.verify.log import FileLog, PipeLog, lines_that_matter
from wizard.verify.pair import resolve
from wizard.verify.story import Story
from wizard.verify.verdict import EXIT_CODES, PairOutcome, View, finding_json, outcome
from wizard.verify.watcher import Watcher

if TYPE_CHECKING:
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node
    from wizard.system.finding import Finding

ServersOutcome = Literal["healthy", "waiting", "unhealthy", "stopped", "refused", "failed", "cancelled"]
ServerState = Literal["running", "waiting", "starting", "stopping", "stopped", "failed"]

START_LIMIT, STOP_LIMIT = 600.0, 120.0
"""Defaults of `--timeout` in seconds: for a start or a restart, and for the stop of a node."""
PERIOD = 0.2
"""Seconds between two reads of logs and processes."""
APPEARING, CANCELLED = 30.0, 3.0
"""Seconds until the process of a launched server must exist; the second once the start was cancelled."""
GONE = 5.0
"""Seconds without a process after which a server started by systemd has ended: a unit may start it again sooner."""
KNOWING = 20.0
"""Seconds that the first verdict about a pair, the Spark UIs included, may take."""
BEFORE_A_START = ("prerequisites.java", "ports.clash", "ports.free")


class NodeState(NamedTuple):
    """The state of a node's server: `seconds` from launch to complete start; `text` is for people."""

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
    """How a command ended: everything that its text and its JSON contain."""

    outcome: ServersOutcome
    exit_code: int
    error: str | None = None
    nodes: list[NodeState] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The one object of `--json` (design.md, "start, stop, restart")."""
        nodes = [node._asdict() for node in self.nodes]
        return {
            "outcome": self.outcome,
            "nodes": [{key: node[key] for key in node if key != "text"} for node in nodes],
            "findings": [finding_json(one) for one in self.findings],
            "error": self.error,
        }


ServerProgress = Callable[[Sequence[NodeState]], None]
"""Called with the nodes after each read."""


class Setting(NamedTuple):
    """The profile, the node of `--node`, and how the logs of the nodes are read."""

    loaded: LoadedProfile
    resolver: Resolver
    """Used only to find out whether the servers have created the tables."""
    only_node: str | None = None
    logs: Mapping[str, FileLog | PipeLog] = {}
    """Of `--log`, by node."""
    mask: Callable[[str], str] = str
    """Hides passwords in lines of a log."""
    settling: float = SETTLING.total_seconds()
    """Seconds after which errors of a pair whose starts are complete count as final."""


@dataclass
class _Server:
    """The server of a node, as far as this command knows it."""

    home: Path
    process: subprocess.Popen[bytes] | None = None
    """The launcher that this command runs; None where systemd runs it."""
    launched: float | None = None
    """When this command launched it."""
    before: str | None = None
    """The first log line of the previous start, which is over."""
    seconds: float | None = None
    """From the launch to the complete start."""
    seen: float | None = None
    """When it was launched or last found running."""
    is_stopping: bool = False
    changed: bool = False
    """Whether this command has launched or stopped it."""


class Servers:
    """The servers of a profile on this machine, with their logs.  To be closed at the end.

    Raises:
        UsageError: no node has the name of `--node`.
        ChecksFailed: a home is not on this machine, or this user is neither its owner nor root.
    """

    def __init__(self, verb: str, setting: Setting, progress: ServerProgress, cancel: Cancel) -> None:
        self.profile, self.name = setting.loaded.profile, setting.loaded.name
        self.called = called(self.name, setting.loaded.path)
        self.only_node, self.resolver, self.cancel = setting.only_node, setting.resolver, cancel
        self._progress, self._setting = progress, setting
        Options(only_node=self.only_node).validate(self.profile)
        self.nodes = [node for node in self.profile.nodes if self.only_node in (None, node.name)]
        hosts = resolve(node.host for node in self.profile.nodes)
        self.packs = packs_here(self.profile, hosts)
        command = f"apimha-wizard {verb} {self.called}"
        for node in self.nodes:
            home = Path(node.home)
            # Where both homes have one path and neither host is this machine, --node names the node of this home.
            if self.only_node and not hosts.here(self.profile.partner(node).host) and is_pack(home):
                self.packs = {node.name: Pack(home)}
            if os.path.exists(home):
                option = f" --node {self.only_node}" if self.only_node else ""
                launcher.refuse_other_user(home, command + option)
            if node.name not in self.packs:
                both = "(both machines at once: the Ansible collection apimha.wizard)"
                fix = f"run on {node.host}: {command} --node {node.name}   {both}"
                text = f"the home of {node.name} is not on this machine"
                raise ChecksFailed(text, place=str(home), fix=fix)
        self._servers = {node.name: _Server(Path(node.home)) for node in self.nodes}
        self.homes = [own.home for own in self._servers.values()]
        self._own = {name: self.packs[name] for name in self._servers}
        self.watcher = Watcher(
            self.profile,
            {**{name: FileLog(own.home / LOG) for name, own in self._servers.items()}, **setting.logs},
            packs=self._own,
            hosts=hosts,
            offline=self.only_node is not None,
            name=self.called,
            mask=setting.mask,
        )
        self.view: View | None = None
        """What `verify` says at the newest read; None before the first."""
        self.states: list[NodeState] = []
        """The nodes at the newest read."""
        self.notes: list[Finding] = []
        """The findings of this command itself, beside those of `verify`."""

    def close(self) -> None:
        self.watcher.close()

    def pid(self, node: Node) -> int | None:
        """The process of a node's server; None where it does not run."""
        return server_of(Path(node.home))

    def is_up(self, node: Node) -> bool:
        """Whether there is something to stop: the server, or a unit that is about to start it."""
        return self.pid(node) is not None or ((unit := self._unit(node)) is not None and unit.active)

    def look(self) -> View:
        """Read the new lines of the logs, and report the states of the nodes."""
        if self.cancel.is_set():
            raise KeyboardInterrupt
        self.view = self.watcher.poll()
        self._report()
        return self.view

    def _report(self) -> None:
        self.states = [self._state(node) for node in self.nodes]
        self._progress(self.states)

    def _state(self, node: Node) -> NodeState:
        pid, own, facts = self.pid(node), self._servers[node.name], self._facts(node)
        now: ServerState = "starting"
        if self._has_gone(own, pid):
            now, text = "failed", "ended"
        elif pid is None and own.launched is None:
            now, text = "stopped", "stopped"
        elif own.is_stopping:
            now, text = "stopping", "stopping"
        elif not facts.seen or not self.begun(node):
            text = "launched"
        elif facts.complete is not None:
            if own.launched is not None and own.seconds is None:
                own.seconds = time.monotonic() - own.launched
            now, text = "running", f"started, {facts.role or 'no role yet'}"
            if facts.role == "passive":
                text += ", state synced" if facts.synced else ", state not synced yet"
        elif facts.failed:
            now, text = "failed", "its start has failed"
        elif facts.tasks:
            now, text = "waiting", f"waiting for {self.profile.partner(node).name}"
        else:
            text = "starting" if facts.clustered is None else "in the cluster"
        seconds = None if own.seconds is None else round(own.seconds, 1)
        return NodeState(node.name, str(node.home), pid, now, seconds, text, own.changed)

    def begun(self, node: Node) -> bool:
        """Whether the log shows the start that this command has launched, or one that was running before.

        True also for a log that cannot be read: it never would.
        """
        own = self._servers[node.name]
        unread = self.view.pair.sight(node).unread if self.view is not None else None
        unreadable = unread is not None and unread.kind == "unreadable"
        return own.launched is None or unreadable or self._newest_start(node) not in (None, own.before)

    def _facts(self, node: Node) -> Facts:
        return self.view.pair.facts(node) if self.view is not None else Facts()

    def _newest_start(self, node: Node) -> str | None:
        started = self._facts(node).started
        return started.line if started is not None else None

    def _has_gone(self, own: _Server, pid: int | None) -> bool:
        """Whether a server that was launched, or found running, has ended, and its launcher too."""
        if pid is not None:
            own.seen = time.monotonic()
            return False
        if own.process is not None:
            return own.process.poll() is not None
        return own.seen is not None and time.monotonic() - own.seen > GONE

    def verdict(self) -> PairOutcome:
        """The verdict of `verify`; with `--node` of all that the logs here can show."""
        view = self.view or self.look()
        if not all(map(self.begun, self.nodes)):
            return "waiting"
        return view.outcome if self.only_node is None else outcome(view.findings, unseen=False)

    def result(
        self, outcome: ServersOutcome, exit_code: int, error: str | None = None, *, verified: bool = True
    ) -> ServersResult:
        """The result, with the findings of `verify` about the starts of this command."""
        states = [self._state(node) for node in self.nodes]
        shown = verified and all(map(self.begun, self.nodes))
        found = self.view.findings if shown and self.view is not None else ()
        return ServersResult(outcome, exit_code, error, states, [*self.notes, *found])

    def check(self, nodes: Sequence[Node]) -> int:
        """Run the checks for the launch of these nodes; return 0, or the exit code if one of them failed.

        Their findings are in `notes`.  A unit has a `JAVA_HOME` of its own.

        Raises:
            ChecksFailed: a launcher would get no `JAVA_HOME`, or one without Java while the server runs, or that of a
                profile that the user has not agreed to.
        """
        with_unit = {node.name for node in nodes if self._unit(node) is not None}
        for node in nodes:
            java = Path(launcher.java_home_of(node), "bin/java") if node.name not in with_unit else None
            if java is not None and self.pid(node) is not None and not os.access(java, os.X_OK):
                text = f"{node.name} runs, and could not be started again: there is no {java}"
                raise ChecksFailed(text, fix="set java_home of the node or JAVA_HOME to a JDK 1.7 or 1.8")
            if node.java_home is not None and not self.resolver.trusted:
                text = f"java_home of {node.name} is run only for a profile that you have agreed to"
                raise ChecksFailed(text, place=str(node.java_home), fix=self.resolver.how_to_agree)
        about = (self.profile, tuple(nodes), self.packs, Plan(()), Passwords(UNRESOLVED))
        context = CheckContext(*about, only_node=self.only_node, called=self.called, cancel=self.cancel)
        noted = len(self.notes)
        for one in checks.run((one for one in procedure.CHECKS if one.id in BEFORE_A_START), context):
            of_unit = one.id == "prerequisites.java" and one.node in with_unit
            if one.status == "error" or (one.status == "warning" and not of_unit):
                self.notes.append(one)
        homes = {name: pack.home for name, pack in self._own.items()}
        unfinished = finding.of(UNFINISHED, unfinished_runs(homes, locked=True))
        self.notes += [one.for_profile(self.called) for one in unfinished]
        failed = {one.id for one in self.notes[noted:] if one.status == "error"}
        self.name_stale(nodes)
        return 5 if UNFINISHED in failed else 3 if failed else 0

    def name_stale(self, nodes: Sequence[Node]) -> None:
        """Note each `wso2carbon.pid` that names a process of another program."""
        for node in nodes:
            if (stranger := stranger_in_pid_file(Path(node.home))) is not None:
                stale = f"wso2carbon.pid is stale: process {stranger} is not the server of this home"
                fix = "No action needed: the server writes the file again"
                self._note("pid", finding.warning(f"{stale}; the file is ignored", node=node.name, fix=fix))

    def _note(self, id: str, found: Finding) -> None:
        """Note a finding of this command itself."""
        self.notes.append(found._replace(id=f"server.{id}"))

    def _unit(self, node: Node) -> systemd.Unit | None:
        return systemd.installed(self.name, node.name, Path(node.home))

    def launch(self, node: Node, *, setup: bool = False) -> None:
        """Launch a node's server, and wait for its process; the caller has run `check`, and holds the home.

        With `setup` the launcher itself gets `-Dsetup`, also where a unit is installed, which has no such option.

        Raises:
            Failed: launcher or systemctl cannot be run, or fail.
        """
        self.look()
        unit, process, own = None if setup else self._unit(node), None, self._servers[node.name]
        with self.cancel.shield():
            if unit is not None:
                systemd.control("start", unit)
            else:
                process = launcher.launch(own.home, launcher.java_home_of(node), *["-Dsetup"] * setup)
            own.process, own.before, own.changed, own.seconds = process, self._newest_start(node), True, None
            own.launched = own.seen = time.monotonic()
            self._report()
            while self.pid(node) is None and (process is None or process.poll() is None):
                patience = CANCELLED if self.cancel.is_set() else APPEARING
                waited = time.monotonic() - own.launched
                # A unit that has failed says so; but a job that was just queued may not have begun yet.
                failed = waited > CANCELLED and unit is not None and (self._unit(node) or unit).has_failed
                if waited > patience or failed:
                    break
                time.sleep(PERIOD)
        self.look()

    def wait(self, deadline: float) -> tuple[ServersOutcome, int]:
        """Wait until the pair (or the node of `--node`) is healthy, a start has failed, or `deadline`.

        Return the outcome and its exit code; the reason of a failed start is in `notes`.
        """
        errors: frozenset[Finding] = frozenset()
        since = time.monotonic()
        while True:
            view, now = self.look(), time.monotonic()
            failed = [one for one in self.states if one.state == "failed"]
            if failed:
                for one in failed:
                    self._note("start", self._failure(self.profile.node(one.name)))
                return ("failed", 1) if any(one.text == "ended" for one in failed) else ("unhealthy", 3)
            verdict = self.verdict()
            found = frozenset(one for one in view.findings if one.status == "error")
            if found != errors or any(one.state != "running" for one in self.states):
                errors, since = found, now
            lasts = verdict == "unhealthy" and now - since > self._setting.settling
            if verdict == "healthy" or now >= deadline or lasts:
                self._note_wrong_java()
                return verdict, EXIT_CODES[verdict]
            time.sleep(PERIOD)

    def wait_for(self, happened: Callable[[View], bool], deadline: float) -> bool:
        """Wait until `happened` is true; False if a server fails before, or at `deadline`."""
        while not happened(self.look()):
            if time.monotonic() >= deadline or any(one.state == "failed" for one in self.states):
                return False
            time.sleep(PERIOD)
        return True

    def _failure(self, node: Node) -> Finding:
        """Describe a failed start: the last relevant lines of the log, else of the console, and the known cause."""
        self.view = self.watcher.poll()  # the server may have written since the last look, before it ended
        own, ended = self._servers[node.name], self.pid(node) is None
        logs = [LOG] * self.begun(node) + [launcher.CONSOLE] * (own.process is not None)
        paths = [own.home / log for log in logs]
        lines = [self._setting.mask(line) for line in lines_that_matter(paths)]
        known = recognise(lines[::-1])
        text = "the server has ended" if ended else "its start has failed"
        if own.launched is not None and ended:
            text += f" {time.monotonic() - own.launched:.0f} s after its launch"
        fix = f"read {' and '.join(map(str, paths))}"
        if not paths:
            fix = f"journalctl -u {quote(systemd.unit_name(self.name, node.name))}"
        if known is not None:
            text, fix = f"{text}: {known.cause}", known.fix
        evidence = "\n".join(lines) or None
        return finding.error(text, node=node.name, evidence=evidence, fix=fix)

    def _note_wrong_java(self) -> None:
        """Note where the launcher printed that it has the wrong Java, and went on."""
        java = BY_ID["java-version"]
        for name, own in self._servers.items():
            if own.process is None:
                continue
            story = Story()
            with closing(FileLog(own.home / launcher.CONSOLE)) as console:
                story.read(console.read())
            troubles = (one.tally.last for one in story.facts.troubles.values() if one.failure == java)
            if (said := story.facts.refused or next(troubles, None)) is not None:
                wrong = finding.warning(java.cause, node=name, evidence=said.line, fix=java.fix)
                self._note("java", wrong)

    def passive_first(self) -> list[Node]:
        """Return the nodes in the order in which they are stopped: the active one last."""
        view = self.view or self.look()
        active = [node for node in self.nodes if view.pair.facts(node).role == "active"]
        return sorted(self.nodes, key=active.__contains__)

    def stop(self, node: Node, limit: float, *, kill: bool = False) -> bool:
        """Stop a node's server with SIGTERM, or by its unit, within `limit` seconds; return whether it has ended.

        SIGKILL only with `kill`, after that time.
        """
        pid, unit, own = self.pid(node), self._unit(node), self._servers[node.name]
        own.process, own.launched, own.is_stopping = None, None, True
        own.changed = own.changed or self.is_up(node)
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
            text = f"the server (process {self.pid(node)}) still runs {limit:g} s after SIGTERM"
            again = f"apimha-wizard stop {self.called} --node {node.name} --kill"
            fix = f"wait and stop it again, or end it without saving its state: {again}"
            self._note("stop", finding.error(text, node=node.name, fix=fix))
            return False
        finally:
            own.is_stopping, own.seen = False, None

    def _has_ended(self, node: Node, limit: float, number: signal.Signals | None) -> bool:
        """Wait until the home has no server; signal each process, since the launcher may start another one."""
        deadline, signalled = time.monotonic() + limit, None
        while (pid := self.pid(node)) is not None:
            if number is not None and pid != signalled:
                signalled = pid
                try:
                    send(pid, Path(node.home), number)
                except PermissionError:
                    text = f"the server of {node.name} (process {pid}) runs as another user than the owner of its home"
                    fix = f"sudo apimha-wizard stop {self.called} --node {node.name}"
                    raise ChecksFailed(text, fix=fix) from None
            if time.monotonic() >= deadline:
                return False
            self.look()
            time.sleep(PERIOD)
        return True


def run(
    verb: Literal["start", "stop", "restart"],
    setting: Setting,
    *,
    progress: ServerProgress = lambda nodes: None,
    cancel: Cancel,
    **options: Any,
) -> ServersResult:
    """Run `start`, `stop` or `restart` with its options; return the result, also if it was cancelled or refused.

    Raises:
        UsageError: no node has the name of `--node`.
    """
    acts: dict[str, Callable[..., ServersResult]] = {"start": start, "stop": stop, "restart": restart}
    ended: Callable[[ServersOutcome, int, str], ServersResult] = ServersResult
    try:
        with os_errors_as_failures(), closing(Servers(verb, setting, progress, cancel)) as servers:
            ended = servers.result
            return acts[verb](servers, **options)
    except KeyboardInterrupt:
        return ended("cancelled", 130, "cancelled; servers that run keep running")
    except UsageError:
        raise
    except WizardError as problem:
        return ended("failed" if problem.exit_code == 1 else "refused", problem.exit_code, str(problem))


def start(servers: Servers, *, timeout: float = START_LIMIT, wait: bool = True) -> ServersResult:
    """Start both nodes side by side, or the one of `--node`, and wait until they are healthy.

    Without `wait` it ends once the launchers run (outcome `waiting`, exit code 0).  A running node is left alone.
    """
    deadline, first = time.monotonic() + timeout, servers.profile.nodes[0]

    def tables_made(view: View) -> bool:
        """Whether the first node's log has `Cluster initialization completed`: then it has created the tables."""
        return servers.begun(first) and view.pair.facts(first).clustered is not None

    with locked(servers.homes):
        stopped = [node for node in servers.nodes if servers.pid(node) is None]
        if code := servers.check(stopped):
            return servers.result("refused", code, REFUSED)
        setup = bool(stopped) and _tables_missing(servers)
        if setup and first not in servers.nodes:
            text = f"the tables do not exist yet, and {first.name} creates them at its first start (-Dsetup)"
            fix = f"start {first.name} first: apimha-wizard start {servers.called} --node {first.name}"
            raise ChecksFailed(text, fix=fix)
        for node in stopped:
            if node != first and setup and not servers.wait_for(tables_made, deadline):
                wait = True  # the other node was not launched
                break
            if servers.pid(node) is None:  # it may have been started meanwhile
                servers.launch(node, setup=setup and node == first)
    if wait or any(one.state == "failed" for one in servers.states):
        return servers.result(*servers.wait(deadline))
    return servers.result("waiting", 0)


REFUSED = "nothing was started: a check has failed"


def _tables_missing(servers: Servers) -> bool:
    """Whether the servers create the tables, and have not created them yet.

    Raises:
        ChecksFailed: the databases cannot be read, or one does not exist.
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
        text = f"the tables cannot be listed: {problem.message}"
        raise ChecksFailed(text, place=problem.place, fix=problem.fix) from None
    contents = [situation.contents.get(name) for name in (mysql.databases.user, mysql.databases.registry)]
    if None in contents:
        names = f"{mysql.databases.user} or {mysql.databases.registry}"
        text = f"{names} does not exist, or {mysql.username} may not see it"
        fix = f"apimha-wizard replay {servers.called}, or let a DBA run what apimha-wizard sql prints"
        raise ChecksFailed(text, fix=fix)
    return any(found.empty for found in contents if found is not None)


def stop(
    servers: Servers,
    *,
    timeout: float = STOP_LIMIT,
    kill: bool = False,
    agreed: Callable[[Sequence[Node]], bool] = lambda nodes: True,
) -> ServersResult:
    """Stop both nodes, the passive one first, or the one of `--node`; `timeout` is for each.

    `agreed` is called before both are stopped.
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
        if code := servers.check(servers.nodes):
            return servers.result("refused", code, REFUSED)
        if servers.only_node is None:
            refuse_unhealthy(servers, "to restart nevertheless: stop, then start", deadline)
        for node in servers.passive_first():
            # Not limited by the deadline: a node that is stopping would stay down.
            if not servers.stop(node, STOP_LIMIT):
                return servers.result("failed", 1, f"{node.name} still running")
            servers.launch(node)
            outcome, code = servers.wait(deadline)
            if outcome != "healthy":
                return servers.result(outcome, code)
    return servers.result("healthy", 0)


def refuse_unhealthy(servers: Servers, otherwise: str, deadline: float = math.inf) -> None:
    """Raise `ChecksFailed`, with the other way to do it, unless the pair is healthy, so that a node may be stopped."""

    def is_judged(view: View) -> bool:
        """Whether the pair is healthy, or known not to be: the Spark UIs were read."""
        return view.outcome == "healthy" or (view.outcome == "unhealthy" and view.spark is not None)

    if not (
        all(map(servers.pid, servers.nodes))
        and servers.wait_for(is_judged, min(deadline, time.monotonic() + KNOWING))
        and servers.verdict() == "healthy"
    ):
        fix = f"for the reason: apimha-wizard verify {servers.called}; {otherwise}"
        raise ChecksFailed("the pair is not healthy, so no node may be stopped", fix=fix)


def service(loaded: LoadedProfile, only_node: str) -> str:
    """Return the systemd unit of a node.

    Raises:
        UsageError: no node has that name.
        ChecksFailed: its home is not here, or there is no `JAVA_HOME`.
    """
    Options(only_node=only_node).validate(loaded.profile)
    node = loaded.profile.node(only_node)
    if not is_pack(Path(node.home)):
        text = "this home is not on this machine"
        raise ChecksFailed(text, place=str(node.home), fix=f"run it on {node.host}")
    return systemd.unit_text(loaded.name, node.name, Path(node.home), launcher.java_home_of(node))
