"""The known failures: one table for `check` (errors of MySQL and of its driver) and for `verify` (logs).

Each row has the failure's pattern, its cause, its fix, and what shows that it is over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

Subject = (
    Literal["driver", "account", "schema", "database", "datasource", "network", "port"]
    | Literal["mount", "receiver", "spark", "memory", "files", "java", "secrets"]
)
"""What a failure is about."""

Over = Literal["restart", "database", "quiet", "spark"]
OVER_WHEN: dict[Over, str] = {
    "restart": "the node is started again",
    "database": "something that uses the database succeeds later, or the log goes on without it for as long as it came",
    "quiet": "the log goes on without it for as long as it came",
    "spark": "another Spark application starts later",
}
"""What shows that a failure is over, as the documentation says it; `judges/errors.py` judges it.

What uses the database: a mount, the registry, the start that is completed after the error.
"""

REACHED: tuple[Subject, ...] = ("database", "network", "port")
"""Subjects of failures that are over once a connection is opened."""

RowName = Literal["log", "mode", "registry-mount", "membership", "event-sync", "state-sync", "spark-masters"]

_CLASSES: dict[RowName, str] = {
    "state-sync": "HAManager ManagementServiceClientThriftImpl ManagementServer",
    "event-sync": "EventHandler TCPEventPublisher TCPEventServer",
    "mode": "EventProcessorServiceDS EventManagementServiceDS EventProcessorManagementServiceDS "
    "EventProcessorManagementService CarbonEventManagementService CarbonEventProcessorManagementService "
    "ManagementModeConfigurationLoader",
    "registry-mount": "RegistryCoreServiceComponent RegistryConfigurationProcessor EmbeddedRegistryService",
    "membership": "HazelcastClusteringAgent HazelcastGroupManagementAgent WKABasedMembershipScheme MemberUtils",
    "spark-masters": "AnalyticsComponent SparkAnalyticsExecutor AnalyticsDataServiceComponent",
    "log": "CarbonServerManager CarbonCoreActivator StartupFinalizerServiceComponent ClusterGroupCommunicator "
    "TasksDSComponent",
}
"""The servers' classes whose errors belong to a row of the verdict (procedure 9): they are never unknown.

Without the package: some releases print no more.
"""
_ROW_OF = {name: row for row, names in _CLASSES.items() for name in names.split()}


def row_of(source: str) -> RowName | None:
    """Return the row that an error of a class belongs to."""
    return _ROW_OF.get(source.rpartition(".")[2])


@dataclass(frozen=True)
class Failure:
    """A known failure.

    `pattern` is searched in the message and in each cause of its trace.  `context` must be found somewhere in the
    whole error, its class included.  `general` rows count only if no special one does.  `numbers` are MySQL's own
    error numbers.  `parameter` is the URL parameter of the driver that helps.
    """

    id: str
    subject: Subject
    pattern: str
    cause: str
    fix: str
    over: Over = "restart"
    numbers: tuple[int, ...] = ()
    context: re.Pattern[str] | None = None
    general: bool = False
    parameter: tuple[str, str] | None = None


_DATABASE = re.compile(
    r"mysql|mariadb|jdbc|database|data ?source|rdbms|user\.core|record ?store|eventsink", re.IGNORECASE
)
_OWN = re.compile(
    _DATABASE.pattern + r"|hazelcast|event\.processor|analytics\.spark|carbon\.(?:core|registry|ntask)",
    re.IGNORECASE,
)
_JNDI = re.compile(r"jndi|jdbc|data ?source", re.IGNORECASE)
_EXECUTOR = re.compile(r"(?s)hazelcast.{0,400}execut|execut.{0,400}hazelcast")
_FOREIGN = re.compile(
    r"event\.(?:output|input)\.adapter|\bOutput\w*Adapter\b|synapse|axis2\.transport|"
    r"(?:Email|Http|Sms|Jms|Mqtt|Kafka|Soap|Websocket)EventAdapter",
    re.IGNORECASE,
)
"""Classes that talk to systems outside the pair: what those refuse is not the pair's failure."""
_REACHING = frozenset({"network", "database", "account", "schema", "datasource"})
"""Subjects about reaching something: ignored for a class of `_FOREIGN`, unless the driver is in the trace."""

AGAIN = "replay, and start the node again"

