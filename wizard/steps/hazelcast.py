"""Step 5: the two nodes as well-known members of one Hazelcast cluster (procedure 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from shlex import quote
from typing import TYPE_CHECKING

from wizard.edit.xml import New, Note
from wizard.pack import ports
from wizard.pack.home import AXIS2, HAZELCAST, TASKS_CONFIG
from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.steps.reading import plain_host
from wizard.steps.rows import Row, Scope, Table
from wizard.steps.step import Step
from wizard.system import finding, network
from wizard.system.errors import EditError
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node, Profile
    from wizard.steps.reading import Reading

CLUSTERING = "clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
AXIS2_ROWS = Table(
    AXIS2,
    CLUSTERING,
    (
        Row("@enable", text="true", rolls=False, doubt="cluster.domain"),
        Row("parameter[@name='membershipScheme']", text="wka", rolls=False, doubt="cluster.domain"),
        Row("parameter[@name='domain']", "cluster.domain", rolls=False),
        Row("parameter[@name='localMemberHost']", "nodes.host", rolls=False),
        Row("parameter[@name='localMemberPort']", "nodes.hazelcast_port", rolls=False),
        Row(
            "parameter[@name='properties']/property[@name='subDomain']/@value",
            text="worker",
            rolls=False,
            makes=True,
        ),
    ),
    first=True,
)

MEMBER_ROWS = Table(
    AXIS2,
    f"{CLUSTERING}/members/member",
    (Row("hostName", "nodes.host", rolls=False), Row("port", "nodes.hazelcast_port", rolls=False)),
)
"""Each of the two members, in the profile's order."""

TASKS_ROWS = Table(TASKS_CONFIG, "taskServerCount", (Row("", "cluster.task_server_count"),))
"""How many nodes a start waits for, where the profile says so; else the pack's own stays."""


def members(bench: Workbench) -> None:
    """`axis2.xml`: exactly the two nodes as members; those that are there are kept, others changed, added, removed."""
    clustering = bench.xml(AXIS2).one(CLUSTERING)
    scopes = [Scope(bench, node) for node in bench.profile.nodes]
    whole = Note(field=scopes[0].place("nodes.host"))  # a line about both nodes leads to the first one's host
    holder = clustering.find("members")
    if holder is None:
        new = New("members", children=tuple(MEMBER_ROWS.new("member", scope) for scope in scopes))
        anchor = clustering.all("parameter")
        if anchor:
            anchor[-1].insert_after(new, note=whole)
        else:
            clustering.append(new, note=whole)
        return
    there = holder.all("member")
    for element, scope in zip(there, scopes, strict=False):
        MEMBER_ROWS.write(element, scope)
    for element in there[len(scopes) :]:
        element.remove(note=whole)
    for scope in scopes[len(there) :]:
        new, note = MEMBER_ROWS.new("member", scope), Note(field=scope.place("nodes.host"))
        holder.append(new, note=note)


def starts_alone(profile: Profile, packs: Iterable[Pack]) -> bool:
    """Whether a node completes its start without the other one: not with a task server count of 2 (procedure 5)."""
    if profile.cluster.task_server_count is not None:
        return profile.cluster.task_server_count == 1
    counts = []
    for pack in packs:
        with suppress(EditError):
            counts += [one.text.strip() for one in pack.xml(TASKS_CONFIG).all("taskServerCount")]
    return bool(counts) and all(count == "1" for count in counts)


