"""`ansible`: the files for a pair (`tests/ansible` plays with them)."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit
import yaml

from tests.support.cli import run
from tests.support.profiles import minimal


def profile(folder: Path, name: str, **password: object) -> Path:
    """A profile of two machines, with this password of the account."""
    path = folder / f"{name}.toml"
    path.write_text(tomlkit.dumps(minimal(**{"mysql.password": password})))
    return path


def test_the_files_of_two_pairs_in_one_folder(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("my-pair", "2nd"):
        done = run("ansible", profile(tmp_path, name, env='P"W'), site)
        assert done.code == 0, done.err
    inventory = yaml.safe_load((site / "inventory/my-pair.yml").read_text())
    assert inventory["all"]["children"]["my_pair"]["hosts"] == {
        "my-pair-node1": {"ansible_host": "10.100.0.46", "apimha_node": "node1"},
        "my-pair-node2": {"ansible_host": "10.100.0.47", "apimha_node": "node2"},
    }
    variables = yaml.safe_load((site / "inventory/group_vars/my_pair.yml").read_text())
    assert variables["apimha_profile"] == str(tmp_path / "my-pair.toml")
    assert variables["ansible_pipelining"] is True
    unset = "default=undef('not set on the control node')"
    assert variables["apimha_secrets"] == {
        'P"W': f"""{{{{ lookup('ansible.builtin.env', 'P"W', {unset}) }}}}"""
    }
    [play] = yaml.safe_load((site / "2nd.yml").read_text())
    assert play["vars"] == {"apimha_hosts": "_2nd"}


@pytest.mark.parametrize(
    ("name", "group", "host"),
    [("all", "_all", "all-node1"), ("a: b[1:3] #", "a__b_1_3___", "a__b_1_3___-node1")],
)
def test_names_that_ansible_would_misread(tmp_path: Path, name: str, group: str, host: str) -> None:
    site = tmp_path / "my site"
    done = run("ansible", profile(tmp_path, name, env="PW"), site)
    assert done.code == 0, done.err
    assert done.out.endswith(f"Next: ansible-playbook -i '{site}/inventory' '{site}/{name}.yml'\n")
    inventory = yaml.safe_load((site / f"inventory/{name}.yml").read_text())
    assert host in inventory["all"]["children"][group]["hosts"]
    [play] = yaml.safe_load((site / f"{name}.yml").read_text())
    assert play["vars"] == {"apimha_hosts": group}


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = profile(tmp_path, "pair", prompt=True)
    playbook = tmp_path / "site/pair.yml"
    playbook.parent.mkdir()
    playbook.write_text("mine")
    done = run("ansible", path, tmp_path / "site")
    assert done.code == 2
    assert f"{playbook}: the file exists" in done.err
    assert playbook.read_text() == "mine"
    assert not (tmp_path / "site/inventory").exists()
    done = run("ansible", path, tmp_path / "site", "--force")
    assert done.code == 0
    assert "mysql.password: a password that is asked for" in done.out
    assert "apimha.wizard.configure" in playbook.read_text()
    assert "apimha_secrets: {}" in (tmp_path / "site/inventory/group_vars/pair.yml").read_text()
