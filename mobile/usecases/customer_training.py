"""What customers were taught: who, on what, when and by whom (S2 #84). With a repair or by itself,
offline as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobile.store.store import Store
from shared.clock import to_wire
from shared.codec import read
from shared.entities import CustomerTraining
from shared.ids import new_id

TRAINING_FIELDS = ("trained", "covered", "held_at", "minutes", "learned", "notes")
NEEDED = ("trained", "covered", "held_at")


def training_draft(about: str) -> str:
    """Key of the draft of a new training of a customer or in a case, or of one being corrected."""
    return f"training/{about}"


def log_training(
    store: Store, customer_id: str, values: Mapping[str, Any], case_id: str | None = None
) -> CustomerTraining:
    """A training that was held, by whoever writes it down; now, unless said otherwise."""
    row = {
        "held_at": to_wire(store.now()),
        **{name: value for name, value in values.items() if value is not None},
        **({"case_id": case_id} if case_id else {}),
        "id": new_id(),
        "customer_id": customer_id,
        "trainer_id": store.staff().id,
    }
    with store.unit() as unit:
        made = unit.create(read(CustomerTraining, row))
        unit.discard_draft(training_draft(case_id or customer_id))
        unit.commit()
    return made


def correct_training(
    store: Store, seen: CustomerTraining, values: Mapping[str, Any]
) -> CustomerTraining:
    """The training with `values` changed; `seen` is what their author saw."""
    with store.unit() as unit:
        saved = unit.update(seen, **values)
        unit.discard_draft(training_draft(seen.id))
        unit.commit()
    return saved
