"""What shows on a terminal that has no room for the wizard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult


class TooSmall(ModalScreen[None]):
    """Says how much room is needed; goes away by itself when there is enough."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; height: auto; text-align: center; }
    """

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self._needed = (columns, rows)

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        columns, rows = self._needed
        self.query_one(Static).update(
            f"This terminal is too small.\n\nIt has {event.size.width}x{event.size.height}, and "
            f"{columns}x{rows} are needed.\nMake it larger, or leave with Ctrl+Q:\nnothing is lost."
        )
