"""Whether a Subversion repository answers, and takes the account: asked, never committed to.

`svn:` is spoken directly: a client would log in anonymously wherever that is allowed, and so not try the account.
For `http:` and `https:` the `svn` client is asked where it is installed, else the server itself, by an OPTIONS
request with the account.  Source for the protocol: Subversion's `subversion/libsvn_ra_svn/protocol`.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from wizard.system import finding
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.passwords.secret import Secret
    from wizard.profile.model import Profile

PATIENCE = 4.0
"""Seconds that one answer may take; below the limit of the check, so that the message can be exact."""

CORRECT_URL = "correct deployment_sync.svn_url"
CORRECT_ACCOUNT = "correct deployment_sync.svn_username and svn_password"


class RepositoryError(Exception):
    """What is wrong with the repository, and the fix."""

    def __init__(self, message: str, fix: str = CORRECT_URL) -> None:
        super().__init__(message)
        self.fix = fix


def look(profile: Profile, password: Secret | None) -> Iterator[Finding]:
    """What the repository of the profile says; a `file:` one must be writable by whoever runs the manager."""
    sync = profile.deployment_sync
    url = urlsplit(sync.svn_url or "")
    user, word = sync.svn_username or "", password.reveal() if password is not None else ""
    try:
        told = {"svn": _svn, "file": _file, "http": _http, "https": _http}[url.scheme.lower()](
            url, user, word
        )
    except RepositoryError as problem:
        yield finding.error(f"{sync.svn_url}: {problem}", fix=problem.fix)
    except TimeoutError:
        yield finding.error(f"{sync.svn_url}: no answer within {PATIENCE:g} s", fix=CORRECT_URL)
    except OSError as problem:
        yield finding.error(f"{sync.svn_url}: {problem.strerror or problem}", fix=CORRECT_URL)
    except KeyError:
        yield finding.error(f"{sync.svn_url}: is no http, https, svn or file URL", fix=CORRECT_URL)
    else:
        yield finding.ok(
            f"{sync.svn_url}: {told}; whether {user} may commit shows at the first commit of the manager"
        )


# --- svn: the protocol itself ---------------------------------------------------------------------------


class _Conversation:
    """A connection that speaks in lists: `( word 3:abc ( 1 2 ) )`."""

    MOST = 64 * 1024

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=PATIENCE)
        self._buffer = b""

    def __enter__(self) -> _Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def receive(self) -> list[object]:
        """The next list; `RepositoryError` where what comes is no Subversion."""
        tokens = self._tokens()
        if next(tokens) != "(":
            raise RepositoryError("what answers there is no Subversion server")
        return self._list(tokens)

    def _list(self, tokens: Iterator[object]) -> list[object]:
        found: list[object] = []
        for token in tokens:
            if token == ")":
                return found
            found.append(self._list(tokens) if token == "(" else token)
        return found

    def _tokens(self) -> Iterator[object]:
        while True:
            while (match := re.match(rb"\s*(\(|\)|(\d+):|[A-Za-z0-9-]+(?=\s))", self._buffer)) is None:
                if re.match(rb"\s*([A-Za-z0-9-]*|\d+)$", self._buffer) is None:
                    raise RepositoryError("what answers there is no Subversion server")
                self._more()
            if match[2] is None:
                self._buffer = self._buffer[match.end() :]
                yield match[1].decode()
                continue
            start, length = match.end(), int(match[2][:6])
            while len(self._buffer) < start + length:
                self._more()
            text, self._buffer = self._buffer[start : start + length], self._buffer[start + length :]
            yield _Text(text.decode("utf-8", "replace"))

    def _more(self) -> None:
        block = self._socket.recv(4096)
        if not block or len(self._buffer) > self.MOST:
            raise RepositoryError("what answers there is no Subversion server")
        self._buffer += block


class _Text(str):
    """A string of the protocol, which is no word and no bracket even if it looks like one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and str.__eq__(self, other)

    __hash__ = str.__hash__


