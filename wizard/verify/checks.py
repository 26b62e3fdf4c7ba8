"""Checks that `check` and `verify` share: the symbolic link, the event receivers, runs that were interrupted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from wizard.pack.archive import Archive, BadArchive
from wizard.pack.home import C_APPS, EVENT_RECEIVERS
from wizard.system import bounded, finding
from wizard.system.bounded import is_folder
from wizard.system.finding import Finding, Fix, SetField
from wizard.transaction.move import ABSENT, state_of

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

UNFINISHED = "apply.unfinished"
"""The id of the check of interrupted runs (checks.md)."""

# --- the symbolic link to the home (procedure 7 and 10) ---


def link_findings(
    profile: Profile,
    nodes: Iterable[Node],
    here: Mapping[str, Path],
    *,
    one_machine: bool,
    planned: bool = False,
) -> Iterator[Finding]:
    """One finding per node; `here` has the homes on this machine.

    `planned`: a run follows that creates a missing link.
    """
    link = profile.spark.symbolic_link
    first, second = profile.nodes
    if one_machine:
        yield finding.ok("both homes are on one machine: no link is needed")
    elif link is None and first.home == second.home:
        yield finding.ok("the homes have one path on both machines: no link is needed")
    elif link is None:
        yield finding.error(
            f"the homes differ ({first.home}, {second.home}) on two machines, and no common path is set",
            fix='set spark.symbolic_link to a path that is free on both machines, like "/opt/analytics", and replay',
        )
    for node in nodes if link is not None and not one_machine else ():
        if node.name in here:
            yield _link_of(node, Path(str(link)), here[node.name], planned=planned)
            continue
        on = f"on {node.host}: "
        fix = Fix(f"{on}cd {link} && pwd -P   (must print {node.home})")
        if planned:
            fix = finding.command("replay", f" --node {node.name}", before=on)
        yield finding.skipped(f"{link} is on the machine of {node.name}", node=node.name, fix=fix)


def _link_of(node: Node, link: Path, home: Path, *, planned: bool) -> Finding:
    missing = state_of(link) == ABSENT
    problem = obstacle(link, home) if planned or not missing else None
    if not planned and problem is None:
        try:
            os.scandir(link).close()
        except OSError as error:
            problem = f"{link} cannot be opened: {error.strerror}", _create(link, home)
    if problem is not None:
        return finding.error(problem[0], node=node.name, evidence=str(link), fix=problem[1])
    points = "will point" if missing else "points"
    return finding.ok(f"{link} {points} to {home}", node=node.name, evidence=str(link))


def obstacle(link: Path, home: Path) -> tuple[str, str] | None:
    """Return what prevents creating the link, with its fix; None if nothing does or the link exists."""
    there, target, parent = state_of(link), os.path.realpath(link), link.parent
    if target == os.path.realpath(home):
        return None  # a link to the home, or the home itself
    if there.kind == "link":
        return f"{link} points to {target}, not to {home}", _create(link, home)
    if there != ABSENT:
        move = f"move {link} away, or choose another spark.symbolic_link"
        return f"{link} exists and is not a symbolic link", move
    if not is_folder(parent):
        return f"the folder of {link} is missing", f"mkdir -p {quote(str(parent))}"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"no permission to create a link in {parent}", f"let this user write into {parent}"
    return None


def _create(link: Path, home: Path) -> str:
    return f"ln -sfn {quote(str(home))} {quote(str(link))}"


# --- event receivers, and whether they receive every event on both nodes (procedure 6) ---

PROPERTY = "events.duplicated.in.cluster"
TENANTS = "repository/tenants"

MOST_ENTRIES = 10_000
LARGEST_ENTRY = 1024 * 1024
LARGEST_TOTAL = 64 * 1024 * 1024
QUOTED = 5


class Receiver(NamedTuple):
    """An event receiver: `path` is relative to the home, after a `!` the entry of a C-App.

    `duplicated` is its property `events.duplicated.in.cluster`: the clients send every event to both nodes, so the
    nodes do not synchronise it.
    """

    path: str
    name: str
    duplicated: bool


class Unreadable(NamedTuple):
    """A receiver or a C-App that could not be read, and why."""

    path: str
    reason: str


class Receivers(NamedTuple):
    """The receivers of a home, and what could not be read, in the order of the paths."""

    receivers: list[Receiver]
    unreadable: list[Unreadable]


def receiver_findings(profile: Profile, node: str, home: Path) -> Iterator[Finding]:
    """Whether the receivers of a node synchronise events as the profile says."""
    both, (receivers, unreadable) = profile.event_processor.duplicated_events, receivers_of(home)
    if unreadable:
        names = _first([f"{path} ({reason})" for path, reason in unreadable])
        yield finding.warning(f"cannot read {names}", node=node, fix="correct or remove what cannot be read")
    odd = [one for one in receivers if one.duplicated != both]
    if not odd:
        marked = "sent to both nodes by the clients" if both else "synchronised between the nodes"
        count = f"{len(receivers)} event receiver{'' if len(receivers) == 1 else 's'}"
        yield finding.ok(f"{count}, {marked}", node=node)
        return
    clients = "each event to one node" if both else "every event to both nodes"
    says, set_to = ("true", "false") if both else ("false", "true")
    names = _first([f"{one.name} ({one.path})" for one in odd])
    effect = "duplicated events" if both else "missing events, unless the clients send each to both nodes"
    fix = Fix(
        f"set event_processor.duplicated_events = {set_to} if the clients send {clients}, "
        f"else set {PROPERTY} to {says} in the receivers",
        SetField("event_processor.duplicated_events", not both, f"duplicated events: {set_to}"),
    )
    message = f"duplicated_events is {says}, but {PROPERTY} is {set_to} in {names}: {effect}"
    yield finding.warning(message, node=node, fix=fix)


def _first(texts: list[str]) -> str:
    more = f" and {len(texts) - QUOTED} more" if len(texts) > QUOTED else ""
    return ", ".join(texts[:QUOTED]) + more


def receivers_of(home: Path) -> Receivers:
    """Return the event receivers of a home and what could not be read.

    Never raises: an archive that is broken, encrypted or too large inside is reported.
    """
    found = Receivers([], [])
    folders = [(home / EVENT_RECEIVERS, home / C_APPS)]
    folders += [(one / "eventreceivers", one / "carbonapps") for one in _listed(home / TENANTS)]
    for receivers, c_apps in folders:
        for path in (*_listed(receivers, ".xml"), *_listed(c_apps, ".car")):
            where = path.relative_to(home).as_posix()
            try:
                if path.suffix == ".car":
                    found.receivers.extend(_in_c_app(where, path, found.unreadable))
                else:
                    found.receivers.extend(_receiver(where, bounded.read(path, LARGEST_ENTRY)))
            except (OSError, ValueError, BadArchive) as problem:
                reason = getattr(problem, "strerror", None) or str(problem)
                found.unreadable.append(Unreadable(where, reason))
    return found


def _listed(folder: Path, suffix: str = "") -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in paths if not suffix or (path.suffix == suffix and not path.is_dir())]


def _in_c_app(where: str, path: Path, unreadable: list[Unreadable]) -> Iterator[Receiver]:
    """Yield the receivers in a C-App, which is a zip with a folder for each artifact.

    Nothing is unpacked.  The archive's own sizes are not trusted: each entry is read up to a bound.
    """
    read = 0
    with Archive(path) as archive:
        if len(archive.members) > MOST_ENTRIES:
            raise ValueError(f"has {len(archive.members)} entries: too many to be a C-App")
        for entry in archive.members:
            if not entry.filename.lower().endswith(".xml"):
                continue
            content = archive.head(entry, LARGEST_ENTRY + 1)
            read += len(content)
            if read > LARGEST_TOTAL:
                raise ValueError("inflates to too much to be a C-App")
            if len(content) > LARGEST_ENTRY:
                continue  # an event receiver has a few kilobytes
            inside = f"{where}!{entry.filename}"
            try:
                yield from _receiver(inside, content)
            except ValueError as problem:
                if b"eventReceiver" in content:  # other artifacts may be anything
                    unreadable.append(Unreadable(inside, str(problem)))


def _receiver(path: str, content: bytes) -> list[Receiver]:
    """Return the receiver that an XML document defines; none if it is of another kind.  `ValueError`: broken."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as problem:
        raise ValueError(f"is not well-formed: {problem}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise ValueError("has a DOCTYPE")
    if etree.QName(root).localname != "eventReceiver":
        return []
    values = [one.text for one in root.iterfind("{*}from/{*}property") if one.get("name") == PROPERTY]
    duplicated = bool(values) and (values[-1] or "").strip().lower() == "true"
    return [Receiver(path, root.get("name") or Path(path).stem, duplicated)]


# --- homes between two states ---


def unfinished_runs(homes: Mapping[str, Path], *, locked: bool = False) -> Iterator[Finding]:
    """Yield an error for each home, by node, in which a run is at work or was interrupted.

    A warning where the marker cannot be read: a run tries again with the home locked, and stops there.  `locked`: this
    process holds the locks of the homes, so that no other run is at work in them.
    """
    from wizard.transaction import marker, recovery, runs

    for node, home in homes.items():
        try:
            there = runs.unfinished_in(home)
        except OSError as problem:
            message = f"cannot read whether a run was interrupted in {home}: {problem.strerror}"
            yield finding.warning(message, node=node, fix="let this user read the home and the state folder")
            continue
        if there is None:
            continue
        run = f"the run {there.run} of {there.owner}"
        if not locked and marker.held(home):
            fix: Fix | str = "wait until it has ended, then try again"
            yield finding.error(f"{run} is at work in {home}", node=node, fix=fix)
            continue
        fix = finding.command("rollback", "   (restores what it had changed)")
        if runs.whole(there.run) is None:
            fix = recovery.unreadable(there, home).fix or fix
        yield finding.error(f"{run} was interrupted in {home}", node=node, fix=fix)
