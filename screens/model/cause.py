"""From a change to the field that causes it, for `go to the field`.

A change says what it does to a file (`clustering/@enable: false → true`), and its steps say which fields they ask
for.  Of those, the one whose value stands in the new text is the cause; where none does, the value is one that the
procedure prescribes, and the step's first field is as near as one gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from screens.model import lookup
from wizard.steps.procedure import STEPS

if TYPE_CHECKING:
    from screens.model.draft import OpenDraft
    from wizard.plan.change import Change
    from wizard.profile.fields import Key
    from wizard.profile.lines import Place


def step_of(change: Change, draft: OpenDraft, what: str = "") -> tuple[str, Place | None]:
    """The step and the place of the field that causes a change; of its line `what`, where one is given."""
    texts = [what] if what else list(change.what)
    node = draft.node_names().index(change.node) if change.node in draft.node_names() else 0
    best: tuple[int, str, Place | None] = (0, change.steps[0], None)
    # A whole file belongs to its step; a line may have come from a field that another step asks for.
    steps = STEPS if what else (lookup.step_of(change.steps[0]),)
    for step in steps:
        for field in lookup.keys_of(step):
            place: Place = tuple(field.key.split("."))
            if field.of_node:
                place = ("nodes", node, *place[1:])
            score = _score(field, draft.value(place), texts)
            near = (25 if step.id in change.steps else 0) + (5 if field.of_node else 0)
            if score and score + near > best[0]:
                best = (score + near, step.id, place)
    return best[1], best[2]


def _score(field: Key, value: Any, texts: Iterable[str]) -> int:
    """How much speaks for a field: its name in the text, its value alone behind the arrow, its value within it."""
    value = field.default if value is None else value
    if isinstance(value, dict):
        return 150 if field.kind == "reference" and any("password" in text.lower() for text in texts) else 0
    shown = (
        ("true" if value else "false") if isinstance(value, bool) else str(value) if value is not None else ""
    )
    score = 0
    name = field.name.replace("_", "")
    for text in texts:
        where, _, new = text.rpartition("→")
        new = new.strip()
        named = name in where.lower().replace("_", "").replace("-", "")
        if shown and new == shown and (named or (len(shown) > 1 and not isinstance(value, bool))):
            score = max(score, 300 if named else 200)
        elif len(shown) > 3 and shown in new:
            score = max(score, 120 + len(shown))
        elif named:
            score = max(score, 60)
    return score