def _svn(url: SplitResult, user: str, password: str) -> str:
    import hashlib
    import hmac

    with _Conversation(url.hostname or "", url.port or 3690) as talk:
        _expect(talk.receive())
        address = url.geturl()
        talk.send(f"( 2 ( edit-pipeline svndiff1 ) {_string(address)} {_string('apimha-wizard')} ( ) ) ")
        methods = _inner(_expect(talk.receive()), 0)
        if "CRAM-MD5" in methods:
            talk.send("( CRAM-MD5 ( ) ) ")
            challenge = talk.receive()
            if challenge[:1] != ["step"]:
                raise RepositoryError("the server does not let anybody log in", CORRECT_ACCOUNT)
            word = str(_inner(challenge, 1)[0])
            digest = hmac.new(password.encode(), word.encode(), hashlib.md5).hexdigest()
            talk.send(_string(f"{user} {digest}") + " ")
            answer = talk.receive()
            if answer[:1] != ["success"]:
                raise RepositoryError(f"the account {user} is refused ({_reason(answer)})", CORRECT_ACCOUNT)
            told = f"takes the account {user}"
        elif "ANONYMOUS" in methods:
            talk.send("( ANONYMOUS ( 0: ) ) ")
            _expect(talk.receive())
            told = "asks for no account"
        else:
            names = " ".join(str(method) for method in methods)
            return f"answers, and wants a log-in that cannot be tried here ({names})"
        _expect(talk.receive())
    return told


def _string(text: str) -> str:
    return f"{len(text.encode())}:{text}"


def _inner(answer: list[object], place: int) -> list[object]:
    found = answer[place] if len(answer) > place else None
    if not isinstance(found, list):
        raise RepositoryError("what answers there is no Subversion server")
    return found


def _expect(answer: list[object]) -> list[object]:
    """What a `success` carries; `RepositoryError` with the server's words for anything else."""
    if answer[:1] == ["success"]:
        return _inner(answer, 1)
    raise RepositoryError(_reason(answer))


def _reason(answer: list[object]) -> str:
    """The server's words in a `failure`: of all its parts, the texts that read like a sentence."""
    flat: list[object] = [answer]
    texts = []
    while flat:
        item = flat.pop(0)
        if isinstance(item, list):
            flat = [*item, *flat]
        elif isinstance(item, _Text) and " " in item:
            texts.append(str(item))
    return "; ".join(dict.fromkeys(texts)) or "the server refuses"


# --- http and file ----------------------------------------------------------------------------------------


def _file(url: SplitResult, user: str, password: str) -> str:
    path = Path(unquote(url.path))
    root = next((folder for folder in (path, *path.parents) if (folder / "format").is_file()), None)
    if root is None or not (root / "db").is_dir():
        raise RepositoryError(f"there is no repository in {path}", f"svnadmin create '{path}'")
    if not os.access(root / "db", os.W_OK):
        raise RepositoryError(
            f"this user cannot write into {root}", f"let the servers' user write into {root}"
        )
    return "is a repository that this user can write into"


def _http(url: SplitResult, user: str, password: str) -> str:
    import shutil

    client = shutil.which("svn")
    return _asked_by_client(client, url, user, password) if client else _options(url, user, password)


def _asked_by_client(client: str, url: SplitResult, user: str, password: str) -> str:
    """`svn info` with the account, in a configuration of its own; the password goes through standard input."""
    import signal
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="apimha-svn-") as folder:
        arguments = [client, "info", "--non-interactive", "--no-auth-cache", "--config-dir", folder]
        arguments += ["--username", user, "--password-from-stdin", "--", url.geturl()]
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        try:
            _, errors = process.communicate(password.encode(), timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise TimeoutError from None
    if process.returncode == 0:
        return f"answers to {user}"
    text = errors.decode("utf-8", "replace").strip().splitlines()
    told = text[-1].partition(": ")[2] if text else "svn info failed"
    refused = any(code in errors for code in (b"E170001", b"E215004"))
    raise RepositoryError(
        f"the account {user} is refused" if refused else told, CORRECT_ACCOUNT if refused else CORRECT_URL
    )


def _options(url: SplitResult, user: str, password: str) -> str:
    import http.client
    from base64 import b64encode

    kind = http.client.HTTPSConnection if url.scheme.lower() == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=PATIENCE)
    account = b64encode(f"{user}:{password}".encode()).decode()
    try:
        connection.request("OPTIONS", url.path or "/", headers={"Authorization": f"Basic {account}"})
        answer = connection.getresponse()
        answer.read(1024)
    except http.client.HTTPException:
        raise RepositoryError("what answers there is no web server") from None
    finally:
        connection.close()
    if answer.status in {401, 403}:
        wanted = (answer.getheader("WWW-Authenticate") or "").partition(" ")[0].lower()
        if answer.status == 401 and wanted not in {"", "basic"}:
            return f"answers, and wants a log-in that cannot be tried without the svn client ({wanted})"
        raise RepositoryError(f"the account {user} is refused (HTTP {answer.status})", CORRECT_ACCOUNT)
    if answer.status >= 300:
        raise RepositoryError(f"HTTP {answer.status} {answer.reason}")
    if "version-control" not in (answer.getheader("DAV") or ""):
        raise RepositoryError("a web server answers, but no Subversion repository")
    return f"answers to {user}"
