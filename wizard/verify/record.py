"""One record of a server's log: a line, and the trace that belongs to it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from wizard.passwords.masking import without_quoted_passwords
from wizard.system.printable import LONGEST, escaped, quoted

STARTING = "Starting WSO2 Carbon"
"""How the message begins with which each start begins (procedure 9)."""

QUOTED_CAUSES = 6
"""Causes of an error that are quoted, the root among them."""

_LEVELS = rb"FATAL|ERROR|WARN|INFO|DEBUG|TRACE"
_TIME = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{1,6})?"

# The file's form begins with TID and two or three brackets, the console's with the time; EI Analytics puts its name
# between time and level; the class is in braces, or short and bare.  The page quotes an error without its time: that
# counts too, but only with a class in braces.
_LINE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:TID:\s*(?:\[[^\]\n]{0,200}\]\s*){1,4}?)?"
    rb"\[(" + _TIME + rb")\]\s*(?:\[[^\]\n]{0,60}\]\s*){0,2}(" + _LEVELS + rb")\s+"
    rb"(?:\{([^}\n]{0,500})\}\s*-\s*|-\s+(\S{1,500})\s+)(.*)",
    re.DOTALL,
)
_TIMELESS = re.compile(rb"\s*()(" + _LEVELS + rb")\s+\{([^}\n]{1,500})\}()\s*-\s+(.*)", re.DOTALL)
_BARE = re.compile(
    rb"\s*(?:\[ERROR\]\s+(CARBON is supported only on JDK.*)"
    rb"|((?:Exception in thread \"[^\"\n]{0,200}\" |Exception: )?java\.lang\.OutOfMemoryError.*))",
    re.DOTALL,
)
"""What the launcher and the JVM print to the console, without a time."""

_ANSI = re.compile(rb"\x1b\[[0-9;]{0,20}[A-Za-z]")
HEAD = re.compile(rb"TID:[ \t]*\[|\[\d{4}-\d\d-\d\d[ T]\d\d:\d\d:")
"""How a record begins, wherever in its line that is."""
_PREFIX = re.compile(
    rb"\s*(?:"
    rb"[\w.@/:-]{1,120}[ \t]{0,60}\|[ \t]{0,4}"  # docker-compose
    rb"|\[(?!ERROR\])[\w.@/:-]{1,150}\][ \t]{1,4}"  # kubectl --prefix
    rb"|\d{4}-\d\d-\d\d[T ][\d:.,]{8,24}(?:Z|[+-]\d\d:?\d\d)?[ \t]{1,4}"  # --timestamps
    rb"|(?:[A-Z][a-z]{2}[ \t])?\d{4}-\d\d-\d\d[ \t][\d:.]{8,15}[ \t][A-Z]{2,5}[ \t]"  # journalctl -o short-full
    rb"|(?:stdout|stderr)[ \t][FP][ \t]"  # the container runtime's files
    rb"|[A-Z][a-z]{2}[ \t]{1,2}\d{1,2}[ \t](?:\d{4}[ \t])?[\d:.]{8,15}[ \t]{1,4}"  # journalctl, syslog
    rb"[\w.:-]{1,100}[ \t]{1,4}[\w.@/()-]{1,100}(?:\[\d{1,10}\])?:[ \t]{0,4}"
    rb"|[\w.:-]{1,100}[ \t]{1,4}[\w.@/()-]{1,100}\[\d{1,10}\]:[ \t]{0,4}"  # journalctl -o short-iso, behind its time
    rb"|<\d{1,3}>\d?[ \t]?"
    rb"){1,4}"
)
"""What tools that collect logs put before each line: its text changes, its form does not."""
MOST_PREFIX = 300
"""Bytes of a line in which its own beginning may be, behind a prefix."""


class Record(NamedTuple):
    """A record of the log.

    `time_text` is the node's own clock as it stands there (empty where the line has none), `source` the
    class as it stands there, long or short.  `raw` is the line and `raw_trace` what was kept of its trace:
    the first line and its causes, the last one (the root) always; `raw_root` is the root with the frames below it.
    `times` is how many such records, one after the other, this one stands for.  `file` and `offset` say where it was
    read, in bytes.

    A tuple, and all that is only for people made when asked for: a log can hold a million errors.
    """

    time_text: str
    level: str
    source: str
    message: str
    raw: bytes
    raw_trace: tuple[bytes, ...] = ()
    file: str = ""
    offset: int = 0
    raw_root: bytes = b""
    times: int = 1

    @property
    def time(self) -> datetime | None:
        """The node's own clock, without a zone."""
        try:
            return datetime.fromisoformat(self.time_text.replace(",", "."))
        except ValueError:
            return None

    @property
    def name(self) -> str:
        """The class without its package."""
        return self.source.rpartition(".")[2]

    @property
    def line(self) -> str:
        """The line for people: shortened, without control characters and passwords."""
        return printable(self.raw)

    @property
    def trace(self) -> tuple[str, ...]:
        """The trace for people, in the same way."""
        return tuple(text for text in map(printable, self.raw_trace) if text)

    @property
    def causes(self) -> tuple[str, ...]:
        """The texts that may say why, from the innermost to the message: the root with its frames first."""
        inner = (self.raw_root, *reversed(self.raw_trace))
        return (*(text.decode("utf-8", "replace") for text in inner if text), self.message)

    @property
    def evidence(self) -> str:
        """The line and what caused it, the root last."""
        causes = [text for text in self.trace if text.startswith("Caused by:")]
        return "\n".join((self.line, *causes[-QUOTED_CAUSES:]))


