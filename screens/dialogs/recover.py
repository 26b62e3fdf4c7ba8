"""A run that was cut off in one of the homes: somebody is asked, and what it had changed is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screens.dialogs.ask import Ask
from screens.model.background import beside
from screens.signs import plain
from wizard.command_line.run.replay import packs_here
from wizard.system.cancel import Cancel
from wizard.transaction import recovery
from wizard.transaction.home_lock import locked

if TYPE_CHECKING:
    from textual.app import App

    from screens.model.pair import OpenPair

TEXT = """\
{message}.

Until that is put right nothing can be written. Every file that the run had changed gets back what stood in it
before; a file that somebody edited since is left alone, and named."""


def ask(app: App[Any], pair: OpenPair, message: str) -> None:
    """Offer to put back what a cut-off run had changed."""

    async def put_back() -> None:
        try:
            for line in await beside(lambda: recovered(pair), "recovery"):
                app.notify(plain(line), markup=False)
        except Exception as problem:
            app.notify(plain(str(problem)), severity="error", timeout=20, markup=False)
        pair.look_again()

    def answered(choice: str | None) -> None:
        if choice == "restore":
            app.run_worker(put_back(), group="recovery")

    choices = [("later", "decide later"), ("restore", "restore it now")]
    app.push_screen(Ask("A run was cut off", TEXT.format(message=message), choices), answered)


def recovered(pair: OpenPair) -> list[str]:
    """Take back what was cut off in the homes that are worked on here; gives what was done, for people.

    Raises:
        WizardError: a journal cannot be read, a home is busy, or a file is neither the old nor the new one.
    """
    profile = pair.profile
    if profile is None:
        return []
    here = packs_here(profile, pair.progress.only_node, resolve=not pair.progress.offline)
    homes = [pack.home for pack in here.values()]
    with locked(homes):
        return [line for one in recovery.recover(homes, Cancel()) for line in one.lines()]
