"""The wizard on the screen: built on `wizard`, which imports nothing of it."""

from __future__ import annotations


def open_wizard(name: str | None, *, resume: bool = False) -> int:
    """Run the wizard until somebody leaves it; gives the exit code.

    Args:
        name: a profile's name or path; None: the list of profiles.
        resume: said so on the command line; a profile opens at its first unfinished step either way.

    Raises:
        WizardError: the profile cannot be read.
        Exception: whatever went wrong inside, once the terminal is as it was before.
    """
    from screens.start import run

    return run(name)
