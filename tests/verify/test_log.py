"""Logs: their forms, their files, and reading one while it is written."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
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
UNSUPPORTED = "CARBON is supported only on JDK 1.7 and 1.8"
BECAME = "Became CEP HA Active Member"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wso2carbon.log"


def log_of(*lines: tuple[str, ...], form: Form = "file", trace: tuple[str, ...] = ()) -> bytes:
    """Return a log with these lines: source, message, level; the trace belongs to the last one."""
    log = ServerLog(form)
    for line in lines:
        log.say(*line, trace=trace if line is lines[-1] else ())
    return log.content


def start(number: int = 1) -> bytes:
    """Return a start whose lines differ by their number from those of other starts."""
    return log_of((CARBON, START), (HA, f"CEP HA of start {number}"))


def line(message: str, level: str = "INFO", trace: tuple[str, ...] = ()) -> bytes:
    return log_of((HA, message, level), trace=trace)


def noise(size: int) -> bytes:
    one = log_of((QUERIES, "Executing query: x"))
    return one * (size // len(one) + 1)


def messages(records: Iterable[Record]) -> list[str]:
    return [record.message for record in records]


def records_of(path: Path) -> list[Record]:
    with closing(FileLog(path)) as log:
        return [*log.read(), *log.finish()]


def read_all(path: Path) -> list[str]:
    return messages(records_of(path))


def failures(path: Path) -> list[str]:
    story = Story()
    story.read(records_of(path))
    return [one.failure.id for one in story.facts.troubles.values() if one.failure]


def started(number: int, *more: str) -> list[str]:
    return [START, f"CEP HA of start {number}", *more]


# --- lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("TID: [0] [BAM] [2016-02-03 16:38:11,247] INFO {org.wso2.x.Y} - hello {org.wso2.x.Y}", "hello"),
        ("TID: [-1234] [] [2016-02-03 16:38:11,247]  INFO {org.wso2.x.Y} -  hello {org.wso2.x.Y}  ", "hello"),
        ("   [2016-02-03 16:38:11,247]  INFO {org.wso2.carbon.x.Y} -  hello", "hello"),
        ("[2016-02-03 16:38:11,247]  INFO - Y hello\r", "hello"),
        ("[2016-02-03 16:38:11,247] ERROR {x} -  Grober \udcdcbeltat", "Grober \ufffdbeltat"),
        ("ERROR {org.wso2.x.HAManager} -  CEP HA State syncing failed, x", "CEP HA State syncing failed, x"),
        ("Caused by: x.Y: [2026-01-28 14:00:01,037]  INFO {a.B} -  Starting WSO2 Carbon...", None),
        ("\tat [2026-01-28 14:00:01,037]  INFO {a.B} -  Starting WSO2 Carbon...", None),
        ("a user wrote: [2026-01-28 14:00:01,037]  INFO {a.B} -  Starting WSO2 Carbon...", None),
        ("", None),
        ("\tat org.x.Y.z(Y.java:1)", None),
        ("Caused by: x", None),
        ("\x00\udcff\udcfe", None),
        ("[no time] INFO {x} - y", None),
        ("ERROR x", None),
    ],
)
def test_variants_of_lines_and_lines_that_begin_no_record(line: str, message: str | None) -> None:
    record = parse(line.encode("utf-8", "surrogateescape"))
    assert (record and record.message) == message
    assert record is None or (record.time is None) == line.startswith("ERROR")


@pytest.mark.parametrize(
    "prefix",
    [
        "",
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
        "Mär 28 14:00:01 host-1 wso2server.sh[4711]: ",
        "déc. 01 14:00:01 host-1 wso2server.sh[4711]: ",
        " 1月 28 14:00:01 host-1 wso2server.sh[4711]: ",
        "Di 2026-01-27 10:56:03 -03 host-1 wso2[471]: ",
        "2026-01-28T14:00:01+0100 host-1 wso2server.sh[4711]: ",
        "<134>1 2026-01-28T14:00:01Z ",
        "\x1b[36mnode1_1  |\x1b[0m ",
        "\x1b[36mnode1_1  |\x1b[0m \x1b[32m",
    ],
)
@pytest.mark.parametrize("form", ["file", "console", "short", "ei"])
def test_a_prefix_is_ignored(prefix: str, form: Form, path: Path) -> None:
    log = ServerLog(form)
    log.say(CARBON, START)
    log.say(QUERIES, "it failed", "ERROR", trace=("x.Problem: no", "\tat x.Y", "Caused by: y.Reason: why"))
    log.say(HA, BECAME)
    path.write_text("".join(f"{prefix}{line}\n" for line in log.lines))
    with closing(FileLog(path)) as file:
        records = [*file.read(), *file.finish()]
    assert messages(records) == [START, "it failed", BECAME]
    assert [record.level for record in records] == ["INFO", "ERROR", "INFO"]
    assert (records[2].time, records[2].name) == (log.clock, "HAManager")
    assert records[1].raw_trace == (b"x.Problem: no", b"Caused by: y.Reason: why")
    assert records[1].evidence.endswith("Caused by: y.Reason: why")
    assert file.latest is not None
    assert file.latest.message == BECAME


def test_messages_of_the_launcher_and_of_the_jvm(path: Path) -> None:
    """That of the launcher belongs to the next start."""
    refused = f" [ERROR] {UNSUPPORTED}\n".encode()
    path.write_bytes(start(1) + refused + start(2))
    assert read_all(path) == [UNSUPPORTED, *started(2)]
    assert failures(path) == ["java-version"]
    path.with_name("wso2carbon.log.1.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.write_bytes(b"")
    assert read_all(path) == [UNSUPPORTED, *started(2)]
    path.write_bytes(refused + start(1) + start(2))
    assert read_all(path) == started(2)
    path.write_bytes(start(1) + b'Exception in thread "pool-1" java.lang.OutOfMemoryError: Java heap space\n')
    assert failures(path) == ["heap"]


def test_errors_of_one_kind_are_counted_minute_by_minute(path: Path) -> None:
    """Behind a prefix each is a record of its own."""
    log = log_of((CARBON, START), *((QUERIES, f"it failed {n} times", "ERROR") for n in range(150)))
    path.write_bytes(log)
    records = records_of(path)[1:]
    assert sum(record.times for record in records) == 150
    assert 6 <= len(records) <= 20
    assert {"it failed 55 times", "it failed 56 times"} < set(messages(records)), "of two minutes"
    assert records[-1].message == "it failed 149 times"
    path.write_bytes(b"".join(b"node1_1  | " + one for one in log.splitlines(keepends=True)))
    records = records_of(path)[1:]
    assert messages(records) == [f"it failed {n} times" for n in range(150)]
    assert {record.raw_trace for record in records} == {()}


def test_passwords_and_control_characters_are_hidden() -> None:
    shown = printable(b"jdbc:mysql://h/d?user=a&password=s3cret&x=1 https://svn:s3cret@host/repo \x1b[31mred")
    assert "user=a" in shown and "svn" in shown and "red" in shown
    assert "s3cret" not in shown and "\x1b" not in shown


# --- the newest start ----------------------------------------------------------------------------

GARBAGE = bytes(range(256)) * 50
QUOTING = (f"\tat {START}", f"Caused by: {START}", START)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (start(1) + start(2) + start(3), started(3)),
        (start(1) + log_of((QUERIES, f"it wrote: {START}", "ERROR"), trace=QUOTING), started(1, f"it wrote: {START}")),
        (start(1).replace(b"\n", b"\r\n"), started(1)),
        (start(1).rstrip(b"\n"), started(1)),
        (start(1) + b"ERROR" * 10**6 + b"\n" + line("CEP one"), started(1, "CEP one")),
        (start(1) + b"x" * 10**6 + START.encode() * 3 + b"\n" + line("CEP one"), started(1, "CEP one")),
        (b"%b\n%b%b\n%b" % (GARBAGE, start(1), GARBAGE, line("CEP one")), started(1, "CEP one")),
    ],
    ids=["empty", "several", "quoted", "CRLF", "cut", "long line", "quoted in a long line", "garbage"],
)  # fmt: skip
def test_only_the_newest_start_is_read(path: Path, content: bytes, expected: list[str]) -> None:
    path.write_bytes(content)
    log = FileLog(path)
    assert [*messages(log.read()), *messages(log.finish())] == expected
    assert log.unread is None or expected == []


@pytest.mark.parametrize("size", [0, 1_048_400, 1_048_576, 1_048_700, 3_000_000])
def test_blocks_keep_what_is_across_their_borders(path: Path, size: int) -> None:
    half = start(2)[len(start(2)) // 2 :]
    for shift in (0, 1, 40, 75, 76, 77, 100):
        path.write_bytes(b"x" * shift + b"\n" + start(1) + start(2) + noise(size) + half)
        assert read_all(path)[:2] == started(2)


TODAY, OLD = line("CEP in the file of today"), gzip.compress(start(1) + noise(10))
ROLLED = {
    "plain": (
        {"": TODAY, ".2026-01-26": start(2) + noise(2_000_000), ".2026-01-25": start(1)},
        started(2, "CEP in the file of today")),
    "packed": (
        {"": noise(9), ".2026-01-26.gz": OLD + gzip.compress(noise(3_000_000) + start(2) + noise(2_000_000))},
        started(2)),
    "of logrotate, in the middle of a trace": (
        {"": b"x.Problem: no\n\tat x.Y\nCaused by: y.Reason: why\n" + TODAY,
         "-20260127.gz": gzip.compress(start(3) + line("it failed", "ERROR")), "-20260126": start(99)},
        started(3, "it failed", "CEP in the file of today")),
    "in the order of their dates and numbers": (
        {"": TODAY, ".1": line("CEP 1"), ".2": line("CEP 2"), ".10": start(10), ".2026-01-26": start(99),
         ".bak": start(98)},
        started(10, "CEP 2", "CEP 1", "CEP in the file of today")),
}  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), ROLLED.values(), ids=ROLLED)
def test_the_newest_start_is_found_in_rolled_over_files(
    path: Path, files: dict[str, bytes], expected: list[str]
) -> None:
    for suffix, content in files.items():
        path.with_name(path.name + suffix).write_bytes(content)
    records = records_of(path)
    assert messages(records) == expected
    traces = [record.raw_trace for record in records if record.message == "it failed"]
    assert traces in ([], [(b"x.Problem: no", b"Caused by: y.Reason: why")])


# --- logs with a problem -------------------------------------------------------------------------


BROKEN = gzip.compress(start(1))[:40] + b"rubbish"


@pytest.mark.parametrize(
    ("files", "limit", "unread", "expected"),
    [
        ({}, 10**8, "missing: does not exist", []),
        ({"": None}, 10**8, "unreadable: is a folder", []),
        ({"": start(1) + noise(400_000)}, 300_000, "capped: ", []),
        ({"": noise(9) + TODAY, ".2026-01-26.gz": BROKEN}, 10**8, "broken: ", ["CEP in the file of today"]),
        ({"": noise(9), ".1.gz": gzip.compress(bytes(30_000_000))}, 2_000_000, "broken: ", []),
    ],
)
def test_a_log_with_a_problem(
    path: Path, files: dict[str, bytes | None], limit: int, unread: str, expected: list[str]
) -> None:
    for suffix, content in files.items():
        one = path.with_name(path.name + suffix)
        one.mkdir() if content is None else one.write_bytes(content)
    log = FileLog(path, limit=limit)
    assert messages(log.read()) == expected
    assert log.unread is not None
    assert f"{log.unread.kind}: {log.unread.message}".startswith(unread)


# --- following -----------------------------------------------------------------------------------


@pytest.fixture
def following(path: Path) -> Iterator[FileLog]:
    log = FileLog(path)
    assert list(log.read()) == []  # it appears later
    path.write_bytes(start(1) + noise(400_000))
    assert messages(log.read()) == started(1)
    assert log.unread is None
    yield log
    log.close()


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_what_is_appended_comes_with_the_next_read(path: Path, following: FileLog) -> None:
    """An error comes with its trace, or when the log is silent."""
    assert messages(following.read()) == []
    append(path, line("CEP one") + line("CEP two")[:70])
    assert messages(following.read()) == ["CEP one"]
    append(path, line("CEP two")[70:])
    assert messages(following.read()) == ["CEP two"]
    append(path, line("it failed", "ERROR", trace=("x.Problem: no",)))
    assert messages(following.read()) == []
    append(path, b"Caused by: y.Reason: why\n")
    assert messages(following.read()) == []
    (record,) = following.read()
    assert record.raw_trace == (b"x.Problem: no", b"Caused by: y.Reason: why")
    assert messages(following.read()) == []


def test_rotation_loses_and_doubles_nothing(path: Path, following: FileLog) -> None:
    """Also between two renames, after a file was cut short, and after the followed file was removed."""
    rolled = [path.with_name(f"wso2carbon.log.{number}") for number in range(4)]
    append(path, line("CEP before"))
    path.rename(rolled[1])
    append(rolled[1], line("CEP still before"))
    assert messages(following.read()) == ["CEP before", "CEP still before"]
    append(rolled[1], line("CEP last"))
    rolled[1].rename(rolled[3])
    rolled[2].write_bytes(line("CEP in 2"))
    path.write_bytes(line("CEP now"))
    assert messages(following.read()) == ["CEP last", "CEP in 2", "CEP now"]
    path.write_bytes(line("CEP"))  # truncated
    assert messages(following.read()) == ["CEP"]
    append(path, line("CEP one"))
    path.unlink()
    rolled[1].write_bytes(line("CEP unknown"))
    path.write_bytes(line("CEP later"))
    assert messages(following.read()) == ["CEP one", "CEP later"]


def test_a_log_that_is_written_and_rotated_while_it_is_read(path: Path, following: FileLog) -> None:
    """A writer and a reader at once: every line comes once and in order."""
    done = threading.Event()
    total = 3000

    def write() -> None:
        for number in range(total):
            append(path, line(f"CEP {number}"))
            if number % 500 == 499 and number < total - 1:  # a rotation ends with a new file
                path.rename(path.with_name(f"wso2carbon.log.2026-01-{number // 500 + 1:02d}"))
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


def test_a_pipe_is_read_to_its_end_or_until_it_only_trickles() -> None:
    """`ssh node2 tail -n +1 -F …` never ends by itself."""
    read, write = os.pipe()
    log = PipeLog(read)
    assert messages(log.drain(first_byte=0.05)) == [], "nothing comes"
    os.write(write, start(1))
    assert messages(log.drain(pause=0.05)) == started(1)
    os.write(write, line("CEP later"))
    assert messages(log.read()) == ["CEP later"]
    os.write(write, start(2).rstrip(b"\n"))
    os.close(write)
    assert messages(log.drain()) == started(2)
    assert log.ended
    os.close(read)


def test_a_log_that_grows_faster_than_it_is_read_does_not_delay_the_other(path: Path) -> None:
    path.write_bytes(start(1))
    log, read = FileLog(path), 0
    assert messages(log.read())
    append(path, line("CEP one") * 3)
    for _ in islice(log.read(), 1000):
        read += 1
        append(path, line("CEP more") * 2)
    assert read < 10
    assert messages(log.read())[-1] == "CEP more"


def test_a_named_pipe_instead_of_a_file(path: Path) -> None:
    """`--log node2=<(ssh node2 cat …)`."""
    os.mkfifo(path)
    with no_hang():
        log = open_log(path)
        assert isinstance(log, PipeLog)
        assert messages(log.read()) == [], "without a writer it is not waited for"
        assert messages(log.drain(first_byte=0.05)) == []
    writer = threading.Thread(target=path.write_bytes, args=(start(1),))
    writer.start()
    log = open_log(path)
    assert isinstance(log, PipeLog)
    assert messages(log.drain()) == started(1)
    writer.join()


# --- any block size gives the same records -------------------------------------------------------

STORY = (
    start(1)
    + line("it failed", "ERROR", trace=("x.Problem: no", "\tat y", "Caused by: z"))
    + b"garbage \xff\xfe\n\n"
    + line("CEP one").replace(b"\n", b"\r\n")
    + line("again", "ERROR")
    + line("CEP two")
)


def test_the_rest_of_an_endless_line_begins_no_record() -> None:
    scanner = Scanner()
    assert messages(scanner.feed(line("CEP one") + b"x" * 2_000_000)) == ["CEP one"]
    assert list(scanner.feed(line("CEP in the long line"))) == []
    assert messages(scanner.feed(line("CEP two"))) == ["CEP two"]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_blocks_of_any_size_give_the_same_records(sizes: list[int]) -> None:
    def scan(blocks: list[bytes]) -> list[tuple[str, tuple[bytes, ...], bytes]]:
        scanner = Scanner()
        records = [record for block in blocks for record in scanner.feed(block)] + list(scanner.finish())
        return [(record.message, record.raw_trace, record.raw) for record in records]

    blocks, at = [], 0
    for size in sizes:
        blocks.append(STORY[at : at + size])
        at += size
    blocks.append(STORY[at:])
    assert scan([block for block in blocks if block]) == scan([STORY])
