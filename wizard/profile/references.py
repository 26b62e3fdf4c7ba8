"""References to passwords as a profile holds them, and the paths that it names: pydantic's models of both."""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import core_schema

from wizard.profile import judges
from wizard.secrets import (
    NEVER_PLAIN,
    CommandSource,
    EnvSource,
    FileSource,
    KeyringSource,
    PromptSource,
    Source,
    kind_of,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler


class _Located:
    """Reads a path of a profile; the validation context says in which `folder` that lies."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            judges.profile_path, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: object) -> dict[str, Any]:
        return {"type": "string", "format": "path"}


ProfilePath = Annotated[Path, _Located()]
"""A path in a profile: relative ones count from the profile's folder, `~` is the user's home."""


class Reference(Source, BaseModel):
    """Where a password is kept; what every kind has in common."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True
    )


class EnvReference(EnvSource, Reference):
    """An environment variable."""

    env: str = Field(
        title="Variable",
        description="the environment variable that holds the password",
        pattern=r"^[^=\u0000-\u0020]+$",
    )


class FileReference(FileSource, Reference):
    """A file that nobody else can read."""

    file: ProfilePath = Field(
        title="File", description="a file that only you can read; one newline at its end is dropped"
    )


class KeyringReference(KeyringSource, Reference):
    """An entry of the desktop's or the system's keyring."""

    keyring: str = Field(
        title="Keyring entry",
        description="service/user; split at the last /",
        pattern=r"^[^\u0000-\u001f]+/[^/\u0000-\u001f]+$",
    )


class CommandReference(CommandSource, Reference):
    """The output of a program; no shell takes part."""

    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        title="Command", description="a program and its arguments that prints the password; no shell"
    )


class PromptReference(PromptSource, Reference):
    """Asked for on the terminal."""

    prompt: Literal[True] = Field(title="Ask", description="asked for on the terminal, at every run")


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
