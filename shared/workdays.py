"""The working-day calendar: replaceable data with a "known until" day (requirements, #16/#17).

Beyond that day Monday to Friday count as workdays and the answer is provisional; screens say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Workdays:
    """`exceptions` maps each day that differs from Monday-to-Friday to whether it is worked:
    holidays to False, make-up workdays to True."""

    known_until: date
    exceptions: Mapping[date, bool] = field(default_factory=dict)

    def is_workday(self, on: date) -> bool:
        return self.exceptions.get(on, on.weekday() < 5)

    def is_provisional(self, on: date) -> bool:
        """True where the calendar is a guess."""
        return on > self.known_until

    def after(self, on: date, workdays: int) -> date:
        """The day reached by going on `workdays` working days from `on` (which does not count
        itself)."""
        while workdays > 0:
            on += timedelta(days=1)
            workdays -= self.is_workday(on)
        return on

    def reached(
        self,
        moment: datetime,
        workdays: int,
        zone: ZoneInfo,
        pauses: Sequence[tuple[datetime, datetime]] = (),
    ) -> datetime:
        """When `workdays` have passed since `moment`, outside `pauses` (in order, apart).

        A working day counts as one from its midnight in `zone` to the next, whether it has 23, 24
        or 25 hours; other days count as nothing. So three working days from a Wednesday at ten end
        on a Monday at ten, and those from a Saturday when Wednesday ends (S0 #17).
        """
        left: Fraction | int = workdays
        for since, until in pauses:
            used = self.between(moment, since, zone)
            if left <= used:
                break
            left -= used
            moment = until
        for begins, ends in self._worked(moment, None, zone):
            share, length = _micros(ends - max(begins, moment)), _micros(ends - begins)
            if left * length <= share:
                return ends - timedelta(microseconds=int(share - left * length))
            left -= 1 if share == length else Fraction(share, length)
        raise OverflowError("no end to this calendar")

    def between(self, since: datetime, until: datetime, zone: ZoneInfo) -> Fraction:
        """How many working days lie between two moments; a part of one by its own length."""
        return sum(
            (
                Fraction(_micros(min(ends, until) - max(begins, since)), _micros(ends - begins))
                for begins, ends in self._worked(since, until, zone)
            ),
            Fraction(0),
        )

    def _worked(
        self, since: datetime, until: datetime | None, zone: ZoneInfo
    ) -> Iterator[tuple[datetime, datetime]]:
        """Beginning and end of each working day that has some of [since, until) in it."""
        on = since.astimezone(zone).date()
        begins = _midnight(on, zone)
        while until is None or begins < until:
            on += timedelta(days=1)
            ends = _midnight(on, zone)
            if self.is_workday(on - timedelta(days=1)) and since < ends:
                yield begins, ends
            begins = ends


@lru_cache(maxsize=8192)  # a hundred thousand cases ask for the same few hundred
def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def from_data(data: Mapping[str, Any]) -> Workdays:
    """Reads the `calendar` entry of the reference catalogue: ``{"known_until": "2026-12-31",
    "holidays": ["2026-01-01", …], "workdays": ["2026-01-04", …]}``."""
    exceptions = {date.fromisoformat(d): False for d in data.get("holidays", ())}
    exceptions |= {date.fromisoformat(d): True for d in data.get("workdays", ())}
    return Workdays(date.fromisoformat(data["known_until"]), exceptions)


MONDAY_TO_FRIDAY = Workdays(date.min)
"""What counts when no calendar has arrived: every day is provisional."""
