"""What time it is, whatever the phone's clock says (L4): turning it back helps no one.

Effective time is the latest of the wall clock, the highest time ever stored, and the server's last
time, or the time at which this run of the app began, plus the monotonic time since. A wall clock
far behind it suspends reading, not writing, until the next sync. The judgement is pure;
`TrustedClock` keeps its memory in the vault.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import apsw

from mobile.store.vault import refusals
from shared.clock import Clock, from_wire, to_wire
from shared.errors import Code, Refusal

_STORE_EVERY = timedelta(minutes=1)
"""How far the highest time may run ahead of the stored one: a commit for each look would be too
many.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """The device's two clocks at one moment. Monotonic time compares only within one `boot`."""

    wall: datetime
    monotonic_ms: int
    boot: str


@dataclass(frozen=True, slots=True)
class ServerTime:
    """What the server said, and the device's clocks when it said it."""

    said: datetime
    heard: Reading

    def carried_to(self, reading: Reading) -> datetime:
        """The server's time plus the monotonic time since, or as it was if the app has started
        anew.
        """
        if reading.boot != self.heard.boot:
            return self.said
        return self.said + timedelta(
            milliseconds=max(0, reading.monotonic_ms - self.heard.monotonic_ms)
        )


@dataclass(frozen=True, slots=True)
class TimeMemory:
    """What is remembered between starts: the highest effective time, and the server's last word."""

    highest: datetime | None = None
    server: ServerTime | None = None
    begun: ServerTime | None = None
    """When this run began, in effective time. Without it someone offline could stop time by setting
    the clock back by a few minutes, again and again."""


def effective_time(reading: Reading, memory: TimeMemory) -> datetime:
    """The latest of them all. Never earlier than at an earlier call with what was remembered
    then.
    """
    known = [reading.wall]
    if memory.highest is not None:
        known.append(memory.highest)
    if memory.server is not None:
        known.append(memory.server.carried_to(reading))
    if memory.begun is not None:
        known.append(memory.begun.carried_to(reading))
    return max(known)


def behind(reading: Reading, memory: TimeMemory) -> timedelta:
    """How far the wall clock lags behind what it should show.

    A clock that was wrong when the server last spoke, in this run of the app, is forgiven by as
    much as it was wrong then: a phone with a slow clock can work after each sync, and turning it
    back further counts in full. After a restart nothing is forgiven, or a cut network and a clock
    set back would stop time for good.
    """
    lag = effective_time(reading, memory) - reading.wall
    server = memory.server
    if server is not None and server.heard.boot == reading.boot:
        lag -= max(timedelta(0), server.said - server.heard.wall)
    return max(timedelta(0), lag)


def after_server_spoke(memory: TimeMemory, said: datetime, reading: Reading) -> TimeMemory:
    """The memory after a signed reply. The server's word also corrects a highest time that a wrong
    clock had set too far ahead; an older word than the last one (a reply played again) changes
    nothing.
    """
    if memory.server is not None and said < memory.server.said:
        return memory
    heard = ServerTime(said, reading)
    return TimeMemory(highest=said, server=heard, begun=memory.begun and heard)


class TrustedClock:
    """Effective time over a clock and an open vault, which it gives one small table of its own."""

    def __init__(
        self, clock: Clock, boot: str, connection: apsw.Connection, tolerance: timedelta
    ) -> None:
        """`boot` names this run of the app; `tolerance` holds until the policy's own is read."""
        self._clock = clock
        self._boot = boot
        self._connection = connection
        self._tolerance = tolerance
        self._memory = _remembered(connection)
        self._stored = self._memory.highest
        start = self.reading()
        begun = ServerTime(effective_time(start, self._memory), start)
        self._memory = replace(self._memory, begun=begun)

    def now(self) -> datetime:
        """Effective time, aware, UTC; what grants, leases and records go by. Harmless in a
        transaction.
        """
        now = effective_time(self.reading(), self._memory)
        self._memory = replace(self._memory, highest=now)
        due = self._stored is None or now - self._stored >= _STORE_EVERY
        if (
            due and not self._connection.in_transaction
        ):  # a rollback would take the time back with it
            try:
                self.store()
            except Refusal as refusal:  # a full disk must not keep anyone from reading
                if refusal.code is not Code.DISK_FULL:
                    raise
        return now

    def reading(self) -> Reading:
        """Both clocks as they stand, for a change's claimed time."""
        return Reading(self._clock.now(), self._clock.monotonic_ms(), self._boot)

    def tolerate(self, tolerance: timedelta) -> None:
        """The wall clock may lag so far from now on."""
        self._tolerance = tolerance

    def ahead_of_server(self) -> timedelta | None:
        """How far the wall clock was ahead of the server's (below zero: behind) when the server
        last spoke; None if it has not in this run of the app.
        """
        server = self._memory.server
        if server is None or server.heard.boot != self._boot:
            return None
        return server.heard.wall - server.said

    def refuse_reading_if_set_back(self) -> None:
        """Refuses `clock_behind` (with `minutes`) while the wall clock lags more than the
        tolerance.
        """
        self.now()
        lag = behind(self.reading(), self._memory)
        if lag > self._tolerance:
            raise Refusal(Code.CLOCK_BEHIND, minutes=int(lag.total_seconds() // 60))

    def server_said(self, moment: datetime) -> None:
        """Take the time of a reply whose signature was checked. It is stored with the same lag as
        the highest time, except that a highest time that was wrong is corrected at once."""
        self._memory = after_server_spoke(self._memory, moment, self.reading())
        stored = self._stored
        if stored is None or not timedelta(0) <= moment - stored < _STORE_EVERY:
            self.store()

    def store(self) -> None:
        """Write the highest time down: by itself every minute, and when the app is put away."""
        memory = self._memory
        with refusals():
            self._connection.execute(
                "insert or replace into trusted_time(only, highest, server_said) values (1, ?, ?)",
                (
                    to_wire(memory.highest) if memory.highest else None,
                    to_wire(memory.server.said) if memory.server else None,
                ),
            )
        self._stored = memory.highest


def _remembered(connection: apsw.Connection) -> TimeMemory:
    with refusals():
        connection.execute(
            "create table if not exists trusted_time"
            "(only integer primary key check (only = 1), highest text, server_said text)"
        )
        row = connection.execute("select highest, server_said from trusted_time").fetchone()
    if row is None:
        return TimeMemory()
    highest, said = (from_wire(text) if text else None for text in row)
    # Monotonic time of an earlier run compares with nothing: only what the server said is left of
    # it.
    server = None if said is None else ServerTime(said, Reading(said, 0, boot=""))
    return TimeMemory(highest, server)
