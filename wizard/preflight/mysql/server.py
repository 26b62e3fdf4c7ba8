"""Checks of the database server: that it answers, at which address, who logs in, and how many connections it allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.preflight.checks import Check, CheckContext
from wizard.preflight.mysql.view import AS_ADMINISTRATOR, BUSY, DatabaseView, ServerCheck, by_dba
from wizard.system import finding, network
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.database.accounts import Account
    from wizard.database.failure import DatabaseError
    from wizard.profile.model import Node


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


# --- which account a login is matched to --------------------------------------------------------------------


def _hosts_of(node: Node, server_host: str) -> list[str]:
    """Return the names by which the server may see the node; `localhost` first if they share a machine."""
    addresses = network.addresses(node.host, resolve=True)
    servers = network.addresses(server_host, resolve=True)
    local = [all(map(network.is_local, found)) for found in (addresses, servers) if found]
    together = bool(set(addresses) & set(servers)) or local == [True, True]
    return [*(["localhost"] if together else []), node.host, *addresses]


def _account_of(view: DatabaseView, node: Node) -> Account | None:
    """Return the account that the server matches a node's login to, from the list of accounts."""
    from wizard.database.accounts import match_account

    hosts = _hosts_of(node, view.wanted.endpoint.host)
    return match_account(view.accounts, view.wanted.login.username, hosts)


def accounts_of_nodes(view: DatabaseView) -> dict[Account, list[str]]:
    """Return the account that each node's logins are matched to → the names of those nodes."""
    situation = view.situation
    found: dict[Account, list[str]] = {}
    for node in view.context.profile.nodes:
        account = situation.account if situation.accounts is None else _account_of(view, node)
        if account is not None and account.username:
            found.setdefault(account, []).append(node.name)
    return found


def alter_account(view: DatabaseView, account: Account, change: str) -> str:
    """Return the statement that changes an account's `REQUIRE` or `WITH`, in the dialect of the server."""
    old = view.situation.greeting.is_before((5, 7, 6), mariadb=(10, 2))
    statement = f"GRANT USAGE ON *.* TO {account.sql}" if old else f"ALTER USER {account.sql}"
    return f"{statement} {change}{AS_ADMINISTRATOR}"


# --- the servers' account -----------------------------------------------------------------------------------


@ServerCheck(
    "mysql.account",
    field="mysql.username",
    login=False,
    why="The two servers log in with this account only.",
    fix="Correct mysql.username and mysql.password, or the account on the server.",
)
def account(view: DatabaseView) -> Iterator[Finding]:
    """Check that the servers' account logs in, is not shadowed, and has the servers' privileges (procedure 2)."""
    situation, username, created = view.situation, view.wanted.login.username, view.needs.account
    found = [*_server_in_the_way(view), *_login(view), *_tls_off_in_profile(view), *_logins_of_nodes(view)]
    yield from found
    if any(result.status == "error" for result in found):
        return
    if situation.account is None and situation.busy:
        yield finding.ok(f"{BUSY}; the login of {username} is tested after it")
    elif created is not None:
        yield finding.ok(f"{created} does not exist and will be created")
    else:
        yield finding.ok(f"login as {username} succeeded (the server matched account {situation.account})")


def _server_in_the_way(view: DatabaseView) -> Iterator[Finding]:
    """Report a name that is too long for the server, and a server that nothing can be written to."""
    from wizard.database.accounts import longest_name

    username, longest = view.wanted.login.username, longest_name(view.situation.greeting)
    if len(username) > longest:
        yield finding.error(
            f"{username} has {len(username)} characters; this server allows {longest}",
            fix="choose a shorter mysql.username",
        )
    if view.situation.server is not None and view.situation.server.read_only:
        yield finding.error(
            "the server is read-only: nothing can be created there, and the two servers cannot write",
            fix="set mysql.host to the primary server, or SET GLOBAL read_only = OFF",
        )


def _login(view: DatabaseView) -> Iterator[Finding]:
    situation, username = view.situation, view.wanted.login.username
    failure = situation.account_failure
    if failure is None:
        assert situation.account is not None
        if not situation.account.username:
            yield _shadowed(situation.account, username, "this machine")
        elif not situation.busy:  # otherwise the other run may be granting them
            yield from _missing_privileges(view, situation.account)
    elif failure.cause != "denied":
        yield finding.error(failure.message, fix=failure.fix or "see the server's message")
    elif not situation.busy:  # otherwise the other run may be creating it; this one tests it afterwards
        yield from _denied(view, failure)


