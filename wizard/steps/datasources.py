"""Step 3: the datasources of both nodes point to MySQL, and what names them follows (procedure 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from wizard.edit.splice import shown
from wizard.edit.xml import New
from wizard.pack.home import (
    ANALYTICS_CONFIG,
    ANALYTICS_DATASOURCES,
    CARBON,
    MASTER_DATASOURCES,
    REGISTRY,
    STATS_DATASOURCES,
    USER_MGT,
    Pack,
)
from wizard.passwords.secret import Secret
from wizard.preflight.checks import CheckContext, check
from wizard.profile.jdbc_url import parse_jdbc_url
from wizard.steps.reading import describe
from wizard.steps.registry import lower
from wizard.steps.step import Step, put
from wizard.system import finding, network
from wizard.system.errors import EditError
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.edit.xml import XmlDocument, XmlElement
    from wizard.pack.xml import Element, XmlTree
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import DatabaseRole, Profile, Store
    from wizard.steps.reading import Reading

E = TypeVar("E", bound="Element")
C = TypeVar("C", bound="Element")

ELEMENTS = (
    "url",
    "username",
    "password",
    "driverClassName",
    "maxActive",
    "maxWait",
    "testOnBorrow",
    "validationQuery",
    "validationInterval",
    "defaultAutoCommit",
)
"""Elements of `definition/configuration`, in the order that new ones take."""

USER_DATASOURCE = "WSO2UM_DB"
REGISTRY_DATASOURCE = "WSO2REG_DB"
STATS_DATASOURCE = "WSO2AM_STATS_DB"
STORES: dict[str, Store] = {"EVENT_STORE": "event_store", "PROCESSED_DATA_STORE": "processed_data_store"}
"""Record store → the field that names its database; `EVENT_STORE_WO` shares the event store's."""

CIPHER_TEXT = "repository/conf/security/cipher-text.properties"


def connection(bench: Workbench, database: str) -> dict[str, str | Secret]:
    """What `definition/configuration` holds for a database, without `defaultAutoCommit`."""
    mysql, pool = bench.profile.mysql, bench.profile.pool
    return {
        "url": bench.passwords.url(bench.profile, database),
        "username": mysql.username,
        "password": bench.passwords.mysql,
        "driverClassName": mysql.driver_class,
        "maxActive": str(pool.max_active),
        "maxWait": str(pool.max_wait_ms),
        "testOnBorrow": lower(pool.test_on_borrow),
        "validationQuery": pool.validation_query,
        "validationInterval": str(pool.validation_interval_ms),
    }


def master_datasources(bench: Workbench) -> None:
    """`master-datasources.xml`: the user manager's and the registry's datasource; the H2 one stays as it is."""
    document = bench.xml(MASTER_DATASOURCES)
    databases = bench.profile.mysql.databases
    for name, database, description in (
        (USER_DATASOURCE, databases.user, "The datasource used by user manager"),
        (REGISTRY_DATASOURCE, databases.registry, "The datasource used by the registry"),
    ):
        values = connection(bench, database)
        found = find_datasource(document, name)
        if found is None:
            add_datasource(document, name, description, values)
            continue
        found.one("name").set_text(name)
        put(found, ("name", "description"), "description", description)
        if (jndi := found.find("jndiConfig")) is not None:
            put(jndi, ("name",), "name", f"jdbc/{name}")
        else:
            found.one("description").insert_after(
                New("jndiConfig", children=(New("name", text=f"jdbc/{name}"),))
            )
        configure(found, values)


def find_datasource(document: XmlTree[E], name: str) -> E | None:
    """The live datasource of that name, or the one that is bound to its JNDI name.

    Raises:
        EditError: there are two, of which the server would take one.
    """
    found = [
        datasource
        for datasource in document.all("datasources/datasource")
        if any(named.text.strip() == name for named in datasource.all("name"))
        or datasource.all("jndiConfig[name=$jndi]", jndi=f"jdbc/{name}")
    ]
    if len(found) > 1:
        lines = ", ".join(str(datasource.line) for datasource in found)
        raise EditError(
            f"doubles the datasource {name}: that name or jdbc/{name} is live more than once, at the lines {lines}",
            place=f"{document.name}:{found[1].line}",
            fix="keep one of them, and remove or comment out the others",
        )
    return found[0] if found else None


