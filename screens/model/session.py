"""The live checks of the wizard: run beside the form, streamed as they end, cancelled when something changes.

No rule is written here: the plan and the checks are those of the headless run.  What is added is that a pair which is
not complete yet is checked too, as far as its values allow.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from screens.model.draft import put
from wizard.command_line.run import replay
from wizard.preflight import checks
from wizard.preflight.checks import Check
from wizard.profile.fields import key_of, keys
from wizard.profile.problems import find
from wizard.steps import procedure
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from wizard.command_line.run.replay import Options, Prepared
    from wizard.database.needs import Needs
    from wizard.passwords.resolver import Resolver
    from wizard.plan.planner import Plan
    from wizard.profile.cross_field import Mistake
    from wizard.profile.model import Profile
    from wizard.system.finding import Finding


# --- what the threads tell ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """These checks run now."""

    run: int
    ids: frozenset[str]
    plan: Plan | None = None
    """What a run would change; None where examples replace missing values."""


@dataclass(frozen=True, slots=True)
class FindingCame:
    """A finding came in."""

    run: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Ended:
    """All checks of the run have ended.

    `prepared` is what they checked, `needs` what is to be created in the databases; both None where only a part was
    checked.
    """

    run: int
    prepared: Prepared | None = None
    needs: Needs | None = None


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The checks could not be run at all; the message is for people."""

    run: int
    message: str


CheckNews = Started | FindingCame | Ended | SessionFailed


@dataclass(frozen=True)
class CheckOrder:
    """What is to be checked: a pair, how, and which of its live checks (None: all of them).

    `called` is what a fix calls the profile.  `whole`: everything, as a run checks it before it writes.
    `blank` are the keys whose values only replace what is missing: steps that ask for one are left out.
    """

    profile: Profile
    called: str
    options: Options
    resolver: Resolver
    live: frozenset[str] | None = None
    blank: frozenset[str] = frozenset()
    whole: bool = False


class CheckSession:
    """Runs one round of checks at a time; a new round cancels the one before it."""

    def __init__(self, tell: Callable[[CheckNews], None]) -> None:
        self._tell = tell
        self._cancel = Cancel()
        self.run = 0
        """The number of the round; what another one tells is out of date."""

    def start(self, wanted: CheckOrder) -> None:
        """Begin a round; what it finds is passed to `tell`, in its own thread."""
        self.cancel()
        self._cancel = cancel = Cancel()
        run = self.run
        threading.Thread(
            target=lambda: self._round(run, wanted, cancel), name=f"checks {run}", daemon=True
        ).start()

    def cancel(self) -> None:
        """Stop the current round; what it still tells is out of date."""
        self._cancel.set()
        self.run += 1

    def _round(self, run: int, wanted: CheckOrder, cancel: Cancel) -> None:
        def tell(progress: CheckNews) -> None:
            if not cancel.is_set():
                self._tell(progress)

        try:
            prepared = replay.prepare(wanted.profile, wanted.options, wanted.resolver, called=wanted.called)
            prepared.context.cancel = cancel
            chosen = chosen_checks(wanted)
            plan = None if wanted.blank else prepared.plan
            tell(Started(run, frozenset(one.id for one in chosen), plan))
            if wanted.whole:
                replay.look(prepared, lambda finding: tell(FindingCame(run, finding)), cancel)
                tell(Ended(run, prepared, replay.pending_databases(prepared)))
                return
            for finding in checks.run(chosen, prepared.context, ignore=frozenset(wanted.options.ignore)):
                tell(FindingCame(run, finding))
            tell(Ended(run))
        except KeyboardInterrupt:
            return  # that is how `look` says that it was cancelled
        except WizardError as problem:
            tell(SessionFailed(run, str(problem)))
        except Exception as problem:
            # A round that fails must not take the form down with it; its words could quote anything.
            tell(SessionFailed(run, f"the checks stopped: {type(problem).__name__}"))


def chosen_checks(wanted: CheckOrder) -> list[Check]:
    """The checks of a round: those of the steps that are whole, and of the live ones those that were asked for."""
    chosen = procedure.chosen(wanted.options.only, wanted.options.skip)
    blank = {key.partition(".")[0] for key in wanted.blank}
    found = []
    for one in procedure.checks_of(chosen):
        if blank & _tables_of(one):  # an example replaces a value that was not entered yet
            continue
        if wanted.options.offline and not one.offline:
            continue
        if one.live and wanted.live is not None and one.id not in wanted.live:
            continue
        found.append(one)
    return found


def _tables_of(check: Check) -> set[str]:
    """The tables of the profile that the findings of a check speak of."""
    if check.step == "mysql":
        return {"mysql"} if check.live and check.id != "mysql.driver" else {"mysql", "nodes"}
    step = next((step for step in procedure.STEPS if step.id == check.step), None)
    own = {field.partition(".")[0] for field in step.fields} if step is not None else set[str]()
    # Whatever is read in a home needs the nodes, and an address of the server appears in two more steps.
    return own | {"nodes"} | ({"mysql"} if check.step in {"datasources", "registry"} else set())


def live_checks(keys: Iterable[str]) -> frozenset[str]:
    """The live checks that a change of these fields can turn: of the steps that ask for one, or for its table.

    What concerns a node concerns every step: its address and its Java are checked in several.
    """
    keys = list(keys)
    tables = {key.partition(".")[0] for key in keys}
    found = set()
    for one in procedure.CHECKS:
        if not one.live:
            continue
        step = next((step for step in procedure.STEPS if step.id == one.step), None)
        own = {field.partition(".")[0] for field in step.fields} if step is not None else set()
        if "nodes" in tables or tables & (own - {"nodes"}) or tables & {one.step.replace("-", "_")}:
            found.add(one.id)
    return frozenset(found)


def stand_in(text: str, folder: Path, mistakes: Iterable[Mistake]) -> tuple[Profile, frozenset[str]] | None:
    """A whole profile out of one that is not: examples stand where something is missing or wrong.

    Gives it with the keys that were filled in; None where even that does not help.
    """
    try:
        tables = tomllib.loads(text)
    except ValueError:
        return None
    blank: set[str] = {one.field for one in mistakes if not one.field}
    for _ in range(4):
        profile, problems = find(tables, folder)
        if profile is not None:
            return profile, frozenset(blank)
        for problem in problems:
            place = problem.place
            key = keys().get(key_of(place))
            node = place[1] if len(place) > 2 and isinstance(place[1], int) else 0
            blank.add(key_of(place))
            put(tables, place, key.example(node) if key is not None else None)
    return None
