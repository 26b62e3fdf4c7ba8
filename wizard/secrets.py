"""Passwords: the value that never shows itself, the five references to one, and resolving them.

A profile holds references only.  A reference becomes a `Secret` as late as can be, by a `Resolver`, and a
`Secret` becomes text only where somebody writes `.reveal()`: that word is what to search for in a review.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from shlex import join, quote
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError, core_schema

from wizard.errors import SecretError
from wizard.locations import located

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

MASK = "********"

FIVE_KINDS = (
    '{ env = "NAME" }, { file = "/path" }, { keyring = "service/user" },'
    ' { command = ["program", "argument"] } or { prompt = true }'
)

NEVER_PLAIN = f"a password is never written here, only one reference to it: {FIVE_KINDS}"

# More than any password, and little enough that a wrong path (a log, /dev/zero) does no harm.
MOST_BYTES = 64 * 1024


class Secret:
    """A password.  It prints as `********` and refuses to be pickled; `reveal()` is the text."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The password itself."""
        return self.__text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self.__text == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not serialised")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        """In a pydantic model: only a ready `Secret` is accepted, and it is dumped as `********`."""
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="always")
        )


# --- references -------------------------------------------------------------------------------------------


class _Located:
    """Reads a path of a profile; the validation context says in which `folder` that lies."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._path, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: object) -> dict[str, Any]:
        return {"type": "string", "format": "path"}

    @staticmethod
    def _path(value: object, info: core_schema.ValidationInfo) -> Path:
        if isinstance(value, Path):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("profile", "a path is text in quotes")
        try:
            return located(value, (info.context or {}).get("folder"))
        except ValueError as failure:
            raise PydanticCustomError("profile", "{problem}", {"problem": str(failure)}) from None


ProfilePath = Annotated[Path, _Located()]
"""A path in a profile: relative ones count from the profile's folder, `~` is the user's home."""


