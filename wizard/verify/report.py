"""The verdict as lines for a terminal, and as a report for colleagues."""

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
from wizard.system.finding import finding_lines
from wizard.system.printable import escaped
from wizard.verify.verdict import View

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.system.finding import Finding

MANY = 3
"""As many findings that are skipped for one reason are printed as one."""

HEADLINES = {
    "healthy": "HEALTHY: both nodes are up, and the pair would survive the loss of one.",
    "waiting": "WAITING: no errors, but some things have not happened yet or are not known here.",
    "unhealthy": "UNHEALTHY: the pair differs from the profile, or would not survive the loss of a node.",
}


def lines(findings: Sequence[Finding], signs: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the lines of all findings with their styles; what is skipped for one reason is one entry."""
    skipped = [one for one in findings if one.status == "skipped"]
    for one in findings:
        group = [each for each in skipped if (each.message, each.fix) == (one.message, one.fix)]
        if one.status != "skipped" or len(group) < MANY:
            shown = list(finding_lines(one, signs[one.status]))
        elif one is group[0]:
            nodes = ", ".join(dict.fromkeys(each.node for each in group if each.node))
            shown = [f"{signs['skipped']} {nodes}{': ' if nodes else ''}{one.message}"]
            shown += [f"    skipped: {' '.join(dict.fromkeys(each.id for each in group))}"]
            shown += [f"    fix: {one.fix}"] if one.fix else []
        else:
            continue
        for number, line in enumerate(shown):
            yield line, one.status if number == 0 else None


def markdown(view: View, name: str, packs: Mapping[str, Pack]) -> str:
    """Return the report: verdict, versions, findings, timeline, and the profile without passwords.

    Everything from logs and files is in code blocks that it cannot end.
    """
    from wizard.profile.template import show

    taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
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
    lines += ["", "## Timeline", "", "Each node by its own clock."]
    for node in view.pair.nodes:
        moments = [f"{one.record.time_text:<23}  {one.text}" for one in view.pair.facts(node).moments]
        lines += ["", f"### {node.name}", "", *_block("\n".join(moments) or "nothing is known about it")]
    lines += ["", "## Profile", "", *_block(show(view.pair.profile).rstrip(), "toml"), ""]
    return "\n".join(lines)


def report_json(view: View, name: str) -> dict[str, Any]:
    """Return the report as data: the object of the contract, the drill and the timeline."""
    return {
        "version": 1,
        "profile": name,
        **view.to_json(),
        "drill": view.drill.to_json() if view.drill is not None else None,
        "timeline": {
            node.name: [
                {"time": one.record.time_text, "text": one.text} for one in view.pair.facts(node).moments
            ]
            for node in view.pair.nodes
        },
    }


def writable(path: Path) -> None:
    """Raise UsageError if no report can be written at that path: before a drill, not after it."""
    with _refusals(path):
        target, status = _target(path)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        is_file = status is None or stat.S_ISREG(status.st_mode)
        if is_file and not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "its folder is missing or cannot be written")


def is_output(path: Path) -> bool:
    """Whether a path is this process's standard output."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(1))
    except OSError:
        return False


def write(path: Path, text: str) -> bool:
    """Write a report; a file, also behind a link, completely or not at all.  Return whether it is a file.

    A pipe or a device is written to directly.  Raises UsageError.
    """
    data = text.encode("utf-8", "backslashreplace")
    with _refusals(path):
        target, status = _target(path)
        if is_output(path):  # the other lines come before and after the report
            write_all(1, data)
            return False
        if status is None or stat.S_ISREG(status.st_mode):
            os.umask(umask := os.umask(0o022))
            mode = 0o666 & ~umask if status is None else stat.S_IMODE(status.st_mode)
            write_durably(target, data, mode=mode)
            return True
        # Not blocking: opening a pipe without a reader would wait.
        descriptor = os.open(target, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "wb") as file:
            os.set_blocking(descriptor, True)
            file.write(data)
        return False


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """Return where a report at `path` goes, behind all links, and what is there."""
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
        reason = "the pipe has no reader" if problem.errno == errno.ENXIO else problem.strerror
        message = f"cannot write the report: {reason}"
        raise UsageError(message, place=str(path), fix="name another file") from None


def write_report(path: Path, view: View, name: str, packs: Mapping[str, Pack]) -> list[Path]:
    """Write the report, and for a drill its JSON beside it; return the written files."""
    if not write(path, markdown(view, name, packs)) or view.drill is None:
        return [path]
    beside = path.with_name(f"{path.stem}.json") if path.suffix else path.with_name(f"{path.name}.json")
    write(beside, json.dumps(report_json(view, name), indent=2) + "\n")
    return [path, beside]


def _row(*cells: str) -> str:
    return " | ".join(map(_cell, cells))


def _cell(text: str) -> str:
    """Return text that Markdown shows literally, on one line."""
    one_line = escaped(" ".join(text.split()))
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>|#" else c for c in one_line)


def _block(text: str, language: str = "") -> list[str]:
    """Return a code block whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", *(escaped(line, keep="\t") for line in text.split("\n")), fence]
