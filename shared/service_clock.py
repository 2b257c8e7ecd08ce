"""Service clocks: how long a case may take, computed from its events and never from arrival times
(L8).

Minutes and hours run on wall-clock time, working days on the calendar. Waiting for the customer
pauses a resolution clock, never a response clock (requirements, decision on #16/#17).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.policy import PolicySettings
from shared.workdays import Workdays


@dataclass(frozen=True, slots=True)
class Step:
    """What a clock needs of a case's event: when it came to which state, waiting for whom."""

    at: datetime
    state: str
    waiting_for: str | None = None


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One clock at one moment. `due_at` has the pauses so far added; `provisional` says that the
    calendar is a guess; `stopped_at` is when the clock was met, None while it runs."""

    name: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    paused: bool
    provisional: bool
    now: datetime

    @property
    def remaining(self) -> timedelta:
        """Time left (negative: over by so much), measured when it stopped or now."""
        return self.due_at - (self.stopped_at or self.now)

    @property
    def breached(self) -> bool:
        return self.remaining < timedelta(0)


ANSWERED_STATES = frozenset(
    {"accepted", "en_route", "on_site", "in_progress", "resolved", "closed"}
)
_SOLVED = frozenset({"resolved", "closed"})


def response_clock(
    opened_at: datetime,
    steps: Iterable[Step],
    now: datetime,
    policy: PolicySettings,
    *,
    complaint: bool,
) -> ClockReading:
    """From opening to the first sign that someone took it on: 10 min, or 24 h for a complaint
    (S0 #10, #16)."""
    met = min((s.at for s in steps if s.state in ANSWERED_STATES), default=None)
    allowed = (
        timedelta(hours=policy.complaint_contact_hours)
        if complaint
        else timedelta(minutes=policy.response_minutes)
    )
    return ClockReading("response", opened_at, opened_at + allowed, met, False, False, now)


def resolution_clock(
    opened_at: datetime,
    steps: Iterable[Step],
    now: datetime,
    policy: PolicySettings,
    calendar: Workdays,
    zone: ZoneInfo,
    *,
    complaint: bool,
) -> ClockReading:
    """From opening to the resolution that stands, in working days (S0 #17, S4 #167).

    A case that was reopened runs on from its opening: only the last resolution counts. Steps may
    come in any order; they are sorted by their own time.
    """
    ordered = sorted((s for s in steps if s.at <= now), key=lambda s: s.at)
    paused, waiting_since, solved = timedelta(0), None, None
    for step in ordered:
        if waiting_since is not None:
            paused += step.at - waiting_since
            waiting_since = None
        if step.state == "waiting" and step.waiting_for == "customer":
            waiting_since = step.at
        if step.state in _SOLVED:
            solved = solved or step.at
        else:
            solved = None
    if waiting_since is not None:
        paused += now - waiting_since
    days = policy.resolution_workdays if complaint else policy.repair_resolution_workdays
    due = calendar.deadline(opened_at, days, zone) + paused
    return ClockReading(
        "resolution",
        opened_at,
        due,
        solved,
        waiting_since is not None,
        calendar.is_provisional(due.astimezone(zone).date()),
        now,
    )
