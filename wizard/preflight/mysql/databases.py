"""Checks of the databases: names, scripts, character sets, contents, and what is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.preflight.mysql.view import AS_ADMINISTRATOR, BUSY, DatabaseView, ServerCheck, by_dba, listed
from wizard.profile.cross_field import MAY_SHARE
from wizard.system import finding
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.database.connection import Greeting
    from wizard.database.needs import Need
    from wizard.database.schema import Contents, ShardOwners
    from wizard.pack.home import Pack
    from wizard.profile.model import Node


# --- their names --------------------------------------------------------------------------------------------


@Check(
    "mysql.names",
    why="A server may treat names that differ only in case as one database, and stores some characters wrongly.",
    fix="Choose other names in mysql.databases.",
    passed="the databases have names that a server can store",
)
def names(context: CheckContext) -> Iterator[Finding]:
    """Check that a server can have databases of these names, and keeps them apart (checks.md)."""
    from wizard.database.names import differing_in_case, is_system, unstorable

    by_role = context.profile.mysql.database_names()
    for role, name in by_role.items():
        reason = "it is the server's own database" if is_system(name) else unstorable(name)
        if reason is not None:
            fix = f"choose another name for mysql.databases.{role}"
            yield finding.error(f"{name} cannot be the {role} database: {reason}", fix=fix)
    for group in differing_in_case(by_role.values()):
        roles = [role for role, name in by_role.items() if name in group]
        or_one = ", or the same one," if any(set(roles) <= set(group) for group in MAY_SHARE) else ""
        yield finding.error(
            f"the names {' and '.join(group)} differ only in case: {_about_case(context)}",
            fix=f"choose names that differ otherwise{or_one} for mysql.databases.{' and '.join(roles)}",
        )


def _about_case(context: CheckContext) -> str:
    """Return what the server does with such names.  Only then is it asked: this check also runs offline."""
    from wizard.database.failure import DatabaseError

    server = None
    if not context.offline and not context.passwords.problems:
        with contextlib.suppress(DatabaseError):  # reported by mysql.connect
            server = DatabaseView(context).situation.server
    if server is None:
        return "a server on Windows or macOS, or with lower_case_table_names set, has one database for both"
    setting = f"{server.greeting.name} has lower_case_table_names = {server.lower_case_table_names}"
    if server.folds_names:
        return f"{setting}, so both are one database"
    return f"{setting} and keeps them apart, but a copy on a server with another setting has one database for both"


# --- the script ---------------------------------------------------------------------------------------------


def _script_findings(context: CheckContext, server: Greeting) -> Iterator[Finding]:
    @each_home()
    def fitting(_: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
        path = pack.script_for(server.version, mariadb=server.mariadb)
        if path is None:
            yield finding.error(
                f"{pack.title} has no script for {server.name}: its mysql.sql fails there at REG_RESOURCE",
                fix="use MySQL 5.6 or MariaDB, or take dbscripts/mysql5.7.sql from a pack on kernel 4.4.6 or later",
            )
        else:
            yield finding.ok(f"{path} fits {server.name}")

    yield from fitting(context)


def _script_offline(context: CheckContext) -> Iterator[Finding]:
    """Check the script for the profile's `server_version`."""
    if context.profile.mysql.server_version is not None:
        from wizard.database.connection import Greeting

        yield from _script_findings(context, Greeting(context.profile.mysql.server_version))


