"""Drift: what was changed by hand of that which a run had configured.

A run keeps the bytes that it wrote with its backups, by their hash.  With them the profile is planned a second
time, on the home as the last run left it: what that plan would change too differs because the profile has changed,
and what only the plan of today would change was changed by hand.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.pack.home import Pack
from wizard.plan import planner
from wizard.system import bounded, network
from wizard.system.durable import write_plainly
from wizard.system.presence import is_anything
from wizard.transaction import runs
from wizard.transaction.move import ABSENT, PathState, hash_of, state_of

if TYPE_CHECKING:
    from wizard.plan.change import Change
    from wizard.plan.planner import NodePlan, Plan
    from wizard.preflight.checks import CheckContext
    from wizard.profile.model import Node
    from wizard.transaction.runs import JournalEntry, Run


class Drift(NamedTuple):
    """One path that is not as the run left it; `what` says for people what was done to it."""

    node: str
    path: str
    run: str
    what: str


LEFT = "left-"
"""How the names of these files begin, among those of the backups."""


def remember(plan: Plan, run: Run) -> None:
    """Keep the bytes that a run has just written, and forget those that are no longer the newest of their file.

    They hold passwords, so they are backups: 0600, and gone with the others by `history --prune`.  Where they
    cannot be kept, less can be told later, and nothing else is lost.
    """
    moves = [move for change in plan.pending for move in change.moves if change.kind == "edit"]
    with contextlib.suppress(OSError):
        for move in moves:
            if move.content is not None:
                # Not brought to the disk: whoever reads it looks whether it has this hash.
                write_plainly(_left(run, move.after.value), move.content, mode=0o600)
        history = runs.history()
        newest = {state.value for state in _newest(history).values()}
        for path in [path for run in history for path in run.backups.glob(f"{LEFT}*")]:
            if path.name.removeprefix(LEFT) not in newest:
                path.unlink()


def _left(run: Run, digest: str) -> Path:
    return run.backups / f"{LEFT}{digest}"


def _newest(history: Iterable[Run]) -> dict[Path, PathState]:
    found: dict[Path, PathState] = {}
    for run in history:
        if run.outcome == "committed":
            for entry in run.entries:
                found.setdefault(entry.path, entry.after)
    return found


def since_last_run(context: CheckContext) -> Iterator[Drift]:
    """What of the files that the plan looks at is not as this user's newest run left it, and not as it has to be."""
    history = [run for run in runs.history() if run.outcome == "committed"]
    if not history:
        return
    for node in context.nodes:
        plan = context.plan.node(node.name)
        if plan is not None:
            yield from _of_node(node, plan, context, history)


def _of_node(node: Node, plan: NodePlan, context: CheckContext, history: list[Run]) -> Iterator[Drift]:
    left = {entry.path: (run, entry) for run, entry in _configured(_wanted(plan, context), plan, history)}
    edited: dict[str, tuple[Run, Change, bytes | None]] = {}
    for change in plan.pending:
        for move in change.moves:
            run, entry = left.pop(move.path, (None, None))
            if run is None or entry is None or entry.after == move.before:
                continue
            if change.kind == "edit":
                edited[change.path] = (run, change, _bytes_of(entry.after, history))
            else:
                yield Drift(node.name, change.path, run.run, _describe(entry.after, move.before))
    yield from _edited(node, edited, context)
    for run, entry in left.values():
        # What is there and no link is not read: the plan of today has nothing to say against it.
        if entry.after.kind == "file" and is_anything(entry.path):
            continue
        now = state_of(entry.path)
        if now != entry.after and (entry.after.kind == "link" or _is_missed(entry.path, now, plan)):
            yield Drift(node.name, entry.name, run.run, _describe(entry.after, now))


def _wanted(plan: NodePlan, context: CheckContext) -> set[Path]:
    """What lies outside of the home and is configured all the same: targets of links, and the common path."""
    wanted = {move.path for change in plan.pending for move in change.moves}
    link, hosts = context.profile.spark.symbolic_link, [one.host for one in context.profile.nodes]
    looked_at = any("spark" in change.steps for change in plan.changes)
    if link is not None and looked_at and not network.on_one_machine(hosts, resolve=not context.offline):
        wanted.add(Path(os.path.realpath(link.parent)) / link.name)
    return wanted


def _is_missed(path: Path, now: PathState, plan: NodePlan) -> bool:
    """Whether a file is gone and the plan stumbles over that (a step that was left out does not)."""
    return now == ABSENT and any(os.path.basename(path) in problem.message for problem in plan.problems)


def _describe(was: PathState, now: PathState) -> str:
    if now == ABSENT:
        return "it is gone"
    if was.kind == "link":
        return (
            f"it led to {was.value}, and now to {now.value}"
            if now.kind == "link"
            else "it is no link any more"
        )
    return "it has other contents"


def _configured(wanted: set[Path], plan: NodePlan, history: list[Run]) -> Iterator[tuple[Run, JournalEntry]]:
    """The newest run that has configured each path, and what it left there: of the home, and those that are wanted.

    What a rollback put back is nothing that was configured, unless an older run had left just that.
    """
    home = Path(os.path.realpath(plan.home))
    put_back: dict[Path, PathState | None] = {}
    for run in history:
        for entry in run.entries:
            if entry.path not in wanted and not entry.path.is_relative_to(home):
                continue
            if entry.path not in put_back:
                put_back[entry.path] = entry.after if run.kind == "rollback" else None
                if run.kind == "replay":
                    yield run, entry
            elif run.kind == "replay" and put_back[entry.path] == entry.after:
                put_back[entry.path] = None
                yield run, entry


def _bytes_of(state: PathState, history: list[Run]) -> bytes | None:
    """The bytes of that hash, from what runs left or backed up; None where nobody has kept them."""
    backups = (
        run.backup(entry)
        for run in history
        for entry in run.entries
        if entry.backup and entry.before == state
    )
    left = (_left(run, state.value) for run in history)
    for path in (*left, *backups):
        with contextlib.suppress(OSError):
            content = bounded.read(path)
            if hash_of(content) == state.value:
                return content
    return None


def _edited(
    node: Node, edited: dict[str, tuple[Run, Change, bytes | None]], context: CheckContext
) -> Iterator[Drift]:
    """The values of edited files that somebody has changed; nothing where only the profile has."""
    if not edited:
        return
    known = {path: content for path, (_, _, content) in edited.items() if content is not None}
    then = Pack(context.packs[node.name].home, known)
    planned = {
        change.path: set(change.what) for change in _plan_of(node, then, edited.values(), context).changes
    }
    for path, (run, change, content) in edited.items():
        if content is None:
            yield Drift(node.name, path, run.run, f"the way back: {'; '.join(change.what)}")
            continue
        by_hand = [what for what in change.what if what not in planned.get(path, set())]
        if by_hand:
            yield Drift(node.name, path, run.run, f"the way back: {'; '.join(by_hand)}")


def _plan_of(
    node: Node, pack: Pack, edited: Iterable[tuple[Run, Change, bytes | None]], context: CheckContext
) -> NodePlan:
    ids = {step for _, change, _ in edited for step in change.steps}
    built = planner.build(
        context.profile,
        [node],
        {node.name: pack},
        context.passwords,
        [step for step in context.steps if step.id in ids],
        offline=context.offline,
        only_node=context.only_node,
    )
    return built.nodes[0]
