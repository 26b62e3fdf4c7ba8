"""A real svnserve with one repository."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.need import need
from tests.support.servers import free_port


@contextlib.contextmanager
def svnserve(repository: Path, user: str, password: str, *, anonymous: str) -> Iterator[int]:
    """Create an empty repository that the user may write, and serve its folder on the port that is returned.

    `anonymous` is what everybody may do: `read` or `none`.
    """
    need("svnadmin", "svnserve")
    repository.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["svnadmin", "create", repository], check=True)
    (repository / "conf/svnserve.conf").write_text(
        f"[general]\nanon-access = {anonymous}\nauth-access = write\npassword-db = passwd\nrealm = demo\n"
    )
    (repository / "conf/passwd").write_text(f"[users]\n{user} = {password}\n", "utf-8")
    port = free_port()
    words = f"svnserve --daemon --foreground --listen-host 127.0.0.1 --listen-port {port} --root".split()
    process = subprocess.Popen([*words, repository.parent])
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            assert process.poll() is None, "svnserve does not start"
        yield port
    finally:
        process.terminate()
        process.wait()
