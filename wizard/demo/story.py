"""The demo as a story: the program's own commands, run on a sandbox, with excerpts of their output.

The changes are measured on the homes' files, not read from the output.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from wizard.demo.sandbox import Sandbox, make_sandbox, write_profile, write_secret
from wizard.demo.server import ADMINISTRATOR, PrivateServer, find_server, private_server
from wizard.profile import trust
from wizard.system.errors import REPORT, Failed, WizardError

Say = Callable[[str], None]
Snapshot = dict[str, tuple[int, bytes]]
"""Mode and content of every path in a home: a file's bytes, a link's target, empty for a folder."""

DRY_RUN = "replay demo.toml --offline --dry-run"
REPLAY = "replay demo.toml --offline"
ROLL_BACK = "rollback demo.toml"

OFFLINE = " --offline"
LIVE_IGNORES = ("mysql.driver", "ports.free")
"""The stand-in driver cannot log in, and no server will use the ports."""
LIVE = "".join(f" --ignore {check}" for check in LIVE_IGNORES)

ADMINISTRATOR_FILE = "secrets/administrator"

EXCERPT = "repository/conf/axis2/axis2.xml"


def main(argv: list[str] | None = None) -> int:
    """Run `python -m wizard.demo [--folder FOLDER]`: the whole story; return the exit code.

    Without a folder a temporary one is used and removed; a given folder stays.
    """
    import argparse

    parser = argparse.ArgumentParser(prog="python -m wizard.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where to create the sandbox, which stays; new or empty")
    folder: Path | None = parser.parse_args(argv).folder
    try:
        with stoppable():
            if folder is not None:
                tell(folder, print)
                print(f"\nThe sandbox stays: cd {shlex.quote(str(folder))} and try the commands above.")
            else:
                with tempfile.TemporaryDirectory(prefix="apimha-demo-") as temporary:
                    tell(Path(temporary) / "demo", print)
    except WizardError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


def show(folder: Path, say: Say) -> Sandbox:
    """Create a sandbox in `folder`, and print what to do with it.

    Raises:
        UsageError: the folder cannot be used.
    """
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
        DRY_RUN: "show the changes",
        REPLAY: "write both nodes",
        ROLL_BACK: "restore both nodes",
    }.items():
        say(f"  apimha-wizard {arguments:36}  # {meaning}")
    say("")
    say("The records of these commands are in the sandbox too; to remove it all, delete the")
    say("folder. Only the note that this program wrote demo.toml is in your own state folder")
    say("(apimha-wizard profile allow --list).")
    return sandbox


def tell(folder: Path, say: Say) -> Sandbox:
    """Run the whole story in a new sandbox in `folder`, which stays, with its homes restored.

    With a MySQL or MariaDB on this machine it starts a private server and creates the databases.

    Raises:
        UsageError: the folder cannot be used.
        Failed: a command ended with another exit code than expected; the message has its output.
    """
    sandbox = make_sandbox(folder)
    program = find_server()
    if program is None:
        _tell(sandbox, say, OFFLINE, None)
        say(
            "With mariadbd or mysqld on the PATH, replay would also have created databases, account and tables."
        )
        return sandbox
    # Outside the sandbox: its path may be too long for the server's socket, and the checks must not read it.
    with tempfile.TemporaryDirectory(prefix="apimha-server-") as temporary:
        with private_server(Path(temporary), program) as server:
            use_server(sandbox, server)
            _tell(sandbox, say, LIVE, server)
    return sandbox


def _tell(sandbox: Sandbox, say: Say, options: str, server: PrivateServer | None) -> None:
    stock = snapshots(sandbox)
    folder = sandbox.folder
    say("Two unpacked packs become a pair that survives the loss of one node. In a sandbox:")
    say(f"  {folder}/analytics-1 and analytics-2   miniature packs, just unpacked")
    say(f"  {folder}/demo.toml   the profile: everything that defines the pair")
    if server is not None:
        say(f"  {server.version} on {server.host}:{server.port}, private and empty; the driver is a stand-in")

    output = _run(sandbox, say, f"replay demo.toml{options} --dry-run", expected=4)
    _same(snapshots(sandbox), stock, "a dry run changed something")
    say(_line(output, "checks: "))
    for line in changed_lines(output, EXCERPT):
        say(f"  {line}")
    say("and so on for every file. Nothing is written; exit code 4 means that there are changes.")

    output = _run(sandbox, say, f"replay demo.toml{options}", expected=0)
    applied = snapshots(sandbox)
    for line in output.splitlines():
        if line.startswith("database "):
            say(f"  {line}")
    for line in table(stock, applied):
        say(f"  {line}")
    say(_line(output, "Done: "))

    output = _run(sandbox, say, f"replay demo.toml{options}", expected=0)
    _same(snapshots(sandbox), applied, "a second replay changed something")
    say(_line(output, "Nothing to do: "))

    output = _run(sandbox, say, ROLL_BACK, expected=0)
    _same(snapshots(sandbox), stock, "the rollback left a difference")
    say(f"{_line(output, 'Restored')} Names, modes and contents of both homes are as before:")
    for home, files in zip(sandbox.homes, stock, strict=True):
        say(f"  {home.name}  SHA-256 {digest(files)[:32]}… of {len(files)} files and folders")


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

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(130)

    before = {sign: signal.signal(sign, leave) for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def snapshots(sandbox: Sandbox) -> tuple[Snapshot, Snapshot]:
    first, second = (snapshot(home) for home in sandbox.homes)
    return first, second


def snapshot(home: Path) -> Snapshot:
    found = {}
    for path in sorted(home.rglob("*")):
        mode = path.lstat().st_mode
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(home))] = (mode, content)
    return found


def digest(files: Snapshot) -> str:
    """One hash (SHA-256) for names, modes and contents."""
    total = hashlib.sha256()
    for name, (mode, content) in sorted(files.items()):
        total.update(f"{name}\0{mode:o}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def table(before: tuple[Snapshot, Snapshot], after: tuple[Snapshot, Snapshot]) -> list[str]:
    """List the changed files, with the number of lines in each home."""
    names = sorted({name for one in (*before, *after) for name in one})
    width = max(map(len, names))
    rows = [f"{'changed lines (removed + added)':{width}}  analytics-1  analytics-2"]
    for name in names:
        counts = [_lines(old.get(name), new.get(name)) for old, new in zip(before, after, strict=True)]
        if any(counts):
            rows.append(f"{name:{width}}  {counts[0]:>11}  {counts[1]:>11}")
    return rows


def _lines(before: tuple[int, bytes] | None, after: tuple[int, bytes] | None) -> str:
    """`8` lines, `new`, `gone`, or nothing where it is the same."""
    if before == after:
        return ""
    if before is None or after is None:
        return "new" if before is None else "gone"
    left, right = before[1].splitlines(keepends=True), after[1].splitlines(keepends=True)
    changes = difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    return str(sum(b - a + d - c for tag, a, b, c, d in changes if tag != "equal"))


def changed_lines(output: str, path: str) -> list[str]:
    """Return the removed and added lines of the first diff of that file in the output; [] without one."""
    lines = output.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("--- ") and line.endswith(path)), None)
    if start is None:
        return []
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("--- ")), len(lines))
    changed = [line for line in lines[start + 2 : end] if line.startswith(("-", "+"))]
    return [lines[start].removeprefix("--- "), *changed]


def _line(output: str, beginning: str) -> str:
    """Return the line that begins so, or else the last one."""
    lines = [line for line in output.splitlines() if line.strip()] or ["(it printed nothing)"]
    return next((line for line in lines if line.startswith(beginning)), lines[-1])


def _same(now: tuple[Snapshot, Snapshot], expected: tuple[Snapshot, Snapshot], message: str) -> None:
    if now != expected:
        raise Failed(message, fix=REPORT)


def _run(sandbox: Sandbox, say: Say, arguments: str, *, expected: int) -> str:
    """Run a command, shown as it would be typed; return its output."""
    say("")
    say(f"$ apimha-wizard {arguments}")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "wizard", *arguments.split()],
        cwd=sandbox.folder,
        env={**os.environ, **sandbox.env, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expected:
        message = f"ended with {done.returncode} instead of {expected}:\n{done.stdout}{done.stderr}".rstrip()
        raise Failed(message, place=f"apimha-wizard {arguments}")
    return done.stdout
