"""F1: the purpose of a screen, its keys, its fields and its checks, all from where they are stated."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from screens.dialogs.ask import Box
from screens.keys import FORM, Keys
from screens.model import values
from screens.model.values import help_of
from screens.signs import WORDS, StepState, plain, sign, wrapped
from wizard.profile.fields import CHOICES
from wizard.steps.step import Step


class PageEntry(NamedTuple):
    """A paragraph of help: a head in its own ink, then text that is wrapped beside or below it."""

    head: str = ""
    ink: str = ""
    text: str = ""
    text_ink: str = ""
    indent: int = 0


def chapter(title: str) -> list[PageEntry]:
    """The heading of a chapter."""
    return [PageEntry(), PageEntry(title, "$secondary bold")]


def point(name: str, ink: str, text: str) -> PageEntry:
    """A text behind the sign of that name."""
    return PageEntry(f"  {sign(name)}", ink, text, indent=4)


class Page(Widget):
    """Paragraphs, wrapped to the width that there is."""

    def __init__(self, entries: list[PageEntry]) -> None:
        super().__init__()
        self._entries = entries

    def _lines(self, width: int) -> list[Content]:
        lines = []
        for entry in self._entries:
            text = wrapped(plain(entry.text), max(10, width - entry.indent)) if entry.text else []
            head = plain(entry.head)
            if head and text and len(head) < entry.indent:
                head, beside = f"{head:<{entry.indent}}", text.pop(0)
                lines.append(Content.assemble((head, entry.ink), (beside, entry.text_ink)))
            elif head or not text:
                lines.append(Content.assemble((head, entry.ink)))
            lines += [Content.assemble((" " * entry.indent + line, entry.text_ink)) for line in text]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width))


class PageBox(Box[None]):
    """A page of text over a screen."""

    AUTO_FOCUS = "VerticalScroll"
    KIND = VerticalScroll
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1,q,enter,space", "close", "close", show=False)]

    def __init__(self, title: str, subtitle: str, page: list[PageEntry]) -> None:
        super().__init__(title, subtitle=subtitle)
        self._page = page

    def content(self) -> ComposeResult:
        yield Page(self._page)


class Help(PageBox):
    """The help of a screen, above it."""

    def __init__(self, screen: Screen[Any]) -> None:
        if (step := getattr(screen, "step", None)) is not None:
            title, page = step.title, _step(step)
        else:
            title, about = ABOUT.get(type(screen).__name__, ABOUT["Welcome"])
            page = [PageEntry(text=about), *chapter("Keys"), *_keys(getattr(screen, "KEYS", ()))]
        super().__init__(f"{title}: help", "Esc closes", page)
        self.add_class("-tall")


ABOUT = {
    "Welcome": (
        "apimha-wizard",
        """\
The wizard turns two unpacked WSO2 API Manager Analytics packs into a working pair: eight steps, then a review of \
every change, then one run that writes all of it or nothing. Nothing is written before you agree, and a run can be \
rolled back.""",
    ),
    "Review": (
        "Review",
        """\
Everything that a run would do, before it does anything. Warnings have to be accepted, errors to be fixed. \
Passwords are masked. What is shown is what is written, to the byte: if a file changes meanwhile, the run stops.""",
    ),
    "Apply": (
        "Apply",
        """\
All files of both nodes are written, or none: backups are made first, and after a failure or a cancel everything is \
restored. Databases are created before the files, and stay.""",
    ),
    "Done": (
        "Done",
        """\
What to do after a run, in this order. Each command is on a line of its own, so that it can be copied with the mouse. \
This page can be reached again from Runs.""",
    ),
    "Runs": (
        "Runs",
        """\
Every run of this user: when, by whom, and what it changed, with passwords masked. A run can be rolled back while \
its backups exist (`apimha-wizard history --prune` removes old ones) and while the servers are stopped. Databases \
stay.""",
    ),
    "Dashboard": (
        "Verify",
        """\
Both logs and the Spark UIs, followed from the newest start of each node on: what has happened, what is awaited and \
for how long, what is wrong and how to fix it. Nothing is written; the servers are started and stopped only when you \
ask for it. The failover drill says which node to stop and when to start it again, and measures how many seconds the \
other node takes to take over.""",
    ),
}
"""The title and the purpose of each screen, by the name of its class."""


def _keys(keys: Keys) -> list[PageEntry]:
    return [PageEntry(f"  {key.names}", "$primary bold", key.help, indent=19) for key in keys if key.keys]


def _step(step: Step) -> list[PageEntry]:
    entries = [PageEntry(text=step.help), *chapter("Keys"), *_keys(FORM), *chapter("Fields")]
    for field in values.keys_of(step):
        default = CHOICES.get(str(field.default), field.default)
        default = "" if default in (None, {}) else f" Default: {default}."
        entries += [
            PageEntry(f"  {field.title}", "bold", f"{help_of(field)}.{default}", indent=4),
            PageEntry(text=field.key, text_ink="$quiet", indent=4),
        ]
    entries += chapter("Checks") if step.checks else []
    for check in step.checks:
        kind = f"{check.severity}, live" if check.live else check.severity
        entries += [
            PageEntry(f"  {check.id}  ({kind})", "bold", check.why, indent=4),
            PageEntry(text=f"fix: {check.fix}", text_ink="$secondary", indent=4),
        ]
    entries += chapter("States of a step")
    entries += [
        PageEntry(f"  {sign(state)} {WORDS[state]}", "", text, indent=12) for state, text in STATES.items()
    ]
    return entries


STATES: dict[StepState, str] = {
    "untouched": "not opened yet",
    "incomplete": "a required field is empty",
    "checking": "its checks are running",
    "warning": "a check warns",
    "error": "a field or a check has an error",
    "done": "no problems",
}
