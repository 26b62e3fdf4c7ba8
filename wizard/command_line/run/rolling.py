"""`replay --rolling`: change a running pair node by node: stop, write, start, wait until the pair is healthy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wizard.command_line.run.from_homes import read_home
from wizard.command_line.run.replay import ordinary_way
from wizard.command_line.run.servers import (
    START_LIMIT,
    STOP_LIMIT,
    ServerProgress,
    Servers,
    Setting,
)
from wizard.command_line.run.start_stop import refuse_unhealthy
from wizard.system.errors import ChecksFailed, StoppedError, WizardError, describe_error
from wizard.system.finding import finding_lines
from wizard.verify.verdict import ROLLING

if TYPE_CHECKING:
    from wizard.command_line.run.replay import Prepared
    from wizard.pack.home import Pack
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node, Profile
    from wizard.system.cancel import Cancel


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
        servers.judge_by(dict(before))
        if not servers.check(servers.nodes):
            found = [
                line for one in servers.notes for line in finding_lines(one, "-") if one.status == "error"
            ]
            raise ChecksFailed("\n".join(["a server could not be started again:", *found]))
        refuse_unhealthy(servers, f"the ordinary way: {ordinary_way(prepared)}")
        yield Keeper(servers, before), tuple(n.name for n in servers.passive_first() if n.name in changed)
    finally:
        servers.close()


def _as_in(pack: Pack, profile: Profile) -> Profile:
    """The profile with this home's values of the fields by which a running node is judged."""
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
        self._do(node, self._stop)

    def start(self, node: str) -> None:
        if self._back:
            self._unchanged[node] = self._before[node]
        else:
            del self._unchanged[node]
        self._servers.judge_by(self._unchanged)
        self._do(node, self._start)

    def turn_back(self) -> None:
        self._back = True
        self._servers.finish()

    def state(self) -> str:
        servers = self._servers
        states = servers.result("failed", 1).nodes
        if servers.verdict() == "healthy" and all(node.pid for node in states):
            ending = ", and the pair is healthy again"
        else:
            ending = f" ({'; '.join(f'{node.name}: {node.text}' for node in states)})"
        return "\n".join([ending, *self._failures])

    def _do(self, name: str, action: Callable[[Node], None]) -> None:
        """While restoring, note what fails and go on."""
        try:
            action(self._servers.profile.node(name))
        except (OSError, StoppedError, WizardError) as problem:
            if isinstance(problem, WizardError) or self._back:
                self._failures |= dict.fromkeys(str(problem).split("\n"))
            if not self._back:
                raise StoppedError(getattr(problem, "message", describe_error(problem))) from None

    def _stop(self, node: Node) -> None:
        if not self._servers.stop(node, STOP_LIMIT):
            raise StoppedError(f"{node.name} still runs {STOP_LIMIT:g} s after SIGTERM")

    def _start(self, node: Node) -> None:
        servers = self._servers
        noted = len(servers.notes)
        if servers.pid(node) is None:  # an ending unit has no server, and still counts as active
            servers.launch(node)
        outcome, code = servers.wait(time.monotonic() + START_LIMIT)
        if outcome == "healthy":
            return
        # The reason of a failed start says more than verify's findings in its log.
        failed = [one for one in servers.notes[noted:] if one.status == "error"]
        status = "waiting" if outcome == "waiting" else "error"
        found = failed or [one for one in servers.result(outcome, code).findings if one.status == status]
        self._failures |= dict.fromkeys(line for one in found for line in finding_lines(one, "-"))
        raise StoppedError(f"{node.name} did not become healthy")
