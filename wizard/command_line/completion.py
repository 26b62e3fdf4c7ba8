"""What the Tab key offers behind a command: profiles, runs, nodes, steps, checks.

The shells ask through click's own scripts (`_APIMHA_WIZARD_COMPLETE=bash_source apimha-wizard` prints one).
Nothing here fails: a key that offers nothing is better than a trace of ours on somebody's command line.
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
    """The `shell_complete` of a click parameter that takes what `kinds` name; a path is completed by the shell."""

    def complete(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        words = [
            word
            for kind in kinds
            for word in _words(kind, context)
            if word.startswith(incomplete) and word not in _given(context, parameter)
        ]
        if not words and "profiles" in kinds:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in words]

    return complete


def _given(context: Context, parameter: Parameter) -> tuple[str, ...]:
    """What a repeatable option has already."""
    value = context.params.get(parameter.name or "")
    return value if isinstance(value, tuple) else ()


def _words(kind: Offer, context: Context) -> Iterable[str]:
    with suppress(Exception):
        return _KINDS[kind](context)
    return ()


def profiles_to_open(incomplete: str) -> list[CompletionItem]:
    """The profiles for the first word, which opens the wizard on one."""
    from click.shell_completion import CompletionItem

    if incomplete.startswith("-"):
        return []
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

    with suppress(OSError):
        return [run.run for run in runs.history()]
    return []


def _nodes(context: Context) -> Iterable[str]:
    from wizard.profile.store import load

    # Behind an option that has no value yet click leaves the arguments where they are.
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
