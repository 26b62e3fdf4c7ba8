"""The checks of the MySQL step.  All share one look at the server; each tells its own part of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wizard.preflight.checks import Check, CheckContext, check
from wizard.profile.cross_field import MAY_SHARE
from wizard.system import finding, network
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.database.accounts import Account
    from wizard.database.needs import Need, Needs
    from wizard.database.schema import Contents
    from wizard.database.scripts import Scripts
    from wizard.database.shards import ShardOwners
    from wizard.database.situation import Situation
    from wizard.database.wanted import WantedDatabases
    from wizard.profile.model import Node

_SHOWN = 12
"""How many missing things a message names; the rest is counted."""

_BUSY = "another run is at work in the databases"


def _by_dba(before: str = "let", after: str = "") -> Fix:
    return finding.command("sql", f"` prints{after}", before=f"{before} a DBA run what `")


# --- what they share ----------------------------------------------------------------------------------------


def wanted_of(context: CheckContext) -> WantedDatabases:
    """What the profile wants of the server."""
    from wizard.database.wanted import wanted

    return context.once(
        "mysql.wanted", lambda: wanted(context.profile, context.passwords, context.packs.values())
    )


def situation_of(context: CheckContext) -> Situation:
    """What is there, looked at once for all checks.  Raises DatabaseError where no server answers."""

    def looked() -> Situation:
        from wizard.database.journal import FileJournal
        from wizard.database.situation import look

        target = wanted_of(context)
        return look(target, suspects=FileJournal(target.endpoint).begun())

    return context.once("mysql.situation", looked)


def scripts_of(context: CheckContext, version: tuple[int, ...], *, mariadb: bool) -> Scripts | None:
    """The scripts of the first pack that is here: both nodes hold the same product and version."""
    from wizard.database.scripts import scripts_for

    for pack in context.packs.values():
        return scripts_for(pack, version, mariadb=mariadb)
    return None


def needs_of(context: CheckContext) -> Needs:
    """What a run would make."""

    def decided() -> Needs:
        from wizard.database.journal import FileJournal
        from wizard.database.needs import decide

        target, situation = wanted_of(context), situation_of(context)
        version, mariadb = situation.greeting.version, situation.greeting.mariadb
        scripts = scripts_of(context, version, mariadb=mariadb)
        return decide(target, situation, scripts, FileJournal(target.endpoint).begun())

    return context.once("mysql.needs", decided)


def _unseen(context: CheckContext) -> Iterator[Finding]:
    """Why nothing can be said; nothing where somebody can log in."""
    if context.passwords.problems:
        yield finding.skipped("not looked at: a password is missing")
    elif situation_of(context).server is None:
        yield finding.skipped("not looked at: no account of the profile can log in")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


# --- what the profile alone says ----------------------------------------------------------------------------


@check(
    "mysql.loopback",
    severity="warning",
    why="A loopback address names another server on each machine, unless a router of the database runs on both.",
    fix="Set mysql.host to the address by which both nodes reach the database server.",
)
def loopback(context: CheckContext) -> Iterator[Finding]:
    """Whether both nodes reach the same server at `mysql.host` (checks.md)."""
    host, resolve = context.profile.mysql.host, not context.offline
    nodes = [node.host for node in context.profile.nodes]
    if not network.is_loopback(host, resolve=resolve):
        yield finding.ok(f"{host} is not a loopback address")
    elif network.on_one_machine(nodes, resolve=resolve):
        yield finding.ok(f"{host} is a loopback address, and both nodes are on one machine")
    else:
        yield finding.warning(
            f"mysql.host is {host}, a loopback address, and the nodes are on two machines ({', '.join(nodes)})",
            fix="set mysql.host to an address that both nodes reach; keep it if a router of the database listens "
            "there on both machines",
        )


@check(
    "mysql.names",
    why="A server may keep names that differ only in case as one database, and stores some characters wrongly.",
    fix="Choose other names in mysql.databases.",
)
def names(context: CheckContext) -> Iterator[Finding]:
    """Whether a server can have databases of these names, and keeps them apart (checks.md)."""
    from wizard.database.names import differing_in_case, is_system, unstorable

    by_role = context.profile.mysql.database_names()
    found = False
    for role, name in by_role.items():
        reason = "it is the server's own database" if is_system(name) else unstorable(name)
        if reason is not None:
            found = True
            yield finding.error(
                f"{name} cannot be the {role} database: {reason}",
                fix=f"choose another name for mysql.databases.{role}",
            )
    for group in differing_in_case(by_role.values()):
        found = True
        roles = [role for role, name in by_role.items() if name in group]
        or_one = ", or the same one," if any(set(roles) <= set(group) for group in MAY_SHARE) else ""
        yield finding.error(
            f"the names {' and '.join(group)} differ only in case: {_about_case(context)}",
            fix=f"choose names that differ otherwise{or_one} for mysql.databases.{' and '.join(roles)}",
        )
    if not found:
        listed = dict.fromkeys(by_role.values())
        yield finding.ok(f"{', '.join(listed)} are names that a server can store")


def _about_case(context: CheckContext) -> str:
    """What the server does with such names.  It is asked only where there are some: this check is an offline one."""
    from wizard.database.failure import DatabaseError

    server = None
    if not context.offline and not context.passwords.problems:
        with contextlib.suppress(DatabaseError):  # reported by mysql.connect
            server = situation_of(context).server
    if server is None:
        return "a server on Windows or macOS, or with lower_case_table_names set, has one database for both"
    setting = f"{server.name} has lower_case_table_names = {server.lower_case_table_names}"
    if server.folds_names:
        return f"{setting}, so both are one database"
    return f"{setting} and keeps them apart, but a copy on a server with another setting has one database for both"


# --- the server ---------------------------------------------------------------------------------------------


@check(
    "mysql.connect",
    live=True,
    why="Both servers keep users, registry and events in MySQL: without it they do not start.",
    fix="Start the database server, or correct mysql.host and mysql.port.",
)
def connect(context: CheckContext) -> Iterator[Finding]:
    """Whether a MySQL answers at host and port, and which (procedure 2)."""
    if context.passwords.problems:
        from wizard.database.greeting import greeting

        yield finding.ok(f"{greeting(wanted_of(context).endpoint).name} answers")
        return
    situation = situation_of(context)
    server = situation.server
    if server is None:
        yield finding.ok(f"{situation.greeting.name} answers")
    else:
        tls = "with TLS" if server.tls else "without TLS"
        yield finding.ok(f"{server.name} answers ({server.os}, {server.charset}, {tls})")


@check(
    "mysql.connections",
    severity="warning",
    live=True,
    needs=("mysql.connect",),
    why="Each datasource of each node keeps a pool: under load the last ones to come get no connection.",
    fix="Raise max_connections of the server, or lower pool.max_active.",
)
def connections(context: CheckContext) -> Iterator[Finding]:
    """Whether the server takes as many connections as the pools may open: nodes times datasources times pool.

    Source: procedure 2: the limits of the account count like `max_connections`.
    """
    if unseen := list(_unseen(context)):
        yield from unseen
        return
    server = situation_of(context).server
    assert server is not None
    profile = context.profile
    datasources = len(profile.mysql.database_names())
    of_a_node = datasources * profile.pool.max_active
    most = len(profile.nodes) * of_a_node
    found = list(_account_limits(context, of_a_node))
    if server.max_connections < most:
        found.append(
            finding.warning(
                f"max_connections is {server.max_connections}; the pools of {len(profile.nodes)} nodes with "
                f"{datasources} datasources each may open {most}",
                fix=f"SET GLOBAL max_connections = {most + 50}; and the same in the server's configuration file",
            )
        )
    yield from found
    if not found:
        yield finding.ok(f"max_connections is {server.max_connections}; the pools may open {most}")


def _account_limits(context: CheckContext, of_a_node: int) -> Iterator[Finding]:
    """Limits of single accounts that are below what the pools of the nodes that use them may open."""
    situation = situation_of(context)
    server = situation.server
    assert server is not None
    for account, nodes in _accounts_of_nodes(context).items():
        settings = situation.settings.get(account)
        own = settings.max_connections if settings is not None else 0
        limit = own or server.max_user_connections
        most = len(nodes) * of_a_node
        if not 0 < limit < most:
            continue
        everywhere = limit == server.max_user_connections
        yield finding.warning(
            f"{account} may have {limit} connections at a time "
            f"({'max_user_connections' if everywhere else 'MAX_USER_CONNECTIONS'}); the pools of "
            f"{' and '.join(nodes)} may open {most}",
            fix=f"SET GLOBAL max_user_connections = {most + 50}; and the same in the server's configuration file"
            if everywhere
            else _altered(situation, account, f"WITH MAX_USER_CONNECTIONS {most + 50}"),
        )


def _accounts_of_nodes(context: CheckContext) -> dict[Account, list[str]]:
    """The account that each node's log-ins are matched to → the names of those nodes."""
    from wizard.database.accounts import taken_for

    target, situation, needs = wanted_of(context), situation_of(context), needs_of(context)
    accounts = [*(situation.accounts or ()), *([needs.account] if needs.account is not None else [])]
    found: dict[Account, list[str]] = {}
    for node in context.profile.nodes:
        if situation.accounts is None:
            account = situation.account
        else:
            account = taken_for(accounts, target.login.username, _seen_as(node, target.endpoint.host))
        if account is not None and account.username:
            found.setdefault(account, []).append(node.name)
    return found


