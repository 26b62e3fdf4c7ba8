"""The collection itself: it is built and installed by `ansible-galaxy`, and its documentation can be shown."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
import tomlkit
import yaml

from tests.support.fleet import COLLECTION, install_collection, need_ansible
from tests.support.profiles import minimal
from tests.support.programs import must
from wizard import __version__
from wizard.command_line.cli import cli

MODULES = {path.stem for path in (COLLECTION / "plugins/modules").glob("*.py")}
COMMANDS = {
    "check": ["check"],
    "replay": ["replay"],
    "rollback": ["rollback"],
    "verify_info": ["verify"],
    "server": ["start", "stop", "restart"],
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which Ansible finds the collection, installed from the built file."""
    need_ansible()
    folder = tmp_path_factory.mktemp("collection")
    install_collection(folder)
    places = {"COLLECTIONS_PATH": "collections", "HOME": "ansible"}
    return {**os.environ, **{f"ANSIBLE_{name}": str(folder / one) for name, one in places.items()}}


def ansible(env: dict[str, str], *words: str | Path, code: int = 0) -> str:
    """What a command of Ansible prints."""
    return must(sys.executable, "-m", "ansible", *words, code=code, env=env).stdout


def test_the_documentation_of_each_module(installed: dict[str, str]) -> None:
    names = [f"apimha.wizard.{name}" for name in sorted(MODULES)]
    found = json.loads(ansible(installed, "doc", "--json", *names))
    assert set(found) == set(names)
    for name, parts in found.items():
        assert parts["examples"], name
        assert parts["return"], name
        options = parts["doc"]["options"]
        assert {"profile", "node", "executable", "secrets", "allow_commands"} <= set(options), name
        # Each option of a module that is one of the program has the program's name.
        for option in set(options) - {"profile", "executable", "secrets", "content", "state", "wait", "run"}:
            commands = [cli.commands[one] for one in COMMANDS[name.removeprefix("apimha.wizard.")]]
            known = {flag for one in commands for parameter in one.params for flag in parameter.opts}
            shared = {"node", "allow_commands"}
            assert option in shared or "--" + option.replace("_", "-") in known, (name, option)


def test_version_and_action_group() -> None:
    assert yaml.safe_load((COLLECTION / "galaxy.yml").read_text())["version"] == __version__
    runtime = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())
    assert set(runtime["action_groups"]["all"]) == MODULES == set(COMMANDS)


@pytest.mark.parametrize(
    ("variables", "jar", "words"),
    [
        ({"ansible_pipelining": False}, "/x.jar", "without pipelining Ansible writes"),
        ({"ansible_become_method": "su"}, "/x.jar", "without pipelining Ansible writes"),
        ({}, "x.jar", "home and driver_jar have to be absolute paths here"),
        ({}, "~/x.jar", "home and driver_jar have to be absolute paths here"),
    ],
)
def test_no_host_is_contacted(
    variables: dict[str, object], jar: str, words: str, installed: dict[str, str], tmp_path: Path
) -> None:
    """Without pipelining, and with a profile that means another file on each host."""
    profile = minimal(**{"mysql.driver_jar": jar})
    (tmp_path / "pair.toml").write_text(tomlkit.dumps(profile))
    nowhere = {"ansible_host": "127.0.0.1", "ansible_port": 9}
    hosts = {f"host{one}": {**nowhere, "apimha_node": f"node{one}"} for one in (1, 2)}
    own = {"apimha_profile": "pair.toml", "ansible_pipelining": True, **variables}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"children": {"pair": {"hosts": hosts, "vars": own}}}}))
    out = ansible(installed, "playbook", "-i", inventory, "apimha.wizard.configure", code=2)
    assert words in out
    assert "unreachable=0    failed=1" in out


def test_a_log_is_sent_from_its_last_start_on(tmp_path: Path) -> None:
    """Also where it has been rolled over since; what is before the last start is left out."""
    start = "INFO {Core} -  Starting WSO2 Carbon...\n"
    logs = {
        "a.log": "three\n",
        "a.log.2026-11-25": "two\n",
        "a.log.2026-11-24.gz": f"{start}older\nnewest {start}one\n",
        "a.log.2026-11-23.gz": f"first {start}old\n",
    }
    for age, (name, text) in enumerate(logs.items()):
        content = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    script = COLLECTION / "roles/pair/files/last_start.sh"

    def sent(*words: str, code: int = 0) -> str:
        packed = must("sh", script, tmp_path / "a.log", *words, code=code).stdout
        return gzip.decompress(base64.b64decode(packed)).decode() if packed else ""

    assert sent() == f"newest {start}one\ntwo\nthree\n"
    sent("two")
    sent("older", code=1)
    for name in logs:
        (tmp_path / name).unlink()
    assert sent() == ""


def test_the_other_host_of_a_pair() -> None:
    """A group of two is a pair only where both have one profile and different nodes."""
    found = importlib.util.spec_from_file_location("pairs", COLLECTION / "plugins/filter/pairs.py")
    filters = importlib.util.module_from_spec(found)
    found.loader.exec_module(filters)
    hosts = {
        f"{pair}{node}": {"apimha_profile": f"/{pair}.toml", "apimha_node": f"node{node}"}
        for pair in "ab"
        for node in (1, 2)
    }
    groups = {"all": list(hosts), "first": ["a1", "b1"], "pair_b": ["b2", "b1"], "pair_a": ["a1", "a2"]}
    partners = [filters.partner_of(groups, host, hosts) for host in ("a1", "a2", "b1", "b2")]
    assert partners == ["a2", "a1", "b2", "b1"]
    with pytest.raises(filters.AnsibleFilterError, match=r"a1 is in no pair.* a machine of two pairs"):
        filters.partner_of({"first": ["a1", "b1"], "pair_b": ["b2", "b1"]}, "a1", hosts)
