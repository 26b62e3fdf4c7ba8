"""What the first edition of the program left on disk: how it was recorded, and how a test gets it back.

`python -m tests.support.first_edition CHECKOUT` runs the program of that checkout (commit 5157377 with its `.venv`)
and writes `tests/first_edition`.  The data is frozen: record it again only if the recorder itself was wrong.

Each state is a tree of files with `manifest.json` beside it.  The absolute path of the folder is stored as `@FOLDER@`.
The journals and the drafts hold it; the configuration files and the backups do not, so their hashes are those of the
first edition (the recorder checks this).  A file of a home that equals the file of its miniature pack (`pack`) is not
stored again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "first_edition"
PACK = DATA / "pack"
"""The miniature pack of the first edition."""

FOLDER = "@FOLDER@"
TARGET = "@TARGET@"
"""In the name of a draft: the digest of the path of its profile."""

HOMES = ("analytics-1", "analytics-2")
TOOL = ".apimha-wizard"
STATE = f"{TOOL}/state/apimha-wizard"

Files = dict[str, tuple[str, int]]
"""SHA-256 and mode of each file in the homes, by its path."""


def homes_of(folder: Path) -> Files:
    """Return every file in both homes."""
    found: Files = {}
    for home in HOMES:
        for path in sorted((folder / home).rglob("*")):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path.relative_to(folder))] = digest, stat.S_IMODE(path.stat().st_mode)
    return found


def snapshot(state: str, name: str) -> Files:
    """Return the files of both homes as the first edition left them at one moment of a state."""
    recorded = json.loads((DATA / state / "manifest.json").read_text("utf-8"))["snapshots"][name]
    return {path: (digest, mode) for path, (digest, mode) in recorded.items()}


def output(state: str, name: str, folder: Path) -> str:
    """Return what a command of the first edition printed, as it would be for this folder."""
    text = (DATA / state / "output" / name).read_text("utf-8")
    return text.replace(TARGET, _digest(folder / "demo.toml")).replace(FOLDER, str(folder))


def place(state: str, folder: Path) -> None:
    """Restore a state in an empty folder: bytes and modes, with the path of the folder put in."""
    manifest = json.loads((DATA / state / "manifest.json").read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest["folders"]:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, mode in manifest["files"].items():
        stored = DATA / state / "tree" / name
        content = stored.read_bytes() if stored.exists() else _of_the_pack(name).read_bytes()
        content = content.replace(FOLDER.encode(), str(folder).encode())
        if Path(name).name.endswith(("journal.json", "journal.json.next")) and os.geteuid() != 0:
            content = _owned_by_this_user(content)
        path = folder / name.replace(TARGET, _digest(folder / "demo.toml"))
        path.write_bytes(content)
        path.chmod(mode)
    for name, mode in manifest["folders"].items():
        (folder / name).chmod(mode)


def _owned_by_this_user(journal: bytes) -> bytes:
    # The first edition was run by root.  Another user cannot give a restored file to root.
    data = json.loads(journal)
    for entry in data["entries"]:
        if entry["meta"]:
            entry["meta"][1:3] = [os.geteuid(), os.getegid()]
    return json.dumps(data).encode() + b"\n"


def _of_the_pack(name: str) -> Path:
    return PACK / Path(*Path(name).parts[1:])


def _digest(target: Path) -> str:
    return hashlib.sha256(str(target).encode()).hexdigest()[:8]


# --- recording ----------------------------------------------------------------------------------------------

SCREENS = """
import asyncio, sys
from screens.app import WizardApp
from screens.draft import begin, open_profile

async def edit(opened, *keys):
    app = WizardApp(opened)
    async with app.run_test(size=(100, 30)) as pilot:
        async def rest():
            await pilot.pause()
            while not (app.pair.at_rest and app.pair.draft.keeper.settled(0)):
                await pilot.pause(0.05)
        await rest()
        for key in keys:
            await pilot.press(key)
            await rest()
        if "ctrl+n" in keys:
            app.action_theme()

