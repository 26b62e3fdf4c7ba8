"""`python -m screens.demo`: the wizard on a sandbox pair, for a first look; `make demo` on a terminal.

Everything is in a temporary folder that goes when the wizard is left: the packs, the profile, what the tool remembers,
and, where MariaDB or MySQL is on the machine, a server of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from screens.app import run
from screens.model.memory import Memory, ProfileProgress
from wizard.demo import server
from wizard.demo.sandbox import make_sandbox
from wizard.demo.story import LIVE_IGNORES, stoppable, use_server


def main() -> int:
    """Make the sandbox, open the wizard on it, and clean up; the exit code of the process."""
    program = server.find_server()
    with ExitStack() as stack:
        stack.enter_context(stoppable())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="apimha-demo-")))
        sandbox = make_sandbox(folder / "demo")
        os.environ.update(sandbox.env)
        progress = ProfileProgress(offline=True)
        if program is not None:
            print(f"starting a private {program.name} for the sandbox …", file=sys.stderr)
            use_server(sandbox, stack.enter_context(server.private_server(folder / "server", program)))
            progress = ProfileProgress(ignore=list(LIVE_IGNORES))
        Memory().note(sandbox.profile, progress)
        code = run(str(sandbox.profile))
    print("The sandbox is gone. One to keep: apimha-wizard demo")
    return code


if __name__ == "__main__":
    sys.exit(main())
