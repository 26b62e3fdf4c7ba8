"""Logs: their forms, their files, and reading one while it is written."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzz import no_hang
from tests.support.server_logs import CARBON, HA, QUERIES, Form, ServerLog
from wizard.verify.log import FileLog, PipeLog, open_log
from wizard.verify.record import Record, parse, printable
from wizard.verify.scan import Scanner
from wizard.verify.story import Story

START = "Starting WSO2 Carbon..."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wso2carbon.log"


def start(number: int = 1, *, form: Form = "file") -> bytes:
    """A start whose lines are told from those of other starts by their number."""
    log = ServerLog(form)
    log.say(CARBON, START)
    log.say(HA, f"CEP HA of start {number}")
    return log.content


def noise(size: int) -> bytes:
    log = ServerLog()
    log.say(QUERIES, "Executing query: INSERT INTO TABLE x SELECT 1")
    line = log.content
    return line * (size // len(line) + 1)


def messages(records: Iterator[Record]) -> list[str]:
    return [record.message for record in records]


def read_all(path: Path, **options: int) -> list[str]:
    log = FileLog(path, **options)
    try:
        return messages(iter([*log.read(), *log.finish()]))
    finally:
        log.close()


# --- lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "console", "short"])
def test_every_form_of_a_line_gives_the_same_record(form: Form) -> None:
    log = ServerLog(form)
    record = parse(log.say(HA, "Became CEP HA Active Member").encode())
    assert record is not None
    assert (record.message, record.level) == ("Became CEP HA Active Member", "INFO")
    assert record.source.endswith("HAManager")
    assert record.time == log.clock


@pytest.mark.parametrize(
    "line",
    [
        "TID: [0] [BAM] [2016-02-03 16:38:11,247] INFO {org.wso2.carbon.x.Y} - hello {org.wso2.carbon.x.Y}",
        "TID: [-1234] [] [2016-02-03 16:38:11,247]  INFO {org.wso2.carbon.x.Y} -  hello {org.wso2.carbon.x.Y}  ",
        "   [2016-02-03 16:38:11,247]  INFO {org.wso2.carbon.x.Y} -  hello",
        "[2016-02-03 16:38:11,247]  INFO - Y hello\r",
    ],
)
def test_variants_that_servers_print(line: str) -> None:
    record = parse(line.encode())
    assert record is not None
    assert record.message == "hello"


@pytest.mark.parametrize(
    "prefix",
    [
        "Tue 2026-01-27 10:56:03 UTC host-1 wso2[471]: ",
        "Tue 2026-01-27 10:56:03 CET host-1 wso2-analytics.service[471]: ",
        "node1_1  | ",
        "analytics-1  | ",
        "node1_1  | 2026-01-28T14:00:01.037123456Z ",
        "2026-01-28T14:00:01.037123456Z ",
        "2026-01-28T14:00:01.037123456+01:00 stdout F ",
        "[pod/analytics-0/analytics] ",
        "[pod/analytics-0/analytics] 2026-01-28T14:00:01.037Z ",
        "Jan 28 14:00:01 host-1 wso2server.sh[4711]: ",
        "2026-01-28T14:00:01+0100 host-1 wso2server.sh[4711]: ",
        "<134>1 2026-01-28T14:00:01Z ",
        "\x1b[36mnode1_1  |\x1b[0m ",
        "\x1b[36mnode1_1  |\x1b[0m \x1b[32m",
    ],
)
@pytest.mark.parametrize("form", ["file", "console", "short", "ei"])
def test_a_prefix_is_read_past(prefix: str, form: Form, path: Path) -> None:
    log = ServerLog(form)
    log.say(CARBON, START)
    log.say(QUERIES, "it failed", "ERROR", trace=("x.Problem: no", "\tat x.Y", "Caused by: y.Reason: why"))
    log.say(HA, "Became CEP HA Active Member")
    path.write_text("".join(f"{prefix}{line}\n" for line in log.lines))
    file = FileLog(path)
    records = [*file.read(), *file.finish()]
    assert [record.message for record in records] == [START, "it failed", "Became CEP HA Active Member"]
    assert records[0].time is not None
    assert records[1].trace == ("x.Problem: no", "Caused by: y.Reason: why")
    assert file.latest is not None
    assert file.latest.message == "Became CEP HA Active Member"


@pytest.mark.parametrize(
    "line",
    [
        "Caused by: x.Y: [2026-01-28 14:00:01,037]  INFO {a.B} -  Starting WSO2 Carbon...",
        "\tat [2026-01-28 14:00:01,037]  INFO {a.B} -  Starting WSO2 Carbon...",
        "somebody wrote: [2026-01-28 14:00:01,037]  INFO {a.B} -  Starting WSO2 Carbon...",
    ],
)
def test_a_record_that_is_only_quoted_is_none(line: str) -> None:
    assert parse(line.encode()) is None


def test_what_the_launcher_says_belongs_to_the_start_behind_it(path: Path) -> None:
    path.write_bytes(start(1) + b" [ERROR] CARBON is supported only on JDK 1.7 and 1.8\n" + start(2))
    file = FileLog(path)
    records = list(file.read())
    assert [record.message for record in records] == [
        "CARBON is supported only on JDK 1.7 and 1.8",
        START,
        "CEP HA of start 2",
    ]
    story = Story()
    story.read(records)
    assert [one.failure.id for one in story.facts.troubles.values() if one.failure] == ["java-version"]
    path.write_bytes(b" [ERROR] CARBON is supported only on JDK 1.7 and 1.8\n" + start(1) + start(2))
    assert read_all(path) == [START, "CEP HA of start 2"]


def test_what_the_jvm_itself_prints_is_an_error(path: Path) -> None:
    path.write_bytes(start(1) + b'Exception in thread "pool-1" java.lang.OutOfMemoryError: Java heap space\n')
    story = Story()
    file = FileLog(path)
    story.read([*file.read(), *file.finish()])
    assert [one.failure.id for one in story.facts.troubles.values() if one.failure] == ["heap"]


def test_errors_of_one_kind_are_counted_and_parted_by_minutes(path: Path) -> None:
    log = ServerLog()
    log.say(CARBON, START)
    for number in range(150):
        log.say(QUERIES, f"it failed {number} times", "ERROR")
    path.write_bytes(log.content)
    records = list(FileLog(path).read())[1:]
    assert sum(record.times for record in records) == 150
    assert 6 <= len(records) <= 20
    assert records[-1].message == "it failed 149 times"


def test_the_page_quotes_an_error_without_its_time() -> None:
    record = parse(b"ERROR {org.wso2.carbon.x.HAManager} -  CEP HA State syncing failed, x")
    assert record is not None
    assert (record.message, record.time) == ("CEP HA State syncing failed, x", None)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\tat org.x.Y.z(Y.java:1)",
        b"Caused by: x",
        b"\x00\xff\xfe",
        b"[no time] INFO {x} - y",
        b"ERROR x",
    ],
)
def test_other_lines_are_no_records(line: bytes) -> None:
    assert parse(line) is None


def test_a_line_for_people_hides_passwords_and_control_characters() -> None:
    line = b"[2016-02-03 16:38:11,247] ERROR {x} -  jdbc:mysql://h/d?user=a&password=s3cret&x=1 \x1b[31mred\x1b[0m"
    shown = printable(line)
    assert "s3cret" not in shown
    assert "\x1b" not in shown
    assert "user=a" in shown
    assert "s3cret" not in printable(b'"password": "s3cret"')
    assert "s3cret" not in printable(b"https://svn:s3cret@host/repo")
    assert "(using password: YES)" in printable(b"Access denied for user 'a'@'h' (using password: YES)")


def test_broken_utf_8_is_replaced() -> None:
    record = parse(b"[2016-02-03 16:38:11,247] ERROR {x} -  Grober \xdcbeltat")
    assert record is not None
    assert record.message == "Grober �beltat"


# --- the newest start ----------------------------------------------------------------------------


def test_only_the_newest_start_is_read(path: Path) -> None:
    path.write_bytes(start(1) + start(2) + start(3))
    assert read_all(path) == [START, "CEP HA of start 3"]


def test_a_start_that_is_only_quoted_is_none(path: Path) -> None:
    log = ServerLog()
    log.say(QUERIES, f"somebody wrote: {START}", "ERROR", trace=(f"\tat {START}", f"Caused by: {START}"))
    log.raw(START)
    path.write_bytes(start(1) + log.content)
    assert read_all(path)[0] == START
    assert len(read_all(path)) == 3


@pytest.mark.parametrize("size", [0, 1_048_400, 1_048_576, 1_048_700, 3_000_000])
def test_blocks_do_not_cut_what_stands_across_their_borders(path: Path, size: int) -> None:
    for shift in (0, 1, 40, 75, 76, 77, 100):
        path.write_bytes(
            b"x" * shift + b"\n" + start(1) + start(2) + noise(size) + start(2)[len(start(2)) // 2 :]
        )
        assert read_all(path)[:2] == [START, "CEP HA of start 2"]


def test_crlf(path: Path) -> None:
    path.write_bytes(start(1).replace(b"\n", b"\r\n"))
    assert read_all(path) == [START, "CEP HA of start 1"]


def test_a_last_line_without_its_end_counts(path: Path) -> None:
    path.write_bytes(start(1).rstrip(b"\n"))
    assert read_all(path) == [START, "CEP HA of start 1"]


def test_a_trace_belongs_to_the_error_above(path: Path) -> None:
    log = ServerLog()
    log.say(CARBON, START)
    log.say(
        QUERIES,
        "it failed",
        "ERROR",
        trace=("x.Problem: no", "\tat x.Y", "Caused by: y.Reason: why", "\tat z"),
    )
    log.say(QUERIES, "alone", "ERROR")
    path.write_bytes(log.content)
    records = list(FileLog(path).read())
    assert records[1].trace == ("x.Problem: no", "Caused by: y.Reason: why")
    assert records[1].evidence.endswith("Caused by: y.Reason: why")
    assert records[2].trace == ()


def test_a_line_of_megabytes_is_skipped(path: Path) -> None:
    path.write_bytes(start(1) + b"ERROR" * 1_000_000 + b"\n" + line("CEP HA of start 1"))
    assert read_all(path) == [START, "CEP HA of start 1", "CEP HA of start 1"]


def test_garbage_between_the_lines_does_no_harm(path: Path) -> None:
    garbage = bytes(range(256)) * 50
    path.write_bytes(garbage + b"\n" + start(1) + garbage + b"\n" + line("CEP HA") + garbage)
    assert read_all(path)[:2] == [START, "CEP HA of start 1"]


def test_behind_the_cap_no_start_is_seen(path: Path) -> None:
    path.write_bytes(start(1) + noise(400_000))
    log = FileLog(path, limit=300_000)
    assert messages(log.read()) == []
    assert log.trouble is not None
    assert log.trouble.kind == "capped"
    assert read_all(path, limit=500_000)[0] == START


# --- rolled-over files ---------------------------------------------------------------------------


def test_the_newest_start_is_found_in_a_rolled_over_file(path: Path) -> None:
    log = ServerLog()
    log.say(HA, "CEP in the file of today")
    path.write_bytes(log.content)
    path.with_name("wso2carbon.log.2026-01-26").write_bytes(start(2) + noise(2_000_000))
    path.with_name("wso2carbon.log.2026-01-25").write_bytes(start(1))
    assert read_all(path) == [START, "CEP HA of start 2", "CEP in the file of today"]


def test_packed_files_are_read_too(path: Path) -> None:
    path.write_bytes(noise(1000))
    packed = gzip.compress(start(1) + noise(10)) + gzip.compress(
        noise(3_000_000) + start(2) + noise(2_000_000)
    )
    path.with_name("wso2carbon.log.2026-01-26.gz").write_bytes(packed)
    assert read_all(path) == [START, "CEP HA of start 2"]


def test_files_come_in_the_order_of_their_dates_and_numbers(path: Path) -> None:
    said = {"": 0, ".1": 1, ".2": 2, ".10": 10}
    for suffix, number in said.items():
        log = ServerLog()
        if number == 10:
            log.say(CARBON, START)
        log.say(HA, f"CEP {number}")
        path.with_name(path.name + suffix).write_bytes(log.content)
    path.with_name("wso2carbon.log.2026-01-26").write_bytes(start(99))
    path.with_name("wso2carbon.log.bak").write_bytes(start(98))
    assert read_all(path) == [START, "CEP 10", "CEP 2", "CEP 1", "CEP 0"]


def test_a_log_that_was_only_rolled_over_counts(path: Path) -> None:
    path.with_name("wso2carbon.log.2026-01-26").write_bytes(start(1))
    assert read_all(path) == [START, "CEP HA of start 1"]


def test_a_broken_archive_hides_only_what_is_older(path: Path) -> None:
    path.write_bytes(noise(100) + line("CEP HA of start 1"))
    path.with_name("wso2carbon.log.2026-01-26.gz").write_bytes(gzip.compress(start(1))[:40] + b"rubbish")
    log = FileLog(path)
    assert messages(log.read()) == ["CEP HA of start 1"]
    assert log.trouble is not None
    assert log.trouble.kind == "broken"


def test_an_archive_that_inflates_without_end_is_left(path: Path) -> None:
    path.write_bytes(noise(10))
    path.with_name("wso2carbon.log.1.gz").write_bytes(gzip.compress(b"\0" * 30_000_000))
    log = FileLog(path, limit=2_000_000)
    assert messages(log.read()) == []
    assert log.trouble is not None
    assert log.trouble.kind == "broken"


# --- what can be wrong with it -------------------------------------------------------------------


def test_no_log(path: Path) -> None:
    log = FileLog(path)
    assert list(log.read()) == []
    assert log.trouble is not None
    assert log.trouble.kind == "missing"
    path.write_bytes(start(1))
    assert messages(log.read()) == [START, "CEP HA of start 1"]
    assert log.trouble is None


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    log = FileLog(path)
    assert list(log.read()) == []
    assert log.trouble is not None
    assert log.trouble.message == "is a folder"


def test_an_unreadable_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(start(1))
    path.chmod(0)
    real = os.open

    def refuse(name: str | Path, *rest: int, **more: int | None) -> int:  # root may read everything
        if Path(name) == path:
            raise PermissionError(13, "Permission denied", str(name))
        return real(name, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    log = FileLog(path)
    assert list(log.read()) == []
    assert log.trouble is not None
    assert (log.trouble.kind, log.trouble.message) == ("unreadable", "Permission denied")


def test_an_empty_log(path: Path) -> None:
    path.write_bytes(b"")
    log = FileLog(path)
    assert list(log.read()) == []
    assert log.trouble is None


# --- following -----------------------------------------------------------------------------------


@pytest.fixture
def following(path: Path) -> Iterator[FileLog]:
    path.write_bytes(start(1))
    log = FileLog(path)
    assert len(list(log.read())) == 2
    yield log
    log.close()


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def line(message: str, level: str = "INFO", trace: tuple[str, ...] = ()) -> bytes:
    log = ServerLog()
    log.say(HA, message, level, trace=trace)
    return log.content


def test_what_is_appended_comes_with_the_next_look(path: Path, following: FileLog) -> None:
    assert messages(following.read()) == []
    append(path, line("CEP one") + line("CEP two")[:70])
    assert messages(following.read()) == ["CEP one"]
    append(path, line("CEP two")[70:])
    assert messages(following.read()) == ["CEP two"]
    assert messages(following.read()) == []


def test_an_error_comes_with_its_trace_or_when_the_log_is_silent(path: Path, following: FileLog) -> None:
    append(path, line("it failed", "ERROR", trace=("x.Problem: no",)))
    assert messages(following.read()) == []
    append(path, b"Caused by: y.Reason: why\n")
    assert messages(following.read()) == []
    (record,) = following.read()
    assert record.trace == ("x.Problem: no", "Caused by: y.Reason: why")


def test_rotation_loses_and_doubles_nothing(path: Path, following: FileLog) -> None:
    append(path, line("CEP before"))
    path.rename(path.with_name("wso2carbon.log.2026-01-26"))
    append(path.with_name("wso2carbon.log.2026-01-26"), line("CEP still before"))
    path.write_bytes(line("CEP behind"))
    assert messages(following.read()) == ["CEP before", "CEP still before", "CEP behind"]
    append(path, line("CEP later"))
    assert messages(following.read()) == ["CEP later"]


def test_between_two_renames_the_old_file_is_followed(path: Path, following: FileLog) -> None:
    path.rename(path.with_name("wso2carbon.log.1"))
    append(path.with_name("wso2carbon.log.1"), line("CEP one"))
    assert messages(following.read()) == ["CEP one"]
    path.write_bytes(line("CEP two"))
    assert messages(following.read()) == ["CEP two"]


def test_several_rotations_between_two_looks(path: Path, following: FileLog) -> None:
    append(path, line("CEP one"))
    path.rename(path.with_name("wso2carbon.log.3"))
    for number in (2, 1):
        path.with_name(f"wso2carbon.log.{number}").write_bytes(line(f"CEP in {number}"))
    path.write_bytes(line("CEP now"))
    assert messages(following.read()) == ["CEP one", "CEP in 2", "CEP in 1", "CEP now"]


def test_a_log_that_is_cut_in_place_is_read_from_its_beginning(path: Path, following: FileLog) -> None:
    append(path, line("CEP one"))
    assert messages(following.read()) == ["CEP one"]
    path.write_bytes(line("CEP two"))
    assert messages(following.read()) == ["CEP two"]


def test_a_log_that_is_written_and_rotated_while_it_is_read(path: Path, following: FileLog) -> None:
    """A writer and a reader at once: every line comes once and in order."""
    done = threading.Event()
    total = 3000

    def write() -> None:
        rotated = 0
        for number in range(total):
            append(path, line(f"CEP {number}"))
            if number % 500 == 499:
                rotated += 1
                path.rename(path.with_name(f"wso2carbon.log.2026-01-{rotated:02d}"))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    heard: list[str] = []
    while not done.is_set():
        heard += messages(following.read())
    writer.join()
    heard += messages(following.read())
    heard += messages(following.read())
    assert heard == [f"CEP {number}" for number in range(total)]


# --- pipes ---------------------------------------------------------------------------------------


def test_a_pipe_is_read_to_its_end() -> None:
    read, write = os.pipe()
    os.write(write, start(1).rstrip(b"\n"))
    os.close(write)
    log = PipeLog(read)
    assert messages(log.drain()) == [START, "CEP HA of start 1"]
    assert log.ended
    os.close(read)


def test_a_pipe_that_stays_open_ends_when_no_more_than_a_trickle_comes() -> None:
    """`ssh node2 tail -n +1 -F …` never ends by itself."""
    read, write = os.pipe()
    os.write(write, start(1))
    log = PipeLog(read)
    assert messages(log.drain(pause=0.05)) == [START, "CEP HA of start 1"]
    os.write(write, line("CEP later"))
    assert messages(log.read()) == ["CEP later"]
    os.close(write)
    os.close(read)


def test_a_pipe_that_brings_nothing_is_given_up() -> None:
    read, write = os.pipe()
    assert messages(PipeLog(read).drain(first_byte=0.05)) == []
    os.close(write)
    os.close(read)


def test_a_log_that_grows_faster_than_it_is_read_does_not_hold_up_the_other(tmp_path: Path) -> None:
    path = tmp_path / "wso2carbon.log"
    path.write_bytes(start(1))
    log = FileLog(path)
    assert messages(log.read())
    with path.open("ab", buffering=0) as server:
        server.write(line("CEP one") * 3)
        read = 0
        for _ in islice(log.read(), 1000):
            read += 1
            server.write(line("CEP more") * 2)
    assert read < 10
    assert messages(log.read())[-1] == "CEP more"


def test_a_named_pipe_can_stand_for_a_file(tmp_path: Path) -> None:
    """`--log node2=<(ssh node2 cat …)`."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(start(1),))
    writer.start()
    log = open_log(fifo)
    assert isinstance(log, PipeLog)
    assert messages(log.drain()) == [START, "CEP HA of start 1"]
    writer.join()
    log.close()


def test_a_named_pipe_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with no_hang():
        log = open_log(tmp_path / "fifo")
        assert isinstance(log, PipeLog)
        assert messages(log.read()) == []
        assert messages(log.drain(first_byte=0.05)) == []


# --- any block size gives the same records -------------------------------------------------------

STORY = (
    start(1)
    + line("it failed", "ERROR", trace=("x.Problem: no", "\tat y", "Caused by: z"))
    + b"garbage \xff\xfe\n\n"
    + line("CEP one").replace(b"\n", b"\r\n")
    + line("again", "ERROR")
    + line("CEP two")
)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_blocks_of_any_size_give_the_same_records(sizes: list[int]) -> None:
    def scan(blocks: list[bytes]) -> list[tuple[str, tuple[str, ...], int]]:
        scanner = Scanner()
        scanner.begin("log", 0)
        records = [record for block in blocks for record in scanner.feed(block)] + list(scanner.finish())
        return [(record.message, record.trace, record.offset) for record in records]

    blocks, at = [], 0
    for size in sizes:
        blocks.append(STORY[at : at + size])
        at += size
    blocks.append(STORY[at:])
    assert scan([block for block in blocks if block]) == scan([STORY])