asyncio.run(edit(open_profile("every-kind"), "ctrl+n", "end", "x"))
asyncio.run(edit(begin("half"), "end", "ctrl+u", *"east"))
asyncio.run(edit(open_profile(sys.argv[1]), "end", "y"))
"""
"""Three drafts, typed on the screen: of a saved profile, of a new one, and of a file elsewhere."""

EVERY_KIND = """\
# The production pair.  Ask the operations team before you change it.
schema_version = 1

[cluster]
name = "every-kind"     # shown in reports

[mysql]
host = "127.0.0.1"
port = 3307             # a tunnel
username = "apim"
password = { env = "FIRST_EDITION_PASSWORD" }   # set by the service
admin_username = "root"
admin_password = { prompt = true }
provisioning = "dba"
server_version = "5.7.44"
# Each kind of reference occurs once in this profile.
url_parameters = { useSSL = "true", trustCertificateKeyStorePassword = { file = "secrets/trust" }, \
clientCertificateKeyStorePassword = { command = ["printf", "%s", "a b"] } }

[deployment_sync]
method = "svn"
svn_url = "https://127.0.0.1/analytics"
svn_username = "deployer"
svn_password = { keyring = "apimha-wizard/svn" }

# --- the nodes -------------------------------------------
[[nodes]]
name = "east"
home = "../pairs/east"  # relative to this file
host = "127.0.0.1"

