"""The event receivers of a home, and whether they receive every event on both nodes (procedure 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.pack.archive import Archive, BadArchive
from wizard.pack.home import C_APPS, EVENT_RECEIVERS
from wizard.system import bounded, finding
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.profile.model import Profile

PROPERTY = "events.duplicated.in.cluster"
SUPER_TENANT = "-1234"
TENANTS = "repository/tenants"

MOST_ENTRIES = 10_000
LARGEST_ENTRY = 1024 * 1024
LARGEST_TOTAL = 64 * 1024 * 1024
MOST_UNREADABLE = 20
QUOTED = 5


class Receiver(NamedTuple):
    """An event receiver: `path` is relative to the home, after a `!` the entry of a C-App.

    `duplicated` is its property `events.duplicated.in.cluster`: the clients send every event to both nodes, so the
    nodes do not synchronise it.  `tenant` is the tenant's id.
    """

    path: str
    name: str
    duplicated: bool
    tenant: str = SUPER_TENANT


class Unreadable(NamedTuple):
    """A receiver or a C-App that could not be read, and why."""

    path: str
    reason: str


class Receivers(NamedTuple):
    """The receivers of a home, and what could not be read, in the order of the paths."""

    receivers: tuple[Receiver, ...]
    unreadable: tuple[Unreadable, ...]


def receiver_findings(profile: Profile, node: str, home: Path) -> Iterator[Finding]:
    """Whether the receivers of a node synchronise events as the profile says, for `check` and for `verify`."""
    both = profile.event_processor.duplicated_events
    found = look(home)
    for one in found.unreadable[:MOST_UNREADABLE]:
        yield finding.warning(
            f"{one.path} cannot be read: {one.reason}", node=node, fix=f"correct or remove {one.path}"
        )
    if (more := len(found.unreadable) - MOST_UNREADABLE) > 0:
        yield finding.warning(
            f"{more} more receivers and C-Apps cannot be read", node=node, fix="correct or remove them"
        )
    odd = [one for one in found.receivers if one.duplicated != both]
    if not odd:
        count = len(found.receivers)
        marked = "sent to both nodes by the clients" if both else "synchronised between the nodes"
        yield finding.ok(f"{count} event receiver{'' if count == 1 else 's'}, {marked}", node=node)
        return
    clients, says, set_to = ("each event to one node", "true", "false")
    if not both:
        clients, says, set_to = ("every event to both nodes", "false", "true")
    names = ", ".join(f"{one.name} ({one.path})" for one in odd[:QUOTED])
    names += f" and {len(odd) - QUOTED} more" if len(odd) > QUOTED else ""
    effect = "duplicated events" if both else "missing events, unless the clients send each to both nodes"
    yield finding.warning(
        f"duplicated_events is {says}, but {PROPERTY} is {set_to} in {names}: {effect}",
        node=node,
        fix=Fix(
            f"set event_processor.duplicated_events = {set_to} if the clients send {clients}, "
            f"else set {PROPERTY} to {says} in the receivers",
            SetField("event_processor.duplicated_events", not both, f"duplicated events: {set_to}"),
        ),
    )


def look(home: Path) -> Receivers:
    """Return the event receivers of a home and what could not be read.

    Never raises: an archive that is broken, encrypted or too large inside is reported.
    """
    found: list[Receiver] = []
    unreadable: list[Unreadable] = []
    for tenant, receivers, c_apps in _folders(home):
        for path in (*_files(receivers, ".xml"), *_files(c_apps, ".car")):
            where = path.relative_to(home).as_posix()
            try:
                if path.suffix == ".car":
                    found.extend(_in_c_app(where, path, tenant, unreadable))
                elif one := _receiver(where, bounded.read(path, LARGEST_ENTRY), tenant):
                    found.append(one)
            except (OSError, ValueError, BadArchive) as problem:
                reason = getattr(problem, "strerror", None) or str(problem)
                unreadable.append(Unreadable(where, reason))
    return Receivers(tuple(found), tuple(unreadable))


def _folders(home: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield each tenant with the folders of its receivers and of its C-Apps."""
    yield SUPER_TENANT, home / EVENT_RECEIVERS, home / C_APPS
    for folder in _listed(home / TENANTS):
        yield folder.name, folder / "eventreceivers", folder / "carbonapps"


def _files(folder: Path, suffix: str) -> list[Path]:
    return [path for path in _listed(folder) if path.name.endswith(suffix) and not path.is_dir()]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _in_c_app(where: str, path: Path, tenant: str, unreadable: list[Unreadable]) -> Iterator[Receiver]:
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
                one = _receiver(inside, content, tenant)
            except ValueError as problem:
                if b"eventReceiver" in content:  # other artifacts may be anything
                    unreadable.append(Unreadable(inside, str(problem)))
            else:
                yield from [one] if one is not None else []


def _receiver(path: str, content: bytes, tenant: str) -> Receiver | None:
    """Return the receiver that an XML document defines; None if it is of another kind.  `ValueError`: broken."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as problem:
        raise ValueError(f"is not well-formed: {problem}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise ValueError("has a DOCTYPE")
    if etree.QName(root).localname != "eventReceiver":
        return None
    values = [
        (element.text or "").strip()
        for element in root.iterfind("{*}from/{*}property")
        if element.get("name") == PROPERTY
    ]
    duplicated = bool(values) and values[-1].lower() == "true"
    return Receiver(path, root.get("name") or Path(path).stem, duplicated, tenant)
