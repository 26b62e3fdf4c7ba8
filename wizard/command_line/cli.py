"""The commands: what each takes, and which exit code it ends with.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from wizard import __version__
from wizard.command_line.group import (
    HELP,
    Ended,
    Launchers,
    can_ask,
    cli,
    command,
    flag,
    interruptible,
    load,
    offering,
    open_wizard,
    opened,
    paper,
    timeout,
    value,
)
from wizard.command_line.streams import lost, write_whole
from wizard.command_line.text import Paper, RunPrinter, ServersPrinter, count, json_line, run_ending
from wizard.system.errors import AS_BEFORE, Cancelled, UsageError, WizardError, os_errors_as_failures
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node

__all__ = ("cli", "main")

PATH: click.Path = click.Path(path_type=Path)


@command("resume", "profile", acts=True)
@click.pass_obj
def resume(screen: Launchers | None, name: str) -> int:
    """Open the wizard at the first step that is not finished."""
    return open_wizard(screen, name)


@command("replay", "profile dry-run node only skip offline ignore quiet json commands", acts=True)
@flag("--rolling", "Change a running pair node by node; it stays up.")
def replay(name: str, as_json: bool, allow_commands: bool, quiet: bool, **given: Any) -> Ended:
    """Check, create the databases, and write both nodes or neither, without a screen."""
    from wizard.command_line.run import replay as headless

    keeping, out, options = None, paper(as_json), headless.Options(**given)
    loaded, resolver = opened(name, allow_commands)
    with interruptible() as cancel, closing(RunPrinter(out, quiet=quiet)) as printer:
        if options.rolling:
            from wizard.command_line.run.rolling import keeping as keep

            keeping = partial(keep, loaded, resolver, ServersPrinter(out).progress, cancel)
        result, prepared = headless.replay(
            loaded,
            options,
            resolver,
            tell=printer.add,
            say=out.line,
            progress=printer.file,
            database_progress=printer.database,
            agreed=printer.before_writing,
            keeping=keeping,
            cancel=cancel,
        )
    printer.end(result, prepared, quote(name), loaded.path)
    if as_json:
        result.files = prepared.files(result.files)
    return Ended(result.exit_code, result.to_json())


@command("check", "profile node only skip offline ignore quiet json commands")
def check(name: str, as_json: bool, allow_commands: bool, quiet: bool, **given: Any) -> Ended:
    """Run only the checks and list problems with their fixes."""
    from wizard.command_line.run import replay as headless

    loaded, resolver = opened(name, allow_commands)
    with interruptible() as cancel, closing(RunPrinter(paper(as_json), quiet=quiet, each=True)) as printer:
        result = headless.check(loaded, headless.Options(**given), resolver, tell=printer.add, cancel=cancel)
    printer.summary(result)
    return Ended(result.exit_code, result.to_json())


@command("rollback", "json", acts=True)
@click.argument("name", required=False, metavar="[PROFILE|RUN]", shell_complete=offering("profiles", "runs"))
@flag("--force", "Restore also files that were edited since; those edits are lost.")
def rollback(name: str | None, force: bool, as_json: bool) -> Ended:
    """Undo the newest run of a profile, or the run of that name."""
    from wizard.command_line.run import rollback as undo

    out = paper(as_json)
    with interruptible() as cancel:
        result = undo.rollback(name, force=force, say=out.line, cancel=cancel)
    for file in result.files:
        out.line(f"  {file['node']}  {file['path']}  {file['status']}")
    if result.error:
        Paper(sys.stderr).text(result.error, "error")
    out.line("Nothing to undo." if result.outcome == "unchanged" else run_ending(result))
    if result.outcome == "restored":
        out.line("Databases, accounts and tables stay as they are.")
    return Ended(result.exit_code, result.to_json())


@command("history", "json")
@click.argument("name", required=False, metavar="[PROFILE]", shell_complete=offering("profiles"))
@click.option("--prune", type=click.IntRange(0), metavar="N", help="Keep the backups of the N newest runs.")
def history(name: str | None, prune: int | None, as_json: bool) -> Ended:
    """List the runs, the newest first."""
    from wizard.command_line.run import rollback as undo
    from wizard.command_line.text import history_lines
    from wizard.transaction import runs

    out = paper(as_json)
    if prune is not None:
        with os_errors_as_failures():
            out.line(f"Removed the backups of {count(runs.prune(prune), 'run')}.")
    found = undo.history(name)
    interrupted = [run["run"] for run in found if run["state"] == runs.INTERRUPTED]
    if not as_json:
        out.lines(history_lines(found))
        for run in interrupted:
            out.line(f"! {run} was interrupted; apimha-wizard rollback {run} restores the homes", "warning")
    return Ended(5 if interrupted else 0, {"version": 1, "runs": found}, final=prune is not None)


@command("checks", "json")
def checks(as_json: bool) -> Ended:
    """List all check ids, with why they matter and their fixes."""
    from wizard.steps.procedure import CHECKS

    keys = ("id", "step", "severity", "offline", "why", "fix")
    rows = [{key: getattr(one, key) for key in keys} | {"fix": str(one.fix)} for one in CHECKS]
    for one in rows if not as_json else ():
        live = "" if one["offline"] else ", live"
        Paper().text(f"{one['id']}  ({one['severity']}{live})\n    why: {one['why']}\n    fix: {one['fix']}")
    return Ended(0, {"version": 1, "checks": rows})


@command("sql", "profile commands")
@flag("--with-password", "Print the account's own password instead of a random throw-away one.")
def sql(name: str, with_password: bool, allow_commands: bool) -> int:
    """Print what a DBA has to run: databases, account, grants, tables."""
    from wizard.command_line.run.replay import packs_here
    from wizard.command_line.run.sql import sql_for_dba
    from wizard.profile.passwords import UNRESOLVED, Passwords

    loaded, resolver = opened(name, allow_commands)
    mysql = loaded.profile.mysql
    password = resolver.resolve(mysql.password, "mysql.password") if with_password else UNRESOLVED
    packs = packs_here(loaded.profile, None, resolve=True)
    sql = sql_for_dba(loaded.profile, Passwords(password), packs, with_password=with_password)
    Paper().text(sql, exact=True)
    return 0


@command("verify", "profile log log-limit json commands")
@flag("--offline", "Read only the logs, not the Spark UIs.")
@flag("--watch", "Follow the logs and show what happens, until Ctrl-C.")
@flag("--until-healthy", "With --watch: end when the pair is healthy.")
@flag("--drill", "Lead through the failover drill.")
@click.option("--report", type=PATH, metavar="FILE.md", help="Write a report for colleagues.")
@click.pass_obj
def verify(
    screen: Launchers | None, /, name: str, log_limit: int, allow_commands: bool, **options: Any
) -> Ended:
    """After the start: check that the pair is up and would survive the loss of a node."""
    from wizard.command_line.verify import run_verify

    loaded, resolver = opened(name, allow_commands)
    dashboard = partial(screen.dashboard, loaded=loaded, resolver=resolver) if screen is not None else None
    log_limit *= 1024 * 1024
    asked = {"resolver": resolver, "log_limit": log_limit, "dashboard": dashboard, **options}
    return Ended(*run_verify(loaded.profile, name, **asked))


@command("start", "profile node log json commands", acts=True)
@flag("--no-wait", "Return once the launchers run.")
@timeout(600, "it")
def start(no_wait: bool, **given: Any) -> Ended:
    """Start both nodes, or one, and wait until verify finds them healthy."""
    return _servers("start", wait=not no_wait, **given)


@command("stop", "profile node json", acts=True)
@timeout(120, "each node")
@flag("--kill", "After that time: SIGKILL.")
def stop(**given: Any) -> Ended:
    """Stop both nodes, the passive one first, or one."""

    def agreed(nodes: Sequence[Node]) -> bool:
        question = f"\nStop {' and '.join(node.name for node in nodes)}? The pair is down then"
        return not can_ask() or click.confirm(question, err=True)

    return _servers("stop", agreed=agreed, **given)


@command("restart", "profile node json commands", acts=True)
@timeout(600, "it")
def restart(**given: Any) -> Ended:
    """Restart one node after the other, while the pair stays healthy, or one node."""
    return _servers("restart", **given)


def _servers(
    verb: Literal["start", "stop", "restart"],
    name: str,
    as_json: bool,
    only_node: str | None,
    logs: Sequence[str] = (),
    allow_commands: bool = False,
    **options: Any,
) -> Ended:
    """Run `start`, `stop` or `restart`, and print its progress and result."""
    from wizard.command_line.run.servers import Setting, run
    from wizard.command_line.verify import masker_of, open_logs

    loaded, resolver = opened(name, allow_commands)
    mask = masker_of(loaded.profile, resolver).mask
    setting = Setting(loaded, resolver, only_node, open_logs(loaded.profile, logs), mask)
    printer = ServersPrinter(paper(as_json))
    with interruptible() as cancel:
        result = run(verb, setting, **options, progress=printer.progress, cancel=cancel)
    printer.end(result)
    return Ended(result.exit_code, result.to_json())


@command("service", "profile")
@value("--node", "NAME", "nodes", "The node of the unit.", "only_node", required=True)
def service(name: str, only_node: str) -> int:
    """Print a systemd unit for a node; start, stop and restart use it where it is installed."""
    from wizard.command_line.run.servers import service as unit_of

    Paper().text(unit_of(load(name), only_node), exact=True)
    return 0


@command("ansible", "profile", acts=True)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@flag("--force", "Overwrite files that exist.")
def ansible(name: str, folder: Path, force: bool) -> int:
    """Write an Ansible inventory, variables and a playbook for a pair on two machines."""
    from wizard.command_line.run import ansible as files

    loaded = load(name)
    written = files.write(loaded, folder, force=force)
    out = Paper()
    out.lines(f"written: {path}" for path in written)
    for key in files.unusable(loaded):
        out.line(f"! {key}: a password that is asked for cannot be used by Ansible; use env", "warning")
    out.line(f"Next: ansible-playbook -i {quote(str(folder / 'inventory'))} {quote(str(written[-1]))}")
    return 0


@command("clean", "profile dry-run", acts=True)
def clean(name: str, dry_run: bool) -> int:
    """Remove all but the two newest state files (cep_persistence) of each plan."""
    from wizard.command_line.verify import run_clean

    return run_clean(load(name).profile, name, dry_run=dry_run)


@command("demo", acts=True)
@click.option("--folder", type=PATH, help="Where to create it (default: ./apimha-demo).")
def demo(folder: Path | None) -> int:
    """Create a sandbox pair to try the program on."""
    from wizard.demo.story import show

    show(folder or Path("apimha-demo"), Paper().text)
    return 0


@cli.group("profile", context_settings=HELP)
@click.version_option(__version__, prog_name="apimha-wizard")
def profile() -> None:
    """Create, list, show and validate profiles."""


@command("new", group=profile)
@click.argument("name", required=False, metavar="[NAME|FILE]")
def new(name: str | None) -> Ended:
    """Write a commented template to fill in; without a name, to standard output."""
    from wizard.profile import trust
    from wizard.profile.files import locate, save
    from wizard.profile.template import new_template

    if name is None:
        Paper().text(new_template())
        return Ended(0)
    _, path = locate(name)
    if os.path.lexists(path):
        fix = "choose another name, or edit that file"
        raise UsageError("the file already exists", place=str(path), fix=fix)
    save(new_template(), path)
    trust.note_written(path, new_template())
    Paper().text(f"written: {path}\nFill in the lines marked required, then: apimha-wizard check {name}")
    return Ended(0, final=True)


@command("list", "json", group=profile)
def listing(as_json: bool) -> Ended:
    """List the saved profiles and the drafts of the wizard."""
    from wizard.profile.store import listing

    found = listing()
    if not found and not as_json:
        Paper().line("no profiles yet: apimha-wizard profile new NAME, or apimha-wizard")
    for one in found if not as_json else ():
        what = " and ".join(one.hosts) if one.hosts else (one.error or "").partition("\n")[0]
        Paper().line(f"{one.name:<20} {one.state:<8} {what}")
    keys = ("name", "path", "state", "cluster", "hosts", "error")
    rows = [{key: getattr(one, key) for key in keys} | {"path": str(one.path)} for one in found]
    return Ended(0, {"version": 1, "profiles": rows})


@command("show", "profile", group=profile)
def show(name: str) -> int:
    """Print the profile with all its values, defaults included."""
    from wizard.profile import template

    Paper().text(template.show(load(name).profile))
    return 0


@command("validate", "profile", group=profile)
def validate(name: str) -> int:
    """Validate the profile; list each problem with its line."""
    Paper().line(f"{load(name).path}: valid")
    return 0


@command("allow", "json", group=profile)
@click.argument("name", required=False, metavar="[PROFILE]", type=click.Path())
@flag("--list", "List the agreements.", "listed")
@flag("--revoke", "Remove the agreement.")
def allow(name: str | None, listed: bool, revoke: bool, as_json: bool) -> Ended:
    """Agree to what a profile outside your profile folder names: programs, and passwords stored elsewhere."""
    from wizard.profile import trust
    from wizard.profile.files import locate, read
    from wizard.system.bounded import is_file

    out = paper(as_json)
    if name is None and listed and not revoke:
        found = trust.agreements()
        for one in found if not as_json else ():
            out.line(f"{one.since}  {one.how:<8} {one.sha256[:12]}  {one.path}")
        return Ended(0, {"version": 1, "agreements": [one._asdict() for one in found]})
    if name is None or listed:
        raise UsageError("give a profile, or --list", fix="apimha-wizard profile allow --list")
    text: str | None
    with os_errors_as_failures():
        if revoke:  # the file may be gone
            _, path = locate(name)
            text = read(path) if is_file(path) else None
            done = "revoked" if trust.revoke(path, text) else "nothing was recorded"
        else:
            loaded = load(name)
            path, text = loaded.path, loaded.text
            done = "agreed already" if loaded.is_agreed else _agree(loaded)
    own = " (every profile in your own profile folder is agreed to)" if trust.is_own(path) else ""
    out.line(f"{path}: {done}{own}")
    agreed = text is not None and trust.is_agreed(path, text)
    sha256 = trust.digest(text) if text is not None else None
    data = {"version": 1, "path": str(path), "sha256": sha256, "agreed": agreed}
    return Ended(0, data, final=True)


def _agree(loaded: LoadedProfile) -> str:
    """Ask whether the user agrees to a profile, and record it; return what was done.  Raises `Cancelled`."""
    from wizard.profile import passwords, trust

    if not can_ask():
        fix = "run it on a terminal, or add --allow-commands to the command, for one run"
        raise UsageError("agreeing to a profile needs a terminal", place=str(loaded.path), fix=fix)
    out = Paper(sys.stderr)
    out.line(f"{loaded.path} would run or read, with your rights:")
    out.lines(f"  {line}" for line in passwords.named(loaded.profile))
    if not click.confirm("Agree to this content?", default=False, err=True):
        raise Cancelled("nothing was recorded", place=str(loaded.path))
    trust.allow(loaded.path, loaded.text)
    return "agreed; every change of the content needs a new agreement"


@command("from-homes", group=profile, acts=True)
@click.argument("homes", nargs=2, type=PATH, metavar="HOME1 HOME2")
@click.option("--name", default="from-homes", metavar="NAME|FILE", help="The profile to write (from-homes).")
def read_homes(homes: tuple[Path, Path], name: str) -> int:
    """Read a pair that was configured by hand into a profile; passwords go to 0600 files beside it."""
    from wizard.command_line.run import from_homes
    from wizard.profile.files import locate

    _, path = locate(name)
    first, second = (Path(os.path.expanduser(home)).absolute() for home in homes)
    found = from_homes.read((first, second))
    from_homes.write(found, path)
    out = Paper()
    for field, notes in found.notes.items():
        for note in notes:
            out.line(f"! {field}: {note}" if field else f"! {note}", "warning")
    out.line(f"written: {path}")
    if found.missing:
        out.line(f"Not in the homes, to be filled in: {', '.join(found.missing)}")
    else:
        out.line(f"To see what differs from the profile: apimha-wizard replay {name} --dry-run")
    return 0


@command("schema", group=profile)
def schema() -> Ended:
    """Print the JSON Schema of the profile."""
    from wizard.profile import template

    return Ended(0, template.schema())


SHAPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("start", "stop", "restart"), ("outcome", "nodes", "findings", "error")),
    "verify": ("outcome", "findings", "error"),
}
"""The keys of the JSON of the commands that have other ones than `replay`."""
REPLAY = ("version", "outcome", "run", "files", "checks", "databases", "error")


def _failed(error: str, code: int, outcome: str, text: str | None = None) -> Ended:
    """End a command that did not get to a result: print its error, and with `--json` return the object for it."""
    Paper(sys.stderr).text(text if text is not None else f"error: {error}")
    if "--json" not in sys.argv[1:]:
        return Ended(code, final=True)
    command = next((word for word in sys.argv[1:] if word in cli.commands), "")
    values = {"version": 1, "outcome": outcome, "run": None, "error": error}
    return Ended(code, {key: values.get(key, []) for key in SHAPES.get(command, REPLAY)}, final=True)


def main(arguments: list[str] | None = None, *, screen: Launchers | None = None) -> NoReturn:
    """Run a command and end the process with its exit code; without `screen` the wizard has no terminal.

    The one object of `--json` is printed here and nowhere else, however the command ended.
    """
    if arguments is not None:
        sys.argv[1:] = arguments
    ended = _run(screen)
    code = ended.code
    try:
        if ended.data is not None:
            write_whole(sys.stdout, json_line(ended.data))
        problem = lost(sys.stdout)
    except KeyboardInterrupt:  # the pipe has no reader
        sys.exit(code if ended.final else 130)
    if problem is not None:
        why = f"standard output cannot be written: {problem.strerror}"
        Paper(sys.stderr).line(f"error: the output is lost: {why}")
        code = code if ended.final else 1
    sys.exit(code)


def _run(screen: Launchers | None) -> Ended:
    try:
        ended = cli.main(standalone_mode=False, prog_name="apimha-wizard", obj=screen)
    except click.exceptions.Exit as exit:
        return Ended(exit.exit_code)
    except (click.Abort, KeyboardInterrupt):
        # Click makes an Abort of Ctrl-C, and of the end of the input that a question waits for.
        return _failed(text := f"cancelled; {AS_BEFORE}", 130, "cancelled", text)
    except click.ClickException as problem:
        problem.show(shown := io.StringIO())
        text = problem.format_message()
        return _failed(text, 2, "refused", shown.getvalue().replace(text, escaped(text)))
    except Exception as problem:
        if "--debug" in sys.argv[1:]:
            import traceback

            Paper(sys.stderr).text(traceback.format_exc())
        if isinstance(problem, WizardError):
            return _failed(str(problem), problem.exit_code, problem.outcome)
        text = f"internal error: {type(problem).__name__}"
        fix = "run it again with --debug and report what it prints"
        return _failed(text, 1, "failed", f"{text}\n  fix: {fix}")
    return ended if isinstance(ended, Ended) else Ended(ended or 0)
