"""A profile in a cloned repository: nothing that it names runs or is read until the user agrees."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Ran, on_a_terminal, process, run
from tests.support.pairs import Pair, driver_jar
from tests.support.playground import Playground, playground
from tests.support.profiles import MINIMAL_TEXT
from tests.support.servers import Server
from tests.support.stand_in_pair import make_java
from wizard.demo.sandbox import opened
from wizard.pack.home import LIB
from wizard.profile import trust
from wizard.profile.document import set_field
from wizard.system import locations

MARK = "mArk-7f3e"


def leaves(trace: Path) -> str:
    """A program for `sh` that leaves a trace."""
    return f"touch {shlex.quote(str(trace))}; echo {MARK}"


def edit(profile: Path, **values: Any) -> None:
    text = profile.read_text("utf-8")
    for field, value in values.items():
        text = set_field(text, field.replace("__", "."), value)
    profile.write_text(text, "utf-8")


def entries(ran: Ran, id: str) -> list[dict[str, Any]]:
    return [one for one in ran.json["checks"] if one["id"] == id]


@pytest.fixture
def reachable(mariadb: Server, packs: Path, tmp_path: Path) -> Iterator[Playground]:
    """A server where the account may log in and its database is, so that the driver would be tried."""
    with playground(mariadb, packs / "apim-analytics-2.0.0", tmp_path) as ground:
        ground.make_account()
        ground.server.run(
            *(f"CREATE DATABASE `{name}`" for name in ground.names.values()),
            f"GRANT ALL ON *.* TO '{ground.account}'@'%'",
        )
        yield ground


@pytest.mark.parametrize("named", ["java_home", "driver_jar", "a jar in the home"])
def test_java_and_the_driver_run_only_once_the_user_agrees(
    reachable: Playground, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    ground = reachable
    trace = ground.folder / "trace"
    java = make_java(ground.folder / "jdk", server=leaves(trace))
    (java / "release").unlink()  # so that it has to be run to say its version
    pair = make_pair(
        mysql=ground.table(**({"driver_jar": None} if named == "a jar in the home" else {})),
        nodes=[{"java_home": str(java)} if named == "java_home" else {}] * 2,
    )
    monkeypatch.setenv("APIM_DB_PASSWORD", ground.password)
    if named != "java_home":  # then it is the user's own Java that would run the jar
        monkeypatch.setenv("JAVA_HOME", str(java))
    if named == "a jar in the home":
        for home in pair.homes:
            driver_jar(home / LIB / "mysql-connector-java-5.1.49-bin.jar")

    for command in (["check"], ["replay", "--dry-run"]):
        refused = run(*command, pair.profile, "--json")
        (entry,) = entries(refused, "mysql.driver")
        assert (entry["status"], entry["needs_agreement"]) == ("skipped", True)
        assert f"apimha-wizard profile allow {pair.profile}" in entry["fix"]
        assert "skipped (1 until you agree to the profile)" in refused.err
        assert "mysql.driver" in refused.err and "--allow-commands" in refused.err
        assert not trace.exists()

    found = entries(run("check", pair.profile, "--json", "--allow-commands"), "mysql.driver")
    assert found and not any("needs_agreement" in entry for entry in found)
    assert trace.exists()
    trace.unlink()
    (entry,) = entries(run("check", pair.profile, "--json"), "mysql.driver")
    assert entry["needs_agreement"], "the agreement was for one run"

    trust.allow(pair.profile, pair.profile.read_text("utf-8"))
    run("check", pair.profile, "--json")
    assert trace.exists()
    trace.unlink()
    with pair.profile.open("a") as file:
        file.write("\n")
    run("check", pair.profile, "--json")
    assert not trace.exists(), "one byte is another content"


RESOLVING = (
    ["check", "--offline"],
    ["replay", "--offline"],
    ["replay", "--offline", "--dry-run"],
    ["sql", "--with-password"],
    ["verify", "--offline"],
)


@pytest.fixture
def cloned(make_pair: Callable[..., Pair], tmp_path: Path) -> Path:
    """A profile in a repository, with a file of the user's beside the clone."""
    secret = tmp_path / "secret"
    secret.write_text(MARK)
    secret.chmod(0o600)
    return make_pair().profile


