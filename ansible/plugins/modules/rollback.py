#!/usr/bin/python
"""Ansible module: undo a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Undo a run of the program
description:
  - Runs C(apimha-wizard rollback), which restores the files of a run as they were before it.
  - A file that was edited since is kept, and the module fails, unless O(force) is set. Databases stay as they are.
  - In check mode it only looks up whether there is something to undo.
extends_documentation_fragment:
  - apimha.wizard.program
options:
  run:
    description:
      - Id of the run to undo, as returned by M(apimha.wizard.replay).
      - Without it the newest run of the profile is undone.
    type: str
  force:
    description: Restore also files that were edited since the run; those edits are lost.
    type: bool
    default: false
attributes:
  check_mode:
    description: Undoes nothing, and says whether there is a run that can be undone.
    support: full
"""

EXAMPLES = r"""
- name: Undo a run
  apimha.wizard.rollback:
    profile: /etc/apimha-wizard/analytics.toml
    run: 20261124T101530Z-1f3a
"""

RETURN = r"""
outcome:
  description: C(restored), C(unchanged), C(refused), C(failed) or C(cancelled).
  returned: always
  type: str
run:
  description: Id of the run that did it; null where there was nothing to restore.
  returned: always
  type: str
files:
  description: One entry for each file of the run that was undone.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.apimha.wizard.plugins.module_utils.program import Program


def main() -> None:
    """Run the module."""
    program = Program(run={"type": "str"}, force={"type": "bool", "default": False})
    profile, run = program.given["profile"], program.given["run"]
    if program.module.check_mode:
        code, history = program.call("history", None if run else profile)
        runs = [one for one in history.get("runs", ()) if run in (None, one["run"])]
        undoes = any(one["can_be_undone"] or one["state"] == "cut off" for one in runs)
        outcome = {"outcome": "restored" if undoes else "unchanged", "run": None, "files": []}
        program.end(code, outcome if history else {}, succeeded=bool(history), changed=undoes)
    code, result = program.call("rollback", run or profile, only="force")
    program.end(code, result, succeeded=code == 0, changed=result.get("outcome") == "restored")


if __name__ == "__main__":
    main()
