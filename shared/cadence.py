"""Visits by tier (S0 #20-#22): when each falls due, and on which day each is put, so that days are
evenly full, nobody waits longer than their tier allows, and whoever lives near each other is
visited on one day.

Pure: dates in, dates out. A day that was given stays given as long as it fits; what is placed anew
goes around what stands, so that one customer's change moves nobody else's visit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from shared.policy import PolicySettings

IsWorkday = Callable[[date], bool]
_GAP_MINUTES = 15
_LONGEST_HOLIDAY = 60
_LAST_MINUTE = 18 * 60
"""Nothing is planned to begin after six in the evening."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which a visit may be: `due` is the last on which the tier's interval is kept.
    Where none of them is worked, it may be from `earliest` on."""

    first: date
    due: date
    earliest: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.due


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A customer to be put on a day. `route` names where they are: those of one go together."""

    customer_id: str
    window: Window
    route: str = ""


@dataclass(slots=True)
class Load:
    """What one person's days hold already: visits, and how many of each route."""

    visits: Counter[date] = field(default_factory=Counter)
    routes: Counter[tuple[date, str]] = field(default_factory=Counter)

    def add(self, day: date, route: str = "") -> None:
        self.visits[day] += 1
        if route:
            self.routes[day, route] += 1


def window(last: date | None, today: date, every_days: int) -> Window:
    """When the next visit may be, after the last one. It comes in the last third of the interval,
    so that there is a choice of days; never today, which has its plan.

    Who was never visited, or is overdue, can't be met within an interval that is over: the first
    come within one interval from today, the others within a third of it.
    """
    slack = max(every_days // 3, 1)
    tomorrow = today + timedelta(days=1)
    if last is None:
        return Window(tomorrow, today + timedelta(days=max(every_days, 1)), tomorrow)
    due = last + timedelta(days=every_days)
    if due <= today:
        return Window(tomorrow, today + timedelta(days=slack), tomorrow)
    return Window(max(due - timedelta(days=slack), tomorrow), due, tomorrow)


def place(
    needs: Iterable[Need], load: Load, is_workday: IsWorkday, per_day: int
) -> Mapping[str, date]:
    """A day for each customer, and `load` with them added.

    Those that are due first choose first. Each takes the emptiest day of their window; a day with
    one visit more will do where somebody of the same route is visited; of equal ones the latest.
    Being met in time goes before `per_day`: where every day is full, the least full takes one more.
    """
    given: dict[str, date] = {}
    among: dict[Window, list[date]] = {}
    for need in sorted(needs, key=lambda n: (n.window.due, n.window.first, n.customer_id)):
        if need.window not in among:
            among[need.window] = _days(need.window, is_workday)
        day = max(among[need.window], key=partial(_fitness, need, load, per_day))
        load.add(day, need.route)
        given[need.customer_id] = day
    return given


def _fitness(need: Need, load: Load, per_day: int, day: date) -> tuple[bool, int, bool, date]:
    held = load.visits[day]
    near = bool(need.route) and load.routes[day, need.route] > 0
    return held < per_day, near - held, near, day


def _days(window: Window, is_workday: IsWorkday) -> list[date]:
    """The window's working days. One that has none (a long holiday) gives way: to the last working
    day before it or, where there is none from tomorrow on, to the first after it."""
    span = (window.due - window.first).days
    days = [window.first + timedelta(days=n) for n in range(span + 1)]
    if working := [day for day in days if is_workday(day)]:
        return working
    lead = (window.first - window.earliest).days
    before = (window.first - timedelta(days=n) for n in range(1, lead + 1))
    after = (window.due + timedelta(days=n) for n in range(1, _LONGEST_HOLIDAY))
    return [next((day for day in (*before, *after) if is_workday(day)), window.due)]


def begins(day: date, nth: int, zone: ZoneInfo, policy: PolicySettings) -> datetime:
    """When the `nth` visit of a day begins: one after the other from the policy's hour on, in local
    time; an aware UTC datetime."""
    minutes = policy.visit_hours_from * 60 + nth * (policy.visit_minutes + _GAP_MINUTES)
    minutes = min(minutes, max(_LAST_MINUTE, policy.visit_hours_from * 60))
    return datetime.combine(day, time(minutes // 60, minutes % 60), zone).astimezone(UTC)


__all__ = ["Load", "Need", "Window", "begins", "place", "window"]
