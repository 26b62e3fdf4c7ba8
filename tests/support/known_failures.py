"""Failures that people have met, as the servers print them: several of each kind (issue 14, procedure 9)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tests.support.server_logs import EVENTS, HA, PUBLISHER, QUERIES, QUEUE, SERVER, TASKS, line_of

REGISTRY = "org.wso2.carbon.registry.core.internal.RegistryCoreServiceComponent"
CONFIG = "org.wso2.carbon.registry.core.config.RegistryConfigurationProcessor"
SPARK = "org.wso2.carbon.analytics.spark.core.internal.AnalyticsComponent"
EVENTS_DS = "org.wso2.carbon.event.processor.manager.core.internal.ds.EventManagementServiceDS"
RECEIVER = "org.wso2.carbon.databridge.receiver.thrift.internal.ThriftDataReceiverDS"
CLUSTER = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
LINK = "com.mysql.jdbc.exceptions.jdbc4.CommunicationsException: Communications link failure"
REFUSED = "java.net.ConnectException: Connection refused"


class Known(NamedTuple):
    """`causes` are its causes from the outside in; `says` has to be in the finding's message or fix.

    `over` names what shows that it is over: None where only a start helps.
    """

    source: str
    message: str
    causes: tuple[str, ...]
    says: str
    over: str | None = None
    level: str = "ERROR"
    frames: tuple[str, ...] = ()


def _sql(text: str, says: str, over: str | None = None) -> Known:
    causes = ("x.AnalyticsException: Error", f"java.sql.SQLException: {text}")
    return Known(QUEUE, "Error in putting records", causes, says, over)


def _linked(cause: str, says: str, *frames: str, over: str | None = "database") -> Known:
    return Known(QUEUE, "Error in putting records", (LINK, cause), says, over, frames=frames)


def _plain(cause: str, says: str, over: str | None = None) -> Known:
    return Known(QUEUE, "Error in the worker", (cause,), says, over)


KNOWN: dict[str, Known] = {
    # the driver
    "driver missing": _linked("java.lang.ClassNotFoundException: com.mysql.cj.jdbc.Driver", "driver_jar", over=None),
    "no suitable driver": _sql("No suitable driver found for jdbc:mysql://10.0.0.1:3306/regdb", "driver_jar"),
    "query_cache_size": _sql("Unknown system variable 'query_cache_size'", "too old"),
    "tx_isolation": _sql("Unknown system variable 'tx_isolation'", "too old"),
    "character set index": _sql("Unknown initial character set index '255' received from server.", "too old"),
    "too new": _sql("CLIENT_PLUGIN_AUTH is required", "too new"),
    "time zone": _sql("The server time zone value 'CEST' is unrecognized or represents more", "serverTimezone"),
    "public key": _sql("Public Key Retrieval is not allowed", "allowPublicKeyRetrieval"),
    "plugin": _sql("Unable to load authentication plugin 'caching_sha2_password'.", "5.1.46"),
    "old protocol": _sql("Client does not support authentication protocol requested by server", "5.1.46"),
    "tls protocol": _linked("javax.net.ssl.SSLHandshakeException: No appropriate protocol (disabled)", "useSSL"),
    "tls record": _linked("javax.net.ssl.SSLException: Unsupported record version Unknown-0.0", "useSSL"),
    "tls broken pipe": _linked("java.net.SocketException: Broken pipe (Write failed)", "useSSL",
        "\tat java.net.SocketOutputStream.socketWrite0(Native Method)",
        "\tat sun.security.ssl.OutputRecord.writeBuffer(OutputRecord.java:431)",
        "\tat com.mysql.jdbc.ExportControlled.transformSocketToSSLSocket(ExportControlled.java:186)"),
    "tls reset": _linked("java.net.SocketException: Connection reset", "useSSL",
        "\tat sun.security.ssl.InputRecord.readFully(InputRecord.java:465)"),
    # the account and the schema
    "1045": _sql("Access denied for user 'apim'@'10.0.0.1' (using password: YES)", "mysql.password"),
    "1044": _sql("Access denied for user 'apim'@'%' to database 'regdb'", "grant"),
    "1049": _sql("Unknown database 'regdb'", "mysql.databases"),
    "1067": _sql("Invalid default value for 'REG_LAST_UPDATED_TIME'", "mysql5.7.sql"),
    "1071": _sql("Specified key was too long; max key length is 767 bytes", "latin1"),
    "1118": _sql("Row size too large (> 65535). The maximum row size for the used table type", "latin1"),
    "1129": _sql("Host '10.0.0.1' is blocked because of many connection errors", "flush-hosts", "database"),
    "1130": _sql("null, \"Host '10.0.0.1' is not allowed to connect to this MySQL server\"", "grant_host"),
    "1040": _sql('Data source rejected establishment: "Too many connections"', "max_connections", "database"),
    "1203": _sql("User apim already has more than 'max_user_connections' connections", "max_connections", "database"),
    "1226": _sql("User 'apim' has exceeded the 'max_questions' resource (current value: 10)", "max_", "database"),
    "1153": _sql("Got a packet bigger than 'max_allowed_packet' bytes", "max_allowed_packet", "quiet"),
    "pool empty": Known(QUEUE, "Timeout: Pool empty. Unable to fetch a connection in 60 seconds",
        ("org.apache.tomcat.jdbc.pool.PoolExhaustedException: [] none available[size:50",), "max_active", "database"),
    "read only": _sql("The MySQL server is running with the --read-only option", "primary", "database"),
    "tables": _sql("Table 'regdb.REG_LOG' doesn't exist", "-Dsetup"),
    # the database
    "refused": _linked(REFUSED, "database"),
    "read timeout": _linked("java.net.SocketTimeoutException: Read timed out", "database"),
    "end of file": _linked("java.io.EOFException: Can not read response from server. Expected 4 bytes", "database"),
    "name of the database": _linked("java.net.UnknownHostException: db.example", "getent hosts"),
    "an untrusted certificate": _linked("sun.security.provider.certpath.SunCertPathBuilderException: unable to find "
        "valid certification path", "does not trust"),
    # the machine
    "port in use": _plain("java.net.BindException: Address already in use", "port_offset"),
    "not my address": _plain("java.net.BindException: Cannot assign requested address", "spark_local_ip"),
    "heap": _plain("java.lang.OutOfMemoryError: Java heap space", "-Xmx"),
    "overhead": _plain("java.lang.OutOfMemoryError: GC overhead limit exceeded", "-Xmx"),
    "permgen": _plain("java.lang.OutOfMemoryError: PermGen space", "MaxPermSize"),
    "metaspace": _plain("java.lang.OutOfMemoryError: Metaspace", "MaxMetaspaceSize"),
    "threads": _plain("java.lang.OutOfMemoryError: unable to create new native thread", "nproc"),
    "open files": _plain("java.net.SocketException: Too many open files", "ulimit -n", "quiet"),
    "disk": _plain("java.io.IOException: No space left on device", "free disk space", "quiet"),
    "java": _plain("java.lang.UnsupportedClassVersionError: Unsupported major.minor version 55.0", "JAVA_HOME"),
    "key store": _plain("java.io.IOException: Keystore was tampered with, or password was incorrect", "key store"),
    "no key store": _plain("java.io.FileNotFoundException: wso2carbon.jks (No such file or directory)", "key store"),
    "vault": _plain("org.wso2.securevault.SecureVaultException: Error in decrypting", "vault"),
    "certificate": _plain("java.security.cert.CertificateExpiredException: NotAfter: Mon Jan 01 2018", "certificate"),
    # the server's own parts
    "receiver": Known(RECEIVER, "Can not create and start Agent Server ", ("x.DataBridgeException: no",), "7611"),
    "the binary receiver": Known(RECEIVER, "Error in creating/starting Binary receiver", ("x.E: no",), "7611"),
    "event sync port": Known(EVENTS, "Unable to start TCPEventServer for EventReceiver started on port 11225", (),
        "11225", "receiver"),
    "event processor": Known(EVENTS_DS, "Could not create EventProcessorManagementService: x", (), "event processor"),
    "fixed mounts": Known(REGISTRY, "Unable to create fixed remote mounts.", ("x.RegistryException: no",), "mount"),
    "fixed mounts, for want of the database": Known(REGISTRY, "Unable to create fixed remote mounts.", (LINK, REFUSED),
        "mount"),
    "spark, for want of the database": Known(SPARK, "Error in activating analytics data service: x", (LINK, REFUSED),
        "analytics data service", "spark"),
    "one mount": Known(REGISTRY, "Couldn't mount gov.", (), "mount"),
    "occupied": Known(REGISTRY, "Unable to create remote mount. A resource already exists at the given location: /x",
        (), "overwrite"),
    "target": Known(REGISTRY, "Target path does not exist for the given mount: /x", (), "target", level="WARN"),
    "jndi": Known(CONFIG, "Unable to look-up JNDI name jdbc/WSO2REG_DB", (), "datasource", level="WARN"),
    "spark": Known(SPARK, "Error initializing analytics executor: null", ("java.lang.NullPointerException",), "Spark",
        "spark"),
    "spark address": Known(SPARK, "Error initializing analytics executor: Unable to create analytics client.",
        ("java.net.BindException: Cannot assign requested address: Service 'sparkDriver' failed",), "spark_local_ip"),
    "stopped context": Known(QUERIES, "Error while executing query : SELECT 1",
        ("java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext",), "Spark", "spark"),
    "no Spark master": Known("org.apache.spark.scheduler.TaskSchedulerImpl",
        "Exiting due to error from cluster scheduler: All masters are unresponsive! Giving up.", (), "Spark context",
        "spark"),
    "hazelcast executor": Known(QUERIES, "Error while executing query : SELECT 1", ("java.lang.NullPointerException",),
        "Spark", "spark", frames=("\tat x.Y.z(Y.java:1)", "\tat com.hazelcast.executor.impl.DistributedExecutor")),
    "user manager": Known("org.wso2.carbon.user.core.internal.Activator", "Cannot start User Manager Core bundle",
        ("x.UserStoreException: no",), "failed"),
    "cluster": Known(CLUSTER, "Cannot initialize cluster", ("x.ClusteringFault: no",), "Cannot initialize"),
    "a message to the cluster": Known(CLUSTER, "Could not send the cluster message", (), "cluster", "member"),
    "task servers": Known(TASKS, "Error in x", (), "Error in x", "start"),
    "transports": Known(SERVER, "Cannot start transports", (), "transports", level="FATAL"),
    "initialization": Known(SERVER, "WSO2 Carbon initialization Failed", (), "initialization", level="FATAL"),
    "any fatal": Known("org.example.Other", "It is over", (), "It is over", level="FATAL"),
    "state sync": Known(HA, "java.lang.RuntimeException: Error in connecting to 127.0.0.1:10006", (), "10006", "state"),
    "internal error of the partner": Known(HA, "Internal server error occurred at CEP member :127.0.0.1:10006, x", (),
        "10006", "state"),
    "thrift error": Known(HA, "Thrift error occurred when communicating to CEP member :127.0.0.1:10006, x", (), "10006",
        "state"),
    "any of HAManager": Known(HA, "Something that nobody has seen", (), "nobody has seen", "state"),
    "connection": Known(PUBLISHER, "Error connection to 127.0.0.1:11227", (REFUSED,), "11227", "connection"),
    "reconnection": Known(PUBLISHER, "Error on reconnection to 127.0.0.1:11227", (REFUSED,), "11227", "connection"),
}  # fmt: skip
"""By a name for people."""


def clock_of(line: str) -> datetime:
    """The time of a line in the file's form."""
    return datetime.fromisoformat(line.split("[")[3][:23].replace(",", "."))


def printed(failure: Known, clock: datetime, *, deep: bool = False) -> list[str]:
    """The failure as the server prints it; `deep`: its root in a trace of more than 64 KiB with nine causes."""
    lines = [line_of("file", clock, failure.level, failure.source, failure.message)]
    if not failure.causes:
        return lines
    frames = ["\tat org.example.Deep.frame(Deep.java:1)"]
    lines += [f"org.example.Wrapping: {failure.message}", *frames]
    if deep:
        for number in range(9 - len(failure.causes)):
            lines += [f"Caused by: org.example.Wrapped{number}: x", *(frames * 250)]
    for cause in failure.causes:
        lines += [f"Caused by: {cause}", *(failure.frames or frames)]
    return lines
