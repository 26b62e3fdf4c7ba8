"""The open profile: its draft, what is wrong with it, what the checks found, and how far it has come.

Every screen shows this one object and changes it; it tells the application when there is something new to show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from screens.model import session, values
from screens.model.background import in_thread
from screens.model.draft import OpenDraft, OpenedProfile
from screens.model.memory import Memory, ProfileProgress
from screens.model.passwords import SessionPasswords
from screens.signs import StepState
from wizard.command_line.run.replay import Options, Prepared
from wizard.preflight.pair import PAIR_CHECKS
from wizard.profile.fields import key_of, keys
from wizard.steps.procedure import CHECKS, STEP_IDS, STEPS
from wizard.system import finding
from wizard.system.finding import Finding, SetField

if TYPE_CHECKING:
    from textual.timer import Timer

    from screens.app import WizardApp
    from wizard.database.needs import Needs
    from wizard.plan.planner import Plan
    from wizard.profile.cross_field import Mistake
    from wizard.profile.document import Place
    from wizard.profile.model import Profile
    from wizard.steps.step import Step

SETTLE = 0.35
"""Seconds without a change before the checks run."""


class Phase(Enum):
    """Where the profile is on its way from a change to the findings about it.

    CHANGED → (validated) → SETTLING → (pause) → CHECKING → (last finding) → CHECKED, and for the review
    CHANGED → (validated) → PLANNING → (last finding) → PLANNED.  Every change leads back to CHANGED.
    """

    CHANGED = "its values are newer than their validation"
    SETTLING = "validated; the checks run after a pause"
    CHECKING = "a round of checks runs"
    CHECKED = "the findings are about the current values"
    PLANNING = "the plan is made, and every check runs"
    PLANNED = "`prepared` is what a run would do now"


Goal = Literal[Phase.CHECKED, Phase.PLANNED]


class OpenPair:
    """One profile, open on the screen."""

    def __init__(self, opened: OpenedProfile, memory: Memory, app: WizardApp) -> None:
        self.memory = memory
        self._app = app
        self.draft = OpenDraft(opened, self)
        noted = memory.progress(self.draft.target)
        self.is_new_here = noted is None
        self.progress = noted or ProfileProgress()
        self.phase = Phase.CHANGED
        self.profile: Profile | None = None
        self.mistakes: dict[Place, Mistake] = {}
        self.other_mistakes: list[Mistake] = []
        """Those that belong to no field, such as an unknown key."""
        self._hints: list[Finding] = []
        self._homes: dict[str, str] = {}
        """The homes of the nodes without a host, which `_hints` are about."""
        self.findings: dict[str, list[Finding]] = {}
        self.running: frozenset[str] = frozenset()
        self.prepared: Prepared | None = None
        """What a run would do; None in every phase but PLANNED."""
        self.needs: Needs | None = None
        self.plan: Plan | None = None
        """What the last round would change in the nodes' files; None where the profile is incomplete."""
        self.passwords = SessionPasswords(self.draft, app)
        self.visited: set[str] = set()
        """The steps that were opened in this session."""
        self.left: set[Place] = set()
        """The fields that were left in this session: from then on they say what is wrong with them."""
        self.kept: Literal["draft", "profile", "NOT SAVED"] = "profile" if opened.saved else "draft"
        """Where the newest changes are saved."""
        self.saved_at: str | None = None
        self.failure = ""
        """Why the newest changes are not saved."""
        self.accepted: set[tuple[str, str | None, str]] = set()
        """The warnings that were accepted in the review, each by its id, node and message."""
        self.can_check = self.draft.was_saved
        """Whether a check can run with what is filled in."""
        self.review_place: tuple[object, ...] = ()
        """The key of the line of the review that the user left."""
        self._round: session.CheckRound | None = None
        self._validated = -1
        """The number of changes that `profile` and `mistakes` are about."""
        self._goal: Goal = Phase.CHECKED
        self._due: frozenset[str] | None = None
        """The live checks without a finding about the current values; None: all of them."""
        self._has_asked_about_run = False
        """Whether the user was asked about an interrupted run in this session."""
        self._pause: Timer | None = None

    # --- changing it ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Validate and check for the first time, once the first picture is painted."""
        self.draft.keeper.validate()

    def set(self, place: Place, value: Any) -> None:
        """Give a field its value (None removes it); it is saved and checked by itself."""
        if self.draft.set(place, value):
            if self._due is not None:
                self._due |= session.live_checks(key_of(place))
            self._enter(Phase.CHANGED)
            self.kept = "draft"
            self._app.show_pair()

    def agree(self) -> None:
        """The user has agreed to what the profile names: run all checks again."""
        self.passwords.trusted = True
        self.draft.keeper.agree()
        self.check_again()

    def note(self, **changes: Any) -> None:
        """Remember something about the profile's progress, such as `offline=True`."""
        for name, value in changes.items():
            setattr(self.progress, name, value)
        self.memory.note(self.draft.target, self.progress)

    def pass_by(self, step: str) -> None:
        """The user went through a step: it is finished, unless something in it is wrong."""
        self.note(passed=list(dict.fromkeys((*self.progress.passed, step))), wrong=self._wrong())
        self._app.show_pair()

    def _wrong(self) -> list[str]:
        return [id for id in STEP_IDS if self.state(id) in {"error", "incomplete"}]

    def _note_wrong(self) -> None:
        """Remember which steps are wrong: anew with each result, for a step may be left before it is judged."""
        wrong = self._wrong()
        if self.progress.passed and wrong != self.progress.wrong:
            self.note(wrong=wrong)

    def publish(self) -> None:
        """Save the profile itself, if it is valid."""
        self.draft.keeper.publish()

    def close(self, *, give_up_draft: bool = False) -> None:
        """Stop checking, and save what is on the screen or delete the draft: another pair is opened."""
        self.cancel()
        if give_up_draft:
            self.draft.keeper.give_up()
        else:
            self.publish()
        self.draft.keeper.close()

    # --- checking it ------------------------------------------------------------------------------

    @property
    def at_rest(self) -> bool:
        """Whether nothing is to be validated, and no check runs or is due."""
        return self.phase in {Phase.CHECKED, Phase.PLANNED}

    def _enter(self, phase: Phase) -> None:
        """Go to another phase: whatever belongs to the one before is stopped and dropped."""
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        if phase in {Phase.CHANGED, Phase.CHECKING, Phase.PLANNING}:
            self._cancel_round()
            self.running = frozenset()
            self.prepared = None
        if phase is Phase.CHANGED:
            self._goal = Phase.CHECKED
        self.phase = phase

    def check_again(self, goal: Goal = Phase.CHECKED) -> None:
        """Run every check again, resolving every password anew; for the review do what a run does before it writes."""
        self._goal = goal
        self.passwords.forget()
        self._due = None
        self.findings = {}
        if self.phase is not Phase.CHANGED:
            self._go_on()

    def look_again(self) -> None:
        """Check again, as much as the open screen shows."""
        self.check_again(self._goal)

    def cancel(self) -> None:
        self._enter(self.phase)
        self._cancel_round()

    def _cancel_round(self) -> None:
        if self._round is not None:
            self._round.cancel.set()

    def _go_on(self) -> None:
        """Make the plan where that is wanted and the profile is valid, else run the checks."""
        if self._goal is Phase.CHECKED or self.profile is None:
            self._check()
            return
        self._enter(Phase.PLANNING)
        self.passwords.forget()
        self._app.run_worker(self._plan_with_passwords(self.profile), exclusive=True, group="plan")

    async def _plan_with_passwords(self, profile: Profile) -> None:
        await self.passwords.ask(again=True)
        if self.phase is Phase.PLANNING:
            self._start(profile, whole=True)

    def _end_pause(self) -> None:
        if self.phase is Phase.SETTLING:  # a timer that was stopped may have fired already
            self._check()

    def _check(self) -> None:
        self._goal = Phase.CHECKED
        self._enter(Phase.CHECKING)
        if self.profile is not None:
            self._start(self.profile, live=self._due)
            return
        mistakes = [*self.mistakes.values(), *self.other_mistakes]
        completed = session.stand_in(self.draft.keeper.draft.text, self.draft.folder, mistakes)
        if completed is None:
            self.can_check = False
            self._enter(Phase.CHECKED)
        else:
            self._start(completed[0], live=self._due, blank=completed[1])

    def _start(self, profile: Profile, **how: Any) -> None:
        resolver = self.passwords.resolver()
        order = session.CheckOrder(profile, self.draft.called, self.options(), resolver, **how)
        self.can_check = bool(session.chosen_checks(order._replace(live=None)))
        self._cancel_round()
        self._round = session.CheckRound(self, order)
        self._round.start()

    def options(self) -> Options:
        noted = self.progress
        return Options(only_node=noted.only_node, offline=noted.offline, ignore=tuple(noted.ignore))

    def password_changed(self) -> None:
        """A password was kept elsewhere: resolve and check again."""
        self.passwords.forget()
        if self._due is not None:
            self._due |= session.live_checks("mysql.password")
        if self.phase is not Phase.CHANGED:
            self._check()

    # --- what the threads report ------------------------------------------------------------------

    def tell(self, call: Callable[..., None], *given: Any) -> None:
        """Have something called by the thread of the screen, as long as this pair is open, and shown."""
        self._app.call_later(self._take, call, *given)

    def _take(self, call: Callable[..., None], *given: Any) -> None:
        if self._app.pair is self:
            call(*given)
            self._app.show_pair()

    def saved_as(self, kept: Literal["draft", "profile"]) -> None:
        self.kept, self.failure, self.saved_at = kept, "", clock()

    def not_saved(self, message: str) -> None:
        """The newest changes could not be saved; called by the thread that saves, also of a pair that is closed."""

        def show() -> None:
            self.kept, self.failure = "NOT SAVED", message
            self._app.say(f"{self.draft.name}: {message}", "error")
            self._app.show_pair()

        self._app.call_later(show)

    def conflicts(self) -> None:
        self._app.ask_about_conflict()

    def checks_begin(self, ids: frozenset[str], plan: Plan | None) -> None:
        """These checks run now; `plan` is None where examples replace missing values."""
        self.running = self._due = ids
        self.plan = plan

    def found(self, finding: Finding) -> None:
        if finding.id in self.running:
            self.findings[finding.id] = []
            self._due = self.running = self.running - {finding.id}
        self.findings.setdefault(finding.id, []).append(finding)
        unfinished = finding.id == "apply.unfinished" and finding.status == "error"
        if unfinished and not self._has_asked_about_run:
            self._has_asked_about_run = True
            self._app.ask_about_cut_off(finding.message)

    def checks_end(self, prepared: Prepared | None = None, needs: Needs | None = None) -> None:
        """The round has ended; it gives what a run would do where everything was checked."""
        for id in self.running:  # a check without a finding
            self.findings.pop(id, None)
        self._due = frozenset()
        self._enter(self._goal)
        self.running, self.prepared, self.needs = frozenset(), prepared, needs
        self._note_wrong()

    def checks_fail(self, message: str) -> None:
        self.running = frozenset()
        self._enter(Phase.CHECKED)
        self._app.say(message, "error")

    def validated(self, changes: int, found: Profile | list[Mistake]) -> None:
        """What the draft makes after so many changes: a profile, or what is wrong with it."""
        if changes < self.draft.changes:
            return
        self._validated = changes
        self.profile = None if isinstance(found, list) else found
        self.mistakes, self.other_mistakes = {}, []
        for mistake in found if isinstance(found, list) else ():
            if values.steps_of(key_of(mistake.place)):
                self.mistakes[mistake.place] = mistake
            else:
                self.other_mistakes.append(mistake)
        broken = {key_of(place) for place in self.mistakes}
        for step in STEPS:  # findings about fields that are missing or wrong now are out of date
            if broken.intersection(step.fields):
                for check in step.checks:
                    self.findings.pop(check.id, None)
        self._note_wrong()
        self._look_for_hosts()
        if self.phase is not Phase.CHANGED:
            return
        if self._goal is Phase.PLANNED and self.profile is not None:
            self._go_on()
        else:
            first = not self.findings
            self._enter(Phase.SETTLING)
            self._pause = self._app.set_timer(0.01 if first else SETTLE, self._end_pause)

    def _look_for_hosts(self) -> None:
        """Look on this machine for the hosts that are missing, once for each home."""
        homes = {
            name: home
            for number, name in enumerate(self.draft.node_names())
            if (mistake := self.mistakes.get(("nodes", number, "host"))) and mistake.kind == "missing"
            if isinstance(home := self.draft.value(("nodes", number, "home")), str)
        }
        if homes != self._homes:
            self._homes, folder = homes, self.draft.folder
            hints = self._hints = list[Finding]()
            in_thread(lambda: self.tell(hints.extend, session.host_hints(homes, folder)), "hints")

    # --- the state of the steps -------------------------------------------------------------------

    @property
    def saved(self) -> str:
        """How safe the changes are, for the title bar."""
        saved_at = f" saved {self.saved_at}" if self.saved_at and self.kept != "NOT SAVED" else ""
        return f"{self.kept}{saved_at}"

    @property
    def badge(self) -> str:
        """What is unusual about how it is checked and run."""
        words = ["offline"] if self.progress.offline else []
        words += [f"only {self.progress.only_node}"] if self.progress.only_node else []
        words += [f"ignores {len(self.progress.ignore)}"] if self.progress.ignore else []
        return ", ".join(words)

    def missing(self, step: Step) -> list[Place]:
        """The fields of a step that the profile needs, and that are empty."""
        return self._mistaken(step, missing=True) if self._validated >= 0 else self.empty(step)

    def empty(self, step: Step) -> list[Place]:
        """The required fields of a step that are empty in the draft."""
        return [
            place
            for field in values.keys_of(step)
            if field.required
            for place in values.places(field.key)
            if self.draft.value(place) in (None, "")
        ]

    def wrong(self, step: Step) -> list[Place]:
        return self._mistaken(step, missing=False)

    def _mistaken(self, step: Step, *, missing: bool) -> list[Place]:
        return [
            place
            for place, one in self.mistakes.items()
            if key_of(place) in step.fields and (one.kind == "missing") == missing
        ]

    def of_the_file(self) -> list[Finding]:
        """What is wrong with the file and belongs to no field."""
        return [
            finding.error(f"line {one.line}: {one.field or 'the file'}: {one.message}", fix=one.fix)
            for one in self.other_mistakes
        ]

    def label(self, place: Place) -> str:
        node = f" of {self.draft.node_names()[place[1]]}" if isinstance(place[1], int) else ""
        return f"{keys()[key_of(place)].title}{node}"

    def findings_of(self, step: Step) -> list[Finding]:
        """The findings that belong to a step: of its own checks, and what concerns its fields."""
        return [finding for finding in self.all_findings() if step.id == self.owner(finding)]

    def owner(self, finding: Finding) -> str:
        """The step that shows a finding: the first one with the field it is about, else its check's own."""
        field = self.field_of(finding)
        own = finding.id.partition(".")[0]
        if field is not None and finding.status in {"error", "warning"}:
            asking = values.steps_of(field)
            if asking and own not in asking:
                return asking[0]
        return own if own in STEP_IDS else STEP_IDS[0]

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
        """Whether the user has saved the pair, opened the step, or filled in a field of it."""
        if self.draft.was_saved or step.id in self.visited or step.id in self.progress.passed:
            return True
        return any(
            self.draft.value(place) not in (None, field.default)
            for field in values.keys_of(step)
            for place in values.places(field.key)
            if field.key not in {"nodes.name", "cluster.domain"}
        )

    def state(self, id: str) -> StepState:
        step = values.step_of(id)
        found = {finding.status for finding in self.findings_of(step)}
        if self.wrong(step):
            return "error"
        if self.missing(step):
            return "incomplete" if self.touched(step) else "untouched"
        if self.running_of(step):
            return "checking"
        if "error" in found:
            return "error"
        if not self.touched(step) or self._validated < 0:
            return "untouched"
        return "warning" if "warning" in found else "done"

    def states(self) -> dict[str, StepState]:
        return {id: self.state(id) for id in STEP_IDS}

    def first_unfinished(self) -> str | None:
        """The step to continue with; None where every step is finished."""
        for step in STEPS:
            if self.missing(step):
                return step.id
            finished = step.id in self.progress.passed and step.id not in self.progress.wrong
            if not self.is_new_here and not finished:
                return step.id
        return STEP_IDS[0] if self.is_new_here else None

    def all_findings(self) -> Iterator[Finding]:
        """Every finding, in the order of the procedure; then the hints about fields that are still empty."""
        for check in CHECKS:
            yield from self.findings.get(check.id, ())
        for hint in self._hints:
            if isinstance(hint.action, SetField) and self.draft.place(hint.action.field) in self.mistakes:
                yield hint


def clock() -> str:
    """The time of day, as the title bar shows it."""
    return time.strftime("%H:%M")
