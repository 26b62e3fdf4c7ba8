"""The pair on the desk: its draft, what is wrong with it, what the checks found, and how far it has come.

Every screen shows this one object and changes it; it tells the application when there is something new to show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from screens.model import lookup, session
from screens.model.draft import OpenDraft, OpenedProfile
from screens.model.draft_saver import Conflict, News, Saved, SaveFailed, Validated
from screens.model.memory import Memory, ProfileProgress
from screens.signs import StepState
from wizard.command_line.run.replay import Options, Prepared
from wizard.passwords.resolver import Resolver
from wizard.passwords.secret import Secret
from wizard.preflight.pair import PAIR_CHECKS
from wizard.profile.fields import key_of, keys
from wizard.steps.procedure import CHECKS, STEP_IDS, STEPS
from wizard.system.errors import SecretError
from wizard.system.finding import SetField

if TYPE_CHECKING:
    from screens.model.surroundings import Later, Surroundings
    from wizard.database.needs import Needs
    from wizard.profile.lines import Place
    from wizard.profile.model import Profile
    from wizard.profile.store import Mistake
    from wizard.steps.step import Step
    from wizard.system.finding import Finding

SETTLE = 0.35
"""Seconds without a change before the checks run."""


class OpenPair:
    """One profile, open on the screen."""

    def __init__(self, opened: OpenedProfile, memory: Memory, around: Surroundings) -> None:
        self.memory = memory
        self.draft = OpenDraft(opened, around.tell_from_thread)
        noted = memory.progress(self.draft.target)
        self.is_new_here = noted is None
        self.progress = noted or ProfileProgress()
        self.profile: Profile | None = None
        self.mistakes: dict[Place, Mistake] = {}
        self.other_mistakes: list[Mistake] = []
        """What is wrong with the file and stands in no form, such as an unknown key."""
        self.findings: dict[str, list[Finding]] = {}
        self.running: frozenset[str] = frozenset()
        self.prepared: Prepared | None = None
        """What a run would do, as it was looked at last; None where something has changed since."""
        self.needs: Needs | None = None
        self.looking = False
        """Everything is being looked at, for the review."""
        self.typed: dict[str, Secret] = {}
        """Passwords that were typed in this session, by their key; they are stored nowhere."""
        self.trusted = self.draft.keeper.draft.trusted
        """The user has agreed to the profile: what it names may run."""
        self.visited: set[str] = set()
        """The steps that were opened in this session."""
        self.saved_at: str | None = None
        self.published = opened.saved
        self.failure = ""
        self._around = around
        self._session = session.CheckSession(around.tell_from_thread)
        self._judged = -1
        self._changed_keys: set[str] = set()
        self._owed: frozenset[str] | None = None
        """The checks that were to run and have not told anything yet; None: all of them."""
        self._seen: set[str] = set()
        self._round_ended = False
        self._asked_cut_off = False
        self._soon: Later | None = None
        self._resolver: Resolver | None = None

    # --- changing it ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Look at everything for the first time, once the first picture stands."""
        self.draft.keeper.judge()

    def set(self, place: Place, value: Any) -> None:
        """Give a field its value (None takes it out); it is saved and looked at by itself."""
        if self.draft.set(place, value):
            self._changed_keys.add(key_of(place))
            self.published = False
            self.prepared, self.looking = None, False
            self._session.cancel()
            self._around.show_pair()

    def do(self, change: SetField) -> Place | None:
        """Do what mends a finding; gives the place that was changed."""
        place = self.draft.place(change.field)
        if place is not None:
            self.set(place, change.value)
        return place

    def agree(self) -> None:
        """The user has agreed to what the profile names: look at all of it again."""
        self.trusted = True
        self.draft.keeper.agree()
        self.check_again()

    def note(self, **changes: Any) -> None:
        """Note something about the profile's progress, such as `offline=True`."""
        for name, value in changes.items():
            setattr(self.progress, name, value)
        self.memory.note(self.draft.target, self.progress)

    def pass_by(self, step: str) -> None:
        """Somebody went through a step: it is finished, unless something in it is wrong."""
        if step not in self.progress.passed:
            self.progress.passed.append(step)
        self.progress.wrong = [id for id in STEP_IDS if self.state(id) in {"error", "incomplete"}]
        self.memory.note(self.draft.target, self.progress)
        self._around.show_pair()

    def publish(self) -> None:
        """Save the profile itself, if it is whole."""
        self.draft.keeper.publish()

    def keep_draft(self) -> None:
        """Go on with the draft, although the file was changed meanwhile."""
        self.draft.conflict = False
        self.draft.keeper.rebase()
        self.publish()

    # --- looking at it ----------------------------------------------------------------------------

    def check_again(self) -> None:
        """Run every check again, and resolve every password anew."""
        self._resolver = None
        self._changed_keys = set()
        self.findings = {}
        self.prepared = None
        self._check(everything=True)

    def options(self) -> Options:
        """How it is to be run."""
        return Options(
            only_node=self.progress.only_node,
            offline=self.progress.offline,
            ignore=tuple(self.progress.ignore),
        )

    def resolver(self) -> Resolver:
        """What turns references into passwords while nobody is asked: typed ones are known, others are told."""
        if self._resolver is None:

            def ask(text: str) -> str:
                key = text.removeprefix("Password for ")
                if key not in self.typed:
                    raise SecretError(
                        "it is asked for, and has not been typed yet",
                        place=key,
                        fix="press F7 in the field, and type it: it is stored nowhere",
                    )
                return self.typed[key].reveal()

            self._resolver = self._made_resolver(ask)
        return self._resolver

    def _made_resolver(self, ask: Callable[[str], str]) -> Resolver:
        return Resolver(
            trusted=self.trusted,
            folder=self.draft.folder,
            called=self.draft.called,
            interactive=True,
            ask=ask,
        )

    def asking_resolver(self) -> Resolver:
        """What turns references into passwords before a run: what has to be typed is asked for."""

        def ask(text: str) -> str:
            key = text.removeprefix("Password for ")
            if key not in self.typed:
                typed = self._around.ask_for_password(key)
                if typed is None:
                    raise SecretError("no password was typed", place=key, fix="press F5, and type it")
                self.typed[key] = Secret(typed)
            return self.typed[key].reveal()

        return self._made_resolver(ask)

    def look_at_everything(self) -> None:
        """Look as a run would before it writes, for the review."""
        if self.profile is None:
            return
        self.findings, self._seen, self._changed_keys, self._round_ended = {}, set(), set(), False
        self.prepared, self.looking = None, True
        self._resolver = self.asking_resolver()
        self._session.start(
            session.CheckOrder(self.profile, self.draft.called, self.options(), self._resolver, whole=True)
        )

    def look_again(self) -> None:
        """Look at everything again, as far as the screen that is open looks."""
        if self.looking or self.prepared is not None:
            self.look_at_everything()
        else:
            self.check_again()

    @property
    def saved(self) -> str:
        """How safe the changes are, for the title bar."""
        if self.failure:
            return "NOT SAVED"
        if self.saved_at is None:
            return "profile" if self.published else "draft"
        return f"{'profile' if self.published else 'draft'} saved {self.saved_at}"

    @property
    def at_rest(self) -> bool:
        """Nothing is to be judged, and no check runs or is waited for."""
        judged = self._judged >= self.draft.changes
        return judged and self._soon is None and self._round_ended

    def _check(self, *, everything: bool = False) -> None:
        self._soon = None
        if self.looking or self.prepared is not None:
            return  # the review looks at everything, or has, and nothing was changed since
        self._round_ended = False
        live = None
        if not everything and self._owed is not None:
            # A round that was given up leaves what it had not come to.
            live = session.live_checks(self._changed_keys) | self._owed
        self._owed = live
        self._changed_keys = set()
        self._seen = set()
        if self.profile is not None:
            self._session.start(
                session.CheckOrder(self.profile, self.draft.called, self.options(), self.resolver(), live)
            )
            return
        text = self.draft.keeper.draft.text
        mistakes = [*self.mistakes.values(), *self.other_mistakes]
        found = session.stand_in(text, self.draft.folder, mistakes)
        if found is not None:
            profile, blank = found
            wanted = session.CheckOrder(
                profile, self.draft.called, self.options(), self.resolver(), live, blank
            )
            self._session.start(wanted)
        else:
            self._round_ended = True

    def cancel(self) -> None:
        """Stop looking."""
        if self._soon is not None:
            self._soon.stop()
        self._session.cancel()

    # --- what the threads tell --------------------------------------------------------------------

    def take(self, news: News | session.CheckNews) -> None:
        """Take what a thread told."""
        match news:
            case Saved(published=published):
                self.published = published
                self.failure = ""
                self.saved_at = clock()
            case SaveFailed(message=message):
                self.failure = message
                self._around.say(message, "error")
            case Conflict():
                self._around.ask_about_conflict()
            case Validated():
                self._take_judgement(news)
            case session.Started(run=run, ids=ids) if run == self._session.run:
                self.running = self._owed = ids
            case session.FindingCame(run=run, finding=finding) if run == self._session.run:
                if finding.id not in self._seen:
                    self._seen.add(finding.id)
                    self.findings[finding.id] = []
                    self.running -= {finding.id}
                    self._owed = self.running
                self.findings[finding.id].append(finding)
                if finding.id == "apply.unfinished" and finding.status == "error" and not self._asked_cut_off:
                    self._asked_cut_off = True
                    self._around.ask_about_cut_off(finding.message)
            case session.Ended(run=run, prepared=prepared, needs=needs) if run == self._session.run:
                for id in self.running:  # a check that found nothing to say
                    self.findings.pop(id, None)
                self.running = self._owed = frozenset()
                self.prepared, self.needs, self.looking = prepared, needs, False
                self._round_ended = True
            case session.SessionFailed(run=run, message=message) if run == self._session.run:
                self.running = frozenset()
                self.looking = False
                self._round_ended = True
                self._around.say(message, "error")
            case _:
                return
        self._around.show_pair()

    def _take_judgement(self, judged: Validated) -> None:
        if judged.changes < self.draft.changes:
            return  # something was typed since; the next one is on its way
        self._judged = judged.changes
        self.profile = judged.profile
        self.mistakes, self.other_mistakes = {}, []
        for mistake in judged.mistakes:
            place = self.draft.place(mistake.field) if mistake.field else None
            if place is not None and lookup.steps_of(key_of(place)):
                self.mistakes[place] = mistake
            else:
                self.other_mistakes.append(mistake)
        self._forget_what_is_left_out()
        if self._soon is not None:
            self._soon.stop()
        first = not self.findings and not self.running
        self._soon = self._around.call_later_in(
            0.01 if first else SETTLE, lambda: self._check(everything=first)
        )

    def _forget_what_is_left_out(self) -> None:
        """Findings about fields that are missing or wrong now say nothing any more."""
        broken = {key_of(place) for place in self.mistakes}
        for step in STEPS:
            if broken.intersection(step.fields):
                for check in step.checks:
                    self.findings.pop(check.id, None)
        if self.profile is None:
            self.prepared = None

    # --- the state of the steps -------------------------------------------------------------------

    @property
    def badge(self) -> str:
        """What is unusual about how it is looked at and run."""
        told = ["offline"] if self.progress.offline else []
        told += [f"only {self.progress.only_node}"] if self.progress.only_node else []
        told += [f"ignores {len(self.progress.ignore)}"] if self.progress.ignore else []
        return ", ".join(told)

    def missing(self, step: Step) -> list[Place]:
        """The needed fields of a step that are not filled in."""
        if self._judged >= 0:
            return [
                place
                for place, mistake in self.mistakes.items()
                if mistake.kind == "missing" and key_of(place) in step.fields
            ]
        return [
            place
            for field in lookup.keys_of(step)
            if field.required
            for place in places(field.key)
            if self.draft.value(place) in (None, "")
        ]

    def label(self, place: Place) -> str:
        """The title of a field, with its node."""
        node = f" of {self.draft.node_names()[place[1]]}" if isinstance(place[1], int) else ""
        return f"{keys()[key_of(place)].title}{node}"

    def wrong(self, step: Step) -> list[Place]:
        """The fields of a step that hold something wrong."""
        return [
            place
            for place, mistake in self.mistakes.items()
            if mistake.kind != "missing" and key_of(place) in step.fields
        ]

    def findings_of(self, step: Step) -> list[Finding]:
        """The findings that belong to a step: of its own checks, and what concerns its fields."""
        return [finding for finding in self.all_findings() if step.id in self.owners(finding)]

    def owners(self, finding: Finding) -> list[str]:
        """The steps that a finding is shown in: those that ask for the field it is about, else its check's own."""
        field = self.field_of(finding)
        own = finding.id.partition(".")[0]
        if field is not None and finding.status in {"error", "warning"}:
            asking = lookup.steps_of(field)
            if asking and own not in asking:
                return asking
        return [own if own in STEP_IDS else STEP_IDS[0]]

    def field_of(self, finding: Finding) -> str | None:
        """The key that a finding is about, without which node; None where it names none."""
        if isinstance(finding.action, SetField):
            place = self.draft.place(finding.action.field)
            return key_of(place) if place is not None else None
        if finding.id == "prerequisites.secret" and finding.status == "error":
            return finding.message.partition(":")[0]
        return None

    def running_of(self, step: Step) -> list[str]:
        """The checks of a step that run now; those of the pair as a whole count with the first step."""
        own = (*step.checks, *PAIR_CHECKS) if step is STEPS[0] else step.checks
        return [check.id for check in own if check.id in self.running]

    def touched(self, step: Step) -> bool:
        """Whether somebody has done anything about a step: saved the pair, been there, or filled in a field."""
        if self.draft.was_saved or step.id in self.visited or step.id in self.progress.passed:
            return True
        return any(
            self.draft.value(place) not in (None, field.default)
            for field in lookup.keys_of(step)
            for place in places(field.key)
            if field.key not in {"nodes.name", "cluster.domain"}
        )

    def state(self, id: str) -> StepState:
        """The state of a step."""
        step = lookup.step_of(id)
        findings = self.findings_of(step)
        if self.wrong(step):
            return "error"
        if self.missing(step):
            return "incomplete" if self.touched(step) else "untouched"
        if self.running_of(step):
            return "checking"
        if any(finding.status == "error" for finding in findings):
            return "error"
        if not self.touched(step):
            return "untouched"
        if any(finding.status == "warning" for finding in findings):
            return "warning"
        return "done" if self._judged >= 0 and findings else "untouched" if self._judged < 0 else "done"

    def states(self) -> dict[str, StepState]:
        return {id: self.state(id) for id in STEP_IDS}

    def first_unfinished(self) -> str | None:
        """The step to go on with; None where every step is finished."""
        for step in STEPS:
            if self.missing(step):
                return step.id
            finished = step.id in self.progress.passed and step.id not in self.progress.wrong
            if not self.is_new_here and not finished:
                return step.id
        return STEP_IDS[0] if self.is_new_here else None

    def all_findings(self) -> Iterator[Finding]:
        """Every finding, in the order of the procedure."""
        for check in CHECKS:
            yield from self.findings.get(check.id, ())


def places(key: str) -> list[Place]:
    """The places of a key: one, or one for each node."""
    table, _, name = key.partition(".")
    return [("nodes", 0, name), ("nodes", 1, name)] if table == "nodes" else [tuple(key.split("."))]


def clock() -> str:
    """The time of day, as the title bar shows it."""
    return time.strftime("%H:%M")
