#!/usr/bin/python
"""Ansible module: start, stop, restart the servers of a pair."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server
short_description: Start, stop or restart the server of a node
description:
  - Runs C(apimha-wizard start), C(stop) or C(restart).
  - Neither node of a pair completes its start alone. Launch both with O(wait=false) before waiting for one of them.
extends_documentation_fragment:
  - apimha.wizard.program
options:
  state:
    description: The state to reach; C(restarted) always restarts.
    type: str
    choices: [started, stopped, restarted]
    default: started
  wait:
    description: Wait until the node is healthy. If false, return once the launcher runs. For O(state=started) only.
    type: bool
    default: true
  timeout:
    description: Seconds that it may take; the program's own limit if not set.
    type: float
  log:
    description:
      - Names of nodes whose home is not on this host, with the path on this host of a copy of their log.
      - For O(state=started) only.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Skipped in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Launch node1
  apimha.wizard.server:
    profile: /etc/apimha-wizard/analytics.toml
    node: node1
    wait: false

- name: Stop node1
  apimha.wizard.server:
    profile: /etc/apimha-wizard/analytics.toml
    node: node1
    state: stopped
"""

RETURN = r"""
outcome:
  description: C(healthy), C(waiting), C(unhealthy), C(stopped), C(refused), C(failed) or C(cancelled).
  returned: always
  type: str
nodes:
  description: One entry for each node, with C(name), C(home), C(pid), C(state), C(seconds) and C(changed).
  returned: always
  type: list
  elements: dict
findings:
  description: One entry for each finding.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.apimha.wizard.plugins.module_utils.program import LOG, Program

COMMANDS = {"started": "start", "stopped": "stop", "restarted": "restart"}
OPTIONS = {
    "start": "node timeout log allow_commands",
    "stop": "node timeout",
    "restart": "node timeout allow_commands",
}


def main() -> None:
    """Run the module."""
    program = Program(
        supports_check_mode=False,
        state={"type": "str", "choices": list(COMMANDS), "default": "started"},
        wait={"type": "bool", "default": True},
        timeout={"type": "float"},
        **LOG,
    )
    command = COMMANDS[program.given["state"]]
    no_wait = command == "start" and not program.given["wait"]
    code, result = program.call(
        command, program.given["profile"], *(["--no-wait"] if no_wait else []), only=OPTIONS[command]
    )
    changed = any(node["changed"] for node in result.get("nodes", ()))
    program.end(code, result, succeeded=code == 0, changed=changed)


if __name__ == "__main__":
    main()
