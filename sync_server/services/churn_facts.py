"""What is known of how each customer buys, now and some time ago: counts and sums that the database
makes of orders and of callbacks' points, a page of customers at a time (`shared.churn`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from shared.churn import Habit, Satisfaction
from shared.clock import from_wire, to_wire
from shared.policy import PolicySettings
from sync_server.db.among import among
from sync_server.db.records import RECORDS

_CUSTOMER, _ORDER, _CALLBACK = (RECORDS[name].c for name in ("customer", "order", "callback"))
PAGE = 2000
"""Customers looked at in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A customer as the rules see them. `noted`: somebody wrote down a sign of leaving. `past` is
    the habit of `PolicySettings.churn_days` ago, None for who had not bought by then; `returned`:
    they have since."""

    customer_id: str
    tier: str | None
    store_id: str | None
    noted: bool
    habit: Habit | None
    past: Habit | None
    satisfaction: Satisfaction

    @property
    def returned(self) -> bool:
        return bool(self.past and self.habit and self.habit.last_at > self.past.at)


def everyone(
    connection: Connection, org_id: str, policy: PolicySettings, at: datetime
) -> Iterator[list[Known]]:
    """All customers who were not erased, page by page in order of id."""
    last = ""
    while True:
        query = _customers(org_id).where(_CUSTOMER.id > last).order_by(_CUSTOMER.id).limit(PAGE)
        found = connection.execute(query).all()
        if not found:
            return
        yield _known(connection, org_id, policy, at, found)
        last = found[-1].id


def of(
    connection: Connection,
    org_id: str,
    policy: PolicySettings,
    at: datetime,
    customer_ids: Sequence[str],
) -> Iterator[list[Known]]:
    """These customers, without those that were erased or are not there."""
    for start in range(0, len(customer_ids), PAGE):
        part = customer_ids[start : start + PAGE]
        query = _customers(org_id).where(among(connection, _CUSTOMER.id, part))
        if found := connection.execute(query).all():
            yield _known(connection, org_id, policy, at, found)


def satisfaction_of_stores(
    connection: Connection, org_id: str, policy: PolicySettings, at: datetime, least: int
) -> dict[str, Satisfaction]:
    """By store, where either time has at least so many answers (S4 #164)."""
    lately, before = _times(policy, at)
    query = (
        select(_CUSTOMER.store_id, *_points(lately, before))
        .join_from(
            RECORDS["callback"],
            RECORDS["customer"],
            and_(_CUSTOMER.org_id == _CALLBACK.org_id, _CUSTOMER.id == _CALLBACK.customer_id),
        )
        .where(_CALLBACK.org_id == org_id, _CUSTOMER.store_id.is_not(None))
        .group_by(_CUSTOMER.store_id)
        .having(
            func.count(_CALLBACK.satisfaction).filter(lately) >= least,
            func.count(_CALLBACK.satisfaction).filter(before) >= least,
        )
    )
    return {row.store_id: _satisfaction(row) for row in connection.execute(query)}


def _customers(org_id: str) -> Select[Any]:
    return select(
        _CUSTOMER.id,
        _CUSTOMER.tier,
        _CUSTOMER.store_id,
        _CUSTOMER.churn_signals.is_not(None).label("noted"),
    ).where(_CUSTOMER.org_id == org_id, _CUSTOMER.erased_at.is_(None))


def _known(
    connection: Connection,
    org_id: str,
    policy: PolicySettings,
    at: datetime,
    customers: Sequence[Row[Any]],
) -> list[Known]:
    ids = [one.id for one in customers]
    past_at = at - timedelta(days=policy.churn_days)
    bought = _orders(connection, org_id, policy, (at, past_at), ids)
    lately, before = _times(policy, at)
    query = (
        select(_CALLBACK.customer_id, *_points(lately, before))
        .where(
            _CALLBACK.org_id == org_id,
            _CALLBACK.satisfaction.is_not(None),
            among(connection, _CALLBACK.customer_id, ids),
        )
        .group_by(_CALLBACK.customer_id)
    )
    points = {row.customer_id: _satisfaction(row) for row in connection.execute(query)}
    return [
        Known(
            customer_id=one.id,
            tier=one.tier,
            store_id=one.store_id,
            noted=bool(one.noted),
            habit=_habit(bought.get(one.id), 0, at),
            past=_habit(bought.get(one.id), 1, past_at),
            satisfaction=points.get(one.id, Satisfaction()),
        )
        for one in customers
    ]


def _orders(
    connection: Connection,
    org_id: str,
    policy: PolicySettings,
    moments: Sequence[datetime],
    ids: Sequence[str],
) -> Mapping[str, Row[Any]]:
    """What a habit is made of at each of `moments`, numbered, from events that had happened by then
    (L8)."""
    placed = func.coalesce(_ORDER.state, "placed") != "cancelled"
    columns: list[ColumnElement[Any]] = []
    for number, at in enumerate(moments):
        known = _ORDER.ordered_at <= to_wire(at)
        half = to_wire(at - timedelta(days=policy.vip_half_year_days))
        period = to_wire(at - timedelta(days=policy.tier_period_days))
        columns += [
            func.count().filter(known, placed).label(f"orders_{number}"),
            func.count().filter(known, placed, _ORDER.ordered_at > half).label(f"half_{number}"),
            func.min(_ORDER.ordered_at).filter(known, placed).label(f"first_{number}"),
            func.max(_ORDER.ordered_at).filter(known, placed).label(f"last_{number}"),
            func.sum(_ORDER.total_cents)
            .filter(known, _ORDER.ordered_at > period)
            .label(f"spend_{number}"),
        ]
    query = (
        select(_ORDER.customer_id, *columns)
        .where(_ORDER.org_id == org_id, among(connection, _ORDER.customer_id, ids))
        .group_by(_ORDER.customer_id)
    )
    return {row.customer_id: row for row in connection.execute(query)}


def _habit(bought: Row[Any] | None, number: int, at: datetime) -> Habit | None:
    if bought is None or not (told := bought._mapping)[f"orders_{number}"]:
        return None
    return Habit(
        at=at,
        orders=told[f"orders_{number}"],
        half_orders=told[f"half_{number}"],
        first_at=from_wire(told[f"first_{number}"]),
        last_at=from_wire(told[f"last_{number}"]),
        spend_cents=int(told[f"spend_{number}"] or 0),
    )


def _times(policy: PolicySettings, at: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions for calls of the last half-year, and for those before it."""
    half, moment = timedelta(days=policy.vip_half_year_days), _CALLBACK.finished_at
    since = to_wire(at - half)
    return and_(moment > since, moment <= to_wire(at)), moment <= since


def _points(
    lately: ColumnElement[bool], before: ColumnElement[bool]
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    mean = func.avg(_CALLBACK.satisfaction)
    return mean.filter(lately).label("lately"), mean.filter(before).label("before")


def _satisfaction(row: Any) -> Satisfaction:
    """Of a row with the columns of `_points`."""
    return Satisfaction(
        lately=None if row.lately is None else float(row.lately),
        before=None if row.before is None else float(row.before),
    )


__all__ = ["PAGE", "Known", "everyone", "of", "satisfaction_of_stores"]
