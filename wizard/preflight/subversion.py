"""Whether a Subversion repository answers and accepts the account: read only, nothing is committed.

Uses the `svn` client if it is installed.  Without it, only that a server answers can be tested: an `svn:` server by its
greeting, a web server by the connection.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urlsplit

from wizard.passwords.secret import MASK
from wizard.system import finding, program
from wizard.system.errors import Failed
from wizard.system.finding import Finding
from wizard.system.peer import Allowance, reach
from wizard.system.printable import quoted

if TYPE_CHECKING:
    from wizard.passwords.secret import Secret
    from wizard.profile.model import Profile

PATIENCE = 4.0
"""Seconds for one answer; below the limit of the check, so that the message can be exact."""

CORRECT_URL = "correct deployment_sync.svn_url"
CORRECT_ACCOUNT = "correct deployment_sync.svn_username and svn_password"

_GREETING = b"( success ( 2 2 ( "


def look(profile: Profile, password: Secret | None) -> Iterator[Finding]:
    """Check the profile's repository; a `file:` one must be writable by the user that runs the manager."""
    sync = profile.deployment_sync
    url = urlsplit(sync.svn_url or "")
    url = url._replace(path=quote(url.path, safe="%/:@!$&'()*+,;=~"))
    user, word = sync.svn_username or "", password.reveal() if password is not None else ""
    message, fix = f"is not an http, https, svn or file URL: {url.scheme}", CORRECT_URL
    try:
        if url.scheme == "file":
            yield finding.ok(f"{sync.svn_url}: {_file(url)}")
            return
        if url.scheme in {"svn", "http", "https"}:
            client = shutil.which("svn")
            answer = _by_client(client, url, user, word) if client else _without_client(url)
            yield finding.ok(f"{sync.svn_url}: {answer}")
            return
    except Failed as problem:
        # The server may know the password, and repeat it.
        message = quoted(problem.message.replace(word, MASK) if word else problem.message)
        fix = problem.fix or CORRECT_URL
    except TimeoutError:
        message = f"no answer within {PATIENCE:g} s"
    except OSError as problem:
        message = problem.strerror or str(problem)
    yield finding.error(f"{sync.svn_url}: {message}", fix=fix)


def _file(url: SplitResult) -> str:
    path = Path(unquote(url.path))
    root = next((folder for folder in (path, *path.parents) if (folder / "format").is_file()), None)
    if root is None or not (root / "db").is_dir():
        raise Failed(f"{path} is not a repository", fix=f"svnadmin create '{path}'")
    if not os.access(root / "db", os.W_OK):
        raise Failed(f"this user cannot write into {root}", fix=f"let the servers' user write into {root}")
    return "a repository that this user can write into"


def _by_client(client: str, url: SplitResult, user: str, password: str) -> str:
    """Ask with the account, in a configuration of its own; the client reads the password from standard input.

    Without the modules of SASL the client proves by CRAM-MD5 that it knows the password: with them it would send the
    password in clear text to any `svn:` server that asks.  A web server that redirects to `svn+ssh:` starts no ssh.
    A repository that everyone may read does not ask for the account: so the client unlocks a path that does not
    exist, which needs the account and changes nothing.
    """
    by_unlocking = url.scheme == "svn"
    nowhere = f"{url.geturl().rstrip('/')}/apimha-wizard-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix="apimha-svn-") as folder:
        ended = program.run(
            [
                *(client, "unlock" if by_unlocking else "info"),
                *("--non-interactive", "--no-auth-cache", "--config-dir", folder),
                *("--username", user, "--password-from-stdin"),
                *(["--force", nowhere] if by_unlocking else [url.geturl()]),
            ],
            given=f"{password}\n".encode(),
            time_limit=PATIENCE,
            most_bytes=64 * 1024,
            environment={**os.environ, "LC_ALL": "C", "SASL_PATH": folder, "SVN_SSH": "false"},
        )
    if by_unlocking and b"W160040" in ended.errors:  # no such lock
        return f"accepts the account {user}, which may commit there"
    if not by_unlocking and ended.code == 0:
        return f"answers to {user}; whether it may commit shows at the first commit of the manager"
    if any(code in ended.errors for code in (b"E170001", b"E215004")):
        raise Failed(f"the account {user} is refused", fix=CORRECT_ACCOUNT)
    if b"E210007" in ended.errors:  # no mechanism in common
        return f"answers; the account {user} was not tested, because the server does not offer CRAM-MD5"
    text = ended.errors.decode("utf-8", "replace").strip().splitlines()
    raise Failed(text[-1].partition(": ")[2] if text else "the svn client failed")


def _without_client(url: SplitResult) -> str:
    port = url.port or {"svn": 3690, "http": 80, "https": 443}[url.scheme]
    begun = b""
    with reach(url.hostname or "", port, Allowance(PATIENCE, 4096)) as peer:
        while url.scheme == "svn" and len(begun) < len(_GREETING) and (more := peer.recv(64)):
            begun += more
    if url.scheme == "svn" and not begun.startswith(_GREETING):
        raise Failed("the server there is not a Subversion server")
    return "a server answers; repository and account were not tested, because the svn client is not installed"
