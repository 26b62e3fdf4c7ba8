"""The steps as the screen shows them: titles, fields, checks, without loading the modules that know them.

Steps and models cost a fifth of a second to import.  So what the first picture needs of them lies beside this
module as JSON.  The steps themselves stay the only place where anything is said: they are loaded beside the first
picture, and if the file is behind them, the screen is made anew.  `python -m screens.model.outline` renews the file; a
test wants it fresh.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

FILE = Path(__file__).with_name("outline.json")

Kind = Literal["text", "number", "switch", "choice", "path", "reference", "parameters"]


class Field(NamedTuple):
    """A field of a form: what `wizard.profile.fields.Key` says of it.

    `key` is dotted and leaves out which node; `default` is None where the key has none.
    """

    key: str
    title: str
    help: str
    kind: Kind
    required: bool
    default: Any
    examples: tuple[Any, ...]
    choices: tuple[str, ...]

    @property
    def of_node(self) -> bool:
        """Whether each node has its own."""
        return self.key.startswith("nodes.")

    @property
    def table(self) -> str:
        """The table of the profile that it stands in, such as `mysql.databases`."""
        return self.key.rpartition(".")[0]

    def example(self, node: int = 0) -> Any:
        """A value that is right, for the first node (0) or the second."""
        return self.examples[min(node, len(self.examples) - 1)] if self.examples else None


class CheckOutline(NamedTuple):
    """A check as help and lists show it."""

    id: str
    severity: Literal["error", "warning"]
    why: str
    fix: str
    live: bool


class StepOutline(NamedTuple):
    """A step of the procedure as the screen shows it."""

    id: str
    title: str
    help: str
    fields: tuple[Field, ...]
    checks: tuple[CheckOutline, ...]


class Outline(NamedTuple):
    """All steps in the order of the procedure; the checks of the pair as a whole; the titles of the tables."""

    steps: tuple[StepOutline, ...]
    pair_checks: tuple[CheckOutline, ...]
    tables: dict[str, str]

    def step(self, id: str) -> StepOutline:
        """The step of that id.  `KeyError` where there is none."""
        for step in self.steps:
            if step.id == id:
                return step
        raise KeyError(id)

    def checks(self) -> Iterator[CheckOutline]:
        """Every check, in the order of the procedure."""
        for step in self.steps:
            yield from step.checks
        yield from self.pair_checks

    def field(self, key: str) -> Field | None:
        """The field of that dotted key, numbers and names of nodes left out; None for one that no form asks for."""
        return next((field for step in self.steps for field in step.fields if field.key == key), None)

    def steps_of(self, key: str) -> list[str]:
        """The ids of the steps that ask for a field."""
        return [step.id for step in self.steps if any(field.key == key for field in step.fields)]


@cache
def load() -> Outline:
    """The outline: from the file, else from the steps themselves."""
    try:
        return _from_json(json.loads(FILE.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return made()


def made() -> Outline:
    """The outline as the steps and the profile's models have it."""
    from wizard.preflight.pair import PAIR_CHECKS
    from wizard.profile.fields import keys, tables
    from wizard.steps.procedure import STEPS

    known = keys()

    def field(key: str) -> Field:
        one = known[key]
        return Field(
            one.key,
            one.title,
            one.help,
            one.kind,
            one.required,
            _plain(one.default),
            tuple(_plain(example) for example in one.examples),
            one.choices,
        )

    return Outline(
        tuple(
            StepOutline(
                step.id,
                step.title,
                step.help,
                tuple(field(key) for key in step.fields),
                tuple(map(_check, step.checks)),
            )
            for step in STEPS
        ),
        tuple(map(_check, PAIR_CHECKS)),
        {name: _title(name) for name in tables()},
    )


def _title(table: str) -> str:
    """The title of a table: that of the field which holds it."""
    from wizard.profile.fields import tables

    around, _, name = table.rpartition(".")
    field = tables()[around].model_fields.get(name)
    return (field.title or name) if field is not None else name


def _check(one: Any) -> CheckOutline:
    return CheckOutline(one.id, one.severity, one.why, one.fix, one.live)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Path):
        return str(value)
    return dict(value) if hasattr(value, "items") else value


def _to_json(value: Any) -> Any:
    """A tuple with names as a table, any other as a list."""
    if hasattr(value, "_asdict"):
        return {name: _to_json(item) for name, item in value._asdict().items()}
    return [_to_json(item) for item in value] if isinstance(value, tuple) else value


def _from_json(data: Any) -> Outline:
    def check(one: Any) -> CheckOutline:
        return CheckOutline(**one)

    def field(one: Any) -> Field:
        return Field(**{**one, "examples": tuple(one["examples"]), "choices": tuple(one["choices"])})

    return Outline(
        tuple(
            StepOutline(
                one["id"],
                one["title"],
                one["help"],
                tuple(map(field, one["fields"])),
                tuple(map(check, one["checks"])),
            )
            for one in data["steps"]
        ),
        tuple(map(check, data["pair_checks"])),
        data["tables"],
    )


def write(path: Path = FILE) -> None:
    """Renew the file."""
    path.write_text(json.dumps(_to_json(made()), ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write()
