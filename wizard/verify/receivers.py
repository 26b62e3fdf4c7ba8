"""Event receivers of a home that are marked as getting every event on both nodes (procedure 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wizard.pack.archive import Archive, BadArchive
from wizard.pack.home import C_APPS, EVENT_RECEIVERS
from wizard.system import bounded

PROPERTY = "events.duplicated.in.cluster"
SUPER_TENANT = "-1234"
TENANTS = "repository/tenants"

MOST_ENTRIES = 10_000
LARGEST_ENTRY = 1024 * 1024
LARGEST_TOTAL = 64 * 1024 * 1024


class Receiver(NamedTuple):
    """An event receiver: `path` is relative to the home, behind a `!` the entry of a C-App.

    `duplicated` is its property `events.duplicated.in.cluster`: the clients send every event to both nodes,
    so the nodes do not synchronise it.  `tenant` is the tenant's id.
    """

    path: str
    name: str
    duplicated: bool
    tenant: str = SUPER_TENANT


class Unreadable(NamedTuple):
    """A receiver or a C-App that could not be looked into, and why."""

    path: str
    reason: str


class Receivers(NamedTuple):
    """What a home deploys, in the order of the paths."""

    receivers: tuple[Receiver, ...]
    unreadable: tuple[Unreadable, ...]


def duplicated_receivers(home: Path) -> list[Receiver]:
    """All event receivers of a home, of every tenant and inside its C-Apps; see `look`."""
    return list(look(home).receivers)


def look(home: Path) -> Receivers:
    """The event receivers of a home and what could not be read.

    Never raises for what it finds: an archive that is broken, encrypted or too large inside is reported.
    """
    found: list[Receiver] = []
    unreadable: list[Unreadable] = []
    for tenant, receivers, c_apps in _folders(home):
        for path in _files(receivers, ".xml"):
            where = _relative(home, path)
            try:
                one = _receiver(where, bounded.read(path, LARGEST_ENTRY), tenant)
            except (OSError, ValueError) as problem:
                unreadable.append(Unreadable(where, _reason(problem)))
            else:
                found.extend([one] if one is not None else [])
        for path in _files(c_apps, ".car"):
            where = _relative(home, path)
            try:
                found.extend(_in_c_app(where, path, tenant, unreadable))
            except (OSError, ValueError, BadArchive) as problem:
                unreadable.append(Unreadable(where, _reason(problem)))
    return Receivers(tuple(found), tuple(unreadable))


def _folders(home: Path) -> Iterator[tuple[str, Path, Path]]:
    yield SUPER_TENANT, home / EVENT_RECEIVERS, home / C_APPS
    tenants = home / TENANTS
    for name in _names(tenants):
        yield name, tenants / name / "eventreceivers", tenants / name / "carbonapps"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []


def _files(folder: Path, suffix: str) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(suffix) and not path.is_dir())
    except OSError:
        return []


def _relative(home: Path, path: Path) -> str:
    return path.relative_to(home).as_posix()


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem)


def _in_c_app(where: str, path: Path, tenant: str, unreadable: list[Unreadable]) -> Iterator[Receiver]:
    """The receivers inside a C-App, which is a zip with a folder for each artifact.

    Nothing of it is unpacked.  The sizes that the archive claims are not trusted: each entry is read up to a
    bound.
    """
    read = 0
    with Archive(path) as archive:
        if len(archive.members) > MOST_ENTRIES:
            raise ValueError(f"has {len(archive.members)} entries: too many to be a C-App")
        for entry in archive.members:
            if not entry.filename.lower().endswith(
                ".xml"
            ):  # a folder ends in a slash; a broken name may be empty
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
                if b"eventReceiver" in content:  # other artifacts of a C-App may be what they like
                    unreadable.append(Unreadable(inside, str(problem)))
            else:
                yield from [one] if one is not None else []


def _receiver(path: str, content: bytes, tenant: str) -> Receiver | None:
    """The receiver that an XML document defines; None if it is of another kind.  `ValueError`: broken."""
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