def _denied(view: DatabaseView, failure: DatabaseError) -> Iterator[Finding]:
    """Explain why the server denied the login, as far as the list of accounts shows it."""
    from wizard.database.accounts import match_account

    wanted, situation = view.wanted, view.situation
    username, known = wanted.login.username, situation.accounts or ()
    matched = match_account([*known, wanted.account], username, situation.origins) if known else None
    denied, fix = failure.message, Fix(failure.fix or "correct the account's password")
    if situation.accounts is None:  # the error is 1045 as well
        denied += (
            ", or the account requires a certificate of the client (REQUIRE X509)"
            if failure.encrypted
            else ", or the account requires TLS, and this login was sent without it"
        )
    if matched is not None and not matched.username:
        yield _shadowed(matched, username, "this machine")
        return
    if view.needs.account is not None:
        return  # it will be created
    if matched is not None and matched in known:
        refused = _refused_for_tls(view, matched, failure)
        denied = refused[0] if refused else f"the account {matched} exists, and its password is refused"
        fix = Fix(
            refused[1]
            if refused
            else f"correct mysql.password, or give {matched} the password of the profile"
        )
    elif situation.administrator_failure is not None:
        denied += "; whether it exists is not known, since the administrator cannot log in either"
    elif wanted.mode == "dba":
        denied, fix = f'{denied}; with provisioning = "dba" it is not created', by_dba()
    elif wanted.administrator is None:
        denied += (
            " (or an anonymous account that takes precedence); without an administrator it is not created"
        )
        fix = by_dba(
            "correct mysql.password, use TLS if the account requires it, set admin_username and admin_password, or let"
        )
    yield finding.error(denied, fix=fix)


def _refused_for_tls(view: DatabaseView, account: Account, failure: DatabaseError) -> tuple[str, str] | None:
    """Return what is wrong and the fix for an account that requires TLS: the server's error is 1045 in any case."""
    settings = view.situation.settings.get(account)
    if settings is None or not settings.tls or (failure.encrypted and not settings.needs_certificate):
        return None
    if settings.needs_certificate:
        why = "requires TLS with a certificate of the client, and is refused without one"
        fix = alter_account(view, account, "REQUIRE SSL")
    else:
        offered = view.situation.greeting.tls
        reason = (
            "the TLS of the server is too old for this machine" if offered else "the server offers no TLS"
        )
        why = f"requires TLS, and {reason}, so it is refused"
        fix = f"{alter_account(view, account, 'REQUIRE NONE')}, or enable TLS 1.2 or later in the server"
    return f"the account {account} {why}; its password cannot be tested from here", fix


_NO_TLS = {("usessl", "false"), ("usessl", "no"), ("sslmode", "disabled")}


def _tls_off_in_profile(view: DatabaseView) -> Iterator[Finding]:
    """Report that the profile disables TLS for the servers' driver, and the account or server requires it."""
    situation, parameters = view.situation, view.context.profile.mysql.url_parameters.items()
    off = [(name, str(value)) for name, value in parameters if (name.lower(), str(value).lower()) in _NO_TLS]
    if not off or situation.server is None:
        return
    accounts = dict.fromkeys([*filter(None, [situation.account]), *accounts_of_nodes(view)])
    who = [
        f"the account {one}" for one in accounts if one in situation.settings and situation.settings[one].tls
    ]
    if situation.server.requires_tls:
        who = [f"{situation.greeting.name} (require_secure_transport)"]
    if not who:
        return
    name, value = off[0]
    on = "true" if name.lower() == "usessl" else "REQUIRED"
    setting = f'set {name} = "{on}"'
    yield finding.error(
        f'TLS is required by {" and ".join(who)}, and url_parameters has {name} = "{value}": the logins of the '
        "servers will be refused as with a wrong password",
        fix=Fix(f"{setting} in mysql.url_parameters", SetField(f"mysql.url_parameters.{name}", on, setting)),
    )


