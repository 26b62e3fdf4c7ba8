"""JDBC driver jars: what a jar holds, read without running it.

Only the zip's central directory and a capped piece of `META-INF/MANIFEST.MF` are ever read, so that a jar
with huge or endlessly compressed entries costs nothing.  Source: procedure, chapter 1 ("driver jar": it is a
zip, look inside), and the manifests of Connector/J 8.0.33 and MariaDB Connector/J 2.7.6.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from wizard.system.errors import ChecksFailed

DriverKind = Literal["Connector/J", "MariaDB Connector/J"]

DRIVER_CLASSES: dict[str, DriverKind] = {
    "com.mysql.jdbc.Driver": "Connector/J",
    "com.mysql.cj.jdbc.Driver": "Connector/J",
    "org.gjt.mm.mysql.Driver": "Connector/J",
    "org.mariadb.jdbc.Driver": "MariaDB Connector/J",
}
"""The classes by which a jar is known to be a driver for MySQL, and whose it is."""

# Far above any real driver (Connector/J: 1 to 3 MB of jar, 60 KB of directory), far below what would hurt.
_DIRECTORY_LIMIT = 16 * 1024 * 1024
_MANIFEST_LIMIT = 256 * 1024

_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR = b"PK\x06\x07"


class DriverError(ChecksFailed):
    """A driver jar that is missing, is no jar, or is not the one that the profile asks for."""


class DriverJar(NamedTuple):
    """What is known of one jar.

    `classes` are those of `DRIVER_CLASSES` that it holds, sorted; empty for a jar that is no MySQL driver.
    """

    path: Path
    classes: tuple[str, ...]
    kind: DriverKind | None
    version: str | None

    @property
    def is_mysql_driver(self) -> bool:
        return bool(self.classes)

    @property
    def name(self) -> str:
        """For a person: `Connector/J 8.0.33`, or the file's name where the jar does not say."""
        if self.kind is None:
            return self.path.name
        return f"{self.kind} {self.version}" if self.version else f"{self.kind} ({self.path.name})"

    @property
    def release(self) -> tuple[int, ...]:
        """The leading numbers of the version, `()` where it is unknown: `5.1.49-bin` gives (5, 1, 49)."""
        found = re.match(r"\d+(\.\d+)*", self.version or "")
        return tuple(int(number) for number in found.group().split(".")) if found else ()


def inspect(path: Path) -> DriverJar:
    """What the jar at `path` is.  DriverError where there is no readable zip."""
    with _opened(path) as jar:
        names = set(jar.namelist())
        classes = tuple(sorted(name for name in DRIVER_CLASSES if _entry(name) in names))
        kind = DRIVER_CLASSES[classes[0]] if classes else None
        return DriverJar(path, classes, kind, _version(jar))


def holds_class(path: Path, class_name: str) -> bool:
    """Whether the jar holds `class_name` (dotted).  DriverError where there is no readable zip."""
    with _opened(path) as jar:
        return _entry(class_name) in set(jar.namelist())


def is_mysql_driver(path: Path) -> bool:
    """Whether the jar is a driver for MySQL; False also for what is no readable zip."""
    try:
        return inspect(path).is_mysql_driver
    except DriverError:
        return False


def required(path: Path, class_name: str) -> DriverJar:
    """The jar, of which it is sure that it holds `class_name`.  DriverError names what it holds instead."""
    if not holds_class(path, class_name):
        jar = inspect(path)
        instead = f"; it is {jar.name} with {', '.join(jar.classes)}" if jar.classes else ""
        fix = (
            f'set mysql.driver_class = "{jar.classes[0]}", or give a jar that holds {class_name}'
            if jar.classes
            else f"set mysql.driver_jar to a jar that holds {class_name} (MySQL Connector/J)"
        )
        raise DriverError(f"the jar does not hold the class {class_name}{instead}", place=str(path), fix=fix)
    return inspect(path)


def _entry(class_name: str) -> str:
    return class_name.replace(".", "/") + ".class"


def _opened(path: Path) -> zipfile.ZipFile:
    fix = "set mysql.driver_jar to the jar file of MySQL Connector/J"
    place = str(path)
    try:
        mode = path.stat().st_mode
        # A pipe would block in open(), a folder fails with a message about neither jars nor drivers.
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise DriverError(f"the driver jar is {what}", place=place, fix=fix)
        with path.open("rb") as file:
            _refuse_oversized(file, place, fix)
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise DriverError("the driver jar does not exist", place=place, fix=fix) from None
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error) as problem:
        raise DriverError(f"the driver jar is no zip file ({problem})", place=place, fix=fix) from None
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise DriverError(
            f"the driver jar cannot be read ({why})", place=place, fix="make it readable for this user"
        ) from None


def _refuse_oversized(file: BinaryIO, place: str, fix: str) -> None:
    """Stops before `zipfile` reads a directory of millions of entries into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 0xFFFF - _END_OF_DIRECTORY.size))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END_OF_DIRECTORY.size + 4))
    if at < 0:
        return  # not a zip at all: zipfile says so
    directory_bytes = _END_OF_DIRECTORY.unpack_from(tail, at)[5]
    zip64 = tail[max(0, at - 20) : at].startswith(_ZIP64_LOCATOR)
    if zip64 or directory_bytes > _DIRECTORY_LIMIT:
        raise DriverError("the zip file is far too large to be a driver", place=place, fix=fix)


def _version(jar: zipfile.ZipFile) -> str | None:
    """`Implementation-Version`, else `Bundle-Version`, of the manifest; None without either."""
    try:
        with jar.open("META-INF/MANIFEST.MF") as entry:
            text = entry.read(_MANIFEST_LIMIT).decode("utf-8", "replace")
    except (KeyError, RuntimeError, NotImplementedError, EOFError, OSError, zlib.error, zipfile.BadZipFile):
        return None  # a driver without a readable manifest is still a driver
    main = re.split(r"\r?\n\r?\n|\r\r", text, maxsplit=1)[0]
    unfolded = re.sub(
        r"(\r\n|\n|\r) ", "", main
    )  # a line of a manifest goes on behind a line end and one space
    attributes: dict[str, str] = {}
    for line in unfolded.splitlines():
        key, separator, value = line.partition(":")
        if separator:
            attributes.setdefault(key.strip().lower(), value.strip())
    for key in ("implementation-version", "bundle-version"):
        if attributes.get(key):
            return attributes[key]
    return None
