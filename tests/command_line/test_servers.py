"""`start`, `stop` and `restart` with launchers and servers that behave as the real ones (procedure, "The launcher")."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import pairs
from tests.support.cli import Ran, on_a_terminal, run, started
from tests.support.playground import playground
from tests.support.programs import script
from tests.support.servers import Server
from tests.support.stand_in_pair import StandInPair, make_java
from wizard.command_line.run import servers
from wizard.passwords.resolver import Resolver
from wizard.profile.store import load
from wizard.server import systemd
from wizard.server.process import send, server_of, serves
from wizard.system.errors import Cancel
from wizard.transaction.marker import locked

Launched = Callable[..., StandInPair]


@pytest.fixture
def launched(
    make_pair: Callable[..., pairs.Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Launched]:
    """Makes a pair whose launchers start stand-ins; whatever runs at the end is killed."""
    made: list[StandInPair] = []
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "java")))

    def make(*, fault: str = "", of: int = 1, **settings: Any) -> StandInPair:
        pair = StandInPair(make_pair, **{"takeover": 0.1, "pid_after": 0.3, **settings})
        made.append(pair)
        for number in range(2):
            later = {"starting": 0.7 * number, **settings}["starting"]
            pair.install(number, fault=fault if number == of else "", starting=later)
        return pair

    yield make
    for pair in made:
        pair.end()


@pytest.fixture
def two(launched: Launched) -> StandInPair:
    return launched()


def wait_until(happened: Callable[[], bool]) -> None:
    while not happened():
        time.sleep(0.02)


@contextlib.contextmanager
def waiting(code: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that has printed a line, and waits for the end of its input."""
    words = [sys.executable, "-c", f"import sys; {code}", *arguments]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def pids(two: StandInPair) -> list[int | None]:
    return [server_of(home) for home in two.pair.homes]


def command(verb: str, two: StandInPair, *options: str, code: int = 0, outcome: str = "") -> Ran:
    """A command that ends with this exit code; with an outcome its output is JSON."""
    done = run(verb, two.pair.profile, *(["--json"] if outcome else []), *options)
    assert done.code == code, done.out + done.err
    assert not outcome or done.json["outcome"] == outcome
    return done


def steps(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if line.endswith((": stopping", ": launched"))]


def refused(verb: str, two: StandInPair, *options: str, code: int = 3) -> str:
    """The error of a command that is refused."""
    return str(command(verb, two, *options, code=code, outcome="refused").json["error"])


def sentences(done: Ran, id: str) -> list[tuple[str, str, str | None]]:
    """Status, message and evidence of the findings of one id."""
    found = [one for one in done.json["findings"] if one["id"] == id]
    return [(one["status"], one["message"], one["evidence"]) for one in found]


def running(two: StandInPair, **how: Any) -> servers.ServersResult:
    """Start the pair in this process."""
    setting = servers.Setting(load(two.pair.profile), Resolver(), settling=how.pop("settling", 60))
    return servers.run(how.pop("verb", "start"), setting, **{"cancel": Cancel(), **how})


