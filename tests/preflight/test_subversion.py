"""What a real svnserve says, and what other things that listen there do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.need import need
from wizard.passwords.secret import Secret
from wizard.preflight.subversion import look

PASSWORD = 'pä"ss wo;rd'


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def svnserve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A repository behind svnserve that anybody may read and `wso2` may write; its URL and its folder."""
    need("svnserve")
    root = tmp_path_factory.mktemp("svn")
    repository = root / "repository"
    subprocess.run(["svnadmin", "create", repository], check=True)
    (repository / "conf/svnserve.conf").write_text(
        "[general]\nanon-access = read\nauth-access = write\npassword-db = passwd\nrealm = demo\n"
    )
    (repository / "conf/passwd").write_text(f"[users]\nwso2 = {PASSWORD}\n", encoding="utf-8")
    port = free_port()
    command = [
        "svnserve",
        "--daemon",
        "--foreground",
        "--listen-host",
        "127.0.0.1",
        "--listen-port",
        str(port),
    ]
    process = subprocess.Popen([*command, "--root", root])
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
        yield f"svn://127.0.0.1:{port}/repository", repository
    finally:
        process.terminate()
        process.wait()


def findings(url: str, user: str = "wso2", password: str = PASSWORD) -> list:
    sync = SimpleNamespace(svn_url=url, svn_username=user)
    return list(look(SimpleNamespace(deployment_sync=sync), Secret(password)))


def test_the_account_is_really_tried(svnserve: tuple[str, Path]) -> None:
    (found,) = findings(svnserve[0])
    assert found.status == "ok"
    assert "accepts the account wso2" in found.message


@pytest.mark.parametrize(("user", "password"), [("wso2", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_refused_account_is_an_error_in_a_public_repository(
    svnserve: tuple[str, Path], user: str, password: str
) -> None:
    (found,) = findings(svnserve[0], user, password)
    assert found.status == "error"
    assert "refused" in found.message
    assert "svn_password" in (found.fix or "")


def test_a_missing_repository_is_named_in_the_servers_words(svnserve: tuple[str, Path]) -> None:
    (found,) = findings(svnserve[0].replace("/repository", "/nothing"))
    assert found.status == "error"
    assert "No repository found" in found.message


def test_a_file_url_is_looked_at_in_place(svnserve: tuple[str, Path], tmp_path: Path) -> None:
    assert findings(f"file://{svnserve[1]}/trunk")[0].status == "ok"
    (found,) = findings(f"file://{tmp_path}")
    assert found.status == "error"
    assert "svnadmin create" in (found.fix or "")


def test_nothing_listens() -> None:
    (found,) = findings(f"svn://127.0.0.1:{free_port()}/x")
    assert found.status == "error"
    assert "refused" in found.message


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


def test_http_with_the_client_says_what_the_client_says(web: str) -> None:
    need("svn")
    (found,) = findings(web + "/svn/repos", password="wrong")
    assert found.status == "error"
    assert PASSWORD not in found.message
    assert "wrong" not in found.message


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
