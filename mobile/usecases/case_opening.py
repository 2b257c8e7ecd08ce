"""A new case in the field: a repair, a complaint or an enquiry, opened with the customer beside
one (S2 #89, S4 #165).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.clock import to_wire
from shared.codec import read
from shared.entities import Case, CaseEvent, Contact, Customer
from shared.ids import derived_id, new_id

if TYPE_CHECKING:
    from mobile.store.store import Store
    from mobile.store.unit import Unit

CASE_FIELDS = (
    "kind", "title", "description", "asset_id", "contact_id", "place", "impact", "priority",
    "channel", "appointment_at",
)  # fmt: skip
"""What the form asks for, in its order (S4 #165: what, which, who, where, how bad)."""


def case_draft(customer_id: str) -> str:
    """Key of the draft of a new case."""
    return f"case/new/{customer_id}"


def suggested_case(store: Store, customer_id: str) -> dict[str, Any]:
    """A form to begin with, in wire form: a repair at the customer's address, the main contact."""
    customer = store.get(Customer, customer_id)
    contacts = store.find(Contact, customer_id=customer_id, primary=True, limit=1)
    start: dict[str, Any] = {"kind": "repair", "priority": "moderate", "channel": "on_site"}
    if customer is not None and customer.address:
        start["place"] = customer.address
    if contacts:
        start["contact_id"] = contacts[0].id
    return start


def suggested_beside(store: Store, case: Case) -> dict[str, Any]:
    """A form for a second case at the same place: the same contact, and what it is about left to
    say."""
    start = suggested_case(store, case.customer_id)
    start.pop("contact_id", None)
    same = {"place": case.place, "contact_id": case.contact_id}
    return start | {name: value for name, value in same.items() if value}


def open_case(store: Store, customer_id: str, values: Mapping[str, Any]) -> Case:
    """The case under a number of this device's block, and the step that opens it, in one unit: a
    number is used up only with its case.
    """
    with store.unit() as unit:
        case = open_in(unit, store, customer_id, values)
        unit.discard_draft(case_draft(customer_id))
        unit.commit()
    return case


def open_in(unit: Unit, store: Store, customer_id: str, values: Mapping[str, Any]) -> Case:
    """As `open_case`, inside someone else's unit."""
    now = store.now()
    filled = {name: value for name, value in values.items() if value is not None}
    row = {
        **filled,
        "id": new_id(),
        "customer_id": customer_id,
        "number": unit.case_number(),
        "state": "new",
        "opened_at": to_wire(now),
    }
    case = unit.create(read(Case, row))
    unit.create(
        CaseEvent(
            id=derived_id("opening", case.id),
            case_id=case.id,
            customer_id=customer_id,
            kind="moved",
            happened_at=now,
            to_state="new",
            staff_id=store.staff().id,
        )
    )
    return case
