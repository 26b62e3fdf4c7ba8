"""Step 3: the datasources of both nodes point to MySQL, and what names them follows (procedure 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TypeVar

from wizard.edit.splice import Note, Value, reveal, shown
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
from wizard.profile.jdbc_url import MySQLUrl, jdbc_url, parse_jdbc_url
from wizard.steps import sources
from wizard.steps.reading import describe
from wizard.steps.registry import mounted_instance
from wizard.steps.rows import Row, Scope, Table
from wizard.steps.step import Step, sole
from wizard.system import finding, network
from wizard.system.errors import EditError
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.edit.xml import XmlDocument, XmlElement
    from wizard.pack.xml import Element, XmlTree
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import DatabaseRole, Profile, Store
    from wizard.profile.passwords import Passwords
    from wizard.steps.reading import Reading

E = TypeVar("E", bound="Element")
C = TypeVar("C", bound="Element")

OTHER_WAY = ("dataSourceClassName", "dataSourceProps")
"""Elements with which the server ignores `url`, `username` and `password` (procedure, chapter 3)."""

STATS_DATASOURCE = "WSO2AM_STATS_DB"
STORES: dict[str, Store] = {"EVENT_STORE": "event_store", "PROCESSED_DATA_STORE": "processed_data_store"}
"""Record store → the field that names its database; `EVENT_STORE_WO` shares the event store's."""

JDBC_RECORD_STORE = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"

CIPHER_TEXT = "repository/conf/security/cipher-text.properties"


def url_of(role: DatabaseRole) -> Callable[[Scope], Value | None]:
    """The JDBC URL of a database; None where the profile has no such database."""

    def text(scope: Scope) -> Value | None:
        database = getattr(scope.bench.profile.mysql.databases, role)
        return database and scope.bench.passwords.url(scope.bench.profile, database)

    return text


def url_cause(role: DatabaseRole) -> Callable[[Scope, str], tuple[str, bool]]:
    """Which field changes a URL, and whether that rolls: only parameters do."""

    def cause(scope: Scope, old: str) -> tuple[str, bool]:
        mysql, url = scope.bench.profile.mysql, parse_jdbc_url(old)
        if url is None or url.database != getattr(mysql.databases, role):
            return f"mysql.databases.{role}", False
        if url.host != mysql.host:
            return "mysql.host", False
        return ("mysql.url_parameters", True) if url.port == mysql.port else ("mysql.port", False)

    return cause


POOL_ROWS = (
    Row("maxActive", "pool.max_active"),
    Row("maxWait", "pool.max_wait_ms"),
    Row("testOnBorrow", "pool.test_on_borrow"),
    Row("validationQuery", "pool.validation_query"),
    Row("validationInterval", "pool.validation_interval_ms"),
)


def connection_rows(file: str, role: DatabaseRole) -> Table:
    """What `definition/configuration` of a datasource holds for a database; without one, nothing."""
    rows: tuple[Row, ...] = (
        Row(
            "url",
            f"mysql.databases.{role}",
            url_of(role),
            rolls=False,
            cause=url_cause(role),
            means="the JDBC URL, of `mysql.host`, `mysql.port` and `mysql.url_parameters`, which alone roll",
        ),
        Row("username", "mysql.username"),
        Row("password", "mysql.password", rolls=False),
        Row("driverClassName", "mysql.driver_class"),
        *POOL_ROWS,
    )
    if role not in ("user", "registry"):
        rows += (Row("defaultAutoCommit", text="false"),)
    return Table(file, f"datasource ({role.replace('_', ' ')})/definition/configuration", rows)


def name_rows(file: str, role: Literal["user", "registry"], description: str) -> Table:
    """What names a datasource, and binds it for the files that use it."""
    field = f"datasources.{role}"
    return Table(
        file,
        f"datasource ({role})",
        (
            Row("name", field),
            Row("description", text=description),
            Row(
                "jndiConfig/name",
                field,
                lambda scope: f"jdbc/{reveal(scope.value(field) or '')}",
                makes=True,
                means="`jdbc/NAME`",
            ),
        ),
    )


