"""Service cases and every step they took (S2 #89–#95, S4 #165–#167, #176, #179)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    Role,
    choice,
    entity,
    instant,
    integer,
    many,
    reference,
    text,
)
from shared.states import CASE_STATES, WAITING_FOR

LIABLE = ("product", "service", "logistics", "customer", "third_party", "nobody")
"""Who or what a complaint is about, once it was looked into (S0 #19, S4 #179)."""


@entity(
    "case",
    customer="customer_id",
    case="id",
    at="appointment_at",
    creators={
        Role.ACCOUNT_MANAGER,
        Role.CALLBACK_AGENT,
        Role.STORE_MANAGER,
        Role.TECHNICIAN,
    },
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Record):
    """A repair, complaint, return, exchange or enquiry (S4 #165), from its opening to its close."""

    number: str = text(40, required=True, merge=Merge.IMMUTABLE, case=True, search=True)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    contact_id: str | None = reference("contact", case=True)
    asset_id: str | None = reference("asset", case=True)
    store_id: str | None = reference("store", writers=SERVER_ONLY, case=True)
    kind: str = choice(
        "repair", "complaint", "return", "exchange", "enquiry", required=True, case=True
    )
    title: str = text(160, required=True, personal=Personal.TEXT, case=True)
    description: str | None = text(4000, personal=Personal.TEXT, case=True)
    place: str | None = text(200, personal=Personal.ADDRESS, case=True)
    impact: str | None = text(1000, personal=Personal.TEXT, case=True)
    priority: str | None = choice("critical", "high", "moderate", "low", case=True)
    category: str | None = text(80, case=True)
    subcategory: str | None = text(80, case=True)
    channel: str | None = choice("phone", "chat", "email", "app", "on_site", "other", case=True)
    state: str = choice(*CASE_STATES, required=True, merge=Merge.STATE, case=True)
    waiting_for: str | None = choice(*WAITING_FOR, case=True)
    assignee_id: str | None = reference("staff", writers={Role.STORE_MANAGER}, case=True)
    opened_at: Any = instant(required=True, merge=Merge.IMMUTABLE, case=True)
    appointment_at: Any = instant(case=True)
    responded_at: Any = instant(case=True)
    resolved_at: Any = instant(case=True)
    closed_at: Any = instant(case=True)
    reopened: int | None = integer(0, 1000, merge=Merge.MAX, case=True)
    # As the system of its origin counted; otherwise its events say.
    reassigned: int | None = integer(0, 1000, merge=Merge.MAX, writers=SERVER_ONLY, case=True)
    photo_ids: tuple[str, ...] = many(reference("file"), 40, merge=Merge.APPEND, case=True)
    # A complaint: when it happened, what was found, who answers for it, what is done, what we
    # learned (S2 #89, #113–#115; S4 #179). Its course stands in `description`.
    occurred_at: Any = instant(case=True)
    findings: str | None = text(2000, personal=Personal.TEXT, case=True)
    liability: str | None = choice(*LIABLE, case=True)
    liable_party: str | None = text(160, personal=Personal.TEXT, case=True)
    plan: str | None = text(2000, personal=Personal.TEXT, case=True)
    lesson: str | None = text(2000, personal=Personal.TEXT, case=True)
    origin_ref: str | None = text(80, writers=SERVER_ONLY, search=True)


@entity(
    "case_event",
    customer="customer_id",
    case="case_id",
    at="happened_at",
    creators={
        Role.ACCOUNT_MANAGER,
        Role.CALLBACK_AGENT,
        Role.STORE_MANAGER,
        Role.TECHNICIAN,
    },
)
@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent(Record):
    """One step of a case. Service clocks are computed from these, never from arrival times (L8)."""

    case_id: str = reference("case", required=True, merge=Merge.IMMUTABLE, case=True)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    kind: str = choice(
        "moved", "assigned", "noted", "informed", required=True, merge=Merge.IMMUTABLE, case=True
    )
    happened_at: Any = instant(required=True, merge=Merge.IMMUTABLE, case=True)
    from_state: str | None = choice(*CASE_STATES, merge=Merge.IMMUTABLE, case=True)
    to_state: str | None = choice(*CASE_STATES, merge=Merge.IMMUTABLE, case=True)
    waiting_for: str | None = choice(*WAITING_FOR, merge=Merge.IMMUTABLE, case=True)
    staff_id: str | None = reference("staff", merge=Merge.IMMUTABLE, case=True)
    note: str | None = text(2000, merge=Merge.IMMUTABLE, personal=Personal.TEXT, case=True)


__all__ = ["LIABLE", "Case", "CaseEvent"]
