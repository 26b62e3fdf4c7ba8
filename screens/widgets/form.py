"""The form of a step: made from its fields, and nothing that only one step would need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from screens.model import lookup, values
from screens.widgets.choice import Choice
from screens.widgets.field import TextField
from screens.widgets.labelled import LONGEST_LABEL, Labelled
from screens.widgets.node_tabs import NodeTabs
from screens.widgets.path_field import PathField
from screens.widgets.secret_field import SecretField

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from textual.app import ComposeResult

    from screens.model.draft import OpenDraft
    from wizard.profile.fields import Key
    from wizard.profile.lines import Place
    from wizard.steps.step import Step

NODE_NAMES = {"event_processor.presenter": "none", "deployment_sync.manager": "the first"}
"""Fields that hold a node's name, and what their absence is called."""


class GroupTitle(Widget):
    """The title over the fields of another table."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def render(self) -> Content:
        return Content(self._title)


class Gap(Widget):
    """The empty place beside a field whose neighbour takes a whole line."""

    def __init__(self, shown: bool) -> None:
        super().__init__()
        self.display = shown

    def render(self) -> str:
        return ""


def is_whole(field: Key) -> bool:
    """Whether a field takes a whole line of two columns."""
    return field.kind in {"path", "reference", "parameters", "choice"} and not field.of_node


class Form(VerticalScroll, can_focus=False):
    """The fields of a step, of both nodes where each node has its own."""

    def __init__(self, step: Step, draft: OpenDraft, *, wide: bool) -> None:
        super().__init__(classes="-columns" if wide else None)
        self._keys = lookup.keys_of(step)
        self.draft = draft
        self.columns = wide
        self.node = 0
        """The node whose fields show where there is room for one."""
        on_one_line = [field.title for field in self._keys if field.kind != "reference"]
        self.label_width = min(LONGEST_LABEL, max(map(len, on_one_line)) + 2)

    def compose(self) -> ComposeResult:
        table = self._keys[0].table
        shown_nodes = False
        half_full = False
        for field in self._keys:
            if half_full and (field.of_node or field.table != table or is_whole(field)):
                yield Gap(self.columns)
                half_full = False
            if field.of_node:
                if not shown_nodes:
                    yield NodeTabs(self.draft.node_names(), columns=self.columns)
                    shown_nodes = True
                for number in (0, 1):
                    if self.columns or number == self.node:
                        yield self._made(field, number)
            else:
                if field.table != table:
                    yield GroupTitle(lookup.table_title(field.table))
                yield self._made(field)
                half_full = not half_full and not is_whole(field)
            table = field.table

    async def complete(self) -> None:
        """Make the fields of the node that does not show, if they were not yet: the first picture can do without."""
        hidden = 1 - self.node
        there = {field.place for field in self.fields()}
        for field in self._keys:
            if not self.is_attached:
                return  # somebody has gone on, or left
            if field.of_node and ("nodes", hidden, field.name) not in there:
                before = self.field_at(("nodes", self.node, field.name))
                made = self._made(field, hidden)
                made.display = self.columns
                await self.mount(made, after=before) if hidden else await self.mount(made, before=before)

    def _made(self, field: Key, node: int = 0) -> Widget:
        """The widget that fits the field's kind."""
        place: Place = tuple(field.key.split("."))
        if field.of_node:
            place = ("nodes", node, *place[1:])
        value = self.draft.value(place)
        classes = "-whole" if is_whole(field) else None
        made: Labelled
        if field.kind == "switch":
            made = Choice(field, place, [("yes", True), ("no", False)], value, classes)
        elif field.kind == "choice":
            made = Choice(field, place, [(word, word) for word in field.choices], value, classes)
        elif field.key in NODE_NAMES:
            names = [(name, name) for name in self.draft.node_names()]
            made = Choice(field, place, [(NODE_NAMES[field.key], None), *names], value, classes)
        elif field.kind == "reference":
            made = SecretField(field, place, value, classes)
        else:
            kind = PathField if field.kind == "path" else TextField
            text, placeholder = values.to_text(field, value), values.placeholder(field, node)
            made = kind(field, place, text, placeholder, classes)
        made.lay(above=self.columns, label_width=self.label_width)
        return made

    def fields(self) -> Iterator[TextField | Choice]:
        """The fields, in the order of the form."""
        for child in self.children:
            if isinstance(child, Labelled):
                yield child  # type: ignore[misc]

    def field_at(self, place: Place) -> Any:
        """The field of that place; None where this form has none."""
        return next((field for field in self.fields() if field.place == place), None)

    def show_node(self, node: int) -> None:
        """Show the fields of the first node (0) or the second, where there is room for one."""
        self.node = node
        for field in self.fields():
            if field.place[0] == "nodes":
                field.display = self.columns or field.place[1] == node
        for tabs in self.query(NodeTabs):
            tabs.show(active=node, columns=self.columns)

    def set_columns(self, columns: bool) -> None:
        """Put the nodes side by side, or one behind the other."""
        if columns == self.columns:
            return
        self.columns = columns
        self.set_class(columns, "-columns")
        for field in self.fields():
            field.lay(above=columns, label_width=self.label_width)
        for gap in self.query(Gap):
            gap.display = columns
        self.show_node(self.node)
