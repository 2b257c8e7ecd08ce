"""Tells phones their figures: everyone their own work (S4 #174), store managers their store, so
that both are there offline (S3 #145).

A sheet is a record in its reader's `user:` bucket. Sheets follow the facts, but not at once: every
case would otherwise wake every phone of its store. They name no customer; those of someone who left
the store are emptied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, select, update

from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.figures import FIGURES, STAFF_WEIGHTS
from shared.ids import derived_id
from shared.periods import Period, period_of
from shared.policy import HeldPolicy, Policies
from sync_server.db.base import Database
from sync_server.db.figures import FIGURE_STATE
from sync_server.db.records import RECORDS
from sync_server.services.accounts import policies_of
from sync_server.services.calendars import zone_of
from sync_server.services.figures import (
    Parts,
    Value,
    held_for,
    parts_of,
    policy_for,
    staff_parts_of,
    values_of,
)
from sync_server.services.rankings import Standing, staff_graded
from sync_server.services.vitals import organisations
from sync_server.services.writing import Unit, write

EVERY = timedelta(hours=1)
"""No oftener, and at the latest when a new day begins."""
TREND = 6
"""Months of a trend."""
_OWN = tuple(STAFF_WEIGHTS) + ("timeliness",)
_STATE, _STAFF = FIGURE_STATE.c, RECORDS["staff"].c

Sheet = dict[str, Any]


@dataclass
class _Store:
    """One store's people and what was counted of them."""

    id: str
    people: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)


def tell_due(db: Database, now: datetime) -> int:
    """Writes the sheets that are not what they should be, where it is time; says how many. The
    facts should be up to date. Harmless at any time, and from several processes."""
    with db.read() as connection:
        due = [org for org in organisations(connection) if _due(connection, org, now)]
    return sum(_tell(db, org_id, now) for org_id in due)


def _due(connection: Connection, org_id: str, now: datetime) -> bool:
    state = connection.execute(select(FIGURE_STATE).where(_STATE.org_id == org_id)).first()
    if state is None:
        return False
    if state.told_at is None:
        return True
    told_at = from_wire(state.told_at)
    zone = zone_of(connection, org_id)
    new_day = told_at.astimezone(zone).date() != now.astimezone(zone).date()
    return new_day or (state.told_seq != state.seq and now - told_at >= EVERY)


def _tell(db: Database, org_id: str, now: datetime) -> int:
    with db.read() as connection:
        reached = connection.scalar(select(_STATE.seq).where(_STATE.org_id == org_id))
        sheets = list(_sheets(connection, org_id, now))

    def work(unit: Unit) -> int:
        wanted = {sheet["id"]: sheet for sheet in sheets}
        held = {one.id: one for one in unit.find("figure_sheet", about=("own", "store"))}
        written = 0
        for sheet_id, sheet in wanted.items():
            one = held.get(sheet_id)
            if one is None:
                unit.create("figure_sheet", {**sheet, "counted_at": to_wire(now)})
            elif one.row["body"] != sheet["body"] or one.row.get("store_id") != sheet["store_id"]:
                unit.update("figure_sheet", sheet_id, {**sheet, "counted_at": to_wire(now)})
            else:
                continue
            written += 1
        for sheet_id in held.keys() - wanted.keys():
            if held[sheet_id].row["body"]:
                emptied = {"body": {}, "counted_at": to_wire(now)}
                unit.update("figure_sheet", sheet_id, emptied)
        told = update(FIGURE_STATE).where(_STATE.org_id == org_id)
        unit.connection.execute(told.values(told_seq=reached, told_at=to_wire(now)))
        return written

    return write(db, org_id, now, work)


def _sheets(connection: Connection, org_id: str, now: datetime) -> Iterator[Sheet]:
    today = now.astimezone(zone_of(connection, org_id)).date()
    month = period_of(today)
    held = policy_for(connection, org_id, month, now)
    cycle = period_of(today, held.settings.grade_every)
    periods = [month, month.before(), cycle, cycle.before()]
    counts = _Counts(connection, org_id)
    for store in _stores(connection, org_id):
        reading = _Reading(counts, store, now)
        for person in store.people:
            yield _sheet(person, "own", store.id, reading.body(periods, month, person))
        for manager in store.managers:
            yield _sheet(manager, "store", store.id, reading.body(periods, month, None))


def _sheet(staff_id: str, about: str, store: str, body: dict[str, Any]) -> Sheet:
    return {
        "id": derived_id("figure sheet", staff_id, about),
        "staff_id": staff_id,
        "about": about,
        "store_id": store,
        "body": body,
    }


