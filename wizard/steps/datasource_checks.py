"""Checks of step 3: what keeps a server from reading the datasources as they are written (procedure 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.edit.edits import reveal
from wizard.pack.home import (
    ANALYTICS_CONFIG,
    ANALYTICS_DATASOURCES,
    CARBON,
    MASTER_DATASOURCES,
    REGISTRY,
    STATS_DATASOURCES,
    USER_MGT,
)
from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.steps import sources
from wizard.steps.reading import describe
from wizard.steps.rows import Row, value_of
from wizard.steps.sources import JDBC_RECORD_STORE, STORES, implementation, is_jdbc
from wizard.system import finding, network
from wizard.system.errors import EditError
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.profile.model import Node, Profile

CIPHER_TEXT = "repository/conf/security/cipher-text.properties"


@Check(
    "datasources.secure-vault",
    why="The server takes such a password from its vault and ignores the one that is written.",
    fix="Remove the svns:secretAlias attribute and the entry in cipher-text.properties, or leave the step out and "
    "put the password into the vault with ciphertool.sh.",
)
@each_home("no password that will be written is in the secure vault")
def secure_vault(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    svn = context.profile.deployment_sync.method == "svn" and any(
        change.node == node.name and "deployment-sync" in change.steps for change in context.plan.changes
    )
    try:
        places = list(_managed(pack, context.profile, svn=svn))
    except EditError:
        return  # prerequisites.files reports the broken file
    for place in places:
        yield finding.error(
            f"{place} is managed by the secure vault: the server would ignore the password that is written"
        )


def _managed(pack: Pack, profile: Profile, *, svn: bool) -> Iterator[str]:
    """Yield each password that a run writes, and the vault manages: by an attribute, or in the vault's file."""
    names, found = set(), []
    for path, name, datasource in sources.configured(pack, profile):
        names.add(name)
        if datasource is not None and (label := datasource.find("name")) is not None:
            names.add(label.text.strip())
            passwords = datasource.all("definition/configuration/password")
            found += [(path, label.text.strip(), password) for password in passwords]
    if svn:
        own = pack.xml(CARBON).all("DeploymentSynchronizer/SvnPassword")
        found += [(CARBON, "DeploymentSynchronizer", password) for password in own]
    for path, name, password in found:
        if password.get("secretAlias") is not None:
            yield f"the password of {name} ({path}, line {password.line})"
    if not pack.exists(CIPHER_TEXT):
        return
    entries = pack.properties(CIPHER_TEXT)
    for key in entries.keys():  # noqa: SIM118 (no mapping)
        parts = set(re.split(r"[^A-Za-z0-9_-]+", key))
        # `[…]` is the placeholder of a password that ciphertool has not encrypted yet.
        encrypted = not (entries.get(key) or "").strip().startswith("[")
        if names & parts or (svn and "SvnPassword" in parts and encrypted):
            yield f"{key} ({CIPHER_TEXT})"


@Check(
    "datasources.duplicate",
    why="Of two datasources of one name the server takes the first and drops the rest of the files; of two with one "
    "JNDI name it takes the one that it happens to read last.",
    fix="Remove the other definition, or choose other names for the datasources: [datasources].",
)
@each_home()
def duplicate(context: CheckContext, node: Node, _: Pack) -> Iterator[Finding]:
    pack = sources.after_the_run(context, node.name)
    everything = list(sources.definitions(pack))
    ours = {datasource for _, _, datasource in sources.configured(pack, context.profile)}
    written = [one for one in everything if one.datasource in ours]
    doubles = {
        f"{other.path} defines {name} too, line {other.datasource.line} ({one.path} has it)"
        for one in written
        for other in everything
        if other.path != one.path
        for name in (one.names & other.names) | (one.jndi_names & other.jndi_names)
    }
    yield from map(finding.error, sorted(doubles))
    if not doubles:
        yield finding.ok(f"{len(written)} datasources, each defined once")