def test_start_restart_and_stop_a_pair(two: StandInPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBON_HOME", "/somewhere/else")
    done = command("start", two, outcome="healthy")
    assert set(done.json) == {"outcome", "nodes", "findings", "error"}
    for node, pid in zip(done.json["nodes"], pids(two), strict=True):
        assert set(node) == {"name", "home", "pid", "state", "seconds", "changed"}
        assert (node["state"], node["pid"], node["changed"]) == ("running", pid, True)
        assert node["seconds"] > 0
    for line in ("node1: launched", "node1: waiting for node2", "node2: started, passive, state synced"):
        assert f"{line}\n" in done.err
    assert "healthy after" in done.err

    before = pids(two)
    again = command("start", two, outcome="healthy").json
    assert {node["changed"] for node in again["nodes"]} == {False}
    assert pids(two) == before

    done = command("restart", two)
    assert steps(done.out) == [
        f"{node}: {what}" for node in ("node2", "node1") for what in ("stopping", "launched")
    ]
    assert not set(pids(two)) & set(before)

    done = command("stop", two, outcome="stopped")
    assert done.json["findings"] == []
    ended = [(node["state"], node["pid"], node["changed"]) for node in done.json["nodes"]]
    assert ended == [("stopped", None, True)] * 2
    assert pids(two) == [None, None]
    assert "node1: stopped\n" in done.err
    order = [done.err.index(f"{node}: stopping") for node in ("node1", "node2")]
    assert order == sorted(order), "node2 is the active one now"
    assert all((home / "wso2carbon.pid").exists() for home in two.pair.homes)
    again = command("stop", two, outcome="stopped").json
    assert {node["changed"] for node in again["nodes"]} == {False}


def test_a_server_has_a_session_and_an_environment_of_its_own(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = launched(fault="never", of=0)
    monkeypatch.setenv("MYSQL_ROOT_PASSWORD", "also secret")
    command("start", two, "--node", "node1", "--no-wait")
    pid = server_of(two.pair.homes[0])
    assert pid is not None
    assert os.getsid(pid) != os.getsid(0)
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert pairs.PASSWORD.encode() not in environment
    assert b"also secret" not in environment
    names = {entry.partition(b"=")[0].decode() for entry in environment.split(b"\0") if entry}
    needed = {"PATH", "LANG", "HOME", "CARBON_HOME", "JAVA_HOME"}
    own = {"PWD", "OLDPWD", "SHLVL", "_", "PYTHONPATH"}  # of the shells and the stand-in
    own |= {"SPARK_SCALA_VERSION", "CARBON_SPARK_HOME"}  # of load-spark-env-vars.sh
    assert needed <= names <= needed | own
    console = two.pair.homes[0] / "repository/logs/wso2server-console.log"
    assert os.path.samefile(f"/proc/{pid}/fd/1", console)


@pytest.mark.parametrize(
    ("fault", "code", "outcome", "shown"),
    [
        ("dies", 1, "failed", "java.lang.OutOfMemoryError: Java heap space"),
        ("port", 3, "unhealthy", "or the other node, listens on a port that this node needs"),
        ("fatal", 3, "unhealthy", "WSO2 Carbon initialization Failed"),
    ],
)
def test_a_start_that_fails_names_the_lines_the_cause_and_the_fix(
    launched: Launched, fault: str, code: int, outcome: str, shown: str
) -> None:
    two = launched(fault=fault)
    done = command("start", two, code=code, outcome=outcome)
    [(status, message, evidence)] = sentences(done, "server.start")
    assert status == "error"
    assert shown in f"{message}\n{evidence}"
    assert len((evidence or "").splitlines()) <= 20
    assert "\tat " not in (evidence or "")
    assert (server_of(two.pair.homes[1]) is None) is (fault == "dies")
    assert server_of(two.pair.homes[0]) is not None, "the other node keeps running"
    assert "    fix: " in done.err


def test_a_node_that_never_starts_is_waited_for_until_the_time_limit_but_not_with_an_unreadable_log(
    launched: Launched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = launched(fault="never")
    for _ in range(100):  # a busy machine is still starting them
        done = command("start", two, "--timeout", "2", code=4, outcome="waiting")
        if (states := [node["state"] for node in done.json["nodes"]]) != ["starting", "starting"]:
            break
    assert states == ["waiting", "starting"]
    assert None not in pids(two)
    command("stop", two)
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "java-8", server=LOOPS)))
    log = two.pair.homes[0] / "repository/logs/wso2carbon.log"
    log.unlink()
    log.mkdir()
    done = command("start", two, "--json", "--node", "node1", "--timeout", "0.5", code=3)
    [found] = [one for one in done.json["findings"] if one["status"] == "error"]
    assert (found["id"], found["message"]) == ("verify.log", "cannot read the log: is a folder")


def test_a_server_that_was_running_and_ends_is_not_waited_for(launched: Launched) -> None:
    two = launched(fault="never")
    command("start", two, "--node", "node1", "--no-wait")
    ended = False

    def progress(nodes: Sequence[servers.NodeState]) -> None:
        nonlocal ended
        if nodes[1].text == "launched" and not ended:
            two.end(0)
            ended = True

    done = running(two, progress=progress)
    assert (done.outcome, [node.state for node in done.nodes]) == ("failed", ["failed", "starting"])
    [found] = [one for one in done.findings if one.id == "server.start"]
    assert (found.node, found.message) == ("node1", "the server has ended")


