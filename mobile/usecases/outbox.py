"""What waits to be sent and what came of it, in the terms of the person who wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mobile.store.store import Store
from shared.declare import ENTITIES
from shared.entities import Customer, Staff
from shared.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChange:
    """One change. `who` is its customer's name, empty while that may not be read; `verdict` None:
    not sent.
    """

    number: int
    entity: str
    record_id: str
    who: str
    fields: tuple[str, ...]
    created: bool
    made_at: datetime
    verdict: str | None
    code: str | None


def waiting_changes(store: Store) -> list[WaitingChange]:
    """What waits, and outcomes that its author should see, in the order of making. Looks (L7) go up
    unseen: they are no work of the author's.
    """
    return [
        WaitingChange(
            number=change.number,
            entity=change.entity,
            record_id=change.record_id,
            who=_who(store, change.entity, change.record_id, change.values),
            fields=tuple(change.values),
            created=change.kind == "create",
            made_at=change.made_at,
            verdict=change.verdict,
            code=change.code,
        )
        for change in store.waiting()
        if ENTITIES[change.entity].anonymous or not ENTITIES[change.entity].one_way
    ]


def _who(store: Store, entity: str, record_id: str, values: dict[str, object]) -> str:
    try:
        shown = store.row(entity, record_id)
        row = {**values, **(shown.row if shown else {})}
        owner = record_id if entity == "customer" else str(row.get(ENTITIES[entity].customer) or "")
        customer = store.get(Customer, owner) if owner else None
    except Refusal:  # the gate is closed: the change itself stays in the list
        return ""
    return customer.name if customer else ""


def staff_name(store: Store, staff_id: str | None) -> str:
    """The name of a colleague; empty when it is not known here."""
    found = store.get(Staff, staff_id) if staff_id else None
    return found.name if found else ""
