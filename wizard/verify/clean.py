"""State files: which of them may go, and removing them (procedure 6).

The server writes `cep_persistence/<tenant>/<plan>/<TIMESTAMP>_<PLAN>` again and again and deletes none.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCATION = "cep_persistence"
KEPT = 2
"""The newest state files of each plan that stay."""

_TENANT = re.compile(r"-?\d{1,10}")
_STATE = re.compile(r"(\d{1,19})_(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StateFile:
    """A saved state of an execution plan: `timestamp` in milliseconds as its name says, `size` in bytes."""

    folder: Path
    tenant: str
    plan: str
    name: str
    timestamp: int
    size: int

    @property
    def path(self) -> Path:
        return self.folder / self.tenant / self.plan / self.name


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What would go and what stays; `left_alone` names what is no state file, with the reason."""

    remove: tuple[StateFile, ...] = ()
    keep: tuple[StateFile, ...] = ()
    left_alone: tuple[str, ...] = ()

    @property
    def frees(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.remove)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed, in bytes and files, and what could not be."""

    files: int = 0
    bytes: int = 0
    failures: tuple[str, ...] = ()


def plan_cleaning(home: Path, location: str | Path = LOCATION) -> Cleaning:
    """All but the two newest state files of each plan of each tenant, by the timestamp in the name.

    Nothing is touched.  Links are never followed below the home, and nothing else is ever listed for removal.
    """
    plans: dict[tuple[str, str], list[StateFile]] = {}
    left_alone = []
    for one in _entries(Path(home) / location):
        if isinstance(one, StateFile):
            plans.setdefault((one.tenant, one.plan), []).append(one)
        else:
            left_alone.append(one)
    remove: list[StateFile] = []
    keep: list[StateFile] = []
    for files in plans.values():
        files.sort(key=lambda file: (file.timestamp, file.name), reverse=True)
        keep.extend(files[:KEPT])
        remove.extend(files[KEPT:])
    return Cleaning(tuple(remove), tuple(keep), tuple(left_alone))


def clean(cleaning: Cleaning) -> Cleaned:
    """Remove what the cleaning lists; what has changed its kind since is left and named.

    Each file is removed relative to its opened folder, so that a folder that was replaced by a link meanwhile
    leads nowhere.
    """
    files, size, failures = 0, 0, []
    for one in cleaning.remove:
        try:
            with (
                _opened(one.folder) as top,
                _opened(one.tenant, top) as tenant,
                _opened(one.plan, tenant) as plan,
            ):
                status = os.stat(one.name, dir_fd=plan, follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode):
                    failures.append(f"{one.path}: is no file any more")
                    continue
                os.unlink(one.name, dir_fd=plan)
        except FileNotFoundError:
            continue
        except OSError as problem:
            failures.append(f"{one.path}: {problem.strerror}")
        else:
            files, size = files + 1, size + status.st_size
    return Cleaned(files, size, tuple(failures))


def _entries(folder: Path) -> Iterator[StateFile | str]:
    """The state files below a folder, and a line for everything that is none."""
    try:
        with _opened(folder) as top:
            for tenant in _listed(top):
                where = f"{folder}/{tenant}"
                if not _TENANT.fullmatch(tenant):
                    yield f"{where}: no tenant's folder"
                    continue
                yield from _inside(folder, where, tenant, top)
    except FileNotFoundError:
        return
    except OSError as problem:
        yield f"{folder}: {_why(problem)}"


def _inside(folder: Path, where: str, tenant: str, top: int) -> Iterator[StateFile | str]:
    try:
        with _opened(tenant, top) as of_tenant:
            for plan in _listed(of_tenant):
                try:
                    with _opened(plan, of_tenant) as of_plan:
                        yield from _of_plan(folder, tenant, plan, of_plan)
                except OSError as problem:
                    yield f"{where}/{plan}: {_why(problem)}"
    except OSError as problem:
        yield f"{where}: {_why(problem)}"


def _of_plan(folder: Path, tenant: str, plan: str, of_plan: int) -> Iterator[StateFile | str]:
    for name in _listed(of_plan):
        found = _STATE.fullmatch(name)
        status = os.stat(name, dir_fd=of_plan, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            yield f"{folder}/{tenant}/{plan}/{name}: no regular file"
        elif found is None or found[2] != plan:
            yield f"{folder}/{tenant}/{plan}/{name}: no state file of this plan"
        else:
            yield StateFile(folder, tenant, plan, name, int(found[1]), status.st_size)


@contextmanager
def _opened(path: str | Path, parent: int | None = None) -> Iterator[int]:
    """A folder's descriptor; a link in its place is an error (the home's own path may have links)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _listed(descriptor: int) -> list[str]:
    return sorted(os.listdir(descriptor))


def _why(problem: OSError) -> str:
    if problem.errno in (errno.ELOOP, errno.ENOTDIR):
        return "no folder (links are not followed)"
    return problem.strerror or str(problem)
