"""A store's month in figures (S3 #145): its figures, membership, spend, cases, products and people.
Counts and sums only: no customer is named in it (S3 #150)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from shared.clock import to_wire
from shared.entities.customer import TIERS
from shared.periods import Period
from shared.policy import HeldPolicy
from sync_server.db.figures import FIGURE_CASE, FIGURE_CUSTOMER, FIGURE_MONTH
from sync_server.db.records import RECORDS
from sync_server.services.figures import WHOLE, Value, parts_of, policy_for, values_of
from sync_server.services.rankings import Standing, names, staff_graded, store_names

MOST_PRODUCTS = 10
_FACT, _CUSTOMER, _MONTH = FIGURE_CASE.c, FIGURE_CUSTOMER.c, FIGURE_MONTH.c
_RECORD, _ORDER, _LINE = RECORDS["customer"].c, RECORDS["order"].c, RECORDS["order_line"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Orders that stand and cents with credits taken off: of the period, of the one before it, and
    of the twelve months to its end. `buyers`: customers who bought in the period."""

    orders: int
    cents: int
    cents_before: int
    cents_year: int
    buyers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """Cases of one priority that were resolved in a period, and the median hours they took."""

    priority: str
    resolved: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """All of it. `before` are the figures of the period before; `kinds` maps kinds of cases to
    (opened, resolved); `products` are (description, pieces, cents), the most money first; `people`
    their names by id."""

    store: str
    period: Period
    made_at: datetime
    currency: str
    timezone: str
    held: HeldPolicy
    values: dict[str, Value]
    before: dict[str, Value]
    customers: int
    new_customers: int
    tiers: dict[str, int]
    spend: Spend
    kinds: dict[str, tuple[int, int]]
    priorities: Sequence[Priority]
    products: Sequence[tuple[str, int, int]]
    ranking: Sequence[Standing]
    people: dict[str, str]


def store_report(
    connection: Connection, org_id: str, store: str, period: Period, now: datetime
) -> StoreReport:
    """The report of a period, from the facts as they stand."""
    held = policy_for(connection, org_id, period, now)
    parts = parts_of(connection, org_id, period, store=store).get(WHOLE, {})
    earlier = parts_of(connection, org_id, period.before(), store=store).get(WHOLE, {})
    company = RECORDS["organisation"].c
    place = connection.execute(
        select(company.currency, company.timezone).where(company.org_id == org_id)
    ).one()
    return StoreReport(
        store=store_names(connection, org_id).get(store, ""),
        period=period,
        made_at=now,
        currency=place.currency,
        timezone=place.timezone or "UTC",
        held=held,
        values=values_of(parts, held.settings),
        before=values_of(earlier, held.settings),
        customers=parts.get("customers", 0),
        new_customers=_new(connection, org_id, store, period),
        tiers=_tiers(connection, org_id, store),
        spend=_spend(connection, org_id, store, period),
        kinds=_kinds(connection, org_id, store, period),
        priorities=resolved_by_priority(connection, org_id, period, store),
        products=_products(connection, org_id, store, period, ZoneInfo(place.timezone)),
        ranking=staff_graded(connection, org_id, store, period, held.settings),
        people=names(connection, org_id),
    )


def _new(connection: Connection, org_id: str, store: str, period: Period) -> int:
    return (
        connection.scalar(
            select(func.count()).where(
                _CUSTOMER.org_id == org_id,
                _CUSTOMER.store_id == store,
                _CUSTOMER.since_day.between(*_days(period)),
            )
        )
        or 0
    )


def _tiers(connection: Connection, org_id: str, store: str) -> dict[str, int]:
    """Customers by the tier that holds now."""
    query = (
        select(_RECORD.tier, func.count())
        .where(_RECORD.org_id == org_id, _RECORD.store_id == store)
        .group_by(_RECORD.tier)
    )
    counted = {tier: count for tier, count in connection.execute(query)}
    return {tier: counted.get(tier, 0) for tier in TIERS}


