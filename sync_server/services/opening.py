"""The scopes of records that came by import: who holds what, as `owner_id`, `store_id` and
`assignee_id` say.

    for done in bulk(unit, opening_scopes(unit, policy)): ...

Ids are derived, so that importing twice grants once, and a grant that was revoked since stays
revoked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.ids import derived_id
from shared.policy import PolicySettings
from sync_server.db.records import RECORDS
from sync_server.services.scopes import role_buckets
from sync_server.services.writing import Unit

Rows = Iterator[tuple[str, dict[str, Any]]]


def opening_scopes(unit: Unit, policy: PolicySettings) -> Rows:
    """(entity, row) of assignments and grants for all staff, customers and cases of the
    organisation."""
    staff = RECORDS["staff"].c
    members = unit.connection.execute(
        select(staff.id, staff.role, staff.store_id).where(
            staff.org_id == unit.org_id, staff.active.is_not(False)
        )
    ).all()
    roles = {m.id: m.role for m in members}
    managers: dict[str, list[str]] = {}
    for member in members:
        for bucket in role_buckets(unit.org_id, member.id, member.role):
            yield _grant(unit, member.id, bucket, "role", member.role)
        if member.role == Role.STORE_MANAGER and member.store_id:
            managers.setdefault(member.store_id, []).append(member.id)
    yield from _customers(unit, roles, managers)
    yield from _cases(unit, roles, policy)


def _customers(unit: Unit, roles: dict[str, str], managers: dict[str, list[str]]) -> Rows:
    customer = RECORDS["customer"].c
    for row in unit.connection.execute(
        select(customer.id, customer.owner_id, customer.store_id).where(
            customer.org_id == unit.org_id
        )
    ).all():
        bucket = f"customer:{row.id}"
        if row.owner_id in roles:
            yield _assignment(unit, row.owner_id, "customer", row.id, row.id)
            yield _grant(unit, row.owner_id, bucket, "assignment", roles[row.owner_id])
        for manager in managers.get(row.store_id, ()):
            yield _grant(unit, manager, bucket, "store", Role.STORE_MANAGER.value)


def _cases(unit: Unit, roles: dict[str, str], policy: PolicySettings) -> Rows:
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
        if roles.get(row.assignee_id) != Role.TECHNICIAN or (ends and ends <= unit.now):
            continue
        yield _assignment(unit, row.assignee_id, "case", row.id, row.customer_id)
        entity, grant = _grant(
            unit, row.assignee_id, f"case:{row.id}", "dispatch", Role.TECHNICIAN.value
        )
        yield entity, {**grant, "expires_at": ends and to_wire(ends)}


def _grant(
    unit: Unit, staff_id: str, bucket: str, purpose: str, role: str
) -> tuple[str, dict[str, Any]]:
    return "grant", {
        "id": derived_id(unit.org_id, "grant", staff_id, bucket, purpose),
        "staff_id": staff_id,
        "bucket": bucket,
        "purpose": purpose,
        "role": role,
        "not_before": to_wire(unit.now),
    }


def _assignment(
    unit: Unit, staff_id: str, subject: str, subject_id: str, customer_id: str
) -> tuple[str, dict[str, Any]]:
    return "assignment", {
        "id": derived_id(unit.org_id, "assignment", staff_id, subject, subject_id),
        "staff_id": staff_id,
        "subject": subject,
        "subject_id": subject_id,
        "customer_id": customer_id,
        "from_at": to_wire(unit.now),
    }