def _altered(situation: Situation, account: Account, what: str) -> str:
    """The statement that changes an account's `REQUIRE` or `WITH`, in the dialect of the server."""
    from wizard.database.quoting import literal

    who = f"{literal(account.username)}@{literal(account.host)}"
    greeting = situation.greeting
    if greeting.version < ((10, 2) if greeting.mariadb else (5, 7, 6)):
        return f"GRANT USAGE ON *.* TO {who} {what}; as an administrator"
    return f"ALTER USER {who} {what}; as an administrator"


# --- the two accounts ---------------------------------------------------------------------------------------


@check(
    "mysql.account",
    live=True,
    needs=("mysql.connect",),
    why="The two servers log in with this account and nothing else.",
    fix="Correct mysql.username and mysql.password, or the account on the server.",
)
def account(context: CheckContext) -> Iterator[Finding]:
    """Whether the servers' account gets in, is not shadowed, and may do what the servers do (procedure 2)."""
    if context.passwords.problems:
        yield finding.skipped("not looked at: a password is missing")
        return
    target, situation = wanted_of(context), situation_of(context)
    needs = needs_of(context)
    found = [
        *_name_too_long(target, situation),
        *_read_only(situation),
        *_login(target, situation, needs),
        *_without_tls(context, situation),
        *_shadowed_nodes(context, target, situation, needs),
    ]
    yield from found
    if any(result.status == "error" for result in found):
        return
    if situation.account is None and situation.busy:
        yield finding.ok(f"{_BUSY}; whether {target.login.username} logs in is seen after it")
    elif needs.account is not None:
        yield finding.ok(f"{needs.account} does not exist and will be made")
    else:
        yield finding.ok(f"{target.login.username} logs in (the server takes it for {situation.account})")