def _spend(connection: Connection, org_id: str, store: str, period: Period) -> Spend:
    def total(column: ColumnElement[int], first: int, last: int) -> ColumnElement[int]:
        return func.sum(case((_MONTH.month.between(first, last), column), else_=0))

    begin, end = period.first_month, period.last_month
    bought = _MONTH.month.between(begin, end) & (_MONTH.orders > 0)
    row = connection.execute(
        select(
            total(_MONTH.orders, begin, end),
            total(_MONTH.cents, begin, end),
            total(_MONTH.cents, period.before().first_month, begin - 1),
            total(_MONTH.cents, end - 11, end),
            func.count(case((bought, _MONTH.customer_id)).distinct()),
        ).where(
            _MONTH.org_id == org_id,
            _MONTH.store_id == store,
            _MONTH.month.between(min(end - 11, period.before().first_month), end),
        )
    ).one()
    counts = [int(value or 0) for value in row]
    return Spend(
        orders=counts[0],
        cents=counts[1],
        cents_before=counts[2],
        cents_year=counts[3],
        buyers=counts[4],
    )


def _kinds(
    connection: Connection, org_id: str, store: str, period: Period
) -> dict[str, tuple[int, int]]:
    solved = func.sum(case((_FACT.resolved_day.is_not(None), 1), else_=0))
    query = (
        select(_FACT.kind, func.count(), solved)
        .where(
            _FACT.org_id == org_id,
            _FACT.store_id == store,
            _FACT.state != "cancelled",
            _FACT.opened_day.between(*_days(period)),
        )
        .group_by(_FACT.kind)
        .order_by(_FACT.kind)
    )
    return {kind: (opened, int(done or 0)) for kind, opened, done in connection.execute(query)}


def resolved_by_priority(
    connection: Connection, org_id: str, period: Period | None = None, store: str | None = None
) -> list[Priority]:
    """By priority: how many cases were resolved (in a period, in a store), and the median hours
    from opening to the resolution that stands."""
    where = [_FACT.org_id == org_id, _FACT.resolve_seconds.is_not(None)]
    if period is not None:
        where.append(_FACT.resolved_day.between(*_days(period)))
    if store is not None:
        where.append(_FACT.store_id == store)
    spans: dict[str, list[int]] = {}
    rows = connection.execute(select(_FACT.priority, _FACT.resolve_seconds).where(*where))
    for priority, seconds in rows:
        spans.setdefault(priority, []).append(seconds)
    return [
        Priority(priority=priority, resolved=len(taken), hours=median(taken) / 3600)
        for priority, taken in sorted(spans.items(), key=lambda one: _order(one[0]))
    ]


def _order(priority: str) -> int:
    words = ("critical", "high", "moderate", "low")
    return words.index(priority) if priority in words else len(words)


def _products(
    connection: Connection, org_id: str, store: str, period: Period, zone: ZoneInfo
) -> list[tuple[str, int, int]]:
    """What sold best in the period (S3 #133)."""
    first, after = (
        to_wire(datetime.combine(day, datetime.min.time(), zone))
        for day in (period.first_day, period.before(-1).first_day)
    )
    buyers = select(_MONTH.customer_id).where(
        _MONTH.org_id == org_id,
        _MONTH.store_id == store,
        _MONTH.month.between(period.first_month, period.last_month),
    )
    money = func.sum(_LINE.quantity * _LINE.unit_price_cents)
    query = (
        select(
            func.coalesce(func.max(_LINE.description), _LINE.code), func.sum(_LINE.quantity), money
        )
        .select_from(RECORDS["order"])
        .join(
            RECORDS["order_line"],
            and_(
                _LINE.org_id == _ORDER.org_id,
                _LINE.customer_id == _ORDER.customer_id,
                _LINE.order_id == _ORDER.id,
            ),
        )
        .where(
            _ORDER.org_id == org_id,
            _ORDER.customer_id.in_(buyers),
            _ORDER.ordered_at >= first,
            _ORDER.ordered_at < after,
        )
        .group_by(_LINE.code)
        .order_by(money.desc().nulls_last(), _LINE.code)
        .limit(MOST_PRODUCTS)
    )
    return [(name, int(n or 0), int(cents or 0)) for name, n, cents in connection.execute(query)]


def _days(period: Period) -> tuple[str, str]:
    return period.first_day.isoformat(), period.last_day.isoformat()


__all__ = ["Priority", "Spend", "StoreReport", "resolved_by_priority", "store_report"]
