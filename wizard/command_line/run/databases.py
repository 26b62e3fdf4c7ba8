"""The databases of a profile: making what is missing, and the SQL for a DBA (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.database.needs import DatabaseResult
    from wizard.database.provision import DatabaseProgress, FindScripts, Stop
    from wizard.database.situation import Situation
    from wizard.pack.home import Pack
    from wizard.profile.model import Profile
    from wizard.profile.passwords import Passwords


def make_databases(
    profile: Profile,
    passwords: Passwords,
    packs: Mapping[str, Pack],
    *,
    progress: DatabaseProgress | None = None,
    cancel: Stop | None = None,
) -> list[DatabaseResult]:
    """Make what is missing: databases, account, grants, tables.  How each database stands afterwards.

    Nothing is touched where nothing is missing.  Raises `provision.ProvisioningFailed` (exit 1, with `.results`)
    and Cancelled; what had been begun in a database is taken back first.
    """
    from wizard.database.journal import FileJournal
    from wizard.database.provision import nobody_watches, provision
    from wizard.database.wanted import wanted

    target = wanted(profile, passwords, packs.values())
    journal = FileJournal(target.endpoint)
    return provision(target, _finder(packs), journal, progress=progress or nobody_watches, cancel=cancel)


def sql_for_dba(
    profile: Profile, passwords: Passwords, packs: Mapping[str, Pack], *, with_password: bool = False
) -> str:
    """What a DBA has to run.  The version is that of the server's greeting, else the profile's `server_version`.

    Raises ChecksFailed where nobody knows the version, or the pack has no script for it.
    """
    from wizard.database.failure import DatabaseError
    from wizard.database.greeting import greeting, version_of
    from wizard.database.scripts import scripts_for
    from wizard.database.sql import sql_text
    from wizard.database.wanted import wanted
    from wizard.system.errors import ChecksFailed

    _refuse_what_no_server_takes(profile, passwords, packs)
    target = wanted(profile, passwords, packs.values())
    assumed = profile.mysql.server_version
    try:
        said = greeting(target.endpoint)
        version, mariadb = said.version, said.mariadb
    except DatabaseError as problem:
        if assumed is None:
            raise ChecksFailed(
                f"which server the SQL is for is not known: {problem.message}",
                place=problem.place,
                fix='set mysql.server_version, such as "5.6" or "10.11-MariaDB"',
            ) from None
        version, mariadb = version_of(assumed), "mariadb" in assumed.lower()
    if version < (5, 7) and not mariadb and (profile.mysql.charset or "").lower() == "utf8mb4":
        raise ChecksFailed(
            "utf8mb4 does not fit MySQL 5.6: its indexes end at 767 bytes",
            place="mysql.charset",
            fix='set charset = "latin1" or "utf8"',
        )
    script = None
    for pack in packs.values():
        script = scripts_for(pack, version, mariadb=mariadb).fitting
        if script is None and target.mode != "server":
            raise ChecksFailed(
                f"{pack.title} has no script for MySQL {'.'.join(map(str, version))}",
                place=str(pack.path("dbscripts")),
                fix="use MySQL 5.6 or MariaDB, or take mysql5.7.sql from a pack on kernel 4.4.6 or later",
            )
        break
    return sql_text(target, script, version, mariadb=mariadb, with_password=with_password)


def _refuse_what_no_server_takes(profile: Profile, passwords: Passwords, packs: Mapping[str, Pack]) -> None:
    """Stop where the checks of names and of the stores' character set, which need no server, find an error.

    Raises:
        ChecksFailed: with the first of them.
    """
    from wizard.plan.planner import Plan
    from wizard.preflight.checks import CheckContext
    from wizard.preflight.mysql import charset_offline, names
    from wizard.system.errors import ChecksFailed

    context = CheckContext(profile, profile.nodes, packs, Plan(()), passwords, offline=True)
    for found in (*names.probe(context), *charset_offline(context)):
        if found.status == "error":
            raise ChecksFailed(found.message, place="mysql", fix=found.fix or "")


def _finder(packs: Mapping[str, Pack]) -> FindScripts:
    """Finds the scripts in the first pack that is here: both nodes hold the same product and version."""
    from wizard.database.scripts import Scripts, scripts_for

    def find(situation: Situation) -> Scripts | None:
        for pack in packs.values():
            return scripts_for(pack, situation.greeting.version, mariadb=situation.greeting.mariadb)
        return None

    return find
