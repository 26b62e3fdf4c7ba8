"""What people read on the terminal: findings, plans and results as lines."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

import click

from wizard.system.errors import AS_BEFORE
from wizard.system.finding import Agree, finding_lines
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from pathlib import Path

    from wizard.command_line.run.replay import Prepared, Result
    from wizard.command_line.run.servers import NodeState, ServersResult
    from wizard.pack.home import Pack
    from wizard.passwords.masking import Masker
    from wizard.plan.planner import Plan
    from wizard.profile.model import Node, Profile
    from wizard.system.finding import Finding

SIGNS = {"ok": "✓", "warning": "!", "error": "✗", "skipped": "-", "waiting": "…"}
ASCII_SIGNS = {"ok": "+", "warning": "!", "error": "x", "skipped": "-", "waiting": "~"}
STYLES: dict[str, dict[str, Any]] = {
    "ok": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "error": {"fg": "red"},
    "skipped": {"dim": True},
    "waiting": {"fg": "cyan"},
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
}


def json_line(data: Any) -> str:
    """Data as JSON on one line, in ASCII: valid in any encoding, and without control characters."""
    import json

    return json.dumps(data) + "\n"


class Paper:
    """A stream for people: with colour on a terminal without `NO_COLOR`, in ASCII where the encoding has no more."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        """Whether a line can be replaced."""
        self.colour = self.live and not os.environ.get("NO_COLOR")
        encoding = getattr(self.stream, "encoding", None)
        self._encoding = encoding or "utf-8"
        known = (encoding or "ascii").lower().replace("-", "")
        self.signs = SIGNS if known in {"utf8", "utf16"} else ASCII_SIGNS
        self._replaceable = False

    def line(self, text: str = "", style: str | None = None, *, exact: bool = False) -> None:
        """Print a line; what the stream cannot show becomes `?`, and control characters are escaped.

        `exact` is for what another program reads: only a terminal gets it escaped.
        """
        self.rewrite("")
        if not exact or self.stream.isatty():
            text = escaped(text, keep="\t")
        self._print(text + "\n", STYLES[style] if style is not None and self.colour else {})

    def rewrite(self, text: str) -> None:
        """Show a line that the next one replaces, where the stream can do that; an empty one only removes it."""
        if self.live and (text or self._replaceable):
            width = shutil.get_terminal_size().columns - 1
            self._print(f"\r{escaped(text)[:width].ljust(width)}" + ("" if text else "\r"), {})
            self._replaceable = bool(text)

    def _print(self, text: str, style: dict[str, Any]) -> None:
        text = text.encode(self._encoding, "replace").decode(self._encoding)
        line, end, _ = text.partition("\n")
        click.echo((click.style(line, **style) if style else line) + end, self.stream, nl=False, color=True)

    def text(self, text: str, style: str | None = None, *, exact: bool = False) -> None:
        """Print the lines of one text, which may end in a line end."""
        for line in text.removesuffix("\n").split("\n"):
            self.line(line, style, exact=exact)

    def lines(self, lines: Iterable[str]) -> None:
        for text in lines:
            self.line(text)

    def finding(self, found: Finding) -> None:
        """Print a finding in full: what it is, and unless it passed its evidence and fix."""
        for number, text in enumerate(finding_lines(found, self.signs[found.status])):
            self.line(text, found.status if number == 0 else None)

    def diff(self, lines: Iterable[str]) -> None:
        for text in lines:
            marked = text[:1] if not text.startswith(("---", "+++")) else ""
            self.line(text, {"+": "added", "-": "removed"}.get(marked))


RANKS = ("skipped", "ok", "warning", "error")
"""The statuses of checks: a step has the status of its last one in this order."""


class RunPrinter:
    """Prints `check` and `replay`: on a live line what is being done, then the checks step by step, problems last.

    `each` lists also what passed and what was skipped below its step; `quiet` leaves out all but problems and result.
    """

    def __init__(self, paper: Paper, *, quiet: bool, each: bool = False) -> None:
        self._paper, self._quiet, self._each = paper, quiet, each
        self._found: list[Finding] = []

    def close(self) -> None:
        """Remove the live line, whatever was printed."""
        self._paper.rewrite("")

    def add(self, finding: Finding) -> None:
        self._found.append(finding)
        self._live(f"checks: {len(self._found)}")

    def database(self, name: str, done: int, total: int, text: str) -> None:
        self._live(f"{name} {done}/{total}" if total else f"{name} {text}".strip())

    def file(self, node: str, path: str, done: int, total: int) -> None:
        self._live(f"{done}/{total} {node} {path}")

    def _live(self, text: str) -> None:
        if not self._quiet:
            self._paper.rewrite(text)

    def before_writing(self, _: Prepared) -> bool:
        """Print the checks before the first write: the callback `agreed` of `replay`."""
        self._checks()
        return True

    def _checks(self) -> None:
        """Print the findings that were added since the last call."""
        found, self._found = self._found, []
        wrong = [one for one in found if one.status in {"warning", "error"} or isinstance(one.action, Agree)]
        problems = sorted(wrong, key=lambda one: RANKS.index(one.status))
        if not self._quiet and found:
            from wizard.steps.procedure import CHECKS

            for step in dict.fromkeys(check.step for check in CHECKS):
                own = [one for one in found if one.id.partition(".")[0] == step]
                if own:
                    worst = max((one.status for one in own), key=RANKS.index)
                    self._paper.line(f"{self._paper.signs[worst]} {step}: {counts(own)}", worst)
                for one in own if self._each else ():
                    if one not in problems:
                        node = f" {one.node}:" if one.node else ""
                        self._paper.line(f"    {self._paper.signs[one.status]} {one.id}{node} {one.message}")
        for one in problems:
            self._paper.finding(one)

    def summary(self, result: Result) -> None:
        """Print the checks, and all of them in a line: the end of `check`."""
        self._checks()
        waiting = sum(isinstance(one.action, Agree) and one.status == "skipped" for one in result.checks)
        agree = f" ({waiting} until you agree to the profile)" if waiting else ""
        self._paper.line(f"checks: {counts(result.checks)}{agree}")

    def end(self, result: Result, prepared: Prepared, called: str, path: Path) -> None:
        """Print how `replay` ended; the profile is `called` so in a command, and its file is `path`."""
        self.summary(result)
        plan, dry_run, outcome = prepared.plan, prepared.options.dry_run, result.outcome
        if not self._quiet:
            if outcome in {"pending", "applied", "failed"}:
                for one in result.databases:
                    self._paper.line(f"database {one['name']}: {one['status']}, {one['tables']} tables")
            rolling = prepared.rolling and dry_run
            if outcome in {"pending", "applied"} or rolling:
                verb = "to change" if dry_run else "written"
                self._paper.lines(plan_lines(plan, verb, rolling=rolling))
            if outcome == "pending":
                self._paper.diff(diff_lines(plan, prepared.masker()))
        if result.error:
            Paper(sys.stderr).text(result.error, "error")
        if outcome == "pending":
            self._paper.line(f"{totals(plan, result.databases)}.")
        self._paper.line(run_ending(result))
        if outcome == "applied" and not self._quiet:
            self._paper.lines(step_lines(steps_after(prepared, result, called, path)))


def run_ending(result: Result) -> str:
    """Return in a line how a run ended."""
    stranded = result.exit_code == 5
    return {
        "applied": f"Done: run {result.run}.",
        "unchanged": "Nothing to do: everything is as the profile says.",
        "pending": "Nothing was written (--dry-run).",
        "refused": "Refused." if stranded else "Refused: no file was written.",
        "failed": f"Failed: {'some paths could not be restored' if stranded else AS_BEFORE}.",
        "cancelled": f"Cancelled: {AS_BEFORE}.",
        "restored": "Restored.",
    }[result.outcome]


def counts(found: Iterable[Finding]) -> str:
    """Count findings by status: `38 passed, 2 warnings, 1 failed, 3 skipped`."""
    number = Counter(one.status for one in found)
    warnings = count(number["warning"], "warning")
    texts = (f"{number['ok']} passed", warnings, f"{number['error']} failed", f"{number['skipped']} skipped")
    return ", ".join(text for text in texts if not text.startswith("0 "))


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def plan_lines(plan: Plan, verb: str, *, rolling: bool = False) -> Iterator[str]:
    """The plan as a tree: node, file, what changes; with `rolling` also whether it can be made node by node."""
    for node in plan.nodes:
        number = len(node.pending)
        changes = f"{count(number, 'file')} {verb}" if number else "unchanged"
        yield f"{node.node}: {changes}"
        for change in node.pending:
            rolls = (": rolls" if change.rolls else ": cannot roll") if rolling else ""
            yield f"  {change.path}{rolls}"
            yield from (f"      {what}" for what in change.what)
            targets = [target for target in change.targets if str(target) != str(node.home / change.path)]
            yield from (f"      written: {target}" for target in targets)


def totals(plan: Plan, databases: Iterable[dict[str, Any]]) -> str:
    """What a dry run would change, in numbers."""
    nodes = ", ".join(f"{node.node}: {len(node.pending)}" for node in plan.nodes)
    pending = sum(one["status"] == "pending" for one in databases)
    made = f", {count(pending, 'database')} to create" if pending else ""
    return f"{count(len(plan.pending), 'file')} to change ({nodes}){made}"


def diff_lines(plan: Plan, hide: Masker) -> Iterator[str]:
    """The unified diffs of all edited files."""
    from wizard.plan.diff import unified

    for change in plan.pending:
        yield from unified(change, hide)


class NextStep(NamedTuple):
    """A step after a run; `lines` are pairs of a text and a command to run, each may be empty."""

    id: Literal["write", "start", "verify", "manager", "later", "undo"]
    title: str
    """With a number where the step is needed."""
    lines: list[tuple[str, str]]


def steps_after(prepared: Prepared, result: Result, called: str, path: Path) -> list[NextStep]:
    """Return the next steps of the run that has just ended so."""
    return next_steps(
        prepared.profile,
        prepared.packs,
        [node.name for node in prepared.nodes],
        called,
        path,
        run=result.run,
        rolling=prepared.options.rolling,
    )


def next_steps(
    profile: Profile,
    packs: Mapping[str, Pack],
    written: Iterable[str],
    called: str,
    path: Path,
    *,
    run: str | None,
    rolling: bool = False,
) -> list[NextStep]:
    """Return what to do after a run that wrote these nodes: start, verify, configure API Manager, and how to undo.

    The profile is `called` so in a command, and its file is `path`; `run` is None where it cannot be undone.
    """
    undo = [NextStep("undo", "Undo", [("", f"apimha-wizard rollback {run}")])] if run else []
    if rolling:  # the servers run the change already
        return undo
    here = set(written)
    elsewhere = [node for node in profile.nodes if node.name not in here]
    needed = [
        *(_step_there(profile, node, called, path) for node in elsewhere),
        start_step(profile, packs.values(), called, elsewhere),
        NextStep("verify", "Verify", [("", f"apimha-wizard verify {called} --watch")]),
        _manager_step(profile, packs),
    ]
    steps = [step._replace(title=f"{number} {step.title}") for number, step in enumerate(needed, 1)]
    later = []
    if profile.deployment_sync.method == "none":
        later.append(("without svn, deploy every C-App to both nodes", ""))
    if profile.event_processor.persistence:
        text = "the servers never delete state files; remove old ones with:"
        later.append((text, f"apimha-wizard clean {called}"))
    return [*steps, *([NextStep("later", "Later", later)] if later else []), *undo]


def _step_there(profile: Profile, node: Node, called: str, path: Path) -> NextStep:
    """What to copy to another machine and run there."""
    from wizard.profile.passwords import references

    lines = [("copy the profile to that machine:", f"scp {quote(str(path))} {node.host}:")]
    if profile.mysql.driver_jar is not None:
        jar = quote(str(profile.mysql.driver_jar))
        lines.append(("and the driver jar to the same path:", f"scp {jar} {node.host}:{jar}"))
    for key, reference in references(profile).items():
        lines.append((f"{key} must be there too: {reference.describe()}", ""))
    lines += [
        ("then, on that machine:", f"apimha-wizard replay {quote(path.name)} --node {node.name}"),
        ("or both machines from one, with Ansible:", f"apimha-wizard ansible {called} FOLDER"),
    ]
    return NextStep("write", f"Write {node.name} on its machine ({node.host})", lines)


def start_step(profile: Profile, packs: Iterable[Pack], called: str, elsewhere: Sequence[Node]) -> NextStep:
    """How to start the two nodes for the first time: which one first, and what the other waits for."""
    from wizard.steps.hazelcast import starts_alone

    setup = profile.mysql.provisioning == "server"
    lines = [("", f"apimha-wizard start {called}")]
    if elsewhere:
        apart = 'once its log says "Cluster initialization completed", ' if setup else "at once "
        lines = []
        for number, node in enumerate(profile.nodes):
            where = f" on {node.host}" if node in elsewhere else ""
            text = f"{apart if number else ''}{node.name}{where}:"
            lines.append((text, f"apimha-wizard start {called} --node {node.name}"))
    if setup:
        first, databases = profile.nodes[0].name, profile.mysql.databases
        lines.append((f"{first} makes the tables of {databases.user} and {databases.registry} (-Dsetup)", ""))
    if not starts_alone(profile, packs):
        lines.append(("neither node completes its start alone: each waits for the other one", ""))
    return NextStep("start", f"Start both nodes{', each on its machine' if elsewhere else ''}", lines)


def _manager_step(profile: Profile, packs: Mapping[str, Pack]) -> NextStep:
    """What API Manager needs to know of the pair."""
    from wizard.pack import ports

    addresses = []
    for node in profile.nodes:
        pack = packs.get(node.name)
        plain, ssl = ports.thrift(node, pack)
        added = " plus its offset" if pack is None and node.port_offset is None else ""
        addresses.append(f"tcp://{node.host}:{plain}{added} (SSL {ssl}{added})")
    lines = [(f"send its events to: {', '.join(addresses)}", "")]
    if (stats := profile.mysql.databases.stats) is not None:
        lines.append((f"read its statistics from the database {stats}", ""))
    return NextStep("manager", "Configure API Manager", lines)


def step_lines(steps: Iterable[NextStep]) -> Iterator[str]:
    """The steps as lines, each command on its own line."""
    for step in steps:
        yield step.title
        yield from (f"  {text}" for line in step.lines for text in line if text)


def history_lines(history: list[dict[str, Any]]) -> Iterator[str]:
    """The history as a table."""
    from wizard.transaction.runs import INTERRUPTED

    if not history:
        yield "no runs yet"
        return
    yield f"{'run':<24} {'profile':<20} {'nodes':<16} {'files':>5}  state"
    for run in history:
        nodes = ",".join(run["nodes"])[:16]
        state = "interrupted" if run["state"] == INTERRUPTED else run["state"]
        yield f"{run['run']:<24} {run['profile'][:20]:<20} {nodes:<16} {run['files']:>5}  {state}"


class ServersPrinter:
    """Prints the states of the nodes while a command runs, and its result."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._shown: dict[str, str] = {}
        self._since = time.monotonic()

    @property
    def _seconds(self) -> str:
        return f"{time.monotonic() - self._since:.0f} s"

    def progress(self, nodes: Sequence[NodeState]) -> None:
        """Show the nodes: the callback of the commands."""
        if self._paper.live:
            self._paper.rewrite(" · ".join([*(f"{one.name}: {one.text}" for one in nodes), self._seconds]))
            return
        for one in nodes:
            if self._shown.get(one.name, "stopped") != one.text:
                self._paper.line(f"{one.name}: {one.text}")
        self._shown = {one.name: one.text for one in nodes}

    def end(self, result: ServersResult) -> None:
        """Print what is wrong, and the outcome."""
        for one in worth_showing(result):
            self._paper.finding(one)
        if result.error:
            self._paper.text(result.error, "error")
        if text := ending(result, self._seconds):
            self._paper.line(text, "ok" if result.exit_code == 0 else None)


def worth_showing(result: ServersResult) -> list[Finding]:
    """Select what is wrong, and at the time limit what is still awaited."""
    shown = ("warning", "error", "waiting") if result.exit_code == 4 else ("warning", "error")
    return [one for one in result.findings if one.status in shown]


def ending(result: ServersResult, seconds: str) -> str:
    """Return the result in a line; empty where its error says it."""
    return {
        "healthy": f"healthy after {seconds}",
        "waiting": f"waiting after {seconds}: the servers keep running"
        if result.exit_code
        else "launched: apimha-wizard verify shows their progress",
        "unhealthy": f"unhealthy after {seconds}: servers that run keep running",
        "stopped": f"stopped after {seconds}",
        "refused": "Refused.",
        "failed": "Failed.",
        "cancelled": "",
    }[result.outcome]
