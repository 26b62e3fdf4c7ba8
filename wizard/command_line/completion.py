"""Completion by the Tab key: profiles, runs, nodes, steps, checks.

The shells call click's own scripts (`_APIMHA_WIZARD_COMPLETE=bash_source apimha-wizard` prints one).
Nothing here raises: no completion is better than a traceback on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from click import Context, Parameter
    from click.shell_completion import CompletionItem

Offer = Literal["profiles", "runs", "nodes", "steps", "checks"]


def offering(*kinds: Offer) -> Callable[[Context, Parameter, str], list[CompletionItem]]:
    """Return the `shell_complete` of a parameter that takes these kinds; the shell completes paths."""

    def complete(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        value = context.params.get(parameter.name or "")
        given = value if isinstance(value, tuple) else ()  # of a repeatable option
        words: list[str] = []
        for kind in kinds:
            with suppress(Exception):
                words += [word for word in _KINDS[kind](context) if word.startswith(incomplete)]
        if not words and "profiles" in kinds:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in words if word not in given]

    return complete


def profiles_to_open(incomplete: str) -> list[CompletionItem]:
    """Complete the first word with the profiles, which open in the wizard."""
    from click.shell_completion import CompletionItem

    with suppress(Exception):
        return [CompletionItem(name) for name in profile_names() if name.startswith(incomplete)]
    return []


def profile_names() -> list[str]:
    """The named profiles and the drafts that are not one yet."""
    from wizard.profile.files import toml_files
    from wizard.system import locations

    folders = (locations.profiles(), locations.drafts())
    return sorted({path.stem for folder in folders for path in toml_files(folder)})


def _runs(context: Context) -> Iterable[str]:
    from wizard.transaction import runs

    return [run.run for run in runs.history()]


def _nodes(context: Context) -> Iterable[str]:
    from wizard.profile.store import load

    # After an option without its value click leaves the arguments in `args`.
    name = context.params.get("name") or context.args[0]
    return [node.name for node in load(name).profile.nodes]


def _steps(context: Context) -> Iterable[str]:
    from wizard.steps.procedure import STEP_IDS

    return STEP_IDS


def _checks(context: Context) -> Iterable[str]:
    from wizard.preflight.checks import UNIGNORABLE
    from wizard.steps.procedure import CHECKS

    return [one.id for one in CHECKS if one.id not in UNIGNORABLE]


_KINDS: dict[Offer, Callable[[Context], Iterable[str]]] = {
    "profiles": lambda context: profile_names(),
    "runs": _runs,
    "nodes": _nodes,
    "steps": _steps,
    "checks": _checks,
}