def _stores(connection: Connection, org_id: str) -> list[_Store]:
    rows = connection.execute(
        select(_STAFF.id, _STAFF.role, _STAFF.store_id).where(
            _STAFF.org_id == org_id, _STAFF.active.is_not(False), _STAFF.store_id.is_not(None)
        )
    )
    found: dict[str, _Store] = {}
    for row in rows:
        store = found.setdefault(row.store_id, _Store(row.store_id))
        if row.role == Role.STORE_MANAGER:
            store.managers.append(row.id)
        elif row.role not in (Role.HEAD_OFFICE, Role.ADMINISTRATOR):
            store.people.append(row.id)
    return list(found.values())


class _Counts:
    """What was counted of all stores, each period read once for all of them."""

    def __init__(self, connection: Connection, org_id: str) -> None:
        self.connection, self.org_id = connection, org_id
        self.policies = Policies(policies_of(connection, org_id))
        self._stores: dict[Period, dict[str, Parts]] = {}
        self._staff: dict[Period, dict[str, dict[str, Parts]]] = {}

    def of_store(self, store: str, period: Period) -> Parts:
        if period not in self._stores:
            self._stores[period] = parts_of(self.connection, self.org_id, period, "store_id")
        return self._stores[period].get(store, {})

    def of_staff(self, store: str, period: Period) -> Mapping[str, Parts]:
        if period not in self._staff:
            self._staff[period] = staff_parts_of(self.connection, self.org_id, period)
        return self._staff[period].get(store, {})


class _Reading:
    """What is told of one store, worked out once for all who are told of it."""

    def __init__(self, counts: _Counts, store: _Store, now: datetime) -> None:
        self.counts, self.store, self.now = counts, store, now
        self._ranks: dict[Period, dict[str, Standing]] = {}

    def body(self, periods: Sequence[Period], month: Period, person: str | None) -> dict[str, Any]:
        """One reader's sheet: of a member of staff, or (None) of the store."""
        told = [self._period(period, person) for period in dict.fromkeys(periods)]
        months = [month.before(back) for back in range(TREND - 1, -1, -1)]
        trends: dict[str, list[list[Any]]] = {}
        for one in months:
            for name, value in self._values(one, person).items():
                shown = name in _shown(person) and not value.figure.yearly
                if shown and value.value is not None:
                    trends.setdefault(name, []).append([str(one), round(value.value, 2)])
        return {"periods": told, "trends": trends}

    def _period(self, period: Period, person: str | None) -> dict[str, Any]:
        values = self._values(period, person)
        held = self._held(period)
        told: dict[str, Any] = {
            "period": str(period),
            "policy": held.version,
            "figures": {
                name: [value.part.above, value.part.below, value.goal]
                for name, value in values.items()
                if value.value is not None and name in _shown(person)
            },
        }
        if person is not None:
            told |= _standing(self._ranking(period).get(person))
        return told

    def _held(self, period: Period) -> HeldPolicy:
        return held_for(self.counts.policies, period, self.now)

    def _values(self, period: Period, person: str | None) -> Mapping[str, Value]:
        settings = self._held(period).settings
        if person is None:
            return values_of(self.counts.of_store(self.store.id, period), settings)
        return values_of(self.counts.of_staff(self.store.id, period).get(person, {}), settings)

    def _ranking(self, period: Period) -> dict[str, Standing]:
        if period not in self._ranks:
            settings = self._held(period).settings
            ranking = staff_graded(
                self.counts.connection,
                self.counts.org_id,
                self.store.id,
                period,
                settings,
                partial(self.counts.of_staff, self.store.id),
            )
            self._ranks[period] = {one.key: one for one in ranking}
        return self._ranks[period]


def _shown(person: str | None) -> Sequence[str]:
    return tuple(FIGURES) if person is None else _OWN


def _standing(one: Standing | None) -> dict[str, Any]:
    """Score, rank and grade, as far as there are any, with what the score was made of."""
    if one is None or one.scored is None:
        return {}
    terms = {name: [round(reached, 3), w] for name, (reached, w) in one.scored.terms.items()}
    told: dict[str, Any] = {"score": one.scored.score, "terms": terms}
    told |= {"rank": one.rank, "of": one.of}
    if one.confirmed:  # what a score proposes is the panel's matter until it has spoken (S1 #68)
        told["grade"] = one.confirmed
    return told | ({"after": one.consequence} if one.consequence else {})


__all__ = ["EVERY", "tell_due"]
