"""Opening files where the answer may come late, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from shared.errors import Code, Refusal

T = TypeVar("T")


async def in_time(
    opening: Coroutine[Any, Any, T], close: Callable[[T], object], seconds: float
) -> T:
    """What was opened. Refuses `disk_full` if no answer comes within `seconds`. What comes late, or
    when whoever asked has been cancelled, is closed then: nobody who tries again is kept from
    it."""
    task, done = asyncio.ensure_future(opening), set[asyncio.Task[T]]()
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
    finally:
        if not done:
            task.add_done_callback(partial(_close_late, close))
    if not done:
        raise Refusal(Code.DISK_FULL)
    return task.result()


def _close_late(close: Callable[[T], object], opening: asyncio.Future[T]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        close(opening.result())
