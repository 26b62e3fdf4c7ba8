"""The unpublished parts of Textual that the application needs: the only file that names them, each with the reason."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import App
from textual.drivers import _writer_thread
from textual.widget import MountError
from textual.widgets import Input

PRIVATE = (events.Key, events.Paste, events.Callback, Input.Changed, Input.Submitted, Input.Blurred)
"""Messages that can carry a password or text that is about to become one."""


class DiscreetApp(App[int]):
    """An application that shows and logs no variable, which may hold a password."""

    def __init__(self, css_path: list[str]) -> None:
        super().__init__(css_path=css_path)  # type: ignore[arg-type]
        self.broken: Exception | None = None
        """The first unhandled exception; the caller reports it once the terminal is restored."""

    def _handle_exception(self, error: Exception) -> None:
        """Keep the exception for the caller.

        Textual prints a traceback with the local variables of every frame and has no option for it; others override
        the same internals (https://github.com/swiss-ai/model-launch/pull/42).
        """
        if self._exit and isinstance(error, MountError):
            return  # the user left while a screen was being filled
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
        """Log neither keys, pasted text, changed values nor calls.

        Textual's developer console shows every message with its content, also of a password field; no public
        issue describes it.
        """
        if not any(isinstance(one, PRIVATE) for one in objects):
            super()._log(group, verbosity, _textual_calling_frame, *objects, **kwargs)


def never_wait() -> None:
    """Let an application end when its terminal no longer reads; call it before the application runs.

    Textual writes from a thread through a queue of 30 items. Once the terminal is gone the thread ends, and whoever
    writes to the full queue waits for ever (https://github.com/terok-ai/terok/issues/1187): a process without a
    terminal that keeps its locks. An unbounded queue never blocks. The constant is changed because the signals of a
    closed terminal make Textual start a second such thread.
    """
    _writer_thread.MAX_QUEUED_WRITES = 0  # type: ignore[misc]