def _shadowed(shadow: Account, username: str, where: str) -> Finding:
    # Of accounts for the same host, the one with a name comes first.
    local = SetField("mysql.grant_host", "localhost", 'grant_host = "localhost"')
    return finding.error(
        f"the server matches logins as {username} from {where} to the anonymous account {shadow}",
        fix=Fix(f"DROP USER {shadow.sql}{AS_ADMINISTRATOR}", local if shadow.host == "localhost" else None),
    )


def _missing_privileges(view: DatabaseView, account: Account) -> Iterator[Finding]:
    """Report privileges that are missing in an existing database, and that this run does not grant."""
    from wizard.database.accounts import SERVERS_NEED, grant_pattern
    from wizard.database.names import identifier

    rights = view.situation.rights[account]
    for need in view.needs.databases:
        name = need.database.name
        missing = rights.missing(name, SERVERS_NEED)
        if missing and not need.grant_to and need.verdict.state != "absent":
            pattern = identifier(grant_pattern(name, literal=rights.literal))
            yield finding.error(
                f"{view.wanted.login.username} lacks {', '.join(missing)} on {name}",
                fix=f"GRANT ALL ON {pattern}.* TO {account.sql}{AS_ADMINISTRATOR}",
            )


def _logins_of_nodes(view: DatabaseView) -> Iterator[Finding]:
    """Check the nodes' own logins, as far as the list of accounts shows them."""
    if view.situation.accounts is None:
        return
    username = view.wanted.login.username
    for node in view.context.profile.nodes:
        matched = _account_of(view, node)
        if matched is not None and not matched.username:
            seen_as = _hosts_of(node, view.wanted.endpoint.host)[0]
            yield _shadowed(matched, username, f"{node.name} ({seen_as})")
        elif matched is None and any(one.username for one in view.accounts):
            yield finding.warning(
                f"no account {username} fits {node.host}, the host of {node.name}",
                node=node.name,
                fix=f'grant_host = "%", or one account for each node; the server may see {node.host} under '
                "another name",
            )


# --- the administrator --------------------------------------------------------------------------------------


@ServerCheck(
    "mysql.administrator",
    field="mysql.admin_username",
    login=False,
    why="The wizard creates databases, account, grants and tables with this account only.",
    fix="Correct admin_username and admin_password, or grant the administrator what it lacks.",
)
def administrator(view: DatabaseView) -> Iterator[Finding]:
    """Check that the administrator logs in, and has the privileges that this run needs."""
    from wizard.database.needs import administrator_lacks

    wanted, failure = view.wanted, view.situation.administrator_failure
    if wanted.administrator is None:
        yield finding.ok("the profile names none: databases and account must exist")
        return
    username = wanted.administrator.username
    if failure is not None:
        own = failure.fix if failure.cause in ("plugin", "tls") else None
        fix = own or "correct admin_username and admin_password, or remove both from the profile"
        yield finding.error(f"the administrator cannot log in: {failure.message}", fix=fix)
    elif lacking := administrator_lacks(wanted, view.situation, view.needs):
        yield finding.error(
            f"{username} lacks {'; '.join(lacking)}",
            fix=by_dba("grant it that WITH GRANT OPTION, name another administrator, or let"),
        )
    elif view.needs.pending and view.needs.by_administrator:
        yield finding.ok(f"login as {username} succeeded; it may create what is missing")
    else:
        yield finding.ok(f"login as {username} succeeded; nothing needs to be created")


# --- its connections ----------------------------------------------------------------------------------------


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


# --- the driver ---------------------------------------------------------------------------------------------


@ServerCheck(
    "mysql.driver",
    field="mysql.driver_jar",
    needs=("mysql.account",),
    limit=15.0,
    why="Only a login with the driver itself shows whether it succeeds: authentication plugins and TLS differ by "
    "version.",
    fix="Use a newer Connector/J, or set the URL parameters that it asks for.",
)
def driver(view: DatabaseView) -> Iterator[Finding]:
    """Check that this jar with this Java logs in to this server with this URL (procedure 2)."""
    from wizard.preflight.jdbc import findings

    needs, context = view.needs, view.context
    first = needs.databases[0]
    if needs.busy or needs.account is not None or first.verdict.state == "absent" or first.grant_to:
        yield finding.skipped("the account or the database does not exist yet: tested once they are created")
        return
    yield from findings(
        context.profile, context.nodes, context.packs, context.passwords, trusted=context.trusted
    )
