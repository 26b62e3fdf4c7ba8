"""What a home is: product, version, kernel, offset, and the files it has."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack.releases import Components, Version, components_of, version_tuple
from wizard.system import bounded
from wizard.system.bounded import is_file
from wizard.system.errors import EditError
from wizard.system.printable import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wizard.pack.xml import XmlFile

CARBON = "repository/conf/carbon.xml"
AXIS2 = "repository/conf/axis2/axis2.xml"
EVENT_PROCESSOR = "repository/conf/event-processor.xml"
REGISTRY = "repository/conf/registry.xml"
USER_MGT = "repository/conf/user-mgt.xml"
MASTER_DATASOURCES = "repository/conf/datasources/master-datasources.xml"
ANALYTICS_DATASOURCES = "repository/conf/datasources/analytics-datasources.xml"
STATS_DATASOURCES = "repository/conf/datasources/stats-datasources.xml"
ANALYTICS_CONFIG = "repository/conf/analytics/analytics-config.xml"
NODE_IDS = (
    "repository/conf/analytics/my-node-id.dat",
    "repository/data/my-node-id.dat",
    "repository/datamy-node-id.dat",
)
"""Where a node keeps its id, depending on the version (procedure 1): all three are read."""
SPARK_DEFAULTS = "repository/conf/analytics/spark/spark-defaults.conf"
SPARK_ENV_SH = "bin/load-spark-env-vars.sh"
SPARK_ENV_BAT = "bin/load-spark-env-vars.bat"
LIB = "repository/components/lib"
DROPINS = "repository/components/dropins"
TASKS_CONFIG = "repository/conf/etc/tasks-config.xml"
HAZELCAST = "repository/conf/etc/hazelcast.xml"
C_APPS = "repository/deployment/server/carbonapps"
EVENT_RECEIVERS = "repository/deployment/server/eventreceivers"
PLUGINS = "repository/components/plugins"
PID = "wso2carbon.pid"

BUNDLES = {
    "org.wso2.carbon.analytics.spark.core": "analytics",
    "org.wso2.carbon.analytics.datasource.rdbms": "analytics",
    "org.wso2.carbon.event.processor.manager.core": "common",
}
"""The bundles whose versions are those of a component, a field of `Components`."""


def is_pack(home: Path) -> bool:
    """Whether a folder holds an unpacked pack (procedure 1: it has a `carbon.xml`)."""
    return os.path.isfile(home / CARBON)  # Path's own raises where a folder may not be entered


class Pack:
    """One home, read when asked and never written.

    Files are read once, so that everything that is planned was decided on the same bytes.  Raises `EditError`
    with the file's place for what is missing, unreadable or not well-formed.
    """

    def __init__(self, home: Path, known: Mapping[str, bytes] | None = None) -> None:
        """`known` replaces the bytes of files, by relative path: the home as it was at another time."""
        self.home = home
        self._bytes = dict(known or {})
        self._documents: dict[str, XmlFile] = {}
        self._properties: dict[str, dict[str, str]] = {}

    def path(self, relative: str) -> Path:
        return self.home / relative

    def exists(self, relative: str) -> bool:
        """Whether that file exists (a link counts by its target).  Raises `EditError` if that is unknown."""
        path = self.path(relative)
        try:
            return is_file(path)
        except OSError as problem:
            message, fix = f"cannot be read: {problem.strerror}", "let this user read its folder"
            raise EditError(message, place=str(path), fix=fix) from None

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Return the names in a folder of the pack with that suffix, sorted; none without the folder."""
        try:
            return sorted(name for name in os.listdir(self.path(folder)) if name.endswith(suffix))
        except OSError:
            return []

    def jars(self, folder: str) -> list[Path]:
        """Return the jars in a folder of the pack, sorted."""
        return [self.path(f"{folder}/{name}") for name in self.names(folder, ".jar")]

    def read(self, relative: str) -> bytes:
        """The file's bytes."""
        if relative not in self._bytes:
            path = self.path(relative)
            message, fix = "the file is missing", "unpack the pack again"
            try:
                self._bytes[relative] = bounded.read(path)
            except OSError as problem:
                if not isinstance(problem, FileNotFoundError):
                    message = f"cannot be read: {problem.strerror}"
                    is_other = isinstance(problem, bounded.NotAFile)
                    fix = fix if is_other else "let this user read the file, or check the disk"
                raise EditError(message, place=str(path), fix=fix) from None
        return self._bytes[relative]

    def xml(self, relative: str) -> XmlFile:
        """Return the file, parsed once for all."""
        from wizard.pack.xml import XmlFile

        if relative not in self._documents:
            self._documents[relative] = XmlFile(self.read(relative), str(self.path(relative)))
        return self._documents[relative]

    def properties(self, relative: str) -> dict[str, str]:
        """Return the keys and values of a properties file, read once for all; the last line of a key counts."""
        from wizard.pack.properties import read

        if relative not in self._properties:
            lines = read(self.read(relative), str(self.path(relative)))
            self._properties[relative] = {line.key: line.value for line in lines}
        return self._properties[relative]

    @cached_property
    def product(self) -> str:
        """The product's name, like `WSO2 API Manager Analytics Server`; empty if `bin/version.txt` has none."""
        return self._named("bin/version.txt")[0]

    @cached_property
    def version(self) -> str:
        """The product's version, like `2.0.0`."""
        return self._named("bin/version.txt")[1]

    @cached_property
    def kernel(self) -> Version:
        """The Carbon kernel's version, like `(4, 4, 7)`; empty where unknown."""
        return version_tuple(self._named("bin/wso2carbon-version.txt")[1])

    def _named(self, relative: str) -> tuple[str, str]:
        text = self._text(relative)
        line = text.splitlines()[0] if text else ""
        product, _, version = quoted(line.strip(), 200).rpartition(" ")
        found = re.fullmatch(r"v(\d\S*|\$\{\S*)", version)
        return (product.rstrip(), found[1]) if found else (quoted(text, 80), "")

    def _text(self, relative: str) -> str:
        """The file's text without blanks around it; empty where it cannot be read."""
        try:
            return self.read(relative).decode("utf-8", "replace").strip()
        except EditError:
            return ""

    @cached_property
    def placeholder(self) -> str:
        """What the build should have filled in in `bin/version.txt`, like `${pom.version}`; mostly empty."""
        found = re.search(r"\$\{[^}\s]*\}", self._text("bin/version.txt"))
        return found[0] if found else ""

    @cached_property
    def components(self) -> Components:
        """The versions that decide rules: of the bundles where they are there, else of the release."""
        release = components_of(self.product, self.version, self.kernel)
        found: dict[str, Version] = {}
        for jar in self.names(PLUGINS, ".jar"):
            bundle, _, version = jar.partition("_")
            if component := BUNDLES.get(bundle):
                found[component] = max(found.get(component, ()), version_tuple(version))
        return release._replace(**{name: version for name, version in found.items() if version})

    @property
    def node_ids(self) -> dict[str, str]:
        """The ids of this node, by the file that holds each; empty where it was never started."""
        return {relative: text for relative in NODE_IDS if (text := self._text(relative))}

    @property
    def title(self) -> str:
        """Product and version for people."""
        return f"{self.product} {self.version}".strip() or "unknown product"

    @cached_property
    def offset(self) -> int:
        """The port offset of `carbon.xml` (0 where it has none)."""
        found = self.xml(CARBON).all("Ports/Offset")
        text = found[0].text.strip() if found else ""  # of several the server reads the first
        return int(text) if re.fullmatch(r"\d{1,5}", text) else 0

    @property
    def pid(self) -> int | None:
        """The process id that `wso2carbon.pid` holds, whether or not that process lives; read anew each time."""
        with suppress(OSError):
            return bounded.number(bounded.read_text(self.path(PID))) or None
        return None

    @property
    def running(self) -> int | None:
        """The process id of this home's server, if `wso2carbon.pid` names a live process, no zombie."""
        pid = self.pid
        if pid is None:
            return None
        try:
            os.kill(pid, 0)
            stat = bounded.read_text(f"/proc/{pid}/stat")
        except ProcessLookupError:
            return None
        except OSError:  # another user's
            return pid
        return None if stat.rpartition(")")[2].split()[:1] == ["Z"] else pid

    def script_for(self, version: tuple[int, ...], *, mariadb: bool = False) -> str | None:
        """The pack's script for this server, relative to the home; None where the pack has none that fits.

        Source: procedure 2: MySQL before 5.7 `mysql.sql`, later `mysql5.7.sql`; MariaDB takes either.  Where the script
        for 5.7 has taken the name `mysql.sql` (which is what `-Dsetup` runs), the other one is `mysql-before-5.7.sql`.
        """
        old, new = "dbscripts/mysql.sql", "dbscripts/mysql5.7.sql"
        if self.exists("dbscripts/mysql-before-5.7.sql") and not self.exists(new):
            old, new = "dbscripts/mysql-before-5.7.sql", "dbscripts/mysql.sql"
        wanted = [new, old] if mariadb else [new] if version >= (5, 7) else [old]
        return next((script for script in wanted if self.exists(script)), None)
