"""A stand-in for a server: it writes such a log, talks to its partner, and answers like the Spark UIs.

A launcher starts it with `-Dcarbon.home=HOME` among its arguments, and `HOME/stand-in.json` holds its `Settings`.  It
writes its `wso2carbon.pid` late, completes its start only when the partner has joined, and runs until SIGTERM.  The two
find each other by their Hazelcast ports, over which each holds a connection as long as it runs: the kernel closes it
when a process is killed, which is how the other one learns of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import server_logs as tell
from tests.support.server_logs import ServerLog, Side

SETTINGS = "stand-in.json"
WORKER_UI = 11500
EVENT_PROCESSOR = "repository/conf/event-processor.xml"


class Place(NamedTuple):
    """Where a stand-in is: the ports that it opens; those of its Spark UIs follow from the offset."""

    hazelcast: int
    event_sync: int
    management: int
    offset: int
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """What a stand-in has to know.  Times are in seconds; its clock is wrong by `skew` hours."""

    own: Place
    partner: Place
    takeover: float = 0.5
    starting: float = 0.1
    skew: float = 0.0
    pid_after: float = 0.0
    fault: str = ""
    """What goes wrong: `dies`, `fatal`, `port`, `stays` (SIGTERM is ignored), `never` (no start)."""
    refuses: str = ""
    """The text of `event-processor.xml` with which it dies."""
    lock: str = ""
    """A folder that both see, where the homes have none in common."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class LiveLog(ServerLog):
    """A log that goes to a file, with the current time."""

    def __init__(self, path: Path, skew: float) -> None:
        super().__init__()
        self._skew = timedelta(hours=skew)
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def say(
        self, source: str, message: str, level: str = "INFO", *, after: float = 0, trace: tuple[str, ...] = ()
    ) -> str:
        with self._lock:
            line = tell.line_of(self.form, datetime.now() + self._skew, level, source, message)
            self._file.write("".join(f"{one}\n" for one in (line, *trace)))
            self._file.flush()
        return line


