"""The fields of a form: a text, a path (completed, and told what is there), one of a few things, a password.

A field draws its label, its problem and what is known of its value itself, in its padding, around its own line: a form
of a dozen fields is a dozen widgets and not sixty, which halves the time until it is painted.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, Select

from screens.model import paths, values
from screens.model.background import PATIENCE, beside, typed_in
from screens.signs import cut, cut_left, plain, sign, wrapped
from screens.theme import ink
from wizard.profile.document import Place
from wizard.profile.fields import Key

if TYPE_CHECKING:
    Base = Widget
else:
    Base = object  # Textual takes the style and the focus of a widget from its first base that is one

PAUSE = 0.15
"""Seconds without a key before the disk is read."""


LONGEST_LABEL = 27


class Labelled(Base):
    """A mixin for a widget whose content is one line.

    The label is left of it; the line below it is always there, for the problem or else the note.
    """

    field: Key
    place: Place
    problem = ""
    note = ""
    is_required = False
    label_width = 0
    known: Any = None
    """The value of the profile that this field shows."""
    on_change: Callable[[Any], None] | None = None
    """Takes what the user makes of the value, at once: no message is under way that a key could overtake."""

    def lay(self, label_width: int, *, is_required: bool = False) -> None:
        """Give the label so many cells, and mark it as required."""
        self.label_width, self.is_required = label_width, is_required
        self._make_room()

    def change(self, value: Any) -> None:
        """Give the profile the value that the user chose or typed."""
        self.known = value
        if self.on_change is not None:
            self.on_change(value)

    def describe(self, problem: str, note: str = "") -> None:
        """Say what is wrong with the value, or else what is known of it; empty texts remove both."""
        if (problem, note) != (self.problem, self.note):
            self.problem, self.note = problem, note
            self._make_room()
            self.refresh()

    def _below(self) -> list[str]:
        """The lines below the value: one for the note, or as many as the problem needs."""
        width = max(10, (self.outer_size.width or 52) - self.label_width)
        if not self.problem:
            return [cut(plain(self.note), width)]
        return wrapped(plain(f"{sign('error')} {self.problem}"), width)

    def _make_room(self) -> None:
        padding = (0, 0, len(self._below()), self.label_width)
        if padding != self.styles.padding:
            self.styles.padding = padding
            self.styles.height = 1 + padding[2]

    def on_resize(self) -> None:
        self._make_room()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The widget's own line with the label beside it, then the problem or the note."""
        return [
            self._with_label(y, strip, crop) for y, strip in enumerate(super().render_lines(crop), crop.y)
        ]

    def _with_label(self, y: int, strip: Strip, crop: Region) -> Strip:
        width = self.outer_size.width
        if y:
            below = self._below()
            line = below[y - 1] if y <= len(below) else ""
            colour = "error" if self.problem else "success"
            return self._painted(colour, " " * self.label_width + line, width).crop(crop.x, crop.right)
        active = self.has_focus_within
        mark = sign("mark") if active else " "
        star = " *" if self.is_required else ""
        text = f"{mark}{cut(self.field.title, self.label_width - 2 - len(star))}{star}"
        label = self._painted("primary" if active else "quiet", text, self.label_width)
        own = strip.crop(max(0, self.label_width - crop.x))
        return Strip.join([label.crop(crop.x), own]) if crop.x < self.label_width else strip

    def _painted(self, colour: str, text: str, width: int) -> Strip:
        style = ink(self, colour, bold=colour == "primary")
        strip = Strip([Segment(text.ljust(width), style)])
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip.adjust_cell_length(width, style)


