"""State files: which are old, and removing them (procedure 6).

The server writes `cep_persistence/<tenant>/<plan>/<TIMESTAMP>_<PLAN>` again and again and deletes none.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path

LOCATION = "cep_persistence"
KEPT = 2
"""The newest state files of each plan, which are kept."""

_TENANT = re.compile(r"-?\d{1,10}")
_STATE = re.compile(r"(\d{1,19})_(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlanFolder:
    """The state files of one execution plan: how many are kept, and the names of the old ones."""

    tenant: Path
    plan: str
    keep: int
    old: tuple[str, ...]
    frees: int
    """Bytes of the old ones."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is removed and what is kept; `left_alone` names what is not a state file, with the reason."""

    plans: tuple[PlanFolder, ...]
    left_alone: tuple[str, ...]

    @property
    def remove(self) -> Iterator[Path]:
        return (one.tenant / one.plan / name for one in self.plans for name in one.old)

    @property
    def count(self) -> int:
        """How many are removed."""
        return sum(len(one.old) for one in self.plans)

    @property
    def keep(self) -> int:
        return sum(one.keep for one in self.plans)

    @property
    def frees(self) -> int:
        """Bytes."""
        return sum(one.frees for one in self.plans)


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
    left_alone: list[str] = []
    return Cleaning(tuple(_plans(Path(home) / location, left_alone)), tuple(sorted(left_alone)))


def clean(cleaning: Cleaning) -> Cleaned:
    """Remove what the cleaning lists; report what is not a regular file any more.

    Each file is removed relative to its opened folder, so that a folder replaced by a link meanwhile has no effect.
    """
    done = Cleaned()
    for one in cleaning.plans:
        try:
            if one.old:
                with (
                    _opened(one.tenant.parent) as top,
                    _opened(one.tenant.name, top) as tenant,
                    _opened(one.plan, tenant) as plan,
                ):
                    _remove(one, plan, done)
        except OSError as problem:
            done.failures.append(f"{one.tenant / one.plan}: {_why(problem)}")
    return done


def _remove(one: PlanFolder, plan: int, done: Cleaned) -> None:
    for name in one.old:
        try:
            status = os.stat(name, dir_fd=plan, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                done.failures.append(f"{one.tenant / one.plan / name}: is not a regular file any more")
                continue
            os.unlink(name, dir_fd=plan)
        except FileNotFoundError:
            continue
        except OSError as problem:
            done.failures.append(f"{one.tenant / one.plan / name}: {problem.strerror}")
        else:
            done.files, done.bytes = done.files + 1, done.bytes + status.st_size


def _plans(folder: Path, left_alone: list[str]) -> Iterator[PlanFolder]:
    """Yield the plans below a folder; anything else is added to `left_alone`."""
    for top, tenants in _walk(folder, None, left_alone):
        left_alone += [
            f"{folder / name}: not a tenant's folder" for name in tenants if not _TENANT.fullmatch(name)
        ]
        for tenant in (folder / name for name in tenants if _TENANT.fullmatch(name)):
            for opened, plans in _walk(tenant, top, left_alone):
                for plan in plans:
                    try:
                        with _opened(plan, opened) as of_plan:
                            yield _of_plan(tenant, plan, of_plan, left_alone)
                    except OSError as problem:
                        left_alone.append(f"{tenant / plan}: {_why(problem)}")


def _walk(folder: Path, parent: int | None, left_alone: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield a folder's descriptor and the names in it, once; a folder that cannot be read is added to `left_alone`."""
    try:
        with _opened(folder if parent is None else folder.name, parent) as opened:
            yield opened, sorted(os.listdir(opened))
    except OSError as problem:
        if parent is not None or not isinstance(problem, FileNotFoundError):
            left_alone.append(f"{folder}: {_why(problem)}")


def _of_plan(tenant: Path, plan: str, of_plan: int, left_alone: list[str]) -> PlanFolder:
    newest: list[tuple[int, str, int]] = []
    old, frees = [], 0
    with os.scandir(of_plan) as entries:
        for entry in entries:
            found = _STATE.fullmatch(entry.name)
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                left_alone.append(f"{tenant / plan / entry.name}: not a regular file")
            elif found is None or found[2] != plan:
                left_alone.append(f"{tenant / plan / entry.name}: not a state file of this plan")
            else:
                heappush(newest, (int(found[1]), entry.name, status.st_size))
                if len(newest) > KEPT:
                    _, name, size = heappop(newest)
                    old.append(name)
                    frees += size
    return PlanFolder(tenant, plan, len(newest), tuple(sorted(old)), frees)


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
