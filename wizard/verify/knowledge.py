"""The known failures: one table for `check` (errors of MySQL and of its driver) and for `verify` (logs).

Each row has the failure's pattern, its cause, its fix, and what shows that it is over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

Subject = Literal[
    "driver",
    "account",
    "schema",
    "database",
    "port",
    "memory",
    "files",
    "java",
    "secrets",
    "receiver",
    "mount",
    "spark",
    "network",
    "datasource",
]
"""What a failure is about."""

Over = Literal["restart", "database", "quiet", "spark"]
"""What shows that a failure is over.

`restart`: only another start.  `database`: a later success of what uses the database (a mount, the registry, the start
completed after it), or no such error for as long as they came.  `quiet`: the latter alone.  `spark`: another Spark
application was started later.
"""

OVER_WHEN: dict[Over, str] = {
    "restart": "the node is started again",
    "database": "something that uses the database succeeds later, or the log goes on without it for as long as it came",
    "quiet": "the log goes on without it for as long as it came",
    "spark": "another Spark application starts later",
}
"""The same as text."""


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


@dataclass(frozen=True, slots=True)
class Failure:
    """A known failure.

    `pattern` is searched in the message and in each cause of its trace.  `context` must be found somewhere in the
    whole error, its class included.  `general` rows count only if no special one does.  `numbers` are MySQL's own
    error numbers.  `parameter` is the URL parameter of the driver that helps.
    """

    id: str
    subject: Subject
    pattern: re.Pattern[str]
    cause: str
    fix: str
    over: Over = "restart"
    numbers: frozenset[int] = frozenset()
    context: re.Pattern[str] | None = None
    general: bool = False
    parameter: tuple[str, str] | None = None

    @property
    def passes(self) -> bool:
        """Whether it can pass without another start."""
        return self.over != "restart"


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


def _row(
    id: str,
    subject: Subject,
    over: Over = "restart",
    numbers: Iterable[int] = (),
    context: re.Pattern[str] | None = None,
    general: bool = False,
    parameter: tuple[str, str] | None = None,
) -> Callable[[str, str, str], Failure]:
    """Return what makes the row of a failure from its pattern, its cause and its fix."""

    def row(pattern: str, cause: str, fix: str) -> Failure:
        compiled = re.compile(pattern, re.IGNORECASE)
        return Failure(
            id, subject, compiled, cause, fix, over, frozenset(numbers), context, general, parameter
        )

    return row


AGAIN = "replay, and start the node again"

FAILURES: tuple[Failure, ...] = (
    # --- the driver ---
    _row("driver-java", "driver")(
        r"UnsupportedClassVersionError[^\n]{0,200}(?:mysql|mariadb)"
        r"|(?:mysql|mariadb)[^\n]{0,200}unsupported major\.minor version",
        "the MySQL driver needs a newer Java than the one that runs the server",
        f"set mysql.driver_jar to a driver for it (Connector/J 5.1: Java 7 and 8, 8.0: Java 8 and later), {AGAIN}",
    ),
    _row("driver-missing", "driver")(
        r"ClassNotFoundException[^\n]{0,120}(?:mysql|mariadb)|NoClassDefFoundError[^\n]{0,120}(?:mysql|mariadb)"
        r"|unable to load class[^\n]{0,120}(?:mysql|mariadb)|cannot load jdbc driver class|no suitable driver",
        "the class of the MySQL driver is missing: no jar in repository/components/lib has it",
        f"set mysql.driver_jar (and mysql.driver_class for another driver), {AGAIN}",
    ),
    _row("driver-old", "driver")(
        r"unknown system variable '(?:query_cache_size|query_cache_type|tx_isolation|tx_read_only|language"
        r"|@@session\.tx_\w+)|unknown initial character set index",
        "the MySQL driver is too old for this server: it uses what a newer MySQL has removed or renamed",
        f"set mysql.driver_jar to a newer Connector/J (5.1.47 or later), {AGAIN}",
    ),
    _row("driver-new", "driver")(
        r"CLIENT_PLUGIN_AUTH is required|unknown system variable '(?:transaction_isolation|transaction_read_only"
        r"|performance_schema)|this driver (?:version )?does not support (?:server|mysql)",
        "the MySQL driver is too new for this server: it uses what an older MySQL does not have",
        f"set mysql.driver_jar to an older Connector/J (5.1.49 for MySQL 5.5 to 5.7), {AGAIN}",
    ),
    _row("driver-url", "driver")(
        r"does not accept jdbcUrl|claims to not accept|cannot find a database section in the RDBMS configuration",
        "the driver does not fit the server: it refuses the URL, or reports the product as MariaDB",
        f"use MySQL Connector/J, or a MariaDB driver of version 2: set mysql.driver_jar, {AGAIN}",
    ),
    _row("time-zone", "driver", parameter=("serverTimezone", "UTC"))(
        r"server time ?zone value|serverTimezone",
        "the driver does not know the server's time zone",
        'add serverTimezone = "UTC" to mysql.url_parameters',
    ),
    _row("public-key", "driver", parameter=("allowPublicKeyRetrieval", "true"))(
        r"public key retrieval is not allowed|rsa public key is not available",
        "without TLS the driver needs the server's public key for caching_sha2_password, but may not request it",
        'add allowPublicKeyRetrieval = "true" to mysql.url_parameters',
    ),
    _row("auth-plugin", "driver", numbers=(1251, 2059, 2061))(
        r"unable to load authentication plugin|client does not support authentication protocol"
        r"|(?:authentication )?plugin '?caching_sha2_password|badauthenticationplugin"
        r"|authentication method '?(?:unknown|caching_sha2)",
        "the MySQL driver is too old for the server's log-in (caching_sha2_password: Connector/J 5.1.46 or later)",
        "use a newer Connector/J, or let the account use mysql_native_password where the server still has it",
    ),
    # --- the account and the schema ---
    _row("host-blocked", "database", over="database", numbers=(1129,))(
        r"is blocked because of many connection errors",
        "the database server blocks this machine after too many failed connections",
        "run on the database server: mysqladmin flush-hosts",
    ),
    _row("host-refused", "account", numbers=(1130,))(
        r"is not allowed to connect to this \w+ server",
        "no account is allowed to connect from this machine to the database server",
        "create the account for this machine's address (mysql.grant_host)",
    ),
    _row("database-denied", "account", numbers=(1044, 1142, 1143, 1227, 1370))(
        r"access denied for user [^\n]{0,200} to database|command denied to user"
        r"|access denied; you need [^\n]{0,200} privilege",
        "the account lacks a right, or the right on its database",
        "grant the account its databases (apimha-wizard sql prints the statements)",
    ),
    _row("access-denied", "account", numbers=(1045, 1698))(
        r"access denied for user",
        "access denied: the database refuses the account (wrong password, or not from this host)",
        "compare mysql.username and mysql.password with the database (apimha-wizard check), and replay",
    ),
    _row("account-expired", "account", numbers=(1820, 1862))(
        r"your password has expired|must reset your password",
        "the account's password has expired",
        "set the account's password again, as an administrator; PASSWORD EXPIRE NEVER keeps it",
    ),
    _row("account-locked", "account", numbers=(3118, 3955, 4151))(
        r"account is locked",
        "the account is locked",
        "unlock the account, as an administrator: ALTER USER, ACCOUNT UNLOCK",
    ),
    _row("unknown-database", "schema", numbers=(1049,))(
        r"unknown database '",
        "a database that a datasource names does not exist",
        "correct the names in mysql.databases, and replay; or let a DBA run what apimha-wizard sql prints",
    ),
    _row("old-script", "schema", numbers=(1067,))(
        r"invalid default value for",
        "the script for older servers (mysql.sql) ran on MySQL 5.7 or later",
        "drop the tables that it left behind; with provisioning = server replay swaps the scripts "
        "(mysql5.7.sql), with provisioning = wizard it creates the tables itself; then start the first node again",
    ),
    _row("key-too-long", "schema", numbers=(1071,))(
        r"specified key was too long",
        "the database's character set does not fit the tables' keys (MySQL 5.6 with utf8mb4)",
        'create the database again with charset = "latin1" or "utf8"',
    ),
    _row("row-too-large", "schema", numbers=(1118,))(
        r"row size too large",
        "the rows of the analytics stores' tables are too large in a multi-byte character set",
        "run: ALTER DATABASE <store> CHARACTER SET latin1, while it has no table (apimha-wizard check prints it), "
        "then start the node again",
    ),
    _row("primary-key", "schema", numbers=(3750,))(
        r"sql_require_primary_key",
        "the database server requires a primary key in each table",
        "set sql_require_primary_key = OFF on the database server, and replay",
    ),
    _row("table-missing", "schema", numbers=(1146,))(
        r"table '[^'\n]{1,200}' doesn'?t exist",
        "the database has no tables, or only some of them",
        "replay (provisioning wizard); or start the first node once with -Dsetup, and the second once its log says "
        "Cluster initialization completed (provisioning server)",
    ),
    _row("packet-too-large", "database", over="quiet", numbers=(1153,))(
        r"max_allowed_packet|PacketTooBigException|packet for query is too large",
        "a packet is larger than the database server accepts (max_allowed_packet)",
        "raise max_allowed_packet on the database server (64M), and restart it",
    ),
    _row("read-only", "database", over="database", numbers=(1792, 1836, 3989))(
        r"running with the --(?:super-)?read[-_]only option|server is in read[- ]only mode"
        r"|running in read-only mode|connection is read[- ]only",
        "the database server is read-only",
        "name the primary server in mysql.host, or switch read_only and super_read_only off",
    ),
    _row("too-many-connections", "database", over="database", numbers=(1040, 1203, 1226))(
        r"too many connections|already more than 'max_user_connections'|max_user_connections"
        r"|has exceeded the '[^'\n]{1,80}' resource",
        "the database server accepts no more connections, of this account or at all",
        "raise max_connections (or the account's MAX_USER_CONNECTIONS), or lower pool.max_active",
    ),
    _row("pool-empty", "database", over="database")(
        r"PoolExhaustedException|pool empty\. unable to fetch|none available\[size:",
        "a connection pool to the database is empty: all its connections are busy",
        "raise pool.max_active (and max_connections), and replay; check SHOW PROCESSLIST for slow queries",
    ),
    _row("datasource-duplicate", "datasource")(
        r"duplicate data ?source|data ?source[^\n]{0,120}already exists|NameAlreadyBoundException"
        r"|is already bound in this context|system datasource [^\n]{0,120}can ?not be updated",
        "two datasources have one name or one JNDI name",
        "remove one of them from repository/conf/datasources, and start the node again",
    ),
    # --- limits of the machine ---
    _row("native-thread", "memory")(
        r"unable to create (?:new )?native thread|pthread_create failed",
        "the system's limit of threads for this user is reached",
        "raise the limit of processes: ulimit -u (nproc in /etc/security/limits.conf, TasksMax of a systemd unit), and "
        "start the node again; a larger heap makes it worse",
    ),
    _row("perm-gen", "memory")(
        r"PermGen space",
        "the class space of the server's Java is full (PermGen)",
        "raise -XX:MaxPermSize in bin/wso2server.sh, and start the node again",
    ),
    _row("metaspace", "memory")(
        r"OutOfMemoryError[^\n]{0,40}(?:Metaspace|Compressed class space)",
        "the class space of the server's Java is full (Metaspace)",
        "raise -XX:MaxMetaspaceSize in bin/wso2server.sh, and start the node again",
    ),
    _row("direct-memory", "memory")(
        r"OutOfMemoryError[^\n]{0,40}Direct buffer memory",
        "the server's Java has no memory left outside the heap (direct buffers)",
        "raise -XX:MaxDirectMemorySize in bin/wso2server.sh, and start the node again",
    ),
    _row("heap", "memory")(
        r"OutOfMemoryError|Java heap space|GC overhead limit",
        "the heap of the server's Java is full",
        "raise -Xmx in bin/wso2server.sh, and start the node again",
    ),
    _row("open-files", "files", over="quiet")(
        r"too many open files",
        "the system's limit of open files for this user is reached",
        "raise the limit of open files: ulimit -n (nofile in /etc/security/limits.conf, LimitNOFILE of a systemd "
        "unit), and start the node again",
    ),
    _row("disk-full", "files", over="quiet", numbers=(1021, 1114))(
        r"no space left on device|disk quota exceeded|not enough space on the disk|errno:? 28\b|table '[^']*' is full",
        "the disk is full",
        "free disk space (apimha-wizard clean removes old state files), and start the node again",
    ),
    _row("java-version", "java")(
        r"UnsupportedClassVersionError|unsupported major\.minor version|CARBON is supported only on JDK",
        "the server runs on a Java that does not fit it (the 4.4.x kernels need 1.7 or 1.8)",
        "set JAVA_HOME to a Java 1.8 and start the node again",
    ),
    _row("port-permission", "port")(
        r"BindException:? permission denied|permission denied[^\n]{0,40}bind",
        "this user is not allowed to listen on a port below 1024",
        "set a port above 1023 (port_offset), and replay",
    ),
    _row("local-ports", "network", over="quiet")(
        r"NoRouteToHostException[^\n]{0,20}cannot assign requested address"
        r"|ConnectException[^\n]{0,20}cannot assign requested address",
        "this machine has no free local port left for another connection",
        "see how many connections wait (ss -s), and raise net.ipv4.ip_local_port_range",
    ),
    _row("address-not-local", "port")(
        r"cannot assign requested address|can't assign requested address"
        r"|the requested address is not valid in its context",
        "the address for the server to listen on is not an address of this machine",
        "correct the node's host and spark_local_ip (SPARK_LOCAL_IP in bin/load-spark-env-vars.sh), and what the "
        "machine's own name resolves to (getent hosts $(hostname)); then replay, and start the node again",
    ),
    _row("port-in-use", "port")(
        r"address already in use|BindException|is already in use and auto-increment is disabled"
        r"|could not (?:bind|create ServerSocket) (?:on|to) address",
        "another program, or the other node, listens on a port that this node needs",
        "stop that program, or set another port_offset or port (apimha-wizard check names who listens)",
    ),
    # --- certificates, key stores, names ---
    _row("certificate-expired", "network")(
        r"CertificateExpiredException|certificate[_ ](?:has )?expired|\bNotAfter:"
        r"|(?:timestamp|validity) check failed",
        "a certificate has expired",
        "renew the certificate (keytool -list -v shows until when each is valid), and start the node again",
    ),
    _row("certificate-untrusted", "database", over="database", context=_DATABASE)(
        r"unable to find valid certification path|PKIX path building failed|SunCertPathBuilderException",
        "Java does not trust the certificate of the database server",
        "import its authority's certificate into Java's trust store (keytool -importcert), and start the node again",
    ),
    _row("key-store", "secrets")(
        r"keystore was tampered with|keystore password was incorrect|UnrecoverableKeyException|cannot recover key"
        r"|(?:key|trust) ?store[^\n]{0,120}(?:not found|no such file|cannot be found|does not exist|FileNotFound)"
        r"|(?:not found|no such file|FileNotFoundException)[^\n]{0,160}\.jks|\.jks \(no such file"
        r"|(?:cannot|unable to|error (?:in|while)) (?:load|read|open|loading|reading)[^\n]{0,40} key ?store"
        r"|invalid keystore format",
        "a key store cannot be opened: the file is missing, or its password is wrong",
        "compare the KeyStore and TrustStore elements of carbon.xml with the files in repository/resources/security "
        "(keytool -list -keystore FILE), and start the node again",
    ),
    _row("secure-vault", "secrets")(
        r"secure ?vault|secret ?repository|SecretManager|cipher-text\.properties|BadPaddingException|password-tmp"
        r"|error (?:in |while )?decrypting",
        "the secure vault cannot decrypt a password",
        "check repository/conf/security (secret-conf.properties, cipher-text.properties) and the file password-tmp, "
        "run bin/ciphertool.sh again, and start the node again",
    ),
    _row(
        "tls", "database", over="database", context=_DATABASE, numbers=(3159,), parameter=("useSSL", "false")
    )(
        r"SSLHandshakeException|SSLException|SSLProtocolException|SSLPeerUnverifiedException|no appropriate protocol"
        r"|unsupported record version|received fatal alert|ssl peer shut down|ssl connection required"
        r"|broken pipe(?=(?s:.{0,3000})sun\.security\.ssl)|connection reset(?=(?s:.{0,3000})sun\.security\.ssl)"
        r"|EOFException(?=(?s:.{0,3000})sun\.security\.ssl)|socket closed(?=(?s:.{0,3000})sun\.security\.ssl)"
        r"|remote host (?:closed connection|terminated the handshake)",
        "driver and database have no TLS version in common (Connector/J 8 with MySQL 5.6, or Java without TLS 1.1)",
        'add useSSL = "false" to mysql.url_parameters, or enable TLS 1.2 on the database server',
    ),
    _row("unknown-host", "network", over="database", context=_OWN)(
        r"UnknownHostException|temporary failure in name resolution|name or service not known"
        r"|nodename nor servname|unknown database host",
        "a host name is not known on this machine (of the database, if the trace names it: mysql.host)",
        "add the name to DNS or /etc/hosts (check: getent hosts NAME), or correct the host in the profile and replay",
    ),
    # --- parts of the server ---
    _row("thrift-receiver", "receiver")(
        r"can ?not create and start agent server|cannot start (?:thrift|agent) (?:server|receiver)"
        r"|error (?:in |while )?(?:creating/)?starting (?:the )?(?:thrift|agent|binary) (?:data )?"
        r"(?:server|receiver|bridge)",
        "the Thrift receiver does not start: its port (7611, 7711, plus the offset) is in use, or its key store fails",
        "free the ports (apimha-wizard check names who listens) or set another port_offset, and start the node again",
    ),
    _row("mount-occupied", "mount")(
        r"a resource already exists at the given location",
        "a path of the registry cannot be mounted: a resource is already there",
        "replay, so that the mount has overwrite = true, and start the node again",
    ),
    _row("mount-target", "mount")(
        r"target path does not exist for the given mount",
        "a path of the registry is mounted to a target path that does not exist",
        "correct registry.governance_target and registry.config_target, and replay",
    ),
    _row("mount-failed", "mount", general=True)(
        r"couldn'?t mount |unable to create fixed remote mounts|failed to activate registry core bundle",
        "a path of the registry cannot be mounted",
        "compare registry.xml with the profile (apimha-wizard check), replay, and start the node again",
    ),
    _row("jndi-name", "datasource", context=_JNDI, general=True)(
        r"unable to look-?up jndi name|NameNotFoundException",
        "a datasource that the configuration names by its JNDI name was not created",
        "see the errors of repository/conf/datasources in this log, replay, and start the node again",
    ),
    _row("spark-stopped", "spark", over="spark")(
        r"stopped SparkContext|SparkContext (?:has been|was) (?:shut ?down|stopped|cancelled)|spark ?context[^\n]{0,40}"
        r"\bstopped\b|job cancelled because SparkContext was shut down|all masters are unresponsive! giving up"
        r"|application has been killed\. reason|error initializing SparkContext",
        "the Spark context of this node is stopped: every query fails until another one is started",
        "start this node again",
    ),
    _row("spark-executor", "spark", over="spark", context=_EXECUTOR)(
        r"NullPointerException",
        "Spark tasks that the nodes send to each other fail (a NullPointerException from the Hazelcast executor)",
        "start this node again; if it goes on, start both",
    ),
    # --- what counts only if nothing more special is found ---
    _row("database-gone", "database", over="database", context=_DATABASE, general=True)(
        r"communications link failure|CommunicationsException|(?:No)?ConnectException|connection (?:refused|timed out"
        r"|reset)|connect timed out|no route to ?host|network is unreachable|SocketTimeoutException"
        r"|can ?not read response from server|no operations allowed after (?:connection|statement) closed"
        r"|server shutdown in progress|could not create connection to database|server has gone away|broken pipe"
        r"|lost connection to mysql|the last packet (?:sent|successfully)|connection (?:is|has been|was) closed",
        "the server cannot reach the database",
        "start the database, or correct mysql.host and mysql.port (apimha-wizard check)",
    ),
)

BY_ID = {failure.id: failure for failure in FAILURES}
_BY_NUMBER = {number: failure for failure in FAILURES for number in failure.numbers}


def by_number(number: int) -> Failure | None:
    """Return the failure of one of MySQL's error numbers."""
    return _BY_NUMBER.get(number)


