"""The databases of a profile: creating what is missing, and the SQL for a DBA (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.database.needs import DatabaseResult
    from wizard.database.provision import DatabaseProgress
    from wizard.pack.home import Pack
    from wizard.profile.model import Profile
    from wizard.profile.passwords import Passwords
    from wizard.system.cancel import Cancel


def make_databases(
    profile: Profile,
    passwords: Passwords,
    packs: Mapping[str, Pack],
    *,
    progress: DatabaseProgress | None = None,
    cancel: Cancel | None = None,
) -> list[DatabaseResult]:
    """Create what is missing: databases, account, grants, tables.  Returns the state of each database afterwards.

    Raises `provision.ProvisioningFailed` (exit 1, with `.results`) and Cancelled; what was begun in a database is
    removed first.
    """
    from wizard.database.needs import wanted
    from wizard.database.provision import provision
    from wizard.database.situation import FileJournal

    target = wanted(profile, passwords, packs.values())
    journal = FileJournal(target.endpoint)
    return provision(target, packs.values(), journal, progress=progress, cancel=cancel)


def sql_for_dba(
    profile: Profile, passwords: Passwords, packs: Mapping[str, Pack], *, with_password: bool = False
) -> str:
    """Return the SQL that a DBA runs, for the version of the server's greeting, else the profile's `server_version`.

    Raises ChecksFailed if a name or a character set is invalid, the version is not known, or the pack lacks its script.
    """
    from wizard.database.failure import DatabaseError
    from wizard.database.greeting import Greeting, greeting
    from wizard.database.needs import wanted
    from wizard.database.script import scripts_for
    from wizard.database.sql import sql_text
    from wizard.plan.planner import Plan
    from wizard.preflight.checks import CheckContext
    from wizard.preflight.mysql.databases import charset_offline, names
    from wizard.system.errors import ChecksFailed

    context = CheckContext(profile, profile.nodes, packs, Plan(()), passwords, offline=True)
    for found in (*names.probe(context), *charset_offline(context)):  # these need no server
        if found.status == "error":
            raise ChecksFailed(found.message, place="mysql", fix=found.fix or "")
    target = wanted(profile, passwords, packs.values())
    assumed = profile.mysql.server_version
    try:
        server = greeting(target.endpoint)
    except DatabaseError as problem:
        if assumed is None:
            raise ChecksFailed(
                f"the server version is not known: {problem.message}",
                place=problem.place,
                fix='set mysql.server_version, such as "5.6" or "10.11-MariaDB"',
            ) from None
        server = Greeting(assumed)
    if server.is_before((5, 7)) and (profile.mysql.charset or "").lower() == "utf8mb4":
        raise ChecksFailed(
            "utf8mb4 does not fit MySQL 5.6: its indexes end at 767 bytes",
            place="mysql.charset",
            fix='set charset = "latin1" or "utf8"',
        )
    scripts = scripts_for(packs.values(), server)
    if scripts is not None and scripts.fitting is None and target.mode != "server":
        pack = next(iter(packs.values()))
        raise ChecksFailed(
            f"{pack.title} has no script for {server.name}",
            place=str(pack.path("dbscripts")),
            fix="use MySQL 5.6 or MariaDB, or take mysql5.7.sql from a pack on kernel 4.4.6 or later",
        )
    fitting = scripts.fitting if scripts is not None else None
    return sql_text(target, fitting, server, with_password=with_password)
