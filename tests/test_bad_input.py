"""Bad input: a clear message with the place and the fix, the documented exit code, and nothing written."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Ran, run
from tests.support.hands import Hand, do, on, profiled, put, rewrite
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    AXIS2,
    CARBON,
    EVENT_PROCESSOR,
    LIB,
    SPARK,
    STATS,
    STORES,
    XML_FILES,
    quick_disk,
    untouched,
)
from tests.support.pairs import Pair

DRIVER = "mysql-connector-java-5.1.49-bin.jar"
PAIR, NODE1, NODE2, BOTH = (None,), ("node1",), ("node2",), ("node1", "node2")


@dataclass(frozen=True)
class Case:
    """Something wrong: how the pair is broken, and the message and the fix as regular expressions."""

    name: str
    hand: Hand
    told: str
    fix: str = ".+"
    check: str = ""
    nodes: tuple[str | None, ...] = ()
    """The check of a pack that fails, and the nodes that it names."""


def found_by(check: str, nodes: tuple[str | None, ...], *rows: tuple[Any, ...]) -> list[Case]:
    return [Case(*row, check=check, nodes=nodes) for row in rows]


def password(reference: Any) -> Hand:
    """Another value of `mysql.password`."""
    return profiled(
        mysql={"password": {"env": None, **reference} if isinstance(reference, dict) else reference}
    )


def text(change: Callable[[str], str]) -> Hand:
    return lambda pair: pair.profile.write_text(change(pair.profile.read_text("utf-8")), "utf-8")


def gone(relative: str) -> Hand:
    return lambda pair: [(home / relative).unlink() for home in pair.homes]


def second_home(path: Callable[[Pair], Path | str]) -> Hand:
    """Another home of the second node."""
    return lambda pair: do(pair, profiled(nodes=[{}, {"home": str(path(pair))}]))


def secret_file(pair: Pair) -> None:
    (pair.profile.parent / "password").write_text("secret\n")
    (pair.profile.parent / "password").chmod(0o644)
    do(pair, password({"file": "password"}))


def moved(pair: Pair, place: str) -> Path:
    """The second home, moved to another place in the folder of both."""
    target = pair.homes[1].parent / place
    target.parent.mkdir(exist_ok=True)
    return Path(shutil.move(pair.homes[1], target))


# What else may be wrong with a profile is in tests/profile/: here is one of each kind that the program tells apart.
PROFILE_CASES = [
    Case("not TOML", text("{}\nthis is = = not TOML\n".format), r"pair\.toml:\d+: .*TOML"),
    Case("an unknown key", profiled(mysql={"usernme": "x"}), r"toml:\d+: mysql\.usernme.*unknown key", "username"),
    Case("a plain password", password("plain-secret-4711"), r"pair\.toml:\d+: mysql\.password.*env.*prompt"),
    Case("a newer schema", profiled(schema_version=2), r"pair\.toml:1: schema_version.*newer", "update"),
    Case("an empty file", text(lambda _: ""), "schema_version.*mysql.host"),
    Case("no UTF-8", lambda pair: pair.profile.write_bytes(b"schema_version = 1 # \xff\n"), "UTF-8"),
    Case("no file", lambda pair: pair.profile.unlink(), "no such file", "profile list"),
]  # fmt: skip

VAULT = put(
    "repository/conf/security/cipher-text.properties", "Datasources.WSO2UM_DB.Configuration.Password=gh==\n"
)

PACK_CASES = [
    *found_by("prerequisites.secret", PAIR,
        ("an unset variable", password({"env": "APIM_NOT_SET"}), "mysql.password.*APIM_NOT_SET.*not set",
            "export APIM_NOT_SET"),
        ("a secret file that others can read", secret_file, "mysql.password.*password.*open to others",
            "chmod 600"),
        ("a prompt without a terminal", password({"prompt": True}), "mysql.password.*terminal"),
    ),
    *found_by("prerequisites.home", NODE2,
        ("a home that is missing", lambda pair: shutil.rmtree(pair.homes[1]),
            "analytics-2.*not on this machine", "--node node2"),
        ("a path that is too long", second_home(lambda _: "/" + "x" * 300), ".+"),
        ("a home that is no pack", lambda pair: (pair.homes[1] / CARBON).unlink(),
            f"analytics-2.*not a pack.*{CARBON}", CARBON),
        ("a home that is a file", lambda pair: (shutil.rmtree(pair.homes[1]), pair.homes[1].write_text("x")),
            "analytics-2.*not a folder"),
        ("the folder above the home", second_home(lambda pair: moved(pair, "above/inner").parent),
            "above.*not a pack", "above/inner"),
    ),
    *found_by("prerequisites.same-home", PAIR,
        ("one home for two nodes", second_home(lambda pair: pair.homes[0]), "one home.*analytics-1", "twice"),
        ("one home inside of the other", second_home(lambda pair: moved(pair, f"{pair.homes[0].name}/inner")),
            "inside.*inner"),
    ),
    *found_by("prerequisites.version", PAIR,
        ("different versions", on(2, put("bin/version.txt", "WSO2 API Manager Analytics Server v2.1.0\n")),
            "node1.*2.0.0.*node2.*2.1.0", "same pack"),
    ),
    *found_by("prerequisites.files", NODE1,
        *(
            (f"broken XML in {Path(relative).name}", on(1, put(relative, "<a>\n  <b>\n  </c>\n</a>\n")),
                rf"{relative}:3:\d+.*not well-formed")
            for relative in XML_FILES
        ),
        ("bytes that are not in the encoding", on(1, rewrite(AXIS2, "<clustering", "<!-- \xe4 -->\r\n<clustering")),
            rf"{AXIS2}:\d+"),
        *(
            (f"{Path(relative).name} is missing", on(1, gone(relative)), f"{relative}.*missing", "unpack")
            for relative in (*XML_FILES[1:], SPARK)
        ),
        ("components/lib is missing", lambda pair: shutil.rmtree(pair.homes[0] / LIB), f"{LIB}.*missing"),
    ),
    *found_by("prerequisites.files", BOTH,
        ("no clustering element", (AXIS2, "hazelcast.HazelcastClusteringAgent", "tribes.TribesClusteringAgent"),
            f"{AXIS2}.*lacks.*clustering"),
        ("two HA modes", (EVENT_PROCESSOR, 'name="Distributed"', 'name="HA"'),
            rf"{EVENT_PROCESSOR}:\d+.*doubles.*HA"),
        ("no mode HA", (EVENT_PROCESSOR, 'name="HA"', 'name="XX"'), f"{EVENT_PROCESSOR}.*lacks.*HA"),
        ("a record store without datasource", (STORES, '<property name="datasource">', '<property name="other">'),
            f"{STORES}.*lacks.*datasource"),
        ("statistics that the pack does not have",
            lambda pair: do(pair, gone(STATS), profiled(mysql={"databases": {"stats": "S"}})),
            f"{STATS}.*no statistics datasource", "mysql.databases.stats"),
    ),
    *found_by("prerequisites.driver-jar", PAIR,
        ("a jar that is no zip", lambda pair: (pair.profile.parent / DRIVER).write_text("no zip"),
            "mysql-connector.*not a readable zip", "Connector/J"),
    ),
    *found_by("prerequisites.driver-jar", BOTH,
        ("no jar at all", profiled(mysql={"driver_jar": None}), f"driver_jar.*{LIB}", "driver_jar"),
    ),
    *found_by("ports.clash", NODE2,
        ("equal Hazelcast ports", profiled(nodes=[{}, {"hazelcast_port": 4000}]),
            "4000.*Hazelcast of node1.*Hazelcast of node2", "hazelcast_port = 4001"),
    ),
    *found_by("datasources.secure-vault", BOTH,
        ("a password under the secure vault", VAULT, "WSO2UM_DB.*secure vault", "secretAlias"),
    ),
]  # fmt: skip


@contextmanager
def nothing_written(pair: Pair, user: Path) -> Iterator[None]:
    homes = [home for home in pair.homes if home.exists()]
    before = untouched(*homes)
    yield
    assert untouched(*homes) == before
    assert not list((user / "state/apimha-wizard/runs").rglob("*")), "what the program keeps of runs"


def clean(ran: Ran) -> str:
    """Everything that was said; no traceback, no internal error."""
    said = ran.out + ran.err
    assert "Traceback" not in said
    assert "internal error" not in said
    assert "plain-secret-4711" not in said
    return said


@pytest.mark.parametrize("case", PROFILE_CASES, ids=lambda case: case.name)
def test_a_bad_profile_is_refused_with_line_and_fix(case: Case, pair: Pair, isolated: Path) -> None:
    do(pair, case.hand)
    with nothing_written(pair, isolated):
        for command in (["replay", "--offline"], ["check"], ["profile", "validate"], ["profile", "show"]):
            ran = run(*command, pair.profile)
            assert (ran.code, ran.out) == (2, "")
            clean(ran)
            assert re.search(case.told, ran.err, re.DOTALL), ran.err
            assert re.search(rf"fix: .*{case.fix}", ran.err), ran.err
        told = run("replay", pair.profile, "--offline", "--json").json
    assert re.search(case.told, told.pop("error"), re.DOTALL)
    nothing: dict[str, Any] = {"run": None, "files": [], "checks": [], "databases": []}
    assert told == {"version": 1, "outcome": "refused", **nothing}


class TestThePacks:
    @pytest.mark.parametrize("case", PACK_CASES, ids=lambda case: case.name)
    def test_it_is_refused_with_place_and_fix(self, case: Case, pair: Pair, isolated: Path) -> None:
        do(pair, case.hand)
        with nothing_written(pair, isolated):
            ran = run("replay", pair.profile, "--offline", "--json")
            plain = run("replay", "--offline", "--dry-run", pair.profile)
            checked = run("check", "--offline", "--json", pair.profile)
        clean(ran)
        told = ran.json
        assert (ran.code, told["outcome"], told["run"], told["error"]) == (3, "refused", None, None)
        assert "changed" not in {one["status"] for one in told["files"]}
        errors = [one for one in told["checks"] if one["status"] == "error"]
        assert {one["id"] for one in errors} == {case.check}, errors
        assert {one["node"] for one in errors} == set(case.nodes)
        for one in errors:
            assert one["step"] == one["id"].split(".")[0]
            assert re.search(case.told, one["message"], re.DOTALL), one["message"]
            assert re.search(case.fix, one["fix"]), one["fix"]
        said = clean(plain)
        assert plain.code == 3 and case.check in said and "fix: " in said
        assert (checked.code, checked.json["outcome"], checked.json["files"]) == (3, "refused", [])

    def test_every_problem_is_listed_at_once(self, pair: Pair) -> None:
        chosen = ("an unset variable", "different versions", "broken XML in registry.xml", "two HA modes")
        for case in PACK_CASES:
            if case.name in {*chosen, "a jar that is no zip", "equal Hazelcast ports"}:
                do(pair, case.hand)
        found = run("replay", pair.profile, "--offline", "--json").json["checks"]
        assert {one["id"] for one in found if one["status"] == "error"} == {
            *(f"prerequisites.{name}" for name in ("secret", "version", "files", "driver-jar")),
            "ports.clash",
        }
        files = [one["node"] for one in found if one["id"] == "prerequisites.files"]
        assert sorted(files) == ["node1", "node1", "node2"]


# --- options ------------------------------------------------------------------------------------------------

OPTIONS = [
    ("replay --skip hazelcst", "--skip hazelcst", "hazelcast"),
    ("replay --only nonsense", "--only nonsense", "prerequisites, mysql"),
    ("replay --only spark --skip mysql", "--only and --skip", "one of them"),
    ("replay --ignore ports.clsh", "--ignore ports.clsh", "ports.clash"),
    ("replay --node node3", "node3", "node1.*node2"),
    ("check --only sparc", "sparc", "spark"),
    *((f"replay --ignore {check}", check, ".+") for check in (
        *(f"prerequisites.{name}" for name in ("secret", "home", "same-home", "files")), "apply.unfinished")),
]  # fmt: skip


class TestOptions:
    @pytest.mark.parametrize(("arguments", "part", "fix"), OPTIONS, ids=[one[0] for one in OPTIONS])
    def test_wrong_ones_are_refused(self, arguments: str, part: str, fix: str, pair: Pair) -> None:
        before = untouched(*pair.homes)
        ran = run(*arguments.split(), "--offline", pair.profile)
        said = clean(ran)
        assert ran.code == 2 and part in said and re.search(rf"fix: .*{fix}", said)
        ran = run(*arguments.split(), "--offline", pair.profile, "--json")
        assert (ran.code, ran.json["outcome"]) == (2, "refused")
        assert untouched(*pair.homes) == before

    @pytest.mark.parametrize(
        "arguments",
        ["replay --dry-rn x", "replay", "replay x y", "check --dry-run x", "rollback --offline", "--nonsense",
            "history --prune x", "history --prune -1", "profile nwe", "profile show", "replay --node"],
    )  # fmt: skip
    def test_unknown_ones_are_wrong_use(self, arguments: str) -> None:
        ran = run(*arguments.split())
        assert (ran.code, ran.out) == (2, "")
        assert "Error" in clean(ran)

    def test_errors_become_warnings_where_they_are_ignored(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{}, {"hazelcast_port": 4000}])
        (pair.homes[1] / "bin/version.txt").write_text("WSO2 API Manager Analytics Server v2.1.0\n")
        command = ["replay", pair.profile, "--offline", "--ignore", "ports.clash"]
        assert run(*command).code == 3
        ran = run(*command, "--json", "--ignore", "prerequisites.version")
        assert (ran.code, ran.json["outcome"]) == (0, "applied")
        found = {one["id"]: one["status"] for one in ran.json["checks"]}
        assert (found["prerequisites.version"], found["ports.clash"]) == ("warning", "warning")


# --- users who may not --------------------------------------------------------------------------------------


# What is taken from the second home; the check that fails then, and its message.
LOCKS = [
    (lambda home: (home / AXIS2).chmod(0o444), "writable", "axis2.xml.*read-only"),
    (lambda home: (home / AXIS2).parent.chmod(0o555), "writable", "axis2: this user cannot write into the folder"),
    (lambda home: os.chown(home / AXIS2, 0, 65534), "writable", "axis2.xml.*another user"),
    (lambda home: os.chown(home / AXIS2, 65534, 0), "writable", "axis2.xml.*group"),
    (lambda home: home.chmod(0o555), "writable", "cannot write into the folder"),
    (lambda home: home.chmod(0o000), "home", ""),
    (lambda home: (home / "repository").chmod(0o000), "home", ""),
    (lambda home: (home / AXIS2).chmod(0o000), "files", "axis2.xml"),
    (lambda home: (home.parent / DRIVER).chmod(0o000), "driver-jar", DRIVER),
]  # fmt: skip


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("lock", "check", "message"), LOCKS)
def test_what_another_user_cannot_write_or_read_is_reported_before_the_first_write(
    lock: Callable[[Path], object], check: str, message: str, pair: Pair, isolated: Path
) -> None:
    """A user who owns all of the pair, but for what `lock` takes away."""
    for path in (path for folder in (pair.profile.parent, isolated) for path in (folder, *folder.parents)):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o755)
    for path in [isolated, *(p for home in pair.homes for p in [home, *home.rglob("*")])]:
        os.chown(path, 65534, 65534)
        path.chmod(path.stat().st_mode | (0o666 if path.is_file() else 0o777))
    run("check", pair.profile, "--offline")  # imports what nobody may not be able to read
    lock(pair.homes[1])
    fork = get_context("fork")
    with nothing_written(pair, isolated), ProcessPoolExecutor(1, fork, become_nobody) as other_user:
        ran = other_user.submit(run, "replay", pair.profile, "--offline", "--json").result(timeout=120)
    clean(ran)
    assert (ran.code, ran.json["outcome"]) == (3, "refused"), ran.err
    errors = [one for one in ran.json["checks"] if one["status"] == "error"]
    of_check = [one for one in errors if one["id"] == f"prerequisites.{check}"]
    assert {one["id"] for one in errors if one not in of_check} <= {"prerequisites.files"}
    assert of_check and all(one["fix"] for one in of_check)
    assert re.search(message, of_check[0]["message"]), of_check
    assert check != "writable" or [one["node"] for one in errors] == ["node2"]


def test_an_empty_password_is_one_and_what_xml_cannot_hold_is_none(pair, monkeypatch):
    monkeypatch.setenv("APIM_DB_PASSWORD", "plain-secret-4711\x01")
    ran = run("replay", pair.profile, "--offline", "--json")
    clean(ran)
    failed = {one["id"] for one in ran.json["checks"] if one["status"] == "error"}
    assert (ran.code, failed) == (3, {"prerequisites.secret"})
    monkeypatch.setenv("APIM_DB_PASSWORD", "")
    assert run("replay", pair.profile, "--offline").code == 0
