"""What is wrong with a profile, in words for a person; pydantic's own words never get through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from wizard.profile import migrate
from wizard.profile.cross_field import CrossFieldError, cross_field_errors
from wizard.profile.fields import key_of, keys, tables
from wizard.profile.lines import Place
from wizard.profile.model import SCHEMA_VERSION, Profile
from wizard.profile.written import written, written_key

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST = 500
"""How many problems are put into words: with more of them it is some other file."""

ProblemKind = Literal["missing", "unknown", "invalid"]


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """One thing that is wrong with one key; never its value."""

    place: Place
    kind: ProblemKind
    message: str
    fix: str

    @property
    def field(self) -> str:
        """The dotted name of the key, with the number of its node from 0: `nodes.1.host`."""
        return ".".join(str(part) if isinstance(part, int) else written_key(part) for part in self.place)


def find(raw: Mapping[str, Any], folder: Path) -> tuple[Profile | None, list[KeyProblem]]:
    """The profile that the tables `raw` make, or everything that is wrong with them.

    Args:
        raw: what the TOML holds, complete or not.
        folder: where relative paths count from.
    """
    problems: list[KeyProblem] = []
    version = raw.get("schema_version")
    if "schema_version" not in raw:
        problems += _missing(("schema_version",))
        raw = {**raw, "schema_version": SCHEMA_VERSION}
    elif not isinstance(version, int) or isinstance(version, bool) or not migrate.knows(version):
        if isinstance(version, int) and version > SCHEMA_VERSION:
            return None, [_newer(version)]
        problems.append(
            KeyProblem(
                ("schema_version",),
                "invalid",
                "unknown version of the format",
                f"write schema_version = {SCHEMA_VERSION}",
            )
        )
        raw = {**raw, "schema_version": SCHEMA_VERSION}
    elif version < SCHEMA_VERSION:
        older = deepcopy(dict(raw))
        try:
            migrate.migrate(older)
        except (LookupError, TypeError, AttributeError, ValueError):  # it lacks what its edition has to hold
            return None, [_not_migrated(version)]
        raw = older
    try:
        profile = Profile.model_validate(raw, context={"folder": folder})
    except ValidationError as failure:
        details = failure.errors(include_url=False, include_input=False)[:MOST]
        number = _number_of_nodes(raw)
        if number:
            details = [detail for detail in details if detail["loc"][0] != "nodes" or len(detail["loc"]) > 2]
        found = [problem for detail in details for problem in _in_words(detail)]
        found += [number] if number else []
        # Pydantic looks at how keys fit together only when each of them is right; people want it all at once.
        known = {problem.place for problem in found}
        found += [_cross_field(one) for one in cross_field_errors(raw) if one.place not in known]
        return None, [*problems, *found]
    return (None, problems) if problems else (profile, [])


# --- from pydantic's words to ours --------------------------------------------------------------

_REFERENCES: dict[str | None, str] = {
    "@env": 'env is the name of a variable: { env = "APIM_DB_PASSWORD" }',
    "@file": 'file is a path: { file = "~/.apim-db-password" }',
    "@keyring": 'keyring is service and user: { keyring = "mysql/apim" }',
    "@command": 'command is a list, a program and its arguments: { command = ["pass", "show", "apim"] }',
}


def _in_words(detail: ErrorDetails) -> Iterator[KeyProblem]:
    """One error of pydantic's as problems: a missing table is one for each key that it has to hold."""
    place, tag = _place(detail["loc"])
    match detail["type"]:
        case "cross-field":
            yield _cross_field(detail["ctx"]["known"])
        case "missing":
            yield from _missing(place)
        case "extra_forbidden":
            yield _unknown(place)
        case "model_type" | "model_attributes_type":
            yield KeyProblem(
                place,
                "invalid",
                "expected a table",
                f"write {_header(key_of(place))}, followed by its keys",
            )
        case "dict_type" | "mapping_type":
            yield KeyProblem(place, "invalid", "expected a table", _such_as(place))
        case "profile" | "reference":
            yield KeyProblem(place, "invalid", detail["msg"], _such_as(place))
        case _ if tag in _REFERENCES:
            yield KeyProblem(
                place, "invalid", _REFERENCES[tag], "correct it, or use another kind of reference"
            )
        case _:
            yield KeyProblem(place, "invalid", "wrong type of value", _such_as(place))


