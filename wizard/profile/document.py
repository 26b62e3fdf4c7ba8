"""Changing one value in the text of a profile; every other byte of it stays.

A commented line `# key = value` of the table, as `profile new` writes them, is where that key goes when it is
set, and what becomes of its line when it is taken out.  Each edit is parsed again: a text that does not mean
exactly what was wanted is never handed out.
"""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from itertools import pairwise
from typing import Any

from wizard.profile.lines import KeyLine, Layout, Place, lookup, scan
from wizard.profile.written import written, written_key
from wizard.system.errors import WizardError

_SAMPLE = re.compile(r"^[ \t]*#[ \t]*(?P<pair>[A-Za-z0-9_\"'-][^\r\n]*)", re.MULTILINE)


def place_of(field: str | Place) -> Place:
    """The place that a dotted name means: `nodes.1.port_offset` is `("nodes", 1, "port_offset")`.

    A name with a dot in it, as a URL parameter may have, has to come as a place.
    """
    if isinstance(field, tuple):
        return field
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))


def set_field(text: str, field: str | Place, value: Any) -> str:
    """`text` with the value of `field` changed or added.

    Args:
        text: valid TOML, if perhaps no valid profile.
        field: the dotted name or the place; tables around it are added where they are missing.
        value: text, number, true or false, path, list, or a table such as `{"env": "NAME"}`.

    Raises:
        tomllib.TOMLDecodeError: `text` is not TOML.
        WizardError: its parent is not a table, or the nodes before it are missing.
    """
    place = place_of(field)
    value = tomllib.loads(f"value = {written(value)}")["value"]  # a path is text there, a tuple a list
    before = tomllib.loads(text)
    after = _with(before, place, value)
    if _canonical(before) == _canonical(after):
        return text
    return _verified(_set(text, before, after, place, value), after, place)


