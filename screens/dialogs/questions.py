"""The questions above a screen that are about the open pair or a run, each with what its answers do.

All of them run in a worker of Textual, since they wait for the user.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.worker import WorkerFailed

from screens.dialogs.ask import Ask
from screens.model.background import PATIENCE, beside
from screens.model.draft import from_file
from screens.signs import plain, sign, wrapped
from wizard.command_line.run.replay import Result, packs_here
from wizard.profile import passwords
from wizard.system import locations
from wizard.system.errors import Cancel, WizardError
from wizard.transaction import recovery
from wizard.transaction.marker import locked

if TYPE_CHECKING:
    from screens.app import WizardApp
    from screens.model.pair import OpenPair

WRITING = "writing"
"""The group of the workers that write: leaving waits for them."""

WIDTH = 66
OTHER_ROWS = 16
"""The rows of the box beside its list."""

TRUST = """\
You have not agreed to {path}
With your rights it would run or read:

{named}

Agree only if you know where the profile comes from. A change that you make here keeps the agreement."""


async def agree(app: WizardApp, pair: OpenPair) -> None:
    """Ask whether what the profile names may run, once all of it is on the screen."""
    if pair.profile is None:
        app.say("Complete the profile first: then this shows what it would run.")
        return
    named = [row for line in passwords.named(pair.profile) for row in wrapped(f"- {plain(line)}", WIDTH)]
    if len(named) > app.size.height - OTHER_ROWS:  # all of it has to be in sight
        command = f"apimha-wizard profile allow {pair.draft.called}"
        app.say(f"Too long to show here. Run: {command}")
        return
    text = TRUST.format(path=plain(str(pair.draft.target)), named="\n".join(named))
    answer = await app.ask(
        "Do you trust this profile?", text, no="do not agree", agree="agree and run the checks"
    )
    if answer == "agree":
        pair.agree()


CONFLICT = """\
{path}
was changed outside the wizard since this draft was begun, so it was not overwritten.

Take the file: the draft is deleted, and the wizard shows what the file holds now.
Keep the draft: continue with what is on the screen; it replaces the file when you go to another step,
and the file as it is now is kept beside it as {name}~."""
DELETED = """\
{path}
was deleted outside the wizard since this draft was begun.

Delete the draft too: nothing is left of this profile, and the list of pairs is shown.
Keep the draft: continue with what is on the screen; the file is written again when you go to another step."""


async def conflict(app: WizardApp, pair: OpenPair) -> None:
    """Ask which of the two to keep."""
    if isinstance(app.screen, Ask):
        return
    target = pair.draft.target
    there = target.exists()
    happened, text, take = (
        ("edited", CONFLICT, "take the file") if there else ("deleted", DELETED, "delete the draft too")
    )
    title, text = f"The profile was {happened} meanwhile", text.format(path=target, name=target.name)
    choice = await app.ask(title, text, later="decide later", file=take, draft="keep the draft")
    if choice == "file":
        with app.errors_said():
            app.open(from_file(target) if there else None, give_up_draft=True)
    elif choice == "draft":
        pair.draft.conflict = False
        pair.draft.keeper.rebase()
        pair.publish()


INTERRUPTED = """\
{message}.

Until it is resolved nothing can be written. Every file that the run had changed is restored; a file that was
edited since is left alone, and named."""


async def recover(app: WizardApp, pair: OpenPair, message: str) -> None:
    """Offer to restore what an interrupted run had changed."""
    text = INTERRUPTED.format(message=message)
    answer = await app.ask("A run was interrupted", text, later="decide later", restore="restore it now")
    if answer != "restore":
        return
    try:
        for line in await writing(app, partial(recovered, pair)):
            app.say(line)
    except Exception as error:
        app.say(str(error), "error")
    pair.look_again()


def recovered(pair: OpenPair) -> list[str]:
    """Undo what was interrupted in the homes of this machine; return what was done, for people.

    Raises:
        WizardError: a journal cannot be read, a home is busy, or a file is neither the old nor the new one.
    """
    if pair.profile is None:
        return []
    here = packs_here(pair.profile, pair.progress.only_node, resolve=not pair.progress.offline)
    homes = [pack.home for pack in here.values()]
    with locked(homes):
        return [line for one in recovery.recover(homes, Cancel()) for line in one.lines()]


ELSEWHERE = """\
{home}
is not on this machine.

