"""The checks of step 1 about the homes: what they are, whether they are apart, stopped and writable (procedure 1)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from wizard.pack import releases
from wizard.pack.home import CARBON, is_pack
from wizard.preflight.checks import Check, CheckContext, each_home, each_node, each_plan
from wizard.server.process import server_of
from wizard.system import finding, locations, network
from wizard.system.bounded import is_folder
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.plan.planner import NodePlan, Plan
    from wizard.profile.model import Node


@Check(
    "prerequisites.home",
    field="nodes.home",
    always=True,
    why="A home is the folder of an unpacked pack: it holds repository/conf/carbon.xml.",
    fix="Correct nodes.home, or unpack the pack there.",
)
@each_node
def home(context: CheckContext, node: Node) -> Iterator[Finding]:
    path, pack = Path(node.home), context.packs.get(node.name)
    correct = f"correct the home of {node.name}, or"
    if not os.path.lexists(path) and context.only_node is not None:
        yield finding.error(f"{path} does not exist", fix=f"{correct} unpack the pack there")
    elif not os.path.lexists(path):
        before = f"{correct}, if it is on another machine, run there: "
        fix = finding.command("replay", f" --node {node.name}", before=before)
        yield finding.error(f"{path} is not on this machine", fix=fix)
    elif not os.path.isdir(path):
        name_it = f"set the home of {node.name} to the folder of the unpacked pack"
        yield finding.error(f"{path} is not a folder", fix=name_it)
    elif not is_pack(path):
        inside = next((sub for sub in _folders(path) if is_pack(sub)), None)
        name_it = f'set home = "{inside}"' if inside else f"name the folder that holds {CARBON}"
        yield finding.error(f"{path} is not a pack: it has no {CARBON}", fix=name_it)
    elif pack is None:
        again = "run it again; if it fails again, check the disk"
        yield finding.error(f"{CARBON} in {node.home} could not be read", fix=again)
    else:
        yield finding.ok(f"{pack.title} in {node.home}")


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return sorted(Path(entry.path) for entry in islice(entries, 500) if entry.is_dir())[:50]
    except OSError:
        return []


@Check(
    "prerequisites.this-machine",
    field="nodes.host",
    always=True,
    why="With --node one node is configured on its own machine; on another one its addresses would be wrong.",
    fix="Run it on the machine of that node, or correct nodes.host.",
)
@each_node
def this_machine(context: CheckContext, node: Node) -> Iterator[Finding]:
    here = network.is_this_machine(node.host, resolve=not context.offline)
    if context.only_node is None:
        return  # any of the two machines may be this one
    if here:
        yield finding.ok(f"{node.host} is this machine")
    elif here is None and context.offline:
        yield finding.skipped(f"{node.host} is a name, and names are not resolved offline")
    else:
        yield finding.error(f"{node.host} is not an address of this machine")


@Check(
    "prerequisites.same-home",
    field="nodes.home",
    always=True,
    why="Two nodes that share files overwrite each other's configuration.",
    fix="Unpack the pack twice, into two folders, without links between them.",
)
def same_home(context: CheckContext) -> Iterator[Finding]:
    if len(context.packs) < 2:
        yield finding.ok("one home on this machine")
        return
    first, second = context.profile.nodes
    problem = _shared(context)
    if problem is None:
        yield finding.ok("two homes that share nothing")
    elif network.on_one_machine([first.host, second.host], resolve=not context.offline):
        yield finding.error(problem)
    else:  # one path on both is the usual case; this is one of the two machines
        node = f" --node {first.name}   (and --node {second.name} on the other)"
        two = f"{problem}, and {first.host} and {second.host} are two machines"
        yield finding.error(two, fix=finding.command("replay", node))


def _shared(context: CheckContext) -> str | None:
    """Return what the two homes share, or would share after the run; None if nothing."""
    names = [node.name for node in context.profile.nodes]
    real = [Path(os.path.realpath(context.packs[name].home)) for name in names]
    if real[0] == real[1]:
        return f"both nodes have one home: {real[0]}"
    for outer, inner in (real, real[::-1]):
        if inner.is_relative_to(outer):
            return f"one home is inside the other: {inner}"
    plans = [context.plan.node(name) for name in names]
    one, other = (_identities(context.packs[name], plan) for name, plan in zip(names, plans, strict=True))
    common = one.keys() & other.keys()
    if common:
        return f"both homes have one {min(one[key] for key in common)}"
    # What does not exist yet: a link that leads to where the other node's file will be.
    written = [_targets(plan) for plan in plans]
    twice = written[0] & written[1]
    return f"both nodes would write {min(twice)}" if twice else None


def _targets(plan: NodePlan | None) -> set[str]:
    changes = plan.pending if plan is not None else ()
    return {str(target) for change in changes if change.kind != "symlink" for target in change.targets}


BLOCK = 4096
JOURNAL = 64 * 1024
"""Bytes of a block of a file system, and for the journal, twice."""
CONFIGURATION = ("bin", "dbscripts", "repository/conf")
"""Folders of which everything is compared, up to `MOST_COMPARED` paths of them all: a stock pack has about 300."""
MOST_COMPARED = 5000
FOLDERS = {
    "": "cep_persistence lib modules resources tmp repository",
    "repository": "components data database deployment lib logs resources tenants",
    "repository/components": "dropins extensions features lib patches plugins",
    "repository/deployment": "server",
    "repository/deployment/server": "axis2services carbonapps eventpublishers eventreceivers eventsink eventstreams "
    "executionplans jaggeryapps spark-scripts userstores webapps",
}
"""The other folders that a server writes or loads.  What else a home holds, and how much of it, does not matter."""


def _identities(pack: Pack, plan: NodePlan | None) -> dict[object, str]:
    """Return device and inode of a home's folders, of its configuration files, and of what a run reads."""
    paths = {*CONFIGURATION, *islice(_configuration(pack.home), MOST_COMPARED)}
    paths.update(os.path.join(folder, name) for folder, names in FOLDERS.items() for name in names.split())
    if plan is not None:
        paths |= {change.path for change in plan.changes if change.kind != "symlink"}
    found: dict[object, str] = {}
    for path in sorted(paths):
        with suppress(OSError):
            status = os.stat(pack.path(path))
            found.setdefault((status.st_dev, status.st_ino), path)
    return found