@ServerCheck(
    "mysql.script",
    login=False,
    offline_probe=_script_offline,
    why="MySQL 5.7 and later refuse the older script's default dates; packs before kernel 4.4.6 have no other. "
    "Some tables of each script have no primary key: with sql_require_primary_key the script stops at the first of "
    "them (error 3750).",
    fix="Use a server for which the pack has a script, with sql_require_primary_key off until the tables are created.",
)
def script(view: DatabaseView) -> Iterator[Finding]:
    """Check that the pack has a script for this server, and that the server can run it (procedure 2)."""
    server = view.situation.server
    if server is not None and all(
        need.verdict.state == "whole" for need in view.needs.databases if need.database.has_schema
    ):
        yield finding.ok("not needed: both schemas exist")
        return
    yield from _script_findings(view.context, view.situation.greeting)
    if server is not None and (variable := server.primary_key_variable) is not None:
        yield finding.error(
            f"{variable} is ON on {server.greeting.name}: the script fails at its first table without a primary key",
            fix=f"SET GLOBAL {variable} = OFF{AS_ADMINISTRATOR}, also in the server's configuration file if it "
            "restarts meanwhile; it can be ON again once the tables are created",
        )


# --- character sets -----------------------------------------------------------------------------------------


def charset_offline(context: CheckContext) -> Iterator[Finding]:
    """Check the packs' own store tables against the character set of the analytics stores (procedure 2)."""
    from wizard.pack.stores import LARGEST_ROW, RDBMS_CONFIG, SINGLE_BYTE, WIDEST, charset_width, largest_row

    wished = context.profile.mysql.store_charset
    packs = context.packs.values()
    if (size := largest_row(packs, 1)) > LARGEST_ROW:
        yield finding.error(
            f"no character set fits this pack: {_too_large(size)}",
            fix=f"lower recordExtDataFieldCount in {RDBMS_CONFIG} of both homes",
        )
    elif (size := largest_row(packs, charset_width(wished) if wished else WIDEST)) <= LARGEST_ROW:
        if wished and packs:
            yield finding.ok(f"{wished} fits the tables of the analytics stores")
    elif wished is None:
        yield finding.ok(f"new analytics stores get {SINGLE_BYTE}: in utf8mb4 {_too_large(size)}")
    else:
        setting = f'set store_charset = "{SINGLE_BYTE}"'
        yield finding.error(
            f'store_charset = "{wished}" does not fit this pack: {_too_large(size)}, so the server\'s CREATE TABLE '
            'fails with "Row size too large"',
            fix=Fix(
                f"{setting}, or remove it; no data is lost: these columns hold Base64",
                SetField("mysql.store_charset", SINGLE_BYTE, setting),
            ),
        )


def _too_large(size: int) -> str:
    from wizard.pack.stores import LARGEST_ROW, RDBMS_CONFIG

    file = RDBMS_CONFIG.rpartition("/")[2]
    return f"a row of a store table ({file}) may have {size} bytes, and MySQL allows {LARGEST_ROW}"


_COMMON_CHARSETS = {"latin1", "utf8", "utf8mb3", "utf8mb4", "ascii"}


@ServerCheck(
    "mysql.charset",
    field="mysql.charset",
    offline_probe=charset_offline,
    offline_first=True,
    why="MySQL 5.6 limits an index to 767 bytes; with four bytes a character UM_TENANT's needs 1020. "
    "A row has at most 65535 bytes: many packs' store tables have more in a multi-byte character set.",
    fix='Set mysql.charset = "latin1" or "utf8", and mysql.store_charset = "latin1".',
)
def charset(view: DatabaseView) -> Iterator[Finding]:
    """Check that the tables can be created with the character sets that the databases have or will get.

    Source: procedure 2, the measured table (UM_TENANT, error 1071), and the rule of the analytics stores.  Existing
    databases count with their own character set.
    """
    wanted, server, by_servers = view.wanted, view.server, view.wanted.mode == "server"
    wished = server.charset_for(wanted.charset)
    unknown = [
        name for name in dict.fromkeys([wished, wanted.store_charset or wished]) if server.width(name) is None
    ]
    for name in unknown:
        yield finding.error(
            f'{server.greeting.name} does not know the character set "{name}"',
            fix=f"one of {', '.join(sorted(_COMMON_CHARSETS & server.charsets.keys()))}",
        )
    if unknown:
        return
    fits = True
    setting = fix = 'set charset = "latin1"'
    if server.schema_fits("utf8", by_servers=by_servers):
        fix += ' or "utf8"'
    for need in view.needs.databases:
        name = need.database.name
        existing = view.situation.contents.get(name)
        if need.database.is_store and existing is not None:
            yield from _existing_store(view, existing)
        fills = need.verdict.state in ("absent", "empty") or need.take_back
        if not need.database.has_schema or not fills:
            continue
        contents = None if need.recreate else existing
        charset = contents.charset if contents is not None else wished
        if server.schema_fits(charset, by_servers=by_servers) is not False:
            continue
        fits = False
        has = "has" if contents is not None else "would get"
        default = ", the server's own" if contents is None and not wanted.charset else ""
        yield finding.error(
            f"{name} {has} the character set {charset}{default}, with which the schema cannot be created on "
            f"{server.greeting.name}: an index may have {server.index_limit} bytes",
            fix=Fix(fix, SetField("mysql.charset", "latin1", setting))
            if contents is None
            else f"{fix}, and drop the empty database, so that it is created again",
        )
    if fits:
        yield finding.ok(f"{wished} fits {server.greeting.name}")


