"""`ansible`: inventory, variables and playbook of one pair for the collection `apimha.wizard` (`ansible/`)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.passwords.references import EnvReference, PromptReference
from wizard.profile.passwords import references
from wizard.system.durable import make_folder, write_durably
from wizard.system.errors import UsageError, os_errors_as_failures

if TYPE_CHECKING:
    from wizard.profile.files import LoadedProfile


def files_of(loaded: LoadedProfile) -> dict[str, str]:
    """Return the text of each file, by its path below the folder.

    A string of JSON is one of YAML too.  Other pairs can have their files in the same folder.
    """
    name = loaded.name
    # Neither a name that Ansible refuses for a group or reads as a range of hosts, nor that of a group of its own.
    group = re.sub(r"\W|^(?=\d|(all|ungrouped)$)", "_", name, flags=re.ASCII)
    hosts = "".join(
        f"        {host}:\n          ansible_host: {json.dumps(node.host)}\n"
        f"          apimha_node: {json.dumps(node.name)}\n"
        for node in loaded.profile.nodes
        for host in [re.sub(r"[^\w.-]", "_", f"{name}-{node.name}", flags=re.ASCII)]
    )
    found = references(loaded.profile).values()
    variables = sorted({one.env for one in found if isinstance(one, EnvReference)})
    unset = "default=undef('not set on the control node')"  # else an unset variable is an empty password
    lookups = {one: f"{{{{ lookup('ansible.builtin.env', {one!r}, {unset}) }}}}" for one in variables}
    secrets = "".join(f"  {json.dumps(one)}: {json.dumps(text)}\n" for one, text in lookups.items())
    return {
        f"inventory/{name}.yml": f"---\nall:\n  children:\n    {group}:\n      hosts:\n{hosts}",
        f"inventory/group_vars/{group}.yml": f"---\napimha_profile: {json.dumps(str(loaded.path.resolve()))}\n"
        "# Passwords, by the variable that the profile names: from the control node's environment, or from a vault.\n"
        f"apimha_secrets:{chr(10) + secrets if secrets else ' {}' + chr(10)}"
        "# Without pipelining Ansible writes the arguments of modules, and so passwords, to a file on the host.\n"
        "ansible_pipelining: true\n",
        f"{name}.yml": "---\n# Others: apimha.wizard.start, stop, verify, rolling, rollback\n"
        f"- name: {json.dumps('Configure the pair ' + name)}\n"
        "  ansible.builtin.import_playbook: apimha.wizard.configure\n"
        f"  vars:\n    apimha_hosts: {group}\n",
    }


def write(loaded: LoadedProfile, folder: Path, *, force: bool) -> list[Path]:
    """Write the files below `folder`, and return their paths.

    Raises:
        UsageError: one of them exists, and `force` is not given.
        Failed: they cannot be written.
    """
    files = {folder / path: text for path, text in files_of(loaded).items()}
    for path in files:
        if os.path.lexists(path) and not force:
            raise UsageError("the file exists", place=str(path), fix="choose another folder, or add --force")
    with os_errors_as_failures():
        for path, text in files.items():
            make_folder(path.parent, mode=0o755)
            write_durably(path, text.encode(), mode=0o644)
    return list(files)


def unusable(loaded: LoadedProfile) -> list[str]:
    """Return the keys of the passwords that Ansible cannot pass: those that are asked for on a terminal."""
    return [key for key, one in references(loaded.profile).items() if isinstance(one, PromptReference)]
