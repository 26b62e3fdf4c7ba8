"""What `start`, `stop` and `restart` print: one live line on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wizard.command_line.text import Paper
from wizard.verify.report import finding_lines

if TYPE_CHECKING:
    from wizard.command_line.run.servers import NodeState, ServersResult
    from wizard.system.finding import Finding


class ServersPrinter:
    """Prints how the nodes are while a command goes on, and how it ended."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._live = paper.live
        self._told: dict[str, str] = {}
        self._since = time.monotonic()

    @property
    def _seconds(self) -> str:
        return f"{time.monotonic() - self._since:.0f} s"

    def progress(self, nodes: Sequence[NodeState]) -> None:
        """Show the nodes: the callback of the commands."""
        if self._live:
            text = " · ".join([*(f"{node.name}: {node.text}" for node in nodes), self._seconds])
            width = shutil.get_terminal_size().columns - 1
            self._paper.rewrite(text[:width])
        else:
            for node in nodes:
                if self._told.get(node.name, "stopped") != node.text:
                    self._paper.line(f"{node.name}: {node.text}")
            self._told = {node.name: node.text for node in nodes}
            self._paper.stream.flush()

    def clear(self) -> None:
        """Remove the line that lives."""
        if self._live:
            self._paper.rewrite("")

    def end(self, result: ServersResult) -> None:
        """Print what is wrong, and the outcome."""
        self.clear()
        for one in worth_showing(result):
            for number, line in enumerate(finding_lines(one, self._paper.signs[one.status])):
                self._paper.line(line, one.status if number == 0 else None)
        if result.error:
            self._paper.text(result.error, "error")
        if text := ending(result, self._seconds):
            self._paper.line(text, "ok" if result.exit_code == 0 else None)


def worth_showing(result: ServersResult) -> list[Finding]:
    """What is wrong, and at the time limit what is still awaited."""
    shown = ("warning", "error", "waiting") if result.exit_code == 4 else ("warning", "error")
    return [one for one in result.findings if one.status in shown]


def ending(result: ServersResult, seconds: str) -> str:
    """How a command ended, in a line; its error says it where this is empty."""
    return {
        "healthy": f"healthy after {seconds}",
        "waiting": f"waiting after {seconds}: the servers keep running"
        if result.exit_code
        else "launched: apimha-wizard verify shows how far they are",
        "unhealthy": f"unhealthy after {seconds}: servers that run keep running",
        "stopped": f"stopped after {seconds}",
        "refused": "Refused.",
        "failed": "Failed.",
        "cancelled": "",
    }[result.outcome]
