"""What the rules of the tiers know of each customer: sums and counts that the database makes of
orders, complaints and recommendations, a page of customers at a time (`shared.tiers.Facts`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from shared.clock import from_wire, to_wire
from shared.policy import PolicySettings
from shared.tiers import FIELD_OF, NO, YES, Facts
from sync_server.db.among import among
from sync_server.db.records import RECORDS

_CUSTOMER, _ORDER, _CASE, _SCORE, _CALLBACK = (
    RECORDS[name].c for name in ("customer", "order", "case", "churn_score", "callback")
)
_SHOWN = (
    "id", "store_id", "owner_id", "tier", "need_kind", "loyalty", "lifecycle", "area", "vip",
    "city", "forecast_12m_cents", "new_product_interest", "gave_advice", "spend_12m_cents",
    "orders_12m",
)  # fmt: skip
PAGE = 2000
"""Customers looked at in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A customer as they are kept, and the facts. `counted`: orders are known one by one, so that
    the sums are ours, not another system's."""

    customer: Row[Any]
    facts: Facts
    counted: bool

    def level(self, axis: str) -> str | None:
        """The level that holds now."""
        now = getattr(self.customer, FIELD_OF[axis])
        return (YES if now else NO) if axis == "vip" else now


def everyone(
    connection: Connection, org_id: str, policy: PolicySettings, at: datetime
) -> Iterator[list[Standing]]:
    """All customers that were known at `at` and were not erased, page by page in order of id."""
    last = ""
    while True:
        query = (
            _customers(org_id)
            .where(_CUSTOMER.id > last, _CUSTOMER.created_at <= to_wire(at))
            .order_by(_CUSTOMER.id)
            .limit(PAGE)
        )
        found = connection.execute(query).all()
        if not found:
            return
        yield _standings(connection, org_id, policy, at, found)
        last = found[-1].id


def of(
    connection: Connection,
    org_id: str,
    policy: PolicySettings,
    at: datetime,
    customer_ids: Sequence[str],
) -> list[Standing]:
    """These customers, without those that were erased or are not there."""
    query = _customers(org_id).where(among(connection, _CUSTOMER.id, customer_ids))
    found = connection.execute(query).all()
    return _standings(connection, org_id, policy, at, found) if found else []


def _customers(org_id: str) -> Any:
    return (
        select(
            *(_CUSTOMER[name] for name in _SHOWN),
            _CUSTOMER.churn_signals.is_not(None).label("signals"),
            _SCORE.return_percent,
            _SCORE.fallen_percent,
        )
        .outerjoin_from(
            RECORDS["customer"],
            RECORDS["churn_score"],
            and_(_SCORE.org_id == _CUSTOMER.org_id, _SCORE.customer_id == _CUSTOMER.id),
        )
        .where(_CUSTOMER.org_id == org_id, _CUSTOMER.erased_at.is_(None))
    )


def _standings(
    connection: Connection,
    org_id: str,
    policy: PolicySettings,
    at: datetime,
    customers: Sequence[Row[Any]],
) -> list[Standing]:
    ids = [one.id for one in customers]
    bought = _orders(connection, org_id, policy, at, ids)
    since, until = to_wire(at - timedelta(days=policy.tier_period_days)), to_wire(at)
    complaints = _counted(
        connection, _CASE.customer_id, _CASE.opened_at, ids,
        _CASE.org_id == org_id, _CASE.kind == "complaint",
        _CASE.opened_at > since, _CASE.opened_at <= until,
    )  # fmt: skip
    referrals = _counted(
        connection, _CUSTOMER.referred_by_id, _CUSTOMER.created_at, ids,
        _CUSTOMER.org_id == org_id, _CUSTOMER.created_at > since, _CUSTOMER.created_at <= until,
    )  # fmt: skip
    told = _points(connection, org_id, since, until, ids)
    return [
        Standing(
            customer=one,
            facts=_facts(
                one,
                bought.get(one.id),
                complaints.get(one.id),
                referrals.get(one.id),
                told.get(one.id),
                policy,
                at,
            ),
            counted=one.id in bought,
        )
        for one in customers
    ]


