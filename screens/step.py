"""A step of the procedure on the screen: its form, what the checks say of it, and the way to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from screens import keys
from screens.dialogs import questions
from screens.dialogs.password import PasswordTest
from screens.dialogs.picker import pick_for
from screens.model import lookup, values
from screens.model.hints import hints
from screens.signs import WORDS, plain, sign
from screens.sizes import WIDE
from screens.widgets.check_list import CheckList
from screens.widgets.choice import Choice
from screens.widgets.field import TextField
from screens.widgets.form import Form
from screens.widgets.key_bar import KeyBar
from screens.widgets.labelled import Labelled, wrapped
from screens.widgets.node_tabs import NodeTabs
from screens.widgets.path_field import PathField
from screens.widgets.secret_field import SecretField
from screens.widgets.sidebar import Sidebar
from screens.widgets.title_bar import TitleBar
from wizard.profile.fields import key_of
from wizard.steps.procedure import STEP_IDS, STEPS
from wizard.system import finding
from wizard.system.finding import Agree, SetField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual import events
    from textual.app import ComposeResult

    from screens.commands import Command
    from screens.model.pair import OpenPair
    from wizard.profile.lines import Place
    from wizard.system.finding import Finding

TOGETHER = 0.04
"""Seconds in which what is new is gathered before it is shown."""


class Heading(Widget):
    """The step's title, where it stands among the others, and what it is about."""

    def __init__(self, title: str, place: str, help: str) -> None:
        super().__init__()
        self._title, self._place, self._help = title, place, help

    def show(self, title: str, place: str, help: str) -> None:
        """Show another title, place or help."""
        if (title, place, help) != (self._title, self._place, self._help):
            self._title, self._place, self._help = title, place, help
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        gap = max(1, width - len(self._title) - len(self._place))
        about = "\n".join(wrapped(self._help, width)[: max(0, self.size.height - 1)])
        return Content.assemble(
            (self._title, "bold $primary"), " " * gap, (self._place, "$quiet"), "\n", (about, "$quiet")
        )


