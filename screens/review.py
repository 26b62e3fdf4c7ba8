"""Before anything is written: what would change in which file and why, and what has to be settled first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static, Tree

from screens.apply import Apply
from screens.dialogs import elsewhere
from screens.model import lookup
from screens.signs import of_finding, plain, sign
from screens.sizes import WIDE
from screens.theme import tint
from screens.widgets.change_tree import ChangeTree
from screens.widgets.diff_view import DiffView, Said
from screens.widgets.key_bar import KeyBar, KeyHint
from screens.widgets.title_bar import TitleBar
from wizard.plan.diff import rows
from wizard.preflight.checks import UNIGNORABLE
from wizard.profile.fields import key_of, keys
from wizard.steps.procedure import CHECKS, STEP_IDS
from wizard.system.finding import SetField

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.widgets.tree import TreeNode

    from screens.model.pair import OpenPair
    from wizard.command_line.run.replay import Prepared
    from wizard.plan.change import Change, Line
    from wizard.plan.diff import DiffRow
    from wizard.profile.lines import Place
    from wizard.system.finding import Finding

KEYS = (
    KeyHint("F9", "apply", "screen.apply", 0),
    KeyHint("Space", "accept", "screen.accept", 2),
    KeyHint("a", "accept all", "screen.accept_all", 3),
    KeyHint("F3", "go to the field", "screen.go", 1),
    KeyHint("s", "side by side", "screen.split", 4),
    KeyHint("F5", "again", "screen.again", 4),
    KeyHint("F8", "offline", "screen.offline", 5),
    KeyHint("^B", "back", "screen.back", 1),
    KeyHint("F1", "help", "app.help", 3),
    KeyHint("^Q", "leave", "app.leave", 0),
)


class Item(NamedTuple):
    """What a line of the tree stands for: a finding, a change, one line of a change, a database, or a node."""

    finding: Finding | None = None
    change: Change | None = None
    line: Line | None = None
    database: str = ""
    status: str = ""
    text: str = ""


class Review(Screen["tuple[str, Place | None] | None"]):
    """A tree of what is to be settled and of what changes; beside it the finding or the diff.

    Gives the step and the place of the field to go to; None if the user only goes back.
    """

    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "Tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "apply", "apply", show=False),
        Binding("a", "accept_all", "accept all", show=False),
        Binding("f3", "go", "go to the field", show=False),
        Binding("s", "split", "side by side", show=False),
        Binding("f5", "again", "look again", show=False),
        Binding("f6", "copy", "copy the fix", show=False),
        Binding("f8", "offline", "with or without the network", show=False),
        Binding("ctrl+b,escape", "back", "back", show=False),
    ]

    def __init__(self, pair: OpenPair) -> None:
        super().__init__()
        self.pair = pair
        self.accepted: set[tuple[str, str | None, str]] = set()
        """The warnings that somebody accepted, each by its id, node and message."""
        self._shown: Prepared | None = None
        self._asked_elsewhere = False
        self._rolling = False

    def compose(self) -> ComposeResult:
        yield TitleBar(f"{self.pair.draft.title} {sign('to')} review")
        with Container(id="review"):
            yield ChangeTree[Item]()
            yield DiffView()
        with Horizontal(id="verdict"):
            yield Static("", id="told")
            yield Button("Apply", id="apply", compact=True, disabled=True)
        yield KeyBar(*KEYS)

    def on_mount(self) -> None:
        self._arrange(self.app.size.width)
        self.call_after_refresh(self.look)

    def look(self) -> None:
        """Look at everything anew."""
        self._shown = None
        if self.pair.profile is None:
            self._tell_gaps()
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
                self._verdict(
                    f"looking {sign('cut')} {count} findings so far, {len(pair.running)} checks run"
                )
            return
        if pair.prepared is not self._shown:
            self._shown = pair.prepared
            self._fill(pair.prepared)
            self._ask_about_elsewhere()
        self._judge()

    def _tell_gaps(self) -> None:
        tree = self.branches
        tree.clear()
        branch = tree.root.add("missing or wrong", expand=True)
        for place, mistake in self.pair.mistakes.items():
            title = self.pair.label(place)
            branch.add_leaf(
                Text(f"{sign('incomplete')} {plain(title)}"), Item(text=f"{title}: {mistake.message}")
            )
        for mistake in self.pair.other_mistakes:
            branch.add_leaf(
                f"{sign('error')} line {mistake.line}", Item(text=f"{mistake.message}; {mistake.fix}")
            )
        self._verdict("the profile is not whole yet: F3 goes to the field")

    def _fill(self, prepared: Prepared) -> None:
        tree = self.branches
        tree.clear()
        wrong = [one for one in self.pair.all_findings() if one.status == "error"]
        warned = [one for one in self.pair.all_findings() if one.status == "warning"]
        if wrong or warned:
            branch = tree.root.add(self._counted("to settle", len(wrong) + len(warned)), expand=True)
            for finding in [*wrong, *warned]:
                branch.add_leaf(self._settling(finding), Item(finding=finding))
        for node in prepared.plan.nodes:
            count = len(node.pending)
            title = (
                self._counted(node.node, count, "file") if count else Text(f"{plain(node.node)}  unchanged")
            )
            branch = tree.root.add(title, Item(text=f"{node.node}: {node.home}"), expand=True)
            for change in node.pending:
                file = branch.add(self._file(change), Item(change=change))
                for line in change.lines:
                    file.add_leaf(Text(plain(line.text)), Item(change=change, line=line))
        for other in self._elsewhere(prepared):
            told = (
                f"{other.name} is on another machine ({other.host}). Nothing of it is written here.\n"
                "Over there, run:\n\n"
                f"apimha-wizard replay {self.pair.draft.called} --node {other.name}"
            )
            tree.root.add_leaf(Text(f"{plain(other.name)}  on another machine"), Item(text=told))
        self._fill_databases()
        tree.cursor_line = 1 if tree.root.children and tree.root.children[0].children else 0
        self._show_item(self._current())

    def _fill_databases(self) -> None:
        needs = self.pair.needs
        if needs is None:
            if self.pair.progress.offline:
                self.branches.root.add_leaf(
                    "databases  not looked at: offline",
                    Item(
                        text="Offline nothing is asked of the server and nothing is made in it: files only."
                    ),
                )
            return
        count = sum(need.pending for need in needs.databases)
        branch = self.branches.root.add(self._counted("databases", count, "to make"), expand=True)
        for need in needs.databases:
            state = {"present": "is there", "missing": "missing", "pending": "to make"}
            told = state.get(need.result.status, need.result.status)
            lines = [f"{need.database.name}: {told}, {need.result.tables} tables now."]
            lines += ["It is made, with the character set of the profile."] if need.create else []
            lines += (
                [f"All rights on it are granted to {', '.join(map(str, need.grant_to))}."]
                if need.grant_to
                else []
            )
            lines += ["The pack's script makes its tables."] if need.script else []
            lines += ["Something is missing that this run may not make."] if need.lacking else []
            branch.add_leaf(
                Text(f"{plain(need.database.name)}  {told}"),
                Item(database=need.database.name, text="\n".join(lines)),
            )

    def _elsewhere(self, prepared: Prepared) -> list[Any]:
        """The nodes that are not done from here."""
        here = {node.name for node in prepared.nodes}
        return [node for node in prepared.profile.nodes if node.name not in here]

    # --- labels of the tree -----------------------------------------------------------------------

    def _settling(self, finding: Finding) -> Text:
        accepted = self._key(finding) in self.accepted
        box = f"[{sign('done') if accepted else ' '}]" if finding.status == "warning" else "   "
        colour = "error" if finding.status == "error" else "warning"
        node = f" {finding.node}" if finding.node else ""
        return Text.assemble(
            (box, tint(self, "success" if accepted else "quiet", bold=accepted)),
            (f" {of_finding(finding.status)} ", tint(self, colour, bold=True)),
            plain(f"{finding.id}{node}"),
        )

    def _counted(self, title: str, count: int, word: str = "") -> Text:
        told = f"  {count} {_plural(word, count) if word == 'file' else word}".rstrip()
        return Text.assemble((plain(title), tint(self, "secondary", bold=True)), (told, tint(self, "quiet")))

    def _file(self, change: Change) -> Text:
        folder, _, name = change.path.rpartition("/")
        count, where = f"  {len(change.what)}", f"  {plain(folder)}"
        return Text.assemble(plain(name), (count, tint(self, "primary")), (where, tint(self, "quiet")))

    @staticmethod
    def _key(finding: Finding) -> tuple[str, str | None, str]:
        return finding.id, finding.node, finding.message

    def _current(self) -> Item:
        node = self.branches.cursor_node
        return node.data or Item() if node is not None else Item()

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item]) -> None:
        self._show_item(event.node.data or Item())

    def _show_item(self, item: Item) -> None:
        view = self.query_one(DiffView)
        leads = self._target(item) is not None
        self.query_one(KeyBar).offer(*(key for key in KEYS if leads or key.action != "screen.go"))
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
            told = "Space takes it back." if self._key(finding) in self.accepted else "Space accepts it."
            said.append(Said(told, "primary"))
        elif finding.id not in UNIGNORABLE:
            said.append(Said("Space takes it for a warning (as --ignore does).", "primary"))
        else:
            said.append(Said("Without this nothing can be written: F3 goes to its field.", "primary"))
        return said

    def _show_change(self, view: DiffView, change: Change, line: Line | None) -> None:
        prepared = self._shown
        if prepared is None:
            return
        found = rows(change, prepared.masker())
        said = [Said(f"{change.node} {sign('dot')} {change.path}", "secondary", bold=True)]
        said += [
            Said(f"written: {move.path}", "quiet") for move in change.moves if not _within(move.path, change)
        ]
        place = self._place(line)
        if place is not None:
            step, title = lookup.step_of(lookup.steps_of(key_of(place))[0]), keys()[key_of(place)].title
            said += [Said(f"from: {step.title} {sign('to')} {title}   F3 goes there", "primary")]
        elif line is not None:
            said += [Said(f"from: {lookup.step_of(change.step).title}, the same for every pair", "quiet")]
        if not found:
            said += [Said(""), *(Said(line) for line in change.what)]
        view.show_rows(found, [*said, Said("")], at=_row_of(found, line) if line else 0)

    # --- settling ---------------------------------------------------------------------------------

    def _judge(self) -> None:
        wrong = [one for one in self.pair.all_findings() if one.status == "error"]
        open_ones = [
            one
            for one in self.pair.all_findings()
            if one.status == "warning" and self._key(one) not in self.accepted
        ]
        prepared = self.pair.prepared
        databases = self.pair.needs is not None and self.pair.needs.pending
        pending = prepared is not None and bool(prepared.plan.pending or databases)
        self._rolling = prepared is not None and not databases and self._can_roll(prepared, wrong)
        ready = prepared is not None and (self._rolling or not wrong) and not open_ones and pending
        self.query_one("#apply", Button).label = "Apply node by node" if self._rolling else "Apply"
        if wrong and not self._rolling:
            told = f"{len(wrong)} {_plural('error', len(wrong))} to mend"
            told += f", {len(open_ones)} {_plural('warning', len(open_ones))} to accept" if open_ones else ""
        elif not pending:
            told = "nothing to do: everything is as the profile says"
        elif open_ones:
            told = f"{len(open_ones)} {_plural('warning', len(open_ones))} to accept"
        elif self._rolling:
            told = "the pair runs: each node is stopped, written and started in its turn"
        else:
            told = "ready: nothing has been written yet"
        self._verdict(told, ready=ready)

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

    def _verdict(self, told: str, *, ready: bool = False) -> None:
        self.query_one("#told", Static).update(Content(told))
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
        self.accepted ^= {key}
        node.set_label(self._settling(finding))
        self._show_item(node.data or Item())
        self._judge()

    def action_accept_all(self) -> None:
        """Accept every warning."""
        for node in _leaves(self.branches.root):
            finding = node.data.finding if node.data is not None else None
            if finding is not None and finding.status == "warning":
                self.accepted.add(self._key(finding))
                node.set_label(self._settling(finding))
        self._show_item(self._current())
        self._judge()

    def _ignore(self, finding: Finding) -> None:
        if finding.id in UNIGNORABLE:
            self.notify(f"{finding.id} cannot be ignored: without it there is no plan.", markup=False)
            return
        self.pair.note(ignore=[*self.pair.progress.ignore, finding.id])
        self.notify(f"{finding.id} counts as a warning from now on.", markup=False)
        self.look()

    # --- a node whose home is elsewhere -----------------------------------------------------------

    def _ask_about_elsewhere(self) -> None:
        """A home that is not here: the node is on another machine, or its path is wrong; only a person knows."""
        if self._asked_elsewhere or self.pair.profile is None or self.pair.progress.only_node is not None:
            return
        missing = elsewhere.missing_homes(self.pair.profile)
        if len(missing) != 1:
            return
        self._asked_elsewhere = True
        here = self.pair.profile.partner(missing[0])

        def answered(choice: str | None) -> None:
            if choice == "there":
                self.pair.note(only_node=here.name)
                self.look()
            elif choice == "wrong":
                index = [node.name for node in self.pair.profile.nodes].index(missing[0].name)  # type: ignore[union-attr]
                self.dismiss((STEP_IDS[0], ("nodes", index, "home")))

        self.app.push_screen(elsewhere.ask(missing[0], here), answered)

    # --- going on ---------------------------------------------------------------------------------

    def action_go(self) -> None:
        """Go to the field that causes what is shown."""
        target = self._target(self._current())
        if target is not None:
            self.dismiss(target)

    def _target(self, item: Item) -> tuple[str, Place | None] | None:
        """The step and the field that cause what an item shows; None where no field does."""
        if item.finding is not None:
            action = item.finding.action
            field = action.field if isinstance(action, SetField) else self.pair.field_of(item.finding)
            return self.pair.owners(item.finding)[0], self.pair.draft.place(field) if field else None
        place = self._place(item.line)
        if place is None and item.change is None and self.pair.profile is None and self.pair.mistakes:
            place = next(iter(self.pair.mistakes))
        if item.database and self.pair.profile is not None:
            databases = self.pair.profile.mysql.databases
            role = next((role for role, name in databases if name == item.database), None)
            place = ("mysql", "databases", role) if role is not None else None
        return (lookup.steps_of(key_of(place))[0], place) if place is not None else None

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
            self.notify("The fix is in the clipboard.", markup=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "apply":
            self.action_apply()

    def action_apply(self) -> None:
        """Write it, if everything is settled."""
        prepared = self.pair.prepared
        if prepared is None or self.query_one("#apply", Button).disabled:
            self.notify("There is something to settle first.", markup=False)
            return
        self.app.push_screen(Apply(self.pair, prepared, rolling=self._rolling))

    def on_screen_resume(self) -> None:
        if self._shown is not None and self.pair.prepared is None and not self.pair.looking:
            self.look()

    def on_unmount(self) -> None:
        self.pair.looking = False

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


def _leaves(node: TreeNode[Item]) -> list[TreeNode[Item]]:
    found = []
    for child in node.children:
        found += [child] if not child.children else _leaves(child)
    return found
