"""Step 1: two packs that can be configured: same product, stopped, writable, with a driver (procedure 1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack.driver import is_mysql_driver
from wizard.pack.home import CARBON, LIB
from wizard.preflight.checks import Check, CheckContext
from wizard.steps import homes, java
from wizard.steps.reading import describe
from wizard.steps.rows import Row, Table
from wizard.steps.step import Step
from wizard.system.bounded import is_file
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.plan.workbench import Workbench
    from wizard.steps.reading import Reading

OFFSET_ROWS = Table(CARBON, "Ports", (Row("Offset", "nodes.port_offset", rolls=False),), first=True)
"""The port offset, where the node sets one; otherwise the pack's own is kept."""


def driver_jar(bench: Workbench) -> None:
    """Copy the driver jar to `repository/components/lib` under its own name."""
    jar = bench.profile.mysql.driver_jar
    if jar is not None and is_file(jar):
        bench.copy(Path(jar), LIB)


@Check(
    "prerequisites.secret",
    always=True,
    why="If a password cannot be resolved now, it cannot be written, and the servers do not start.",
    fix="Set the variable, write the file (chmod 600), or correct the reference.",
    passed="every password that is needed was found",
)
def secret(context: CheckContext) -> Iterator[Finding]:
    yield from context.passwords.problems


# --- read back ------------------------------------------------------------------------------------------------


def read_offset(found: Reading) -> None:
    """Read the node's port offset."""
    OFFSET_ROWS.read(found, found.pack.xml(CARBON).find("Ports"))


def read_driver_jar(found: Reading) -> None:
    """Note several drivers; which one the profile names follows from its class."""
    jars = [jar.name for jar in found.pack.jars(LIB) if is_mysql_driver(jar)]
    if len(jars) > 1:
        found.note("mysql.driver_jar", f"{LIB} holds several MySQL drivers: {describe(', '.join(jars))}")


STEP = Step(
    id="prerequisites",
    title="Prerequisites",
    help="Two unpacked packs of one version, stopped, and the MySQL driver for both.",
    asks={
        "nodes": "name home host port_offset java_home",
        "mysql": "driver_jar driver_class",
    },
    edits=(OFFSET_ROWS.edit, driver_jar),
    tables=(OFFSET_ROWS,),
    checks=(secret, *homes.CHECKS, *java.CHECKS, *homes.LATER_CHECKS),
    reads=(read_offset, read_driver_jar),
)
