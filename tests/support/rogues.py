"""Servers that mean harm, each in one of many ways: a MySQL server, a Subversion server, a Spark UI."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.listeners import free_offset, listener

ESCAPES = "\x1b[31m\x1b]0;title\x07\u202e\x9b\x00\x7f"
"""What colours a terminal, sets its title, writes backwards."""

_SALT = b"12345678", b"123456789012"
_TLS, _PLUGINS, _SECURE = 0x0800, 0x00080000, 0x8000
_OK = b"\0\0\0\2\0\0\0"
_END = b"\xfe\0\0\2\0"
_ALERT = b"\x15\x03\x01\0\2\2\x28"

_SAID = {
    "sends nothing": ("drip at the greeting", "drip at the login", "drip in a row"),
    "is too long": ("endless rows", "endless columns", "endless results", "large error"),
    "malformed": ("short rows", "broken rows", "rows of escapes", "sequence"),
    "mysql_old_password": ("old", "old without a name"),
    "sha256_password": ("sha256", "sha256 from the greeting on"),
    "mysql_clear_password": ("clear",),
    "dialog": ("dialog",),
    "caching_sha2_password": ("caching",),
    "handshake": ("alert",),
    "file of this machine": ("a file",),
    "title": ("escapes",),
    "access denied": ("long version",),
}
MYSQL = {way: said for said, ways in _SAID.items() for way in ways}
"""The ways of the rogue MySQL server, each with what a check says of it."""


def drip(connection: socket.socket, beginning: bytes) -> None:
    """Never silent, and never done."""
    while True:
        connection.sendall(beginning[:1] or b"x")
        beginning = beginning[1:]
        time.sleep(0.1)


def _text(word: bytes) -> bytes:
    return bytes([len(word)]) + word


class _Wire:
    """One connection in packets, which are numbered; `heard` is all that was received."""

    def __init__(self, connection: socket.socket, number: int = 0) -> None:
        self.connection, self.number, self.heard = connection, number, b""

    def packet(self, content: bytes) -> bytes:
        number, self.number = self.number, (self.number + 1) % 256
        return len(content).to_bytes(3, "little") + bytes([number]) + content

    def say(self, content: bytes) -> None:
        self.connection.sendall(self.packet(content))

    def for_ever(self, content: bytes) -> None:
        """The same packet, again and again: after 256 of them the numbers are the same, too."""
        block = b"".join(self.packet(content) for _ in range(256))
        while True:
            self.connection.sendall(block)

    def hear(self) -> bytes:
        """The next packet; OSError at the end."""
        whole = () if isinstance(self.connection, ssl.SSLSocket) else (socket.MSG_WAITALL,)
        header = self.connection.recv(4, *whole)
        if not header:
            raise ConnectionResetError
        self.number = (header[3] + 1) % 256
        found = self.connection.recv(int.from_bytes(header[:3], "little"), *whole)
        self.heard += found
        return found


# The plugin that a way asks for after the login was sent.
_ASKED = {
    "clear": "mysql_clear_password",
    "dialog": "dialog",
    "old": "mysql_old_password",
    "sha256": "sha256_password",
}
_REFUSED = {
    "large error": b"\xff\x28\x04#42000" + b"e" * 0xFFFF00,
    "long version": b"\xff\x15\x04#28000Access denied",
    "escapes": b"\xff\x50\x04#42000" + ESCAPES.encode() + b"\n\r" + b"x" * 3000,
}


@dataclass
class RogueMysql:
    """One way of them; `heard` is all that was said to it, also what was encrypted with its key."""

    way: str
    certificate: tuple[Path, Path] | None = None
    port: int = 0
    spoken_to: threading.Event = field(default_factory=threading.Event)
    _wires: list[_Wire] = field(default_factory=list)
    _decrypted: bytes = b""

    @property
    def heard(self) -> bytes:
        return b"".join(wire.heard for wire in self._wires) + self._decrypted

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def _wire(self, connection: socket.socket, number: int = 0) -> _Wire:
        self._wires.append(_Wire(connection, number))
        return self._wires[-1]

    def answer(self, connection: socket.socket) -> None:
        """One connection, to its end."""
        self.spoken_to.set()
        if self.way == "drip at the greeting":
            drip(connection, b"\xff\xff\0\0\x0a5.6.24")
        wire = self._wire(connection)
        wire.say(self._greeting())
        asks_for_tls = len(wire.hear()) == 32
        if self.way == "alert" and asks_for_tls:
            connection.sendall(_ALERT)
        elif self.certificate is not None and asks_for_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            secured = self._wire(context.wrap_socket(connection, server_side=True), wire.number)
            if self.way == "drip at the login":
                drip(secured.connection, b"\xff\xff\0\3\0")
            word = secured.hear().decode("latin-1").split("correct", 1)
            secured.say(b"\xff\x50\x04#42000" + f"no correct{word[-1]}".encode()[:200])
        elif self._log_in(wire):
            while (command := wire.hear()) != b"\1":
                wire.number = 1
                self._result(wire, command)

    def _greeting(self) -> bytes:
        version = {"long version": b"5.6." + b"9" * 10_000, "escapes": b"5.6.24" + ESCAPES.encode()}
        version |= {f"agrees as {name}": name.encode() for name in ("8.0.36", "10.11.19-MariaDB")}
        plugin = {"sha256 from the greeting on": b"sha256_password", "caching": b"caching_sha2_password"}
        named = self.way != "old without a name"
        flags = 0xF7FF & ~_TLS | _SECURE | (_PLUGINS if named else 0)
        if self.way == "alert" or self.certificate is not None:
            flags |= _TLS
        return b"".join(
            [
                b"\x0a" + version.get(self.way, b"5.6.24").replace(b"\0", b"") + b"\0",
                b"\1\0\0\0" + _SALT[0] + b"\0",
                (flags & 0xFFFF).to_bytes(2, "little") + b"\x21\2\0" + (flags >> 16).to_bytes(2, "little"),
                b"\x15" + bytes(10) + _SALT[1] + b"\0",
                plugin.get(self.way, b"mysql_native_password") + b"\0" if named else b"",
            ]
        )

    def _log_in(self, wire: _Wire) -> bool:
        """How a login continues; whether it succeeds."""
        way, salt = self.way, b"".join(_SALT)
        if way == "drip at the login":
            drip(wire.connection, b"\xff\xff\0\2\0")
        asking = {"old without a name": b"\xfe", "caching": b"\1\4", **_REFUSED}
        asking |= {name: b"\xfe" + plugin.encode() + b"\0" + salt for name, plugin in _ASKED.items()}
        asking["dialog"] = b"\xfedialog\0\4Password: "
        if way in asking:
            wire.say(asking[way])
            wire.hear()
        if way == "caching" or way.startswith("sha256"):
            public = self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            wire.say(b"\1" + public)
            sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
            word = self._key.decrypt(wire.hear(), sha1)
            self._decrypted += bytes(one ^ salt[at % 20] for at, one in enumerate(word))
        elif way not in asking:
            wire.say(_OK)
            return True
        return False

    def _result(self, wire: _Wire, command: bytes) -> None:
        """The answer to a statement."""
        if command[1:4] == b"SET" or self.way.startswith("agrees"):
            return wire.say(_OK)
        if self.way == "a file":
            wire.say(b"\xfb/etc/passwd")
            wire.hear()
            return wire.say(_OK)
        if self.way == "endless results":
            wire.for_ever(b"\0\0\0\x0a\0\0\0" + b"x" * 200)
        if self.way == "sequence":
            wire.number = 77
        column = _text(b"def") + _text(b"") * 3 + _text(b"x") * 2 + b"\x0c\x21\0\xff\0\0\0\xfd\0\0\0\0\0"
        wire.say(b"\xfd\xff\xff\xff" if self.way == "endless columns" else b"\4")
        if self.way == "endless columns":
            wire.for_ever(column.replace(_text(b"x") * 2, _text(b"x" * 200) * 2))
        for _ in range(4):
            wire.say(column)
        wire.say(_END)
        if self.way == "drip in a row":
            drip(wire.connection, b"\xff\xff\0" + bytes([wire.number]))
        if self.way == "endless rows":
            wire.for_ever(_text(b"x" * 50) * 4)
        rows = {"broken rows": b"\xff\xfe", "rows of escapes": ESCAPES.encode()}
        wire.say(_text(rows.get(self.way, b"x")))
        return wire.say(_END)


@contextlib.contextmanager
def rogue_mysql(way: str, certificate: tuple[Path, Path] | None = None) -> Iterator[RogueMysql]:
    """A rogue MySQL server on a port of 127.0.0.1."""
    rogue = RogueMysql(way, certificate)
    with listener(rogue.answer) as rogue.port:
        yield rogue


SPARK = {
    **dict.fromkeys(
        ("drip at the first line", "drip in the headers", "drip in the body"), "no answer within"
    ),
    **dict.fromkeys(("endless body", "for ever to be continued"), "sends more than"),
    **dict.fromkeys(("a huge length", "strange values"), "is not a node of the profile"),
    "endless headers": "does not speak HTTP",
    "escapes": "title",
    "a broken page": "was not found",
}
"""The ways of the rogue Spark UI, each with what `verify` says of it."""


def spark_ui(way: str, connection: socket.socket) -> None:
    """One request to a rogue Spark UI."""
    asked = connection.recv(65536)
    ok, text = b"HTTP/1.1 200 OK\r\n", "\ud800" if way == "strange values" else ESCAPES
    drips = {
        "at the first line": b"HTTP/1.1 200 ",
        "in the headers": ok + b"X: ",
        "in the body": ok + b"\r\n",
    }
    if way.startswith("drip "):
        drip(connection, drips[way.removeprefix("drip ")])
    endless = {"endless headers": ok + b"X: y\r\n" * 1000}
    endless["for ever to be continued"] = b"HTTP/1.1 100 Continue\r\n\r\n" * 1000
    while way in endless:
        connection.sendall(endless[way])
    length = b"Content-Length: 1%s\r\n" % (b"0" * 40) if way == "a huge length" else b""
    connection.sendall(ok + length + b"\r\n")
    while way == "endless body":
        connection.sendall(b"[" * 65536)
    if b"/environment" in asked and way == "a broken page":
        return connection.sendall(b"<html><![if><![endless[")
    port = "\u00b2" if way == "strange values" else "99999999"
    worker = {"state": "ALIVE", "host": "127.0.0.1", "webuiaddress": f"http://127.0.0.1:{port}"}
    master = f"spark://{text}:{port},x:1" + ",y:2" * 5000
    found = {
        "status": "ALIVE",
        "workers": [worker, None, 7],
        "activeapps": [{"id": text, "name": text * 5000, "state": "RUNNING"}] * 2,
        "executors": [{"appid": {}, "id": None}] * 9,
        "sparkProperties": [["spark.master", master], ["spark.app.id", text], [None], 7],
        "classpathEntries": [["/opt/\0", "x"], [f"/{'x' * 5000}", {}], "z"],
    }
    if way == "a broken page":
        del found["sparkProperties"]
    return connection.sendall(json.dumps(found).encode())


@contextlib.contextmanager
def rogue_spark(way: str) -> Iterator[int]:
    """Rogue UIs at the places of two nodes' masters, workers and applications; the first node's offset."""
    offset = free_offset()
    with contextlib.ExitStack() as stack:
        for port in (base + offset + node for base in (8081, 11500, 4040) for node in (0, 1)):
            stack.enter_context(listener(lambda connection: spark_ui(way, connection), port))
        yield offset


SVN = {
    **dict.fromkeys(("drip", "endless", "escapes", "another protocol", "a list without end"), ""),
    "silence": "no answer within",
    "plain": "not tested",
    "login": "not tested",
}
"""The ways of the rogue Subversion server, each with what a check says of it (an old client says less)."""


@contextlib.contextmanager
def rogue_svn(way: str) -> Iterator[tuple[int, list[bytes]]]:
    """A rogue Subversion server; its port, and what it heard."""
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        greeting = b"( success ( 2 2 ( ) ( edit-pipeline ) ) ) "
        if way == "drip":
            drip(connection, b"( ")
        elif way == "another protocol":
            connection.sendall(b"SSH-2.0-" + ESCAPES.encode() + b"\r\n")
        elif way != "silence":
            connection.sendall(greeting)
        heard.append(connection.recv(65536))
        word = ESCAPES.encode() + b"w" * 3000
        failure = b"( failure ( ( 170001 %d:%s 1:f 1 ) ) ) " % (len(word), word)
        while way == "endless":
            connection.sendall(failure * 100)
        while way == "a list without end":
            connection.sendall(b"( " * 1000)
        if way == "escapes":
            connection.sendall(failure)
        if way in ("plain", "login"):
            connection.sendall(b"( success ( ( %s ) 5:realm ) ) " % way.upper().encode())
        while piece := connection.recv(65536):
            heard.append(piece)

    with listener(answer) as port:
        yield port, heard
