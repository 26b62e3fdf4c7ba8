"""What a value in a profile may be: each rule with the one sentence that a person reads when it is broken.

Most are checked by pydantic's core (no Python runs for a value that is right), and appear in the JSON Schema.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Discriminator, Tag
from pydantic_core import core_schema

from wizard.passwords.references import FIVE_KINDS, AnyReference
from wizard.profile import validators
from wizard.system.rules import Rule, TextRule


def number(low: int, high: int, what: str) -> Rule:
    """A whole number; `true` and `2.0` are none."""
    return Rule(
        core_schema.int_schema(ge=low, le=high, strict=True), f"{what} is a whole number from {low} to {high}"
    )


def matching(pattern: str, message: str, *, longest: int | None = None) -> Rule:
    """A string that fits `pattern`, as Rust's regex crate reads it; in the JSON Schema JavaScript's does."""
    return Rule(core_schema.str_schema(pattern=pattern, max_length=longest, strict=True), message)


def choice(*values: str) -> Rule:
    """One of some words."""
    return Rule(
        core_schema.literal_schema(list(values)), "one of " + ", ".join(f'"{value}"' for value in values)
    )


def _is_svn_url(text: str) -> bool:
    # svn+ssh is a URL; the check deployment-sync.repository says that the product cannot use it.
    return validators.is_url(text, "https", "http", "svn", "file", "svn+ssh")


def _is_remote_url(text: str) -> bool:
    return validators.is_url(text, "https", "http")


Text = Annotated[
    str,
    TextRule(
        validators.is_text, "expected text in quotes, on one line, without blanks at its ends", minLength=1
    ),
]
Name = Annotated[str, matching("^[A-Za-z0-9_-]+$", "a name in quotes: letters, digits, _ and - only")]
Host = Annotated[str, TextRule(validators.is_host, "a host is a name or an IPv4 or IPv6 address, in quotes")]
IpAddress = Annotated[
    str, TextRule(validators.is_address, 'expected an IPv4 or IPv6 address in quotes, such as "10.100.0.46"')
]
PortNumber = Annotated[int, number(1, 65535, "a port")]
# The product's highest stock port is 12501: with this offset none passes 65535.
Offset = Annotated[int, number(0, 50000, "an offset")]
Milliseconds = Annotated[int, number(0, 2**31 - 1, "a time in milliseconds")]
Minutes = Annotated[int, number(1, 2**31 - 1, "an interval in minutes")]
TaskServerCount = Annotated[int, number(1, 2, "the number of task servers")]
Count = Annotated[int, number(1, 2**31 - 1, "this")]
Switch = Annotated[bool, Rule(core_schema.bool_schema(strict=True), "expected true or false, without quotes")]
AccountName = Annotated[
    str,
    TextRule(
        validators.is_account,
        "an account has 1 to 32 characters, without blanks at its ends",
        minLength=1,
        maxLength=32,
    ),
]
DatabaseName = Annotated[
    str,
    TextRule(
        validators.is_database,
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
        'expected a server\'s version in quotes, such as "5.6", "8.0.36" or "10.11-MariaDB"',
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
    TextRule(validators.is_registry_path, 'expected a registry path, which begins with "/"', pattern="^/"),
]
AbsolutePath = Annotated[
    Path,
    TextRule(
        validators.is_absolute,
        'expected a path that begins with "/"; it is the same on both machines',
        Path,
        pattern="^/",
        format="path",
    ),
]
SvnUrl = Annotated[
    str,
    TextRule(
        _is_svn_url,
        "expected the URL of a Subversion repository, such as https://svn.example.com/analytics",
        format="uri",
    ),
]
RemoteUrl = Annotated[
    str,
    TextRule(
        _is_remote_url, "expected an http or https URL, such as https://localhost:9443/registry", format="uri"
    ),
]


# --- URL parameters: text, or a reference where the text is a password --------------------------------------

ParameterName = Annotated[
    str, matching(r"^[A-Za-z0-9_.]+$", "the name of a URL parameter has letters, digits, _ and . only")
]
_ParameterText = Annotated[
    str,
    TextRule(
        validators.is_on_one_line, 'a value of a URL parameter is text in quotes on one line, such as "false"'
    ),
]

ParameterValue = Annotated[
    Annotated[_ParameterText, Tag("@text")] | AnyReference,
    Discriminator(
        validators.parameter_kind,
        custom_error_type="reference",
        custom_error_message=f'a URL parameter is text in quotes, such as "false", or {FIVE_KINDS}',
    ),
]
