"""Step 4: the governance and config registry of both nodes mounted from one database (procedure 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.edit.xml import New
from wizard.pack.home import REGISTRY
from wizard.preflight.checks import CheckContext, check
from wizard.profile.jdbc_url import jdbc_url
from wizard.steps.reading import describe
from wizard.steps.step import Step, put
from wizard.system import finding
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.edit.xml import XmlDocument, XmlElement
    from wizard.pack.xml import XmlFile
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Profile
    from wizard.steps.reading import Reading

MOUNTS = ("/_system/governance", "/_system/config")
INSTANCE = "gov"


def registry(bench: Workbench) -> None:
    """`registry.xml`: the database of the registry, the remote instance that it is, and the two mounts."""
    document = bench.xml(REGISTRY)
    last = db_config(document)
    last = remote_instance(document, bench.profile, behind=last)
    for path in MOUNTS:
        last = mount(document, path, behind=last)


def db_config(document: XmlDocument) -> XmlElement:
    """The database of the registry; gives the element that is there and that new ones go behind."""
    found = document.find("dbConfig[@name='govregistry']")
    if found is not None:
        put(found, ("dataSource",), "dataSource", "jdbc/WSO2REG_DB")
        return found
    last = document.all("dbConfig")
    anchor = last[-1] if last else document.one("currentDBConfig")
    anchor.insert_after(
        New("dbConfig", {"name": "govregistry"}, children=(New("dataSource", text="jdbc/WSO2REG_DB"),))
    )
    return anchor


def cache_id(profile: Profile) -> str:
    """What both nodes call the registry's database: `USER@URL`, unless the profile says otherwise."""
    mysql = profile.mysql
    own = f"{mysql.username}@{jdbc_url(mysql.host, mysql.port, mysql.databases.registry)}"
    return profile.registry.cache_id or own


def remote_instance(document: XmlDocument, profile: Profile, *, behind: XmlElement) -> XmlElement:
    settings = profile.registry
    values = {
        "id": INSTANCE,
        "cacheId": cache_id(profile),
        "dbConfig": "govregistry",
        "readOnly": lower(settings.read_only),
        "enableCache": lower(settings.enable_cache),
        "registryRoot": settings.registry_root,
    }
    found = document.find(f"remoteInstance[id='{INSTANCE}']")
    if found is not None:
        found.set("url", settings.remote_url)
        for name, value in values.items():
            put(found, tuple(values), name, value)
        return found
    others = document.all("remoteInstance")
    anchor = others[-1] if others else behind
    children = tuple(New(name, text=value) for name, value in values.items())
    anchor.insert_after(New("remoteInstance", {"url": settings.remote_url}, children=children))
    return anchor


def mount(document: XmlDocument, path: str, *, behind: XmlElement) -> XmlElement:
    values = {"instanceId": INSTANCE, "targetPath": path}
    found = document.find(f"mount[@path='{path}']")
    if found is not None:
        found.set("overwrite", "true")
        for name, value in values.items():
            put(found, tuple(values), name, value)
        return found
    others = document.all("mount")
    anchor = others[-1] if others else behind
    children = tuple(New(name, text=value) for name, value in values.items())
    anchor.insert_after(New("mount", {"path": path, "overwrite": "true"}, children=children))
    return anchor


def lower(value: bool) -> str:
    return "true" if value else "false"


@check(
    "registry.other-mount",
    severity="warning",
    why="One of the two paths is mounted from somewhere else now; what is there is no longer seen afterwards.",
    fix="Move what the other instance holds, or leave the step out with --skip registry.",
)
def other_mount(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        mounts = context.packs[node.name].xml(REGISTRY).all("mount")
        found = False
        for element in mounts:
            instance = element.find("instanceId")
            other = instance.text.strip() if instance is not None else ""
            if element.get("path") in MOUNTS and other and other != INSTANCE:
                found = True
                yield finding.warning(
                    f"{element.get('path')} is mounted from the instance {other} now and will be changed",
                    node=node.name,
                    fix=f"move what {other} holds there, or leave the step out with --skip registry",
                )
        if not found:
            yield finding.ok("no other mount of the two paths", node=node.name)


def read_registry(found: Reading) -> None:
    """The remote instance of the registry, and whether it is mounted."""
    document = found.pack.xml(REGISTRY)
    instance = document.find(f"remoteInstance[id='{INSTANCE}']")
    if instance is None:
        others = [one.text.strip() for one in document.all("remoteInstance/id")]
        there = f"; there is {describe(', '.join(others))}" if others else ""
        found.note("registry.remote_url", f"there is no remoteInstance with the id {INSTANCE}{there}")
        return
    url = instance.get("url")
    if url is not None:
        found.say("registry.remote_url", url.strip())
    text = found.texts(instance, "registry.remote_url")
    found.switch("registry.read_only", text.get("readOnly"))
    found.switch("registry.enable_cache", text.get("enableCache"))
    for element, field in (("registryRoot", "registry.registry_root"), ("cacheId", "registry.cache_id")):
        if element in text:
            found.say(field, text[element])
    if text.get("dbConfig") != "govregistry":
        found.note(
            "registry.remote_url",
            f"its dbConfig is {describe(text.get('dbConfig', 'missing'))}, not govregistry",
        )
    for path in MOUNTS:
        read_mount(found, document, path)


def read_mount(found: Reading, document: XmlFile, path: str) -> None:
    mounted = document.find("mount[@path=$path]", path=path)
    text = found.texts(mounted, "registry.remote_url")
    if mounted is None or text.get("instanceId") != INSTANCE:
        instead = f", but from {describe(text['instanceId'])}" if "instanceId" in text else ""
        found.note("registry.remote_url", f"{path} is not mounted from it{instead}")
    elif text.get("targetPath") != path:
        found.note("registry.remote_url", f"{path} shows {describe(text.get('targetPath', 'nothing'))} of it")


STEP = Step(
    id="registry",
    title="Registry",
    help="Both nodes see one registry: governance and config are mounted from the shared database.",
    fields=(
        "registry.remote_url",
        "registry.cache_id",
        "registry.read_only",
        "registry.enable_cache",
        "registry.registry_root",
        "registry.instance_id",
        "registry.db_config",
        "registry.governance_target",
        "registry.config_target",
    ),
    edits=(registry,),
    checks=(other_mount,),
    reads=(read_registry,),
)
