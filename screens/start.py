"""From the command line to the first picture, and back to a terminal that is as it was."""

from __future__ import annotations

import os

from screens.app import WizardApp
from screens.model.draft import open_profile
from screens.terminal import never_wait
from screens.verify import watch


def run(argument: str | None) -> int:
    """Run the wizard on a profile (None: on the list of them); gives the exit code.

    Raises:
        WizardError: the profile cannot be opened.
        Exception: what went wrong inside; the terminal is as it was.
    """
    # What a shell exported once is not what the terminal is now: without these its own size is asked for.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    opened = open_profile(argument) if argument is not None else None
    never_wait()
    while True:
        app = WizardApp(opened)
        app.run()
        if app.broken is not None:
            raise app.broken
        if app.watch_after is None:
            return app.return_code or 0
        watch(app.watch_after)
        opened = open_profile(str(app.watch_after))
