"""Before anything is written: what would change in which file and why, and what is open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static, Tree
from textual.widgets.tree import TreeNode

from screens import keys
from screens.apply import Apply
from screens.dialogs import servers
from screens.model import values
from screens.model.pair import OpenPair, Phase
from screens.signs import of_finding, plain, sign
from screens.tree_screen import TreeLine, TreeScreen
from screens.widgets.diff_view import Said
from wizard.command_line.run.replay import Prepared
from wizard.database.needs import Needs
from wizard.edit.edits import Line
from wizard.plan.change import Change
from wizard.plan.diff import rows
from wizard.preflight.checks import UNIGNORABLE
from wizard.profile.document import Place
from wizard.profile.fields import key_of
from wizard.steps.procedure import CHECKS, STEP_IDS
from wizard.system.finding import Finding, SetField

DATABASES = {"present": "exists", "missing": "missing", "pending": "to create"}
"""The status of a database → its word."""


@dataclass(frozen=True, kw_only=True)
class Item(TreeLine):
    """What a line of the tree is about: a finding, a change, one line of a change, or a text.

    `key` is the same for the same line of a newer plan; `place` that of the field which causes it.
    """

    key: tuple[object, ...] = ()
    finding: Finding | None = None
    change: Change | None = None
    line: Line | None = None
    place: Place | None = None
    text: str = ""


class Review(TreeScreen[Item, "tuple[str, Place | None] | None"]):
    """A tree of what is to be settled and of what changes; beside it the finding or the diff.

    Gives the step and the place of the field to go to; None if the user only goes back.
    """

    pair: OpenPair
    KEYS = keys.REVIEW

    def __init__(self, pair: OpenPair) -> None:
        super().__init__("review", pair)
        self._shown: Prepared | None = None
        self._rolling = False
        self._open = "the checks are running"
        """What keeps the plan from being applied; empty where nothing does."""

    def content(self) -> ComposeResult:
        yield Static("", id="totals")
        yield from super().content()
        with Horizontal(id="verdict"):
            yield Static("", id="verdict-text")
            yield Button("Apply", id="apply", compact=True, disabled=True)

    def on_mount(self) -> None:
        self.call_after_refresh(self.look)

    def commands(self) -> Iterator[servers.Command]:
        return servers.commands(self.app, self.pair, self.look)

    def look(self) -> None:
        self._shown = None
        if self.pair.profile is None:
            self._show_gaps()
            return
        self.pair.check_again(Phase.PLANNED)
        self.show_pair()

    action_again = look

    # --- showing it -------------------------------------------------------------------------------

    def show_pair(self) -> None:
        """Show what is new: how far the checks are, then the plan."""
        pair = self.pair
        self.show_head()
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
        """Show why there is no plan: each field that is missing or wrong, step by step."""
        mistakes = self.pair.mistakes
        problems: list[tuple[str, Place | None, str]] = []
        for place in sorted(mistakes, key=lambda place: STEP_IDS.index(self._step(place))):
            if mistakes[place].kind == "missing":
                problems.append((f"{self._title(place)} is required", place, "F3 goes to the field."))
            else:
                one = mistakes[place]
                problems.append((f"{self._title(place)}: {one.message}", place, f"fix: {one.fix}"))
        problems += [(one.message, None, f"fix: {one.fix}") for one in self.pair.of_the_file()]
        self.branches.clear()
        branch = self._branch("cannot be planned", str(len(problems)))
        for text, at, how in problems:
            label = (Said(f"{sign('incomplete')} ", "warning", bold=True), Said(text))
            self.add(branch, Item(key=(text,), place=at, text=f"{text}\n\n{how}", label=label))
        self._restore_place()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        first = f"cannot be planned: {problems[0][0]}{more}" if problems else ""
        self._verdict(first or "the profile is being read")

    def _title(self, place: Place) -> str:
        """The step and the field of a place: `Spark › Masters`."""
        return f"{values.step_of(self._step(place)).title} › {self.pair.label(place)}"

    def _step(self, place: Place) -> str:
        return values.steps_of(key_of(place))[0]

    def _branch(self, title: str, count: str, text: str = "", *, leaf: bool = False) -> TreeNode[Item]:
        label = (Said(title, "secondary", bold=True), Said(f"  {count}", "quiet"))
        item = Item(key=(title,), text=text, label=label)
        return self.add(self.branches.root, item, expand=None if leaf else True)

    def _fill(self, prepared: Prepared) -> None:
        self.branches.clear()
        nodes, needs = prepared.plan.nodes, self.pair.needs
        totals = [_count(len(nodes), "node"), _count(sum(len(node.pending) for node in nodes), "file")]
        found = [*self._findings("error"), *self._findings("warning")]
        if found:
            branch = self._branch("open", str(len(found)))
            for finding in found:
                self.add(branch, self._open_item(finding))
        for node in nodes:
            count = _count(len(node.pending), "file") if node.pending else "unchanged"
            self._fill_files(self._branch(node.node, count, f"{node.node}: {node.home}"), node.pending)
        for other in prepared.profile.nodes:
            if other.name not in [node.name for node in prepared.nodes]:
                text = (
                    f"{other.name} is on another machine ({other.host}): nothing of it is written here.\n"
                    "After this run, the next page says what to copy and to run on that machine."
                )
                self._branch(other.name, "on another machine", text, leaf=True)
        if needs is not None:
            pending = sum(need.pending for need in needs.databases)
            totals.append(_count(pending, "database"))
            count = f"{pending} to create" if pending else "nothing to create"
            self._fill_databases(self._branch("databases", count), needs)
        elif self.pair.progress.offline:
            text = "Offline, the server is not asked and nothing is created in it: only files are written."
            self._branch("databases", "left out: offline", text, leaf=True)
        totals.append(_count(len(self._findings("warning")), "warning"))
        self.query_one("#totals", Static).update(Content(f" {sign('dot')} ".join(totals)))
        self._restore_place()

    def _fill_files(self, branch: TreeNode[Item], changes: tuple[Change, ...]) -> None:
        room = (self.branches.size.width or self.app.size.width) - 10
        for change in changes:
            key, name = (change.node, change.path), change.path.rpartition("/")[2]
            label = (Said(name), Said(f"  {len(change.what)}", "primary"))
            file = self.add(branch, Item(key=key, change=change, label=label), expand=False)
            for line in change.lines:
                place = self.pair.draft.place(line.field) if line.field else None
                text = (Said(shortened(plain(line.text), room)),)
                self.add(file, Item(key=(*key, line.text), change=change, line=line, place=place, label=text))

    def _fill_databases(self, branch: TreeNode[Item], needs: Needs) -> None:
        roles = {name: role for role, name in self.pair.profile.mysql.databases} if self.pair.profile else {}
        for need in needs.databases:
            name = need.database.name
            state = DATABASES.get(need.result.status, need.result.status)
            facts = {
                f"{name}: {state}, {need.result.tables} tables now.": True,
                "It is created with the character set of the profile.": need.create,
                f"All rights on it are granted to {', '.join(map(str, need.grant_to))}.": need.grant_to,
                "The pack's script creates its tables.": need.script,
                "Something is missing that this run may not create.": need.lacking,
            }
            lines = [text for text, holds in facts.items() if holds]
            place = ("mysql", "databases", roles[name]) if name in roles else None
            label = (Said(f"{name}  {state}"),)
            self.add(branch, Item(key=(name,), place=place, text="\n".join(lines), label=label))

    def _restore_place(self) -> None:
        """Put the cursor where it was, else on the first line that is open."""
        tree, place = self.branches, self.pair.review_place
        wanted = next((node for node, item in self.lines() if item.key == place), None)
        if wanted is not None:
            above = wanted.parent
            while above is not None:
                above.expand()
                above = above.parent
            tree.get_node_at_line(0)  # counts the lines anew
            tree.move_cursor(wanted)
        else:
            tree.cursor_line = 1 if tree.root.children and tree.root.children[0].children else 0
        self._show_item((wanted.data if wanted is not None else None) or self.current or Item())

    def _open_item(self, finding: Finding) -> Item:
        accepted = _key(finding) in self.pair.accepted
        box = f"[{sign('done') if accepted else ' '}]" if finding.status == "warning" else "   "
        label = (
            Said(box, "success" if accepted else "quiet", bold=accepted),
            Said(f" {of_finding(finding.status)} ", finding.status, bold=True),
            Said(f"{finding.id} {finding.node or ''}".rstrip()),
        )
        return Item(key=_key(finding), finding=finding, label=label)

    # --- what the current line is about -----------------------------------------------------------

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item]) -> None:
        if event.node.data is not None:
            self.pair.review_place = event.node.data.key
        self._show_item(event.node.data or Item())

    def _show_item(self, item: Item) -> None:
        silent = [] if self._target(item) is not None else ["go"]
        silent += [] if item.finding is not None else ["accept"]
        silent += [] if item.change is not None else ["split"]
        silent += [] if self.pair.profile is not None else ["again"]
        silent += [] if self.pair.profile is not None and self._to_accept() else ["accept_all"]
        self.offer(*silent)
        if item.finding is not None:
            self.view.show_text(self._about(item.finding))
        elif item.change is not None:
            self._show_change(item.change, item)
        else:
            self.view.show_text([Said(line) for line in item.text.split("\n")])

    def _about(self, finding: Finding) -> list[Said]:
        node = f"{finding.node}: " if finding.node else ""
        head = f"{of_finding(finding.status)} {finding.id}  ({finding.status})"
        said = [Said(head, finding.status, bold=True), Said(""), Said(f"{node}{finding.message}")]
        if finding.fix:
            said += [Said(""), Said(f"fix: {finding.fix}", "secondary")]
        for why in [one.why for one in CHECKS if one.id == finding.id]:
            said += [Said(""), Said(f"why: {why}", "quiet")]
        if finding.status == "warning":
            accepted = _key(finding) in self.pair.accepted
            text = "Space undoes the acceptance." if accepted else "Space accepts it."
        elif finding.id not in UNIGNORABLE:
            text = "Space treats it as a warning (as --ignore does)."
        else:
            where = ": F3 goes to its field" if self._cause(finding) is not None else ""
            text = f"This has to be fixed first{where}."
        return [*said, Said(""), Said(text, "primary")]

    def _show_change(self, change: Change, item: Item) -> None:
        if self._shown is None:
            return
        line, found = item.line, rows(change, self._shown.masker())
        moved = [move.path for move in change.moves if not str(move.path).endswith(change.path)]
        said = [Said(f"written: {path}", "quiet") for path in moved]
        if line is not None:
            said.append(Said(line.text, bold=True))
            if item.place is not None:
                said.append(Said(f"from: {self._title(item.place)}   F3 goes there", "primary"))
            else:
                step = values.step_of(change.step).title
                said.append(Said(f"from: {step}, the same for every pair", "quiet"))
        elif not found:
            said += [Said(text) for text in change.what]
        # the row where the line begins
        at = next((n for n, row in enumerate(found) if line and (row.after or 0) >= line.number), 0)
        self.view.show_rows(found, said, at=at, title=f"{change.node} {sign('dot')} {change.path}")

    # --- what is open -----------------------------------------------------------------------------

    def _findings(self, status: str) -> list[Finding]:
        return [one for one in self.pair.all_findings() if one.status == status]

    def _to_accept(self) -> int:
        return sum(_key(one) not in self.pair.accepted for one in self._findings("warning"))

    def _judge(self) -> None:
        wrong, prepared, needs = self._findings("error"), self.pair.prepared, self.pair.needs
        to_accept = self._to_accept()
        accept = f"{_count(to_accept, 'warning')} to accept"
        databases = needs is not None and needs.pending
        self._rolling = prepared is not None and not databases and self._can_roll(prepared, wrong)
        self.query_one("#apply", Button).label = "Apply node by node" if self._rolling else "Apply"
        if wrong and not self._rolling:
            names = ", ".join(dict.fromkeys(one.id for one in wrong))
            text = f"{_count(len(wrong), 'error')} to fix: {names}"
            self._verdict(f"{text}; {accept}" if to_accept else text)
        elif not (prepared is not None and (prepared.plan.pending or databases)):
            self._verdict("nothing to do: everything is as the profile says")
        elif to_accept:
            self._verdict(accept)
        elif self._rolling:
            self._verdict("the pair runs: each node is stopped, written and started in its turn", ready=True)
        else:
            self._verdict("ready: nothing has been written yet", ready=True)

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

    def action_accept(self) -> None:
        """Accept the warning, or take that back; an error that can be ignored becomes a warning."""
        node, item = self.branches.cursor_node, self.current
        if node is None or item is None or item.finding is None:
            return
        finding = item.finding
        if finding.status == "warning":
            self.pair.accepted ^= {_key(finding)}
            self.replace(node, self._open_item(finding))
            self._show_item(item)
            self._judge()
        elif finding.id in UNIGNORABLE:
            self.app.say(f"{finding.id} cannot be ignored: fix it first.")
        else:
            self.pair.note(ignore=[*self.pair.progress.ignore, finding.id])
            self.app.say(f"{finding.id} counts as a warning from now on.")
            self.look()

    on_tree_node_selected = action_accept

    def action_accept_all(self) -> None:
        """Accept every warning, and say what is still open."""
        for node, item in self.lines():
            if item.finding is not None and item.finding.status == "warning":
                self.pair.accepted.add(_key(item.finding))
                self.replace(node, self._open_item(item.finding))
        self._show_item(self.current or Item())
        self._judge()
        if self._open:
            self._verdict(self._open, said="Still open: ")

    # --- going on ---------------------------------------------------------------------------------

    def action_go(self) -> None:
        target = self._target(self.current or Item())
        if target is not None:
            self.dismiss(target)

    def _target(self, item: Item) -> tuple[str, Place | None] | None:
        """The step and the field that cause what an item shows; None where no field does."""
        if item.finding is not None:
            return self._cause(item.finding)
        return (self._step(item.place), item.place) if item.place is not None else None

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
        own, steps = self.pair.owner(finding), values.steps_of(key_of(place))
        return own if own in steps else steps[0], place

    def action_offline(self) -> None:
        self.pair.note(offline=not self.pair.progress.offline)
        self.look()

    def action_split(self) -> None:
        self.view.split = not self.view.splits
        self._show_item(self.current or Item())

    def action_copy(self) -> None:
        finding = (self.current or Item()).finding
        if finding is not None and finding.fix:
            self.app.copy_to_clipboard(finding.fix)

    def action_apply(self) -> None:
        """Write it, if nothing is open; else say what is."""
        prepared = self.pair.prepared
        if prepared is None or self._open:
            self._verdict(self._open, said="Not applied: ")
            return
        self.app.push_screen(Apply(self.pair, prepared, rolling=self._rolling))

    on_button_pressed = action_apply

    def on_screen_resume(self) -> None:
        if self._shown is not None and self.pair.prepared is None and self.pair.phase is not Phase.PLANNING:
            self.look()


def _key(finding: Finding) -> tuple[str, str | None, str]:
    """What a finding is accepted by."""
    return finding.id, finding.node, finding.message


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def shortened(text: str, room: int) -> str:
    """The text in so many columns: cut in its middle, since the new value is at its end."""
    if len(text) <= room:
        return text
    left = max(1, room // 3)
    return f"{text[:left]}{sign('cut')}{text[len(text) - (room - left - 1) :]}"
