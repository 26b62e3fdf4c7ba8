"""Where the output goes, and what becomes of a command whose output cannot go there; what is shown of foreign texts."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import pairs
from tests.support.cli import Ran, process, run, started
from tests.support.hands import do, profiled
from tests.support.headless import standing
from tests.support.pairs import Pair
from tests.support.server_logs import QUERIES

LOST = "the output is lost"

RESULTS = (
    "checks", "checks --json", "history --json", "profile list", "profile new", "profile schema", "--help",
    "sql PROFILE", "profile show PROFILE", "check --offline PROFILE", "check --offline PROFILE --json",
    "verify --offline PROFILE", "verify --offline PROFILE --json", "verify --offline PROFILE --json --watch",
    "clean PROFILE --dry-run", "replay --offline PROFILE --dry-run", "replay --offline PROFILE --dry-run --json",
)  # fmt: skip
"""Commands whose output is what they are for."""
REFUSED = (
    "check --json", "check --json --nonsense", "replay --json a b c", "history --json --prune x", "nonsense --json",
    "verify --json no-such-profile", "verify --json --offline PROFILE --report /dev/stdout",
    "verify --json --offline PROFILE --report /", "check --json --offline --ignore x PROFILE",
    "rollback --json no-such-run",
)  # fmt: skip


@pytest.fixture(scope="module")
def common(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A pair that no test changes."""
    folder = tmp_path_factory.mktemp("common")
    return pairs.make_pair(packs / "das-3.0.1", folder, mysql={"server_version": "5.6", "port": 1})


def ended(pair: Pair, command: str, streams: str = "") -> Ran:
    """How a command ends with these streams; `|` is a pipe without a reader."""
    arguments = [str(pair.profile) if one == "PROFILE" else one for one in command.split()]
    if streams != "|":
        return process(*arguments, env=pair.env, streams=streams)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return process(*arguments, env=pair.env, out=writing)
    finally:
        os.close(writing)


