"""What a value of a profile may be, where a pattern cannot say it.

Each gives what it makes of a string, and raises `broken(…)` with the one sentence that a person reads.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from wizard.passwords.references import kind_of
from wizard.system.rules import broken

TEXT_MESSAGE = "expected text in quotes, on one line, without blanks at its ends"
ACCOUNT_MESSAGE = "an account has 1 to 32 characters, without blanks at its ends"
DATABASE_MESSAGE = "a database's name has 1 to 64 characters, none of / \\ ? # % and no blank at its ends"
HOST_MESSAGE = "a host is a name or an IPv4 or IPv6 address, in quotes"
ADDRESS_MESSAGE = 'expected an IPv4 or IPv6 address in quotes, such as "10.100.0.46"'
ABSOLUTE_MESSAGE = 'expected a path that begins with "/"; it is the same on both machines'
ROOT_MESSAGE = 'expected a registry path, which begins with "/"'
SVN_MESSAGE = "expected the URL of a Subversion repository, such as https://svn.example.com/analytics"
REMOTE_MESSAGE = "expected an http or https URL, such as https://localhost:9443/registry"
VALUE_MESSAGE = 'a value of a URL parameter is text in quotes on one line, such as "false"'


def _on_one_line(text: str) -> bool:
    """Whether any configuration file can hold `text` on a line: no control characters, nothing invisible."""
    return text.isprintable()


def _is_text(text: str) -> bool:
    return bool(text) and _on_one_line(text) and text.strip() == text


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


def line(text: str) -> str:
    if not _is_text(text):
        raise broken(TEXT_MESSAGE)
    return text


def account(text: str) -> str:
    if not _is_text(text) or len(text) > 32:
        raise broken(ACCOUNT_MESSAGE)
    return text


def database(text: str) -> str:
    # MySQL itself takes nearly everything; these would end the name, or change it, within a JDBC URL.
    if not _is_text(text) or len(text) > 64 or any(character in text for character in "/\\?#%"):
        raise broken(DATABASE_MESSAGE)
    return text


def host(text: str) -> str:
    if "[" in text or "]" in text:
        raise broken("an IPv6 address is written without brackets here")
    if ":" in text:
        if is_address(text):
            return text
        raise broken("expected a host without scheme and port; the port has its own key")
    if text.replace(".", "").isdecimal():
        if is_address(text):
            return text
        raise broken("not an IPv4 address: expected four numbers from 0 to 255")
    labels = text.removesuffix(".").split(".")
    if len(text) > 253 or not all(len(label) < 64 and is_name(label) for label in labels):
        raise broken(HOST_MESSAGE)
    if any(label[0] == "-" or label[-1] == "-" for label in labels):
        raise broken(HOST_MESSAGE)
    return text


def ip(text: str) -> str:
    if not is_address(text):
        raise broken(ADDRESS_MESSAGE)
    return text


def absolute(text: str) -> Path:
    if not text.startswith("/") or not _on_one_line(text) or not text.strip("/"):
        raise broken(ABSOLUTE_MESSAGE)
    return Path(text)


def root(text: str) -> str:
    if not text.startswith("/") or not _is_text(text):
        raise broken(ROOT_MESSAGE)
    return text


def _url(text: str, schemes: tuple[str, ...], message: str) -> str:
    scheme, _, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise broken("a URL holds no user and no password here: they have their own keys")
    if scheme.lower() not in schemes or not (authority or (scheme == "file" and path)):
        raise broken(message)
    try:
        port = urlsplit(text).port
    except ValueError:
        port = 0
    if not _is_text(text) or " " in text or port == 0:
        raise broken(message)
    return text


def svn_url(text: str) -> str:
    # svn+ssh is an address; the check deployment-sync.repository says that the product cannot use it.
    return _url(text, ("https", "http", "svn", "file", "svn+ssh"), SVN_MESSAGE)


def remote_url(text: str) -> str:
    return _url(text, ("https", "http"), REMOTE_MESSAGE)


def parameter(text: str) -> str:
    if not _on_one_line(text):
        raise broken(VALUE_MESSAGE)
    return text


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
