"""What a value in a profile may be: each rule with the one sentence that a person reads when it is broken.

Most are checked by pydantic's core (no Python runs for a value that is right), and appear in the JSON Schema.
"""

from __future__ import annotations

import ipaddress
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Discriminator, Tag
from pydantic_core import core_schema

from wizard.passwords.references import FIVE_KINDS, AnyReference, kind_of
from wizard.system.rules import Rule, broken, text


def number(low: int, high: int, what: str) -> Rule:
    """A whole number; `true` and `2.0` are none."""
    message = f"{what} is a whole number from {low} to {high}"
    return Rule(core_schema.int_schema(ge=low, le=high, strict=True), message)


def matching(pattern: str, message: str) -> Rule:
    """A string that fits `pattern`, as Rust's regex crate reads it; in the JSON Schema JavaScript's does."""
    return Rule(core_schema.str_schema(pattern=pattern, strict=True), message)


def choice(*values: str) -> Rule:
    """One of some words."""
    message = "one of " + ", ".join(f'"{value}"' for value in values)
    return Rule(core_schema.literal_schema(list(values)), message)


# --- where a pattern cannot say it: some raise `broken(…)` with a more exact message than the rule's own ----


def is_text(text: str, longest: int | None = None) -> bool:
    """Whether `text` is on one line, without blanks at its ends, and not longer than that many characters."""
    return bool(text) and text.isprintable() and text.strip() == text and len(text) <= (longest or len(text))


def is_name(text: str) -> bool:
    """Whether a profile, a node or a cluster can be called `text`."""
    return text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address; one with a zone (`fe80::1%eth0`) means nothing elsewhere."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_database(text: str) -> bool:
    """Whether a JDBC URL can name the database `text`; MySQL itself accepts nearly every name."""
    return is_text(text, 64) and not any(character in text for character in "/\\?#%")


def is_host(text: str) -> bool:
    """Whether `text` is an IP address or the name of a host."""
    if "[" in text or "]" in text:
        raise broken("an IPv6 address is written without brackets here")
    if is_address(text):
        return True
    if ":" in text:
        raise broken("expected a host without scheme and port; the port has its own key")
    if text.replace(".", "").isdecimal():
        raise broken("not an IPv4 address: expected four numbers from 0 to 255")
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(
        len(label) < 64 and is_name(label) and "-" not in (label[0], label[-1]) for label in labels
    )


def is_absolute(text: str) -> bool:
    """Whether `text` is an absolute path below the root."""
    return text.startswith("/") and text.isprintable() and bool(text.strip("/"))


def is_url(text: str, *, schemes: tuple[str, ...]) -> bool:
    """Whether `text` is a URL of one of these schemes, without user and password."""
    scheme, _, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise broken("a URL holds no user and no password here: they have their own keys")
    try:
        port = urlsplit(text).port
    except ValueError:
        return False
    has_place = bool(authority or (scheme == "file" and path))
    return scheme.lower() in schemes and has_place and is_text(text) and " " not in text and port != 0


# --- the rules ------------------------------------------------------------------------------------

Text = Annotated[str, text(is_text, "expected text on one line, without blanks at its ends", minLength=1)]
Name = Annotated[str, text(is_name, "a name has letters, digits, _ and - only", pattern="^[A-Za-z0-9_-]+$")]
Host = Annotated[str, text(is_host, "a host is a name or an IPv4 or IPv6 address")]
IpAddress = Annotated[str, text(is_address, 'expected an IPv4 or IPv6 address, such as "10.100.0.46"')]
PortNumber = Annotated[int, number(1, 65535, "a port")]
# The product's highest stock port is 12501: with this offset none passes 65535.
Offset = Annotated[int, number(0, 50000, "an offset")]
Milliseconds = Annotated[int, number(0, 2**31 - 1, "a time in milliseconds")]
Minutes = Annotated[int, number(1, 2**31 - 1, "an interval in minutes")]
TaskServerCount = Annotated[int, number(1, 2, "the number of task servers")]
Count = Annotated[int, number(1, 2**31 - 1, "this")]
Switch = Annotated[bool, Rule(core_schema.bool_schema(strict=True), "expected true or false, without quotes")]
Provisioning = Annotated[Literal["wizard", "server", "dba"], choice("wizard", "server", "dba")]
SyncMethod = Annotated[Literal["none", "svn"], choice("none", "svn")]
AccountName = Annotated[
    str,
    text(
        partial(is_text, longest=32),
        "an account has 1 to 32 characters, without blanks at its ends",
        minLength=1,
        maxLength=32,
    ),
]
DatabaseName = Annotated[
    str,
    text(
        is_database,
        "a database's name has 1 to 64 characters, none of / \\ ? # % and no blank at its ends",
        minLength=1,
        maxLength=64,
        pattern=r"^[^/\\?#%]+$",
    ),
]
GrantHost = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9_.%:/-]{1,255}$",
        'expected the host part of a MySQL account, such as "%", "10.100.0.%" or "node1.example.com"',
    ),
]
Charset = Annotated[str, matching(r"^[A-Za-z0-9_]{1,64}$", 'expected a character set, such as "latin1"')]
ServerVersion = Annotated[
    str,
    matching(
        r"^[0-9]{1,4}(\.[0-9]{1,4}){0,3}(-[Mm][Aa][Rr][Ii][Aa][Dd][Bb])?$",
        'expected a server\'s version, such as "5.6", "8.0.36" or "10.11-MariaDB"',
    ),
]
JavaClass = Annotated[
    str,
    matching(
        r"^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$",
        'expected the name of a Java class, such as "com.mysql.jdbc.Driver"',
    ),
]
RegistryPath = Annotated[
    str,
    text(
        lambda path: path.startswith("/") and is_text(path),
        'expected a registry path, which begins with "/"',
        pattern="^/",
    ),
]
AbsolutePath = Annotated[
    Path,
    text(
        is_absolute,
        'expected a path that begins with "/"; it is the same on both machines',
        Path,
        pattern="^/",
        format="path",
    ),
]
SvnUrl = Annotated[
    str,
    text(
        # svn+ssh is a URL; the check deployment-sync.repository says that the product cannot use it.
        partial(is_url, schemes=("https", "http", "svn", "file", "svn+ssh")),
        "expected the URL of a Subversion repository, such as https://svn.example.com/analytics",
        format="uri",
    ),
]
RemoteUrl = Annotated[
    str,
    text(
        partial(is_url, schemes=("https", "http")),
        "expected an http or https URL, such as https://localhost:9443/registry",
        format="uri",
    ),
]
ParameterName = Annotated[
    str, matching(r"^[A-Za-z0-9_.]+$", "the name of a URL parameter has letters, digits, _ and . only")
]
_PARAMETER = text(str.isprintable, 'a value of a URL parameter is text on one line, such as "false"')
# Text, or a reference where the text is a password.
ParameterValue = Annotated[
    Annotated[str, _PARAMETER, Tag("@text")] | AnyReference,
    Discriminator(
        lambda value: "@text" if isinstance(value, str) else kind_of(value),
        custom_error_type="reference",
        custom_error_message=f'a URL parameter is text in quotes, such as "false", or {FIVE_KINDS}',
    ),
]
