"""Profile + packs → what a run would change, as data.  Touches nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wizard.plan.change import Change
from wizard.plan.workbench import Workbench
from wizard.system import finding, network
from wizard.system.errors import EditError
from wizard.system.finding import Finding
from wizard.transaction.move import Move

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords
    from wizard.steps.step import Step


class NodePlan(NamedTuple):
    """What one node's files need, in its real home; `problems` keep it from being done (`prerequisites.files`)."""

    node: str
    home: Path
    changes: tuple[Change, ...]
    problems: tuple[Finding, ...] = ()
    unplanned: frozenset[str] = frozenset()
    """The places of the problems: the real paths of files that cannot be planned, among others."""

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that change something."""
        return tuple(change for change in self.changes if change.moves)


class Plan(NamedTuple):
    """The nodes' plans, in the profile's order.  What is shown is what is written, to the byte."""

    nodes: tuple[NodePlan, ...]

    def node(self, name: str) -> NodePlan | None:
        return next((plan for plan in self.nodes if plan.node == name), None)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for plan in self.nodes for change in plan.changes)

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for plan in self.nodes for change in plan.pending)

    @property
    def moves(self) -> list[tuple[str, str, Move]]:
        """What is written, in order: node, path in the plan, and move."""
        return [(change.node, change.path, move) for change in self.pending for move in change.moves]

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(problem for plan in self.nodes for problem in plan.problems)

    def files(self, *, status: str | None = None) -> list[dict[str, Any]]:
        """The `files` of the JSON; `status` replaces that of those that change."""
        return [
            {
                "node": change.node,
                "path": change.path,
                "step": change.step,
                "status": (status or change.status) if change.moves else "unchanged",
                "changes": list(change.what),
            }
            for change in self.changes
        ]


def build(
    profile: Profile,
    nodes: Iterable[Node],
    packs: Mapping[str, Pack],
    passwords: Passwords,
    steps: Iterable[Step],
    offline: bool,
    only_node: str | None = None,
    *,
    server: tuple[int, ...] | None = None,
    mariadb: bool = False,
) -> Plan:
    """The plan of these steps for the nodes whose packs are here.

    `server` is the version of the MySQL server, where it is known.  A file that cannot be planned is a problem of
    its node; the rest is planned, so that every problem is reported at once.
    """
    resolve = not offline
    one_machine = network.on_one_machine([node.host for node in profile.nodes], resolve=resolve)
    steps = tuple(steps)
    plans = []
    for node in nodes:
        if node.name not in packs:
            continue
        here = True if only_node == node.name else network.is_this_machine(node.host, resolve=resolve)
        bench = Workbench(profile, node, packs[node.name], passwords, one_machine, here, server, mariadb)
        plans.append(_of_node(bench, steps))
    return Plan(tuple(plans))


def _of_node(bench: Workbench, steps: tuple[Step, ...]) -> NodePlan:
    problems: list[EditError] = []
    for step in steps:
        bench.step = step.id
        for edit in step.edits:
            try:
                edit(bench)
            except EditError as problem:
                problems.append(problem)
            except OSError as problem:  # a path that cannot be read, such as a link to itself
                place = str(problem.filename or "a path of the home")
                problems.append(EditError(f"cannot be read: {problem.strerror}", place=place))
    changes, broken = bench.changes()
    found = dict.fromkeys(
        finding.error(problem.text, node=bench.node.name, fix=problem.fix or "unpack the pack again")
        for problem in [*problems, *broken]
    )
    unplanned = frozenset(os.path.realpath(one.place) for one in [*problems, *broken] if one.place)
    home = Path(os.path.realpath(bench.pack.home))
    return NodePlan(bench.node.name, home, tuple(changes), tuple(found), unplanned)
