"""The end of access while the app is open: at its moment what it covered is gone, from the screen
and from the vault, with or without a network (L4; S3 #151).

Effective time follows the wall clock, which may jump: besides the moment that is known ahead, a
look every few seconds, and one when the app comes to the front, as a page in the background may
sleep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from mobile.store.store import Store
from mobile.usecases.services import Place
from mobile.usecases.syncing import Syncing
from shared.errors import Code, Refusal

LEAD = timedelta(seconds=1)
"""Before the end what is in someone's hands is written down: it is dated while access ran."""
LOOK_EVERY = 5.0


class Ending:
    """Watches over one open vault from `start` to `stop`."""

    def __init__(self, store: Store, syncing: Syncing, place: Place) -> None:
        self._store = store
        self._syncing = syncing
        self._place = place
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._leave_front: Callable[[], None] = _stay
        self._leave_store: Callable[[], None] = _stay
        self._suspended: Code | None = None
        self._turn: datetime | None = None
        self.write_down: Callable[[], None] = _stay
        """Stores what is still being written (`Session.write_down`)."""

    def start(self) -> None:
        """Watches from now on. Harmless twice."""
        if self._task is None:
            self._leave_front = self._place.on_visible(self._seen)
            self._leave_store = self._store.subscribe(self._noticed)
            self._suspended = self._store.suspended()
            self._task = asyncio.ensure_future(self._keep_watch())

    async def stop(self) -> None:
        """Watches no more. Harmless twice."""
        self._leave_front()
        self._leave_store()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_watch(self) -> None:
        while True:
            self._woken.clear()
            wait = await self.look()
            try:
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def look(self) -> float:
        """Does what is due now; returns the seconds until the next look."""
        gate, now = self._store.parts.gate, self._store.now()
        turned = self._turn is not None and now >= self._turn
        if turned:
            self.write_down()
        if self._store.inbound.holdings.expired(gate.settle()):
            await self._end()
        suspended = self._store.suspended()
        if turned or suspended is not self._suspended:
            self._suspended = suspended
            self._store.parts.commits.announce(("lease", ""))
        turn = self._turn = gate.next_turn()
        if turn is None:
            return LOOK_EVERY
        left = turn - self._store.now()
        if timedelta(0) < left <= LEAD:
            self.write_down()
            return left.total_seconds()
        return min(max(0.0, (left - LEAD).total_seconds()), LOOK_EVERY)

    async def _end(self) -> None:
        try:
            await self._syncing.forget_ended()
        except Refusal:
            return  # no room, for the deletion or for a new key: the next sync tries again
        self._syncing.soon()

    def _seen(self, front: bool) -> None:
        if front:
            self._woken.set()

    def _noticed(self, touched: frozenset[tuple[str, str]]) -> None:
        # Another set of grants: the next moment is another one, too.
        if any(entity == "grant" for entity, _ in touched):
            self._woken.set()


def _stay() -> None:
    """Nothing to do."""