def _name_too_long(target: WantedDatabases, situation: Situation) -> Iterator[Finding]:
    from wizard.database.accounts import longest_name

    longest = longest_name(situation.greeting.version, mariadb=situation.greeting.mariadb)
    if len(target.login.username) > longest:
        yield finding.error(
            f"{target.login.username} has {len(target.login.username)} characters; "
            f"this server takes {longest} at most",
            fix="choose a shorter mysql.username",
        )


def _read_only(situation: Situation) -> Iterator[Finding]:
    if situation.server is not None and situation.server.read_only:
        yield finding.error(
            "the server is read-only: nothing can be made there, and the two servers could not write",
            fix="set mysql.host to the primary server, or SET GLOBAL read_only = OFF",
        )


def _login(target: WantedDatabases, situation: Situation, needs: Needs) -> Iterator[Finding]:
    from wizard.database.accounts import taken_for

    username = target.login.username
    failure = situation.account_failure
    known = situation.accounts or ()
    if failure is None:
        assert situation.account is not None
        if not situation.account.username:
            yield _shadowed(situation.account, username, "this machine")
            return
        if not situation.busy:  # else the other run may be granting them
            yield from _lacking_rights(target, situation, needs)
        return
    if failure.cause == "denied" and situation.busy:
        return  # it may be made this very moment; the run that waits for the other one looks again
    if failure.cause != "denied":
        yield finding.error(failure.message, fix=failure.fix or "see the server's message")
        return
    denied = failure.message
    if situation.accounts is None and not failure.encrypted:
        denied += ", or the account requires TLS, without which this login was sent"  # 1045 as well
    elif situation.accounts is None:
        denied += ", or the account requires a certificate of the client (REQUIRE X509)"
    shadow = taken_for([*known, target.account], username, situation.origins) if known else None
    if shadow is not None and not shadow.username:
        yield _shadowed(shadow, username, "this machine")
    elif needs.account is not None:
        return  # it will be made
    elif shadow is not None and shadow in known and (tls := _refused_for_tls(situation, shadow)) is not None:
        yield tls
    elif shadow is not None and shadow in known:
        yield finding.error(
            f"the account {shadow} exists, and the password is refused",
            fix=f"correct mysql.password, or give {shadow} the password of the profile",
        )
    elif situation.administrator_failure is not None:
        yield finding.error(
            f"{denied}; whether it exists is not known, since the administrator cannot log in either",
            fix=failure.fix or "correct the account's password",
        )
    elif target.mode == "dba":
        yield finding.error(f'{denied}; with provisioning = "dba" it is not made', fix=_by_dba())
    elif target.administrator is None:
        yield finding.error(
            f"{denied} (or an anonymous account that comes first); without an administrator it is not made",
            fix=_by_dba(
                "correct mysql.password, use TLS where the account requires it, set admin_username and "
                "admin_password, or let"
            ),
        )
    else:
        yield finding.error(denied, fix=failure.fix or "correct the account's password")


