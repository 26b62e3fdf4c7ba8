"""Before anything is written: what would change in which file and why, and what is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.text import Text
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static, Tree

from screens import keys
from screens.apply import Apply
from screens.commands import Command, of_run
from screens.model import lookup
from screens.signs import of_finding, plain, sign
from screens.sizes import WIDE
from screens.theme import tint
from screens.widgets.change_tree import ChangeTree
from screens.widgets.diff_view import DiffView, Said
from screens.widgets.key_bar import KeyBar
from screens.widgets.title_bar import TitleBar
from wizard.plan.diff import rows
from wizard.preflight.checks import UNIGNORABLE
from wizard.profile.fields import key_of
from wizard.steps.procedure import CHECKS
from wizard.system.finding import SetField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual import events
    from textual.app import ComposeResult
    from textual.widgets.tree import TreeNode

    from screens.model.pair import OpenPair
    from wizard.command_line.run.replay import Prepared
    from wizard.plan.change import Change, Line
    from wizard.plan.diff import DiffRow
    from wizard.profile.document import Place
    from wizard.system.finding import Finding


class Item(NamedTuple):
    """What a line of the tree is about: a finding, a change, one line of a change, a field, a database, or a node."""

    finding: Finding | None = None
    change: Change | None = None
    line: Line | None = None
    place: Place | None = None
    database: str = ""
    text: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same line of a newer plan."""
        finding, change = self.finding, self.change
        return (
            (finding.id, finding.node, finding.message) if finding is not None else None,
            (change.node, change.path) if change is not None else None,
            self.line.text if self.line is not None else "",
            self.place,
            self.database,
            self.text,
        )


@dataclass
class Kept:
    """What the review of a pair remembers until another pair is opened."""

    pair: OpenPair
    accepted: set[tuple[str, str | None, str]] = field(default_factory=set)
    """The accepted warnings, each by its id, node and message."""
    place: tuple[object, ...] = ()
    """The key of the current line."""


