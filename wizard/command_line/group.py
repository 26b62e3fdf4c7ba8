"""What the commands share: completion, the group, the options, and how a command ends.

Nothing heavy is imported here: each function imports what it needs when it runs.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from wizard import __version__
from wizard.command_line.text import Paper
from wizard.system.errors import UsageError, os_errors_as_failures

if TYPE_CHECKING:
    from click import Context, Parameter
    from click.shell_completion import CompletionItem

    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.system.errors import Cancel

Offer = Literal["profiles", "runs", "nodes", "steps", "checks"]


def offering(*kinds: Offer) -> Callable[[Context, Parameter, str], list[CompletionItem]]:
    """Return the `shell_complete` of a parameter that takes these kinds; the shell completes paths."""

    def complete(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        value = context.params.get(parameter.name or "")
        given = value if isinstance(value, tuple) else ()  # of a repeatable option
        found = [word for kind in kinds for word in words(kind, context) if word.startswith(incomplete)]
        if not found and "profiles" in kinds:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in found if word not in given]

    return complete


def words(kind: Offer, context: Context) -> list[str]:
    """Return all words of a kind; the nodes are those of the profile in the command line.

    No completion is better than a traceback on the command line.
    """
    with suppress(Exception):
        match kind:
            case "profiles":
                from wizard.profile.files import toml_files
                from wizard.system import locations

                folders = (locations.profiles(), locations.drafts())
                return sorted({path.stem for folder in folders for path in toml_files(folder)})
            case "runs":
                from wizard.transaction import runs

                return [run.run for run in runs.history()]
            case "nodes":
                from wizard.profile.store import load

                # After an option without its value click leaves the arguments in `args`.
                name = context.params.get("name") or context.args[0]
                return [node.name for node in load(name).profile.nodes]
            case "steps":
                from wizard.steps.procedure import STEP_IDS

                return list(STEP_IDS)
            case "checks":
                from wizard.preflight.checks import UNIGNORABLE
                from wizard.steps.procedure import CHECKS

                return [one.id for one in CHECKS if one.id not in UNIGNORABLE]
    return []


class Launchers(NamedTuple):
    """What opens the screens; the entry point passes it, so that nothing here imports them."""

    open_wizard: Callable[[str | None], int]
    dashboard: Callable[..., int]


class Commands(click.Group):
    """The group of all commands: any other word is the name of a profile to open in the wizard."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            only_name = len(args) == 1 or args[1].startswith("-")
            # While the Tab key completes, an error would appear in the prompt.
            if not ctx.resilient_parsing and not (only_name and is_profile(args[0])):
                raise _unknown(args[0])
            return "resume", self.commands["resume"], args
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands, then the profiles that open in the wizard."""
        from click.shell_completion import CompletionItem

        profiles = [name for name in words("profiles", ctx) if name.startswith(incomplete)]
        return [*super().shell_complete(ctx, incomplete), *map(CompletionItem, profiles)]


HELP = {"help_option_names": ["-h", "--help"]}


@click.group(cls=Commands, invoke_without_command=True, context_settings={**HELP, "max_content_width": 100})
@click.version_option(__version__, prog_name="apimha-wizard")
@click.pass_context
def cli(ctx: click.Context) -> int | None:
    """Turn two unpacked WSO2 API Manager Analytics packs into a minimum high-availability pair.

    Without a command: open the wizard. With the name or the file of a profile: open the wizard with that profile.
    """
    return open_wizard(ctx.obj, None) if ctx.invoked_subcommand is None else None


class Ended(NamedTuple):
    """How a command ended: its exit code, and the object that `--json` prints."""

    code: int
    data: Any = None
    final: bool = False
    """Whether the code stays where the output is lost: it reports an action.  Else the output is the result."""


def command(
    name: str,
    takes: str = "",
    *,
    acts: bool = False,
    group: click.Group = cli,
    **settings: Any,
) -> Callable[[Callable[..., int | Ended]], click.Command]:
    """Make a command of the group, with these options (names in `OPTIONS`), `--version` and `--debug`.

    `acts` says whether the command, without `--dry-run`, changes anything.
    """

    def wrap(function: Callable[..., int | Ended]) -> click.Command:
        @wraps(function)
        def run(*screen: Any, **given: Any) -> Ended:
            ended = function(*screen, **given)
            ended = Ended(ended) if isinstance(ended, int) else ended
            if not given.get("as_json", True):
                ended = ended._replace(data=None)
            acted = (acts and not given.get("dry_run")) or ended.code == 130
            return ended._replace(final=ended.final or acted)

        for option in reversed(takes.split()):
            run = OPTIONS[option](run)
        made: click.Command = group.command(name, **settings)(run)
        flag("--debug", "Show tracebacks (passwords stay masked).", expose_value=False)(made)
        return click.version_option(__version__, prog_name="apimha-wizard")(made)

    return wrap


def flag(name: str, text: str, *names: str, **settings: Any) -> Callable[[Any], Any]:
    return click.option(name, *names, is_flag=True, help=text, **settings)


def value(name: str, metavar: str, offer: Offer, text: str, *names: str, **more: Any) -> Callable[[Any], Any]:
    """An option with a value that the Tab key completes."""
    return click.option(name, *names, metavar=metavar, shell_complete=offering(offer), help=text, **more)


def timeout(seconds: int, what: str) -> Callable[[Any], Any]:
    def limited(context: click.Context, parameter: click.Parameter, given: float) -> float:
        if not 0 <= given < math.inf:  # nan is neither
            text = f"{given:g} is not a number of seconds, such as {seconds}"
            raise click.BadParameter(text, context, parameter)
        return given

    text = f"Seconds that {what} may take ({seconds})."
    return click.option("--timeout", type=float, callback=limited, default=seconds, metavar="S", help=text)


IGNORED = "Treat this check's errors as warnings (repeatable)."
LIMIT = "Megabytes of each log to read (256)."
ELSEWHERE = "The log of a node on another machine (-: standard input)."
OPTIONS: dict[str, Callable[[Any], Any]] = {
    "profile": click.argument("name", metavar="PROFILE", shell_complete=offering("profiles")),
    "node": value("--node", "NAME", "nodes", "Only this node, on its own machine.", "only_node"),
    "only": value("--only", "STEP", "steps", "Run only this step (repeatable).", multiple=True),
    "skip": value("--skip", "STEP", "steps", "Skip this step (repeatable).", multiple=True),
    "offline": flag("--offline", "Use no network: no live checks, no databases."),
    "ignore": value("--ignore", "CHECK-ID", "checks", IGNORED, multiple=True),
    "quiet": flag("--quiet", "Print only problems and the result."),
    "json": flag("--json", "Print one JSON object to standard output.", "as_json"),
    "log": click.option("--log", "logs", multiple=True, metavar="NODE=FILE|-", help=ELSEWHERE),
    "log-limit": click.option("--log-limit", type=click.IntRange(1), default=256, metavar="MB", help=LIMIT),
    "commands": flag("--allow-commands", "Agree to what the profile names, for this run only."),
    "dry-run": flag("--dry-run", "Show what would change; write and remove nothing."),
}


def open_wizard(screen: Launchers | None, name: str | None) -> int:
    if name is not None and not is_profile(name):
        raise _unknown(name)
    if screen is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        fix = f"without one, use: apimha-wizard replay {name or 'PROFILE'}"
        raise UsageError("the wizard needs a terminal", fix=fix)
    return screen.open_wizard(name)


def is_profile(name: str) -> bool:
    """Whether a word names a profile or the draft of one."""
    from wizard.profile.drafts import find
    from wizard.profile.files import locate
    from wizard.system.bounded import is_anything

    try:
        called, path = locate(name)
    except UsageError:
        return False
    with os_errors_as_failures():
        return is_anything(path) or find(called, target=path) is not None


def _unknown(name: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, cli.commands, 1)
    fix = f"did you mean {near[0]}?" if near else "apimha-wizard profile list   or   apimha-wizard --help"
    return UsageError(f"{name} is neither a command nor a profile", fix=fix)


def paper(as_json: bool) -> Paper:
    """Where text goes: standard output, or with `--json` standard error."""
    return Paper(sys.stderr if as_json else None)


def load(name: str) -> LoadedProfile:
    from wizard.profile import store

    return store.load(name)


def opened(name: str, allow_commands: bool) -> tuple[LoadedProfile, Resolver]:
    """Load a profile; return also what resolves its passwords, which asks on a terminal."""
    from wizard.profile.passwords import resolver_of

    loaded = load(name)
    return loaded, resolver_of(
        loaded,
        allow_commands=allow_commands,
        interactive=can_ask(),
        ask=lambda text: str(click.prompt(text, hide_input=True, default="", show_default=False, err=True)),
        confirm=lambda text: bool(click.confirm(text, default=False, err=True)),
    )


def can_ask() -> bool:
    """Whether a question can be asked: on standard error, since standard output may be a file."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def interruptible() -> Iterator[Cancel]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a command at once; while it writes, at the next safe point."""
    import signal

    from wizard.system.errors import Cancel

    cancel = Cancel()
    # A closed terminal (SIGHUP) stops the command too, unless the signal is ignored (nohup).
    possible = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    numbers = [number for number in possible if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, lambda *_: cancel.interrupt()) for number in numbers]
    # One that comes within a callback of the interpreter cannot be raised: it is noted, and looked at.
    hook = sys.unraisablehook
    sys.unraisablehook = lambda what: None if what.exc_type is KeyboardInterrupt else hook(what)
    try:
        yield cancel
    finally:
        sys.unraisablehook = hook
        # A final result stays final while it is printed: no signal may end the command as "cancelled" then.
        if not cancel.sealed:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
