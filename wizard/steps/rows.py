"""What a step writes, as rows: this place of that file gets the value of this field.

One row writes the value, reads it back (`profile from-homes`), names the field that causes a line of the review,
says whether the nodes may differ in it for a while (`replay --rolling`), and is a line of the reference page "What
the wizard writes".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from wizard.edit.edits import Note, Value, reveal
from wizard.edit.settings import opened
from wizard.edit.xml import New, XmlElement
from wizard.pack.xml import parse_path
from wizard.steps.reading import describe, is_true

if TYPE_CHECKING:
    from wizard.pack.xml import Element
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords
    from wizard.steps.reading import Reading


class Scope(NamedTuple):
    """What a row takes its value from: the profile of `bench`, and the node that `nodes.…` means."""

    bench: Workbench
    node: Node

    def value(self, field: str) -> Value | None:
        """The text that a field of the profile gives; None where it is not set.  A password is resolved."""
        return value_of(field, self.bench.profile, self.bench.passwords, self.node)

    def place(self, field: str) -> str:
        """The field with its node: `nodes.host` of node2 is `nodes.node2.host`."""
        return f"nodes.{self.node.name}.{field[6:]}" if field.startswith("nodes.") else field


def value_of(field: str, profile: Profile, passwords: Passwords, node: Node | None = None) -> Value | None:
    """Return the text that a field of a profile gives; None where it is not set.  `nodes.…` is that of `node`."""
    if field == "mysql.password":
        return passwords.mysql
    if field == "deployment_sync.svn_password":
        return passwords.svn
    section, _, name = field.rpartition(".")
    holder: object = profile
    for part in section.split("."):
        holder = node if part == "nodes" else getattr(holder, part)
    return as_text(getattr(holder, name))


def as_text(value: object) -> str | None:
    """A value as the servers' files hold it; None stays None."""
    if isinstance(value, bool):
        return switch(value)
    return None if value is None else str(value)


def switch(value: bool) -> str:
    """Return a switch as the servers' files hold it."""
    return "true" if value else "false"


class Row(NamedTuple):
    """`place`, below the table's element or a key of its file, gets `text`: None means the value of `field`.

    An attribute is `path/@name`.  `field` is empty where the procedure prescribes the text.  A text that is None
    leaves the place as it is, and so does a row whose `when` is false; `unset` is written for a field that is not
    set.  `rolls` is false where both nodes need the change at once.  Elements on the way have to be there, unless
    `makes` says that the row makes them.  `means` is what the reference page says of a text that is computed;
    `cause` finds the field, and whether it rolls, where several make one value; `doubt` is the field at which a home is
    noted that holds another text than the prescribed one.
    """

    place: str
    field: str = ""
    text: str | Callable[[Scope], Value | None] | None = None
    rolls: bool = True
    when: Callable[[Scope], bool] | None = None
    unset: str | None = None
    makes: bool = False
    means: str = ""
    cause: Callable[[Scope, str], tuple[str, bool]] | None = None
    doubt: str = ""

    def value(self, scope: Scope) -> Value | None:
        """What is written; None for nothing."""
        if self.when is not None and not self.when(scope):
            return None
        if self.text is None:
            value = scope.value(self.field)
            return self.unset if value is None else value
        return self.text if isinstance(self.text, str) else self.text(scope)

    def note(self, scope: Scope, old: str, label: str) -> Note:
        """What the editor carries along: a name for people, the field with its node, whether it rolls."""
        field, rolls = self.cause(scope, old) if self.cause else (self.field, self.rolls)
        return Note(f"{label}/{self.place}" if label else "", scope.place(field) if field else "", rolls)

    def note_other(self, found: Reading, text: str, where: str = "") -> None:
        """Note a text that is not the prescribed one; how a switch is written does not matter."""
        if self.doubt and not (is_true(text) if self.text == "true" else text.strip() == self.text):
            now = describe(text.strip()) if text.strip() else "missing"
            found.note(self.doubt, f"{where}{self.place} is {now}, not {self.text}")

    @property
    def path(self) -> list[str]:
        """The elements of the place; no value in a predicate holds a slash."""
        return [part for part in self.place.split("/") if part and not part.startswith("@")]

    @property
    def attribute(self) -> str:
        """The attribute of the place; empty where it is the text."""
        last = self.place.rpartition("/")[2]
        return last[1:] if last.startswith("@") else ""


def jndi_row(place: str, field: str, *, makes: bool = False) -> Row:
    """The row of a place that holds the JNDI name of a datasource, whose own name is the value of `field`."""
    return Row(
        place,
        field,
        lambda scope: f"jdbc/{reveal(scope.value(field) or '')}",
        makes=makes,
        means="`jdbc/NAME`",
    )


