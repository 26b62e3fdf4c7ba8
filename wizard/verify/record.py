"""One record of a server's log: a line, and the trace that belongs to it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from wizard.passwords.masking import without_quoted_passwords
from wizard.system.printable import LONGEST, escaped, quoted

STARTING = "Starting WSO2 Carbon"
"""The beginning of the first message of each start (procedure 9)."""

LAUNCHER = b"CARBON is supported only on JDK"
NEAR = 4096
"""Bytes before the words of a start in which its line begins, and the launcher's message about it."""

QUOTED_CAUSES = 6
"""Causes of an error that are quoted, including the root."""

_LEVELS = rb"FATAL|ERROR|WARN|INFO|DEBUG|TRACE"
_TENANT = rb"(?:[^\s\[\]{}]{0,200}@[^\s\[\]{}]{1,200}\s*)?"
_TIME = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{1,6})?"

# The file's form begins with TID and two or three brackets, the console's with the time; between time and level are the
# user and domain of a tenant (`TenantPattern` of log4j.properties) or the name of EI Analytics; the class is in braces,
# or short without them.  The documentation quotes an error without its time, which is accepted only with a class in
# braces.
_LINE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:TID:\s*(?:\[[^\]\n]{0,200}\]\s*){1,4}?)?"
    rb"\[(" + _TIME + rb")\]\s*" + _TENANT + rb"(?:\[[^\]\n]{0,60}\]\s*){0,2}(" + _LEVELS + rb")\s+"
    rb"(?:\{([^}\n]{0,500})\}\s*-\s*|-\s+(\S{1,500})\s+)(.*)",
    re.DOTALL,
)
_TIMELESS = re.compile(rb"\s*()(" + _LEVELS + rb")\s+\{([^}\n]{1,500})\}()\s*-\s+(.*)", re.DOTALL)
_BARE = re.compile(
    rb"\s*(?:\[ERROR\]\s+(CARBON is supported only on JDK.*)"
    rb"|((?:Exception in thread \"[^\"\n]{0,200}\" |Exception: )?java\.lang\.OutOfMemoryError.*))",
    re.DOTALL,
)
"""Messages of the launcher and the JVM on the console, without a time."""

_STARTING = STARTING.encode()
_ANSI = re.compile(rb"\x1b\[[0-9;]{0,20}[A-Za-z]")
HEAD = re.compile(rb"TID:[ \t]*\[|\[\d{4}-\d\d-\d\d[ T]\d\d:\d\d:")
"""The beginning of a record, anywhere in its line."""
_WORD = rb"[\w.\x80-\xff]{2,20}[ \t]"
"""A month or a day of the week in any language."""
_PREFIX = re.compile(
    rb"\s*(?:"
    rb"[\w.@/:-]{1,120}[ \t]{0,60}\|[ \t]{0,4}"  # docker-compose
    rb"|\[(?!ERROR\])[\w.@/:-]{1,150}\][ \t]{1,4}"  # kubectl --prefix
    rb"|\d{4}-\d\d-\d\d[T ][\d:.,]{8,24}(?:Z|[+-]\d\d:?\d\d)?[ \t]{1,4}"  # --timestamps
    rb"|(?:"
    + _WORD
    + rb")?\d{4}-\d\d-\d\d[ \t][\d:.]{8,15}[ \t][A-Z\d+-]{2,5}[ \t]"  # journalctl -o short-full
    rb"|(?:stdout|stderr)[ \t][FP][ \t]"  # the container runtime's files
    rb"|" + _WORD + rb"[ \t]?\d{1,2}[ \t](?:\d{4}[ \t])?[\d:.]{8,15}[ \t]{1,4}"  # journalctl, syslog
    rb"[\w.:-]{1,100}[ \t]{1,4}[\w.@/()-]{1,100}(?:\[\d{1,10}\])?:[ \t]{0,4}"
    rb"|[\w.:-]{1,100}[ \t]{1,4}[\w.@/()-]{1,100}\[\d{1,10}\]:[ \t]{0,4}"  # journalctl -o short-iso, behind its time
    rb"|<\d{1,3}>\d?[ \t]?"
    rb"){1,4}"
)
"""What tools that collect logs print before each line."""
MOST_PREFIX = 300
"""Bytes of a line in which the record may begin, after a prefix."""


