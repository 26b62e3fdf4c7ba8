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
from wizard.verify.receivers import Receiver, look

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

LOG = "repository/logs/wso2carbon.log"
PERSISTENCE = "persistence/persister/property[@key='persistenceLocation']"
QUOTED = 5
MOST_UNREADABLE = 20
MUCH = 100 * 1024 * 1024
"""Bytes of old state files from which on it is worth a warning."""

UNFINISHED = "apply.unfinished"
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
    rows = zip(
        HOME_IDS,
        (
            link_findings(profile, homes, one_machine=one_machine),
            _receivers(profile, packs),
            _state_files(profile, packs, name),
        ),
        strict=True,
    )
    return [found for id, findings in rows for found in finding.of(id, findings)]


def unfinished_runs(packs: Mapping[str, Pack], name: str) -> list[Finding]:
    """The homes between two states: a run of the wizard was cut off there, or goes on (checks.md)."""
    from wizard.transaction import marker

    found = []
    for node, pack in packs.items():
        try:
            if marker.of(pack.home) is None:
                continue
            from wizard.transaction.runs import unfinished_in

            run = unfinished_in(pack.home)
        except OSError as problem:
            made = finding.warning(
                f"whether a run was cut off in {pack.home} cannot be told: {problem.strerror}",
                node=node,
                fix="let this user read the home and the state folder",
            )
            found.append(made._replace(id=UNFINISHED))
            continue
        if run is not None:
            made = finding.error(
                f"the run {run.run} of {run.owner} goes on or was cut off in {pack.home}",
                node=node,
                fix=f"wait for it, or restore what it had changed: apimha-wizard rollback {name}",
            )
            found.append(made._replace(id=UNFINISHED))
    return found


def _receivers(profile: Profile, packs: Mapping[str, Pack]) -> Iterator[Finding]:
    both = profile.event_processor.duplicated_events
    for node, pack in packs.items():
        found = look(pack.home)
        for one in found.unreadable[:MOST_UNREADABLE]:
            yield finding.warning(
                f"{one.path} cannot be looked into: {one.reason}", node=node, fix=f"mend or remove {one.path}"
            )
        if (more := len(found.unreadable) - MOST_UNREADABLE) > 0:
            yield finding.warning(
                f"{more} more receivers and C-Apps cannot be read", node=node, fix="correct or remove them"
            )
        wrong = [one for one in found.receivers if one.duplicated != both]
        if not wrong:
            marked = "sent to both nodes by the clients" if both else "synchronised between the nodes"
            count = len(found.receivers)
            yield finding.ok(f"{count} event receiver{'' if count == 1 else 's'}, {marked}", node=node)
        elif both:
            yield finding.warning(
                f"these receivers synchronise what both nodes get anyway, so that events count twice: {_names(wrong)}",
                node=node,
                fix="set events.duplicated.in.cluster to true in them, "
                "or event_processor.duplicated_events = false in the profile if the clients send to one node",
            )
        else:
            yield finding.warning(
                f"the nodes do not synchronise these receivers, so that a client has to send to both: {_names(wrong)}",
                node=node,
                fix="set events.duplicated.in.cluster to false in them, "
                "or event_processor.duplicated_events = true in the profile if all clients do",
            )


def _names(receivers: list[Receiver]) -> str:
    shown = ", ".join(f"{one.name} ({one.path})" for one in receivers[:QUOTED])
    return shown + (f" and {len(receivers) - QUOTED} more" if len(receivers) > QUOTED else "")


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
