"""`start`, `stop`, `restart` and `service`: in which order the servers are started and stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wizard.command_line.run.replay import Options
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
from wizard.system.errors import ChecksFailed, UsageError, WizardError, os_errors_as_failures
from wizard.transaction.home_lock import locked
from wizard.verify.unfinished import UNFINISHED

if TYPE_CHECKING:
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node
    from wizard.verify.view import View

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
            actions: Mapping[str, Callable[..., ServersResult]]
            actions = {"start": start, "stop": stop, "restart": restart}
            return actions[verb](servers, **options)
    except KeyboardInterrupt:
        text = "cancelled; servers that run keep running"
        ended: tuple[ServersOutcome, int, str] = ("cancelled", 130, text)
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

    Without `wait` it ends once the launchers run (outcome `waiting`, exit code 0).  A running node is left alone.
    """
    deadline, first = time.monotonic() + timeout, servers.profile.nodes[0]

    def tables_made(view: View) -> bool:
        """Whether the first node's log has `Cluster initialization completed`: then it has created the tables."""
        facts = view.pair.facts(first)
        return servers.begun(first) and facts is not None and facts.clustered is not None

    with locked(servers.homes):
        stopped = [node for node in servers.nodes if servers.pid(node) is None]
        if not servers.check(stopped):
            return _refused(servers)
        setup = bool(stopped) and _tables_missing(servers)
        if setup and first not in servers.nodes:
            raise ChecksFailed(
                f"the tables do not exist yet, and {first.name} creates them at its first start (-Dsetup)",
                fix=f"start {first.name} first: apimha-wizard start {servers.called} --node {first.name}",
            )
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
    if not (
        all(map(servers.pid, servers.nodes))
        and servers.wait_for(_is_judged, min(deadline, time.monotonic() + KNOWING))
        and servers.verdict() == "healthy"
    ):
        raise ChecksFailed(
            "the pair is not healthy, so no node may be stopped",
            fix=f"for the reason: apimha-wizard verify {servers.called}; {otherwise}",
        )


def _is_judged(view: View) -> bool:
    """Whether the pair is healthy, or known not to be: the Spark UIs were read."""
    return view.outcome == "healthy" or (view.outcome == "unhealthy" and view.spark is not None)


def service(loaded: LoadedProfile, only_node: str) -> str:
    """Return the systemd unit of a node.

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
