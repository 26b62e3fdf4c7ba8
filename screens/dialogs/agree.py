"""A profile from elsewhere that the user has not agreed to: they see what would run, and are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screens.dialogs.ask import Ask
from screens.signs import plain
from screens.widgets.labelled import wrapped
from wizard.profile import trust

if TYPE_CHECKING:
    from textual.app import App

    from screens.model.pair import OpenPair

WIDTH = 66
OTHER_ROWS = 16
"""What the box needs beside the list."""

TEXT = """\
You have not agreed to {path}
With your rights it would run or read:

{named}

Agree only if you know where the profile comes from. A change that you make here keeps the agreement."""


def ask(app: App[Any], pair: OpenPair) -> None:
    """Ask whether what the profile names may run."""
    if pair.profile is None:
        app.notify("Complete the profile first: then it shows what it would run.", markup=False)
        return
    named = [row for line in trust.named(pair.profile) for row in wrapped(f"- {plain(line)}", WIDTH)]
    if len(named) > app.size.height - OTHER_ROWS:  # nothing of it may be out of sight
        app.notify(
            f"Too long to show here. Run: apimha-wizard profile allow {pair.draft.called}", markup=False
        )
        return

    def answered(choice: str | None) -> None:
        if choice == "agree":
            pair.agree()

    text = TEXT.format(path=plain(str(pair.draft.target)), named="\n".join(named))
    choices = [("no", "do not agree"), ("agree", "agree and run the checks")]
    app.push_screen(Ask("Do you trust this profile?", text, choices), answered)
