"""What people are told about their own scope: how many customers came or went, from whom and to
whom. A notice names no customer (L3: whoever lost one must not be reminded of who it was)."""

from __future__ import annotations

from shared.clock import to_wire
from shared.ids import derived_id
from sync_server.services.writing import Unit


def tell(
    unit: Unit,
    occasion: str,
    staff_id: str,
    kind: str,
    *,
    subject: str | None = None,
    count: int | None = None,
    by: str | None = None,
    other: str | None = None,
    store_id: str | None = None,
) -> None:
    """One notice for a member of staff. What one `occasion` (an id) says of the same people and
    the same kind of record is one notice whose count rises: a move in several parts is told once.
    """
    said = (occasion, staff_id, kind, subject or "", other or "")
    notice_id = derived_id(unit.org_id, "notice", *said)
    held = unit.get("notice", notice_id)
    if held is not None:
        if count:
            unit.update("notice", notice_id, {"count": held.row.get("count", 0) + count})
        return
    unit.create(
        "notice",
        {
            "id": notice_id,
            "staff_id": staff_id,
            "kind": kind,
            "subject": subject,
            "count": count,
            "by_id": by,
            "other_id": other,
            "store_id": store_id,
            "happened_at": to_wire(unit.now),
        },
    )
