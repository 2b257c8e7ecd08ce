"""The hub of one process's open streams: a hint to each phone when something that it may pull
changed. Only a hint (design §5): all of it is in memory, and losing it loses nobody anything.

Everything here runs on one event loop; `announce` may be called from any thread. A stream that
stays open costs no query: what its person may read is read when the stream opens, when grants of
theirs change, and when one begins or ends by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import Clock
from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.db.news import News
from sync_server.services.caller import Caller
from sync_server.services.reach import Reach, moved_since, opening, reaches, shut_out

T = TypeVar("T")
log = structlog.get_logger("huifang.poke")

_USER = "user:"


@dataclass(frozen=True, slots=True)
class Pace:
    """How streams breathe, in seconds. A stream lives between `life`, so that those that opened
    together don't end together; phones that lose theirs come back within `back_within`, or longer
    if they are many. `most`: streams of one process."""

    heartbeat: float = 25.0
    life: tuple[float, float] = (600.0, 900.0)
    back_within: float = 3.0
    back_each: float = 0.015
    react_each: float = 0.005
    react_free: int = 20
    turns: float = 5.0
    most: int = 10_000


@dataclass(frozen=True, slots=True)
class Poke:
    """What a phone is told: the number of the newest row for it (None: its scopes move with the
    time, whatever its cursor), and within how many milliseconds to react, at random."""

    seq: int | None
    spread_ms: int = 0


@dataclass(slots=True, eq=False)
class Stream:
    """One open connection. Holds the newest hint only: a slow reader never makes a queue."""

    caller: Caller
    told: int = 0
    over: bool = False
    _poke: Poke | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, seq: int | None, spread_ms: int) -> None:
        """Something changed for this caller. What was told before is not told again."""
        if seq is not None:
            if seq <= self.told:
                return
            self.told = seq
        held = self._poke
        if held is not None:
            seq = None if seq is None or held.seq is None else max(seq, held.seq)
            spread_ms = max(spread_ms, held.spread_ms)
        self._poke = Poke(seq, spread_ms)
        self._woken.set()

    def end(self) -> None:
        """Nothing more is said; the connection ends at once."""
        self.over = True
        self._woken.set()

    async def next(self, seconds: float) -> Poke | None:
        """The next hint; None when there was none for so long, or the stream is over."""
        if self._poke is None and not self.over:
            try:
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
            except TimeoutError:
                return None
        self._woken.clear()
        poke, self._poke = self._poke, None
        return None if self.over else poke


@dataclass(slots=True, eq=False)
class _Listener:
    """One person's open streams. `buckets` None: being read; until then anything counts."""

    key: tuple[str, str]
    buckets: frozenset[str] | None = None
    until: datetime | None = None
    streams: set[Stream] = field(default_factory=set)

    def newest(self, news: News) -> int | None:
        """The number of the newest row that these streams may pull; None: none of it is theirs."""
        if news.moved is None:
            return None
        moved = news.moved.keys()
        mine: Collection[str] = moved if self.buckets is None else self.buckets & moved
        return max((news.moved[bucket] for bucket in mine), default=None)


