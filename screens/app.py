"""The application: what every screen shares, and the actions that act everywhere."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import MountError
from textual.widgets import Input

from screens import signs
from screens.ascii import dress_scroll_bars
from screens.dialogs import conflict, recover
from screens.dialogs.password import Typed
from screens.dialogs.too_small import TooSmall
from screens.help import Help
from screens.model.background import beside
from screens.model.draft import OpenedProfile, from_file
from screens.model.memory import Memory
from screens.model.pair import OpenPair
from screens.no_colour import without_colours
from screens.sizes import SMALLEST
from screens.step import StepScreen
from screens.theme import THEMES
from wizard.system.errors import WizardError
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from pathlib import Path

    from textual.screen import ModalScreen, Screen
    from textual.timer import Timer

T = TypeVar("T")

SAVING = 3.0
"""Seconds that leaving waits for the disk."""


class Told(Message, bubble=False, verbose=True):
    """News of a thread.  Its own words stay out of every log."""

    def __init__(self, news: object) -> None:
        super().__init__()
        self.news = news


class Asked(Message, bubble=False, verbose=True):
    """A thread has a question."""

    def __init__(self, ask: Callable[[], object]) -> None:
        super().__init__()
        self.ask = ask


class WizardApp(App[int]):
    """The wizard."""

    TITLE = "apimha-wizard"
    CSS_PATH = ["app.tcss", "welcome.tcss"]  # noqa: RUF012  (Textual loads no sheet of the default screen)
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "leave", show=False, priority=True),
        Binding("f1", "help", "help", show=False),
    ]

    def __init__(self, opened: OpenedProfile | None) -> None:
        super().__init__()
        self.memory = Memory()
        self.pair = OpenPair(opened, self.memory, self) if opened is not None else None
        self.broken: Exception | None = None
        """What went wrong inside; told when the terminal is as it was."""
        self.watch_after: Path | None = None
        """The profile that is to be watched when the wizard has made room."""
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES[self.memory.theme].name
        if self.no_color:
            without_colours(self)
        if signs.ASCII:
            dress_scroll_bars(ascii=True)
            self.add_class("-ascii")

    # --- starting and leaving ---------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """The list of profiles, or the first unfinished step of the one that was named."""
        if self.pair is None:
            return self._welcome()
        return StepScreen(self.pair, self.pair.first_unfinished())

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Not in a test's own thread; and a terminal that is gone must not end in a traceback.
            with suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._told_to_end, number)

    def _told_to_end(self, number: int) -> None:
        self.run_worker(self._end(128 + number), exclusive=True, group="end")

    async def action_leave(self) -> None:
        """Leave; everything is saved already, or is now."""
        await self._end(0)

    async def action_quit(self) -> None:
        await self.action_leave()

    async def _end(self, code: int) -> None:
        for screen in self.screen_stack:
            # What is being written is put back first: a home is never left half-way.
            put_back = getattr(screen, "put_back", None)
            if put_back is not None:
                await beside(put_back, "put back")
        if self.pair is not None:
            pair = self.pair
            pair.cancel()
            pair.publish()
            await beside(lambda: pair.draft.keeper.settled(SAVING), "last save")
        self.exit(code, return_code=code)

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print every local variable of the traceback, and one of them may be a password."""
        if self._exit and isinstance(error, MountError):
            return  # somebody has left while a screen was still being filled
        if self.broken is None:
            self.broken = error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._return_code = 1
        self._close_messages_no_wait()

    def _log(
        self, group: Any, verbosity: Any, _textual_calling_frame: Any, *objects: Any, **kwargs: Any
    ) -> None:
        """Keys, pasted text and values that change are nobody's business but the field's: they are not logged."""
        private = (events.Key, events.Paste, Input.Changed, Input.Submitted, Input.Blurred, Told)
        if not any(isinstance(one, private) for one in objects):
            super()._log(group, verbosity, _textual_calling_frame, *objects, **kwargs)

    # --- what the pair needs of its surroundings --------------------------------------------------

    def tell_from_thread(self, news: object) -> None:
        self.post_message(Told(news))

    def on_told(self, message: Told) -> None:
        if self.pair is not None:
            self.pair.take(message.news)  # type: ignore[arg-type]

    def call_later_in(self, seconds: float, call: Callable[[], None]) -> Timer:
        return self.set_timer(seconds, call)

    def show_pair(self) -> None:
        for screen in self.screen_stack:
            show = getattr(screen, "show_pair", None)
            if show is not None and screen.is_running and getattr(screen, "pair", None) is self.pair:
                show()

    def open(self, opened: OpenedProfile, *, give_up_draft: bool = False) -> None:
        """Show another profile, at its first unfinished step."""
        if self.pair is not None:
            self.pair.cancel()
            if give_up_draft:
                self.pair.draft.keeper.give_up()
            else:
                self.pair.publish()
        self.pair = OpenPair(opened, self.memory, self)
        self._show_instead(StepScreen(self.pair, self.pair.first_unfinished()))

    def _show_instead(self, screen: Screen[Any]) -> None:
        """Show a screen instead of all others; the very first one cannot be taken away, and stays below it."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(screen)

    def take_file(self) -> None:
        """Go on with what the profile's file holds, and without the draft."""
        if self.pair is None:
            return
        try:
            self.open(from_file(self.pair.draft.target), give_up_draft=True)
        except WizardError as problem:
            self.say(str(problem), "error")

    def say(self, message: str, severity: str) -> None:
        self.notify(signs.plain(message), severity=severity, markup=False)  # type: ignore[arg-type]

    def ask_for_password(self, key: str) -> str | None:
        return self._ask_in_thread(lambda: Typed(key))

    def _ask_in_thread(self, make: Callable[[], ModalScreen[T]]) -> T | None:
        """What somebody answers; None where the screen is closed first."""
        answer: Future[T | None] = Future()
        self.post_message(Asked(lambda: self.push_screen(make(), answer.set_result)))
        return answer.result()

    def on_asked(self, message: Asked) -> None:
        message.ask()

    def ask_about_cut_off(self, message: str) -> None:
        if self.pair is not None:
            recover.ask(self, self.pair, message)

    def ask_about_conflict(self) -> None:
        if self.pair is not None:
            conflict.ask(self, self.pair)

    # --- actions ----------------------------------------------------------------------------------

    def action_theme(self) -> None:
        """Change between dark and light; it is remembered."""
        self.memory.theme = "light" if self.memory.theme == "dark" else "dark"
        self.theme = THEMES[self.memory.theme].name

    def action_profiles(self) -> None:
        """Back to the list of profiles; what is open is saved."""
        if self.pair is not None:
            self.pair.cancel()
            self.pair.publish()
        self.pair = None
        self._show_instead(self._welcome())

    def _welcome(self) -> Screen[Any]:
        """The list of profiles; like the other screens it is loaded only when it is opened."""
        from screens.welcome import Welcome

        return Welcome()

    def action_copy_path(self) -> None:
        if self.pair is not None:
            self.copy_to_clipboard(str(self.pair.draft.target))

    def copy_to_clipboard(self, text: str) -> None:
        """As shown, so that nothing that a terminal obeys is pasted into one."""
        super().copy_to_clipboard(escaped(text, keep="\n"))

    def on_resize(self, event: events.Resize) -> None:
        """Say so where there is no room, and go on by itself when there is."""
        small = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        if small and not isinstance(self.screen, TooSmall):
            self.push_screen(TooSmall(*SMALLEST))
        elif not small and isinstance(self.screen, TooSmall):
            self.pop_screen()

    def action_help(self) -> None:
        if not isinstance(self.screen, Help):
            self.push_screen(Help.of(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that can be done, for the command palette."""
        from screens.commands import commands

        for title, told, call in commands(self, screen):
            yield SystemCommand(title, told, call)