ROLES: dict[DatabaseRole, str] = {
    "user": MASTER_DATASOURCES,
    "registry": MASTER_DATASOURCES,
    "event_store": ANALYTICS_DATASOURCES,
    "processed_data_store": ANALYTICS_DATASOURCES,
    "stats": STATS_DATASOURCES,
}
CONNECTION_ROWS = {role: connection_rows(file, role) for role, file in ROLES.items()}
NAME_ROWS = {
    "user": name_rows(MASTER_DATASOURCES, "user", "The datasource used by user manager"),
    "registry": name_rows(MASTER_DATASOURCES, "registry", "The datasource used by the registry"),
}


def master_datasources(bench: Workbench) -> None:
    """`master-datasources.xml`: the user manager's and the registry's datasource; the H2 one stays as it is."""
    document, scope = bench.xml(MASTER_DATASOURCES), Scope(bench, bench.node)
    for name, role in shared_datasources(bench.profile).items():
        found = find_datasource(document, name)
        if found is None:
            names = NAME_ROWS[role].new("datasource", scope).children or ()
            add_datasource(document, names, role, scope, f"datasources.{role}")
        else:
            NAME_ROWS[role].write(found, scope)
            configure(found, role, scope)


def shared_datasources(profile: Profile) -> dict[str, Literal["user", "registry"]]:
    """Name → whose datasource it is; where both names are one, one datasource: the registry's."""
    return {profile.datasources.user: "user", profile.datasources.registry: "registry"}


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
    return sole(document, found, f"the datasource {name}: that name or jdbc/{name}")


def add_datasource(
    document: XmlDocument, names: tuple[New, ...], role: DatabaseRole, scope: Scope, field: str
) -> None:
    """Put a datasource behind the last one: what names it, and the connection to its database."""
    connection = CONNECTION_ROWS[role].new("configuration", scope)
    new = New(
        "datasource",
        children=(*names, New("definition", {"type": "RDBMS"}, children=(connection,))),
    )
    holder, note = document.one("datasources"), Note(field=field)
    there = holder.all("datasource")
    if there:
        there[-1].insert_after(new, note=note)
    else:
        holder.append(new, note=note)


def configure(datasource: XmlElement, role: DatabaseRole, scope: Scope) -> None:
    """Point a JDBC datasource to the database of that role."""
    label = datasource.one("name").text.strip()
    definition = datasource.one("definition")
    if definition.get("type") != "RDBMS":
        raise EditError(
            f"the datasource {label} is of the type {definition.get('type')}, and a JDBC one is needed",
            place=f"{datasource.document.name}:{definition.line}",
            fix='let the record store use a datasource with <definition type="RDBMS">',
        )
    configuration = definition.one("configuration")
    CONNECTION_ROWS[role].write(configuration, scope, label)
    for name in OTHER_WAY:
        for element in configuration.all(name):
            element.remove(note=Note(f"{label}/{name}"))


def analytics_datasources(bench: Workbench) -> None:
    """`analytics-datasources.xml`: the stores' datasources, found by the name that `analytics-config.xml` gives now."""
    document, config = bench.xml(ANALYTICS_DATASOURCES), bench.pack.xml(ANALYTICS_CONFIG)
    scope = Scope(bench, bench.node)
    # All are looked up before the first is renamed: two stores may change their names.
    found = store_datasources(document, config, bench.profile)
    for role, name in store_names(config, bench.profile).items():
        datasource = found[role]
        if datasource is None:
            description = New("description", text="The datasource used for analytics record store")
            names = (New("name", text=name), description)
            add_datasource(document, names, role, scope, name_field(bench.profile, role))
        else:
            datasource.one("name").set_text(
                name, note=Note(field=name_field(bench.profile, role), rolls=True)
            )
            configure(datasource, role, scope)


