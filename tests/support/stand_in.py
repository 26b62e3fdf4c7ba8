"""A stand-in for a server: writes such a log, talks to its partner, and answers like the Spark UIs.

`python -m tests.support.stand_in HOME SETTINGS` with SETTINGS a JSON object (see `Settings`); or launched, with
`-Dcarbon.home=HOME` among its arguments and the settings in `HOME/stand-in.json`: then it lives until SIGTERM, writes
its `wso2carbon.pid` late and completes its start only when the other one has come.  The two find each other
by their Hazelcast ports, over which each holds a connection as long as it lives: the kernel closes it when a process
is killed, which is how the other one learns of it.
"""

from __future__ import annotations

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support import server_logs as tell
from tests.support.server_logs import ServerLog, Side

SETTINGS = "stand-in.json"
EVENT_PROCESSOR = "repository/conf/event-processor.xml"
PERSISTENT = '<persistence enable="true">'


@dataclass(frozen=True)
class Settings:
    """What a stand-in has to know; seconds, and `skew` hours by which its clock is wrong."""

    hazelcast: int
    partner_hazelcast: int
    event_sync: int
    partner_event_sync: int
    management: int
    master_ui: int
    worker_ui: int
    application_ui: int
    partner_worker_ui: int
    offset: int = 0
    takeover: float = 0.5
    starting: float = 0.1
    skew: float = 0.0
    launched: bool = False
    pid_after: float = 0.0
    fault: str = ""
    """What goes wrong in a launched one: `dies`, `fatal`, `port`, `stays` (SIGTERM is ignored), `never` (no start)."""
    refuses: str = ""
    """The text of `event-processor.xml` with which a launched one dies."""
    host: str = "127.0.0.1"
    partner_host: str = "127.0.0.1"
    lock: str = ""
    """A folder that both see, where the homes have none in common."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class LiveLog(ServerLog):
    """A log that goes to a file, with the time that it is."""

    def __init__(self, path: Path, skew: float) -> None:
        super().__init__()
        self._skew = timedelta(hours=skew)
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def say(
        self,
        source: str,
        message: str,
        level: str = "INFO",
        *,
        after: float = 0.0,
        trace: tuple[str, ...] = (),
    ) -> str:
        with self._lock:
            line = tell.line_of(self.form, datetime.now() + self._skew, level, source, message)
            self._file.write("".join(f"{one}\n" for one in (line, *trace)))
            self._file.flush()
        return line


class StandIn:
    def __init__(self, home: Path, settings: Settings, options: list[str]) -> None:
        self.settings, self.home, self.options = settings, home, options
        if not settings.launched:
            self._write_pid()
        (home / "repository/logs").mkdir(exist_ok=True)
        log = LiveLog(home / "repository/logs/wso2carbon.log", settings.skew)
        ports = (settings.hazelcast, settings.event_sync, settings.management)
        self.own = Side(settings.host, *ports, str(uuid.uuid4()), log, settings.offset)
        partner = (settings.partner_hazelcast, settings.partner_event_sync, 0)
        self.partner = Side(settings.partner_host, *partner, "", ServerLog())
        self.role = ""
        self.joined = threading.Event()
        self.ending = False

    def _write_pid(self) -> None:
        (self.home / "wso2carbon.pid").write_text(str(os.getpid()))

    def run(self) -> None:
        """Start, join or found the cluster, and live until the standard input ends."""
        if self.settings.launched:
            signal.signal(signal.SIGTERM, self._end)
            threading.Timer(self.settings.pid_after, self._write_pid).start()
            print("this is the console")
        if self.settings.fault == "never":
            self._live()
            return
        settings = (self.home / EVENT_PROCESSOR).read_text() if self.settings.launched else PERSISTENT
        mode = "Persistence enabled HA" if PERSISTENT in settings else "HA"
        tell.begin(self.own, self.partner, mode=mode)
        if self.settings.launched and not self._sets_out():
            return
        if self.settings.launched:
            time.sleep(self.settings.starting)
        connection = self._connect()
        if connection is None:
            self._become("Active")
        else:
            self._greet(connection)
            tell.sync_fails(self.own)
            self._become("Passive")
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()
        threading.Thread(target=self._accept, daemon=True).start()
        for port, page in (
            (self.settings.master_ui, self._master),
            (self.settings.worker_ui, self._worker),
            (self.settings.application_ui, self._environment),
        ):
            _serve(self.settings.host, port, page)
        tell.masters(self.own, 2 if connection is not None else 1)
        if self.settings.launched:
            self._wait_for_partner()
        else:
            time.sleep(self.settings.starting)
            tell.complete(self.own, 1)
        if connection is not None:
            tell.synced(self.own)
        if not self.settings.launched:
            print("up", flush=True)
            sys.stdin.read()
            return
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
        """Until SIGTERM."""
        while not self.ending:
            time.sleep(0.02)

    def _sets_out(self) -> bool:
        """The part of a launched start in which it can fail, and makes its tables."""
        say, fault = self.own.log.say, self.settings.fault
        if self.settings.refuses and self.settings.refuses in (self.home / EVENT_PROCESSOR).read_text():
            fault = "dies"
        if fault == "dies":
            say(
                tell.HA,
                "Error while loading the state",
                "ERROR",
                trace=("java.lang.OutOfMemoryError: Java heap space",),
            )
            return False
        if fault == "port":
            trace = (
                "java.net.BindException: Address already in use",
                "\tat java.net.Socket.bind(Socket.java:1)",
            )
            say(tell.FINALIZER, "Cannot start transports", "ERROR", trace=trace)
        if fault == "fatal":
            say(tell.CARBON, "WSO2 Carbon initialization Failed", "FATAL")
        if fault in ("port", "fatal"):
            self._live()
            return False
        if (self.home / "dbscripts/mysql.sql").exists() and not make_tables(self.home, self.options):
            say(tell.REGISTRY, "Table 'UM_TENANT' doesn't exist", "FATAL")
            return False
        return True

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
        """Listen, and connect to the partner, if it listens: one of the two after the other."""
        folder = os.open(self.settings.lock or self.home.parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.listener = socket.create_server((self.settings.host, self.settings.hazelcast))
        try:
            partner = (self.settings.partner_host, self.settings.partner_hazelcast)
            return socket.create_connection(partner, timeout=5)
        except OSError:
            return None
        finally:
            os.close(folder)

    def _greet(self, connection: socket.socket) -> None:
        """Exchange the ids."""
        connection.sendall(f"{self.own.uuid}\n".encode())
        self.partner.uuid = connection.makefile("r").readline().strip()
        self.joined.set()

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            connection.settimeout(None)
            uuid = connection.makefile("r").readline().strip()
            if not uuid:  # a check has looked whether anything listens
                continue
            self.partner.uuid = uuid
            connection.sendall(f"{self.own.uuid}\n".encode())
            self.joined.set()
            tell.joins(self.own, self.partner)
            tell.publishes(self.own, self.partner)
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        """Wait until the partner ends; then take over, if it was the active one."""
        connection.settimeout(None)
        try:
            while connection.recv(1024):
                pass
        except OSError:
            pass
        self.joined.clear()
        tell.leaves(self.own, self.partner)
        if self.role == "Passive":
            time.sleep(self.settings.takeover)
            self._become("Active")

    def _master(self) -> dict[str, Any]:
        own = self.settings
        uis = [(own.host, own.worker_ui), (own.partner_host, own.partner_worker_ui)]
        workers = [
            {"host": host, "webuiaddress": f"http://{host}:{ui}", "state": "ALIVE", "cores": 1}
            for host, ui in uis[: 1 + self.joined.is_set()]
        ]
        applications = [{"id": "app-1", "name": "CarbonAnalytics", "state": "RUNNING", "cores": 2}]
        active = self.role == "Active"
        return {
            "url": f"spark://{own.host}:7077",
            "status": "ALIVE" if active else "STANDBY",
            "workers": workers if active else [],
            "activeapps": applications if active else [],
        }

    def _worker(self) -> dict[str, Any]:
        return {"executors": [{"id": 0, "memory": 512, "appid": "app-1"}], "finishedexecutors": []}

    def _environment(self) -> dict[str, Any]:
        properties = [
            ["spark.app.id", "app-1"],
            ["carbon.spark.master.count", "2"],
            ["carbon.spark.master", "local"],
        ]
        return {"sparkProperties": properties, "classpathEntries": []}


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
    threading.Thread(target=ThreadingHTTPServer((host, port), Handler).serve_forever, daemon=True).start()


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
        with pymysql.connect(
            host=host, port=int(port), user=user, password=password.encode(), database=database, ssl_disabled=True,
            client_flag=MULTI_STATEMENTS,
        ) as connection, connection.cursor() as cursor:  # fmt: skip
            if "-Dsetup" in options:
                cursor.execute((home / "dbscripts/mysql.sql").read_text("utf-8"))
                while cursor.nextset():
                    pass
            cursor.execute("SHOW TABLES")
            tables = [*tables, *cursor.fetchall()] if cursor.rowcount else []
    return bool(tables)


def main(arguments: list[str]) -> None:
    """Be the server that the command line is about."""
    homes = [one.partition("=")[2] for one in arguments if one.startswith("-Dcarbon.home=")]
    if homes:
        settings = json.loads(Path(homes[0], SETTINGS).read_text())
        StandIn(Path(homes[0]), Settings(**{**settings, "launched": True}), arguments).run()
        sys.stdout.flush()
        os._exit(0)
    StandIn(Path(arguments[0]), Settings(**json.loads(arguments[1])), []).run()


if __name__ == "__main__":
    main(sys.argv[1:])