def refusal(number: int) -> Failure:
    """Return the failure of a number that is in the table."""
    return _BY_NUMBER[number]


def recognise(texts: Sequence[str], *, source: str = "") -> Failure | None:
    """Return the failure behind an error: `texts` are its causes, from the innermost to the message that wraps them.

    A special cause precedes a general one, wherever in the trace it is; of two the inner one counts.
    """
    whole = "\n".join((*texts, source))
    lower = whole.lower()
    possible = {number for word, number in _words() if word in lower}
    if not possible:
        return None
    candidates = [FAILURES[number] for number in sorted(possible)]
    if _FOREIGN.search(source) is not None and re.search(r"mysql|mariadb|jdbc", lower) is None:
        others = _REACHING if "in use" in lower else _REACHING | {"port"}
        candidates = [failure for failure in candidates if failure.subject not in others]
    general: Failure | None = None
    for text in texts:
        for failure in candidates:
            if failure.general and general is not None:
                continue
            if failure.pattern.search(text) and (failure.context is None or failure.context.search(whole)):
                if not failure.general:
                    return failure
                general = failure
    return general


@cache
def _words() -> tuple[tuple[str, int], ...]:
    """Return words, each with the index of a failure whose text contains at least one of its words.

    Most errors contain none of them, which is found out quickly.
    """
    return tuple(
        dict.fromkeys(
            (word, number)
            for number, failure in enumerate(FAILURES)
            for word in required_words(failure.pattern.pattern)
        )
    )


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
