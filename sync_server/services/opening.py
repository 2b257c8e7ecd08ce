"""The scopes of records that came by import: who holds what, as `owner_id`, `store_id` and
`assignee_id` say.

    for done in bulk(unit, opening_scopes(unit, policy)): ...

Ids are derived, so that importing twice grants once, and a grant that was revoked since stays
revoked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.ids import derived_id
from shared.policy import PolicySettings
from sync_server.db.records import RECORDS
from sync_server.services.scopes import role_buckets
from sync_server.services.writing import Unit

Rows = Iterator[tuple[str, dict[str, Any]]]


class Member(NamedTuple):
    """Someone who may hold something. `since` is when they joined."""

    id: str
    role: str
    store_id: str | None
    since: str


def opening_scopes(unit: Unit, policy: PolicySettings) -> Rows:
    """(entity, row) of assignments and grants for all staff, customers and cases of the
    organisation. They begin when their holder joined, so that a second import finds them as they
    are."""
    staff = RECORDS["staff"].c
    members = unit.connection.execute(
        select(staff.id, staff.role, staff.store_id, staff.created_at).where(
            staff.org_id == unit.org_id, staff.active.is_not(False)
        )
    ).all()
    staff_by_id = {m.id: Member(m.id, m.role, m.store_id, m.created_at) for m in members}
    for member in staff_by_id.values():
        for bucket in role_buckets(unit.org_id, member.id, member.role):
            yield _grant(unit, member, bucket, "role")
    yield from _customers(unit, staff_by_id)
    yield from _cases(unit, staff_by_id, policy)


def _customers(unit: Unit, staff: dict[str, Member]) -> Rows:
    managers: dict[str | None, list[Member]] = {}
    for member in staff.values():
        if member.role == Role.STORE_MANAGER and member.store_id:
            managers.setdefault(member.store_id, []).append(member)
    customer = RECORDS["customer"].c
    for row in unit.connection.execute(
        select(customer.id, customer.owner_id, customer.store_id).where(
            customer.org_id == unit.org_id
        )
    ).all():
        owner = staff.get(row.owner_id)
        if owner is not None:
            yield _assignment(unit, owner, "customer", row.id, row.id)
            yield _grant(unit, owner, f"customer:{row.id}", "assignment")
        for manager in managers.get(row.store_id, ()):
            yield _grant(unit, manager, f"customer:{row.id}", "store")


def _cases(unit: Unit, staff: dict[str, Member], policy: PolicySettings) -> Rows:
    """Cases that are open, or closed so lately that their technician may still look."""
    case = RECORDS["case"].c
    keeps = timedelta(days=policy.case_grant_days_after_close)
    for row in unit.connection.execute(
        select(
            case.id, case.customer_id, case.assignee_id, case.state, case.closed_at, case.updated_at
        ).where(case.org_id == unit.org_id, case.assignee_id.is_not(None))
    ).all():
        over = row.state in {"closed", "cancelled"}
        ends = from_wire(row.closed_at or row.updated_at) + keeps if over else None
        assignee = staff.get(row.assignee_id)
        if assignee is None or assignee.role != Role.TECHNICIAN or (ends and ends <= unit.now):
            continue
        yield _assignment(unit, assignee, "case", row.id, row.customer_id)
        entity, grant = _grant(unit, assignee, f"case:{row.id}", "dispatch")
        yield entity, grant | ({"expires_at": to_wire(ends)} if ends else {})


def _grant(unit: Unit, member: Member, bucket: str, purpose: str) -> tuple[str, dict[str, Any]]:
    return "grant", {
        "id": derived_id(unit.org_id, "grant", member.id, bucket, purpose),
        "staff_id": member.id,
        "bucket": bucket,
        "purpose": purpose,
        "role": member.role,
        "not_before": member.since,
    }


def _assignment(
    unit: Unit, member: Member, subject: str, subject_id: str, customer_id: str
) -> tuple[str, dict[str, Any]]:
    return "assignment", {
        "id": derived_id(unit.org_id, "assignment", member.id, subject, subject_id),
        "staff_id": member.id,
        "subject": subject,
        "subject_id": subject_id,
        "customer_id": customer_id,
        "from_at": member.since,
    }
