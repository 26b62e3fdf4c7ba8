"""The greeting: what a server sends before a login, or what listens there instead of a MySQL server."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from wizard.database.failure import Endpoint, by_number, failed, unreachable
from wizard.pack.releases import version_tuple
from wizard.system.peer import Allowance, Peer, reach

LIMIT = 4.5
"""Seconds for all that a check asks a server: within the five seconds of the check, whatever the server does."""

SPEAK_LIMIT = 2.5
"""Seconds within which a server that has accepted the connection must send something."""

TLS_OFFERED = 0x0800
"""The bit of the server's capabilities (CLIENT_SSL)."""

_LARGEST = 64 * 1024
_LONGEST_VERSION = 60
_OTHER = "it uses another protocol"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server sends before a login; made of `text` alone it stands for a server of that version."""

    text: str
    """The version, like `5.6.24-log` or `10.11.19-MariaDB`."""
    tls: bool = False
    plugin: str = ""
    """The authentication plugin that the server prefers."""

    @property
    def mariadb(self) -> bool:
        return "mariadb" in self.text.lower()

    @property
    def version(self) -> tuple[int, ...]:
        """The numbers of the version.  MariaDB before 11 puts `5.5.5-` before its own, for old clients."""
        return version_tuple(re.sub(r"^5\.5\.5-(?=\d)", "", self.text) if self.mariadb else self.text)

    @property
    def name(self) -> str:
        """The name for messages: `MySQL 5.6.24`, `MariaDB 10.11.19`."""
        return f"{'MariaDB' if self.mariadb else 'MySQL'} {'.'.join(map(str, self.version))}"

    def is_before(self, mysql: tuple[int, ...], mariadb: tuple[int, ...] = ()) -> bool:
        """Whether the version is older than `mysql`, or than `mariadb` for a MariaDB (no version: not older)."""
        return self.version < (mariadb if self.mariadb else mysql)


def greeting(endpoint: Endpoint, *, limit: float = LIMIT) -> Greeting:
    """Return what the server sends before a login.  Raises DatabaseError, with what answers, if it is not MySQL.

    The server counts this as an interrupted connection, so ask once and do not poll.
    """
    peer, found = meet(endpoint, Allowance(limit, 2 * _LARGEST))
    peer.close()
    return found


def meet(endpoint: Endpoint, allowance: Allowance) -> tuple[Peer, Greeting]:
    """Connect and read the greeting, which the peer returns again when read.  Raises DatabaseError as `greeting`."""
    try:
        peer = reach(endpoint.host, endpoint.port, allowance)
    except OSError as problem:
        raise unreachable(problem, endpoint) from None
    try:
        packet = _first_packet(peer, endpoint)
        found = _parsed(packet, endpoint)
    except BaseException as problem:
        peer.close()
        if isinstance(problem, OSError):
            silent = isinstance(problem, TimeoutError)
            raise failed("silent", endpoint) if silent else unreachable(problem, endpoint) from None
        raise
    peer.ahead = len(packet).to_bytes(4, "little") + packet  # the fourth byte is the number of the packet
    return peer, found


def _first_packet(peer: Peer, endpoint: Endpoint) -> bytes:
    """Return the first packet, complete.  A silent peer is asked in HTTP, so that a web server can be named."""
    peer.pause = SPEAK_LIMIT
    try:
        header = peer.recv(4)
    except TimeoutError:
        peer.pause = 0.5
        with contextlib.suppress(OSError):
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if peer.recv(5) == b"HTTP/":
                raise failed("not MySQL", endpoint, reason="it is a web server (it answers HTTP)") from None
        raise
    peer.pause = float("inf")
    header += _exactly(peer, 4 - len(header))
    length, number = int.from_bytes(header[:3], "little"), header[3]
    if number == 0 and 0 < length <= _LARGEST:
        return _exactly(peer, length)
    peer.pause = 0.2
    with contextlib.suppress(OSError):
        header += peer.recv(64)
    word = re.split(rb"[\r\n]", header)[0][:40]
    shown = word.decode("ascii", "replace") if word.isascii() else ""
    reason = f'it sends "{shown}"' if shown and shown.isprintable() else _OTHER
    raise failed("not MySQL", endpoint, reason=reason)


def _exactly(peer: Peer, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = peer.recv(length - len(received))
        if not piece:
            raise ConnectionResetError("closed")
        received += piece
    return received


def _parsed(packet: bytes, endpoint: Endpoint) -> Greeting:
    """Parse protocol 10's greeting: version, thread, salt, capabilities, …, plugin.  Raises an error packet."""
    if packet[0] == 0xFF and len(packet) >= 3:
        text = packet[3:].decode("utf-8", "replace")
        raise by_number(int.from_bytes(packet[1:3], "little"), re.sub(r"^#.{5}", "", text), endpoint)
    end = packet.find(b"\0", 1)
    if packet[0] != 10 or end < 0:
        raise failed("not MySQL", endpoint, reason=_OTHER)
    rest = packet[end + 1 :]
    capabilities = int.from_bytes(rest[13:15], "little") | int.from_bytes(rest[18:20], "little") << 16
    salt = max(13, (rest[20] if len(rest) > 20 else 0) - 8)
    plugin = rest[31 + salt :].split(b"\0")[0].decode("latin-1")
    text = "".join(filter(str.isprintable, packet[1:end].decode("latin-1")[:_LONGEST_VERSION]))
    if re.match(r"\d{1,4}(\.|$)", text) is None:
        raise failed("not MySQL", endpoint, reason=_OTHER)
    return Greeting(text, bool(capabilities & TLS_OFFERED), plugin)
