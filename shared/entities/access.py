"""Who holds what, and by which grant (design §4). The server alone writes these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Record,
    Role,
    choice,
    entity,
    instant,
    reference,
    text,
)

PURPOSES = ("role", "assignment", "dispatch", "callback", "approved_detail", "store")
END_REASONS = ("reassigned", "ended", "security")


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
    reason: str | None = text(200, writers=SERVER_ONLY)


@entity("grant", user="staff_id", at="not_before")
@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Record):
    """Leave to read one bucket for a time. Its id is a UUID and is never used again (design §5,
    Epoch)."""

    staff_id: str = reference("staff", required=True, writers=SERVER_ONLY)
    bucket: str = text(80, required=True, writers=SERVER_ONLY)
    purpose: str = choice(*PURPOSES, required=True, writers=SERVER_ONLY)
    role: str = choice(*Role, required=True, writers=SERVER_ONLY)
    not_before: Any = instant(required=True, writers=SERVER_ONLY)
    expires_at: Any = instant(writers=SERVER_ONLY)
    granted_by: str | None = reference("staff", writers=SERVER_ONLY)
    reason: str | None = text(200, writers=SERVER_ONLY)
    revoked_at: Any = instant(writers=SERVER_ONLY)
    revoked_because: str | None = choice(*END_REASONS, writers=SERVER_ONLY)


__all__ = ["END_REASONS", "PURPOSES", "Assignment", "Grant"]
