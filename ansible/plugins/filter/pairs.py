"""What the playbooks ask about profiles and pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def from_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise AnsibleFilterError(f"not TOML: {problem}") from problem


def partner_of(groups: Mapping[str, list[str]], host: str, hostvars: Mapping[str, Any]) -> str:
    """Return the other host of a host's pair: they are a group of two, with one profile and two nodes."""
    own = hostvars[host]
    for members in groups.values():
        if len(members) == 2 and host in members:
            other = members[1 - members.index(host)]
            theirs = hostvars[other]
            same = theirs.get("apimha_profile") == own["apimha_profile"]
            if same and theirs.get("apimha_node") not in (None, own.get("apimha_node")):
                return other
    raise AnsibleFilterError(
        f"{host} is in no pair: a pair is a group of two hosts with one apimha_profile and an apimha_node each; "
        "a machine of two pairs needs a name of its own in the inventory for each"
    )


def line(finding: Mapping[str, Any]) -> str:
    """Return a finding of `verify` in a line."""
    return f"{finding['id']} {finding['node'] or ''}: {finding['message']}"


class FilterModule:
    """The filters of the collection."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"from_toml": from_toml, "partner_of": partner_of, "line": line}