def _refused_for_tls(situation: Situation, account: Account) -> Finding | None:
    """Why an account that exists was refused, where that is its need for TLS: the server's error is 1045 either way."""
    settings, failure = situation.settings.get(account), situation.account_failure
    assert failure is not None
    if settings is None or not settings.tls or (failure.encrypted and not settings.needs_certificate):
        return None
    if settings.needs_certificate:
        return finding.error(
            f"the account {account} requires TLS with a certificate of the client, and is refused without one; "
            "whether its password is right cannot be tested from here",
            fix=_altered(situation, account, "REQUIRE SSL"),
        )
    why = (
        "the TLS that the server offers is too old for this machine"
        if situation.greeting.tls
        else "the server offers no TLS"
    )
    return finding.error(
        f"the account {account} requires TLS, and {why}, so it is refused; whether its password is right cannot be "
        "tested from here",
        fix=f"{_altered(situation, account, 'REQUIRE NONE')}, or switch on TLS 1.2 or later in the server",
    )


def _without_tls(context: CheckContext, situation: Situation) -> Iterator[Finding]:
    """The log-ins of the servers' driver, where the profile switches TLS off and the account or server requires it."""
    parameters = context.profile.mysql.url_parameters
    off = next(
        (
            (name, str(value))
            for name, value in parameters.items()
            if (name.lower(), str(value).lower()) in _NO_TLS
        ),
        None,
    )
    if off is None or situation.server is None:
        return
    own = [situation.account] if situation.account is not None else []
    accounts = dict.fromkeys([*own, *_accounts_of_nodes(context)])
    who = [
        f"the account {account}"
        for account in accounts
        if account in situation.settings and situation.settings[account].tls
    ]
    if situation.server.requires_tls:
        who = [f"{situation.server.name} (require_secure_transport)"]
    if not who:
        return
    name, value = off
    on = "true" if name.lower() == "usessl" else "REQUIRED"
    yield finding.error(
        f'TLS is required by {" and ".join(who)}, and url_parameters has {name} = "{value}": the servers will be '
        "refused as with a wrong password",
        fix=Fix(
            f'set {name} = "{on}" in mysql.url_parameters',
            SetField(f"mysql.url_parameters.{name}", on, f'set {name} = "{on}"'),
        ),
    )


_NO_TLS = {("usessl", "false"), ("usessl", "no"), ("sslmode", "disabled")}


def _shadowed(shadow: Account, username: str, where: str) -> Finding:
    from wizard.database.quoting import literal

    return finding.error(
        f"for log-ins from {where} the server takes {username} for the anonymous account {shadow}",
        fix=f"DROP USER ''@{literal(shadow.host)}; as an administrator",
    )


def _lacking_rights(target: WantedDatabases, situation: Situation, needs: Needs) -> Iterator[Finding]:
    """Rights that are missing in a database that exists, and that this run does not grant."""
    from wizard.database.quoting import identifier, literal
    from wizard.database.rights import SERVERS_NEED, grant_pattern

    assert situation.account is not None
    rights = situation.rights[situation.account]
    for need in needs.databases:
        name = need.database.name
        missing = rights.missing(name, SERVERS_NEED)
        if not missing or need.grant_to or need.verdict.state == "absent":
            continue
        pattern = identifier(grant_pattern(name, literal=rights.literal))
        who = f"{literal(situation.account.username)}@{literal(situation.account.host)}"
        yield finding.error(
            f"{target.login.username} lacks {', '.join(missing)} on {name}",
            fix=f"GRANT ALL ON {pattern}.* TO {who}; as an administrator",
        )


