"""The JSON Schema of a profile, for editors and for other programs."""

from __future__ import annotations

from typing import Any

from wizard.profile.fields import tables
from wizard.profile.model import Profile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) with the label, the help, the default and the examples of every key.

    TOML has no null: a key that may be left out is one that is not required, and of one type only.
    """
    # Before 2.14, pydantic cannot write a default that is a model which has not been built yet.
    for model in tables().values():
        model.model_rebuild()
    made = Profile.model_json_schema(mode="validation")
    tidy: dict[str, Any] = _tidy(made)
    return {"$schema": DIALECT, **tidy, "title": "Profile of apimha-wizard"}


def _tidy(node: Any) -> Any:
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _tidy(value) for key, value in node.items()}
    if "anyOf" in node:
        kinds = [kind for kind in node["anyOf"] if kind != {"type": "null"}]
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        node = {**kinds[0], **rest} if len(kinds) == 1 else {**rest, "anyOf": kinds}
    if "default" in node and node["default"] is None:
        del node["default"]
    if "prefixItems" in node:  # the pair: two of one kind
        first = node.pop("prefixItems")[0]
        node["items"] = first
    return node
