"""What a profile may hold, what it means, and that everything has its label and help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.support.profiles import MINIMAL, minimal
from wizard.passwords.references import EnvReference, PromptReference
from wizard.profile.cross_field import DATASOURCES
from wizard.profile.fields import keys, tables
from wizard.profile.model import Profile


def profile(folder="/profiles", **changes):
    return Profile.model_validate(minimal(**changes), context={"folder": Path(folder)})


def refused(**changes):
    with pytest.raises(ValidationError) as failure:
        profile(**changes)
    return failure.value.errors(include_url=False, include_input=False)


class TestDefaults:
    """Those of the design, key by key."""

    @pytest.mark.parametrize(
        ("key", "default"),
        [
            ("cluster.name", "analytics"),
            ("cluster.domain", "wso2.carbon.domain"),
            ("cluster.task_server_count", None),
            ("mysql.port", 3306),
            ("mysql.admin_username", None),
            ("mysql.admin_password", None),
            ("mysql.provisioning", "wizard"),
            ("mysql.server_version", None),
            ("mysql.charset", None),
            ("mysql.store_charset", None),
            ("mysql.grant_host", "%"),
            ("mysql.url_parameters", {}),
            ("mysql.driver_class", "com.mysql.jdbc.Driver"),
            ("mysql.driver_jar", None),
            ("mysql.databases.user", "userdb"),
            ("mysql.databases.registry", "regdb"),
            ("mysql.databases.event_store", "WSO2_ANALYTICS_EVENT_STORE_DB"),
            ("mysql.databases.processed_data_store", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"),
            ("mysql.databases.stats", None),
            ("datasources.user", DATASOURCES["user"]),
            ("datasources.registry", DATASOURCES["registry"]),
            ("datasources.event_store", None),
            ("datasources.processed_data_store", None),
            ("pool.max_active", 50),
            ("pool.max_wait_ms", 60000),
            ("pool.test_on_borrow", True),
            ("pool.validation_query", "SELECT 1"),
            ("pool.validation_interval_ms", 30000),
            ("registry.remote_url", "https://localhost:9443/registry"),
            ("registry.cache_id", None),
            ("registry.read_only", False),
            ("registry.enable_cache", True),
            ("registry.registry_root", "/"),
            ("registry.instance_id", "gov"),
            ("registry.db_config", "govregistry"),
            ("registry.governance_target", "/_system/governance"),
            ("registry.config_target", "/_system/config"),
            ("event_processor.persistence", True),
            ("event_processor.persistence_interval_minutes", None),
            ("event_processor.persistence_location", None),
            ("event_processor.duplicated_events", False),
            ("event_processor.presenter", None),
            ("spark.master_count", 2),
            ("spark.symbolic_link", None),
            ("deployment_sync.method", "none"),
            ("deployment_sync.svn_url", None),
            ("deployment_sync.svn_username", None),
            ("deployment_sync.svn_password", None),
            ("deployment_sync.append_tenant_id", True),
            ("deployment_sync.manager", None),
            ("nodes.hazelcast_port", 4000),
            ("nodes.port_offset", None),
            ("nodes.event_sync_port", 11224),
            ("nodes.management_port", 10005),
            ("nodes.presentation_port", 11000),
            ("nodes.spark_local_ip", None),
            ("nodes.java_home", None),
        ],
    )
    def test_each(self, key, default):
        value = profile()
        for part in key.split("."):
            value = getattr(value, part)[1] if part == "nodes" else getattr(value, part)
        assert value == default
        assert type(value) is type(default)

    def test_these_and_the_required_ones_are_all_keys(self):
        required = {key.key for key in keys().values() if key.required}
        assert required == {
            "schema_version",
            "mysql.host",
            "mysql.username",
            "mysql.password",
            "nodes.name",
            "nodes.home",
            "nodes.host",
        }
        tested = {parameters[0] for parameters in TestDefaults.test_each.pytestmark[0].args[1]}
        assert set(keys()) == required | tested


class TestLabelsAndHelp:
    @pytest.mark.parametrize("key", keys().values(), ids=keys())
    def test_every_key_has_a_label_and_one_line_of_help(self, key):
        assert key.title
        assert key.title[0].isupper()
        assert key.help
        assert len(key.help) <= 76
        assert "\n" not in key.help
        assert not key.help.endswith(".")

    @pytest.mark.parametrize("name", tables())
    def test_every_table_says_what_it_is(self, name):
        assert tables()[name].__doc__.splitlines()[0].endswith(".")

    @pytest.mark.parametrize("key", keys().values(), ids=keys())
    def test_the_examples_are_right(self, key):
        for node in (0, 1):
            name = key.key.replace("nodes.", f"nodes.{node}.")
            more = {}
            if key.key in ("mysql.admin_username", "mysql.admin_password"):
                more = {"mysql.admin_username": "a", "mysql.admin_password": {"env": "A"}}
            profile(**more | {name: key.example(node)})

    def test_the_kinds_are_those_that_a_form_needs(self):
        kinds = {key.key: key.kind for key in keys().values()}
        assert kinds["mysql.host"] == "text"
        assert kinds["mysql.port"] == "number"
        assert kinds["mysql.password"] == "reference"
        assert kinds["mysql.admin_password"] == "reference"
        assert kinds["mysql.url_parameters"] == "parameters"
        assert kinds["mysql.driver_jar"] == "path"
        assert kinds["spark.symbolic_link"] == "path"
        assert kinds["nodes.home"] == "path"
        assert kinds["nodes.port_offset"] == "number"
        assert kinds["pool.test_on_borrow"] == "switch"
        assert keys()["mysql.provisioning"].choices == ("wizard", "server", "dba")
        assert keys()["deployment_sync.method"].choices == ("none", "svn")


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
        {"disconnectOnExpiredPasswords": "true"}, {"sessionVariables": "sql_mode='ANSI',x=1"}],
    "registry.registry_root": ["/a/b c"],
    "registry.remote_url": ["http://localhost:9763/registry"],
    "nodes.0.spark_local_ip": ["::1", "10.100.0.46"],
    "deployment_sync.svn_url": ["file:///srv/svn", "svn+ssh://svn.example.com/x",
        "https://svn.example.com/a@b"],
    "spark.symbolic_link": ["/opt/analytics"],
    "cluster.domain": ["wso2 domain & <more>"],
}
# fmt: on
# fmt: off
REFUSED = {
    "mysql.host": ["", "a b", "a/b", "a\nb", "host:3306", "http://host", "[::1]", "fe80::1%eth0", "1.2.3",
        "1.2.3.256", "-a", "a..b", ".", "x" * 64, "x." * 150, "hôte", "user@host", 1],
    "mysql.port": [0, 65536, "3306", 3306.0, True, 10**30],
    "nodes.1.port_offset": [-1, 50001],
    "nodes.0.name": ["node 1", "", "nöde", "node1\n"],
    "nodes.0.home": ["", "  ", "/opt/a\nb", "/opt/a\0b", "/opt/a\u0085b", "~nobody-of-that-name/x", 3],
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
        "https://apim:pw@svn.example.com/x", "svn+ssh://apim@svn.example.com/x"],
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

    def test_nothing_is_converted_and_nothing_changes_afterwards(self):
        made = profile()
        with pytest.raises(ValidationError):
            made.mysql.port = 3307

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_exactly_two_nodes(self, count):
        with pytest.raises(ValidationError):
            Profile.model_validate({**MINIMAL, "nodes": (MINIMAL["nodes"] * 2)[:count]})

    @pytest.mark.parametrize(
        "key", ["mysql.hosts", "nodes.0.hosts", "mysql.databases.users", "databases", "spark.x"]
    )
    def test_unknown_keys(self, key):
        (error,) = refused(**{key: "x"})
        assert error["type"] == "extra_forbidden"


class TestBetweenKeys:
    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"nodes.1.name": "node1"}, ("nodes", 1, "name")),
            ({"event_processor.presenter": "node3"}, ("event_processor", "presenter")),
            ({"deployment_sync.manager": "node3"}, ("deployment_sync", "manager")),
            ({"mysql.admin_username": "root"}, ("mysql", "admin_password")),
            ({"mysql.admin_password": {"prompt": True}}, ("mysql", "admin_username")),
            ({"mysql.databases.event_store": "userdb"}, ("mysql", "databases", "event_store")),
            ({"mysql.databases.stats": "regdb"}, ("mysql", "databases", "stats")),
            (
                {
                    "mysql.databases.user": "x",
                    "mysql.databases.registry": "x",
                    "mysql.databases.processed_data_store": "x",
                },
                ("mysql", "databases", "processed_data_store"),
            ),
            ({"mysql.databases.event_store": "WSO2UM_DB"}, ("mysql", "databases", "event_store")),
            (
                {"mysql.databases.event_store": "USERS", "datasources.user": "USERS"},
                ("mysql", "databases", "event_store"),
            ),
            ({"datasources.user": "WSO2REG_DB"}, ("datasources", "registry")),
            ({"datasources.registry": "WSO2_CARBON_DB"}, ("datasources", "registry")),
            ({"datasources.registry": "WSO2CarbonDB"}, ("datasources", "registry")),
            ({"datasources.user": "WSO2AM_STATS_DB"}, ("datasources", "user")),
            (
                {"datasources.user": "X", "datasources.processed_data_store": "X"},
                ("datasources", "processed_data_store"),
            ),
            (
                {"datasources.event_store": "X", "datasources.processed_data_store": "X"},
                ("datasources", "processed_data_store"),
            ),
            ({"registry.db_config": "wso2registry"}, ("registry", "db_config")),
            ({"datasources.event_store": "WSO2_CARBON_DB"}, ("datasources", "event_store")),
            (
                {"datasources.event_store": "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"},
                ("mysql", "databases", "processed_data_store"),
            ),
            ({"mysql.url_parameters": {"password": "x"}}, ("mysql", "url_parameters", "password")),
            (
                {"mysql.url_parameters": {"keyStorePASSWORD": "x"}},
                ("mysql", "url_parameters", "keyStorePASSWORD"),
            ),
            ({"mysql.url_parameters": {"trustPwd": ""}}, ("mysql", "url_parameters", "trustPwd")),
            (
                {"mysql.url_parameters": {"useSSL": "true&password=x"}},
                ("mysql", "url_parameters", "useSSL"),
            ),
        ],
    )
    def test_one_mistake_is_told_once_at_its_place(self, changes, place):
        (error,) = refused(**changes)
        assert error["loc"] == place
        assert error["ctx"]["known"].fix

    @pytest.mark.parametrize(
        "changes",
        [
            {"mysql.databases.registry": "userdb"},
            {"mysql.databases.event_store": "x", "mysql.databases.processed_data_store": "x"},
            {"mysql.databases.event_store": "x", "mysql.databases.stats": "x"},
            {f"mysql.databases.{role}": "x" for role in ("event_store", "processed_data_store", "stats")},
            {"mysql.databases.user": "x", "mysql.databases.registry": "x", "datasources.user": "WSO2REG_DB"},
            {"mysql.databases.event_store": "WSO2AM_STATS_DB", "mysql.databases.stats": "WSO2AM_STATS_DB"},
            {"mysql.databases.event_store": "WSO2UM_DB", "datasources.user": "USERS"},
        ],
    )
    def test_databases_that_may_be_one(self, changes):
        profile(**changes)

    def test_the_message_says_which_databases_may_be_one(self):
        (error,) = refused(**{"mysql.databases.event_store": "userdb"})
        assert "user and registry" in error["msg"]
        assert "event_store, processed_data_store and stats" in error["msg"]

    def test_svn_needs_its_keys(self):
        places = {error["loc"] for error in refused(**{"deployment_sync.method": "svn"})}
        assert places == {("deployment_sync", key) for key in ("svn_url", "svn_username", "svn_password")}

    def test_the_svn_keys_may_stay_when_the_method_is_none(self):
        made = profile(**{"deployment_sync.svn_url": "https://svn.example.com/x"})
        assert made.deployment_sync.method == "none"


class TestMeaning:
    def test_nodes_by_name_and_partner(self):
        made = profile()
        first, second = made.nodes
        assert made.node("node2") is second
        assert made.partner(first) is second
        assert made.partner(second) is first
        with pytest.raises(KeyError):
            made.node("node3")

    def test_the_manager_is_the_first_unless_named(self):
        assert profile().manager.name == "node1"
        assert profile(**{"deployment_sync.manager": "node2"}).manager.name == "node2"

    def test_there_is_no_presenter_unless_named(self):
        assert profile().presenter is None
        assert profile(**{"event_processor.presenter": "node2"}).presenter.name == "node2"

    def test_datasources_follow_their_databases_unless_pinned(self):
        made = profile(
            **{"mysql.databases.event_store": "EVENTS", "datasources.processed_data_store": "PINNED"}
        )
        assert made.datasource_name("event_store") == "EVENTS"
        assert made.datasource_name("processed_data_store") == "PINNED"

    @pytest.mark.parametrize(
        ("changes", "names"),
        [
            ({"event_store": "x", "processed_data_store": "x"}, (None, None)),
            ({"event_store": "x", "processed_data_store": "x", "stats": "x"}, (None, None)),
            ({"event_store": "x", "stats": "x"}, ("x", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB")),
            (
                {"event_store": "WSO2AM_STATS_DB", "stats": "WSO2AM_STATS_DB"},
                (None, "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"),
            ),
        ],
    )
    def test_where_two_names_would_be_one_the_packs_own_stays(self, changes, names):
        made = profile(**{f"mysql.databases.{role}": name for role, name in changes.items()})
        assert (made.datasource_name("event_store"), made.datasource_name("processed_data_store")) == names

    def test_a_pinned_name_is_none_of_the_packs(self):
        shared = {"mysql.databases.event_store": "x", "mysql.databases.processed_data_store": "x"}
        made = profile(**shared, **{"datasources.event_store": "PINNED"})
        assert (made.datasource_name("event_store"), made.datasource_name("processed_data_store")) == (
            "PINNED",
            "x",
        )

    def test_databases_in_the_order_of_the_procedure(self):
        assert list(profile().mysql.database_names().items()) == [
            ("user", "userdb"),
            ("registry", "regdb"),
            ("event_store", "WSO2_ANALYTICS_EVENT_STORE_DB"),
            ("processed_data_store", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"),
        ]
        with_stats = profile(**{"mysql.databases.stats": "STATS"}).mysql.database_names()
        assert list(with_stats.items())[-1] == ("stats", "STATS")

    def test_relative_paths_count_from_the_folder_of_the_profile(self, isolated):
        made = profile(
            folder="/profiles",
            **{
                "nodes.0.home": "packs/1",
                "nodes.1.home": "~/packs/2",
                "mysql.driver_jar": "../jars/x.jar",
                "nodes.0.java_home": "/usr/lib/jvm",
            },
        )
        assert made.nodes[0].home == Path("/profiles/packs/1")
        assert made.nodes[1].home == isolated / "packs/2"
        assert str(made.mysql.driver_jar) == "/profiles/../jars/x.jar"
        assert made.nodes[0].java_home == Path("/usr/lib/jvm")

    def test_references(self):
        made = profile(**{"mysql.admin_username": "root", "mysql.admin_password": {"prompt": True}})
        assert made.mysql.password == EnvReference(env="APIM_DB_PASSWORD")
        assert made.mysql.admin_password == PromptReference(prompt=True)


def test_loading_needs_neither_the_screen_nor_a_keyring():
    code = (
        "import sys\nfrom wizard.profile.store import load\nload(sys.argv[1])\nprint(*sorted(sys.modules))\n"
    )
    path = Path(__file__).parent / "editions" / "1.toml"
    out = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"textual", "tomlkit", "keyring"} & set(out)
