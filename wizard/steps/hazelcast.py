"""Step 5: the two nodes as well-known members of one Hazelcast cluster (procedure 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.edit.xml import New
from wizard.pack import ports
from wizard.pack.home import AXIS2
from wizard.preflight.checks import CheckContext, check
from wizard.steps.reading import describe, is_true
from wizard.steps.step import Step, nearest, put
from wizard.system import finding, network
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.edit.xml import XmlElement
    from wizard.pack.home import Pack
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node
    from wizard.steps.reading import Reading

CLUSTERING = "clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
PARAMETERS = ("membershipScheme", "domain", "localMemberHost", "localMemberPort", "properties")


def axis2(bench: Workbench) -> None:
    """`axis2.xml`: clustering on, membership scheme wka, this node's address, exactly the two members."""
    clustering = bench.xml(AXIS2).one(CLUSTERING)
    clustering.set("enable", "true")
    node = bench.node
    for name, value in {
        "membershipScheme": "wka",
        "domain": bench.profile.cluster.domain,
        "localMemberHost": node.host,
        "localMemberPort": str(node.hazelcast_port),
    }.items():
        parameter(clustering, name, value)
    sub_domain(clustering)
    members(clustering, bench.profile.nodes)


def parameter(clustering: XmlElement, name: str, value: str) -> None:
    found = clustering.find(f"parameter[@name='{name}']")
    if found is not None:
        found.set_text(value)
        return
    new = New("parameter", {"name": name}, text=value)
    behind = nearest(PARAMETERS, name, lambda other: clustering.find(f"parameter[@name='{other}']"))
    if behind is not None:
        behind.insert_after(new)
    else:
        clustering.prepend(new)


def sub_domain(clustering: XmlElement) -> None:
    properties = clustering.find("parameter[@name='properties']")
    new = New("property", {"name": "subDomain", "value": "worker"})
    if properties is None:
        clustering.one("parameter[@name='localMemberPort']").insert_after(
            New("parameter", {"name": "properties"}, children=(new,))
        )
        return
    found = properties.find("property[@name='subDomain']")
    if found is None:
        properties.append(new)
    else:
        found.set("value", "worker")


def members(clustering: XmlElement, nodes: tuple[Node, ...]) -> None:
    """Exactly the nodes, in the profile's order: what is there already is kept, the rest changed, added, removed."""
    wanted = [(node.host, str(node.hazelcast_port)) for node in nodes]
    holder = clustering.find("members")
    if holder is None:
        anchor = clustering.all("parameter")
        new = New("members", children=tuple(member(host, port) for host, port in wanted))
        if anchor:
            anchor[-1].insert_after(new)
        else:
            clustering.append(new)
        return
    there = holder.all("member")
    for element, (host, port) in zip(there, wanted, strict=False):
        put(element, ("hostName", "port"), "hostName", host)
        put(element, ("hostName", "port"), "port", port)
    for element in there[len(wanted) :]:
        element.remove()
    for host, port in wanted[len(there) :]:
        if there:
            there[-1].insert_after(member(host, port))
        else:
            holder.append(member(host, port))


def member(host: str, port: str) -> New:
    return New("member", children=(New("hostName", text=host), New("port", text=port)))


@check(
    "hazelcast.host",
    live=True,
    why="Each node tells the other this address; one that does not resolve, or a loopback one between two machines, "
    "leaves both alone: two clusters of one node.",
    fix="Set nodes.host to an address that the other machine can reach.",
)
def host(context: CheckContext) -> Iterator[Finding]:
    two_machines = not network.on_one_machine([n.host for n in context.profile.nodes], resolve=True)
    for node in context.profile.nodes:
        found = network.addresses(node.host, resolve=True)
        if not found:
            yield finding.error(
                f"{node.host} does not resolve",
                node=node.name,
                fix=f"correct the host of {node.name}, or add {node.host} to the DNS or to /etc/hosts",
            )
        elif two_machines and network.is_loopback(node.host, resolve=True):
            yield finding.warning(
                f"{node.host} is a loopback address, and the nodes are on two machines",
                node=node.name,
                fix=f"set the host of {node.name} to an address that the other machine can reach",
            )
        else:
            yield finding.ok(
                f"{node.host} is {', '.join(found)}" if found != (node.host,) else node.host, node=node.name
            )


@check(
    "hazelcast.reachable",
    severity="warning",
    live=True,
    needs=("hazelcast.host",),
    limit=6.0,
    why="A firewall between the two machines keeps the nodes apart; it shows only at the first failover.",
    fix="Open the Hazelcast, event sync and management ports between the two machines.",
)
def reachable(context: CheckContext) -> Iterator[Finding]:
    if network.on_one_machine([n.host for n in context.profile.nodes], resolve=True):
        yield finding.ok("both nodes are on one machine")
        return
    for node in context.profile.nodes:
        if network.is_this_machine(node.host, resolve=True):
            continue
        yield _reach(node, context.packs.get(node.name) or next(iter(context.packs.values()), None))


def _reach(node: Node, pack: Pack | None) -> Finding:
    """Whether the machine answers at all: a refused connection is an answer, since the server is not up yet."""
    import socket

    try:
        socket.create_connection((node.host, node.hazelcast_port), timeout=4.0).close()
    except ConnectionRefusedError:
        return finding.ok(
            f"{node.host} answers (nothing listens on {node.hazelcast_port} yet)", node=node.name
        )
    except OSError as problem:
        return finding.warning(
            f"{node.host}:{node.hazelcast_port} cannot be reached from here: {problem}",
            node=node.name,
            fix=f"open {node.hazelcast_port}, {ports.event_sync(node, pack)} and {ports.management(node, pack)}"
            f" of {node.host}",
        )
    return finding.ok(f"{node.host}:{node.hazelcast_port} answers", node=node.name)


def read_axis2(found: Reading) -> None:
    """Domain, this node's address, and the members."""
    clustering = found.pack.xml(AXIS2).one(CLUSTERING)
    if not is_true(clustering.get("enable")):
        found.note("cluster.domain", "clustering is not enabled")
    values = {
        name: element.text.strip()
        for name in ("membershipScheme", "domain", "localMemberHost", "localMemberPort")
        if (element := clustering.find("parameter[@name=$name]", name=name)) is not None
    }
    scheme = values.get("membershipScheme", "missing")
    if scheme != "wka":
        found.note("cluster.domain", f"the membership scheme is {describe(scheme)}, not wka")
    if "domain" in values:
        found.say("cluster.domain", values["domain"])
    if "localMemberHost" in values:
        found.say("nodes.host", plain_host(values["localMemberHost"]))
    found.number("nodes.hazelcast_port", values.get("localMemberPort"))
    members = (found.texts(element, "cluster.domain") for element in clustering.all("members/member"))
    found.facts["members"] = tuple(
        f"{plain_host(member.get('hostName', ''))}:{member.get('port', '')}" for member in members
    )


def plain_host(text: str) -> str:
    """A host as the profile writes it: an IPv6 address without brackets."""
    return text.strip().removeprefix("[").removesuffix("]")


STEP = Step(
    id="hazelcast",
    title="Hazelcast",
    help="The cluster that the two nodes form: each one's address, and the list of both.",
    fields=("cluster.domain", "cluster.task_server_count", "nodes.host", "nodes.hazelcast_port"),
    edits=(axis2,),
    checks=(host, reachable),
    reads=(read_axis2,),
)
