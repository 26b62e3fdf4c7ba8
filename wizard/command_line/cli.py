"""The command line: what each command takes, and which exit code it ends with.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

import click

from wizard import __version__
from wizard.command_line.completion import offering, profiles_to_open
from wizard.command_line.streams import lost, write_whole
from wizard.command_line.text import Paper, json_line
from wizard.system.errors import Cancelled, UsageError, WizardError, os_errors_as_failures
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from wizard.command_line.run.replay import Options, Result
    from wizard.command_line.run.servers import ServersResult
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node
    from wizard.system.cancel import Cancel


class Launchers(NamedTuple):
    """What shows something on the screen, handed over by the entry point: nothing here knows the screen itself."""

    open_wizard: Callable[[str | None], int]
    dashboard: Callable[..., int]


class Commands(click.Group):
    """The group: a word that is no command is a profile's name for the wizard."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            asked = ctx.resilient_parsing  # by the Tab key: nothing is told then
            if not asked and ((len(args) > 1 and not args[1].startswith("-")) or not _is_profile(args[0])):
                raise _no_such_name(args[0])
            return "wizard", self.commands["wizard"], args
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, and behind them the profiles, which open the wizard."""
        return [*super().shell_complete(ctx, incomplete), *profiles_to_open(incomplete)]


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="apimha-wizard")
@click.pass_context
def cli(ctx: click.Context) -> int | None:
    """Turn two unpacked WSO2 API Manager Analytics packs into a minimum high-availability pair.

    Without a command: the wizard on the screen. With the name or the file of a profile: the wizard on that profile.
    """
    return _open_wizard(ctx.obj, None) if ctx.invoked_subcommand is None else None


class Ended(NamedTuple):
    """How a command ended: its exit code, and with `--json` its object."""

    code: int
    data: Any = None
    final: bool = False
    """Whether the code stays where the output is lost: it says what was done.  Else the output is the result."""


Acts = Callable[[Mapping[str, Any]], bool]
"""Whether a command with these parameters changes something."""


def _reads(_: Mapping[str, Any]) -> bool:
    return False


def _always(_: Mapping[str, Any]) -> bool:
    return True


def _unless_dry(given: Mapping[str, Any]) -> bool:
    return not given["dry_run"]


def command(
    name: str, *, acts: Acts = _reads, group: click.Group = cli, **settings: Any
) -> Callable[[Callable[..., int | Ended]], click.Command]:
    """A command of the group, with `--version` and `--debug` like every other."""

    def wrap(function: Callable[..., int | Ended]) -> click.Command:
        @wraps(function)
        def run(*screen: Any, **given: Any) -> Ended:
            ended = function(*screen, **given)
            ended = Ended(ended) if isinstance(ended, int) else ended
            return ended._replace(final=acts(given) or ended.code == 130)

        return _common(group.command(name, **settings)(run))

    return wrap


def _common(made: click.Command) -> click.Command:
    made.params.append(
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, help="Show tracebacks; still no password."
        )
    )
    return click.version_option(__version__, prog_name="apimha-wizard")(made)


# --- options that several commands share ---------------------------------------------------------------

profile_argument = click.argument("name", metavar="PROFILE", shell_complete=offering("profiles"))
node_option = click.option(
    "--node",
    "only_node",
    metavar="NAME",
    shell_complete=offering("nodes"),
    help="Only this node, on its own machine.",
)
only_option = click.option(
    "--only",
    multiple=True,
    metavar="STEP",
    shell_complete=offering("steps"),
    help="Only this step (repeatable).",
)
skip_option = click.option(
    "--skip",
    multiple=True,
    metavar="STEP",
    shell_complete=offering("steps"),
    help="Leave this step out (repeatable).",
)
offline_option = click.option("--offline", is_flag=True, help="No network: no live checks, no databases.")
ignore_option = click.option(
    "--ignore",
    multiple=True,
    metavar="CHECK-ID",
    shell_complete=offering("checks"),
    help="Take this check's errors for warnings (repeatable).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
log_option = click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="NODE=FILE|-",
    help="The log of a node that is not here (- : standard input).",
)
commands_option = click.option(
    "--allow-commands", is_flag=True, help="Agree to what the profile names, for this run only."
)


# --- the wizard ----------------------------------------------------------------------------------------


@command("wizard", acts=_always, hidden=True)
@click.argument("name")
@click.pass_obj
def wizard(screen: Launchers | None, name: str) -> int:
    """The wizard on the screen, with PROFILE."""
    return _open_wizard(screen, name)


@command("resume", acts=_always)
@profile_argument
@click.pass_obj
def resume(screen: Launchers | None, name: str) -> int:
    """The wizard at the first step that is not finished."""
    return _open_wizard(screen, name)


def _open_wizard(screen: Launchers | None, name: str | None) -> int:
    if name is not None and not _is_profile(name):
        raise _no_such_name(name)
    if screen is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the wizard needs a terminal",
            fix=f"without one, use: apimha-wizard replay {name or 'PROFILE'}",
        )
    return screen.open_wizard(name)


def _is_profile(name: str) -> bool:
    """Whether a word is a profile, or the draft of one."""
    from wizard.profile.drafts import find
    from wizard.profile.names import locate

    try:
        _, path = locate(name)
    except UsageError:
        return False
    return path.exists() or find(path.name.removesuffix(".toml"), target=path) is not None


def _no_such_name(name: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, [c for c in cli.commands if c != "wizard"], 1)
    return UsageError(
        f"{name} is no command and no profile",
        fix=f"did you mean {near[0]}?" if near else "apimha-wizard profile list   or   apimha-wizard --help",
    )


# --- replay, check, rollback, history -------------------------------------------------------------------


@command("replay", acts=_unless_dry)
@profile_argument
@click.option("--dry-run", is_flag=True, help="Show what would change, and its diff; write nothing.")
@node_option
@only_option
@skip_option
@offline_option
@ignore_option
@click.option("--rolling", is_flag=True, help="Change a running pair node by node; it stays up.")
@json_option
@commands_option
def replay(name: str, as_json: bool, allow_commands: bool, **options: Any) -> Ended:
    """Headless: check, make the databases, write both nodes or neither."""
    from wizard.command_line.run import replay as headless
    from wizard.command_line.text import (
        checks_summary,
        database_lines,
        diff_lines,
        next_steps,
        plan_lines,
        step_lines,
    )

    keeping = printer = None
    loaded = _load(name)
    chosen = _options(options)
    errors = Paper(sys.stderr)
    out = errors if as_json else Paper()
    resolver = _resolver(loaded, allow_commands=allow_commands)
    with _interruptible() as cancel:
        if chosen.rolling:
            from wizard.command_line.run.rolling import keeping as keep
            from wizard.command_line.servers import ServersPrinter

            printer = ServersPrinter(out)
            keeping = partial(keep, loaded, resolver, printer.progress, cancel)
        result, prepared = headless.replay(
            loaded,
            chosen,
            resolver,
            tell=lambda result: out.finding(result, quiet=True),
            say=out.line,
            keeping=keeping,
            cancel=cancel,
        )
    if printer is not None:
        printer.clear()
    out.line(checks_summary(result.checks))
    if result.outcome in {"pending", "applied", "failed"}:
        out.lines(database_lines(result.databases))
    if result.outcome in {"pending", "applied"} or (chosen.rolling and chosen.dry_run):
        verb = "to change" if chosen.dry_run else "written"
        out.lines(plan_lines(prepared.plan, verb, rolling=chosen.rolling and chosen.dry_run))
    if result.outcome == "pending":
        out.diff(diff_lines(prepared.plan, prepared.masker()))
    if result.error:
        errors.text(result.error, "error")
    out.line(_ending(result))
    if result.outcome == "applied":
        from shlex import quote

        out.lines(step_lines(next_steps(prepared, result, quote(name), loaded.path)))
    if as_json:
        result.files = prepared.files(result.files)
    return _end(result, as_json)


def _ending(result: Result) -> str:
    return {
        "applied": f"Done: run {result.run}.",
        "unchanged": "Nothing to do: everything is as the profile says.",
        "pending": "Nothing was written (--dry-run).",
        "refused": "Refused." if result.exit_code == 5 else "Refused: nothing was written.",
        "failed": "Failed: some paths could not be restored."
        if result.exit_code == 5
        else "Failed: everything in the homes is as before.",
        "cancelled": "Cancelled: everything in the homes is as before.",
        "ok": "Everything is in order.",
        "restored": "Restored.",
    }[result.outcome]


@command("check")
@profile_argument
@node_option
@only_option
@skip_option
@offline_option
@ignore_option
@json_option
@commands_option
def check(name: str, as_json: bool, allow_commands: bool, **options: Any) -> Ended:
    """The checks alone: what is not as it has to be, and how to mend it."""
    from wizard.command_line.run import replay as headless
    from wizard.command_line.text import checks_summary

    loaded = _load(name)
    out = Paper(sys.stderr) if as_json else Paper()
    with _interruptible() as cancel:
        result = headless.check(
            loaded,
            _options(options),
            _resolver(loaded, allow_commands=allow_commands),
            tell=out.finding,
            cancel=cancel,
        )
    out.line(checks_summary(result.checks))
    return _end(result, as_json)


@command("rollback", acts=_always)
@click.argument("name", required=False, metavar="[PROFILE|RUN]", shell_complete=offering("profiles", "runs"))
@click.option("--force", is_flag=True, help="Restore also what was edited since; those edits are lost.")
@json_option
def rollback(name: str | None, force: bool, as_json: bool) -> Ended:
    """Undo the newest run of a profile, or the run of that name."""
    from wizard.command_line.run import rollback as undo

    out = Paper(sys.stderr) if as_json else Paper()
    with _interruptible() as cancel:
        result = undo.rollback(name, force=force, say=out.line, cancel=cancel)
    for file in result.files:
        out.line(f"  {file['node']}  {file['path']}  {file['status']}")
    if result.error:
        Paper(sys.stderr).text(result.error, "error")
    out.line("Nothing to undo." if result.outcome == "unchanged" else _ending(result))
    if result.outcome == "restored":
        out.line("Databases, accounts and tables stay as they are.")
    return _end(result, as_json)


@command("history", acts=lambda given: given["prune"] is not None)
@click.argument("name", required=False, metavar="[PROFILE]", shell_complete=offering("profiles"))
@click.option(
    "--prune", type=click.IntRange(min=0), metavar="N", help="Keep the backups of the N newest runs only."
)
@json_option
def history(name: str | None, prune: int | None, as_json: bool) -> Ended:
    """What was done when."""
    from wizard.command_line.run import rollback as undo
    from wizard.command_line.text import history_lines

    out = Paper(sys.stderr) if as_json else Paper()
    if prune is not None:
        out.line(f"The backups of {undo.prune(prune)} runs were taken away.")
    found = undo.history(name)
    cut_off = [run for run in found if run["state"] == "cut off"]
    if not as_json:
        out.lines(history_lines(found))
        for run in cut_off:
            out.line(
                f"! {run['run']} was cut off; apimha-wizard rollback {run['run']} restores the homes",
                "warning",
            )
    return Ended(5 if cut_off else 0, {"version": 1, "runs": found} if as_json else None)


# --- profiles --------------------------------------------------------------------------------------------


@cli.group("profile", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="apimha-wizard")
def profile() -> None:
    """Profiles: make, list, look at, validate."""


@command("new", group=profile, acts=lambda given: given["name"] is not None)
@click.argument("name", required=False, metavar="[NAME|FILE]")
def profile_new(name: str | None) -> int:
    """Write a commented template to fill in; without a name, to standard output."""
    from wizard.profile import trust
    from wizard.profile.names import locate
    from wizard.profile.store import save
    from wizard.profile.template import new_template

    if name is None:
        Paper().text(new_template())
        return 0
    _, path = locate(name)
    if path.exists():
        raise UsageError(
            "there is a file already", place=str(path), fix="choose another name, or edit that one"
        )
    save(new_template(), path)
    trust.note_written(path, new_template())
    Paper().lines(
        [f"written: {path}", f"Fill in the lines marked required, then: apimha-wizard check {name}"]
    )
    return 0


@command("list", group=profile)
@json_option
def profile_list(as_json: bool) -> int | Ended:
    """The saved profiles and the drafts of the wizard."""
    from wizard.profile.listing import listing

    found = listing()
    if as_json:
        rows = [
            {
                "name": one.name,
                "path": str(one.path),
                "state": one.state,
                "cluster": one.cluster,
                "hosts": list(one.hosts),
                "error": one.error,
            }
            for one in found
        ]
        return Ended(0, {"version": 1, "profiles": rows})
    out = Paper()
    if not found:
        out.line("no profiles yet: apimha-wizard profile new NAME, or apimha-wizard")
    for one in found:
        told = " and ".join(one.hosts) if one.hosts else (one.error or "").partition("\n")[0]
        out.line(f"{one.name:<20} {one.state:<8} {told}")
    return 0


@command("show", group=profile)
@profile_argument
def profile_show(name: str) -> int:
    """The profile with all its values, defaults included."""
    from wizard.profile.template import show

    Paper().text(show(_load(name).profile))
    return 0


@command("validate", group=profile)
@profile_argument
def profile_validate(name: str) -> int:
    """Whether the profile can be used; each problem with its line."""
    Paper().line(f"{_load(name).path}: valid")
    return 0


@command("allow", group=profile, acts=lambda given: not given["listed"])
@click.argument("name", required=False, metavar="[PROFILE]", type=click.Path())
@click.option("--list", "listed", is_flag=True, help="List what was agreed to.")
@click.option("--revoke", is_flag=True, help="Remove the agreement.")
@json_option
def profile_allow(name: str | None, listed: bool, revoke: bool, as_json: bool) -> Ended:
    """Agree to what a profile outside your profile folder names: programs, and passwords that are kept elsewhere."""
    from wizard.profile import trust

    out = Paper(sys.stderr) if as_json else Paper()
    if name is None and listed and not revoke:
        found = trust.agreements()
        out.lines(f"{one.since}  {one.how:<8} {one.sha256[:12]}  {one.path}" for one in found)
        data = {"version": 1, "agreements": [one._asdict() for one in found]}
        return Ended(0, data if as_json else None)
    if name is None or listed:
        raise UsageError("it takes a profile, or --list", fix="apimha-wizard profile allow --list")
    with os_errors_as_failures():
        path, text, said = _revoke(name) if revoke else _agree(name)
    out.line(f"{path}: {said}")
    agreed = text is not None and trust.is_agreed(path, text)
    sha256 = trust.digest(text) if text is not None else None
    data = {"version": 1, "path": str(path), "sha256": sha256, "agreed": agreed}
    return Ended(0, data if as_json else None)


def _agree(name: str) -> tuple[Path, str, str]:
    """Ask whether the user agrees to a profile, and record it; the path, the text, and what was done."""
    from wizard.profile import trust

    loaded = _load(name)
    if loaded.is_agreed:
        return loaded.path, loaded.text, "agreed already" + _own_note(loaded.path)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "an agreement is asked for on a terminal",
            place=str(loaded.path),
            fix="run it on a terminal, or add --allow-commands to the command, for one run",
        )
    out = Paper(sys.stderr)  # where the question is: standard output may be a file
    out.line(f"{loaded.path} would run or read, with your rights:")
    out.lines(f"  {line}" for line in trust.named(loaded.profile))
    if not click.confirm("Agree to this content?", default=False, err=True):
        raise Cancelled("nothing was recorded", place=str(loaded.path))
    trust.allow(loaded.path, loaded.text)
    return loaded.path, loaded.text, "agreed; every change of the content needs a new agreement"


def _revoke(name: str) -> tuple[Path, str | None, str]:
    """Remove what was agreed about a profile, which may be gone; the path, the text if any, and what was done."""
    from wizard.profile import trust
    from wizard.profile.files import read
    from wizard.profile.names import locate

    _, path = locate(name)
    text = read(path) if path.exists() else None
    return path, text, ("revoked" if trust.revoke(path, text) else "nothing was recorded") + _own_note(path)


def _own_note(path: Path) -> str:
    from wizard.profile.trust import is_own

    return " (every profile in your own profile folder is agreed to)" if is_own(path) else ""


@command("from-homes", group=profile, acts=_always)
@click.argument("homes", nargs=2, type=click.Path(path_type=Path), metavar="HOME1 HOME2")
@click.option(
    "--name", default="from-homes", metavar="NAME|FILE", help="The profile to write (default: from-homes)."
)
def profile_from_homes(homes: tuple[Path, Path], name: str) -> int:
    """Read a pair that was configured by hand back into a profile; passwords go to 0600 files beside it."""
    from wizard.command_line.run import from_homes
    from wizard.profile.names import locate

    _, path = locate(name)
    first, second = (home.expanduser().absolute() for home in homes)
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
        out.line(f"What is not as the profile says: apimha-wizard replay {name} --dry-run")
    return 0


@command("schema", group=profile)
def profile_schema() -> Ended:
    """The JSON Schema of the profile."""
    from wizard.profile.schema import schema

    return Ended(0, schema())


# --- the rest ---------------------------------------------------------------------------------------------


@command("checks")
@json_option
def checks(as_json: bool) -> int | Ended:
    """All check ids, with why they matter and how to mend what they find."""
    from wizard.steps.procedure import CHECKS

    if as_json:
        rows = [
            {
                "id": one.id,
                "step": one.step,
                "severity": one.severity,
                "offline": one.offline,
                "why": one.why,
                "fix": str(one.fix),
            }
            for one in CHECKS
        ]
        return Ended(0, {"version": 1, "checks": rows})
    out = Paper()
    for one in CHECKS:
        out.line(f"{one.id}  ({one.severity}{'' if one.offline else ', live'})")
        out.line(f"    why: {one.why}")
        out.line(f"    fix: {one.fix}")
    return 0


@command("sql")
@profile_argument
@click.option(
    "--with-password", is_flag=True, help="The account's own password instead of a random throw-away one."
)
@commands_option
def sql(name: str, with_password: bool, allow_commands: bool) -> int:
    """What a DBA has to run: databases, account, grants, tables."""
    from wizard.command_line.run.databases import sql_for_dba
    from wizard.command_line.run.replay import packs_here
    from wizard.profile.passwords import UNRESOLVED, Passwords

    loaded = _load(name)
    profile = loaded.profile
    password = UNRESOLVED
    if with_password:
        resolver = _resolver(loaded, allow_commands=allow_commands)
        password = resolver.resolve(profile.mysql.password, "mysql.password")
    Paper().text(
        sql_for_dba(
            profile, Passwords(password), packs_here(profile, None, resolve=True), with_password=with_password
        ),
        exact=True,
    )
    return 0


@command("verify")
@profile_argument
@click.option("--offline", is_flag=True, help="The logs alone, not the Spark UIs.")
@click.option("--watch", is_flag=True, help="Follow the logs and show what happens, until Ctrl-C.")
@click.option("--until-healthy", is_flag=True, help="With --watch: end when the pair is healthy.")
@click.option("--drill", is_flag=True, help="Lead through the failover drill.")
@log_option
@click.option(
    "--log-limit", type=click.IntRange(min=1), metavar="MB", help="Megabytes of each log to look at (256)."
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE.md", help="Write a report for colleagues."
)
@json_option
@commands_option
@click.pass_obj
def verify(
    screen: Launchers | None,
    /,
    name: str,
    log_limit: int | None,
    as_json: bool,
    allow_commands: bool,
    **options: Any,
) -> Ended:
    """After the start: is the pair really up, and would it survive?"""
    from wizard.command_line.verify import run_verify
    from wizard.verify.log import LIMIT

    loaded = _load(name)
    resolver = _resolver(loaded, allow_commands=allow_commands)
    code, data = run_verify(
        loaded.profile,
        name,
        resolver=resolver,
        as_json=as_json,
        log_limit=LIMIT if log_limit is None else log_limit * 1024 * 1024,
        dashboard=partial(screen.dashboard, loaded=loaded, resolver=resolver) if screen is not None else None,
        **options,
    )
    return Ended(code, data)


# --- the servers -----------------------------------------------------------------------------------------


def timeout_option(seconds: int, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        default=float(seconds),
        metavar="S",
        help=f"Seconds that {what} may take ({seconds}).",
    )


@command("start", acts=_always)
@profile_argument
@node_option
@click.option("--no-wait", is_flag=True, help="Return once the launchers run.")
@timeout_option(600, "it")
@log_option
@json_option
@commands_option
def start(name: str, as_json: bool, allow_commands: bool, no_wait: bool, **options: Any) -> Ended:
    """Start both nodes, or one, and wait until verify says that they are healthy."""
    return _servers("start", name, as_json, options, allow_commands=allow_commands, wait=not no_wait)


@command("stop", acts=_always)
@profile_argument
@node_option
@timeout_option(120, "each node")
@click.option("--kill", is_flag=True, help="After that time: SIGKILL.")
@json_option
def stop(name: str, as_json: bool, **options: Any) -> Ended:
    """Stop both nodes, the passive one first, or one."""

    def agreed(nodes: Sequence[Node]) -> bool:
        asks = sys.stdin.isatty() and sys.stderr.isatty()
        return not asks or click.confirm(
            f"\nStop {' and '.join(node.name for node in nodes)}? The pair is down then", err=True
        )

    return _servers("stop", name, as_json, options, agreed=agreed)


@command("restart", acts=_always)
@profile_argument
@node_option
@timeout_option(600, "it")
@json_option
@commands_option
def restart(name: str, as_json: bool, allow_commands: bool, **options: Any) -> Ended:
    """Restart one node after the other, while the pair stays healthy, or one node."""
    return _servers("restart", name, as_json, options, allow_commands=allow_commands)


def _servers(
    verb: Literal["start", "stop", "restart"],
    name: str,
    as_json: bool,
    options: dict[str, Any],
    *,
    allow_commands: bool = False,
    **more: Any,
) -> Ended:
    """Run `start`, `stop` or `restart`, and print what happens and how it ends."""
    from wizard.command_line.run import servers
    from wizard.command_line.servers import ServersPrinter
    from wizard.command_line.verify import mask_of, open_logs

    loaded = _load(name)
    logs = open_logs(loaded.profile, options.pop("logs", ()))
    resolver = _resolver(loaded, allow_commands=allow_commands)
    mask = mask_of(loaded.profile, resolver)
    setting = servers.Setting(loaded, resolver, options.pop("only_node"), logs, mask)
    printer = ServersPrinter(Paper(sys.stderr if as_json else None))
    with _interruptible() as cancel:
        result = servers.run(verb, setting, **options, **more, progress=printer.progress, cancel=cancel)
    printer.end(result)
    return _end(result, as_json)


@command("service")
@profile_argument
@click.option(
    "--node",
    "only_node",
    metavar="NAME",
    required=True,
    shell_complete=offering("nodes"),
    help="The node of the unit.",
)
def service(name: str, only_node: str) -> int:
    """Print a systemd unit for a node; start, stop and restart use it where it is installed."""
    from wizard.command_line.run.servers import service as unit_of

    Paper().text(unit_of(_load(name), only_node), exact=True)
    return 0


@command("ansible", acts=_always)
@profile_argument
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
def ansible(name: str, folder: Path, force: bool) -> int:
    """Write an Ansible inventory, variables and a playbook for a pair on two machines."""
    from wizard.command_line.run import ansible as files

    loaded = _load(name)
    written = files.write(loaded, folder, force=force)
    out = Paper()
    out.lines(f"written: {path}" for path in written)
    for key in files.unusable(loaded):
        out.line(f"! {key}: a password that is asked for cannot be used by Ansible; use env", "warning")
    out.line(f"Next: ansible-playbook -i {folder}/inventory {written[-1]}")
    return 0


@command("clean", acts=_unless_dry)
@profile_argument
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
def clean(name: str, dry_run: bool) -> int:
    """Remove old state files (cep_persistence) but the two newest of each plan."""
    from wizard.command_line.verify import run_clean

    return run_clean(_load(name).profile, name, dry_run=dry_run)


@command("demo", acts=_always)
@click.option("--folder", type=click.Path(path_type=Path), help="Where to make it (default: ./apimha-demo).")
def demo(folder: Path | None) -> int:
    """Make a sandbox pair to try it on."""
    from wizard.demo.story import show

    show(folder or Path("apimha-demo"), Paper().text)
    return 0


# --- how a command runs and ends -------------------------------------------------------------------------


def _load(name: str) -> LoadedProfile:
    from wizard.profile.store import load

    return load(name)


def _options(values: dict[str, Any]) -> Options:
    from wizard.command_line.run.replay import Options

    return Options(**values)


def _resolver(loaded: LoadedProfile, *, allow_commands: bool) -> Resolver:
    from wizard.profile.passwords import resolver_of

    return resolver_of(
        loaded,
        allow_commands=allow_commands,
        interactive=sys.stdin.isatty() and sys.stderr.isatty(),
        ask=lambda text: str(click.prompt(text, hide_input=True, default="", show_default=False, err=True)),
        confirm=lambda text: bool(click.confirm(text, default=False, err=True)),
    )


@contextmanager
def _interruptible() -> Iterator[Cancel]:
    """Ctrl-C, SIGTERM and SIGHUP end a command at once; while something is written, at the next safe point."""
    import signal

    from wizard.system.cancel import Cancel

    cancel = Cancel()
    # A closed terminal (SIGHUP) is a wish to stop too, unless somebody had it ignored (nohup).
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = [signal.signal(number, lambda *_: cancel.interrupt()) for number in numbers]
    try:
        yield cancel
    finally:
        # What is settled stays settled while the result is told: no signal may end it as "cancelled" now.
        if not cancel.sealed:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _end(result: Result | ServersResult, as_json: bool) -> Ended:
    return Ended(result.exit_code, result.to_json() if as_json else None)


def _failed(error: str, code: int, outcome: str, said: str | None = None) -> Ended:
    """The ending of a run that never began: its message, and with `--json` the object that says so."""
    Paper(sys.stderr).text(said if said is not None else f"error: {error}")
    if "--json" not in sys.argv[1:]:
        return Ended(code, final=True)
    command = next((word for word in sys.argv[1:] if word in cli.commands), "")
    shape: dict[str, Any] = {"version": 1, "outcome": outcome, "run": None}
    shape |= {"files": [], "checks": [], "databases": []}
    if command in ("start", "stop", "restart"):
        shape = {"outcome": outcome, "nodes": [], "findings": []}
    return Ended(code, {**shape, "error": error}, final=True)


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
    except KeyboardInterrupt:  # nobody reads the pipe
        sys.exit(code if ended.final else 130)
    if problem is not None:
        Paper(sys.stderr).line(
            f"error: the output is lost: standard output cannot be written: {problem.strerror}"
        )
        code = code if ended.final else 1
    sys.exit(code)


def _run(screen: Launchers | None) -> Ended:
    try:
        ended = cli.main(standalone_mode=False, prog_name="apimha-wizard", obj=screen)
    except click.exceptions.Exit as exit:
        return Ended(exit.exit_code)
    except (click.Abort, KeyboardInterrupt):
        # Click makes an Abort of Ctrl-C, and of the end of the input that a question waits for.
        text = "cancelled; everything in the homes is as before"
        return _failed(text, 130, "cancelled", said=text)
    except click.ClickException as problem:
        problem.show(said := io.StringIO())
        text = problem.format_message()
        return _failed(text, 2, "refused", said=said.getvalue().replace(text, escaped(text)))
    except Exception as problem:
        if "--debug" in sys.argv[1:]:
            import traceback

            Paper(sys.stderr).text(traceback.format_exc())
        if isinstance(problem, WizardError):
            return _failed(str(problem), problem.exit_code, problem.outcome)
        text = f"internal error: {type(problem).__name__}"
        return _failed(
            text, 1, "failed", said=f"{text}\n  fix: run it again with --debug and report what it prints"
        )
    return ended if isinstance(ended, Ended) else Ended(ended or 0)
