"""Each key of the profile as a value: the forms, the template, hints and documentation are made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

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
    found = {}
    for table, model in tables().items():
        for name, field in model.model_fields.items():
            dotted = f"{table}.{name}".lstrip(".")
            if dotted in tables():
                continue
            kind, choices = _kind(field.annotation)
            found[dotted] = Key(
                key=dotted,
                title=field.title or name,
                help=field.description or "",
                kind=kind,
                required=field.is_required(),
                default=None if field.is_required() else field.default,
                examples=tuple(field.examples or [field.default]),
                choices=choices,
            )
    return found


@cache
def tables() -> dict[str, type[Section]]:
    """The model of each table by its dotted name, `nodes` for a node's, in the order of the profile."""
    return dict(_tables("", Profile))


def _tables(name: str, model: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    yield name, model
    for inner, field in model.model_fields.items():
        kind = Node if inner == "nodes" else field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _tables(f"{name}.{inner}".lstrip("."), kind)


def header(table: str) -> str:
    """The line above the keys of a table."""
    return "[[nodes]]" if table == "nodes" else f"[{table}]"


def key_of(place: tuple[str | int, ...]) -> str:
    """The dotted name of a place without the number of its node: `("nodes", 1, "host")` is `nodes.host`."""
    return ".".join(part for part in place if isinstance(part, str))


def _kind(annotation: Any) -> tuple[FieldKind, tuple[str, ...]]:
    kinds: dict[Any, FieldKind] = {
        str: "text",
        int: "number",
        bool: "switch",
        Path: "path",
        EnvReference: "reference",
    }
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    return kinds.get(annotation, "parameters"), ()