def _existing_store(view: DatabaseView, contents: Contents) -> Iterator[Finding]:
    """Report an analytics store whose default character set does not fit new record tables of the pack."""
    from wizard.database.names import identifier
    from wizard.pack.stores import LARGEST_ROW, SINGLE_BYTE, TABLE_PREFIX, charset_width, largest_row

    packs = view.context.packs.values()
    size = largest_row(packs, charset_width(contents.charset))
    if size <= LARGEST_ROW:
        return
    wished = view.wanted.store_charset or SINGLE_BYTE
    if largest_row(packs, charset_width(wished)) > LARGEST_ROW:
        wished = SINGLE_BYTE
    fix = f"ALTER DATABASE {identifier(contents.name)} CHARACTER SET {wished};"
    message = f"{contents.name} has the default character set {contents.charset}, in which {_too_large(size)}"
    if any(table.upper().startswith(TABLE_PREFIX) for table in contents.schema.tables):
        # The existing tables have another character set and continue to work.
        yield finding.warning(f"{message}: new record tables cannot be created", fix=fix)
    else:
        yield finding.error(f"{message}: the server cannot create its tables", fix=fix)


# --- contents -----------------------------------------------------------------------------------------------


@ServerCheck(
    "mysql.schema",
    why="With part of a schema, or other tables, the servers fail much later and less clearly.",
    fix="Empty the database yourself if its contents are not needed, or name another.",
)
def schema(view: DatabaseView) -> Iterator[Finding]:
    """Check that user and registry database are empty, complete, or must not be changed (procedure 2)."""
    for need in view.needs.databases:
        if need.database.has_schema:
            yield _schema_of(need)


def _schema_of(need: Need) -> Finding:
    name, verdict = need.database.name, need.verdict
    if need.take_back:
        return finding.ok(f"{name}: what an earlier run began there will be removed and created again")
    if need.awaited:
        return finding.ok(f"{name}: {BUSY}, and this one waits for it")
    if verdict.state == "partial":
        return finding.error(
            f"{name} holds only part of the schema; missing: {listed(verdict.missing)}",
            fix=f"if its contents are not needed, drop and create {name} again; the wizard drops nothing",
        )
    if verdict.state == "other":
        return finding.error(
            f"{name} belongs to another application; it holds: {listed(verdict.foreign)}",
            fix=f"name another database for mysql.databases.{' and '.join(need.database.roles)}",
        )
    if verdict.state == "whole":
        return finding.ok(f"{name} holds the complete schema ({need.tables} tables)")
    return finding.ok(f"{name} is empty" if verdict.state == "empty" else f"{name} does not exist yet")