def _place(location: tuple[str | int, ...]) -> tuple[Place, str | None]:
    """The key that pydantic means, and the kind of reference within which it found the error."""
    for number, part in enumerate(location):
        if isinstance(part, str) and part.startswith("@"):
            return location[:number], part
    return tuple(part for part in location if part != "[key]"), None


def _newer(version: int) -> KeyProblem:
    return KeyProblem(
        ("schema_version",),
        "invalid",
        f"made by a newer apimha-wizard: this one knows the format up to {SCHEMA_VERSION}, not {version}",
        "update apimha-wizard",
    )


def _not_migrated(version: int) -> KeyProblem:
    return KeyProblem(
        ("schema_version",),
        "invalid",
        f"this profile of version {version} is incomplete and cannot be migrated",
        "compare it with what apimha-wizard profile new prints",
    )


def _cross_field(one: CrossFieldError) -> KeyProblem:
    return KeyProblem(one.place, "missing" if one.missing else "invalid", one.message, one.fix)


def _missing(place: Place) -> Iterator[KeyProblem]:
    table = key_of(place)
    if table not in tables():
        yield KeyProblem(place, "missing", "required key is missing", how_to_add(place))
        return
    around = [(*place, 0), (*place, 1)] if place == ("nodes",) else [place]
    needed = [key.name for key in keys().values() if key.required and key.table == table]
    for one in around:
        for name in needed:
            yield from _missing((*one, name))


def how_to_add(place: Place) -> str:
    """What to write where for a key that is missing."""
    return f"add {_example(place)} {_below(place)}"


def _below(place: Place) -> str:
    if len(place) == 1:
        return "in the first line"
    if place[0] == "nodes":
        return f"below the {'second' if place[1] == 1 else 'first'} [[nodes]]"
    return f"below [{key_of(place[:-1])}]"


def _example(place: Place) -> str:
    key = keys().get(key_of(place))
    if key is None:  # a parameter, whose name is free
        return f'{written_key(str(place[-1]))} = "…"'
    return f"{key.name} = {written(key.example(1 if place[:2] == ('nodes', 1) else 0))}"


def _such_as(place: Place) -> str:
    return f"for example: {_example(place)}"


def _unknown(place: Place) -> KeyProblem:
    name, table = str(place[-1]), key_of(place[:-1])
    here = [key.name for key in keys().values() if key.table == table]
    here += [other.rpartition(".")[2] for other in tables() if other and other.rpartition(".")[0] == table]
    there = [key for key in keys().values() if key.name == name]
    if near := get_close_matches(name, here, n=1):
        fix = f"did you mean {near[0]}?"
    elif there:
        fix = f"{name} belongs in {' or '.join(_header(key.table) for key in there)}"
    else:
        fix = f"remove it; known keys: {', '.join(here)}"
    return KeyProblem(place, "unknown", "unknown key", fix)


def _header(table: str) -> str:
    return "[[nodes]]" if table == "nodes" else f"[{table}]" if table else "no table, at the top"


def _number_of_nodes(raw: Mapping[str, Any]) -> KeyProblem | None:
    """Return what is wrong with `nodes` as a list; for a file without nodes, each missing key is reported."""
    nodes = raw.get("nodes")
    if "nodes" not in raw or (isinstance(nodes, list) and len(nodes) == 2):
        return None
    count = len(nodes) if isinstance(nodes, list) else None
    message = "exactly two nodes are required" + (f", found {count}" if count is not None else "")
    return KeyProblem(
        ("nodes",), "invalid", message, "write [[nodes]] twice, each followed by the keys of its server"
    )