def _configuration(home: Path) -> Iterator[str]:
    """Yield the paths below the folders of the configuration, relative to the home, upper folders first."""
    waiting = deque(CONFIGURATION)
    while waiting:
        folder = waiting.popleft()
        with suppress(OSError), os.scandir(home / folder) as entries:
            for entry in entries:
                yield f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{folder}/{entry.name}")


@Check(
    "prerequisites.files",
    always=True,
    why="What cannot be read with certainty is not edited: the run stops before the first write.",
    fix="Unpack the file again, or correct it at the line that is named.",
)
@each_plan()
def files(context: CheckContext, node: Node, plan: NodePlan) -> Iterator[Finding]:
    yield from plan.problems
    if not plan.problems:
        yield finding.ok(f"{len(plan.changes)} files read, no problems")


@Check(
    "prerequisites.version",
    field="nodes.home",
    why="The two nodes of a pair run the same product in the same version.",
    fix="Unpack the same pack for both.",
)
def version(context: CheckContext) -> Iterator[Finding]:
    titles = {name: _with_kernel(pack) for name, pack in context.packs.items()}
    if len(set(titles.values())) > 1:
        titled = ", ".join(f"{name}: {title}" for name, title in titles.items())
        yield finding.error(f"the packs differ ({titled})")
    elif len(titles) == 2:
        yield finding.ok(f"both nodes: {next(iter(titles.values()))}")
    elif titles:
        yield finding.skipped("only one of the homes is here", fix="use the same pack on the other machine")


@Check(
    "prerequisites.known-pack",
    severity="warning",
    why="Rules of other releases can differ: the versions of their components decide what this wizard writes.",
    fix="Read the diff of --dry-run with care.",
)
@each_home()
def known_pack(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    look = "read the diff with care: "
    if releases.is_known(pack.product, pack.version):
        yield finding.ok(pack.title)
        return
    problem = f"this wizard was never tried with {pack.title}"
    if pack.placeholder:
        kernel, analytics, common = (".".join(map(str, version)) for version in pack.components)
        problem = (
            f"bin/version.txt holds {pack.placeholder}, which the build of the pack did not fill in; rules follow the "
            f"bundles: kernel {kernel}, carbon-analytics {analytics}, carbon-analytics-common {common}"
        )
        look = f"compare the pack with the official one, and {look}"
    yield finding.warning(problem, fix=finding.command("replay", " --dry-run", before=look))


def _with_kernel(pack: Pack) -> str:
    """Return product, version and kernel: several releases share one version string."""
    kernel = ".".join(map(str, pack.kernel))
    return f"{pack.title}, kernel {kernel}" if kernel else pack.title


@Check(
    "prerequisites.running",
    always=True,
    why="A running server can read its files at any time, and writes some of them itself.",
    fix=finding.command("stop", " --node NODE", before="Stop the server: "),
)
@each_plan()
def running(context: CheckContext, node: Node, plan: NodePlan) -> Iterator[Finding]:
    pid = context.packs[node.name].running
    runs = f"the server runs (process {pid})"
    if pid is None:
        yield finding.ok("the server is stopped")
    elif not plan.pending:
        yield finding.ok(f"{runs}, and nothing has to be changed")
    elif context.rolling:
        yield finding.ok(f"{runs}, and is stopped when its turn comes")
    else:
        # For another process than the home's own server, only the launcher's own command helps.
        launcher = f"sh {quote(f'{plan.home}/bin/wso2server.sh')} stop"
        own = finding.command("stop", f" --node {node.name}")
        fix = own if server_of(plan.home) is not None else launcher
        yield finding.error(f"{runs}, and there are files to change", fix=fix)


@Check(
    "prerequisites.writable",
    always=True,
    why="All files are written or none: what cannot be written has to be known before the first one.",
    fix="Run as the owner of the homes (or as root).",
)
@each_plan("every file and folder to write is writable")
def writable(context: CheckContext, node: Node, plan: NodePlan) -> Iterator[Finding]:
    problems = [_unwritable(move.path) for change in plan.pending for move in change.moves]
    if plan.pending:
        problems.insert(0, _denied(plan.home))
    for problem in filter(None, dict.fromkeys(problems)):
        fix = f"run as the owner of the home: sudo -u {quote(_owner(plan.home))} …"
        yield finding.error(problem, fix=fix)


def _denied(folder: Path) -> str | None:
    if os.access(folder, os.W_OK | os.X_OK):
        return None
    return f"{folder}: this user cannot write into the folder"


def _unwritable(path: Path) -> str | None:
    """Return why a file cannot be replaced with its owner and mode kept; None if it can."""
    if not is_folder(path.parent):
        return f"{path.parent}: the folder is missing"
    if denied := _denied(path.parent):
        return denied
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    me = os.geteuid()
    if not os.access(path, os.W_OK):
        return f"{path}: is read-only for this user"
    if me not in (0, status.st_uid):
        return f"{path}: belongs to another user, and only root could keep that owner"
    if me != 0 and status.st_gid not in {os.getegid(), *os.getgroups()}:
        return f"{path}: belongs to a group that this user is not in and could not keep"
    return None


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError):
        return "root"


