"""A complaint from the phone call to the review (S2 #89, #112–#115; S4 #179, #180)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobile.store.store import Store
from mobile.store.unit import Unit
from mobile.usecases.case_opening import open_in
from shared.codec import read
from shared.complaints import Complaint, StepReading, steps_of_complaint
from shared.entities import (
    Callback,
    Case,
    CaseEvent,
    Customer,
    File,
    Milestone,
    Reference,
    Report,
)
from shared.errors import Code, Refusal
from shared.ids import new_id

CALL_DRAFT = "case/new/call"
CALL_FIELDS = ("title", "category", "description", "occurred_at", "place", "impact", "priority")
"""What is asked during the call, the words that are needed first (S2 #89)."""
WORK_FIELDS: Mapping[str, tuple[str, ...]] = {
    "receive": ("occurred_at", "place", "description", "impact"),
    "classify": ("category", "subcategory"),
    "liability": ("liability", "liable_party"),
    "verify": ("findings",),
    "plan": ("plan",),
    "review": ("lesson",),
}
"""Fields of the case by the step that asks for them."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the phone: a customer that is known, or a name and a number to begin with."""

    customer_id: str | None = None
    name: str = ""
    phone: str = ""


def register(store: Store, caller: Caller, values: Mapping[str, Any]) -> Case:
    """The case that a phone call brings, with its customer where that one is new: both or neither,
    offline as well (S2 #112). Refuses `field_required` without a title, or without a name for
    whoever is not known."""
    if not str(values.get("title") or "").strip():
        raise Refusal(Code.FIELD_REQUIRED, field="title")
    with store.unit() as unit:
        customer_id = caller.customer_id or _met(unit, caller)
        facts = {"kind": "complaint", "channel": "phone", **values}
        case = open_in(unit, store, customer_id, facts)
        unit.discard_draft(CALL_DRAFT)
        unit.commit()
    return case


def complaint(store: Store, case: Case) -> Complaint:
    """What its steps are computed from."""
    reports = [r for r in store.find(Report, case_id=case.id) if r.signature is not None]
    files = store.count(File, case_id=case.id)
    return Complaint(
        case,
        store.find(CaseEvent, case_id=case.id),
        store.find(Milestone, case_id=case.id),
        store.find(Callback, case_id=case.id),
        evidence=len(reports) + max(files, len(case.photo_ids)),
    )


def steps(store: Store, case: Case) -> tuple[StepReading, ...]:
    """The eight steps of a complaint as they stand on this phone."""
    return steps_of_complaint(complaint(store, case))


def save_step(store: Store, case: Case, values: Mapping[str, Any], draft: str) -> Case:
    """What belongs to a step, written into the case."""
    with store.unit() as unit:
        saved = unit.update(case, **values)
        unit.discard_draft(draft)
        unit.commit()
    return saved


def step_draft(case_id: str, step: str) -> str:
    """Key of the draft of one step."""
    return f"case/{case_id}/{step}"


def topics(store: Store) -> list[Reference]:
    """The taxonomy of what customers say (S0 #28), in its order; what was retired is left out."""
    return [one for one in store.references("feedback_topic") if not one.data.get("retired")]


def _met(unit: Unit, caller: Caller) -> str:
    if not caller.name.strip():
        raise Refusal(Code.FIELD_REQUIRED, field="name")
    row = {"id": new_id(), "name": caller.name.strip(), "stage": "actual"}
    if caller.phone.strip():
        row["phone"] = caller.phone.strip()
    return unit.create(read(Customer, row)).id