def test_errors_of_a_pair_that_is_up_end_the_waiting_when_they_last(two: StandInPair) -> None:
    two.install(0, partner=two.settings[0].partner._replace(event_sync=1))
    done = running(two, settling=0.5)
    assert (done.outcome, done.exit_code) == ("unhealthy", 3)
    assert any(one.id == "verify.event-sync" and one.status == "error" for one in done.findings)
    refused("restart", two, "--timeout", "3")
    assert None not in pids(two)


def test_a_port_that_is_taken_is_found_before_anything_is_launched(two: StandInPair) -> None:
    with socket.create_server(("127.0.0.1", two.settings[1].own.hazelcast)):
        done = command("start", two, code=3, outcome="refused")
    [(status, message, _)] = sentences(done, "ports.free")
    assert status == "error"
    assert str(two.settings[1].own.hazelcast) in message and str(os.getpid()) in message
    assert pids(two) == [None, None]


@pytest.mark.parametrize(
    "arguments", [("{home}",), ("{home}/bin/wso2server.sh",), ("-Dcarbon.home={home}-2",)]
)
def test_a_stale_pid_of_another_process_is_named_and_never_signalled(
    launched: Launched, arguments: tuple[str, ...]
) -> None:
    two = launched(fault="never", of=0)
    home = two.pair.homes[0]
    words = [word.format(home=home) for word in arguments]
    with waiting("print(flush=True); sys.stdin.read()", *words) as other:
        (home / "wso2carbon.pid").write_text(f"{other.pid}\n")
        stopped = command("stop", two, "--kill", outcome="stopped")
        started = command("start", two, "--json", "--node", "node1", "--no-wait")
        for done in (stopped, started):
            [(status, message, _)] = sentences(done, "server.pid")
            assert (status, str(other.pid) in message) == ("warning", True)
        assert server_of(home) not in (None, other.pid)
        assert not send(other.pid, home, signal.SIGTERM), "it may have become another one since it was found"
        command("stop", two, "--node", "node1")
        assert other.poll() is None
        other.communicate()
        assert other.returncode == 0


def test_the_number_of_a_thread_of_the_server_is_not_the_server(tmp_path: Path) -> None:
    """As after a boot, which gives out the numbers of the boot before."""
    threads = "import threading; threading.Thread(target=sys.stdin.read).start(); print(flush=True)"
    with waiting(threads, f"-Dcarbon.home={tmp_path}") as server:
        [thread] = {int(one) for one in os.listdir(f"/proc/{server.pid}/task")} - {server.pid}
        (tmp_path / "wso2carbon.pid").write_text(str(thread))
        assert server_of(tmp_path) == server.pid
        server.communicate()


