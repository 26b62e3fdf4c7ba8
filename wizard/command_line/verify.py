"""`verify` and `clean` as functions: typed arguments and streams in, exit code out."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from wizard.command_line.streams import lost, write_whole
from wizard.command_line.text import Paper, json_line
from wizard.passwords.resolver import Resolver
from wizard.profile.passwords import references
from wizard.system import locations
from wizard.system.durable import make_folder
from wizard.system.errors import ChecksFailed, SecretError, UsageError, os_errors_as_failures
from wizard.verify.drill import Drill
from wizard.verify.homes import LOG, packs_here
from wizard.verify.log import LIMIT, FileLog, PipeLog, open_log
from wizard.verify.pair import Hosts, resolve, show_log
from wizard.verify.report import HEADLINES, is_output, lines, writable, write_report
from wizard.verify.verdict import View
from wizard.verify.watcher import Watcher

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.passwords.masking import Masker
    from wizard.profile.model import Profile

PERIOD = 0.5
"""Seconds between two looks at the logs while watching."""
DRILL_PERIOD = 0.1
"""The same during a drill, whose seconds are accurate to a tenth."""


@dataclass
class ReportWriter:
    """Writes the report: `path` is the user's choice, None without one."""

    name: str
    packs: Mapping[str, Pack]
    path: Path | None = None

    def now(self, view: View) -> list[Path]:
        """Write the report, without a `path` into the folder of reports; return the written files."""
        kind = "drill" if view.drill is not None else "verify"
        taken = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        pair = Path(self.name).name.removesuffix(".toml") or "pair"
        path = self.path or _reports() / f"{kind}-{pair}-{taken}.md"
        return write_report(path, view, self.name, self.packs)

    def at_end(self, view: View) -> list[Path]:
        """Write the report if the user wants it, or if a drill has begun: its result is kept."""
        drilled = view.drill is not None and view.drill.phase != "prepare"
        return self.now(view) if self.path is not None or drilled else []


def run_verify(
    profile: Profile,
    name: str,
    *,
    watch: bool = False,
    until_healthy: bool = False,
    as_json: bool = False,
    out: TextIO | None = None,
    err: TextIO | None = None,
    dashboard: Callable[..., int] | None = None,
    **options: Any,
) -> tuple[int, dict[str, Any] | None]:
    """Look at the pair once, or watch it, and print the findings; return the exit code, and the object for `as_json`.

    Args:
        watch: follow the logs until Ctrl-C (130).
        until_healthy: follow the logs until the pair is healthy (0).
        as_json: return the object of the contract; while watching, write one a line on `out` at each change.
        dashboard: shows the pair if both ends are a terminal (`screens.app.watch`); lines elsewhere.
        options: those of `watching`, which raises its errors.
    """
    out, err = out or sys.stdout, err or sys.stderr
    report, drill = options.get("report"), options.get("drill", False)
    if as_json and report is not None and is_output(report) and report != Path(os.devnull):
        text = "the report and the JSON object cannot both go to standard output"
        raise UsageError(text, fix="name another file")
    watcher, writer = watching(profile, name, **options)
    screen = VerdictPrinter(out, err, as_json=as_json)
    with closing(watcher):
        if not (watch or until_healthy or drill):
            view = watcher.once()
            if not as_json:
                screen.whole(view)
            screen.written(writer.at_end(view))
            return view.exit_code, view.to_json() if as_json else None
        if dashboard is not None and not as_json and out.isatty() and sys.stdin.isatty():
            return dashboard(watcher, name=name, until_healthy=until_healthy, writer=writer), None
        return _watch(watcher, screen, until_healthy=until_healthy, writer=writer), None


