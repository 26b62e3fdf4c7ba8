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
TENANTS = "repository/tenants"

MOST_ENTRIES = 10_000
LARGEST_ENTRY = 1024 * 1024
LARGEST_TOTAL = 64 * 1024 * 1024
MOST_UNREADABLE = 20
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

    receivers: tuple[Receiver, ...]
    unreadable: tuple[Unreadable, ...]


def receiver_findings(profile: Profile, node: str, home: Path) -> Iterator[Finding]:
    """Whether the receivers of a node synchronise events as the profile says, for `check` and for `verify`."""
    both = profile.event_processor.duplicated_events
    found = look(home)
    broken = [
        (f"{one.path} cannot be read: {one.reason}", f"correct or remove {one.path}")
        for one in found.unreadable[:MOST_UNREADABLE]
    ]
    if (more := len(found.unreadable) - MOST_UNREADABLE) > 0:
        broken.append((f"{more} more receivers and C-Apps cannot be read", "correct or remove them"))
    for message, fix in broken:
        yield finding.warning(message, node=node, fix=fix)
    odd = [one for one in found.receivers if one.duplicated != both]
    if not odd:
        count = len(found.receivers)
        marked = "sent to both nodes by the clients" if both else "synchronised between the nodes"
        yield finding.ok(f"{count} event receiver{'' if count == 1 else 's'}, {marked}", node=node)
        return
    clients = "each event to one node" if both else "every event to both nodes"
    says, set_to = ("true", "false") if both else ("false", "true")
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
    folders = [(home / EVENT_RECEIVERS, home / C_APPS)]
    folders += [(one / "eventreceivers", one / "carbonapps") for one in _listed(home / TENANTS)]
    for receivers, c_apps in folders:
        for path in (*_listed(receivers, ".xml"), *_listed(c_apps, ".car")):
            where = path.relative_to(home).as_posix()
            try:
                if path.suffix == ".car":
                    found.extend(_in_c_app(where, path, unreadable))
                else:
                    found.extend(_receiver(where, bounded.read(path, LARGEST_ENTRY)))
            except (OSError, ValueError, BadArchive) as problem:
                reason = getattr(problem, "strerror", None) or str(problem)
                unreadable.append(Unreadable(where, reason))
    return Receivers(tuple(found), tuple(unreadable))


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