def name_field(profile: Profile, role: Store) -> str:
    """The field that a store's datasource is called after."""
    pinned = getattr(profile.datasources, role) is not None
    return f"datasources.{role}" if pinned else f"mysql.databases.{role}"


def store_datasources(document: XmlTree[E], config: XmlTree[C], profile: Profile) -> dict[Store, E | None]:
    """The datasource that each store has, or takes over since it carries the name already; None: a new one.

    A store's own is the one that its record store names; where both name one, it stays the first's, unless both
    keep its name.
    """
    stores = jdbc_stores(config)
    names = {field: store_datasource(config, store).text.strip() for store, field in stores.items()}
    wanted = store_names(config, profile)
    chosen: dict[Store, str] = {}
    for field, name in wanted.items():
        there = document.find("datasources/datasource[name=$name]", name=name) is not None
        if there and (names[field] == name or name not in names.values() or name in chosen.values()):
            chosen[field] = name
    for field, name in names.items():
        if field not in chosen and name not in chosen.values():
            chosen[field] = name
    found: dict[Store, E | None] = {}
    for store, field in stores.items():
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


def store_names(config: XmlTree[C], profile: Profile) -> dict[Store, str]:
    """The name that the datasource of each store gets: the profile's, else the one that the pack has now.

    Raises:
        EditError: two databases would be in one datasource.
    """
    names = {
        field: profile.datasource_name(field) or store_datasource(config, store).text.strip()
        for store, field in jdbc_stores(config).items()
    }
    databases = {getattr(profile.mysql.databases, field) for field in names}
    if len(set(names.values())) < len(names) == len(databases):
        raise EditError(
            f"names {names['event_store']} for both record stores, which have different databases",
            place=config.name,
            fix="pin a name for each: event_store and processed_data_store under [datasources]",
        )
    return names


def store_datasource(document: XmlTree[E], store: str) -> E:
    return document.one(f"analytics-record-store[@name='{store}']/properties/property[@name='datasource']")


def jdbc_stores(config: XmlTree[C]) -> dict[str, Store]:
    """The record stores that a JDBC datasource keeps: another one's data (Cassandra, HBase) is not moved."""
    return {
        store: field
        for store, field in STORES.items()
        if is_jdbc(config.one(f"analytics-record-store[@name='{store}']"))
    }


def is_jdbc(record_store: Element) -> bool:
    """Whether the implementation of a record store is the one for JDBC."""
    return implementation(record_store).rpartition(".")[2] == JDBC_RECORD_STORE.rpartition(".")[2]


def implementation(record_store: Element) -> str:
    found = record_store.find("implementation")
    return found.text.strip() if found is not None else ""


def analytics_config(bench: Workbench) -> None:
    """`analytics-config.xml`: each record store names the datasource of its database."""
    document = bench.xml(ANALYTICS_CONFIG)
    names = store_names(document, bench.profile)
    wanted = {store: names[field] for store, field in jdbc_stores(document).items()}
    renamed: dict[str, str] = {}
    if any(store_datasource(document, store).text.strip() != name for store, name in wanted.items()):
        renamed = _renamed(bench)
    if "EVENT_STORE" in wanted:
        wanted["EVENT_STORE_WO"] = wanted["EVENT_STORE"]
    for element in filter(is_jdbc, document.all("analytics-record-store")):
        name = element.get("name") or ""
        for named in element.all("properties/property[@name='datasource']"):
            now = named.text.strip()
            # Another record store that shares one of the two goes with it.
            field = name_field(bench.profile, STORES.get(name.removesuffix("_WO"), "event_store"))
            note = Note(f"{name}/datasource", field, rolls=True)
            named.set_text(wanted.get(name) or renamed.get(now) or now, note=note)


def _renamed(bench: Workbench) -> dict[str, str]:
    """Old name → new name of the stores' datasources."""
    document, config = bench.pack.xml(ANALYTICS_DATASOURCES), bench.pack.xml(ANALYTICS_CONFIG)
    found = store_datasources(document, config, bench.profile)
    return {
        datasource.one("name").text.strip(): name
        for (field, name) in store_names(config, bench.profile).items()
        if (datasource := found[field]) is not None
    }


