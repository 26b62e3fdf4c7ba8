"""One record of a server's log: a line, and the trace that belongs to it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

STARTING = "Starting WSO2 Carbon"
"""How the message begins with which each start begins (procedure 9)."""

LONGEST = 500
"""Characters of a line that are kept."""

_LEVELS = rb"FATAL|ERROR|WARN|INFO|DEBUG|TRACE"
_TIME = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{1,6})?"

# The file's form begins with TID and two or three brackets, the console's with the time; the class is in
# braces, or short and bare.  The page quotes an error without its time: that counts too, but only with a
# class in braces.
_LINE = re.compile(
    rb"\s*(?:TID:\s*(?:\[[^\]\n]{0,200}\]\s*){1,4}?)?"
    rb"\[(" + _TIME + rb")\]\s*(" + _LEVELS + rb")\s+"
    rb"(?:\{([^}\n]{0,500})\}\s*-\s*|-\s+(\S{1,500})\s+)(.*)",
    re.DOTALL,
)
_TIMELESS = re.compile(rb"\s*()(" + _LEVELS + rb")\s+\{([^}\n]{1,500})\}()\s*-\s+(.*)", re.DOTALL)

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PASSWORD = re.compile(
    r"""(?ix) ( (?: password | passwd | passphrase | pwd | secret | token ) ["']? \s* [=:] \s* )
        (?! (?:yes|no|null|true|false) \b )
        ( "[^"]*" | '[^']*' | [^\s,;&}\])"']+ )"""
)
_USERINFO = re.compile(r"(://[^/\s:@]{1,200}:)[^/\s@]{1,200}(@)")


class Record(NamedTuple):
    """A record of the log.

    `time_text` is the node's own clock as it stands there (empty where the line has none), `source` the
    class as it stands there, long or short.  `raw` is the line and `raw_trace` what was kept of its trace:
    the first line and every `Caused by`.  `file` and `offset` say where it was read, in bytes.

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

    @property
    def time(self) -> datetime | None:
        """The node's own clock, without a zone."""
        try:
            return datetime.fromisoformat(self.time_text.replace(",", "."))
        except ValueError:
            return None

    @property
    def line(self) -> str:
        """The line for people: shortened, without control characters and passwords."""
        return printable(self.raw)

    @property
    def trace(self) -> tuple[str, ...]:
        """The trace for people, in the same way."""
        return tuple(text for text in map(printable, self.raw_trace) if text)

    @property
    def evidence(self) -> str:
        """The line and what caused it."""
        return "\n".join((self.line, *(text for text in self.trace if text.startswith("Caused by:"))))


def parse(line: bytes, trace: tuple[bytes, ...] = (), *, file: str = "", offset: int = 0) -> Record | None:
    """The record that a line begins; None for garbage and for lines that belong to the one above.

    Broken UTF-8 becomes replacement characters; the line may end in CRLF.
    """
    found = _LINE.match(line) or _TIMELESS.match(line)
    if found is None:
        return None
    time, level, long, short, content = found.groups(b"")
    source = long or short
    if len(content) > 4 * LONGEST:
        content = content[: 4 * LONGEST]
    elif long:
        content = content.rstrip().removesuffix(
            b"{%b}" % long
        )  # the file's form repeats the class at the end
    message = content.decode("utf-8", "replace").rstrip()
    if not message.isprintable():
        message = _UNPRINTABLE.sub("?", message)
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
    found = _LINE.match(line)
    return found is not None and found[5].startswith(STARTING.encode())


def printable(line: bytes) -> str:
    """A line for people: shortened, without control characters and without passwords."""
    text = _UNPRINTABLE.sub(
        "?", line[: 4 * LONGEST].decode("utf-8", "replace").rstrip("\r\n").replace("\t", " ")
    )
    text = without_passwords(text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def without_passwords(text: str) -> str:
    """The text with what follows `password=` and the like replaced: servers quote URLs in their errors."""
    return _USERINFO.sub(r"\1********\2", _PASSWORD.sub(r"\1********", text))
