"""What a customer bought: orders and their lines, and the assets that now stand with them (S0
#3, S2 #99)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    FIELD_ROLES,
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    Role,
    choice,
    day,
    entity,
    instant,
    integer,
    money,
    reference,
    text,
)


@entity("order", customer="customer_id", at="ordered_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Record):
    """One invoice. Read-only in the field."""

    customer_id: str = reference("customer", required=True, writers=SERVER_ONLY)
    number: str = text(40, required=True, writers=SERVER_ONLY, search=True)
    ordered_at: Any = instant(required=True, writers=SERVER_ONLY)
    state: str | None = choice("placed", "cancelled", writers=SERVER_ONLY)
    total_cents: int | None = money(writers=SERVER_ONLY)
    # Where the business system tells it.
    profit_cents: int | None = money(writers=SERVER_ONLY)
    currency: str | None = text(3, writers=SERVER_ONLY)
    lines: int | None = integer(0, 100_000, writers=SERVER_ONLY)


@entity("order_line", customer="customer_id")
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine(Record):
    """One line of an invoice."""

    customer_id: str = reference("customer", required=True, writers=SERVER_ONLY)
    order_id: str = reference("order", required=True, writers=SERVER_ONLY)
    code: str = text(40, required=True, writers=SERVER_ONLY)
    description: str | None = text(200, writers=SERVER_ONLY)
    quantity: int | None = integer(-(10**9), 10**9, writers=SERVER_ONLY)
    unit_price_cents: int | None = money(writers=SERVER_ONLY)
    currency: str | None = text(3, writers=SERVER_ONLY)


@entity(
    "asset",
    customer="customer_id",
    at="bought_at",
    creators={Role.ACCOUNT_MANAGER, Role.TECHNICIAN, Role.STORE_MANAGER},
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Asset(Record):
    """A thing the customer owns and we may be called to (S2 #99)."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    product: str = text(120, required=True, case=True, search=True)
    model: str | None = text(80, case=True, search=True)
    serial: str | None = text(80, case=True, search=True)
    bought_at: Any = day(case=True)
    price_cents: int | None = money(writers=FIELD_ROLES)
    currency: str | None = text(3)
    warranty_until: Any = day(case=True)
    location: str | None = text(120, personal=Personal.TEXT, case=True)
    # A service package: what it is called, what is in it, until when (S2 #87, S4 #161).
    package: str | None = text(120, case=True)
    package_terms: str | None = text(1000, personal=Personal.TEXT, case=True)
    package_until: Any = day(case=True)


__all__ = ["Asset", "Order", "OrderLine"]