def add_datasource(
    document: XmlDocument,
    name: str,
    description: str,
    values: Mapping[str, str | Secret],
    *,
    jndi: bool = True,
) -> None:
    bound = (New("jndiConfig", children=(New("name", text=f"jdbc/{name}"),)),) if jndi else ()
    new = New(
        "datasource",
        children=(
            New("name", text=name),
            New("description", text=description),
            *bound,
            New(
                "definition",
                {"type": "RDBMS"},
                children=(
                    New(
                        "configuration", children=tuple(New(key, text=value) for key, value in values.items())
                    ),
                ),
            ),
        ),
    )
    holder = document.one("datasources")
    there = holder.all("datasource")
    if there:
        there[-1].insert_after(new)
    else:
        holder.append(new)


def configure(datasource: XmlElement, values: Mapping[str, str | Secret]) -> None:
    label = datasource.one("name").text.strip()
    definition = datasource.one("definition")
    if definition.get("type") != "RDBMS":
        raise EditError(
            f"the datasource {label} is of the type {definition.get('type')}, and a JDBC one is needed",
            place=f"{datasource.document.name}:{definition.line}",
            fix='let the record store use a datasource with <definition type="RDBMS">',
        )
    configuration = definition.one("configuration")
    for key, value in values.items():
        put(configuration, ELEMENTS, key, value, what=f"{label}/{key}")


def analytics_datasources(bench: Workbench) -> None:
    """`analytics-datasources.xml`: the stores' datasources, found by the name that `analytics-config.xml` gives now."""
    document = bench.xml(ANALYTICS_DATASOURCES)
    # All are looked up before the first is renamed: two stores may change their names.
    found = store_datasources(document, bench.pack.xml(ANALYTICS_CONFIG), bench.profile)
    for field in STORES.values():
        name, datasource = bench.profile.datasource_name(field), found[field]
        values = connection(bench, getattr(bench.profile.mysql.databases, field))
        values["defaultAutoCommit"] = "false"
        if datasource is None:
            add_datasource(
                document, name, "The datasource used for analytics record store", values, jndi=False
            )
            continue
        datasource.one("name").set_text(name)
        configure(datasource, values)


def store_datasources(document: XmlTree[E], config: XmlTree[C], profile: Profile) -> dict[Store, E | None]:
    """The datasource that each store has, or takes over since it carries the name already; None: a new one.

    A store's own is the one that its record store names; where both name one, it stays the first's.
    """
    names = {field: store_datasource(config, store).text.strip() for store, field in STORES.items()}
    wanted = {field: profile.datasource_name(field) for field in STORES.values()}
    chosen: dict[Store, str] = {}
    for field, name in wanted.items():
        there = document.find("datasources/datasource[name=$name]", name=name) is not None
        if there and (names[field] == name or name not in names.values()):
            chosen[field] = name
    for field, name in names.items():
        if field not in chosen and name not in chosen.values():
            chosen[field] = name
    found: dict[Store, E | None] = {}
    for store, field in STORES.items():
        if field not in chosen:
            found[field] = None
            continue
        found[field] = document.find("datasources/datasource[name=$name]", name=chosen[field])
        if found[field] is None:
            raise EditError(
                f"lacks the datasource {chosen[field]}, which the record store {store} uses",
                place=document.name,
                fix="unpack the file again, or name an existing datasource in analytics-config.xml",
            )
    return found


def store_datasource(document: XmlTree[E], store: str) -> E:
    return document.one(f"analytics-record-store[@name='{store}']/properties/property[@name='datasource']")


def analytics_config(bench: Workbench) -> None:
    """`analytics-config.xml`: each record store names the datasource of its database."""
    document = bench.xml(ANALYTICS_CONFIG)
    wanted: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for store, field in STORES.items():
        wanted[store] = bench.profile.datasource_name(field)
        if store_datasource(document, store).text.strip() != wanted[store]:
            renamed = _renamed(bench)
    wanted["EVENT_STORE_WO"] = wanted["EVENT_STORE"]
    for element in document.all("analytics-record-store"):
        name = element.get("name") or ""
        for named in element.all("properties/property[@name='datasource']"):
            now = named.text.strip()
            # Another record store that shares one of the two goes with it.
            named.set_text(wanted.get(name) or renamed.get(now) or now, what=f"{name}/datasource")


def _renamed(bench: Workbench) -> dict[str, str]:
    """Old name → new name of the stores' datasources."""
    document = bench.pack.xml(ANALYTICS_DATASOURCES)
    found = store_datasources(document, bench.pack.xml(ANALYTICS_CONFIG), bench.profile)
    return {
        datasource.one("name").text.strip(): bench.profile.datasource_name(field)
        for field, datasource in found.items()
        if datasource is not None
    }


