#!/usr/bin/python
"""Ansible module: check, create the databases, write the homes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replay
short_description: Configure the homes of a pair
description:
  - Runs C(apimha-wizard replay), which checks, creates what is missing in the databases, and writes the home of the
    node (or both homes), or nothing.
  - In check mode it runs with C(--dry-run).
extends_documentation_fragment:
  - apimha.wizard.program
  - apimha.wizard.program.checks
attributes:
  check_mode:
    description: Writes nothing, and says what would change.
    support: full
  diff_mode:
    description: Returns the diff of each file, with passwords masked.
    support: full
"""

EXAMPLES = r"""
- name: Configure node1
  apimha.wizard.replay:
    profile: /etc/apimha-wizard/analytics.toml
    node: node1
    secrets:
      APIM_DB_PASSWORD: "{{ apim_db_password }}"
  register: configured

- name: Undo it
  apimha.wizard.rollback:
    profile: /etc/apimha-wizard/analytics.toml
    run: "{{ configured.run }}"
  when: configured.run is not none
"""

RETURN = r"""
outcome:
  description: C(applied), C(unchanged), C(pending) in check mode, C(refused), C(failed) or C(cancelled).
  returned: always
  type: str
run:
  description:
    - Id of the run, which M(apimha.wizard.rollback) undoes; null where no home was written.
    - Where the program was killed, the id of the interrupted run.
  returned: always
  type: str
files:
  description: One entry for each file, with C(status), C(changes), C(diff) and C(rolling).
  returned: always
  type: list
  elements: dict
checks:
  description: One entry for each finding.
  returned: always
  type: list
  elements: dict
databases:
  description: The databases and what was created in them.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.apimha.wizard.plugins.module_utils.program import CHECKS, Program


def main() -> None:
    """Run the module."""
    program = Program(**CHECKS)
    dry = ["--dry-run"] if program.module.check_mode else []
    with program.planned_profile() as profile:
        code, result = program.call(
            "replay", profile, *dry, only="node offline only skip ignore allow_commands"
        )
    outcome = result.get("outcome")
    more = {"changed": outcome in ("applied", "pending")}
    if program.module._diff:
        more["diff"] = [
            {"prepared": f"{file['diff'].rstrip()}\n"} for file in result.get("files", ()) if file.get("diff")
        ]
    if not result:  # it was killed: what it has begun is still there
        said, (_, history) = program.said, program.call("history", program.given["profile"])
        program.said = said
        runs = [one["run"] for one in history.get("runs", ()) if one["state"] == "cut off"]
        more.update(outcome="failed", run=runs[0] if runs else None)
    program.end(code, result, succeeded=code in (0, 4), **more)


if __name__ == "__main__":
    main()
