"""A profile as text: the commented one of `profile new`, a whole one with all defaults, and the JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from wizard.profile.document import lookup, written, written_key
from wizard.profile.fields import Key, header, keys, tables
from wizard.profile.model import Profile, Store

_HEAD = """\
# A profile of apimha-wizard: all that turns two unpacked packs into a minimum high-availability pair.
#
# Fill in the lines marked "required": remove the # and write your own value.
# Every other commented line shows a key that may be set, with its default if it has one.
"""

_PASSWORDS = """\
# A password is never written here, only a reference to it:
#   { env = "NAME" }                      an environment variable
#   { file = "/path" }                    a file that only you can read
#   { keyring = "service/user" }          an entry of the keyring
#   { command = ["pass", "show", "x"] }   what a program prints; no shell
#   { prompt = true }                     asked for on the terminal
"""

# Defaults that hardly anybody changes: shown, not set.
_COMMENTED = {
    "event_processor.duplicated_events",
    "deployment_sync.append_tenant_id",
    "nodes.hazelcast_port",
    "nodes.event_sync_port",
    "nodes.management_port",
    "nodes.presentation_port",
}


def new_template() -> str:
    """Return a commented profile with every key; valid as soon as the lines marked "required" are filled in."""
    text = _HEAD
    for name, model in tables().items():
        for node in (0, 1) if name == "nodes" else (0,):
            about = "The second server." if node else (model.__doc__ or "").splitlines()[0]
            text += f"\n# {about}\n{header(name)}\n" if name else "\n"
            text += "".join(_line_of(key, node) for key in keys().values() if key.table == name)
    return text


def _line_of(key: Key, node: int) -> str:
    """The line of a key, below its help: the second node has the same keys, which are explained once."""
    before = _PASSWORDS if key.key == "mysql.password" else ""
    before += "" if node else f"# {key.help}\n"
    if key.key == "schema_version":
        return f"{before}{key.name} = {written(key.example())}\n"
    if key.required or key.default in (None, {}) or key.key in _COMMENTED:
        mark = "   # required" if key.required else ""
        return f"{before}# {key.name} = {written(key.example(node))}{mark}\n"
    return f"{before}{key.name} = {written(key.default)}\n"


def show(profile: Profile) -> str:
    """The whole profile as TOML with every default written out, and in comments what follows from it.

    It loads to the same profile.  Passwords are references here as there; paths are absolute.
    """
    return "".join(_tables_of(profile))


def _tables_of(profile: Profile) -> Iterator[str]:
    whole = profile.model_dump(mode="json", exclude_none=True)
    for name in tables():
        table = lookup(whole, tuple(name.split(".") if name else ()))
        for one in table if name == "nodes" else [table]:
            yield f"\n{header(name)}\n" if name else ""
            for key, value in one.items():
                if f"{name}.{key}".lstrip(".") not in tables() and value != {}:
                    yield f"{written_key(key)} = {written(value)}\n"
        yield from _conclusions(profile, name)


def _conclusions(profile: Profile, table: str) -> Iterator[str]:
    """What follows from other keys where this table leaves it out."""
    for store in get_args(Store) if table == "datasources" else ():
        name = profile.datasource_name(store)
        if name is None:
            yield f"# {store}: the pack's own name stays\n"
        elif getattr(profile.datasources, store) is None:
            yield f"# {store} = {written(name)}   # follows the database\n"
    if table == "deployment_sync" and profile.deployment_sync.manager is None:
        yield f"# manager = {written(profile.manager.name)}   # the first node\n"


# --- the JSON Schema, for editors and for other programs ----------------------------------------------------

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
    kinds = [kind for kind in node.pop("anyOf", ()) if kind != {"type": "null"}]
    if kinds:
        node = {**kinds[0], **node} if len(kinds) == 1 else {**node, "anyOf": kinds}
    if "prefixItems" in node:  # the pair: two of one kind
        node["items"] = node.pop("prefixItems")[0]
    return {key: item for key, item in node.items() if (key, item) != ("default", None)}
