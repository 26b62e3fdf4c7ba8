"""A pair on a memory file system, whose every system call can be made to fail or to be the last one.

`World.run` runs a command in a child of this process, which has everything imported already, with `strace` attached:
a case takes a tenth of a second instead of a second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from tests.support import strace
from tests.support.strace import Call

Kind = Literal["pair", "link"]
"""Which world: both nodes here, with edits, copies and renames; or one node of two machines, with the symbolic link."""

Start = Literal["fresh", "done"] | int
"""Where a case begins: before a replay, after it, or with a replay that was cut off before its n-th rename."""

FORGIVEN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}|[0-9a-f]{64}")
"""Names of runs, and hashes of files with paths in them, which differ from one run to the next."""

LIMIT = 60
"""Seconds that a command may take before it counts as hanging."""

Look = tuple[str, int, int, int, bytes, int, tuple[tuple[str, bytes], ...]]
"""What stands at a path: kind, mode, owner, group, bytes or target, time of the last change, extended attributes."""


def memory() -> Path:
    """A folder on a memory file system, where there is one."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code (negative: the signal), its output, and the calls that were traced."""

    code: int
    out: str
    err: str
    calls: list[Call] = field(default_factory=list)

    @property
    def result(self) -> dict[str, Any]:
        """The object of `--json`."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def __str__(self) -> str:
        told = self.err.strip().replace("\n", " ")[-240:]
        with contextlib.suppress(ValueError):
            told = f"{self.result['outcome']}, {self.result['error'] or told}"
        return f"exit {self.code} ({told})"


class World:
    """Two homes, their profile, a state folder, and what the homes look like before and after a replay."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.folder = folder / "world"
        self.side = folder / "side"
        """Where a command's output and its trace go."""
        self.side.mkdir(parents=True)
        self.kind = kind
        self.homes = make(self.folder, kind)
        self.profile = self.folder / "demo.toml"
        self.state = self.folder / "state"
        places = {"HOME": "user", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}
        self.env = {name: str(self.folder / place) for name, place in places.items()}
        self.starts: dict[Start, dict[str, Look]] = {"fresh": look(self.folder)}
        self.old = homes_in(self.folder)
        done = self.run(*self.command("replay"))
        assert done.code == 0, done
        self.starts["done"] = look(self.folder)
        self.new = homes_in(self.folder)
        assert self.old != self.new
        self.put_back(self.starts["fresh"])
        assert homes_in(self.folder) == self.old

    def command(self, name: str) -> list[str]:
        """The arguments of `replay` or `rollback` of this pair."""
        if name == "replay":
            node = ["--node", "node1"] if self.kind == "link" else []
            return ["replay", str(self.profile), "--offline", "--json", *node]
        return [name, str(self.profile), "--json"]

    # --- what is there ----------------------------------------------------------------------------------

    @property
    def is_old(self) -> bool:
        """Whether the homes are as before, to the time of each file's last change."""
        return homes_in(self.folder) == self.old

    @property
    def is_new(self) -> bool:
        """Whether the homes are as a replay leaves them."""
        return timeless(homes_in(self.folder)) == timeless(self.new)

    def differences(self) -> str:
        """Where the homes are neither."""
        now, told = timeless(homes_in(self.folder)), []
        for name, other in (("old", timeless(self.old)), ("new", timeless(self.new))):
            paths = sorted(path for path in now.keys() | other.keys() if now.get(path) != other.get(path))
            told.append(f"not {name}: {', '.join(paths[:6])}")
        return "; ".join(told)

    def residue(self) -> list[str]:
        """What is in the state folder that no history needs."""
        found = []
        runs = self.state / "apimha-wizard" / "runs"
        for folder in sorted(runs.iterdir()) if runs.is_dir() else []:
            names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
            # What the run left, for whoever asks what was changed since: it goes with the backups.
            names = {name for name in names if not re.fullmatch(r"backups/left-[0-9a-f]{64}", name)}
            try:
                journal = json.loads((folder / "journal.json").read_bytes())
            except (OSError, ValueError):
                found.append(f"{folder.name} without a journal: {sorted(names)}")
                continue
            needed = {"journal.json"}
            if journal["outcome"] == "committed":
                needed |= {"backups"} | {f"backups/{e['backup']}" for e in journal["entries"] if e["backup"]}
            elif journal["outcome"] == "started":
                found.append(f"{folder.name} is still open")
            if names != needed:
                found.append(f"{folder.name} ({journal['outcome']}): {sorted(names ^ needed)[:5]}")
        return found

    def put_back(self, picture: dict[str, Look]) -> None:
        """Make everything as it was when `look` saw it."""
        now = look(self.folder)
        for path in sorted(now.keys() - picture.keys(), reverse=True):
            remove(self.folder / path)
        for path, one in picture.items():
            if now.get(path) != one:
                restore(self.folder / path, one, now.get(path))

    # --- doing something --------------------------------------------------------------------------------

    def run(self, *arguments: str, inject: str | None = None, traced: str | None = None) -> Ended:
        """Run a command; `inject` is what `strace --inject` takes, `traced` what is traced (default: nothing)."""
        out, err, trace = (self.side / name for name in ("out", "err", "trace"))
        trace.unlink(missing_ok=True)
        sys.stdout.flush()
        # The child waits for a signal, not for a file: whether that call is traced too depends on who is faster.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        child = os.fork()
        if child == 0:
            self._be_it(arguments, before, out, err)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        spy = None
        if inject or traced:
            names = traced or str(inject).partition(":")[0]
            command = ["strace", "-f", "-y", "-e", f"trace={names}", "-o", str(trace), "-p", str(child)]
            command += ["-e", f"inject={inject}"] if inject else []
            spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            assert spy.stderr is not None
            told = spy.stderr.readline()
            if "attached" not in told:
                os.kill(child, 9)
                os.waitpid(child, 0)
                raise RuntimeError(f"strace cannot attach: {told} {spy.stderr.read()}")
        os.kill(child, signal.SIGUSR1)
        timer = threading.Timer(LIMIT, os.kill, (child, 9))  # if it hangs
        timer.daemon = True
        timer.start()
        _, status = os.waitpid(child, 0)
        timer.cancel()
        if spy is not None:
            spy.communicate(timeout=LIMIT)
        calls = strace.read(trace) if spy is not None else []
        return Ended(os.waitstatus_to_exitcode(status), out.read_text(), err.read_text(), calls)

    def _be_it(self, arguments: Iterable[str], signals: set[signal.Signals], out: Path, err: Path) -> None:
        """Be the command, in a child: its output in two files, its signals as they were."""
        code = 99
        try:
            for path, number in ((out, 1), (err, 2)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
            os.environ.update(self.env)
            os.umask(0o022)
            from wizard.command_line import cli
            from wizard.command_line.streams import open_standard_streams
            from wizard.server import process

            process.serves = lambda pid, home: False  # else every process of this machine is a call more
            open_standard_streams()
            signal.sigwait({signal.SIGUSR1})
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
            try:
                cli.main(list(arguments))
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 98
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    # --- where a case begins ----------------------------------------------------------------------------

    def begin(self, start: Start) -> None:
        """Make everything as it is at that start."""
        if start not in self.starts:
            self.put_back(self.starts["fresh"])
            done = self.run(*self.command("replay"), inject=f"renameat:signal=KILL:when={start}")
            assert done.code == -9, done
            self.starts[start] = look(self.folder)
        self.put_back(self.starts[start])

    def points(self, start: Start, command: str) -> list[Point]:
        """The calls of a command that touch a file of the world, in their order."""
        self.begin(start)
        done = self.run(*self.command(command), traced=strace.TRACED)
        assert done.code == 0, done
        seen: Counter[tuple[str, str]] = Counter()
        found = []
        for call in done.calls:
            if call.within(self.folder):
                key = (call.name, self.plain(call))
                seen[key] += 1
                found.append(Point(call.name, call.ordinal, key[1], call.changes, seen[key]))
        return found

    def plain(self, call: Call) -> str:
        """The path of a call, without what differs between two runs."""
        path = next((path for path in call.paths if path.startswith(str(self.folder))), "")
        return FORGIVEN.sub("RUN", path.removeprefix(str(self.folder)).lstrip("/"))


# --- a picture of a folder --------------------------------------------------------------------------------


def look(folder: Path) -> dict[str, Look]:
    """Everything in a folder, by its path there."""
    found: dict[str, Look] = {}
    pending = [folder]
    while pending:
        for entry in sorted(os.scandir(pending.pop()), key=lambda entry: entry.name):
            found[os.path.relpath(entry.path, folder)] = _look(entry)
            if entry.is_dir(follow_symlinks=False):
                pending.append(Path(entry.path))
    return found


def _look(entry: os.DirEntry[str]) -> Look:
    status = entry.stat(follow_symlinks=False)
    owner = (status.st_mode & 0o7777, status.st_uid, status.st_gid)
    if entry.is_symlink():
        return ("link", *owner, os.fsencode(os.readlink(entry.path)), 0, ())
    if entry.is_dir():
        return ("folder", *owner, b"", 0, ())
    names = sorted(os.listxattr(entry.path))
    attributes = tuple((name, os.getxattr(entry.path, name)) for name in names)
    return ("file", *owner, Path(entry.path).read_bytes(), status.st_mtime_ns, attributes)


def homes_in(folder: Path) -> dict[str, Look]:
    """Everything in the folder of a world but its state and its profiles."""
    return {path: one for path, one in look(folder).items() if not re.match(r"state|[^/]*\.toml$", path)}


def timeless(picture: dict[str, Look]) -> dict[str, Look]:
    """The same without the times of the last change."""
    return {path: (*one[:5], 0, one[6]) for path, one in picture.items()}


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def restore(path: Path, one: Look, now: Look | None) -> None:
    kind, mode, uid, gid, data, mtime_ns, attributes = one
    if kind == "folder" and now is not None and now[0] == kind:
        path.chmod(mode)
        return
    if now is not None:
        remove(path)
    if kind == "link":
        path.symlink_to(os.fsdecode(data))
        return
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(data)
        for name, value in attributes:
            os.setxattr(path, name, value)
    if os.geteuid() == 0:
        os.chown(path, uid, gid)
    path.chmod(mode)
    if kind == "file":
        os.utime(path, ns=(mtime_ns, mtime_ns))


# --- making a world ---------------------------------------------------------------------------------------

LONG_AGO = 1_500_000_000 * 10**9 + 123_456_789
NOBODY = 65534


def make(folder: Path, kind: Kind) -> list[Path]:
    """A sandbox of miniature packs, in which a replay does everything that it can do to a file."""
    from wizard.demo.sandbox import DRIVER_JAR, make_sandbox

    box = make_sandbox(folder)
    text = box.profile.read_text("utf-8")
    text = text.replace('provisioning = "wizard"', 'provisioning = "server"\nserver_version = "5.7.44"')
    if kind == "link":
        link = f'[spark]\nsymbolic_link = "{folder}/common"\n\n'
        text = text.replace("[deployment_sync]", f"{link}[deployment_sync]")
        first, second, rest = text.partition('name = "node2"')
        text = first + second + rest.replace('host = "127.0.0.1"', 'host = "192.0.2.7"')
    box.profile.write_text(text, "utf-8")
    one, two = box.homes
    # A file that is a link: what it leads to is written.
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (one / "repository/conf/user-mgt.xml").rename(elsewhere / "user-mgt.xml")
    (one / "repository/conf/user-mgt.xml").symlink_to(elsewhere / "user-mgt.xml")
    # A jar of that name that is another one.
    (two / "repository/components/lib" / Path(DRIVER_JAR).name).write_bytes(b"another jar")
    for home in box.homes:
        for path in sorted(home.rglob("*")):
            if path.is_file():
                os.utime(path, ns=(LONG_AGO, LONG_AGO))
        axis2 = home / "repository/conf/axis2/axis2.xml"
        axis2.chmod(0o640)
        with contextlib.suppress(OSError):
            os.setxattr(axis2, "user.note", b"kept")
        if os.geteuid() == 0:
            os.chown(home / "repository/conf/registry.xml", NOBODY, NOBODY)
        os.utime(axis2, ns=(LONG_AGO, LONG_AGO))
    return list(box.homes)


NEEDED = """command_line.cli command_line.text command_line.run.replay command_line.run.rollback
    pack.driver plan.diff profile.store"""


# --- cases ------------------------------------------------------------------------------------------------

FAULTS = ("ENOSPC", "EIO", "EACCES", "EROFS")
LOOKING_FAULTS = ("EIO", "EACCES")
"""What a call that only looks can meet."""

OUTCOMES = {
    0: {"applied", "unchanged", "restored"},
    1: {"failed"},
    2: {"refused"},
    3: {"refused"},
    5: {"refused", "failed"},
    130: {"cancelled"},
}


@dataclass(frozen=True)
class Point:
    """One call of a command: the `ordinal`-th of its name."""

    name: str
    ordinal: int
    path: str
    changes: bool
    nth: int
    """Which of the calls of this name on this path it is: that says the same in every process, `ordinal` may not."""


@dataclass(frozen=True)
class Case:
    """A command that meets a fault at a point; `fault` is a signal, or an error's name, with a `+` if it stays."""

    kind: Kind
    start: Start
    command: str
    point: Point
    fault: str

    def __str__(self) -> str:
        where = f"{self.point.name}#{self.point.ordinal} {self.point.path}"
        return f"{self.kind} {self.start} {self.command}: {self.fault} at {where}"


WORLDS: dict[Kind, World] = {}
"""The worlds of this process."""


def world_of(kind: Kind) -> World:
    """The world of that kind in this process, one of a pool; made when it is asked for."""
    if kind not in WORLDS:
        for module in NEEDED.split():  # is imported here, so that its children need not
            import_module(f"wizard.{module}")
        # Names of one length: how often a file is read depends on its size, and so on the paths in it.
        WORLDS[kind] = World(Path(os.environ["FAULTS_FOLDER"]) / f"{os.getpid():08}" / kind, kind)
    return WORLDS[kind]


def points(kind: Kind, start: Start, command: str) -> list[Point]:
    """The calls of a command that touch a file of such a world."""
    return world_of(kind).points(start, command)


def problems(case: Case) -> list[str]:
    """What went wrong in a case that must not."""
    world = world_of(case.kind)
    judge = {"KILL": _killed, "INT": _stopped, "TERM": _stopped, "HUP": _stopped}.get(case.fault, _failed)
    for _ in range(5):
        world.begin(case.start)
        before = timeless(homes_in(world.folder))
        ended = _meet(case, world)
        if ended is not None:
            return [f"{case}: {problem}" for problem in judge(case, world, before, ended)]
        # What a process opens for itself (the system's own files) may be more or less: the same call in this one.
        wanted = dataclasses.replace(case.point, ordinal=0)
        for one in world.points(case.start, case.command):
            if dataclasses.replace(one, ordinal=0) == wanted:
                case = dataclasses.replace(case, point=one)
    return [f"{case}: the call is not found again"]


def _meet(case: Case, world: World) -> Ended | None:
    """How the command ended that met the fault; None where the fault hit another call than was meant."""
    point, name = case.point, case.fault.rstrip("+")
    what = f"error={name}" if name.startswith("E") else f"signal={name}"
    when = f"{point.ordinal}{'+' if case.fault != name else ''}"
    ended = world.run(*world.command(case.command), inject=f"{point.name}:{what}:when={when}")
    hit = any(call.ordinal == point.ordinal and world.plain(call) == point.path for call in ended.calls)
    return ended if hit and (ended.code == -9) == (name == "KILL") else None


Picture = dict[str, Look]


def _killed(case: Case, world: World, before: Picture, ended: Ended) -> Iterator[str]:
    cut_off = look(world.folder)
    yield from _next(world, "replay")
    world.put_back(cut_off)
    yield from _next(world, "rollback", old_only=case.start == "fresh")


def _stopped(case: Case, world: World, before: Picture, ended: Ended) -> Iterator[str]:
    """A user presses Ctrl-C, stops the process, or closes its terminal: all of it, or nothing."""
    after = world.new if case.command == "replay" else world.old
    yield from _told_well(ended)
    if ended.code not in {0, 130}:
        yield f"neither done nor cancelled: {ended}"
    if timeless(homes_in(world.folder)) != (timeless(after) if ended.code == 0 else before):
        yield f"{ended}, and the homes are {world.differences()}"
    if residue := world.residue():
        yield f"{ended}, and there is still {residue}"


def _failed(case: Case, world: World, before: Picture, ended: Ended) -> Iterator[str]:
    stays, is_recovery = case.fault.endswith("+"), isinstance(case.start, int)
    # Where nothing can be written any more there is no output either, and the exit code has to say it alone.
    if not (stays and case.point.name == "write"):
        yield from _told_well(ended)
    after = timeless(homes_in(world.folder))
    if ended.code == 0:
        # A marker that could not be removed says nothing any more: the run's journal says that it has ended.
        after = {path: one for path, one in after.items() if not path.endswith("/.apimha-wizard-run")}
        if after != timeless(world.new if case.command == "replay" else world.old):
            yield f"exit 0, and {world.differences()}"
    elif ended.code == 5 and case.start == "done":
        # The other paths are restored all the same, and the next rollback goes on.
        yield from _next(world, "rollback")
        return
    elif ended.code == 5 and not stays and not is_recovery:
        yield f"a single failure was not undone: {ended}"
    # An interrupted run is restored before anything else: then the homes are as before that.
    elif ended.code != 5 and after != (timeless(world.old) if is_recovery else before):
        yield f"{ended}, and the homes are not as before: {world.differences()}"
    yield from _next(world, "replay")


def _next(world: World, command: str, *, old_only: bool = False) -> Iterator[str]:
    """What is wrong after the next command, which has to bring everything in order."""
    ended = world.run(*world.command(command))
    expected = {0} if command == "replay" else {0, 2}  # 2: there is no run yet that could be undone
    if ended.code not in expected:
        yield f"the next {command} ends with {ended}"
    whole = world.is_new if command == "replay" else world.is_old or (world.is_new and not old_only)
    if not whole:
        yield f"after the next {command} the homes are {world.differences()}"
    if residue := world.residue():
        yield f"after the next {command} there is still {residue}"


def _told_well(ended: Ended) -> Iterator[str]:
    """Whether a command that met an error has told so as it should."""
    try:
        result = ended.result
    except ValueError:
        yield f"no JSON: {ended}"
        return
    if ended.code not in OUTCOMES:
        yield f"no exit code that there is: {ended}"
    elif result["outcome"] not in OUTCOMES[ended.code]:
        yield f"outcome {result['outcome']} with {ended}"
    if ended.code and not (result["error"] or any(one["status"] == "error" for one in result["checks"])):
        yield f"no word of what went wrong: {ended}"
    if "Traceback" in ended.err or "internal error" in ended.err + ended.out:
        yield f"not told well: {ended}"