def _shadowed_nodes(
    context: CheckContext, target: WantedDatabases, situation: Situation, needs: Needs
) -> Iterator[Finding]:
    """The nodes' own log-ins, as far as the list of accounts tells."""
    from wizard.database.accounts import taken_for

    if situation.accounts is None:
        return
    accounts = [*situation.accounts, *([needs.account] if needs.account is not None else [])]
    for node in context.profile.nodes:
        hosts = _seen_as(node, target.endpoint.host)
        taken = taken_for(accounts, target.login.username, hosts)
        if taken is not None and not taken.username:
            yield _shadowed(taken, target.login.username, f"{node.name} ({hosts[0]})")
        elif taken is None and any(one.username for one in accounts):
            yield finding.warning(
                f"no account {target.login.username} fits {node.host}, the host of {node.name}",
                node=node.name,
                fix=f'grant_host = "%", or one account for each node; the server may know {node.host} by another '
                "name",
            )


def _seen_as(node: Node, server_host: str) -> list[str]:
    """The names by which the server may know the node; `localhost` first where they share a machine."""
    addresses = network.addresses(node.host, resolve=True)
    servers = network.addresses(server_host, resolve=True)
    local = [all(network.is_local(one) for one in of) for of in (addresses, servers) if of]
    together = bool(set(addresses) & set(servers)) or local == [True, True]
    return [*(["localhost"] if together else []), node.host, *addresses]


@check(
    "mysql.administrator",
    live=True,
    needs=("mysql.connect",),
    why="The wizard makes databases, account, grants and tables with this account, and nobody else does.",
    fix="Correct admin_username and admin_password, or grant the administrator what it lacks.",
)
def administrator(context: CheckContext) -> Iterator[Finding]:
    """Whether the administrator gets in, and may do what this run will do."""
    if context.passwords.problems:
        yield finding.skipped("not looked at: a password is missing")
        return
    from wizard.database.needs import administrator_lacks

    target, situation = wanted_of(context), situation_of(context)
    if target.administrator is None:
        yield finding.ok("none in the profile: databases and account have to be there")
        return
    failure = situation.administrator_failure
    if failure is not None:
        yield finding.error(
            f"the administrator cannot log in: {failure.message}",
            fix=failure.fix
            if failure.fix and failure.cause in ("plugin", "tls")
            else "correct admin_username and admin_password, or take both out of the profile",
        )
        return
    needs = needs_of(context)
    lacking = administrator_lacks(target, situation, needs)
    if lacking:
        yield finding.error(
            f"{target.administrator.username} lacks {'; '.join(lacking)}",
            fix=_by_dba("grant it that WITH GRANT OPTION, name another administrator, or let"),
        )
    elif needs.pending and needs.by_administrator:
        yield finding.ok(f"{target.administrator.username} may make what is missing")
    else:
        yield finding.ok(f"{target.administrator.username} logs in; there is nothing for it to make")


# --- the databases ------------------------------------------------------------------------------------------


def _script_findings(context: CheckContext, version: tuple[int, ...], *, mariadb: bool) -> Iterator[Finding]:
    from wizard.database.greeting import server_name

    name = server_name(version, mariadb=mariadb)
    for node in context.nodes:
        pack = context.packs.get(node.name)
        if pack is None:
            continue
        path = pack.script_for(version, mariadb=mariadb)
        if path is None:
            yield finding.error(
                f"{pack.title} has no script for {name}: its mysql.sql fails there at REG_RESOURCE",
                node=node.name,
                fix="use MySQL 5.6 or MariaDB, or take dbscripts/mysql5.7.sql from a pack on kernel 4.4.6 or later",
            )
        else:
            yield finding.ok(f"{path} fits {name}", node=node.name)


def script_offline(context: CheckContext) -> Iterator[Finding]:
    """What the profile's `server_version` says about the script."""
    from wizard.pack.releases import version_tuple

    text = context.profile.mysql.server_version
    if text is not None:
        yield from _script_findings(context, version_tuple(text), mariadb="mariadb" in text.lower())


@check(
    "mysql.script",
    live=True,
    offline=script_offline,
    needs=("mysql.connect",),
    why="MySQL 5.7 and later refuse the older script's default dates; packs before kernel 4.4.6 have no other. "
    "Some tables of each script have no primary key: with sql_require_primary_key it fails in its middle (error 3750).",
    fix="Use a server that the pack has a script for, with sql_require_primary_key off until the tables are made.",
)
def script(context: CheckContext) -> Iterator[Finding]:
    """Whether the pack has a script for this server, and the server will run it (procedure 2)."""
    if context.passwords.problems:
        yield finding.skipped("not looked at: a password is missing")
        return
    situation = situation_of(context)
    if situation.server is not None and _all_whole(needs_of(context)):
        yield finding.ok("not needed: both schemas are there")
        return
    yield from _script_findings(context, situation.greeting.version, mariadb=situation.greeting.mariadb)
    if situation.server is not None and (variable := situation.server.primary_key_variable) is not None:
        yield finding.error(
            f"{variable} is ON on {situation.server.name}: the script fails at its first table without a primary key",
            fix=f"SET GLOBAL {variable} = OFF; as an administrator, also in the server's configuration file if it "
            "restarts meanwhile; it can be ON again once the tables are made",
        )


