"""Tiers as they come about: what the rules proposed for a customer, why, and what people said of it
(S0 #7, S1 #50-#53)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    boolean,
    choice,
    entity,
    instant,
    integer,
    many,
    reference,
    text,
)

AXES = ("value", "need", "loyalty", "lifecycle", "region", "vip")
SEATS = ("sales", "marketing", "service")
"""Of the panel (S1 #51)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One number behind a proposal, by its key in `shared.tiers.REASONS`, and what the policy wants
    of it."""

    key: str = text(40, required=True)
    value: int = integer(-(10**13), 10**13, required=True)
    wanted: int | None = integer(-(10**13), 10**13)


@entity("tier_proposal", customer="customer_id", at="proposed_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class TierProposal(Record):
    """A change of one customer's level on one axis. It takes effect when every seat of the panel
    that the axis asks for has confirmed it; whoever disputes it says why, and a second look
    decides.

    `seats` are those that have confirmed. What nobody decided is withdrawn by the rules themselves
    once they no longer propose it (`decided_by` is empty then). `by_hand`: a person set the level.
    """

    customer_id: str = reference("customer", required=True, writers=SERVER_ONLY)
    axis: str = choice(*AXES, required=True, writers=SERVER_ONLY)
    before: str | None = text(20, writers=SERVER_ONLY)
    after: str = text(20, required=True, writers=SERVER_ONLY)
    reasons: tuple[Reason, ...] = many(Reason, 12, writers=SERVER_ONLY)
    policy_version: int | None = integer(0, 10**6, writers=SERVER_ONLY)
    by_hand: bool | None = boolean(writers=SERVER_ONLY)
    proposed_at: Any = instant(required=True, writers=SERVER_ONLY)
    state: str = choice(
        "proposed", "confirmed", "disputed", "withdrawn", required=True, merge=Merge.STATE
    )
    note: str | None = text(500, personal=Personal.TEXT)
    seats: tuple[str, ...] = many(text(20), 3, writers=SERVER_ONLY)
    disputed_at: Any = instant(writers=SERVER_ONLY)
    disputed_by: str | None = reference("staff", writers=SERVER_ONLY)
    decided_at: Any = instant(writers=SERVER_ONLY)
    decided_by: str | None = reference("staff", writers=SERVER_ONLY)


__all__ = ["AXES", "SEATS", "Reason", "TierProposal"]