def stats_datasources(bench: Workbench) -> None:
    """`stats-datasources.xml`: the statistics that API Manager shows, where the profile names a database for them."""
    if bench.profile.mysql.databases.stats is None:
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
    configure(found, "stats", Scope(bench, bench.node))


USER_STORE_ROWS = Table(
    USER_MGT,
    "Realm/Configuration",
    (
        Row(
            "Property[@name='dataSource']",
            "datasources.user",
            lambda scope: f"jdbc/{scope.bench.profile.datasources.user}",
            means="`jdbc/NAME`",
        ),
    ),
)


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
        (MASTER_DATASOURCES, find_datasource(master, name)) for name in shared_datasources(profile)
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
    names = set(shared_datasources(profile))
    try:
        names |= set(store_names(pack.xml(ANALYTICS_CONFIG), profile).values())
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
            yield finding.ok(f"{STATS_DATASOURCE} is not an H2 file", node=node.name)
        else:
            yield finding.warning(
                f"{STATS_DATASOURCE} stays an H2 file (../tmpStatDB), which nodes on two machines cannot share",
                node=node.name,
                fix=Fix(
                    'set mysql.databases.stats = "WSO2AM_STATS_DB"',
                    SetField("mysql.databases.stats", STATS_DATASOURCE, "a statistics database"),
                ),
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


@check(
    "datasources.duplicate",
    why="Of two datasources of one name the server takes the first and drops the rest of the files; of two with one "
    "JNDI name it takes the one that it happens to read last.",
    fix="Remove the other definition, or name the datasources otherwise: [datasources].",
)
def duplicate(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        pack = sources.after_the_run(context, node.name)
        everything = list(sources.definitions(pack))
        written = [one for one in everything if _is_written(one, pack, context.profile)]
        doubles = {
            f"{other.path} defines {name} too, line {other.datasource.line} ({one.path} has it)"
            for one in written
            for other in everything
            if other.path != one.path
            for name in (one.names & other.names) | (one.jndi_names & other.jndi_names)
        }
        for double in sorted(doubles):
            yield finding.error(
                double,
                node=node.name,
                fix="remove one of the two definitions, or name ours otherwise in [datasources]",
            )
        if not doubles:
            yield finding.ok(f"{len(written)} datasources, each defined once", node=node.name)


def _is_written(one: sources.Definition, pack: Pack, profile: Profile) -> bool:
    """Whether a datasource is one of those that a run configures, once it has."""
    if one.path == MASTER_DATASOURCES:
        return bool(one.names & shared_datasources(profile).keys())
    if one.path == ANALYTICS_DATASOURCES:
        return bool(one.names & set(store_names(pack.xml(ANALYTICS_CONFIG), profile).values()))
    if one.path != STATS_DATASOURCES or profile.mysql.databases.stats is None:
        return False
    return STATS_DATASOURCE in one.names or f"jdbc/{STATS_DATASOURCE}" in one.jndi_names


@check(
    "datasources.record-store",
    why="What Cassandra or HBase hold is not moved to MySQL: such a store keeps its database.",
    fix=f"Set its implementation to {JDBC_RECORD_STORE}, or leave it as it is with --ignore datasources.record-store.",
)
def record_store(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        config = context.packs[node.name].xml(ANALYTICS_CONFIG)
        others = [
            one
            for one in config.all("analytics-record-store")
            if one.get("name") in (*STORES, "EVENT_STORE_WO") and not is_jdbc(one)
        ]
        for other in others:
            kind = describe(implementation(other).rpartition(".")[2] or "nothing")
            yield finding.error(
                f"the record store {other.get('name')} is implemented by {kind} ({ANALYTICS_CONFIG}, line "
                f"{other.line}), and is not moved to MySQL",
                node=node.name,
                fix=f"set its implementation to {JDBC_RECORD_STORE} and its datasource to one of "
                "analytics-datasources.xml, or leave it as it is with --ignore datasources.record-store",
            )
        if not others:
            yield finding.ok("the record stores are in JDBC datasources", node=node.name)


@check(
    "datasources.placeholder",
    always=True,
    why="In these files the server replaces ${name} with a system property, so that it reads another value than the "
    "one that is written; a } in front of the first ${ makes it fail.",
    fix="Choose a value without ${.",
)
def placeholder(context: CheckContext) -> Iterator[Finding]:
    places: dict[tuple[str, bool], list[str]] = {}
    looked_at = {(change.path, step) for change in context.plan.changes for step in change.steps}
    for (path, step), values in _replaced(context.profile, context.passwords).items():
        for field, value in values.items() if (path, step) in looked_at else ():
            text = reveal(value or "")
            if "${" in text:
                key = (field, "}" in text.partition("${")[0])
                places.setdefault(key, []).append(path.rpartition("/")[2])
    for (field, fails), files in places.items():
        effect = "fails on the } in front of it" if fails else "replaces with the value of a system property"
        yield finding.error(
            f"{field} holds ${{, which the server {effect} ({', '.join(files)})",
            fix=f"choose a value without ${{ for {field}",
        )
    if not places:
        yield finding.ok("no value with ${ goes where the server replaces it")


def _replaced(
    profile: Profile, passwords: Passwords
) -> dict[tuple[str, str], dict[str, str | Secret | None]]:
    """File and step → the fields, with their values, that the step writes where the server replaces `${name}`.

    A host cannot hold one, and the name of a database is percent-encoded.  Source: procedure 3, "Placeholders".
    """
    mysql, registry, sync = profile.mysql, profile.registry, profile.deployment_sync
    connection: dict[str, str | Secret | None] = {
        "mysql.username": mysql.username,
        "mysql.password": passwords.mysql,
        **{f"mysql.url_parameters.{name}": value for name, value in passwords.url_parameters.items()},
        "pool.validation_query": profile.pool.validation_query,
    }
    derived = (
        {"registry.cache_id": registry.cache_id} if registry.cache_id else {"mysql.username": mysql.username}
    )
    return {
        (MASTER_DATASOURCES, "datasources"): connection,
        (ANALYTICS_DATASOURCES, "datasources"): connection,
        (STATS_DATASOURCES, "datasources"): connection,
        (USER_MGT, "datasources"): {"datasources.user": profile.datasources.user},
        (REGISTRY, "registry"): {
            "datasources.registry": profile.datasources.registry,
            **derived,
            **{
                f"registry.{name}": getattr(registry, name)
                for name in (
                    "remote_url",
                    "registry_root",
                    "instance_id",
                    "db_config",
                    "governance_target",
                    "config_target",
                )
            },
        },
        (CARBON, "deployment-sync"): {
            "deployment_sync.svn_url": sync.svn_url,
            "deployment_sync.svn_username": sync.svn_username,
            "deployment_sync.svn_password": passwords.svn,
        }
        if sync.method == "svn"
        else {},
    }


def read_user_store(found: Reading) -> None:
    """The user manager's datasource, which `user-mgt.xml` names."""
    named = found.pack.xml(USER_MGT).find("Realm/Configuration/Property[@name='dataSource']")
    read_shared(found, "user", named)


def read_registry_store(found: Reading) -> None:
    """The registry's datasource: mount → instanceId → remoteInstance → dbConfig → datasource."""
    document = found.pack.xml(REGISTRY)
    config = sources.config_of_instance(document, mounted_instance(document) or "")
    read_shared(found, "registry", document.find("dbConfig[@name=$name]/dataSource", name=config))


def read_shared(found: Reading, role: Literal["user", "registry"], named: Element | None) -> None:
    """The datasource that is bound to the JNDI name in `named`."""
    jndi_name = named.text.strip() if named is not None else ""
    if not jndi_name:
        found.note(f"mysql.databases.{role}", "no datasource is named for it")
        return
    found.pack.xml(MASTER_DATASOURCES)  # raises where it cannot be read: then nothing is known
    datasource = next(iter(sources.by_jndi_name(found.pack, jndi_name)), None)
    if read_configuration(found, datasource, role) is None or datasource is None:
        return
    own = jndi_name.removeprefix("jdbc/")
    found.say(f"datasources.{role}", own)
    label = datasource.one("name").text.strip()
    if (label, f"jdbc/{label}") != (own, jndi_name):
        found.note(
            f"datasources.{role}",
            f"{describe(label)} is bound to {describe(jndi_name)}: a replay names both after {describe(own)}",
        )


def read_stores(found: Reading) -> None:
    """The datasources that the two record stores name."""
    document, config = found.pack.xml(ANALYTICS_DATASOURCES), found.pack.xml(ANALYTICS_CONFIG)
    stores = jdbc_stores(config)
    names = {field: store_datasource(config, store).text.strip() for store, field in stores.items()}
    for store, role in STORES.items():
        if store not in stores:
            kind = implementation(config.one(f"analytics-record-store[@name='{store}']"))
            found.note(f"mysql.databases.{role}", f"{store} is implemented by {describe(kind or 'nothing')}")
            continue
        datasource = document.find("datasources/datasource[name=$name]", name=names[role])
        database = read_configuration(found, datasource, role)
        # A name that both stores share belongs to neither: the pack's names stay.
        if database not in (None, names[role]) and list(names.values()).count(names[role]) == 1:
            found.say(f"datasources.{role}", names[role])
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
        found.note(field, "no datasource was found for it")
        return None
    by = describe(next((name.text.strip() for name in datasource.all("name")), "a datasource without a name"))
    if definition.get("type") != "RDBMS":
        found.note(field, f"{by} is of the type {describe(definition.get('type') or 'none')}, not RDBMS")
        return None
    text = found.texts(configuration, field)
    address = sources.url_of(datasource)
    url = parse_jdbc_url(address)
    if url is None:
        kind = "one of H2" if address.startswith("jdbc:h2:") else "not a URL of a single MySQL server"
        found.note(field, f"the URL of {by} is {kind}")
        return None
    other = _other_server(found, url)
    found.say("mysql.host", url.host, by=by)
    found.say("mysql.port", url.port, by=by)
    if other is not None:
        found.note(
            field,
            f"{by} is on another server than the other datasources, {other}, which a profile cannot express",
        )
        return None
    found.say(field, url.database, by=by)
    parameters: dict[str, str | Secret] = {
        name: Secret(value) if holds_password(name, value) else value
        for name, value in url.parameters.items()
    }
    found.say("mysql.url_parameters", parameters, by=by)
    if "dataSourceClassName" in text:
        found.note(field, f"{by} is configured by dataSourceClassName: a replay removes that")
        for name in ("username", "password"):
            setting = sources.setting(configuration, name)
            found.take(f"mysql.{name}", [setting] if setting is not None else [], by=by)
        # The other elements count there too.
        Table("", "", POOL_ROWS).read(found, configuration, by)
    else:
        CONNECTION_ROWS[role].read(found, configuration, by)
    return url.database


def _other_server(found: Reading, url: MySQLUrl) -> str | None:
    """The server that other datasources of the home are on, where this URL leads to another."""
    host, port = found.values.get("mysql.host"), found.values.get("mysql.port", 3306)
    if host is None or sources.is_same_database(jdbc_url(host, port, "x"), jdbc_url(url.host, url.port, "x")):
        return None
    return describe(f"{host}:{port}")


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
    edits=(
        master_datasources,
        analytics_datasources,
        analytics_config,
        stats_datasources,
        USER_STORE_ROWS.edit,
    ),
    tables=(*NAME_ROWS.values(), *CONNECTION_ROWS.values(), USER_STORE_ROWS),
    checks=(secure_vault, duplicate, record_store, placeholder, stats, replication),
    reads=(read_user_store, read_registry_store, read_stores, read_stats),
)
