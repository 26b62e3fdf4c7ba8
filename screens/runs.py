"""What was done: every run with who made it and when, what it changed, the way back, and its next steps again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from textual import work
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from screens import keys
from screens.apply import Done
from screens.dialogs import questions
from screens.model.background import beside
from screens.model.draft import open_profile
from screens.model.pair import OpenPair
from screens.signs import sign
from screens.tree_screen import TreeLine, TreeScreen
from screens.widgets.diff_view import Said
from wizard.command_line.run import rollback
from wizard.command_line.run.replay import packs_here
from wizard.command_line.text import NextStep, next_steps
from wizard.command_line.verify import masker_of
from wizard.passwords.masking import Masker
from wizard.plan.change import Change
from wizard.plan.diff import rows
from wizard.profile.files import called
from wizard.profile.passwords import resolver_of
from wizard.profile.store import load
from wizard.system.errors import WizardError
from wizard.transaction import runs


@dataclass(frozen=True, kw_only=True)
class Entry(TreeLine):
    """A line of the tree: a run as `history` describes it, or one of its changes."""

    run: dict[str, Any]
    change: Change | None = None


class Runs(TreeScreen[Entry, None]):
    """The runs, the newest first, each with the files that it changed."""

    KEYS = keys.RUNS

    def __init__(self, pair: OpenPair | None) -> None:
        """Show the runs of a pair; None: of every pair."""
        super().__init__("runs", pair)

    def on_mount(self) -> None:
        self.offer("roll_back", "next_steps")
        self.call_after_refresh(self.action_again)

    @work(exclusive=True)
    async def action_again(self) -> None:
        name = str(self.pair.draft.target) if self.pair is not None else None
        tree = self.branches
        try:
            history = await beside(partial(rollback.history, name), "history")
        except WizardError as error:
            self.view.show_text([Said(f"{sign('error')} {error}", "error")])
            return
        tree.clear()
        for run in history:
            self.add(tree.root, self._entry(run), expand=False)
        tree.cursor_line = 0
        tree.display = bool(history)
        if not history:
            self.view.show_text([Said("No runs yet: F9 in the review makes the first one.")])
        self._offer()

    def _entry(self, run: dict[str, Any]) -> Entry:
        name = f"  {run['profile']}" if self.pair is None else ""
        label = (
            Said(f"{run['started'][:10]} {run['started'][11:16]}", "secondary", bold=True),
            Said(f"{name}  {run['owner']}", "quiet"),
            Said(f"  {run['state']}"),
        )
        return Entry(run=run, label=label)

    def _offer(self) -> None:
        """Show the keys that do something about the current run."""
        entry = self.current
        silent = [] if entry is not None and entry.run["can_be_undone"] else ["roll_back"]
        silent += [] if entry is not None and entry.run["kind"] == "replay" else ["next_steps"]
        self.offer(*silent)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Entry]) -> None:
        if event.node.data is not None and not event.node.children:
            self._load(event.node, event.node.data)

    @work
    async def _load(self, node: TreeNode[Entry], entry: Entry) -> None:
        with self.app.errors_said():
            for change in await beside(partial(rollback.changes, entry.run["run"]), "run"):
                if change.what:
                    label = Said(f"{change.node}  {change.path.rpartition('/')[2]}")
                    self.add(node, Entry(run=entry.run, change=change, label=(label,)))

    @work(exclusive=True, group="show")
    async def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Entry]) -> None:
        self._offer()
        entry = event.node.data
        if entry is None:
            return
        change = entry.change
        if change is None:
            self.view.show_text(self._about(entry.run))
            return
        found = rows(change, await beside(partial(_masker, entry.run["profile_path"]), "masker"))
        said = [Said(what) for what in change.what] if not found else []
        self.view.show_rows(found, said, title=f"{change.node} {sign('dot')} {change.path}")

    def _about(self, run: dict[str, Any]) -> list[Said]:
        files = f"{run['files']} file{'' if run['files'] == 1 else 's'}"
        said = [
            Said(f"Run {run['run']}", "secondary", bold=True),
            Said(f"{run['kind']} of {run['profile_path']}"),
            Said(f"by {run['owner']}, {run['started'][:19].replace('T', ' ')} UTC"),
            Said(f"{', '.join(run['nodes'])}: {files}; {run['state']}"),
        ]
        if run["ignored"]:
            said.append(Said(f"with --ignore {' --ignore '.join(run['ignored'])}", "warning"))
        steps = "; n shows its next steps" if run["kind"] == "replay" else ""
        said += [Said(""), Said(f"Right shows the files that it changed{steps}.", "primary")]
        if run["can_be_undone"]:
            said.append(Said(f"r rolls it back, as does: apimha-wizard rollback {run['run']}", "primary"))
        elif run["state"] == "applied":
            why = "It cannot be rolled back: its backups were removed (history --prune)."
            said.append(Said(why, "quiet"))
        return said

    @work
    async def action_roll_back(self) -> None:
        entry = self.current
        if entry is None or not entry.run["can_be_undone"]:
            self.app.say("This run cannot be rolled back.")
            return
        if await questions.roll_back(self.app, entry.run["run"]):
            if self.pair is not None:
                self.pair.look_again()
            self.action_again()

    @work(exclusive=True, group="next")
    async def action_next_steps(self) -> None:
        """Show the next steps of the current run again; its pair is opened where it is not."""
        entry = self.current
        if entry is None or entry.run["kind"] != "replay":
            return
        run = entry.run
        made = f"{run['started'][:16].replace('T', ' ')} by {run['owner']}"
        with self.app.errors_said():
            steps = await beside(partial(steps_of, run), "next steps")
            if self.pair is None:
                self.app.open(open_profile(run["profile_path"]))
            pair = self.app.pair
            assert pair is not None, "it was opened"
            summary = f"{run['files']} files, {made}: {run['state']}"
            self.app.push_screen(Done(pair, summary, steps, run["run"] if run["can_be_undone"] else None))


def _masker(path: str) -> Masker:
    """Return what hides the passwords of the profile, as far as they are known; every other by where it is written.

    A profile that cannot be read any more knows no password.
    """
    try:
        loaded = load(path)
    except WizardError:
        return Masker(())
    return masker_of(loaded.profile, resolver_of(loaded))


def steps_of(run: dict[str, Any]) -> list[NextStep]:
    """Return the next steps of a run of any time, for the profile as it is now.

    Raises:
        WizardError: the profile cannot be read any more.
    """
    loaded = load(run["profile_path"])
    apart = any(node.name not in run["nodes"] for node in loaded.profile.nodes)
    packs = packs_here(loaded.profile, run["nodes"][0] if apart else None, resolve=False)
    whole = runs.whole(run["run"])
    undoable = run["run"] if run["can_be_undone"] else None
    return next_steps(
        loaded.profile,
        packs,
        run["nodes"],
        called(loaded.name, loaded.path),
        loaded.path,
        run=undoable,
        rolling=bool(whole and whole.stages),
    )
