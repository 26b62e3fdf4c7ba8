"""The list of the steps."""

from __future__ import annotations

import re
from pathlib import Path

from wizard.profile.fields import keys
from wizard.steps.procedure import CHECKS, STEP_IDS, STEPS, checks_of, chosen


class TestTheSteps:
    def test_they_are_those_of_the_procedure_in_its_order(self, shared: Path) -> None:
        chapters = (shared / "procedure.md").read_text("utf-8")
        assert list(STEP_IDS) == re.findall(r"^## \d ([a-z-]+)$", chapters, re.MULTILINE)

    def test_every_field_of_the_profile_is_asked_for_by_one_step(self) -> None:
        asked = [field for step in STEPS for field in step.fields]
        twice = {field for field in asked if asked.count(field) > 1}
        assert twice <= {"nodes.host"}, "which Hazelcast is about as well"
        assert set(asked) == set(keys()) - {"schema_version", "cluster.name"}

    def test_each_has_what_a_screen_shows(self) -> None:
        for step in STEPS:
            assert step.title
            assert step.help.endswith(".")
            for edit in step.edits:
                assert edit.__doc__, f"{edit.__name__}: the documentation is made of it"

    def test_only_and_skip_leave_the_order(self) -> None:
        assert [step.id for step in chosen(("spark", "mysql"), ())] == ["mysql", "spark"]
        others = [id for id in STEP_IDS if id not in {"mysql", "spark"}]
        assert [step.id for step in chosen((), ("mysql", "spark"))] == others
        assert chosen((), STEP_IDS) == ()
        assert {one.id for one in checks_of(())} == {one.id for one in CHECKS if one.always}
