"""Checks of the pair as a whole: ports and interrupted runs.  They belong to no step and always run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from wizard.pack import ports
from wizard.preflight.checks import CheckContext, check
from wizard.server.process import server_of
from wizard.system import finding, network
from wizard.system.finding import Finding, Fix, SetField
from wizard.verify.unfinished import UNFINISHED, unfinished_runs

if TYPE_CHECKING:
    from wizard.pack.ports import Port
    from wizard.profile.model import Node


@check(
    "ports.clash",
    always=True,
    why="Two ports of the pair on one machine that are equal: the second server does not come up, or only in part.",
    fix="Set another port_offset or another port for one of the nodes.",
)
def clash(context: CheckContext) -> Iterator[Finding]:
    nodes = context.profile.nodes
    together = network.on_one_machine([node.host for node in nodes], resolve=not context.offline)
    groups = [nodes] if together else [(node,) for node in nodes]
    found = False
    for group in groups:
        taken: dict[int, list[tuple[Node, Port]]] = defaultdict(list)
        for node in group:
            for port in _known(node, context):
                taken[port.number].append((node, port))
        shared = {number: owners for number, owners in sorted(taken.items()) if len(owners) > 1}
        shifted = [number for number, owners in shared.items() if _both_shifted(owners, context)]
        if len(shifted) > 1:
            yield _one_offset({number: shared.pop(number) for number in shifted}, context)
        for number, owners in shared.items():
            yield _clash(number, owners, context)
        beyond = [number for number, owners in taken.items() if number > LAST and len(owners) == 1]
        for number in sorted(beyond):
            yield _beyond(number, *taken[number][0], context)
        found = found or bool(shared or shifted or beyond)
    if not found:
        yield finding.ok("no two ports of the pair are equal")


LAST = 65535
"""The highest port that there is."""


def _known(node: Node, context: CheckContext) -> list[Port]:
    """The node's ports, as far as they are known: the offset of a pack that is not here is not."""
    pack = context.packs.get(node.name)
    found = ports.of(node, pack)
    if pack is None and node.port_offset is None:
        return [port for port in found if not port.shifted]
    return found


def _beyond(number: int, node: Node, port: Port, context: CheckContext) -> Finding:
    offset = ports.offset_of(node, context.packs.get(node.name))
    highest = max(p.number for p in _known(node, context) if p.shifted) - offset
    return finding.error(
        f"{port.name} of {node.name} would be {number}, and ports end at {LAST}",
        node=node.name,
        fix=f"set port_offset of {node.name} to {LAST - highest} or less"
        if highest < LAST
        else f"set {port.field} of {node.name} to a lower port",
    )


def _clash(number: int, owners: list[tuple[Node, Port]], context: CheckContext) -> Finding:
    told = " and ".join(f"{port.name} of {node.name}" for node, port in owners[:3])
    node, port = owners[-1]
    other = _other_port(port, node, context, live=False)
    return finding.error(
        f"{number} is the port of {told}",
        node=node.name,
        fix=Fix(f"set {other.label} for {node.name}", other),
    )


def _other_port(port: Port, node: Node, context: CheckContext, *, live: bool) -> SetField:
    """The change that gives the node another port there: its own field where it has one, else the offset."""
    if port.field == "port_offset":
        value = _free_live_offset(context, node) if live else free_offset(context, node)
    else:
        value = free_number(context, port.field, node)
    return SetField(f"nodes.{node.name}.{port.field}", value, f"{port.field} = {value}")


def _both_shifted(owners: list[tuple[Node, Port]], context: CheckContext) -> bool:
    """Whether a port is the same one of both nodes because they have one offset, so that another parts them."""
    (first, one), (second, other) = owners[0], owners[-1]
    if first.name == second.name or one.name != other.name or not (one.shifted and other.shifted):
        return False
    offsets = {ports.offset_of(node, context.packs.get(node.name)) for node in (first, second)}
    return len(offsets) == 1


NAMED = 3
"""So many of the ports that one offset parts are told with their names."""


def _one_offset(shared: Mapping[int, list[tuple[Node, Port]]], context: CheckContext) -> Finding:
    """All ports that clash because the two offsets are equal: one cause, one finding, one fix."""
    owners = next(iter(shared.values()))
    first, node = owners[0][0], owners[-1][0]
    told = [
        f"{number} ({owners[0][1].name})" if place < NAMED else str(number)
        for place, (number, owners) in enumerate(shared.items())
    ]
    value = free_offset(context, node)
    return finding.error(
        f"{len(shared)} ports of {node.name} are those of {first.name}, since both have one offset: {', '.join(told)}",
        node=node.name,
        fix=Fix(
            f"set port_offset = {value} for {node.name}",
            SetField(f"nodes.{node.name}.port_offset", value, f"port_offset = {value}"),
        ),
    )


