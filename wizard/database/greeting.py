"""The greeting: what a server says of itself before anybody has logged in, or what listens there instead."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from wizard.database.failure import Endpoint, by_number, no_mysql, stuck, unreachable
from wizard.pack.releases import version_tuple

CONNECT_LIMIT = 3.5
"""Seconds for the TCP connection: with what follows it stays within the five of a check."""

SPEAK_LIMIT = 2.5
"""Seconds until a server that has accepted the connection has to say something."""

TLS_OFFERED = 0x0800
"""The bit of the server's capabilities (CLIENT_SSL)."""

_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server says of itself before anybody has logged in."""

    text: str
    """Its version as it says it, like `5.6.24-log` or `10.11.19-MariaDB`."""
    tls: bool
    plugin: str
    """The authentication plugin that it would like to use."""

    @property
    def mariadb(self) -> bool:
        return "mariadb" in self.text.lower()

    @property
    def version(self) -> tuple[int, ...]:
        return version_of(self.text)

    @property
    def name(self) -> str:
        """For people: `MySQL 5.6.24`, `MariaDB 10.11.19`."""
        return server_name(self.version, mariadb=self.mariadb)


def server_name(version: tuple[int, ...], *, mariadb: bool) -> str:
    """A server for people: `MySQL 5.6.24`, `MariaDB 10.11.19`."""
    return f"{'MariaDB' if mariadb else 'MySQL'} {'.'.join(map(str, version))}"


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version.  MariaDB before 11 puts a `5.5.5-` before its own for old clients' sake."""
    own = re.sub(r"^5\.5\.5-(?=\d)", "", text) if "mariadb" in text.lower() else text
    return version_tuple(own)


def greeting(
    endpoint: Endpoint, *, connect_limit: float = CONNECT_LIMIT, speak_limit: float = SPEAK_LIMIT
) -> Greeting:
    """What the server says before a log-in.  DatabaseError where no MySQL answers, with what does.

    The server counts this as an interrupted connection, so this is for looking once, not for watching.
    """
    try:
        with socket.create_connection((endpoint.host, endpoint.port), connect_limit) as connection:
            connection.settimeout(speak_limit)
            packet = _first_packet(connection, endpoint)
    except (OSError, UnicodeError) as problem:
        raise unreachable(problem, endpoint) from None
    return _parsed(packet, endpoint)


def _first_packet(connection: socket.socket, endpoint: Endpoint) -> bytes:
    """The first packet, whole.  What is no MySQL is asked in HTTP, so that it can be named."""
    try:
        header = _exactly(connection, 4)
    except TimeoutError:
        if _speaks_http(connection):
            raise no_mysql(endpoint, "it is a web server (it answers HTTP)") from None
        raise stuck(endpoint) from None
    length, number = int.from_bytes(header[:3], "little"), header[3]
    if number != 0 or not 0 < length <= _LARGEST:
        word = re.split(rb"[\r\n]", header + _some_more(connection))[0][:40]
        shown = word.decode("ascii", "replace") if word.isascii() else ""
        what = f'it says "{shown}"' if shown.isprintable() and shown else "it speaks another protocol"
        raise no_mysql(endpoint, what)
    return _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise ConnectionResetError("closed")
        received += piece
    return received


def _some_more(connection: socket.socket) -> bytes:
    try:
        connection.settimeout(0.2)
        return connection.recv(64)
    except OSError:
        return b""


def _speaks_http(connection: socket.socket) -> bool:
    try:
        connection.settimeout(0.5)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


def _parsed(packet: bytes, endpoint: Endpoint) -> Greeting:
    """Protocol 10's greeting: version, thread, salt, capabilities, …, plugin.  An error packet is raised."""
    if packet[0] == 0xFF and len(packet) >= 3:
        text = packet[3:].decode("utf-8", "replace")
        raise by_number(int.from_bytes(packet[1:3], "little"), re.sub(r"^#.{5}", "", text), endpoint)
    end = packet.find(b"\0", 1)
    if packet[0] != 10 or end < 0:
        raise no_mysql(endpoint, "it speaks another protocol")
    rest = packet[end + 1 :]
    capabilities = int.from_bytes(rest[13:15], "little") | int.from_bytes(rest[18:20], "little") << 16
    salt = max(13, (rest[20] if len(rest) > 20 else 0) - 8)
    plugin = rest[31 + salt :].split(b"\0")[0].decode("latin-1")
    found = Greeting(packet[1:end].decode("latin-1"), bool(capabilities & TLS_OFFERED), plugin)
    if not found.version:
        raise no_mysql(endpoint, "it speaks another protocol")
    return found