def watching(
    profile: Profile,
    name: str,
    *,
    offline: bool = False,
    drill: bool = False,
    logs: Iterable[str] = (),
    log_limit: int = LIMIT,
    report: Path | None = None,
    standard_input: int = 0,
    resolver: Resolver | None = None,
) -> tuple[Watcher, ReportWriter]:
    """Return what watches the pair, and what writes its report.

    Args:
        name: the profile's name in a command; hints and reports use it.
        drill: guide through the failover drill, and end with it.
        logs: `NODE=FILE`, `NODE=-` for the standard input.
        log_limit: bytes of each log that are read from its end.
        resolver: knows whether the user has agreed to the profile; None: not agreed.

    Raises:
        NotAgreedError: a password of the profile needs the user's agreement.
        UsageError: a log of an unknown node, a node with two logs, or a report that cannot be written.
    """
    resolver = resolver or Resolver()
    for key, reference in references(profile).items():
        resolver.require_trust(reference, key)
    opened = open_logs(profile, logs, log_limit, standard_input)
    if report is not None or drill:
        writable(report or _reports() / "drill.md")
    hosts = Hosts() if offline else resolve(node.host for node in profile.nodes)
    packs = packs_here(profile, hosts)
    for node in profile.nodes:
        if node.name in packs:
            opened.setdefault(node.name, FileLog(packs[node.name].path(LOG), log_limit))
        if drill and node.name not in opened:
            text = f"the drill needs the logs of both nodes, but that of {node.name} is not on this machine"
            raise UsageError(text, fix=show_log(node, name, "--drill"))
    watcher = Watcher(
        profile,
        opened,
        packs=packs,
        hosts=hosts,
        offline=offline,
        name=name,
        mask=masker_of(profile, resolver).mask,
        drill=Drill() if drill else None,
    )
    return watcher, ReportWriter(name, packs, report)


def _watch(watcher: Watcher, screen: VerdictPrinter, *, until_healthy: bool, writer: ReportWriter) -> int:
    """Follow the logs and print each change.  130 after Ctrl-C."""
    view: View | None = None
    try:
        while True:
            view = watcher.poll()
            screen.change(view)
            if is_over(view, until_healthy=until_healthy) or lost(screen.out) is not None:
                code = exit_code(view)
                break
            time.sleep(DRILL_PERIOD if view.drill is not None else PERIOD)
    except KeyboardInterrupt:
        code = 130
    if view is not None:
        screen.written(writer.at_end(view))
    return code


def is_over(view: View, *, until_healthy: bool) -> bool:
    """Whether watching ends."""
    if view.drill is not None:
        # Wait for the whole pair, not only its logs: the report shows it.
        whole = view.outcome == "healthy" or view.drill.settled(time.monotonic())
        return view.drill.phase == "failed" or (view.drill.phase == "passed" and whole)
    return until_healthy and view.outcome == "healthy"


def exit_code(view: View) -> int:
    """Return the exit code at the end of watching: a drill's own, else the pair's."""
    return 3 if view.drill is not None and view.drill.phase == "failed" else view.exit_code


class VerdictPrinter:
    """Prints the verdicts: JSON or lines, each change once."""

    def __init__(self, out: TextIO, err: TextIO, *, as_json: bool) -> None:
        self.out = out
        self._as_json = as_json
        self._paper = Paper(err if as_json else out)
        self._last: Any = None
        self._instruction = ""

    def whole(self, view: View) -> None:
        """Print all findings and the verdict."""
        for line, style in lines(view.findings, self._paper.signs):
            self._paper.line(line, style)
        self._paper.line()
        self._paper.line(HEADLINES[view.outcome], _STYLES[view.outcome])

    def change(self, view: View) -> None:
        """Print what is new since the last view."""
        if self._as_json:
            data = view.to_json()
            if data != self._last:
                self._last = data
                write_whole(self.out, json_line(data))
            return
        for node, moment in view.news:
            self._paper.line(f"{moment.record.time_text or '-':<23} {node:<8} {moment.text}")
        if view.drill is not None and (instruction := view.drill.instruction(view.pair)) != self._instruction:
            self._instruction = instruction
            self._paper.line(f"drill: {instruction}", "added")
            if view.drill.phase == "stop":
                self._paper.line(f"  hint: {view.drill.hint(view.pair)}")
        now = {(one.id, one.node, one.status, one.message): one for one in view.findings}
        if self._last is None or now.keys() != self._last.keys():
            fresh = [one for key, one in now.items() if key not in (self._last or {})]
            self._last = now
            shown = [one for one in fresh if one.status in ("error", "warning") and one.id != "verify.drill"]
            for line, style in lines(shown, self._paper.signs):
                self._paper.line(line, style)
            count = Counter(one.status for one in view.findings)
            text = f"{view.outcome}: {count['error']} errors, {count['waiting']} awaited"
            self._paper.line(text, _STYLES[view.outcome])

    def written(self, paths: list[Path]) -> None:
        self._paper.lines(f"report: {path}" for path in paths)


