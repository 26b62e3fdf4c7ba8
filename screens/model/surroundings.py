"""What the pair needs of the application that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Later(Protocol):
    """A call that will come, and can be taken back."""

    def stop(self) -> None: ...


class Surroundings(Protocol):
    """The application, as far as the pair knows it."""

    def tell_from_thread(self, news: object) -> None:
        """Hand news of a thread to `OpenPair.take`, in the screen's thread."""

    def call_later_in(self, seconds: float, call: Callable[[], None]) -> Later:
        """Call something in the screen's thread after a while."""

    def show_pair(self) -> None:
        """Something that the screens show has changed."""

    def say(self, message: str, severity: str) -> None:
        """Tell a person something that passes."""

    def ask_for_password(self, key: str) -> str | None:
        """What somebody types; None where nobody does.  Called in a thread, which waits."""

    def ask_about_cut_off(self, message: str) -> None:
        """A run was cut off in one of the homes: ask whether it is to be taken back."""

    def ask_about_conflict(self) -> None:
        """The profile was changed by somebody else: ask which of the two is to be kept."""
