"""Drift: what a run had configured and was changed by hand since.

A run keeps the bytes that it wrote with its backups, by their hash.  With them the profile is planned a second
time, on the home as the last run left it: what that plan changes too differs because the profile has changed, and
what only the current plan changes was changed by hand.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.pack.home import Pack
from wizard.plan import planner
from wizard.system import bounded, network
from wizard.system.bounded import is_anything
from wizard.system.durable import write_plainly
from wizard.transaction import index, runs
from wizard.transaction.move import ABSENT, PathState, hash_of, state_of

if TYPE_CHECKING:
    from wizard.plan.change import Change
    from wizard.plan.planner import NodePlan, Plan
    from wizard.preflight.checks import CheckContext
    from wizard.profile.model import Node
    from wizard.transaction.index import Listed, Row
    from wizard.transaction.runs import JournalEntry, Run


class Drift(NamedTuple):
    """One path that differs from what the run left; `what` describes the difference."""

    node: str
    path: str
    run: str
    what: str


def remember(plan: Plan, run: Run) -> None:
    """Keep the bytes that a run has just written.

    They contain passwords, so they are backups: 0600, and `history --prune` deletes them with the others.  If they
    cannot be kept, drift is reported with less detail.
    """
    with contextlib.suppress(OSError):
        for move in (move for change in plan.pending if change.kind == "edit" for move in change.moves):
            if move.content is not None:
                # Not synced to disk: the reader verifies the hash.
                write_plainly(_left(run, move.after.value), move.content, mode=0o600)


def key_of(path: Path) -> str:
    return index.digest(os.fsencode(path))


def _left(run: Run, hashed: str) -> Path:
    return run.backups / f"left-{hashed}"


def since_last_run(context: CheckContext) -> Iterator[Drift]:
    """Yield the files of the plan that differ both from what this user's newest run left and from the profile."""
    history = runs.rows()
    for node in context.nodes if history else ():
        plan = context.plan.node(node.name)
        if plan is not None:
            yield from _of_node(node, plan, context, history)


def _of_node(node: Node, plan: NodePlan, context: CheckContext, history: list[Row]) -> Iterator[Drift]:
    planned = {move.path: (change, move) for change in plan.pending for move in change.moves}
    edited: dict[str, tuple[Run, Change]] = {}
    left: dict[str, bytes] = {}
    for run, entry in _configured(_wanted(plan, context), plan, history):
        if entry.path in planned:
            change, move = planned[entry.path]
            if entry.after == move.before:
                continue
            if change.kind == "edit":
                edited[change.path] = run, change
                if (content := bytes_of(run, entry)) is not None:
                    left[change.path] = content
            else:
                yield Drift(node.name, change.path, run.run, _describe(entry.after, move.before))
        # An existing file is not read: the current plan does not change it.
        elif entry.after.kind != "file" or not is_anything(entry.path):
            now = state_of(entry.path)
            # A missing file counts if the plan needs it (not for a step that was left out).
            needed = entry.after.kind == "link" or (now == ABSENT and str(entry.path) in plan.unplanned)
            if now != entry.after and needed:
                yield Drift(node.name, entry.name, run.run, _describe(entry.after, now))
    if edited:
        yield from _edited(node, edited, left, context)


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
    if was.kind == now.kind == "link":
        return f"it pointed to {was.value}, now to {now.value}"
    return "it is not a link any more" if was.kind == "link" else "its contents differ"


def _configured(wanted: set[Path], plan: NodePlan, history: list[Row]) -> Iterator[tuple[Run, JournalEntry]]:
    """Yield the newest run that configured each path of the home and each wanted path, with what it left there.

    What a rollback restored was not configured, unless an older run had left exactly that.
    """
    home = str(plan.home)
    keys = {key_of(path) for path in wanted}
    put_back: dict[str, str] = {}
    chosen: dict[str, set[str]] = {}
    settled: set[str] = set()
    done: set[bytes] = set()
    for row in history:
        if row.paths in done or row.listed.outcome != "committed":
            continue
        one, left = row.listed, row.listed.left
        if home in one.homes.values() or not keys.isdisjoint(left):
            for key in left.keys() - settled:
                if one.kind == "rollback":
                    put_back.setdefault(key, left[key])
                elif put_back.get(key, left[key]) == left[key]:
                    settled.add(key)
                    chosen.setdefault(one.run, set()).add(key)
            if not settled.issuperset(left):
                continue
        done.add(row.paths)
    for run in filter(None, map(runs.whole, chosen)):
        for entry in run.entries:
            known = key_of(entry.path) in chosen[run.run]
            if known and (entry.path in wanted or plan.home in entry.path.parents):
                yield run, entry


def bytes_of(run: Run, entry: JournalEntry, next_one: Listed | None = None) -> bytes | None:
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
    node: Node, edited: dict[str, tuple[Run, Change]], left: dict[str, bytes], context: CheckContext
) -> Iterator[Drift]:
    """Yield the values of edited files that were changed by hand, not those that the profile changed."""
    ids = {step for _, change in edited.values() for step in change.steps}
    plan = planner.build(
        context.profile,
        [node],
        {node.name: Pack(context.packs[node.name].home, left)},
        context.passwords,
        [step for step in context.steps if step.id in ids],
        offline=context.offline,
        only_node=context.only_node,
    )
    # Counted, because a place can occur several times in a file, as the two members do.
    by_profile = {change.path: Counter(line.edit for line in change.lines) for change in plan.changes}
    for path, (run, change) in edited.items():
        by_hand = Counter(line.edit for line in change.lines)
        if path in left:
            by_hand -= by_profile.get(path, Counter())
        texts = {line.edit: line.text for line in change.lines}
        if restored := "; ".join(texts[edit] for edit in by_hand.elements()):
            yield Drift(node.name, path, run.run, f"replay would restore {restored}")