class Pasted(Message):
    """A text with several values: one for the field that it was pasted into, the others for the fields after it."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.texts = texts


EDITING = {
    key: binding.action
    for binding in Input.BINDINGS
    if isinstance(binding, Binding) and binding.action != "submit"
    for key in binding.key.split(",")
}
"""The keys that edit a line, and what they do."""


class Line(Input):
    """An input that takes its keys in the order in which they were typed; a password goes to no clipboard."""

    def __init__(self, text: str, placeholder: str, **given: Any) -> None:
        super().__init__(text, placeholder, select_on_focus=False, compact=True, **given)
        # A cursor that does not blink costs nothing over a slow line, and makes the same picture twice.
        self.cursor_blink = False

    def show_cursor(self, position: int) -> None:
        """Put the cursor there, and the part of the value around it in sight."""
        self.cursor_position = 0
        self.cursor_position = position

    def on_resize(self) -> None:
        if self.has_focus:
            self.show_cursor(self.cursor_position)

    def on_paste(self, event: events.Paste) -> None:
        """Drop the blanks and line ends around what was pasted; a tab or a line end inside begins the next field.

        A blank may belong to a password.
        """
        event.prevent_default()
        event.stop()
        first, *rest = values.pasted(event.text) or [""]
        self.replace(event.text.strip("\r\n") if self.password and not rest else first, *self.selection)
        if rest:
            self.post_message(Pasted(rest))

    def action_copy(self) -> None:
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        if self.password:
            self.delete_selection()
        else:
            super().action_cut()

    async def on_key(self, event: events.Key) -> None:
        """As a binding, a key that edits would overtake no letter, but letters it: `a`, Backspace, `b` would be `a`."""
        action = EDITING.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)


class TextField(Labelled, Line):
    """One line of text: a name, a number, a path."""

    def __init__(self, field: Key, place: Place, value: Any, placeholder: str) -> None:
        self.field, self.place, self.known = field, place, value
        super().__init__(values.to_text(field, value), placeholder)

    def show(self, value: object) -> None:
        self.known = value
        if values.from_text(self.field, self.value) != value:
            self.take(values.to_text(self.field, value))

    def watch_value(self) -> None:
        if self.value != values.to_text(self.field, self.known):
            self.change(values.from_text(self.field, self.value))

    def take(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)

    def on_focus(self) -> None:
        """Begin at the end of the value, where a path says most."""
        self.show_cursor(len(self.value))

    def render_line(self, y: int) -> Strip:
        """What is not printable would be a command for the terminal; an example is cut, not wrapped."""
        if not self.value and not y:
            width = self.scrollable_content_region.width
            text, faint = plain(cut(self.placeholder, width)) or " ", ink(self, "quiet", "surface")
            under = ink(self, "background", "foreground") if self.has_focus else faint
            strip = Strip([Segment(text[:1], under), Segment(text[1:], faint)])
            return strip.adjust_cell_length(width, faint)
        strip = super().render_line(y)
        if self.value.isprintable():
            return strip
        safe = (("".join(c if c.isprintable() else "?" for c in text), style) for text, style, _ in strip)
        return Strip([Segment(text, style) for text, style in safe])


class PathSuggester(Suggester):
    """Completion from the disk."""

    def __init__(self, key: str, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._key, self._folder = key, folder

    async def get_suggestion(self, value: str) -> str | None:
        return await beside(lambda: paths.completion(self._key, value, self._folder), "completion")


class PathField(TextField):
    """One line for a path; Tab completes it while there is something to complete, Right takes the suggestion."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f3", "screen.pick", "choose", show=False)]

    _looking: Timer | None = None

    def __init__(self, field: Key, place: Place, value: Any, placeholder: str, folder: Path) -> None:
        """`folder` is where relative paths count from."""
        super().__init__(field, place, value, placeholder)
        self._folder = folder

    def on_mount(self) -> None:
        self.suggester = PathSuggester(self.field.key, self._folder)
        self._look_soon()

    def watch_value(self) -> None:
        super().watch_value()
        self._look_soon()

    def _look_soon(self) -> None:
        """Read what is at the path, once no key has come for a while."""
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(PAUSE, self._look)

    async def _look(self) -> None:
        text, folder = self.value, self._folder
        found = await beside(lambda: paths.about(self.field.key, text, folder), "path") if text else ""
        if text == self.value:
            self.describe(self.problem, found)

    async def completed(self) -> bool:
        """Complete as far as the disk leaves one choice; gives whether there was anything to complete."""
        await typed_in(self)
        text, folder, longer = self.value, self._folder, None
        if text and self.cursor_position == len(text):
            look = beside(lambda: paths.certain_completion(self.field.key, text, folder), "completion")
            with suppress(TimeoutError):
                longer = await asyncio.wait_for(look, PATIENCE)
        if longer is None or len(longer) <= len(text):
            return False
        self.take(longer)
        return True

    def render_line(self, y: int) -> Strip:
        """A path that is too long is cut at the left, unless it is being edited."""
        width = self.scrollable_content_region.width
        if y or self.has_focus or len(self.value) <= width or not self.value.isprintable():
            return super().render_line(y)
        style = ink(self, "foreground", "surface")
        return Strip([Segment(cut_left(self.value, width), style)]).adjust_cell_length(width, style)