@ServerCheck(
    "mysql.missing",
    field="mysql.admin_username",
    why="The servers create no databases and no accounts: what is missing at their start stays missing.",
    fix=by_dba("Let", ", or name an administrator."),
)
def missing(view: DatabaseView) -> Iterator[Finding]:
    """Report what is missing and may not be created by this run (procedure 2; checks.md)."""
    wanted, needs, scripts = view.wanted, view.needs, view.scripts
    lacking = []
    accounts = view.situation.accounts
    absent = accounts is not None and not any(account.username for account in accounts)
    if absent and needs.account is None and not wanted.may_create:
        lacking.append(f"the account {wanted.account} does not exist")
    if scripts is None or scripts.fitting is not None:
        lacking += filter(None, (_missing_text(need, view) for need in needs.databases))
    fix = by_dba("let" if wanted.mode == "dba" else "set admin_username and admin_password, or let")
    yield from (finding.error(text, fix=fix) for text in lacking)
    if lacking:
        return
    created = ", ".join(need.database.name for need in needs.databases if need.pending)
    if needs.busy:
        yield finding.ok(f"{BUSY}: what is missing after it will be created")
    else:
        yield finding.ok(f"will be created or completed: {created}" if created else "nothing is missing")


def _missing_text(need: Need, view: DatabaseView) -> str | None:
    name, state, username = need.database.name, need.verdict.state, view.wanted.login.username
    if not need.lacking or state not in ("absent", "empty"):
        return None  # part of a schema, or other tables: reported by mysql.schema
    if state == "absent":
        return f"the database {name} does not exist, or {username} may not see it"
    reason = "" if view.wanted.mode == "dba" else f", and {username} may not create them"
    return f"the database {name} has no tables yet{reason}"


# --- the index of the event store ---------------------------------------------------------------------------


@ServerCheck(
    "mysql.stale-index",
    severity="warning",
    why="The event store names the owner of each index shard by node id: shards of nodes that no longer exist are not "
    "indexed, and the servers log nothing about it.",
    fix="Copy my-node-id.dat of each earlier home to the home that replaces it, before its first start.",
)
def stale_index(view: DatabaseView) -> Iterator[Finding]:
    """Check that the event store's index belongs to the nodes of this pair (procedure 1).

    Only up to carbon-analytics 1.3.18.  An id that no home here has may belong to a home of the pair elsewhere.
    """
    context = view.context
    packs, name = context.packs, context.profile.mysql.databases.event_store
    store = view.situation.contents.get(name)
    if not packs:
        yield finding.skipped("no home of the pair is on this machine: the index was not read")
    elif not any(pack.components.assigns_index_shards_to_node_ids for pack in packs.values()):
        yield finding.ok("from carbon-analytics 1.3.19 on, no index shard belongs to a node id")
    elif store is None:
        yield finding.ok(f"{name} does not exist yet")
    else:
        owners = _shard_owners(view, store)
        strangers = sorted(owners.node_ids - {id for pack in packs.values() for id in pack.node_ids.values()})
        unread = f"; {owners.unreadable} records could not be read" if owners.unreadable else ""
        if len(strangers) <= len(context.profile.nodes) - len(packs):
            yield finding.ok(f"the index in {name} names no node outside the pair{unread}")
            return
        without = " and ".join(node for node, pack in packs.items() if not pack.node_ids)
        yield finding.warning(
            f"the index in {name} belongs to node ids that no home here has: {listed(strangers)}{unread}; what "
            "their shards hold is not indexed",
            fix="copy my-node-id.dat of each earlier home to repository/conf/analytics/ of the home that replaces it"
            + (f" (none yet: {without})" if without else "")
            + ", with both servers stopped; or give the pair a new event store",
        )


def _shard_owners(view: DatabaseView, store: Contents) -> ShardOwners:
    """Read the index's owners with the account that sees most.  Raises DatabaseError."""
    from wizard.database.connection import connect
    from wizard.database.schema import shard_owners

    wanted = view.wanted
    login = wanted.login
    if view.situation.administrator is not None and wanted.administrator is not None:
        login = wanted.administrator
    with connect(wanted.endpoint, login.username, login.password) as session:
        return shard_owners(session, store)
