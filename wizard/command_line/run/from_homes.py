"""`profile from-homes`: read a pair that was configured by hand into a profile.

Each step reads what it would write; here the readings of both homes are compared.  What is missing, contradictory or
cannot be in a profile becomes a comment at its field: the profile always loads, or lacks only the keys that its
comments ask to fill in.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wizard.edit.edits import shown
from wizard.pack.home import LIB, Pack, is_pack
from wizard.passwords.resolver import MOST_BYTES
from wizard.passwords.secret import Secret
from wizard.profile import trust
from wizard.profile.document import Place, written, written_key
from wizard.profile.fields import Key, keys, tables
from wizard.profile.files import save
from wizard.profile.jdbc_url import jdbc_url
from wizard.profile.model import SCHEMA_VERSION
from wizard.steps.procedure import STEPS
from wizard.steps.reading import Reading, describe
from wizard.system import network
from wizard.system.errors import ChecksFailed, EditError, Failed, UsageError
from wizard.system.printable import escaped

NODE_NAMES = ("node1", "node2")
PARAMETERS = "mysql.url_parameters"
PARAMETER = f"{PARAMETERS}."
"""The prefix of a parameter of the URL among the values; the rest is its own name, which may have a dot."""

_PARAMETER_NAME = re.compile(r"[A-Za-z0-9_.]+")
_NOT_FROM_HOMES = {
    "schema_version",
    "cluster.name",
    "mysql.provisioning",
    "mysql.grant_host",
    PARAMETERS,
    "event_processor.duplicated_events",
    "deployment_sync.append_tenant_id",
    "nodes.presentation_port",
}
"""Fields with a default that are not expected in the homes."""

WHERE_DATA_IS = (
    "mysql.databases.user",
    "mysql.databases.registry",
    "mysql.databases.event_store",
    "mysql.databases.processed_data_store",
    "registry.governance_target",
    "registry.config_target",
)
"""Fields that must be in the homes: a replay with their defaults would move data."""

MAY_BE_ABSENT = ("mysql.port", "registry.registry_root")
"""The same, but here the servers use the default where the homes have no value."""


@dataclass
class PairReading:
    """The combined readings of two homes.

    `values` are by their dotted fields, those of a node with its number (`nodes.0.host`); `notes` are the doubts
    about each; `missing` are the fields to fill in, since they are not in the homes.
    """

    values: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    """Fields whose value cannot be in a profile."""

    @property
    def blank(self) -> list[str]:
        """The fields that must be filled in though they have a default, so that a replay stops."""
        unsaid = [name for name in WHERE_DATA_IS if name not in self.values]
        return unsaid + [name for name in MAY_BE_ABSENT if name in self.dropped]

    def note(self, name: str, text: str) -> None:
        self.notes.setdefault(name, [])
        if text not in self.notes[name]:
            self.notes[name].append(text)

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def drop(self, name: str, why: str) -> None:
        """Leave out a value, or a parameter of the URL, with the reason as a note."""
        value = self.values.pop(name)
        self.dropped.add(name)
        if name.startswith(PARAMETER):
            name, what = PARAMETERS, f" the parameter {describe(name.removeprefix(PARAMETER))}"
        else:
            what = "" if isinstance(value, Secret) else f": {describe(value)}"
        self.note(name, f"left out{what}: {why}")


def read(homes: tuple[Path, Path]) -> PairReading:
    """Read the two homes.

    Raises:
        ChecksFailed: a folder is not a pack, or both are the same.
    """
    for home in homes:
        if not is_pack(home):
            fix = "name the folder of an unpacked pack"
            raise ChecksFailed("not an unpacked pack", place=str(home), fix=fix)
    if os.path.realpath(homes[0]) == os.path.realpath(homes[1]):
        fix = "name the two homes of the pair"
        raise ChecksFailed("both homes are this folder", place=str(homes[0]), fix=fix)
    return together((read_home(Pack(homes[0])), read_home(Pack(homes[1]))))


def read_home(pack: Pack) -> Reading:
    """Read one home by itself."""
    reading = Reading(pack)
    for step in STEPS:
        for read_file in step.reads:
            try:
                read_file(reading)
            except EditError as problem:
                reading.note("", problem.text)
    return reading


def together(readings: tuple[Reading, Reading]) -> PairReading:
    """Combine two readings: where they differ, take the first one's value and add a note."""
    found = PairReading()
    for number, reading in enumerate(readings):
        found.values[f"nodes.{number}.name"] = NODE_NAMES[number]
        found.values[f"nodes.{number}.home"] = str(reading.pack.home)
        for name, value in reading.values.items():
            if name.startswith("nodes."):
                found.values[_own(name, number)] = value
        for name, text in reading.notes:
            on_both = all((name, text) in other.notes for other in readings)
            who = "both nodes" if on_both else NODE_NAMES[number]
            found.note(_own(name, number), text if name.startswith("nodes.") else f"{who}: {text}")
    first, second = (reading.values for reading in readings)
    for name in dict.fromkeys([*first, *second]):
        if not name.startswith("nodes."):
            values = [first.get(name), second.get(name)]
            found.values[name] = values[1] if values[0] is None else values[0]
            if None in values:
                found.note(name, f"not found on {NODE_NAMES[values.index(None)]}")
            elif values[0] != values[1]:
                found.note(name, f"the nodes differ: on {NODE_NAMES[1]} it is {describe(values[1])}")
    titles = [reading.pack.title for reading in readings]
    if titles[0] != titles[1]:
        found.note("nodes.1.home", f"this is {titles[1]}, and the other one {titles[0]}")
    for conclude in (_addresses, _members, _presenter, _manager, _driver_jar):
        conclude(found, readings)
    database = [found.get(f"mysql.{name}") for name in ("host", "port", "databases.registry")]
    usual = None if None in database else f"{found.get('mysql.username')}@{jdbc_url(*database)}"
    if usual is not None and found.get("registry.cache_id") == usual:
        del found.values["registry.cache_id"]
    _one_machine(found)
    _mention_defaults(found)
    _leave_out_what_no_profile_holds(found)
    return found