class Table(NamedTuple):
    """The rows of one element of a file (`element` empty: its keys, or variables of a script).

    `first`: where none of the elements is there, new ones go to the front of the element.
    """

    file: str
    element: str
    rows: tuple[Row, ...]
    first: bool = False

    def edit(self, bench: Workbench) -> None:
        """Write the rows for the node of `bench`; a file for which no row has a text is not opened."""
        scope = Scope(bench, bench.node)
        texts = self._texts(scope)
        if texts and self.element:
            self.write(bench.xml(self.file).one(self.element), scope)
        elif texts:
            document = bench.settings(self.file)
            for row, text in texts:
                document.set(row.place, text, note=row.note(scope, document.get(row.place) or "", ""))

    def _texts(self, scope: Scope) -> list[tuple[Row, Value]]:
        """The rows that have something to write, each with it."""
        return [(row, text) for row in self.rows if (text := row.value(scope)) is not None]

    def write(self, element: XmlElement, scope: Scope, label: str = "") -> None:
        """Give the rows' places below `element` their texts; `label` stands before the place for people.

        Raises:
            EditError: an element that has to be there is missing, or is there twice.
        """
        for row, text in self._texts(scope):
            found, missing = element, list(row.path)
            while missing and (child := found.find(missing[0])) is not None:
                found = child
                del missing[0]
            if len(missing) > 1 and not row.makes:
                found.one("/".join(missing))  # says what is missing
            if missing:
                new = _element(missing[0], [(missing[1:], row.attribute, text)])
                self._insert(found, row.path[: -len(missing)], new, missing[0], row.note(scope, "", label))
            elif row.attribute:
                found.set(row.attribute, text, note=row.note(scope, found.get(row.attribute) or "", label))
            else:
                found.set_text(text, note=row.note(scope, found.text, label))

    def _insert(self, parent: XmlElement, path: list[str], new: New, name: str, note: Note) -> None:
        """A new element goes directly behind the nearest of the rows' elements that is there, else to an end."""
        depth = len(path)
        order = list(
            dict.fromkeys(
                row.path[depth] for row in self.rows if len(row.path) > depth and row.path[:depth] == path
            )
        )
        place = order.index(name)
        near = [*reversed(order[:place]), *order[place + 1 :]]
        behind = next((one for other in near if (one := parent.find(other)) is not None), None)
        if behind is not None:
            behind.insert_after(new, note=note)
        elif self.first:
            parent.prepend(new, note=note)
        else:
            parent.append(new, note=note)

    def new(self, name: str, scope: Scope) -> New:
        """The element with all that the rows say, for a file that has none."""
        return _element(name, [(row.path, row.attribute, text) for row, text in self._texts(scope)])

    def read(self, found: Reading, element: Element | None, by: str = "another place") -> None:
        """Say of each field whose value a row writes unchanged what the home says."""
        if element is None:
            return
        for row in self.rows:
            holders = element.all("/".join(row.path)) if row.path else [element]
            if row.field and row.text is None:
                found.take(row.field, holders, row.attribute, by=by)
            else:
                texts = [one.get(row.attribute) if row.attribute else one.text for one in holders]
                row.note_other(found, next(filter(None, texts), ""), f"{element.label}/")

    def read_settings(self, found: Reading) -> None:
        """The same, of the keys or variables of the file."""
        if not found.pack.exists(self.file):
            found.note(self.rows[-1].field, f"there is no {self.file}")
            return
        document = opened(found.pack.read(self.file), str(found.pack.path(self.file)))
        for row in self.rows:
            text = document.get(row.place)
            if row.field and row.text is None and text:
                found.value(row.field, text, by=self.file)
            elif not row.field:
                row.note_other(found, text or "")


_Made = tuple[list[str], str, Value]


def _element(name: str, made: list[_Made]) -> New:
    """An element, named by its segment of a path, with texts and attributes at places below it."""
    segment = parse_path(name, {})[0]
    attributes: dict[str, Value] = {
        one.name: one.value or "" for one in segment.predicates if one.is_attribute
    }
    attributes |= {attribute: text for path, attribute, text in made if attribute and not path}
    text = next((text for path, attribute, text in made if not path and not attribute), None)
    inner: dict[str, list[_Made]] = {}
    for path, attribute, each in made:
        if path:
            inner.setdefault(path[0], []).append((path[1:], attribute, each))
    children = tuple(_element(child, below) for child, below in inner.items())
    return New(segment.name, attributes, children=children or None, text=text)
