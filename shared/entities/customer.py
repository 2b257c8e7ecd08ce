"""Customers: who they are, what they need, and how to reach them (S0 #1–#8, S1 #44–#48, S2 #98)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    Role,
    boolean,
    choice,
    day,
    entity,
    instant,
    integer,
    money,
    reference,
    text,
)
from shared.states import TIERS

LOYALTIES = ("loyal", "general", "churn_risk")
NEEDS = ("custom", "standard", "latent")
LIFECYCLE = ("new", "active", "dormant", "lost")
AREAS = ("first", "second", "third", "rural")


@entity(
    "customer",
    customer="id",
    creators={Role.ACCOUNT_MANAGER, Role.STORE_MANAGER, Role.CALLBACK_AGENT},
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(Record):
    """One customer: a person, a company or another body, actual or potential (S1 #44)."""

    name: str = text(120, required=True, personal=Personal.NAME, case=True, search=True)
    company: str | None = text(120, personal=Personal.NAME, case=True, search=True)
    kind: str | None = choice("person", "company", "other", case=True)
    stage: str | None = choice("actual", "potential")
    phone: str | None = text(40, personal=Personal.PHONE, case=True, search=True)
    email: str | None = text(120, personal=Personal.EMAIL)
    address: str | None = text(200, personal=Personal.ADDRESS, case=True)
    city: str | None = text(80, case=True, search=True)
    industry: str | None = text(80)
    size: str | None = choice("micro", "small", "medium", "large")
    source: str | None = text(80)
    referred: bool | None = boolean()  # another customer sent them (S0 #32, S2 #77)
    decision_chain: str | None = text(1000, personal=Personal.TEXT)
    gender: str | None = choice("female", "male", "other", personal=Personal.TEXT)
    birthday: Any = day(personal=Personal.TEXT)
    needs: str | None = text(4000, personal=Personal.TEXT)
    need_kind: str | None = choice(*NEEDS)
    contact_preference: str | None = choice("phone", "wechat", "email", "on_site")
    service_preferences: str | None = text(2000, personal=Personal.TEXT, case=True)
    profile: str | None = text(4000, personal=Personal.TEXT)
    # How they buy and use, and what moves them (S0 #8): the behavioural and the psychological part
    # of the profile.
    buys_through: str | None = choice(
        "store", "phone", "online", "visit", "tender", personal=Personal.TEXT
    )
    usage_habits: str | None = text(1000, personal=Personal.TEXT)
    price_sense: str | None = choice("price", "balanced", "quality", personal=Personal.TEXT)
    decides_by: str | None = choice(
        "price", "quality", "service", "brand", "relationship", personal=Personal.TEXT
    )
    openness: str | None = choice("early", "when_proven", "late", personal=Personal.TEXT)
    concerns: str | None = text(1000, personal=Personal.TEXT)
    churn_signals: str | None = text(1000, personal=Personal.TEXT)
    loyalty: str | None = choice(*LOYALTIES, writers=SERVER_ONLY)
    lifecycle: str | None = choice(*LIFECYCLE, writers=SERVER_ONLY)
    # Of the city (S4 #158).
    area: str | None = choice(*AREAS)
    # What may make a VIP beside purchases (S2 #76, #77).
    forecast_12m_cents: int | None = money()
    new_product_interest: bool | None = boolean()
    gave_advice: bool | None = boolean()
    referred_by_id: str | None = reference("customer")
    tier: str | None = choice(*TIERS, writers={Role.STORE_MANAGER}, case=True)
    vip: bool | None = boolean(writers={Role.STORE_MANAGER}, case=True)
    # The callback agent of their own (S2 #85).
    agent_id: str | None = reference("staff", writers={Role.STORE_MANAGER})
    # Verified monthly (S0 #5) and reviewed quarterly (S0 #6): the later look stands.
    contact_verified_at: Any = instant(merge=Merge.MAX)
    needs_reviewed_at: Any = instant(merge=Merge.MAX)
    store_id: str | None = reference("store", writers=SERVER_ONLY, case=True)
    owner_id: str | None = reference("staff", writers=SERVER_ONLY)
    spend_12m_cents: int | None = money(writers=SERVER_ONLY)
    orders_12m: int | None = integer(0, 10**9, writers=SERVER_ONLY)
    currency: str | None = text(3, writers=SERVER_ONLY)
    origin_ref: str | None = text(80, writers=SERVER_ONLY, search=True)
    # Set once, when everything personal about this customer was erased (S2 #103).
    erased_at: Any = instant(writers=SERVER_ONLY, case=True)


@entity(
    "contact",
    customer="customer_id",
    creators={Role.ACCOUNT_MANAGER, Role.STORE_MANAGER, Role.CALLBACK_AGENT},
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Record):
    """A person at a customer. Only what a visit needs goes into a case's scope (design §4)."""

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    name: str = text(80, required=True, personal=Personal.NAME, case=True, search=True)
    position: str | None = text(80, case=True)
    phone: str | None = text(40, personal=Personal.PHONE, case=True, search=True)
    email: str | None = text(120, personal=Personal.EMAIL)
    preferred_channel: str | None = choice("phone", "wechat", "email", "on_site", case=True)
    decides: bool | None = boolean()
    primary: bool | None = boolean(case=True)
    note: str | None = text(1000, personal=Personal.TEXT)
    verified_at: Any = instant(merge=Merge.MAX)


__all__ = ["AREAS", "LIFECYCLE", "LOYALTIES", "NEEDS", "TIERS", "Contact", "Customer"]
