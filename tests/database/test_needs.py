"""What a run would make is decided from what is there, without asking anybody."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from wizard.database.accounts import Account
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.greeting import Greeting
from wizard.database.needs import Needs, administrator_lacks, decide
from wizard.database.rights import Grant, Rights
from wizard.database.schema import Contents
from wizard.database.script import Schema, creates
from wizard.database.scripts import Script, Scripts
from wizard.database.server import Server
from wizard.database.situation import Situation
from wizard.database.wanted import Database, Login, WantedDatabases
from wizard.passwords.secret import Secret

TEXT = "CREATE TABLE a (i INT); CREATE TABLE b (i INT);"
SCRIPT = Script("dbscripts/mysql.sql", TEXT)
SCRIPTS = Scripts(SCRIPT, (SCRIPT,))
WHOLE, HALF, NONE = creates(TEXT), Schema(("a",), (), ()), Schema((), (), ())
APIM = Account("apim", "%")
ALL = Rights((Grant(None, frozenset({"ALL PRIVILEGES"}), grantable=True),))
NOTHING = Rights(())
DENIED = DatabaseError("denied", cause="denied", number=1045)

SERVER = Server(
    greeting=Greeting("8.4"),
    os="Linux",
    charset="utf8mb4",
    charsets={"utf8mb4": 4},
    lower_case_table_names=0,
    max_connections=151,
    read_only=False,
    short_indexes=False,
)
WANTED = WantedDatabases(
    Endpoint("db", 3306),
    Login("apim", Secret("x")),
    Login("root", Secret("y")),
    "%",
    None,
    "wizard",
    (Database("u", "user"), Database("e", "event_store")),
)
SITUATION = Situation(
    greeting=Greeting("8.4"),
    server=SERVER,
    account=APIM,
    account_failure=None,
    administrator_failure=None,
    administrator=ALL,
    accounts=(APIM,),
    rights={APIM: ALL},
    origins=("10.0.0.1",),
    contents={"u": None, "e": None},
    with_rows=frozenset(),
)


def database(schema: Schema, name: str = "u", **more: Any) -> Contents:
    return Contents(name, "utf8mb4", schema, **more)


def decided(wanted: WantedDatabases = WANTED, begun: dict[str, bool] | None = None, **changes: Any) -> Needs:
    return decide(wanted, dataclasses.replace(SITUATION, **changes), SCRIPTS, begun or {})


def statuses(needs: Needs) -> list[str]:
    return [result.status for result in needs.results]


class TestAccount:
    def test_one_that_gets_in_is_not_made(self) -> None:
        assert decided().account is None

    def test_one_that_does_not_exist_is_made(self) -> None:
        needs = decided(account=None, account_failure=DENIED, accounts=(), rights={})
        assert needs.account == APIM
        assert all(need.grant_to == (APIM,) for need in needs.databases)

    def test_one_that_exists_is_not(self) -> None:
        assert decided(account=None, account_failure=DENIED, rights={}).account is None

    def test_one_that_nobody_can_see_is_tried(self) -> None:
        assert decided(account=None, account_failure=DENIED, accounts=None, rights={}).account == APIM

    def test_one_that_would_be_shadowed_is_not(self) -> None:
        shadow = Account("", "10.0.0.%")
        assert decided(account=None, account_failure=DENIED, accounts=(shadow,), rights={}).account is None

    def test_other_refusals_are_no_reason_to_make_one(self) -> None:
        expired = DatabaseError("expired", cause="expired")
        assert decided(account=None, account_failure=expired, accounts=(), rights={}).account is None

    @pytest.mark.parametrize("changes", [{"mode": "dba"}, {"administrator": None}])
    def test_not_for_a_dba_and_not_without_administrator(self, changes: dict[str, Any]) -> None:
        wanted = dataclasses.replace(WANTED, **changes)
        needs = decided(wanted, account=None, account_failure=DENIED, accounts=(), rights={})
        assert needs.account is None
        assert not needs.pending
        assert statuses(needs) == ["missing", "missing"]

    def test_missing_rights_are_granted_to_whom_the_server_takes_it_for(self) -> None:
        near = Account("apim", "10.0.0.%")
        needs = decided(account=near, rights={near: NOTHING, APIM: ALL})
        assert {need.grant_to for need in needs.databases} == {(near,)}


class TestDatabases:
    def test_absent(self) -> None:
        needs = decided()
        assert [(need.create, need.script) for need in needs.databases] == [(True, True), (True, False)]
        assert statuses(needs) == ["pending", "pending"]

    def test_there(self) -> None:
        needs = decided(contents={"u": database(WHOLE), "e": database(NONE, "e")})
        assert not needs.pending
        assert statuses(needs) == ["present", "present"]
        assert needs.results[0].tables == 2

    def test_empty_is_filled(self) -> None:
        needs = decided(contents={"u": database(NONE), "e": database(NONE, "e")})
        assert [(need.create, need.script) for need in needs.databases] == [(False, True), (False, False)]

    @pytest.mark.parametrize("schema", [HALF, Schema(("orders",), (), ())])
    def test_what_is_not_ours_is_missing(self, schema: Schema) -> None:
        needs = decided(contents={"u": database(schema), "e": database(NONE, "e")})
        assert not needs.pending
        assert statuses(needs) == ["missing", "present"]

    def test_a_store_is_not_measured_by_the_script(self) -> None:
        """Its tables are the servers', and whatever it holds, the script is not run in it."""
        for schema, state in ((Schema(("ANX",), (), ()), "whole"), (HALF, "whole"), (NONE, "empty")):
            needs = decided(begun={"e": True}, contents={"u": database(WHOLE), "e": database(schema, "e")})
            assert needs.databases[1].verdict.state == state
            assert not needs.pending
            assert statuses(needs) == ["present", "present"]

    def test_with_setup_an_empty_one_is_enough(self) -> None:
        wanted = dataclasses.replace(WANTED, mode="server")
        assert (
            statuses(decided(wanted, contents={"u": database(NONE), "e": database(NONE)})) == ["present"] * 2
        )
        assert [need.script for need in decided(wanted).databases] == [False, False]

    def test_for_a_dba_an_empty_one_is_not(self) -> None:
        wanted = dataclasses.replace(WANTED, mode="dba")
        assert statuses(decided(wanted, contents={"u": database(NONE), "e": database(NONE)})) == [
            "missing",
            "present",
        ]

    def test_without_administrator_the_account_fills_what_it_may(self) -> None:
        wanted = dataclasses.replace(WANTED, administrator=None)
        contents = {"u": database(NONE), "e": database(NONE, "e")}
        needs = decided(wanted, administrator=None, contents=contents)
        assert needs.databases[0].script and not needs.by_administrator
        needs = decided(wanted, administrator=None, contents=contents, rights={APIM: NOTHING})
        assert not needs.databases[0].script
        assert statuses(needs)[0] == "missing"

    def test_without_a_script_nothing_is_filled(self) -> None:
        needs = decide(WANTED, SITUATION, Scripts(None, (SCRIPT,)), {})
        assert not any(need.script for need in needs.databases)
        assert statuses(needs)[0] == "missing"


