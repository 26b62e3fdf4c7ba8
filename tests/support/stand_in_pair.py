"""A pair of homes for two stand-ins (`tests.support.stand_in`), on ports that are free; and a launcher for them."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.cli import ROOT
from tests.support.listeners import are_free, free_offset, share
from tests.support.pairs import Pair, merged
from tests.support.programs import script
from tests.support.stand_in import SETTINGS, Place, Settings
from wizard.profile.store import load
from wizard.server.process import server_of

LAUNCHER = r"""#!/bin/sh
# Behaves as the launcher of the kernels 4.4 (procedure, "The launcher").
[ -z "$CARBON_HOME" ] && CARBON_HOME=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "$JAVA_HOME" ]; then
  echo "You must set the JAVA_HOME variable before running CARBON."
  exit 1
fi
if [ ! -x "$JAVA_HOME/bin/java" ]; then
  echo "Error: JAVA_HOME is not defined correctly."
  exit 1
fi
case " $* " in
*" start "*)
  if [ -e "$CARBON_HOME/wso2carbon.pid" ] && kill -0 "$(cat "$CARBON_HOME/wso2carbon.pid")"; then
    echo "Process is already running"
    exit 0
  fi
  export CARBON_HOME
  nohup sh "$CARBON_HOME/bin/wso2server.sh" >/dev/null 2>&1 &
  exit 0 ;;
*" stop "*)
  kill -term "$(cat "$CARBON_HOME/wso2carbon.pid")"
  exit 0 ;;
esac
"$JAVA_HOME/bin/java" -version 2>&1 | grep -q '1[.][78]' || echo " [ERROR] CARBON is supported only on JDK 1.7 and 1.8"
rm -rf "$CARBON_HOME"/tmp/*
. "$CARBON_HOME/bin/load-spark-env-vars.sh"
cd "$CARBON_HOME"
status=121
while [ "$status" = 121 ]; do
  "$JAVA_HOME/bin/java" -Xmx1024m -Dcarbon.home="$CARBON_HOME" org.wso2.carbon.bootstrap.Bootstrap $*
  status=$?
done
"""

STAND_IN = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.support.stand_in "$@"'


def make_java(folder: Path, version: str = "1.8.0_292", server: str = STAND_IN) -> Path:
    """A `JAVA_HOME` whose `java` is a stand-in for the server."""
    asked = f'[ "$1" = -version ] && echo \'openjdk version "{version}"\' >&2 && exit'
    script(folder / "bin/java", f"{asked}\n{server}")
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return folder


def free_numbers(offset: int) -> Iterator[int]:
    """Ports that are free with and without that offset, for either node, and with neither one of the pack's own."""
    for number in share(range(2_000, 3_900, 2)):
        if are_free((number, number + offset, number + offset + 1)):
            yield number


class StandInPair:
    """Two homes, the profile that fits them, and what their stand-ins have to know; `overrides` as of `make_pair`."""

    def __init__(
        self, make_pair: Callable[..., Pair], *, skew: float = 0, overrides: Any = None, **settings: Any
    ) -> None:
        offset = free_offset()
        numbers = free_numbers(offset)
        names = ("hazelcast", "event_sync", "management")
        ports = [{name: next(numbers) for name in names} for _ in range(2)]
        own = [
            {"port_offset": offset + number, **{f"{name}_port": port for name, port in ports[number].items()}}
            for number in range(2)
        ]
        self.pair = make_pair(**merged({"nodes": own}, overrides or {}))
        self.profile = load(self.pair.profile).profile
        first, second = (
            Place(one["hazelcast"], one["event_sync"] + shift, one["management"] + shift, shift)
            for shift, one in enumerate(ports, offset)
        )
        self.settings = [Settings(first, second, **settings), Settings(second, first, skew=skew, **settings)]

    def install(self, number: int, **settings: Any) -> None:
        """A launcher in the home, and what the server that it launches has to know."""
        home = self.pair.homes[number]
        self.settings[number] = dataclasses.replace(self.settings[number], **settings)
        (home / SETTINGS).write_text(self.settings[number].to_json())
        (home / "bin/wso2server.sh").write_text(LAUNCHER)

    def end(self, *numbers: int) -> None:
        """Kill what runs in these homes (none: in both)."""
        for home in [self.pair.homes[number] for number in numbers or range(len(self.pair.homes))]:
            while (pid := server_of(home)) is not None:
                os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)
