"""`ansible`: the files for a pair (`tests/ansible` plays with them)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.cli import run


def profile(folder: Path, name: str, mysql: str) -> Path:
    """A profile of two machines, with this password of the account."""
    nodes = "".join(
        f'[[nodes]]\nname = "node{one}"\nhome = "/srv/{one}"\nhost = "10.1.1.{one}"\n' for one in (1, 2)
    )
    path = folder / f"{name}.toml"
    path.write_text(
        f'schema_version = 1\n[mysql]\nhost = "db"\nusername = "apim"\npassword = {mysql}\n{nodes}'
    )
    return path


def test_the_files_of_two_pairs_in_one_folder(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("my-pair", "2nd"):
        done = run("ansible", profile(tmp_path, name, """{ env = 'P"W' }"""), site)
        assert done.code == 0, done.err
    inventory = yaml.safe_load((site / "inventory/my-pair.yml").read_text())
    assert inventory["all"]["children"]["my_pair"]["hosts"] == {
        "my-pair-node1": {"ansible_host": "10.1.1.1", "apimha_node": "node1"},
        "my-pair-node2": {"ansible_host": "10.1.1.2", "apimha_node": "node2"},
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
    done = run("ansible", profile(tmp_path, name, "{ env = 'PW' }"), tmp_path / "my site")
    assert done.code == 0, done.err
    assert done.out.endswith(
        f"Next: ansible-playbook -i '{tmp_path}/my site/inventory' '{tmp_path}/my site/{name}.yml'\n"
    )
    inventory = yaml.safe_load((tmp_path / f"my site/inventory/{name}.yml").read_text())
    assert host in inventory["all"]["children"][group]["hosts"]
    [play] = yaml.safe_load((tmp_path / f"my site/{name}.yml").read_text())
    assert play["vars"] == {"apimha_hosts": group}


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = profile(tmp_path, "pair", "{ prompt = true }")
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
