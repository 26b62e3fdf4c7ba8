"""What a real svnserve says, and what other things that listen there do."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support import subversion
from tests.support.need import need
from tests.support.servers import free_port
from wizard.passwords.secret import Secret
from wizard.preflight.subversion import look

PASSWORD = 'pä"ss wo;rd'


@pytest.fixture(scope="module")
def svnserve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A repository that anybody may read and `wso2` may write: its URL and its folder."""
    repository = tmp_path_factory.mktemp("svn") / "repository"
    with subversion.svnserve(repository, "wso2", PASSWORD, anonymous="read") as port:
        yield f"svn://127.0.0.1:{port}/repository", repository


def findings(url: str, user: str = "wso2", password: str = PASSWORD) -> list:
    sync = SimpleNamespace(svn_url=url, svn_username=user)
    return list(look(SimpleNamespace(deployment_sync=sync), Secret(password)))


@pytest.mark.parametrize(
    ("url", "user", "password", "status", "message", "fix"),
    [
        ("svn", "wso2", PASSWORD, "ok", "accepts the account wso2", ""),
        # Everybody may read it: the account is refused all the same.
        *(
            ("svn", *one, "error", "refused", "svn_password")
            for one in (("wso2", "x"), ("no", PASSWORD), ("", ""))
        ),
        ("nothing", "wso2", PASSWORD, "error", "No repository found", ""),
        ("file", "wso2", PASSWORD, "ok", "this user can write into", ""),
        ("no file", "wso2", PASSWORD, "error", "is not a repository", "svnadmin create"),
        ("no port", "wso2", PASSWORD, "error", "refused", ""),
    ],
)
def test_what_is_said_of_a_repository(
    svnserve: tuple[str, Path], tmp_path: Path, url: str, user: str, password: str, status: str, message: str,
    fix: str,
) -> None:  # fmt: skip
    urls = {
        "svn": svnserve[0],
        "nothing": svnserve[0].replace("/repository", "/nothing"),
        "file": f"file://{svnserve[1]}/trunk",
        "no file": f"file://{tmp_path}",
        "no port": f"svn://127.0.0.1:{free_port()}/x",
    }
    (found,) = findings(urls[url], user, password)
    assert (found.status, message in found.message, fix in (found.fix or "")) == (status, True, True), found


class Web(BaseHTTPRequestHandler):
    """A web server that refuses every account, redirects `/moved`, and repeats the password for `/echo`."""

    def do_OPTIONS(self) -> None:
        import base64

        if self.path.startswith("/moved"):
            self.send_response(301)
            self.send_header("Location", "svn+ssh://host.invalid/svn")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path.startswith("/echo") and (given := self.headers.get("Authorization")):
            self.send_error(500, base64.b64decode(given[6:]).decode("latin-1"))
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="svn"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("scheme", ["svn", "http"])
def test_without_the_client_only_the_answer_is_tested(
    svnserve: tuple[str, Path], web: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (found,) = findings(svnserve[0] if scheme == "svn" else f"{web}/svn/repos", password="wrong")
    assert (found.status, "the svn client is not installed" in found.message) == ("ok", True), found.message


def test_a_web_server_in_place_of_an_svn_server(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.preflight.subversion.PATIENCE", 0.5)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (found,) = findings(web.replace("http:", "svn:"))
    assert found.status == "error"
    assert "no answer" in found.message


def test_a_redirection_starts_no_ssh(web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("svn")
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\n: >{tmp_path}/started\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (found,) = findings(web + "/moved")
    assert found.status == "error"
    assert not (tmp_path / "started").exists()


def test_a_password_that_the_server_repeats_is_masked(web: str) -> None:
    need("svn")
    (found,) = findings(web + "/echo", password="topsecret")
    assert (found.status, "********" in found.message) == ("error", True), found.message
    assert "topsecret" not in found.message
