"""The visits that the cadence plans (S0 #20-#22, `shared.cadence`): each customer with somebody to
look after them has one ahead, within what their tier allows.

Ids are derived from the visit before, so that planning twice makes one visit. What stands and fits
is left as it is; so is what is overdue, which is for its owner to do or to move. A visit that was
done early counts from its own day: the one ahead moves on. Whoever has a planned visit of their own
making in time needs no second one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shared.cadence import Load, Need, Window, begins, place, window
from shared.clock import from_wire, to_wire
from shared.ids import derived_id
from shared.policy import PolicySettings
from shared.states import OPEN_VISIT_STATES
from shared.workdays import Workdays
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services import rule_runs
from sync_server.services.accounts import policy_of
from sync_server.services.calendars import calendar_of, zone_of
from sync_server.services.epochs import org_state
from sync_server.services.refusals import refusing
from sync_server.services.writing import Held, Unit, write

_CUSTOMER, _VISIT = RECORDS["customer"].c, RECORDS["visit"].c
_PART = 250
_RULE = "cadence"
PURPOSE = "experience"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Visits made, and those put on another day or brought up to date."""

    made: int = 0
    changed: int = 0

    def __add__(self, other: Planned) -> Planned:
        return Planned(made=self.made + other.made, changed=self.changed + other.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """What one customer needs. `visit`: the one that the cadence planned before, `last`: the visit
    from which the interval counts."""

    customer: Mapping[str, Any]
    every_days: int
    window: Window
    day: date | None
    visit: Held | None
    last: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all of a unit's plans have in common."""

    policy: PolicySettings
    zone: ZoneInfo
    calendar: Workdays
    today: date

    def day_of(self, moment: str) -> date:
        """The local day of a moment in its wire form."""
        return from_wire(moment).astimezone(self.zone).date()

    def end_of(self, day: date) -> str:
        """A day's last minute, in wire form."""
        return to_wire(datetime.combine(day, time(23, 59), self.zone).astimezone(UTC))


def plan_due(db: Database, now: datetime) -> Planned:
    """`plan_all` in every organisation whose night it is. Harmless at any time."""
    return sum((plan_all(db, org, now) for org in rule_runs.due(db, _RULE, now)), Planned())


def plan_all(db: Database, org_id: str, now: datetime) -> Planned:
    """Plans for whoever moved since the last run, for everybody once the policy's visits or the
    calendar changed. Twice is once."""
    with db.read() as connection:
        policy, mark = policy_of(connection, org_id, now), org_state(connection, org_id).last_seq
        calendar = calendar_of(connection, org_id)
        days = [str(calendar.known_until), *sorted(map(str, calendar.exceptions.items()))]
        basis = rule_runs.basis_of(policy, ["visits"], *days)
        last = rule_runs.last_run(connection, org_id, _RULE)
        query = select(_CUSTOMER.id).where(
            _CUSTOMER.org_id == org_id,
            _CUSTOMER.owner_id.is_not(None),
            _CUSTOMER.erased_at.is_(None),
        )
        looked_after = list(connection.scalars(query.order_by(_CUSTOMER.owner_id, _CUSTOMER.id)))
        if last is not None and last.basis == basis:
            moved = rule_runs.moved_since(connection, org_id, last.seq)
            looked_after = [one for one in looked_after if one in moved]
    done = Planned()
    for start in range(0, len(looked_after), _PART):
        part = looked_after[start : start + _PART]
        done += write(db, org_id, now, partial(plan, customer_ids=part, policy=policy))
    with db.write() as connection:
        rule_runs.remember(connection, org_id, _RULE, mark, basis, now)
    return done


def plan(unit: Unit, customer_ids: Collection[str], policy: PolicySettings) -> Planned:
    """Plans for these customers within the caller's unit."""
    if not customer_ids:
        return Planned()
    zone = zone_of(unit.connection, unit.org_id)
    calendar = calendar_of(unit.connection, unit.org_id)
    desk = _Desk(policy, zone, calendar, unit.now.astimezone(zone).date())
    visits: dict[str, list[Held]] = {}
    for held in unit.find("visit", customer_id=sorted(customer_ids)):
        visits.setdefault(held.row["customer_id"], []).append(held)
    unit.load("customer", customer_ids)
    unwilling = refusing(unit, customer_ids)
    done = Planned()
    by_owner: dict[str, list[_Ahead]] = {}
    for customer_id in sorted(customer_ids):
        customer = unit.get("customer", customer_id)
        if customer is None or customer.row.get("erased_at") or not customer.row.get("owner_id"):
            continue
        if customer_id in unwilling:
            done += _let_go(unit, visits.get(customer_id, []))
            continue
        ahead = _ahead(customer.row, visits.get(customer_id, []), desk)
        if ahead is not None:
            by_owner.setdefault(customer.row["owner_id"], []).append(ahead)
    for owner_id, aheads in by_owner.items():
        done += _put(unit, owner_id, aheads, desk)
    return done


def _let_go(unit: Unit, visits: Iterable[Held]) -> Planned:
    """The cadence's own visits to whoever does not agree to them (S1 #71); what a person planned
    stays theirs to call off."""
    ours = [h for h in visits if h.row["state"] == "planned" and h.row.get("due_by")]
    for held in ours:
        unit.update("visit", held.id, {"state": "cancelled"})
    return Planned(changed=len(ours))


def _ahead(customer: Mapping[str, Any], visits: Iterable[Held], desk: _Desk) -> _Ahead | None:
    """What a customer needs; None where nothing is to be done."""
    open_ = [held for held in visits if held.row["state"] in OPEN_VISIT_STATES]
    if any(held.row["state"] == "started" for held in open_):
        return None
    every_days = desk.policy.visit_every(customer.get("tier")).days
    past = [(moment, h.id, h.row) for h in visits if (moment := _met(h.row)) is not None]
    moment, _, last = max(past, key=lambda one: one[:2], default=(None, "", None))
    met = desk.day_of(moment) if moment else None
    due = window(met, desk.today, every_days)
    planned = min((h for h in open_ if h.row.get("due_by")), key=lambda h: h.id, default=None)
    own = [h for h in open_ if not h.row.get("due_by")]
    if planned is None:
        if any(desk.day_of(h.row["planned_at"]) <= due.due for h in own):
            return None
        return _Ahead(
            customer=customer, every_days=every_days, window=due, day=None, visit=None, last=last
        )
    day, until = desk.day_of(planned.row["planned_at"]), desk.day_of(planned.row["due_by"])
    counted_from = planned.row.get("previous_visit_id")
    if planned.row.get("every_days") == every_days and counted_from == (last and last["id"]):
        due = Window(due.earliest, until, due.earliest)  # as it was given
    by_hand = planned.version("planned_at").staff_id is not None
    fits = day < desk.today or (day <= due.due and by_hand)
    fits = fits or (day in due and desk.calendar.is_workday(day)) or day == desk.today
    return _Ahead(
        customer=customer,
        every_days=every_days,
        window=due,
        day=day if fits else None,
        visit=planned,
        last=last,
    )


def _met(visit: Mapping[str, Any]) -> str | None:
    """When a visit took its turn in the cadence: done, or planned by it and then let go."""
    if visit["state"] == "finished":
        return str(visit.get("finished_at") or visit["planned_at"])
    gone = visit["state"] == "cancelled" and visit.get("due_by")
    return str(visit["planned_at"]) if gone else None


def _put(unit: Unit, owner_id: str, aheads: Iterable[_Ahead], desk: _Desk) -> Planned:
    """One person's customers, put around what stands in their days."""
    aheads = list(aheads)
    moving = {one.visit.id for one in aheads if one.visit and one.day is None}
    load = _load(unit, owner_id, moving, desk)
    begun = Counter(load.visits)
    needs = [
        Need(customer_id=one.customer["id"], window=one.window, route=_route(one.customer))
        for one in aheads
        if one.day is None
    ]
    given = place(needs, load, desk.calendar.is_workday, desk.policy.visits_per_day)
    order = sorted(
        aheads,
        key=lambda one: (
            given.get(one.customer["id"], date.min), _route(one.customer), one.customer["id"],
        ),
    )  # fmt: skip
    done = Planned()
    for one in order:
        at = None
        if (day := given.get(one.customer["id"])) is not None:
            at = to_wire(begins(day, begun[day], desk.zone, desk.policy))
            begun[day] += 1
        done += _write(unit, owner_id, one, at, desk)
    return done


def _write(unit: Unit, owner_id: str, one: _Ahead, at: str | None, desk: _Desk) -> Planned:
    channel = desk.policy.visit_channel(one.customer.get("tier"))
    told: dict[str, Any] = {
        "owner_id": owner_id,
        "due_by": desk.end_of(one.window.due),
        "every_days": one.every_days,
        "previous_visit_id": one.last["id"] if one.last else None,
    }
    if at is not None:
        told["planned_at"] = at
    if one.visit is not None:
        if one.visit.row.get("every_days") != one.every_days:
            told["channel"] = channel
        before = one.visit.seq
        return Planned(changed=int(unit.update("visit", one.visit.id, told).seq != before))
    visit_id = derived_id("cadence", one.customer["id"], one.last["id"] if one.last else "first")
    if unit.get("visit", visit_id) is not None:
        return Planned()
    row = {
        "id": visit_id,
        "customer_id": one.customer["id"],
        "contact_id": one.last.get("contact_id") if one.last else None,
        "purpose": PURPOSE,
        "channel": channel,
        "state": "planned",
        "minutes": desk.policy.visit_minutes,
        **told,
    }
    unit.create("visit", row)
    return Planned(made=1)


def _load(unit: Unit, owner_id: str, without: Collection[str], desk: _Desk) -> Load:
    """What stands in somebody's days from today on, with what this unit has written."""
    midnight = datetime.combine(desk.today, time(0), desk.zone).astimezone(UTC)
    query = (
        select(_VISIT.id, _VISIT.planned_at, _CUSTOMER.city)
        .join(
            RECORDS["customer"],
            (_CUSTOMER.org_id == _VISIT.org_id) & (_CUSTOMER.id == _VISIT.customer_id),
        )
        .where(
            _VISIT.org_id == unit.org_id,
            _VISIT.owner_id == owner_id,
            _VISIT.planned_at >= to_wire(midnight),
            _VISIT.state.in_(sorted(OPEN_VISIT_STATES)),
        )
    )
    written = {h.id: h for h in unit.held.values() if h.entity == "visit" and h.dirty}
    standing = [
        (row.planned_at, row.city)
        for row in unit.connection.execute(query)
        if row.id not in written and row.id not in without
    ]
    for held in written.values():
        if held.row["owner_id"] == owner_id and held.row["state"] in OPEN_VISIT_STATES:
            customer = unit.get("customer", held.row["customer_id"])
            city = customer.row.get("city") if customer else None
            if held.id not in without:
                standing.append((held.row["planned_at"], city))
    load = Load()
    for planned_at, city in standing:
        load.add(desk.day_of(planned_at), city or "")
    return load


def _route(customer: Mapping[str, Any]) -> str:
    return customer.get("city") or ""


__all__ = ["PURPOSE", "Planned", "plan", "plan_all", "plan_due"]
