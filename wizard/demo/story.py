"""The demo as a story: the program's own commands, run on a sandbox, with excerpts of their output.

That nothing is changed, or everything restored, is measured on the homes' files, not read from the output.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

from wizard.demo.sandbox import Sandbox, make_sandbox, write_profile, write_secret
from wizard.demo.server import ADMINISTRATOR, PrivateServer, find_server, private_server
from wizard.profile import trust
from wizard.system.errors import REPORT, Failed, WizardError

Say = Callable[[str], None]
Snapshot = dict[Path, tuple[int, bytes]]
"""Mode and content of every path in the homes: a file's bytes, a link's target, empty for a folder."""

OFFLINE = " --offline"
LIVE_IGNORES = ("mysql.driver", "ports.free")
"""The stand-in driver cannot log in, and no server will use the ports."""
LIVE = "".join(f" --ignore {check}" for check in LIVE_IGNORES)

ADMINISTRATOR_FILE = "secrets/administrator"

EXCERPT = "--- node1/repository/conf/axis2/axis2.xml"


def main(argv: list[str] | None = None) -> int:
    """Run `python -m wizard.demo [--folder FOLDER]`: the whole story; return the exit code.

    Without a folder a temporary one is used and removed; a given folder stays.
    """
    parser = argparse.ArgumentParser(prog="python -m wizard.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where to create the sandbox, which stays; new or empty")
    folder: Path | None = parser.parse_args(argv).folder
    try:
        with stoppable(), tempfile.TemporaryDirectory(prefix="apimha-demo-") as temporary:
            tell(folder or Path(temporary, "demo"), print)
    except WizardError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    if folder is not None:
        print(f"\nThe sandbox stays: cd {shlex.quote(str(folder))} and try the commands above.")
    return 0


def show(folder: Path, say: Say) -> None:
    """Create a sandbox in `folder`, and print what to do with it.  Raises `UsageError` as `make_sandbox`."""
    sandbox = make_sandbox(folder)
    trust.note_written(sandbox.profile, sandbox.profile.read_text("utf-8"))
    say(f"A sandbox is in {sandbox.folder}: two miniature packs, a profile, and no server. Try it:")
    say("")
    say(f"  cd {shlex.quote(str(sandbox.folder))}")
    for name, value in sandbox.env.items():
        say(f'  export {name}="$PWD/{Path(value).relative_to(sandbox.folder)}"')
    if shutil.which("apimha-wizard") is None:
        say(f'  export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
    for arguments, meaning in {
        "demo.toml": "the screen (F8: offline)",
        "replay demo.toml --offline --dry-run": "show the changes",
        "replay demo.toml --offline": "write both nodes",
        "rollback demo.toml": "restore both nodes",
    }.items():
        say(f"  apimha-wizard {arguments:36}  # {meaning}")
    say("")
    say("The records of these commands are in the sandbox too; to remove it all, delete the")
    say("folder. Only the note that this program wrote demo.toml is in your own state folder")
    say("(apimha-wizard profile allow --list).")


def tell(folder: Path, say: Say) -> None:
    """Run the whole story in a new sandbox in `folder`, which stays, with its homes restored.

    With a MySQL or MariaDB on this machine it starts a private server and creates the databases.  Raises `UsageError`
    as `make_sandbox`, and `Failed`, with its output, for a command that ended with another exit code than expected.
    """
    sandbox = make_sandbox(folder)
    program = find_server()
    if program is None:
        _tell(sandbox, say, OFFLINE, None)
        say("With mariadbd or mysqld on the PATH, replay would also have created databases, account, tables.")
        return
    # Outside the sandbox: its path may be too long for the server's socket, and the checks must not read it.
    with tempfile.TemporaryDirectory(prefix="apimha-server-") as temporary:
        with private_server(Path(temporary), program) as server:
            use_server(sandbox, server)
            _tell(sandbox, say, LIVE, server)


def _tell(sandbox: Sandbox, say: Say, options: str, server: PrivateServer | None) -> None:
    stock = snapshot(sandbox)
    say("Two unpacked packs become a pair that survives the loss of one node. In a sandbox:")
    say(f"  {sandbox.folder}/analytics-1 and analytics-2   miniature packs, just unpacked")
    say(f"  {sandbox.folder}/demo.toml   the profile: everything that defines the pair")
    if server is not None:
        say(f"  {server.version} on {server.host}:{server.port}, private and empty; the driver is a stand-in")

    output = _run(sandbox, say, f"replay demo.toml{options} --dry-run", "checks: ", expected=4)
    _same(snapshot(sandbox), stock, "a dry run changed something")
    if EXCERPT in output:
        diff = takewhile(lambda line: not line.startswith("--- "), output[output.index(EXCERPT) + 2 :])
        for line in (EXCERPT, *(line for line in diff if line.startswith(("-", "+")))):
            say(f"  {line}")
    say("and so on for every file. Nothing is written; exit code 4 means that there are changes.")

    _run(sandbox, say, f"replay demo.toml{options}", "database ", "node1: ", "node2: ", "Done: ")
    applied = snapshot(sandbox)

    _run(sandbox, say, f"replay demo.toml{options}", "Nothing to do: ")
    _same(snapshot(sandbox), applied, "a second replay changed something")

    _run(sandbox, say, "rollback demo.toml", "Restored")
    _same(snapshot(sandbox), stock, "the rollback left a difference")
    say(f"Names, modes and contents of all {len(stock)} files and folders of both homes are as before.")


def use_server(sandbox: Sandbox, server: PrivateServer) -> None:
    """Set this server, with its administrator, in the sandbox's profile."""
    from wizard.profile.document import set_field

    write_secret(sandbox.folder / ADMINISTRATOR_FILE, server.password)
    text = sandbox.profile.read_text("utf-8")
    for field, value in {
        "mysql.port": server.port,
        "mysql.admin_username": ADMINISTRATOR,
        "mysql.admin_password": {"file": ADMINISTRATOR_FILE},
    }.items():
        text = set_field(text, field, value)
    write_profile(sandbox, text)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Exit on Ctrl-C, `kill` and a closed terminal, so that the private server is stopped."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(130)

    before = {sign: signal.signal(sign, leave) for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def snapshot(sandbox: Sandbox) -> Snapshot:
    found = {}
    for path in (path for home in sandbox.homes for path in home.rglob("*")):
        content = os.fsencode(path.readlink()) if path.is_symlink() else b""
        content = path.read_bytes() if not content and path.is_file() else content
        found[path.relative_to(sandbox.folder)] = (path.lstat().st_mode, content)
    return found


def _same(now: Snapshot, expected: Snapshot, message: str) -> None:
    if now != expected:
        raise Failed(message, fix=REPORT)


def _run(sandbox: Sandbox, say: Say, arguments: str, *beginnings: str, expected: int = 0) -> list[str]:
    """Run a command, shown as it would be typed; print the lines that begin so, and return all of its output."""
    say(f"\n$ apimha-wizard {arguments}")
    words = [sys.executable, "-P", "-m", "wizard", *arguments.split()]
    env = {**os.environ, **sandbox.env, "NO_COLOR": "1"}
    done = subprocess.run(
        words,
        cwd=sandbox.folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expected:
        message = f"ended with {done.returncode} instead of {expected}:\n{done.stdout}{done.stderr}".rstrip()
        raise Failed(message, place=f"apimha-wizard {arguments}")
    lines = done.stdout.splitlines()
    for line in lines:
        if line.startswith(beginnings):
            say(line)
    return lines
