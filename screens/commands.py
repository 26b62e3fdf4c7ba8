"""Every action by its name, for the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from screens.apply import Apply
from screens.dialogs import servers
from screens.review import Review
from screens.step import StepScreen
from screens.welcome import Welcome
from wizard.steps.procedure import STEPS

if TYPE_CHECKING:
    from textual.screen import Screen

    from screens.app import WizardApp
    from screens.model.pair import OpenPair

Command = tuple[str, str, Callable[[], Any]]


def commands(app: WizardApp, screen: Screen[Any]) -> Iterator[Command]:
    """What can be done now: each a title, a line of help, and what is called."""
    if isinstance(screen, StepScreen):
        yield from _of_step(app, screen)
    elif isinstance(screen, Review):
        yield from _of_review(app, screen)
    elif isinstance(screen, Apply):
        yield from _of_apply(screen)
    elif isinstance(screen, Welcome):
        yield "New pair", "give it a name and begin", screen.action_new
        yield "From an existing pair", "read its two homes back into a profile", screen.action_existing
        yield "Open a file", "a profile that lies anywhere", screen.action_open_file
    if app.pair is not None and not isinstance(screen, Apply):
        yield "All profiles", "back to the list; this one is saved", app.action_profiles
        yield "Copy the profile's path", str(app.pair.draft.target), app.action_copy_path
    yield "Light or dark", "change the colours; it is remembered", app.action_theme
    yield "Help", "what this screen is for, and its keys", app.action_help
    yield "Leave", "everything is saved", app.action_leave


def _of_step(app: WizardApp, screen: StepScreen) -> Iterator[Command]:
    for step in STEPS:
        yield f"Step: {step.title}", step.help, partial(screen.open_step, step.id)
    yield "Next step", "this one is finished", screen.action_next
    yield "Step before", "go back", screen.action_back
    yield "Review", "what would be written, and apply", screen.action_review
    yield "Verify", "watch the two servers start", screen.action_verify
    yield "Do what mends it", "change the profile as the finding says", screen.action_fix
    yield "Check again", "run every check, look every password up anew", screen.action_again
    yield "Copy the fix", "of the finding, into the clipboard", screen.action_copy
    yield (
        "With or without the network",
        "offline there are no live checks and no databases",
        screen.action_offline,
    )
    yield "The other node", "show its fields", screen.action_other_node
    yield "Save the profile now", "as far as it is whole", screen.pair.publish
    yield from _of_run(app, screen.pair, screen.action_again)


def _of_review(app: WizardApp, screen: Review) -> Iterator[Command]:
    yield "Apply", "write it", screen.action_apply
    yield "Accept every warning", "each stays visible", screen.action_accept_all
    yield "Go to the field", "that causes what is shown", screen.action_go
    yield "Side by side", "before and after beside each other, or below", screen.action_split
    yield "Look again", "at everything", screen.action_again
    yield (
        "With or without the network",
        "offline there are no live checks and no databases",
        screen.action_offline,
    )
    yield "Back to the steps", "nothing is written", screen.action_back
    yield from _of_run(app, screen.pair, screen.look)


def _of_run(app: WizardApp, pair: OpenPair, look: Callable[[], None]) -> Iterator[Command]:
    """How it is run: which nodes are done from here, which errors count as warnings; and the servers."""

    def note(**changes: Any) -> None:
        pair.note(**changes)
        look()

    for name in pair.draft.node_names():
        if pair.progress.only_node != name:
            told = f"as --node {name} does: the other one is shown, not written"
            yield f"Only {name} is done from here", told, partial(note, only_node=name)
    if pair.progress.only_node is not None:
        yield (
            "Both nodes are done from here",
            "their homes are on this machine",
            partial(note, only_node=None),
        )
    if pair.progress.ignore:
        yield "Ignore nothing any more", ", ".join(pair.progress.ignore), partial(note, ignore=[])
    if pair.profile is not None:
        yield from _of_servers(lambda verb: servers.ask_for_pair(app, pair, verb, lambda result: look()))


def _of_servers(act: Callable[[servers.Verb], None]) -> Iterator[Command]:
    for verb in servers.VERBS:
        yield f"{verb.capitalize()} the servers", "of the nodes that are done from here", partial(act, verb)


def _of_apply(screen: Apply) -> Iterator[Command]:
    if screen.working:
        yield "Cancel and restore", "everything in the homes is put back", screen.action_stop
        return
    yield from _of_servers(screen.action_servers)
    yield "Roll back", "every file gets back what stood in it", screen.action_roll_back
    yield "Copy the next steps", "into the clipboard", screen.action_copy
    yield "Verify", "watch the two servers start", screen.action_verify
    yield "Back to the review", "", screen.action_back