@pytest.mark.parametrize("lacking", ["the kernel", "Python"])
def test_a_server_is_signalled_without_a_descriptor_of_its_process(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux before 5.3; a Python that was built on one."""

    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    with subprocess.Popen(["sh", "-c", "read line", "sh", f"-Dcarbon.home={tmp_path}"], stdin=-1) as server:
        wait_until(lambda: server_of(tmp_path) == server.pid)
        if lacking == "Python":
            monkeypatch.delattr(os, "pidfd_open")
        else:
            monkeypatch.setattr(os, "pidfd_open", refuse)
        assert not send(os.getpid(), tmp_path, signal.SIGKILL)
        assert send(server.pid, tmp_path, signal.SIGTERM)
        assert server.wait() == -signal.SIGTERM
        assert not send(server.pid, tmp_path, signal.SIGTERM)


class TestJava:
    @pytest.mark.parametrize("verb", ["start", "restart"])
    def test_a_java_of_the_profile_runs_only_with_agreement_and_where_it_fits(
        self, verb: str, two: StandInPair, tmp_path: Path
    ) -> None:
        with two.pair.profile.open("a", encoding="utf-8") as profile:  # at its end: of the second node
            profile.write(f'java_home = "{make_java(tmp_path / "java-11", "11.0.2")}"\n')
        error = refused(verb, two)
        assert "java_home of node2 is run only for a profile that you have agreed to" in error
        assert f"apimha-wizard profile allow {two.pair.profile}" in error
        done = command(verb, two, "--json", "--allow-commands", code=3)
        assert [one[0] for one in sentences(done, "prerequisites.java")] == ["error"]
        assert pids(two) == [None, None]

    def test_without_any_nothing_is_launched_and_what_the_launcher_says_of_one_is_shown(
        self, two: StandInPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("JAVA_HOME")
        assert "neither java_home of node1 nor JAVA_HOME is set" in refused("start", two)
        assert pids(two) == [None, None]
        done = run("service", two.pair.profile, "--node", "node1")
        assert (done.code, done.out) == (3, "")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        done = command("start", two, code=1, outcome="failed")
        assert "Error: JAVA_HOME is not defined correctly." in (sentences(done, "server.start")[0][2] or "")
        monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "java-11", "11.0.2")))
        done = command("start", two, outcome="healthy")
        assert sentences(done, "server.java")[0][2] == "[ERROR] CARBON is supported only on JDK 1.7 and 1.8"
        assert [one[0] for one in sentences(done, "prerequisites.java")] == ["warning"] * 2

    def test_no_node_is_stopped_for_a_launcher_that_would_refuse(
        self, two: StandInPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command("start", two)
        before = pids(two)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java/bin"))
        for options in ((), ("--node", "node2")):
            assert f"there is no {tmp_path}/java/bin/bin/java" in refused("restart", two, *options)
            command("start", two, *options, outcome="healthy")
        assert pids(two) == before


def test_each_node_alone_by_its_own_log(two: StandInPair, tmp_path: Path) -> None:
    """As on two machines: the other home is not seen."""
    one, other = ("--node", "node1"), ("--node", "node2")
    for _ in range(100):  # a busy machine is still starting it
        (node,) = command("start", two, *one, "--timeout", "0.5", code=4, outcome="waiting").json["nodes"]
        if node["state"] == "waiting":
            break
    assert (node["name"], node["state"]) == ("node1", "waiting")
    done = command("start", two, *other, outcome="healthy")
    assert {one["status"] for one in done.json["findings"] if one["node"] == "node1"} == {"skipped"}
    command("start", two, *one, outcome="healthy")
    log = two.pair.homes[1] / "repository/logs/wso2carbon.log"
    done = command("start", two, *one, "--log", f"node2={log}", outcome="healthy")
    assert {one["status"] for one in done.json["findings"] if one["node"] == "node2"} >= {"ok"}
    cut = tmp_path / "node2.log"
    cut.write_text("".join(log.read_text().splitlines(keepends=True)[:8]))
    done = command("start", two, *one, "--log", f"node2={cut}", "--timeout", "0", code=4)
    assert "node2" in done.out

    for limit, codes in (("600", {0}), ("0", {0, 4})):
        before = pids(two)
        done = run("restart", two.pair.profile, *one, "--timeout", limit)
        assert done.code in codes, done.out
        assert [now == then for now, then in zip(pids(two), before, strict=True)] == [False, True]
        assert None not in pids(two)


def test_a_server_that_does_not_end_is_killed_only_when_asked(launched: Launched) -> None:
    two = launched(fault="stays", of=0)
    command("start", two)
    done = command("stop", two, "--timeout", "1", code=1, outcome="failed")
    assert [node["state"] for node in done.json["nodes"]] == ["running", "stopped"]
    assert "--kill" in done.json["findings"][0]["fix"]
    command("stop", two, "--timeout", "0.1", "--kill", outcome="stopped")
    assert pids(two) == [None, None]


def test_a_server_that_the_launcher_starts_again_is_stopped_too(
    two: StandInPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was about to restart, as the console had asked."""
    java = "trap 'kill $!; [ -e once ] && exit 143; touch once; exit 121' TERM; sleep 60 & wait"
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "java-121", server=java)))
    command("start", two, "--node", "node1", "--no-wait")
    command("stop", two, "--node", "node1", "--timeout", "20", outcome="stopped")
    assert (two.pair.homes[0] / "once").exists()
    assert pids(two) == [None, None]


