"""What a run would make is decided from what is there, without asking anybody."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from wizard.database.accounts import Account, Grant, Rights
from wizard.database.connection import Greeting
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.needs import Database, Login, Needs, WantedDatabases, administrator_lacks, decide
from wizard.database.schema import Contents
from wizard.database.script import Schema, Script, Scripts, creates
from wizard.database.server import Server
from wizard.database.situation import Situation
from wizard.passwords.secret import Secret

TEXT = "CREATE TABLE a (i INT); CREATE TABLE b (i INT);"
SCRIPT = Script("dbscripts/mysql.sql", TEXT)
SCRIPTS = Scripts(SCRIPT, (SCRIPT,))
WHOLE, HALF, NONE = creates(TEXT), Schema(("a",)), Schema(())
APIM = Account("apim", "%")
ALL = Rights((Grant(None, frozenset({"ALL PRIVILEGES"}), grantable=True),))
NOTHING = Rights(())
DENIED = DatabaseError("denied", cause="denied", number=1045)

SERVER = Server(
    Greeting("8.4"), "Linux", "utf8mb4", {"utf8mb4": 4}, 0, 151, read_only=False, index_limit=3072
)
WANTED = WantedDatabases(
    *(Endpoint("db", 3306), Login("apim", Secret("x")), Login("root", Secret("y")), "%", None, "wizard"),
    databases=(Database("u", ("user",)), Database("e", ("event_store",))),
)
SITUATION = Situation(
    *(Greeting("8.4"), {}),
    server=SERVER,
    account=APIM,
    administrator=ALL,
    accounts=(APIM,),
    rights={APIM: ALL},
    origins=("10.0.0.1",),
    contents={"u": None, "e": None},
)
NOT_LOGGED_IN: dict[str, Any] = {"account": None, "account_failure": DENIED, "rights": {}}


def database(schema: Schema, name: str = "u", **more: Any) -> Contents:
    return Contents(name, "utf8mb4", schema, **more)


def decided(wanted: WantedDatabases = WANTED, begun: dict[str, bool] | None = None, **changes: Any) -> Needs:
    return decide(wanted, dataclasses.replace(SITUATION, begun=begun or {}, **changes), SCRIPTS)


def statuses(needs: Needs) -> list[str]:
    return [result.status for result in needs.results]


class TestAccount:
    @pytest.mark.parametrize(
        ("changes", "created"),
        [
            ({}, False),  # it logs in
            ({**NOT_LOGGED_IN, "accounts": ()}, True),
            ({**NOT_LOGGED_IN}, False),  # it exists
            ({**NOT_LOGGED_IN, "accounts": None}, True),  # the accounts are not visible
            ({**NOT_LOGGED_IN, "accounts": (Account("", "10.0.0.%"),)}, False),  # it would be shadowed
            (
                {**NOT_LOGGED_IN, "accounts": (), "account_failure": DatabaseError("x", cause="expired")},
                False,
            ),
        ],
    )
    def test_is_created_if_it_can_log_in_then(self, changes: dict[str, Any], created: bool) -> None:
        needs = decided(**changes)
        assert needs.account == (APIM if created else None)
        assert all(need.grant_to == ((APIM,) if created else ()) for need in needs.databases)

    def test_missing_privileges_are_granted_to_the_matched_account(self) -> None:
        near = Account("apim", "10.0.0.%")
        needs = decided(account=near, rights={near: NOTHING, APIM: ALL})
        assert {need.grant_to for need in needs.databases} == {(near,)}


class TestDatabases:
    def test_a_store_is_not_measured_by_the_script(self) -> None:
        """Its tables are the servers', and whatever it holds, the script is not run in it."""
        for schema, state in ((Schema(("ANX",)), "whole"), (HALF, "whole"), (NONE, "empty")):
            needs = decided(begun={"e": True}, contents={"u": database(WHOLE), "e": database(schema, "e")})
            assert needs.databases[1].verdict.state == state
            assert not needs.pending
            assert statuses(needs) == ["present", "present"]
            assert needs.results[0].tables == 2

    @pytest.mark.parametrize(("rights", "status"), [(ALL, "pending"), (NOTHING, "missing")])
    def test_without_administrator_the_account_fills_what_it_may(self, rights: Rights, status: str) -> None:
        wanted = dataclasses.replace(WANTED, administrator=None)
        contents = {"u": database(NONE), "e": database(NONE, "e")}
        needs = decided(wanted, administrator=None, contents=contents, rights={APIM: rights})
        assert statuses(needs)[0] == status
        assert needs.databases[0].script is (rights is ALL) and not needs.by_administrator

    def test_without_a_script_nothing_is_filled(self) -> None:
        needs = decide(WANTED, SITUATION, Scripts(None, (SCRIPT,)))
        assert not any(need.script for need in needs.databases)
        assert statuses(needs)[0] == "missing"


class TestUndoing:
    @pytest.mark.parametrize(
        ("contents", "changes", "taken"),
        [
            (database(HALF), {}, True),
            (database(HALF), {"created": False}, True),
            (database(HALF), {"with_rows": frozenset({"u"})}, False),
            (database(Schema(("a", "orders"))), {}, False),
            (database(HALF, others=("view v",)), {}, False),
            (database(WHOLE), {}, False),
            (database(HALF), {"wanted": dataclasses.replace(WANTED, mode="dba")}, False),
            (database(HALF), {"wanted": dataclasses.replace(WANTED, mode="server")}, False),
            (database(NONE), {}, True),
            (database(NONE), {"created": False}, False),
        ],
    )
    def test_its_own_tables_without_a_row(
        self, contents: Contents, changes: dict[str, Any], taken: bool
    ) -> None:
        changes = dict(changes)
        wanted, created = changes.pop("wanted", WANTED), changes.pop("created", True)
        both = {"u": contents, "e": database(NONE, "e")}
        (first, _) = decided(wanted, {"u": created}, contents=both, **changes).databases
        assert first.take_back is taken and not (first.take_back and first.lacking)

    def test_nothing_that_is_not_in_the_journal(self) -> None:
        needs = decided(contents={"u": database(HALF), "e": database(NONE, "e")})
        assert not needs.databases[0].take_back


class TestWhatTheAdministratorLacks:
    def lacks(self, *grants: Grant, **changes: Any) -> list[str]:
        situation = dataclasses.replace(SITUATION, administrator=Rights(grants), **changes)
        return administrator_lacks(WANTED, situation, decide(WANTED, situation, SCRIPTS))

    def test_only_what_this_run_needs(self) -> None:
        create = Grant(None, frozenset({"CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "SELECT"}))
        assert self.lacks(create) == []
        assert self.lacks(contents={"u": database(WHOLE), "e": database(NONE, "e")}) == []