def _all_whole(needs: Needs) -> bool:
    return all(need.verdict.state == "whole" for need in needs.databases if need.database.has_schema)


def charset_offline(context: CheckContext) -> Iterator[Finding]:
    """What the packs' own store tables say about the character set of the analytics stores (procedure 2)."""
    from wizard.pack.stores import LARGEST_ROW, RDBMS_CONFIG, SINGLE_BYTE, WIDEST, charset_width, largest_row

    wished = context.profile.mysql.store_charset
    packs = context.packs.values()
    size = largest_row(packs, 1)
    if size > LARGEST_ROW:
        yield finding.error(
            f"no character set fits this pack: {_too_large(size)}",
            fix=f"lower recordExtDataFieldCount in {RDBMS_CONFIG} of both homes",
        )
        return
    if wished is None:
        size = largest_row(packs, WIDEST)
        if size > LARGEST_ROW:
            yield finding.ok(f"new analytics stores get {SINGLE_BYTE}: in utf8mb4 {_too_large(size)}")
        return
    size = largest_row(packs, charset_width(wished))
    if size > LARGEST_ROW:
        yield finding.error(
            f'store_charset = "{wished}" does not fit this pack: {_too_large(size)}, so the server\'s CREATE TABLE '
            'fails with "Row size too large"',
            fix=Fix(
                f'set store_charset = "{SINGLE_BYTE}", or remove it; nothing is lost: these columns hold Base64',
                SetField("mysql.store_charset", SINGLE_BYTE, f'set store_charset = "{SINGLE_BYTE}"'),
            ),
        )
    elif packs:
        yield finding.ok(f"{wished} fits the tables of the analytics stores")


def _too_large(size: int) -> str:
    from wizard.pack.stores import LARGEST_ROW, RDBMS_CONFIG

    return (
        f"a row of a store table ({RDBMS_CONFIG.rpartition('/')[2]}) may have {size} bytes, and MySQL allows "
        f"{LARGEST_ROW}"
    )


@check(
    "mysql.charset",
    live=True,
    offline=charset_offline,
    needs=("mysql.connect",),
    why="MySQL 5.6 limits an index to 767 bytes; with four bytes a character UM_TENANT's needs 1020. "
    "A row has at most 65535 bytes: many packs' store tables have more in a multi-byte set.",
    fix='Set mysql.charset = "latin1" or "utf8", and mysql.store_charset = "latin1".',
)
def charset(context: CheckContext) -> Iterator[Finding]:
    """Whether the tables can be made with the character sets that the databases have or will get.

    Source: procedure 2, the measured table (UM_TENANT, error 1071), and the rule of the analytics stores.  The
    databases that exist count as they are.
    """
    yield from charset_offline(context)
    if unseen := list(_unseen(context)):
        yield from unseen
        return
    target, situation, needs = wanted_of(context), situation_of(context), needs_of(context)
    server = situation.server
    assert server is not None
    wished = server.charset_for(target.charset)
    unknown = [
        name for name in dict.fromkeys([wished, target.store_charset or wished]) if server.width(name) is None
    ]
    for name in unknown:
        yield finding.error(
            f'{server.name} knows no character set "{name}"',
            fix=f"one of {', '.join(sorted(name for name in server.charsets if name in _COMMON_CHARSETS))}",
        )
    if unknown:
        return
    for need in needs.databases:
        if need.database.is_store:
            yield from _store_that_exists(context, need.database.name)
    fits = True
    fitting = 'set charset = "latin1"'
    if server.schema_fits("utf8", by_servers=target.mode == "server"):
        fitting += ' or "utf8"'
    for need in needs.databases:
        fills = need.verdict.state in ("absent", "empty") or need.take_back
        if not need.database.has_schema or not fills:
            continue
        contents = None if need.recreate else situation.contents.get(need.database.name)
        now = contents.charset if contents is not None else wished
        if server.schema_fits(now, by_servers=target.mode == "server") is False:
            fits = False
            origin = (
                f"{need.database.name} has the character set {now}"
                if contents is not None
                else f"{need.database.name} would get the character set {now}"
                + ("" if target.charset else ", the server's own")
            )
            yield finding.error(
                f"{origin}, with which the schema cannot be made on {server.name}: an index may have "
                f"{server.index_limit} bytes",
                fix=Fix(fitting, SetField("mysql.charset", "latin1", 'set charset = "latin1"'))
                if contents is None
                else f"{fitting}, and drop the empty database, so that it is made anew",
            )
    if fits:
        yield finding.ok(f"{wished} fits {server.name}")


