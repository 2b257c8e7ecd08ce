"""Figures as a reader sees them: a value with its unit, and which period they asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.figures import Figure
from shared.periods import Period, period_of, read_period
from sync_server.admin.texts import Words
from sync_server.services.figures import Value
from sync_server.services.publications import Publication

_KINDS = ("month", "quarter", "year")


def told(words: Words, figure: Figure, value: float | None, *, published: bool = False) -> str:
    """``93.4 %``, ``12.0 min``, ``91.2`` (points of 100), or that nothing is known; of what is
    `published`, that it is not shown."""
    if value is None:
        return words("figures.not_shown" if published else "figures.unknown")
    return words(f"figures.value.{figure.unit}", value=f"{value:,.1f}")


def tone(value: Value) -> str:
    """How a figure stands to its target."""
    return {None: "plain", True: "good", False: "warn"}[value.met]


def length(words: Words, seconds: int | None) -> str:
    """A span of time: minutes below two hours, then hours, then days."""
    if seconds is None:
        return ""
    if seconds < 7200:
        return words("span.minutes", count=seconds // 60)
    if seconds < 48 * 3600:
        return words("span.hours", count=seconds // 3600)
    return words("span.days", count=seconds // 86_400)


def asked_period(asked: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Period:
    """The period in the address, or the month that runs. One that is still to come is the present
    one of its kind."""
    present = period_of(now.astimezone(zone).date())
    found = read_period(asked.get("period", ""))
    if found is None:
        return present
    return min(found, period_of(now.astimezone(zone).date(), found.kind), key=_first)


def asked_publication(asked: Mapping[str, str], there: Sequence[Publication]) -> Publication | None:
    """The month in the address, or the last one; None where nothing was published."""
    wanted = read_period(asked.get("period", ""))
    return next((one for one in there if one.month == wanted), there[0] if there else None)


def near(period: Period, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Where one can go from a period: back, on, and to its month, quarter and year."""
    today = now.astimezone(zone).date()
    after = period.before(-1)
    return {
        "before": period.before(),
        "after": after if after.first_day <= today else None,
        "kinds": [(kind, period_of(min(period.last_day, today), kind)) for kind in _KINDS],
    }


def near_published(chosen: Publication, there: Sequence[Publication]) -> dict[str, Any]:
    """The same among months that were published."""
    months = sorted(one.month for one in there)
    place = months.index(chosen.month)
    return {
        "before": months[place - 1] if place else None,
        "after": months[place + 1] if place + 1 < len(months) else None,
        "kinds": [],
    }


def _first(period: Period) -> int:
    return period.first_month
