"""A password as a value that never shows itself.

A profile holds references only.  A reference becomes a `Secret` as late as can be, by a `Resolver`, and a
`Secret` becomes text only by `.reveal()`: search for that word in a review.
"""

from __future__ import annotations

from typing import NoReturn

MASK = "********"


class Secret:
    """A password.  It prints as `********` and refuses to be pickled; `reveal()` is the text."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The password itself."""
        return self.__text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self.__text == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not serialised")
