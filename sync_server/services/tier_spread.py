"""How customers are spread over the levels that hold, and how much of the money the best of them
bring: for a whole organisation, or for one store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from shared.clock import to_wire
from shared.policy import PolicySettings
from shared.suppression import published
from shared.tiers import FIELD_OF, NO, YES, industry_class
from sync_server.db.records import RECORDS

_CUSTOMER, _ORDER = RECORDS["customer"].c, RECORDS["order"].c
TOP = 5
"""The top fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Orders that were placed (credits apart) in a time: buyers, orders, cents, and what the
    `TOP`th part of the buyers brought of them, by amount."""

    buyers: int
    orders: int
    cents: int
    top_buyers: int
    top_cents: int

    @property
    def top_permille(self) -> int:
        """Of a thousand cents so many; 746 is 74.6 %."""
        return round(self.top_cents * 1000 / self.cents) if self.cents else 0


def money(
    connection: Connection,
    org_id: str,
    since: datetime,
    until: datetime,
    store_id: str | None = None,
) -> Money:
    """What was bought after `since`, up to `until`."""
    source: Any = RECORDS["order"]
    where = [
        _ORDER.org_id == org_id,
        _ORDER.ordered_at > to_wire(since),
        _ORDER.ordered_at <= to_wire(until),
        func.coalesce(_ORDER.state, "placed") != "cancelled",
    ]
    if store_id is not None:
        source = source.join(
            RECORDS["customer"],
            and_(_CUSTOMER.org_id == _ORDER.org_id, _CUSTOMER.id == _ORDER.customer_id),
        )
        where.append(_CUSTOMER.store_id == store_id)
    spent = func.sum(_ORDER.total_cents)
    each = (
        select(
            spent.label("cents"),
            func.count().label("orders"),
            func.row_number().over(order_by=(spent.desc(), _ORDER.customer_id)).label("place"),
            func.count().over().label("buyers"),
        )
        .select_from(source)
        .where(*where)
        .group_by(_ORDER.customer_id)
        .subquery()
    )
    best = each.c.place * TOP <= each.c.buyers
    row = connection.execute(
        select(
            func.count(),
            func.sum(each.c.orders),
            func.sum(each.c.cents),
            func.sum(case((best, 1), else_=0)),
            func.sum(case((best, each.c.cents), else_=0)),
        )
    ).one()
    buyers, orders, cents, top_buyers, top_cents = (int(one or 0) for one in row)
    return Money(
        buyers=buyers, orders=orders, cents=cents, top_buyers=top_buyers, top_cents=top_cents
    )


def levels(
    connection: Connection, org_id: str, store_id: str | None = None
) -> Mapping[str, Mapping[str | None, int]]:
    """How many customers hold each level, by axis, the most frequent first; None: none yet."""
    found: dict[str, Mapping[str | None, int]] = {}
    for axis, name in FIELD_OF.items():
        column = _CUSTOMER[name]
        query = select(column, func.count()).where(
            _CUSTOMER.org_id == org_id, _CUSTOMER.erased_at.is_(None)
        )
        if store_id is not None:
            query = query.where(_CUSTOMER.store_id == store_id)
        counts: Counter[str | None] = Counter()
        for word, count in connection.execute(query.group_by(column)):
            counts[(YES if word else NO) if axis == "vip" else word] += count
        found[axis] = dict(counts.most_common())
    return found


def industries(
    connection: Connection, org_id: str, policy: PolicySettings, store_id: str | None = None
) -> Mapping[str | None, int | None]:
    """How many customers are in each class of industry (S4 #154), the most frequent first. Of a
    store, exact; of all stores (None), a number from which few people could be worked out is None.
    """
    query = select(_CUSTOMER.industry, func.count()).where(
        _CUSTOMER.org_id == org_id, _CUSTOMER.erased_at.is_(None)
    )
    if store_id is not None:
        query = query.where(_CUSTOMER.store_id == store_id)
    counts: Counter[str | None] = Counter()
    for said, count in connection.execute(query.group_by(_CUSTOMER.industry)):
        counts[industry_class(said, policy)] += count
    if store_id is not None:
        return dict(counts.most_common())
    shown = published({(word or "",): count for word, count in counts.items()})
    return {word: shown.get((word or "",)) for word, _ in counts.most_common()}


__all__ = ["TOP", "Money", "industries", "levels", "money"]
