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

MYSQL = {
    "clear": "mysql_clear_password",
    "dialog": "dialog",
    "old": "mysql_old_password",
    "old without a name": "mysql_old_password",
    "sha256": "sha256_password",
    "sha256 from the greeting on": "sha256_password",
    "caching": "caching_sha2_password",
    "alert": "handshake",
    "drip at the greeting": "sends nothing",
    "drip at the login": "sends nothing",
    "drip in a row": "sends nothing",
    "endless rows": "is too long",
    "endless columns": "is too long",
    "endless results": "is too long",
    "a file": "file of this machine",
    "short rows": "malformed",
    "broken rows": "malformed",
    "rows of escapes": "malformed",
    "sequence": "malformed",
    "large error": "is too long",
    "long version": "access denied",
    "escapes": "title",
}
"""The ways of the rogue MySQL server, each with what a check says of it."""


def drip(connection: socket.socket, beginning: bytes) -> None:
    """Never silent, and never done."""
    while True:
        connection.sendall(beginning[:1] or b"x")
        beginning = beginning[1:]
        time.sleep(0.1)


def _text(word: bytes) -> bytes:
    return bytes([len(word)]) + word


@dataclass
class RogueMysql:
    """One way of them; `heard` is all that was said to it, also what was encrypted with its key."""

    way: str
    certificate: tuple[Path, Path] | None = None
    heard: bytes = b""
    port: int = 0
    spoken_to: threading.Event = field(default_factory=threading.Event)
    _numbers: dict[int, int] = field(default_factory=dict)

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def answer(self, connection: socket.socket) -> None:
        """One connection, to its end."""
        self.spoken_to.set()
        self._numbers[id(connection)] = 0
        if self.way == "drip at the greeting":
            drip(connection, b"\xff\xff\0\0\x0a5.6.24")
        self._say(connection, self._greeting())
        login = self._hear(connection)
        if self.way == "alert" and len(login) == 32:
            return connection.sendall(_ALERT)
        if self.certificate is not None and len(login) == 32:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            secured = context.wrap_socket(connection, server_side=True)
            self._numbers[id(secured)] = self._numbers[id(connection)]
            if self.way == "drip at the login":
                drip(secured, b"\xff\xff\0\3\0")
            word = self._hear(secured).decode("latin-1").split("correct", 1)
            return self._say(secured, b"\xff\x50\x04#42000" + f"no correct{word[-1]}".encode()[:200])
        if self._log_in(connection):
            while (command := self._hear(connection)) != b"\1":
                self._numbers[id(connection)] = 1
                self._result(connection, command)
        return None

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

    def _log_in(self, connection: socket.socket) -> bool:
        """How a log-in goes on; whether it succeeds."""
        plain = {"clear": b"mysql_clear_password", "dialog": b"dialog", "old": b"mysql_old_password"}
        way, salt = self.way, b"".join(_SALT)
        if way in plain:
            more = b"\4Password: " if way == "dialog" else salt
            self._say(connection, b"\xfe" + plain[way] + b"\0" + more)
            self._hear(connection)
        elif way == "old without a name":
            self._say(connection, b"\xfe")
            self._hear(connection)
        elif way.startswith("sha256") or way == "caching":
            if way == "sha256":
                self._say(connection, b"\xfesha256_password\0" + salt + b"\0")
                self._hear(connection)
            elif way == "caching":
                self._say(connection, b"\1\4")
                self._hear(connection)
            public = self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            self._say(connection, b"\1" + public)
            sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
            word = self._key.decrypt(self._hear(connection), sha1)
            self.heard += bytes(one ^ salt[at % 20] for at, one in enumerate(word))
        elif way == "drip at the login":
            drip(connection, b"\xff\xff\0\2\0")
        elif way == "large error":
            self._say(connection, b"\xff\x28\x04#42000" + b"e" * 0xFFFF00)
        elif way == "long version":
            self._say(connection, b"\xff\x15\x04#28000Access denied")
        elif way == "escapes":
            self._say(connection, b"\xff\x50\x04#42000" + ESCAPES.encode() + b"\n\r" + b"x" * 3000)
        else:
            self._say(connection, _OK)
            return True
        return False

    def _result(self, connection: socket.socket, command: bytes) -> None:
        """The answer to a statement."""
        if command[1:4] == b"SET" or self.way.startswith("agrees"):
            return self._say(connection, _OK)
        if self.way == "a file":
            self._say(connection, b"\xfb/etc/passwd")
            self._hear(connection)
            return self._say(connection, _OK)
        if self.way == "endless results":
            self._for_ever(connection, b"\0\0\0\x0a\0\0\0" + b"x" * 200)
        if self.way == "sequence":
            self._numbers[id(connection)] = 77
        column = _text(b"def") + _text(b"") * 3 + _text(b"x") * 2 + b"\x0c\x21\0\xff\0\0\0\xfd\0\0\0\0\0"
        row = {"broken rows": _text(b"\xff\xfe"), "rows of escapes": _text(ESCAPES.encode())}.get(
            self.way, _text(b"x")
        )
        self._say(connection, b"\xfd\xff\xff\xff" if self.way == "endless columns" else b"\4")
        if self.way == "endless columns":
            self._for_ever(connection, column.replace(_text(b"x") * 2, _text(b"x" * 200) * 2))
        for _ in range(4):
            self._say(connection, column)
        self._say(connection, _END)
        if self.way == "drip in a row":
            drip(connection, b"\xff\xff\0" + bytes([self._numbers[id(connection)]]))
        if self.way == "endless rows":
            self._for_ever(connection, _text(b"x" * 50) * 4)
        self._say(connection, row)
        return self._say(connection, _END)

    def _for_ever(self, connection: socket.socket, content: bytes) -> None:
        """The same packet, again and again: after 256 of them the numbers are the same, too."""
        block = b"".join(self._packet(connection, content) for _ in range(256))
        while True:
            connection.sendall(block)

    def _packet(self, connection: socket.socket, content: bytes) -> bytes:
        number = self._numbers[id(connection)]
        self._numbers[id(connection)] = (number + 1) % 256
        return len(content).to_bytes(3, "little") + bytes([number]) + content

    def _say(self, connection: socket.socket, content: bytes) -> None:
        connection.sendall(self._packet(connection, content))

    def _hear(self, connection: socket.socket) -> bytes:
        """The next packet; OSError at the end."""
        header = self._exactly(connection, 4)
        self._numbers[id(connection)] = (header[3] + 1) % 256
        found = self._exactly(connection, int.from_bytes(header[:3], "little"))
        self.heard += found
        return found

    @staticmethod
    def _exactly(connection: socket.socket, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = connection.recv(size - len(found))
            if not piece:
                raise ConnectionResetError
            found += piece
        return found


@contextlib.contextmanager
def rogue_mysql(way: str, certificate: tuple[Path, Path] | None = None) -> Iterator[RogueMysql]:
    """A rogue MySQL server on a port of 127.0.0.1."""
    rogue = RogueMysql(way, certificate)
    with listener(rogue.answer) as rogue.port:
        yield rogue


SPARK = {
    "drip at the first line": "no answer within",
    "drip in the headers": "no answer within",
    "drip in the body": "no answer within",
    "endless headers": "does not speak HTTP",
    "endless body": "sends more than",
    "a huge length": "is not a node of the profile",
    "for ever to be continued": "sends more than",
    "escapes": "title",
    "strange values": "is not a node of the profile",
    "a broken page": "was not found",
}
"""The ways of the rogue Spark UI, each with what `verify` says of it."""


def spark_ui(way: str, connection: socket.socket) -> None:
    """One request to a rogue Spark UI."""
    asked = connection.recv(65536)
    ok, text = b"HTTP/1.1 200 OK\r\n", "\ud800" if way == "strange values" else ESCAPES
    if way == "drip at the first line":
        drip(connection, b"HTTP/1.1 200 ")
    elif way == "drip in the headers":
        drip(connection, ok + b"X: ")
    elif way == "drip in the body":
        drip(connection, ok + b"\r\n")
    while way == "endless headers":
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)
    while way == "for ever to be continued":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    connection.sendall(
        ok + (b"Content-Length: 1%s\r\n\r\n" % (b"0" * 40) if way == "a huge length" else b"\r\n")
    )
    while way == "endless body":
        connection.sendall(b"[" * 65536)
    if b"/environment" in asked and way == "a broken page":
        return connection.sendall(b"<html><![if><![endless[")
    port = "\u00b2" if way == "strange values" else "99999999"
    worker = {"state": "ALIVE", "host": "127.0.0.1", "webuiaddress": f"http://127.0.0.1:{port}"}
    application = {"id": text, "name": text * 5000, "state": "RUNNING"}
    properties = [
        ["spark.master", f"spark://{text}:{port},x:1" + ",y:2" * 5000],
        ["spark.app.id", text],
        [None],
        7,
    ]
    paths = [["/opt/\0", "x"], [f"/{'x' * 5000}", {}], "z"]
    found = {
        "status": "ALIVE",
        "workers": [worker, None, 7],
        "activeapps": [application] * 2,
        "executors": [{"appid": {}, "id": None}] * 9,
        "sparkProperties": properties,
        "classpathEntries": paths,
    }
    if way == "a broken page":
        del found["sparkProperties"]
    connection.sendall(json.dumps(found).encode())
    return None


@contextlib.contextmanager
def rogue_spark(way: str) -> Iterator[int]:
    """Rogue UIs at the places of two nodes' masters, workers and applications; the first node's offset."""
    offset = free_offset()
    with contextlib.ExitStack() as stack:
        for port in (base + offset + node for base in (8081, 11500, 4040) for node in (0, 1)):
            stack.enter_context(listener(lambda connection: spark_ui(way, connection), port))
        yield offset


SVN = {
    "drip": "",
    "silence": "no answer within",
    "endless": "",
    "escapes": "",
    "another protocol": "",
    "a list without end": "",
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
