"""Whether a Subversion repository answers, and takes the account: asked, never committed to.

The `svn` client asks where it is installed.  Without it, an `svn:` server's greeting shows that one is there, and an
`http:` server is asked itself, by an OPTIONS request with the account.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urlsplit

from wizard.passwords.secret import MASK
from wizard.system import finding
from wizard.system.finding import Finding
from wizard.system.peer import Allowance, Encryption, reach
from wizard.system.printable import quoted

if TYPE_CHECKING:
    from wizard.passwords.secret import Secret
    from wizard.profile.model import Profile

PATIENCE = 4.0
"""Seconds that one answer may take; below the limit of the check, so that the message can be exact."""

LATER = "whether it may commit shows at the first commit of the manager"

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
    url = url._replace(path=quote(url.path, safe="%/:@!$&'()*+,;=~"))
    user, word = sync.svn_username or "", password.reveal() if password is not None else ""
    try:
        told = {"svn": _remote, "file": _file, "http": _remote, "https": _remote}[url.scheme.lower()](
            url, user, word
        )
    except RepositoryError as problem:
        # The server may know the password, and say it again.
        text = str(problem).replace(word, MASK) if word else str(problem)
        yield finding.error(f"{sync.svn_url}: {quoted(text)}", fix=problem.fix)
    except TimeoutError:
        yield finding.error(f"{sync.svn_url}: no answer within {PATIENCE:g} s", fix=CORRECT_URL)
    except OSError as problem:
        yield finding.error(f"{sync.svn_url}: {problem.strerror or problem}", fix=CORRECT_URL)
    except KeyError:
        yield finding.error(f"{sync.svn_url}: is no http, https, svn or file URL", fix=CORRECT_URL)
    else:
        yield finding.ok(f"{sync.svn_url}: {told}")


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


def _remote(url: SplitResult, user: str, password: str) -> str:
    import shutil

    client = shutil.which("svn")
    if client:
        return _asked_by_client(client, url, user, password)
    return (_greeted if url.scheme.lower() == "svn" else _options)(url, user, password)


def _asked_by_client(client: str, url: SplitResult, user: str, password: str) -> str:
    """Ask with the account, in a configuration of its own; the password goes through standard input.

    Without the modules of SASL the client proves by CRAM-MD5 that it knows the password: with them it would send the
    password in clear text to any `svn:` server that asks.  A web server that redirects to `svn+ssh:` starts no ssh.
    Where anybody may read, an `svn:` server does not ask who is there: so it is asked to unlock a path that does not
    exist, for which it has to know, and which changes nothing.
    """
    import secrets
    import tempfile

    from wizard.system import program

    nowhere = f"apimha-wizard-{secrets.token_hex(8)}"
    by_unlocking = url.scheme.lower() == "svn"
    asked = (
        ["unlock", "--force", f"{url.geturl().rstrip('/')}/{nowhere}"]
        if by_unlocking
        else ["info", url.geturl()]
    )
    with tempfile.TemporaryDirectory(prefix="apimha-svn-") as folder:
        options = ["--non-interactive", "--no-auth-cache", "--config-dir", folder]
        ended = program.run(
            [client, asked[0], *options, "--username", user, "--password-from-stdin", *asked[1:]],
            given=f"{password}\n".encode(),
            time_limit=PATIENCE,
            most_bytes=64 * 1024,
            environment={**os.environ, "LC_ALL": "C", "SASL_PATH": folder, "SVN_SSH": "false"},
        )
    if by_unlocking and b"W160040" in ended.errors:  # no such lock
        return f"takes the account {user}, which may commit there"
    if not by_unlocking and ended.code == 0:
        return f"answers to {user}; {LATER}"
    if any(code in ended.errors for code in (b"E170001", b"E215004")):
        raise RepositoryError(f"the account {user} is refused", CORRECT_ACCOUNT)
    if b"E210007" in ended.errors:  # no mechanism in common
        return f"answers; whether it takes the account {user} was not tried: it knows no CRAM-MD5"
    text = ended.errors.decode("utf-8", "replace").strip().splitlines()
    raise RepositoryError(text[-1].partition(": ")[2] if text else "the svn client failed")


def _greeted(url: SplitResult, user: str, password: str) -> str:
    with reach(url.hostname or "", url.port or 3690, Allowance(PATIENCE, 4096)) as peer:
        begun = b""
        while len(begun) < len(_GREETING) and (more := peer.recv(64)):
            begun += more
    if not begun.startswith(_GREETING):
        raise RepositoryError("what answers there is no Subversion server")
    return f"a Subversion server answers; whether it takes the account {user} was not tried without the svn client"


_GREETING = b"( success ( 2 2 ( "


def _options(url: SplitResult, user: str, password: str) -> str:
    import http.client
    from base64 import b64encode

    allowance = Allowance(PATIENCE, 256 * 1024)

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = reach(self.host, self.port, allowance)
            if secure:
                context = Encryption(allowance, verify=True).context
                self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    secure = url.scheme.lower() == "https"
    connection = Connection(url.hostname or "", url.port or (443 if secure else 80))
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
        wanted = (answer.getheader("WWW-Authenticate") or "").partition(" ")[0].lower()[:20]
        if answer.status == 401 and wanted not in {"", "basic"}:
            return f"answers, and wants a log-in that cannot be tried without the svn client ({wanted})"
        raise RepositoryError(f"the account {user} is refused (HTTP {answer.status})", CORRECT_ACCOUNT)
    if answer.status >= 300:
        raise RepositoryError(f"HTTP {answer.status} {answer.reason}")
    if "version-control" not in (answer.getheader("DAV") or ""):
        raise RepositoryError("a web server answers, but no Subversion repository")
    return f"answers to {user}; {LATER}"
