"""Annotations for pydantic that carry a rule and the one sentence that a person reads when it is broken."""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import PydanticCustomError, core_schema

from wizard.system.locations import located

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import ValidationInfo

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
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        # A brace in the message would be a placeholder: none of ours has one.
        return core_schema.custom_error_schema(self.schema, BROKEN, custom_error_message=self.message)


class TextRule:
    """An annotation: a string for which `accepts` is true, else the error is `message`.

    `accepts` may raise `broken(…)` with a better message; `make` turns the string into the value.  `schema` are the
    keywords that say the same in the JSON Schema, as far as those can.
    """

    def __init__(
        self, accepts: Callable[[str], bool], message: str, make: Callable[[str], object] = str, **schema: Any
    ) -> None:
        self.accepts = accepts
        self.make = make
        self.message = message
        self.schema = schema

    def _value(self, text: str) -> object:
        if not self.accepts(text):
            raise broken(self.message)
        return self.make(text)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        text = core_schema.custom_error_schema(
            core_schema.str_schema(strict=True), BROKEN, custom_error_message=self.message
        )
        return core_schema.no_info_after_validator_function(
            self._value, text, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        return {"type": "string", **self.schema}


def _located(value: object, info: "ValidationInfo") -> Path:
    """A path of a profile; the validation context says in which `folder` that lies."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise broken("a path is text in quotes")
    try:
        return located(value, (info.context or {}).get("folder"))
    except ValueError as failure:
        raise broken(str(failure)) from None


class _Located:
    """Reads a path of a profile; the validation context says in which `folder` that lies."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _located, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: object) -> dict[str, Any]:
        return {"type": "string", "format": "path"}


ProfilePath = Annotated[Path, _Located()]
"""A path in a profile: relative ones count from the profile's folder, `~` is the user's home."""
