"""The form of a step: made from its fields, and nothing that only one step would need."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from screens.model import values
from screens.signs import cut, plain, sign
from screens.widgets.field import LONGEST_LABEL, Choice, Labelled, PathField, SecretField, TextField
from wizard.profile.fields import CHOICES, ESSENTIAL, keys, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from textual.app import ComposeResult

    from screens.model.draft import OpenDraft
    from wizard.profile.document import Place
    from wizard.profile.fields import Key
    from wizard.steps.step import Step

    FormField = TextField | Choice | SecretField

NODE_NAMES = {"event_processor.presenter": "none", "deployment_sync.manager": "the first"}
"""Fields that hold a node's name, and what it is called that none is set."""


class GroupTitle(Static):
    """The title over the fields of a node, or of another table."""

    def __init__(self, title: str) -> None:
        super().__init__(title, markup=False)


class Fold(Widget, can_focus=True):
    """`▸ Advanced`, and below it a line for each field; Enter or a click opens it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,right,left", "unfold", "show or hide", show=False)
    ]

    shown: reactive[tuple[list[tuple[str, str]], bool]] = reactive(([], False), layout=True)
    """The titles and the values in effect; and whether the fields are open, so that only the head shows."""

    class Toggled(Message):
        """The user wants to see the advanced fields, or to hide them."""

    def __init__(self, alone: bool) -> None:
        """`alone`: the step has no other fields."""
        super().__init__()
        self._alone = alone

    @property
    def about(self) -> str:
        does = "folds" if self.shown[1] else "shows"
        return f"These values fit most pairs. Enter {does} them."

    def _lines(self, width: int) -> list[tuple[str, str]]:
        values, is_open = self.shown
        mark, bold = (sign("mark"), "bold $primary") if self.has_focus else (" ", "bold $secondary")
        what = "hides them" if is_open else "changes them"
        head = f"{mark}{sign('opened' if is_open else 'here')} Advanced: {len(values)} fields"
        lines = [(cut(f"{head}, Enter {what}", width), bold)]
        if self._alone and not is_open:
            lines[:0] = [(" Nothing to fill in: these values fit every pair.", "$foreground"), ("", "")]
        if not is_open:
            wide = max((len(title) for title, _ in values), default=0) + 1
            lines += [
                (cut(f"   {plain(title):<{wide}}{plain(value)}", width), "$quiet") for title, value in values
            ]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(Content.styled(*line) for line in self._lines(self.size.width))

    def action_unfold(self) -> None:
        self.post_message(self.Toggled())

    on_click = action_unfold


class Form(VerticalScroll, can_focus=False):
    """The fields that every pair has to decide; the others are folded, and made when they are opened."""

    def __init__(self, step: Step, draft: OpenDraft, set: Callable[[Place, Any], None]) -> None:
        """`set` gives a field of the profile its value."""
        super().__init__()
        self._set = set
        asked = values.keys_of(step)
        # the first of the steps that have an essential field asks for it
        self._essential = [key for key in asked if key.essential and values.steps_of(key.key)[0] == step.id]
        self._advanced = [key for key in asked if key not in self._essential]
        self.draft = draft
        self.is_open = False
        """The advanced fields show."""

    def compose(self) -> ComposeResult:
        yield from self._made_group(self._essential)
        if self._advanced:
            yield Fold(alone=not self._essential)
            yield Vertical(id="advanced")

    def on_mount(self) -> None:
        self.show_draft()

    def _made_group(self, keys: list[Key]) -> Iterator[Widget]:
        """The widgets of these fields, with those of the nodes together."""
        width = min(LONGEST_LABEL, max((len(key.title) + 2 * key.required for key in keys), default=0) + 2)
        of_nodes = [key for key in keys if key.of_node]
        table = None
        for key in keys:
            if not key.of_node:
                if table not in (None, key.table):
                    around, _, name = key.table.rpartition(".")
                    yield GroupTitle(tables()[around].model_fields[name].title or name)
                table = key.table
                yield self._made(key, width)
            elif key is of_nodes[0]:
                nodes = [
                    Vertical(GroupTitle(name), *(self._made(one, width, number) for one in of_nodes))
                    for number, name in enumerate(self.draft.node_names())
                ]
                yield Container(*nodes, classes="nodes")

    def _made(self, field: Key, label_width: int, node: int = 0) -> Widget:
        place: Place = values.places(field.key)[node]
        value = self.draft.value(place)
        made: Labelled
        if field.kind == "switch":
            made = Choice(field, place, [("yes", True), ("no", False)], value)
        elif field.kind == "choice":
            made = Choice(field, place, [(CHOICES[word], word) for word in field.choices], value)
        elif field.key in NODE_NAMES:
            names = [(name, name) for name in self.draft.node_names()]
            made = Choice(field, place, [(NODE_NAMES[field.key], None), *names], value)
        elif field.kind == "reference":
            made = SecretField(field, place, value)
        elif field.kind == "path":
            made = PathField(field, place, value, values.placeholder(field, node), self.draft.folder)
        else:
            made = TextField(field, place, value, values.placeholder(field, node))
        made.on_change = partial(self._changed, made)
        made.lay(label_width, is_required=field.required)
        return made

    def _changed(self, field: Labelled, value: Any) -> None:
        self._set(field.place, value)
        if isinstance(field, Choice):
            self.show_draft()  # other fields come and go with it

    def fields(self) -> Iterator[FormField]:
        """The fields that show, in the order of the form."""
        return (
            field
            for field in self._all_fields()
            if field.display and (self.is_open or field.field in self._essential)
        )

    def _all_fields(self) -> Iterator[FormField]:
        for child in self.walk_children():
            if isinstance(child, Labelled):
                yield child  # type: ignore[misc]

    def field_at(self, place: Place) -> FormField | None:
        """The field of that place; None where it does not show."""
        return next((field for field in self.fields() if field.place == place), None)

    async def open(self, place: Place | None = None) -> None:
        """Show the advanced fields; with a place: only if it belongs to one of them."""
        wanted = place is None or any(place in values.places(key.key) for key in self._advanced)
        if wanted and self._advanced and not self.is_open:
            await self.toggle()

    async def toggle(self) -> None:
        group = self.query_one("#advanced", Vertical)
        self.is_open = not self.is_open
        if not group.children:
            await group.mount_all(self._made_group(self._advanced))
        self.show_draft()

    def show_draft(self) -> None:
        """Show the fields that are asked for now, the nodes' names, and what the draft holds for each field."""
        for field in self._all_fields():
            value = self.draft.value(field.place)
            if value != field.known:
                field.show(value)
            if condition := ESSENTIAL.get(field.field.key):
                held = self.draft.value(values.places(condition[0])[0])
                field.display = (keys()[condition[0]].default if held is None else held) == condition[1]
        titles = self.query(".nodes GroupTitle").results(GroupTitle)
        for title, name in zip(titles, cycle(self.draft.node_names()), strict=False):
            title.update(name)
        for fold in self.query(Fold):
            fold.shown = ([*self._in_effect(self._advanced)], self.is_open)
            self.query_one("#advanced").display = self.is_open

    def _in_effect(self, keys: Iterable[Key]) -> Iterator[tuple[str, str]]:
        """The titles of fields and the values that hold for them."""
        for key in keys:
            found = [self.draft.value(place) for place in values.places(key.key)]
            texts = [self._in_words(key, value) for value in found]
            yield key.title, texts[0] if len(set(texts)) == 1 else " / ".join(texts)

    def _in_words(self, key: Key, value: object) -> str:
        if value is None and key.default in (None, {}):
            return NODE_NAMES.get(key.key, "not set")
        value = key.default if value is None else value
        if isinstance(value, bool):
            return "yes" if value else "no"
        return CHOICES.get(str(value), "") if key.kind == "choice" else values.to_text(key, value)
