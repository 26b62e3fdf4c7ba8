"""What is wrong with a profile, in words for a person; pydantic's own words never get through.

To change the format: raise `SCHEMA_VERSION` in the model, add to `MIGRATIONS`, under the old number, the
function that makes the old edition into the new one, and put a profile of the old edition into
`tests/profiles_of_old/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from wizard.profile.cross_field import Mistake, cross_field_errors
from wizard.profile.document import Place, written, written_key
from wizard.profile.fields import header, key_of, keys, tables
from wizard.profile.model import SCHEMA_VERSION, Profile

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST = 500
"""How many problems are put into words: with more of them it is some other file."""

MIGRATIONS: dict[int, Callable[[MutableMapping[str, Any]], None]] = {}
"""For each older version the function that changes tables of it, in place, into those of the next version."""


def find(raw: Mapping[str, Any], folder: Path) -> tuple[Profile | None, list[Mistake]]:
    """Return the profile that the tables `raw` of a file in `folder` make, or everything that is wrong with them."""
    here, version, migrated, wrong = ("schema_version",), raw.get("schema_version"), deepcopy(dict(raw)), []
    if version is None:
        wrong = list(_missing(here))
    elif type(version) is int and version > SCHEMA_VERSION:
        newest = f"this one knows the format up to {SCHEMA_VERSION}, not {version}"
        message = f"made by a newer apimha-wizard: {newest}"
        return None, [Mistake(here, message, "update apimha-wizard")]
    elif type(version) is not int or not all(one in MIGRATIONS for one in range(version, SCHEMA_VERSION)):
        fix = f"write schema_version = {SCHEMA_VERSION}"
        wrong = [Mistake(here, "unknown version of the format", fix)]
    else:
        try:
            for older in range(version, SCHEMA_VERSION):
                MIGRATIONS[older](migrated)
        except (LookupError, TypeError, AttributeError, ValueError):  # it lacks what its edition has to hold
            message = f"this profile of version {version} is incomplete and cannot be migrated"
            fix = "compare it with what apimha-wizard profile new prints"
            return None, [Mistake(here, message, fix)]
    migrated["schema_version"] = SCHEMA_VERSION
    try:
        profile = Profile.model_validate(migrated, context={"folder": folder})
    except ValidationError as failure:
        details = failure.errors(include_url=False, include_input=False)[:MOST]
        nodes = _number_of_nodes(migrated)
        if nodes:
            details = [detail for detail in details if detail["loc"][0] != "nodes" or len(detail["loc"]) > 2]
        wrong += [one for detail in details for one in _in_words(detail)] + nodes
        # Pydantic looks at how keys fit together only when each of them is right; people want it all at once.
        known = {one.place for one in wrong}
        wrong += [one for one in cross_field_errors(migrated) if one.place not in known]
        return None, wrong
    return (None, wrong) if wrong else (profile, [])


# --- from pydantic's words to ours --------------------------------------------------------------

_REFERENCES: dict[str | None, str] = {
    "@env": 'env is the name of a variable: { env = "APIM_DB_PASSWORD" }',
    "@file": 'file is a path: { file = "~/.apim-db-password" }',
    "@keyring": 'keyring is service and user: { keyring = "mysql/apim" }',
    "@command": 'command is a list, a program and its arguments: { command = ["pass", "show", "apim"] }',
}


def _in_words(detail: ErrorDetails) -> Iterator[Mistake]:
    """One error of pydantic's as mistakes: a missing table is one for each key that it has to hold."""
    location = detail["loc"]
    # The kind of reference within which the error is, if it is within one.
    tag = next((part for part in location if isinstance(part, str) and part.startswith("@")), None)
    location = location if tag is None else location[: location.index(tag)]
    place = tuple(part for part in location if part != "[key]")
    such_as = f"for example: {_example(place)}"
    match detail["type"]:
        case "cross-field":
            yield detail["ctx"]["known"]
        case "missing":
            yield from _missing(place)
        case "extra_forbidden":
            yield _unknown(place)
        case "model_type" | "model_attributes_type":
            yield Mistake(place, "expected a table", f"write {header(key_of(place))}, followed by its keys")
        case "dict_type" | "mapping_type":
            yield Mistake(place, "expected a table", such_as)
        case "profile" | "reference":
            yield Mistake(place, detail["msg"], such_as)
        case _ if tag in _REFERENCES:
            yield Mistake(place, _REFERENCES[tag], "correct it, or use another kind of reference")
        case _:
            yield Mistake(place, "wrong type of value", such_as)


def _missing(place: Place) -> Iterator[Mistake]:
    table = key_of(place)
    if table not in tables():
        below = f"below [{key_of(place[:-1])}]"
        if len(place) == 1:
            below = "in the first line"
        elif place[0] == "nodes":
            below = f"below the {'second' if place[1] == 1 else 'first'} [[nodes]]"
        yield Mistake(place, "required key is missing", f"add {_example(place)} {below}", "missing")
        return
    for one in [(*place, 0), (*place, 1)] if place == ("nodes",) else [place]:
        for key in keys().values():
            if key.required and key.table == table:
                yield from _missing((*one, key.name))


def _example(place: Place) -> str:
    key = keys().get(key_of(place))
    if key is None:  # a parameter, whose name is free
        return f'{written_key(str(place[-1]))} = "…"'
    return f"{key.name} = {written(key.example(1 if place[:2] == ('nodes', 1) else 0))}"


def _unknown(place: Place) -> Mistake:
    name, table = str(place[-1]), key_of(place[:-1])
    here = [key.name for key in keys().values() if key.table == table]
    here += [other.rpartition(".")[2] for other in tables() if other and other.rpartition(".")[0] == table]
    there = [key for key in keys().values() if key.name == name]
    if near := get_close_matches(name, here, n=1):
        fix = f"did you mean {near[0]}?"
    elif there:
        places = (header(key.table) if key.table else "no table, at the top" for key in there)
        fix = f"{name} belongs in {' or '.join(places)}"
    else:
        fix = f"remove it; known keys: {', '.join(here)}"
    return Mistake(place, "unknown key", fix, "unknown")


def _number_of_nodes(raw: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with `nodes` as a list; for a file without nodes, each missing key is reported."""
    nodes = raw.get("nodes")
    if "nodes" not in raw or (isinstance(nodes, list) and len(nodes) == 2):
        return []
    message = "exactly two nodes are required" + (f", found {len(nodes)}" if isinstance(nodes, list) else "")
    fix = "write [[nodes]] twice, each followed by the keys of its server"
    return [Mistake(("nodes",), message, fix)]
