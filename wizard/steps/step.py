"""What a step is: one object that serves the screen, the headless run and the documentation alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from wizard.edit.xml import New
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.edit.xml import XmlElement
    from wizard.pack.xml import Element, XmlTree
    from wizard.passwords.secret import Secret
    from wizard.plan.workbench import Workbench
    from wizard.preflight.checks import Check
    from wizard.steps.reading import Reading

E = TypeVar("E", bound="Element")


class Step(NamedTuple):
    """A step of the procedure.

    `fields` are the dotted names of the profile's fields that it asks for (`nodes.home` stands for both nodes');
    `edits` plan its changes, one function a file, so that each broken file is reported by itself; `checks` look.
    """

    id: str
    title: str
    help: str
    fields: tuple[str, ...]
    edits: tuple[Callable[[Workbench], None], ...]
    checks: tuple[Check, ...]
    reads: tuple[Callable[[Reading], None], ...] = ()
    """The way back: what a home that was configured by hand says of the fields (`profile from-homes`)."""


def put(
    parent: XmlElement, order: Sequence[str], name: str, value: str | Secret, *, what: str | None = None
) -> None:
    """Give a child its text; a new one goes directly behind the nearest one of the list that is there."""
    child = parent.find(name)
    if child is not None:
        child.set_text(value, what=what)
        return
    behind = nearest(order, name, parent.find)
    if behind is None:
        parent.append(New(name, text=value), what=what)
    else:
        behind.insert_after(New(name, text=value), what=what)


def sole(document: XmlTree[E], found: Sequence[E], what: str) -> E | None:
    """Of the live elements that can be meant the only one; None where there is none.  `what` says it in the error.

    Raises:
        EditError: there are several.
    """
    if len(found) > 1:
        lines = ", ".join(str(one.line) for one in found)
        raise EditError(
            f"doubles {what} is live more than once, at the lines {lines}",
            place=f"{document.name}:{found[1].line}",
            fix="keep one of them, and remove or comment out the others",
        )
    return found[0] if found else None


def nearest(order: Sequence[str], name: str, find: Callable[[str], XmlElement | None]) -> XmlElement | None:
    """What a new `name` goes behind: the nearest of the list before it that is there, else the nearest after it."""
    place = order.index(name)
    near = [*reversed(order[:place]), *order[place + 1 :]]
    return next((found for other in near if (found := find(other)) is not None), None)
