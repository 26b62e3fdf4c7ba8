"""The checks of step 1 about Java and about the driver's jar (procedure 1)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from wizard.pack.driver import first_with, holds_class, is_mysql_driver
from wizard.pack.home import DROPINS, LIB
from wizard.preflight.checks import Check, CheckContext, each_home, each_node
from wizard.system import finding
from wizard.system.errors import WizardError
from wizard.system.finding import Finding
from wizard.system.printable import quoted

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.profile.model import Node


@Check(
    "prerequisites.java",
    field="nodes.java_home",
    why="The 4.4.x kernels start on Java 1.7 and 1.8 only.",
    fix="Set nodes.java_home to a JDK 1.8.",
)
@each_node
def java(context: CheckContext, node: Node) -> Iterator[Finding]:
    """The Java of the profile; without one that of `JAVA_HOME`, as the launcher does, which uses no PATH."""
    from wizard.preflight.jdbc import released

    named = node.java_home is not None
    home = node.java_home if named else os.environ.get("JAVA_HOME")
    version = quoted(released(Path(home)) or "") if home else ""
    if re.match(r"1\.[78](\D|$)", version):
        yield finding.ok(f"Java {version}{'' if named else ', by JAVA_HOME'}")
    elif named:
        problem = f"Java {version} in {home}: the 4.4.x kernels need 1.7 or 1.8"
        yield finding.error(
            problem if version else f"{home}/release names no version: not a Java home",
            fix=f"set java_home of {node.name} to a JDK 1.7 or 1.8",
        )
    else:
        if not home:
            problem = "neither java_home nor JAVA_HOME is set: the launcher refuses to start the server"
        elif not version:
            problem = f"java_home is not set, and JAVA_HOME = {home} holds no Java"
        else:
            problem = f"java_home is not set; JAVA_HOME points to Java {version}, and the 4.4.x kernels need 1.7 or 1.8"
        fix = f"set java_home of {node.name} to the JDK 1.7 or 1.8 that the server will use"
        yield finding.warning(problem, fix=fix)


@Check(
    "prerequisites.driver-jar",
    field="mysql.driver_jar",
    why="Without the driver's class the servers reach no database.",
    fix="Download MySQL Connector/J (5.1.49 fits every server before 9) and name its jar in mysql.driver_jar.",
)
def driver_jar_fits(context: CheckContext) -> Iterator[Finding]:
    mysql = context.profile.mysql
    if mysql.driver_jar is not None:
        yield _named_jar(Path(mysql.driver_jar), mysql.driver_class)
    else:
        yield from jar_of_home(context)


def _named_jar(path: Path, driver_class: str) -> Finding:
    if path.suffix != ".jar":
        return finding.error(
            f"{path.name} does not end in .jar: the servers ignore it",
            fix=f"mv {quote(str(path))} {quote(str(path.with_suffix('.jar')))}   and name that in driver_jar",
        )
    try:
        if holds_class(path, driver_class):
            return finding.ok(f"{path.name} holds {driver_class}")
    except WizardError as problem:
        return finding.error(f"{path}: {problem.message}", fix=problem.fix)
    return finding.error(f"{path} does not hold {driver_class}")


@each_home()
def jar_of_home(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    driver_class = context.profile.mysql.driver_class
    fitting = first_with(pack.jars(LIB), driver_class)
    if fitting is not None:
        yield finding.ok(f"{fitting.name} holds {driver_class}")
    else:
        yield finding.error(f"driver_jar is not set, and no jar in {pack.path(LIB)} holds {driver_class}")


@Check(
    "prerequisites.second-driver",
    severity="warning",
    why="With two MySQL drivers on one class path it is undefined which one the server loads.",
    fix="Remove the other jar from repository/components/lib, and an old bundle of it from dropins.",
)
@each_home("no other MySQL driver")
def second_driver(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    named = context.profile.mysql.driver_jar
    drivers = [jar for jar in pack.jars(LIB) if is_mysql_driver(jar)]
    own = {Path(named).name} if named is not None else {jar.name for jar in drivers[:1]}
    # At its start, the server makes a bundle of each jar in lib.
    made = {f"{name.removesuffix('.jar').replace('-', '_')}_1.0.0.jar" for name in own}
    others = [jar for jar in drivers if jar.name not in own]
    others += [jar for jar in pack.jars(DROPINS) if jar.name not in made and is_mysql_driver(jar)]
    for jar in others:
        yield finding.warning(
            f"{jar} is another MySQL driver on the same class path", fix=f"rm {quote(str(jar))}"
        )


CHECKS = (java, driver_jar_fits, second_driver)
