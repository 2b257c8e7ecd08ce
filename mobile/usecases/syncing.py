"""When to synchronise, and what to tell the user of it. One sync at a time; the app's work never
waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mobile.usecases.services import Place
from shared.clock import Clock
from shared.errors import Code

if TYPE_CHECKING:
    from mobile.store.store import Store
    from mobile.sync.engine import Progress, SyncEngine, SyncReport

AFTER_A_CHANGE = 2.0  # seconds: what is saved in one go is sent in one go
EVERY = 300.0
BACK_OFF = (15.0, 30.0, 60.0, 120.0, 300.0)
KEPT_EXCHANGES = 20

_AWAY = frozenset({Code.OFFLINE, Code.CUT_SHORT})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One finished sync, for the list of the last ones."""

    at: datetime
    sent: int
    received: int
    code: Code | None


class Syncing:
    """Keeps one open vault in step with its server.

    `state`: synced, waiting, syncing, offline or trouble; `code` says why the last sync did not go
    through.
    """

    def __init__(self, engine: SyncEngine, store: Store, clock: Clock, place: Place) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._place = place
        self._running: asyncio.Task[SyncReport] | None = None
        self._nudged = asyncio.Event()
        self._failures = 0
        self._loop: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.progress: Progress | None = None
        self.code: Code | None = None
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self._unsubscribe = store.subscribe(lambda _touched: self._noticed())
        place.on_network(self._network)

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Called whenever `state`, `code` or `progress` may have changed."""
        self._listeners.append(listener)

    @property
    def state(self) -> str:
        """The word for the chip."""
        if self._running is not None:
            return "syncing"
        if self.code in _AWAY or not self._place.online():
            return "offline"
        if self.code is not None:
            return "trouble"
        return "waiting" if self._store.status().unsent else "synced"

    async def now(self, progress: Callable[[Progress], None] | None = None) -> SyncReport:
        """Synchronises; joins a sync that is under way. Never raises for the way between: see the
        report's code.
        """
        if self._running is None:
            self._running = asyncio.ensure_future(self._engine.sync(self._progressed))
            self._tell()
        if progress is not None:
            self._listeners.append(told := lambda: self.progress and progress(self.progress))
        try:
            report = await asyncio.shield(self._running)
        finally:
            if progress is not None:
                self._listeners.remove(told)
            if self._running is not None and self._running.done():
                self._running = None
        self._finished(report)
        return report

    def _finished(self, report: SyncReport) -> None:
        if self.exchanges and self.exchanges[-1] is report:
            return
        self.code, self.progress = report.code, None
        self._failures = 0 if report.code is None else self._failures + 1
        self.exchanges.append(
            Exchange(self._clock.now(), report.sent, report.received, report.code)
        )
        self._tell()

    def start(self) -> None:
        """Synchronises by itself from now on: at once, after changes, when the network returns,
        every few minutes.
        """
        if self._loop is None:
            self._loop = asyncio.ensure_future(self._keep_going())

    async def stop(self) -> None:
        """Ends everything under way. What was stored stays stored; a second call is harmless."""
        self._unsubscribe()
        for task in (self._loop, self._running):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._loop = self._running = None

    async def _keep_going(self) -> None:
        while True:
            self._nudged.clear()
            await self.now()
            pause = BACK_OFF[min(self._failures, len(BACK_OFF)) - 1] if self._failures else EVERY
            try:
                await asyncio.wait_for(self._nudged.wait(), pause)
                await asyncio.sleep(AFTER_A_CHANGE)
            except TimeoutError:
                continue

    def _noticed(self) -> None:
        if self._running is None and self._store.status().unsent:
            self._nudged.set()
        self._tell()

    def _network(self, online: bool) -> None:
        if online:
            self._nudged.set()
        self._tell()

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