def _store_that_exists(context: CheckContext, name: str) -> Iterator[Finding]:
    """An analytics store whose default character set no new record table of the pack fits in."""
    from wizard.database.quoting import identifier
    from wizard.pack.stores import LARGEST_ROW, SINGLE_BYTE, TABLE_PREFIX, charset_width, largest_row

    target, situation = wanted_of(context), situation_of(context)
    contents = situation.contents.get(name)
    if contents is None:
        return
    packs = context.packs.values()
    size = largest_row(packs, charset_width(contents.charset))
    if size <= LARGEST_ROW:
        return
    wished = target.store_charset or SINGLE_BYTE
    if largest_row(packs, charset_width(wished)) > LARGEST_ROW:
        wished = SINGLE_BYTE
    fix = f"ALTER DATABASE {identifier(contents.name)} CHARACTER SET {wished};"
    told = f"{contents.name} has the default character set {contents.charset}, in which {_too_large(size)}"
    if any(table.upper().startswith(TABLE_PREFIX) for table in contents.schema.tables):
        # The tables that are there were made otherwise and go on working.
        yield finding.warning(f"{told}: new record tables cannot be created", fix=fix)
    else:
        yield finding.error(f"{told}: the server cannot create its tables", fix=fix)


_COMMON_CHARSETS = {"latin1", "utf8", "utf8mb3", "utf8mb4", "ascii"}


@check(
    "mysql.schema",
    live=True,
    needs=("mysql.connect",),
    why="Half a schema, or somebody else's tables, is what the servers fail on much later and less clearly.",
    fix="Empty the database yourself if nobody needs what it holds, or name another.",
)
def schema(context: CheckContext) -> Iterator[Finding]:
    """Whether user and registry database are empty, whole, or something that must not be touched (procedure 2)."""
    if unseen := list(_unseen(context)):
        yield from unseen
        return
    for need in needs_of(context).databases:
        if need.database.has_schema:
            yield from _schema_of(need)


def _schema_of(need: Need) -> Iterator[Finding]:
    name, verdict = need.database.name, need.verdict
    if need.take_back:
        yield finding.ok(f"{name}: what an earlier run began there will be taken back and begun again")
    elif need.awaited:
        yield finding.ok(f"{name}: {_BUSY}, and this one waits for it")
    elif verdict.state == "partial":
        yield finding.error(
            f"{name} holds only part of the schema; missing: {_listed(verdict.missing)}",
            fix=f"if nobody needs what it holds, drop and create {name} anew; nothing of it is dropped for you",
        )
    elif verdict.state == "other":
        yield finding.error(
            f"{name} belongs to something else; it holds: {_listed(verdict.foreign)}",
            fix=f"name another database for mysql.databases.{' and '.join(need.database.roles)}",
        )
    elif verdict.state == "whole":
        yield finding.ok(f"{name} holds the whole schema ({need.tables} tables)")
    elif verdict.state == "empty":
        yield finding.ok(f"{name} is empty")
    else:
        yield finding.ok(f"{name} does not exist yet")


@check(
    "mysql.missing",
    live=True,
    needs=("mysql.connect",),
    why="The servers make no databases and no accounts: what is missing when they start stays missing.",
    fix=_by_dba("Let", ", or name an administrator."),
)
def missing(context: CheckContext) -> Iterator[Finding]:
    """What is missing and may not be made by this run (procedure 2; checks.md)."""
    if unseen := list(_unseen(context)):
        yield from unseen
        return
    target, situation, needs = wanted_of(context), situation_of(context), needs_of(context)
    scripts = scripts_of(context, situation.greeting.version, mariadb=situation.greeting.mariadb)
    found = False
    if situation.exists is False and needs.account is None and not target.may_make:
        found = True
        yield finding.error(f"the account {target.account} does not exist", fix=_remedy(target))
    for need in needs.databases:
        text = _missing_text(need, target, has_script=scripts is None or scripts.fitting is not None)
        if text is not None:
            found = True
            yield finding.error(text, fix=_remedy(target))
    if not found and needs.busy:
        yield finding.ok(f"{_BUSY}: what is missing after it will be made")
    elif not found:
        made = [need.database.name for need in needs.databases if need.pending]
        yield finding.ok(f"will be made or completed: {', '.join(made)}" if made else "nothing is missing")


