"""Completion by the Tab key: profiles, runs, nodes, steps, checks.

The shells call click's own scripts (`_APIMHA_WIZARD_COMPLETE=bash_source apimha-wizard` prints one).
Nothing here raises: no completion is better than a traceback on the command line.
"""

from __future__ import annotations

from collections.abc import Callable
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
        found = [word for kind in kinds for word in words(kind, context) if word.startswith(incomplete)]
        if not found and "profiles" in kinds:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in found if word not in given]

    return complete


def words(kind: Offer, context: Context) -> list[str]:
    """Return all words of a kind; the nodes are those of the profile in the command line."""
    with suppress(Exception):
        match kind:
            case "profiles":
                from wizard.profile.files import toml_files
                from wizard.system import locations

                folders = (locations.profiles(), locations.drafts())
                return sorted({path.stem for folder in folders for path in toml_files(folder)})
            case "runs":
                from wizard.transaction import runs

                return [run.run for run in runs.history()]
            case "nodes":
                from wizard.profile.store import load

                # After an option without its value click leaves the arguments in `args`.
                name = context.params.get("name") or context.args[0]
                return [node.name for node in load(name).profile.nodes]
            case "steps":
                from wizard.steps.procedure import STEP_IDS

                return list(STEP_IDS)
            case "checks":
                from wizard.preflight.checks import UNIGNORABLE
                from wizard.steps.procedure import CHECKS

                return [one.id for one in CHECKS if one.id not in UNIGNORABLE]
    return []
