"""From the command line to the first picture, and back to a terminal that is as it was."""

from __future__ import annotations

import gc
import os


def run(argument: str | None) -> int:
    """Run the wizard on a profile (None: on the list of them); gives the exit code.

    Raises:
        WizardError: the profile cannot be opened.
        Exception: what went wrong inside; the terminal is as it was.
    """
    # Tens of thousands of objects are made now and stay: looking for garbage among them only costs time.
    gc.disable()
    # What a shell exported once is not what the terminal is now: without these its own size is asked for.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    from screens.model.draft import open_profile

    opened = open_profile(argument) if argument is not None else None
    from screens.app import WizardApp
    from screens.terminal import never_wait

    never_wait()
    while True:
        app = WizardApp(opened)
        app.run()
        if app.broken is not None:
            raise app.broken
        if app.watch_after is None:
            return app.return_code or 0
        from screens.verify import watch

        watch(app.watch_after)
        opened = open_profile(str(app.watch_after))
