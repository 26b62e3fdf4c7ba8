"""Replays in this process, and what a home holds afterwards, read without any of the project's own look-ups."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.support.pairs import Pair
from wizard.command_line.run import replay as headless
from wizard.command_line.run import rollback as undo
from wizard.command_line.run.replay import Options, Prepared, Result
from wizard.profile.passwords import resolver_of
from wizard.profile.store import load
from wizard.system.errors import Cancel
from wizard.system.finding import Finding

PACKS = ("apim-analytics-2.0.0", "apim-analytics-2.1.0", "das-3.0.1", "das-3.1.0", "is-analytics-5.3.0")
API_MANAGER_PACKS = PACKS[:2]

CARBON = "repository/conf/carbon.xml"
AXIS2 = "repository/conf/axis2/axis2.xml"
EVENT_PROCESSOR = "repository/conf/event-processor.xml"
REGISTRY = "repository/conf/registry.xml"
USER_MGT = "repository/conf/user-mgt.xml"
MASTER = "repository/conf/datasources/master-datasources.xml"
ANALYTICS = "repository/conf/datasources/analytics-datasources.xml"
STATS = "repository/conf/datasources/stats-datasources.xml"
STORES = "repository/conf/analytics/analytics-config.xml"
SPARK = "repository/conf/analytics/spark/spark-defaults.conf"
SPARK_SH = "bin/load-spark-env-vars.sh"
SPARK_BAT = "bin/load-spark-env-vars.bat"
LIB = "repository/components/lib"

EDITED = (AXIS2, EVENT_PROCESSOR, REGISTRY, USER_MGT, MASTER, ANALYTICS)
XML_FILES = (CARBON, *EDITED, STORES)


def replayed(pair: Pair, **how: Any) -> tuple[Result, Prepared]:
    """The result of `replay --offline` of a pair's profile, and what it was planned with.

    `tell`, `progress`, `say` and `cancel` are those of `headless.replay`, the rest are options.
    """
    own = {name: how.pop(name) for name in ("tell", "progress", "say", "cancel") if name in how}
    chosen, loaded = Options(**{"offline": True, **how}), load(str(pair.profile))
    return headless.replay(loaded, chosen, resolver_of(loaded), **{"cancel": Cancel(), **own})


def applied(pair: Pair, **how: Any) -> Result:
    """The same, where it has to work."""
    result, _ = replayed(pair, **how)
    assert result.outcome == "applied", (result.error, errors(result))
    return result


def checked(pair: Pair, **options: Any) -> list[Finding]:
    """What `check --offline` finds."""
    chosen, loaded = Options(**{"offline": True, **options}), load(str(pair.profile))
    quiet = {"tell": lambda found: None, "cancel": Cancel()}
    return headless.check(loaded, chosen, resolver_of(loaded), **quiet).checks


def rolled_back(pair: Pair, argument: str | None = None, *, force: bool = False, **how: Any) -> Result:
    """The result of `rollback` of a run, by default of the pair's newest one."""
    return undo.rollback(argument or str(pair.profile), force=force, **{"cancel": Cancel(), **how})


def errors(result: Result) -> list[tuple[str, str | None, str]]:
    """Id, node and message of the checks that failed."""
    return [(one.id, one.node, one.message) for one in result.checks if one.status == "error"]


def of(found: list[Finding], check: str, node: str | None = None) -> list[Finding]:
    """The findings of one check (about one node)."""
    return [one for one in found if one.id == check and node in (None, one.node)]


def statuses(found: list[Finding], check: str) -> list[str]:
    return [one.status for one in of(found, check)]


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the disk in a module that imports this; that it does is what test_durability.py shows."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


# --- what a file says, read with nothing but lxml ----------------------------------------------------------


def live(home: Path, relative: str) -> Callable[..., Any]:
    """The XPath evaluator of a file of a home, over local names; comments are no elements, so none matches."""
    tree = etree.parse(str(home / relative), etree.XMLParser(resolve_entities=False))
    for element in tree.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return etree.XPathEvaluator(tree)


def texts(home: Path, relative: str, path: str) -> list[str]:
    """The string values of all that an XPath finds."""
    found = live(home, relative)(path)
    return [one if isinstance(one, str) else "".join(one.itertext(with_tail=False)) for one in found]


def text(home: Path, relative: str, path: str) -> str:
    """The string value of the one thing that an XPath finds."""
    (found,) = texts(home, relative, path)
    return str(found)


def properties(home: Path, relative: str = SPARK) -> dict[str, str]:
    """A properties file as Java reads it, as far as these files go: the last live line of a key counts."""
    found = {}
    for line in (home / relative).read_text("utf-8").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", "!")):
            key, _, value = stripped.replace("\t", " ").partition(" ")
            found[key] = value.strip()
    return found


# --- what is in a folder, to the byte ---------------------------------------------------------------------


def untouched(*paths: Path) -> dict[str, tuple[Any, ...]]:
    """What is there, with inodes and times: two equal ones mean that nothing was written between them."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in (one for top in paths for one in (top, *sorted(top.rglob("*")))):
        now = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        kept = (now.st_mode, now.st_uid, now.st_gid, now.st_mtime_ns, now.st_ino, now.st_ctime_ns)
        found[str(path)] = (content, *kept)
    return found


def standing(*paths: Path) -> dict[str, tuple[Any, ...]]:
    """The same without inodes, and with no time but that of the last change of a file."""
    found = untouched(*paths)
    return {path: one[: 5 if isinstance(one[0], bytes) else 4] for path, one in found.items()}
