"""The working-day calendar: replaceable data with a "known until" day (requirements, #16/#17).

Beyond that day Monday to Friday count as workdays and the answer is provisional; screens say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
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

    def deadline(self, moment: datetime, workdays: int, zone: ZoneInfo) -> datetime:
        """`moment` plus `workdays`: the same local time on the day reached (S0 #17: three
        working days)."""
        local = moment.astimezone(zone)
        reached = self.after(local.date(), workdays)
        return datetime.combine(
            reached, time(local.hour, local.minute, local.second), zone
        ).astimezone(moment.tzinfo)


def from_data(data: Mapping[str, Any]) -> Workdays:
    """Reads the `calendar` entry of the reference catalogue: ``{"known_until": "2026-12-31",
    "holidays": ["2026-01-01", …], "workdays": ["2026-01-04", …]}``."""
    exceptions = {date.fromisoformat(d): False for d in data.get("holidays", ())}
    exceptions |= {date.fromisoformat(d): True for d in data.get("workdays", ())}
    return Workdays(date.fromisoformat(data["known_until"]), exceptions)


MONDAY_TO_FRIDAY = Workdays(date.min)
"""What counts when no calendar has arrived: every day is provisional."""
