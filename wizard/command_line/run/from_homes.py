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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wizard.edit.edits import shown
from wizard.pack.home import LIB, Pack, is_pack
from wizard.passwords.resolver import MOST_BYTES
from wizard.passwords.secret import Secret
from wizard.profile import trust
from wizard.profile.document import Place, written, written_key
from wizard.profile.fields import Key, keys, tables
from wizard.profile.jdbc_url import jdbc_url
from wizard.profile.model import SCHEMA_VERSION
from wizard.steps.procedure import STEPS
from wizard.steps.reading import Reading, describe
from wizard.system import network
from wizard.system.durable import write_durably
from wizard.system.errors import ChecksFailed, EditError, Failed, UsageError
from wizard.system.printable import escaped

NODE_NAMES = ("node1", "node2")
PARAMETERS = "mysql.url_parameters"

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
        """Leave a value out, with the reason as a note."""
        value = self.values.pop(name)
        self.dropped.add(name)
        quoted = "" if isinstance(value, Secret) else f": {describe(value)}"
        self.note(name, f"left out{quoted}: {why}")


def read(homes: tuple[Path, Path]) -> PairReading:
    """Read the two homes.

    Raises:
        ChecksFailed: a folder is not a pack, or both are the same.
    """
    for home in homes:
        if not is_pack(home):
            raise ChecksFailed(
                "not an unpacked pack", place=str(home), fix="name the folder of an unpacked pack"
            )
    if os.path.realpath(homes[0]) == os.path.realpath(homes[1]):
        raise ChecksFailed(
            "both homes are this folder", place=str(homes[0]), fix="name the two homes of the pair"
        )
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
            _agree(found, name, [values.get(name) for values in (first, second)])
    _conclude(found, readings)
    _mention_defaults(found)
    _leave_out_what_no_profile_holds(found)
    return found


def _own(name: str, number: int) -> str:
    """`nodes.host` of the node `number` is `nodes.1.host`."""
    return f"nodes.{number}{name.removeprefix('nodes')}" if name.startswith("nodes.") else name


def _agree(found: PairReading, name: str, values: list[Any]) -> None:
    said = [value for value in values if value is not None]
    found.values[name] = said[0]
    if len(said) == 1:
        silent = NODE_NAMES[values.index(None)]
        found.note(name, f"not found on {silent}")
    elif said[0] != said[1]:
        found.note(name, f"the nodes differ: on {NODE_NAMES[1]} it is {describe(said[1])}")


