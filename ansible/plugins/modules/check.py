#!/usr/bin/python
"""Ansible module: run the checks of a profile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check
short_description: Run the checks of a profile
description:
  - Runs C(apimha-wizard check) and fails where a check fails. It changes nothing.
extends_documentation_fragment:
  - apimha.wizard.program
  - apimha.wizard.program.checks
attributes:
  check_mode:
    description: Runs in check mode as otherwise.
    support: full
"""

EXAMPLES = r"""
- name: Check node1
  apimha.wizard.check:
    profile: /etc/apimha-wizard/analytics.toml
    node: node1
    secrets:
      APIM_DB_PASSWORD: "{{ apim_db_password }}"
"""

RETURN = r"""
outcome:
  description: C(ok) or C(refused).
  returned: always
  type: str
checks:
  description: One entry for each finding, as in the JSON of the program; on failure only what did not pass.
  returned: always
  type: list
  elements: dict
databases:
  description: The databases of the profile and what would be created in them.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.apimha.wizard.plugins.module_utils.program import CHECKS, Program


def main() -> None:
    """Run the module."""
    program = Program(**CHECKS)
    with program.planned_profile() as profile:
        code, result = program.call("check", profile, only="node offline only skip ignore allow_commands")
    program.end(code, result, succeeded=code == 0, changed=False)


if __name__ == "__main__":
    main()
