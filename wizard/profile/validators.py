"""What a value of a profile may be, where a pattern cannot say it.

Each says whether a string is valid; some raise `broken(…)` with a more exact message than the rule's own.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from wizard.passwords.references import kind_of
from wizard.system.rules import broken


def is_on_one_line(text: str) -> bool:
    """Whether any configuration file can hold `text` on a line: no control characters, nothing invisible."""
    return text.isprintable()


def is_text(text: str) -> bool:
    """Whether `text` is on one line, without blanks at its ends."""
    return bool(text) and is_on_one_line(text) and text.strip() == text


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


def is_account(text: str) -> bool:
    """Whether a MySQL account can be called `text`."""
    return is_text(text) and len(text) <= 32


def is_database(text: str) -> bool:
    """Whether a JDBC URL can name the database `text`; MySQL itself accepts nearly every name."""
    return is_text(text) and len(text) <= 64 and not any(character in text for character in "/\\?#%")


def is_host(text: str) -> bool:
    """Whether `text` is an IP address or the name of a host."""
    if "[" in text or "]" in text:
        raise broken("an IPv6 address is written without brackets here")
    if ":" in text and not is_address(text):
        raise broken("expected a host without scheme and port; the port has its own key")
    if text.replace(".", "").isdecimal() and not is_address(text):
        raise broken("not an IPv4 address: expected four numbers from 0 to 255")
    labels = text.removesuffix(".").split(".")
    return is_address(text) or (
        len(text) <= 253
        and all(len(label) < 64 and is_name(label) and "-" not in (label[0], label[-1]) for label in labels)
    )


def is_absolute(text: str) -> bool:
    """Whether `text` is an absolute path below the root."""
    return text.startswith("/") and is_on_one_line(text) and bool(text.strip("/"))


def is_registry_path(text: str) -> bool:
    """Whether `text` is a path of the registry."""
    return text.startswith("/") and is_text(text)


def is_url(text: str, *schemes: str) -> bool:
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


def parameter_kind(value: object) -> str | None:
    """The tag of what the value of a URL parameter is: text, or a kind of reference."""
    return "@text" if isinstance(value, str) else kind_of(value)


_PASSWORDS = ("passw", "pwd", "passphrase", "secret")
# Parameters of Connector/J that only speak of passwords.
_ONLY_SPEAK_OF_IT = ("passwordcharacterencoding", "disconnectonexpiredpasswords")


def is_password_parameter(name: str) -> bool:
    """Whether this parameter of a JDBC URL is a password, such as `trustCertificateKeyStorePassword`."""
    name = name.lower()
    return name not in _ONLY_SPEAK_OF_IT and any(word in name for word in _PASSWORDS)


def sets_password(value: str) -> bool:
    """Whether another parameter hides in the value of one, and is a password (`true&password=…`)."""
    return any(is_password_parameter(part.partition("=")[0]) for part in value.split("&")[1:])
