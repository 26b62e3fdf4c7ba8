"""A stand-in for a server: writes such a log, talks to its partner, and answers like the Spark UIs.

`python -m tests.support.stand_in HOME SETTINGS` with SETTINGS a JSON object (see `Settings`).  The two find each other
by their Hazelcast ports, over which each holds a connection as long as it lives: the kernel closes it when a process
is killed, which is how the other one learns of it.
"""

from __future__ import annotations

import json
import os
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
    def __init__(self, home: Path, settings: Settings) -> None:
        self.settings = settings
        (home / "wso2carbon.pid").write_text(str(os.getpid()))
        (home / "repository/logs").mkdir(exist_ok=True)
        log = LiveLog(home / "repository/logs/wso2carbon.log", settings.skew)
        ports = (settings.hazelcast, settings.event_sync, settings.management)
        self.own = Side("127.0.0.1", *ports, str(uuid.uuid4()), log, settings.offset)
        partner = (settings.partner_hazelcast, settings.partner_event_sync, 0)
        self.partner = Side("127.0.0.1", *partner, "", ServerLog())
        self.role = ""
        self.joined = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", settings.hazelcast))

    def run(self) -> None:
        """Start, join or found the cluster, and live until the standard input ends."""
        tell.begin(self.own, self.partner)
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
            _serve(port, page)
        tell.masters(self.own, 2 if connection is not None else 1)
        time.sleep(self.settings.starting)
        tell.complete(self.own, 1)
        if connection is not None:
            tell.synced(self.own)
        print("up", flush=True)
        sys.stdin.read()

    def _become(self, role: str) -> None:
        self.role = role
        tell.become(self.own, role)

    def _connect(self) -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", self.settings.partner_hazelcast), timeout=5)
        except OSError:
            return None

    def _greet(self, connection: socket.socket) -> None:
        """Exchange the ids."""
        connection.sendall(f"{self.own.uuid}\n".encode())
        self.partner.uuid = connection.makefile("r").readline().strip()
        self.joined.set()

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            connection.settimeout(None)
            self.partner.uuid = connection.makefile("r").readline().strip()
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
        uis = [self.settings.worker_ui, *([self.settings.partner_worker_ui] if self.joined.is_set() else [])]
        workers = [
            {"host": "127.0.0.1", "webuiaddress": f"http://127.0.0.1:{ui}", "state": "ALIVE", "cores": 1}
            for ui in uis
        ]
        applications = [{"id": "app-1", "name": "CarbonAnalytics", "state": "RUNNING", "cores": 2}]
        active = self.role == "Active"
        return {
            "url": "spark://127.0.0.1:7077",
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


def _serve(port: int, page: Any) -> None:
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
    threading.Thread(
        target=ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever, daemon=True
    ).start()


if __name__ == "__main__":
    StandIn(Path(sys.argv[1]), Settings(**json.loads(sys.argv[2]))).run()
