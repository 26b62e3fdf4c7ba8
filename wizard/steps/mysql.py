"""Step 2: four databases, their account, and the tables of two of them (procedure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard.preflight.mysql import CHECKS
from wizard.steps.step import Step

if TYPE_CHECKING:
    from wizard.plan.workbench import Workbench


def setup_scripts(bench: Workbench) -> None:
    """What `-Dsetup` will run on a MySQL 5.7 and later: it always runs `mysql.sql`, so the new script takes that name.

    Only with `provisioning = "server"`.  Done once it stays done.
    """
    if bench.profile.mysql.provisioning != "server" or bench.mariadb or (bench.server or ()) < (5, 7):
        return
    for folder in ("dbscripts", "dbscripts/identity"):
        old, new, aside = (
            f"{folder}/{name}" for name in ("mysql.sql", "mysql5.7.sql", "mysql-before-5.7.sql")
        )
        if bench.pack.exists(new) and bench.pack.exists(old):
            bench.rename_chain([new, old, aside])
        elif bench.pack.exists(aside) and bench.pack.exists(old):
            bench.add(old, "rename")


STEP = Step(
    id="mysql",
    title="MySQL",
    help="Where the databases live, how they are created, and the account that both servers log in with.",
    asks={
        "mysql": "host port username password grant_host provisioning admin_username "
        "admin_password charset store_charset server_version url_parameters",
        "mysql.databases": "user registry event_store processed_data_store",
    },
    edits=(setup_scripts,),
    checks=CHECKS,
)
