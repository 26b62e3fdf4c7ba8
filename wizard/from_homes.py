"""`profile from-homes`: a pair that was configured by hand, read back into a profile.

Each step reads what it would write; here the two homes are laid side by side.  What was missing, contradictory or
not understood becomes a comment at its field.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wizard.durable import write_durably
from wizard.errors import ChecksFailed, EditError, UsageError
from wizard.pack import Pack, is_pack
from wizard.profile.fields import Key, keys, tables
from wizard.profile.rules import is_password_parameter
from wizard.profile.written import written, written_key
from wizard.reading import Reading
from wizard.secrets import Secret
from wizard.steps import STEPS

NODE_NAMES = ("node1", "node2")


@dataclass
class Found:
    """What two homes say together: values by dotted field, `nodes` beside them; and the doubts."""

    shared: dict[str, Any] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=lambda: [{}, {}])
    notes: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, text: str) -> None:
        self.notes.setdefault(name, [])
        if text not in self.notes[name]:
            self.notes[name].append(text)


def read(homes: tuple[Path, Path]) -> Found:
    """What the two homes hold.

    Raises:
        ChecksFailed: a folder is no pack, or both are the same.
    """
    for home in homes:
        if not is_pack(home):
            raise ChecksFailed("is no pack", place=str(home), fix="name the folder of an unpacked pack")
    if os.path.realpath(homes[0]) == os.path.realpath(homes[1]):
        raise ChecksFailed(
            "both homes are this folder", place=str(homes[0]), fix="name the two homes of the pair"
        )
    return together(homes, (_one(Pack(homes[0])), _one(Pack(homes[1]))))


def _one(pack: Pack) -> Reading:
    reading = Reading(pack)
    for step in STEPS:
        for read_file in step.reads:
            try:
                read_file(reading)
            except EditError as problem:
                reading.note(step.fields[0], f"{problem.place}: {problem.message}")
    return reading


def together(homes: tuple[Path, Path], readings: tuple[Reading, Reading]) -> Found:
    """Two readings as one: where they agree, the value; where not, the first one's and a note."""
    found = Found()
    for name, reading in zip(NODE_NAMES, readings, strict=True):
        for key, text in reading.notes:
            found.note(key, f"{name}: {text}")
    first, second = (reading.shared for reading in readings)
    for key in dict.fromkeys([*first, *second]):
        values = [reading[key] for reading in (first, second) if key in reading]
        found.shared[key] = values[0]
        if len(values) == 1:
            found.note(key, "only one of the nodes says so")
        elif values[0] != values[1]:
            other = "another one" if isinstance(values[1], Secret) else repr(values[1])
            found.note(key, f"the nodes differ: on {NODE_NAMES[1]} it is {other}")
    for number, reading in enumerate(readings):
        own = dict(reading.node)
        found.nodes[number] = {"name": NODE_NAMES[number], "home": str(homes[number]), **own}
        for key in ("eventSync host", "management host"):
            if key in own and own[key] != own.get("host"):
                found.note(f"nodes.{number}.host", f"the {key} is {own[key]}")
    _conclude(found, readings)
    return found


def _conclude(found: Found, readings: tuple[Reading, Reading]) -> None:
    """What follows from both nodes together: roles, members, the jar; and what goes without saying."""
    for role, key in (("presenter", "event_processor.presenter"), ("manager", "deployment_sync.manager")):
        holders = [node["name"] for node in found.nodes if node.pop(role, False)]
        if holders:
            found.shared[key] = holders[0]
        if len(holders) > 1:
            found.note(key, "both nodes claim to be it")
    for node in found.nodes:
        for key in ("eventSync host", "management host"):
            node.pop(key, None)
    members = found.shared.pop("members", ())
    found.notes.pop("members", None)
    expected = tuple(f"{node.get('host')}:{node.get('hazelcast_port')}" for node in found.nodes)
    if members and set(members) != set(expected):
        found.note("cluster.domain", f"the members are {', '.join(members)}, the nodes {', '.join(expected)}")
    jar = _driver_jar(readings[0].pack, found.shared.get("mysql.driver_class"))
    if jar is not None:
        found.shared["mysql.driver_jar"] = str(jar)
    if found.shared.get("registry.cache_id") == _usual_cache_id(found.shared):
        found.shared.pop("registry.cache_id", None)


def _usual_cache_id(shared: Mapping[str, Any]) -> str | None:
    from wizard.jdbc_url import jdbc_url

    try:
        url = jdbc_url(shared["mysql.host"], shared["mysql.port"], shared["mysql.databases.registry"])
    except KeyError:
        return None
    return f"{shared.get('mysql.username')}@{url}"


def _driver_jar(pack: Pack, driver_class: str | None) -> Path | None:
    from wizard.driver import DriverError, holds_class
    from wizard.pack import LIB

    for name in pack.names(LIB, ".jar"):
        jar = pack.path(f"{LIB}/{name}")
        try:
            if driver_class is not None and holds_class(jar, driver_class):
                return jar
        except DriverError:
            continue
    return None


# --- as a profile ------------------------------------------------------------------------------------------


def write(found: Found, path: Path) -> None:
    """The profile, and beside it a file (0600) for each password.

    Raises:
        UsageError: there is a file already.
    """
    if path.exists():
        raise UsageError("there is a file already", place=str(path), fix="choose another name")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    references = {}
    for key, secret in _secrets(found):
        file = path.with_name(f"{path.stem}.{key.replace('_', '-')}")
        # One newline at the end is dropped when it is read: a password that ends in one keeps it so.
        write_durably(file, f"{secret.reveal()}\n".encode(), mode=0o600)
        references[key] = {"file": file.name}
    write_durably(path, text(found, references).encode(), mode=0o600)


def _secrets(found: Found) -> Iterator[tuple[str, Secret]]:
    for key, value in found.shared.items():
        if isinstance(value, Secret):
            yield key, value
    for name, value in found.shared.get("mysql.url_parameters", {}).items():
        if is_password_parameter(name):
            yield f"mysql.url_parameters.{name}", Secret(value)


def text(found: Found, references: Mapping[str, Mapping[str, str]]) -> str:
    """The profile as TOML, with what was doubtful as comments; `references` stand for the passwords."""
    lines = ["# Read back from two homes by: apimha-wizard profile from-homes", "", "schema_version = 1"]
    for table in tables():
        own = [key for key in keys().values() if key.table == table and key.key != "schema_version"]
        if table == "nodes":
            for number, node in enumerate(found.nodes):
                lines += ["", "[[nodes]]", *_lines(own, node, found, references, f"nodes.{number}.")]
        elif table:
            values = {key.name: found.shared[key.key] for key in own if key.key in found.shared}
            body = list(_lines(own, values, found, references, f"{table}."))
            lines += ["", f"[{table}]", *body] if body else []
    return "\n".join(lines) + "\n"


def _lines(
    own: list[Key],
    values: Mapping[str, Any],
    found: Found,
    references: Mapping[str, Mapping[str, str]],
    prefix: str,
) -> Iterator[str]:
    for key in own:
        place = prefix + key.name
        for note in found.notes.get(place, []):
            yield f"# {_one_line(note)}"
        if key.name not in values:
            if key.required:
                yield f"# {key.name} is not in the homes: fill it in"
            continue
        value = values[key.name]
        if isinstance(value, Secret):
            value = references[key.key]
        elif key.name == "url_parameters":
            value = {name: references.get(f"{place}.{name}", one) for name, one in value.items()}
            if not value:
                continue
        yield f"{written_key(key.name)} = {written(value)}"


def _one_line(note: str) -> str:
    return "".join(c if c.isprintable() else " " for c in note)
