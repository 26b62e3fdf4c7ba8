"""A real Spark cluster: ZooKeeper, two masters, two workers, and an application (procedure, chapter 10)."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.install_spark import java, spark_home

_OPENS = [
    f"--add-opens=java.base/{one}=ALL-UNNAMED" for one in ("java.lang", "java.lang.invoke", "java.util")
]
_OPENS += [f"--add-opens=java.base/{one}=ALL-UNNAMED" for one in ("java.nio", "sun.nio.ch", "java.net")]
# Without a build folder beside it, Spark has to be told its Scala to make an executor's class path.
_ENVIRONMENT = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.12"}
# Many short-lived processes on few cores: starting fast is all that counts.
_QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Xshare:auto"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A Java program whose output can be waited for."""

    def __init__(self, arguments: list[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
        program = java()
        assert program is not None
        self.process = subprocess.Popen(
            [program, *_OPENS, *_QUICK, *arguments],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_ENVIRONMENT, "SPARK_HOME": str(spark_home()), **(env or {})},
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip())
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, *texts: str, since: int = 0, seconds: float = 60) -> str:
        """The first line from number `since` on that holds one of the texts."""

        def found() -> str | None:
            return next((line for line in self.lines[since:] if any(text in line for text in texts)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._ended, timeout=seconds)
            line = found()
        assert line is not None, f"none of {texts} in:\n" + "\n".join(self.lines[-30:])
        return line

    def end(self) -> None:
        """Kill it, and forget what it says."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


class SparkPair:
    """The cluster while it runs: `masters` and `workers` are the ports of their UIs, in the nodes' order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.masters = (free_port(), free_port())
        self.workers = (free_port(), free_port())
        self.master_ports = (free_port(), free_port())
        self.application_ui = free_port()
        self.master_programs: list[Program] = []
        self.worker_programs: list[Program] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _run(self, stack: ExitStack, *arguments: str, main: str, after: tuple[str, ...] = ()) -> Program:
        program = Program([*arguments, "-cp", f"{spark_home()}/jars/*", main, *after], self.folder)
        stack.callback(program.end)
        return program

    def _start(self, stack: ExitStack) -> None:
        (self.folder / "zookeeper").mkdir()
        zookeeper = free_port()
        self._run(
            stack, main="org.apache.zookeeper.server.ZooKeeperServerMain", after=(str(zookeeper), "zookeeper")
        )
        recovery = (
            "-Dspark.deploy.recoveryMode=ZOOKEEPER",
            f"-Dspark.deploy.zookeeper.url=127.0.0.1:{zookeeper}",
        )
        self.master_programs = [
            self._run(
                stack,
                *recovery,
                main="org.apache.spark.deploy.master.Master",
                after=("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui)),
            )
            for port, ui in zip(self.master_ports, self.masters, strict=True)
        ]
        # The first to be elected is ALIVE; the other stands by.
        elected = threading.Event()
        for program in self.master_programs:
            program.wait_for("Bound MasterWebUI")
            threading.Thread(target=lambda one=program: _elected(one, elected), daemon=True).start()
        assert elected.wait(60), "no master was elected"
        self.worker_programs = [
            self._run(
                stack,
                main="org.apache.spark.deploy.worker.Worker",
                after=(
                    *("--host", "127.0.0.1", "-c", "1", "-m", "512M", "--webui-port", str(ui)),
                    *("-d", f"work{number}", self.url),
                ),
            )
            for number, ui in enumerate(self.workers)
        ]
        for program in self.worker_programs:
            program.wait_for("Successfully registered with master")

    @property
    def url(self) -> str:
        return "spark://" + ",".join(f"127.0.0.1:{port}" for port in self.master_ports)

    @property
    def alive(self) -> int:
        """The number of the master that was elected."""
        return next(
            number
            for number, one in enumerate(self.master_programs)
            if any("New state: ALIVE" in x for x in one.lines)
        )

    def start_application(self, *properties: str) -> Program:
        """An application that has run a job, and waits."""
        source = Path(__file__).with_name("SparkApplication.java")
        application = Program(
            [
                f"-Dspark.master={self.url}",
                "-Dspark.app.name=CarbonAnalytics",
                f"-Dspark.ui.port={self.application_ui}",
                "-Dspark.executor.memory=512m",
                "-Dspark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1",
                "-Dspark.testing.memory=500000000",
                *(f"-D{one}" for one in properties),
                *("-cp", f"{spark_home()}/jars/*", str(source)),
            ],
            self.folder,
        )
        self._stack.callback(application.end)
        application.wait_for("counted 3")
        for worker in self.worker_programs:
            worker.wait_for("Launch command")
        return application


def _elected(program: Program, elected: threading.Event) -> None:
    try:
        program.wait_for("New state: ALIVE")
    except AssertionError:
        return
    elected.set()
