"""Running checks: concurrent, each with its own time limit, cancellable, results as they come.

A check is a plain generator of findings, so that it reads like the table in the procedure.  Offline ones only read
files and run one after the other.  Live ones block in sockets and child processes, so each runs in a daemon thread:
one that hangs is abandoned after its limit and delays neither the others nor the exit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from wizard.system import finding
from wizard.system.errors import Cancel, WizardError
from wizard.system.finding import ANY_PROFILE, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from wizard.pack.home import Pack
    from wizard.plan.planner import Plan
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords
    from wizard.steps.step import Step

LIMIT = 5.0
"""Seconds that a check may take by default."""

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

Severity = Literal["error", "warning"]
Probe = Callable[["CheckContext"], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """A check: its id, why it matters, how to fix its problem, when it runs, and the function that finds it.

    Called with that generator, as its decorator, it returns the check with it.
    """

    id: str
    why: str
    fix: Fix | str
    severity: Severity = "error"
    field: str | None = None
    """The profile's key that corrects most of its findings; `nodes.` for that of the finding's node."""
    live: bool = False
    """It needs the network and is left out by `--offline`."""
    always: bool = False
    """It runs whatever `--only` and `--skip` say."""
    needs: tuple[str, ...] = ()
    """Ids of checks that must end without an error first; otherwise this one is skipped."""
    limit: float = LIMIT
    offline_probe: Probe | None = None
    """What a live check reports with `--offline`; None: nothing."""
    passed: str = ""
    """What is said where the probe finds nothing; empty: nothing."""
    probe: Probe = lambda _: ()

    def __call__(self, probe: Callable[..., Iterable[Finding]]) -> Check:
        return replace(self, probe=probe)

    @property
    def offline(self) -> bool:
        """Whether it also runs with `--offline`."""
        return not self.live or self.offline_probe is not None

    @property
    def step(self) -> str:
        """The part of the id before the dot: a step's id, `ports` or `apply`."""
        return self.id.partition(".")[0]

    def problem(self, message: str, *, fix: Fix | str) -> Finding:
        """Return a finding of the check's severity, with its id."""
        broken = finding.error if self.severity == "error" else finding.warning
        return broken(message, fix=fix)._replace(id=self.id)


def each_node(probe: Callable[[CheckContext, Node], Iterable[Finding]]) -> Probe:
    """Make a probe of a generator that checks one node: it runs for each node, and its findings get the node's name."""

    def probed(context: CheckContext) -> Iterator[Finding]:
        for node in context.nodes:
            yield from (one._replace(node=node.name) for one in probe(context, node))

    return probed


def _each(
    subject_of: Callable[[CheckContext, Node], T | None], passed: str = ""
) -> Callable[[Callable[[CheckContext, Node, T], Iterable[Finding]]], Probe]:
    """The same, of a generator that checks a subject of the node: it runs for each node that has one.

    `passed` is the message for a subject without a finding; empty: none.
    """

    def wrap(probe: Callable[[CheckContext, Node, T], Iterable[Finding]]) -> Probe:
        @each_node
        def probed(context: CheckContext, node: Node) -> Iterable[Finding]:
            subject = subject_of(context, node)
            return () if subject is None else _or_passed(probe(context, node, subject), passed)

        return probed

    return wrap


each_home = partial(_each, lambda context, node: context.packs.get(node.name))
"""Make a probe of a generator that checks one home, for those that are on this machine."""
each_plan = partial(_each, lambda context, node: context.plan.node(node.name))
"""Make a probe of a generator that checks what the run will change in one home."""


def _or_passed(found: Iterable[Finding], passed: str) -> Iterator[Finding]:
    """Yield the findings; if there are none, one that says what `passed`, unless it is empty."""
    silent = True
    for one in found:
        silent = False
        yield one
    if silent and passed:
        yield finding.ok(passed)


