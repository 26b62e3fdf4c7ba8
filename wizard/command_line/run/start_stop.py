"""`start`, `stop`, `restart`, `service` and `replay --rolling`: in which order the servers are stopped and started."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wizard.command_line.run.replay import Options, ordinary_way
from wizard.command_line.run.servers import (
    START_LIMIT,
    STOP_LIMIT,
    ServerProgress,
    Servers,
    ServersOutcome,
    ServersResult,
    Setting,
)
from wizard.pack.home import is_pack
from wizard.plan.planner import Plan
from wizard.preflight.checks import CheckContext
from wizard.profile.passwords import gather
from wizard.server import launcher, systemd
from wizard.system.cancel import Cancel
from wizard.system.errors import (
    ChecksFailed,
    StoppedError,
    UsageError,
    WizardError,
    describe_error,
    os_errors_as_failures,
)
from wizard.system.finding import finding_lines
from wizard.transaction.marker import locked
from wizard.verify.checks import UNFINISHED
from wizard.verify.verdict import ROLLING

if TYPE_CHECKING:
    from wizard.command_line.run.replay import Prepared
    from wizard.pack.home import Pack
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node, Profile
    from wizard.system.finding import Finding
    from wizard.verify.verdict import View

KNOWING = 20.0
"""Seconds that the first verdict about a pair, the Spark UIs included, may take."""


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
    servers: Servers | None = None
    try:
        with os_errors_as_failures():
            servers = Servers(verb, setting, progress, cancel)
            acts: dict[str, Callable[..., ServersResult]]
            acts = {"start": start, "stop": stop, "restart": restart}
            return acts[verb](servers, **options)
    except KeyboardInterrupt:
        said = "cancelled; servers that run keep running"
        ended: tuple[ServersOutcome, int, str] = "cancelled", 130, said
    except UsageError:
        raise
    except WizardError as problem:
        ended = "failed" if problem.exit_code == 1 else "refused", problem.exit_code, str(problem)
    finally:
        if servers is not None:
            servers.watcher.close()
    return servers.result(*ended) if servers is not None else ServersResult(*ended[:2], error=ended[2])


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
        if not servers.check(stopped):
            return _refused(servers)
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


def _refused(servers: Servers) -> ServersResult:
    unfinished = any(one.id == UNFINISHED and one.status == "error" for one in servers.notes)
    return servers.result("refused", 5 if unfinished else 3, "nothing was started: a check has failed")


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
        if not servers.check(servers.nodes):
            return _refused(servers)
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


@contextmanager
def keeping(
    loaded: LoadedProfile, resolver: Resolver, progress: ServerProgress, cancel: Cancel, prepared: Prepared
) -> Iterator[tuple[Keeper, tuple[str, ...]]]:
    """What stops and starts the servers, and the nodes in the order of the change, the passive one first.

    The caller holds the homes.

    Raises:
        ChecksFailed: the pair is not healthy, or a server could not be started again.
    """
    servers = Servers("replay", Setting(loaded, resolver, mask=prepared.masker().mask), progress, cancel)
    try:
        changed = {plan.node for plan in prepared.plan.nodes if plan.pending}
        before = {name: _as_in(prepared.packs[name], servers.profile) for name in changed}
        servers.watcher.before = dict(before)
        if not servers.check(servers.nodes):
            found = _lines(one for one in servers.notes if one.status == "error")
            raise ChecksFailed("\n".join(["a server could not be started again:", *found]))
        refuse_unhealthy(servers, f"the ordinary way: {ordinary_way(prepared)}")
        yield Keeper(servers, before), tuple(n.name for n in servers.passive_first() if n.name in changed)
    finally:
        servers.watcher.close()


def _as_in(pack: Pack, profile: Profile) -> Profile:
    """The profile with this home's values of the fields by which a running node is judged."""
    from wizard.command_line.run.from_homes import read_home

    values = read_home(pack).values
    for field in ROLLING:
        if field in values:
            section, _, name = field.rpartition(".")
            holder = getattr(profile, section).model_copy(update={name: values[field]})
            profile = profile.model_copy(update={section: holder})
    return profile


class Keeper:
    """Stops and starts the servers while the files are written, and while they are restored."""

    def __init__(self, servers: Servers, before: dict[str, Profile]) -> None:
        self._servers, self._before, self._unchanged = servers, before, dict(before)
        self._back = False
        self._failures: dict[str, None] = {}
        """Lines, each once, though the way back may fail for the same reason."""

    def stop(self, node: str) -> None:
        with self._going_on():
            if not self._servers.stop(self._servers.profile.node(node), STOP_LIMIT):
                raise StoppedError(f"{node} still runs {STOP_LIMIT:g} s after SIGTERM")

    def start(self, node: str) -> None:
        if self._back:
            self._unchanged[node] = self._before[node]
        else:
            del self._unchanged[node]
        servers = self._servers
        servers.watcher.before = self._unchanged
        noted, started = len(servers.notes), servers.profile.node(node)
        with self._going_on():
            if servers.pid(started) is None:  # an ending unit has no server, and still counts as active
                servers.launch(started)
            outcome, code = servers.wait(time.monotonic() + START_LIMIT)
            if outcome == "healthy":
                return
            # The reason of a failed start says more than verify's findings in its log.
            failed = [one for one in servers.notes[noted:] if one.status == "error"]
            status = "waiting" if outcome == "waiting" else "error"
            found = failed or [one for one in servers.result(outcome, code).findings if one.status == status]
            self._failures |= dict.fromkeys(_lines(found))
            raise StoppedError(f"{node} did not become healthy")

    def turn_back(self) -> None:
        self._back = True
        self._servers.cancel = Cancel()  # from now on nothing can be cancelled

    def state(self) -> str:
        servers = self._servers
        states = servers.result("failed", 1).nodes
        if servers.verdict() == "healthy" and all(node.pid for node in states):
            ending = ", and the pair is healthy again"
        else:
            ending = f" ({'; '.join(f'{node.name}: {node.text}' for node in states)})"
        return "\n".join([ending, *self._failures])

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Raise a failure as `StoppedError`; while restoring, only note it."""
        try:
            yield
        except (OSError, StoppedError, WizardError) as problem:
            if isinstance(problem, WizardError) or self._back:
                self._failures |= dict.fromkeys(str(problem).split("\n"))
            if not self._back:
                raise StoppedError(getattr(problem, "message", describe_error(problem))) from None


def _lines(findings: Iterable[Finding]) -> list[str]:
    return [line for one in findings for line in finding_lines(one, "-")]
