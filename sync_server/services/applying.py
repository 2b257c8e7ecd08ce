"""Applying one change: checked, judged field by field, written, and what could not stand kept as
a conflict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.codec import check
from shared.declare import ENTITIES, Entity, Merge, Role
from shared.device_time import Sending
from shared.errors import Code, Refusal
from shared.merge import Decision, Stored, Verdict, decide
from shared.policy import PolicySettings
from shared.wire import Change
from sync_server.services import approvals, audit, conflicts, followups, seals, tier_panel
from sync_server.services.audit import Action
from sync_server.services.bodies import body_text
from sync_server.services.caller import Caller
from sync_server.services.changes import Readable
from sync_server.services.erasing import is_erased
from sync_server.services.judging import Manner, Right, check_ties, in_reach, judge
from sync_server.services.record_moves import moved_away, new_home
from sync_server.services.votes import Vote
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


def judge_and_apply(desk: Desk, content: Readable, written_at: datetime) -> Applied:
    """Judges a change by what its author may do and by what is there now, and applies it, or leaves
    it to a manager (`quarantined`). Refuses as `apply` does, and whatever is about a customer that
    was erased: nothing more is kept about them, however it was written."""
    entity, creating = ENTITIES[content.entity], content.kind == "create"
    values = check(entity, content.fields, whole=creating)
    held = desk.unit.get(content.entity, content.record_id)
    row: dict[str, Any] | None = held.row if held else None
    if held is None and creating:
        row = {**values, "id": content.record_id}
    if row is not None and entity.customer and not entity.one_way:
        if is_erased(desk.unit.get("customer", row.get(entity.customer))):
            raise Refusal(Code.CUSTOMER_ERASED)
    right = judge(desk.unit, desk.caller, content, entity, row, written_at)
    if right.manner is Manner.QUARANTINE:
        return Applied("quarantined")
    return apply(desk, content, values, right, written_at)


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
    decided = _DECIDED.get(entity.name)
    if decided is not None and decided.field in values:
        return _decision(desk, entity, held, values, change.base, right, author, decided)
    return _edit(desk, entity, held, values, change.base, right, author)


@dataclass(frozen=True, slots=True)
class _Decided:
    """A kind that is decided rather than edited: `field` is what was decided, the others of `along`
    say nothing without it, and `counts` asks whether a decision may still have an effect."""

    field: str
    along: frozenset[str]
    counts: Callable[[Unit, Held, Vote, PolicySettings], bool]


_DECIDED: Mapping[str, _Decided] = {
    "access_request": _Decided("decision", frozenset({"answer"}), approvals.still_counts),
    "tier_proposal": _Decided("state", frozenset(), tier_panel.still_counts),
}


def _decision(
    desk: Desk,
    entity: Entity,
    held: Held,
    values: Mapping[str, Any],
    base: Mapping[str, int],
    right: Right,
    author: Author,
    decided: _Decided,
) -> Applied:
    """A decision that came too late is put on record, in the history and for the auditor, and has
    no effect; what was written beside it is merged like any edit (L1)."""
    name = decided.field
    entitled, seen = right.manner is not Manner.AFTER_END, base.get(name, 0)
    vote = Vote(author=author, role=right.role, said=values[name], base=seen, entitled=entitled)
    if decided.counts(desk.unit, held, vote, desk.policy):
        return _edit(desk, entity, held, values, base, right, author)
    stands = {one: held.row.get(one) for one in (name, *decided.along)}
    late = {one: said for one, said in values.items() if one in stands}
    desk.unit.update(entity.name, held.id, late, author)
    desk.unit.update(entity.name, held.id, stands)
    audit.note(
        desk.unit, followups.on_device(desk.unit, author), Action.DECIDED_LATE,
        subject=(entity.name, held.id), customer=held.row.get(entity.customer), said=values[name],
    )  # fmt: skip
    rest = {one: said for one, said in values.items() if one not in stands}
    done = _edit(desk, entity, held, rest, base, right, author)
    return Applied("merged") if done.verdict == "applied" else done


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
    untied = moved_away(desk.unit, entity, row)
    check_ties(desk.unit, entity, row | untied)
    _check_size(desk, row)
    if entity.sealed_by and row.get(entity.sealed_by):
        seals.check_seal(desk.unit, desk.caller, entity, row)
    held = desk.unit.create(entity.name, row, author)
    desk.unit.update(entity.name, held.id, untied)
    followups.after_creation(desk.unit, held, desk.policy, author, right)
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
        seen = held.version(name).seen_by(author, base.get(name, 0))
        verdict, result = _decide(entity, held, name, value, seen, right)
        if verdict is Verdict.CONFLICT:
            disputed[name] = value
        elif verdict in (Verdict.APPLY, Verdict.COMBINE):
            stands[name] = result
        merged = merged or verdict in (Verdict.COMBINE, Verdict.KEEP)
    merged = merged or _others_wrote(held, values, base, author)
    row = {**held.row, **stands}
    untied = moved_away(desk.unit, entity, row)
    check_ties(desk.unit, entity, row | untied)
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
        desk.unit.update(entity.name, held.id, untied)
        followups.after_edit(desk.unit, held, before, desk.policy, author, right)
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
    try:
        target = conflicts.resolve(desk.unit, held, values, right.role, author)
    except Refusal as refusal:
        if not conflicts.overtaken(desk.unit, held, refusal):
            raise
        return Applied("late")  # nothing is decided: it waits for who sees where the record is now
    if target is not None:
        followups.after_edit(desk.unit, target, before, desk.policy, author, right)
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