_STYLES = {"healthy": "ok", "waiting": "waiting", "unhealthy": "error"}


def run_clean(profile: Profile, name: str, *, dry_run: bool = False, out: TextIO | None = None) -> int:
    """Remove all but the two newest state files of each plan, in the homes on this machine.

    Return 0: done, or nothing to do; 1: some could not be removed; 4: `dry_run`, and there are some.

    Raises:
        ChecksFailed: neither home is on this machine.
    """
    from wizard.verify.homes import clean, megabytes, plan_cleaning, state_location

    paper = Paper(out)
    packs = packs_here(profile, resolve(node.host for node in profile.nodes))
    if not packs:
        fix = "run it on the machine of each node, or correct the homes in the profile"
        raise ChecksFailed("neither node's home is on this machine", place=name, fix=fix)
    codes = [0]
    for node in profile.nodes:
        pack = packs.get(node.name)
        if pack is None:
            where = f"its home {node.home} is not on this machine; run clean on {node.host} too"
            paper.line(f"{node.name}: {where}")
            continue
        cleaning = plan_cleaning(pack.home, state_location(profile, pack))
        for text in cleaning.left_alone:
            paper.line(f"{node.name}: not removed: {text}")
        if dry_run:
            paper.lines(f"{node.name}: would remove {path}" for path in cleaning.remove)
            what = f"would remove {cleaning.count} state files and free {megabytes(cleaning.frees)}; keeps"
            codes.append(4 if cleaning.count else 0)
        else:
            done = clean(cleaning)
            for failure in done.failures:
                Paper(sys.stderr).line(f"{node.name}: {failure}", "error")
            what = f"removed {done.files} state files and freed {megabytes(done.bytes)}; kept"
            codes.append(1 if done.failures else 0)
        paper.line(f"{node.name}: {what} {cleaning.keep}")
    return max(codes)


def open_logs(
    profile: Profile, arguments: Iterable[str], limit: int = LIMIT, standard_input: int = 0
) -> dict[str, FileLog | PipeLog]:
    """Open the logs of `--log NODE=FILE`, by node.  Raises `UsageError`."""
    names = [node.name for node in profile.nodes]
    opened: dict[str, FileLog | PipeLog] = {}
    sources: list[str] = []
    for argument in arguments:
        node, _, source = argument.partition("=")
        if not source or node not in names:
            text = f"--log {argument}: expected NODE=FILE or NODE=-, with the nodes {names[0]} and {names[1]}"
            raise UsageError(text, fix=f"--log {names[1]}=-")
        if node in opened:
            raise UsageError(f"--log {node} is given twice", fix="name one log for each node")
        if source == "-" and "-" in sources:
            raise UsageError("both logs cannot come from standard input", fix=f"--log {node}=FILE")
        sources.append(source)
        opened[node] = open_log(source, limit=limit, standard_input=standard_input)
    return opened


def masker_of(profile: Profile, resolver: Resolver) -> Masker:
    """Return what hides the passwords that can be resolved without a question or a command."""
    from wizard.passwords.masking import Masker
    from wizard.passwords.references import EnvReference, FileReference

    known = []
    for key, reference in references(profile).items():
        if isinstance(reference, EnvReference | FileReference):
            with suppress(SecretError):
                known.append(resolver.resolve(reference, key).reveal())
    return Masker(known, profile.mysql.url_parameters)


def _reports() -> Path:
    """Return the folder of the reports that were not given a file; create it where it is missing."""
    with os_errors_as_failures():
        make_folder(locations.reports(), mode=0o700)
    return locations.reports()
