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
from wizard.transaction import index, runs
from wizard.transaction.move import ABSENT, PathState, hash_of, state_of

if TYPE_CHECKING:
    from wizard.plan.change import Change
    from wizard.plan.planner import NodePlan, Plan
    from wizard.preflight.checks import CheckContext
    from wizard.profile.model import Node
    from wizard.transaction.index import Listed
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
        for path in _superseded({key_of(move.path) for move in moves}, run.run):
            path.unlink()


def _superseded(keys: set[str], run: str) -> Iterator[Path]:
    """What earlier runs left at the paths that a run has written again, and that is the newest of no other path."""
    newest: dict[str, str] = {}
    earlier = []
    seen: dict[bytes, set[str]] = {}
    for row in map(index.row, runs.lines()):
        if row.paths in seen and keys.isdisjoint(seen[row.paths]):
            continue
        one = row.listed
        if one.outcome != "committed":
            continue
        seen[row.paths] = set(one.left)
        newest = {**one.left, **newest}
        if one.run != run and not keys.isdisjoint(one.left):
            earlier.append(one)
            if one.kind == "replay":  # a rollback leaves nothing of its own
                keys = keys - one.left.keys()
    states = set(newest.values())
    for one in earlier:
        for path in (one.folder / runs.BACKUPS).glob(f"{LEFT}*"):
            if runs.state_digest(PathState("file", path.name.removeprefix(LEFT))) not in states:
                yield path


def key_of(path: Path) -> str:
    return index.digest(os.fsencode(path))


def _left(run: Run, hashed: str) -> Path:
    return run.backups / f"{LEFT}{hashed}"


def since_last_run(context: CheckContext) -> Iterator[Drift]:
    """What of the files that the plan looks at is not as this user's newest run left it, and not as it has to be."""
    history = runs.lines()
    if not history:
        return
    for node in context.nodes:
        plan = context.plan.node(node.name)
        if plan is not None:
            yield from _of_node(node, plan, context, history)


def _of_node(node: Node, plan: NodePlan, context: CheckContext, history: list[bytes]) -> Iterator[Drift]:
    found = list(_configured(_wanted(plan, context), plan, history))
    left = {entry.path: (run, entry) for run, entry, _ in found}
    later = {entry.path: row for _, entry, row in found}
    edited: dict[str, tuple[Run, Change, bytes | None]] = {}
    for change in plan.pending:
        for move in change.moves:
            run, entry = left.pop(move.path, (None, None))
            if run is None or entry is None or entry.after == move.before:
                continue
            if change.kind == "edit":
                edited[change.path] = (run, change, bytes_of(run, entry, later[move.path]))
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


def _configured(
    wanted: set[Path], plan: NodePlan, history: list[bytes]
) -> Iterator[tuple[Run, JournalEntry, Listed | None]]:
    """The newest run that has configured each path, what it left there, and the run that came next: of the home, and
    the paths that are wanted.

    What a rollback put back is nothing that was configured, unless an older run had left just that.
    """
    home = os.path.realpath(plan.home)
    keys = {key_of(path) for path in wanted}
    put_back: dict[str, str] = {}
    next_one: dict[str, Listed] = {}
    chosen: dict[str, set[str]] = {}
    settled: set[str] = set()
    done: set[bytes] = set()
    for row in map(index.row, history):
        if row.paths in done or row.listed.outcome != "committed":
            continue
        one, left = row.listed, row.listed.left
        if home not in one.homes.values() and keys.isdisjoint(left):
            done.add(row.paths)
            continue
        for key in left.keys() - settled:
            if one.kind == "rollback":
                put_back.setdefault(key, left[key])
            elif put_back.get(key, left[key]) == left[key]:
                settled.add(key)
                chosen.setdefault(one.run, set()).add(key)
                continue
            next_one[key] = one
        if settled.issuperset(left):
            done.add(row.paths)
    for run in filter(None, map(runs.whole, chosen)):
        for entry in run.entries:
            key = key_of(entry.path)
            if key in chosen[run.run] and (entry.path in wanted or Path(home) in entry.path.parents):
                yield run, entry, next_one.get(key)


def bytes_of(run: Run, entry: JournalEntry, next_one: Listed | None) -> bytes | None:
    """The bytes that a run left at a path, as it has kept them or the next run has; None where neither has."""
    paths = [_left(run, entry.after.value)]
    if next_one is not None and (after := runs.whole(next_one.run)) is not None:
        paths += [after.backup(one) for one in after.entries if one.path == entry.path and one.backup]
    for path in paths:
        with contextlib.suppress(OSError):
            content = bounded.read(path)
            if hash_of(content) == entry.after.value:
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
