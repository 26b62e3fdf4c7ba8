"""`make bench-peers`: one pair of stock 2.0.0 packs by Ansible, by augeas and by this tool, as a Markdown table.

Each has to bring both homes to the same content (elements and values, blanks aside), and to leave them as they are
when it runs again.  The table replaces the one in the README.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import sys
import tempfile
import time
import venv
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from tests.support import pairs
from tests.support.cli import ROOT
from tests.support.headless import AXIS2, EDITED, SPARK
from tests.support.programs import must
from tools import pages

HERE = Path(__file__).resolve().parent
PACK = Path(os.environ.get("APIMHA_SHARED") or ROOT.parent / "shared") / "packs/apim-analytics-2.0.0"
README = ROOT / "README.md"

ANSIBLE_CORE, ANSIBLE = "ansible-core==2.19.14", "ansible==12.3.0"
PASSWORD = "geheim & co"
HOSTS = {"node1": "10.100.0.46", "node2": "10.100.0.47"}
TIMES = 3

FILES = (*EDITED, SPARK)

Peer = tuple[str, Callable[[Path], object]]
"""A name, and what configures the homes in a folder."""


def run(*command: str | Path, **env: str) -> None:
    must(*command, cwd=ROOT, env={**os.environ, "APIM_DB_PASSWORD": PASSWORD, **env})


# --- the three ----------------------------------------------------------------------------------------------


def ansible() -> Peer:
    """Ansible from PyPI, with community.general out of the package that brings all collections."""
    folder = ROOT / ".cache/peers"
    program, collections = folder / "bin/ansible-playbook", folder / "collections"
    if not (collections / "ansible_collections/community/general").is_dir():
        print(f"installing {ANSIBLE_CORE} and community.general into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin/python", "-m", "pip", "-qq", "--disable-pip-version-check"]
        run(*pip, "install", ANSIBLE_CORE, "lxml")
        run(*pip, "download", "--no-deps", "--dest", folder, ANSIBLE)
        (wheel,) = folder.glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            general = "ansible_collections/community/general/"
            archive.extractall(collections, [name for name in archive.namelist() if name.startswith(general)])
        wheel.unlink()

    def configure(homes: Path) -> None:
        command = (program, "-i", HERE / "inventory.yml", "-e", f"folder={homes}", HERE / "playbook.yml")
        run(*command, ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_LOCALHOST_WARNING="false")

    return f"{ANSIBLE_CORE.replace('==', ' ')}, `community.general.xml`", configure


def augeas() -> Peer:
    """augtool from Debian's augeas-tools, one run a node."""
    if shutil.which("augtool") is None:
        if os.geteuid() != 0:
            sys.exit("augtool is missing\n  fix (Debian, Ubuntu): sudo apt-get install augeas-tools")
        apt = ("apt-get", "install", "--yes", "--no-install-recommends")
        run(*apt, "augeas-tools", DEBIAN_FRONTEND="noninteractive")
    script = (HERE / "pair.augtool").read_text("utf-8")

    def configure(homes: Path) -> None:
        for node, host in HOSTS.items():
            values = {
                "CONF": f"{homes}/{node}/repository/conf",
                "MYSQL": "10.100.0.10:3306",
                "USER": "apim",
                "PASSWORD": escape(PASSWORD),  # augeas writes what it is given
                "HOST": host,
                "FIRST": HOSTS["node1"],
                "SECOND": HOSTS["node2"],
            }
            filled = homes / f"{node}.augtool"
            filled.write_text(re.sub(r"@([A-Z]+)@", lambda found, own=values: own[found[1]], script), "utf-8")
            run("augtool", "--noload", "--noautoload", "--file", filled)
            shutil.copy(homes / "driver.jar", homes / node / "repository/components/lib")

    version = must("augtool", "--version").stderr
    return f"augeas {version.split()[1]}", configure


def this_tool() -> Peer:
    def configure(homes: Path) -> None:
        shutil.copy(HERE / "pair.toml", homes)
        command = (sys.executable, "-m", "wizard", "replay", homes / "pair.toml", "--offline")
        # The paths of this benchmark are those of one machine.
        run(*command, "--ignore", "spark.link", XDG_STATE_HOME=str(homes / "state"))

    return "apimha-wizard, with its checks, backups and journal", configure


# --- measuring ----------------------------------------------------------------------------------------------


def fresh(folder: Path) -> Path:
    homes = Path(tempfile.mkdtemp(dir=folder))
    for node in HOSTS:
        pairs.copy_pack(PACK, homes / node)
    pairs.driver_jar(homes / "driver.jar")
    return homes


def changed_lines(homes: Path) -> Counter[str]:
    """Lines that a diff of each file shows as removed or added, both nodes together."""
    found: Counter[str] = Counter()
    for file in FILES:
        for node in HOSTS:
            both = (PACK / file, homes / node / file)
            numbers = must("git", "diff", "--no-index", "--numstat", *both, code=None).stdout.split()[:2]
            found[file] += sum(map(int, numbers))
    return found


def meaning(homes: Path) -> list[object]:
    """What the files say: elements, attributes and values, whatever their order and blanks."""
    said: list[object] = []
    for node in HOSTS:
        for file in FILES:
            path = homes / node / file
            if path.suffix == ".conf":
                lines = (line.split() for line in path.read_text("utf-8").splitlines())
                said.append(sorted(line for line in lines if line and not line[0].startswith("#")))
            else:
                said.append(_tree(etree.parse(str(path)).getroot()))
    return said


def _tree(element: etree._Element) -> tuple[object, ...]:
    children = sorted((_tree(child) for child in element.iterchildren("*")), key=repr)
    text = "".join([element.text or "", *(child.tail or "" for child in element)])
    return element.tag, sorted(element.attrib.items()), " ".join(text.split()), children


@dataclass(frozen=True)
class Measured:
    seconds: float
    again: float
    lines: Counter[str]
    means: list[object]


def measure(name: str, configure: Callable[[Path], object], folder: Path) -> Measured:
    firsts, seconds = [], []
    for _ in range(TIMES):
        homes = fresh(folder)
        for times in (firsts, seconds):
            began = time.perf_counter()
            configure(homes)
            times.append(time.perf_counter() - began)
            if times is firsts:
                lines = changed_lines(homes)
        assert changed_lines(homes) == lines, f"{name}: a second run changes more"
    return Measured(statistics.median(firsts), statistics.median(seconds), lines, meaning(homes))


def table(results: dict[str, Measured]) -> str:
    head = ("by", "time", "again", "changed lines", "of these in `axis2.xml`")
    rows = (
        (
            name,
            f"{one.seconds:.1f} s",
            f"{one.again:.1f} s",
            str(one.lines.total()),
            str(one.lines[AXIS2]),
        )
        for name, one in results.items()
    )
    return pages.table(head, rows)


def main() -> None:
    if not PACK.is_dir():
        sys.exit(f"the stock pack is not at {PACK}: set APIMHA_SHARED")
    results: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, configure in (this_tool(), augeas(), ansible()):
            print(f"measuring {name}", file=sys.stderr)
            results[name] = measure(name, configure, Path(folder))
    first, *others = results
    for name in others:
        assert results[name].means == results[first].means, f"{name} has made something else of the homes"
    made = table(results)
    print(made)
    pages.renew([str(README)], {"peers": lambda: made})


if __name__ == "__main__":
    main()