class Record(NamedTuple):
    """A record of the log.

    `time_text` is the node's own clock as printed (empty without one), `source` the class as printed, long or short.
    `raw` is the line and `raw_trace` the kept part of its trace: the first line and its causes, always with the last
    one, the root; `raw_root` is the root with the frames below it.  `times` is the number of such consecutive records
    that this one represents.

    A tuple whose texts are made on request: a log can contain a million errors.
    """

    time_text: str
    level: str
    source: str
    message: str
    raw: bytes
    raw_trace: tuple[bytes, ...] = ()
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
        """The line, shortened, without control characters and passwords."""
        return printable(self.raw)

    @property
    def causes(self) -> tuple[str, ...]:
        """The texts that may name the cause, from the innermost to the message: the root with its frames first."""
        inner = (self.raw_root, *reversed(self.raw_trace))
        return (*(text.decode("utf-8", "replace") for text in inner if text), self.message)

    @property
    def evidence(self) -> str:
        """The line and its causes, the root last."""
        causes = [text for text in map(printable, self.raw_trace) if text.startswith("Caused by:")]
        return "\n".join((self.line, *causes[-QUOTED_CAUSES:]))


def between(first: Record | None, last: Record | None) -> timedelta | None:
    """Return the time from one record to another of the same log; None if one is missing or has no time."""
    begun, ended = first and first.time, last and last.time
    return ended - begun if begun is not None and ended is not None else None


def parse(line: bytes) -> Record | None:
    """Return the record that a line begins; None for garbage and for lines that belong to the one above.

    Broken UTF-8 becomes replacement characters; the line may end in CRLF, and may have the prefix of a tool.
    """
    found = _match(line)
    if found is None:
        return _bare(line)
    time, level, long, short, content = found.groups(b"")
    source = long or short
    if len(content) > 4 * LONGEST:
        content = content[: 4 * LONGEST]
    elif long:
        content = content.rstrip().removesuffix(b"{%b}" % long)  # repeated at the end in the file's form
    return Record(
        time.decode("ascii"),
        level.decode("ascii"),
        source.decode("utf-8", "replace"),
        _message(content),
        line[: 4 * LONGEST],
    )


def newest_start(data: bytes, after: int = 0, end: int | None = None) -> int | None:
    """Return where the newest start in `data[:end]` begins, including the launcher's message about it.

    Only words at `after` or later count.
    """
    found = data.rfind(_STARTING, after, end)
    while found >= 0:
        begin = data.rfind(b"\n", max(0, found - NEAR), found) + 1 or max(0, found - NEAR)
        line = _match(data[begin : found + len(_STARTING)])
        if line is not None and line[5].startswith(_STARTING):
            said = data.rfind(LAUNCHER, max(0, begin - NEAR), begin)
            if said < 0 or HEAD.search(data, data.find(b"\n", said), begin):
                return begin
            return data.rfind(b"\n", 0, said) + 1
        found = data.rfind(_STARTING, after, max(after, begin))
    return None


def _match(line: bytes) -> re.Match[bytes] | None:
    """Match the beginning of a record: at the line's own, or after a prefix, with or without colours."""
    found = _LINE.match(line)
    if found is None and b"\x1b" in line[: 4 * LONGEST]:
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


def _bare(line: bytes) -> Record | None:
    """Return a line of the launcher or of the JVM itself as an error without a class."""
    if b"[ERROR]" not in line and b"OutOfMemoryError" not in line:
        return None
    found = _BARE.match(line) or _BARE.match(without_prefix(line))
    if found is None:
        return None
    source = "wso2server.sh" if found[1] else "java"
    return Record("", "ERROR", source, _message((found[1] or found[2])[: 4 * LONGEST]), line[: 4 * LONGEST])


def _message(content: bytes) -> str:
    return escaped(content.decode("utf-8", "replace").rstrip())


def prefix_of(line: bytes) -> bytes:
    """Return the prefix that a tool printed before a line that begins a record; it may be empty."""
    if line.startswith((b"TID:", b"[2", b" ")) and _LINE.match(line):
        return b""
    head = HEAD.search(line, 0, MOST_PREFIX)
    return line[: head.start()] if head is not None else b""


def without_prefix(line: bytes) -> bytes:
    """Return a line without colours and without the prefix of a tool."""
    if b"\x1b" in line:
        line = _ANSI.sub(b"", line)
    found = _PREFIX.match(line, 0, MOST_PREFIX)
    return line[found.end() :] if found is not None else line


def printable(text: bytes | str) -> str:
    """Return a line shortened, escaped, and without passwords."""
    if isinstance(text, bytes):
        text = text[: 4 * LONGEST].decode("utf-8", "replace").rstrip("\r\n").replace("\t", " ")
    return quoted(without_quoted_passwords(escaped(text[: 4 * LONGEST])))
