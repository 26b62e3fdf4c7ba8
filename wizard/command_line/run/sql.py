"""`sql`: what a DBA has to run for the databases of a profile (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.database.connection import Greeting, greeting
from wizard.database.failure import DatabaseError
from wizard.database.needs import wanted
from wizard.database.script import scripts_for
from wizard.database.sql import sql_text
from wizard.pack.home import Pack
from wizard.plan.planner import Plan
from wizard.preflight.checks import CheckContext
from wizard.preflight.mysql.databases import charset_offline, names
from wizard.profile.model import Profile
from wizard.profile.passwords import Passwords
from wizard.system.errors import ChecksFailed


def sql_for_dba(
    profile: Profile, passwords: Passwords, packs: Mapping[str, Pack], *, with_password: bool = False
) -> str:
    """Return the SQL that a DBA runs, for the version of the server's greeting, else the profile's `server_version`.

    Raises ChecksFailed if a name or a character set is invalid, the version is not known, or the pack lacks its script.
    """
    context = CheckContext(profile, profile.nodes, packs, Plan(()), passwords, offline=True)
    for found in (*names.probe(context), *charset_offline(context)):  # these need no server
        if found.status == "error":
            raise ChecksFailed(found.message, place="mysql", fix=found.fix or "")
    target = wanted(profile, passwords, packs.values())
    try:
        server = greeting(target.endpoint)
    except DatabaseError as problem:
        if profile.mysql.server_version is None:
            text = f"the server version is not known: {problem.message}"
            fix = 'set mysql.server_version, such as "5.6" or "10.11-MariaDB"'
            raise ChecksFailed(text, place=problem.place, fix=fix) from None
        server = Greeting(profile.mysql.server_version)
    if server.is_before((5, 7)) and (profile.mysql.charset or "").lower() == "utf8mb4":
        text = "utf8mb4 does not fit MySQL 5.6: its indexes end at 767 bytes"
        raise ChecksFailed(text, place="mysql.charset", fix='set charset = "latin1" or "utf8"')
    scripts = scripts_for(packs.values(), server)
    if scripts is not None and scripts.fitting is None and target.mode != "server":
        pack = next(iter(packs.values()))
        text = f"{pack.title} has no script for {server.name}"
        fix = "use MySQL 5.6 or MariaDB, or take mysql5.7.sql from a pack on kernel 4.4.6 or later"
        raise ChecksFailed(text, place=str(pack.path("dbscripts")), fix=fix)
    fitting = scripts.fitting if scripts is not None else None
    return sql_text(target, fitting, server, with_password=with_password)
