"""What people read on the terminal: findings, plans and results as lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

from wizard.system.finding import Agree
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from pathlib import Path

    from wizard.command_line.run.replay import Prepared, Result
    from wizard.pack.home import Pack
    from wizard.passwords.masking import Masker
    from wizard.plan.planner import Plan
    from wizard.profile.model import Node, Profile
    from wizard.system.finding import Finding

SIGNS = {"ok": "✓", "warning": "!", "error": "✗", "skipped": "-", "waiting": "…"}
ASCII_SIGNS = {"ok": "+", "warning": "!", "error": "x", "skipped": "-", "waiting": "~"}
COLOURS = {
    "ok": "32",
    "warning": "33",
    "error": "31",
    "skipped": "2",
    "waiting": "36",
    "added": "32",
    "removed": "31",
}


def json_line(data: Any) -> str:
    """Data as JSON on one line, in ASCII: valid in any encoding, with nothing in it that a terminal obeys."""
    import json

    return json.dumps(data) + "\n"


class Paper:
    """Where lines go: with colour on a terminal that wants it, in ASCII where it can do no better."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        """Whether a line can be written again."""
        self.colour = self.live and not os.environ.get("NO_COLOR")
        encoding = (getattr(self.stream, "encoding", None) or "ascii").lower()
        self.signs = SIGNS if encoding.replace("-", "") in {"utf8", "utf16"} else ASCII_SIGNS

    def line(self, text: str = "", style: str | None = None, *, exact: bool = False) -> None:
        """One line; what the stream cannot show becomes `?`, and control characters are escaped.

        `exact` is for what another program reads: only a terminal gets it escaped.
        """
        if not exact or self.stream.isatty():
            text = escaped(text, keep="\t")
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        if style is not None and self.colour:
            text = f"\x1b[{COLOURS[style]}m{text}\x1b[0m"
        self.stream.write(text + "\n")

    def rewrite(self, text: str) -> None:
        """Replace the last line of a terminal, which has no line end yet."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write("\r\x1b[K" + text.encode(encoding, "replace").decode(encoding))
        self.stream.flush()

    def text(self, text: str, style: str | None = None, *, exact: bool = False) -> None:
        """The lines of one text, which may end in a line end."""
        for line in text.removesuffix("\n").split("\n"):
            self.line(line, style, exact=exact)

    def lines(self, lines: Iterable[str]) -> None:
        for text in lines:
            self.line(text)

    def finding(self, result: Finding, *, quiet: bool = False) -> None:
        """A finding with its fix; `quiet` leaves out what is in order, but not what waits for an agreement."""
        if quiet and result.status in {"ok", "skipped"} and not isinstance(result.action, Agree):
            return
        node = f" {result.node}:" if result.node else ""
        self.line(f"{self.signs[result.status]} {result.id}{node} {result.message}", result.status)
        if result.fix and result.status != "ok":
            self.line(f"    fix: {result.fix}")

    def diff(self, lines: Iterable[str]) -> None:
        for text in lines:
            marked = text[:1] if not text.startswith(("---", "+++")) else ""
            self.line(text, {"+": "added", "-": "removed"}.get(marked))


def plan_lines(plan: Plan, verb: str, *, rolling: bool = False) -> Iterator[str]:
    """The plan as a tree: node, file, what changes; with `rolling` also whether it can be made node by node."""
    for node in plan.nodes:
        count = len(node.pending)
        yield (
            f"{node.node}: {count} {'file' if count == 1 else 'files'} {verb}"
            if count
            else f"{node.node}: unchanged"
        )
        for change in node.pending:
            rolls = (": rolls" if change.rolls else ": cannot roll") if rolling else ""
            yield f"  {change.path}{rolls}"
            yield from (f"      {what}" for what in change.what)
            yield from (
                f"      written: {target}"
                for target in change.targets
                if str(target) != str(node.home / change.path)
            )


def database_lines(databases: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The databases, each with how it stands."""
    for database in databases:
        yield f"database {database['name']}: {database['status']}, {database['tables']} tables"


def diff_lines(plan: Plan, hide: Masker) -> Iterator[str]:
    """The unified diffs of all edited files."""
    from wizard.plan.diff import unified

    for change in plan.pending:
        yield from unified(change, hide)


def checks_summary(found: Iterable[Finding]) -> str:
    """One line that counts the findings."""
    found = list(found)
    waiting = sum(isinstance(result.action, Agree) and result.status == "skipped" for result in found)
    counts = {
        status: sum(result.status == status for result in found)
        for status in ("ok", "warning", "error", "skipped")
    }
    names = {"ok": "in order", "warning": "warnings", "error": "errors", "skipped": "skipped"}
    return (
        "checks: "
        + ", ".join(f"{count} {names[status]}" for status, count in counts.items() if count)
        + (f" ({waiting} until you agree to the profile)" if waiting else "")
    )


class NextStep(NamedTuple):
    """A step after a run; `lines` are pairs of what is said and the command to run, each may be empty."""

    id: Literal["write", "start", "verify", "manager", "later", "undo"]
    title: str
    lines: list[tuple[str, str]]


def next_steps(prepared: Prepared, result: Result, called: str, path: Path) -> Iterator[NextStep]:
    """Return what to do after a run: start, verify, configure API Manager, undo.

    `called` is what a command calls the profile, `path` its file.
    """
    elsewhere = [node for node in prepared.profile.nodes if node not in prepared.nodes]
    rolling = prepared.options.rolling
    return steps_after(
        prepared.profile, prepared.packs, elsewhere, called, path, run=result.run, rolling=rolling
    )


def steps_after(
    profile: Profile,
    packs: Mapping[str, Pack],
    elsewhere: Sequence[Node],
    called: str,
    path: Path,
    *,
    run: str | None,
    rolling: bool = False,
) -> Iterator[NextStep]:
    """The same for a run of any time: `elsewhere` are the nodes that it did not write."""
    from wizard.pack import ports

    undo = [NextStep("undo", "Undo", [("", f"apimha-wizard rollback {run}")])] if run else []
    if rolling:  # the servers run the change already
        yield from undo
        return
    for node in elsewhere:
        yield _step_there(profile, node, called, path)
    yield start_step(profile, packs.values(), called, elsewhere)
    yield NextStep("verify", "Verify", [("", f"apimha-wizard verify {called} --watch")])
    addresses = []
    for node in profile.nodes:
        pack = packs.get(node.name)
        plain, ssl = ports.thrift(node, pack)
        added = " plus its offset" if pack is None and node.port_offset is None else ""
        addresses.append(f"tcp://{node.host}:{plain}{added} (SSL {ssl}{added})")
    told = [(f"it sends its events to: {', '.join(addresses)}", "")]
    if profile.mysql.databases.stats is not None:
        told.append((f"it reads its statistics from the database {profile.mysql.databases.stats}", ""))
    yield NextStep("manager", "Tell API Manager", told)
    yield from undo
    later = []
    if profile.deployment_sync.method == "none":
        later.append(("without svn every C-App has to be deployed to both nodes", ""))
    if profile.event_processor.persistence:
        later.append(("the servers never delete state files; now and then:", f"apimha-wizard clean {called}"))
    if later:
        yield NextStep("later", "Later", later)


def _step_there(profile: Profile, node: Node, called: str, path: Path) -> NextStep:
    """What has to be copied to another machine and run there."""
    from shlex import quote

    from wizard.profile.passwords import references

    lines = [("copy the profile to that machine:", f"scp {quote(str(path))} {node.host}:")]
    if (jar := profile.mysql.driver_jar) is not None:
        lines.append(
            ("and the driver jar to the same path:", f"scp {quote(str(jar))} {node.host}:{quote(str(jar))}")
        )
    lines += [
        (f"{key} has to be there too: {reference.describe()}", "")
        for key, reference in references(profile).items()
    ]
    lines += [
        ("then, on that machine:", f"apimha-wizard replay {quote(path.name)} --node {node.name}"),
        ("or both machines from one, with Ansible:", f"apimha-wizard ansible {called} FOLDER"),
    ]
    return NextStep("write", f"Write {node.name} on its machine ({node.host})", lines)


def start_step(profile: Profile, packs: Iterable[Pack], called: str, elsewhere: Sequence[Node]) -> NextStep:
    """How the two nodes are started for the first time: which one first, and what the other waits for."""
    from wizard.steps.hazelcast import starts_alone

    setup = profile.mysql.provisioning == "server"
    lines = [("", f"apimha-wizard start {called}")]
    if elsewhere:
        apart = 'once its log says "Cluster initialization completed", ' if setup else "at once "
        lines = [
            (
                (apart if number else "") + f"{node.name}{f' on {node.host}' if node in elsewhere else ''}:",
                f"apimha-wizard start {called} --node {node.name}",
            )
            for number, node in enumerate(profile.nodes)
        ]
    if setup:
        first, databases = profile.nodes[0], profile.mysql.databases
        lines.append(
            (f"{first.name} makes the tables of {databases.user} and {databases.registry} (-Dsetup)", "")
        )
    if not starts_alone(profile, packs):
        lines.append(("neither node completes its start alone: each waits for the other one", ""))
    return NextStep("start", f"Start both nodes{', each on its machine' if elsewhere else ''}", lines)


def step_lines(steps: Iterable[NextStep]) -> Iterator[str]:
    """The steps as lines, each command on one of its own."""
    for title, step in numbered(steps):
        yield title
        yield from (f"  {text}" for line in step.lines for text in line if text)


def numbered(steps: Iterable[NextStep]) -> Iterator[tuple[str, NextStep]]:
    """Each step with its title; what has to be done next has a number."""
    for number, step in enumerate(steps, 1):
        yield step.title if step.id in ("undo", "later") else f"{number} {step.title}", step


def history_lines(history: list[dict[str, Any]]) -> Iterator[str]:
    """The history as a table."""
    if not history:
        yield "no runs yet"
        return
    yield f"{'run':<24} {'profile':<20} {'nodes':<16} {'files':>5}  state"
    for run in history:
        nodes = ",".join(run["nodes"])[:16]
        yield f"{run['run']:<24} {run['profile'][:20]:<20} {nodes:<16} {run['files']:>5}  {run['state']}"
