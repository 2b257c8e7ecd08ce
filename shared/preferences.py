"""What a customer likes to buy, when, and how much at a time, counted from their orders (S2 #101).

Cancelled orders and credits are left out. What is called usual comes half as often again as chance
would have it, of `LEAST_ORDERS` at least: of five orders on five days no weekday is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low
from zoneinfo import ZoneInfo

LEAST_ORDERS = 3
MOST_PRODUCTS = 5
PARTS = ("morning", "afternoon", "evening")
"""Of a day: until noon, until 18 o'clock, after."""
_NOON, _EVENING = 12, 18
_CLEARLY = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """An order that counts."""

    id: str
    at: datetime
    cents: int | None
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an order: how many of which product."""

    order_id: str
    code: str
    description: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Liked:
    """A product and in how many orders it was."""

    code: str
    description: str
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Something of a calendar that stands out (0 is Monday, 1 is January) and for how many
    orders."""

    value: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """All that is told, with what it was counted from. `basket_cents` is the order in the middle
    (of the currency that most orders have), `basket_lines` the number of products in the middle
    one."""

    orders: int
    since: datetime
    until: datetime
    products: Sequence[Liked]
    weekday: Usual | None
    part: Usual | None
    month: Usual | None
    basket_cents: int | None
    currency: str | None
    basket_lines: int | None


def preferences(sales: Iterable[Sale], lines: Iterable[Line], zone: ZoneInfo) -> Preferences | None:
    """None where too few orders say anything."""
    known = {one.id: one for one in sales}
    if len(known) < LEAST_ORDERS:
        return None
    bought = [one for one in lines if one.order_id in known and one.quantity > 0]
    local = [one.at.astimezone(zone) for one in known.values()]
    currency = Counter(one.currency for one in known.values()).most_common(1)[0][0]
    amounts = [
        one.cents for one in known.values() if one.cents is not None and one.currency == currency
    ]
    sizes = Counter(order for order, _ in {(one.order_id, one.code) for one in bought})
    return Preferences(
        orders=len(known),
        since=min(one.at for one in known.values()),
        until=max(one.at for one in known.values()),
        products=_liked(bought),
        weekday=_usual(Counter(at.weekday() for at in local), 7),
        part=_usual(Counter(_part(at.hour) for at in local), len(PARTS)),
        month=_usual(Counter(at.month for at in local), 12),
        basket_cents=median_low(amounts) if amounts else None,
        currency=currency,
        basket_lines=median_low(sizes.values()) if sizes else None,
    )


def _liked(bought: Iterable[Line]) -> Sequence[Liked]:
    names: dict[str, str] = {}
    orders: dict[str, set[str]] = {}
    for one in bought:
        names[one.code] = one.description or one.code
        orders.setdefault(one.code, set()).add(one.order_id)
    often = sorted(orders, key=lambda code: (-len(orders[code]), code))
    return tuple(
        Liked(code=code, description=names[code], orders=len(orders[code]))
        for code in often[:MOST_PRODUCTS]
        if len(orders[code]) > 1
    )


def _part(hour: int) -> int:
    return 0 if hour < _NOON else 1 if hour < _EVENING else 2


def _usual(counts: Mapping[int, int], of: int) -> Usual | None:
    """The most frequent, if it stands out: among `of` that are equally likely by chance."""
    value, orders = min(counts.items(), key=lambda one: (-one[1], one[0]))
    whole = sum(counts.values())
    clear = orders >= LEAST_ORDERS and orders * of >= _CLEARLY * whole
    return Usual(value=value, orders=orders) if clear else None


__all__ = [
    "LEAST_ORDERS", "PARTS", "Liked", "Line", "Preferences", "Sale", "Usual", "preferences",
]  # fmt: skip
