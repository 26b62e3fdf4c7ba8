"""Step 4: the governance and config registry of both nodes mounted from one database (procedure 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from wizard.edit.xml import Note
from wizard.pack.home import REGISTRY
from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.profile.jdbc_url import jdbc_url
from wizard.steps import sources
from wizard.steps.reading import describe
from wizard.steps.rows import Row, Scope, Table, jndi_row
from wizard.steps.step import Step
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.edit.xml import XmlDocument, XmlElement
    from wizard.pack.home import Pack
    from wizard.pack.xml import Element, XmlFile, XmlTree
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node, Profile
    from wizard.steps.reading import Reading

E = TypeVar("E", bound="Element")

MOUNTS = {
    "/_system/governance": "registry.governance_target",
    "/_system/config": "registry.config_target",
}
"""The two paths that are mounted, and the field of each one's target path."""

CONFIG_ROWS = Table(
    REGISTRY,
    "dbConfig",
    (
        Row("@name", "registry.db_config"),
        jndi_row("dataSource", "datasources.registry"),
    ),
)
INSTANCE_ROWS = Table(
    REGISTRY,
    "remoteInstance",
    (
        Row("@url", "registry.remote_url"),
        Row("id", "registry.instance_id"),
        Row(
            "cacheId",
            "registry.cache_id",
            lambda scope: cache_id(scope.bench.profile),
            means="`registry.cache_id`, else `USER@URL`",
        ),
        Row("dbConfig", "registry.db_config"),
        Row("readOnly", "registry.read_only"),
        Row("enableCache", "registry.enable_cache"),
        Row("registryRoot", "registry.registry_root", rolls=False),
    ),
)
MOUNT_ROWS = {
    path: Table(
        REGISTRY,
        "mount",
        (
            Row("@path", text=path),
            Row("@overwrite", text="true"),
            Row("instanceId", "registry.instance_id"),
            Row("targetPath", field, rolls=False),
        ),
    )
    for path, field in MOUNTS.items()
}


def registry(bench: Workbench) -> None:
    """`registry.xml`: the database of the registry, the remote instance that it is, and the two mounts."""
    document, settings, scope = bench.xml(REGISTRY), bench.profile.registry, Scope(bench, bench.node)
    found = document.find("dbConfig[@name=$name]", name=settings.db_config)
    last = written(document, CONFIG_ROWS, scope, found, "registry.db_config")
    found = document.find("remoteInstance[id=$id]", id=settings.instance_id)
    last = written(document, INSTANCE_ROWS, scope, found, "registry.instance_id", behind=last)
    for path, table in MOUNT_ROWS.items():
        last = written(document, table, scope, find_mount(document, path), MOUNTS[path], behind=last)


def written(
    document: XmlDocument,
    table: Table,
    scope: Scope,
    found: XmlElement | None,
    field: str,
    *,
    behind: XmlElement | None = None,
) -> XmlElement:
    """Write the rows into `found`, or a new element behind the last of its kind, else `behind`; return what is there.

    `field` is the one that a new element comes from.
    """
    if found is not None:
        table.write(found, scope)
        return found
    others = document.all(table.element)
    anchor = others[-1] if others else behind or document.one("currentDBConfig")
    anchor.insert_after(table.new(table.element, scope), note=Note(field=field))
    return anchor


def registry_url(profile: Profile) -> str:
    """The URL of the registry's database, without the parameters."""
    mysql = profile.mysql
    return jdbc_url(mysql.host, mysql.port, mysql.databases.registry)


def cache_id(profile: Profile) -> str:
    """What both nodes call the registry's database: `USER@URL`, unless the profile says otherwise."""
    return profile.registry.cache_id or f"{profile.mysql.username}@{registry_url(profile)}"


def find_mount(document: XmlTree[E], path: str) -> E | None:
    """The live mount of a path, also where it is written with a slash at its end: to the server that is another path.

    Raises:
        EditError: there are two.
    """
    found = [one for one in document.all("mount") if (one.get("path") or "").rstrip("/") == path]
    return document.sole(found, f"the mount of {path}")


# --- what is mounted, as the server finds it ------------------------------------------------------------------


class Mounted(NamedTuple):
    """A mount: its path as it is written, and what it leads to; empty where it does not say."""

    path: str
    instance_id: str
    target: str
    urls: tuple[str, ...]


