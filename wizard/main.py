"""The entry point: straight to the screen where nothing else can be meant, else the command line.

The library of the command line takes as long to load as the wizard's first picture takes to paint; the picture needs
nothing of it.  Whatever goes wrong is told by the command line, in the same words and with the same exit codes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from wizard.errors import UsageError


def main() -> NoReturn:
    """Run what the command line asks for, and end the process with its exit code."""
    gc.set_threshold(
        100_000
    )  # loading makes no garbage: to look for it every 700 objects takes a twentieth of a run
    words = sys.argv[1:]
    failure: BaseException | None = None
    if sys.stdin.isatty() and sys.stdout.isatty() and means_the_screen(words):
        from screens import open_wizard

        try:
            sys.exit(open_wizard(words[-1] if words else None))
        except (Exception, KeyboardInterrupt) as problem:
            failure = problem
    from wizard import cli

    try:
        cli.main(failure=failure)
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else 1)


def _leave(code: int) -> NoReturn:
    """End the process at once: to take thousands of objects down one by one takes longer than to plan a pair."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def means_the_screen(words: Sequence[str]) -> bool:
    """Whether these words are nothing, a profile, or `resume` and a profile: then the wizard is opened."""
    if not words:
        return True
    words = words[1:] if words[0] == "resume" else words
    if len(words) != 1 or words[0].startswith("-"):
        return False
    from wizard.profile.names import locate

    try:
        return locate(words[0])[1].is_file()
    except (UsageError, OSError, ValueError):
        return False
