"""Applying one change: checked, judged field by field, written, and what could not stand kept as
a conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.declare import ENTITIES, Entity, Merge, Role
from shared.device_time import Sending
from shared.errors import Code, Refusal
from shared.merge import Decision, Stored, Verdict, decide
from shared.policy import PolicySettings
from shared.states import OPEN_PROPOSAL_STATES
from shared.wire import Change
from sync_server.services import conflicts, followups, seals
from sync_server.services.bodies import body_text
from sync_server.services.caller import Caller
from sync_server.services.changes import Readable
from sync_server.services.judging import Manner, Right, check_ties, in_reach
from sync_server.services.record_moves import new_home
from sync_server.services.writing import Author, Held, Unit, Version


@dataclass(slots=True)
class Desk:
    """What the changes of one push have in common."""

    unit: Unit
    caller: Caller
    policy: PolicySettings
    sending: Sending


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a change: its verdict, and the conflict records that it left."""

    verdict: str
    conflicts: list[str] = field(default_factory=list)


def apply(
    desk: Desk,
    change: Change | Readable,
    values: Mapping[str, Any],
    right: Right,
    written_at: datetime,
) -> Applied:
    """`values` are the change's fields, checked. Refuses with a code what can never become valid;
    the caller undoes what was begun then."""
    entity = ENTITIES[change.entity]
    author = Author(
        staff_id=desk.caller.staff_id,
        device_id=desk.caller.device_id,
        number=change.number,
        at=written_at,
        change_id=change.change_id,
    )
    held = desk.unit.get(change.entity, change.record_id)
    creating = change.kind == "create"
    _check_writers(entity, values, right.role)
    if creating and held is None:
        return _create(desk, entity, change.record_id, values, right, author)
    if held is None:
        raise Refusal(Code.RECORD_MISSING, entity=entity.name)
    here, holder = (desk.unit, right.bucket, entity, held.row), desk.caller.staff_id
    if creating and not in_reach(*here, creating=False, holder=holder):
        raise Refusal(Code.RECORD_EXISTS, entity=entity.name)
    if entity.name == "conflict":
        return _resolve(desk, held, values, right, author)
    if entity.name == "access_request":
        if right.manner is Manner.AFTER_END:
            raise Refusal(Code.OUT_OF_SCOPE)  # whoever lost the customer decides no more
        if held.row.get("decision"):  # another manager was faster; their decision stands
            values = {name: said for name, said in values.items() if name == "ended_at"}
            if not values:
                return Applied("merged")
    if entity.name == "tier_proposal":
        if right.manner is Manner.AFTER_END:
            raise Refusal(Code.OUT_OF_SCOPE)
        if held.row["state"] not in OPEN_PROPOSAL_STATES:
            return Applied("merged")  # another of the panel was faster, or the rules
    return _edit(desk, entity, held, values, change.base, right, author)


def _create(
    desk: Desk,
    entity: Entity,
    record_id: str,
    values: Mapping[str, Any],
    right: Right,
    author: Author,
) -> Applied:
    row = {"id": record_id, **values}
    if (home := new_home(desk.unit, entity, row)) is not None:
        row[entity.customer] = home  # what it hangs on was put under another customer meanwhile
    check_ties(desk.unit, entity, row)
    _check_size(desk, row)
    if entity.sealed_by and row.get(entity.sealed_by):
        seals.check_seal(desk.unit, desk.caller, entity, row)
    held = desk.unit.create(entity.name, row, author)
    on_time = right.manner is Manner.ON_TIME
    followups.after_creation(desk.unit, held, desk.policy, author, on_time=on_time)
    return Applied("applied" if right.manner is Manner.ON_TIME else "late")


