"""A step of the procedure on the screen: its form, its checks, and the way to the other steps."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.actions import SkipAction
from textual.containers import Container, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from screens import keys
from screens.dialogs import questions
from screens.dialogs.password import PasswordTest
from screens.dialogs.picker import pick_for
from screens.model import memory, values
from screens.model.background import PATIENCE, beside, typed_in
from screens.signs import WORDS, cut_left, plain, sign, wrapped
from screens.widgets.bars import BarScreen, Sidebar
from screens.widgets.check_list import CheckList
from screens.widgets.diff_view import DiffView, Said
from screens.widgets.field import Labelled, Pasted, PathField, SecretField, TextField
from screens.widgets.form import Fold, Form
from wizard.passwords.resolver import keep
from wizard.passwords.secret import Secret
from wizard.profile.drafts import draft_name
from wizard.profile.fields import key_of
from wizard.steps.procedure import STEP_IDS, STEPS
from wizard.system.finding import Agree, SetField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual import events
    from textual.app import ComposeResult

    from screens.dialogs.servers import Command
    from screens.model.pair import OpenPair
    from wizard.edit.edits import Line
    from wizard.profile.document import Place
    from wizard.steps.step import Step
    from wizard.system.finding import Finding

TOGETHER = 0.04
"""Seconds in which what is new is gathered before it is shown."""

SAFE = {
    "nodes.host",
    "nodes.port_offset",
    "nodes.hazelcast_port",
    "nodes.event_sync_port",
    "nodes.management_port",
    "nodes.presentation_port",
    "mysql.driver_jar",
}
"""The fields whose fixes Shift+F4 applies together: none of them can cost data."""


class Heading(Widget):
    """The step's title, its place among the others, and what it is about."""

    shown = reactive(("", "", ""))

    def render(self) -> Content:
        title, place, help = self.shown
        gap = max(1, self.size.width - len(title) - len(place))
        about = "\n".join(wrapped(help, self.size.width)[: max(0, self.size.height - 1)])
        head = Content.assemble((title, "bold $primary"), " " * gap, (place, "$quiet"))
        return Content("\n").join([head, Content.styled(about, "$quiet")])


