"""Changing one value in the text of a profile; every other byte of it stays.

A commented line `# key = value` of the table, as `profile new` writes them, is where that key goes when it is set, and
what becomes of its line when it is taken out.  Each edit is parsed again: what does not mean exactly what was wanted is
never handed out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from wizard.errors import WizardError
from wizard.profile.lines import Place, lookup, scan
from wizard.profile.written import written

_SAMPLE = re.compile(r"^[ \t]*#[ \t]*(?=[A-Za-z0-9_\"'-]+[ \t]*=)", re.MULTILINE)


def place_of(field: str | Place) -> Place:
    """The place that a dotted name means: `nodes.1.port_offset` is `("nodes", 1, "port_offset")`.

    A name with a dot in it, as a URL parameter may have, has to come as a place.
    """
    if isinstance(field, tuple):
        return field
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))


def get_field(text: str, field: str | Place) -> Any:
    """The value as it stands in `text`, right or wrong; None where it does not stand there."""
    try:
        return lookup(tomllib.loads(text), place_of(field))
    except KeyError:
        return None


def set_field(text: str, field: str | Place, value: Any) -> str:
    """`text` with the value of `field` changed or added.

    Args:
        text: valid TOML, if perhaps no valid profile.
        field: the dotted name or the place; tables around it are added where they are missing.
        value: text, number, true or false, path, list, or a table such as `{"env": "NAME"}`.

    Raises:
        tomllib.TOMLDecodeError: `text` is not TOML.
        WizardError: something that is no table stands in the way, or a node is to be added after a missing one.
    """
    place = place_of(field)
    before = tomllib.loads(text)
    after = _plain(_with(before, place, value))
    if _same(before, after):
        return text
    return _verified(_set(text, before, place, value), after, place)


def unset_field(text: str, field: str | Place) -> str:
    """`text` without the value of `field`: its line becomes a comment; a table loses its keys and keeps its header.

    Raises:
        tomllib.TOMLDecodeError: `text` is not TOML.
    """
    place = place_of(field)
    before = tomllib.loads(text)
    try:
        value = lookup(before, place)
    except KeyError:
        return text
    layout = scan(text)
    if place not in layout.entries and isinstance(value, dict):
        for key in value:
            text = unset_field(text, (*place, key))
        return text
    return _verified(_unset(text, layout, before, place), _without(before, place), place)


# --- what is wanted ------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """`value` as it comes back from TOML."""
    return tomllib.loads(f"v = {written(value)}")["v"] if not isinstance(value, dict) else value


def _with(tables: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    result = deepcopy(tables)
    around: Any = result
    for key, following in zip(place, place[1:], strict=False):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(around, list) and isinstance(key, int):
            if key == len(around):
                around.append(empty)
            if key >= len(around):
                raise WizardError(f"there is no {place[0]} {len(around)} yet", place=str(place[0]))
            around = around[key]
        elif isinstance(around, dict):
            around = around.setdefault(key, empty)
        else:
            raise WizardError("no table stands there", place=".".join(map(str, place)))
    if not isinstance(around, dict):
        raise WizardError("no table stands there", place=".".join(map(str, place)))
    around[place[-1]] = _plain(value) if not isinstance(value, Mapping) else _plain_table(value)
    return result


def _without(tables: dict[str, Any], place: Place) -> dict[str, Any]:
    result = deepcopy(tables)
    del lookup(result, place[:-1])[place[-1]]
    return result