def _missing_text(need: Need, target: WantedDatabases, *, has_script: bool) -> str | None:
    name, state = need.database.name, need.verdict.state
    if not need.lacking or not has_script:
        return None
    if state == "absent":
        return f"the database {name} does not exist, or {target.login.username} may not see it"
    if state == "empty" and target.mode == "dba":
        return f"the database {name} has no tables yet"
    if state == "empty":
        return f"the database {name} has no tables yet, and {target.login.username} may not make them"
    return None  # part of a schema, or somebody else's: mysql.schema tells


def _remedy(target: WantedDatabases) -> Fix:
    return _by_dba("let" if target.mode == "dba" else "set admin_username and admin_password, or let")


# --- the index of the event store ---------------------------------------------------------------------------


@check(
    "mysql.stale-index",
    severity="warning",
    live=True,
    needs=("mysql.connect",),
    why="The event store names the owner of each index shard by node id: shards of nodes that are gone are not "
    "indexed, and the servers log nothing about it.",
    fix="Copy my-node-id.dat of each earlier home to the home that replaces it, before its first start.",
)
def stale_index(context: CheckContext) -> Iterator[Finding]:
    """Whether the event store's index belongs to nodes that are not of this pair (procedure 1).

    Only up to carbon-analytics 1.3.18.  An id that no home here has may be that of a home of the pair elsewhere.
    """
    if unseen := list(_unseen(context)):
        yield from unseen
        return
    if not context.packs:
        yield finding.skipped("no home of the pair is on this machine: the index was not read")
        return
    if not any(pack.components.assigns_index_shards_to_node_ids for pack in context.packs.values()):
        yield finding.ok("from carbon-analytics 1.3.19 on, no index shard belongs to a node id")
        return
    name = context.profile.mysql.databases.event_store
    store = situation_of(context).contents.get(name)
    if store is None:
        yield finding.ok(f"{name} does not exist yet")
        return
    owners = _shard_owners(context, store)
    here = {id for pack in context.packs.values() for id in pack.node_ids.values()}
    strangers = sorted(owners.node_ids - here)
    elsewhere = len(context.profile.nodes) - len(context.packs)
    unread = f"; {owners.unreadable} records could not be read" if owners.unreadable else ""
    if len(strangers) <= elsewhere:
        yield finding.ok(f"the index in {name} names no node outside the pair{unread}")
        return
    without = [node for node, pack in context.packs.items() if not pack.node_ids]
    yield finding.warning(
        f"the index in {name} belongs to nodes that no home here has the id of: {_listed(strangers)}{unread}; what "
        "their shards hold is not indexed",
        fix="copy my-node-id.dat of each earlier home to repository/conf/analytics/ of the home that replaces it"
        + (f" ({' and '.join(without)} have none yet)" if without else "")
        + ", with both servers stopped; or give the pair a new event store",
    )


def _shard_owners(context: CheckContext, store: Contents) -> ShardOwners:
    """Read the index's owners with the account that sees most.  Raises DatabaseError."""
    from wizard.database.connection import connect
    from wizard.database.shards import shard_owners

    target, situation = wanted_of(context), situation_of(context)
    assert situation.server is not None
    login = target.login
    if situation.administrator is not None and target.administrator is not None:
        login = target.administrator
    with connect(target.endpoint, login.username, login.password) as session:
        return shard_owners(session, store, fold=situation.server.folds_names)


# --- the driver ---------------------------------------------------------------------------------------------


@check(
    "mysql.driver",
    live=True,
    needs=("mysql.connect", "mysql.account"),
    limit=15.0,
    why="Only the driver itself can tell whether it gets in: authentication plugins and TLS differ by version.",
    fix="Take a newer Connector/J, or set the URL parameters that it asks for.",
)
def driver(context: CheckContext) -> Iterator[Finding]:
    """Whether this jar with this Java logs in to this server with this URL (procedure 2)."""
    if unseen := list(_unseen(context)):
        yield from unseen
        return
    from wizard.preflight.jdbc import findings

    needs = needs_of(context)
    first = needs.databases[0]
    if needs.busy or needs.account is not None or first.verdict.state == "absent" or first.grant_to:
        yield finding.skipped("the account or the database is not there yet: tried once they are made")
        return
    yield from findings(
        context.profile, context.nodes, context.packs, context.passwords, trusted=context.trusted
    )


CHECKS: tuple[Check, ...] = (
    connect,
    account,
    administrator,
    script,
    charset,
    schema,
    missing,
    connections,
    stale_index,
    loopback,
    names,
    driver,
)