def mounts(pack: Pack, profile: Profile) -> Iterator[Mounted]:
    """Every live mount of a home: mount → instanceId → remoteInstance → dbConfig → datasource → URL."""
    document = pack.xml(REGISTRY)
    for element in document.all("mount"):
        instance_id, target = (
            found[0].text.strip() if (found := element.all(name)) else ""
            for name in ("instanceId", "targetPath")
        )
        config = sources.config_of_instance(document, instance_id)
        urls = urls_of_config(pack, config, profile)
        yield Mounted(element.get("path") or "", instance_id, target, tuple(urls))


def urls_of_config(pack: Pack, config: str, profile: Profile) -> list[str]:
    """The URLs that a dbConfig leads to; the profile's where the step datasources, left out now, has to define it."""
    urls, source = sources.urls_of_config(pack, config), f"jdbc/{profile.datasources.registry}"
    named = pack.xml(REGISTRY).all("dbConfig[@name=$name][dataSource=$source]", name=config, source=source)
    return urls or ([registry_url(profile)] if named else [])


def two_mounts(pack: Pack, profile: Profile) -> dict[str, Mounted]:
    """Of the two paths, those that are mounted."""
    found = {one.path.rstrip("/"): one for one in mounts(pack, profile)}
    return {path: found[path] for path in MOUNTS if path in found}


