"""Who holds what, by which grant, and who asks for more (design §4). The server alone writes
these, but for what someone says of their own: a request, a grant given back, a notice read."""

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
    entity,
    instant,
    integer,
    reference,
    text,
)

PURPOSES = ("role", "assignment", "dispatch", "callback", "approved_detail", "store", "transfer")
RETURNABLE = frozenset({"callback", "approved_detail"})
"""Purposes whose grants end by time, and may be given back before."""
NOTICES = (
    "received", "handed_on", "transferred", "access_given", "access_refused", "tier_changed",
    "plans_proposed", "plan_given", "satisfaction_dropped", "store_dropped", "csat_dropped",
    "nps_dropped", "not_taken",
)  # fmt: skip
END_REASONS = ("reassigned", "ended", "security")
ASKERS = FIELD_ROLES | {Role.HEAD_OFFICE}
MOST_HOURS = 14 * 24
"""Of one request, whatever a policy says."""


@entity("assignment", user="staff_id", customer="customer_id", at="from_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(Record):
    """A customer, case or callback given to a member of staff, from when until when."""

    staff_id: str = reference("staff", required=True, writers=SERVER_ONLY)
    subject: str = choice("customer", "case", "callback", required=True, writers=SERVER_ONLY)
    subject_id: str = text(36, required=True, writers=SERVER_ONLY)
    customer_id: str = reference("customer", required=True, writers=SERVER_ONLY)
    from_at: Any = instant(required=True, writers=SERVER_ONLY)
    until_at: Any = instant(writers=SERVER_ONLY)
    assigned_by: str | None = reference("staff", writers=SERVER_ONLY)
    reason: str | None = text(200, personal=Personal.TEXT, writers=SERVER_ONLY)


@entity("grant", user="staff_id", at="not_before")
@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Record):
    """Leave to read one bucket for a time. Its id is a UUID and is never used again (design §5,
    Epoch). `returned_at` is its holder's own word: they need it no more, and it ends."""

    staff_id: str = reference("staff", required=True, writers=SERVER_ONLY)
    bucket: str = text(80, required=True, writers=SERVER_ONLY)
    purpose: str = choice(*PURPOSES, required=True, writers=SERVER_ONLY)
    role: str = choice(*Role, required=True, writers=SERVER_ONLY)
    not_before: Any = instant(required=True, writers=SERVER_ONLY)
    expires_at: Any = instant(writers=SERVER_ONLY)
    granted_by: str | None = reference("staff", writers=SERVER_ONLY)
    reason: str | None = text(200, personal=Personal.TEXT, writers=SERVER_ONLY)
    revoked_at: Any = instant(writers=SERVER_ONLY)
    revoked_because: str | None = choice(*END_REASONS, writers=SERVER_ONLY)
    returned_at: Any = instant(merge=Merge.MAX, writers=frozenset(Role))


@entity(
    "access_request",
    user="staff_id",
    customer="customer_id",
    for_holders=True,
    at="asked_at",
    creators=ASKERS,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest(Record):
    """Someone asks to read a customer, a case or what a callback is about for some hours, with a
    reason (S3 #149, #151).

    It lies with its asker and with the customer, where a store manager finds and decides it: never
    their own, and only for a customer that they hold. `hours` run from the decision's arrival at
    the server; `ended_at` ends what was given before its time. It names the customer by id alone:
    its asker may have lost them.
    """

    staff_id: str = reference("staff", required=True, merge=Merge.IMMUTABLE, writers=ASKERS)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, writers=ASKERS)
    subject: str = choice(
        "customer", "case", "callback", required=True, merge=Merge.IMMUTABLE, writers=ASKERS
    )
    subject_id: str = text(36, required=True, merge=Merge.IMMUTABLE, writers=ASKERS)
    hours: int = integer(1, MOST_HOURS, required=True, merge=Merge.IMMUTABLE, writers=ASKERS)
    reason: str = text(
        200, required=True, merge=Merge.IMMUTABLE, personal=Personal.TEXT, writers=ASKERS
    )
    asked_at: Any = instant(required=True, merge=Merge.IMMUTABLE, writers=ASKERS)
    decision: str | None = choice(
        "approved", "refused", merge=Merge.IMMUTABLE, writers={Role.STORE_MANAGER}
    )
    answer: str | None = text(200, personal=Personal.TEXT, writers={Role.STORE_MANAGER})
    decided_at: Any = instant(writers=SERVER_ONLY)
    decided_by: str | None = reference("staff", writers=SERVER_ONLY)
    grant_id: str | None = reference("grant", writers=SERVER_ONLY)
    ended_at: Any = instant(merge=Merge.MAX, writers={Role.STORE_MANAGER})


@entity("notice", user="staff_id", at="happened_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Record):
    """What someone is told about their own scope: how many came or went, from whom and to whom.

    It names no customer: whoever lost one must not be reminded of who it was. `other_id` is whom
    they came from or went to, `by_id` who decided it. Its reader dismisses it, on all their
    devices.
    """

    staff_id: str = reference("staff", required=True, writers=SERVER_ONLY)
    kind: str = choice(*NOTICES, required=True, writers=SERVER_ONLY)
    subject: str | None = choice(
        "customer", "contact", "asset", "visit", "case", "callback", writers=SERVER_ONLY
    )
    count: int | None = integer(0, 10**9, writers=SERVER_ONLY)
    by_id: str | None = reference("staff", writers=SERVER_ONLY)
    other_id: str | None = reference("staff", writers=SERVER_ONLY)
    store_id: str | None = reference("store", writers=SERVER_ONLY)
    happened_at: Any = instant(required=True, writers=SERVER_ONLY)
    dismissed_at: Any = instant(merge=Merge.MAX, writers=frozenset(Role))


__all__ = [
    "END_REASONS",
    "NOTICES",
    "PURPOSES",
    "RETURNABLE",
    "AccessRequest",
    "Assignment",
    "Grant",
    "Notice",
]
