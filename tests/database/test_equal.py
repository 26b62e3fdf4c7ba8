"""Several roles of the profile may share a database: it is made once, and its script is run once."""

from __future__ import annotations

import pytest

from tests.database.conftest import Look, MakeContext
from tests.support.playground import Playground
from wizard.command_line.run.sql import sql_for_dba
from wizard.database.needs import Database, DatabaseResult, databases_of
from wizard.database.provision import provision
from wizard.database.situation import FileJournal
from wizard.preflight.mysql.view import DatabaseView


@pytest.fixture
def sharing(ground: Playground) -> Playground:
    """User and registry in one database, both stores and the statistics in another."""
    ground.names["registry"] = ground.user
    ground.names["processed_data_store"] = ground.names["stats"] = ground.names["event_store"]
    return ground


def test_each_database_is_there_once_with_its_roles() -> None:
    names = {"user": "a", "registry": "a", "event_store": "e", "processed_data_store": "p", "stats": "e"}
    found = databases_of(names.items())
    assert found == (
        Database("a", ("user", "registry")),
        Database("e", ("event_store", "stats")),
        Database("p", ("processed_data_store",)),
    )
    assert [one.has_schema for one in found] == [True, False, False]
    assert [one.is_store for one in found] == [False, True, True]
    assert Database("r", ("registry",)).has_schema and not Database("s", ("stats",)).is_store


def test_each_is_created_once_and_the_script_runs_once(sharing: Playground) -> None:
    steps: list[tuple[str, int, int, str]] = []
    store = sharing.names["event_store"]
    assert sharing.provision(progress=lambda *step: steps.append(step)) == [
        DatabaseResult(sharing.user, "created", 39),
        DatabaseResult(store, "created", 0),
    ]
    statements = [(database, done) for database, done, total, _ in steps if total]
    assert len(statements) == len(set(statements)) > 70
    assert {database for database, _ in statements} == {sharing.user}
    assert sharing.statuses() == ["present", "present"]
    assert sharing.journal.begun() == {}


def test_of_a_profile(maria: Playground, context_for: MakeContext, look: Look) -> None:
    """Checks, provisioning, `sql` and the JSON, from a profile whose roles share databases."""
    store = maria.names["event_store"]
    context = context_for(
        maria, names={"registry": maria.user, "processed_data_store": store, "stats": store}
    )
    assert DatabaseView(context).needs.results == [
        DatabaseResult(maria.user, "pending", 0),
        DatabaseResult(store, "pending", 0),
    ]
    target = DatabaseView(context).wanted
    made = provision(target, context.packs.values(), FileJournal(target.endpoint))
    assert made == [DatabaseResult(maria.user, "created", 39), DatabaseResult(store, "created", 0)]
    context.forget()
    looked = look(context)
    assert looked.errors() == set()
    complete = f"{maria.user} holds the complete schema (39 tables)"
    assert [one.message for one in looked["schema"]] == [complete]
    assert sql_for_dba(context.profile, context.passwords, context.packs).count("CREATE DATABASE") == 2


def test_something_else_is_named_with_its_roles(maria: Playground, look: Look) -> None:
    maria.server.run(f"CREATE DATABASE {maria.user}", f"CREATE TABLE {maria.user}.orders (i INT)")
    problem = look(maria, names={"registry": maria.user}).error("schema")
    assert problem.fix == "name another database for mysql.databases.user and registry"