class TestTakingBack:
    def taken(self, contents: Contents, *, created: bool = True, **changes: Any) -> bool:
        wanted = changes.pop("wanted", WANTED)
        (first, _) = decided(
            wanted, {"u": created}, contents={"u": contents, "e": database(NONE, "e")}, **changes
        ).databases
        assert not (first.take_back and first.lacking)
        return first.take_back

    def test_what_was_begun_here_goes(self) -> None:
        assert self.taken(database(HALF))
        assert self.taken(database(HALF), created=False)

    def test_not_with_a_row_in_it(self) -> None:
        assert not self.taken(database(HALF), with_rows=frozenset({"u"}))

    def test_not_with_somebody_elses_table_or_view(self) -> None:
        assert not self.taken(database(Schema(("a", "orders"), (), ())))
        assert not self.taken(database(HALF, others=("view v",)))

    def test_not_what_is_whole(self) -> None:
        assert not self.taken(database(WHOLE))

    @pytest.mark.parametrize("mode", ["dba", "server"])
    def test_not_where_somebody_else_makes_the_tables(self, mode: str) -> None:
        assert not self.taken(database(HALF), wanted=dataclasses.replace(WANTED, mode=mode))

    def test_an_empty_database_goes_only_if_that_run_made_it(self) -> None:
        assert self.taken(database(NONE))
        assert not self.taken(database(NONE), created=False)

    def test_nothing_that_is_not_in_the_journal(self) -> None:
        needs = decided(contents={"u": database(HALF), "e": database(NONE, "e")})
        assert not needs.databases[0].take_back


class TestWhatTheAdministratorLacks:
    def lacks(self, *grants: Grant, **changes: Any) -> list[str]:
        situation = dataclasses.replace(SITUATION, administrator=Rights(grants), **changes)
        return administrator_lacks(WANTED, situation, decide(WANTED, situation, SCRIPTS, {}))

    def test_everything_it_needs_is_named(self) -> None:
        lacking = self.lacks(account=None, account_failure=DENIED, accounts=(), rights={})
        assert lacking[0] == "CREATE USER on *.*"
        assert lacking[1].startswith("ALTER, CREATE, ")
        assert lacking[1].endswith("GRANT OPTION on u.*")

    def test_only_what_this_run_needs(self) -> None:
        create = Grant(None, frozenset({"CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "SELECT"}))
        assert self.lacks(create) == []
        assert self.lacks(contents={"u": database(WHOLE), "e": database(NONE, "e")}) == []
