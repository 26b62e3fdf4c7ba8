"""What may listen where MySQL is expected: nothing but 127.0.0.1, and none of it is MySQL."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeVar


@contextlib.contextmanager
def listener(answer: Callable[[socket.socket], object], port: int = 0) -> Iterator[int]:
    """A port (some free one) of 127.0.0.1; each connection is given to `answer` in a thread, and closed after it."""
    gone = threading.Event()
    open_sockets: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", port)) as listening:

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                answer(connection)

        def accept() -> None:
            while not gone.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                open_sockets.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            gone.set()
            for connection in open_sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


SHIFTED = (4040, 6066, 7077, 7611, 7711, 8081, 9443, 9611, 9711, 9763, 9999, 11000, 11111, 11500)
SHIFTED += (12000, 12500, 13000, 13500, 14000)
"""The ports of the stock pack that the offset moves."""


def are_free(numbers: Iterable[int]) -> bool:
    with contextlib.ExitStack() as stack:
        try:
            for number in numbers:
                stack.enter_context(socket.create_server(("", number)))
        except OSError:
            return False
    return True


T = TypeVar("T")


def share(candidates: Sequence[T]) -> list[T]:
    """The part of this process, in any order: no other worker takes a port between the look and the use."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    part = candidates[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    return random.sample(part, len(part))


@cache
def offsets() -> list[int]:
    """Offsets that have no port in common, for two nodes each."""
    found, taken = [], set[int]()
    for offset in range(2_000, 15_000, 2):
        ports = {base + offset + more for base in SHIFTED for more in (0, 1)}
        if not ports & taken:
            taken |= ports
            found.append(offset)
    return found


def free_offset() -> int:
    """An offset with which the ports of two nodes are free."""
    for offset in share(offsets()):
        if are_free(base + offset + more for base in SHIFTED for more in (0, 1)):
            return offset
    raise AssertionError("no free ports")


def silent(connection: socket.socket) -> None:
    """Accepts, reads, and never says a word."""
    while connection.recv(4096):
        pass


def http(connection: socket.socket) -> None:
    """A web server: it speaks when it is spoken to."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def ssh(connection: socket.socket) -> None:
    """Speaks first, and something else."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    silent(connection)


def closing(connection: socket.socket) -> None:
    """Ends every connection at once."""


def saying(packet: bytes) -> Callable[[socket.socket], None]:
    """Says one packet of MySQL's protocol, then nothing."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(len(packet).to_bytes(3, "little") + b"\0" + packet)
        silent(connection)

    return answer


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port of 127.0.0.1 that swallows connections as a firewall does: its queue is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@contextlib.contextmanager
def cutting_proxy(port: int, *, after: int) -> Iterator[int]:
    """A way to the server at `port` that breaks when the client has spoken `after` times, and stays broken."""
    spoken = 0
    broken = threading.Event()

    def answer(connection: socket.socket) -> None:
        nonlocal spoken
        if broken.is_set():
            return
        with socket.create_connection(("127.0.0.1", port)) as server:

            def back() -> None:
                with contextlib.suppress(OSError):
                    while piece := server.recv(65536):
                        connection.sendall(piece)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

            threading.Thread(target=back, daemon=True).start()
            try:
                while piece := connection.recv(65536):
                    spoken += 1
                    if spoken >= after:
                        broken.set()
                        return
                    server.sendall(piece)
            finally:
                # A close alone would wait for the other thread, and the server would notice nothing.
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)

    with listener(answer) as own_port:
        yield own_port
