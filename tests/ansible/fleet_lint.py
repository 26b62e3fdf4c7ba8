"""`ansible-lint` on the installed collection: `make fleet`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.support.fleet import COLLECTION, install_collection, need_ansible
from tests.support.programs import must


def test_ansible_lint(tmp_path: Path) -> None:
    need_ansible()
    install_collection(tmp_path)
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    options = ("--offline", "--nocolor", "-c", COLLECTION / ".ansible-lint")
    installed = tmp_path / "collections/ansible_collections/apimha/wizard"
    must(sys.executable, "-m", "ansiblelint", *options, cwd=installed, env=env)
