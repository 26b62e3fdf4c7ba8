"""`replay --rolling`: the servers of a pair stopped and started while a run changes it node by node."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from wizard.command_line.run.from_homes import read_home
from wizard.command_line.run.replay import ordinary_way
from wizard.command_line.run.servers import (
    START_LIMIT,
    STOP_LIMIT,
    ServerProgress,
    Servers,
    Setting,
    refuse_unhealthy,
)
from wizard.pack.home import Pack
from wizard.system.errors import Cancel, ChecksFailed, StoppedError, WizardError, describe_error
from wizard.system.finding import finding_lines
from wizard.verify.verdict import ROLLING

if TYPE_CHECKING:
    from wizard.command_line.run.replay import Prepared
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Profile
    from wizard.system.finding import Finding


@contextmanager
def keeping(
    loaded: LoadedProfile, resolver: Resolver, progress: ServerProgress, cancel: Cancel, prepared: Prepared
) -> Iterator[tuple[Keeper, tuple[str, ...]]]:
    """What stops and starts the servers, and the nodes in the order of the change, the passive one first.

    The caller holds the homes.

    Raises:
        ChecksFailed: the pair is not healthy, or a server could not be started again.
    """
    setting = Setting(loaded, resolver, mask=prepared.masker().mask)
    with closing(Servers("replay", setting, progress, cancel)) as servers:
        changed = {plan.node for plan in prepared.plan.nodes if plan.pending}
        before = {name: _as_in(prepared.packs[name], servers.profile) for name in changed}
        servers.watcher.before = dict(before)
        if servers.check(servers.nodes):
            found = _lines(one for one in servers.notes if one.status == "error")
            raise ChecksFailed("\n".join(["a server could not be started again:", *found]))
        refuse_unhealthy(servers, f"the ordinary way: {ordinary_way(prepared)}")
        yield Keeper(servers, before), tuple(n.name for n in servers.passive_first() if n.name in changed)


def _as_in(pack: Pack, profile: Profile) -> Profile:
    """The profile with this home's values of the fields by which a running node is judged."""
    values = read_home(pack).values
    for key in values.keys() & ROLLING:
        section, _, name = key.rpartition(".")
        holder = getattr(profile, section).model_copy(update={name: values[key]})
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
