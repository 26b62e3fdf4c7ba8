"""Step 8: C-Apps that are deployed to one node reach the other (procedure 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.pack.home import C_APPS, CARBON, DROPINS, LIB
from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.steps.reading import is_true
from wizard.steps.rows import Row, Scope, Table, switch
from wizard.steps.step import Step
from wizard.system import finding
from wizard.system.bounded import is_file
from wizard.system.finding import Finding
from wizard.transaction.move import hash_of_file

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node
    from wizard.steps.reading import Reading


def is_svn(scope: Scope) -> bool:
    return scope.bench.profile.deployment_sync.method == "svn"


SYNC_ROWS = Table(
    CARBON,
    "DeploymentSynchronizer",
    (
        Row(
            "Enabled", "deployment_sync.method", lambda scope: switch(is_svn(scope)), means="`true` with svn"
        ),
        Row(
            "AutoCommit",
            "deployment_sync.manager",
            lambda scope: switch(scope.bench.profile.manager == scope.node),
            when=is_svn,
            rolls=False,
            means="`true` on the manager",
        ),
        Row("AutoCheckout", "deployment_sync.method", "true", when=is_svn, doubt="deployment_sync.method"),
        Row("RepositoryType", "deployment_sync.method", "svn", when=is_svn, doubt="deployment_sync.method"),
        Row("SvnUrl", "deployment_sync.svn_url", when=is_svn),
        Row("SvnUser", "deployment_sync.svn_username", when=is_svn, unset=""),
        Row("SvnPassword", "deployment_sync.svn_password", when=is_svn, unset=""),
        Row("SvnUrlAppendTenantId", "deployment_sync.append_tenant_id", when=is_svn),
    ),
)


def carbon(bench: Workbench) -> None:
    """`carbon.xml`: the deployment synchroniser, with svn or off; without svn a file that has none stays as it is."""
    if bench.profile.deployment_sync.method == "svn" or bench.xml(CARBON).find("DeploymentSynchronizer"):
        SYNC_ROWS.edit(bench)


@Check(
    "deployment-sync.jars",
    severity="warning",
    why="The product brings no Subversion client: without these two jars the synchroniser does nothing.",
    fix="Copy a svnkit bundle to repository/components/dropins and trilead-ssh2 to repository/components/lib of both.",
)
def jars(context: CheckContext) -> Iterator[Finding]:
    if context.profile.deployment_sync.method == "svn":
        yield from jars_of(context)
    else:
        yield finding.ok("not needed without svn")


@each_home("svnkit and trilead-ssh2 are installed")
def jars_of(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    missing = [
        f"{name} in {folder}"
        for name, folder in (("svnkit", DROPINS), ("trilead-ssh2", LIB))
        if not any(name in jar.lower() for jar in pack.names(folder, ".jar"))
    ]
    if missing:
        yield finding.warning(
            f"missing: {', '.join(missing)}",
            fix=f"copy the jars into {pack.path(DROPINS)} (svnkit) and {pack.path(LIB)} (trilead-ssh2)",
        )


@Check(
    "deployment-sync.c-apps",
    severity="warning",
    why="Without svn nothing carries a C-App from one node to the other: after a failover the other one works "
    "differently.",
    fix=f"Copy the .car files so that {C_APPS} holds the same on both nodes.",
)
def c_apps(context: CheckContext) -> Iterator[Finding]:
    if context.profile.deployment_sync.method == "svn":
        yield finding.ok("svn carries the C-Apps")
        return
    if len(context.packs) < 2:
        yield finding.skipped(
            "only one of the homes is here",
            fix=f"compare the .car files of {C_APPS} on both machines yourself: each C-App has to be on both",
        )
        return
    first, second = (_cars(context.packs[node.name]) for node in context.profile.nodes)
    names = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if names:
        yield finding.warning(f"differ between the nodes: {', '.join(names)}")
    else:
        yield finding.ok(f"both nodes hold the same {len(first)} C-Apps; deploy each new one to both")


def _cars(pack: Pack) -> dict[str, str]:
    """Name → hash of the C-Apps of a home."""
    found = {}
    for name in pack.names(C_APPS, ".car"):
        path = pack.path(f"{C_APPS}/{name}")
        if is_file(path):
            try:
                found[name] = hash_of_file(path)
            except OSError:
                found[name] = f"{path}: cannot be read"  # differs from that of any other node
    return found


def ssh_is_refused(context: CheckContext) -> Iterator[Finding]:
    """What can be said without the network: the product does not speak svn+ssh (procedure 8)."""
    sync = context.profile.deployment_sync
    if sync.method == "svn" and (sync.svn_url or "").lower().startswith("svn+ssh:"):
        yield finding.error(
            "svn+ssh is not supported by the product", fix="use an http, https, svn or file URL in svn_url"
        )


@Check(
    "deployment-sync.repository",
    field="deployment_sync.svn_url",
    live=True,
    offline_probe=ssh_is_refused,
    why="A repository that does not answer, or refuses the account, leaves each node with its own C-Apps.",
    fix="Correct svn_url, svn_username and svn_password.",
)
def repository(context: CheckContext) -> Iterator[Finding]:
    if context.profile.deployment_sync.method != "svn":
        yield finding.ok("not needed without svn")
        return
    from wizard.preflight.subversion import look

    refused = list(ssh_is_refused(context))
    yield from refused or look(context.profile, context.passwords.svn)


def read_carbon(found: Reading) -> None:
    """Whether svn carries the C-Apps, from where, and whether this node commits."""
    sync = found.pack.xml(CARBON).find("DeploymentSynchronizer")
    text = found.texts(sync, "deployment_sync.method")
    if not is_true(text.get("Enabled")):
        found.say("deployment_sync.method", "none")
        return
    SYNC_ROWS.read(found, sync, by="Subversion")
    if text.get("RepositoryType") == "svn":
        found.say("deployment_sync.method", "svn")
    found.facts["manager"] = is_true(text.get("AutoCommit"))


STEP = Step(
    id="deployment-sync",
    title="Deployment sync",
    help="How a C-App that is deployed to one node reaches the other: by Subversion, or by you.",
    asks={
        "deployment_sync": "method svn_url svn_username svn_password append_tenant_id manager",
    },
    edits=(carbon,),
    tables=(SYNC_ROWS,),
    checks=(repository, jars, c_apps),
    reads=(read_carbon,),
)