class StepScreen(BarScreen[None]):
    """One step at a time; any of them can be opened at any time."""

    pair: OpenPair
    AUTO_FOCUS = "Form *"
    KEYS = keys.FORM

    def __init__(self, pair: OpenPair, step: str | None) -> None:
        super().__init__(pair=pair)
        self.step = values.step_of(step or STEP_IDS[0])
        self.form: Form
        self.all_finished = step is None
        self.at_rest = True
        """Everything that is known is shown."""
        self._early: list[events.Key] = []
        self._said = ""
        """What a key has done, for the help line of the field that gets the focus by it."""
        pair.visited.add(self.step.id)

    # --- the picture ------------------------------------------------------------------------------

    def content(self) -> ComposeResult:
        self.form = Form(self.step, self.pair.draft, self.pair.set)
        yield Sidebar([(step.id, step.title) for step in STEPS], self.step.id)
        with Container(id="main"):
            with Vertical(id="pane"):
                yield Heading()
                yield self.form
                yield Static(id="help", markup=False)
            with Vertical(id="side"):
                yield CheckList()
                yield DiffView()

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        if _field_of(self.focused, Labelled) is next(self.form.fields(), None):
            # the focus came before the layout: the title was scrolled away
            self.form.scroll_home(animate=False)
        self.pair.begin()
        if self.pair.draft.conflict:
            self.app.ask_about_conflict()
        elif self.all_finished:
            self.say("Every step is finished: F2 shows what is to be written.")
        self.show_pair()
        self.query_one(Sidebar).applied = await beside(lambda: memory.applied(self.pair.draft.name), "runs")

    @property
    def checks(self) -> CheckList:
        return self.query_one(CheckList)

    def show_pair(self) -> None:
        """Show what is new; what comes in a burst is shown once."""
        if self.at_rest:
            self.at_rest = False
            self.set_timer(TOGETHER, self._show_pair)

    def show_head(self) -> None:
        super().show_head()
        states = self.pair.states()
        self.query_one(Sidebar).states = states
        place = f"step {STEPS.index(self.step) + 1} of {len(STEPS)}"
        word = WORDS[states[self.step.id]]
        self.query_one(Heading).shown = (self.step.title, f"{place} {sign('dot')} {word}", self.step.help)

    def say(self, text: str) -> None:
        """Say what a key has just done, where the help of the field is."""
        self.query_one("#help", Static).update(plain(text))

    def _show_pair(self) -> None:
        self.at_rest = True
        if not self.is_mounted:
            return
        self.show_head()
        self.form.show_draft()
        self._show_problems()
        found = self.pair.findings_of(self.step) + self._mistakes()
        self.checks.show(found, self.pair.running_of(self.step), self._idle())
        self._show_preview()
        self._show_keys()
        if self.pair.passwords.untyped() and self.pair.profile is not None and self.is_current:
            self.run_worker(self._ask_for_passwords, exclusive=True, group="ask")  # type: ignore[arg-type]

    async def _ask_for_passwords(self) -> None:
        if await self.pair.passwords.ask():
            self.pair.check_again()

    def _show_problems(self) -> None:
        """Say below each field what is wrong with it, once the field was left."""
        pair = self.pair
        for field in self.form.fields():
            mistake, problem = pair.mistakes.get(field.place), ""
            if mistake is not None and (field.place in pair.left or pair.draft.was_saved):
                problem = "required" if mistake.kind == "missing" else mistake.message
            field.describe(problem, field.note)

    def _mistakes(self) -> list[Finding]:
        """What belongs to no field is shown with the first step."""
        return self.pair.of_the_file() if self.step is STEPS[0] else []

    def _idle(self) -> str:
        missing = self.pair.missing(self.step)
        if missing:
            return f"The checks run when these are filled in: {', '.join(map(self.pair.label, missing))}."
        if self.pair.wrong(self.step):
            return "The checks run when the marked fields are corrected."
        if self.pair.profile is None:
            return "The checks of this step run when the steps before it are complete."
        return ""

    def _show_preview(self) -> None:
        """Where there is room: the lines that this step changes in each node's files."""
        view = self.query_one(DiffView)
        if self.has_class("-vast"):
            lines = list(preview(self.pair, self.step, view.size.width))
            view.show_text(lines, f"What {self.step.title} changes")

    # --- the keys that act now --------------------------------------------------------------------

    @on(CheckList.Pointed)
    def _show_keys(self) -> None:
        """Show in the footer what can do something now."""
        pointed, focused = self.checks.pointed, self.focused
        can = {
            "again": self.pair.can_check,
            "back": self.step is not STEPS[0],
            "pick": isinstance(focused, PathField),
            "fix": pointed is not None and pointed.action is not None,
            "fix_all": len(safe_fixes(self.pair)) > 1,
            "copy": pointed is not None and bool(pointed.fix),
            "test": _field_of(focused, SecretField) is not None,
        }
        self.offer(*(action for action, acts in can.items() if not acts))

    def commands(self) -> Iterator[Command]:
        from screens.dialogs import servers

        for step in STEPS:
            yield f"Step: {step.title}", step.help, partial(self.open_step, step.id)
        yield "Save the profile now", "if it is complete", self.pair.publish
        yield from servers.commands(self.app, self.pair, self.action_again)

    # --- changing something -----------------------------------------------------------------------

    @work(group="keep")
    async def _ask_about_empty(self, field: SecretField) -> None:
        text = f"{field.field.title}: nothing was typed.\nHas this account an empty password?"
        if await self.app.ask("An empty password?", text, no="no", empty="it is empty") == "empty":
            await self._keep(field, "")

    async def _keep(self, field: SecretField, text: str) -> None:
        """Keep a typed password outside the profile, and put the reference to it into the profile."""
        draft = self.pair.draft
        name = f"{draft_name(draft.name, draft.target)}.{key_of(field.place)}"
        with self.app.errors_said():
            reference = await beside(lambda: keep(Secret(text), name), "keep password")
            field.change(reference)
            field.show(reference)
            self.pair.password_changed()

    async def put_back(self) -> None:
        """Take the last keys, then keep the passwords; for a key's action, which must not overtake them."""
        if self.focused is not None:
            await typed_in(self.focused)
        await self._keep_typed()

    async def _keep_typed(self) -> None:
        """Keep the passwords that are still in their fields."""
        for field in self.form.query(SecretField):
            if text := field.taken():
                await self._keep(field, text)

    async def on_pasted(self, event: Pasted) -> None:
        """Put each of the texts into a field of its own, from the one after the focus on."""
        fields = list(self.form.fields())
        focused = _field_of(self.focused, Labelled)
        at = fields.index(focused) + 1 if focused in fields else 0
        for field, text in zip(fields[at:], event.texts, strict=False):
            field.take(text)
            self.focus_field(field.place)
        await self._keep_typed()

    async def on_fold_toggled(self) -> None:
        await self.form.toggle()
        self._show_problems()
        if isinstance(self.focused, Fold):
            self.say(self.focused.about)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        field = _field_of(event.widget, Labelled)
        text = getattr(event.widget, "about", "")
        if field is not None:
            text = f"{field.field.title}: {values.help_of(field.field)}"
            field.refresh()
        self.say(self._said or text)
        self._said = ""
        self._show_keys()

    async def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        event.widget.refresh()
        field = _field_of(event.widget, Labelled)
        if field is not None:
            field.refresh()
            self.pair.left.add(field.place)
            await self._keep_typed()
            self.show_pair()

    def on_key(self, event: events.Key) -> None:
        """What is typed before the first field is there is for that field: a field takes every other letter itself."""
        if not event.is_printable:
            return
        if self.focused is None:
            event.stop()
            self._early.append(event)
        elif isinstance(self.focused, TextField):
            event.stop()
            self.focused.post_message(event)

    def watch_focused(self, widget: Widget | None) -> None:
        if widget is not None:
            early, self._early = self._early, []
            for event in early:
                widget.post_message(event)

    # --- moving the focus ---------------------------------------------------------------------------

    async def action_go(self, by: int) -> None:
        """Go to the next field or the one before; Tab first completes a path as far as it can."""
        if by < 0:
            self.focus_previous()
        elif not (isinstance(self.focused, PathField) and await self.focused.completed()):
            self.focus_next()

    async def action_enter(self) -> None:
        """Go to the next field, or open the fold; in all else Enter does what the widget does with it."""
        if isinstance(self.focused, Fold):
            await self.on_fold_toggled()
            done = asyncio.Event()
            self.call_after_refresh(done.set)  # laid out: a Tab that follows is for the fields that it shows
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), PATIENCE)
            return
        if not isinstance(self.focused, Input):
            raise SkipAction()
        field = _field_of(self.focused, SecretField)
        if field is not None and field.is_unanswered:
            self._ask_about_empty(field)
        self.focus_next("Line, Choice, Fold, CheckList")  # not the kind of a password, nor its test

    # --- going somewhere --------------------------------------------------------------------------

    async def open_step(self, id: str, place: Place | None = None) -> None:
        """Open a step, with the focus on a field of it, else on its first."""
        self.step = values.step_of(id)
        self.pair.visited.add(id)
        self.query_one(Sidebar).current = id
        old, self.form = self.form, Form(self.step, self.pair.draft, self.pair.set)
        async with self.batch():
            await old.remove()
            await self.query_one("#pane").mount(self.form, after=self.query_one(Heading))
            await self.form.open(place or ())
        self.focus_field(place)
        self._show_pair()

    def focus_field(self, place: Place | None) -> None:
        """Put the focus on the field of that place, else on the first."""
        if place is not None and self.form.field_at(place) is None:
            self.call_later(self._open_and_focus, place)
            return
        focusable = (one for one in self.form.query("*") if one.focusable)
        target = self.form.field_at(place) if place is not None else next(focusable, None)
        if target is not None:
            self.set_focus(next(iter(target.query(Input)), target))
            # a field that was just made has no place before
            self.call_after_refresh(self.scroll_to_center, target, origin_visible=True)

    async def _open_and_focus(self, place: Place) -> None:
        await self.form.open(place)
        if self.form.field_at(place) is not None:
            self.focus_field(place)

    async def on_sidebar_chosen(self, event: Sidebar.Chosen) -> None:
        if event.id in {"runs", "verify"}:
            await self.run_action(f"app.{event.id}")
        else:
            await self._go_on_to(event.id)

    async def action_next(self) -> None:
        """Go to the next step; what is missing here is shown first, once."""
        await self.put_back()
        empty = self.pair.empty(self.step)
        is_shown = self.pair.left.issuperset(empty)
        self.pair.left.update(field.place for field in self.form.fields())
        if empty and not is_shown:
            self.focus_field(empty[0])
            self._show_pair()
            return
        self.pair.pass_by(self.step.id)
        await self._go_on_to([*STEP_IDS, "review"][STEPS.index(self.step) + 1])

    async def action_back(self) -> None:
        number = STEPS.index(self.step)
        await self.put_back()
        if number:
            await self._go_on_to(STEP_IDS[number - 1])

    async def action_review(self) -> None:
        await self.put_back()
        await self._go_on_to("review")

    async def _go_on_to(self, target: str) -> None:
        """Open a step or the review, once the user has said where a home is that is not on this machine."""
        await self._keep_typed()
        self.pair.publish()
        missing = await questions.node_elsewhere(self.pair) if self.step is STEPS[0] else None
        if missing is None:
            await self._open(target)
        else:
            self._ask_where(missing, target)

    @work(group="elsewhere")
    async def _ask_where(self, node: int, target: str) -> None:
        if await questions.elsewhere(self.app, self.pair, node):
            await self._open(target)
        else:
            self.focus_field(("nodes", node, "home"))

    async def _open(self, target: str) -> None:
        if target != "review":
            await self.open_step(target)
            return
        from screens.review import Review

        def chosen(field: tuple[str, Place | None] | None) -> None:
            if field is not None:
                self.call_later(self.open_step, *field)

        self.app.push_screen(Review(self.pair), chosen)

    # --- the checks -------------------------------------------------------------------------------

    def action_fix(self) -> None:
        """Apply the fix of the finding under the cursor: a change of the profile, nothing else."""
        pointed = self.checks.pointed
        if pointed is None or pointed.action is None:
            self.say("No automatic fix for this finding.")
        elif isinstance(pointed.action, Agree):
            self.run_worker(questions.agree(self.app, self.pair))
        else:
            self._apply_fixes([pointed.action])

    @work(group="fix")
    async def action_fix_all(self) -> None:
        safe = safe_fixes(self.pair)
        if not safe:
            self.say("No safe fix: ports, offsets, hosts and the driver jar are right.")
            return
        lines = ["These values of the profile would change:", ""]
        for change in safe:
            place = self.pair.draft.place(change.field) or ()
            before = self.pair.draft.value(place)
            was = "not set" if before is None else before
            lines.append(f"{self.pair.label(place)}: {was} {sign('to')} {change.value}")
        answers = {"no": "change nothing", "change": f"change {len(safe)} values"}
        if await self.app.ask("Apply all safe fixes?", "\n".join(lines), **answers) == "change":
            self._apply_fixes(safe)

    def _apply_fixes(self, fixes: list[SetField]) -> None:
        places = [(self.pair.draft.place(fix.field), fix.value) for fix in fixes]
        changed = {place: value for place, value in places if place is not None}
        if not changed:
            return
        for place, value in changed.items():
            self.pair.set(place, value)
        said = "; ".join(f"{self.pair.label(place)} = {value}" for place, value in changed.items())
        first = next(iter(changed))
        focused = _field_of(self.focused, Labelled)
        if key_of(first) in self.step.fields and (focused is None or focused.place != first):
            self._said = f"Changed: {said}"
            self.focus_field(first)
        else:
            self.say(f"Changed: {said}")

    def action_again(self) -> None:
        self.pair.check_again()
        self.show_pair()

    def action_copy(self) -> None:
        pointed = self.checks.pointed
        if pointed is not None and pointed.fix:
            self.app.copy_to_clipboard(pointed.fix)

    def action_offline(self) -> None:
        self.pair.note(offline=not self.pair.progress.offline)
        self.action_again()

    def action_test(self) -> None:
        field = _field_of(self.focused, SecretField)
        if field is not None:
            self.app.push_screen(PasswordTest(self.pair, field.place))

    def action_pick(self) -> None:
        if isinstance(self.focused, PathField):
            pick_for(self.focused, self.pair.draft.folder)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._show_preview()