def test_two_servers_of_one_home_are_both_stopped(two: StandInPair) -> None:
    words = ["sh", "-c", "read line", "sh", f"-Dcarbon.home={two.pair.homes[0]}"]
    others = [subprocess.Popen(words, stdin=subprocess.PIPE) for _ in range(2)]
    wait_until(lambda: server_of(two.pair.homes[0]) is not None)
    command("stop", two, "--node", "node1", "--timeout", "20")
    assert [other.wait() for other in others] == [-signal.SIGTERM] * 2


def test_a_home_that_has_a_server_by_now_gets_no_second_one(launched: Launched) -> None:
    """Here the two homes are one, by a link."""
    two = launched(fault="never", of=0)
    first, second = two.pair.homes
    second.rename(second.with_name("elsewhere"))
    second.symlink_to(first)
    command("start", two, "--no-wait")
    of_home = [pid for pid in os.listdir("/proc") if pid.isdigit() and serves(int(pid), first)]
    assert len(of_home) == 1


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_what_is_refused(two: StandInPair, verb: str) -> None:
    for option, value, message in (
        ("--node", "node3", "no node has this name"),
        *(("--timeout", one, "is not a number of seconds") for one in ("nan", "inf", "1e999", "-1", "-inf")),
        ("--timeout", "soon", "not a valid float"),
    ):
        done = command(verb, two, "--json", option, value, code=2)
        assert done.json == {"outcome": "refused", "nodes": [], "findings": [], "error": done.json["error"]}
        assert message in done.json["error"]
    home = two.pair.homes[1]
    with locked([home]):
        refused(verb, two, code=5)
    (home / ".apimha-wizard-run").write_text("{}")
    if verb != "stop":
        done = command(verb, two, "--json", code=5)
        assert "was interrupted in" in sentences(done, "apply.unfinished")[0][1]
    home.rename(home.with_name("elsewhere"))
    for options in ([], ["--node", "node2"]):
        error = refused(verb, two, *options)
        assert f"apimha-wizard {verb} {two.pair.profile} --node node2" in error
        assert f"\n  fix: run on 127.0.0.1: apimha-wizard {verb} " in error, "on a line of its own"
    command("stop", two, "--node", "node1", outcome="stopped")
    assert pids(two) == [None, None]


def signalled(arguments: Sequence[str], line: str, number: int) -> tuple[int, dict[str, Any]]:
    """Run a command, send it the signal when it prints this line, and return its exit code and object, if any."""
    with started(*arguments, start_new_session=True) as process:
        assert process.stderr is not None
        assert any(shown.startswith(line) for shown in process.stderr), line
        os.killpg(process.pid, number)  # as the terminal does: to the whole foreground group
        out, _ = process.communicate()
    return process.returncode, json.loads(out or "{}")


@pytest.mark.parametrize(("line", "fault"), [("node1: ", ""), ("node1: waiting for node2", "never")])
def test_ctrl_c_leaves_the_servers_running(launched: Launched, line: str, fault: str) -> None:
    two = launched(fault=fault, starting=1.0)
    code, shown = signalled(["start", str(two.pair.profile), "--json"], line, signal.SIGINT)
    assert (code, shown["outcome"]) == (130, "cancelled")
    running = [pid for pid in pids(two) if pid is not None]
    assert running
    assert [node["pid"] for node in shown["nodes"] if node["pid"]] == running


@pytest.mark.parametrize(("verb", "state"), [("stop", "stopping"), ("restart", "stopped")])
def test_ctrl_c_while_a_server_stops_or_before_it_is_started_again(
    launched: Launched, verb: str, state: str
) -> None:
    two = launched(fault="stays" if verb == "stop" else "")
    command("start", two)
    cancel = Cancel()

    def progress(nodes: Sequence[servers.NodeState]) -> None:
        if any(node.state == state for node in nodes):
            cancel.set()

    done = running(two, verb=verb, cancel=cancel, progress=progress)
    assert (done.outcome, done.exit_code) == ("cancelled", 130)
    assert done.error == "cancelled; servers that run keep running"
    assert pids(two).count(None) == (verb == "restart")


