"""What a profile may hold, what it means, and that everything has its label and help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.support.cli import ROOT
from tests.support.profiles import minimal
from wizard.profile.cross_field import DATABASES
from wizard.profile.fields import keys, tables
from wizard.profile.model import Profile


def profile(folder="/profiles", **changes):
    return Profile.model_validate(minimal(**changes), context={"folder": Path(folder)})


def refused(**changes):
    with pytest.raises(ValidationError) as failure:
        profile(**changes)
    return failure.value.errors(include_url=False, include_input=False)


class TestLabelsAndHelp:
    @pytest.mark.parametrize("key", keys().values(), ids=keys())
    def test_every_key_has_a_label_one_line_of_help_and_valid_examples(self, key):
        assert key.title[:1].isupper()
        assert 0 < len(key.help) <= 76
        assert "\n" not in key.help
        assert not key.help.endswith(".")
        assert all(model.__doc__.splitlines()[0].endswith(".") for model in tables().values())
        more = {"mysql.admin_username": "a", "mysql.admin_password": {"env": "A"}}
        for node in (0, 1):
            name = key.key.replace("nodes.", f"nodes.{node}.")
            profile(**(more if "mysql.admin" in name else {}) | {name: key.example(node)})

    def test_the_kinds_are_those_that_a_form_needs(self):
        kinds = {name: key.kind for name, key in keys().items()}
        assert {kinds[name] for name in ("mysql.port", "nodes.port_offset", "schema_version")} == {"number"}
        assert {kinds[name] for name in ("mysql.password", "mysql.admin_password")} == {"reference"}
        assert {kinds[name] for name in ("mysql.driver_jar", "spark.symbolic_link", "nodes.home")} == {"path"}
        assert (kinds["mysql.host"], kinds["pool.test_on_borrow"]) == ("text", "switch")
        assert kinds["mysql.url_parameters"] == "parameters"
        choices = [(name, *key.choices) for name, key in keys().items() if key.kind == "choice"]
        provisioning = ("mysql.provisioning", "wizard", "server", "dba")
        assert choices == [provisioning, ("deployment_sync.method", "none", "svn")]
        assert keys()["mysql.host"].choices == ()


# fmt: off
ACCEPTED = {
    "mysql.host": ["localhost", "db.example.com.", "db_1.example.com", "::1", "2001:db8::10"],
    "nodes.0.host": ["node-1"],
    "mysql.port": [1, 65535],
    "nodes.1.port_offset": [0, 50000],
    "mysql.databases.user": ["user-db", "user.db", "user db", "üser`db'\";--", "x" * 64],
    "mysql.username": ["x" * 32, "Jürgen O'Neil"],
    "mysql.charset": ["utf8mb4"],
    "mysql.server_version": ["5.6", "8.0.36", "9", "10.11-MariaDB", "10.11.6-mariadb"],
    "mysql.grant_host": ["10.100.0.0/255.255.255.0", "::1"],
    "mysql.driver_class": ["org.mariadb.jdbc.Driver"],
    "mysql.url_parameters": [{"useSSL": "false", "a.b_C1": ""},
        {"trustCertificateKeyStorePassword": {"env": "X"}}, {"passwordCharacterEncoding": "UTF-8"},
        {"disconnectOnExpiredPasswords": "true"}, {"credentialType": "ENV"},
        {"sessionVariables": "sql_mode='ANSI',x=1"}],
    "registry.registry_root": ["/a/b c"],
    "registry.remote_url": ["http://localhost:9763/registry"],
    "nodes.0.spark_local_ip": ["::1", "10.100.0.46"],
    "deployment_sync.svn_url": ["file:///srv/svn", "svn+ssh://svn.example.com/x",
        "https://svn.example.com/a@b"],
    "spark.symbolic_link": ["/opt/analytics"],
    "cluster.domain": ["wso2 domain & <more>"],
}
REFUSED = {
    "mysql.host": ["", "a b", "a/b", "a\nb", "host:3306", "http://host", "[::1]", "fe80::1%eth0", "1.2.3",
        "1.2.3.256", "-a", "a..b", ".", "x" * 64, "x." * 150, "hôte", "user@host", 1],
    "mysql.port": [0, 65536, "3306", 3306.0, True, 10**30],
    "nodes.1.port_offset": [-1, 50001],
    "nodes.0.name": ["node 1", "", "nöde", "node1\n"],
    "nodes.0.home": ["", "  ", "/opt/a\nb", "/opt/a\0b", "/opt/a\u0085b", "/opt/a\u202eb", "/opt/\x1b[2J",
        "~nobody-of-that-name/x", 3],
    "mysql.databases.user": ["", "x" * 65, "a/b", "a\\b", "a?b", "a#b", "a%b", "a ", "a\0", "a\n"],
    "mysql.username": ["", "x" * 33, "a\nb"],
    "mysql.charset": ["latin1; DROP", ""],
    "mysql.server_version": ["five", "5.", 5.6, "5.6-Percona"],
    "mysql.grant_host": ["%'; DROP"],
    "mysql.driver_class": ["com.mysql..Driver", ""],
    "mysql.url_parameters": [{"a b": "x"}, {"": "x"}, {"useSSL": False}, {"useSSL": "a\nb"},
        "useSSL=false"],
    "mysql.provisioning": ["Wizard"],
    "pool.max_active": [0],
    "pool.max_wait_ms": [-1, 2**31],
    "pool.validation_query": ["", "SELECT 1\n"],
    "pool.test_on_borrow": ["true", 1],
    "registry.registry_root": ["a"],
    "registry.remote_url": ["localhost", "ftp://localhost/", "https:///x", "https://user:pass@localhost/"],
    "registry.cache_id": ["a\u202eb"],
    "cluster.domain": ["", "a\x1bb"],
    "cluster.name": ["a b"],
    "spark.master_count": [0],
    "spark.symbolic_link": ["opt/analytics", "~/analytics", "/", "/a\nb"],
    "nodes.0.spark_local_ip": ["node1", "1.2.3"],
    "event_processor.persistence_interval_minutes": [0],
    "event_processor.persistence_location": [""],
    "deployment_sync.method": ["git"],
    "deployment_sync.svn_url": ["svn.example.com/x", "https://svn.example.com/a b",
        "https://apim:pw@svn.example.com/x", "svn+ssh://apim@svn.example.com/x", "http://host:99999/r",
        "svn://host:port/r", "https://[::1/r"],
}
# fmt: on


def flat(values):
    return [(key, value) for key, several in values.items() for value in several]


class TestValues:
    @pytest.mark.parametrize(("key", "value"), flat(ACCEPTED))
    def test_accepted(self, key, value):
        profile(**{key: value})

    @pytest.mark.parametrize(("key", "value"), flat(REFUSED))
    def test_refused(self, key, value):
        (error,) = refused(**{key: value})
        place = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("@", "[")))
        assert place.startswith(key)


# fmt: off
STORE, PROCESSED = "mysql.databases.event_store", "mysql.databases.processed_data_store"
USER, REGISTRY, STATS = "mysql.databases.user", "mysql.databases.registry", "mysql.databases.stats"
STATS_DB = "WSO2AM_STATS_DB"
CONTRADICTIONS = [
    ("nodes.1.name", {"nodes.1.name": "node1"}),
    ("event_processor.presenter", {"event_processor.presenter": "node3"}),
    ("deployment_sync.manager", {"deployment_sync.manager": "node3"}),
    ("mysql.admin_password", {"mysql.admin_username": "root"}),
    ("mysql.admin_username", {"mysql.admin_password": {"prompt": True}}),
    (STORE, {STORE: "userdb"}),
    (STATS, {STATS: "regdb"}),
    (PROCESSED, {USER: "x", REGISTRY: "x", PROCESSED: "x"}),
    (STORE, {STORE: "WSO2UM_DB"}),
    (STORE, {STORE: "USERS", "datasources.user": "USERS"}),
    ("datasources.registry", {"datasources.user": "WSO2REG_DB"}),
    ("datasources.registry", {"datasources.registry": "WSO2_CARBON_DB"}),
    ("datasources.registry", {"datasources.registry": "WSO2CarbonDB"}),
    ("datasources.user", {"datasources.user": "WSO2AM_STATS_DB"}),
    ("datasources.user", {"datasources.user": "WSO2AM_STATS_DB", USER: "x", REGISTRY: "x"}),
    ("datasources.processed_data_store", {"datasources.user": "X", "datasources.processed_data_store": "X"}),
    ("datasources.processed_data_store", {"datasources.event_store": "X", "datasources.processed_data_store": "X"}),
    ("registry.db_config", {"registry.db_config": "wso2registry"}),
    ("datasources.event_store", {"datasources.event_store": "WSO2_CARBON_DB"}),
    (PROCESSED, {"datasources.event_store": "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"}),
    ("mysql.url_parameters.password", {"mysql.url_parameters": {"password": "x"}}),
    ("mysql.url_parameters.keyStorePASSWORD", {"mysql.url_parameters": {"keyStorePASSWORD": "x"}}),
    ("mysql.url_parameters.trustPwd", {"mysql.url_parameters": {"trustPwd": ""}}),
    ("mysql.url_parameters.useSSL", {"mysql.url_parameters": {"useSSL": "true&password=x"}}),
]
# fmt: on


class TestBetweenKeys:
    @pytest.mark.parametrize(("place", "changes"), CONTRADICTIONS)
    def test_one_mistake_is_reported_once_at_its_place(self, place, changes):
        (error,) = refused(**changes)
        assert ".".join(map(str, error["loc"])) == place
        assert error["ctx"]["known"].fix
        if error["loc"][:2] == ("mysql", "databases") and "already" in error["msg"]:
            assert "only user and registry may share one, and event_store, processed" in error["msg"]

    @pytest.mark.parametrize(
        "changes",
        [
            {REGISTRY: "userdb"},
            {USER: "x", REGISTRY: "x", "datasources.user": "WSO2REG_DB"},
            {STORE: "WSO2UM_DB", "datasources.user": "USERS"},
        ],
    )
    def test_databases_that_may_be_one(self, changes):
        profile(**changes)

    def test_svn_needs_its_keys_which_may_stay_when_the_method_is_none(self):
        places = {error["loc"] for error in refused(**{"deployment_sync.method": "svn"})}
        assert places == {("deployment_sync", key) for key in ("svn_url", "svn_username", "svn_password")}
        made = profile(**{"deployment_sync.svn_url": "https://svn.example.com/x"})
        assert made.deployment_sync.method == "none"


class TestMeaning:
    def test_nodes_by_their_name_and_their_part(self):
        made = profile()
        first, second = made.nodes
        assert (made.node("node2"), made.partner(first), made.partner(second)) == (second, second, first)
        assert (made.manager.name, made.presenter) == ("node1", None)
        made = profile(**{"deployment_sync.manager": "node2", "event_processor.presenter": "node2"})
        assert (made.manager.name, made.presenter.name) == ("node2", "node2")
        for wrong in (lambda: made.node("node3"), lambda: setattr(made.mysql, "port", 3307)):
            with pytest.raises((KeyError, ValidationError)):
                wrong()

    def test_relative_paths_count_from_the_folder_of_the_profile(self):
        paths = {"nodes.0.home": "packs/1", "mysql.driver_jar": "../x.jar", "nodes.0.java_home": "/jdk"}
        made = profile(**paths)
        paths = (made.nodes[0].home, made.mysql.driver_jar, made.nodes[0].java_home)
        assert list(map(str, paths)) == ["/profiles/packs/1", "/profiles/../x.jar", "/jdk"]

    @pytest.mark.parametrize(
        ("changes", "names"),
        [
            ({STORE: "EVENTS", "datasources.processed_data_store": "PINNED"}, ("EVENTS", "PINNED")),
            ({STORE: "x", PROCESSED: "x"}, (None, None)),
            ({STORE: "x", PROCESSED: "x", STATS: "x"}, (None, None)),
            ({STORE: "x", STATS: "x"}, ("x", DATABASES["processed_data_store"])),
            ({STORE: STATS_DB, STATS: STATS_DB}, (None, DATABASES["processed_data_store"])),
            ({STORE: "x", PROCESSED: "x", "datasources.event_store": "PINNED"}, ("PINNED", "x")),
        ],
    )
    def test_datasources_follow_their_databases_unless_pinned_or_two_names_would_be_one(self, changes, names):
        made = profile(**changes)
        assert tuple(map(made.datasource_name, ("event_store", "processed_data_store"))) == names

    def test_databases_in_the_order_of_the_procedure(self):
        assert list(profile().mysql.database_names().items()) == list(DATABASES.items())[:4]
        with_stats = profile(**{STATS: "STATS"}).mysql.database_names()
        assert list(with_stats.items()) == [*list(DATABASES.items())[:4], ("stats", "STATS")]


def test_loading_needs_neither_the_screen_nor_a_keyring():
    code = "import sys\nfrom wizard.profile.store import load\nload(sys.argv[1])\nprint(*sys.modules)\n"
    command = [sys.executable, "-c", code, "tests/profiles_of_old/1-full.toml"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "wizard.profile.model" in out
    assert not {"textual", "tomlkit", "keyring"} & set(out)
