"""`ansible-lint` on the installed collection: `make fleet`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.fleet import COLLECTION, install_collection, need_ansible


def test_ansible_lint(tmp_path: Path) -> None:
    need_ansible()
    install_collection(tmp_path)
    installed = tmp_path / "collections/ansible_collections/apimha/wizard"
    places = {
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
    }
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [
        sys.executable,
        "-m",
        "ansiblelint",
        "--offline",
        "--nocolor",
        "-c",
        COLLECTION / ".ansible-lint",
    ]
    done = subprocess.run(
        command,
        cwd=installed,
        env={**os.environ, **places, "PATH": programs},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
