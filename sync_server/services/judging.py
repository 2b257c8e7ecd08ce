"""By which right a change was written, judged by the grant it names at the time it was written
("work outlives access", design §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from shared.access import (
    CASE_COMPANIONS,
    WRITABLE_UNDER_A_CASE,
    Bucket,
    buckets_of,
    case_of,
    companions_of,
    covers,
    covers_as_author,
    covers_as_opener,
    may_create,
    may_edit,
    opens_beside,
    parse_bucket,
)
from shared.declare import Entity, Role
from shared.errors import Code, Refusal
from shared.wire import Change
from sync_server.services.caller import Caller
from sync_server.services.changes import Readable
from sync_server.services.grants import end_of, is_live
from sync_server.services.record_moves import former_home, new_home
from sync_server.services.writing import Held, Unit


class Manner(Enum):
    """How a change is taken."""

    ON_TIME = auto()
    LATE = auto()  # written while the grant ran, arrived after: merged like any other, marked late
    AFTER_END = auto()  # written after the end: creations are appended, edits go to the new holder
    QUARANTINE = auto()  # a manager decides
    MOVED = auto()  # the record was put under another customer meanwhile: as AFTER_END


@dataclass(frozen=True, slots=True)
class Right:
    """The right under which a change is applied."""

    manner: Manner
    role: Role
    bucket: Bucket


def judge(
    unit: Unit,
    caller: Caller,
    change: Change | Readable,
    entity: Entity,
    row: Mapping[str, Any] | None,
    written_at: datetime,
) -> Right:
    """`row` is the record as it stands, or as it would be created; None: there is none to edit.

    Refuses (`OUT_OF_SCOPE`, `ROLE_NOT_ALLOWED`, `RECORD_MISSING`) what no time could have made
    right. What is to be quarantined is not looked at any further: the record that it edits may
    wait there as well.
    """
    grant = unit.get("grant", change.grant_id) or _held_today(unit, caller, entity, row)
    if grant is None:
        # A restored server may have lost a grant that it gave (design §5, Epoch): nobody can say.
        return Right(Manner.QUARANTINE, caller.role, Bucket("user", caller.staff_id))
    if grant.row["staff_id"] != caller.staff_id:
        raise Refusal(Code.OUT_OF_SCOPE)
    right = right_of(grant.row)
    judged_by = grant
    if right.bucket.kind == "user" and row is not None and not entity.user:
        judged_by = _by_customer(unit, caller, entity, row) or grant
    if right.bucket.kind == "case" and row is not None:
        judged_by = _by_case(unit, caller, right.bucket, entity, row) or grant
    manner = _manner(unit, caller, judged_by, written_at)
    creating = change.kind == "create"
    if manner is not Manner.QUARANTINE and row is not None:
        holder = caller.staff_id
        manner = _moved(unit, right, entity, row, manner, creating=creating, holder=holder)
    if manner not in (Manner.QUARANTINE, Manner.MOVED):
        check_reach(unit, right, entity, row, creating=creating, holder=caller.staff_id)
    if manner is Manner.ON_TIME:
        return right
    return Right(Manner.AFTER_END if manner is Manner.MOVED else manner, right.role, right.bucket)


def right_of(grant: Mapping[str, Any]) -> Right:
    """What a grant allows while it runs."""
    return _right(grant["role"], grant["bucket"])


@lru_cache(maxsize=4096)
def _right(role: str, bucket: str) -> Right:
    return Right(Manner.ON_TIME, Role(role), parse_bucket(bucket))


def check_reach(
    unit: Unit,
    right: Right,
    entity: Entity,
    row: Mapping[str, Any] | None,
    *,
    creating: bool,
    holder: str | None = None,
) -> None:
    """Refuses what lies outside the grant's bucket or the role's writing. `holder` is whose grant
    it is."""
    if row is None:
        raise Refusal(Code.RECORD_MISSING, entity=entity.name)
    if not in_reach(unit, right.bucket, entity, row, creating=creating, holder=holder):
        raise Refusal(Code.OUT_OF_SCOPE)
    allowed = may_create if creating else may_edit
    if not allowed(right.role, entity, right.bucket):
        raise Refusal(Code.ROLE_NOT_ALLOWED, entity=entity.name)


def _manner(unit: Unit, caller: Caller, grant: Held, written_at: datetime) -> Manner:
    if grant.row.get("revoked_because") == "security":
        return Manner.QUARANTINE
    end = end_of(grant.row)
    if end is None or unit.now < end.at:
        # A blocked device of someone whose grants run: it may be in other hands.
        return Manner.ON_TIME if caller.active else Manner.QUARANTINE
    return Manner.LATE if written_at < end.at else Manner.AFTER_END


def _moved(
    unit: Unit,
    right: Right,
    entity: Entity,
    row: Mapping[str, Any],
    manner: Manner,
    *,
    creating: bool,
    holder: str,
) -> Manner:
    """`MOVED` for an edit of a record that left the grant's customer, which its new holder
    decides, and `AFTER_END` for a creation that hangs on one: it follows. What the customer signed
    follows nobody and waits for a manager (L6)."""
    if creating:
        if new_home(unit, entity, row) is None:
            return manner
        signed = entity.sealed_by and row.get(entity.sealed_by)
        return Manner.QUARANTINE if signed else Manner.AFTER_END
    if in_reach(unit, right.bucket, entity, row, creating=False, holder=holder):
        return manner
    if not former_home(unit, entity, row, right.bucket):
        return manner
    if not may_edit(right.role, entity, right.bucket):
        raise Refusal(Code.ROLE_NOT_ALLOWED, entity=entity.name)
    return Manner.MOVED


def in_reach(
    unit: Unit,
    bucket: Bucket,
    entity: Entity,
    row: Mapping[str, Any],
    *,
    creating: bool,
    holder: str | None = None,
) -> bool:
    """Whether a change under a grant of `holder` for `bucket` may touch this record."""
    if bucket.kind == "user":
        if entity.user:  # a notice of one's own; a request, which may also be made
            return (not creating or bool(entity.creators)) and covers(bucket, entity, row)
        if entity.one_way and row.get(entity.customer) is None:  # a search of one's own
            return creating and bucket.key == holder
        if creating and entity.name == "customer":
            return True
        customer = unit.get("customer", row.get(entity.customer) if entity.customer else None)
        return covers_as_author(bucket, customer.row if customer else None)
    if bucket.kind == "case" and entity.name in WRITABLE_UNDER_A_CASE and not entity.case:
        case = unit.get("case", bucket.key)
        if case is None or row.get(entity.customer) != case.row["customer_id"]:
            return False
        named = (entity.name, row["id"]) in companions_of(case.row)
        return creating or named or entity.name not in CASE_COMPANIONS
    if bucket.kind == "case" and entity.case and case_of(entity, row) != bucket.key:
        return _beside(unit, bucket, entity, row, holder, creating=creating)
    return covers(bucket, entity, row)


def _beside(
    unit: Unit,
    bucket: Bucket,
    entity: Entity,
    row: Mapping[str, Any],
    holder: str | None,
    *,
    creating: bool,
) -> bool:
    """Whether this is a case that the grant's holder opens beside the one that they hold, or
    belongs to such a case."""
    held = unit.get("case", bucket.key)
    if held is None:
        return False
    if creating and entity.name == "case":
        return opens_beside(held.row, row)
    opened = unit.get("case", case_of(entity, row))
    return (
        holder is not None
        and opened is not None
        and covers_as_opener(bucket, held.row, opened.row, holder)
    )


def check_ties(unit: Unit, entity: Entity, row: Mapping[str, Any]) -> None:
    """What a record names must be there and be of the same customer: a wrong tie would carry one
    customer's record into the scope of another's. Refuses `RECORD_MISSING`, `OUT_OF_SCOPE`."""
    customer_id = row.get(entity.customer) if entity.customer else None
    if entity.name == "look" and customer_id is None:
        if row["what"] != "searched":
            raise Refusal(Code.FIELD_REQUIRED, field="look.customer_id")
        return
    if entity.customer and entity.customer != "id" and unit.get("customer", customer_id) is None:
        field = f"{entity.name}.{entity.customer}"
        raise Refusal(Code.RECORD_MISSING, field=field, missing=str(customer_id))
    if entity.case and entity.case != "id" and row.get(entity.case):
        _same_customer(unit, "case", row[entity.case], customer_id)
    if entity.name == "case":
        for name, record_id in companions_of(row):
            if name != "customer":
                _same_customer(unit, name, record_id, customer_id)


def _same_customer(unit: Unit, entity: str, record_id: str, customer_id: str | None) -> None:
    named = unit.get(entity, record_id)
    if named is None:
        raise Refusal(Code.RECORD_MISSING, field=f"{entity}_id", missing=record_id)
    if named.row["customer_id"] != customer_id:
        raise Refusal(Code.OUT_OF_SCOPE, field=f"{entity}_id")


def _held_today(
    unit: Unit, caller: Caller, entity: Entity, row: Mapping[str, Any] | None
) -> Held | None:
    """For a grant that nobody knows: one that its author holds today and that covers the record."""
    if row is None:
        return None
    names = [str(b) for b in buckets_of(entity, row)] + [f"user:{caller.staff_id}"]
    for grant in unit.find("grant", bucket=names, staff_id=caller.staff_id, revoked_at=None):
        bucket = parse_bucket(grant.row["bucket"])
        if is_live(grant.row, unit.now) and in_reach(
            unit, bucket, entity, row, creating=False, holder=caller.staff_id
        ):
            return grant
    return None


def _by_customer(unit: Unit, caller: Caller, entity: Entity, row: Mapping[str, Any]) -> Held | None:
    """The `customer:` grant that an author's own creation brought them: the one that ran
    longest."""
    return _longest(unit, caller, f"customer:{row.get(entity.customer)}")


def _by_case(
    unit: Unit, caller: Caller, bucket: Bucket, entity: Entity, row: Mapping[str, Any]
) -> Held | None:
    """The grant for a case itself, where work on it goes up under the grant beside which its author
    opened it."""
    case_id = case_of(entity, row)
    if case_id in (None, bucket.key):
        return None
    return _longest(unit, caller, f"case:{case_id}")


def _longest(unit: Unit, caller: Caller, bucket: str) -> Held | None:
    """The caller's grant on a bucket that ran longest."""
    grants = unit.find("grant", bucket=bucket, staff_id=caller.staff_id)

    def last(grant: Held) -> tuple[bool, datetime]:
        end = end_of(grant.row)
        return end is None, end.at if end else unit.now

    return max(grants, key=last, default=None)
