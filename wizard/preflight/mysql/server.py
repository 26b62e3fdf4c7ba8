"""Checks of the database server: whether it answers, its address and its connections."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.preflight.checks import Check, CheckContext
from wizard.preflight.mysql.accounts import accounts_of_nodes, alter_account
from wizard.preflight.mysql.view import DatabaseView, ServerCheck
from wizard.system import finding, network
from wizard.system.finding import Finding

_VERIFIED = {
    **dict.fromkeys(("authority", "identity"), ", whose certificate was verified"),
    "by driver": ", whose certificate was not verified: only the driver reads the trust store of url_parameters",
}
_ALSO_IN_FILE = "; and the same in the server's configuration file"


@Check(
    "mysql.loopback",
    field="mysql.host",
    severity="warning",
    why="A loopback address is another server on each machine, unless a router of the database runs on both.",
    fix="Set mysql.host to an address by which both nodes reach the database server; keep it if a router of the "
    "database listens there on both machines.",
)
def loopback(context: CheckContext) -> Iterator[Finding]:
    """Check that both nodes reach the same server at `mysql.host` (checks.md)."""
    host, resolve = context.profile.mysql.host, not context.offline
    nodes = [node.host for node in context.profile.nodes]
    if not network.is_loopback(host, resolve=resolve):
        yield finding.ok(f"{host} is not a loopback address")
    elif network.on_one_machine(nodes, resolve=resolve):
        yield finding.ok(f"{host} is a loopback address, and both nodes are on one machine")
    else:
        yield finding.warning(
            f"mysql.host is {host}, a loopback address, and the nodes are on two machines ({', '.join(nodes)})"
        )


@Check(
    "mysql.connect",
    field="mysql.host",
    live=True,
    why="Both servers store users, registry and events in MySQL: without it they do not start.",
    fix="Start the database server, or correct mysql.host and mysql.port.",
)
def connect(context: CheckContext) -> Iterator[Finding]:
    """Check that a MySQL server answers at host and port (procedure 2)."""
    view = DatabaseView(context)
    if context.passwords.problems:
        from wizard.database.connection import greeting

        yield finding.ok(f"{greeting(view.wanted.endpoint).name} answers")
        return
    said, server = view.situation.greeting, view.situation.server
    if server is None:
        yield finding.ok(f"{said.name} answers")
    else:
        tls = ("with TLS" if said.tls else "without TLS") + _VERIFIED.get(view.wanted.endpoint.verifies, "")
        yield finding.ok(f"{said.name} answers ({server.os}, {server.charset}, {tls})")


@ServerCheck(
    "mysql.connections",
    severity="warning",
    why="Each datasource of each node has a pool: under load, connections beyond the server's limit are refused.",
    fix="Raise max_connections of the server, or lower pool.max_active.",
)
def connections(view: DatabaseView) -> Iterator[Finding]:
    """Check that the server allows as many connections as the pools may open: nodes × datasources × pool.

    Source: procedure 2: the limits of the account count like `max_connections`.
    """
    profile, limit = view.context.profile, view.server.max_connections
    datasources = len(profile.mysql.database_names())
    of_a_node = datasources * profile.pool.max_active
    most = len(profile.nodes) * of_a_node
    found = list(_account_limits(view, of_a_node))
    if limit < most:
        found.append(
            finding.warning(
                f"max_connections is {limit}; the pools of {len(profile.nodes)} nodes with "
                f"{datasources} datasources each may open {most}",
                fix=f"SET GLOBAL max_connections = {most + 50}{_ALSO_IN_FILE}",
            )
        )
    yield from found or [finding.ok(f"max_connections is {limit}; the pools may open {most}")]


def _account_limits(view: DatabaseView, of_a_node: int) -> Iterator[Finding]:
    """Report limits of single accounts below what the pools of their nodes may open."""
    for_every_account = view.server.max_user_connections
    for account, nodes in accounts_of_nodes(view).items():
        settings = view.situation.settings.get(account)
        limit = (settings.max_connections if settings is not None else 0) or for_every_account
        most = len(nodes) * of_a_node
        if not 0 < limit < most:
            continue
        if limit == for_every_account:
            variable = "max_user_connections"
            fix = f"SET GLOBAL max_user_connections = {most + 50}{_ALSO_IN_FILE}"
        else:
            variable = "MAX_USER_CONNECTIONS"
            fix = alter_account(view, account, f"WITH MAX_USER_CONNECTIONS {most + 50}")
        yield finding.warning(
            f"{account} may have {limit} connections at a time ({variable}); the pools of "
            f"{' and '.join(nodes)} may open {most}",
            fix=fix,
        )
