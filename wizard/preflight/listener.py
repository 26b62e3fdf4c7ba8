"""The process that listens on a TCP port of this machine, if it can be found (Linux: /proc)."""

from __future__ import annotations

import os
from pathlib import Path

from wizard.system import bounded

LISTEN = "0A"


def who_listens(number: int) -> str | None:
    """Return name and id of the process that listens on the port, like `java (1234)`; None if not visible."""
    inodes = _inodes(number)
    if not inodes:
        return None
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            links = {os.readlink(entry.path) for entry in os.scandir(process / "fd")}
        except OSError:
            continue
        if links & inodes:
            try:
                name = bounded.read_text(process / "comm").strip()
            except OSError:
                continue
            return f"{name} ({process.name})"
    return None


def _inodes(number: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = bounded.read_text(table).splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == LISTEN and int(columns[1].rpartition(":")[2], 16) == number:
                found.add(f"socket:[{columns[9]}]")
    return found