def small_pipe() -> tuple[int, int]:
    """The two ends of a pipe that takes no more than 4096 bytes at a time."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    return reading, writing


def with_log(home: Path, line: str) -> Path:
    """The log of a home, which holds the start of the server and this line."""
    log = home / "repository/logs/wso2carbon.log"
    log.parent.mkdir(exist_ok=True)
    head = f"TID: [-1] [] [2026-01-27 10:00:00,000] {{}} {{{{{QUERIES}}}}} -  "
    log.write_text(f"{head.format(' INFO')}Starting WSO2 Carbon...\n{head.format('ERROR')}{line}\n")
    return log


class TestStreams:
    @pytest.mark.parametrize("command", RESULTS)
    def test_a_result_that_cannot_be_written_is_exit_1(self, common: Pair, command: str) -> None:
        for streams in (">/dev/full", ">&-", "|"):
            ran = ended(common, command, streams)
            assert ran.code == 1, streams
            assert ran.err.count(LOST) == 1, streams
            assert "Traceback" not in ran.err
            assert "Exception ignored" not in ran.err

    @pytest.mark.parametrize("as_json", ["", " --json"])
    @pytest.mark.parametrize("streams", [">/dev/full", ">&-", "|", ">&- <&-", ">&- 2>&- <&-"])
    def test_a_change_keeps_its_exit_code(
        self, make_pair: Callable[..., Pair], streams: str, as_json: str
    ) -> None:
        pair = make_pair("das-3.0.1")
        before = standing(*pair.homes)
        for command in (f"replay --offline PROFILE{as_json}", "clean PROFILE", f"rollback PROFILE{as_json}"):
            ran = ended(pair, command, streams)
            assert ran.code == 0, command
            assert (LOST in ran.err) == ("2>&-" not in streams), command
            assert (standing(*pair.homes) == before) == command.startswith("rollback")
        assert ended(pair, f"history --prune 0{as_json}", streams).code == 0
        for command in (f"check{as_json} --no-such-option", f"rollback no-such-run{as_json}"):
            assert ended(pair, command, streams).code == 2, "a refusal keeps it too"

    @pytest.mark.parametrize("streams", ["2>/dev/full", "2>&- <&-"])
    def test_the_other_streams_do_not_matter(self, common: Pair, streams: str) -> None:
        verify = "verify --offline PROFILE"
        replay = "replay --offline PROFILE --dry-run"
        for command in (
            "check --offline PROFILE --json",
            verify,
            f"{verify} --log node1=-",
            "sql PROFILE",
            replay,
        ):
            usual = ended(common, command)
            ran = ended(common, command, streams)
            assert ran.code == usual.code
            assert LOST not in ran.err
            if command != "sql PROFILE":  # each has a random password
                assert ran.out == usual.out

    @pytest.mark.parametrize("streams", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
    def test_no_file_becomes_the_standard_output(self, tmp_path: Path, streams: str) -> None:
        """The first file that is opened gets the lowest descriptor that is free."""
        left = tmp_path / "left"
        code = (
            "import os, sys; from wizard.command_line.streams import open_standard_streams as f; f();"
            "file = open(sys.argv[1], 'w'); print('out'); print('err', file=sys.stderr); os.system('echo child');"
            "sys.stdout.flush(); file.write(str(file.fileno()))"
        )
        assert process(str(left), code=code, streams=streams).code == 0
        assert int(left.read_text()) > 2

    def test_a_pipe_that_does_not_block_gets_everything(self, common: Pair) -> None:
        command = ["replay", "--offline", str(common.profile), "--dry-run"]
        usual = process(*command, env=common.env)
        reading, writing = small_pipe()
        os.set_blocking(writing, False)
        found: list[bytes] = []
        with os.fdopen(reading, "rb") as pipe:
            reader = threading.Thread(target=lambda: found.append(pipe.read()))
            reader.start()
            try:
                ran = process(*command, env=common.env, out=writing)
            finally:
                os.close(writing)
            reader.join()
        assert (ran.code, ran.err) == (4, "")
        assert len(usual.out) > 3 * 4096
        assert found[0].decode() == usual.out

    def test_watching_ends_without_a_reader(self, common: Pair) -> None:
        child = started("verify", common.profile, "--offline", "--watch", "--json", env=common.env)
        assert child.stdout is not None and child.stderr is not None
        assert json.loads(child.stdout.readline())["outcome"] == "waiting"
        child.stdout.close()
        log = with_log(common.homes[0], "")
        try:
            assert child.wait(60) == 1
        finally:
            log.unlink()
        assert LOST in child.stderr.read()


class TestJson:
    @pytest.mark.parametrize("command", REFUSED)
    def test_a_refusal_is_one_object(self, common: Pair, command: str) -> None:
        ran = ended(common, command)
        assert (ran.code, ran.json["outcome"]) == (2, "refused")
        assert ran.json["error"] and ran.err
        keys = {"version", "run", "files", "checks", "databases"}
        keys = {"findings"} if command.startswith("verify") else keys
        assert set(ran.json) == {"outcome", "error", *keys}

    @pytest.mark.parametrize("command", ["check", "rollback", "history"])
    def test_a_fault_of_this_program_is_one_object(
        self, common: Pair, command: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError("\x1b[2J")

        monkeypatch.setattr("wizard.command_line.run.replay.check", fail)
        monkeypatch.setattr("wizard.command_line.run.rollback.rollback", fail)
        monkeypatch.setattr("wizard.command_line.run.rollback.history", fail)
        ran = run(command, str(common.profile), "--json", "--debug")
        assert (ran.code, ran.json["outcome"]) == (1, "failed")
        assert "ZeroDivisionError: \\x1b[2J" in ran.err

    @pytest.mark.parametrize("command", [["profile", "schema"], ["checks", "--json"]])
    def test_ctrl_c_while_the_object_waits_for_its_reader_adds_none(
        self, common: Pair, command: list[str]
    ) -> None:
        reading, writing = small_pipe()
        child = started(*command, stdout=writing, env=common.env)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            found = os.read(reading, 1)  # it has begun to write, and the rest does not fit
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=60)
            found += pipe.read()
        assert child.returncode == 130
        assert "Traceback" not in err
        assert found.count(b"\n") <= 1

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_after_the_object_changes_no_exit_code(
        self, common: Pair, number: signal.Signals
    ) -> None:
        with started("stop", common.profile, "--json", env=common.env) as child:
            assert child.stdout is not None
            data = json.loads(child.stdout.readline())
            time.sleep(0.01)  # the interpreter is ending now, which takes longer
            child.send_signal(number)
        assert (data["outcome"], child.returncode) == ("stopped", 0)


def obeyed(text: str) -> set[str]:
    """The characters of a text that a terminal obeys or hides."""
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\t\n"}


EVIL = "a\x1b[2J\rb\x9bc\u202ed\u200be\u2028f\x07g\ufeffh"


class TestForeignTexts:
    def test_no_line_holds_what_a_terminal_obeys(
        self, make_pair: Callable[..., Pair], tmp_path: Path
    ) -> None:
        pair = make_pair()
        home = pair.homes[0]
        axis2 = home / "repository/conf/axis2/axis2.xml"
        text = axis2.read_text().replace("wso2.carbon.domain", "wso2.\u202e\u200b\x85domain")
        axis2.write_text(text.replace("<!--", "<!--\x9b2J\u2066", 1))
        jar = tmp_path / f"{EVIL}.jar"
        do(pair, profiled(mysql={"driver_jar": "no-such.jar"}))
        with_log(home, f"{EVIL} password geheim")
        profile = str(pair.profile)
        homes = ("from-homes", *map(str, pair.homes), "--name", str(tmp_path / "back.toml"))
        for command in (
            ["replay", "--offline", profile, "--dry-run", "--ignore", "prerequisites.driver-jar"],
            ["check", "--offline", profile, "--node", EVIL],
            *(["check", word] for word in (EVIL, f"--{EVIL}")),
            ["rollback", EVIL],
            ["verify", "--offline", profile],
            ["verify", "--offline", profile, "--log", f"node1={jar}"],
            *(["profile", *more] for more in (homes, ("validate", str(jar)))),
            [EVIL],
        ):
            for more in ([], ["--json"]):
                ran = run(*command, *more)
                assert not obeyed(ran.out + ran.err), command
                assert "geheim" not in ran.out + ran.err
                if more and "from-homes" not in command:
                    assert ran.json

    def test_a_foreign_line_end_starts_no_line_of_output(self) -> None:
        ran = run("check", "x\nDone: run 1.\nerror: none")
        assert len(ran.err.splitlines()) == 2
        ran = run("check", "--x\nDone: run 1.")
        assert "Done: run 1." not in ran.err.splitlines()

    @pytest.mark.parametrize("command", ["check", "resume"])
    def test_a_name_that_is_not_text_and_one_that_is_too_long(self, command: str) -> None:
        for name, shown in ((b"./\xff\x1b.toml", "\\udcff\\x1b.toml"), (b"x" * 300 + b".toml", "x" * 300)):
            ran = process(command, os.fsdecode(name))
            assert ran.code == 2
            assert shown in ran.err and "fix: " in ran.err


class TestReport:
    """`--report`: a file is replaced, also behind a link; anything else is written to, or refused."""

    def report(self, pair: Pair, path: Path | str, *more: str, streams: str = "") -> Ran:
        command = ["verify", "--offline", str(pair.profile), "--report", str(path), *more]
        return process(*command, env=pair.env, streams=streams)

    @pytest.mark.parametrize("exists", [True, False], ids=["", "dangling"])
    def test_a_link_stays_and_its_target_is_replaced(
        self, common: Pair, tmp_path: Path, exists: bool
    ) -> None:
        target, link = tmp_path / "folder/target.md", tmp_path / "link.md"
        target.parent.mkdir()
        if exists:
            target.touch(0o600)
        link.symlink_to("folder/target.md")
        assert self.report(common, link).code == 4
        assert os.readlink(link) == "folder/target.md"
        assert target.read_text().startswith("# Verify")
        assert not exists or stat.S_IMODE(target.stat().st_mode) == 0o600
        assert [one.name for one in target.parent.iterdir()] == ["target.md"]

    def test_a_pipe_gets_it_and_stays(self, common: Pair, tmp_path: Path) -> None:
        pipe, link = tmp_path / "pipe", tmp_path / "link"
        os.mkfifo(pipe)
        link.symlink_to(pipe)
        for path in (pipe, link):
            reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            assert self.report(common, path).code == 4
            os.set_blocking(reading, True)
            with os.fdopen(reading) as reader:
                assert reader.read().startswith("# Verify")
            assert pipe.is_fifo()
        ran = self.report(common, pipe)
        assert (ran.code, "the pipe has no reader" in ran.err) == (2, True)

    @pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1"])
    def test_the_standard_output_gets_it_in_its_place(self, common: Pair, tmp_path: Path, path: str) -> None:
        file = tmp_path / "out"
        for streams in ("", f">{file}", f">>{file}"):
            ran = self.report(common, path, streams=streams)
            out = file.read_text() if streams else ran.out
            assert (ran.code, ran.err) == (4, "")
            assert out.count("# Verify") == (2 if ">>" in streams else 1)
            assert out.endswith(f"report: {path}\n")
            assert out.index("WAITING: ") < out.index("# Verify")

    def test_a_device_stays_and_what_cannot_be_a_report_is_refused(
        self, common: Pair, tmp_path: Path
    ) -> None:
        device = tmp_path / "full"
        try:
            os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
            device.open("wb").close()
        except PermissionError:
            device.unlink(missing_ok=True)
            device.symlink_to("/dev/full")
        (tmp_path / "loop").symlink_to("loop")
        (tmp_path / "folder").symlink_to(tmp_path)
        (tmp_path / "nowhere").symlink_to("missing/report.md")
        for name in ("full", ".", "folder", "loop", "nowhere", "missing/report.md"):
            ran = self.report(common, tmp_path / name, "--json")
            assert (ran.code, ran.json["outcome"]) == (2, "refused"), name
            assert f"error: {tmp_path / name}: cannot write the report: " in ran.err
            assert ("No space left on device" in ran.err) == (name == "full")
        assert device.is_char_device()

    @pytest.mark.parametrize(
        "text",
        [pairs.PASSWORD, "password geheim", "-pgeheim", "<password>geheim</password>",
            f"{EVIL} jdbc:mysql://u:geheim@h/d"],
    )  # fmt: skip
    def test_it_shows_no_password_and_nothing_that_a_terminal_obeys(
        self, make_pair: Callable[..., Pair], tmp_path: Path, text: str
    ) -> None:
        """Neither in what is quoted nor in the time line, which has what is fatal."""
        pair = make_pair("das-3.0.1")
        for home, level in zip(pair.homes, ("ERROR", "FATAL"), strict=True):
            log = with_log(home, f"mysql login with {text}")
            log.write_text(log.read_text().replace("ERROR", level))
        report = tmp_path / "report.md"
        ran = self.report(pair, report)
        written = report.read_text()
        assert written.count("login with") >= 4
        for shown in (written, ran.out, ran.err):
            assert "geheim" not in shown
            assert pairs.PASSWORD not in shown
            assert not obeyed(shown)
