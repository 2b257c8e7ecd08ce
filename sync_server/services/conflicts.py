"""Conflicts: the value that did not stand, kept beside the one that did until a person chose, and
after (design §5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.access import Bucket, companions_of
from shared.clock import to_wire
from shared.codec import check
from shared.declare import ENTITIES, Merge, Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.states import may_move
from sync_server.db.base import Database
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.judging import check_ties
from sync_server.services.moves import check_holds
from sync_server.services.writing import SERVER, Author, Held, Unit, write


def open_conflict(
    unit: Unit,
    held: Held,
    name: str,
    value: Any,
    bucket: Bucket,
    author: Author,
    *,
    late: bool,
) -> str:
    """Keeps the value that did not stand; returns the conflict record's id. It lies where the
    record lies: under its customer, and under the case it was written for if that case names the
    record still and shows the field at all (L3)."""
    entity = ENTITIES[held.entity]
    case_id = held.row.get(entity.case) if entity.case else None
    if case_id is None and bucket.kind == "case" and entity.fields[name].case:
        case = unit.get("case", bucket.key)
        named = case is not None and (held.entity, held.id) in companions_of(case.row)
        case_id = bucket.key if named else None
    version = held.version(name)
    conflict = unit.create(
        "conflict",
        {
            "id": new_id(),
            "customer_id": held.row[entity.customer],
            "case_id": case_id,
            "entity": held.entity,
            "record_id": held.id,
            "field": name,
            "kept_value": held.row.get(name),
            "kept_by": version.staff_id or held.row.get("updated_by"),
            "kept_at": version.at or held.row.get("updated_at"),
            "other_value": value,
            "other_by": author.staff_id,
            "other_at": to_wire(author.at or unit.now),
            "change_id": author.change_id,
            "late": late or None,
            "found_at": to_wire(unit.now),
        },
        SERVER,
    )
    return conflict.id


def decide(db: Database, manager: Caller, conflict_id: str, resolution: str, now: datetime) -> None:
    """A store manager who holds the customer takes one of the two values. Refuses what `resolve`
    refuses, `OUT_OF_SCOPE`, and a conflict that was decided already (`RECORD_EXISTS`)."""
    if manager.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if resolution not in ("kept", "other"):
        raise Refusal(Code.FIELD_INVALID, field="resolution", wanted="kept|other")

    def work(unit: Unit) -> None:
        held = unit.get("conflict", conflict_id)
        if held is None:
            raise Refusal(Code.RECORD_MISSING, entity="conflict")
        customer_id = held.row["customer_id"]
        check_holds(unit, manager, [customer_id])
        if held.row.get("resolution"):
            raise Refusal(Code.RECORD_EXISTS, entity="conflict")
        author = Author(staff_id=manager.staff_id, at=now)
        resolve(unit, held, {"resolution": resolution}, Role.STORE_MANAGER, author)
        audit.note(
            unit, manager, Action.CONFLICT_DECIDED, subject=("conflict", conflict_id),
            customer=customer_id, resolution=resolution,
        )  # fmt: skip

    write(db, manager.org_id, now, work)


def resolve(
    unit: Unit, held: Held, values: Mapping[str, Any], role: Role, author: Author
) -> Held | None:
    """Notes the decision and carries it out; returns the record that changed by it, if one did.

    Refuses what the record's own rules refuse: a field that is not this role's, a sealed report,
    a move that may not follow where the record is now. Then nothing is decided.
    """
    resolution = values.get("resolution")
    if resolution is None:
        raise Refusal(Code.FIELD_REQUIRED, field="conflict.resolution")
    entity, name = ENTITIES[held.row["entity"]], held.row["field"]
    target = unit.get(entity.name, held.row["record_id"])
    if target is None:
        raise Refusal(Code.RECORD_MISSING, entity=entity.name)
    wanted = {
        "kept": target.row.get(name),
        "other": held.row.get("other_value"),
        "edited": values.get("edited_value"),
    }[resolution]
    if resolution == "kept" or wanted == target.row.get(name):
        unit.update("conflict", held.id, dict(values), author)
        return None
    checked = check(entity, {name: wanted}, role=role)
    check_ties(unit, entity, {**target.row, **checked})
    if entity.sealed_by and target.row.get(entity.sealed_by):
        raise Refusal(Code.REPORT_SEALED, entity=entity.name)
    state = entity.fields[name].merge is Merge.STATE
    if state and not may_move(entity.name, target.row.get(name), checked[name]):
        raise Refusal(Code.MOVE_NOT_ALLOWED, entity=entity.name)
    unit.update("conflict", held.id, dict(values), author)
    return unit.update(entity.name, target.id, checked, author)


def overtaken(unit: Unit, held: Held, refusal: Refusal) -> bool:
    """Whether a decision is refused for a move that the record made since the conflict was found,
    of which its author could not know."""
    target = unit.get(held.row["entity"], held.row["record_id"])
    if target is None or refusal.code is not Code.MOVE_NOT_ALLOWED:
        return False
    return target.row.get(held.row["field"]) != held.row.get("kept_value")