class StandIn:
    def __init__(self, home: Path, options: list[str]) -> None:
        self.settings = Settings(**json.loads((home / SETTINGS).read_text()))
        self.home, self.options = home, options
        (home / "repository/logs").mkdir(exist_ok=True)
        log = LiveLog(home / "repository/logs/wso2carbon.log", self.settings.skew)
        self.own, self.partner = (
            Side(one.host, one.hazelcast, one.event_sync, one.management, "", ServerLog(), one.offset)
            for one in (Place(*self.settings.own), Place(*self.settings.partner))
        )
        self.own.log, self.own.uuid = log, str(uuid.uuid4())
        self.role = ""
        self.joined = threading.Event()
        self.ending = False

    def run(self) -> None:
        """Start, join or found the cluster, and run until SIGTERM."""
        signal.signal(signal.SIGTERM, self._end)
        pid_file = self.home / "wso2carbon.pid"
        threading.Timer(self.settings.pid_after, pid_file.write_text, [str(os.getpid())]).start()
        print("this is the console")
        if self.settings.fault == "never":
            self._live()
            return
        processor = (self.home / EVENT_PROCESSOR).read_text()
        is_persistent = '<persistence enable="true">' in processor
        tell.begin(self.own, self.partner, mode="Persistence enabled HA" if is_persistent else "HA")
        if not self._is_sound(processor):
            return
        time.sleep(self.settings.starting)
        connection = self._connect()
        if connection is None:
            self._become("Active")
        else:
            self._exchange_ids(connection)
            tell.sync_fails(self.own)
            self._become("Passive")
            _in_background(self._hold, connection)
        _in_background(self._accept)
        for port, page in ((8081, self._master), (WORKER_UI, self._worker), (4040, self._environment)):
            _serve(self.own.host, port + self.own.offset, page)
        tell.masters(self.own, 2 if connection is not None else 1)
        self._wait_for_partner()
        if connection is not None:
            tell.synced(self.own)
        self._live()
        for message in (
            "Shutdown hook triggered....",
            "Gracefully shutting down WSO2 Analytics...",
            "Halting JVM",
        ):
            self.own.log.say(tell.SERVER, message)

    def _end(self, *_: object) -> None:
        self.ending = self.settings.fault != "stays"

    def _live(self) -> None:
        """Wait for SIGTERM."""
        while not self.ending:
            time.sleep(0.02)

    def _is_sound(self, processor: str) -> bool:
        """Create the tables; log what fails, and wait for SIGTERM where a real server would still run."""
        say, fault = self.own.log.say, self.settings.fault
        if fault == "dies" or (self.settings.refuses and self.settings.refuses in processor):
            trace = ("java.lang.OutOfMemoryError: Java heap space",)
            say(tell.HA, "Error while loading the state", "ERROR", trace=trace)
        elif fault == "port":
            trace = (
                "java.net.BindException: Address already in use",
                "\tat java.net.Socket.bind(Socket.java:1)",
            )
            say(tell.FINALIZER, "Cannot start transports", "ERROR", trace=trace)
            self._live()
        elif fault == "fatal":
            say(tell.CARBON, "WSO2 Carbon initialization Failed", "FATAL")
            self._live()
        elif (self.home / "dbscripts/mysql.sql").exists() and not make_tables(self.home, self.options):
            say(tell.REGISTRY, "Table 'UM_TENANT' doesn't exist", "FATAL")
        else:
            return True
        return False

    def _wait_for_partner(self) -> None:
        say = self.own.log.say
        say(tell.AGENT, "Cluster initialization completed")
        say(tell.TASKS, "Waiting for 2 [ANALYTICS_SPARK] task executor nodes...")
        while not self.joined.wait(0.05):
            if self.ending:
                return
        say(tell.TASKS, "All task servers activated for [ANALYTICS_SPARK].")
        say(tell.FINALIZER, "WSO2 Carbon started in 1 sec")

    def _become(self, role: str) -> None:
        self.role = role
        tell.become(self.own, role)

    def _connect(self) -> socket.socket | None:
        """Listen, and connect to the partner if it listens; the lock lets one of the two after the other do this."""
        folder = os.open(self.settings.lock or self.home.parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.listener = socket.create_server((self.own.host, self.own.hazelcast))
        try:
            return socket.create_connection((self.partner.host, self.partner.hazelcast), timeout=5)
        except OSError:
            return None
        finally:
            os.close(folder)

    def _exchange_ids(self, connection: socket.socket) -> bool:
        """Send the own id and read the partner's; false where a check only wanted to know whether anything listens."""
        with contextlib.suppress(OSError):
            connection.settimeout(None)
            connection.sendall(f"{self.own.uuid}\n".encode())
            if uuid := connection.makefile("r").readline().strip():
                self.partner.uuid = uuid
                self.joined.set()
                return True
        return False

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            if self._exchange_ids(connection):
                tell.joins(self.own, self.partner)
                tell.publishes(self.own, self.partner)
                _in_background(self._hold, connection)

    def _hold(self, connection: socket.socket) -> None:
        """Wait until the partner ends; then take over, if it was the active one."""
        with contextlib.suppress(OSError):
            while connection.recv(1024):
                pass
        self.joined.clear()
        tell.leaves(self.own, self.partner)
        if self.role == "Passive":
            time.sleep(self.settings.takeover)
            self._become("Active")

    def _master(self) -> dict[str, Any]:
        active, both = self.role == "Active", (self.own, self.partner)
        uis = [(one.host, f"http://{one.host}:{WORKER_UI + one.offset}") for one in both]
        workers = [
            {"host": host, "webuiaddress": ui, "state": "ALIVE"}
            for host, ui in uis[: 1 + self.joined.is_set()]
        ]
        applications = [{"id": "app-1", "name": "CarbonAnalytics", "state": "RUNNING", "cores": 2}]
        return {
            "url": f"spark://{self.own.host}:7077",
            "status": "ALIVE" if active else "STANDBY",
            "workers": workers if active else [],
            "activeapps": applications if active else [],
        }

    def _worker(self) -> dict[str, Any]:
        return {"executors": [{"id": 0, "memory": 512, "appid": "app-1"}], "finishedexecutors": []}

    def _environment(self) -> dict[str, Any]:
        spark = {"spark.app.id": "app-1", "carbon.spark.master.count": "2", "carbon.spark.master": "local"}
        return {"sparkProperties": list(spark.items()), "classpathEntries": []}


def _in_background(act: Any, *arguments: Any) -> None:
    threading.Thread(target=act, args=arguments, daemon=True).start()


def _serve(host: str, port: int, page: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(page()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    ThreadingHTTPServer.allow_reuse_address = True
    _in_background(ThreadingHTTPServer((host, port), Handler).serve_forever)


def make_tables(home: Path, options: list[str]) -> bool:
    """Run the pack's own scripts with `-Dsetup`; whether the database of the users has tables.

    A home whose datasources are still those of the pack has H2, and needs none.
    """
    import pymysql
    from lxml import etree
    from pymysql.constants.CLIENT import MULTI_STATEMENTS

    document = etree.parse(home / "repository/conf/datasources/master-datasources.xml")
    tables: list[Any] = [1]
    for url in document.findall(".//{*}configuration/{*}url"):
        if not (url.text or "").startswith("jdbc:mysql:"):
            continue
        place, _, database = url.text.removeprefix("jdbc:mysql://").partition("?")[0].partition("/")
        host, _, port = place.partition(":")
        user, password = (url.getparent().findtext(f"{{*}}{key}") for key in ("username", "password"))
        login = {"user": user, "password": password.encode(), "database": database, "ssl_disabled": True}
        connect = partial(pymysql.connect, host=host, port=int(port), client_flag=MULTI_STATEMENTS)
        with connect(**login) as connection, connection.cursor() as cursor:
            if "-Dsetup" in options:
                cursor.execute((home / "dbscripts/mysql.sql").read_text("utf-8"))
                while cursor.nextset():
                    pass
            cursor.execute("SHOW TABLES")
            tables = [*tables, *cursor.fetchall()] if cursor.rowcount else []
    return bool(tables)


if __name__ == "__main__":
    (own_home,) = (one.partition("=")[2] for one in sys.argv if one.startswith("-Dcarbon.home="))
    StandIn(Path(own_home), sys.argv).run()
    sys.stdout.flush()
    os._exit(0)
