"""Running checks: concurrent, each with its own time limit, cancellable, results as they come.

A check is a plain generator of findings, so that it reads like the table in the procedure.  Offline ones run one
after the other: they only read files.  Live ones block in sockets and child processes, so each gets a daemon
thread: one that hangs in a black hole is given up after its limit and holds up neither the others nor the exit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from wizard.system import finding
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError
from wizard.system.finding import ANY_PROFILE, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wizard.pack.home import Pack
    from wizard.plan.planner import Plan
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords
    from wizard.steps.step import Step

LIMIT = 5.0
"""Seconds that a check may take unless it says otherwise."""

UNIGNORABLE = frozenset(
    {
        "prerequisites.secret",
        "prerequisites.home",
        "prerequisites.same-home",
        "prerequisites.files",
        "apply.unfinished",
        "registry.local-database",
    }
)
"""Checks without which there is no plan, and the one that protects the shared registry: `--ignore` refuses them
(checks.md)."""

T = TypeVar("T")

Probe = Callable[["CheckContext"], Iterable[Finding]]


class Check(NamedTuple):
    """A check: its id, when it runs, why it matters, how its problem is mended, and the function that looks."""

    id: str
    severity: Literal["error", "warning"]
    why: str
    fix: Fix | str
    probe: Probe
    live: bool = False
    always: bool = False
    needs: tuple[str, ...] = ()
    limit: float = LIMIT
    offline_probe: Probe | None = None
    """What a live check can still say with `--offline`; None: nothing."""

    @property
    def offline(self) -> bool:
        """Whether it also runs with `--offline`."""
        return not self.live or self.offline_probe is not None

    def without_network(self) -> Check:
        """The check as it runs with `--offline`."""
        if self.offline_probe is None:
            return self
        return self._replace(probe=self.offline_probe, live=False, needs=())

    @property
    def step(self) -> str:
        """The part of the id before the dot: a step's id, `ports` or `apply`."""
        return self.id.partition(".")[0]


def check(
    id: str,
    *,
    severity: Literal["error", "warning"] = "error",
    why: str,
    fix: Fix | str,
    live: bool = False,
    always: bool = False,
    needs: tuple[str, ...] = (),
    limit: float = LIMIT,
    offline: Probe | None = None,
) -> Callable[[Probe], Check]:
    """Make a `Check` of a generator function.

    `live`: it needs the network and is left out by `--offline`; `offline` is what it can say all the same.
    `always`: it runs whatever `--only` and `--skip` say.  `needs`: ids that must have ended without an error first;
    otherwise this one is skipped.
    """

    def wrap(probe: Probe) -> Check:
        return Check(id, severity, why, fix, probe, live, always, needs, limit, offline)

    return wrap


HomeProbe = Callable[["CheckContext", "Node", "Pack"], Iterable[Finding]]


def each_home(passed: str = "") -> Callable[[HomeProbe], Probe]:
    """Make a probe of a generator that checks one home: it runs for each home of `context.homes`.

    The findings get the node's name.  `passed` is the message for a home without a finding; empty: none.
    """

    def wrap(probe: HomeProbe) -> Probe:
        def probed(context: CheckContext) -> Iterator[Finding]:
            for node, pack in context.homes:
                silent = True
                for one in probe(context, node, pack):
                    silent = False
                    yield one._replace(node=node.name)
                if passed and silent:
                    yield finding.ok(passed, node=node.name)

        return probed

    return wrap


