"""What the homes on this machine say after the start: whether the server runs, its receivers, its state files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack.home import EVENT_PROCESSOR, Pack, is_pack
from wizard.server.process import server_of
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding
from wizard.verify.clean import LOCATION, plan_cleaning
from wizard.verify.hosts import Hosts
from wizard.verify.link import link_findings
from wizard.verify.receivers import receiver_findings

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

LOG = "repository/logs/wso2carbon.log"
PERSISTENCE = "persistence/persister/property[@key='persistenceLocation']"
MUCH = 100 * 1024 * 1024
"""Bytes of old state files from which on it is worth a warning."""

HOME_IDS = ("verify.symbolic-link", "verify.event-receivers", "verify.state-files")


def packs_here(profile: Profile, hosts: Hosts) -> dict[str, Pack]:
    """The packs whose homes are on this machine, by node.

    On two machines the homes usually have one path: then it is the home of the node whose host is this machine.
    """
    found = {node.name: Pack(Path(node.home)) for node in profile.nodes if is_pack(Path(node.home))}
    first, second = profile.nodes
    if first.home == second.home:
        return {
            node.name: found[node.name]
            for node in profile.nodes
            if node.name in found and hosts.here(node.host)
        }
    return found


def alive(node: Node, pack: Pack | None, hosts: Hosts) -> bool | None:
    """Whether the home's server runs, or else the process of its `wso2carbon.pid`; None where that cannot be told."""
    if pack is None or not hosts.here(node.host):
        return None
    if server_of(pack.home) is not None:
        return True
    pid = pack.pid
    return None if pid is None else pack.running == pid


def state_location(profile: Profile, pack: Pack) -> str:
    """Where the server keeps its state, relative to the home: the profile's, else the pack's own."""
    if profile.event_processor.persistence_location is not None:
        return str(profile.event_processor.persistence_location)
    try:
        modes = pack.xml(EVENT_PROCESSOR).all("mode")
        ha = next((mode for mode in modes if (mode.get("name") or "").lower() == "ha"), None)
        found = ha.find(PERSISTENCE) if ha is not None else None
    except EditError:
        return LOCATION
    return (found.text.strip() if found is not None else "") or LOCATION


def home_findings(
    profile: Profile, packs: Mapping[str, Pack], *, one_machine: bool, name: str
) -> list[Finding]:
    """The findings about the homes, each with its id; `name` is what people call the profile."""
    homes = {node: pack.home for node, pack in packs.items()}
    receivers = (one for node, home in homes.items() for one in receiver_findings(profile, node, home))
    rows = zip(
        HOME_IDS,
        (
            link_findings(profile, profile.nodes, homes, one_machine=one_machine),
            receivers,
            _state_files(profile, packs, name),
        ),
        strict=True,
    )
    return [found for id, findings in rows for found in finding.of(id, findings)]


def _state_files(profile: Profile, packs: Mapping[str, Pack], name: str) -> Iterator[Finding]:
    for node, pack in packs.items():
        cleaning = plan_cleaning(pack.home, state_location(profile, pack))
        if not cleaning.count:
            yield finding.ok(f"{cleaning.keep} state files, none too old", node=node)
            continue
        text = f"{cleaning.count} old state files hold {megabytes(cleaning.frees)}"
        if cleaning.frees >= MUCH:
            yield finding.warning(text, node=node, fix=f"apimha-wizard clean {name}")
        else:
            yield finding.ok(f"{text} (apimha-wizard clean {name})", node=node)


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 2**10:.1f} kB"
