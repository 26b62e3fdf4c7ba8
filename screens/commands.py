"""What the command palette offers for an open pair beside the keys of the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from screens.dialogs import servers
from wizard.steps.procedure import STEPS

if TYPE_CHECKING:
    from screens.app import WizardApp
    from screens.model.pair import OpenPair
    from screens.step import StepScreen

Command = tuple[str, str, Callable[[], Any]]
"""A title, a line of help, and what is called."""


def of_step(screen: StepScreen) -> Iterator[Command]:
    """Every step by its name, the draft, and what concerns the run."""
    for step in STEPS:
        yield f"Step: {step.title}", step.help, partial(screen.open_step, step.id)
    yield "Save the profile now", "if it is complete", screen.pair.publish
    yield from of_run(screen.app, screen.pair, screen.action_again)


def of_run(app: WizardApp, pair: OpenPair, look: Callable[[], None]) -> Iterator[Command]:
    """How it is run: which nodes are written from here, which errors count as warnings; and the servers."""

    def note(**changes: Any) -> None:
        pair.note(**changes)
        look()

    for name in pair.draft.node_names():
        if pair.progress.only_node != name:
            text = f"as --node {name} does: the other one is shown, not written"
            yield f"Only {name} is on this machine", text, partial(note, only_node=name)
    if pair.progress.only_node is not None:
        yield "Both nodes are on this machine", "both homes are written", partial(note, only_node=None)
    if pair.progress.ignore:
        yield "Ignore no check any more", ", ".join(pair.progress.ignore), partial(note, ignore=[])
    if pair.profile is not None:
        for verb in servers.VERBS:
            act = partial(servers.ask_for_pair, app, pair, verb, lambda result: look())
            yield f"{verb.capitalize()} the servers", "of the nodes on this machine", act
