"""Months, quarters and years of the organisation's own calendar: what figures are told for.

A period is written ``2026-11``, ``2026-Q4`` or ``2026``. It begins and ends at midnight in the
organisation's zone; days within are local days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

KINDS = ("month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WRITTEN = re.compile(r"(\d{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?", re.ASCII)


def month_of(day: date) -> int:
    """Months since year 0, so that months are counted and compared as numbers."""
    return day.year * 12 + day.month - 1


def first_of(month: int) -> date:
    """The first day of a month that is counted as `month_of` does."""
    return date(month // 12, month % 12 + 1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole months: `months` of them from `first_month` (`month_of`)."""

    first_month: int
    months: int

    @property
    def kind(self) -> str:
        return next(kind for kind, months in _MONTHS.items() if months == self.months)

    @property
    def first_day(self) -> date:
        return first_of(self.first_month)

    @property
    def last_day(self) -> date:
        return first_of(self.first_month + self.months) - timedelta(days=1)

    @property
    def last_month(self) -> int:
        return self.first_month + self.months - 1

    def before(self, many: int = 1) -> Period:
        """The period of the same kind, `many` earlier; negative goes on."""
        return Period(self.first_month - many * self.months, self.months)

    def split(self) -> list[Period]:
        """Its months, in order."""
        return [Period(self.first_month + n, 1) for n in range(self.months)]

    def __str__(self) -> str:
        year, month = divmod(self.first_month, 12)
        if self.months == 12:
            return f"{year:04}"
        if self.months == 3:
            return f"{year:04}-Q{month // 3 + 1}"
        return f"{year:04}-{month + 1:02}"


def period_of(day: date, kind: str = "month") -> Period:
    """The period of a kind in which `day` lies."""
    months = _MONTHS[kind]
    month = month_of(day)
    return Period(month - month % months, months)


def read_period(written: str) -> Period | None:
    """The period that was written; None for anything else, and for years before 1900."""
    found = _WRITTEN.fullmatch(written)
    if found is None or not 1900 <= int(found[1]) <= 2999:
        return None
    year = int(found[1]) * 12
    if found[2]:
        return Period(year + int(found[2]) - 1, 1)
    if found[3]:
        return Period(year + 3 * (int(found[3]) - 1), 3)
    return Period(year, 12)
