"""The live checks of the wizard: run beside the form, streamed as they end, cancelled when something changes.

No rule is written here: the plan and the checks are those of the headless run.  What is added is that a pair which is
not complete yet is checked too, as far as its values allow, and that what it lacks is looked for on this machine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from screens.model.background import in_thread
from screens.model.draft import put
from wizard.command_line.run import replay
from wizard.command_line.run.replay import Options
from wizard.pack.home import is_pack
from wizard.passwords.resolver import Resolver
from wizard.preflight.checks import Check
from wizard.profile.fields import key_of, keys
from wizard.profile.model import Profile
from wizard.profile.problems import find
from wizard.steps import procedure
from wizard.system import finding, locations, network
from wizard.system.errors import Cancel, WizardError
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from screens.model.pair import OpenPair
    from wizard.profile.cross_field import Mistake


class CheckOrder(NamedTuple):
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


class CheckRound:
    """One round of checks, in a thread; it tells the pair what it finds until it is cancelled."""

    def __init__(self, pair: OpenPair, order: CheckOrder) -> None:
        self.pair, self.order = pair, order
        self.cancel = Cancel()

    def tell(self, call: Callable[..., None], *given: Any) -> None:
        """Tell the pair something by a method of it; what arrives after the cancel is about older values."""
        self.pair.tell(lambda: None if self.cancel.is_set() else call(*given))

    def start(self) -> None:
        in_thread(self._run, "checks")

    def _run(self) -> None:
        order, pair = self.order, self.pair
        try:
            prepared = replay.prepare(order.profile, order.options, order.resolver, called=order.called)
            prepared.cancel = self.cancel
            chosen = chosen_checks(order)
            plan = None if order.blank else prepared.plan
            self.tell(pair.checks_begin, frozenset(one.id for one in chosen), plan)
            if order.whole:
                replay.look(prepared, lambda finding: self.tell(pair.found, finding), self.cancel)
                self.tell(pair.checks_end, prepared, replay.pending_databases(prepared))
                return
            for one in prepared.check(chosen):
                self.tell(pair.found, one)
            self.tell(pair.checks_end)
        except KeyboardInterrupt:
            return  # that is how `look` says that it was cancelled
        except WizardError as problem:
            self.tell(pair.checks_fail, str(problem))
        except Exception as problem:  # it must not take the form down, and its words could quote anything
            self.tell(pair.checks_fail, f"the checks stopped: {type(problem).__name__}")


def chosen_checks(order: CheckOrder) -> list[Check]:
    """The checks of a round: those of the steps that are whole, and of the live ones those that were asked for."""
    return [
        one
        for one in procedure.checks_of(procedure.chosen(order.options.only, order.options.skip))
        if not order.blank & _fields_of(one)  # an example replaces a value that was not entered yet
        and (one.offline or not order.options.offline)
        and (not one.live or order.live is None or one.id in order.live)
    ]


def live_checks(key: str) -> frozenset[str]:
    """The live checks that a change of this field can turn.

    What concerns a node concerns every step: its address and its Java are checked in several.
    """
    live = [one for one in procedure.CHECKS if one.live]
    return frozenset(one.id for one in live if key.startswith("nodes.") or key in _fields_of(one))


@cache
def _fields_of(check: Check) -> frozenset[str]:
    """The fields of the profile that the findings of a check speak of."""
    own = frozenset(field for step in procedure.STEPS if step.id == check.step for field in step.fields)
    mysql = frozenset(key for key in keys() if key.startswith("mysql."))
    nodes = frozenset(key for key in keys() if key.startswith("nodes."))
    if check.id == "prerequisites.secret":
        return mysql | nodes | {key.key for key in keys().values() if key.kind == "reference"}
    if check.step == "mysql" and check.live and check.id != "mysql.driver":
        return mysql
    # Whatever is read in a home needs the nodes, and an address of the server appears in two more steps.
    return own | nodes | (mysql if check.step in {"mysql", "datasources", "registry"} else frozenset())


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


def host_hints(homes: dict[str, str], folder: Path) -> list[Finding]:
    """A host from the addresses of this machine for each of these nodes whose home is here.

    A hint looks like a finding, so that the same key applies it; it is not a check, and nothing waits for it.
    """
    hints = []
    with suppress(OSError, ValueError):
        addresses = network.own_addresses()[:4]
        for node, home in homes.items():
            if addresses and is_pack(locations.located(home, folder)):
                change = SetField(f"nodes.{node}.host", addresses[0], f"host = {addresses[0]}")
                fix = Fix(f'Set host = "{addresses[0]}" for {node}', change)
                text = f"the home is on this machine, which has {', '.join(addresses)}"
                hints.append(finding.warning(text, node=node, fix=fix))
    return hints
