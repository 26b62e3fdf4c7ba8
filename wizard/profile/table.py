"""What the compiled profile is made of: tables with the keys and methods of the models, and nothing else of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar


class Table:
    """A table of the profile: nothing changes afterwards."""

    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is not changed")


T = TypeVar("T", bound=Table)


def made(table: type[T], **values: object) -> Callable[[], T]:
    """What makes a table that the profile leaves out."""

    def make() -> T:
        new = table()
        new.__dict__.update(values)
        return new

    return make


def model(table: type[Table], **keys: object) -> dict[str, Any]:
    """The description of a table for pydantic's core: just these keys, and nothing is converted."""
    fields = {key: {"type": "model-field", "schema": schema} for key, schema in keys.items()}
    return {
        "type": "model",
        "cls": table,
        "config": {"strict": True, "extra_fields_behavior": "forbid"},
        "schema": {"type": "model-fields", "fields": fields},
    }