def test_on_a_terminal_one_line_lives_and_stopping_both_is_asked_about(two: StandInPair) -> None:
    code, shown = on_a_terminal("", "start", two.pair.profile, TERM="xterm")
    assert code == 0
    assert "\rnode1: waiting for node2 · node2: " in shown
    assert shown.count("\n") == 1, "healthy after …, and nothing else stays"
    code, shown = on_a_terminal("n", "stop", two.pair.profile, TERM="xterm")
    assert (code, "\r\nStop node2 and node1?" in shown) == (130, True)
    assert None not in pids(two)
    code, _ = on_a_terminal("y", "stop", two.pair.profile, TERM="xterm")
    assert (code, pids(two)) == (0, [None, None])


LOOPS = "trap 'exit 143' TERM; while :; do sleep 0.05; done"
"""A server that logs nothing; as a shell script it runs where another user cannot run this Python."""


@contextlib.contextmanager
def user(uid: int) -> Iterator[None]:
    """This process as another user, who has no way back that a child process would inherit."""
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(uid, uid, 0)
    os.setresuid(uid, uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_as_root_for_another_owner_as_that_owner_and_as_a_third(
    two: StandInPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, third = 54321, 54322
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "place")
        home = shutil.copytree(two.pair.homes[0], place / "analytics-1")
        monkeypatch.setenv("JAVA_HOME", str(make_java(place / "java", server=LOOPS)))
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            monkeypatch.setenv(f"XDG_{kind}_HOME", str(place / kind))
        profile = two.pair.profile.read_text().replace(str(two.pair.homes[0]), str(home))
        two.pair = dataclasses.replace(two.pair, profile=place / "pair.toml", homes=[home])
        two.pair.profile.write_text(profile)
        os.chmod(folder, 0o755)
        for path in (home, *home.rglob("*")):
            os.chown(path, owner, owner)
        home.chmod(0o700)
        one = ("--json", "--node", "node1")
        try:
            for as_whom in (0, owner):
                with user(as_whom) if as_whom else contextlib.nullcontext():
                    done = command("start", two, *one, "--no-wait")
                pid = server_of(home)
                assert done.json["nodes"][0]["pid"] == pid
                status = Path(f"/proc/{pid}/status").read_text()
                ids = re.findall(r"^(?:Uid|Gid):\t(.*)$", status, re.MULTILINE)
                assert ids == ["\t".join([str(owner)] * 4)] * 2
                assert re.search(r"^Groups:\t(.*)$", status, re.MULTILINE)[1].split() in ([], [str(owner)])
                assert (home / "repository/logs/wso2server-console.log").stat().st_uid == owner
                for verb in ("start", "stop", "restart"):
                    with user(third):
                        error = refused(verb, two, "--node", "node1")
                    assert f"sudo -u '#{owner}' apimha-wizard {verb}" in error
                assert server_of(home) == pid
                with user(as_whom) if as_whom else contextlib.nullcontext():
                    command("stop", two, *one)
                assert server_of(home) is None
            by_root = subprocess.Popen([str(place / "java/bin/java"), f"-Dcarbon.home={home}"])
            wait_until(lambda: server_of(home) == by_root.pid)
            with user(owner):
                assert "runs as another user" in refused("stop", two, "--node", "node1")
            command("stop", two, *one)
            assert by_root.wait() == 143
        finally:
            two.end()


SYSTEMCTL = r"""
# Knows the units in UNITS: `start` and `stop` work at once, and say nothing.
verb=$1
for unit; do :; done
echo "$*" >>UNITS/asked
file="UNITS/$unit"
pid=$(cat "$file.pid" 2>/dev/null)
case $verb in
show)
  [ -e "$file" ] && echo LoadState=loaded || echo LoadState=not-found
  kill -0 "$pid" 2>/dev/null && echo ActiveState=active || echo ActiveState=inactive
  echo "MainPID=${pid:-0}"
  echo "Environment=$(sed -n 's/^Environment=//p' "$file" 2>/dev/null | tr '\n' ' ')" ;;
start)
  eval "export $(sed -n 's/^Environment=//p' "$file" | tr '\n' ' ')"
  eval "setsid $(sed -n 's/^ExecStart=//p' "$file") >/dev/null 2>&1 &"
  echo $! >"$file.pid" ;;
stop) pkill -TERM -s "$pid" ;;
esac
"""


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the units that a stand-in for systemctl knows."""
    units = tmp_path / "units"
    units.mkdir()
    program = script(tmp_path / "programs/systemctl", SYSTEMCTL.replace("UNITS", str(units)))
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return units


def install(two: StandInPair, units: Path, node: str = "node2") -> None:
    """Install the unit of a node under the name of node2's."""
    text = run("service", two.pair.profile, "--node", node).out
    (units / "apimha-pair-node2.service").write_text(text)


def asked(units: Path) -> list[str]:
    """What systemctl was asked to do, beside what it was asked about."""
    lines = (units / "asked").read_text().splitlines() if (units / "asked").exists() else []
    (units / "asked").write_text("")
    return [line for line in lines if not line.startswith("show ")]


class TestSystemd:
    def test_an_installed_unit_of_this_home_is_used_for_a_server_that_it_started(
        self, two: StandInPair, units: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = ("--node", "node2")
        install(two, units, "node1")  # a unit of another home
        command("start", two, *one, "--no-wait")
        install(two, units)
        command("stop", two, *one)
        assert asked(units) == []
        assert pids(two) == [None, None]
        command("start", two)
        assert asked(units) == ["start --no-block --no-ask-password apimha-pair-node2.service"]
        command("restart", two)
        assert [line.split()[0] for line in asked(units)] == ["stop", "start"]
        command("stop", two)
        assert [line.split()[0] for line in asked(units)] == ["stop"]
        assert pids(two) == [None, None]
        monkeypatch.delenv("JAVA_HOME")  # as after sudo: a unit has its own
        found = command("start", two, "--json", *one, "--no-wait").json["findings"]
        assert [each for each in found if each["id"].startswith("prerequisites.")] == []
        assert len(asked(units)) == 1

    def test_a_launch_with_setup_does_without_it(self, launched: Launched, units: Path) -> None:
        two = launched(fault="never")
        install(two, units)
        setting = servers.Setting(load(two.pair.profile), Resolver(), "node2")
        control = servers.Servers("start", setting, lambda nodes: None, Cancel())
        control.launch(control.nodes[0], setup=True)
        control.close()
        assert asked(units) == []
        assert b"-Dsetup" in Path(f"/proc/{pids(two)[1]}/cmdline").read_bytes().split(b"\0")

    def test_a_launcher_that_fails_at_once_and_a_systemctl_that_refuses_are_not_waited_for(
        self, two: StandInPair, units: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """systemd waits before it starts the launcher again, and calls the unit activating meanwhile."""
        install(two, units)
        program = units.with_name("programs") / "systemctl"
        usual = program.read_text()
        failing = usual.replace("start)\n", "start) exit 0\n")
        again = "echo ActiveState=activating; echo SubState=auto-restart"
        program.write_text(failing.replace("echo ActiveState=inactive", again))
        monkeypatch.setattr(servers, "APPEARING", 3600.0)
        monkeypatch.setattr(servers, "CANCELLED", 0.1)
        done = command("start", two, "--node", "node2", code=1, outcome="failed")
        [(status, message, _)] = sentences(done, "server.start")
        assert (status, message.startswith("the server has ended")) == ("error", True)
        program.write_text(usual.replace("start)\n", "start) echo not allowed >&2; exit 4\n"))
        done = command("start", two, "--node", "node2", code=1, outcome="failed")
        assert "not allowed" in done.json["error"]

    def test_the_unit_is_one_that_systemd_takes(self, two: StandInPair, tmp_path: Path) -> None:
        """With whatever is in a path."""
        odd = two.pair.homes[0].rename(tmp_path / 'a %h "$x" \\ b')
        profile = two.pair.profile.read_text()
        two.pair.profile.write_text(profile.replace(f'"{two.pair.homes[0]}"', f"'{odd}'"))
        text = run("service", two.pair.profile, "--node", "node1").out
        assert "User=root\n" in text
        if shutil.which("systemd-analyze") is None:
            pytest.skip("systemd-analyze is not here")
        unit = tmp_path / "apimha-pair-node1.service"
        unit.write_text(text)
        words = ["systemd-analyze", "verify", str(unit)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert "apimha-pair" not in done.stderr

    @pytest.mark.parametrize("name", ["a b", "$a`b", 'it\'s "a" \\ b', "%h"])
    def test_a_unit_is_recognised_whatever_is_in_the_path(
        self, name: str, tmp_path: Path, units: Path
    ) -> None:
        home = tmp_path / name
        home.mkdir()
        shown = re.sub(r'(["\\`$])', r"\\\1", f"CARBON_HOME={home}")  # as `systemctl show` does
        (units.with_name("programs") / "systemctl").write_text(
            f"#!/bin/sh\ncat <<'END'\nLoadState=loaded\nActiveState=active\nMainPID=7\n"
            f'Environment=LANG=C "{shown}" X=y\nEND\n'
        )
        assert systemd.installed("pair", "node1", home) == ("apimha-pair-node1.service", "active", "", 7)
        assert systemd.installed("pair", "node1", tmp_path) is None

    def test_a_line_end_in_a_name_begins_no_line_of_a_unit(
        self, two: StandInPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        odd = tmp_path / "a\nExecStartPre=b.toml"
        odd.write_text(two.pair.profile.read_text())
        monkeypatch.setenv("JAVA_HOME", "/x\nUser=other")
        lines = run("service", odd, "--node", "node1").out.splitlines()
        assert not [line for line in lines if line.startswith(("ExecStartPre", "User=other"))]
        assert r'Environment="JAVA_HOME=/x\nUser=other"' in lines
        assert r"systemctl enable 'apimha-a\x0aExecStartPre\x3db-node1.service'" in lines[0]


class TestSetup:
    @pytest.fixture
    def two(
        self,
        launched: Launched,
        mariadb: Server,
        packs: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Iterator[StandInPair]:
        """A pair whose servers make the tables: replayed, with databases that are empty."""
        with playground(mariadb, packs / "apim-analytics-2.0.0", tmp_path) as ground:
            more = {"provisioning": "server", "url_parameters": {"useSSL": "false"}}
            monkeypatch.setenv("MYSQL_ROOT_PASSWORD", mariadb.root_password)
            two = launched(overrides={"mysql": ground.table("MYSQL_ROOT_PASSWORD", **more)})
            ignored = ("mysql.driver", "prerequisites.java")
            command("replay", two, *(w for i in ignored for w in ("--ignore", i)), outcome="applied")
            for number in range(2):
                two.install(number)
            assert mariadb.tables(ground.user) == []
            self.ground = ground
            yield two

    def test_the_first_node_makes_the_tables_before_the_other_is_launched(
        self, two: StandInPair, mariadb: Server
    ) -> None:
        for node in ("node1", "node2"):
            command("stop", two, "--node", node, outcome="stopped")
        assert "start node1 first" in refused("start", two, "--node", "node2")
        done = command("start", two, outcome="healthy")
        order = r"node1: (in the cluster|waiting for node2)\n.*node2: launched\n"
        assert re.search(order, done.err, re.DOTALL)
        assert len(mariadb.tables(self.ground.user)) == 39
        arguments = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in pids(two)]
        assert [b"-Dsetup" in words for words in arguments] == [True, False]
        command("restart", two)
        assert not any(b"-Dsetup" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids(two))

    def test_without_waiting_a_node_that_was_not_launched_is_no_success_and_databases_that_cannot_be_seen_are_refused(
        self, two: StandInPair, mariadb: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        two.install(0, fault="never")
        done = command("start", two, "--json", "--no-wait", "--timeout", "1", code=4)
        assert [node["state"] for node in done.json["nodes"]] == ["starting", "stopped"]
        refused("start", two, "--node", "node2")
        assert mariadb.tables(self.ground.user) == []
        command("stop", two)
        mariadb.drop(self.ground.registry)
        assert self.ground.registry in refused("start", two)
        monkeypatch.setenv("APIM_DB_PASSWORD", "wrong")
        refused("start", two)
        assert pids(two) == [None, None]