def parse(line: bytes, trace: tuple[bytes, ...] = (), *, file: str = "", offset: int = 0) -> Record | None:
    """The record that a line begins; None for garbage and for lines that belong to the one above.

    Broken UTF-8 becomes replacement characters; the line may end in CRLF, and may have a prefix that a tool has put
    before it.
    """
    found = _match(line)
    if found is None:
        return _bare(line, file, offset)
    time, level, long, short, content = found.groups(b"")
    source = long or short
    if len(content) > 4 * LONGEST:
        content = content[: 4 * LONGEST]
    elif long:
        content = content.rstrip().removesuffix(
            b"{%b}" % long
        )  # the file's form repeats the class at the end
    message = escaped(content.decode("utf-8", "replace").rstrip())
    return Record(
        time.decode("ascii"),
        level.decode("ascii"),
        source.decode("utf-8", "replace"),
        message,
        line[: 4 * LONGEST],
        trace,
        file,
        offset,
    )


def is_start(line: bytes) -> bool:
    """Whether a line is the one with which a start of the server begins."""
    found = _match(line)
    return found is not None and found[5].startswith(STARTING.encode())


def _match(line: bytes) -> re.Match[bytes] | None:
    """The beginning of a record: at the line's own, or behind a prefix, with or without colours."""
    found = _LINE.match(line)
    if found is not None:
        return found
    if b"\x1b" in line[: 4 * LONGEST]:
        line = _ANSI.sub(b"", line[: 8 * LONGEST])
        found = _LINE.match(line)
        if found is not None:
            return found
    head = HEAD.search(line, 0, MOST_PREFIX)
    if head is not None and head.start() and _PREFIX.fullmatch(line, 0, head.start()):
        return _LINE.match(line, head.start())
    found = _TIMELESS.match(line)
    if found is None and (prefix := _PREFIX.match(line, 0, MOST_PREFIX)) is not None:
        found = _TIMELESS.match(line, prefix.end())
    return found


def _bare(line: bytes, file: str, offset: int) -> Record | None:
    """A line of the launcher or of the JVM itself, as an error without a class."""
    if b"[ERROR]" not in line and b"OutOfMemoryError" not in line:
        return None
    found = _BARE.match(line) or _BARE.match(without_prefix(line))
    if found is None:
        return None
    source, content = ("wso2server.sh", found[1]) if found[1] else ("java", found[2])
    message = escaped(content[: 4 * LONGEST].decode("utf-8", "replace").rstrip())
    return Record("", "ERROR", source, message, line[: 4 * LONGEST], (), file, offset)


def prefix_of(line: bytes) -> bytes:
    """What a tool has put before a line that begins a record: empty where there is nothing."""
    if line.startswith((b"TID:", b"[2", b" ")) and _LINE.match(line):
        return b""
    head = HEAD.search(line, 0, MOST_PREFIX)
    return line[: head.start()] if head is not None else b""


def without_prefix(line: bytes) -> bytes:
    """A line without colours and without what a tool has put before it."""
    if b"\x1b" in line:
        line = _ANSI.sub(b"", line)
    found = _PREFIX.match(line, 0, MOST_PREFIX)
    return line[found.end() :] if found is not None else line


def printable(text: bytes | str) -> str:
    """A line for people: shortened, escaped, and without passwords."""
    if isinstance(text, bytes):
        text = text[: 4 * LONGEST].decode("utf-8", "replace").rstrip("\r\n").replace("\t", " ")
    return quoted(without_quoted_passwords(escaped(text[: 4 * LONGEST])))
