"""Databases, an account and a journal of a test's own on a server that others use, too."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.servers import Server, quoted
from wizard.database.connection import DatabaseSession, connect
from wizard.database.failure import Endpoint
from wizard.database.needs import DatabaseResult, Login, Needs, WantedDatabases, databases_of, decide
from wizard.database.provision import provision
from wizard.database.script import scripts_for
from wizard.database.situation import FileJournal, look
from wizard.pack.home import Pack
from wizard.passwords.secret import Secret

PASSWORD = "pass'w\"ö\\rd %;`"

_number = itertools.count(1)


@dataclass
class Playground:
    """`names` are the databases by role, in the procedure's order; `account` is not made yet."""

    server: Server
    pack: Path
    folder: Path
    names: dict[str, str]
    account: str
    password: str = PASSWORD
    journal: FileJournal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = FileJournal(self.endpoint, self.folder / "journal")

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.server.host, self.server.port)

    @property
    def user(self) -> str:
        return self.names["user"]

    @property
    def registry(self) -> str:
        return self.names["registry"]

    def table(self, admin_password: str = "", **more: Any) -> dict[str, Any]:
        """The table `mysql` of a profile, with an administrator whose password is in the variable, if there is one."""
        own = {
            "host": self.server.host,
            "port": self.server.port,
            "username": self.account,
            "databases": self.names,
        }
        admin = {"admin_username": self.server.root, "admin_password": {"env": admin_password}}
        return own | (admin if admin_password else {}) | more

    def wanted(self, **changes: Any) -> WantedDatabases:
        """What a profile would want; `admin=False` leaves the administrator out."""
        admin = changes.pop("admin", True)
        plain = WantedDatabases(
            endpoint=self.endpoint,
            login=Login(self.account, Secret(self.password)),
            administrator=Login(self.server.root, Secret(self.server.root_password)) if admin else None,
            grant_host="%",
            charset=None,
            mode="wizard",
            databases=databases_of(self.names.items()),
        )
        return dataclasses.replace(plain, **changes)

    def provision(self, wanted: WantedDatabases | None = None, **more: Any) -> list[DatabaseResult]:
        return provision(wanted or self.wanted(), [Pack(self.pack)], self.journal, **more)

    def pending(self, wanted: WantedDatabases | None = None) -> Needs:
        """What `provision` would create now."""
        wanted = wanted or self.wanted()
        situation = look(wanted, self.journal.begun())
        return decide(wanted, situation, scripts_for([Pack(self.pack)], situation.greeting))

    def make_account(self, host: str = "%", password: str | None = None) -> None:
        """The account without any right."""
        values = (self.account, host, self.password if password is None else password)
        self.server.run("CREATE USER %s@%s IDENTIFIED BY %s", values=values)

    def alter_account(self, what: str) -> None:
        """Change its `REQUIRE` or `WITH`, in the dialect of each server."""
        statement = "GRANT USAGE ON *.* TO" if self.server.kind == "mysql56" else "ALTER USER"
        self.server.run(f"{statement} '{self.account}'@'%' {what}")

    def root_session(self) -> DatabaseSession:
        return connect(self.endpoint, self.server.root, Secret(self.server.root_password))

    def session(self) -> DatabaseSession:
        return connect(self.endpoint, self.account, Secret(self.password))

    def assert_complete(self, tables: int = 39) -> None:
        """Everything exists, and the account can work in each database."""
        for role, name in self.names.items():
            assert len(self.server.tables(name)) == (tables if role in ("user", "registry") else 0)
        assert self.journal.begun() == {}
        with self.connect() as connection, connection.cursor() as cursor:
            for name in map(quoted, self.names.values()):
                cursor.execute(f"CREATE TABLE {name}.tried (i INT PRIMARY KEY)")
                cursor.execute(f"INSERT INTO {name}.tried VALUES (1)")
                cursor.execute(f"DROP TABLE {name}.tried")

    def statuses(self, wanted: WantedDatabases | None = None) -> list[str]:
        """The state of each database after `provision`."""
        return [result.status for result in self.provision(wanted)]

    def connect(self) -> Any:
        return self.server.connect(self.account, self.password)


@contextlib.contextmanager
def playground(server: Server, pack: Path, folder: Path, **changes: Any) -> Iterator[Playground]:
    """A playground that leaves nothing behind on the server."""
    number = next(_number)
    names = {
        "user": f"userdb{number}",
        "registry": f"reg_db{number}",
        "event_store": f"WSO2_EVENT_STORE_{number}",
        "processed_data_store": f"processed-data.store_{number}",
    }
    ground = Playground(
        server, pack, folder, {**names, **changes.pop("names", {})}, f"apim{number}", **changes
    )
    try:
        yield ground
    finally:
        if server.process.poll() is None:
            server.drop(*ground.names.values())
            server.drop_user(ground.account)
