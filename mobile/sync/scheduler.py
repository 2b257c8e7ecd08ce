"""When the next sync is due: a pure timetable that native and browser drivers follow.

The driver tells it what happened and when (monotonic seconds); `due` says how long to wait.
Nothing here sleeps.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from shared.errors import Code

AFTER_A_CHANGE = 0.25
"""Seconds: what is saved in one go is sent in one go, and is on another's screen within one."""
AT_MOST_HELD = 5.0
"""Someone who writes without a pause is sent this often all the same."""
EVERY = 300.0
"""Give or take a tenth, by chance: phones that were once together drift apart."""
POKES_APART = 0.3
"""Between two syncs that were hinted at, where others write without a pause."""
FIRST_RETRY = 5.0
LONGEST_RETRY = 600.0

NEEDS_A_PERSON = frozenset(
    {
        Code.SIGN_IN_REQUIRED,
        Code.DEVICE_PENDING,
        Code.DEVICE_BLOCKED,
        Code.DEVICE_WIPED,
        Code.DEVICE_UNKNOWN,
    }
)
"""No retry helps against these: the next try waits for something to happen, or for the usual
time."""


@dataclass(slots=True)
class Scheduler:
    """The timetable of one vault. All moments are monotonic seconds of one clock; the first sync
    is due at once."""

    chance: random.Random = field(default_factory=random.Random)
    _due: float = 0.0
    _changed_since: float | None = None
    _change_due: float = math.inf
    _failures: int = 0
    _not_before: float = 0.0
    _finished: float = -math.inf

    def due(self, now: float) -> float:
        """Seconds until the next sync; 0 when it is due."""
        return max(0.0, min(self._due, self._change_due) - now)

    def changed(self, now: float) -> None:
        """Something was saved: it goes up after a short pause, put off by further changes but not
        for long."""
        if self._failures:
            return  # the next try takes it along; writing does not wear a broken line out
        if self._changed_since is None:
            self._changed_since = now
        soon = min(now + AFTER_A_CHANGE, self._changed_since + AT_MOST_HELD)
        self._change_due = max(soon, self._not_before)

    def connected(self, now: float) -> None:
        """The network came back, or the app came to the front: now, unless the server asked for
        patience."""
        self._failures = 0
        self._due = max(now, self._not_before)

    def poked(self, now: float, spread: float = 0.0) -> None:
        """The server hinted that something changed: now, or where many phones were told so, by
        chance within `spread` seconds, so that they don't come together."""
        when = max(now + self.chance.uniform(0.0, spread), self._finished + POKES_APART)
        self._due = min(self._due, max(when, self._not_before))

    def asked(self, now: float) -> None:
        """A person pressed the button: at once, whatever else was agreed."""
        self._due = now

    def finished(self, now: float, code: Code | None, retry_after: float | None = None) -> None:
        """A sync ended with this code. After a failure the next try comes in half to all of a
        time that doubles, at random, so that phones that failed together don't come together;
        never before the server's ``Retry-After``."""
        self._changed_since, self._change_due = None, math.inf
        self._finished = now
        self._not_before = now + (retry_after or 0.0)
        if code is None or code in NEEDS_A_PERSON:
            self._failures = 0
            usual = EVERY * self.chance.uniform(0.9, 1.1)
            self._due = max(now + usual, self._not_before)
            return
        wait = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(self._failures, 16))
        self._failures += 1
        self._due = max(now + self.chance.uniform(wait / 2, wait), self._not_before)
