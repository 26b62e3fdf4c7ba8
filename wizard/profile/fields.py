"""Each key of the profile as a value: the forms, the template, hints and documentation are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from wizard.passwords.references import EnvReference
from wizard.profile.model import Node, Profile, Section

FieldKind = Literal["text", "number", "switch", "choice", "path", "reference", "parameters"]


ESSENTIAL: dict[str, tuple[str, str] | None] = {
    "nodes.home": None,
    "nodes.host": None,
    "mysql.driver_jar": None,
    "mysql.host": None,
    "mysql.username": None,
    "mysql.password": None,
    "mysql.provisioning": None,
    "mysql.admin_username": ("mysql.provisioning", "wizard"),
    "mysql.admin_password": ("mysql.provisioning", "wizard"),
    "deployment_sync.method": None,
    "deployment_sync.svn_url": ("deployment_sync.method", "svn"),
    "deployment_sync.svn_username": ("deployment_sync.method", "svn"),
    "deployment_sync.svn_password": ("deployment_sync.method", "svn"),
}
"""The keys that every new pair has to decide; with another key and a value: only while that key has that value."""

CHOICES = {
    "wizard": "this wizard",
    "server": "the server",
    "dba": "a DBA",
    "none": "by hand",
    "svn": "Subversion",
}
"""What the values of a choice are called where it is offered."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the profile.

    `key` is dotted and leaves out which node (`nodes.host`); `default` is None where the key has none;
    `required` means that no profile is whole without it; `examples` are values that are right, one for each
    node where they differ; `choices` is empty but for the kind `choice`.
    """

    key: str
    title: str
    help: str
    kind: FieldKind
    required: bool
    default: Any
    examples: tuple[Any, ...]
    choices: tuple[str, ...]

    def example(self, node: int = 0) -> Any:
        """A value that is right, for the first node (0) or the second."""
        return self.examples[min(node, len(self.examples) - 1)]

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]

    @property
    def essential(self) -> bool:
        """Whether every new pair has to decide it; the others have a default that fits most pairs."""
        return self.key in ESSENTIAL

    @property
    def of_node(self) -> bool:
        """Whether each node has its own value."""
        return self.key.startswith("nodes.")

    @property
    def table(self) -> str:
        """The table that it is in, such as `mysql.databases`; empty for the top level."""
        return self.key.rpartition(".")[0]


@cache
def keys() -> dict[str, Key]:
    """All keys by their dotted name, in the order of the profile."""
    return {key.key: key for key in _keys_of(Profile, "")}


@cache
def tables() -> dict[str, type[Section]]:
    """The model of each table by its dotted name, `nodes` for a node's, in the order of the profile."""
    found: dict[str, type[Section]] = {"": Profile}
    for name, field in Profile.model_fields.items():
        section = Node if name == "nodes" else _section(field.annotation)
        if section is None:
            continue
        found[name] = section
        for inner, inner_field in section.model_fields.items():
            inner_section = _section(inner_field.annotation)
            if inner_section is not None:
                found[f"{name}.{inner}"] = inner_section
    return found


def key_of(place: tuple[str | int, ...]) -> str:
    """The dotted name of a place without the number of its node: `("nodes", 1, "host")` is `nodes.host`."""
    return ".".join(part for part in place if isinstance(part, str))


def _section(annotation: Any) -> type[Section] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _keys_of(model: type[BaseModel], prefix: str) -> list[Key]:
    found = []
    for name, field in model.model_fields.items():
        section = Node if model is Profile and name == "nodes" else _section(field.annotation)
        if section is not None:
            found += _keys_of(section, f"{prefix}{name}.")
            continue
        kind, choices = _kind(field.annotation)
        required = field.is_required()
        found.append(
            Key(
                key=f"{prefix}{name}",
                title=field.title or name,
                help=field.description or "",
                kind=kind,
                required=required,
                default=None if required else field.default,
                examples=tuple(field.examples or [field.default]),
                choices=choices,
            )
        )
    return found


def _kind(annotation: Any) -> tuple[FieldKind, tuple[str, ...]]:
    kinds: dict[Any, FieldKind] = {
        str: "text",
        int: "number",
        bool: "switch",
        Path: "path",
        EnvReference: "reference",
    }
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        values = get_args(annotation)
        return ("choice", values) if isinstance(values[0], str) else ("number", ())
    return kinds.get(annotation, "parameters"), ()
