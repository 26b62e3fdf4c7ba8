"""Errors of the servers that are known, each with what causes it and what mends it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A known error: `name` is its key, `passing` means that it may be over once the server has started."""

    name: str
    pattern: re.Pattern[str]
    cause: str
    fix: str
    passing: bool = False


def _fault(name: str, pattern: str, cause: str, fix: str, *, passing: bool = False) -> Fault:
    return Fault(name, re.compile(pattern, re.IGNORECASE | re.DOTALL), cause, fix, passing)


FAULTS = (
    _fault(
        "driver-class",
        r"(?:ClassNotFoundException|NoClassDefFoundError|unable to load class|cannot load jdbc driver class)"
        r"[^\n]{0,80}(?:mysql|mariadb)|no suitable driver",
        "the MySQL driver's class is missing: its jar is not in components/lib, or it is another one",
        "set mysql.driver_jar (mysql.driver_class for another driver), replay, and start the node again",
    ),
    _fault(
        "authentication",
        r"public key retrieval is not allowed|authentication plugin '?caching_sha2_password"
        r"|client does not support authentication protocol",
        "the driver cannot log in the way that this MySQL asks for (caching_sha2_password)",
        "take Connector/J 5.1.46 or later and, without TLS, set mysql.url_parameters "
        '{ useSSL = "false", allowPublicKeyRetrieval = "true" }',
    ),
    _fault(
        "tls",
        r"(?=.*(?:mysql|mariadb|jdbc))(?:.*(?:SSLHandshakeException|SSLException|no appropriate protocol"
        r"|unsupported record version|received fatal alert: (?:protocol_version|handshake_failure)))",
        "the driver and the database do not agree on a TLS version (Connector/J 8 against MySQL 5.6)",
        'set mysql.url_parameters { useSSL = "false" }, replay, and start the node again',
    ),
    _fault(
        "access-denied",
        r"access denied for user",
        "the database refuses the account that the server logs in with",
        "compare mysql.username and mysql.password with the database (apimha-wizard check), and replay",
    ),
    _fault(
        "unknown-database",
        r"unknown database '",
        "a database that a datasource names does not exist",
        "replay, or let a DBA run what apimha-wizard sql prints",
    ),
    _fault(
        "table-missing",
        r"table '[^'\n]{1,200}' doesn'?t exist",
        "the database has no tables, or only some of them",
        "replay (provisioning wizard), or start the first node once with -Dsetup (provisioning server)",
    ),
    _fault(
        "key-too-long",
        r"specified key was too long",
        "the database's character set does not fit the tables' keys (MySQL 5.6 with utf8mb4)",
        'make the database again with charset = "latin1" or "utf8"',
    ),
    _fault(
        "duplicate-datasource",
        r"duplicate data ?source|data ?source[^\n]{0,120}already exists|NameAlreadyBoundException"
        r"|is already bound in this context",
        "two datasources have one name or one JNDI name",
        "remove one of them from repository/conf/datasources, and start the node again",
    ),
    _fault(
        "address-in-use",
        r"address already in use|BindException|is already in use and auto-increment is disabled",
        "another program, or the other node, listens on a port that this node needs",
        "stop that program, or set another port_offset or port (apimha-wizard check names who listens)",
    ),
    _fault(
        "java-version",
        r"UnsupportedClassVersionError|unsupported major\.minor version",
        "the server runs on a Java that does not fit it (the 4.4.x kernels need 1.7 or 1.8)",
        "set JAVA_HOME to a Java 1.8 and start the node again",
    ),
    _fault(
        "memory",
        r"OutOfMemoryError",
        "the server's Java has too little memory",
        "raise -Xmx in bin/wso2server.sh, and start the node again",
    ),
    _fault(
        "disk-full",
        r"no space left on device",
        "the disk is full",
        "make room (apimha-wizard clean removes old state files), and start the node again",
    ),
    _fault(
        "too-many-connections",
        r"too many connections",
        "the database has no connection left",
        "raise max_connections of the database, or lower pool.max_active",
        passing=True,
    ),
    _fault(
        "database-gone",
        r"communications link failure|CommunicationsException"
        r"|(?:mysql|jdbc)[^\n]{0,200}(?:connection refused|UnknownHostException)",
        "the server does not reach the database",
        "start the database, or correct mysql.host and mysql.port (apimha-wizard check)",
        passing=True,
    ),
)


def fault_of(text: str) -> Fault | None:
    """The known error that a record's message and trace tell of; the more special one first."""
    return next((fault for fault in FAULTS if fault.pattern.search(text)), None)