@pytest.mark.parametrize("command", RESOLVING, ids=" ".join)
@pytest.mark.parametrize("kind", ["command", "keyring", "absolute", "relative", "link", "linked folder"])
def test_a_password_from_elsewhere_is_read_only_once_the_user_agrees(
    cloned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], kind: str
) -> None:
    trace = tmp_path / "trace"
    (cloned.parent / "in-the-clone").symlink_to(tmp_path / "secret")
    (cloned.parent / "folder").symlink_to(tmp_path)
    reference = {
        "command": {"command": ["sh", "-c", leaves(trace)]},
        "keyring": {"keyring": "service/user"},
        "absolute": {"file": str(tmp_path / "secret")},
        "relative": {"file": "../secret"},
        "link": {"file": "in-the-clone"},
        "linked folder": {"file": "folder/secret"},
    }[kind]
    asked: list[str] = []
    monkeypatch.setattr("keyring.get_password", lambda service, user: asked.append(user) or MARK)
    edit(cloned, mysql__password=reference)
    before = {path: path.read_bytes() for path in cloned.parent.rglob("*") if path.is_file()}

    refused = run(command[0], cloned, *command[1:])
    assert refused.code == 3, refused
    assert f"apimha-wizard profile allow {cloned}" in refused.out + refused.err
    assert "mysql.password" in refused.out + refused.err
    assert MARK not in refused.out + refused.err
    assert not trace.exists() and not asked
    assert before == {path: path.read_bytes() for path in cloned.parent.rglob("*") if path.is_file()}

    agreed = run(command[0], cloned, *command[1:], "--allow-commands")
    assert "profile allow" not in agreed.out + agreed.err
    if command[0] != "verify":  # which reads only what it can hide in a log
        assert trace.exists() is (kind == "command")
        assert asked == (["user"] if kind == "keyring" else [])


def test_what_a_check_says_of_it_is_data(cloned: Path) -> None:
    svn = {"method": "svn", "svn_url": "http://127.0.0.1/svn", "svn_username": "u"}
    edit(cloned, **{f"deployment_sync__{key}": value for key, value in svn.items()})
    references = {
        "mysql.password": {"keyring": "a/b"},
        "deployment_sync.svn_password": {"command": ["true"]},
        "mysql.url_parameters.password": {"file": "/etc/shadow"},
    }
    edit(cloned, **references)
    found = entries(run("check", cloned, "--offline", "--json"), "prerequisites.secret")
    assert all(one["status"] == "error" and one["needs_agreement"] for one in found)
    assert [one["message"].partition(":")[0] for one in found] == list(references)


@pytest.mark.parametrize("file", ["secret", "deeper/secret", "deeper/../secret"])
def test_a_variable_and_a_file_of_the_clone_need_no_agreement(cloned: Path, file: str) -> None:
    assert run("check", cloned, "--offline").code == 0
    (cloned.parent / "deeper").mkdir()
    path = cloned.parent / file
    path.write_text(MARK)
    path.chmod(0o600)
    edit(cloned, mysql__password={"file": file})
    assert run("check", cloned, "--offline").code == 0


def test_on_a_terminal_a_command_is_asked_about_unless_the_profile_is_the_users_own(
    cloned: Path, tmp_path: Path
) -> None:
    edit(cloned, mysql__password={"command": ["sh", "-c", leaves(tmp_path / "trace")]})
    code, seen = on_a_terminal("n", "check", cloned, "--offline")
    assert code == 3 and "touch" in seen
    assert not (tmp_path / "trace").exists()
    code, _ = on_a_terminal("y", "check", cloned, "--offline")
    assert code == 0
    (tmp_path / "trace").unlink()
    locations.profiles().mkdir(parents=True)
    cloned.rename(locations.profile("own"))  # the user's own profiles need no agreement
    assert run("check", "own", "--offline").code == 0
    assert (tmp_path / "trace").exists()


