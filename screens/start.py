"""From the command line to the first screen, and back to a restored terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from screens.app import WizardApp
from screens.model.draft import open_profile
from screens.textual_internals import never_wait
from wizard.system import locations
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from screens.model.pair import OpenPair
    from wizard.verify.watcher import Watcher


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
    where = (
        f"saved in {draft.target}"
        if pair.kept == "profile"
        else f"draft saved in {locations.draft(draft.keeper.draft.name)}"
    )
    return [f"{draft.title}: {where}", f"Continue with: apimha-wizard {draft.called}"]
