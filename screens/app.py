"""The application: what every screen shares, the actions that act everywhere, and the way in and out."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import events, work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerFailed

from screens import keys, signs
from screens.dialogs import questions
from screens.dialogs.ask import Ask, TooSmall
from screens.help import Help
from screens.model.background import beside
from screens.model.draft import OpenedProfile, open_profile
from screens.model.memory import Memory
from screens.model.pair import OpenPair
from screens.step import StepScreen
from screens.textual_internals import DiscreetApp, never_wait
from screens.theme import THEMES, NoColours, dress_scroll_bars, is_enough
from screens.widgets.bars import BarScreen
from wizard.system import locations
from wizard.system.errors import WizardError
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.filter import LineFilter
    from textual.screen import Screen

    from screens.dashboard import Dashboard
    from wizard.verify.watcher import Watcher

SAVING = 3.0
"""Seconds that leaving waits for the disk."""
LEFT = 130
"""The exit code of leaving the dashboard that the command line opened, as after Ctrl-C."""


class WizardApp(DiscreetApp):
    """The wizard, or the dashboard that `verify --watch` opens."""

    TITLE = "apimha-wizard"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "leave", show=False, priority=True),
        Binding("f1", "help", "help", show=False),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, priority=True),
    ]

    def __init__(self, opened: OpenedProfile | None, watched: Dashboard | None = None) -> None:
        """Open a profile, or the list of pairs (None), or nothing but a dashboard."""
        # Textual loads no sheet of the default screen; that of a step is the application's own.
        default = ["dashboard.tcss"] if watched is not None else ["welcome.tcss"] if opened is None else []
        super().__init__(["app.tcss", *default])
        self.memory = Memory()
        self.pair = OpenPair(opened, self.memory, self) if opened is not None else None
        self.watched = watched
        for theme in THEMES.values():
            self.register_theme(theme)
        # Nothing is painted yet that would have to be painted again.
        self.set_reactive(WizardApp.theme, THEMES[self.memory.theme].name)
        self.stylesheet.set_variables(self.get_css_variables())
        if signs.ASCII:
            dress_scroll_bars(ascii=True)
            self.add_class("-ascii")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Send no colour under `NO_COLOR`; Textual itself would send shades of grey."""
        return [NoColours()] if self.no_color else super().get_line_filters()

    def get_default_screen(self) -> Screen[Any]:
        """Return the dashboard, the first unfinished step of the profile, or the list of pairs."""
        if self.watched is not None:
            return self.watched
        if self.pair is not None:
            return StepScreen(self.pair, self.pair.first_unfinished())
        from screens.welcome import Welcome

        return Welcome()

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Not in a test's own thread; and a terminal that is gone must not end in a traceback.
            with suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._end_by_signal, number)

    def _end_by_signal(self, number: int) -> None:
        self.run_worker(self.end(128 + number), exclusive=True, group="end")

    async def action_leave(self) -> None:
        """Leave; everything is saved already, or is now."""
        await self.end(LEFT if self.watched is not None else 0)

    action_quit = action_leave

    def _writing(self) -> list[Worker[Any]]:
        return [one for one in self.workers if one.group == questions.WRITING and not one.is_finished]

    async def end(self, code: int) -> None:
        """End with that exit code, once nothing is half done."""
        await self._put_back()
        for worker in self._writing():
            with suppress(WorkerFailed):  # whoever began it reports that
                await worker.wait()
        if self.pair is not None:
            pair = self.pair
            pair.cancel()
            pair.publish()
            await beside(lambda: pair.draft.keeper.settled(SAVING), "last save")
        self.exit(code, return_code=code)

    async def _put_back(self) -> None:
        """Let every screen finish or undo what is under way, such as a key that was pressed."""
        for screen in self.screen_stack:
            if put_back := getattr(screen, "put_back", None):
                await put_back()

    def show_pair(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, BarScreen) and screen.is_mounted and screen.pair is self.pair:
                screen.show_pair()

    def open(self, opened: OpenedProfile | None, *, give_up_draft: bool = False) -> None:
        """Show another profile, at its first unfinished step, or the list of pairs; what is open is saved."""
        if self.pair is not None:
            self.pair.close(give_up_draft=give_up_draft)
        self.pair = OpenPair(opened, self.memory, self) if opened is not None else None
        while len(self.screen_stack) > 1:  # the very first one cannot be removed, and stays below
            self.pop_screen()
        self.push_screen(self.get_default_screen())

    def say(self, message: str, severity: Literal["information", "error"] = "information") -> None:
        self.notify(signs.plain(message), severity=severity, markup=False)

    @contextmanager
    def errors_said(self) -> Iterator[None]:
        """Say an error of the wizard to the user, and go on behind the block that it ended."""
        try:
            yield
        except WizardError as error:
            self.say(str(error), "error")

    async def ask(self, title: str, text: str, **answers: str) -> str:
        """Return the id of the answer that the user gives; Escape gives the first one, which changes nothing."""
        return await self.push_screen_wait(Ask(title, text, answers))

    def ask_about_cut_off(self, message: str) -> None:
        if self.pair is not None:
            self.run_worker(questions.recover(self, self.pair, message), group="recover")

    def ask_about_conflict(self) -> None:
        if self.pair is not None:
            self.run_worker(questions.conflict(self, self.pair), group="conflict")

    def action_theme(self) -> None:
        self.memory.theme = "light" if self.memory.theme == "dark" else "dark"
        self.theme = THEMES[self.memory.theme].name

    async def action_profiles(self) -> None:
        if self._writing():
            self.say("Something is being written: wait for its end, or cancel it first.")
            return
        await self._put_back()
        self.open(None)

    def action_copy_path(self) -> None:
        if self.pair is not None:
            self.copy_to_clipboard(str(self.pair.draft.target))

    def copy_to_clipboard(self, text: str) -> None:
        """Send text to the terminal's clipboard, escaped as shown: a terminal answers nothing, so say no more."""
        super().copy_to_clipboard(escaped(text, keep="\n"))
        self.say("Sent to the terminal's clipboard.")

    @work(group="verify", exclusive=True)
    async def action_verify(self) -> None:
        """Show the dashboard of the open pair, or of the servers that were just started."""
        if self.pair is None or self.pair.profile is None:
            self.say("The profile is not complete yet: there is nothing to verify.")
            return
        from screens.dashboard import of_pair

        with self.errors_said():
            self.push_screen(await of_pair(self.pair))

    def action_runs(self) -> None:
        """Show what was done: of the open pair, or of all pairs."""
        from screens.runs import Runs

        self.push_screen(Runs(self.pair))

    def on_resize(self, event: events.Resize) -> None:
        """Say so where there is not enough room, and continue by itself when there is."""
        small = not is_enough(event.size)
        if small and not isinstance(self.screen, TooSmall):
            self.push_screen(TooSmall())
        elif not small and isinstance(self.screen, TooSmall):
            self.pop_screen()

    def action_help(self) -> None:
        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the screen, then those of the application."""
        own: keys.Keys = getattr(screen, "KEYS", keys.EVERYWHERE)
        general = keys.APP if self.pair is not None else [key for key in keys.APP if key.action in ALWAYS]
        for action, key in {key.action: key for key in (*own, *general)}.items():
            if action and key is not keys.PALETTE:
                title = key.title or key.label.capitalize()
                yield SystemCommand(title, key.help, partial(screen.run_action, action))
        for title, text, call in getattr(screen, "commands", list)():
            yield SystemCommand(title, text, call)


ALWAYS = ("app.theme", "app.runs")
"""What the palette offers although no pair is open."""


def run(argument: str | None) -> int:
    """Run the wizard on a profile (None: on the list of pairs); return the exit code.

    Raises:
        WizardError: the profile cannot be opened.
        Exception: an error inside; the terminal is restored.
    """
    app = WizardApp(open_profile(argument) if argument is not None else None)
    code = _run(app)
    if app.pair is not None:
        print("\n".join(map(escaped, farewell(app.pair))))
    return code


def watch(watcher: Watcher, **options: Any) -> int:
    """Run the dashboard with the options of `screens.dashboard.Dashboard`; return the exit code.

    It ends when the user leaves (130), or when nothing is left to watch for.

    Raises:
        Exception: an error inside; the terminal is restored.
    """
    from screens.dashboard import Dashboard

    return _run(WizardApp(None, Dashboard(watcher, **options, alone=True)))


def _run(app: WizardApp) -> int:
    # A shell's exported size may be out of date; without these the terminal is asked for its own.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    never_wait()
    app.run()
    if app.broken is not None:
        raise app.broken
    return app.return_code or 0


def farewell(pair: OpenPair) -> list[str]:
    """Return where a pair was saved, and the command that continues with it."""
    draft = pair.draft
    if pair.failure:
        return [f"NOT SAVED: {pair.failure}"]
    kept = f"draft saved in {locations.draft(draft.keeper.draft.name)}"
    where = f"saved in {draft.target}" if pair.kept == "profile" else kept
    return [f"{draft.title}: {where}", f"Continue with: apimha-wizard {draft.called}"]
