"""Step 7: Spark's own cluster inside the two nodes, two masters (procedure 7)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.edit.edits import reveal
from wizard.pack.home import SPARK_DEFAULTS, SPARK_ENV_BAT, SPARK_ENV_SH
from wizard.preflight.checks import Check, CheckContext, each_node
from wizard.steps.rows import Row, Scope, Table
from wizard.steps.step import Step
from wizard.system import finding, network
from wizard.system.bounded import is_folder
from wizard.system.finding import Finding, Fix, SetField
from wizard.verify.checks import link_findings, obstacle

if TYPE_CHECKING:
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node
    from wizard.steps.reading import Reading


def common_path(scope: Scope) -> str | None:
    """The common path with the slash that the server expects; only two machines need one."""
    path = scope.value("spark.symbolic_link")
    return None if path is None or scope.bench.one_machine else f"{reveal(path).rstrip('/')}/"


DEFAULTS_ROWS = Table(
    SPARK_DEFAULTS,
    "",
    (
        Row("carbon.spark.master", text="local", doubt="spark.master_count"),
        Row("carbon.spark.master.count", "spark.master_count"),
        Row(
            "carbon.das.symbolic.link",
            "spark.symbolic_link",
            common_path,
            means="the path and a slash, where the nodes are on two machines",
        ),
    ),
)
ENV_ROWS = (Row("SPARK_LOCAL_IP", "nodes.spark_local_ip"),)
TABLES = (DEFAULTS_ROWS, Table(SPARK_ENV_SH, "", ENV_ROWS), Table(SPARK_ENV_BAT, "", ENV_ROWS))


def symbolic_link(bench: Workbench) -> None:
    """The common path, on the machine that the node lives on; what is in the way is the check's to say."""
    path = bench.profile.spark.symbolic_link
    if path is None or bench.one_machine or not bench.lives_here:
        return
    if is_folder(path) and not path.is_symlink():
        return  # the home itself, or what the check will name
    if obstacle(path, bench.pack.home) is None:
        bench.symlink(path, bench.pack.home)


@Check(
    "spark.link",
    field="spark.symbolic_link",
    why="Spark on one machine looks for its jars at the path that the other machine names: with different homes "
    "only a common path exists on both.",
    fix="Set spark.symbolic_link to one path for both machines, or use the same home on both.",
)
def link(context: CheckContext) -> Iterator[Finding]:
    profile, resolve = context.profile, not context.offline
    here = {
        node.name: node.home
        for node in context.nodes
        if node.name in context.packs
        and (context.only_node == node.name or network.is_this_machine(node.host, resolve=resolve))
    }
    one_machine = network.on_one_machine([node.host for node in profile.nodes], resolve=resolve)
    yield from link_findings(profile, context.nodes, here, one_machine=one_machine, planned=True)


@each_node
def local_ip_offline(context: CheckContext, node: Node) -> Iterator[Finding]:
    """What can be said of the address without looking at the network: whether this pack's Spark follows it."""
    pack = context.packs.get(node.name)
    if node.spark_local_ip is None:
        return
    if pack is None or pack.components.binds_spark_to_local_ip:
        yield finding.ok(f"Spark binds to {node.spark_local_ip}")
    else:
        yield finding.warning(
            f"in {pack.title} spark_local_ip reaches only Spark's driver: master and worker take the first address"
            " of the machine that is not a loopback address",
            fix=f"remove spark_local_ip of {node.name}, or make {node.spark_local_ip} the machine's first address",
        )


@Check(
    "spark.local-ip",
    field="nodes.spark_local_ip",
    severity="warning",
    live=True,
    offline_probe=local_ip_offline,
    why="On a machine with several addresses Spark picks one by itself, which may be one that the other node cannot "
    "reach.",
    fix="Set nodes.spark_local_ip to the address that the other node reaches.",
)
def local_ip(context: CheckContext) -> Iterator[Finding]:
    yield from local_ip_offline(context)
    yield from local_ip_unset(context)


@each_node
def local_ip_unset(context: CheckContext, node: Node) -> Iterator[Finding]:
    own = [address for address in network.own_addresses() if ":" not in address]
    if node.spark_local_ip is not None:
        return
    if not network.is_this_machine(node.host, resolve=True):
        yield finding.skipped("the addresses of the other machine are not seen from here")
    elif network.is_loopback(node.host, resolve=True):
        yield finding.ok("both nodes talk over the loopback address")
    elif len(own) < 2:
        yield finding.ok("the machine has one address")
    else:
        best = next((one for one in network.addresses(node.host, resolve=True) if one in own), own[0])
        setting = SetField(f"nodes.{node.name}.spark_local_ip", best, f"bind Spark to {best}")
        yield finding.warning(
            f"the machine has several addresses ({', '.join(own)}), and spark_local_ip is not set",
            fix=Fix(f'set spark_local_ip = "{best}" for {node.name}', setting),
        )


def read_common_path(found: Reading) -> None:
    """The common path, without the slash at its end."""
    path = found.pack.properties(SPARK_DEFAULTS).get("carbon.das.symbolic.link")
    if path is None:
        return
    path = path.rstrip("/") or "/"
    found.say("spark.symbolic_link", path)
    if "\0" not in path and os.path.realpath(path) != os.path.realpath(found.pack.home):
        found.note("spark.symbolic_link", f"on this machine it does not lead to {found.pack.home}")


STEP = Step(
    id="spark",
    title="Spark",
    help="The embedded Spark cluster: two masters, and one path to the jars on both machines.",
    asks={"spark": "master_count symbolic_link", "nodes": "spark_local_ip"},
    edits=(*(table.edit for table in TABLES), symbolic_link),
    tables=TABLES,
    checks=(link, local_ip),
    reads=(*(table.read_settings for table in TABLES), read_common_path),
)