@Check(
    "datasources.record-store",
    why="Data in Cassandra or HBase is not moved to MySQL: such a store keeps its database.",
    fix=f"Set its implementation to {JDBC_RECORD_STORE} and its datasource to one of analytics-datasources.xml, or "
    "leave it as it is with --ignore datasources.record-store.",
)
@each_home("the record stores are in JDBC datasources")
def record_store(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    for store in pack.xml(ANALYTICS_CONFIG).all("analytics-record-store"):
        if store.get("name") in (*STORES, "EVENT_STORE_WO") and not is_jdbc(store):
            yield finding.error(
                f"the record store {store.get('name')} is implemented by {describe(implementation(store) or 'nothing')}"
                f" ({ANALYTICS_CONFIG}, line {store.line}), and is not moved to MySQL"
            )


REPLACING = (MASTER_DATASOURCES, ANALYTICS_DATASOURCES, STATS_DATASOURCES, USER_MGT, REGISTRY, CARBON)
"""Files in which the server replaces `${name}` (procedure 3, "Placeholders")."""


@Check(
    "datasources.placeholder",
    always=True,
    why="In these files the server replaces ${name} with a system property, so that it reads another value than the "
    "one that is written; a } in front of the first ${ makes it fail.",
    fix="Choose a value without ${.",
    passed="no value with ${ is written where the server replaces it",
)
def placeholder(context: CheckContext) -> Iterator[Finding]:
    places: dict[tuple[str, bool], dict[str, None]] = {}
    written = {(change.path, step) for change in context.plan.changes for step in change.steps}
    for step in context.steps:
        for table in step.tables:
            if table.file not in REPLACING or (table.file, step.id) not in written:
                continue
            rows = [row for row in table.rows if row.field and not row.field.startswith("nodes.")]
            for field, text in (one for row in rows for one in _texts(row, context)):
                if "${" in text:
                    key = (field, "}" in text.partition("${")[0])
                    places.setdefault(key, {})[table.file.rpartition("/")[2]] = None
    for (field, fails), files in places.items():
        effect = "fails on the } in front of it" if fails else "replaces with the value of a system property"
        yield finding.error(f"{field} holds ${{, which the server {effect} ({', '.join(files)})")


def _texts(row: Row, context: CheckContext) -> Iterator[tuple[str, str]]:
    """Yield the field of a row, or those that its value is made of, each with its text.

    No field of a node can hold `${`, and in a URL the name of the database is percent-encoded.
    """
    profile, passwords, field = context.profile, context.passwords, row.field
    if field.startswith("mysql.databases."):
        for name, value in passwords.url_parameters.items():
            yield f"mysql.url_parameters.{name}", reveal(value)
    elif field == "registry.cache_id" and not profile.registry.cache_id:
        yield "mysql.username", profile.mysql.username
    elif not field.startswith("deployment_sync.") or profile.deployment_sync.method == "svn":
        yield field, reveal(value_of(field, profile, passwords) or "")


@Check(
    "datasources.stats",
    field="mysql.databases.stats",
    severity="warning",
    why="The statistics stay in a file beside the home of each node: API Manager does not see what the other node "
    "counts.",
    fix="Name a database for the statistics: mysql.databases.stats.",
)
@each_home()
def stats(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    profile, name = context.profile, sources.STATS_DATASOURCE
    hosts = [one.host for one in profile.nodes]
    if not pack.exists(STATS_DATASOURCES):
        yield finding.ok(f"{pack.title} has no statistics datasource")
    elif profile.mysql.databases.stats is not None:
        yield finding.ok(f"the statistics go to {profile.mysql.databases.stats}")
    elif network.on_one_machine(hosts, resolve=not context.offline):
        yield finding.ok("the statistics stay in a file that both nodes can reach")
    elif not sources.stats_is_h2(pack):
        yield finding.ok(f"{name} is not an H2 file")
    else:
        yield finding.warning(
            f"{name} stays an H2 file (../tmpStatDB), which nodes on two machines cannot share",
            fix=Fix(
                f'set mysql.databases.stats = "{name}"',
                SetField("mysql.databases.stats", name, "a statistics database"),
            ),
        )


@Check(
    "datasources.replication",
    severity="warning",
    why="With 0 copies of the index, a node's part of it is lost with that node.",
    fix="Set indexReplicationFactor in analytics-config.xml to at least 1.",
)
@each_home()
def replication(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    found = pack.xml(ANALYTICS_CONFIG).all("indexReplicationFactor")
    factor = found[0].text.strip() if found else ""
    if factor == "0":
        yield finding.warning(f"indexReplicationFactor is 0 ({ANALYTICS_CONFIG}, line {found[0].line})")
    else:
        yield finding.ok(f"indexReplicationFactor is {factor or 'the default'}")


CHECKS = (secure_vault, duplicate, record_store, placeholder, stats, replication)