# fmt: off
FAILURES: tuple[Failure, ...] = (
    # --- the driver ---
    Failure("driver-java", "driver",
        pattern=r"UnsupportedClassVersionError[^\n]{0,200}(?:mysql|mariadb)"
        r"|(?:mysql|mariadb)[^\n]{0,200}unsupported major\.minor version",
        cause="the MySQL driver needs a newer Java than the one that runs the server",
        fix="set mysql.driver_jar to a driver for it (Connector/J 5.1: Java 7 and 8, 8.0: Java 8 and "
        f"later), {AGAIN}"),
    Failure("driver-missing", "driver",
        pattern=r"ClassNotFoundException[^\n]{0,120}(?:mysql|mariadb)"
        r"|NoClassDefFoundError[^\n]{0,120}(?:mysql|mariadb)"
        r"|unable to load class[^\n]{0,120}(?:mysql|mariadb)|cannot load jdbc driver class"
        r"|no suitable driver",
        cause="the class of the MySQL driver is missing: no jar in repository/components/lib has it",
        fix=f"set mysql.driver_jar (and mysql.driver_class for another driver), {AGAIN}"),
    Failure("driver-old", "driver",
        pattern=r"unknown system variable '(?:query_cache_size|query_cache_type|tx_isolation|tx_read_only"
        r"|language|@@session\.tx_\w+)|unknown initial character set index",
        cause="the MySQL driver is too old for this server: it uses what a newer MySQL has removed or "
        "renamed",
        fix=f"set mysql.driver_jar to a newer Connector/J (5.1.47 or later), {AGAIN}"),
    Failure("driver-new", "driver",
        pattern=r"CLIENT_PLUGIN_AUTH is required"
        r"|unknown system variable '(?:transaction_isolation|transaction_read_only|performance_schema)"
        r"|this driver (?:version )?does not support (?:server|mysql)",
        cause="the MySQL driver is too new for this server: it uses what an older MySQL does not have",
        fix=f"set mysql.driver_jar to an older Connector/J (5.1.49 for MySQL 5.5 to 5.7), {AGAIN}"),
    Failure("driver-url", "driver",
        pattern=r"does not accept jdbcUrl|claims to not accept"
        r"|cannot find a database section in the RDBMS configuration",
        cause="the driver does not fit the server: it refuses the URL, or reports the product as MariaDB",
        fix=f"use MySQL Connector/J, or a MariaDB driver of version 2: set mysql.driver_jar, {AGAIN}"),
    Failure("time-zone", "driver", parameter=("serverTimezone", "UTC"),
        pattern=r"server time ?zone value|serverTimezone",
        cause="the driver does not know the server's time zone",
        fix='add serverTimezone = "UTC" to mysql.url_parameters'),
    Failure("public-key", "driver", parameter=("allowPublicKeyRetrieval", "true"),
        pattern=r"public key retrieval is not allowed|rsa public key is not available",
        cause="without TLS the driver needs the server's public key for caching_sha2_password, but may not "
        "request it",
        fix='add allowPublicKeyRetrieval = "true" to mysql.url_parameters'),
    Failure("auth-plugin", "driver", numbers=(1251, 2059, 2061),
        pattern=r"unable to load authentication plugin|client does not support authentication protocol"
        r"|(?:authentication )?plugin '?caching_sha2_password|badauthenticationplugin"
        r"|authentication method '?(?:unknown|caching_sha2)",
        cause="the MySQL driver is too old for the server's log-in (caching_sha2_password: Connector/J "
        "5.1.46 or later)",
        fix="use a newer Connector/J, or let the account use mysql_native_password where the server still "
        "has it"),
    # --- the account and the schema ---
    Failure("host-blocked", "database", over="database", numbers=(1129,),
        pattern=r"is blocked because of many connection errors",
        cause="the database server blocks this machine after too many failed connections",
        fix="run on the database server: mysqladmin flush-hosts"),
    Failure("host-refused", "account", numbers=(1130,),
        pattern=r"is not allowed to connect to this \w+ server",
        cause="no account is allowed to connect from this machine to the database server",
        fix="create the account for this machine's address (mysql.grant_host)"),
    Failure("database-denied", "account", numbers=(1044, 1142, 1143, 1227, 1370),
        pattern=r"access denied for user [^\n]{0,200} to database|command denied to user"
        r"|access denied; you need [^\n]{0,200} privilege",
        cause="the account lacks a right, or the right on its database",
        fix="grant the account its databases (apimha-wizard sql prints the statements)"),
    Failure("access-denied", "account", numbers=(1045, 1698),
        pattern=r"access denied for user",
        cause="access denied: the database refuses the account (wrong password, or not from this host)",
        fix="compare mysql.username and mysql.password with the database (apimha-wizard check), and replay"),
    Failure("account-expired", "account", numbers=(1820, 1862),
        pattern=r"your password has expired|must reset your password",
        cause="the account's password has expired",
        fix="set the account's password again, as an administrator; PASSWORD EXPIRE NEVER keeps it"),
    Failure("account-locked", "account", numbers=(3118, 3955, 4151),
        pattern=r"account is locked",
        cause="the account is locked",
        fix="unlock the account, as an administrator: ALTER USER, ACCOUNT UNLOCK"),
    Failure("unknown-database", "schema", numbers=(1049,),
        pattern=r"unknown database '",
        cause="a database that a datasource names does not exist",
        fix="correct the names in mysql.databases, and replay; or let a DBA run what apimha-wizard sql "
        "prints"),
    Failure("old-script", "schema", numbers=(1067,),
        pattern=r"invalid default value for",
        cause="the script for older servers (mysql.sql) ran on MySQL 5.7 or later",
        fix="drop the tables that it left behind; with provisioning = server replay swaps the scripts "
        "(mysql5.7.sql), with provisioning = wizard it creates the tables itself; then start the first "
        "node again"),
    Failure("key-too-long", "schema", numbers=(1071,),
        pattern=r"specified key was too long",
        cause="the database's character set does not fit the tables' keys (MySQL 5.6 with utf8mb4)",
        fix='create the database again with charset = "latin1" or "utf8"'),
    Failure("row-too-large", "schema", numbers=(1118,),
        pattern=r"row size too large",
        cause="the rows of the analytics stores' tables are too large in a multi-byte character set",
        fix="run: ALTER DATABASE <store> CHARACTER SET latin1, while it has no table (apimha-wizard check "
        "prints it), then start the node again"),
    Failure("primary-key", "schema", numbers=(3750,),
        pattern=r"sql_require_primary_key",
        cause="the database server requires a primary key in each table",
        fix="set sql_require_primary_key = OFF on the database server, and replay"),
    Failure("table-missing", "schema", numbers=(1146,),
        pattern=r"table '[^'\n]{1,200}' doesn'?t exist",
        cause="the database has no tables, or only some of them",
        fix="replay (provisioning wizard); or start the first node once with -Dsetup, and the second once "
        "its log says Cluster initialization completed (provisioning server)"),
    Failure("packet-too-large", "database", over="quiet", numbers=(1153,),
        pattern=r"max_allowed_packet|PacketTooBigException|packet for query is too large",
        cause="a packet is larger than the database server accepts (max_allowed_packet)",
        fix="raise max_allowed_packet on the database server (64M), and restart it"),
    Failure("read-only", "database", over="database", numbers=(1792, 1836, 3989),
        pattern=r"running with the --(?:super-)?read[-_]only option|server is in read[- ]only mode"
        r"|running in read-only mode|connection is read[- ]only",
        cause="the database server is read-only",
        fix="name the primary server in mysql.host, or switch read_only and super_read_only off"),
    Failure("too-many-connections", "database", over="database", numbers=(1040, 1203, 1226),
        pattern=r"too many connections|already more than 'max_user_connections'|max_user_connections"
        r"|has exceeded the '[^'\n]{1,80}' resource",
        cause="the database server accepts no more connections, of this account or at all",
        fix="raise max_connections (or the account's MAX_USER_CONNECTIONS), or lower pool.max_active"),
    Failure("pool-empty", "database", over="database",
        pattern=r"PoolExhaustedException|pool empty\. unable to fetch|none available\[size:",
        cause="a connection pool to the database is empty: all its connections are busy",
        fix="raise pool.max_active (and max_connections), and replay; check SHOW PROCESSLIST for slow "
        "queries"),
    Failure("datasource-duplicate", "datasource",
        pattern=r"duplicate data ?source|data ?source[^\n]{0,120}already exists|NameAlreadyBoundException"
        r"|is already bound in this context|system datasource [^\n]{0,120}can ?not be updated",
        cause="two datasources have one name or one JNDI name",
        fix="remove one of them from repository/conf/datasources, and start the node again"),
    # --- limits of the machine ---
    Failure("native-thread", "memory",
        pattern=r"unable to create (?:new )?native thread|pthread_create failed",
        cause="the system's limit of threads for this user is reached",
        fix="raise the limit of processes: ulimit -u (nproc in /etc/security/limits.conf, TasksMax of a "
        "systemd unit), and start the node again; a larger heap makes it worse"),
    Failure("perm-gen", "memory",
        pattern=r"PermGen space",
        cause="the class space of the server's Java is full (PermGen)",
        fix="raise -XX:MaxPermSize in bin/wso2server.sh, and start the node again"),
    Failure("metaspace", "memory",
        pattern=r"OutOfMemoryError[^\n]{0,40}(?:Metaspace|Compressed class space)",
        cause="the class space of the server's Java is full (Metaspace)",
        fix="raise -XX:MaxMetaspaceSize in bin/wso2server.sh, and start the node again"),
    Failure("direct-memory", "memory",
        pattern=r"OutOfMemoryError[^\n]{0,40}Direct buffer memory",
        cause="the server's Java has no memory left outside the heap (direct buffers)",
        fix="raise -XX:MaxDirectMemorySize in bin/wso2server.sh, and start the node again"),
    Failure("heap", "memory",
        pattern=r"OutOfMemoryError|Java heap space|GC overhead limit",
        cause="the heap of the server's Java is full",
        fix="raise -Xmx in bin/wso2server.sh, and start the node again"),
    Failure("open-files", "files", over="quiet",
        pattern=r"too many open files",
        cause="the system's limit of open files for this user is reached",
        fix="raise the limit of open files: ulimit -n (nofile in /etc/security/limits.conf, LimitNOFILE of "
        "a systemd unit), and start the node again"),
    Failure("disk-full", "files", over="quiet", numbers=(1021, 1114),
        pattern=r"no space left on device|disk quota exceeded|not enough space on the disk|errno:? 28\b"
        r"|table '[^']*' is full",
        cause="the disk is full",
        fix="free disk space (apimha-wizard clean removes old state files), and start the node again"),
    Failure("java-version", "java",
        pattern=r"UnsupportedClassVersionError|unsupported major\.minor version"
        r"|CARBON is supported only on JDK",
        cause="the server runs on a Java that does not fit it (the 4.4.x kernels need 1.7 or 1.8)",
        fix="set JAVA_HOME to a Java 1.8 and start the node again"),
    Failure("port-permission", "port",
        pattern=r"BindException:? permission denied|permission denied[^\n]{0,40}bind",
        cause="this user is not allowed to listen on a port below 1024",
        fix="set a port above 1023 (port_offset), and replay"),
    Failure("local-ports", "network", over="quiet",
        pattern=r"NoRouteToHostException[^\n]{0,20}cannot assign requested address"
        r"|ConnectException[^\n]{0,20}cannot assign requested address",
        cause="this machine has no free local port left for another connection",
        fix="see how many connections wait (ss -s), and raise net.ipv4.ip_local_port_range"),
    Failure("address-not-local", "port",
        pattern=r"cannot assign requested address|can't assign requested address"
        r"|the requested address is not valid in its context",
        cause="the address for the server to listen on is not an address of this machine",
        fix="correct the node's host and spark_local_ip (SPARK_LOCAL_IP in bin/load-spark-env-vars.sh), "
        "and what the machine's own name resolves to (getent hosts $(hostname)); then replay, and start "
        "the node again"),
    Failure("port-in-use", "port",
        pattern=r"address already in use|BindException|is already in use and auto-increment is disabled"
        r"|could not (?:bind|create ServerSocket) (?:on|to) address",
        cause="another program, or the other node, listens on a port that this node needs",
        fix="stop that program, or set another port_offset or port (apimha-wizard check names who listens)"),
    # --- certificates, key stores, names ---
    Failure("certificate-expired", "network",
        pattern=r"CertificateExpiredException|certificate[_ ](?:has )?expired|\bNotAfter:"
        r"|(?:timestamp|validity) check failed",
        cause="a certificate has expired",
        fix="renew the certificate (keytool -list -v shows until when each is valid), and start the node "
        "again"),
    Failure("certificate-untrusted", "database", over="database", context=_DATABASE,
        pattern=r"unable to find valid certification path|PKIX path building failed"
        r"|SunCertPathBuilderException",
        cause="Java does not trust the certificate of the database server",
        fix="import its authority's certificate into Java's trust store (keytool -importcert), and start "
        "the node again"),
    Failure("key-store", "secrets",
        pattern=r"keystore was tampered with|keystore password was incorrect|UnrecoverableKeyException"
        r"|cannot recover key|(?:key|trust) ?store[^\n]{0,120}(?:not found|no such file|cannot be found"
        r"|does not exist|FileNotFound)|(?:not found|no such file|FileNotFoundException)[^\n]{0,160}\.jks"
        r"|\.jks \(no such file|(?:cannot|unable to|error (?:in|while)) (?:load|read|open|loading"
        r"|reading)[^\n]{0,40} key ?store|invalid keystore format",
        cause="a key store cannot be opened: the file is missing, or its password is wrong",
        fix="compare the KeyStore and TrustStore elements of carbon.xml with the files in "
        "repository/resources/security (keytool -list -keystore FILE), and start the node again"),
    Failure("secure-vault", "secrets",
        pattern=r"secure ?vault|secret ?repository|SecretManager|cipher-text\.properties|BadPaddingException"
        r"|password-tmp|error (?:in |while )?decrypting",
        cause="the secure vault cannot decrypt a password",
        fix="check repository/conf/security (secret-conf.properties, cipher-text.properties) and the file "
        "password-tmp, run bin/ciphertool.sh again, and start the node again"),
    Failure("tls", "database", over="database", context=_DATABASE, numbers=(3159,), parameter=("useSSL", "false"),
        pattern=r"SSLHandshakeException|SSLException|SSLProtocolException|SSLPeerUnverifiedException"
        r"|no appropriate protocol|unsupported record version|received fatal alert|ssl peer shut down"
        r"|ssl connection required|broken pipe(?=(?s:.{0,3000})sun\.security\.ssl)"
        r"|connection reset(?=(?s:.{0,3000})sun\.security\.ssl)"
        r"|EOFException(?=(?s:.{0,3000})sun\.security\.ssl)"
        r"|socket closed(?=(?s:.{0,3000})sun\.security\.ssl)"
        r"|remote host (?:closed connection|terminated the handshake)",
        cause="driver and database have no TLS version in common (Connector/J 8 with MySQL 5.6, or Java "
        "without TLS 1.1)",
        fix='add useSSL = "false" to mysql.url_parameters, or enable TLS 1.2 on the database server'),
    Failure("unknown-host", "network", over="database", context=_OWN,
        pattern=r"UnknownHostException|temporary failure in name resolution|name or service not known"
        r"|nodename nor servname|unknown database host",
        cause="a host name is not known on this machine (of the database, if the trace names it: mysql.host)",
        fix="add the name to DNS or /etc/hosts (check: getent hosts NAME), or correct the host in the "
        "profile and replay"),
    # --- parts of the server ---
    Failure("thrift-receiver", "receiver",
        pattern=r"can ?not create and start agent server|cannot start (?:thrift|agent) (?:server|receiver)"
        r"|error (?:in |while )?(?:creating/)?starting (?:the )?(?:thrift|agent|binary) (?:data )?(?:server"
        r"|receiver|bridge)",
        cause="the Thrift receiver does not start: its port (7611, 7711, plus the offset) is in use, or its "
        "key store fails",
        fix="free the ports (apimha-wizard check names who listens) or set another port_offset, and start "
        "the node again"),
    Failure("mount-occupied", "mount",
        pattern=r"a resource already exists at the given location",
        cause="a path of the registry cannot be mounted: a resource is already there",
        fix="replay, so that the mount has overwrite = true, and start the node again"),
    Failure("mount-target", "mount",
        pattern=r"target path does not exist for the given mount",
        cause="a path of the registry is mounted to a target path that does not exist",
        fix="correct registry.governance_target and registry.config_target, and replay"),
    Failure("mount-failed", "mount", general=True,
        pattern=r"couldn'?t mount |unable to create fixed remote mounts"
        r"|failed to activate registry core bundle",
        cause="a path of the registry cannot be mounted",
        fix="compare registry.xml with the profile (apimha-wizard check), replay, and start the node again"),
    Failure("jndi-name", "datasource", context=_JNDI, general=True,
        pattern=r"unable to look-?up jndi name|NameNotFoundException",
        cause="a datasource that the configuration names by its JNDI name was not created",
        fix="see the errors of repository/conf/datasources in this log, replay, and start the node again"),
    Failure("spark-stopped", "spark", over="spark",
        pattern=r"stopped SparkContext|SparkContext (?:has been|was) (?:shut ?down|stopped|cancelled)"
        r"|spark ?context[^\n]{0,40}\bstopped\b|job cancelled because SparkContext was shut down"
        r"|all masters are unresponsive! giving up|application has been killed\. reason"
        r"|error initializing SparkContext",
        cause="the Spark context of this node is stopped: every query fails until another one is started",
        fix="start this node again"),
    Failure("spark-executor", "spark", over="spark", context=_EXECUTOR,
        pattern=r"NullPointerException",
        cause="Spark tasks that the nodes send to each other fail (a NullPointerException from the "
        "Hazelcast executor)",
        fix="start this node again; if it goes on, start both"),
    # --- what counts only if nothing more special is found ---
    Failure("database-gone", "database", over="database", context=_DATABASE, general=True,
        pattern=r"communications link failure|CommunicationsException|(?:No)?ConnectException"
        r"|connection (?:refused|timed out|reset)|connect timed out|no route to ?host|network is unreachable"
        r"|SocketTimeoutException|can ?not read response from server"
        r"|no operations allowed after (?:connection|statement) closed|server shutdown in progress"
        r"|could not create connection to database|server has gone away|broken pipe|lost connection to mysql"
        r"|the last packet (?:sent|successfully)|connection (?:is|has been|was) closed",
        cause="the server cannot reach the database",
        fix="start the database, or correct mysql.host and mysql.port (apimha-wizard check)"),
)
# fmt: on

