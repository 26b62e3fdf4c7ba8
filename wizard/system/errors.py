"""What can go wrong, each kind with its exit code; and the wish to stop (`Cancel`).

The exit codes are a contract with scripts: see the table in the README and `EXIT_CODES` below.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Literal

EXIT_CODES: dict[int, str] = {
    0: "done, or nothing to do",
    1: "it failed; everything in the homes is as before",
    2: "wrong use: unknown option, unreadable or invalid profile",
    3: "checks failed (broken packs and unresolved passwords included); nothing was written",
    4: "`--dry-run`, and there are changes; `verify`, `start`, `restart`: waiting",
    5: "another run holds the lock, an unfinished run cannot be recovered safely, or a path cannot be restored",
    130: "cancelled; everything in the homes is as before",
}


class WizardError(Exception):
    """The base of all errors: a message for the user, where the problem is, and how to fix it.

    `str()` gives `place: message (fix: …)`; none of the three parts ever holds a password.
    """

    exit_code = 1
    outcome: Literal["failed", "refused", "cancelled"] = "failed"
    """What `--json` calls it."""

    def __init__(self, message: str, *, place: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.fix = fix

    @property
    def text(self) -> str:
        """The message with its place, without the fix."""
        return f"{self.place}: {self.message}" if self.place else self.message

    def __str__(self) -> str:
        return f"{self.text}\n  fix: {self.fix}" if self.fix else self.text


class Failed(WizardError):
    """It failed half-way and what had been done was undone."""


class UsageError(WizardError):
    """The command line or the profile is wrong."""

    exit_code = 2
    outcome = "refused"


class ChecksFailed(WizardError):
    """A requirement of the run is not met; nothing was written."""

    exit_code = 3
    outcome = "refused"


class EditError(ChecksFailed):
    """A file of a pack is missing, broken, or not of the shape that a step needs."""


class SecretError(ChecksFailed):
    """A reference to a password cannot be resolved."""


class Locked(WizardError):
    """Another run works on the home, or an unfinished one cannot be recovered safely."""

    exit_code = 5
    outcome: Literal["failed", "refused", "cancelled"] = "refused"


class NotRestored(Locked):
    """Some paths of a run could not be restored: they are named, and the run stays open."""

    outcome = "failed"


class Cancelled(WizardError):
    """Ctrl-C was pressed; what had been done was undone."""

    exit_code = 130
    outcome = "cancelled"


class Cancel:
    """The wish to stop.  Whoever writes looks at it between two moves and goes back."""

    def __init__(self) -> None:
        self._wanted = False
        self._shields = 0
        self.sealed = False

    def set(self) -> None:
        self._wanted = True

    def is_set(self) -> bool:
        return self._wanted

    @contextmanager
    def shield(self) -> Iterator[None]:
        """While it lasts, `interrupt` only notes the wish: a write is never cut in the middle."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    def seal(self) -> None:
        """How the run ends is settled: a wish that comes later changes nothing, and must not claim to have."""
        self.sealed = True

    def interrupt(self) -> None:
        """Handle Ctrl-C (called by a signal handler): `KeyboardInterrupt` unless shielded or sealed."""
        self.set()
        if not self._shields and not self.sealed:
            raise KeyboardInterrupt


REPORT = "this is a bug in apimha-wizard: report it with this line and the steps to reproduce it"
"""The fix of an error that only the authors can correct."""

AS_BEFORE = "everything in the homes is as before"
RETRY = "correct that and run it again"


class StoppedError(Exception):
    """Why a run stops before its end; the message is for people."""


def describe_error(problem: BaseException) -> str:
    """Describe an error for the user: the file and the system's message; for a bug its type and place.

    The text of an unknown exception may hold anything, also a password.
    """
    if isinstance(problem, OSError):
        text = problem.strerror or type(problem).__name__
        return f"{problem.filename}: {text}" if isinstance(problem.filename, str) else text
    if isinstance(problem, (WizardError, StoppedError)):
        return str(problem)
    place, trace = "", problem.__traceback__
    while trace is not None:
        file = PurePath(trace.tb_frame.f_code.co_filename)
        if file.parent.parent.name == "wizard":
            place = f" in {file.parent.name}/{file.name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"internal error ({type(problem).__name__}{place})"


@contextmanager
def os_errors_as_failures() -> Iterator[None]:
    """What the system refuses before a run has begun to write fails the run like anything else.  Raises `Failed`."""
    try:
        yield
    except OSError as problem:
        raise Failed(f"{describe_error(problem)}; {AS_BEFORE}", fix=RETRY) from problem
