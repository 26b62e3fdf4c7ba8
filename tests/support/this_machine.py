"""Nothing that a test does goes farther than this machine: what would is refused, and the test fails."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from typing import Any

from wizard.system.network import is_literal

WENT_AWAY: list[str] = []
"""Where something wanted to go since the last test."""


def stay() -> None:
    """Refuse every connection and every lookup that leaves this machine, in this process, from now on."""
    sys.addaudithook(_hook)


def _hook(event: str, words: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = words[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            WENT_AWAY.append(f"{event} {address}")
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    elif event == "socket.getaddrinfo" and words[0] is not None:
        host = words[0].decode() if isinstance(words[0], bytes) else str(words[0])
        if _is_here(host) or is_literal(host):
            return
        if not host.endswith(".invalid"):
            WENT_AWAY.append(f"{event} {host}")
        # What a name server has to say of `.invalid` (RFC 6761), without asking one.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _is_here(host: str) -> bool:
    return host in ("", "localhost") or (
        is_literal(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback
    )
