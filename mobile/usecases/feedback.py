"""What customers say of us: noted, put under a topic, routed to its department with a deadline, and
followed until the customer is told what came of it (S0 #28–#30; S2 #83, #97)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from mobile.store.store import Store
from mobile.usecases.complaints import topics
from shared.clock import to_wire
from shared.codec import read
from shared.entities import Feedback
from shared.errors import Code, Refusal
from shared.ids import new_id

SETTLE_FIELDS = ("measure", "effect")


def feedback_draft(about: str) -> str:
    """Key of the draft of what is noted about a customer, or of how one feedback is settled."""
    return f"feedback/{about}"


def note_feedback(
    store: Store,
    customer_id: str,
    values: Mapping[str, Any],
    language: str,
    case_id: str | None = None,
) -> Feedback:
    """What a customer said, by itself or in the course of a case (S2 #83). Its topic says which
    department has it, and for how many working days from now (S0 #29). Refuses `field_required`
    without a topic or words."""
    for name in ("topic", "said"):
        if not str(values.get(name) or "").strip():
            raise Refusal(Code.FIELD_REQUIRED, field=name)
    row = {
        **{name: value for name, value in values.items() if value is not None},
        **_routed(store, str(values["topic"]), language),
        "id": new_id(),
        "customer_id": customer_id,
        **({"case_id": case_id} if case_id else {}),
        "happened_at": to_wire(store.now()),
    }
    with store.unit() as unit:
        made = unit.create(read(Feedback, row))
        unit.discard_draft(feedback_draft(case_id or customer_id))
        unit.commit()
    return made


def settle(store: Store, feedback: Feedback, values: Mapping[str, Any]) -> Feedback:
    """What was done about it and with which effect; with an effect it is finished."""
    ends = store.now() if values.get("effect") and feedback.finished_at is None else None
    done = {"finished_at": ends} if ends else {}
    with store.unit() as unit:
        saved = unit.update(feedback, **values, **done)
        unit.discard_draft(feedback_draft(feedback.id))
        unit.commit()
    return saved


def told(store: Store, feedback: Feedback) -> Feedback:
    """The customer was told what has become of it (S0 #30)."""
    with store.unit() as unit:
        saved = unit.update(feedback, told_at=store.now())
        unit.commit()
    return saved


def _routed(store: Store, topic: str, language: str) -> dict[str, Any]:
    entry: Mapping[str, Any] = next((o.data for o in topics(store) if o.key == topic), {})
    departments = entry.get("department") or {}
    found: dict[str, Any] = {}
    if departments:
        found["department"] = departments.get(language) or next(iter(departments.values()))
    if days := int(entry.get("workdays") or 0):
        zone = ZoneInfo(store.staff().timezone)
        found["due_at"] = to_wire(store.calendar().reached(store.now(), days, zone))
    return found
