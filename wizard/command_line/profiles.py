"""The commands of `profile`: create, list, show and validate profiles, agree to them, read them from homes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizard import __version__
from wizard.command_line.commands import HELP, Ended, can_ask, cli, command, flag, load, paper
from wizard.command_line.text import Paper
from wizard.system.errors import Cancelled, UsageError, os_errors_as_failures

if TYPE_CHECKING:
    from wizard.profile.files import LoadedProfile


@cli.group("profile", context_settings=HELP)
@click.version_option(__version__, prog_name="apimha-wizard")
def profile() -> None:
    """Create, list, show and validate profiles."""


@command("new", group=profile, acts=lambda given: given["name"] is not None)
@click.argument("name", required=False, metavar="[NAME|FILE]")
def new(name: str | None) -> int:
    """Write a commented template to fill in; without a name, to standard output."""
    from wizard.profile import trust
    from wizard.profile.files import save
    from wizard.profile.names import locate
    from wizard.profile.template import new_template

    if name is None:
        Paper().text(new_template())
        return 0
    _, path = locate(name)
    if path.exists():
        raise UsageError(
            "the file already exists", place=str(path), fix="choose another name, or edit that file"
        )
    save(new_template(), path)
    trust.note_written(path, new_template())
    Paper().text(f"written: {path}\nFill in the lines marked required, then: apimha-wizard check {name}")
    return 0


@command("list", "json", group=profile)
def listing(as_json: bool) -> Ended:
    """List the saved profiles and the drafts of the wizard."""
    from wizard.profile.store import listing

    found, out = listing(), paper(as_json)
    if not found:
        out.line("no profiles yet: apimha-wizard profile new NAME, or apimha-wizard")
    for one in found:
        what = " and ".join(one.hosts) if one.hosts else (one.error or "").partition("\n")[0]
        out.line(f"{one.name:<20} {one.state:<8} {what}")
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


@command("allow", "json", group=profile, acts=lambda given: not given["listed"])
@click.argument("name", required=False, metavar="[PROFILE]", type=click.Path())
@flag("--list", "List the agreements.", "listed")
@flag("--revoke", "Remove the agreement.")
def allow(name: str | None, listed: bool, revoke: bool, as_json: bool) -> Ended:
    """Agree to what a profile outside your profile folder names: programs, and passwords stored elsewhere."""
    from wizard.profile import trust
    from wizard.profile.files import read
    from wizard.profile.names import locate

    out = paper(as_json)
    if name is None and listed and not revoke:
        found = trust.agreements()
        out.lines(f"{one.since}  {one.how:<8} {one.sha256[:12]}  {one.path}" for one in found)
        return Ended(0, {"version": 1, "agreements": [one._asdict() for one in found]})
    if name is None or listed:
        raise UsageError("give a profile, or --list", fix="apimha-wizard profile allow --list")
    text: str | None
    with os_errors_as_failures():
        if revoke:  # the file may be gone
            _, path = locate(name)
            text = read(path) if path.exists() else None
            done = "revoked" if trust.revoke(path, text) else "nothing was recorded"
        else:
            loaded = load(name)
            path, text = loaded.path, loaded.text
            done = "agreed already" if loaded.is_agreed else _agree(loaded)
    own = " (every profile in your own profile folder is agreed to)" if trust.is_own(path) else ""
    out.line(f"{path}: {done}{own}")
    agreed = text is not None and trust.is_agreed(path, text)
    sha256 = trust.digest(text) if text is not None else None
    return Ended(0, {"version": 1, "path": str(path), "sha256": sha256, "agreed": agreed})


def _agree(loaded: LoadedProfile) -> str:
    """Ask whether the user agrees to a profile, and record it; return what was done.  Raises `Cancelled`."""
    from wizard.profile import trust

    if not can_ask():
        raise UsageError(
            "agreeing to a profile needs a terminal",
            place=str(loaded.path),
            fix="run it on a terminal, or add --allow-commands to the command, for one run",
        )
    out = Paper(sys.stderr)
    out.line(f"{loaded.path} would run or read, with your rights:")
    out.lines(f"  {line}" for line in trust.named(loaded.profile))
    if not click.confirm("Agree to this content?", default=False, err=True):
        raise Cancelled("nothing was recorded", place=str(loaded.path))
    trust.allow(loaded.path, loaded.text)
    return "agreed; every change of the content needs a new agreement"


@command("from-homes", group=profile, acts=True)
@click.argument("homes", nargs=2, type=click.Path(path_type=Path), metavar="HOME1 HOME2")
@click.option(
    "--name", default="from-homes", metavar="NAME|FILE", help="The profile to write (default: from-homes)."
)
def read_homes(homes: tuple[Path, Path], name: str) -> int:
    """Read a pair that was configured by hand into a profile; passwords go to 0600 files beside it."""
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
        out.line(f"To see what differs from the profile: apimha-wizard replay {name} --dry-run")
    return 0


@command("schema", group=profile)
def schema() -> Ended:
    """Print the JSON Schema of the profile."""
    from wizard.profile import template

    return Ended(0, template.schema())
