"""Annotations for pydantic that carry a rule and the one sentence that a person reads when it is broken."""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from wizard.system.locations import located

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import ValidationInfo

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
"""The configuration of every model: no unknown key, nothing converted, nothing changed, no value in an error."""

BROKEN = "profile"
"""The type of every error whose message is ready for a person."""


def broken(message: str) -> PydanticCustomError:
    """The error to raise in a validator; `message` is shown as it is."""
    return PydanticCustomError(BROKEN, "{message}", {"message": message})


@dataclass(frozen=True, eq=False)
class Rule:
    """An annotation: the value is a `schema` and `make` accepts it, else the error is `message`.

    `make` turns what fits the schema into the value; it may raise a better error.  `keywords` say the same in the
    JSON Schema, as far as those can.
    """

    schema: core_schema.CoreSchema
    message: str
    make: Callable[[Any], object] | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        # A brace in the message would be a placeholder: none of ours has one.
        schema = core_schema.custom_error_schema(self.schema, BROKEN, custom_error_message=self.message)
        if self.make is None:
            return schema
        return core_schema.no_info_after_validator_function(
            self.make, schema, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        return {**handler(schema), **self.keywords}


def text(
    accepts: Callable[[str], bool], message: str, make: Callable[[str], object] = str, **keywords: Any
) -> Rule:
    """A rule: a string for which `accepts` is true, else the error is `message`; `accepts` may raise `broken(…)`.

    Of what is no string the error says that it belongs in quotes; on the screen, where all is a string, none does.
    """

    def value(text: str) -> object:
        if not accepts(text):
            raise broken(message)
        return make(text)

    string = core_schema.str_schema(strict=True)
    return Rule(string, f"{message}; it is written in quotes", value, keywords)


def _located(value: object, info: "ValidationInfo") -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise broken("a path is text in quotes")
    try:
        return located(value, (info.context or {}).get("folder"))
    except ValueError as failure:
        raise broken(str(failure)) from None


ProfilePath = Annotated[
    Path,
    PlainValidator(_located),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "path"}),
]
"""A path in a profile: relative ones count from the profile's folder, `~` is the user's home.

The validation context says in which `folder` the profile lies.
"""
