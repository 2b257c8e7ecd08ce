"""The service of VIPs (S2 #79, #80): how many staff their number asks for against who is there, how
their visits, cases and satisfaction stand in a quarter, and what the manager plans and finds.

Counts only: which customers these are is read elsewhere, with a look on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, case, func, select

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.periods import Period
from shared.policy import PolicySettings
from shared.suppression import LEAST
from sync_server.db.base import Database
from sync_server.db.figures import FIGURE_ANSWER
from sync_server.db.people import SERVICE_PLAN
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.desk_queue import queue
from sync_server.services.writing import Unit, write

ROLES: Mapping[Role, str] = {
    Role.CALLBACK_AGENT: "vips_per_agent",
    Role.TECHNICIAN: "vips_per_technician",
}
"""Who serves VIPs, with the setting that says how many of them one person can."""

_CUSTOMER, _STAFF, _VISIT = (RECORDS[name].c for name in ("customer", "staff", "visit"))
_ANSWER, _PLAN = FIGURE_ANSWER.c, SERVICE_PLAN.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffing:
    """One store's VIPs; by role who is there, and how many the ratio asks for."""

    store_id: str
    vips: int
    there: Mapping[Role, int]
    wanted: Mapping[Role, int]

    @property
    def few(self) -> bool:
        """Whether the number would tell of single customers (S3 #149)."""
        return self.vips < LEAST

    @property
    def missing(self) -> dict[Role, int]:
        return {role: max(0, self.wanted[role] - self.there[role]) for role in self.wanted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One store's VIPs in a period: visits that were held, that are planned, and of these how many
    are late; open cases and how many of them are late by their clocks; points of satisfaction."""

    held: int
    planned: int
    late_visits: int
    cases: int
    late_cases: int
    answers: int
    points: int


def staffing(connection: Connection, org_id: str, policy: PolicySettings) -> list[Staffing]:
    """Every store's."""
    store = RECORDS["store"].c
    stores = connection.scalars(select(store.id).where(store.org_id == org_id).order_by(store.id))
    vips = _by_store(
        connection,
        select(_CUSTOMER.store_id, func.count())
        .where(_CUSTOMER.org_id == org_id, _CUSTOMER.vip.is_(True))
        .group_by(_CUSTOMER.store_id),
    )
    people = connection.execute(
        select(_STAFF.store_id, _STAFF.role, func.count())
        .where(_STAFF.org_id == org_id, _STAFF.active.is_not(False), _STAFF.role.in_(ROLES))
        .group_by(_STAFF.store_id, _STAFF.role)
    )
    there = {(store_id, role): count for store_id, role, count in people}
    return [
        Staffing(
            store_id=one,
            vips=vips.get(one, 0),
            there={role: there.get((one, role), 0) for role in ROLES},
            wanted={
                role: -(-vips.get(one, 0) // getattr(policy, setting))
                for role, setting in ROLES.items()
            },
        )
        for one in stores
    ]


def missing(connection: Connection, org_id: str, policy: PolicySettings, store: str | None) -> int:
    """How many people a store lacks; or all stores together, without those with too few VIPs to
    tell their number."""
    found = staffing(connection, org_id, policy)
    told = [one for one in found if store == one.store_id or (store is None and not one.few)]
    return sum(sum(one.missing.values()) for one in told)


def standing(
    connection: Connection, org_id: str, store: str, period: Period, now: datetime, zone: ZoneInfo
) -> Standing:
    """How a store's VIPs are served in a period; its cases are those that are open now."""
    first, last = (
        to_wire(datetime.combine(day, time(), zone).astimezone(UTC))
        for day in (period.first_day, period.last_day + timedelta(days=1))
    )

    def count(when: Any) -> Any:
        return func.coalesce(func.sum(case((when, 1), else_=0)), 0)

    is_vip = and_(_CUSTOMER.org_id == org_id, _CUSTOMER.store_id == store, _CUSTOMER.vip.is_(True))
    ahead = _VISIT.state == "planned"
    visits = connection.execute(
        select(
            count(_VISIT.state == "finished"),
            count(ahead),
            count(ahead & (_VISIT.planned_at < to_wire(now))),
        )
        .join_from(
            RECORDS["visit"], RECORDS["customer"],
            and_(_CUSTOMER.org_id == _VISIT.org_id, _CUSTOMER.id == _VISIT.customer_id),
        )
        .where(is_vip, _VISIT.planned_at >= first, _VISIT.planned_at < last)
    ).one()  # fmt: skip
    said = connection.execute(
        select(func.count(), func.coalesce(func.sum(_ANSWER.points), 0))
        .join_from(
            FIGURE_ANSWER, RECORDS["customer"],
            and_(_CUSTOMER.org_id == _ANSWER.org_id, _CUSTOMER.id == _ANSWER.customer_id),
        )
        .where(
            is_vip,
            _ANSWER.day.between(period.first_day.isoformat(), period.last_day.isoformat()),
        )
    ).one()  # fmt: skip
    open_ = [one for one in queue(connection, org_id, store, now, zone).waiting if one.vip]
    return Standing(
        held=int(visits[0]),
        planned=int(visits[1]),
        late_visits=int(visits[2]),
        cases=len(open_),
        late_cases=len([one for one in open_ if one.late]),
        answers=int(said[0]),
        points=int(said[1]),
    )


def plans(connection: Connection, org_id: str, store: str, period: Period) -> list[Any]:
    """A store's plan of a period in all its versions, the newest first."""
    query = select(SERVICE_PLAN).where(*_of(org_id, store, period))
    return list(connection.execute(query.order_by(_PLAN.version.desc())))


def write_plan(
    db: Database,
    who: Caller,
    period: Period,
    *,
    plan: str,
    evaluation: str | None,
    base: int,
    now: datetime,
) -> int:
    """One more version of the caller's own store's plan; its number. Refuses (MOVE_NOT_ALLOWED)
    what was written over another version than the newest: somebody else was quicker, or it was sent
    twice."""
    store = who.store_id or ""

    def work(unit: Unit) -> int:
        newest = select(func.coalesce(func.max(_PLAN.version), 0))
        last = int(unit.connection.scalar(newest.where(*_of(unit.org_id, store, period))) or 0)
        if base != last:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before=base, after=last)
        row = {
            "org_id": unit.org_id, "store_id": store, "period": str(period), "version": last + 1,
            "plan": plan, "evaluation": evaluation, "written_by": who.staff_id,
            "written_at": unit.now_text,
        }  # fmt: skip
        unit.append(SERVICE_PLAN, row)
        audit.note(
            unit, who, Action.SERVICE_PLAN_WRITTEN, subject=("store", store),
            period=str(period), version=last + 1,
        )  # fmt: skip
        return last + 1

    return write(db, who.org_id, now, work)


def _of(org_id: str, store: str, period: Period) -> tuple[Any, ...]:
    return (_PLAN.org_id == org_id, _PLAN.store_id == store, _PLAN.period == str(period))


def _by_store(connection: Connection, query: Any) -> dict[str, int]:
    return {store: int(count) for store, count in connection.execute(query)}


__all__ = [
    "ROLES",
    "Staffing",
    "Standing",
    "missing",
    "plans",
    "staffing",
    "standing",
    "write_plan",
]
