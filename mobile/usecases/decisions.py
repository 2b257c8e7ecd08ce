"""What waits for a person to decide: conflicts, field by field, and, for a store manager, work that
is held in quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mobile.store.store import Store
from mobile.store.withdrawing import withdraw
from mobile.usecases.outbox import staff_name
from mobile.usecases.syncing import Syncing
from shared.clock import from_wire
from shared.declare import ENTITIES, Record
from shared.entities import Conflict, Customer
from shared.errors import Code, Refusal
from shared.wire import HeldChange

DECIDED_FOR = timedelta(days=30)
_NAMES = ("name", "title", "product", "number")
"""Fields by which a record is called, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """One record and its conflicts. `called` is the record's own name where it has one; `owner`
    whose customer it is.
    """

    entity: str
    record_id: str
    customer: str
    owner: str
    called: str
    conflicts: tuple[Conflict, ...]


def open_conflicts(store: Store) -> list[Disputed]:
    """Conflicts that nobody has decided, by record, the oldest first."""
    return _by_record(store, store.conflicts())


def decided_conflicts(store: Store, now: datetime) -> list[Conflict]:
    """Conflicts that were decided lately, the latest first: their other value can still be brought
    back.
    """
    decided = [
        conflict
        for word in ("kept", "other", "edited")
        for conflict in store.find(Conflict, resolution=word)
        if (conflict.updated_at or conflict.found_at) >= now - DECIDED_FOR
    ]
    return sorted(decided, key=lambda c: (c.updated_at or c.found_at, c.id), reverse=True)


def losing_value(conflict: Conflict) -> Any:
    """The value that the decision left aside; of an edited one, the one that came second."""
    return conflict.kept_value if conflict.resolution == "other" else conflict.other_value


def resolve(store: Store, conflict: Conflict, resolution: str, edited: str | None = None) -> int:
    """Decides a conflict: "kept", "other", or "edited" with its text; returns the change's number,
    for `undo`. The value that was not chosen stays in the conflict's record.
    """
    number = store.parts.outbox.next_number()
    with store.unit() as unit:
        unit.update(conflict, resolution=resolution, edited_value=edited)
        unit.commit()
    return number


def undo(store: Store, number: int) -> bool:
    """Takes a decision back that was not sent yet. False where it is too late: then `restore`
    brings the other value back as an edit like any other.
    """
    return withdraw(store.parts, number)


def restore(store: Store, conflict: Conflict) -> None:
    """Writes the value that the decision left aside into the record, as an ordinary edit of today.
    Refuses what the record's rules refuse: a signed report, a move that does not follow.
    """
    entity = ENTITIES[conflict.entity]
    record: Record | None = store.get(entity.cls, conflict.record_id)
    if record is None:
        raise Refusal(Code.RECORD_MISSING, entity=entity.name)
    with store.unit() as unit:
        unit.update(record, **{conflict.field: losing_value(conflict)})
        unit.commit()


def _by_record(store: Store, conflicts: Sequence[Conflict]) -> list[Disputed]:
    groups: dict[tuple[str, str], list[Conflict]] = {}
    for conflict in conflicts:
        groups.setdefault((conflict.entity, conflict.record_id), []).append(conflict)
    return [_disputed(store, entity, i, found) for (entity, i), found in groups.items()]


def _disputed(store: Store, entity: str, record_id: str, found: Sequence[Conflict]) -> Disputed:
    customer = store.get(Customer, found[0].customer_id)
    shown = store.row(entity, record_id)
    return Disputed(
        entity=entity,
        record_id=record_id,
        customer=customer.name if customer else "",
        owner=staff_name(store, customer.owner_id) if customer else "",
        called=called(entity, shown.row if shown else {}),
        conflicts=tuple(found),
    )


def called(entity: str, row: Mapping[str, Any]) -> str:
    """What a record is called by itself; empty for a customer, whose name stands there anyway."""
    if entity == "customer":
        return ""
    return next((str(row[name]) for name in _NAMES if row.get(name)), "")


# ── held work, for store managers, online ─────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWork:
    """What one person's phones brought about one customer after they were no longer trusted."""

    staff_id: str
    who: str
    customer_id: str
    customer: str
    changes: tuple[HeldChange, ...]

    @property
    def key(self) -> str:
        return f"{self.staff_id}-{self.customer_id}"

    @property
    def since(self) -> datetime:
        return min(from_wire(change.written_at) for change in self.changes)


async def held_work(syncing: Syncing, store: Store) -> list[HeldWork]:
    """What waits in quarantine, by person and customer, the oldest first. Refuses `offline` and
    what else the way between refuses.
    """
    changes = await syncing.ask(lambda peer: peer.held_work())
    groups: dict[tuple[str, str], list[HeldChange]] = {}
    for change in changes:
        groups.setdefault((change.staff_id, change.customer_id), []).append(change)
    return [
        HeldWork(
            staff_id=staff_id,
            who=staff_name(store, staff_id),
            customer_id=customer_id,
            customer=customer.name if (customer := store.get(Customer, customer_id)) else "",
            changes=tuple(found),
        )
        for (staff_id, customer_id), found in groups.items()
    ]


async def release(syncing: Syncing, work: HeldWork) -> None:
    """Applies this work as its author wrote it, marked late; all of it, or none."""
    ids = [change.change_id for change in work.changes]
    await syncing.ask(lambda peer: peer.release_held(ids))


async def refuse(syncing: Syncing, work: HeldWork) -> None:
    """Leaves this work unapplied for good. It stays on record."""
    ids = [change.change_id for change in work.changes]
    await syncing.ask(lambda peer: peer.refuse_held(ids))
