"""A profile that was edited by hand while its draft was open: somebody is asked, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.dialogs.ask import Ask

if TYPE_CHECKING:
    from screens.app import WizardApp
    from screens.model.pair import OpenPair

TEXT = """\
{path}
was changed by somebody else since this draft was begun, so it has been left alone.

Take the file: the draft is given up, and the wizard shows what the file holds now.
Keep the draft: go on with what is on the screen; it replaces the file when you go on to another step,
and the file as it is now is kept beside it as {copy}."""


def ask(app: WizardApp, pair: OpenPair) -> None:
    """Ask which of the two is to be kept."""
    if isinstance(app.screen, Ask):
        return
    target = pair.draft.target
    text = TEXT.format(path=target, copy=f"{target.name}~")

    def answered(choice: str | None) -> None:
        if choice == "file":
            app.take_file()
        elif choice == "draft":
            pair.keep_draft()

    app.push_screen(
        Ask(
            "The profile was edited meanwhile",
            text,
            [("later", "decide later"), ("file", "take the file"), ("draft", "keep the draft")],
        ),
        answered,
    )