def _used(context: CheckContext, but: Node) -> set[int]:
    return {
        port.number
        for node in context.profile.nodes
        if node.name != but.name
        for port in _known(node, context)
    }


def free_number(context: CheckContext, field: str, node: Node) -> int:
    """The next value for one of a node's own ports at which the server opens a port that nobody of the pair has.

    Where the offsets keep the two nodes apart it is the other node's value: one number in both files.
    """
    found = ports.of(node, context.packs.get(node.name))
    own = {p.number for p in found if p.source != field}
    used = _used(context, node) | own
    there: int = getattr(node, field)
    shift = next(p.number for p in found if p.source == field) - there
    other: int = getattr(context.profile.partner(node), field)
    candidates = [other, *range(there + 1, LAST + 1 - shift), *range(1024, there)]
    return next((value for value in candidates if value != there and value + shift not in used), there)


def free_offset(context: CheckContext, node: Node) -> int:
    """The smallest offset that keeps this node's shifted ports apart from every other port of the pair."""
    return _offset_such_that(context, node, range(1, 20000), lambda number: True)


def _offset_such_that(
    context: CheckContext, node: Node, offsets: Iterable[int], fits: Callable[[int], bool]
) -> int:
    """The first of these offsets at which no port of the pair is taken and each shifted one fits; else today's."""
    pack = context.packs.get(node.name)
    there = ports.offset_of(node, pack)
    own = ports.of(node, pack)
    shifted = [p.number - there for p in own if p.shifted]
    used = _used(context, node) | {p.number for p in own if not p.shifted}
    for offset in offsets:
        numbers = [number + offset for number in shifted]
        if offset != there and used.isdisjoint(numbers) and all(map(fits, numbers)):
            return offset
    return there


@check(
    "ports.free",
    live=True,
    always=True,
    why="What listens on a port of the node keeps the server from coming up.",
    fix="Stop what listens there, or set another port_offset or port.",
)
def free(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if not network.is_this_machine(node.host, resolve=True):
            yield finding.skipped("the ports of the other machine are not seen from here", node=node.name)
            continue
        pack = context.packs.get(node.name)
        if pack is not None and server_of(pack.home) is not None:
            yield finding.ok("the node's own server holds its ports", node=node.name)
            continue
        taken = [port for port in ports.of(node, pack) if not is_free(port.number)]
        for port in taken:
            from wizard.preflight.listener import who_listens

            holder = who_listens(port.number)
            told = f", held by {holder}" if holder else ""
            other = _other_port(port, node, context, live=True)
            yield finding.error(
                f"something listens on {port.number} ({port.name}){told}",
                node=node.name,
                fix=Fix(f"stop it, or set {other.label} for {node.name}", other),
            )
        if not taken:
            yield finding.ok("all ports are free", node=node.name)


def _free_live_offset(context: CheckContext, node: Node) -> int:
    """An offset at which nothing of the pair and nothing else listens now."""
    there = ports.offset_of(node, context.packs.get(node.name))
    found = _offset_such_that(context, node, range(1, 200), is_free)
    return found if found != there else free_offset(context, node)


def is_free(number: int) -> bool:
    """Whether nothing listens on a TCP port of this machine, IPv4 and IPv6; bound, never connected to."""
    if number > LAST:
        return True  # nothing can; ports.clash says so
    import socket

    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                # As the servers do: a connection that is dying (TIME_WAIT) does not hold a port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, number))
        except OSError as problem:
            import errno

            if problem.errno == errno.EADDRINUSE:
                return False
    return True


@check(
    UNFINISHED,
    always=True,
    why="A run that was interrupted has left the homes between two states.",
    fix="Run apimha-wizard replay or rollback: it restores what the interrupted run had changed.",
)
def unfinished(context: CheckContext) -> Iterator[Finding]:
    homes = {node.name: context.packs[node.name].home for node in context.nodes if node.name in context.packs}
    found = list(unfinished_runs(homes))
    yield from found or [finding.ok("no interrupted run")]


@check(
    "apply.drift",
    severity="warning",
    always=True,
    why="Somebody has changed by hand what a run had configured; the next run would change it back.",
    fix="Look at it with replay --dry-run; take it over into the profile, or let replay change it back.",
)
def drift(context: CheckContext) -> Iterator[Finding]:
    from wizard.preflight.drift import since_last_run

    found = False
    for one in since_last_run(context):
        found = True
        yield finding.warning(
            f"{one.path} was changed by hand since the run {one.run}: {one.what}",
            node=one.node,
            fix=finding.command("replay", " --dry-run   shows the way back line by line"),
        )
    if not found:
        yield finding.ok("nothing that a run configured was changed by hand since")


PAIR_CHECKS = (clash, free, unfinished, drift)
