"""What service clocks are, minute by minute: slow, plain, and of no line that the product has.

A case is looked at once a minute, from its opening to now: where it is, whether it waits for the
customer, whether the minute lies on a working day. Events are on whole minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
WHERE = {
    **dict.fromkeys(("accepted", "en_route", "on_site", "in_progress", "waiting"), "process"),
    "new": "apply",
    "assigned": "review",
    "resolved": "feedback",
    "closed": None,
    "cancelled": None,
}
ANSWERS = ("accepted", "en_route", "on_site", "in_progress", "resolved", "closed", "informed")

Happened = tuple[datetime, str, str | None]
"""(when, new state or "informed", waiting for whom)."""


@dataclass
class Stay:
    """One stretch of minutes in one node; `until` None: still there."""

    node: str
    since: datetime
    until: datetime | None = None


@dataclass
class Life:
    """A case up to now, as someone saw it who looked every minute."""

    answered: datetime | None = None
    solved: datetime | None = None
    stays: list[Stay] = field(default_factory=list)
    waiting: set[datetime] = field(default_factory=set)
    waits_now: bool = False


def lived(opened: datetime, events: Sequence[Happened], now: datetime) -> Life:
    """`events` in the order in which they happened, at most one a minute."""
    by_minute = {at: (state, whom) for at, state, whom in events}
    life, state, whom = Life(), "new", None
    at = opened
    while at <= now:
        told, of = by_minute.get(at, (None, None))
        if told in ANSWERS and life.answered is None:
            life.answered = at
        if told not in (None, "informed"):
            state, whom = told, of
            if state not in ("resolved", "closed", "cancelled"):
                life.solved = None
            elif life.solved is None:
                life.solved = at
        here = WHERE[state]
        there = life.stays[-1] if life.stays and life.stays[-1].until is None else None
        if there and there.node != here:
            there.until = at
        if here and (there is None or there.node != here):
            life.stays.append(Stay(here, at))
        life.waits_now = (state, whom) == ("waiting", "customer")
        if life.waits_now and at < now:
            life.waiting.add(at)
        at += MINUTE
    return life


@dataclass
class Days:
    """Which days are worked, and how long each is in its zone."""

    zone: ZoneInfo
    off: set[date]
    made_up: set[date]
    _minutes: dict[date, int] = field(default_factory=dict)

    def share(self, minute: datetime) -> Fraction:
        """What part of a working day this minute is."""
        on = minute.astimezone(self.zone).date()
        if on not in self.made_up and (on.weekday() > 4 or on in self.off):
            return Fraction(0)
        if on not in self._minutes:
            noon = datetime(on.year, on.month, on.day, 12, tzinfo=self.zone).timestamp()
            around = (noon + 60 * k for k in range(-20 * 60, 20 * 60))
            self._minutes[on] = sum(
                datetime.fromtimestamp(m, self.zone).date() == on for m in around
            )
        return Fraction(1, self._minutes[on])


def used_up(since: datetime, amount: int, unit: str, still: set[datetime], days: Days) -> datetime:
    """The end of the minute in which a limit is used up. Minutes in `still` take nothing off it."""
    left, at = Fraction(amount), since
    while left > 0:
        if at not in still:
            left -= (
                days.share(at) if unit == "workdays" else Fraction(1, 60 if unit == "hours" else 1)
            )
        at += MINUTE
    return at