[[nodes]]
name = "west"
home = "/opt/wso2/west"
host = "127.0.0.1"
port_offset = 2
"""

MINIMAL = """\
schema_version = 1
[mysql]
host = "10.100.0.10"
username = "apim"
password = { file = "secrets/apim" }
[[nodes]]
name = "node1"
home = "/opt/wso2/analytics-1"
host = "10.100.0.46"
[[nodes]]
name = "node2"
home = "/opt/wso2/analytics-2"
host = "10.100.0.47"
"""

BROKEN = MINIMAL.replace('host = "10.100.0.10"', 'host = "http://10.100.0.10"')


class Recorder:
    """A sandbox of the first edition, in a folder whose path occurs nowhere else."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout = checkout
        self.folder = folder / "first-edition-sandbox"
        self.outputs: dict[str, str] = {}
        self.snapshots: dict[str, Files] = {}
        self.run("demo", "--folder", str(self.folder))
        # One password and one jar for all states: the demo makes new ones each time.
        (self.folder / "secrets/apim").write_text("first edition\n", "utf-8")
        os.utime(self.folder / "demo.toml", (1_500_000_000, 1_500_000_000))

    def environment(self) -> dict[str, str]:
        tool = self.folder / TOOL
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "XDG_CONFIG_HOME": str(tool / "config"),
            "XDG_STATE_HOME": str(tool / "state"),
        }

    def run(self, *arguments: str, prefix: tuple[str, ...] = (), code: int = 0) -> str:
        program = str(self.checkout / ".venv/bin/apimha-wizard")
        ended = subprocess.run(
            [*prefix, program, *arguments],
            cwd=self.folder.parent,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert ended.returncode == code, (arguments, ended.returncode)
        return ended.stdout

    def keep_output(self, name: str, *arguments: str, code: int = 0) -> None:
        self.outputs[name] = self.run(*arguments, code=code)

    def keep_homes(self, name: str) -> None:
        self.snapshots[name] = homes_of(self.folder)

    def write(self, state: str) -> None:
        """Write the state to `tests/first_edition`."""
        shutil.rmtree(DATA / state, ignore_errors=True)
        files, folders = {}, {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            mode = stat.S_IMODE(path.stat().st_mode)
            if path.is_dir():
                folders[name] = mode
                continue
            content = path.read_bytes()
            at_home = name.startswith(HOMES) and not path.name.startswith(".apimha-wizard-run")
            if at_home or "/backups/" in name:
                assert str(self.folder).encode() not in content, f"{name} depends on the folder"
            name = name.replace(_digest(self.folder / "demo.toml"), TARGET)
            files[name] = mode
            if at_home and _of_the_pack(name).exists() and _of_the_pack(name).read_bytes() == content:
                continue
            stored = DATA / state / "tree" / name
            stored.parent.mkdir(parents=True, exist_ok=True)
            stored.write_bytes(content.replace(str(self.folder).encode(), FOLDER.encode()))
        for name, text in self.outputs.items():
            stored = DATA / state / "output" / name
            stored.parent.mkdir(parents=True, exist_ok=True)
            neutral = text.replace(_digest(self.folder / "demo.toml"), TARGET)
            stored.write_text(neutral.replace(str(self.folder), FOLDER), "utf-8")
        manifest: dict[str, Any] = {"folders": folders, "files": files, "snapshots": self.snapshots}
        (DATA / state / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def record(checkout: Path, folder: Path) -> None:
    """Record all three states."""
    jar = _record_runs(Recorder(checkout, folder / "runs"))
    killed = Recorder(checkout, folder / "killed")
    (killed.folder / "driver/mysql-connector-java-stand-in.jar").write_bytes(jar)
    _record_killed(killed)
    _record_profiles(Recorder(checkout, folder / "profiles"))


def _record_runs(box: Recorder) -> bytes:
    """One replay, then a changed profile replayed."""
    demo = box.folder / "demo.toml"
    box.keep_homes("stock")
    box.run("replay", str(demo), "--offline")
    box.keep_homes("first")
    text = demo.read_text("utf-8")
    changed = text.replace("hazelcast_port = 4001", "hazelcast_port = 4002").replace(
        "port = 3306", "port = 3316"
    )
    assert changed != text
    demo.write_text(changed, "utf-8")
    box.run("replay", str(demo), "--offline")
    box.keep_homes("second")
    box.keep_output("history.json", "history", "--json")
    box.keep_output("history.txt", "history")
    box.write("runs")
    return (box.folder / "driver/mysql-connector-java-stand-in.jar").read_bytes()


def _record_killed(box: Recorder) -> None:
    """A replay that is killed when it renames the 14th file: one home is done, the other is half done."""
    box.keep_homes("stock")
    trace = ("strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=rename", "-e")
    kill = (*trace, "inject=rename:signal=SIGKILL:when=14")
    box.run("replay", str(box.folder / "demo.toml"), "--offline", prefix=kill, code=-9)
    box.keep_homes("killed")
    box.keep_output("history.json", "history", "--json", code=5)
    box.write("killed")


def _record_profiles(box: Recorder) -> None:
    """Profiles, drafts, and what the screen remembers; the homes and the driver of the sandbox are left out."""
    profiles = box.folder / TOOL / "config/apimha-wizard/profiles"
    profiles.mkdir(parents=True)
    for name, text in (("every-kind", EVERY_KIND), ("minimal", MINIMAL), ("broken", BROKEN)):
        (profiles / f"{name}.toml").write_text(text, "utf-8")
    demo = box.folder / "demo.toml"
    for name in ("every-kind", "minimal"):
        box.keep_output(f"show-{name}.toml", "profile", "show", name)
    box.keep_output("show-demo.toml", "profile", "show", str(demo))
    subprocess.run(
        [box.checkout / ".venv/bin/python", "-c", SCREENS, demo],
        cwd=box.folder,
        env=box.environment(),
        check=True,
    )
    box.keep_output("list.json", "profile", "list", "--json")
    for name in (*HOMES, "driver"):
        shutil.rmtree(box.folder / name)
    box.write("profiles")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="recorder-") as made:
        for state in ("runs", "killed", "profiles"):
            (Path(made) / state).mkdir()
        record(Path(sys.argv[1]).resolve(), Path(made))
