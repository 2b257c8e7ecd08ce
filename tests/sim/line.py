"""The way between the phones and the server. A request waits here until the scheduler lets it
pass, and something may happen to it on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mobile.sync.peer import Received
from mobile.sync.transport import Response, Stale
from shared.errors import Code, Refusal
from tests.sim.site import ADDRESS, Answer, ServerKilled

if TYPE_CHECKING:
    from tests.sim.world import World

FAULTS = (
    "request lost",
    "request held back",
    "request cut",
    "request sent twice",
    "reply lost",
    "kept connection closed",
    "reply cut",
    "answers 500",
    "answers 503",
    "answered by a portal",
    "answers 426",
)
STATUSES = {
    "answers 500": (500, b"<html>"),
    "answers 503": (503, b""),
    "answered by a portal": (200, b"<html>sign in to the hotel</html>"),
    "answers 426": (426, b""),
}


@dataclass
class Asked:
    """One request of one phone, waiting for its turn."""

    phone: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    answered: asyncio.Future[Answer] = field(repr=False)

    @property
    def kind(self) -> str:
        """push, pull, snapshot, sealed, refresh, sign-in, files or who."""
        path = self.url.removeprefix(ADDRESS).split("/")
        return path[-1] if len(path) > 3 and path[2] != "files" else "files"

    def goes_on(self) -> bool:
        """Whether this asks for the second or a later page of something."""
        if self.kind != "snapshot":
            return False
        return json.loads(self.body).get("after") is not None


@dataclass
class Line:
    """One phone's `Fetch`."""

    world: World
    phone: str
    up: bool = True

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response:
        if not self.up:
            raise Refusal(Code.OFFLINE)
        answered = asyncio.get_running_loop().create_future()
        asked = Asked(self.phone, method, url, dict(headers), body or b"", answered)
        self.world.waiting.append(asked)
        received(0)  # it is on its way
        answer = await answered
        received(len(answer.body))
        return Response(answer.status, answer.headers, answer.body)


async def pass_on(world: World, asked: Asked, fault: str | None, place: int) -> None:
    """Let one waiting request go its way. `place` (0 to 999) says where a cut is."""
    world.waiting.remove(asked)
    if asked.answered.done():
        return
    try:
        answer = await _on_the_way(world, asked, fault, place)
    except (Refusal, Stale) as refusal:
        if not asked.answered.done():
            asked.answered.set_exception(refusal)
        return
    except ServerKilled:
        world.note("server killed at a statement")
        world.site.start()
        asked.answered.set_exception(Refusal(Code.OFFLINE))
        return
    world.received(asked, answer)
    asked.answered.set_result(answer)


async def _on_the_way(world: World, asked: Asked, fault: str | None, place: int) -> Answer:
    if fault is not None:
        world.note(fault)
    if fault == "request lost":
        raise Refusal(Code.OFFLINE)
    if fault == "request held back":
        world.held_back.append(asked)
        raise Refusal(Code.OFFLINE)
    if fault in STATUSES:
        status, body = STATUSES[fault]
        return Answer(status, {"retry-after": "7"}, body)
    if fault == "request cut":
        at = len(asked.body) * place // 1000
        await world.reach(asked, asked.body[:at], cut_at=at if place % 2 else None)
        raise Refusal(Code.OFFLINE)
    answer = await world.reach(asked, asked.body)
    if fault == "request sent twice":
        second = await world.reach(asked, asked.body)
        if place % 2:  # the first answer may be the one that is lost
            world.received(asked, answer)
            return second
    if fault == "kept connection closed":  # the server may have heard it or not
        raise Stale
    if fault == "reply lost":
        raise Refusal(Code.OFFLINE)
    if fault == "reply cut":
        world.received(asked, answer)  # what came through came through
        if place % 3 == 0:
            raise Refusal(Code.CUT_SHORT)
        return Answer(
            answer.status, answer.headers, answer.body[: len(answer.body) * place // 1000]
        )
    return answer
