"""Checks of the pair as a whole: ports, interrupted runs, drift.  They belong to no step and always run."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack import ports
from wizard.preflight.checks import Check, CheckContext, each_node
from wizard.server.process import server_of
from wizard.system import bounded, finding, network
from wizard.system.finding import Finding, Fix, SetField
from wizard.verify.checks import UNFINISHED, unfinished_runs

if TYPE_CHECKING:
    from wizard.pack.ports import Port
    from wizard.profile.model import Node

LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""

LAST = 65535
"""The highest port."""

_NAMED = 3
"""How many of the ports that clash by one offset are listed with their names."""

Owner = tuple["Node", "Port"]


@Check(
    "ports.clash",
    field="nodes.port_offset",
    always=True,
    why="Two ports of the pair on one machine are equal: the second server does not start, or only partly.",
    fix="Set another port_offset or another port for one of the nodes.",
    passed="no two ports of the pair are equal",
)
def clash(context: CheckContext) -> Iterator[Finding]:
    nodes = context.profile.nodes
    together = network.on_one_machine([node.host for node in nodes], resolve=not context.offline)
    for group in [nodes] if together else [(node,) for node in nodes]:
        taken: dict[int, list[Owner]] = defaultdict(list)
        for node in group:
            for port in _known(node, context):
                taken[port.number].append((node, port))
        shared = {number: owners for number, owners in sorted(taken.items()) if len(owners) > 1}
        shifted = {number: one for number, one in shared.items() if _have_one_offset(one, context)}
        if shifted:  # one cause, one finding, one fix
            yield _clash(shifted, "port_offset", context)
        for number, owners in shared.items():
            if number not in shifted:
                yield _clash({number: owners}, owners[-1][1].field, context)
        beyond = sorted(number for number, owners in taken.items() if number > LAST and len(owners) == 1)
        yield from (_beyond(number, *taken[number][0], context) for number in beyond)


def _offset(node: Node, context: CheckContext) -> int:
    return ports.offset_of(node, context.packs.get(node.name))


def _known(node: Node, context: CheckContext) -> list[Port]:
    """Return the node's ports that are known: without its pack and `port_offset`, those without the offset."""
    pack = context.packs.get(node.name)
    known = pack is not None or node.port_offset is not None
    return [port for port in ports.of(node, pack) if known or not port.shifted]


def _beyond(number: int, node: Node, port: Port, context: CheckContext) -> Finding:
    highest = max(p.number for p in _known(node, context) if p.shifted) - _offset(node, context)
    field, value = (
        ("port_offset", f"{LAST - highest} or less") if highest < LAST else (port.field, "a lower port")
    )
    fix = f"set {field} of {node.name} to {value}"
    text = f"{port.name} of {node.name} would be {number}, and the highest port is {LAST}"
    return finding.error(text, node=node.name, fix=fix)


def _have_one_offset(owners: list[Owner], context: CheckContext) -> bool:
    """Whether the same port of both nodes is equal because their offsets are, so that another offset helps."""
    (first, one), (second, other) = owners[0], owners[-1]
    same = first.name != second.name and one.name == other.name and one.shifted and other.shifted
    return same and _offset(first, context) == _offset(second, context)


def _clash(shared: dict[int, list[Owner]], field: str, context: CheckContext) -> Finding:
    """Report a number that is the port of several, or all those that are equal because the two offsets are."""
    owners = next(iter(shared.values()))
    first, node = owners[0][0], owners[-1][0]
    if len(shared) == 1:
        whose = " and ".join(f"{port.name} of {node.name}" for node, port in owners[:3])
        text = f"{next(iter(shared))} is the port of {whose}"
    else:
        numbers = [
            f"{number} ({owners[0][1].name})" if place < _NAMED else str(number)
            for place, (number, owners) in enumerate(shared.items())
        ]
        text = f"{len(shared)} ports of {node.name} equal those of {first.name}, since both have the same offset: "
        text += ", ".join(numbers)
    return finding.error(text, node=node.name, fix=_other_port(field, node, context))


# --- a free port --------------------------------------------------------------------------------------------


def _other_port(
    field: str, node: Node, context: CheckContext, before: str = "", *, live: bool = False
) -> Fix:
    """Return the fix that sets another value for a field of the node; `before` is the text of another way.

    `live`: an offset at which nothing else listens now.
    """
    value = _free_offset(node, context, live=live) if field == "port_offset" else _free(field, node, context)
    setting = SetField(f"nodes.{node.name}.{field}", value, f"{field} = {value}")
    return Fix(f"{before}set {setting.label} for {node.name}", setting)


