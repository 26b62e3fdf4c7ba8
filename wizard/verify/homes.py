"""The homes on this machine after the start: whether the server runs, the link, receivers and state files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack.home import EVENT_PROCESSOR, Pack, is_pack
from wizard.server.process import server_of
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding
from wizard.verify.checks import link_findings, receiver_findings
from wizard.verify.clean import LOCATION, plan_cleaning
from wizard.verify.hosts import Hosts

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

LOG = "repository/logs/wso2carbon.log"
PERSISTENCE = "persistence/persister/property[@key='persistenceLocation']"
MUCH = 100 * 1024 * 1024
"""Bytes of old state files that cause a warning."""

HOME_IDS = ("verify.symbolic-link", "verify.event-receivers", "verify.state-files")


def packs_here(profile: Profile, hosts: Hosts) -> dict[str, Pack]:
    """Return the packs whose homes are on this machine, by node.

    On two machines the homes usually have one path: then it is the home of the node whose host is this machine.
    """
    first, second = profile.nodes
    return {
        node.name: Pack(Path(node.home))
        for node in profile.nodes
        if is_pack(Path(node.home)) and (first.home != second.home or hosts.here(node.host))
    }


def alive(node: Node, pack: Pack | None, hosts: Hosts) -> bool | None:
    """Whether the home's server runs, or else the process of its `wso2carbon.pid`; None if unknown."""
    if pack is None or not hosts.here(node.host):
        return None
    if server_of(pack.home) is not None:
        return True
    pid = pack.pid
    return None if pid is None else pack.running == pid


def state_location(profile: Profile, pack: Pack) -> str:
    """Return where the server keeps its state, relative to the home: the profile's value, else the pack's own."""
    if profile.event_processor.persistence_location is not None:
        return str(profile.event_processor.persistence_location)
    try:
        modes = pack.xml(EVENT_PROCESSOR).all("mode")
        ha = next((mode for mode in modes if (mode.get("name") or "").lower() == "ha"), None)
        found = ha.find(PERSISTENCE) if ha is not None else None
    except EditError:
        return LOCATION
    return (found.text.strip() if found is not None else "") or LOCATION


def home_findings(profile: Profile, packs: Mapping[str, Pack], *, one_machine: bool) -> list[Finding]:
    """Return the findings about the homes, each with its id."""
    homes = {node: pack.home for node, pack in packs.items()}
    rows = (
        link_findings(profile, profile.nodes, homes, one_machine=one_machine),
        (one for node, home in homes.items() for one in receiver_findings(profile, node, home)),
        _state_files(profile, packs),
    )
    return [one for id, found in zip(HOME_IDS, rows, strict=True) for one in finding.of(id, found)]


def _state_files(profile: Profile, packs: Mapping[str, Pack]) -> Iterator[Finding]:
    for node, pack in packs.items():
        cleaning = plan_cleaning(pack.home, state_location(profile, pack))
        if not cleaning.count:
            yield finding.ok(f"{cleaning.keep} state files, none to remove", node=node)
            continue
        text = f"{cleaning.count} old state files hold {megabytes(cleaning.frees)}"
        if cleaning.frees >= MUCH:
            yield finding.warning(text, node=node, fix=finding.command("clean"))
        else:
            yield finding.ok(f"{text} (apimha-wizard clean removes them)", node=node)


def megabytes(size: int) -> str:
    """Return bytes as text, such as `3.0 kB`."""
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 2**10:.1f} kB"
