"""Step 1: two packs that can be configured: same product, stopped, writable, with a driver (procedure 1)."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from wizard.pack import releases
from wizard.pack.home import CARBON, DROPINS, LIB, Pack, is_pack
from wizard.preflight.checks import CheckContext, check
from wizard.server.process import server_of
from wizard.steps.reading import describe
from wizard.steps.rows import Row, Table
from wizard.steps.step import Step
from wizard.system import bounded, finding, network
from wizard.system.errors import WizardError
from wizard.system.finding import Finding, Fix
from wizard.system.presence import is_file, is_folder

if TYPE_CHECKING:
    from wizard.plan.planner import NodePlan
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node
    from wizard.steps.reading import Reading


OFFSET_ROWS = Table(CARBON, "Ports", (Row("Offset", "nodes.port_offset", rolls=False),), first=True)
"""The port offset, where the node sets one; else the pack's own stays."""


def driver_jar(bench: Workbench) -> None:
    """The driver jar copied to `repository/components/lib` under its own name."""
    jar = bench.profile.mysql.driver_jar
    if jar is not None and is_file(jar):
        bench.copy(Path(jar), LIB)


@check(
    "prerequisites.secret",
    always=True,
    why="A password that cannot be had now cannot be written, and the servers would not start.",
    fix="Set the variable, write the file (chmod 600), or correct the reference.",
)
def secret(context: CheckContext) -> Iterator[Finding]:
    yield from context.passwords.problems
    if not context.passwords.problems:
        yield finding.ok("every password that is needed was found")


