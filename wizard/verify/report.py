"""The verdict for people: lines for a terminal, a report for colleagues."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizard import __version__
from wizard.system.durable import write_all, write_durably
from wizard.system.errors import UsageError
from wizard.system.printable import escaped
from wizard.verify.view import View

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.system.finding import Finding

MANY = 3
"""So many findings that are skipped for one reason are told together."""

HEADLINES = {
    "healthy": "HEALTHY: both nodes are up, and the pair would survive the loss of one.",
    "waiting": "WAITING: nothing is wrong, but not all of it has happened or been seen yet.",
    "unhealthy": "UNHEALTHY: the pair is not what the profile says, or would not survive.",
}


def finding_lines(one: Finding, sign: str) -> Iterator[str]:
    """A finding as lines: what it is, and where it is not in order the evidence and the fix."""
    node = f" {one.node}:" if one.node else ""
    yield f"{sign} {one.id}{node} {one.message}"
    if one.status in ("ok", "skipped") and not (one.status == "skipped" and one.fix):
        return
    for line in one.evidence.split("\n") if one.evidence and one.status != "skipped" else ():
        yield f"    > {line}"
    if one.fix:
        yield f"    fix: {one.fix}"


def lines(findings: Sequence[Finding], signs: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """All findings for people, each line with its style; what is skipped for one reason stands there once."""
    together: dict[tuple[str, str | None], list[Finding]] = {}
    for one in findings:
        if one.status == "skipped":
            together.setdefault((one.message, one.fix), []).append(one)
    for one in findings:
        group = together.get((one.message, one.fix), []) if one.status == "skipped" else []
        if len(group) < MANY:
            told = list(finding_lines(one, signs[one.status]))
        elif one is group[0]:
            nodes = ", ".join(dict.fromkeys(each.node for each in group if each.node))
            told = [f"{signs['skipped']} {nodes}{': ' if nodes else ''}{one.message}"]
            told += [f"    skipped: {' '.join(dict.fromkeys(each.id for each in group))}"]
            told += [f"    fix: {one.fix}"] if one.fix else []
        else:
            continue
        for number, line in enumerate(told):
            yield line, one.status if number == 0 else None


def markdown(view: View, name: str, packs: Mapping[str, Pack], *, now: float | None = None) -> str:
    """The report for colleagues: verdict, versions, findings, time line, and the profile without passwords.

    Everything that was read somewhere stands in code blocks that it cannot end.
    """
    from wizard.profile.template import show

    taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    lines = [f"# Verify: {_cell(name)}", "", f"**{HEADLINES[view.outcome]}**", ""]
    lines += [f"Taken {taken} by apimha-wizard {__version__}.", ""]
    if view.drill is not None:
        lines += ["## Failover drill", "", _cell(view.drill.summary()), ""]
        lines += [_cell(f"Not tried: {view.drill.hint(view.pair)}"), ""]
    lines += ["## Versions", "", "| node | host | home | product | kernel |", "|---|---|---|---|---|"]
    for node in view.pair.nodes:
        pack = packs.get(node.name)
        product = pack.title if pack is not None else "not on this machine"
        kernel = ".".join(map(str, pack.kernel)) if pack is not None else ""
        lines.append(f"| {_row(node.name, node.host, str(node.home), product, kernel)} |")
    lines += ["", "## Findings", "", "| status | id | node | what |", "|---|---|---|---|"]
    lines += [f"| {_row(one.status, one.id, one.node or '', one.message)} |" for one in view.findings]
    for one in view.findings:
        if one.status in ("ok", "skipped") or not (one.evidence or one.fix):
            continue
        lines += ["", f"### {one.id}{f' ({one.node})' if one.node else ''}", "", _cell(one.message)]
        if one.evidence:
            lines += ["", *_block(one.evidence)]
        if one.fix:
            lines += ["", "Fix:", "", *_block(one.fix)]
    lines += ["", "## Time line", "", "Each node by its own clock."]
    for node in view.pair.nodes:
        facts = view.pair.facts(node)
        moments = [f"{moment.time_text:<23}  {moment.text}" for moment in facts.moments] if facts else []
        lines += ["", f"### {node.name}", "", *_block("\n".join(moments) or "nothing is seen of it")]
    lines += ["", "## Profile", "", *_block(show(view.pair.profile).rstrip(), "toml"), ""]
    return "\n".join(lines)


def report_json(view: View, name: str) -> dict[str, Any]:
    """The report as data: the object of the contract, and the drill and the time line beside it."""
    nodes = {node.name: view.pair.facts(node) for node in view.pair.nodes}
    return {
        "version": 1,
        "profile": name,
        **view.to_json(),
        "drill": view.drill.to_json() if view.drill is not None else None,
        "timeline": {
            node: [{"time": one.time_text, "text": one.text} for one in facts.moments] if facts else []
            for node, facts in nodes.items()
        },
    }


def writable(path: Path) -> None:
    """Raise UsageError where no report can be written at that path: better before a drill than after it."""
    with _refusals(path):
        target, status = _target(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if status is not None and not stat.S_ISREG(status.st_mode):
            return
        if not target.parent.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "its folder is missing or cannot be written")


def is_output(path: Path) -> bool:
    """Whether a path is what the standard output of this process goes to."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(1))
    except OSError:
        return False


def write(path: Path, text: str) -> bool:
    """Write a report: whole or not at all where it is a file, which a link may lead to.  Return whether it is one.

    What is no file (a pipe, a device) is written to as it is.  Raises UsageError.
    """
    data = text.encode("utf-8", "backslashreplace")
    with _refusals(path):
        target, status = _target(path)
        if is_output(path):  # its other lines are to come before and after the report
            write_all(1, data)
            return False
        if status is None or stat.S_ISREG(status.st_mode):
            write_durably(
                target, data, mode=0o666 & ~_umask() if status is None else stat.S_IMODE(status.st_mode)
            )
            return True
        # Not blocking: a pipe that nobody reads would hold the program up.
        descriptor = os.open(target, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.set_blocking(descriptor, True)
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
        return False


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """Where a report at `path` goes, behind all links, and what is there."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return Path(os.path.realpath(path)), None
    # Behind a link of /proc a pipe has no path of its own.
    return (Path(os.path.realpath(path)) if stat.S_ISREG(status.st_mode) else path), status


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        reason = "nobody reads that pipe" if problem.errno == errno.ENXIO else problem.strerror
        raise UsageError(
            f"the report cannot be written: {reason}", place=str(path), fix="name another file"
        ) from None


def write_report(path: Path, view: View, name: str, packs: Mapping[str, Pack]) -> list[Path]:
    """Write the report, and for a drill its JSON beside it; the files that were written."""
    if not write(path, markdown(view, name, packs)) or view.drill is None:
        return [path]
    beside = path.with_name(f"{path.stem}.json") if path.suffix else path.with_name(f"{path.name}.json")
    write(beside, json.dumps(report_json(view, name), indent=2) + "\n")
    return [path, beside]


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _row(*cells: str) -> str:
    return " | ".join(map(_cell, cells))


def _cell(text: str) -> str:
    """Text that Markdown takes literally, on one line."""
    one_line = escaped(" ".join(text.split()))
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>|#" else c for c in one_line)


def _block(text: str, language: str = "") -> list[str]:
    """A code block whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", *(escaped(line, keep="\t") for line in text.split("\n")), fence]