@dataclass(eq=False)
class CheckContext:
    """What a check may read.  `nodes` are those asked for; `packs` has only the homes that are here.

    A fix names the profile `called`, so that it can be pasted.
    """

    profile: Profile
    nodes: tuple[Node, ...]
    packs: Mapping[str, Pack]
    plan: Plan
    passwords: Passwords
    _: KW_ONLY
    trusted: bool = False
    """The user has agreed to the profile: the programs that it names may run."""
    offline: bool = False
    only_node: str | None = None
    called: str = ANY_PROFILE
    steps: tuple[Step, ...] = ()
    """The whole procedure, whatever this run leaves out: for planning again."""
    rolling: bool = False
    """The servers run, and each is stopped in its turn."""
    cancel: Cancel = field(default_factory=Cancel)
    _memo: dict[str, Future[Any]] = field(default_factory=dict)

    @property
    def homes(self) -> list[tuple[Node, Pack]]:
        """The nodes to check whose homes are on this machine, each with its pack."""
        return [(node, self.packs[node.name]) for node in self.nodes if node.name in self.packs]

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Return the result of `make`, called by the first check that asks; its exception is raised for each."""
        from concurrent.futures import Future

        own: Future[T] = Future()
        shared: Future[T] = self._memo.setdefault(key, own)
        if shared is own:
            try:
                own.set_result(make())
            except Exception as problem:
                own.set_exception(problem)
            except BaseException:
                own.cancel()
                raise
        return shared.result()

    def forget(self) -> None:
        """Forget the results of `once`, because what they were read from has changed."""
        self._memo.clear()


def run(
    checks: Iterable[Check], context: CheckContext, *, ignore: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Yield the findings of all checks as they come, each with the id of its check.

    A check that exceeds its limit is abandoned with a finding; all checks together take as long as the slowest
    chain of `needs`.  Setting `context.cancel` ends the stream at once.
    """
    if context.offline:
        checks = [
            one if one.offline_probe is None else replace(one, probe=one.offline_probe, live=False, needs=())
            for one in checks
            if one.offline
        ]
    # Live ones first: they wait for the network while the offline ones read files.
    for result in _concurrently(sorted(checks, key=lambda one: not one.live), context):
        done = result.for_profile(context.called)
        if done.id in ignore and done.status == "error":
            done = done._replace(status="warning", message=f"{done.message} (ignored)")
        yield done


def _findings(one: Check, context: CheckContext) -> list[Finding]:
    """Run one check; an exception becomes a finding, so that it does not stop the others."""

    def probed() -> Iterator[Finding]:
        try:
            yield from _or_passed(one.probe(context), one.passed)
        except WizardError as problem:
            if not any(known.message == problem.text for known in context.plan.problems):
                raise
            yield finding.skipped("skipped: a file cannot be read (see prerequisites.files)")

    return finding.of(one.id, probed(), one.problem, one.fix)


def _concurrently(checks: list[Check], context: CheckContext) -> Iterator[Finding]:
    """Run offline checks in order, and live ones in threads beside them, each once its needs have ended."""
    from concurrent.futures import FIRST_COMPLETED, Future, wait

    waiting = {one.id: one for one in checks}
    running: dict[Future[list[Finding]], tuple[Check, float]] = {}
    failed: set[str] = set()

    def start(one: Check) -> Future[list[Finding]]:
        future: Future[list[Finding]] = Future()

        def work() -> None:
            future.set_result(_findings(one, context))

        if missed := next((need for need in one.needs if need in failed), None):
            failed.add(one.id)
            future.set_result([finding.skipped(f"skipped: {missed} did not pass")._replace(id=one.id)])
        elif one.live:
            threading.Thread(target=work, name=one.id, daemon=True).start()
        else:
            work()
        return future

    while (waiting or running) and not context.cancel.is_set():
        unfinished = {*waiting, *(one.id for one, _ in running.values())}
        ready = next((one for one in waiting.values() if unfinished.isdisjoint(one.needs)), None)
        pause = 0.0
        if ready is not None:
            del waiting[ready.id]
            running[start(ready)] = ready, time.monotonic() + ready.limit
        else:
            pause = max(0.0, min(0.25, *(deadline - time.monotonic() for _, deadline in running.values())))
        done, _ = wait(running, timeout=pause, return_when=FIRST_COMPLETED)
        for future, (one, deadline) in list(running.items()):
            if future in done:
                found = future.result()
            elif deadline <= time.monotonic():
                found = [one.problem(f"no answer within {one.limit:g} s", fix=one.fix)]
            else:
                continue
            del running[future]
            if any(result.status == "error" for result in found):
                failed.add(one.id)
            yield from found