def stats_datasources(bench: Workbench) -> None:
    """`stats-datasources.xml`: the statistics that API Manager shows, where the profile names a database for them."""
    database = bench.profile.mysql.databases.stats
    if database is None:
        return
    if not bench.pack.exists(STATS_DATASOURCES):
        raise EditError(
            f"{bench.pack.title} has no statistics datasource, but the profile names a database for it",
            place=str(bench.pack.path(STATS_DATASOURCES)),
            fix="remove mysql.databases.stats from the profile",
        )
    document = bench.xml(STATS_DATASOURCES)
    found = find_datasource(document, STATS_DATASOURCE)
    if found is None:
        found = document.one(f"datasources/datasource[name='{STATS_DATASOURCE}']")
    configure(found, {**connection(bench, database), "defaultAutoCommit": "false"})


def user_mgt(bench: Workbench) -> None:
    """`user-mgt.xml`: the user store is the shared one."""
    configuration = bench.xml(USER_MGT).one("Realm/Configuration")
    found = configuration.find("Property[@name='dataSource']")
    value = f"jdbc/{USER_DATASOURCE}"
    if found is not None:
        found.set_text(value)
        return
    there = configuration.children
    new = New("Property", {"name": "dataSource"}, text=value)
    if there:
        there[-1].insert_after(new)
    else:
        configuration.append(new)


