"""A real Spark cluster: ZooKeeper, two masters, two workers, and an application (procedure, chapter 10)."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.install_spark import java, spark_home
from tests.support.servers import free_port

_PACKAGES = ("java.lang", "java.lang.invoke", "java.util", "java.nio", "sun.nio.ch", "java.net")
_OPENS = [f"--add-opens=java.base/{one}=ALL-UNNAMED" for one in _PACKAGES]
# Without a build folder beside it, Spark needs the version of its Scala for an executor's class path.
_ENVIRONMENT = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.12"}
# Many short-lived processes on few cores: starting fast is all that counts.
_QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Xshare:auto"]


class Program:
    """A Java program whose output goes to a file and can be waited for."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        program = java()
        assert program is not None
        self._output = folder / f"{name}.log"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [program, *_OPENS, *_QUICK, "-cp", f"{spark_home()}/jars/*", *arguments],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_ENVIRONMENT, "SPARK_HOME": str(spark_home())},
            )

    @property
    def lines(self) -> list[str]:
        return self._output.read_text("utf-8", "replace").splitlines()

    def wait_for(self, text: str, since: int = 0) -> str:
        """The first line from number `since` on that holds the text."""
        deadline = time.monotonic() + 60
        while True:
            is_last = self.process.poll() is not None or time.monotonic() > deadline
            for line in self.lines[since:]:
                if text in line:
                    return line
            assert not is_last, f"no {text!r} in:\n" + "\n".join(self.lines[-30:])
            time.sleep(0.05)

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.communicate()


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
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _run(self, name: str, *arguments: str) -> Program:
        program = Program(self.folder, name, *arguments)
        self._stack.callback(program.end)
        return program

    def _start(self) -> None:
        (self.folder / "zookeeper").mkdir()
        zookeeper, deploy = free_port(), "org.apache.spark.deploy"
        main = "org.apache.zookeeper.server.ZooKeeperServerMain"
        self._run("zookeeper", main, str(zookeeper), "zookeeper")
        recovery = (
            "-Dspark.deploy.recoveryMode=ZOOKEEPER",
            f"-Dspark.deploy.zookeeper.url=127.0.0.1:{zookeeper}",
            f"{deploy}.master.Master",
        )
        for port, ui in zip(self.master_ports, self.masters, strict=True):
            place = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui))
            self.master_programs.append(self._run(f"master-{port}", *recovery, *place))
        for program in self.master_programs:
            program.wait_for("Bound MasterWebUI")
        deadline = time.monotonic() + 60
        while self.alive is None:  # the first to be elected; the other stands by
            assert time.monotonic() < deadline, "no master was elected"
            time.sleep(0.05)
        for number, ui in enumerate(self.workers):
            place = ("--host", "127.0.0.1", "-c", "1", "-m", "512M", "--webui-port", str(ui))
            program = self._run(
                f"worker-{number}", f"{deploy}.worker.Worker", *place, "-d", f"work{number}", self.url
            )
            self.worker_programs.append(program)
        for program in self.worker_programs:
            program.wait_for("Successfully registered with master")

    @property
    def url(self) -> str:
        return "spark://" + ",".join(f"127.0.0.1:{port}" for port in self.master_ports)

    @property
    def alive(self) -> int | None:
        """The number of the master that was elected."""
        for number, program in enumerate(self.master_programs):
            if any("New state: ALIVE" in line for line in program.lines):
                return number
        return None

    def start_application(self, *properties: str) -> Program:
        """An application that has run a job, and waits."""
        application = self._run(
            "application",
            f"-Dspark.master={self.url}",
            "-Dspark.app.name=CarbonAnalytics",
            f"-Dspark.ui.port={self.application_ui}",
            "-Dspark.executor.memory=512m",
            "-Dspark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1",
            "-Dspark.testing.memory=500000000",
            *(f"-D{one}" for one in properties),
            str(Path(__file__).with_name("SparkApplication.java")),
        )
        application.wait_for("counted 3")
        for worker in self.worker_programs:
            worker.wait_for("Launch command")
        return application
