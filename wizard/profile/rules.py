"""What a value in a profile may be: each rule with the one sentence that a person reads when it is broken.

Most are checked by pydantic's core (no Python runs for a value that is right), and appear in the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag
from pydantic_core import PydanticCustomError, core_schema

from wizard.secrets import (
    FIVE_KINDS,
    CommandReference,
    EnvReference,
    FileReference,
    KeyringReference,
    PromptReference,
    kind_of,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

BROKEN = "profile"
"""The type of every error whose message is ready for a person."""


def broken(message: str) -> PydanticCustomError:
    """The error to raise in a validator; `message` is shown as it is."""
    return PydanticCustomError(BROKEN, "{message}", {"message": message})


class Rule:
    """An annotation: the value is a `schema`, else the error is `message`."""

    def __init__(self, schema: core_schema.CoreSchema, message: str) -> None:
        self.schema = schema
        self.message = message

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # A brace in the message would be taken for a place to fill in: none of ours has one.
        return core_schema.custom_error_schema(self.schema, BROKEN, custom_error_message=self.message)


class Check:
    """An annotation: what `judge` makes of a string; it raises `broken(…)` where the string is wrong.

    `schema` are the keywords that say the same in the JSON Schema, as far as those can.
    """

    def __init__(self, judge: Callable[[str], object], message: str, **schema: Any) -> None:
        self.judge = judge
        self.message = message
        self.schema = schema

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        text = core_schema.custom_error_schema(
            core_schema.str_schema(strict=True), BROKEN, custom_error_message=self.message
        )
        return core_schema.no_info_after_validator_function(
            self.judge, text, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", **self.schema}


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


_TEXT_MESSAGE = "text in quotes is needed here, on one line and without blanks at its ends"
_ACCOUNT_MESSAGE = "an account has 1 to 32 characters, without blanks at its ends"
_DATABASE_MESSAGE = "a database's name has 1 to 64 characters, none of / \\ ? # % and no blank at its ends"
_HOST_MESSAGE = "a host is a name or an IPv4 or IPv6 address, in quotes"
_ADDRESS_MESSAGE = 'an IPv4 or IPv6 address is needed here, in quotes, such as "10.100.0.46"'
_ABSOLUTE_MESSAGE = 'a path that begins with "/" is needed here: it is the same on both machines'
_ROOT_MESSAGE = 'a path of the registry is needed here; it begins with "/"'
_SVN_MESSAGE = (
    "the address of a Subversion repository is needed here, such as https://svn.example.com/analytics"
)
_REMOTE_MESSAGE = "an http or https address is needed here, such as https://localhost:9443/registry"
_VALUE_MESSAGE = 'a value of a URL parameter is text in quotes on one line, such as "false"'


# These run for every good profile too: string methods, which are quicker to load and to run than patterns.


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
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _text(text: str) -> str:
    if not _is_text(text):
        raise broken(_TEXT_MESSAGE)
    return text


def _account(text: str) -> str:
    if not _is_text(text) or len(text) > 32:
        raise broken(_ACCOUNT_MESSAGE)
    return text


def _database(text: str) -> str:
    # MySQL itself takes nearly everything; these would end the name, or change it, within a JDBC URL.
    if not _is_text(text) or len(text) > 64 or any(character in text for character in "/\\?#%"):
        raise broken(_DATABASE_MESSAGE)
    return text


def _host(text: str) -> str:
    if "[" in text or "]" in text:
        raise broken("an IPv6 address is written without brackets here")
    if ":" in text:
        if is_address(text):
            return text
        raise broken("a host stands alone here, without scheme and port; the port has a key of its own")
    if text.replace(".", "").isdecimal():
        if is_address(text):
            return text
        raise broken("this is no IPv4 address: four numbers from 0 to 255 are needed")
    labels = text.removesuffix(".").split(".")
    if len(text) > 253 or not all(len(label) < 64 and is_name(label) for label in labels):
        raise broken(_HOST_MESSAGE)
    if any(label[0] == "-" or label[-1] == "-" for label in labels):
        raise broken(_HOST_MESSAGE)
    return text


def _ip(text: str) -> str:
    if not is_address(text):
        raise broken(_ADDRESS_MESSAGE)
    return text


def _absolute(text: str) -> Path:
    if not text.startswith("/") or not _on_one_line(text) or not text.strip("/"):
        raise broken(_ABSOLUTE_MESSAGE)
    return Path(text)


def _root(text: str) -> str:
    if not text.startswith("/") or not _is_text(text):
        raise broken(_ROOT_MESSAGE)
    return text


def _url(text: str, schemes: tuple[str, ...], message: str) -> str:
    scheme, _, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise broken("no user and no password stands in an address: they have keys of their own")
    if scheme.lower() not in schemes or not (authority or (scheme == "file" and path)):
        raise broken(message)
    if not _is_text(text) or " " in text:
        raise broken(message)
    return text


def _svn_url(text: str) -> str:
    # svn+ssh is an address; that the product cannot use it is told by the check deployment-sync.repository.
    return _url(text, ("https", "http", "svn", "file", "svn+ssh"), _SVN_MESSAGE)


def _remote_url(text: str) -> str:
    return _url(text, ("https", "http"), _REMOTE_MESSAGE)


def _parameter(text: str) -> str:
    if not _on_one_line(text):
        raise broken(_VALUE_MESSAGE)
    return text


Text = Annotated[str, Check(_text, _TEXT_MESSAGE, minLength=1)]
Name = Annotated[
    str, matching("^[A-Za-z0-9_-]+$", "a name has letters, digits, _ and - only, and stands in quotes")
]
Host = Annotated[str, Check(_host, _HOST_MESSAGE)]
Address = Annotated[str, Check(_ip, _ADDRESS_MESSAGE)]
Port = Annotated[int, number(1, 65535, "a port")]
# The product's highest stock port is 12501: with this offset none passes 65535.
Offset = Annotated[int, number(0, 50000, "an offset")]
Milliseconds = Annotated[int, number(0, 2**31 - 1, "a time in milliseconds")]
Minutes = Annotated[int, number(1, 2**31 - 1, "an interval in minutes")]
Count = Annotated[int, number(1, 2**31 - 1, "this")]
Switch = Annotated[
    bool, Rule(core_schema.bool_schema(strict=True), "true or false is needed here, without quotes")
]
Account = Annotated[str, Check(_account, _ACCOUNT_MESSAGE, minLength=1, maxLength=32)]
Database = Annotated[
    str, Check(_database, _DATABASE_MESSAGE, minLength=1, maxLength=64, pattern=r"^[^/\\?#%]+$")
]
GrantHost = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9_.%:/-]{1,255}$",
        'a host as MySQL knows accounts by is needed here, such as "%", "10.100.0.%" or "node1.example.com"',
    ),
]
Charset = Annotated[
    str, matching(r"^[A-Za-z0-9_]{1,64}$", 'a character set is needed here, such as "latin1"')
]
ServerVersion = Annotated[
    str,
    matching(
        r"^[0-9]{1,4}(\.[0-9]{1,4}){0,3}(-[Mm][Aa][Rr][Ii][Aa][Dd][Bb])?$",
        'a server\'s version is needed here, in quotes, such as "5.6", "8.0.36" or "10.11-MariaDB"',
    ),
]
JavaClass = Annotated[
    str,
    matching(
        r"^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$",
        'the name of a Java class is needed here, such as "com.mysql.jdbc.Driver"',
    ),
]
RegistryPath = Annotated[str, Check(_root, _ROOT_MESSAGE, pattern="^/")]
AbsolutePath = Annotated[Path, Check(_absolute, _ABSOLUTE_MESSAGE, pattern="^/", format="path")]
SvnUrl = Annotated[str, Check(_svn_url, _SVN_MESSAGE, format="uri")]
RemoteUrl = Annotated[str, Check(_remote_url, _REMOTE_MESSAGE, format="uri")]


# --- URL parameters: text, or a reference where the text is a password --------------------------------------

ParameterName = Annotated[
    str, matching(r"^[A-Za-z0-9_.]+$", "the name of a URL parameter has letters, digits, _ and . only")
]
_ParameterText = Annotated[str, Check(_parameter, _VALUE_MESSAGE)]


def _parameter_kind(value: object) -> str | None:
    return "@text" if isinstance(value, str) else kind_of(value)


ParameterValue = Annotated[
    Annotated[_ParameterText, Tag("@text")]
    | Annotated[EnvReference, Tag("@env")]
    | Annotated[FileReference, Tag("@file")]
    | Annotated[KeyringReference, Tag("@keyring")]
    | Annotated[CommandReference, Tag("@command")]
    | Annotated[PromptReference, Tag("@prompt")],
    Discriminator(
        _parameter_kind,
        custom_error_type="reference",
        custom_error_message=f'a URL parameter is text in quotes, such as "false", or {FIVE_KINDS}',
    ),
]

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
