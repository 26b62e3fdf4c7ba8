#!/usr/bin/python
"""Ansible module: the verdict about a pair."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_info
short_description: Report whether a pair is healthy
description:
  - Runs C(apimha-wizard verify), which reads the logs of the nodes and the Spark UIs.
  - An unhealthy pair does not fail the module. Test RV(outcome).
extends_documentation_fragment:
  - apimha.wizard.program
options:
  offline:
    description: Read the logs only, and not the Spark UIs.
    type: bool
    default: false
  log:
    description: Names of nodes whose home is not on this host, with the path on this host of a copy of their log.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Runs in check mode as otherwise.
    support: full
"""

EXAMPLES = r"""
- name: Verify the pair with both logs
  apimha.wizard.verify_info:
    profile: /etc/apimha-wizard/analytics.toml
    log:
      node2: /tmp/node2.log
  register: pair

- name: Require a healthy pair
  ansible.builtin.assert:
    that: pair.outcome == 'healthy'
"""

RETURN = r"""
outcome:
  description: C(healthy), C(waiting) or C(unhealthy).
  returned: always
  type: str
findings:
  description: One entry for each finding.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.apimha.wizard.plugins.module_utils.program import LOG, Program


def main() -> None:
    """Run the module."""
    program = Program(offline={"type": "bool", "default": False}, **LOG)
    code, result = program.call("verify", program.given["profile"], only="offline log allow_commands")
    judged = result.get("outcome") in ("healthy", "waiting", "unhealthy")
    program.end(code, result, succeeded=judged, changed=False)


if __name__ == "__main__":
    main()
