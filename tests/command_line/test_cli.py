"""The commands: what they print, their one JSON object, their exit codes, and what they do not load."""

from __future__ import annotations

import json
import os
import re
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import pairs
from tests.support.cli import process, run, started
from tests.support.headless import AXIS2, MASTER, quick_disk, standing, untouched  # noqa: F401
from tests.support.pairs import Pair
from wizard import __version__
from wizard.command_line.cli import cli
from wizard.command_line.cli import profile as profile_group

COMMANDS = [[name] for name in cli.commands]
COMMANDS += [["profile", name] for name in profile_group.commands]

KEYS = ["version", "outcome", "run", "files", "checks", "databases", "error"]


def named(pair: Pair, name: str, isolated: Path) -> str:
    """The pair's profile as one of the user's own, by its name."""
    target = isolated / f"config/apimha-wizard/profiles/{name}.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(pair.profile.read_text())
    return name


class TestEverywhere:
    @pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
    def test_version_and_help(self, command: list[str]) -> None:
        ran = run(*command, "--version")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out == f"apimha-wizard, version {__version__}\n"
        for option in ("--help", "-h"):
            ran = run(*command, option)
            assert (ran.code, ran.err) == (0, "")
            assert ran.out.startswith("Usage: apimha-wizard")
            assert "--version" in ran.out

    def test_a_mistyped_command_gets_a_suggestion(self) -> None:
        for word, fix in (("chek", "did you mean check?"), ("qqqq", "apimha-wizard profile list")):
            for arguments in ([word], [word, "x"], [word, "--json"]):
                ran = run(*arguments)
                assert ran.code == 2
                assert f"{word} is neither a command nor a profile\n  fix: {fix}" in ran.err
            assert ran.json["outcome"] == "refused"

    def test_the_wizard_without_a_terminal_points_to_replay(
        self, make_pair: Callable[..., Pair], isolated: Path
    ) -> None:
        pair = make_pair()
        name = named(pair, "mine", isolated)
        for arguments in ([], [name], ["resume", name], [str(pair.profile)], ["resume", str(pair.profile)]):
            ran = run(*arguments)
            assert (ran.code, ran.out) == (2, ""), arguments
            assert "terminal" in ran.err
            assert f"apimha-wizard replay {arguments[-1] if arguments else 'PROFILE'}" in ran.err


