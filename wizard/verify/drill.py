"""The failover drill: the user stops the active node and starts it again; this says what to do, and measures it.

Pure: it is given what is known about the pair, and the time on this machine.  Seconds are counted on this machine's
own clock, from one observation to the next, or within one node's log; the clocks of two nodes are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from wizard.verify.pair import About, Pair
from wizard.verify.record import Record, between

if TYPE_CHECKING:
    from wizard.system.finding import Finding

Phase = Literal["prepare", "stop", "takeover", "start", "return", "passed", "failed"]

SETTLING = 60.0
"""Seconds that a passed drill waits for the rest of the pair, Spark above all, to be complete again."""
PATIENCE = 300.0
"""Seconds that the survivor may take to become active: the stock packs check every 15 s."""


@dataclass
class Drill:
    """The state of the drill.  `active` is the node that is stopped, `survivor` the one that takes over.

    `takeover_seconds`: from the observed end of the active node to the other one becoming active.  `takeover_by_log`:
    in the survivor's own log, from losing the member to becoming active.  `return_seconds`: in the returned node's own
    log, from its start to its state sync.
    """

    phase: Phase = "prepare"
    active: str = ""
    survivor: str = ""
    takeover_seconds: float | None = None
    takeover_by_log: float | None = None
    return_seconds: float | None = None
    problem: str = ""
    sign: str = ""
    """What showed that the active node had ended: `process`, `log` or `partner`."""
    _ended_at: float = field(default=0.0, repr=False)
    _passed_at: float = field(default=0.0, repr=False)
    _old_start: Record | None = field(default=None, repr=False)
    _old_role: Record | None = field(default=None, repr=False)

    def settled(self, now: float) -> bool:
        """Whether a passed drill stops waiting for the rest of the pair."""
        return self.phase == "passed" and now - self._passed_at > SETTLING

    def observe(self, pair: Pair, now: float) -> None:
        """Continue by what is known at `now` (seconds of a monotonic clock)."""
        while self.phase not in ("passed", "failed"):  # several things may have happened since
            before = self.phase
            self.phase = self._prepared(pair) if before == "prepare" else self._next(pair, now)
            if self.phase in (before, "prepare"):
                break

    def _prepared(self, pair: Pair) -> Phase:
        roles = {pair.role(node): node for node in pair.nodes}
        if set(roles) != {"active", "passive"}:
            return "prepare"
        facts = pair.facts(roles["passive"])
        if facts.synced is None or not pair.both_running:
            return "prepare"
        self.active, self.survivor = roles["active"].name, roles["passive"].name
        self._old_start, self._old_role = pair.facts(roles["active"]).started, facts.role_record
        return "stop"

    def _next(self, pair: Pair, now: float) -> Phase:
        """Return the phase that follows, which may be the present one."""
        active, survivor = pair.profile.node(self.active), pair.profile.node(self.survivor)
        facts, other = pair.facts(active), pair.facts(survivor)
        if self.phase == "stop":
            if pair.running(active) and not pair.running(survivor):
                return "prepare"  # the wrong node was stopped: begin again when it is back
            again = facts.seen and facts.started is not self._old_start
            if pair.running(active) and not again:
                return "stop"
            self.sign = "log" if again or facts.stopped is not None else "partner"
            if pair.sight(active).alive is False:
                self.sign = "process"
            self._ended_at = now
            return "takeover"
        if self.phase == "takeover" and other.role == "active" and other.role_record is not self._old_role:
            peer = pair.partners_peer(survivor)
            self.takeover_seconds = round(now - self._ended_at, 3)
            self.takeover_by_log = _seconds(peer.left if peer else None, other.role_record)
            return "start"
        if self.phase == "takeover" and now - self._ended_at > PATIENCE:
            self.problem = f"{self.survivor} has not become active within {PATIENCE:g} s"
            return "failed"
        if self.phase == "start" and facts.started not in (None, self._old_start):
            return "return"
        if self.phase == "return" and pair.both_running:
            if facts.role == other.role == "active":
                self.problem = f"{self.active} and {self.survivor} are both active: a split brain"
                return "failed"
            if facts.role == "passive" and facts.synced is not None:
                self.return_seconds, self._passed_at = _seconds(facts.started, facts.synced), now
                return "passed"
        return self.phase

    def instruction(self, pair: Pair) -> str:
        """What the user must do, or what is awaited, in one or two lines."""
        if self.phase == "prepare":
            return "The drill begins when one node is active and the other passive and synced."
        active = pair.profile.node(self.active)
        stop, start = pair.act("stop", active), pair.act("start", active)
        texts: dict[str, str] = {
            "stop": f"Now stop {self.active}, the active node:  {stop}",
            "takeover": f"{self.active} has ended. Waiting for {self.survivor} to become active …",
            "start": f"{self._took_over()}. Now start {self.active} again:  {start}",
            "return": f"{self.active} is starting. Waiting for it to join, become passive and sync its state …",
        }
        return texts.get(self.phase) or self.summary()

    def hint(self, pair: Pair) -> str:
        """The variant of the drill that takes long: a silent loss."""
        variant = "a variant: cut the node's power or network instead. The pair notices that only after "
        return f"{variant}{pair.silence} s (hazelcast.max.no.heartbeat.seconds, 600 unless set)."

    def _took_over(self) -> str:
        seconds = self.takeover_by_log
        by_log = f" ({seconds:.1f} s after losing it, by its own log)" if seconds else ""
        since = "was seen to end" if self.sign != "partner" else "was lost by its partner"
        return f"{self.survivor} took over {self.takeover_seconds or 0.0:.1f} s after {self.active} {since}{by_log}"

    def summary(self) -> str:
        """The result in a sentence."""
        if self.phase == "failed":
            return f"The drill failed: {self.problem}."
        if self.phase != "passed":
            return "The drill is not over."
        seconds = "" if self.return_seconds is None else f", {self.return_seconds:.1f} s after its start"
        return f"{self._took_over()}; {self.active} came back, synced its state{seconds} and is passive."

    def finding(self, pair: Pair) -> Finding:
        about = About(self.survivor)
        if self.phase == "passed":
            made = about.ok(self.summary())
        elif self.phase == "failed":
            fix = f"check verify.member and verify.active-passive, and the end of the log of {self.survivor}"
            made = about.error(self.summary(), None, fix)
        else:
            hint = self.hint(pair) if self.phase == "stop" else None
            made = About(self.active or None).waiting(self.instruction(pair), fix=hint)
        return made._replace(id="verify.drill")

    def to_json(self) -> dict[str, Any]:
        """Return the data for the report: seconds are numbers or null."""
        return {
            "phase": self.phase,
            "stopped": self.active or None,
            "survivor": self.survivor or None,
            "sign": self.sign or None,
            "takeover_seconds": self.takeover_seconds,
            "takeover_seconds_by_log": self.takeover_by_log,
            "return_seconds_by_log": self.return_seconds,
            "problem": self.problem or None,
        }


def _seconds(first: Record | None, last: Record | None) -> float | None:
    lasted = between(first, last)
    return round(lasted.total_seconds(), 3) if lasted is not None else None