@check(
    "prerequisites.home",
    always=True,
    why="A home is the folder of an unpacked pack: it holds repository/conf/carbon.xml.",
    fix="Correct nodes.home, or unpack the pack there.",
)
def home(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        problem = home_problem(Path(node.home), node, context.only_node)
        if problem is not None:
            yield finding.error(problem[0], node=node.name, fix=problem[1])
        elif node.name not in context.packs:
            message = f"{CARBON} in {node.home} could not be looked at a moment ago"
            yield finding.error(message, node=node.name, fix="run it again; if it stays so, look at the disk")
        else:
            yield finding.ok(f"{context.packs[node.name].title} in {node.home}", node=node.name)


def home_problem(path: Path, node: Node, only_node: str | None) -> tuple[str, Fix | str] | None:
    """Why a folder is no home, and the fix; None where it is one."""
    if not os.path.lexists(path):
        if only_node is None:
            return (
                f"{path} is not on this machine",
                finding.command(
                    "replay",
                    f" --node {node.name}",
                    before=f"correct the home of {node.name}, or, if it is on another machine, run there: ",
                ),
            )
        return f"{path} does not exist", f"correct the home of {node.name}, or unpack the pack there"
    if not os.path.isdir(path):
        return f"{path} is no folder", f"set the home of {node.name} to the folder of the unpacked pack"
    if not is_pack(path):
        inside = next((sub for sub in _folders(path) if is_pack(sub)), None)
        fix = f'set home = "{inside}"' if inside else "name the folder that holds repository/conf/carbon.xml"
        return f"{path} is no pack: it has no {CARBON}", fix
    return None


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return sorted(Path(entry.path) for entry in islice(entries, 500) if entry.is_dir())[:50]
    except OSError:
        return []


@check(
    "prerequisites.this-machine",
    always=True,
    why="With --node one node is configured on its own machine; on the wrong one its addresses would be wrong.",
    fix="Run it on the machine of that node, or correct nodes.host.",
)
def this_machine(context: CheckContext) -> Iterator[Finding]:
    if context.only_node is None:
        return
    for node in context.nodes:
        here = network.is_this_machine(node.host, resolve=not context.offline)
        if here:
            yield finding.ok(f"{node.host} is this machine", node=node.name)
        elif here is None and context.offline:
            yield finding.skipped(
                f"{node.host} is a name, and names are not resolved offline", node=node.name
            )
        else:
            yield finding.error(
                f"{node.host} is no address of this machine",
                node=node.name,
                fix=f"run it on the machine of {node.name}, or correct its host",
            )


@check(
    "prerequisites.same-home",
    always=True,
    why="Two nodes that share files overwrite each other's configuration.",
    fix="Unpack the pack twice, into two folders, without links between them.",
)
def same_home(context: CheckContext) -> Iterator[Finding]:
    if len(context.packs) < 2:
        yield finding.ok("one home on this machine")
        return
    first, second = (context.packs[node.name] for node in context.profile.nodes)
    problem = _shared(first, second, context)
    if problem is not None:
        fix: Fix | str = "unpack the pack twice, into two folders, without links between them"
        hosts = [node.host for node in context.profile.nodes]
        if not network.on_one_machine(hosts, resolve=not context.offline):
            # One path on both is the usual case; this is one of the two machines.
            problem = f"{problem}, and {hosts[0]} and {hosts[1]} are two machines"
            names = [node.name for node in context.profile.nodes]
            fix = finding.command("replay", f" --node {names[0]}   (and --node {names[1]} on the other)")
        yield finding.error(problem, fix=fix)
    else:
        yield finding.ok("two homes that share nothing")


def _shared(first: Pack, second: Pack, context: CheckContext) -> str | None:
    real = [Path(os.path.realpath(pack.home)) for pack in (first, second)]
    if real[0] == real[1]:
        return f"both nodes have one home: {real[0]}"
    for outer, inner in (real, real[::-1]):
        if inner.is_relative_to(outer):
            return f"one home is inside the other: {inner}"
    plans = [context.plan.node(node.name) for node in context.profile.nodes]
    identities: list[dict[object, str]] = [
        _identities(pack, plan) for pack, plan in zip((first, second), plans, strict=True)
    ]
    common = identities[0].keys() & identities[1].keys()
    if common:
        return f"both homes have one {min(identities[0][key] for key in common)}"
    # What is not there yet: a link that leads to where the other node's file will be.
    written = [_targets(plan) for plan in plans]
    twice = written[0] & written[1]
    return f"both nodes would write {min(twice)}" if twice else None


def _targets(plan: NodePlan | None) -> set[str]:
    changes = plan.pending if plan is not None else ()
    return {str(target) for change in changes if change.kind != "symlink" for target in change.targets}


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
    """Device and inode of the folders of a home, of its configuration files, and of what a run looks at."""
    paths = {*CONFIGURATION, *islice(_configuration(pack.home), MOST_COMPARED)}
    paths.update(os.path.join(folder, name) for folder, names in FOLDERS.items() for name in names.split())
    if plan is not None:
        paths |= {change.path for change in plan.changes if change.kind != "symlink"}
    found: dict[object, str] = {}
    for path in sorted(paths):
        try:
            status = os.stat(pack.path(path))
        except OSError:
            continue
        found.setdefault((status.st_dev, status.st_ino), path)
    return found


def _configuration(home: Path) -> Iterator[str]:
    """The paths below the folders of the configuration, relative to the home, those of the upper folders first."""
    waiting = deque(CONFIGURATION)
    while waiting:
        folder = waiting.popleft()
        with suppress(OSError), os.scandir(home / folder) as entries:
            for entry in entries:
                yield f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{folder}/{entry.name}")


@check(
    "prerequisites.files",
    always=True,
    why="What cannot be read with certainty is not edited: the run stops before the first write.",
    fix="Unpack the file again, or mend it at the line that is named.",
)
def files(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        plan = context.plan.node(node.name)
        if plan is None:
            continue
        yield from plan.problems
        if not plan.problems:
            yield finding.ok(f"{len(plan.changes)} files, all as they have to be", node=node.name)


@check(
    "prerequisites.version",
    why="The two nodes of a pair run the same product in the same version.",
    fix="Unpack the same pack for both.",
)
def version(context: CheckContext) -> Iterator[Finding]:
    titles = {name: _with_kernel(pack) for name, pack in context.packs.items()}
    if len(set(titles.values())) > 1:
        titled = ", ".join(f"{name}: {title}" for name, title in titles.items())
        yield finding.error(f"the packs differ ({titled})", fix="unpack the same pack for both nodes")
    elif len(titles) == 2:
        yield finding.ok(f"both nodes: {next(iter(titles.values()))}")
    elif titles:
        yield finding.skipped("only one of the homes is here", fix="use the same pack on the other machine")


@check(
    "prerequisites.known-pack",
    severity="warning",
    why="Rules of other releases can differ: the versions of their components decide what this wizard writes.",
    fix="Read the diff of --dry-run with care.",
)
def known_pack(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        pack = context.packs.get(node.name)
        if pack is None:
            continue
        if releases.is_known(pack.product, pack.version):
            yield finding.ok(pack.title, node=node.name)
        elif pack.placeholder:
            yield finding.warning(
                f"bin/version.txt holds {pack.placeholder}, which the build of the pack did not fill in;"
                f" rules follow the bundles: {_components(pack)}",
                node=node.name,
                fix=finding.command(
                    "replay",
                    " --dry-run",
                    before="compare the pack with the official one, and read the diff with care: ",
                ),
            )
        else:
            yield finding.warning(
                f"this wizard was never tried with {pack.title}",
                node=node.name,
                fix=finding.command("replay", " --dry-run", before="read the diff with care: "),
            )


def _with_kernel(pack: Pack) -> str:
    """Product, version and kernel: several releases share one version string."""
    kernel = ".".join(map(str, pack.kernel))
    return f"{pack.title}, kernel {kernel}" if kernel else pack.title


def _components(pack: Pack) -> str:
    kernel, analytics, common = (".".join(map(str, version)) for version in pack.components)
    return f"kernel {kernel}, carbon-analytics {analytics}, carbon-analytics-common {common}"


@check(
    "prerequisites.running",
    always=True,
    why="A running server reads its files when it likes, and writes some of them itself.",
    fix=finding.command("stop", " --node NODE", before="Stop the server: "),
)
def running(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        pack = context.packs.get(node.name)
        plan = context.plan.node(node.name)
        if pack is None or plan is None:
            continue
        pid = pack.running
        if pid is None:
            yield finding.ok("the server is stopped", node=node.name)
        elif plan.pending and context.rolling:
            yield finding.ok(
                f"the server runs (process {pid}), and is stopped when its turn comes", node=node.name
            )
        elif plan.pending:
            yield finding.error(
                f"the server runs (process {pid}), and there are files to change",
                node=node.name,
                # Another process than the home's own server is one that only the launcher takes for it.
                fix=finding.command("stop", f" --node {node.name}")
                if server_of(pack.home) is not None
                else f"sh {quote(f'{pack.home}/bin/wso2server.sh')} stop",
            )
        else:
            yield finding.ok(
                f"the server runs (process {pid}), and nothing has to be changed", node=node.name
            )


@check(
    "prerequisites.writable",
    always=True,
    why="All files are written or none: what cannot be written has to be known before the first one.",
    fix="Run as the owner of the homes (or as root).",
)
def writable(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        plan = context.plan.node(node.name)
        if plan is None:
            continue
        problems = [p for change in plan.pending for move in change.moves if (p := unwritable(move.path))]
        if plan.pending and not os.access(plan.home, os.W_OK | os.X_OK):
            problems.insert(0, f"{plan.home}: this user cannot write into the folder")
        for problem in dict.fromkeys(problems):
            yield finding.error(
                problem,
                node=node.name,
                fix=f"run as the owner of the home: sudo -u {quote(_owner(plan.home))} …",
            )
        if not problems:
            yield finding.ok("everything that will be written can be", node=node.name)


def unwritable(path: Path) -> str | None:
    """Why a file cannot be replaced with its owner and mode kept; None where it can."""
    folder = path.parent
    if not is_folder(folder):
        return f"{folder}: the folder is missing"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder}: this user cannot write into the folder"
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    if not os.access(path, os.W_OK):
        return f"{path}: is read-only for this user"
    me = os.geteuid()
    if me not in (0, status.st_uid):
        return f"{path}: belongs to another user, whom only root could keep as its owner"
    if me != 0 and status.st_gid not in {os.getegid(), *os.getgroups()}:
        return f"{path}: belongs to a group that this user is not in and could not keep"
    return None


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError):
        return "root"


@check(
    "prerequisites.space",
    always=True,
    why="A full disk in the middle of a run costs time to undo; the room is looked for before.",
    fix="Make room on that file system.",
)
def space(context: CheckContext) -> Iterator[Finding]:
    import shutil

    from wizard.system.room import room_needed

    for place, needed in room_needed(context.plan).items():
        free = shutil.disk_usage(place).free
        if free < needed:
            yield finding.error(
                f"{place} has {free // 1024} kB free, and {needed // 1024} kB are needed",
                fix=f"make room on the file system of {place}",
            )
            return
    yield finding.ok("there is room for files, backups and journal")


@check(
    "prerequisites.java",
    why="The 4.4.x kernels start on Java 1.7 and 1.8 only.",
    fix="Set nodes.java_home to a JDK 1.8.",
)
def java(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if node.java_home is not None:
            yield _java_of(node, Path(node.java_home))
        else:
            yield _java_of_launcher(node)


def _java_of(node: Node, java_home: Path) -> Finding:
    """The Java that the profile names: it has to be one that the kernel starts on."""
    fix = f"set java_home of {node.name} to a JDK 1.7 or 1.8"
    version = java_version(java_home)
    if version is None:
        return finding.error(f"{java_home}/release cannot be read: no Java there", node=node.name, fix=fix)
    if not _starts_on(version):
        return finding.error(
            f"Java {version} in {java_home}: the 4.4.x kernels need 1.7 or 1.8", node=node.name, fix=fix
        )
    return finding.ok(f"Java {version}", node=node.name)


def _java_of_launcher(node: Node) -> Finding:
    """The Java of `JAVA_HOME`, which is what the launcher takes where the profile names none; never one of the PATH."""
    fix = f"set java_home of {node.name} to the JDK 1.7 or 1.8 that the server will use"
    java_home = os.environ.get("JAVA_HOME")
    if not java_home:
        return finding.warning(
            "neither java_home nor JAVA_HOME is set: the launcher refuses to start the server",
            node=node.name,
            fix=fix,
        )
    version = java_version(Path(java_home))
    if version is None:
        return finding.warning(
            f"java_home is not set, and JAVA_HOME = {java_home} holds no Java", node=node.name, fix=fix
        )
    if not _starts_on(version):
        return finding.warning(
            f"java_home is not set; JAVA_HOME points to Java {version}, and the 4.4.x kernels need 1.7 or 1.8",
            node=node.name,
            fix=fix,
        )
    return finding.ok(f"Java {version}, by JAVA_HOME", node=node.name)


def java_version(java_home: Path) -> str | None:
    """The version of a Java by its file `release`; None where that cannot be read."""
    try:
        text = bounded.read_text(java_home / "release")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="([^"]{,99})"', text, re.MULTILINE)
    return found[1] if found else "unknown"


def _starts_on(version: str) -> bool:
    return re.match(r"1\.[78](\D|$)", version) is not None


@check(
    "prerequisites.driver-jar",
    why="Without the driver's class the servers reach no database.",
    fix="Download MySQL Connector/J 5.1.49 and name its jar in mysql.driver_jar.",
)
def driver_jar_fits(context: CheckContext) -> Iterator[Finding]:
    from wizard.pack.driver import holds_class

    mysql = context.profile.mysql
    fix = (
        "download MySQL Connector/J (5.1.49 fits every server before 9) and name its jar in mysql.driver_jar"
    )
    if mysql.driver_jar is not None:
        path = Path(mysql.driver_jar)
        if path.suffix != ".jar":
            yield finding.error(
                f"{path.name} does not end in .jar: the servers would not look at it",
                fix=f"mv {quote(str(path))} {quote(str(path.with_suffix('.jar')))}   and name that in driver_jar",
            )
            return
        try:
            held = holds_class(path, mysql.driver_class)
        except WizardError as problem:
            yield finding.error(f"{path}: {problem.message}", fix=problem.fix or fix)
            return
        if held:
            yield finding.ok(f"{path.name} holds {mysql.driver_class}")
        else:
            yield finding.error(f"{path} does not hold {mysql.driver_class}", fix=fix)
        return
    for node in context.nodes:
        pack = context.packs.get(node.name)
        if pack is None:
            continue
        fitting = [
            name for name in pack.names(LIB, ".jar") if _holds(pack.path(f"{LIB}/{name}"), mysql.driver_class)
        ]
        if fitting:
            yield finding.ok(f"{fitting[0]} holds {mysql.driver_class}", node=node.name)
        else:
            yield finding.error(
                f"driver_jar is not set, and no jar in {pack.path(LIB)} holds {mysql.driver_class}",
                node=node.name,
                fix=fix,
            )


def _holds(path: Path, driver_class: str) -> bool:
    from wizard.pack.driver import holds_class

    try:
        return holds_class(path, driver_class)
    except WizardError:
        return False


@check(
    "prerequisites.second-driver",
    severity="warning",
    why="With two MySQL drivers on one class path nobody knows which one is used.",
    fix="Remove the other jar from repository/components/lib, and an old bundle of it from dropins.",
)
def second_driver(context: CheckContext) -> Iterator[Finding]:
    from wizard.pack.driver import is_mysql_driver

    mysql = context.profile.mysql
    for node in context.nodes:
        pack = context.packs.get(node.name)
        if pack is None:
            continue
        lib = [pack.path(f"{LIB}/{name}") for name in pack.names(LIB, ".jar")]
        drivers = [jar for jar in lib if is_mysql_driver(jar)]
        own = (
            {Path(mysql.driver_jar).name}
            if mysql.driver_jar is not None
            else {jar.name for jar in drivers[:1]}
        )
        bundles = [pack.path(f"{DROPINS}/{name}") for name in pack.names(DROPINS, ".jar")]
        # When it starts, the server makes a bundle of each jar in lib.
        made = {f"{name.removesuffix('.jar').replace('-', '_')}_1.0.0.jar" for name in own}
        others = [jar for jar in drivers if jar.name not in own]
        others += [jar for jar in bundles if jar.name not in made and is_mysql_driver(jar)]
        for jar in others:
            yield finding.warning(
                f"{jar} is another MySQL driver on the same class path",
                node=node.name,
                fix=f"rm {quote(str(jar))}",
            )
        if not others:
            yield finding.ok("no other MySQL driver", node=node.name)


@check(
    "prerequisites.copied-node-id",
    why="Two nodes with one id fight over the index.",
    fix="Delete my-node-id.dat of one of the nodes: the server makes a new one.",
)
def copied_node_id(context: CheckContext) -> Iterator[Finding]:
    if len(context.packs) < 2:
        yield finding.skipped(
            "only one of the homes is here", fix="compare my-node-id.dat on both machines yourself"
        )
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
    else:
        yield finding.ok("the nodes have no id in common")


@check(
    "prerequisites.link",
    severity="warning",
    why="The target of a link is what is written; it may be shared with something else.",
    fix="Replace the link by the file, if only this home is meant.",
)
def link(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        plan = context.plan.node(node.name)
        if plan is None:
            continue
        real_home = Path(os.path.realpath(plan.home))
        leaving = [
            (change.path, target)
            for change in plan.pending
            if change.kind != "symlink"
            for target in change.targets
            if not target.is_relative_to(real_home)
        ]
        for path, target in leaving:
            yield finding.warning(
                f"{path} is a link that leads out of the home: {target} is what is written",
                node=node.name,
                fix=f"cp --remove-destination {quote(str(target))} {quote(str(plan.home / path))}   "
                "if only this home is meant",
            )
        if not leaving:
            yield finding.ok("nothing that is written leads out of the home", node=node.name)


def read_offset(found: Reading) -> None:
    """The node's port offset."""
    OFFSET_ROWS.read(found, found.pack.xml(CARBON).find("Ports"))


def read_driver_jar(found: Reading) -> None:
    """Whether there are several drivers; which one the profile names follows from its class."""
    from wizard.pack.driver import is_mysql_driver

    jars = [
        name for name in found.pack.names(LIB, ".jar") if is_mysql_driver(found.pack.path(f"{LIB}/{name}"))
    ]
    if len(jars) > 1:
        found.note("mysql.driver_jar", f"{LIB} holds several MySQL drivers: {describe(', '.join(jars))}")


STEP = Step(
    id="prerequisites",
    title="Prerequisites",
    help="Two unpacked packs of one version, stopped, and the MySQL driver for both.",
    fields=(
        "nodes.name",
        "nodes.home",
        "nodes.host",
        "nodes.port_offset",
        "nodes.java_home",
        "mysql.driver_jar",
        "mysql.driver_class",
    ),
    edits=(OFFSET_ROWS.edit, driver_jar),
    tables=(OFFSET_ROWS,),
    checks=(
        secret,
        home,
        this_machine,
        same_home,
        files,
        version,
        known_pack,
        running,
        writable,
        space,
        java,
        driver_jar_fits,
        second_driver,
        copied_node_id,
        link,
    ),
    reads=(
        read_offset,
        read_driver_jar,
    ),
)