class TestReplay:
    def test_the_text_of_a_dry_run_of_a_replay_and_of_another_one(
        self, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(mysql={"provisioning": "server", "databases": {"stats": "STATISTICS"}})
        dry = run("replay", pair.profile, "--offline", "--dry-run")
        assert (dry.code, dry.err) == (4, "")
        for text in (
            "node1: 9 files to change",
            f"--- node1/{AXIS2}",
            '-                enable="false">',
            '+                enable="true">',
            "clustering/@enable: false → true",
            "Nothing was written",
        ):
            assert text in dry.out
        done = run("replay", pair.profile, "--offline")
        assert (done.code, done.err) == (0, "")
        assert re.search(r"^Done: run (\d{8}T\d{6}Z-[0-9a-f]{4})\.$", done.out, re.MULTILINE)
        for text in (
            f"1 Start both nodes\n  apimha-wizard start {pair.profile}\n",
            "node1 makes the tables of userdb and regdb (-Dsetup)",
            f"2 Verify\n  apimha-wizard verify {pair.profile} --watch\n",
            # What API Manager has to know: stock offset 1, and 2.
            "tcp://127.0.0.1:7612 (SSL 7712), tcp://127.0.0.1:7613 (SSL 7713)",
            "read its statistics from the database STATISTICS",
            "deploy every C-App to both nodes",
        ):
            assert text in done.out
        titles = [line for line in done.out[done.out.index("Done: ") :].splitlines()[1:] if line[0] != " "]
        assert titles == ["1 Start both nodes", "2 Verify", "3 Configure API Manager", "Later", "Undo"]
        assert re.match(r"  apimha-wizard rollback \d{8}T", done.out.splitlines()[-1])
        again = run("replay", pair.profile, "--offline")
        assert (again.code, again.err, "Nothing to do" in again.out) == (0, "", True)

    def test_one_object_on_standard_output(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        for arguments, code, outcome in (
            (["replay", "--dry-run"], 4, "pending"),
            (["replay"], 0, "applied"),
            (["replay"], 0, "unchanged"),
            (["replay", "--dry-run"], 0, "unchanged"),
            (["check"], 0, "ok"),
        ):
            ran = run(*arguments, "--offline", "--json", pair.profile)
            assert ran.code == code
            data = ran.json
            assert list(data) == KEYS
            assert (data["version"], data["outcome"], data["error"]) == (1, outcome, None)
            assert bool(data["run"]) == (outcome == "applied")
            assert data["databases"] == []
            for file in data["files"]:
                assert list(file) == ["node", "path", "step", "status", "changes", "diff", "rolling"]
                assert all(isinstance(one, str) for one in file["changes"])
            for one in data["checks"]:
                assert list(one)[:6] == ["id", "step", "node", "status", "message", "fix"]
                assert one["status"] in {"ok", "warning", "error", "skipped"}
            assert data["checks"]
            assert (data["files"] == []) == (arguments == ["check"])
            assert (f"--- node1/{AXIS2}" in ran.err) == (outcome == "pending")

    def test_a_state_folder_that_cannot_be_written_is_exit_1(
        self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        pair = make_pair()
        (tmp_path / "no folder").write_text("")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "no folder"))
        before = untouched(*pair.homes)
        ran = run("replay", pair.profile, "--offline", "--json")
        assert ran.code in {1, 3}
        assert ran.json["outcome"] in {"failed", "refused"}
        assert "Traceback" not in ran.err
        assert "internal error" not in ran.err
        assert untouched(*pair.homes) == before

    def test_ctrl_c_is_130(self, make_pair: Callable[..., Pair], tmp_path: Path) -> None:
        """Pressed while a program is asked for the password: that program says when."""
        ready = tmp_path / "ready"
        os.mkfifo(ready)
        pair = make_pair(
            mysql={"password": {"env": None, "command": ["sh", "-c", f"echo > '{ready}'; sleep 60"]}}
        )
        before = untouched(*pair.homes)
        child = started("replay", pair.profile, "--offline", "--json", "--allow-commands")
        ready.read_text()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        assert child.returncode == 130
        assert json.loads(out)["outcome"] == "cancelled"
        assert "as before" in err
        assert "Traceback" not in err
        assert untouched(*pair.homes) == before

    @pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
    def test_any_encoding_can_show_it(
        self, encoding: str, packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("APIM_DB_PASSWORD", "x")
        path = pairs.make_pair(packs / "das-3.0.1", tmp_path / "Söhne 中").profile
        environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        dry = process("replay", path, "--offline", "--dry-run", "--json", env=environment)
        assert (dry.code, "internal error" in dry.err) == (4, False)
        assert "中" in json.dumps(dry.json, ensure_ascii=False)
        assert process("profile", "show", path, env=environment).code == 0


class TestRollback:
    def test_by_file_by_name_by_run_and_alone(self, make_pair: Callable[..., Pair], isolated: Path) -> None:
        pair = make_pair()
        name = named(pair, "mine", isolated)
        before = standing(*pair.homes)
        file = str(pair.profile)
        for profile, argument in ((file, file), (name, name), (name, None), (name, "run")):
            done = run("replay", profile, "--offline", "--json")
            assert done.json["outcome"] == "applied"
            arguments = [] if argument is None else [done.json["run"] if argument == "run" else argument]
            ran = run("rollback", *arguments, "--json")
            assert (ran.code, list(ran.json)) == (0, KEYS)
            assert (ran.json["outcome"], ran.json["error"]) == ("restored", None)
            assert {file["status"] for file in ran.json["files"]} == {"restored"}
            assert standing(*pair.homes) == before
            assert run("rollback", profile, "--json").json["outcome"] == "unchanged"
        run("replay", name, "--offline")
        ran = run("rollback", name)
        assert (ran.code, "Restored.\nDatabases, accounts and tables stay" in ran.out) == (0, True)
        again = run("rollback", name)
        assert (again.code, "Nothing to undo" in again.out) == (0, True)

    def test_a_name_is_the_users_own_profile_or_else_the_only_file_that_is_called_so(
        self, make_pair: Callable[..., Pair], isolated: Path
    ) -> None:
        """Here each file is called `pair.toml`."""
        own, other = make_pair("das-3.0.1"), make_pair("apim-analytics-2.0.0")
        assert run("rollback", own.profile, "--json").json["outcome"] == "unchanged"
        run("replay", own.profile, "--offline")
        assert run("rollback", "pair").code == 0, "only one file is called so"
        for pair in (own, other):
            run("replay", pair.profile, "--offline")
        for arguments in (["rollback", "pair"], ["rollback"]):
            ran = run(*arguments)
            assert ran.code == 2
            assert str(own.profile) in ran.err and str(other.profile) in ran.err
        assert run("rollback", own.profile, "--json").json["outcome"] == "restored"
        name = named(own, "pair", isolated)
        run("replay", name, "--offline")
        before = standing(*other.homes)
        for outcome in ("restored", "unchanged"):
            assert run("rollback", name, "--json").json["outcome"] == outcome
        assert [one["kind"] for one in run("history", name, "--json").json["runs"]] == ["rollback", "replay"]
        assert standing(*other.homes) == before
        assert run("rollback", other.profile, "--json").json["outcome"] == "restored"


def test_history_and_prune(pair: Pair) -> None:
    assert run("history").out == "no runs yet\n"
    replay = ("replay", pair.profile, "--offline", "--json")
    first = run(*replay, "--only", "hazelcast").json["run"]
    second = run(*replay, "--ignore", "prerequisites.version").json["run"]
    before = standing(*pair.homes)
    (pair.homes[1] / MASTER).write_text("mine")
    ran = run("rollback", pair.profile, "--json")
    assert (ran.code, ran.json["outcome"]) == (3, "restored")
    kept = [(file["node"], file["path"]) for file in ran.json["files"] if file["status"] != "restored"]
    assert kept == [("node2", MASTER)]
    undone = run("rollback", second, "--force", "--json")
    assert undone.code == 0 and standing(*pair.homes) != before
    found = run("history", "--json").json["runs"]
    assert [(one["run"], one["state"], one["kind"]) for one in found] == [
        (undone.json["run"], f"undid {second}", "rollback"),
        (ran.json["run"], f"undid part of {second}", "rollback"),
        (second, "rolled back", "replay"),
        (first, "applied", "replay"),
    ]
    assert found[2]["ignored"] == ["prerequisites.version"]
    assert {tuple(one["nodes"]) for one in found} == {("node1", "node2")}
    text = run("history", pair.profile)
    assert [line.split()[0] for line in text.out.splitlines()[1:]] == [one["run"] for one in found]
    assert run("history", "unknown", "--json").json["runs"] == []
    pruned = run("history", "--prune", "0", "--json")
    assert pruned.code == 0 and not any(one["can_be_undone"] for one in pruned.json["runs"])
    refused = run("rollback", first, "--json")
    assert (refused.code, refused.json["outcome"]) == (3, "refused")
    assert "prune" in refused.json["error"]


class TestProfiles:
    def test_a_new_one_is_a_template_that_says_what_is_missing(self, isolated: Path, tmp_path: Path) -> None:
        own = isolated / "config/apimha-wizard/profiles/mine.toml"
        for name, path in (("mine", own), (str(tmp_path / "deep/er/x.toml"), tmp_path / "deep/er/x.toml")):
            ran = run("profile", "new", name)
            assert (ran.code, str(path) in ran.out) == (0, True)
            assert path.read_text().count("#") > 20
            assert tomllib.loads(path.read_text())["schema_version"] == 1
            check = run("profile", "validate", name)
            assert check.code == 2
            for field in ("mysql.host", "mysql.username", "mysql.password", "nodes.0.home", "nodes.1.host"):
                assert re.search(rf"{re.escape(str(path))}:\d+: {field}", check.err)
            again = run("profile", "new", name)
            assert (again.code, "already" in again.err) == (2, True)

    def test_list_show_validate(self, make_pair: Callable[..., Pair], isolated: Path) -> None:
        assert "no profiles yet" in run("profile", "list").out
        name = named(make_pair(), "mine", isolated)
        (isolated / "config/apimha-wizard/profiles/broken.toml").write_text("x = ")
        ran = run("profile", "list", "--json")
        listed = ran.json["profiles"]
        assert ran.err == ""
        assert {one["name"]: one["state"] for one in listed} == {"mine": "ok", "broken": "invalid"}
        assert re.search(r"^mine +ok", run("profile", "list").out, re.M)
        assert run("profile", "validate", name).code == 0
        shown = run("profile", "show", name)
        assert shown.code == 0
        values = tomllib.loads(shown.out)
        assert (values["mysql"]["port"], values["pool"]["validation_query"]) == (3306, "SELECT 1")
        assert values["nodes"][1]["hazelcast_port"] == 4001
        assert values["mysql"]["password"] == {"env": "APIM_DB_PASSWORD"}
        # What is shown is a profile again.
        again = isolated / "again.toml"
        again.write_text(shown.out)
        assert run("profile", "validate", again).code == 0

    def test_relative_paths_count_from_the_profile(
        self, make_pair: Callable[..., Pair], tmp_path: Path
    ) -> None:
        pair = make_pair()
        text = pair.profile.read_text().replace(f"{pair.profile.parent}/", "")
        assert str(tmp_path) not in text
        pair.profile.write_text(text)
        ran = process("replay", pair.profile, "--offline", cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert process("replay", "pair.toml", "--offline", cwd=pair.profile.parent).code == 0


LOADED = """
import json, sys
from wizard.command_line.cli import main
for arguments, wanted in json.loads(sys.argv.pop(1)):
    sys.argv = ["apimha-wizard"]
    try:
        main(arguments)
    except SystemExit as ended:
        loaded = sorted({name.partition(".")[0] for name in sys.modules} & set(HEAVY))
        sys.stderr.write(f"LOADED {arguments} {ended.code == wanted} {loaded}\\n")
"""
HEAVY = ["textual", "rich", "asyncio", "pymysql", "keyring", "ifaddr", "ssl", "screens", "cryptography"]


def loaded(*commands: tuple[list[str], int]) -> list[str]:
    """A line for each command and its exit code: whether it ended so, and what costs time and is loaded since."""
    ran = process(json.dumps(commands), code=f"HEAVY = {HEAVY!r}\n{LOADED}")
    found = re.findall(r"^LOADED (.*)$", ran.err, re.M)
    assert len(found) == len(commands), ran.err
    return found


def test_no_command_loads_a_screen_and_only_live_checks_load_the_driver(
    make_pair: Callable[..., Pair], isolated: Path
) -> None:
    name = named(make_pair(mysql={"port": 1}), "mine", isolated)
    commands = (
        *((arguments, 0) for arguments in (["--version"], ["--help"], ["checks"], ["history"])),
        (["nonsense"], 2),
        (["profile", "new", "other"], 0),
        *((["profile", verb, name], 0) for verb in ("show", "validate")),
        (["check", name, "--offline"], 0),
        (["replay", name, "--offline", "--dry-run"], 4),
        (["replay", name, "--offline"], 0),
        (["replay", name, "--offline", "--json"], 0),
        (["rollback", name], 0),
        (["verify", name, "--offline"], 4),
    )
    assert loaded(*commands) == [f"{arguments} True []" for arguments, _ in commands]
    (found,) = loaded((["check", name, "--only", "mysql"], 3))
    assert "True" in found
    assert not re.search("textual|rich|asyncio|screens", found)
