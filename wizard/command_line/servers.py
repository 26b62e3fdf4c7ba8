"""What `start`, `stop` and `restart` print: one live line on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wizard.command_line.text import Paper

if TYPE_CHECKING:
    from wizard.command_line.run.servers import NodeState, ServersResult
    from wizard.system.finding import Finding


class ServersPrinter:
    """Prints the states of the nodes while a command runs, and its result."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._shown: dict[str, str] = {}
        self._since = time.monotonic()

    @property
    def _seconds(self) -> str:
        return f"{time.monotonic() - self._since:.0f} s"

    def progress(self, nodes: Sequence[NodeState]) -> None:
        """Show the nodes: the callback of the commands."""
        if self._paper.live:
            self._paper.rewrite(" · ".join([*(f"{one.name}: {one.text}" for one in nodes), self._seconds]))
            return
        for one in nodes:
            if self._shown.get(one.name, "stopped") != one.text:
                self._paper.line(f"{one.name}: {one.text}")
        self._shown = {one.name: one.text for one in nodes}

    def end(self, result: ServersResult) -> None:
        """Print what is wrong, and the outcome."""
        self._paper.rewrite("")
        for one in worth_showing(result):
            self._paper.finding(one)
        if result.error:
            self._paper.text(result.error, "error")
        if text := ending(result, self._seconds):
            self._paper.line(text, "ok" if result.exit_code == 0 else None)


def worth_showing(result: ServersResult) -> list[Finding]:
    """Select what is wrong, and at the time limit what is still awaited."""
    shown = ("warning", "error", "waiting") if result.exit_code == 4 else ("warning", "error")
    return [one for one in result.findings if one.status in shown]


def ending(result: ServersResult, seconds: str) -> str:
    """Return the result in a line; empty where its error says it."""
    return {
        "healthy": f"healthy after {seconds}",
        "waiting": f"waiting after {seconds}: the servers keep running"
        if result.exit_code
        else "launched: apimha-wizard verify shows their progress",
        "unhealthy": f"unhealthy after {seconds}: servers that run keep running",
        "stopped": f"stopped after {seconds}",
        "refused": "Refused.",
        "failed": "Failed.",
        "cancelled": "",
    }[result.outcome]
