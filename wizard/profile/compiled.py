"""The profile's models as pydantic's core takes them.  Made by `python -m wizard.profile.compile`."""

# fmt: off
# ruff: noqa

from wizard import secrets
from wizard.profile import judges, parts
from wizard.profile.table import Table, made, model


class EnvReference(Table, secrets.EnvSource):
    __slots__ = ()


ENVREFERENCE = model(
    EnvReference,
    env={'type': 'str', 'pattern': '^[^=\\u0000-\\u0020]+$'},
)


class FileReference(Table, secrets.FileSource):
    __slots__ = ()


FILEREFERENCE = model(
    FileReference,
    file={'type': 'function-plain', 'function': {'type': 'with-info', 'function': judges.profile_path}},
)


class KeyringReference(Table, secrets.KeyringSource):
    __slots__ = ()


KEYRINGREFERENCE = model(
    KeyringReference,
    keyring={'type': 'str', 'pattern': '^[^\\u0000-\\u001f]+/[^/\\u0000-\\u001f]+$'},
)


class CommandReference(Table, secrets.CommandSource):
    __slots__ = ()


COMMANDREFERENCE = model(
    CommandReference,
    command={'type': 'tuple', 'items_schema': [{'type': 'str'}], 'variadic_item_index': 0, 'strict': False, 'min_length': 1},
)


class PromptReference(Table, secrets.PromptSource):
    __slots__ = ()


PROMPTREFERENCE = model(
    PromptReference,
    prompt={'type': 'literal', 'expected': [True]},
)


class Node(Table):
    __slots__ = ()


NODE = model(
    Node,
    name={'type': 'str', 'pattern': '^[A-Za-z0-9_-]+$', 'strict': True},
    home={'type': 'function-plain', 'function': {'type': 'with-info', 'function': judges.profile_path}},
    host={'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.host}, 'schema': {'type': 'str', 'strict': True}},
    hazelcast_port={'type': 'default', 'schema': {'type': 'int', 'le': 65535, 'ge': 1, 'strict': True}, 'default': 4000},
    port_offset={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'int', 'le': 50000, 'ge': 0, 'strict': True}}, 'default': None},
    event_sync_port={'type': 'default', 'schema': {'type': 'int', 'le': 65535, 'ge': 1, 'strict': True}, 'default': 11224},
    management_port={'type': 'default', 'schema': {'type': 'int', 'le': 65535, 'ge': 1, 'strict': True}, 'default': 10005},
    presentation_port={'type': 'default', 'schema': {'type': 'int', 'le': 65535, 'ge': 1, 'strict': True}, 'default': 11000},
    spark_local_ip={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.ip}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    java_home={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': judges.profile_path}}}, 'default': None},
)


class Cluster(Table):
    __slots__ = ()


CLUSTER = model(
    Cluster,
    name={'type': 'default', 'schema': {'type': 'str', 'pattern': '^[A-Za-z0-9_-]+$', 'strict': True}, 'default': 'analytics'},
    domain={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'wso2.carbon.domain'},
)


class Databases(Table):
    __slots__ = ()


DATABASES = model(
    Databases,
    user={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.database}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'userdb'},
    registry={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.database}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'regdb'},
    event_store={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.database}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'WSO2_ANALYTICS_EVENT_STORE_DB'},
    processed_data_store={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.database}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB'},
    stats={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.database}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
)


class MySQL(Table, parts.MySQLPart):
    __slots__ = ()


MYSQL = model(
    MySQL,
    host={'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.host}, 'schema': {'type': 'str', 'strict': True}},
    port={'type': 'default', 'schema': {'type': 'int', 'le': 65535, 'ge': 1, 'strict': True}, 'default': 3306},
    username={'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.account}, 'schema': {'type': 'str', 'strict': True}},
    password={'type': 'tagged-union', 'choices': {'@env': ENVREFERENCE, '@file': FILEREFERENCE, '@keyring': KEYRINGREFERENCE, '@command': COMMANDREFERENCE, '@prompt': PROMPTREFERENCE}, 'discriminator': secrets.kind_of},
    admin_username={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.account}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    admin_password={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'tagged-union', 'choices': {'@env': ENVREFERENCE, '@file': FILEREFERENCE, '@keyring': KEYRINGREFERENCE, '@command': COMMANDREFERENCE, '@prompt': PROMPTREFERENCE}, 'discriminator': secrets.kind_of}}, 'default': None},
    provisioning={'type': 'default', 'schema': {'type': 'literal', 'expected': ['wizard', 'server', 'dba']}, 'default': 'wizard'},
    server_version={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'str', 'pattern': '^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}(-[Mm][Aa][Rr][Ii][Aa][Dd][Bb])?$', 'strict': True}}, 'default': None},
    charset={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'str', 'pattern': '^[A-Za-z0-9_]{1,64}$', 'strict': True}}, 'default': None},
    grant_host={'type': 'default', 'schema': {'type': 'str', 'pattern': '^[A-Za-z0-9_.%:/-]{1,255}$', 'strict': True}, 'default': '%'},
    url_parameters={'type': 'default', 'schema': {'type': 'dict', 'keys_schema': {'type': 'str', 'pattern': '^[A-Za-z0-9_.]+$', 'strict': True}, 'values_schema': {'type': 'tagged-union', 'choices': {'@text': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.parameter}, 'schema': {'type': 'str', 'strict': True}}, '@env': ENVREFERENCE, '@file': FILEREFERENCE, '@keyring': KEYRINGREFERENCE, '@command': COMMANDREFERENCE, '@prompt': PROMPTREFERENCE}, 'discriminator': judges.parameter_kind}, 'strict': False}, 'default': {}},
    driver_class={'type': 'default', 'schema': {'type': 'str', 'pattern': '^[A-Za-z_$][A-Za-z0-9_$]*(\\.[A-Za-z_$][A-Za-z0-9_$]*)*$', 'strict': True}, 'default': 'com.mysql.jdbc.Driver'},
    driver_jar={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-plain', 'function': {'type': 'with-info', 'function': judges.profile_path}}}, 'default': None},
    databases={'type': 'default', 'default_factory': made(Databases, user='userdb', registry='regdb', event_store='WSO2_ANALYTICS_EVENT_STORE_DB', processed_data_store='WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB', stats=None), 'schema': DATABASES},
)


