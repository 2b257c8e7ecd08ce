"""Files that a browser opens late or never: nobody waits for ever, no handle stays open (L1)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mobile.store.late_answers import in_time
from shared.errors import Code, Refusal


class Slow:
    """A file that is opened when the test says so."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.closed: list[str] = []

    async def opening(self) -> str:
        return await self.answer

    def asked(self, seconds: float) -> Any:
        return in_time(self.opening(), self.closed.append, seconds)

    async def answers(self) -> None:
        self.answer.set_result("handle")
        for _ in range(3):
            await asyncio.sleep(0)


async def test_what_is_opened_too_late_is_refused_then_and_closed_when_it_comes() -> None:
    file = Slow()
    with pytest.raises(Refusal) as refused:
        await file.asked(0)
    assert refused.value.code is Code.DISK_FULL and file.closed == []
    await file.answers()
    assert file.closed == ["handle"]


@pytest.mark.parametrize("answered", [False, True])
async def test_what_is_opened_for_nobody_any_more_is_closed(answered: bool) -> None:
    file = Slow()
    asking = asyncio.ensure_future(file.asked(3600))
    await asyncio.sleep(0)
    if answered:  # the answer and the cancellation come together
        file.answer.set_result("handle")
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert asking.cancelled()
    if not answered:
        await file.answers()
    await asyncio.sleep(0)
    assert file.closed == ["handle"]


async def test_what_is_opened_in_time_stays_open_for_who_asked() -> None:
    file = Slow()
    file.answer.set_result("handle")
    assert await file.asked(3600) == "handle" and file.closed == []
