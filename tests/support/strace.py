"""System calls of a process as `strace` saw them: which, on what, and with what result."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CALL = re.compile(r"^(?:(?P<pid>\d+) +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>.*)$")
CUT = re.compile(r"^(?:(?P<pid>\d+) +)?(?P<name>\w+)\((?P<arguments>.*?)(?:\) += \?| <unfinished \.\.\.>)")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
DESCRIPTOR = re.compile(r"\b\d+<(/[^>]*)>")
RELATIVE = re.compile(r'(?:\d+|AT_FDCWD)<(/[^>]*)>, "([^"/][^"]*)"')
DATA = {"write", "pwrite64", "writev", "read", "pread64", "readv", "sendto", "recvfrom", "sendmsg", "recvmsg"}

TRACED = "%file,%desc"
"""What is traced: every call that takes a path or a descriptor."""

CHANGING = frozenset(
    """
    write pwrite64 writev pwritev pwritev2 sendfile copy_file_range splice truncate ftruncate fallocate fsync
    fdatasync sync_file_range rename renameat renameat2 link linkat unlink unlinkat rmdir mkdir mkdirat mknod
    mknodat symlink symlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes
    utimensat futimesat setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr creat
    """.split()  # noqa: SIM905
)
"""Calls that change what is on a disk, or when; `open` and `openat` do where they make or empty a file."""

LOOKING = frozenset(
    """
    openat open read pread64 readv close lseek stat lstat fstat newfstatat statx statfs fstatfs access faccessat
    faccessat2 readlink readlinkat getdents64 getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr ioctl
    fcntl flock chdir fchdir getcwd dup dup2 dup3 fadvise64 mmap poll pselect6 ppoll connect bind sendto
    recvfrom execve epoll_ctl epoll_create1 socket accept4 pipe2 recvmsg sendmsg getsockname
    """.split()  # noqa: SIM905
)
"""Calls that change nothing on a disk."""

POWERLESS = frozenset({"close", "lseek", "mmap", "fcntl", "ioctl"})
"""Of these a failure on a regular file says nothing about the disk, or cannot happen."""


@dataclass(frozen=True)
class Call:
    """One call; `ordinal` counts those of the same name in the process, from 1, as `--inject=…:when=` does."""

    pid: str
    name: str
    arguments: str
    result: str
    ordinal: int

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The absolute paths that it names, in the order of its arguments; of a symbolic link its own."""
        found = DESCRIPTOR.findall(self.arguments)
        relative = [f"{folder}/{name}" for folder, name in RELATIVE.findall(self.arguments)]
        if self.name in {"symlink", "symlinkat"}:
            found = relative or QUOTED.findall(self.arguments)[-1:]
        elif self.name not in DATA:
            absolute = [text for text in QUOTED.findall(self.arguments) if text.startswith("/")]
            found = relative or found + absolute
        return tuple(path.removesuffix(" (deleted)") for path in found)

    @property
    def path(self) -> str:
        return self.paths[0]

    @property
    def done(self) -> bool:
        """Whether it did what it was asked for."""
        return not self.result.startswith(("-1", "?")) and not self.injected

    @property
    def injected(self) -> bool:
        return "(INJECTED)" in self.result

    @property
    def changes(self) -> bool:
        """Whether it is one of those that change what is on a disk."""
        if self.name in {"open", "openat"}:
            return "O_CREAT" in self.arguments or "O_TRUNC" in self.arguments
        return self.name in CHANGING

    def within(self, *folders: Path | str) -> bool:
        """Whether it is about one of these folders or something in them."""
        return any(path == str(one) or path.startswith(f"{one}/") for path in self.paths for one in folders)

    def __str__(self) -> str:
        return f"{self.name}#{self.ordinal}({self.arguments[:300]}) = {self.result}"


def parsed(lines: Iterable[str]) -> Iterator[Call]:
    """The calls of a trace (`strace -f -y -o FILE`); signals and exits are left out."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        found = CALL.match(line) or CUT.match(line)
        if found is None:
            continue
        pid, name = found["pid"] or "", found["name"]
        counts[pid, name] += 1
        result = found["result"] if "result" in found.re.groupindex else "?"
        yield Call(pid, name, found["arguments"], result, counts[pid, name])


def read(trace: Path) -> list[Call]:
    """The calls of a trace's file."""
    with trace.open(encoding="utf-8", errors="surrogateescape") as lines:
        return list(parsed(lines))