def _field_of(widget: Widget | None, kind: type[Any]) -> Any:
    """The field that a widget is, or is in; None for any other widget."""
    around = widget.ancestors_with_self if widget is not None else ()
    return next((one for one in around if isinstance(one, kind)), None)


def safe_fixes(pair: OpenPair) -> list[SetField]:
    """The fixes that Shift+F4 applies, of all steps: one for each field."""
    found: dict[str, SetField] = {}
    for one in pair.all_findings():
        if isinstance(one.action, SetField) and pair.field_of(one) in SAFE:
            found.setdefault(one.action.field, one.action)
    return list(found.values())


def preview(pair: OpenPair, step: Step, width: int) -> Iterator[Said]:
    """The lines of each node's files that a step changes, in so many columns."""
    if pair.plan is None:
        yield Said("The lines of the nodes' files are shown here when the profile is complete.", "quiet")
        return
    if not pair.plan.nodes:
        yield Said("Neither home is on this machine: there is nothing to show.", "quiet")

    def causes(line: Line, steps: tuple[str, ...]) -> bool:
        place = pair.draft.place(line.field) if line.field else None
        return key_of(place) in step.fields if place is not None else steps[0] == step.id

    for node in pair.plan.nodes:
        files = [
            (change.path, lines)
            for change in node.pending
            if (lines := [line for line in change.lines if causes(line, change.steps)])
        ]
        yield Said(node.node if files else f"{node.node}: no change by this step", "primary", bold=True)
        for path, lines in files:
            yield Said(cut_left(path, max(20, width - 4)), "secondary")
            yield from (Said(f"  {line.text}") for line in lines)
