"""A connection to an untrusted peer: whatever it does, it takes no more time and no more bytes than allowed."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any, Literal

from wizard.system import network

if TYPE_CHECKING:
    import ssl

    from _typeshed import ReadableBuffer, WriteableBuffer

CONNECT_LIMIT = 3.5
"""Seconds for the TCP connection: with what follows it stays within the five of a check."""


class Allowance:
    """What a peer may still take: seconds and bytes, for all that it does together."""

    def __init__(self, seconds: float, size: int) -> None:
        self.renew(size, seconds)

    def renew(self, size: int, seconds: float | None = None) -> None:
        """Allow that much from now on; without `seconds` the end stays where it was."""
        self._left = size
        if seconds is not None:
            self._deadline = time.monotonic() + seconds

    @property
    def spent(self) -> Literal["", "time", "size"]:
        """What is used up."""
        return "size" if self._left < 0 else "time" if time.monotonic() >= self._deadline else ""

    def seconds(self) -> float:
        """The time that is left.  TimeoutError where there is none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def take(self, received: int) -> int:
        """Count what came.  OSError where that was too much."""
        self._left -= received
        if self._left < 0:
            raise OSError("too much data received")
        return received


class Peer(socket.socket):
    """A socket that keeps to an allowance.  `pause` is the longest that one wait may take within it."""

    pause = float("inf")
    ahead = b""
    """What was read already and is to be read again."""

    def __init__(self, family: int, allowance: Allowance) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._allowance = allowance

    @property
    def allowance(self) -> Allowance:
        return self._allowance

    def _hurry(self) -> None:
        self.settimeout(min(self.pause, self.allowance.seconds()))

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        room = nbytes or len(memoryview(buffer))
        if self.ahead:
            piece, self.ahead = self.ahead[:room], self.ahead[room:]
            memoryview(buffer)[: len(piece)] = piece
            return len(piece)
        self._hurry()
        return self.allowance.take(super().recv_into(buffer, room, flags))

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        buffer = bytearray(bufsize)
        return bytes(buffer[: self.recv_into(buffer, bufsize, flags)])

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self._hurry()
        return super().send(data, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self._hurry()
        super().sendall(data, flags)


def reach(host: str, port: int, allowance: Allowance, *, limit: float = CONNECT_LIMIT) -> Peer:
    """Connect to whatever is there.  OSError where nothing answers, `socket.gaierror` where the host is unknown."""
    found = network.addresses(host, resolve=True)
    if host.lower() == "localhost":
        found += ("::1",)
    problem: OSError = socket.gaierror(socket.EAI_NONAME, "the host is not known")
    end = time.monotonic() + limit
    for address in found:
        peer = Peer(socket.AF_INET6 if ":" in address else socket.AF_INET, allowance)
        try:
            peer.settimeout(min(max(end - time.monotonic(), 0.001), allowance.seconds()))
            peer.connect((address, port))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as failed:
            peer.close()
            if address == found[0] or not isinstance(problem, TimeoutError):
                problem = failed
        except BaseException:
            peer.close()
            raise
        else:
            return peer
    raise problem


class Encryption:
    """TLS for a `Peer`.

    `verifies`: of its certificate, that an authority of this machine issued it (`authority`), and for this host too
    (`identity`); otherwise nothing.
    """

    def __init__(self, allowance: Allowance, verifies: str = "") -> None:
        import ssl

        owner = self

        class EncryptedPeer(Peer, ssl.SSLSocket):  # type: ignore[misc]
            """Made by `SSLContext.wrap_socket`, which calls no constructor."""

            @property
            def allowance(self) -> Allowance:
                return allowance

            def do_handshake(self, *more: Any) -> None:
                self._hurry()
                super().do_handshake(*more)
                owner.established = True

        self.established = False
        """Whether the handshake has succeeded."""
        self.context: ssl.SSLContext = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = verifies == "identity"
        if verifies in ("authority", "identity"):
            self.context.load_default_certs()
        else:
            self.context.verify_mode = ssl.CERT_NONE
        self.context.sslsocket_class = EncryptedPeer