class Hub:
    """Who listens in this process, and who is to be told of what. `chance` spreads; `clock` tells
    when grants begin and end."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        pace: Pace | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.pace = pace or Pace()
        self._db = db
        self._clock = clock
        self._chance = chance or random.Random()
        self._listeners: dict[str, dict[str, _Listener]] = {}
        self._by_device: dict[tuple[str, str], Stream] = {}
        self._looked: dict[str, int] = {}
        self._stale: set[tuple[str, str]] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: CapacityLimiter | None = None
        self._passed_on: Callable[[Sequence[News]], None] | None = None
        self._closed = False
        self._many = 0

    # ── streams ───────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        return len(self._by_device)

    async def open(self, caller: Caller) -> Stream:
        """A stream for this caller, whose first hint tells where things stand; the device's
        earlier one ends. Refuses SERVER_BUSY for one too many, and whoever was barred meanwhile.
        """
        self._at_home()
        device = (caller.org_id, caller.device_id)
        if self._closed or (len(self) >= self.pace.most and device not in self._by_device):
            raise Refusal(Code.SERVER_BUSY)
        if (earlier := self._by_device.get(device)) is not None:
            self.leave(earlier)
            earlier.end()
        stream = Stream(caller)
        # Joined before anything is read: what is committed from now on is announced to it.
        self._by_device[device] = stream
        listener = self._join(stream)
        try:
            found = await self._asked(
                opening, self._db, caller.org_id, caller.staff_id, self._clock.now()
            )
        except BaseException:
            self.leave(stream)
            raise
        if (barred := found.reach.barred.get(caller.device_id)) is not None:
            self.leave(stream)
            raise Refusal(barred)
        if listener.key not in self._stale:
            listener.buckets, listener.until = found.reach.buckets, found.reach.until
        self._looked.setdefault(caller.org_id, found.last_seq)
        stream.tell(found.newest, 0)
        return stream

    def leave(self, stream: Stream) -> None:
        """The connection is gone. Harmless twice."""
        org_id, staff_id = stream.caller.org_id, stream.caller.staff_id
        device = (org_id, stream.caller.device_id)
        if self._by_device.get(device) is stream:
            del self._by_device[device]
        listener = self._listeners.get(org_id, {}).get(staff_id)
        if listener is None:
            return
        listener.streams.discard(stream)
        if not listener.streams:
            del self._listeners[org_id][staff_id]
            if not self._listeners[org_id]:
                del self._listeners[org_id]
                self._looked.pop(org_id, None)

    def back_ms(self) -> int:
        """When a phone whose stream ends should come back: at random, over a longer time the more
        there are, so that a restart does not bring all of them at once."""
        most = max(self.pace.back_within, max(len(self), self._many) * self.pace.back_each)
        return int(1000 * self._chance.uniform(min(0.5, most), most))

    def life(self) -> float:
        """How long a new stream lives."""
        return self._chance.uniform(*self.pace.life)

    def close(self) -> None:
        """End every stream, and take no more: the process is about to stop."""
        self._closed, self._many = True, len(self)
        for stream in list(self._by_device.values()):
            stream.end()

    # ── news ──────────────────────────────────────────────────────────────────────────────

    def announce(self, news: Sequence[News]) -> None:
        """This process committed something. From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._committed, news)

    def pass_on(self, to: Callable[[Sequence[News]], None]) -> None:
        """What this process committed is told to `to` as well, on the loop."""
        self._at_home()
        self._passed_on = to

    def _committed(self, news: Sequence[News]) -> None:
        self.hear(news)
        if self._passed_on is not None:
            self._passed_on(news)

    def hear(self, news: Iterable[News]) -> None:
        """Something was committed, here or elsewhere: pokes whom it concerns."""
        for one in news:
            listeners = self._listeners.get(one.org_id)
            if listeners:
                self._tell(one, listeners)

    def _tell(self, news: News, listeners: dict[str, _Listener]) -> None:
        told = [(found, seq) for found in listeners.values() if (seq := found.newest(news))]
        spread = self._spread(sum(len(found.streams) for found, _ in told))
        for found, seq in told:
            for stream in found.streams:
                stream.tell(seq, spread)
        if news.staff is None:
            self._renew(found.key for found in listeners.values())
            return
        # Grants lie in their holder's own bucket.
        holders = {b.removeprefix(_USER) for b in news.moved or () if b.startswith(_USER)}
        self._renew((news.org_id, s) for s in (holders | news.staff) & listeners.keys())

    def _spread(self, told: int) -> int:
        return 0 if told <= self.pace.react_free else int(1000 * told * self.pace.react_each)

    # ── what everyone may be told of ──────────────────────────────────────────────────────

    def _renew(self, keys: Iterable[tuple[str, str]]) -> None:
        for org_id, staff_id in keys:
            self._stale.add((org_id, staff_id))
            self._listeners[org_id][staff_id].buckets = None
        if self._stale and self._renewing is None:
            self._renewing = asyncio.ensure_future(self._renewed())

    async def _renewed(self) -> None:
        try:
            while self._stale:
                wanted, self._stale = self._stale, set()
                try:
                    found = await self._asked(reaches, self._db, wanted, self._clock.now())
                except SQLAlchemyError as fault:
                    log.warning("reach_unread", kind=type(fault).__name__)
                    self._stale |= wanted
                    await asyncio.sleep(1)
                    continue
                for key in wanted - self._stale:
                    self._settle(key, found[key])
        finally:
            self._renewing = None

    def _settle(self, key: tuple[str, str], reach: Reach) -> None:
        listener = self._listeners.get(key[0], {}).get(key[1])
        if listener is None:
            return
        listener.buckets, listener.until = reach.buckets, reach.until
        for stream in list(listener.streams):
            if stream.caller.device_id in reach.barred:
                self.leave(stream)
                stream.end()

    def turn(self) -> None:
        """Grants begin and end by themselves: whose did is told to pull."""
        now = self._clock.now()
        over = [
            found
            for listeners in self._listeners.values()
            for found in listeners.values()
            if found.until is not None and found.until <= now
        ]
        spread = self._spread(sum(len(found.streams) for found in over))
        for found in over:
            found.until = None
            for stream in found.streams:
                stream.tell(None, spread)
        self._renew([found.key for found in over])

    async def look(self) -> None:
        """Read from the database what nobody announced: for what other processes did, and for
        messages that were lost."""
        if not self._looked:
            return
        moved = await self._asked(moved_since, self._db, dict(self._looked))
        for seq, news in moved:
            if news.org_id in self._looked:
                self._looked[news.org_id] = max(seq, self._looked[news.org_id])
        self.hear(news for _, news in moved)
        barred = await self._asked(shut_out, self._db, list(self._listeners))
        for (_, device_id), stream in list(self._by_device.items()):
            if device_id in barred:
                self.leave(stream)
                stream.end()

    # ── at home on one loop ───────────────────────────────────────────────────────────────

    def _at_home(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._threads = loop, CapacityLimiter(4)
            self._renewing = None

    async def _asked(self, read: Callable[..., T], *given: Any) -> T:
        """A read in a thread; few at a time, so that requests are served meanwhile."""
        return await to_thread.run_sync(read, *given, limiter=self._threads)

    def _join(self, stream: Stream) -> _Listener:
        org_id, staff_id = stream.caller.org_id, stream.caller.staff_id
        of_org = self._listeners.setdefault(org_id, {})
        listener = of_org.setdefault(staff_id, _Listener((org_id, staff_id)))
        listener.streams.add(stream)
        return listener
