"""Whatever takes the place of a file: the documented exit code, with its place and a fix; no hang, no traceback.

The commands run in a process with little memory, so that a file without end cannot be read into it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cli import Ran
from tests.support.headless import CARBON, LIB, SPARK, SPARK_BAT, SPARK_SH, STATS, XML_FILES
from tests.support.limited import run_limited
from tests.support.pairs import Pair, make_pair
from tests.support.quick import folder_in_memory
from tests.support.strangers import put

KINDS = ("pipe", "zero", "folder", "huge", "socket", "foreign")

CONFIGURATION = tuple(path for path in (*XML_FILES, STATS, SPARK, SPARK_SH, SPARK_BAT) if path != CARBON)
BESIDE = (
    *("bin/version.txt", "bin/wso2carbon-version.txt", "wso2carbon.pid", f"{LIB}/x.jar"),
    *(f"repository/{one}/my-node-id.dat" for one in ("conf/analytics", "data")),
    *("repository/conf/hazelcast.properties", "repository/conf/data-bridge/data-bridge-config.xml"),
    *(
        f"repository/conf/{one}.xml"
        for one in ("embedded-ldap", "identity/identity", "tomcat/catalina-server")
    ),
    *(f"repository/deployment/server/{one}" for one in ("eventreceivers/x.xml", "carbonapps/x.car")),
    *("cep_persistence/-1234/plan/1_plan", "repository/components/dropins/x.jar"),
)
LOGS = ("repository/logs/wso2carbon.log", "repository/logs/wso2carbon.log.1")


Place = Callable[[Pair, str], object]
"""Puts something of that kind in the place of a file of a pair."""


def placed(paths: tuple[str, ...], folders: Callable[[Pair], list[Path]]) -> Place:
    return lambda pair, kind: [put(folder / path, kind) for folder in folders(pair) for path in paths]


def in_homes(*paths: str) -> Place:
    return placed(paths, lambda pair: list(pair.homes))


def beside_profile(*paths: str) -> Place:
    return placed(paths, lambda pair: [pair.profile.parent])


def java(pair: Pair, kind: str) -> None:
    put(pair.profile.parent / "jdk/release", kind)
    line = "hazelcast_port = 4000"
    pair.profile.write_text(pair.profile.read_text().replace(line, f'{line}\njava_home = "jdk"'))


@dataclass(frozen=True)
class Case:
    """A pair of which some files are hostile; what each command has to say about it."""

    place: Place
    commands: dict[str, set[int]]
    """The command and its exit codes."""
    named: tuple[str, ...] = ()
    """What the output names of regular files that are none, at exit 2 and 3."""
    check: str = ""


JAR = "mysql-connector-java-5.1.49-bin.jar"
DRAFTS, PROFILES = "state/apimha-wizard/drafts", "config/apimha-wizard/profiles"
NAMED = tuple(path for path in CONFIGURATION if path not in (STATS, SPARK_SH, SPARK_BAT))
# fmt: off
CASES = {
    "carbon.xml": Case(in_homes(CARBON),
        {"check": {3}, "replay": {3}, "verify": {3, 4}, "from-homes": {0, 3}}, (CARBON,)),
    "the configuration": Case(in_homes(*CONFIGURATION),
        {"check": {3}, "replay": {3}, "verify": {3, 4}, "from-homes": {0}}, NAMED, "prerequisites.files"),
    "what is beside it": Case(in_homes(*BESIDE), {"check": {0, 3}, "replay": {3, 4}, "verify": {3, 4}, "clean": {0}}),
    "the logs": Case(in_homes(*LOGS), {"verify": {3, 4}}, ("wso2carbon.log",)),
    "the Java": Case(java, {"check": {3}, "replay": {3}}, ("/jdk",), "prerequisites.java"),
    "the marker of a run": Case(in_homes(".apimha-wizard-run"), {"check": {5}, "replay": {5}, "verify": {5}}),
    "the profile": Case(beside_profile("pair.toml"), {"check": {2}, "replay": {2}, "verify": {2}}, ("pair.toml",)),
    "the driver jar": Case(beside_profile(JAR), {"check": {3}, "replay": {3}}, (JAR,), "prerequisites.driver-jar"),
    "drafts and named profiles": Case(
        beside_profile(*(f"{DRAFTS}/unfinished.{end}" for end in ("toml", "json")), f"{PROFILES}/broken.toml"),
        {"list": {0}, "show": {2}}, ("unfinished",)),
    "the journal of a run": Case(beside_profile("state/apimha-wizard/runs/20260101T000000Z-abcd/journal.json"),
        {"history": {0}, "replay": {4}}),
}

COMMANDS: dict[str, Callable[[Pair], list[str | Path]]] = {
    "check": lambda pair: ["check", pair.profile, "--offline", "--json"],
    "replay": lambda pair: ["replay", pair.profile, "--offline", "--dry-run", "--json"],
    "verify": lambda pair: ["verify", pair.profile, "--offline", "--json"],
    "clean": lambda pair: ["clean", pair.profile, "--dry-run"],
    "from-homes": lambda pair: ["profile", "from-homes", *pair.homes, "--name", pair.profile.with_name("back.toml")],
    "list": lambda pair: ["profile", "list"],
    "show": lambda pair: ["check", "unfinished"],
    "history": lambda pair: ["history"],
}
# fmt: on


@pytest.mark.parametrize("kind", KINDS)
def test_anything_in_the_place_of_a_file(kind: str, packs: Path) -> None:
    commands: list[list[str | Path]] = []
    with folder_in_memory() as folder:
        for number, case in enumerate(CASES.values()):
            pair = make_pair(packs / "apim-analytics-2.0.0", folder / str(number))
            case.place(pair, kind)
            commands += [[pair.profile.parent, *COMMANDS[name](pair)] for name in case.commands]
        ended = iter(run_limited(commands, {"APIM_DB_PASSWORD": "x"}))
    for what, case in CASES.items():
        for name, codes in case.commands.items():
            ran = next(ended)
            said = ran.out + ran.err
            assert ran.code in codes, (what, name, ran)
            assert "Traceback" not in said, (what, name, ran)
            assert "internal error" not in said, (what, name, ran)
            if ran.code in (2, 3) and name != "from-homes":
                unnamed = [path for path in case.named if path not in said]
                assert unnamed in ([], [SPARK] if kind == "foreign" else []), (what, name, unnamed, ran)
                assert not case.check or case.check in failed(ran), (what, name, ran)


def failed(ran: Ran) -> set[str]:
    """The checks that found an error, each with its fix."""
    found = [one for one in ran.json.get("checks", []) if one["status"] == "error"]
    assert all(one["fix"] for one in found), ran
    return {one["id"] for one in found}
