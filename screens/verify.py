"""The way from the wizard to the dashboard of `verify`, and back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wizard.profile.names import called
from wizard.profile.passwords import references, resolver_of
from wizard.profile.store import load
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from pathlib import Path

    from screens.app import WizardApp
    from screens.model.pair import OpenPair


def wish(app: WizardApp, pair: OpenPair) -> None:
    """Somebody wants to watch the pair: the wizard makes room for the dashboard, and comes back after it."""
    if pair.profile is None:
        app.notify("The profile is not whole yet: there is nothing to verify.", markup=False)
        return
    try:
        for key, reference in references(pair.profile).items():
            pair.resolver().require_trust(reference, key)
    except WizardError as problem:
        app.say(str(problem), "error")
        return
    app.watch_after = pair.draft.target
    app.call_later(app.run_action, "leave")


def watch(target: Path) -> None:
    """Watch the pair of a profile until somebody leaves the dashboard."""
    from screens import dashboard
    from wizard.command_line.verify import run_verify

    loaded = load(target)
    resolver = resolver_of(loaded)
    run_verify(
        loaded.profile,
        called(loaded.name, target),
        watch=True,
        dashboard=partial(dashboard.run, loaded=loaded, resolver=resolver),
        resolver=resolver,
    )