class FieldHelp(Widget):
    """One line about the field that has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def show(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.refresh()

    def render(self) -> Content:
        return Content("\n".join(wrapped(plain(self._text), max(10, self.size.width))[:2]))


class StepScreen(Screen[None]):
    """One step at a time; any of them can be opened at any time."""

    AUTO_FOCUS = "Form > *"
    KEYS = keys.FORM
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.FORM)

    def __init__(self, pair: OpenPair, step: str | None) -> None:
        super().__init__()
        self.pair = pair
        self.step = lookup.step_of(step or STEP_IDS[0])
        self.form: Form
        self.all_finished = step is None
        self._early: list[events.Key] = []
        self._hints: list[Finding] = []
        self._hinted: tuple[set[Place], tuple[Any, ...]] = (set(), ())
        pair.visited.add(self.step.id)

    # --- the picture ------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        self.set_class(self.app.size.width >= WIDE, "-wide")
        self.form = self._made_form()
        yield TitleBar(self.pair.draft.title)
        yield Sidebar([(step.id, step.title) for step in STEPS], self.step.id)
        with Container(id="main"):
            with Vertical(id="pane"):
                yield Heading(self.step.title, self._place(), self.step.help)
                yield self.form
                yield FieldHelp()
            yield CheckList()
        yield KeyBar(self.KEYS)

    def _made_form(self) -> Form:
        return Form(self.step, self.pair.draft, wide=self.has_class("-wide"))

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        await self.form.complete()
        self.pair.begin()
        self._look_at_paths()
        if self.pair.draft.conflict:
            self.app.ask_about_conflict()  # type: ignore[attr-defined]
        elif self.all_finished:
            self.notify("Every step is finished: F2 shows what is to be written.", markup=False)
        self.show_pair()

    def _look_at_paths(self) -> None:
        for field in self.form.query(PathField):
            field.look_from(self.pair.draft.folder)

    @property
    def checks(self) -> CheckList:
        return self.query_one(CheckList)

    def _place(self) -> str:
        return f"step {STEPS.index(self.step) + 1} of {len(STEPS)}"

    def show_pair(self) -> None:
        """Show what is new; what comes in a burst is shown once."""
        if not self._showing:
            self._showing = True
            self.set_timer(TOGETHER, self._show_pair)

    _showing = False

    @property
    def at_rest(self) -> bool:
        """Whether everything that is known is shown."""
        return not self._showing

    def _show_pair(self) -> None:
        self._showing = False
        if not self.is_mounted:
            return
        pair = self.pair
        bar = self.query_one(TitleBar)
        bar.pair = pair.draft.title
        bar.badge = pair.badge
        bar.saved = pair.saved
        states = pair.states()
        self.query_one(Sidebar).show(states)
        state = states[self.step.id]
        self.query_one(Heading).show(
            self.step.title, f"{self._place()} {sign('dot')} {WORDS[state]}", self.step.help
        )
        self._show_fields()
        found = pair.findings_of(self.step) + self._mistakes() + self._hints_here()
        self.checks.show(found, pair.running_of(self.step), self._idle())
        self.run_worker(self._look_for_hints, exclusive=True, group="hints")  # type: ignore[arg-type]

    async def _look_for_hints(self) -> None:
        """Look for what could be filled in, once for each gap."""
        gaps = {place for place, mistake in self.pair.mistakes.items() if mistake.kind == "missing"}
        homes = tuple(self.pair.draft.value(("nodes", number, "home")) for number in (0, 1))
        if (gaps, homes) == self._hinted:
            return
        self._hinted = (gaps, homes)
        self._hints = await hints(self.pair)
        self.show_pair()

    def _hints_here(self) -> list[Finding]:
        """The hints about fields of this step that are still empty."""
        places = [
            (hint, self.pair.draft.place(hint.action.field))
            for hint in self._hints
            if isinstance(hint.action, SetField)
        ]
        return [
            hint
            for hint, place in places
            if place in self.pair.mistakes and key_of(place) in self.step.fields
        ]

    def _show_fields(self) -> None:
        pair, wrong = self.pair, [0, 0]
        for field in self.form.fields():
            mistake = pair.mistakes.get(field.place)
            problem = ""
            if mistake is not None and (mistake.kind != "missing" or self.step.id in pair.progress.passed):
                problem = (
                    f"{mistake.message}; {mistake.fix}" if mistake.kind == "missing" else mistake.message
                )
                if field.place[0] == "nodes" and isinstance(field.place[1], int):
                    wrong[field.place[1]] += 1
            field.tell(problem, field.note)
            self._fill(field)
        for tabs in self.query(NodeTabs):
            tabs.show(pair.draft.node_names(), problems=(wrong[0], wrong[1]))

    def _fill(self, field: TextField | Choice) -> None:
        """Show what the draft holds, where it was not typed into this very field."""
        value = self.pair.draft.value(field.place)
        if value == field.known:
            return
        field.known = value
        if isinstance(field, TextField):
            if values.from_text(field.field, field.value) != value:
                field.show(values.to_text(field.field, value))
        elif field.value != value:
            field.show(value)

    def _mistakes(self) -> list[Finding]:
        """What is wrong with the file and stands in no form: shown with the first step."""
        if self.step is not STEPS[0]:
            return []
        return [
            finding.error(f"line {one.line}: {one.field or 'the file'}: {one.message}", fix=one.fix)
            for one in self.pair.other_mistakes
        ]

    def _idle(self) -> str:
        missing = self.pair.missing(self.step)
        if missing:
            return (
                f"The checks run as soon as these are filled in: {', '.join(map(self.pair.label, missing))}."
            )
        if self.pair.wrong(self.step):
            return "The checks run as soon as what is marked above is corrected."
        return "Nothing to say yet."

    # --- changing something -----------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        if isinstance(event.input, TextField):
            self._set(event.input, values.from_text(event.input.field, event.value))

    def on_choice_changed(self, event: Choice.Changed) -> None:
        self._set(event.choice, event.value)

    def on_secret_field_changed(self, event: SecretField.Changed) -> None:
        self._set(event.field, event.value)

    def _set(self, field: TextField | Choice | SecretField, value: Any) -> None:
        field.known = value
        self.pair.set(field.place, value)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget: Any = event.widget
        while widget is not None and not isinstance(widget, Labelled):
            widget = widget.parent
        text = ""
        if isinstance(widget, Labelled):
            field = widget.field  # type: ignore[attr-defined]
            text = f"{field.title}: {field.help}"
            widget.refresh()
        elif isinstance(event.widget, CheckList):
            text = "Up and down choose a finding; F4 does what mends it, F6 copies its fix."
        elif isinstance(event.widget, Sidebar):
            text = "Up and down choose a step; Enter opens it."
        self.query_one(FieldHelp).show(text)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        event.widget.refresh()

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

    # --- going somewhere --------------------------------------------------------------------------

    async def open_step(self, id: str, place: Place | None = None) -> None:
        """Open a step, with the focus on a field of it, else on its first."""
        self.step = lookup.step_of(id)
        self.pair.visited.add(id)
        self.query_one(Sidebar).current = id
        old, self.form = self.form, self._made_form()
        async with self.batch():
            await old.remove()
            await self.query_one("#pane").mount(self.form, after=self.query_one(Heading))
            await self.form.complete()
        self.focus_field(place)
        self._look_at_paths()
        self._show_pair()

    def focus_field(self, place: Place | None) -> None:
        """Put the focus on the field of that place, else on the first."""
        form = self.form
        if place is not None and place[0] == "nodes" and isinstance(place[1], int):
            form.show_node(place[1])
        field = form.field_at(place) if place is not None else None
        target = field or next(form.fields(), None)
        if target is not None:
            inner = next((child for child in target.query(Input)), None)
            (inner or target).focus()

    async def on_sidebar_chosen(self, event: Sidebar.Chosen) -> None:
        if event.id == "review":
            await self.action_review()
        elif event.id == "verify":
            self.action_verify()
        else:
            self.pair.publish()
            await self.open_step(event.id)

    async def action_next(self) -> None:
        self.pair.pass_by(self.step.id)
        self.pair.publish()
        number = STEPS.index(self.step) + 1
        if number < len(STEPS):
            await self.open_step(STEP_IDS[number])
        else:
            await self.action_review()

    async def action_back(self) -> None:
        self.pair.publish()
        number = STEPS.index(self.step)
        if number:
            await self.open_step(STEP_IDS[number - 1])
        else:
            self.app.bell()

    def action_other_node(self) -> None:
        self._to_node(1 - self.form.node)

    def on_node_tabs_chosen(self, event: NodeTabs.Chosen) -> None:
        self._to_node(event.node)

    def _to_node(self, node: int) -> None:
        focused = self.focused
        form = self.form
        place = focused.place if isinstance(focused, TextField | Choice) else None
        form.show_node(node)
        if place is not None and place[0] == "nodes":
            self.focus_field(("nodes", node, *place[2:]))

    def focus_next(self, selector: Any = "*") -> Widget | None:
        """The next field; behind the last one of a node that shows alone come the fields of the other."""
        if self._turn_tab(1):
            return self.focused
        return super().focus_next(selector)

    def focus_previous(self, selector: Any = "*") -> Widget | None:
        if self._turn_tab(-1):
            return self.focused
        return super().focus_previous(selector)

    def _turn_tab(self, by: int) -> bool:
        form, focused = self.form, self.focused
        if form.columns or not isinstance(focused, TextField | Choice) or focused.place[0] != "nodes":
            return False
        own = [field for field in form.fields() if field.place[:2] == ("nodes", form.node)]
        if not own:
            return False
        edge = own[-1] if by > 0 else own[0]
        other = form.node + by
        if focused is not edge or other not in (0, 1):
            return False
        form.show_node(other)
        fields = [field for field in form.fields() if field.place[:2] == ("nodes", other)]
        (fields[0] if by > 0 else fields[-1]).focus()
        return True

    def commands(self) -> Iterator[Command]:
        """What the palette offers beside the keys."""
        from screens.commands import of_step

        return of_step(self)

    async def action_review(self) -> None:
        from screens.review import Review

        self.pair.publish()
        self.app.push_screen(Review(self.app.review_of(self.pair)), self._go_to_field)  # type: ignore[attr-defined]

    def _go_to_field(self, chosen: tuple[str, Place | None] | None) -> None:
        """Open the step and the field that were chosen in the review, if any."""
        if chosen is not None:
            self.call_later(self.open_step, *chosen)

    def action_verify(self) -> None:
        self.app.action_verify()  # type: ignore[attr-defined]

    # --- the checks -------------------------------------------------------------------------------

    async def action_fix(self) -> None:
        """Do what mends the finding: a change of the profile, nothing else."""
        pointed = self.checks.pointed
        if pointed is None or pointed.action is None:
            self.notify("Nothing here that a key could mend.", markup=False)
            return
        if isinstance(pointed.action, Agree):
            self.run_worker(questions.agree(self.app, self.pair))
            return
        place = self.pair.do(pointed.action)
        if place is None:
            return
        self.notify(f"Changed: {plain(pointed.action.label)}", markup=False)
        if key_of(place) in self.step.fields:
            self.focus_field(place)

    def action_again(self) -> None:
        self.pair.check_again()
        self.show_pair()

    def action_copy(self) -> None:
        """Copy the fix of the finding."""
        pointed = self.checks.pointed
        if pointed is not None and pointed.fix:
            self.app.copy_to_clipboard(pointed.fix)
            self.notify("The fix is in the clipboard.", markup=False)

    def action_offline(self) -> None:
        """Look with or without the network."""
        self.pair.note(offline=not self.pair.progress.offline)
        self.pair.check_again()
        self.show_pair()

    def action_test(self) -> None:
        """Try the password of the field that has the focus."""
        widget: Any = self.focused
        while widget is not None and not isinstance(widget, SecretField):
            widget = widget.parent
        if widget is not None:
            self.try_password(widget)

    def on_secret_field_test_wanted(self, event: SecretField.TestWanted) -> None:
        self.try_password(event.field)

    def try_password(self, field: SecretField) -> None:
        self.app.push_screen(PasswordTest(self.pair, field.place))

    def action_pick(self) -> None:
        """Choose a path instead of typing it."""
        if isinstance(self.focused, PathField):
            pick_for(self.focused, self.pair.draft.folder)

    def on_resize(self, event: events.Resize) -> None:
        wide = event.size.width >= WIDE
        self.set_class(wide, "-wide")
        self.form.set_columns(wide)
