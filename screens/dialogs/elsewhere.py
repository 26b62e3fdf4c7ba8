"""A node whose home is not on this machine: it is shown and not written, once somebody has said that it is so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from screens.dialogs.ask import Ask

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

TEXT = """\
{home}
is not on this machine.

If {there} runs on another machine ({host}), only {here} is written here; the end says what to run over there.
If the path is wrong, correct it."""


def missing_homes(profile: Profile) -> list[Node]:
    """The nodes whose home is not here."""
    return [node for node in profile.nodes if not Path(node.home).exists()]


def ask(missing: Node, here: Node) -> Ask:
    """Gives `there` (it is on another machine), `wrong` (the path is) or `later`."""
    text = TEXT.format(home=missing.home, there=missing.name, host=missing.host, here=here.name)
    return Ask(
        f"Where is {missing.name}?",
        text,
        [("later", "decide later"), ("wrong", "correct the path"), ("there", "on another machine")],
    )
