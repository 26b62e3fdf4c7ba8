"""The JDBC URL: what the driver reads out of it is what the profile says."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wizard.profile.jdbc_url import database_of, jdbc_url, parse_jdbc_url


@pytest.mark.parametrize(
    ("host", "database", "parameters", "url"),
    [
        ("db", "userdb", {}, "jdbc:mysql://db:3306/userdb"),
        ("10.0.0.1", "WSO2_X_DB", {"useSSL": "false"}, "jdbc:mysql://10.0.0.1:3306/WSO2_X_DB?useSSL=false"),
        ("2001:db8::1", "d", {"a": "1", "b": "2"}, "jdbc:mysql://[2001:db8::1]:3306/d?a=1&b=2"),
        ("db", "d", {"a": "x y+z#?%"}, "jdbc:mysql://db:3306/d?a=x%20y%2Bz%23%3F%25"),
        ("db", "d", {"v": "sql_mode='A,B'"}, "jdbc:mysql://db:3306/d?v=sql_mode='A,B'"),
        ("db", "d", {"a": "ü€"}, "jdbc:mysql://db:3306/d?a=%C3%BC%E2%82%AC"),
    ],
)
def test_only_what_would_end_a_part_early_is_encoded(host, database, parameters, url):
    assert jdbc_url(host, 3306, database, parameters) == url


names = st.from_regex(r"[A-Za-z0-9_.]{1,12}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@given(
    st.sampled_from(["db", "10.1.2.3", "2001:db8::7", "db-1.example.com"]),
    st.integers(1, 65535),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12),
    st.dictionaries(names, values, max_size=5),
)
def test_the_driver_and_this_program_read_what_was_meant(host, port, database, parameters):
    """As Connector/J does: at the first `?`, at each `&`, at the first `=`; names and values decoded."""
    url = jdbc_url(host, port, database, parameters)
    query = url.partition("?")[2]
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    assert {name: unquote(value) for name, _, value in pairs} == parameters
    assert "+" not in query, "which the driver reads as a blank"
    assert parse_jdbc_url(url) == (host, port, database, parameters)
    assert database_of(url) == (((host, port),), database)


PIECES = [*"/?&=%+[]:,@#()z2", "//", "%zz", "%2f", "(host=", "99999"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join))
@example("[//")
def test_any_text_is_read_or_is_no_url(rest: str) -> None:
    for url in (rest, f"jdbc:mysql://{rest}", f"jdbc:mysql://db:3306/d{rest}"):
        found = parse_jdbc_url(url)
        assert found is None or (found.host and found.database)
        assert found is None or database_of(url) is not None


REGDB = "jdbc:mysql://db.example.com:3306/regdb"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (REGDB, "jdbc:mysql://db.example.com/regdb?useSSL=false&autoReconnect=true"),
        (REGDB, "jdbc:mysql://DB.Example.COM:3306/regdb"),
        (REGDB, "jdbc:mysql://db.example.com.:3306/regdb"),
        (REGDB, "jdbc:mariadb://db.example.com:3306/regdb"),
        (REGDB, "JDBC:MySQL://db.example.com:3306/reg%64b"),
        (REGDB, "jdbc:mysql://db%2Eexample.com/regdb"),
        (REGDB, "  jdbc:mysql://db.example.com:3306/regdb\n"),
        (REGDB, "jdbc:mysql://apim:geheim@db.example.com:3306/regdb"),
        (REGDB, "jdbc:mysql://other:3306,db.example.com:3306/regdb"),
        (REGDB, "jdbc:mysql:replication://db.example.com,other/regdb"),
        (REGDB, "jdbc:mysql:loadbalance://other:3307,db.example.com/regdb?x=1"),
        (REGDB, "jdbc:mysql://address=(host=db.example.com)(port=3306)/regdb"),
        (REGDB, "jdbc:mysql://(host=db.example.com,port=3306),(host=other,port=1)/regdb"),
        (REGDB, "jdbc:mariadb:sequential://address=(host=db.example.com)/regdb"),
        (REGDB, "jdbc:mysql://db.example.com:3306/REGDB"),
        ("jdbc:mysql://localhost/x", "jdbc:mysql://127.0.0.1:3306/x"),
        ("jdbc:mysql:///x", "jdbc:mysql://[::1]:3306/x"),
        ("jdbc:mysql://[2001:db8::1]:3306/x", "jdbc:mysql://[2001:0DB8:0:0:0:0:0:1]/x"),
        ("jdbc:mysql://10.0.0.5/x", "jdbc:mysql://[::ffff:10.0.0.5]/x"),
        (jdbc_url("db", 3306, "ü #?%/x"), "jdbc:mysql://db/%C3%BC%20%23%3F%25%2Fx?a=b"),
    ],
)
def test_one_database_in_two_spellings(one: str, other: str) -> None:
    first, second = database_of(one), database_of(other)
    assert first is not None and second is not None
    assert first.is_same(second) and second.is_same(first)
    assert "geheim" not in f"{first}{second!r}"


@pytest.mark.parametrize(
    "other", ["db.example.com:3307/regdb", "db2.example.com:3306/regdb", "db.example.com:3306/regdb2",
        "db.example.com:3306/", "localhost/regdb", "address=(host=other)(port=3306)/regdb"]
)  # fmt: skip
def test_another_database(other: str) -> None:
    first, second = database_of(REGDB), database_of(f"jdbc:mysql://{other}")
    assert first is not None and second is not None
    assert not first.is_same(second)
    urls = ("", "jdbc:h2:./x/WSO2CARBON_DB;X=1", "jdbc:oracle:thin:@db:1521/regdb", "regdb")
    assert not any(map(database_of, urls)), "no MySQL server"