def test_what_this_program_writes_elsewhere_is_trusted_until_it_is_edited(
    make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    pair = make_pair()
    assert run("replay", pair.profile, "--offline").code == 0
    back = tmp_path / "back.toml"
    assert run("profile", "from-homes", *pair.homes, "--name", back).code == 0
    assert run("profile", "new", tmp_path / "new.toml").code == 0
    assert run("demo", "--folder", tmp_path / "demo").code == 0
    demo = opened(tmp_path / "demo")
    for path in (back, tmp_path / "new.toml", demo.profile):
        text = path.read_text("utf-8")
        assert trust.is_agreed(path, text)
        assert not trust.is_agreed(path, f"{text}\n")
        assert not trust.is_agreed(tmp_path / "clone" / path.name, text), "relative paths lead elsewhere"
    listed = process("profile", "allow", "--list", "--json", env=demo.env)
    assert [one["path"] for one in listed.json["agreements"]] == [str(demo.profile)]


class TestAllow:
    def test_it_names_what_would_run_and_records_a_yes(self, cloned: Path, tmp_path: Path) -> None:
        edit(
            cloned,
            nodes__1__java_home="/opt/jdk",
            mysql__password={"command": ["sh", "-c", "rm -rf \x1b[8m~"]},
            mysql__url_parameters__password={"file": "/etc/shadow"},
        )
        code, seen = on_a_terminal("n", "profile", "allow", cloned)
        assert code == 130 and run("profile", "allow", "--list", "--json").json["agreements"] == []
        for what in ("/opt/jdk", "mysql-connector-java", r"rm -rf \x1b[8m~", "/etc/shadow"):
            assert what in seen
        code, seen = on_a_terminal("y", "profile", "allow", cloned, "--json")
        assert code == 0 and '"agreed": true' in seen
        (one,) = run("profile", "allow", "--list", "--json").json["agreements"]
        assert (one["path"], one["how"]) == (str(cloned), "allowed")
        assert "agreed already" in run("profile", "allow", cloned).out
        assert str(cloned) in run("profile", "allow", "--list").out

    def test_without_a_terminal_nothing_is_agreed_to(self, cloned: Path) -> None:
        refused = run("profile", "allow", cloned, "--json")
        assert refused.code == 2 and "--allow-commands" in refused.json["error"]
        assert trust.agreements() == []

    def test_it_can_be_taken_back_also_when_the_file_is_gone(self, cloned: Path) -> None:
        trust.allow(cloned, cloned.read_text("utf-8"))
        assert run("profile", "allow", cloned, "--revoke", "--json").json["agreed"] is False
        assert "nothing was recorded" in run("profile", "allow", "--revoke", cloned).out
        trust.allow(cloned, cloned.read_text("utf-8"))
        cloned.unlink()
        assert json.loads(run("profile", "allow", cloned, "--revoke", "--json").out)["sha256"] is None
        assert trust.agreements() == []

    @pytest.mark.parametrize(
        "arguments", ["", "--revoke", "--list x.toml", "--list --revoke", "missing.toml"]
    )
    def test_wrong_use(self, arguments: str) -> None:
        refused = run("profile", "allow", *arguments.split())
        assert refused.code == 2 and "fix:" in refused.err

    def test_the_users_own_profile_needs_none_and_can_lose_none(self) -> None:
        path = locations.profile("own")
        path.parent.mkdir(parents=True)
        path.write_text(MINIMAL_TEXT)
        for option in ([], ["--revoke"]):
            assert "in your own profile folder" in run("profile", "allow", "own", *option).out

    def test_what_cannot_be_recorded_is_an_error_that_names_the_place(self, cloned: Path) -> None:
        locations.state().mkdir(parents=True)
        locations.agreements().write_text("in the way")
        code, seen = on_a_terminal("y", "profile", "allow", cloned)
        assert code == 1 and str(locations.agreements()) in seen and "Traceback" not in seen
