"""The entry point: the command line, with the screen in its hand."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, NoReturn

from wizard.command_line import cli
from wizard.command_line.group import Launchers
from wizard.command_line.streams import open_standard_streams

if TYPE_CHECKING:
    from wizard.verify.watcher import Watcher


def main() -> NoReturn:
    """Run what the command line asks for, and end the process with its exit code."""
    open_standard_streams()
    try:
        cli.main(screen=Launchers(open_wizard, open_dashboard))
    finally:
        # The command has ended and said how: no signal may give it another exit code while the interpreter ends.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


# The screen is loaded by those commands alone that show it: the others work without Textual.


def open_wizard(name: str | None) -> int:
    """The wizard on the screen; its exit code."""
    from screens.app import run

    return run(name)


def open_dashboard(watcher: Watcher, **options: Any) -> int:
    """The dashboard of `verify --watch`, with the options of `screens.dashboard.Dashboard`; its exit code."""
    from screens.app import watch

    return watch(watcher, **options)