class Reference(BaseModel):
    """Where a password is kept; what every kind has in common."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True
    )

    def describe(self) -> str:
        """The reference in words, for messages; never a value."""
        raise NotImplementedError


class EnvReference(Reference):
    """An environment variable."""

    env: str = Field(
        title="Variable",
        description="the environment variable that holds the password",
        pattern=r"^[^=\u0000-\u0020]+$",
    )

    def describe(self) -> str:
        return f"the environment variable {self.env}"


class FileReference(Reference):
    """A file that nobody else can read."""

    file: ProfilePath = Field(
        title="File", description="a file that only you can read; one newline at its end is dropped"
    )

    def describe(self) -> str:
        return f"the file {self.file}"


class KeyringReference(Reference):
    """An entry of the desktop's or the system's keyring."""

    keyring: str = Field(
        title="Keyring entry",
        description="service/user; split at the last /",
        pattern=r"^[^\u0000-\u001f]+/[^/\u0000-\u001f]+$",
    )

    def describe(self) -> str:
        return f"the keyring entry {self.keyring}"


class CommandReference(Reference):
    """The output of a program; no shell takes part."""

    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        title="Command", description="a program and its arguments that prints the password; no shell"
    )

    def describe(self) -> str:
        # Only the program: an argument may be as secret as the output.
        return f"the output of {self.command[0]}"


class PromptReference(Reference):
    """Asked for on the terminal."""

    prompt: Literal[True] = Field(title="Ask", description="asked for on the terminal, at every run")

    def describe(self) -> str:
        return "asked for on the terminal"


KINDS: dict[str, type[Reference]] = {
    "env": EnvReference,
    "file": FileReference,
    "keyring": KeyringReference,
    "command": CommandReference,
    "prompt": PromptReference,
}


def kind_of(value: object) -> str | None:
    """The tag of the one kind that `value` is (`@env`, …); None for all else (plain text, two kinds)."""
    if isinstance(value, Reference):
        (name,) = type(value).model_fields
        return f"@{name}"
    if isinstance(value, dict) and len(value) == 1:
        ((name, given),) = value.items()
        if name == "prompt" and given is not True:  # 1 is the same as True, to a dictionary and to pydantic
            return None
        return f"@{name}" if name in KINDS else None
    return None


# The tags begin with "@" so that they can be told from keys in the place of an error.
SecretReference = Annotated[
    Annotated[EnvReference, Tag("@env")]
    | Annotated[FileReference, Tag("@file")]
    | Annotated[KeyringReference, Tag("@keyring")]
    | Annotated[CommandReference, Tag("@command")]
    | Annotated[PromptReference, Tag("@prompt")],
    Discriminator(
        kind_of,
        custom_error_type="reference",
        custom_error_message=NEVER_PLAIN,
    ),
]


# --- resolving --------------------------------------------------------------------------------------------


class Resolver:
    """Turns references into passwords, each once.

    Args:
        allow_commands: run `{ command = … }` without asking (`--allow-commands`).
        interactive: somebody sits at a terminal: `{ prompt = true }` may be asked, and consent for commands.
        ask: shows the text and returns the password that was typed; None: `getpass` on the terminal.
        confirm: shows the text and returns whether the answer was yes; None: no command runs unless allowed.
        time_limit: seconds that a command may take; long enough to type a passphrase.
    """

    def __init__(
        self,
        *,
        allow_commands: bool = False,
        interactive: bool = False,
        ask: Callable[[str], str] | None = None,
        confirm: Callable[[str], bool] | None = None,
        time_limit: float = 60.0,
    ) -> None:
        self._allow_commands = allow_commands
        self._interactive = interactive
        self._ask = ask
        self._confirm = confirm
        self._time_limit = time_limit
        self._known: dict[tuple[Reference, str], Secret] = {}
        self._consent: dict[tuple[str, ...], bool] = {}
        self._lock = threading.RLock()

    def resolve(self, reference: Reference, purpose: str) -> Secret:
        """The password that `reference` leads to; the same one for the same reference in later calls.

        Args:
            purpose: the key of the profile, such as `mysql.password`: the place that errors name.  Two keys
                that are asked for on the terminal are two passwords.

        Raises:
            SecretError: with the key and what to do; never with a value.
        """
        key = (reference, purpose if isinstance(reference, PromptReference) else "")
        with self._lock:
            if key not in self._known:
                self._known[key] = Secret(_usable(self._text(reference, purpose), reference, purpose))
            return self._known[key]

    def _text(self, reference: Reference, purpose: str) -> str:
        match reference:
            case EnvReference():
                return _from_environment(reference, purpose)
            case FileReference():
                return _from_file(reference, purpose)
            case KeyringReference():
                return _from_keyring(reference, purpose)
            case CommandReference():
                return self._from_command(reference, purpose)
            case PromptReference():
                return self._from_prompt(purpose)
        raise TypeError(f"{type(reference).__name__} is no reference")

    def _from_prompt(self, purpose: str) -> str:
        if not self._interactive:
            raise SecretError(
                "the password has to be asked for, and there is no terminal",
                place=purpose,
                fix=f"run it on a terminal, or let {purpose} refer to env, file, keyring or command",
            )
        try:
            if self._ask is not None:
                return self._ask(f"Password for {purpose}")
            from getpass import getpass

            return getpass(f"Password for {purpose}: ")
        except EOFError:
            raise SecretError(
                "no password was typed", place=purpose, fix="run it again and type one"
            ) from None

    def _from_command(self, reference: CommandReference, purpose: str) -> str:
        command = reference.command
        if not (self._allow_commands or self._consented(command, purpose)):
            raise SecretError(
                f"the password comes from running {command[0]!r}, and nobody has allowed that",
                place=purpose,
                fix=f"read the command of {purpose} in the profile; if it is yours, add --allow-commands",
            )
        from wizard.program import ProgramFailed, output_of

        try:
            return _decoded(
                output_of(command, time_limit=self._time_limit, most_bytes=MOST_BYTES), reference, purpose
            )
        except ProgramFailed as failure:
            raise SecretError(str(failure), place=purpose, fix=failure.fix) from None

    def _consented(self, command: tuple[str, ...], purpose: str) -> bool:
        if not self._interactive or self._confirm is None:
            return False
        if command not in self._consent:
            # What is shown must be what runs: a control character could hide a part of it on a terminal.
            shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in join(command))
            self._consent[command] = self._confirm(
                f"{purpose} is the output of this command: {shown}\nRun it?"
            )
        return self._consent[command]


# In the functions below no variable holds a password where an error is raised: a traceback may show variables.


def _usable(text: str, reference: Reference, purpose: str) -> str:
    """`text`, if a configuration file can hold it: XML has no way to write most control characters."""
    if all(c >= " " or c in "\t\n\r" for c in text) and not any(c in "\ufffe\uffff" for c in text):
        return text
    del text
    raise SecretError(
        f"{reference.describe()} holds a character that no configuration file can hold",
        place=purpose,
        fix="look for a NUL or another control character in it",
    )


def _from_environment(reference: EnvReference, purpose: str) -> str:
    if reference.env in os.environ:
        return _decoded(os.fsencode(os.environ[reference.env]), reference, purpose, drop_newline=False)
    raise SecretError(
        f"{reference.describe()} is not set",
        place=purpose,
        fix=f"export {reference.env}=… (a variable that is only set, not exported, is not seen)",
    )


def _from_file(reference: FileReference, purpose: str) -> str:
    path = reference.file
    try:
        # Non-blocking: a named pipe that nobody writes to must not hold up the run.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            _refuse_shared(os.fstat(file.fileno()), path, purpose)
            return _decoded(_short(file.read(MOST_BYTES + 1), reference, purpose), reference, purpose)
    except OSError as failure:
        raise SecretError(
            f"{reference.describe()} cannot be read: {failure.strerror}",
            place=purpose,
            fix=f"put the password into {path} and: chmod 600 {quote(str(path))}",
        ) from None


def _short(content: bytes, reference: Reference, purpose: str) -> bytes:
    if len(content) <= MOST_BYTES:
        return content
    del content
    raise SecretError(
        f"{reference.describe()} is too large for a password",
        place=purpose,
        fix=f"correct the path of {purpose}",
    )


def _refuse_shared(status: os.stat_result, path: Path, purpose: str) -> None:
    """Stops at a file that somebody else can read; root, who can read every file, may own it."""
    if not stat.S_ISREG(status.st_mode):
        raise SecretError(
            f"{path} is no regular file",
            place=purpose,
            fix=f"let {purpose} name a file that holds the password",
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise SecretError(
            f"the file {path} belongs to another user, who can read it",
            place=purpose,
            fix=f"sudo chown {os.geteuid()} {quote(str(path))}",
        )
    if status.st_mode & 0o077:
        raise SecretError(
            f"the file {path} is open to others (mode {stat.S_IMODE(status.st_mode):04o})",
            place=purpose,
            fix=f"chmod 600 {quote(str(path))}",
        )


def _from_keyring(reference: KeyringReference, purpose: str) -> str:
    service, _, user = reference.keyring.rpartition("/")
    try:
        import keyring

        text = keyring.get_password(service, user)
    except Exception as failure:  # every backend has its own errors; their texts might quote what they read
        raise SecretError(
            f"the keyring does not answer ({type(failure).__name__})",
            place=purpose,
            fix=f"unlock or install a keyring, or let {purpose} refer to env, file or command",
        ) from None
    if text is None:
        raise SecretError(
            f"the keyring has no entry {reference.keyring}",
            place=purpose,
            fix=f"keyring set {quote(service)} {quote(user)}",
        )
    return text


def _decoded(content: bytes, reference: Reference, purpose: str, *, drop_newline: bool = True) -> str:
    """The text of `content`, without the one newline that editors and programs put at the end."""
    if drop_newline and content.endswith(b"\n"):
        content = content[:-1].removesuffix(b"\r")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass  # it carries the bytes: what is raised below must not have it in its chain
    del content
    raise SecretError(
        f"{reference.describe()} is not UTF-8", place=purpose, fix="store the password as UTF-8 text"
    )