def _conclude(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    titles = [reading.pack.title for reading in readings]
    if titles[0] != titles[1]:
        found.note("nodes.1.home", f"this is {titles[1]}, and the other one {titles[0]}")
    _addresses(found, readings)
    _members(found, readings)
    _presenter(found, readings)
    _manager(found, readings)
    _driver_jar(found, readings)
    if found.get("registry.cache_id") == _usual_cache_id(found):
        found.values.pop("registry.cache_id", None)
    _one_machine(found)


def _addresses(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    """Take each node's host from the cluster's file; note where the event processor's addresses differ."""
    for number, reading in enumerate(readings):
        name = f"nodes.{number}.host"
        others = {key: reading.facts[key] for key in ("eventSync", "management") if key in reading.facts}
        if name not in found.values and others:
            key, host = next(iter(others.items()))
            found.values[name] = host
            found.note(name, f"not in axis2.xml; taken from {key} in event-processor.xml")
        for key, host in others.items():
            if host != found.get(name):
                found.note(name, f"{key} in event-processor.xml is at {describe(host)}")


def _members(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    lists = [reading.facts.get("members", ()) for reading in readings]
    expected = [f"{found.get(f'nodes.{n}.host')}:{found.get(f'nodes.{n}.hazelcast_port')}" for n in (0, 1)]
    for number, members in enumerate(lists):
        if members and sorted(members) != sorted(expected):
            found.note(
                "cluster.domain",
                f"the members of {NODE_NAMES[number]} are {describe(', '.join(members))}; "
                f"the nodes are at {describe(', '.join(expected))}",
            )
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
    own = (
        found.get(f"nodes.{presenter}.host"),
        str(found.get(f"nodes.{presenter}.presentation_port")),
    )
    for number, reading in enumerate(readings):
        address = reading.facts.get("presentation")
        if address is not None and address != own:
            found.note(name, f"{NODE_NAMES[number]} expects it at {describe(':'.join(map(str, address)))}")


def _manager(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    if found.get("deployment_sync.method") != "svn":
        return
    holders = [number for number, reading in enumerate(readings) if reading.facts.get("manager")]
    name = "deployment_sync.manager"
    found.values[name] = NODE_NAMES[holders[0] if holders else 0]
    if len(holders) != 1:
        found.note(
            name, "both nodes commit" if holders else "no node commits: a replay lets the first one commit"
        )


def _driver_jar(found: PairReading, readings: tuple[Reading, Reading]) -> None:
    """Find the jar with the driver's class in the homes."""
    from wizard.pack.driver import DriverError, holds_class

    name = "mysql.driver_jar"
    driver_class = found.get("mysql.driver_class") or keys()["mysql.driver_class"].default
    fitting: list[list[Path]] = []
    for reading in readings:
        jars = []
        for jar in reading.pack.names(LIB, ".jar"):
            with contextlib.suppress(DriverError):
                path = reading.pack.path(f"{LIB}/{jar}")
                jars += [path] if holds_class(path, driver_class) else []
        fitting.append(jars)
    for number, jars in enumerate(fitting):
        if not jars:
            found.note(name, f"{NODE_NAMES[number]}: no jar in {LIB} holds {describe(driver_class)}")
        elif len(jars) > 1:
            found.note(
                name,
                f"{NODE_NAMES[number]}: several jars hold it: {describe(', '.join(jar.name for jar in jars))}",
            )
    if all(fitting) and _content(fitting[0][0]) != _content(fitting[1][0]):
        found.note(
            name, f"the nodes differ: {NODE_NAMES[1]} has another one, {describe(str(fitting[1][0].name))}"
        )
    there = [*fitting[0], *fitting[1]]
    if there:
        found.values[name] = str(there[0])


def _content(jar: Path) -> tuple[str, str]:
    from wizard.transaction.move import hash_of_file

    try:
        return jar.name, hash_of_file(jar)
    except OSError:
        return str(jar), ""


def _usual_cache_id(found: PairReading) -> str | None:
    try:
        url = jdbc_url(
            found.values["mysql.host"],
            found.values["mysql.port"],
            found.values["mysql.databases.registry"],
        )
    except KeyError:
        return None
    return f"{found.get('mysql.username')}@{url}"


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
            found.note(
                f"nodes.{number}.home", "the path on this machine; on the node's machine it may differ"
            )


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

    for name, value in list(found.values.items()):
        why = _unusable(value)
        if why is not None and name != PARAMETERS:
            found.drop(name, why)
    _leave_out_parameters(found)
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
    if isinstance(value, Secret):
        text = value.reveal()
        if len(text.encode("utf-8", "surrogatepass")) >= MOST_BYTES:
            return "it is too long for a password"
        return None if _has_utf8(text) else "it is not text"
    if isinstance(value, str) and not _has_utf8(value):
        return "it is not UTF-8"
    if isinstance(value, str) and shown(value, secret=False) not in (value, f'"{value}"'):
        return "it has a password in it, which must not be in a profile"
    return None


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leave_out_parameters(found: PairReading) -> None:
    parameters: dict[str, str | Secret] = {}
    for name, value in found.values.pop(PARAMETERS, {}).items():
        why = None if _PARAMETER_NAME.fullmatch(name) else "invalid characters in its name"
        why = why or _unusable(value)
        if why is None:
            parameters[name] = value
        else:
            found.note(PARAMETERS, f"left out the parameter {describe(name)}: {why}")
    for name, value in parameters.items():
        found.values[f"{PARAMETERS}.{name}"] = value


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
    if name.startswith(f"{PARAMETERS}."):  # a parameter's own name may have a dot
        return (*PARAMETERS.split("."), name.removeprefix(f"{PARAMETERS}."))
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
    content = text(found, {name: {"file": file.name} for name, file in files.items()})
    made: list[Path] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, file in files.items():
            made.append(file)
            write_durably(file, _for_a_file(secrets[name].reveal()), mode=0o600)
        made.append(path)
        write_durably(path, content.encode(), mode=0o600)
        trust.note_written(path, content)
    except OSError as problem:
        for file in made:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
        raise Failed(
            f"it cannot be written: {problem.strerror}",
            place=str(path),
            fix="check the free space and the mode of its folder",
        ) from None


def _for_a_file(password: str) -> bytes:
    """Return a file content that is read as this password: one line end at the end, also `\\r\\n`, is dropped."""
    return (password if password.endswith("\r") else f"{password}\n").encode()


def text(found: PairReading, references: Mapping[str, Mapping[str, str]]) -> str:
    """The profile as TOML, with the notes as comments; `references` replace the passwords, by field."""
    noted: set[str] = set()
    body: list[str] = []
    for table in tables():
        own = [key for key in keys().values() if key.table == table and key.key != "schema_version"]
        for number in (0, 1) if table == "nodes" else (0,):
            lines = [
                line for key in own for line in _lines(key, _own(key.key, number), found, references, noted)
            ]
            if lines:
                body += ["", "[[nodes]]" if table == "nodes" else f"[{table}]", *lines]
    head = ["# Read from two homes by: apimha-wizard profile from-homes"]
    head += [f"# {escaped(note)}" for name in found.notes if name not in noted for note in found.notes[name]]
    return "\n".join([*head, "", f"schema_version = {SCHEMA_VERSION}", *body]) + "\n"


def _lines(
    key: Key,
    name: str,
    found: PairReading,
    references: Mapping[str, Mapping[str, str]],
    noted: set[str],
) -> Iterator[str]:
    names = [name]
    if name == PARAMETERS:
        names += [one for one in {**found.values, **found.notes} if one.startswith(f"{PARAMETERS}.")]
    for one in dict.fromkeys(names):
        noted.add(one)
        for note in found.notes.get(one, []):
            yield f"# {escaped(note)}"
    if name in found.blank:
        yield f'{written_key(key.name)} = ""   # required: fill it in, such as {written(key.default)}'
    elif name in found.missing:
        example = written(key.example(1 if name.startswith("nodes.1.") else 0))
        yield f"# {written_key(key.name)} = {example}   # required: fill it in"
    elif name == PARAMETERS:
        parameters = {
            one.removeprefix(f"{PARAMETERS}."): references.get(one, found.values[one])
            for one in names[1:]
            if one in found.values
        }
        if parameters:
            yield f"{key.name} = {written(parameters)}"
    elif name in found.values:
        yield f"{written_key(key.name)} = {written(references.get(name, found.values[name]))}"