@Check(
    "registry.other-mount",
    severity="warning",
    why="One of the two paths is mounted from another place now; its content is no longer visible afterwards.",
    fix="Move its content, name it in [registry] of the profile, or leave the step out with --skip registry.",
)
@each_home("no other mount of the two paths")
def other_mount(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    then = two_mounts(sources.after_the_run(context, node.name), context.profile)
    for path, mounted in two_mounts(pack, context.profile).items():
        if differences := ", ".join(_differences(mounted, then[path])):
            yield finding.warning(
                f"{path} is mounted from another place now ({differences}) and will be changed"
            )


def _differences(now: Mounted, then: Mounted) -> Iterator[str]:
    """What is no longer there afterwards: the old values."""
    if now.path != then.path:
        yield f"written as {describe(now.path)}"
    if now.instance_id and now.instance_id != then.instance_id:
        yield f"instance {describe(now.instance_id)}"
    if now.target and now.target != then.target:
        yield f"target path {describe(now.target)}"
    gone = [url for url in now.urls if not any(sources.is_same_database(url, other) for other in then.urls)]
    if gone:
        yield f"database {', '.join(dict.fromkeys(map(sources.shown_url, gone)))}"


@Check(
    "registry.local-database",
    always=True,
    why="The server deletes a path of its own registry before it mounts it: where both are in one database, "
    "that deletes the shared registry at the first start.",
    fix="Point the datasource of that dbConfig (WSO2_CARBON_DB in a stock pack) to a database of its own on each node, "
    "such as the pack's H2 file, or mount another database (mysql.databases.registry).",
)
@each_home("the local registry is not in a database that is mounted")
def local_database(context: CheckContext, node: Node, _: Pack) -> Iterator[Finding]:
    pack = sources.after_the_run(context, node.name)
    try:
        pack.xml(REGISTRY)
    except EditError as problem:  # with such a file no server starts
        yield finding.skipped(problem.text)
        return
    config, urls = _local(pack, context.profile)
    shared: dict[str, list[str]] = {}
    for one in mounts(pack, context.profile):
        for url in one.urls:
            if any(sources.is_same_database(url, own, resolve=not context.offline) for own in urls):
                shared.setdefault(sources.shown_url(url), []).append(one.path)
    for database, paths in shared.items():
        named = " and ".join(map(describe, dict.fromkeys(paths)))
        yield finding.error(
            f"the local registry (dbConfig {describe(config)}) is in {database}, and {named} "
            f"{'is' if len(paths) == 1 else 'are'} mounted from that database: the server would delete the "
            "shared registry"
        )


@Check(
    "registry.shared-local",
    severity="warning",
    why="Each server keeps what is its own in its local registry; two servers in one database overwrite each other's.",
    fix="Give the local registry of each node a database of its own, such as the pack's H2 file.",
    passed="each node has a local registry of its own",
)
def shared_local(context: CheckContext) -> Iterator[Finding]:
    local = {
        node.name: [
            url
            for url in _local(sources.after_the_run(context, node.name), context.profile)[1]
            if not sources.is_file(url)  # which keeps it in a file of the home
        ]
        for node in context.profile.nodes
        if node.name in context.packs
    }
    if len(local) < len(context.profile.nodes):
        own = next((url for urls in local.values() for url in urls), None)
        if own is None:
            yield finding.ok("the local registry is an H2 file")
        else:
            yield finding.skipped(
                f"the local registry is in {sources.shown_url(own)}; the other home is not here"
            )
        return
    first, second = local.values()
    for url in first:
        if any(sources.is_same_database(url, one, resolve=not context.offline) for one in second):
            yield finding.warning(
                f"the local registry of both nodes is in one database, {sources.shown_url(url)}"
            )


def _local(pack: Pack, profile: Profile) -> tuple[str, list[str]]:
    """The dbConfig of a home's own registry, and the URLs that it leads to."""
    config = sources.local_config(pack.xml(REGISTRY))
    return config, urls_of_config(pack, config, profile)


# --- read back ------------------------------------------------------------------------------------------------


def mounted_instance(document: XmlFile) -> str | None:
    """The id of the instance that the two paths are mounted from, the first one's; None where neither is."""
    ids = (
        found.text.strip()
        for path in MOUNTS
        if (one := find_mount(document, path))
        for found in one.all("instanceId")
    )
    return next(ids, None)


def read_registry(found: Reading) -> None:
    """The two mounts, and the remote instance that they are mounted from."""
    document = found.pack.xml(REGISTRY)
    instance_id = mounted_instance(document)
    if instance_id is None:
        found.note("mysql.databases.registry", "neither of the two paths is mounted: a replay mounts both")
        return
    found.say("registry.instance_id", instance_id)
    for path, field in MOUNTS.items():
        read_mount(found, document, path, field, instance_id)
    instance = document.find("remoteInstance[id=$id]", id=instance_id)
    if instance is None:
        found.note("registry.instance_id", f"no remoteInstance has the id {describe(instance_id)}")
        return
    INSTANCE_ROWS.read(found, instance)
    if cache := instance.all("cacheId"):
        found.take("registry.cache_id", cache)


def read_mount(found: Reading, document: XmlFile, path: str, field: str, instance_id: str) -> None:
    """The target path of a mount; not where it is mounted from another database: no profile holds that."""
    mounted = find_mount(document, path)
    if mounted is None:
        found.note(field, f"{path} is not mounted: a replay mounts it")
        return
    if mounted.get("path") != path:
        found.note(field, f"the path is written {describe(mounted.get('path'))}: a replay writes {path}")
    if (overwrite := mounted.get("overwrite") or "missing") != "true":
        found.note(field, f"overwrite is {describe(overwrite)}: a replay writes true")
    text = found.texts(mounted, field)
    other = text.get("instanceId", "")
    if other != instance_id:
        found.note(field, f"{path} is mounted from another instance, {describe(other)}")
        if _root_of(document, other) != _root_of(document, instance_id):
            return
    if text.get("targetPath"):
        found.say(field, text["targetPath"])
    else:
        found.note(field, f"the mount of {path} has no targetPath")


def _root_of(document: XmlFile, instance_id: str) -> tuple[list[str], list[str]]:
    """What tells which resources an instance shows: its database and its root."""
    config = sources.config_of_instance(document, instance_id)
    named = document.all("dbConfig[@name=$name]/dataSource", name=config)
    roots = document.all("remoteInstance[id=$id]/registryRoot", id=instance_id)
    return [one.text.strip() for one in named], [one.text.strip() for one in roots if one.text.strip() != "/"]


STEP = Step(
    id="registry",
    title="Registry",
    help="Both nodes see one registry: governance and config are mounted from the shared database.",
    asks={
        "registry": "remote_url cache_id read_only enable_cache registry_root "
        "instance_id db_config governance_target config_target",
    },
    edits=(registry,),
    tables=(CONFIG_ROWS, INSTANCE_ROWS, *MOUNT_ROWS.values()),
    checks=(other_mount, local_database, shared_local),
    reads=(read_registry,),
)
