"""JDBC driver jars: what a jar holds, read without running it.

Only the names of the members and the head of `META-INF/MANIFEST.MF` are read.  Source: procedure, chapter 1
("driver jar": it is a zip, look inside), and the manifests of Connector/J 8.0.33 and MariaDB Connector/J 2.7.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from wizard.pack.archive import Archive, BadArchive
from wizard.system.bounded import NotAFile
from wizard.system.errors import ChecksFailed
from wizard.system.printable import quoted

DRIVER_CLASSES = {
    "com.mysql.jdbc.Driver": "Connector/J",
    "com.mysql.cj.jdbc.Driver": "Connector/J",
    "org.gjt.mm.mysql.Driver": "Connector/J",
    "org.mariadb.jdbc.Driver": "MariaDB Connector/J",
}
"""The classes by which a jar is known to be a driver for MySQL, and whose it is."""

_MANIFEST_LIMIT = 256 * 1024
_VERSION_LIMIT = 80


class DriverError(ChecksFailed):
    """A driver jar that is missing, is not a jar, or is not the one that the profile names."""


class DriverJar(NamedTuple):
    """What is known of one jar.

    `classes` are those of `DRIVER_CLASSES` that it holds, sorted; empty for a jar without a MySQL driver.
    """

    path: Path
    classes: tuple[str, ...]
    version: str | None

    @property
    def name(self) -> str:
        """For a person: `Connector/J 8.0.33`, or the file's name where the jar does not say."""
        if not self.classes:
            return self.path.name
        return f"{DRIVER_CLASSES[self.classes[0]]} {self.version or f'({self.path.name})'}"


def inspect(path: Path) -> DriverJar:
    """Return what the jar at `path` is.  Raises DriverError for what is not a readable zip."""
    members, version = _read(path)
    return DriverJar(path, tuple(sorted(name for name in DRIVER_CLASSES if _entry(name) in members)), version)


def holds_class(path: Path, class_name: str) -> bool:
    """Whether the jar holds `class_name` (dotted).  Raises DriverError for what is not a readable zip."""
    return _entry(class_name) in _read(path)[0]


def first_with(jars: Iterable[Path], class_name: str) -> Path | None:
    """Return the first jar that holds `class_name`; one that cannot be read holds none."""
    for path in jars:
        with suppress(DriverError):
            if holds_class(path, class_name):
                return path
    return None


def is_mysql_driver(path: Path) -> bool:
    """Whether the jar is a driver for MySQL; False also for what is not a readable zip."""
    with suppress(DriverError):
        return bool(inspect(path).classes)
    return False


def required(path: Path, class_name: str) -> DriverJar:
    """Return the jar, which holds `class_name`.  Raises DriverError, which names what it holds instead."""
    jar = inspect(path)
    if holds_class(path, class_name):
        return jar
    message = f"the jar does not hold the class {class_name}"
    fix = f"set mysql.driver_jar to a jar that holds {class_name} (MySQL Connector/J)"
    if jar.classes:
        message += f"; it is {jar.name} with {', '.join(jar.classes)}"
        fix = f'set mysql.driver_class = "{jar.classes[0]}", or give a jar that holds {class_name}'
    raise DriverError(message, place=str(path), fix=fix)


def _entry(class_name: str) -> str:
    return class_name.replace(".", "/") + ".class"


def _read(path: Path) -> tuple[set[str], str | None]:
    """Return the names of a jar's members, and its version."""
    fix = "set mysql.driver_jar to the jar file of MySQL Connector/J"
    try:
        with Archive(path) as jar:
            return {member.filename for member in jar.members}, _version(jar)
    except FileNotFoundError:
        message = "the driver jar does not exist"
    except OSError as problem:
        message = f"the driver jar cannot be read: {problem.strerror}"
        fix = fix if isinstance(problem, NotAFile) else "make it readable for this user"
    except BadArchive as problem:
        message = f"the driver jar cannot be read: {problem}"
    raise DriverError(message, place=str(path), fix=fix)


def _version(jar: Archive) -> str | None:
    """`Implementation-Version`, else `Bundle-Version`, of the manifest; None without either."""
    try:
        text = jar.head("META-INF/MANIFEST.MF", _MANIFEST_LIMIT).decode("utf-8", "replace")
    except BadArchive:
        return None  # a driver without a readable manifest is still a driver
    main = re.split(r"\r?\n\r?\n|\r\r", text, maxsplit=1)[0]
    unfolded = re.sub(r"(\r\n|\n|\r) ", "", main)  # a line end and one space continue a line of a manifest
    for key in ("implementation-version", "bundle-version"):
        for line in unfolded.splitlines():
            name, _, value = line.partition(":")
            if name.strip().lower() == key and value.strip():
                return quoted(value, _VERSION_LIMIT)
    return None
