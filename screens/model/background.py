"""Work beside the screen, in daemon threads: leaving does not wait for a disk or a name server that hangs.

And the other way round: waiting until the screen has taken what was typed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from textual.widget import Widget

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds that a key waits for those before it, or for a disk."""


async def typed_in(widget: Widget) -> None:
    """Wait until the keys that were given to a widget are in it, and all around it have heard of the change.

    For a key of the application, which overtakes those that wait in the widget's queue.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            # twice the widget itself: the first time it takes the keys, the second it tells of them
            for pump in [widget, widget, *widget.ancestors]:
                if pump is widget.app:
                    return
                done = asyncio.Event()
                pump.call_later(done.set)
                await done.wait()


def in_thread(work: Callable[[], None], name: str) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


async def beside(work: Callable[[], T], name: str = "beside") -> T:
    """What `work` returns, done in a thread of its own; an error it raises is raised here.

    `asyncio.to_thread` would do the same in threads that the end of the program waits for.
    """
    result: Future[T] = Future()

    def run() -> None:
        result.set_running_or_notify_cancel()  # whoever stops waiting for it does not stop the work
        try:
            result.set_result(work())
        except BaseException as raised:
            result.set_exception(raised)

    in_thread(run, name)
    return await asyncio.wrap_future(result)
