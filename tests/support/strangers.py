"""Two homes, and around them what nothing may touch; and what a stranger can put into a home."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomlkit

from tests.support import pairs
from tests.support.headless import LIB, SPARK, SPARK_BAT, SPARK_SH, STATS, XML_FILES
from wizard.command_line.run import replay as headless
from wizard.command_line.run.replay import Options, Result
from wizard.passwords.resolver import Resolver
from wizard.profile.store import load
from wizard.system.errors import Cancel, WizardError

FILES = (*XML_FILES, STATS, SPARK, SPARK_SH, SPARK_BAT, "bin/version.txt", "dbscripts/mysql.sql")
PLACES = (
    *FILES,
    LIB,
    f"{LIB}/driver.jar",
    "repository",
    "repository/conf",
    "bin",
    "wso2carbon.pid",
    ".apimha-wizard-run",
    "repository/conf/analytics/my-node-id.dat",
    "repository/conf/security/cipher-text.properties",
    "repository/deployment/server/carbonapps/a.car",
    "repository/deployment/server/eventreceivers/r.xml",
    "repository/tenants/1/carbonapps/b.car",
)
KINDS = (
    *("nothing", "pipe", "socket", "folder", "zero", "terminal", "loop", "nowhere", "secret", "outside"),
    *("partner", "itself", "huge", "foreign"),
)


class World:
    """A folder with two fresh homes, and around them what nothing may touch."""

    def __init__(self, folder: Path, pack: Path) -> None:
        self.folder, self.pack = folder, pack
        self.outside = folder / "outside"
        (self.outside / "folder").mkdir(parents=True)
        (self.outside / "secret").write_text("root:x:0:0\n")
        self.jar = pairs.driver_jar(self.outside / "driver.jar")
        self.homes = [folder / "first", folder / "second"]
        self.targets: set[Path] = set()
        """What the last run planned to write."""

    def fresh(self) -> None:
        for home in self.homes:
            shutil.rmtree(home, ignore_errors=True)
            pairs.copy_pack(self.pack, home)
        for name in ("back.toml", "back.mysql.password"):
            (self.folder / name).unlink(missing_ok=True)

    def profile(self, **tables: Any) -> Path:
        path = self.folder / "pair.toml"
        made = pairs.merged(pairs.plain(self.pack, self.homes, self.jar), tables)
        path.write_text(tomlkit.dumps(made), "utf-8")
        return path

    def put(self, place: str, what: str | bytes) -> None:
        """Put something else, or this content, at a place of the first home."""
        path = self.homes[0] / place
        links = {
            "secret": self.outside / "secret",
            "outside": self.outside / "folder",
            "partner": self.homes[1] / place,
            "itself": self.homes[0],
        }
        put(path, "nothing" if isinstance(what, bytes) or what in links else what)
        if isinstance(what, bytes):
            path.write_bytes(what)
        elif what in links:
            path.symlink_to(links[what])

    def run(self, profile: Path, *, trusted: bool = False, **options: Any) -> Result | WizardError:
        """How a replay ends, with one of the documented exit codes."""
        self.targets = set()
        kept = {"offline": True, "ignore": ("ports.clash", "prerequisites.driver-jar")}
        chosen, resolver = Options(**{**kept, **options}), Resolver(trusted=trusted)
        try:
            result, prepared = headless.replay(load(str(profile)), chosen, resolver, cancel=Cancel())
        except WizardError as problem:
            return problem
        self.targets = {target for change in prepared.plan.pending for target in change.targets}
        assert result.exit_code in {0, 3, 4, 5}, result
        return result


def put(path: Path, kind: str) -> None:
    """Put something of that kind in the place of a file: one of `KINDS` that needs no world around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make: dict[str, Callable[[], Any]] = {
        "nothing": lambda: None,
        "pipe": lambda: os.mkfifo(path),
        "socket": lambda: _socket(path),
        "folder": path.mkdir,
        "zero": lambda: path.symlink_to("/dev/zero"),
        "terminal": lambda: path.symlink_to("/dev/tty"),
        "loop": lambda: path.symlink_to(path.name),
        "nowhere": lambda: path.symlink_to("/nonexistent/x"),
        "huge": lambda: (path.touch(), os.truncate(path, 10 << 30)),  # 10 GiB, all of them holes
        "foreign": lambda: path.write_bytes("naïve: ключ = значение\n".encode("utf-16")),
    }
    make[kind]()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have 108 characters
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)
