"""The passwords of one run: resolved late, once, and only those that the run needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from wizard.passwords.references import CommandReference, FileReference, KeyringReference, Reference
from wizard.passwords.resolver import NotAgreedError, Resolver, shown
from wizard.passwords.secret import Secret
from wizard.profile.files import called
from wizard.profile.jdbc_url import jdbc_url
from wizard.system import finding
from wizard.system.errors import SecretError
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Profile

UNRESOLVED = Secret("unresolved")
"""The value of a reference that could not be resolved, so that everything else can still be checked."""


class Passwords(NamedTuple):
    """What was resolved; `problems` are errors of `prerequisites.secret`, and with one of them nothing is written."""

    mysql: Secret
    admin: Secret | None = None
    svn: Secret | None = None
    url_parameters: Mapping[str, str | Secret] = MappingProxyType({})
    problems: tuple[Finding, ...] = ()

    def url(self, profile: Profile, database: str) -> str | Secret:
        """The JDBC URL of a database; a `Secret` where one of its parameters is one."""
        values = self.url_parameters.items()
        plain = {key: value.reveal() if isinstance(value, Secret) else value for key, value in values}
        url = jdbc_url(profile.mysql.host, profile.mysql.port, database, plain)
        return Secret(url) if any(isinstance(value, Secret) for _, value in values) else url

    def all(self) -> tuple[Secret, ...]:
        """Every secret of the run, for whoever has to make sure that none of them shows."""
        found = (self.mysql, self.admin, self.svn, *self.url_parameters.values())
        return tuple(secret for secret in found if isinstance(secret, Secret))


def references(profile: Profile) -> dict[str, Reference]:
    """Every reference of a profile, by its key."""
    found = {
        "mysql.password": profile.mysql.password,
        "mysql.admin_password": profile.mysql.admin_password,
        "deployment_sync.svn_password": profile.deployment_sync.svn_password,
        **{f"mysql.url_parameters.{key}": value for key, value in profile.mysql.url_parameters.items()},
    }
    return {key: value for key, value in found.items() if isinstance(value, Reference)}


def named(profile: Profile) -> Iterator[str]:
    """What an agreement lets run or be read, a line each, as a person has to see it before agreeing."""
    for node in profile.nodes:
        if node.java_home is not None:
            yield f"the Java of {node.name}: {node.java_home}"
    homes = " and ".join(str(node.home) for node in profile.nodes)
    yield f"the code in the driver jar {profile.mysql.driver_jar or f'found in {homes}'}"
    for key, reference in references(profile).items():
        if isinstance(reference, CommandReference):
            yield f"the command of {key}: {shown(reference.command)}"
        elif isinstance(reference, FileReference | KeyringReference):
            yield f"{reference.describe()}, read for {key}"


def resolver_of(loaded: LoadedProfile, *, allow_commands: bool = False, **asking: Any) -> Resolver:
    """What resolves the references of a profile; `allow_commands`: the user agrees to it for this run.

    `asking` is what the `Resolver` takes to ask a person.
    """
    return Resolver(
        trusted=allow_commands or loaded.is_agreed,
        folder=loaded.path.parent,
        called=called(loaded.name, loaded.path),
        **asking,
    )


def gather(profile: Profile, resolver: Resolver, *, steps: Iterable[str], offline: bool) -> Passwords:
    """Resolve what these steps need.  The administrator's password only where databases may be made."""
    steps = set(steps)
    of_account, is_svn = bool(steps & {"mysql", "datasources"}), profile.deployment_sync.method == "svn"
    needed = {
        "mysql.admin_password": "mysql" in steps and not offline,
        "deployment_sync.svn_password": "deployment-sync" in steps and is_svn,
    }
    problems: list[Finding] = []
    found: dict[str, Secret] = {}
    for key, reference in references(profile).items():
        if not needed.get(key, of_account):
            continue
        try:
            found[key] = resolver.resolve(reference, key)
        except SecretError as problem:
            found[key] = UNRESOLVED
            fix = problem.fix or "correct the reference in the profile"
            agree = isinstance(problem, NotAgreedError)
            problems.append(finding.error(f"{key}: {problem.message}", fix=finding.AGREE if agree else fix))
    return Passwords(
        mysql=found.get("mysql.password", UNRESOLVED),
        admin=found.get("mysql.admin_password"),
        svn=found.get("deployment_sync.svn_password"),
        url_parameters={
            name: value if isinstance(value, str) else found.get(f"mysql.url_parameters.{name}", UNRESOLVED)
            for name, value in profile.mysql.url_parameters.items()
        },
        problems=tuple(problems),
    )
