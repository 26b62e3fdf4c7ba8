"""References to passwords as a profile holds them: one model for each of the five kinds."""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from wizard.system.rules import STRICT, ProfilePath

FIVE_KINDS = (
    '{ env = "NAME" }, { file = "/path" }, { keyring = "service/user" },'
    ' { command = ["program", "argument"] } or { prompt = true }'
)

NEVER_PLAIN = f"a password is never written here, only a reference to it: {FIVE_KINDS}"


class Reference(BaseModel):
    """Where a password is kept; what every kind has in common.

    The one field has the name by which a profile calls the kind; `place` is what messages call it: never a value.
    """

    model_config = STRICT
    place: ClassVar[str]

    def describe(self) -> str:
        """Return the place in words, for messages."""
        return self.place.format_map(dict(self))


class EnvReference(Reference):
    """An environment variable."""

    place = "the environment variable {env}"
    env: str = Field(
        title="Variable",
        description="the environment variable that holds the password",
        pattern=r"^[^=\u0000-\u0020]+$",
    )


class FileReference(Reference):
    """A file that only the user can read."""

    place = "the file {file}"
    file: ProfilePath = Field(
        title="File", description="a file that only you can read; one newline at its end is dropped"
    )


class KeyringReference(Reference):
    """An entry of the desktop's or the system's keyring."""

    place = "the keyring entry {keyring}"
    keyring: str = Field(
        title="Keyring entry",
        description="service/user; split at the last /",
        pattern=r"^[^\u0000-\u001f]+/[^/\u0000-\u001f]+$",
    )


class CommandReference(Reference):
    """The output of a program; no shell takes part."""

    place = "the output of {command[0]}"  # not the arguments, which may be as secret as the output
    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        title="Command", description="a program and its arguments that prints the password; no shell"
    )


class PromptReference(Reference):
    """Asked for on the terminal."""

    place = "asked for on the terminal"
    prompt: Literal[True] = Field(title="Ask", description="asked for on the terminal, at every run")


KINDS = ("env", "file", "keyring", "command", "prompt")


def kind_of(value: object) -> str | None:
    """The tag of the one kind that `value` is (`@env`, …); None for all else (plain text, two kinds)."""
    if isinstance(value, Reference):
        return f"@{next(iter(type(value).model_fields))}"
    if isinstance(value, dict) and len(value) == 1:
        ((name, given),) = value.items()
        if name == "prompt" and given is not True:  # 1 is the same as True, to a dictionary and to pydantic
            return None
        return f"@{name}" if name in KINDS else None
    return None


# The tags begin with "@" to distinguish them from keys in the place of an error.
AnyReference = (
    Annotated[EnvReference, Tag("@env")]
    | Annotated[FileReference, Tag("@file")]
    | Annotated[KeyringReference, Tag("@keyring")]
    | Annotated[CommandReference, Tag("@command")]
    | Annotated[PromptReference, Tag("@prompt")]
)
SecretReference = Annotated[
    AnyReference,
    Discriminator(kind_of, custom_error_type="reference", custom_error_message=NEVER_PLAIN),
]
