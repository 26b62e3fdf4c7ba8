"""Fields of the profile: which steps ask for each, and its value as it is typed and shown, and back.

What cannot be read as the kind that the field needs is kept as the text that was typed: the profile's own rules then
say what is wrong with it.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Literal

from wizard.passwords.resolver import is_kept
from wizard.profile.document import Place
from wizard.profile.fields import CHOICES, Key, keys
from wizard.steps.procedure import STEP_IDS, STEPS
from wizard.steps.step import Step

ReferenceKind = Literal["typed", "env", "file", "keyring", "command", "prompt"]

REFERENCES: dict[ReferenceKind, tuple[str, str]] = {
    "typed": ("typed", "type it here"),
    "env": ("variable", "such as APIM_DB_PASSWORD"),
    "file": ("file", "such as ~/.apim-db-password"),
    "keyring": ("keyring", "service/user, such as mysql/apim"),
    "command": ("command", "such as: pass show apim"),
    "prompt": ("ask me", "asked for at each run"),
}
"""The kinds of references to a password: what the screen calls each, and what its empty field shows."""


PASSWORDS = tuple(key.key for key in keys().values() if key.kind == "reference")
"""The keys of the passwords."""


def step_of(id: str) -> Step:
    """Return the step of that id.  `ValueError` if there is none."""
    return STEPS[STEP_IDS.index(id)]


def keys_of(step: Step) -> list[Key]:
    return [keys()[name] for name in step.fields]


def steps_of(key: str) -> list[str]:
    return [step.id for step in STEPS if key in step.fields]


def places(key: str) -> list[Place]:
    """Return the places of a key: one, or one for each node."""
    table, _, name = key.partition(".")
    return [("nodes", 0, name), ("nodes", 1, name)] if table == "nodes" else [tuple(key.split("."))]


def pasted(text: str) -> list[str]:
    """The values of a pasted text, which tabs and line ends separate, without the blanks around each."""
    return [piece for one in re.split(r"[\t\r\n]+", text) if (piece := one.strip())]


def to_text(field: Key, value: Any) -> str:
    """A value as a form shows it; empty where there is none."""
    if value is None:
        return ""
    if field.kind == "parameters" and isinstance(value, dict):
        return "&".join(f"{name}={_parameter(item)}" for name, item in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def from_text(field: Key, text: str) -> Any:
    """The value that a text means for a field: a number, a table of parameters, or the text; None where it is empty."""
    if not text.strip():
        return None
    if field.kind == "number":
        stripped = text.strip()
        return int(stripped) if re.fullmatch(r"[+-]?[0-9]{1,18}", stripped) else text
    if field.kind == "parameters":
        return parameters(text)
    return text


def parameters(text: str) -> dict[str, Any]:
    """`useSSL=false&trustPassword={env=NAME}` as a table; `{env=NAME}` is a reference."""
    found: dict[str, Any] = {}
    for part in text.strip().lstrip("?").split("&"):
        name, _, value = part.partition("=")
        if name.strip() or value:
            found[name.strip()] = _reference(value) or value
    return found


def _reference(text: str) -> dict[str, Any] | None:
    inside = re.fullmatch(r"\{\s*([a-z]+)\s*=\s*(.*?)\s*\}", text.strip())
    if inside is None or inside[1] not in REFERENCES:
        return None
    return reference(inside[1], inside[2])


def _parameter(value: Any) -> str:
    if isinstance(value, dict):
        kind, argument = reference_parts(value)
        return f"{{{kind}={argument or 'true'}}}"
    return str(value)


def reference_parts(value: Any) -> tuple[ReferenceKind, str]:
    """The kind of a reference and its argument as text; without one, and for a kept password, it is `typed`."""
    if is_kept(value):
        return "typed", ""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, argument),) = value.items()
        if kind == "command" and isinstance(argument, list):
            return "command", shlex.join(map(str, argument))
        if kind == "prompt":
            return "prompt", ""
        if kind in REFERENCES and isinstance(argument, str):
            return kind, argument
    return "typed", ""


def reference(kind: ReferenceKind, argument: str) -> dict[str, Any] | None:
    """The reference of a kind and its argument; None where the argument is missing."""
    if kind == "prompt":
        return {"prompt": True}
    if not argument.strip() or kind == "typed":
        return None
    if kind == "command":
        return {"command": _words(argument)}
    return {kind: argument.strip()}


def _words(text: str) -> list[str]:
    """The words of a command line; one whose quotes are not closed yet is taken by its blanks."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def help_of(field: Key) -> str:
    """What a field is for, in the words of its form; the profile's own comments name the values of its file."""
    if field.kind == "reference":
        return "type it once, it is kept outside the profile; or choose where it comes from"
    text = field.help
    for word in field.choices:
        text = text.replace(f'"{word}"', CHOICES[word])
    return text


def placeholder(field: Key, node: int = 0) -> str:
    """What an empty field shows: its default, or an example."""
    if field.default not in (None, {}):
        return to_text(field, field.default)
    example = to_text(field, field.example(node))
    words = [] if field.required else ["not set"]
    return ", ".join([*words, f"such as {example}"] if example else words)
