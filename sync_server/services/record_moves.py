"""Records put under another customer: a contact filed wrongly, an asset that was sold, a visit or
a case of somebody else.

The record leaves the old customer's bucket and arrives in the new one with all that hangs on it;
what it was stays in the history. What devices still bring for it under the old customer is not
lost: `former_home` is how the judge knows that the record lay there once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from shared.access import CASE_COMPANIONS, Bucket
from shared.clock import to_wire
from shared.declare import Entity, Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import HISTORY, RECORD_MOVE
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.grants import holders
from sync_server.services.moves import check_holds
from sync_server.services.notices import tell
from sync_server.services.writing import Held, Unit, write

MOVABLE = frozenset({"contact", "asset", "visit", "case"})
_OF_CASE = (
    "case_event", "report", "callback", "file", "transfer", "milestone", "inspection", "feedback",
    "customer_training",
)  # fmt: skip
_PARENTS = {"case_id": "case", "visit_id": "visit"}
"""Fields by which a record hangs on one that can be moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`records` went along, the moved one among them; `untied` cases stayed where they were and
    name it no more."""

    records: int
    untied: int


def move_record(
    db: Database,
    caller: Caller,
    entity: str,
    record_id: str,
    to_customer: str,
    reason: str | None,
    now: datetime,
) -> Moved:
    """Puts a contact, an asset, a visit or a case under another customer, with what hangs on it.

    For administrators, and for store managers who hold both customers. A case whose report was
    signed stays (`REPORT_SEALED`): what the customer signed names them. Twice is as once.
    """
    if entity not in MOVABLE:
        raise Refusal(Code.UNKNOWN_ENTITY)

    def work(unit: Unit) -> Moved:
        held = unit.get(entity, record_id)
        if held is None:
            raise Refusal(Code.RECORD_MISSING, entity=entity)
        if unit.get("customer", to_customer) is None:
            raise Refusal(Code.RECORD_MISSING, entity="customer")
        from_customer = held.row["customer_id"]
        _check_mover(unit, caller, from_customer, to_customer)
        if from_customer == to_customer:
            return Moved(records=0, untied=0)
        return _move(unit, caller, held, from_customer, to_customer, reason)

    return write(db, caller.org_id, now, work)


def former_home(unit: Unit, entity: Entity, row: Mapping[str, Any], bucket: Bucket) -> bool:
    """Whether a record lay once with the customer of `bucket`, and was moved away since; or with
    its case, which names another now."""
    if bucket.kind == "case" and _named_once(unit, bucket.key, entity.name, row["id"]):
        return True
    customer_id: str | None = bucket.key
    if bucket.kind == "case":
        case = unit.get("case", bucket.key)
        customer_id = case.row["customer_id"] if case else None
    elif bucket.kind != "customer":
        return False
    name, record_id = _root(unit, entity, row) or (entity.name, str(row["id"]))
    return _was_moved(unit, name, record_id, customer_id)


def _named_once(unit: Unit, case_id: str, entity: str, record_id: str) -> bool:
    """Whether a case named this contact or asset before."""
    if entity not in CASE_COMPANIONS:
        return False
    history = HISTORY.c
    past = select(history.body).where(
        history.org_id == unit.org_id, history.entity == "case", history.record_id == case_id
    )
    bodies = (json.loads(body) for body in unit.connection.scalars(past))
    return any(body.get(f"{entity}_id") == record_id for body in bodies)


def new_home(unit: Unit, entity: Entity, row: Mapping[str, Any]) -> str | None:
    """For a new record that hangs on one which was moved meanwhile: the customer whose it is now.
    None where nothing moved."""
    root = _root(unit, entity, row)
    parent = unit.get(*root) if root else None
    if root is None or parent is None or not entity.customer:
        return None
    named, now = row.get(entity.customer), parent.row["customer_id"]
    if named == now or not _was_moved(unit, *root, named):
        return None
    return str(now)


def moved_away(unit: Unit, entity: Entity, row: Mapping[str, Any]) -> dict[str, None]:
    """Fields by which a case names a contact or an asset that was put under another customer since:
    to be cleared, as they were in the cases that stood then."""
    customer_id = row.get(entity.customer) if entity.name == "case" else None
    return {
        f"{name}_id": None
        for name in ("contact", "asset")
        if customer_id is not None
        and (one := unit.get(name, row.get(f"{name}_id"))) is not None
        and one.row["customer_id"] != customer_id
        and _was_moved(unit, name, one.id, customer_id)
    }


def _root(unit: Unit, entity: Entity, row: Mapping[str, Any]) -> tuple[str, str] | None:
    for name, parent in _PARENTS.items():
        if name in entity.fields and row.get(name) and unit.get(parent, row[name]):
            return parent, row[name]
    return None


def _was_moved(unit: Unit, entity: str, record_id: str, from_customer: str | None) -> bool:
    move = RECORD_MOVE.c
    found = unit.connection.scalar(
        select(move.id)
        .where(
            move.org_id == unit.org_id,
            move.record_id == record_id,
            move.entity == entity,
            move.from_customer == from_customer,
        )
        .limit(1)
    )
    return found is not None


def _check_mover(unit: Unit, caller: Caller, *customer_ids: str) -> None:
    if caller.role is Role.ADMINISTRATOR:
        return
    if caller.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    check_holds(unit, caller, customer_ids)


def _move(
    unit: Unit, caller: Caller, held: Held, from_customer: str, to_customer: str, reason: str | None
) -> Moved:
    along = list(_along(unit, held))
    if any(one.entity == "report" and one.row.get("signature") for one in along):
        raise Refusal(Code.REPORT_SEALED, entity="report")
    untied = _untie(unit, held, to_customer)
    for one in (held, *along):
        unit.update(one.entity, one.id, {"customer_id": to_customer})
    unit.append(
        RECORD_MOVE,
        {
            "org_id": unit.org_id,
            "id": new_id(),
            "entity": held.entity,
            "record_id": held.id,
            "from_customer": from_customer,
            "to_customer": to_customer,
            "moved_at": to_wire(unit.now),
            "moved_by": caller.staff_id,
            "reason": reason,
        },
    )
    _tell(unit, caller, held, from_customer, to_customer)
    audit.note(
        unit, caller, Action.RECORD_MOVED, subject=(held.entity, held.id),
        customer=from_customer, to=to_customer,
    )  # fmt: skip
    return Moved(records=1 + len(along), untied=untied)


def _along(unit: Unit, held: Held) -> Iterator[Held]:
    """What hangs on a record and goes where it goes, its open and decided conflicts among it."""
    found = []
    if held.entity == "case":
        for entity in _OF_CASE:
            found += unit.find(entity, case_id=held.id)
        found += unit.find("assignment", subject_id=held.id, subject="case")
        callbacks = [one.id for one in found if one.entity == "callback"]
        found += unit.find("assignment", subject_id=callbacks, subject="callback")
    if held.entity == "visit":
        customer_id = held.row["customer_id"]
        found += [
            file
            for file in unit.find("file", customer_id=customer_id)
            if file.row.get("visit_id") == held.id
        ]
    yield from found
    for one in (held, *found):
        yield from (
            c for c in unit.find("conflict", record_id=one.id) if c.row["entity"] == one.entity
        )


def _untie(unit: Unit, held: Held, to_customer: str) -> int:
    """Cuts what would carry one customer's record into another's case (L3): cases that stay name
    the moved one no more, and a moved case keeps neither contact nor asset of the customer that
    it leaves. What was named stays in the history."""
    if held.entity == "case":
        strangers = {
            f"{name}_id": None
            for name in ("contact", "asset")
            if (one := unit.get(name, held.row.get(f"{name}_id")))
            and one.row["customer_id"] != to_customer
        }
        unit.update("case", held.id, strangers)
        return 0
    if held.entity not in ("contact", "asset"):
        return 0
    name = f"{held.entity}_id"
    naming = [
        case
        for case in unit.find("case", customer_id=held.row["customer_id"])
        if case.row.get(name) == held.id
    ]
    for case in naming:
        unit.update("case", case.id, {name: None})
    return len(naming)


def _tell(unit: Unit, caller: Caller, held: Held, from_customer: str, to_customer: str) -> None:
    """Account managers hear of what came and what went, unless they hold both customers."""
    occasion = new_id()
    losing, getting = (holders(unit, c, "assignment") for c in (from_customer, to_customer))
    for who in sorted(getting - losing - {caller.staff_id}):
        tell(unit, occasion, who, "received", subject=held.entity, count=1, by=caller.staff_id)
    for who in sorted(losing - getting - {caller.staff_id}):
        tell(unit, occasion, who, "handed_on", subject=held.entity, count=1, by=caller.staff_id)