@Check(
    "prerequisites.space",
    always=True,
    why="A full disk in the middle of a run costs time to undo; free space is checked before.",
    fix="Make room on that file system.",
    passed="there is room for files, backups and journal",
)
def space(context: CheckContext) -> Iterator[Finding]:
    import shutil

    for place, needed in _room_needed(context.plan).items():
        free = shutil.disk_usage(place).free
        if free < needed:
            yield finding.error(f"{place} has {free // 1024} kB free, and {needed // 1024} kB are needed")
            return


def _room_needed(plan: Plan) -> dict[Path, int]:
    """Return folder → bytes needed on its file system: the new files, and backups and journal in the state folder."""
    sizes: list[tuple[Path, int]] = []
    for move in (move for change in plan.pending for move in change.moves):
        size = len(move.content or b"") if move.source is None else os.stat(move.source).st_size
        sizes.append((move.path.parent, size))
        if move.before.kind == "file":
            sizes.append((locations.runs(), os.stat(move.path).st_size))
    if plan.pending:
        sizes.append((locations.runs(), JOURNAL))
    needed: dict[int, tuple[Path, int]] = {}
    for place, size in sizes:
        there = next(path for path in (place, *place.parents) if path.exists())
        device = os.stat(there).st_dev
        first, already = needed.get(device, (there, 0))
        needed[device] = (first, already + (size // BLOCK + 1) * BLOCK)
    return dict(needed.values())


@Check(
    "prerequisites.copied-node-id",
    why="Two nodes with one id fight over the index.",
    fix="Delete my-node-id.dat of one of the nodes: the server makes a new one.",
    passed="the nodes have no id in common",
)
def copied_node_id(context: CheckContext) -> Iterator[Finding]:
    if len(context.packs) < 2:
        fix = "compare my-node-id.dat on both machines yourself"
        yield finding.skipped("only one of the homes is here", fix=fix)
        return
    first, second = (context.packs[node.name] for node in context.profile.nodes)
    common = [path for path, id in second.node_ids.items() if id in first.node_ids.values()]
    if common:
        places = [path for path, id in first.node_ids.items() if id in second.node_ids.values()] + common
        yield finding.error(
            f"both homes have the same id ({' and '.join(dict.fromkeys(places))}): one was copied from a pack that "
            "had been started",
            fix=f"rm {' '.join(quote(str(second.path(path))) for path in common)}",
        )


@Check(
    "prerequisites.link",
    severity="warning",
    why="The target of a link is what is written; something else may share it.",
    fix="Replace the link by the file, if only this home is meant.",
)
@each_plan("nothing that is written leads out of the home")
def link(context: CheckContext, node: Node, plan: NodePlan) -> Iterator[Finding]:
    for change in (one for one in plan.pending if one.kind != "symlink"):
        for target in (one for one in change.targets if not one.is_relative_to(plan.home)):
            yield finding.warning(
                f"{change.path} is a link out of the home: {target} is what is written",
                fix=f"cp --remove-destination {quote(str(target))} {quote(str(plan.home / change.path))}   "
                "if only this home is meant",
            )


CHECKS = (home, this_machine, same_home, files, version, known_pack, running, writable, space)
LATER_CHECKS = (copied_node_id, link)
"""Those behind the checks of Java and of the jars."""