def _edit(
    desk: Desk,
    entity: Entity,
    held: Held,
    values: Mapping[str, Any],
    base: Mapping[str, int],
    right: Right,
    author: Author,
) -> Applied:
    _check_sealed(entity, held, values)
    before = dict(held.row)
    stands: dict[str, Any] = {}
    disputed: dict[str, Any] = {}
    merged = False
    for name, value in values.items():
        seen = _seen(held, name, base, author)
        verdict, result = _decide(entity, held, name, value, seen, right)
        if verdict is Verdict.CONFLICT:
            disputed[name] = value
        elif verdict in (Verdict.APPLY, Verdict.COMBINE):
            stands[name] = result
        merged = merged or verdict in (Verdict.COMBINE, Verdict.KEEP)
    merged = merged or _others_wrote(held, values, base, author)
    row = {**held.row, **stands}
    check_ties(desk.unit, entity, row)
    _check_size(desk, row)
    if entity.sealed_by in stands:
        seals.check_seal(desk.unit, desk.caller, entity, row)
    late = right.manner is not Manner.ON_TIME
    kept = [
        conflicts.open_conflict(desk.unit, held, name, value, right.bucket, author, late=late)
        for name, value in disputed.items()
    ]
    if stands:
        desk.unit.update(entity.name, held.id, stands, author)
        followups.after_edit(desk.unit, held, before, desk.policy, author)
    if kept:
        return Applied("conflict", kept)
    return Applied("late" if late else "merged" if merged else "applied")


def _decide(
    entity: Entity, held: Held, name: str, value: Any, seen: bool, right: Right
) -> tuple[Verdict, Any]:
    declared, stored = entity.fields[name], held.row.get(name)
    if declared.merge is Merge.IMMUTABLE and seen and stored is not None and stored != value:
        raise Refusal(Code.FIELD_INVALID, field=f"{entity.name}.{name}", wanted="set once")
    if stored == value or (stored in (None, []) and value in (None, [])):
        return Verdict.SAME, stored
    decision: Decision = decide(entity.name, declared, Stored(stored, seen), value)
    handed_on = bool(entity.customer)  # what is one's own, a notice, has no new holder
    if right.manner is Manner.AFTER_END and handed_on and decision.verdict is not Verdict.SAME:
        # Before all else: the move may follow an earlier one of theirs that waits as a conflict.
        return Verdict.CONFLICT, stored
    if decision.verdict is Verdict.CONFLICT and declared.merge is Merge.STATE and seen:
        # Its author knew where the record stood: no one else's move is in the way.
        raise Refusal(
            Code.MOVE_NOT_ALLOWED, entity=entity.name, before=str(stored), after=str(value)
        )
    return decision.verdict, decision.value


def _seen(held: Held, name: str, base: Mapping[str, int], author: Author) -> bool:
    """Whether the author knew the stored value: it is no newer than what their screen showed, or
    it is their own device's earlier word."""
    version = held.version(name)
    if version.device_id == author.device_id and 0 < version.number < author.number:
        return True
    return 0 <= version.seq <= base.get(name, 0)


def _others_wrote(
    held: Held, values: Mapping[str, Any], base: Mapping[str, int], author: Author
) -> bool:
    """Whether a person wrote other fields of the record since the author saw it, on another
    device: the edit joins theirs. What the server itself noted in it is no one's edit."""
    newest = max((base.get(name, 0) for name in values), default=0)
    others = (Version(*v) for n, v in held.versions.items() if n != "*" and n not in values)
    return any(
        version.seq > newest and version.staff_id and version.device_id != author.device_id
        for version in others
    )


def _resolve(
    desk: Desk, held: Held, values: Mapping[str, Any], right: Right, author: Author
) -> Applied:
    if right.manner is Manner.AFTER_END:
        return Applied("late")  # the new holder decides; the wish stays in the log
    if held.row.get("resolution"):
        return Applied("merged")  # someone was faster; their decision stands
    record = desk.unit.get(held.row["entity"], held.row["record_id"])
    before = dict(record.row) if record else {}
    target = conflicts.resolve(desk.unit, held, values, right.role, author)
    if target is not None:
        followups.after_edit(desk.unit, target, before, desk.policy, author)
    return Applied("applied" if right.manner is Manner.ON_TIME else "late")


def _check_writers(entity: Entity, values: Mapping[str, Any], role: Role) -> None:
    for name in values:
        if role not in entity.fields[name].writers:
            raise Refusal(Code.FIELD_NOT_YOURS, entity=entity.name, field=name)


def _check_sealed(entity: Entity, held: Held, values: Mapping[str, Any]) -> None:
    if not entity.sealed_by or not held.row.get(entity.sealed_by):
        return
    if any((held.row.get(n) or None) != (v or None) for n, v in values.items()):
        raise Refusal(Code.REPORT_SEALED, entity=entity.name)


def _check_size(desk: Desk, row: Mapping[str, Any]) -> None:
    length = len(body_text(row).encode())
    if length > desk.policy.max_record_bytes:
        raise Refusal(Code.RECORD_TOO_LARGE, limit=desk.policy.max_record_bytes, length=length)