If {there} runs on another machine ({host}), only {here} is written here; the last page says what to copy and to \
run on that machine. If the path is wrong, correct it."""


async def node_elsewhere(pair: OpenPair) -> int | None:
    """Return the number of the node whose home is not here, where the other's is and the user was not asked yet."""
    homes = [pair.draft.value(("nodes", number, "home")) for number in (0, 1)]

    def look() -> list[bool]:
        return [
            locations.located(home, pair.draft.folder).exists() for home in homes if isinstance(home, str)
        ]

    with suppress(TimeoutError, OSError, ValueError):
        here = await asyncio.wait_for(beside(look, "homes"), PATIENCE)
        if sorted(here) == [False, True] and pair.progress.only_node is None:
            missing = here.index(False)
            return missing if homes[missing] not in pair.progress.asked else None
    return None


async def elsewhere(app: WizardApp, pair: OpenPair, node: int) -> bool:
    """Ask where the home of the node of that number is; return whether its path may be right."""
    draft, names = pair.draft, pair.draft.node_names()
    home, host = (str(draft.value(("nodes", node, name)) or "") for name in ("home", "host"))
    there, here = names[node], names[1 - node]
    text = ELSEWHERE.format(home=home, there=there, host=host or "its host", here=here)
    answers = {"later": "decide later", "wrong": "correct the path", "there": "on another machine"}
    choice = await app.ask(f"Where is {there}?", text, **answers)
    if choice == "wrong":
        return False
    pair.note(asked=[*pair.progress.asked, home], **({"only_node": here} if choice == "there" else {}))
    pair.look_again()
    return True


ROLL_BACK = """\
Every file that the run {run} changed is restored. A file that was edited since is left alone, and named.
Databases stay."""
LATER = """

{later} changed some of the same files later. Undo that first: otherwise these files stay as they are."""


async def roll_back(app: WizardApp, run: str) -> bool:
    """Undo a run, after a question, and if the user wants it the later ones first; return whether one was undone."""
    from wizard.command_line.run import rollback

    try:
        later = await beside(partial(rollback.later, run), "history")
    except WizardError as error:
        app.say(str(error), "error")
        return False
    text = ROLL_BACK.format(run=run) + (LATER.format(later=" and ".join(later)) if later else "")
    first = {"later": "undo the later one first"} if later else {}
    choice = await app.ask("Roll back?", text, no="no", **first, yes="roll back")
    if choice == "no":
        return False
    left = [*later, run] if choice == "later" else [run]
    restored, force = 0, False
    while left:
        result: Result = await writing(app, partial(_undone, left[0], force=force))
        restored += sum(file["status"] == "restored" for file in result.files)
        if not result.error:
            left.pop(0)
            continue
        kept = result.outcome == "restored" and not force
        also = {"force": "restore these too, losing the edits"} if kept else {}
        if await app.ask("Not everything is as before", result.error, close="close", **also) != "force":
            return bool(restored)
        force = True
    done = f"{sign('done')} {restored} files are as before. Databases stay."
    await app.ask("Rolled back", done if restored else "Nothing to undo.", close="close")
    return True


def _undone(run: str, *, force: bool) -> Result:
    from wizard.command_line.run import rollback

    try:
        return rollback.rollback(run, force=force, cancel=Cancel())
    except WizardError as error:
        return Result("failed", error.exit_code, error=str(error))


async def writing(app: WizardApp, work: Any) -> Any:
    """Return what `work` returns, done in a thread that leaving waits for; what it raises is raised here."""
    try:
        return await app.run_worker(beside(work, WRITING), group=WRITING, exit_on_error=False).wait()
    except WorkerFailed as failed:
        raise failed.error from None
