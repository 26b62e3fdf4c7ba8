"""The files of one node on the table: opened once, edited in memory, nothing written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, TypeVar, cast

from wizard.edit.edits import Line
from wizard.edit.settings import SettingsDocument, opened
from wizard.edit.xml import XmlDocument
from wizard.pack.xml import XmlTree
from wizard.plan.change import Change, ChangeKind
from wizard.system.bounded import is_folder
from wizard.system.errors import EditError
from wizard.transaction.move import ABSENT, Meta, Move, PathState, hash_of, hash_of_file, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wizard.pack.home import Pack
    from wizard.pack.xml import Element
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords


D = TypeVar("D", XmlDocument, SettingsDocument)


@dataclass(eq=False)
class Workbench:
    """What a step works with: the profile, the node, its pack, and the pack's files as documents; nothing is written.

    A step edits documents and asks for copies, renames and links; `changes()` returns the plan's data.
    """

    profile: Profile
    node: Node
    pack: Pack
    passwords: Passwords
    one_machine: bool
    """Whether both nodes are on one machine."""
    lives_here: bool | None
    """Whether the node's host is this machine; None where that cannot be known."""
    server: tuple[int, ...] | None = None
    """The version of the MySQL server, asked or assumed; None where unknown."""
    mariadb: bool = False
    step: str = ""

    _opened: dict[str, tuple[XmlDocument | SettingsDocument, dict[str, int]]] = field(default_factory=dict)
    """The documents by path, each with the steps that opened it and the number of edits that it held then."""
    _others: list[Change] = field(default_factory=list)

    def xml(self, path: str) -> XmlDocument:
        """The file as an XML document, the same one for every step."""
        return self._open(path, XmlDocument)

    def elements(self, path: str, where: str) -> list[Element]:
        """The live elements at a path of a file as this run will leave it; the file is only read."""
        document = self._opened[path][0] if path in self._opened else self.pack.xml(path)
        return list(document.all(where)) if isinstance(document, XmlTree) else []

    def settings(self, path: str) -> SettingsDocument:
        """The file as keys or variables with values: a shell script, a batch script, or properties."""
        return self._open(path, opened)

    def _open(self, path: str, kind: Callable[[bytes, str], D]) -> D:
        if path not in self._opened:
            self._opened[path] = kind(self.pack.read(path), str(self.pack.path(path))), {}
        document, steps = self._opened[path]
        steps.setdefault(self.step, len(document.edits))
        return cast(D, document)

    def copy(self, source: Path, folder: str) -> None:
        """A file copied into a folder of the home under its own name."""
        relative = f"{folder}/{source.name}"
        target = self._real(relative)
        before = state_of(target)
        if before.kind not in {"absent", "file"}:
            raise EditError(
                "another object than a file has this name", place=str(target), fix=f"move {target} away"
            )
        if not is_folder(target.parent):
            raise EditError("the folder is missing", place=str(target.parent), fix="unpack the pack again")
        try:
            after = PathState("file", hash_of_file(source))
        except OSError as problem:
            raise EditError(
                f"cannot be read: {problem.strerror}",
                place=str(source),
                fix="name a file that this user may read",
            ) from None
        moves = [] if before == after else [Move(target, before, after, source=source, meta=Meta.of(target))]
        self.add(relative, "copy", moves, Line(f"copied from {source}", "mysql.driver_jar", rolls=True))

    def add(self, path: str, kind: ChangeKind, moves: Sequence[Move] = (), *lines: Line) -> None:
        """A file that is copied, renamed or linked; without moves it stays as it is, and is named in the plan."""
        self._others.append(
            Change(self.node.name, path, kind, (self.step,), lines if moves else (), tuple(moves))
        )

    def rename_chain(self, names: Sequence[str]) -> None:
        """Files that each take the next one's name; the last name is free: `a, b, c` makes b of a and c of b."""
        *old, free = names
        if state_of(self._real(free)) != ABSENT:
            raise EditError(
                "the name is taken", place=str(self.pack.path(free)), fix=f"move {self.pack.path(free)} away"
            )
        contents = {name: self.pack.read(name) for name in old}
        for taken, new in reversed(list(zip(old, names[1:], strict=True))):
            target = self._real(new)
            after = PathState("file", hash_of(contents[taken]))
            meta = Meta.of(self._real(taken))
            moves = [Move(target, state_of(target), after, content=contents[taken], meta=meta)]
            if taken == old[0]:
                moves.append(Move(self._real(taken), after, ABSENT))
            self.add(new, "rename", moves, Line(f"renamed from {taken}", "mysql.provisioning"))

    def symlink(self, link: Path, target: Path) -> None:
        """A symbolic link; an existing link to it is left as it is.  `EditError` where the path is taken."""
        before, moves = state_of(link), []
        if before.kind != "link" or os.path.realpath(link) != os.path.realpath(target):
            if before != ABSENT:
                raise EditError("the path is taken", place=str(link), fix=f"move {link} away")
            if not is_folder(link.parent):
                fix = f"mkdir -p {quote(str(link.parent))}"
                raise EditError("its folder is missing", place=str(link), fix=fix)
            real = Path(os.path.realpath(link.parent)) / link.name
            moves = [Move(real, ABSENT, PathState("link", str(target)))]
        self.add(str(link), "symlink", moves, Line(f"link to {target}", "spark.symbolic_link", rolls=True))

    def changes(self) -> tuple[list[Change], list[EditError]]:
        """Every file that was opened, in that order, and what an editor refused."""
        found, broken = [], []
        for path, (document, steps) in self._opened.items():
            try:
                found.append(self._edited(path, document, steps))
            except EditError as problem:
                broken.append(problem)
        return found + self._others, broken

    def _edited(self, path: str, document: XmlDocument | SettingsDocument, opened: dict[str, int]) -> Change:
        """The change of a document; the steps that edited it come before those that only opened it."""
        before, after = self.pack.read(path), document.result()
        counts = [*opened.values(), len(document.edits)]
        edited = [step for step, was, now in zip(opened, counts, counts[1:], strict=False) if now > was]
        steps = tuple(dict.fromkeys([*edited, *opened]))
        if after == before:
            return Change(self.node.name, path, "edit", steps, before=before, after=after)
        real = self._real(path)
        was, will = PathState("file", hash_of(before)), PathState("file", hash_of(after))
        moves = (Move(real, was, will, content=after, meta=Meta.of(real)),)
        return Change(self.node.name, path, "edit", steps, tuple(document.edits), moves, before, after)

    def _real(self, relative: str) -> Path:
        """Where a path of the home really is: a link's target is what is written."""
        return Path(os.path.realpath(self.pack.path(relative)))