class CheckContext:
    """What a check may look at.  `nodes` are those asked for; `packs` has only the homes that are here.

    A fix calls the profile `called`, so that it can be pasted.
    """

    def __init__(
        self,
        profile: Profile,
        nodes: tuple[Node, ...],
        packs: Mapping[str, Pack],
        plan: Plan,
        passwords: Passwords,
        *,
        trusted: bool = False,
        offline: bool = False,
        only_node: str | None = None,
        called: str = ANY_PROFILE,
        steps: tuple[Step, ...] = (),
        rolling: bool = False,
    ) -> None:
        self.profile = profile
        self.nodes = nodes
        self.packs = packs
        self.plan = plan
        self.passwords = passwords
        self.trusted = trusted
        """The user has agreed to the profile: what it names may run."""
        self.offline = offline
        self.only_node = only_node
        self.called = called
        self.steps = steps
        """The whole procedure, whatever this run leaves out: for whoever plans again."""
        self.rolling = rolling
        """The servers run, and each is stopped when its turn comes."""
        self.cancel = Cancel()
        self._memo: dict[str, _Once] = {}
        self._lock = threading.Lock()

    @property
    def homes(self) -> list[tuple[Node, Pack]]:
        """The nodes to check whose homes are on this machine, each with its pack."""
        return [(node, self.packs[node.name]) for node in self.nodes if node.name in self.packs]

    def once(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returns, made by whichever check asks first; an error it raises is raised for each."""
        with self._lock:
            slot = self._memo.setdefault(key, _Once())
        with slot.lock:
            if not slot.done:
                try:
                    slot.value = make()
                except Exception as problem:
                    slot.error = problem
                slot.done = True
        if slot.error is not None:
            raise slot.error
        return slot.value  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Look again at everything that was looked at once: it has been changed meanwhile."""
        with self._lock:
            self._memo.clear()


class _Once:
    """A value that is made at most once, whichever thread comes first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.value: Any = None
        self.error: Exception | None = None


def run(
    checks: Iterable[Check], context: CheckContext, *, ignore: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """The findings of all checks, as they come; each carries the id of its check.

    Every check ends within its limit or is given up with a finding that says so; all of them together take as
    long as the slowest chain of `needs`.  Setting `context.cancel` ends the stream at once.
    """
    # Live ones first: they wait for the network while the offline ones read files.
    if context.offline:
        checks = [one.without_network() for one in checks if one.offline]
    checks = sorted(checks, key=lambda one: not one.live)
    for result in _concurrently(checks, context):
        yield _finished(result, context.called, ignored=result.id in ignore)


def _finished(result: Finding, called: str, *, ignored: bool) -> Finding:
    """The finding with the profile's name in its fix, and as a warning where its errors are ignored."""
    result = result.for_profile(called)
    if ignored and result.status == "error":
        return result._replace(status="warning", message=f"{result.message} (ignored)")
    return result


def _findings(one: Check, context: CheckContext) -> list[Finding]:
    """What one check finds; what it raises becomes a finding, so that no check can take the others down."""

    def probed() -> Iterator[Finding]:
        try:
            yield from one.probe(context)
        except WizardError as problem:
            if not any(told.message == problem.text for told in context.plan.problems):
                raise
            yield finding.skipped("not looked at: a file cannot be read (see prerequisites.files)")

    return finding.of(
        one.id, probed(), finding.error if one.severity == "error" else finding.warning, one.fix
    )


def _concurrently(checks: list[Check], context: CheckContext) -> Iterator[Finding]:
    """Offline checks in order, live ones in threads beside them, each started when what it needs has ended."""
    verdicts: dict[str, bool] = {}
    waiting = {one.id: one for one in checks}
    deadlines: dict[str, float] = {}
    import queue

    results: queue.SimpleQueue[tuple[Check, list[Finding]]] = queue.SimpleQueue()

    def startable() -> list[Check]:
        pending = waiting.keys() | deadlines.keys()
        return [one for one in waiting.values() if pending.isdisjoint(one.needs)]

    def settle(one: Check, found: list[Finding]) -> list[Finding]:
        verdicts[one.id] = not any(result.status == "error" for result in found)
        return found

    def start() -> Iterator[Finding]:
        progress = True
        while progress and not context.cancel.is_set():
            progress = False
            for one in startable():
                progress = True
                del waiting[one.id]
                missed = next((need for need in one.needs if not verdicts.get(need, True)), None)
                if missed is not None:
                    yield from settle_skipped(one, missed)
                elif one.live:
                    deadlines[one.id] = time.monotonic() + one.limit
                    threading.Thread(
                        target=lambda one=one: results.put((one, _findings(one, context))),
                        name=one.id,
                        daemon=True,
                    ).start()
                else:
                    yield from settle(one, _findings(one, context))

    def settle_skipped(one: Check, missed: str) -> list[Finding]:
        verdicts[one.id] = False
        return [finding.skipped(f"not looked at: it needs {missed}")._replace(id=one.id)]

    by_id = {one.id: one for one in checks}
    yield from start()
    while deadlines and not context.cancel.is_set():
        next_deadline = min(deadlines.values())
        try:
            one, found = results.get(timeout=max(0.0, min(next_deadline - time.monotonic(), 0.25)))
        except queue.Empty:
            now = time.monotonic()
            for late in [by_id[id] for id, deadline in deadlines.items() if deadline <= now]:
                del deadlines[late.id]
                gave_up = finding.error if late.severity == "error" else finding.warning
                text = f"no answer within {late.limit:g} s"
                yield from settle(late, [gave_up(text, fix=late.fix)._replace(id=late.id)])
        else:
            if one.id not in deadlines:
                continue  # it had been given up
            del deadlines[one.id]
            yield from settle(one, found)
        yield from start()
