"""Customers who may leave: how likely they are to come back, and the plan to keep them (S1 #47,
#48, #65)."""

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
from shared.entities.tiering import Reason
from shared.states import PLAN_STATES

CAUSES = ("price", "quality", "service", "competitor", "relationship", "no_need", "unknown")
OUTCOMES = ("stayed", "uncertain", "left")
_KEEPERS = {Role.ACCOUNT_MANAGER, Role.STORE_MANAGER}
_DECIDERS = {Role.STORE_MANAGER}


@entity("churn_score", customer="customer_id", at="scored_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class ChurnScore(Record):
    """What the figures say of one customer, and which signs (`shared.churn.SIGNS`) there are.

    `return_percent` is the chance of an order within `within_days` after `scored_at`, None where
    the organisation's past is too short to tell, and `fitted_at` when its model was learned;
    `fallen_percent` by how much the last half-year's orders fall short of what the time before it
    let expect. Written anew when it moved by some points, so that the silence on a screen is
    counted from `last_order_at`.
    """

    customer_id: str = reference("customer", required=True, writers=SERVER_ONLY)
    return_percent: int | None = integer(0, 100, writers=SERVER_ONLY)
    fallen_percent: int | None = integer(-(10**9), 100, writers=SERVER_ONLY)
    within_days: int | None = integer(1, 1096, writers=SERVER_ONLY)
    order_count: int | None = integer(0, 10**9, writers=SERVER_ONLY)
    usual_days: int | None = integer(0, 10**6, writers=SERVER_ONLY)
    last_order_at: Any = instant(writers=SERVER_ONLY)
    signs: tuple[str, ...] = many(text(20), 8, writers=SERVER_ONLY)
    reasons: tuple[Reason, ...] = many(Reason, 12, writers=SERVER_ONLY)
    policy_version: int | None = integer(0, 10**6, writers=SERVER_ONLY)
    scored_at: Any = instant(required=True, writers=SERVER_ONLY)
    fitted_at: Any = instant(writers=SERVER_ONLY)


@entity("retention_plan", customer="customer_id", at="due_at", creators=_KEEPERS)
@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan(Record):
    """What is done to keep a customer: the cause, measures, who answers for it, what came of it.

    Proposed by the rules (`signs`, `reasons` say why) or by whoever looks after the customer; a
    store manager names the owner, and with that it is open.
    """

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, writers=_KEEPERS)
    state: str = choice(*PLAN_STATES, required=True, merge=Merge.STATE, writers=_KEEPERS)
    signs: tuple[str, ...] = many(text(20), 8, writers=SERVER_ONLY)
    reasons: tuple[Reason, ...] = many(Reason, 12, writers=SERVER_ONLY)
    raised_at: Any = instant(required=True, merge=Merge.IMMUTABLE, writers=_KEEPERS)
    cause: str | None = choice(*CAUSES, writers=_KEEPERS)
    cause_note: str | None = text(1000, personal=Personal.TEXT, writers=_KEEPERS)
    measures: str | None = text(2000, personal=Personal.TEXT, writers=_KEEPERS)
    owner_id: str | None = reference("staff", writers=_DECIDERS)
    due_at: Any = instant(required=True, writers=_KEEPERS)
    outcome: str | None = choice(*OUTCOMES, writers=_KEEPERS)
    outcome_note: str | None = text(1000, personal=Personal.TEXT, writers=_KEEPERS)
    finished_at: Any = instant(writers=_KEEPERS)
    decided_at: Any = instant(writers=SERVER_ONLY)
    decided_by: str | None = reference("staff", writers=SERVER_ONLY)


__all__ = ["CAUSES", "OUTCOMES", "ChurnScore", "RetentionPlan"]