def _own(name: str, number: int) -> str:
    """`nodes.host` of the node `number` is `nodes.1.host`."""
    return f"nodes.{number}{name.removeprefix('nodes')}" if name.startswith("nodes.") else name


def _addresses(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    """Take each node's host from the cluster's file; note where the event processor's addresses differ."""
    for number, reading in enumerate(readings):
        name = f"nodes.{number}.host"
        for key in ("eventSync", "management"):
            host = reading.facts.get(key)
            if host is not None and name not in found.values:
                found.values[name] = host
                found.note(name, f"not in axis2.xml; taken from {key} in event-processor.xml")
            elif host not in (None, found.get(name)):
                found.note(name, f"{key} in event-processor.xml is at {describe(host)}")


def _members(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    lists = [reading.facts.get("members", ()) for reading in readings]
    own = [(found.get(f"nodes.{n}.host"), found.get(f"nodes.{n}.hazelcast_port")) for n in (0, 1)]
    if any(None in address for address in own):
        return  # what is missing of an address is noted by itself
    expected = [f"{host}:{port}" for host, port in own]
    for number, members in enumerate(lists):
        if members and sorted(members) != sorted(expected):
            are, at = describe(", ".join(members)), describe(", ".join(expected))
            text = f"the members of {NODE_NAMES[number]} are {are}; the nodes are at {at}"
            found.note("cluster.domain", text)
    if lists[0] == lists[1] == tuple(reversed(expected)):
        found.note("cluster.domain", "the members are in the other order: swap the two homes")


def _presenter(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    holders = [number for number, reading in enumerate(readings) if reading.facts.get("presenter")]
    if not holders:
        return
    presenter, name = holders[0], "event_processor.presenter"
    found.values[name] = NODE_NAMES[presenter]
    if len(holders) > 1:
        found.note(name, "both nodes are configured as the presenter")
    found.values.pop(f"nodes.{1 - presenter}.presentation_port", None)
    own = [found.get(f"nodes.{presenter}.{key}") for key in ("host", "presentation_port")]
    for number, reading in enumerate(readings):
        address = reading.facts.get("presentation")
        if address is not None and None not in own and [*address] != [str(one) for one in own]:
            found.note(name, f"{NODE_NAMES[number]} expects it at {describe(':'.join(map(str, address)))}")


def _manager(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    if found.get("deployment_sync.method") != "svn":
        return
    holders = [number for number, reading in enumerate(readings) if reading.facts.get("manager")]
    name = "deployment_sync.manager"
    found.values[name] = NODE_NAMES[holders[0] if holders else 0]
    if len(holders) > 1:
        found.note(name, "both nodes commit")
    elif not holders:
        found.note(name, "no node commits: a replay lets the first one commit")


def _driver_jar(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    """Find the jar with the driver's class in the homes."""
    from wizard.pack.driver import first_with
    from wizard.transaction.move import hash_of_file

    name = "mysql.driver_jar"
    driver_class = found.get("mysql.driver_class") or keys()["mysql.driver_class"].default
    first, second = jars = [first_with(reading.pack.jars(LIB), driver_class) for reading in readings]
    for number, jar in enumerate(jars):
        if jar is None:
            found.note(name, f"{NODE_NAMES[number]}: no jar in {LIB} holds {describe(driver_class)}")
        else:
            found.values.setdefault(name, str(jar))
    if first and second:
        with contextlib.suppress(OSError):  # it was readable a moment ago
            if (first.name, hash_of_file(first)) != (second.name, hash_of_file(second)):
                other = f"{NODE_NAMES[1]} has another one, {describe(second.name)}"
                found.note(name, f"the nodes differ: {other}")


def _one_machine(found: PairReading) -> None:
    """Drop the common path of a pair on this machine; for other machines, note what the homes' paths mean."""
    hosts = [found.get(f"nodes.{number}.host") for number in (0, 1)]
    if not all(isinstance(host, str) for host in hosts):
        return
    if network.on_one_machine(hosts, resolve=False):
        if "spark.symbolic_link" in found.values:
            found.drop("spark.symbolic_link", "not needed where both nodes are on one machine")
        return
    for number, host in enumerate(hosts):
        if network.is_this_machine(host, resolve=False) is False:
            name = f"nodes.{number}.home"
            found.note(name, "the path on this machine; on the node's machine it may differ")


def _mention_defaults(found: PairReading) -> None:
    for key in keys().values():
        if key.default is None or key.key in _NOT_FROM_HOMES:
            continue
        for name in (_own(key.key, 0), _own(key.key, 1)) if key.table == "nodes" else (key.key,):
            if name not in found.values and name not in found.blank:
                found.note(name, f"not in the homes: a replay writes {describe(key.default)}")


def _leave_out_what_no_profile_holds(found: PairReading) -> None:
    """Remove what the profile's own rules refuse, until only missing keys are wrong."""
    from wizard.profile.problems import find

    for parameter, value in found.values.pop(PARAMETERS, {}).items():
        found.values[PARAMETER + parameter] = value
    for name, value in list(found.values.items()):
        why = _unusable(value)
        if name.startswith(PARAMETER) and not _PARAMETER_NAME.fullmatch(name, len(PARAMETER)):
            why = "invalid characters in its name"
        if why is not None:
            found.drop(name, why)
    while True:
        _, problems = find(_tables(found), Path("/"))
        wrong = [one for one in problems if one.kind != "missing" and one.field not in found.blank]
        if not wrong:
            break
        before = len(found.values)
        for problem in wrong:
            name = ".".join(map(str, problem.place))
            if name in found.values:
                found.drop(name, problem.message)
        if len(found.values) == before:
            # A value contradicts the default of a key that is not in the homes.
            for name in [n for n in found.values if n.startswith(("mysql.databases.", "datasources."))]:
                found.drop(name, wrong[0].message)
    found.missing = [".".join(map(str, problem.place)) for problem in problems]


def _unusable(value: Any) -> str | None:
    """Why a value of the homes cannot be in a profile, whatever its field; None where it can."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        return None
    data = text.encode("utf-8", "surrogatepass")
    if data.decode("utf-8", "replace") != text:
        return "it is not UTF-8"
    if isinstance(value, Secret):
        return "it is too long for a password" if len(data) >= MOST_BYTES else None
    if shown(text, secret=False) not in (text, f'"{text}"'):
        return "it has a password in it, which must not be in a profile"
    return None


def _tables(found: PairReading) -> dict[str, Any]:
    """The profile's tables; a password is a reference to a file."""
    result: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "nodes": [{}, {}]}
    for name, value in {**found.values, **dict.fromkeys(found.blank, "")}.items():
        place = _place(name)
        around: Any = result
        for part in place[:-1]:
            around = around[part] if isinstance(part, int) or part == "nodes" else around.setdefault(part, {})
        around[place[-1]] = {"file": "password"} if isinstance(value, Secret) else value
    return result


def _place(name: str) -> Place:
    if name.startswith(PARAMETER):
        return (*PARAMETERS.split("."), name.removeprefix(PARAMETER))
    return tuple(int(part) if part.isdigit() else part for part in name.split("."))


def write(found: PairReading, path: Path) -> None:
    """Write the profile, and beside it a file (0600) for each password.

    Raises:
        UsageError: one of these files exists.
        Failed: writing failed; nothing is left.
    """
    secrets = {name: value for name, value in found.values.items() if isinstance(value, Secret)}
    files = {name: path.with_name(f"{path.name.removesuffix('.toml')}.{name}") for name in secrets}
    for file in (path, *files.values()):
        if os.path.lexists(file):
            raise UsageError("the file already exists", place=str(file), fix="choose another name")
    references = {name: {"file": file.name} for name, file in files.items()}
    contents = {file: _for_a_file(secrets[name].reveal()) for name, file in files.items()}
    contents[path] = text(replace(found, values=found.values | references))
    made: list[Path] = []
    try:
        for file, content in contents.items():
            made.append(file)
            save(content, file)
    except Failed:
        for file in made:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
        raise
    trust.note_written(path, contents[path])


def _for_a_file(password: str) -> str:
    """Return a file content that is read as this password: one line end at the end, also `\\r\\n`, is dropped."""
    return password if password.endswith("\r") else f"{password}\n"


def text(found: PairReading) -> str:
    """The profile as TOML, with the notes as comments."""
    held = _tables(found)
    lines = ["# Read from two homes by: apimha-wizard profile from-homes"]
    lines += [f"# {escaped(note)}" for note in found.notes.get("", ())]
    lines += ["", f"schema_version = {SCHEMA_VERSION}"]
    for table in tables():
        own = [key for key in keys().values() if key.table == table and key.key != "schema_version"]
        inside: Any = held
        for part in table.split("."):
            inside = inside.get(part, {})
        for number, values in enumerate(inside if table == "nodes" else [inside]):
            if said := [line for key in own for line in _lines(key, number, found, values)]:
                lines += ["", "[[nodes]]" if table == "nodes" else f"[{table}]", *said]
    return "\n".join(lines) + "\n"


def _lines(key: Key, number: int, found: PairReading, values: Mapping[str, Any]) -> Iterator[str]:
    """The notes of a key as comments, and its value of these; in the table of a node with this number."""
    name = _own(key.key, number)
    yield from (f"# {escaped(note)}" for note in found.notes.get(name, ()))
    written_name = written_key(key.name)
    if name in found.blank:
        yield f'{written_name} = ""   # required: fill it in, such as {written(key.default)}'
    elif name in found.missing:
        yield f"# {written_name} = {written(key.example(number))}   # required: fill it in"
    elif key.name in values:
        yield f"{written_name} = {written(values[key.name])}"
