"""What the checks of the MySQL step share: one view of the server, and the conditions under which they are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wizard.preflight.checks import Check, CheckContext
from wizard.system import finding
from wizard.system.finding import Finding, Fix

if TYPE_CHECKING:
    from wizard.database.accounts import Account
    from wizard.database.needs import Needs, WantedDatabases
    from wizard.database.script import Scripts
    from wizard.database.server import Server
    from wizard.database.situation import Situation

BUSY = "another run is working in the databases"

AS_ADMINISTRATOR = "; as an administrator"

_SHOWN = 12
"""How many names a message lists; the others are counted."""


class DatabaseView:
    """What the profile wants, what the server has, and what a run would create; read once for all checks."""

    def __init__(self, context: CheckContext) -> None:
        self.context = context

    @property
    def wanted(self) -> WantedDatabases:
        from wizard.database.needs import wanted

        context = self.context
        return context.once(
            "mysql.wanted", lambda: wanted(context.profile, context.passwords, context.packs.values())
        )

    @property
    def situation(self) -> Situation:
        """What exists.  Raises DatabaseError if no server answers."""
        from wizard.database.situation import FileJournal, look

        journal = FileJournal(self.wanted.endpoint)
        return self.context.once("mysql.situation", lambda: look(self.wanted, journal.begun()))

    @property
    def server(self) -> Server:
        """The server, for a check with a login."""
        server = self.situation.server
        assert server is not None
        return server

    @property
    def scripts(self) -> Scripts | None:
        """The pack's scripts for the server; None without a pack."""
        from wizard.database.script import scripts_for

        packs = self.context.packs.values()
        return self.context.once("mysql.scripts", lambda: scripts_for(packs, self.situation.greeting))

    @property
    def needs(self) -> Needs:
        """What a run would create."""
        from wizard.database.needs import decide

        return self.context.once("mysql.needs", lambda: decide(self.wanted, self.situation, self.scripts))

    @property
    def accounts(self) -> list[Account]:
        """The accounts that a login may be matched to once the run is done, as far as they may be seen."""
        created = self.needs.account
        return [*(self.situation.accounts or ()), *([created] if created is not None else [])]


@dataclass(frozen=True)
class ServerCheck(Check):
    """A live check of a generator that reads the `DatabaseView`; skipped if a password is missing."""

    live: bool = True
    login: bool = True
    """It is also skipped if no account can log in."""
    offline_first: bool = False
    """What it finds offline it finds in each case, also if it is skipped."""

    def __call__(self, probe: Callable[[DatabaseView], Iterable[Finding]]) -> Check:
        def guarded(context: CheckContext) -> Iterator[Finding]:
            view = DatabaseView(context)
            if self.offline_first and self.offline_probe is not None:
                yield from self.offline_probe(context)
            if context.passwords.problems:
                yield finding.skipped("skipped: a password is missing")
            elif self.login and view.situation.server is None:
                yield finding.skipped("skipped: no account of the profile can log in")
            else:
                yield from probe(view)

        return replace(self, needs=("mysql.connect", *self.needs), probe=guarded)


def by_dba(before: str = "let", after: str = "") -> Fix:
    """Return the fix that lets a DBA run the printed SQL; `before` and `after` are the text around it."""
    return finding.command("sql", f"` prints{after}", before=f"{before} a DBA run what `")


def listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