@Check(
    "hazelcast.override",
    why="This file replaces the whole clustering of axis2.xml: what is written there has no effect.",
    fix="Move repository/conf/etc/hazelcast.xml away.",
)
@each_home(f"nothing replaces the clustering of {AXIS2}")
def override(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    path = pack.path(HAZELCAST)
    if pack.components.reads_hazelcast_xml and pack.exists(HAZELCAST):
        fix = f"mv {quote(str(path))} {quote(f'{path}.off')}"
        yield finding.error(f"{path} replaces the clustering of {AXIS2}", fix=fix)


@Check(
    "hazelcast.group-password",
    why="Members with different group passwords do not join each other.",
    fix="Give both nodes the same groupPassword in repository/conf/axis2/axis2.xml.",
    passed="both nodes have the same group password",
)
def group_password(context: CheckContext) -> Iterator[Finding]:
    if len(context.packs) < 2:
        yield finding.skipped("only one of the homes is here", fix="compare groupPassword on both machines")
        return
    passwords = {_parameter_of(context.packs[node.name], "groupPassword") for node in context.profile.nodes}
    if len(passwords) > 1:
        yield finding.error(f"the groupPassword of the two nodes differs in {AXIS2}")


@Check(
    "hazelcast.bind-port",
    severity="warning",
    why="The node listens on localMemberBindPort and announces another port: the other node does not reach it.",
    fix="Remove localMemberBindPort from repository/conf/axis2/axis2.xml, or set it to the node's port.",
)
@each_home()
def bind_port(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    port = _parameter_of(pack, "localMemberBindPort")
    if port and port != str(node.hazelcast_port):
        yield finding.warning(
            f"localMemberBindPort is {port} in {AXIS2}, and the node's port is {node.hazelcast_port}"
        )
    else:
        yield finding.ok(f"the node listens on {node.hazelcast_port}")


def _parameter_of(pack: Pack, name: str) -> str:
    """The text of a parameter of the clustering; empty where it is not set."""
    found = pack.xml(AXIS2).one(CLUSTERING).all("parameter[@name=$name]", name=name)
    return found[0].text.strip() if found else ""


@Check(
    "hazelcast.host",
    field="nodes.host",
    live=True,
    why="Each node announces this address to the other; if it does not resolve, or is a loopback address between two "
    "machines, the nodes do not find each other and form two clusters.",
    fix="Set nodes.host to an address that the other machine can reach.",
)
def host(context: CheckContext) -> Iterator[Finding]:
    nodes = context.profile.nodes
    two_machines = not network.on_one_machine([node.host for node in nodes], resolve=True)
    yield from (_host(node, two_machines)._replace(node=node.name) for node in nodes)


def _host(node: Node, two_machines: bool) -> Finding:
    found = network.addresses(node.host, resolve=True)
    if not found:
        fix = f"correct the host of {node.name}, or add {node.host} to the DNS or to /etc/hosts"
        return finding.error(f"{node.host} does not resolve", fix=fix)
    if two_machines and network.is_loopback(node.host, resolve=True):
        return finding.warning(f"{node.host} is a loopback address, and the nodes are on two machines")
    return finding.ok(f"{node.host} is {', '.join(found)}" if found != (node.host,) else node.host)


@Check(
    "hazelcast.reachable",
    field="nodes.host",
    severity="warning",
    live=True,
    needs=("hazelcast.host",),
    limit=6.0,
    why="A firewall between the two machines keeps the nodes apart; it shows only at the first failover.",
    fix="Open the Hazelcast, event sync and management ports between the two machines.",
)
def reachable(context: CheckContext) -> Iterator[Finding]:
    nodes = context.profile.nodes
    if network.on_one_machine([node.host for node in nodes], resolve=True):
        yield finding.ok("both nodes are on one machine")
        return
    for node in (one for one in nodes if not network.is_this_machine(one.host, resolve=True)):
        pack = context.packs.get(node.name) or next(iter(context.packs.values()), None)
        yield _reach(node, pack)._replace(node=node.name)


def _reach(node: Node, pack: Pack | None) -> Finding:
    """Whether the machine answers at all: a refused connection is an answer, since the server is not up yet."""
    import socket

    port = node.hazelcast_port
    try:
        socket.create_connection((node.host, port), timeout=4.0).close()
    except ConnectionRefusedError:
        return finding.ok(f"{node.host} answers (nothing listens on {port} yet)")
    except OSError as problem:
        return finding.warning(
            f"{node.host}:{port} cannot be reached from here: {problem}",
            fix=f"open {port}, {ports.event_sync(node, pack)} and {ports.management(node, pack)} of {node.host}",
        )
    return finding.ok(f"{node.host}:{port} answers")


def read_axis2(found: Reading) -> None:
    """Domain, this node's address, and the members."""
    clustering = found.pack.xml(AXIS2).one(CLUSTERING)
    AXIS2_ROWS.read(found, clustering)
    # Under another scheme it is often a loopback address: the event processor knows the node's own (procedure 5).
    if _parameter_of(found.pack, "membershipScheme") != "wka":
        found.values.pop("nodes.host", None)
    members = (found.texts(element, "cluster.domain") for element in clustering.all("members/member"))
    found.facts["members"] = tuple(
        f"{plain_host(member.get('hostName', ''))}:{member.get('port', '')}" for member in members
    )


def read_tasks_config(found: Reading) -> None:
    """Whether a node starts alone; a count of 2 is what every pack has."""
    if found.pack.exists(TASKS_CONFIG):
        count = found.pack.xml(TASKS_CONFIG).find("taskServerCount")
        if count is not None and count.text.strip() == "1":
            found.say("cluster.task_server_count", 1)


STEP = Step(
    id="hazelcast",
    title="Hazelcast",
    help="The cluster that the two nodes form: each one's address, and the list of both.",
    asks={"cluster": "domain task_server_count", "nodes": "host hazelcast_port"},
    edits=(AXIS2_ROWS.edit, members, TASKS_ROWS.edit),
    tables=(AXIS2_ROWS, MEMBER_ROWS, TASKS_ROWS),
    checks=(host, reachable, override, group_password, bind_port),
    reads=(read_axis2, read_tasks_config),
)
