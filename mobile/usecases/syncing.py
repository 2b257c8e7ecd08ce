"""When to synchronise, and what to tell the user of it. One sync at a time; work never waits for
it.

The timetable is `mobile.sync.scheduler`; this drives it with a real clock, the store's commits and
the network's comings and goings.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from mobile.store.meta import CURSOR
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.sync.engine import Step, SyncEngine
from mobile.sync.peer import Peer
from mobile.sync.poking import Hint, Listen
from mobile.sync.report import Agreement, Progress, SyncReport, Tell
from mobile.sync.scheduler import Scheduler
from mobile.usecases.listening import Listening
from mobile.usecases.services import Place
from shared.clock import Clock
from shared.entities import File
from shared.errors import Code, Refusal

Exchanging = Callable[[Tell], Awaitable[SyncReport]]
T = TypeVar("T")
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
    """Keeps one open vault in step with its server."""

    def __init__(
        self,
        engine: SyncEngine,
        store: Store,
        clock: Clock,
        place: Place,
        seal: Step,
        listen: Listen,
    ) -> None:
        """`seal` copies what was just saved into the sealed log; the engine does so as well.
        `listen` opens the stream of hints (`Peer.listen`)."""
        self._seal = seal
        self._sealing: asyncio.Task[None] | None = None
        self._engine = engine
        self._store = store
        self._clock = clock
        self._place = place
        self._timetable = Scheduler()
        self._running: asyncio.Task[SyncReport] | None = None
        self._loop: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._listening = Listening(listen, place, clock, self._hinted, self.soon)
        self._hint: Hint | None = None
        self.wipe: Callable[[], Awaitable[None]] = _nothing
        """What an administrator's order to empty the device asks for (`Session.wipe`)."""
        self.obey: Callable[[], Awaitable[None]] = _nothing
        """Lays down what the policy says beneath the store (`Obeying.now`)."""
        self.wiped: asyncio.Task[None] | None = None
        self.log: SealedLog | None = None
        """The sealed log beside this vault, for the doctor."""
        self.agreement: Agreement | None = None
        self.progress: Progress | None = None
        self.code: Code | None = None
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self._leave_store = store.subscribe(lambda _touched: self._noticed())
        self._away = not place.online()
        self._words = 0
        self._leave_network = place.on_network(self._network_said)
        self._leave_front = place.on_visible(self._network)  # what was missed while away

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Called whenever `state`, `code`, `progress` or the store's status may have changed;
        returns how to stop it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    @property
    def state(self) -> str:
        """The word for the chip: syncing, offline, trouble, waiting or synced."""
        if self._running is not None:
            return "syncing"
        if self.code in _AWAY or self._away:
            return "offline"
        if self.code is not None:
            return "trouble"
        return "waiting" if self._store.status().unsent else "synced"

    async def now(self, progress: Tell | None = None) -> SyncReport:
        """Synchronises; joins a sync that is under way. Never raises for the way between: the
        report carries a code.
        """

        def told() -> None:
            if progress is not None and self.progress is not None:
                progress(self.progress)

        self._listeners.append(told)
        try:
            if self._running is None:
                self._running = asyncio.ensure_future(self._sync())
                self._tell()
            return await asyncio.shield(self._running)
        finally:
            self._listeners.remove(told)

    async def compare(self) -> SyncReport:
        """As `now`, and compares the checksum of every bucket by itself: see `agreement`. Waits for
        a sync that is under way.
        """
        while self._running is not None:
            await asyncio.shield(self._running)
        self._running = asyncio.ensure_future(self._sync(self._engine.compare))
        self._tell()
        report = await asyncio.shield(self._running)
        self.agreement = report.agreement
        self._tell()
        return report

    async def _sync(self, exchange: Exchanging | None = None) -> SyncReport:
        written, heard = self._store.parts.outbox.next_number(), self._words
        try:
            report = await (exchange or self._engine.sync)(self._progressed)
            if report.received and report.code is None:
                with suppress(Refusal):  # a full disk: again at the next start
                    await self.obey()
        finally:
            self._running = self.progress = None
        self.code = report.code
        if report.code is None and self._words == heard:
            # Whatever the system thinks of the network; one that went meanwhile is gone.
            self._away = False
        if report.code is Code.DEVICE_WIPED and (self.wiped is None or self.wiped.done()):
            self.wiped = asyncio.ensure_future(self.wipe())  # it ends this very sync
        self._timetable.finished(self._seconds(), report.code, report.retry_after)
        if self._store.parts.outbox.next_number() > written:
            self._timetable.changed(self._seconds())  # written meanwhile: this sync missed it
        self._woken.set()
        self._listening.synced(report.code)
        hint, self._hint = self._hint, None
        if hint is not None:
            self._hinted(hint)
        self.exchanges.append(
            Exchange(self._clock.now(), report.sent, report.received, report.code)
        )
        self._tell()
        return report

    def start(self) -> None:
        """Synchronises by itself from now on: at once, after changes, when the network returns,
        when the server hints at something new, and every few minutes. Harmless twice.
        """
        if self._loop is None:
            self._loop = asyncio.ensure_future(self._keep_going())
            self._listening.start()

    async def file(self, file: File) -> bytes:
        """The content of a file that others took, fetched if it is not on this device. Refuses
        `offline` and what else the way between refuses.
        """
        return await self._engine.file(file)

    async def ask(self, call: Callable[[Peer], Awaitable[T]]) -> T:
        """`call` to the server, now: for what is only answered online. Refuses `offline` and what
        else the way between refuses."""
        return await self._engine.ask(call)

    async def forget_ended(self) -> None:
        """Delete what ended by time, now and without a network, and give the vault a new key."""
        await self._engine.forget_ended()

    def soon(self) -> None:
        """Something is to be told to the server: at the next turn, without delay."""
        self._timetable.poked(self._seconds())
        self._woken.set()

    async def seal(self) -> None:
        """Copies what is unsealed into the sealed log, now. Refuses `disk_full`."""
        await self.settled()
        await self._seal()

    async def settled(self) -> None:
        """Returns once what was saved so far has its sealed copy."""
        if self._sealing is not None:
            await self._sealing

    async def stop(self) -> None:
        """Ends everything under way but the sealed copies of what was saved a moment ago: the vault
        may never be opened again. What was stored stays stored; a second call is harmless."""
        self._leave_store()
        self._leave_network()
        self._leave_front()
        await self._listening.stop()
        for task in (self._loop, self._running):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._sealing is not None:
            await asyncio.gather(self._sealing, return_exceptions=True)
        self._loop = self._running = self._sealing = None

    async def _keep_going(self) -> None:
        while True:
            self._woken.clear()
            if (wait := self._timetable.due(self._seconds())) <= 0:
                await self.now()
                continue
            try:
                # Not `wait_for`: on Python 3.11 it swallows a cancellation that comes together with
                # the event, and `stop` would wait for ever.
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _noticed(self) -> None:
        # What was just written has no sealed copy yet: work, and looks, which no count shows.
        if self._store.parts.outbox.unsealed(most=1):
            if self._sealing is None or self._sealing.done():
                self._sealing = asyncio.ensure_future(self._seal_safely())
            self._timetable.changed(self._seconds())
            self._woken.set()
        self._tell()

    async def _seal_safely(self) -> None:
        try:
            await self._seal()
        except Refusal:
            return  # a full disk: the change itself is saved, and the next sync tries again

    def _network_said(self, online: bool) -> None:
        self._away = not online
        self._words += 1
        self._network(online)

    def _network(self, online: bool) -> None:
        if online:
            self._timetable.connected(self._seconds())
            self._woken.set()
            self._listening.returned()
        else:
            self._listening.look()
        self._tell()

    def _hinted(self, hint: Hint) -> None:
        if self._running is not None:
            # Looked at when it is over: this sync may bring it, ours among it.
            self._hint = hint if self._hint is None else _newer(self._hint, hint)
            return
        if hint.seq is None or hint.seq > self._store.parts.meta.get(CURSOR, 0):
            self._timetable.poked(self._seconds(), hint.spread)
            self._woken.set()

    def _progressed(self, progress: Progress) -> None:
        self.progress = progress
        self._tell()

    def _seconds(self) -> float:
        return self._clock.monotonic_ms() / 1000

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()


async def _nothing() -> None:
    """Stands in for what nobody asked for."""


def _newer(one: Hint, other: Hint) -> Hint:
    seq = None if one.seq is None or other.seq is None else max(one.seq, other.seq)
    return Hint(seq, max(one.spread, other.spread))