BY_ID = {failure.id: failure for failure in FAILURES}
BY_NUMBER = {number: failure for failure in FAILURES for number in failure.numbers}
"""By MySQL's own error numbers."""


def recognise(texts: Sequence[str], *, source: str = "") -> Failure | None:
    """Return the failure behind an error: `texts` are its causes, from the innermost to the message that wraps them.

    A special cause precedes a general one, wherever in the trace it is; of two the inner one counts.
    """
    whole = "\n".join((*texts, source))
    lower = whole.lower()
    candidates = [FAILURES[number] for number in sorted({one for word, one in _words() if word in lower})]
    if not candidates:
        return None
    if _FOREIGN.search(source) is not None and re.search(r"mysql|mariadb|jdbc", lower) is None:
        others = _REACHING if "in use" in lower else _REACHING | {"port"}
        candidates = [failure for failure in candidates if failure.subject not in others]
    general: Failure | None = None
    candidates = [one for one in candidates if one.context is None or one.context.search(whole)]
    for text in texts:
        for failure in candidates:
            if not (failure.general and general) and re.search(failure.pattern, text, re.IGNORECASE):
                if not failure.general:
                    return failure
                general = failure
    return general


@cache
def _words() -> tuple[tuple[str, int], ...]:
    """Return words, each with the index of a failure whose text contains at least one of its words.

    Most errors contain none of them, which is found out quickly.
    """
    numbered = ((required_words(failure.pattern), number) for number, failure in enumerate(FAILURES))
    return tuple((word, number) for words, number in numbered for word in dict.fromkeys(words))


_TOKEN = re.compile(r"\\.|\[.[^\]]*\]|\{[^}]*\}|.", re.DOTALL)
"""A part of a pattern: an escape, a class, a repetition, or one character."""


def required_words(pattern: str) -> Iterator[str]:
    """Yield the longest literal text of each alternative of a pattern, in lower case.

    Text in groups and optional characters do not count; without any literal text the word is empty, which every text
    contains.
    """
    depth, run, words = 0, "", [""]
    for token in (*_TOKEN.findall(pattern), "|"):
        literal = token[-1] if token[0] == "\\" and not token[-1].isalnum() else token
        if depth == 0 and len(literal) == 1 and (token != literal or token not in "().^$|?*+"):
            run += literal
            continue
        if token[0] in "?*{":
            run = run[:-1]
        words.append(run)
        run = ""
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "|" and depth == 0:
            yield max(words, key=len).lower()
            words = [""]