class Choice(Labelled, Widget, can_focus=True):
    """Words on one line, one of them chosen: `(•) wizard  ( ) server  ( ) dba`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "step(-1)", "the one before", show=False),
        Binding("right,down,space", "step(1)", "the next one", show=False),
        Binding("enter", "app.focus_next", "the next field", show=False),
    ]

    def __init__(self, field: Key, place: Place, options: list[tuple[str, Any]], value: Any) -> None:
        """Offer `options`, each a word and its value; an absent value shows the default."""
        super().__init__()
        self.field, self.place, self.options, self.known = field, place, options, value

    @property
    def shown(self) -> int | None:
        """The number of the option that holds: the chosen one, else the default; None for a wrong value."""
        value = self.field.default if self.known is None else self.known
        for number, (_, option) in enumerate(self.options):
            if option == value and type(option) is type(value):
                return number
        return None

    def show(self, value: Any) -> None:
        self.known = value
        self.refresh()

    def take(self, text: str) -> None:
        wanted = text.casefold()
        for number, (word, value) in enumerate(self.options):
            if wanted in {word.casefold(), str(value).casefold()}:
                self.choose(number)

    def action_step(self, by: int) -> None:
        shown = self.shown
        self.choose((shown + by) % len(self.options) if shown is not None else 0)

    def choose(self, number: int) -> None:
        value = self.options[number][1]
        if number != self.shown or self.known is None:
            self.change(value)
            self.refresh()

    def _parts(self) -> tuple[list[str], str]:
        """Each option as it is shown, and the blanks between two: fewer where space is short."""
        marks = [sign("chosen") if number == self.shown else " " for number in range(len(self.options))]
        wide = sum(len(word) + 6 for word, _ in self.options) - 2 <= self.size.width
        behind = " " if wide else ""
        words = [f"({mark}){behind}{word}" for mark, (word, _) in zip(marks, self.options, strict=True)]
        return words, "  " if wide else " "

    def on_click(self, event: events.Click) -> None:
        offset, at = event.get_content_offset(self), 0
        words, between = self._parts()
        for number, word in enumerate(words):
            if offset is not None and at <= offset.x < at + len(word):
                self.choose(number)
            at += len(word) + len(between)

    def render_line(self, y: int) -> Strip:
        base, segments = ink(self, "foreground"), []
        words, between = self._parts()
        for number, word in enumerate(words):
            chosen = number == self.shown
            colour = "quiet" if not chosen else "foreground" if self.known is None else "primary"
            style = ink(self, colour, bold=chosen and self.known is not None)
            segments += [Segment(word, style), Segment(between, base)]
        return Strip(segments).adjust_cell_length(self.size.width, base)


class SecretField(Labelled, Horizontal):
    """The password or the argument of its reference, the kind of reference, and a button that tests it.

    Tab stops at the first two; F7 tests from both.
    """

    def __init__(self, field: Key, place: Place, value: Any) -> None:
        super().__init__()
        self.field, self.place, self.known = field, place, value
        self.kind, argument = values.reference_parts(value)
        self._line = Line(argument, "", password=self.kind == "typed")

    def compose(self) -> ComposeResult:
        yield self._line
        kinds = [(word, kind) for kind, (word, _) in values.REFERENCES.items()]
        yield Select(kinds, value=self.kind, allow_blank=False, compact=True)
        test = Button("test", compact=True)
        test.can_focus = False
        yield test

    def on_mount(self) -> None:
        self.watch(self._line, "value", self._argument_changed, init=False)
        self._fit()

    def show(self, value: Any) -> None:
        self.known = value
        self.kind, self._line.value = values.reference_parts(value)
        self.query_one(Select).value = self.kind
        self._fit()

    def take(self, text: str) -> None:
        self._line.value = text

    def taken(self) -> str:
        """What was typed, once: it is not in the field any more."""
        if self.kind != "typed":
            return ""
        text, self._line.value = self._line.value, ""
        return text

    @property
    def is_unanswered(self) -> bool:
        """Whether a password is to be typed here, and none was: it may be empty."""
        return self.kind == "typed" and self.known is None and not self._line.value

    def _fit(self) -> None:
        line = self._line
        line.password = self.kind == "typed"
        is_kept = self.kind == "typed" and self.known is not None
        line.placeholder = "saved" if is_kept else values.REFERENCES[self.kind][1]
        line.disabled = self.kind == "prompt"
        self.describe(self.problem, self._what_is_known())

    def _what_is_known(self) -> str:
        match self.known:
            case {"env": str(name)} if name not in os.environ:
                return "not set here: type it with F7"
            case {"prompt": True}:
                return "type it now with F7"
            case {"file": str(path)} if self.kind == "typed":
                return f"in {path.replace(os.path.expanduser('~'), '~', 1)}"
            case {"keyring": str(entry)} if self.kind == "typed":
                return f"in the keyring: {entry}"
        return ""

    def _argument_changed(self, text: str) -> None:
        if self.kind != "typed" and (self.kind, text) != values.reference_parts(self.known):
            self.change(values.reference(self.kind, text))
            self._fit()

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        kind: Any = event.value
        if kind != self.kind:
            self.kind, self._line.value = kind, ""
            self.change(values.reference(kind, ""))
            self._fit()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.run_action("screen.test")
