"""State files: which are old, and removing them (procedure 6).

The server writes `cep_persistence/<tenant>/<plan>/<TIMESTAMP>_<PLAN>` again and again and deletes none.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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
        tenant = folder.parent
        try:
            with _opened(tenant.parent) as top, _opened(tenant.name, top) as of_tenant:
                with _opened(folder.name, of_tenant) as plan:
                    for name in names:
                        _remove(folder / name, plan, done)
        except OSError as problem:
            done.failures.append(f"{folder}: {_why(problem)}")
    return done


def _remove(path: Path, folder: int, done: Cleaned) -> None:
    try:
        status = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            done.failures.append(f"{path}: is not a regular file any more")
            return
        os.unlink(path.name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as problem:
        done.failures.append(f"{path}: {problem.strerror}")
    else:
        done.files, done.bytes = done.files + 1, done.bytes + status.st_size


@contextmanager
def _opened(path: str | Path, parent: int | None = None) -> Iterator[int]:
    """Open a folder; a link in its place is an error (the home's own path may have links)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _why(problem: OSError) -> str:
    if problem.errno in (errno.ELOOP, errno.ENOTDIR):
        return "not a folder (links are not followed)"
    return problem.strerror or str(problem)
