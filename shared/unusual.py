"""Reading that someone should ask about (S4 #156, #157): very many customers in an hour, outside
working hours, without a reason near in time.

Pure rules over one person's looks of one local day. They prove nothing: they say where to look.
Numbers come from the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.policy import PolicySettings
from shared.workdays import Workdays

KINDS = ("reading_many", "reading_hours", "reading_unplanned")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one customer; a search, which is at nobody in particular, is none."""

    customer_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody may want to read about a customer from then until then: a visit, an open case,
    a callback, a customer newly theirs. `until` None: still."""

    customer_id: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Unusual:
    """What was unusual: how many customers, and the first and last look of those."""

    kind: str
    customers: int
    first: datetime
    last: datetime


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day that it was where people work."""
    return moment.astimezone(zone).date()


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when until when a local day lasts."""
    begins = datetime.combine(day, time(), zone)
    return begins, datetime.combine(day + timedelta(days=1), time(), zone)


def unusual(
    seen: Sequence[Seen],
    reasons: Iterable[Reason],
    policy: PolicySettings,
    zone: ZoneInfo,
    workdays: Workdays,
) -> list[Unusual]:
    """What is unusual in one person's looks of one local day, each kind at most once."""
    known = _by_customer(reasons)
    margin = timedelta(days=policy.look_plan_days)
    unplanned = [one for one in seen if not _planned(one, known, margin)]
    off = [one for one in unplanned if _off_hours(one.at, policy, zone, workdays)]
    found = [
        _busiest_hour(seen, policy.look_alert_customers_per_hour),
        _beyond("reading_hours", off, policy.look_alert_outside_hours),
        _beyond("reading_unplanned", unplanned, policy.look_alert_unplanned),
    ]
    return [one for one in found if one is not None]


def _busiest_hour(seen: Sequence[Seen], most: int) -> Unusual | None:
    """The hour with the most customers, if those are more than `most`."""
    ordered = sorted(seen, key=lambda one: one.at)
    within: dict[str, int] = {}
    best: Unusual | None = None
    start = 0
    for one in ordered:
        within[one.customer_id] = within.get(one.customer_id, 0) + 1
        while one.at - ordered[start].at >= _HOUR:
            gone = ordered[start].customer_id
            within[gone] -= 1
            if not within[gone]:
                del within[gone]
            start += 1
        if len(within) > max(most, best.customers if best else 0):
            best = Unusual("reading_many", len(within), ordered[start].at, one.at)
    return best


def _beyond(kind: str, seen: Sequence[Seen], most: int) -> Unusual | None:
    customers = {one.customer_id for one in seen}
    if len(customers) <= most:
        return None
    moments = [one.at for one in seen]
    return Unusual(kind, len(customers), min(moments), max(moments))


def _off_hours(
    moment: datetime, policy: PolicySettings, zone: ZoneInfo, workdays: Workdays
) -> bool:
    local = moment.astimezone(zone)
    if not workdays.is_workday(local.date()):
        return True
    return not policy.look_hours_from <= local.hour < policy.look_hours_until


def _by_customer(reasons: Iterable[Reason]) -> Mapping[str, list[Reason]]:
    found: dict[str, list[Reason]] = {}
    for reason in reasons:
        found.setdefault(reason.customer_id, []).append(reason)
    return found


def _planned(one: Seen, known: Mapping[str, list[Reason]], margin: timedelta) -> bool:
    return any(
        reason.since - margin <= one.at
        and (reason.until is None or one.at <= reason.until + margin)
        for reason in known.get(one.customer_id, ())
    )
