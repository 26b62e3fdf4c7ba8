"""The parts of the documentation that are made from the code.

`python -m tools.catalogue FILE...` renews them in place; a test keeps the files and the code in step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, metadata, version

import click
from packaging.requirements import Requirement

from tools.pages import renew, table
from wizard.command_line.cli import cli
from wizard.profile.document import written
from wizard.profile.fields import Key, keys, tables
from wizard.steps.procedure import CHECKS, STEPS
from wizard.steps.rows import Table
from wizard.system.errors import EXIT_CODES
from wizard.verify.knowledge import FAILURES, OVER_WHEN

PROGRAM = "apimha-wizard"

VERIFY = {
    "verify.log": "each node has a log here, its newest start is complete, and the server still runs",
    "verify.mode": "the event processor runs in HA mode, with persistence if the profile enables it",
    "verify.registry-mount": "governance and config are mounted from the registry database",
    "verify.membership": "scheme wka; members, domain and the node's own address are those of the profile",
    "verify.member": "the other node has joined and not left, and no other member has joined",
    "verify.snapshot-server": "the port from which the other node fetches this one's state is open",
    "verify.active-passive": "one node is active and one passive: never both active (split brain), never none",
    "verify.event-sync": "each node sends its events to the address on which the other one listens",
    "verify.state-sync": "the passive node has fetched the state of the active one",
    "verify.spark-masters": "the profile's number of Spark masters",
    "verify.spark-sql": "every query finds Spark once both nodes are up",
    "verify.node-id": "the two nodes have different Analytics node ids, as far as their logs show them",
    "verify.known-error": "no known error; each is reported with its cause",
    "verify.unknown-error": "unknown errors are quoted in a warning",
    "verify.spark-ui": "one master is ALIVE, the other STANDBY, none RECOVERING for long",
    "verify.spark-workers": "one worker on each node, with the alive master",
    "verify.spark-executors": "each worker has a running executor, and not a growing list of dead ones",
    "verify.spark-application": "an application runs at the alive master",
    "verify.spark-environment": "its parameters are those of the profile, and its class path exists",
    "verify.symbolic-link": "the symbolic link points to the home, if one is needed",
    "verify.event-receivers": "receivers are synchronised between the nodes or not, as in the profile",
    "verify.state-files": "old state files do not fill the disk: `clean` removes them",
    "verify.drill": "with `--drill`: each part of the failover drill",
    "apply.unfinished": "no interrupted run in the homes",
}
"""What each finding of `verify` verifies."""


def checks_table() -> str:
    """Every check: id, severity, whether it runs offline, why it matters, its fix."""
    return table(
        ("check", "severity", "offline", "why it matters", "fix"),
        (
            (f"`{one.id}`", one.severity, "yes" if one.offline else "", one.why, str(one.fix))
            for one in CHECKS
        ),
    )


def steps_table() -> str:
    """The steps: id, title, what it is about."""
    return table(
        ("step", "on the screen", "what it is about"), ((f"`{s.id}`", s.title, s.help) for s in STEPS)
    )


def exit_codes_table() -> str:
    return table(("exit code", "meaning"), ((str(code), meaning) for code, meaning in EXIT_CODES.items()))


def verify_table() -> str:
    """Return the findings of `verify`: id, what it verifies."""
    return table(("finding", "passes if"), ((f"`{id}`", meaning) for id, meaning in VERIFY.items()))


def known_errors() -> str:
    """The failures that `check` and `verify` know: the cause of each, its fix, and what shows that it is over."""
    rows = ((one.subject, one.cause, one.fix, OVER_WHEN[one.over]) for one in FAILURES)
    return table(("about", "cause", "fix", "over when"), rows)


def files_table() -> Iterator[str]:
    """Each step as a chapter: every row of its tables, then what else it does."""
    for step in STEPS:
        chapter = f"## {step.title}"
        for place in step.tables:
            element = f", `{place.element}`" if place.element else ""
            rows = (
                (
                    f"`{row.place or 'its text'}`",
                    f"`{row.field}`" if row.field else "",
                    row.means or (f"`{row.text}`" if isinstance(row.text, str) else "the value"),
                    "yes" if row.rolls else "",
                )
                for row in place.rows
            )
            chapter += f"\n\n`{place.file}`{element}\n\n{table(('place', 'field', 'written', 'rolls'), rows)}"
        others = [edit for edit in step.edits if not isinstance(getattr(edit, "__self__", None), Table)]
        chapter += "".join(f"\n\n{(edit.__doc__ or '').splitlines()[0]}" for edit in others)
        yield chapter


def profile_keys() -> Iterator[str]:
    """Each table of the profile as a chapter: key, default, what it is for."""
    for name, model in tables().items():
        own = [key for key in keys().values() if key.table == name]
        if not own:
            continue
        header = {"": "Top level", "nodes": "`[[nodes]]`"}.get(name, f"`[{name}]`")
        about = "" if not name else (model.__doc__ or "").splitlines()[0] + "\n\n"
        rows = ((f"`{key.name}`", _default(key), _sentence(key)) for key in own)
        yield f"## {header}\n\n{about}{table(('key', 'default', 'what it is'), rows)}"


def _default(key: Key) -> str:
    if key.required:
        return "required"
    return f"`{written(key.default)}`" if key.default not in (None, {}) else ""


def _sentence(key: Key) -> str:
    shown = key.default in (None, {}) or key.required
    examples = f" Example: `{written(key.example())}`" if shown and key.example() is not None else ""
    return f"{key.title}: {key.help}.{examples}"


def each_command() -> Iterator[tuple[str, click.Command]]:
    """All commands that a person may type, those of a group behind its name."""
    for name, command in cli.commands.items():
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def usage_of(name: str, command: click.Command) -> str:
    """The line that says how a command is called."""
    pieces = command.collect_usage_pieces(click.Context(command))
    return " ".join((PROGRAM, name, *pieces))


def options_of(command: click.Command) -> Iterator[tuple[str, str]]:
    """The options of a command: how each is written, and what it does."""
    context = click.Context(command)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            metavar = "" if parameter.is_flag else f" {parameter.make_metavar(context)}"
            yield f"{parameter.opts[-1]}{metavar}", (parameter.help or "").strip()


def commands() -> Iterator[str]:
    """Each command as a chapter: usage, what it does, its options."""
    for name, command in each_command():
        rows = ((f"`{option}`", meaning) for option, meaning in options_of(command))
        yield (
            f"## {name}\n\n{command.help}\n\n```text\n{usage_of(name, command)}\n```\n\n"
            + table(("option", "what it does"), rows)
        )


def licences() -> str:
    """What the program needs to run, each with version and licence, from the metadata of what is installed."""
    return table(
        ("package", "version", "licence"), ((one, *_licence(one)) for one in sorted(_needed(), key=str.lower))
    )


def _needed() -> set[str]:
    """The distributions that the program needs on this system, directly or not."""
    found: set[str] = set()
    waiting = [Requirement(PROGRAM)]
    while waiting:
        package = waiting.pop()
        for text in distribution(package.name).requires or ():
            needed = Requirement(text)
            marker, extras = needed.marker, package.extras or {""}
            if marker is not None and not any(marker.evaluate({"extra": one}) for one in extras):
                continue
            try:
                known = distribution(needed.name).metadata["Name"]
            except PackageNotFoundError:
                continue
            if known not in found:
                found.add(known)
                waiting.append(needed)
    return found


def _licence(name: str) -> tuple[str, str]:

    data = metadata(name).json
    classified = [text for text in data.get("classifier", ()) if text.startswith("License ::")]
    plain = str(data.get("license", "")).strip().splitlines()
    licence = data.get("license_expression") or ", ".join(text.rpartition(" :: ")[2] for text in classified)
    return version(name), str(licence or (plain[0] if plain else "see the package"))


PARTS: dict[str, Callable[[], str]] = {
    "checks": checks_table,
    "steps": steps_table,
    "exit codes": exit_codes_table,
    "verify": verify_table,
    "known errors": known_errors,
    "files": lambda: "\n\n".join(files_table()),
    "profile keys": lambda: "\n\n".join(profile_keys()),
    "commands": lambda: "\n\n".join(commands()),
    "licences": licences,
}


if __name__ == "__main__":
    renew(sys.argv[1:], PARTS)
