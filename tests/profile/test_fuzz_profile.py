"""Any text as a profile: it loads, or an error says why not."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.profiles import valid_profiles
from wizard.profile.document import written, written_key
from wizard.profile.store import ProfileError, parse

FOLDER = Path("/profiles")
PYDANTICS = re.compile(
    r"Input should|Field required|validation error|pydantic\.|not permitted|this value is not of the kind"
)

quick = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def judge(tables: dict) -> None:
    """A profile of these tables is accepted, or refused with errors that a person can read."""
    text = "".join(f"{written_key(key)} = {written(value)}\n" for key, value in tables.items())
    try:
        parse(text, FOLDER / "x.toml")
    except ProfileError as failure:
        assert failure.mistakes
        lines = text.count("\n") + 1
        for one in failure.mistakes:
            assert 1 <= one.line <= lines
            assert one.message
            assert one.fix
            assert not PYDANTICS.search(one.message)
        assert all(line.isprintable() for line in str(failure).split("\n"))


values = st.recursive(
    st.one_of(
        st.text(max_size=8).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
        st.integers(-(10**25), 10**25),
        st.booleans(),
        st.floats(),
        st.sampled_from(["node1", "127.0.0.1", "WSO2UM_DB", "svn", "none", "", "~", "x" * 300]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["env", "file", "keyring", "command", "prompt", "x", "a b", ""]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@quick
@given(raw=valid_profiles(), data=st.data())
def test_one_wrong_value_in_a_valid_profile(raw, data):
    table = data.draw(st.sampled_from(sorted(raw)))
    value = data.draw(values)
    if isinstance(raw[table], dict) and raw[table]:
        raw[table][data.draw(st.sampled_from(sorted(raw[table])))] = value
    elif isinstance(raw[table], list):
        node = raw[table][data.draw(st.integers(0, 1))]
        node[data.draw(st.sampled_from(sorted(node)))] = value
    else:
        raw[table] = value
    judge(raw)
