"""The homes on this machine after the start: whether the server runs, the link, receivers and state files.

The server writes `cep_persistence/<tenant>/<plan>/<TIMESTAMP>_<PLAN>` again and again and deletes none (procedure 6).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack.home import EVENT_PROCESSOR, Pack, is_pack
from wizard.server.process import server_of
from wizard.system import finding
from wizard.system.errors import EditError, StoppedError
from wizard.system.finding import Finding
from wizard.transaction.move import Folders
from wizard.verify.checks import link_findings, receiver_findings
from wizard.verify.pair import Hosts

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

LOCATION = "cep_persistence"
KEPT = 2
"""The newest state files of each plan, which are kept."""

_TENANT = re.compile(r"-?\d{1,10}")
_STATE = re.compile(r"(\d{1,19})_(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is removed, as names by the folder of their plan; `left_alone` says what is not a state file, and why.

    `keep` counts the state files that are kept, `frees` the bytes of the others.
    """

    old: Mapping[Path, tuple[str, ...]]
    keep: int
    frees: int
    left_alone: tuple[str, ...]

    @property
    def remove(self) -> Iterator[Path]:
        return (folder / name for folder, names in self.old.items() for name in names)

    @property
    def count(self) -> int:
        """How many are removed."""
        return sum(map(len, self.old.values()))


@dataclass(slots=True)
class Cleaned:
    """What was removed, in bytes and files, and what failed."""

    files: int = 0
    bytes: int = 0
    failures: list[str] = field(default_factory=list)


def plan_cleaning(home: Path, location: str | Path = LOCATION) -> Cleaning:
    """List all but the two newest state files of each plan of each tenant, by the timestamp in the name.

    Changes nothing.  Links are never followed below the home, and nothing else is ever listed for removal.
    """
    old: dict[Path, tuple[str, ...]] = {}
    left_alone: list[str] = []
    keep = frees = 0
    top = Path(home, location)
    for tenant in _listed(top, left_alone) if os.path.lexists(top) else ():
        if not _TENANT.fullmatch(tenant.name):
            left_alone.append(f"{tenant.path}: not a tenant's folder")
            continue
        for plan in _listed(tenant, left_alone):
            states = []
            for entry in _listed(plan, left_alone):
                found = _STATE.fullmatch(entry.name)
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode):
                    left_alone.append(f"{entry.path}: not a regular file")
                elif found is None or found[2] != plan.name:
                    left_alone.append(f"{entry.path}: not a state file of this plan")
                else:
                    states.append((int(found[1]), entry.name, status.st_size))
            states.sort()
            if states[KEPT:]:
                old[Path(plan.path)] = tuple(sorted(name for _, name, _ in states[:-KEPT]))
            keep += len(states[-KEPT:])
            frees += sum(size for *_, size in states[:-KEPT])
    return Cleaning(old, keep, frees, tuple(sorted(left_alone)))


def _listed(folder: Path | os.DirEntry[str], left_alone: list[str]) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder; one that cannot be read, or is a link, is added to `left_alone`."""
    try:
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "")
        with os.scandir(folder) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)  # the entry keeps it
                yield entry
    except OSError as problem:
        left_alone.append(f"{os.fspath(folder)}: {_why(problem)}")


def clean(cleaning: Cleaning) -> Cleaned:
    """Remove what the cleaning lists; report what is not a regular file any more.

    Each file is removed relative to its opened folder, so that a folder replaced by a link meanwhile has no effect.
    """
    done = Cleaned()
    for folder, names in cleaning.old.items():
        with Folders([str(folder.parents[2])], moved=True) as folders:
            try:
                opened = folders.of(folder)
            except (OSError, StoppedError) as problem:
                done.failures.append(f"{folder}: {_why(problem)}")
                continue
            for name in names:
                try:
                    done.bytes += _remove(name, opened)
                    done.files += 1
                except FileNotFoundError:
                    continue
                except OSError as problem:
                    done.failures.append(f"{folder / name}: {problem.strerror}")
    return done


def _remove(name: str, folder: int) -> int:
    """Remove a state file and return its bytes."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file any more")
    os.unlink(name, dir_fd=folder)
    return status.st_size


def _why(problem: OSError | StoppedError) -> str:
    if isinstance(problem, StoppedError) or problem.errno in (errno.ELOOP, errno.ENOTDIR):
        return "not a folder (links are not followed)"
    return problem.strerror or str(problem)


LOG = "repository/logs/wso2carbon.log"
PERSISTENCE = "persistence/persister/property[@key='persistenceLocation']"
MUCH = 100 * 1024 * 1024
"""Bytes of old state files that cause a warning."""

HOME_IDS = ("verify.symbolic-link", "verify.event-receivers", "verify.state-files")


def packs_here(profile: Profile, hosts: Hosts) -> dict[str, Pack]:
    """Return the packs whose homes are on this machine, by node.

    On two machines the homes usually have one path: then it is the home of the node whose host is this machine.
    """
    first, second = profile.nodes
    return {
        node.name: Pack(Path(node.home))
        for node in profile.nodes
        if is_pack(Path(node.home)) and (first.home != second.home or hosts.here(node.host))
    }


def alive(node: Node, pack: Pack | None, hosts: Hosts) -> bool | None:
    """Whether the home's server runs, or else the process of its `wso2carbon.pid`; None if unknown."""
    if pack is None or not hosts.here(node.host):
        return None
    if server_of(pack.home) is not None:
        return True
    pid = pack.pid
    return None if pid is None else pack.running == pid


def state_location(profile: Profile, pack: Pack) -> str:
    """Return where the server keeps its state, relative to the home: the profile's value, else the pack's own."""
    if profile.event_processor.persistence_location is not None:
        return str(profile.event_processor.persistence_location)
    try:
        modes = pack.xml(EVENT_PROCESSOR).all("mode")
        ha = next((mode for mode in modes if (mode.get("name") or "").lower() == "ha"), None)
        found = ha.find(PERSISTENCE) if ha is not None else None
    except EditError:
        return LOCATION
    return (found.text.strip() if found is not None else "") or LOCATION


def home_findings(profile: Profile, packs: Mapping[str, Pack], *, one_machine: bool) -> list[Finding]:
    """Return the findings about the homes, each with its id."""
    homes = {node: pack.home for node, pack in packs.items()}
    rows = (
        link_findings(profile, profile.nodes, homes, one_machine=one_machine),
        (one for node, home in homes.items() for one in receiver_findings(profile, node, home)),
        _state_files(profile, packs),
    )
    return [one for id, found in zip(HOME_IDS, rows, strict=True) for one in finding.of(id, found)]


def _state_files(profile: Profile, packs: Mapping[str, Pack]) -> Iterator[Finding]:
    for node, pack in packs.items():
        cleaning = plan_cleaning(pack.home, state_location(profile, pack))
        if not cleaning.count:
            yield finding.ok(f"{cleaning.keep} state files, none to remove", node=node)
            continue
        text = f"{cleaning.count} old state files hold {megabytes(cleaning.frees)}"
        if cleaning.frees >= MUCH:
            yield finding.warning(text, node=node, fix=finding.command("clean"))
        else:
            yield finding.ok(f"{text} (apimha-wizard clean removes them)", node=node)


def megabytes(size: int) -> str:
    """Return bytes as text, such as `3.0 kB`."""
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 2**10:.1f} kB"
