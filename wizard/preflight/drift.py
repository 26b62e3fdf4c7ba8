"""Drift: what a run had configured and was changed by hand since.

A run keeps the bytes that it wrote with its backups, by their hash.  With them the profile is planned a second
time, on the home as the last run left it: what that plan changes too differs because the profile has changed, and
what only the current plan changes was changed by hand.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
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
    """One path that differs from what the run left; `what` describes the difference."""

    node: str
    path: str
    run: str
    what: str


LEFT = "left-"
"""The prefix of these files' names, among those of the backups."""


def remember(plan: Plan, run: Run) -> None:
    """Keep the bytes that a run has just written, and delete those that are no longer the newest of their file.

    They contain passwords, so they are backups: 0600, and `history --prune` deletes them with the others.  If they
    cannot be kept, drift is reported with less detail.
    """
    moves = [move for change in plan.pending for move in change.moves if change.kind == "edit"]
    with contextlib.suppress(OSError):
        for move in moves:
            if move.content is not None:
                # Not synced to disk: the reader verifies the hash.
                write_plainly(_left(run, move.after.value), move.content, mode=0o600)
        for path in _superseded({key_of(move.path) for move in moves}, run.run):
            path.unlink()


def _superseded(keys: set[str], run: str) -> Iterator[Path]:
    """Yield what earlier runs left at the paths that a run has written again, unless it is the newest elsewhere."""
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
            if one.kind == "replay":  # a rollback keeps no bytes of its own
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
    """Yield the files of the plan that differ both from what this user's newest run left and from the profile."""
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
        # An existing file is not read: the current plan does not change it.
        if entry.after.kind == "file" and is_anything(entry.path):
            continue
        now = state_of(entry.path)
        # A missing file counts if the plan needs it (not for a step that was left out).
        needed = entry.after.kind == "link" or (now == ABSENT and str(entry.path) in plan.unplanned)
        if now != entry.after and needed:
            yield Drift(node.name, entry.name, run.run, _describe(entry.after, now))


def _wanted(plan: NodePlan, context: CheckContext) -> set[Path]:
    """Return the configured paths outside the home: targets of links, and the common path."""
    wanted = {move.path for change in plan.pending for move in change.moves}
    link, hosts = context.profile.spark.symbolic_link, [one.host for one in context.profile.nodes]
    planned = any("spark" in change.steps for change in plan.changes)
    if link is not None and planned and not network.on_one_machine(hosts, resolve=not context.offline):
        wanted.add(Path(os.path.realpath(link.parent)) / link.name)
    return wanted


def _describe(was: PathState, now: PathState) -> str:
    if now == ABSENT:
        return "it does not exist any more"
    if was.kind != "link":
        return "its contents differ"
    return (
        f"it pointed to {was.value}, now to {now.value}"
        if now.kind == "link"
        else "it is not a link any more"
    )


def _configured(
    wanted: set[Path], plan: NodePlan, history: list[bytes]
) -> Iterator[tuple[Run, JournalEntry, Listed | None]]:
    """Yield the newest run that configured each path, what it left there, and the next run: of the home, and of the
    wanted paths.

    What a rollback restored was not configured, unless an older run had left exactly that.
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
    """Return the bytes that a run left at a path, kept by it or backed up by the next run; None if by neither."""
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
    """Yield the values of edited files that were changed by hand, not those that the profile changed."""
    if not edited:
        return
    ids = {step for _, change, _ in edited.values() for step in change.steps}
    known = {path: content for path, (_, _, content) in edited.items() if content is not None}
    plan = planner.build(
        context.profile,
        [node],
        {node.name: Pack(context.packs[node.name].home, known)},
        context.passwords,
        [step for step in context.steps if step.id in ids],
        offline=context.offline,
        only_node=context.only_node,
    )
    planned = {change.path: set(change.what) for change in plan.changes}
    for path, (run, change, content) in edited.items():
        by_profile = planned.get(path, set()) if content is not None else set()
        if by_hand := [what for what in change.what if what not in by_profile]:
            yield Drift(node.name, path, run.run, f"replay would restore {'; '.join(by_hand)}")