class Review(Screen["tuple[str, Place | None] | None"]):
    """A tree of what is to be settled and of what changes; beside it the finding or the diff.

    Gives the step and the place of the field to go to; None if the user only goes back.
    """

    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "Tree"
    KEYS = keys.REVIEW
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.REVIEW)

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.pair, self.kept = kept.pair, kept
        self._shown: Prepared | None = None
        self._rolling = False
        self._open = "the checks are running"
        """What keeps the plan from being applied; empty where nothing does."""

    def compose(self) -> ComposeResult:
        yield TitleBar(f"{self.pair.draft.title} {sign('to')} review")
        yield Static("", id="totals")
        with Container(id="review"):
            yield ChangeTree[Item]()
            yield DiffView()
        with Horizontal(id="verdict"):
            yield Static("", id="verdict-text")
            yield Button("Apply", id="apply", compact=True, disabled=True)
        yield KeyBar(self.KEYS)

    def on_mount(self) -> None:
        self._arrange(self.app.size.width)
        self.call_after_refresh(self.look)

    def commands(self) -> Iterator[Command]:
        """What the palette offers beside the keys."""
        return of_run(self.app, self.pair, self.look)  # type: ignore[arg-type]

    def look(self) -> None:
        """Read and check everything again."""
        self._shown = None
        if self.pair.profile is None:
            self._show_gaps()
            return
        self.pair.look_at_everything()
        self.show_pair()

    @property
    def branches(self) -> Tree[Item]:
        return self.query_one(Tree)

    # --- showing it -------------------------------------------------------------------------------

    def show_pair(self) -> None:
        """Show what is new: how far the checks are, then the plan."""
        if not self.is_mounted:
            return
        bar = self.query_one(TitleBar)
        bar.saved, bar.badge = self.pair.saved, self.pair.badge
        pair = self.pair
        if pair.prepared is None:
            if pair.profile is not None:
                count = sum(map(len, pair.findings.values()))
                self._verdict(f"checking {sign('cut')} {count} findings, {len(pair.running)} checks running")
            return
        if pair.prepared is not self._shown:
            self._shown = pair.prepared
            self._fill(pair.prepared)
        self._judge()

    def _show_gaps(self) -> None:
        """Show why there is no plan: each field that is missing or wrong."""
        tree = self.branches
        tree.clear()
        problems: list[tuple[str, Place | None, str]] = [
            (
                f"{self._title(place)} is required"
                if mistake.kind == "missing"
                else f"{self._title(place)}: {mistake.message}",
                place,
                mistake.fix,
            )
            for place, mistake in self.pair.mistakes.items()
        ]
        problems += [
            (f"line {mistake.line}: {mistake.message}", None, mistake.fix)
            for mistake in self.pair.other_mistakes
        ]
        branch = tree.root.add("cannot be planned", expand=True)
        for text, place, fix in problems:
            branch.add_leaf(
                Text(f"{sign('incomplete')} {plain(text)}"), Item(place=place, text=f"{text}\n\nfix: {fix}")
            )
        self._restore_place()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self._verdict(
            f"cannot be planned: {problems[0][0]}{more}" if problems else "the profile is being read"
        )

    def _title(self, place: Place) -> str:
        """The step and the field of a place: `Spark › Masters`."""
        step = lookup.step_of(lookup.steps_of(key_of(place))[0])
        return f"{step.title} › {self.pair.label(place)}"

    def _fill(self, prepared: Prepared) -> None:
        tree = self.branches
        tree.clear()
        wrong = [one for one in self.pair.all_findings() if one.status == "error"]
        warned = [one for one in self.pair.all_findings() if one.status == "warning"]
        if wrong or warned:
            branch = tree.root.add(self._counted("open", len(wrong) + len(warned)), expand=True)
            for finding in [*wrong, *warned]:
                branch.add_leaf(self._open_line(finding), Item(finding=finding))
        for node in prepared.plan.nodes:
            count = len(node.pending)
            title = (
                self._counted(node.node, count, "file") if count else Text(f"{plain(node.node)}  unchanged")
            )
            branch = tree.root.add(title, Item(text=f"{node.node}: {node.home}"), expand=True)
            for change in node.pending:
                file = branch.add(self._file(change), Item(change=change))
                room = (tree.size.width or self.app.size.width) - 10
                for line in change.lines:
                    label = shortened(plain(line.text), room)
                    file.add_leaf(Text(label), Item(change=change, line=line))
        for other in self._elsewhere(prepared):
            text = (
                f"{other.name} is on another machine ({other.host}): nothing of it is written here.\n"
                "After this run, the next page says what to copy and to run on that machine."
            )
            tree.root.add_leaf(Text(f"{plain(other.name)}  on another machine"), Item(text=text))
        self._fill_databases()
        self._show_totals(prepared, len(warned))
        self._restore_place()

    def _show_totals(self, prepared: Prepared, warnings: int) -> None:
        needs = self.pair.needs
        files = sum(len(node.pending) for node in prepared.plan.nodes)
        counts = [(len(prepared.plan.nodes), "node"), (files, "file")]
        if needs is not None:
            counts.append((sum(need.pending for need in needs.databases), "database"))
        counts.append((warnings, "warning"))
        text = f" {sign('dot')} ".join(f"{count} {_plural(word, count)}" for count, word in counts)
        self.query_one("#totals", Static).update(Content(text))

    def _restore_place(self) -> None:
        """Put the cursor where it was, else on the first line that is open."""
        tree = self.branches
        nodes = [node for node in _all(tree.root) if node.data is not None]
        wanted = next((node for node in nodes if node.data and node.data.key == self.kept.place), None)
        if wanted is not None:
            above = wanted.parent
            while above is not None:
                above.expand()
                above = above.parent
            tree.get_node_at_line(0)  # counts the lines anew
            tree.move_cursor(wanted)
        else:
            tree.cursor_line = 1 if tree.root.children and tree.root.children[0].children else 0
        self._show_item((wanted.data if wanted is not None else None) or self._current())

    def _fill_databases(self) -> None:
        needs = self.pair.needs
        if needs is None:
            if self.pair.progress.offline:
                text = (
                    "Offline, the server is not asked and nothing is created in it: only files are written."
                )
                self.branches.root.add_leaf("databases  left out: offline", Item(text=text))
            return
        count = sum(need.pending for need in needs.databases)
        title = self._counted("databases", count, "to create") if count else "databases  nothing to create"
        branch = self.branches.root.add(title, expand=True)
        states = {"present": "exists", "missing": "missing", "pending": "to create"}
        for need in needs.databases:
            state = states.get(need.result.status, need.result.status)
            lines = [f"{need.database.name}: {state}, {need.result.tables} tables now."]
            if need.create:
                lines.append("It is created with the character set of the profile.")
            if need.grant_to:
                lines.append(f"All rights on it are granted to {', '.join(map(str, need.grant_to))}.")
            if need.script:
                lines.append("The pack's script creates its tables.")
            if need.lacking:
                lines.append("Something is missing that this run may not create.")
            branch.add_leaf(
                Text(f"{plain(need.database.name)}  {state}"),
                Item(database=need.database.name, text="\n".join(lines)),
            )

    def _elsewhere(self, prepared: Prepared) -> list[Any]:
        """The nodes that are not written from here."""
        here = {node.name for node in prepared.nodes}
        return [node for node in prepared.profile.nodes if node.name not in here]

    # --- labels of the tree -----------------------------------------------------------------------

    def _open_line(self, finding: Finding) -> Text:
        accepted = self._key(finding) in self.kept.accepted
        box = f"[{sign('done') if accepted else ' '}]" if finding.status == "warning" else "   "
        colour = "error" if finding.status == "error" else "warning"
        node = f" {finding.node}" if finding.node else ""
        return Text.assemble(
            (box, tint(self, "success" if accepted else "quiet", bold=accepted)),
            (f" {of_finding(finding.status)} ", tint(self, colour, bold=True)),
            plain(f"{finding.id}{node}"),
        )

    def _counted(self, title: str, count: int, word: str = "") -> Text:
        text = f"  {count} {_plural(word, count) if word == 'file' else word}".rstrip()
        return Text.assemble((plain(title), tint(self, "secondary", bold=True)), (text, tint(self, "quiet")))

    def _file(self, change: Change) -> Text:
        name = change.path.rpartition("/")[2]
        return Text.assemble(plain(name), (f"  {len(change.what)}", tint(self, "primary")))

    @staticmethod
    def _key(finding: Finding) -> tuple[str, str | None, str]:
        return finding.id, finding.node, finding.message

    def _current(self) -> Item:
        node = self.branches.cursor_node
        return node.data or Item() if node is not None else Item()

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item]) -> None:
        if event.node.data is not None:
            self.kept.place = event.node.data.key
        self._show_item(event.node.data or Item())

    def _show_item(self, item: Item) -> None:
        view = self.query_one(DiffView)
        silent = [] if self._target(item) is not None else ["go"]
        silent += [] if item.finding is not None else ["accept"]
        self.query_one(KeyBar).without(self.KEYS, *silent)
        if item.finding is not None:
            view.show_text(self._about(item.finding))
        elif item.change is not None:
            self._show_change(view, item.change, item.line)
        else:
            view.show_text([Said(line) for line in item.text.split("\n")])

    def _about(self, finding: Finding) -> list[Said]:
        colour = "error" if finding.status == "error" else "warning"
        check = next((one for one in CHECKS if one.id == finding.id), None)
        node = f"{finding.node}: " if finding.node else ""
        said = [
            Said(f"{of_finding(finding.status)} {finding.id}  ({finding.status})", colour, bold=True),
            Said(""),
            Said(f"{node}{finding.message}"),
        ]
        if finding.fix:
            said += [Said(""), Said(f"fix: {finding.fix}", "secondary")]
        if check is not None:
            said += [Said(""), Said(f"why: {check.why}", "quiet")]
        said.append(Said(""))
        if finding.status == "warning":
            text = (
                "Space undoes the acceptance."
                if self._key(finding) in self.kept.accepted
                else "Space accepts it."
            )
            said.append(Said(text, "primary"))
        elif finding.id not in UNIGNORABLE:
            said.append(Said("Space treats it as a warning (as --ignore does).", "primary"))
        else:
            where = ": F3 goes to its field" if self._cause(finding) is not None else ""
            said.append(Said(f"This has to be fixed first{where}.", "primary"))
        return said

    def _show_change(self, view: DiffView, change: Change, line: Line | None) -> None:
        prepared = self._shown
        if prepared is None:
            return
        found = rows(change, prepared.masker())
        said = [
            Said(f"written: {move.path}", "quiet") for move in change.moves if not _within(move.path, change)
        ]
        said += [Said(line.text, bold=True)] if line is not None else []
        place = self._place(line)
        if place is not None:
            said += [Said(f"from: {self._title(place)}   F3 goes there", "primary")]
        elif line is not None:
            said += [Said(f"from: {lookup.step_of(change.step).title}, the same for every pair", "quiet")]
        if not found and line is None:
            said += [Said(text) for text in change.what]
        title = f"{change.node} {sign('dot')} {change.path}"
        view.show_rows(found, said, at=_row_of(found, line) if line else 0, title=title)

    # --- what is open ---------------------------------------------------------------------------------

    def _judge(self) -> None:
        wrong = [one for one in self.pair.all_findings() if one.status == "error"]
        open_ones = [
            one
            for one in self.pair.all_findings()
            if one.status == "warning" and self._key(one) not in self.kept.accepted
        ]
        prepared = self.pair.prepared
        databases = self.pair.needs is not None and self.pair.needs.pending
        pending = prepared is not None and bool(prepared.plan.pending or databases)
        self._rolling = prepared is not None and not databases and self._can_roll(prepared, wrong)
        self.query_one("#apply", Button).label = "Apply node by node" if self._rolling else "Apply"
        if wrong and not self._rolling:
            names = ", ".join(dict.fromkeys(one.id for one in wrong))
            text = f"{len(wrong)} {_plural('error', len(wrong))} to fix: {names}"
            text += f"; {len(open_ones)} {_plural('warning', len(open_ones))} to accept" if open_ones else ""
        elif not pending:
            text = "nothing to do: everything is as the profile says"
        elif open_ones:
            text = f"{len(open_ones)} {_plural('warning', len(open_ones))} to accept"
        else:
            ready = "the pair runs: each node is stopped, written and started in its turn"
            self._verdict(ready if self._rolling else "ready: nothing has been written yet", ready=True)
            return
        self._verdict(text)

    def _can_roll(self, prepared: Prepared, wrong: list[Finding]) -> bool:
        """Whether both servers run here, nothing else keeps the change from being made, and it can be made so."""
        options = prepared.options
        return (
            bool(wrong)
            and all(one.id == "prerequisites.running" for one in wrong)
            and not (options.only_node or options.offline)
            and [pack.running is not None for pack in prepared.packs.values()] == [True, True]
            and all(change.rolls for change in prepared.plan.pending)
        )

    def _verdict(self, text: str, *, ready: bool = False, said: str = "") -> None:
        """Show what keeps the plan from being applied, after what a key has just done."""
        self._open = "" if ready else text
        self.query_one("#verdict-text", Static).update(Content.assemble((said, "$error bold"), plain(text)))
        self.query_one("#apply", Button).disabled = not ready

    def on_tree_node_selected(self, event: Tree.NodeSelected[Item]) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Accept the warning, or take that back; an error that can be ignored becomes a warning."""
        node = self.branches.cursor_node
        finding = node.data.finding if node is not None and node.data is not None else None
        if node is None or finding is None:
            return
        if finding.status == "error":
            self._ignore(finding)
            return
        key = self._key(finding)
        self.kept.accepted ^= {key}
        node.set_label(self._open_line(finding))
        self._show_item(node.data or Item())
        self._judge()

    def action_accept_all(self) -> None:
        """Accept every warning, and say what is still open."""
        for node in _all(self.branches.root):
            finding = node.data.finding if node.data is not None else None
            if finding is not None and finding.status == "warning":
                self.kept.accepted.add(self._key(finding))
                node.set_label(self._open_line(finding))
        self._show_item(self._current())
        self._judge()
        if self._open:
            self._verdict(self._open, said="Still open: ")

    def _ignore(self, finding: Finding) -> None:
        if finding.id in UNIGNORABLE:
            self.notify(f"{finding.id} cannot be ignored: fix it first.", markup=False)
            return
        self.pair.note(ignore=[*self.pair.progress.ignore, finding.id])
        self.notify(f"{finding.id} counts as a warning from now on.", markup=False)
        self.look()

    # --- going on ---------------------------------------------------------------------------------

    def action_go(self) -> None:
        """Go to the field that causes what is shown."""
        target = self._target(self._current())
        if target is not None:
            self.dismiss(target)

    def _target(self, item: Item) -> tuple[str, Place | None] | None:
        """The step and the field that cause what an item shows; None where no field does."""
        if item.finding is not None:
            return self._cause(item.finding)
        place = item.place or self._place(item.line)
        if item.database and self.pair.profile is not None:
            databases = self.pair.profile.mysql.databases
            role = next((role for role, name in databases if name == item.database), None)
            place = ("mysql", "databases", role) if role is not None else None
        return (lookup.steps_of(key_of(place))[0], place) if place is not None else None

    def _cause(self, finding: Finding) -> tuple[str, Place] | None:
        """The step and the field that correct a finding; None where no field does."""
        check = next((one for one in CHECKS if one.id == finding.id), None)
        action = finding.action
        field = action.field if isinstance(action, SetField) else self.pair.field_of(finding)
        if field is None and check is not None and check.field is not None:
            field = check.field.replace("nodes.", f"nodes.{finding.node or 0}.", 1)
        place = self.pair.draft.place(field) if field is not None else None
        if place is None:
            return None
        own, steps = self.pair.owners(finding)[0], lookup.steps_of(key_of(place))
        return own if own in steps else steps[0], place

    def _place(self, line: Line | None) -> Place | None:
        """The place of the field that causes a line; None where the procedure prescribes it."""
        return self.pair.draft.place(line.field) if line is not None and line.field else None

    def action_back(self) -> None:
        self.dismiss(None)

    def action_again(self) -> None:
        self.look()

    def action_offline(self) -> None:
        """Look and write with or without the network."""
        self.pair.note(offline=not self.pair.progress.offline)
        self.look()

    def action_split(self) -> None:
        view = self.query_one(DiffView)
        view.split = not view.splits
        self._show_item(self._current())

    def action_copy(self) -> None:
        finding = self._current().finding
        if finding is not None and finding.fix:
            self.app.copy_to_clipboard(finding.fix)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "apply":
            self.action_apply()

    def action_apply(self) -> None:
        """Write it, if nothing is open; else say what is."""
        prepared = self.pair.prepared
        if prepared is None or self._open:
            self._verdict(self._open, said="Not applied: ")
            return
        self.app.push_screen(Apply(self.pair, prepared, rolling=self._rolling))

    def on_screen_resume(self) -> None:
        if self._shown is not None and self.pair.prepared is None and not self.pair.looking:
            self.look()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange(event.size.width)

    def _arrange(self, width: int) -> None:
        self.set_class(width >= WIDE, "-wide")


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _within(path: Any, change: Change) -> bool:
    return str(path).endswith(change.path)


def _row_of(rows: list[DiffRow], line: Line) -> int:
    """The row of the diff where a line of a change begins."""
    return next((number for number, row in enumerate(rows) if (row.after or 0) >= line.number), 0)


def shortened(text: str, room: int) -> str:
    """The text in so many columns: cut in its middle, since the new value is at its end."""
    if len(text) <= room:
        return text
    left = max(1, room // 3)
    return f"{text[:left]}{sign('cut')}{text[len(text) - (room - left - 1) :]}"


def _all(node: TreeNode[Item]) -> Iterator[TreeNode[Item]]:
    for child in node.children:
        yield child
        yield from _all(child)