class Datasources(Table):
    __slots__ = ()


DATASOURCES = model(
    Datasources,
    event_store={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    processed_data_store={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
)


class Pool(Table):
    __slots__ = ()


POOL = model(
    Pool,
    max_active={'type': 'default', 'schema': {'type': 'int', 'le': 2147483647, 'ge': 1, 'strict': True}, 'default': 50},
    max_wait_ms={'type': 'default', 'schema': {'type': 'int', 'le': 2147483647, 'ge': 0, 'strict': True}, 'default': 60000},
    test_on_borrow={'type': 'default', 'schema': {'type': 'bool', 'strict': True}, 'default': True},
    validation_query={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'SELECT 1'},
    validation_interval_ms={'type': 'default', 'schema': {'type': 'int', 'le': 2147483647, 'ge': 0, 'strict': True}, 'default': 30000},
)


class Registry(Table):
    __slots__ = ()


REGISTRY = model(
    Registry,
    remote_url={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.remote_url}, 'schema': {'type': 'str', 'strict': True}}, 'default': 'https://localhost:9443/registry'},
    cache_id={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    read_only={'type': 'default', 'schema': {'type': 'bool', 'strict': True}, 'default': False},
    enable_cache={'type': 'default', 'schema': {'type': 'bool', 'strict': True}, 'default': True},
    registry_root={'type': 'default', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.root}, 'schema': {'type': 'str', 'strict': True}}, 'default': '/'},
)


class EventProcessor(Table):
    __slots__ = ()


EVENTPROCESSOR = model(
    EventProcessor,
    persistence={'type': 'default', 'schema': {'type': 'bool', 'strict': True}, 'default': True},
    persistence_interval_minutes={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'int', 'le': 2147483647, 'ge': 1, 'strict': True}}, 'default': None},
    persistence_location={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    duplicated_events={'type': 'default', 'schema': {'type': 'bool', 'strict': True}, 'default': False},
    presenter={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'str', 'pattern': '^[A-Za-z0-9_-]+$', 'strict': True}}, 'default': None},
)


class Spark(Table):
    __slots__ = ()


SPARK = model(
    Spark,
    master_count={'type': 'default', 'schema': {'type': 'int', 'le': 2147483647, 'ge': 1, 'strict': True}, 'default': 2},
    symbolic_link={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.absolute}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
)


class DeploymentSync(Table):
    __slots__ = ()


DEPLOYMENTSYNC = model(
    DeploymentSync,
    method={'type': 'default', 'schema': {'type': 'literal', 'expected': ['none', 'svn']}, 'default': 'none'},
    svn_url={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.svn_url}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    svn_username={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'function-after', 'function': {'type': 'no-info', 'function': judges.line}, 'schema': {'type': 'str', 'strict': True}}}, 'default': None},
    svn_password={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'tagged-union', 'choices': {'@env': ENVREFERENCE, '@file': FILEREFERENCE, '@keyring': KEYRINGREFERENCE, '@command': COMMANDREFERENCE, '@prompt': PROMPTREFERENCE}, 'discriminator': secrets.kind_of}}, 'default': None},
    append_tenant_id={'type': 'default', 'schema': {'type': 'bool', 'strict': True}, 'default': True},
    manager={'type': 'default', 'schema': {'type': 'nullable', 'schema': {'type': 'str', 'pattern': '^[A-Za-z0-9_-]+$', 'strict': True}}, 'default': None},
)


class Profile(Table, parts.ProfilePart):
    __slots__ = ()


PROFILE = model(
    Profile,
    schema_version={'type': 'int', 'le': 1, 'ge': 1, 'strict': True},
    cluster={'type': 'default', 'default_factory': made(Cluster, name='analytics', domain='wso2.carbon.domain'), 'schema': CLUSTER},
    mysql=MYSQL,
    datasources={'type': 'default', 'default_factory': made(Datasources, event_store=None, processed_data_store=None), 'schema': DATASOURCES},
    pool={'type': 'default', 'default_factory': made(Pool, max_active=50, max_wait_ms=60000, test_on_borrow=True, validation_query='SELECT 1', validation_interval_ms=30000), 'schema': POOL},
    registry={'type': 'default', 'default_factory': made(Registry, remote_url='https://localhost:9443/registry', cache_id=None, read_only=False, enable_cache=True, registry_root='/'), 'schema': REGISTRY},
    event_processor={'type': 'default', 'default_factory': made(EventProcessor, persistence=True, persistence_interval_minutes=None, persistence_location=None, duplicated_events=False, presenter=None), 'schema': EVENTPROCESSOR},
    spark={'type': 'default', 'default_factory': made(Spark, master_count=2, symbolic_link=None), 'schema': SPARK},
    deployment_sync={'type': 'default', 'default_factory': made(DeploymentSync, method='none', svn_url=None, svn_username=None, svn_password=None, append_tenant_id=True, manager=None), 'schema': DEPLOYMENTSYNC},
    nodes={'type': 'tuple', 'items_schema': [NODE, NODE], 'strict': False},
)
