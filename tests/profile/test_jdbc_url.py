"""The JDBC URL: what the driver reads out of it is what the profile says."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.profile.jdbc_url import jdbc_url, parse_jdbc_url


@pytest.mark.parametrize(
    ("host", "database", "parameters", "url"),
    [
        ("db", "userdb", None, "jdbc:mysql://db:3306/userdb"),
        ("db", "userdb", {}, "jdbc:mysql://db:3306/userdb"),
        ("10.0.0.1", "WSO2_X_DB", {"useSSL": "false"}, "jdbc:mysql://10.0.0.1:3306/WSO2_X_DB?useSSL=false"),
        ("2001:db8::1", "d", {"a": "1", "b": "2"}, "jdbc:mysql://[2001:db8::1]:3306/d?a=1&b=2"),
        ("db", "d", {"a": "x&y"}, "jdbc:mysql://db:3306/d?a=x%26y"),
        ("db", "d", {"a": "x y+z#?%"}, "jdbc:mysql://db:3306/d?a=x%20y%2Bz%23%3F%25"),
        ("db", "d", {"v": "sql_mode='A,B'"}, "jdbc:mysql://db:3306/d?v=sql_mode='A,B'"),
        ("db", "d", {"tz": "Europe/Berlin"}, "jdbc:mysql://db:3306/d?tz=Europe/Berlin"),
        ("db", "d", {"a": "ü€"}, "jdbc:mysql://db:3306/d?a=%C3%BC%E2%82%AC"),
        ("db", "d", {"a": ""}, "jdbc:mysql://db:3306/d?a="),
    ],
)
def test_only_what_would_end_a_part_early_is_encoded(
    host: str, database: str, parameters: dict[str, str] | None, url: str
) -> None:
    assert jdbc_url(host, 3306, database, parameters) == url


names = st.from_regex(r"[A-Za-z0-9_.]{1,12}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@given(st.dictionaries(names, values, max_size=5))
def test_the_driver_reads_what_was_meant(parameters: dict[str, str]) -> None:
    """As Connector/J does: at the first `?`, at each `&`, at the first `=`; names and values decoded."""
    query = jdbc_url("h", 3306, "d", parameters).partition("?")[2]
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    assert {name: unquote(value) for name, _, value in pairs} == parameters
    assert "+" not in query, "which the driver would take for a blank"
    parsed = parse_jdbc_url(jdbc_url("h", 3306, "d", parameters))
    assert parsed is not None
    assert parsed.parameters == parameters
