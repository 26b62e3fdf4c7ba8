"""Makes `compiled.py` from the models: `python -m wizard.profile.compile`.

Pydantic's Python part takes longer to load and to read the models than a whole run does; what it makes of them is a
plain description for its core, always the same.  That is written down here once; a test holds it to the models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from wizard import secrets
from wizard.profile import judges, parts
from wizard.profile.model import Profile

COMPILED = Path(__file__).with_name("compiled.py")

HEAD = '''"""The profile's models as pydantic's core takes them.  Made by `python -m wizard.profile.compile`."""

# fmt: off
# ruff: noqa

from wizard import secrets
from wizard.profile import judges, parts
from wizard.profile.table import Table, made, model
'''

CONFIG = {"strict": True, "extra_fields_behavior": "forbid"}
"""What `table.model` gives every table; other settings say only how errors are told."""

UNUSED = {"metadata", "serialization"}


class Code(str):
    """A piece of source, which is no text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def compiled() -> str:
    """The source of `compiled.py`."""
    Profile.model_rebuild(force=True)
    schema: Any = Profile.__pydantic_core_schema__
    found = {one["cls"].__name__: one for part in ("definitions", "schema") for one in _models(schema[part])}
    return HEAD + "".join(f"\n\n{_table(one)}" for one in found.values())


def _models(node: Any) -> Iterator[dict[str, Any]]:
    """Every model of a description, those before it that it is made of."""
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _models(value)
    if isinstance(node, dict) and node.get("type") == "model":
        yield node


def _table(one: dict[str, Any]) -> str:
    """A plain class with what the model says of itself beyond its keys, and the description of its keys."""
    cls = one["cls"]
    if not CONFIG.items() <= one["config"].items():
        raise TypeError(f"{cls.__name__} has another configuration than every table")
    bases = [
        f"{home.__name__.rpartition('.')[2]}.{base.__name__}"
        for home in (secrets, parts)
        for base in cls.__mro__
        if base.__module__ == home.__name__ and base is not secrets.Source
    ]
    fields = {name: _plain(field["schema"]) for name, field in one["schema"]["fields"].items()}
    keys = "".join(f"    {name}={schema!r},\n" for name, schema in fields.items())
    return (
        f"class {cls.__name__}({', '.join(['Table', *bases])}):\n    __slots__ = ()\n\n\n"
        f"{_constant(cls)} = model(\n    {cls.__name__},\n{keys})\n"
    )


def _constant(cls: type[BaseModel]) -> Code:
    return Code(cls.__name__.upper())


def _plain(node: Any) -> Any:
    """A description without what belongs to Python's side and to errors, and with names for what has one."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, tuple):  # a choice and its tag
        return tuple(_plain(item) for item in node)
    if not isinstance(node, dict):
        return _function(node) if callable(node) else node
    kind = node.get("type")
    if kind == "custom-error":
        return _plain(node["schema"])
    if kind == "definition-ref":
        return Code(node["schema_ref"].partition(":")[0].rpartition(".")[2].upper())
    if kind == "model":
        return _constant(node["cls"])
    if kind == "default" and isinstance(node["default"], BaseModel):
        left_out = made_of(node["default"])
        return {"type": "default", "default_factory": left_out, "schema": _plain(node["schema"])}
    return {
        key: _plain(value)
        for key, value in node.items()
        if key not in UNUSED and not key.startswith("custom_error")
    }


def made_of(default: BaseModel) -> Code:
    """The source of what makes a table that is left out."""
    values = ", ".join(f"{name}={value!r}" for name, value in default)
    return Code(f"made({type(default).__name__}, {values})")


def _function(function: Callable[..., Any]) -> Code:
    home = function.__module__
    if home not in {judges.__name__, secrets.__name__}:
        raise TypeError(f"{function} is not in {judges.__name__}, where it can be had without the models")
    return Code(f"{home.rpartition('.')[2]}.{function.__name__}")


if __name__ == "__main__":
    COMPILED.write_text(compiled(), "utf-8")