def unset_field(text: str, field: str | Place) -> str:
    """`text` without the value of `field`: its line becomes a comment; a table keeps its header.

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
    if place not in layout.entries:
        for key in reversed(range(len(value))) if isinstance(value, list) else value:
            text = unset_field(text, (*place, key))
        return text
    after = deepcopy(before)
    del lookup(after, place[:-1])[place[-1]]
    return _verified(_unset(text, layout, after, place), after, place)


# --- what is wanted -------------------------------------------------------------------------------


def _with(tables: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    result = deepcopy(tables)
    around: Any = result
    for key, following in pairwise(place):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(around, list) and isinstance(key, int) and key == len(around):
            around.append(empty)
        elif isinstance(around, dict):
            around.setdefault(key, empty)
        try:
            around = lookup(around, (key,))
        except KeyError:
            raise _in_the_way(place) from None
    if isinstance(around, dict) and isinstance(place[-1], str):
        around[place[-1]] = value
    elif isinstance(around, list) and isinstance(place[-1], int) and place[-1] <= len(around):
        around[place[-1] :] = [value, *around[place[-1] + 1 :]]
    else:
        raise _in_the_way(place)
    return result


def _in_the_way(place: Place) -> WizardError:
    return WizardError(
        "cannot be set: its parent is not a table",
        place=".".join(map(str, place)),
        fix="correct the file in an editor",
    )


def _canonical(value: Any, *, prune: bool = False) -> str:
    """The same text for the same TOML, whatever the order of keys; `prune`: empty tables are nothing."""
    if prune:
        value = _pruned(value)
    return json.dumps(value, sort_keys=True, default=repr)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _verified(text: str, wanted: dict[str, Any], place: Place) -> str:
    """`text`, if it means what is wanted.

    Raises:
        WizardError: it does not; that is an error of this module, and nothing has been lost by it.
    """
    try:
        got = tomllib.loads(text)
    except ValueError:
        got = {}
    # A table that was written by dotted keys alone is gone with the last of them.
    if _canonical(got, prune=True) != _canonical(wanted, prune=True):
        raise WizardError(
            "cannot be changed without changing other values",
            place=".".join(map(str, place)),
            fix="change it in an editor",
        )
    return text


# --- the edits ------------------------------------------------------------------------------------


def _set(text: str, before: dict[str, Any], after: dict[str, Any], place: Place, value: Any) -> str:
    layout = scan(text)
    # The value, or the nearest list or inline table around it, is in the text: only that is rewritten.
    if place in layout.entries or _around(layout, place):
        return _rewrite(text, layout, after, place if place in layout.entries else _around(layout, place))
    if isinstance(value, dict) and _is_there(before, place):
        return _set_table(text, before, place, value)
    table = place[:-1]
    if not table or table in layout.headers:
        return _add(text, layout, place, value)
    dotted = [
        entry
        for other, entry in layout.entries.items()
        if other[: len(table)] == table and len(_owner(layout, other)) < len(table)
    ]
    if dotted:
        key = ".".join(written_key(str(part)) for part in place[len(_owner(layout, table)) :])
        return _insert_below(text, dotted[-1], f"{key} = {written(value)}")
    return _add_table(text, place, value)


def _unset(text: str, layout: Layout, after: dict[str, Any], place: Place) -> str:
    entry = layout.entries[place]
    if entry.inline:
        return _rewrite(text, layout, after, _around(layout, place))
    if "\n" not in text[entry.start : entry.value_end]:
        return f"{text[: entry.start]}# {text[entry.start :]}"
    begin = text.rfind("\n", 0, entry.start) + 1
    return text[:begin] + text[_line_end(text, entry.value_end) :]


def _around(layout: Layout, place: Place) -> Place:
    """Return the nearest list or inline table around `place`; () if there is none."""
    return next((place[:n] for n in range(len(place) - 1, 0, -1) if place[:n] in layout.entries), ())


def _owner(layout: Layout, place: Place) -> Place:
    """The table with a header in whose body `place` is written; () above the first header."""
    return next((place[:n] for n in range(len(place) - 1, 0, -1) if place[:n] in layout.headers), ())


def _is_there(tables: dict[str, Any], place: Place) -> bool:
    try:
        lookup(tables, place)
    except KeyError:
        return False
    return True


def _rewrite(text: str, layout: Layout, after: dict[str, Any], place: Place) -> str:
    entry = layout.entries[place]
    return text[: entry.value_start] + written(lookup(after, place)) + text[entry.value_end :]


def _set_table(text: str, before: dict[str, Any], place: Place, value: dict[str, Any]) -> str:
    """For a table with a header: its keys one by one."""
    for key in lookup(before, place):
        if key not in value:
            text = unset_field(text, (*place, key))
    for key, item in value.items():
        text = set_field(text, (*place, key), item)
    return text


def _add(text: str, layout: Layout, place: Place, value: Any) -> str:
    """A new line in the body of the table: on its commented sample, else behind its last key."""
    table = place[:-1]
    begin = layout.headers[table].end if table else 0
    end = layout.body_end(table)
    key = str(place[-1])
    values = [(entry.value_start, entry.value_end) for entry in layout.entries.values()]
    for sample in _SAMPLE.finditer(text, begin, end):
        if any(start <= sample.start() < stop for start, stop in values):
            continue  # within a text of several lines
        span = _value_of_sample(sample["pair"], key)
        if span is not None:
            indent = re.match(r"[ \t]*", sample[0])
            new = sample["pair"][: span[0]] + written(value) + sample["pair"][span[1] :]
            return text[: sample.start()] + (indent[0] if indent else "") + new + text[sample.end() :]
    line = f"{written_key(key)} = {written(value)}"
    own = [entry for entry in layout.entries.values() if not entry.inline and begin <= entry.start < end]
    if own:
        return _insert_below(text, own[-1], line)
    newline = _newline(text)
    if begin and not text[:begin].endswith("\n"):
        line = newline + line
    return text[:begin] + line + newline + text[begin:]


def _value_of_sample(pair: str, key: str) -> tuple[int, int] | None:
    """Where in `pair`, an uncommented line, the value stands, if it is one of `key`."""
    try:
        if list(tomllib.loads(pair)) != [key]:
            return None
    except ValueError:
        return None
    entry = scan(pair).entries.get((key,))
    return None if entry is None else (entry.value_start, entry.value_end)


def _insert_below(text: str, entry: KeyLine, line: str) -> str:
    """`line` below the line on which the value of `entry` ends, with the same indentation."""
    begin = text.rfind("\n", 0, entry.start) + 1
    indent = text[begin : entry.start]
    end = _line_end(text, entry.value_end)
    newline = _newline(text)
    before = "" if text[:end].endswith("\n") else newline
    return f"{text[:end]}{before}{indent}{line}{newline}{text[end:]}"


def _add_table(text: str, place: Place, value: Any) -> str:
    """A new table at the end, with the key in it."""
    table = place[:-1]
    name = ".".join(written_key(part) for part in table if isinstance(part, str))
    header = f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"
    newline = _newline(text)
    between = "" if not text else newline if text.endswith("\n") else newline * 2
    return f"{text}{between}{header}{newline}{written_key(str(place[-1]))} = {written(value)}{newline}"


def _line_end(text: str, offset: int) -> int:
    """Where the line that holds `offset` ends, its line break included."""
    return text.find("\n", offset) + 1 or len(text)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
