"""Work beside the screen, in daemon threads: leaving does not wait for a disk or a name server that hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def beside(work: Callable[[], T], name: str = "beside") -> T:
    """What `work` returns, done in a thread of its own; an error it raises is raised here.

    `asyncio.to_thread` would do the same in threads that the end of the program waits for.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: Any, problem: BaseException | None) -> None:
        if result.done():
            return
        if problem is not None:
            result.set_exception(problem)
        else:
            result.set_result(value)

    def run() -> None:
        value, problem = None, None
        try:
            value = work()
        except BaseException as raised:
            problem = raised
        try:
            loop.call_soon_threadsafe(settle, value, problem)
        except RuntimeError:
            return  # the screen is gone

    threading.Thread(target=run, name=name, daemon=True).start()
    return await result
