"""The options that every module of the collection takes."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation that the modules share."""

    DOCUMENTATION = r"""
options:
  profile:
    description: Path of the profile on the host.
    type: path
    required: true
  node:
    description:
      - Name of the node of the profile whose home is on this host.
      - Without it the module works on both nodes, whose homes have to be on this host.
    type: str
  executable:
    description: The installed program; a name is looked up in C(PATH).
    type: str
    default: apimha-wizard
  secrets:
    description:
      - Names and values of the environment variables that the C(env) references of the profile read.
      - They are part of the environment of the call, and of nothing else.
      - Enable pipelining. Without it Ansible writes the arguments of a module to a file on the host.
    type: dict
    default: {}
  allow_commands:
    description: Agree to the programs and files that the profile names, for this call only.
    type: bool
    default: false
notes:
  - The program has to be installed on the host. It needs Python 3.11 or later.
author:
  - The apimha-wizard developers (@apimha-wizard)
"""

    CHECKS = r"""
options:
  content:
    description:
      - Text that the file O(profile) is to have.
      - In check mode no task has copied it yet, and the module works on a temporary copy of this text.
    type: str
  offline:
    description: Skip everything that needs a network, such as the live checks and the databases.
    type: bool
    default: false
  only:
    description: Ids of the steps to include.
    type: list
    elements: str
    default: []
  skip:
    description: Ids of the steps to leave out.
    type: list
    elements: str
    default: []
  ignore:
    description: Ids of checks whose errors are treated as warnings.
    type: list
    elements: str
    default: []
"""