def _orders(
    connection: Connection, org_id: str, policy: PolicySettings, at: datetime, ids: Sequence[str]
) -> Mapping[str, Row[Any]]:
    period = timedelta(days=policy.tier_period_days)
    until, since = to_wire(at), to_wire(at - period)
    earlier = to_wire(at - 2 * period)
    half = to_wire(at - timedelta(days=policy.vip_half_year_days))
    placed = func.coalesce(_ORDER.state, "placed") != "cancelled"
    moment = _ORDER.ordered_at
    known, within = moment <= until, and_(moment > since, moment <= until)
    before = and_(moment > earlier, moment <= since)
    recent = and_(moment > half, moment <= until)
    columns: Mapping[str, ColumnElement[Any]] = {
        "spend": func.sum(_ORDER.total_cents).filter(within),
        "orders": func.count().filter(within, placed),
        "before": func.sum(_ORDER.total_cents).filter(before),
        "profit": func.sum(_ORDER.profit_cents).filter(within),
        "largest": func.max(_ORDER.total_cents).filter(within, placed),
        "half": func.count().filter(recent, placed),
        "all_orders": func.count().filter(known, placed),
        "first": func.min(moment).filter(known, placed),
        "last": func.max(moment).filter(known, placed),
        "oldest": func.min(moment).filter(within),
        "oldest_half": func.min(moment).filter(recent),
        "oldest_before": func.min(moment).filter(before),
        "coming": func.min(moment).filter(moment > until),
    }
    query = (
        select(_ORDER.customer_id, *(made.label(name) for name, made in columns.items()))
        .where(_ORDER.org_id == org_id, among(connection, _ORDER.customer_id, ids))
        .group_by(_ORDER.customer_id)
    )
    return {row.customer_id: row for row in connection.execute(query)}


def _counted(
    connection: Connection, whose: Any, moment: Any, ids: Sequence[str], *where: ColumnElement[bool]
) -> Mapping[str, tuple[int, str]]:
    """(how many, the earliest) by customer."""
    query = (
        select(whose, func.count(), func.min(moment))
        .where(*where, among(connection, whose, ids))
        .group_by(whose)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _points(
    connection: Connection, org_id: str, since: str, until: str, ids: Sequence[str]
) -> Mapping[str, tuple[float, str]]:
    """(mean, the earliest) of what each customer gave in calls about their cases (S1 #49)."""
    whose, moment = _CALLBACK.customer_id, _CALLBACK.finished_at
    query = (
        select(whose, func.avg(_CALLBACK.satisfaction), func.min(moment))
        .where(
            _CALLBACK.org_id == org_id, _CALLBACK.satisfaction.is_not(None),
            moment > since, moment <= until, among(connection, whose, ids),
        )
        .group_by(whose)
    )  # fmt: skip
    return {row[0]: (float(row[1]), row[2]) for row in connection.execute(query)}


def _facts(
    customer: Row[Any],
    bought: Row[Any] | None,
    complaints: tuple[int, str] | None,
    referrals: tuple[int, str] | None,
    points: tuple[float, str] | None,
    policy: PolicySettings,
    at: datetime,
) -> Facts:
    told: dict[str, Any] = {
        "at": at,
        "forecast_cents": customer.forecast_12m_cents,
        "wants_new": bool(customer.new_product_interest),
        "advised": bool(customer.gave_advice),
        "signals": bool(customer.signals),
        "return_percent": customer.return_percent,
        "fallen_percent": customer.fallen_percent,
        "city": customer.city or "",
        "complaints": complaints[0] if complaints else 0,
        "referrals": referrals[0] if referrals else 0,
        "satisfaction": points[0] if points else None,
    }
    period = timedelta(days=policy.tier_period_days)
    leaving = [from_wire(seen[1]) + period for seen in (complaints, referrals, points) if seen]
    if bought is None:  # figures of another system, or none
        told |= {
            "spend_cents": customer.spend_12m_cents or 0,
            "orders": customer.orders_12m or 0,
            "all_orders": customer.orders_12m or 0,
        }
        return Facts(**told, turns_at=min(leaving, default=None))
    half = timedelta(days=policy.vip_half_year_days)
    for oldest, stays in (
        (bought.oldest, period),
        (bought.oldest_half, half),
        (bought.oldest_before, 2 * period),
        (bought.coming, timedelta(0)),
    ):
        if oldest:
            leaving.append(from_wire(oldest) + stays)
    return Facts(
        **told,
        spend_cents=int(bought.spend or 0),
        orders=bought.orders,
        before_cents=None if bought.before is None else int(bought.before),
        profit_cents=None if bought.profit is None else int(bought.profit),
        largest_cents=int(bought.largest or 0),
        half_orders=bought.half,
        all_orders=bought.all_orders,
        first_at=from_wire(bought.first) if bought.first else None,
        last_at=from_wire(bought.last) if bought.last else None,
        turns_at=min(leaving, default=None),
    )


__all__ = ["PAGE", "Standing", "everyone", "of"]