@check(
    "datasources.secure-vault",
    why="The server takes such a password from its vault and ignores the one that is written.",
    fix="Take the svns:secretAlias attribute and the entry in cipher-text.properties out, or leave the step out and "
    "put the password into the vault with ciphertool.sh.",
)
def secure_vault(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        pack = context.packs[node.name]
        changes = context.plan.changes
        svn = context.profile.deployment_sync.method == "svn" and any(
            change.node == node.name and "deployment-sync" in change.steps for change in changes
        )
        managed = [
            *_aliases(pack, context.profile, svn=svn),
            *_cipher_entries(pack, context.profile, svn=svn),
        ]
        for place in managed:
            yield finding.error(
                f"{place} is managed by the secure vault: the server would ignore the password that is written",
                node=node.name,
                fix=f"take svns:secretAlias and the entry in {CIPHER_TEXT} out, or put the new password into the vault "
                "(ciphertool.sh) and leave the step out",
            )
        if not managed:
            yield finding.ok("no password that will be written is under the secure vault", node=node.name)


def _written(pack: Pack, profile: Profile, *, svn: bool) -> Iterator[tuple[str, str, Element]]:
    """File, name and password element of everything that a run gives a password."""
    master = pack.xml(MASTER_DATASOURCES)
    analytics, config = pack.xml(ANALYTICS_DATASOURCES), pack.xml(ANALYTICS_CONFIG)
    found: list[tuple[str, Element | None]] = [
        (MASTER_DATASOURCES, find_datasource(master, name)) for name in (USER_DATASOURCE, REGISTRY_DATASOURCE)
    ]
    found += [(ANALYTICS_DATASOURCES, one) for one in store_datasources(analytics, config, profile).values()]
    if profile.mysql.databases.stats is not None and pack.exists(STATS_DATASOURCES):
        stats = pack.xml(STATS_DATASOURCES)
        found.append((STATS_DATASOURCES, find_datasource(stats, STATS_DATASOURCE)))
    for path, datasource in found:
        if datasource is None or datasource.find("name") is None:
            continue
        for password in datasource.all("definition/configuration/password"):
            yield path, datasource.one("name").text.strip(), password
    if svn:
        for password in pack.xml(CARBON).all("DeploymentSynchronizer/SvnPassword"):
            yield CARBON, "DeploymentSynchronizer", password


def _aliases(pack: Pack, profile: Profile, *, svn: bool) -> Iterator[str]:
    try:
        for path, name, password in _written(pack, profile, svn=svn):
            if password.get("secretAlias") is not None:
                yield f"the password of {name} ({path}, line {password.line})"
    except EditError:
        return  # prerequisites.files says what is broken


def _cipher_entries(pack: Pack, profile: Profile, *, svn: bool) -> Iterator[str]:
    if not pack.exists(CIPHER_TEXT):
        return
    names = {USER_DATASOURCE, REGISTRY_DATASOURCE}
    names |= {profile.datasource_name(field) for field in STORES.values()}
    try:
        names |= {name for _, name, _ in _written(pack, profile, svn=False)}
        entries = pack.properties(CIPHER_TEXT)
    except EditError:
        return
    for key in entries.keys():  # noqa: SIM118 (no mapping)
        parts = set(re.split(r"[^A-Za-z0-9_-]+", key))
        # `[…]` is the placeholder of a password that ciphertool has not encrypted yet.
        encrypted = not (entries.get(key) or "").strip().startswith("[")
        if names & parts or (svn and "SvnPassword" in parts and encrypted):
            yield f"{key} ({CIPHER_TEXT})"


@check(
    "datasources.stats",
    severity="warning",
    why="The statistics stay in a file beside the home of each node: what one node counts, API Manager does not see "
    "at the other.",
    fix="Name a database for the statistics: mysql.databases.stats.",
)
def stats(context: CheckContext) -> Iterator[Finding]:
    profile = context.profile
    one_machine = network.on_one_machine([n.host for n in profile.nodes], resolve=not context.offline)
    for node in context.nodes:
        pack = context.packs.get(node.name)
        if pack is None:
            continue
        if not pack.exists(STATS_DATASOURCES):
            yield finding.ok(f"{pack.title} has no statistics datasource", node=node.name)
        elif profile.mysql.databases.stats is not None:
            yield finding.ok(f"the statistics go to {profile.mysql.databases.stats}", node=node.name)
        elif one_machine:
            yield finding.ok("the statistics stay in a file that both nodes can reach", node=node.name)
        elif not _stats_is_h2(pack):
            yield finding.ok(f"{STATS_DATASOURCE} is no H2 file any more", node=node.name)
        else:
            yield finding.warning(
                f"{STATS_DATASOURCE} stays an H2 file (../tmpStatDB), which nodes on two machines cannot share",
                node=node.name,
                fix='set mysql.databases.stats = "WSO2AM_STATS_DB"',
                remedy=finding.Remedy("mysql.databases.stats", STATS_DATASOURCE, "a statistics database"),
            )


def _stats_is_h2(pack: Pack) -> bool:
    found = find_datasource(pack.xml(STATS_DATASOURCES), STATS_DATASOURCE)
    urls = found.all("definition/configuration/url") if found is not None else []
    return any(url.text.strip().startswith("jdbc:h2:") for url in urls)


@check(
    "datasources.replication",
    severity="warning",
    why="With 0 copies of the index a node's part of it is gone with that node.",
    fix="Set indexReplicationFactor in analytics-config.xml to at least 1.",
)
def replication(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        pack = context.packs.get(node.name)
        if pack is None:
            continue
        found = pack.xml(ANALYTICS_CONFIG).all("indexReplicationFactor")
        factor = found[0].text.strip() if found else ""
        if factor == "0":
            yield finding.warning(
                f"indexReplicationFactor is 0 ({ANALYTICS_CONFIG}, line {found[0].line})",
                node=node.name,
                fix="<indexReplicationFactor>1</indexReplicationFactor>",
            )
        else:
            yield finding.ok(f"indexReplicationFactor is {factor or 'the default'}", node=node.name)


def read_user_store(found: Reading) -> None:
    """The user manager's datasource, which `user-mgt.xml` names."""
    read_shared(found, "user", USER_DATASOURCE, USER_MGT, "Realm/Configuration/Property[@name='dataSource']")


def read_registry_store(found: Reading) -> None:
    """The registry's datasource, which `registry.xml` names."""
    read_shared(found, "registry", REGISTRY_DATASOURCE, REGISTRY, "dbConfig[@name='govregistry']/dataSource")


def read_shared(found: Reading, role: DatabaseRole, usual: str, path: str, naming: str) -> None:
    """A datasource of `master-datasources.xml`: the one of the usual name, else whatever `path` names at `naming`."""
    field = f"mysql.databases.{role}"
    jndi = None
    try:
        named = found.pack.xml(path).find(naming)
    except EditError as problem:
        found.note("", f"{problem.place}: {problem.message}")
    else:
        jndi = named.text.strip() if named is not None else None
        if jndi != f"jdbc/{usual}":
            names = describe(jndi) if jndi else "it names nothing"
            found.note(field, f"jdbc/{usual} is not what {path} names: {names}")
    document = found.pack.xml(MASTER_DATASOURCES)
    datasource = find_datasource(document, usual)
    if datasource is None and jndi is not None:
        everyone = document.all("datasources/datasource")
        datasource = next((one for one in everyone if one.all("jndiConfig[name=$jndi]", jndi=jndi)), None)
    read_configuration(found, datasource, role)


def read_stores(found: Reading) -> None:
    """The datasources that the two record stores name."""
    document, config = found.pack.xml(ANALYTICS_DATASOURCES), found.pack.xml(ANALYTICS_CONFIG)
    for store, role in STORES.items():
        name = store_datasource(config, store).text.strip()
        datasource = document.find("datasources/datasource[name=$name]", name=name)
        database = read_configuration(found, datasource, role)
        if database is not None and database != name:
            found.say(f"datasources.{role}", name)
    shared = "analytics-record-store[@name='EVENT_STORE_WO']/properties/property[@name='datasource']"
    for other in config.all(shared):
        if other.text.strip() != store_datasource(config, "EVENT_STORE").text.strip():
            found.note(
                "mysql.databases.event_store", f"EVENT_STORE_WO has another: {describe(other.text.strip())}"
            )


def read_stats(found: Reading) -> None:
    """The statistics, where they are in MySQL: in a file, they stay there."""
    if not found.pack.exists(STATS_DATASOURCES) or _stats_is_h2(found.pack):
        return
    path = f"datasources/datasource[name='{STATS_DATASOURCE}']"
    read_configuration(found, found.pack.xml(STATS_DATASOURCES).find(path), "stats")


def read_configuration(found: Reading, datasource: Element | None, role: DatabaseRole) -> str | None:
    """What one datasource says; gives its database."""
    field = f"mysql.databases.{role}"
    definition = datasource.find("definition") if datasource is not None else None
    configuration = definition.find("configuration") if definition is not None else None
    if datasource is None or definition is None or configuration is None:
        found.note(field, "there is no datasource for it")
        return None
    by = describe(next((name.text.strip() for name in datasource.all("name")), "a datasource without a name"))
    if definition.get("type") != "RDBMS":
        found.note(field, f"{by} is of the type {describe(definition.get('type') or 'none')}, not RDBMS")
        return None
    text = found.texts(configuration, field)
    url = parse_jdbc_url(text.get("url", ""))
    if url is None:
        kind = (
            "one of H2" if text.get("url", "").startswith("jdbc:h2:") else "no URL of a single MySQL server"
        )
        found.note(field, f"the URL of {by} is {kind}")
        return None
    found.say("mysql.host", url.host, by=by)
    found.say("mysql.port", url.port, by=by)
    found.say(field, url.database, by=by)
    parameters: dict[str, str | Secret] = {
        name: Secret(value) if holds_password(name, value) else value
        for name, value in url.parameters.items()
    }
    found.say("mysql.url_parameters", parameters, by=by)
    for element, key in (("username", "mysql.username"), ("driverClassName", "mysql.driver_class")):
        if element in text:
            found.say(key, text[element], by=by)
    found.password("mysql.password", configuration.find("password"), by=by)
    found.number("pool.max_active", text.get("maxActive"), by=by)
    found.number("pool.max_wait_ms", text.get("maxWait"), by=by)
    found.switch("pool.test_on_borrow", text.get("testOnBorrow"), by=by)
    if "validationQuery" in text:
        found.say("pool.validation_query", text["validationQuery"], by=by)
    found.number("pool.validation_interval_ms", text.get("validationInterval"), by=by)
    return url.database


def holds_password(name: str, value: str) -> bool:
    """Whether a URL's parameter is a password, or hides one in its value."""
    from wizard.profile.validators import is_password_parameter, sets_password

    masked = shown(value, secret=False) not in (value, f'"{value}"')
    return is_password_parameter(name) or sets_password(value) or masked


STEP = Step(
    id="datasources",
    title="Datasources",
    help="The datasources of both nodes: users, registry, the two analytics stores, and the statistics.",
    fields=(
        "datasources.user",
        "datasources.registry",
        "datasources.event_store",
        "datasources.processed_data_store",
        "mysql.databases.stats",
        "pool.max_active",
        "pool.max_wait_ms",
        "pool.test_on_borrow",
        "pool.validation_query",
        "pool.validation_interval_ms",
    ),
    edits=(master_datasources, analytics_datasources, analytics_config, stats_datasources, user_mgt),
    checks=(secure_vault, stats, replication),
    reads=(read_user_store, read_registry_store, read_stores, read_stats),
)