def _used(node: Node, context: CheckContext) -> set[int]:
    """Return the ports of the other node."""
    return {port.number for port in _known(context.profile.partner(node), context)}


def _free(field: str, node: Node, context: CheckContext) -> int:
    """Return the next value of one of a node's own ports at which no other port of the pair is opened.

    If the offsets keep the two nodes apart it is the other node's value: one number in both files.
    """
    found = ports.of(node, context.packs.get(node.name))
    used = _used(node, context) | {port.number for port in found if port.field != field}
    now: int = getattr(node, field)
    shift = next(port.number for port in found if port.field == field) - now
    other: int = getattr(context.profile.partner(node), field)
    candidates = [other, *range(now + 1, LAST + 1 - shift), *range(1024, now)]
    return next((value for value in candidates if value != now and value + shift not in used), now)


def _free_offset(node: Node, context: CheckContext, *, live: bool) -> int:
    """Return the smallest other offset that keeps this node's shifted ports apart from all others of the pair.

    `live`: preferably one at which nothing listens now on these ports.
    """
    now, own = _offset(node, context), ports.of(node, context.packs.get(node.name))
    shifted = [port.number - now for port in own if port.shifted]
    used = _used(node, context) | {port.number for port in own if not port.shifted}

    def fits(offset: int, *, live: bool) -> bool:
        numbers = [number + offset for number in shifted]
        return offset != now and used.isdisjoint(numbers) and (not live or all(map(is_free, numbers)))

    unused = (offset for offset in range(1, 200) if live and fits(offset, live=True))
    return next(chain(unused, (offset for offset in range(1, 20000) if fits(offset, live=False))), now)


@Check(
    "ports.free",
    field="nodes.port_offset",
    live=True,
    always=True,
    why="A server does not start if another process listens on one of its ports.",
    fix="Stop that process, or set another port_offset or port.",
)
@each_node
def free(context: CheckContext, node: Node) -> Iterator[Finding]:
    pack = context.packs.get(node.name)
    if not network.is_this_machine(node.host, resolve=True):
        yield finding.skipped("the ports of the other machine cannot be tested from here")
    elif pack is not None and server_of(pack.home) is not None:
        yield finding.ok("the node's own server uses its ports")
    elif taken := [port for port in ports.of(node, pack) if not is_free(port.number)]:
        for port in taken:
            holder = who_listens(port.number) or "another process"
            fix = _other_port(port.field, node, context, "stop it, or ", live=True)
            yield finding.error(f"{holder} listens on {port.number} ({port.name})", fix=fix)
    else:
        yield finding.ok("all ports are free")


def is_free(number: int) -> bool:
    """Whether nothing listens on a TCP port of this machine, IPv4 and IPv6; tested by binding it."""
    if number > LAST:
        return True  # reported by ports.clash
    import errno
    import socket

    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            # As the servers do: a closing connection (TIME_WAIT) does not hold a port.
            socket.create_server((address, number), family=family).close()
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return False
    return True


def who_listens(number: int) -> str | None:
    """Return name and id of the process that listens on the port, like `java (1234)`; None if not visible."""
    inodes = _inodes(number)
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            links = {os.readlink(one.path) for one in os.scandir(process / "fd")}
            if not inodes.isdisjoint(links):
                return f"{bounded.read_text(process / 'comm').strip()} ({process.name})"
    return None


def _inodes(number: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for columns in map(str.split, bounded.read_text(table).splitlines()[1:]):
                if columns[3] == LISTEN and int(columns[1].rpartition(":")[2], 16) == number:
                    found.add(f"socket:[{columns[9]}]")
    return found


# --- runs ---------------------------------------------------------------------------------------------------


@Check(
    UNFINISHED,
    always=True,
    why="A run that was interrupted has left the homes between two states.",
    fix="Run apimha-wizard replay or rollback: it restores what the interrupted run had changed.",
    passed="no interrupted run",
)
def unfinished(context: CheckContext) -> Iterator[Finding]:
    yield from unfinished_runs({node.name: pack.home for node, pack in context.homes})


@Check(
    "apply.drift",
    severity="warning",
    always=True,
    why="A file that a run had configured was changed by hand; the next run would change it back.",
    fix=finding.command(
        "replay",
        " --dry-run   shows line by line what replay would restore; or add the change to the profile",
    ),
    passed="nothing that a run configured was changed by hand since",
)
def drift(context: CheckContext) -> Iterator[Finding]:
    from wizard.preflight.drift import since_last_run

    for one in since_last_run(context):
        what = f"{one.path} was changed by hand since the run {one.run}: {one.what}"
        yield finding.warning(what, node=one.node)


PAIR_CHECKS = (clash, free, unfinished, drift)
