"""A fix is a value: its text is known without a profile, and for one; its action is what a key can do."""

from __future__ import annotations

from wizard.system.finding import AGREE, Agree, Fix, SetField, command, error


def test_text_of_a_fix() -> None:
    there = command("replay", " --node NODE", before="not in /srv/PROFILE? run there: ")
    once = "   (or add --allow-commands, for this run only)"
    for fix, text in {
        Fix("mv /PROFILE/a /PROFILE/b"): "mv /PROFILE/a /PROFILE/b",
        there: "not in /srv/PROFILE? run there: apimha-wizard replay {} --node NODE",
        AGREE: "Run: apimha-wizard profile allow {}" + once,
    }.items():
        assert str(fix) == error("x", fix=fix).fix == text.format("PROFILE")
        filled_in = fix.for_profile("'my PROFILE'")
        assert str(filled_in) == filled_in.text == text.format("'my PROFILE'")
        assert filled_in.for_profile("other") == filled_in, "a name is filled in once"


def test_action_of_a_fix_survives_the_name() -> None:
    assert isinstance(AGREE.for_profile("pair").action, Agree)
    change = SetField("mysql.charset", "latin1", 'set charset = "latin1"')
    assert error("x", fix=Fix("set it", change)._replace(rest="")).action == change
    assert error("x", fix="set it").action is None
