"""Quarantine: what arrived under a right that is not trusted waits for a manager (design §4, L1).

Released, a change is applied as its author wrote it, marked late; refused, it stays in the log
with who refused it. Its author's device asks no more: it was told that the change is safe.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from shared.clock import from_wire
from shared.codec import check
from shared.declare import ENTITIES, Role
from shared.device_time import Sending
from shared.errors import Code, Refusal
from shared.wire import Change
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG
from sync_server.services import audit, retrying
from sync_server.services.accounts import policy_of
from sync_server.services.applying import Applied, Desk, apply
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.grants import is_live
from sync_server.services.judging import Manner, Right, check_reach, right_of
from sync_server.services.look_listing import held_of
from sync_server.services.writing import Unit, write

_LOG = CHANGE_LOG.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A quarantined change, as the manager who decides on it sees it."""

    change_id: str
    staff_id: str
    customer_id: str
    entity: str
    record_id: str
    kind: str
    fields: dict[str, Any]
    written_at: str
    received_at: str


def waiting_for(db: Database, manager: Caller, now: datetime) -> list[Waiting]:
    """What waits for this manager: changes about customers that they hold, oldest first."""
    if manager.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    with db.read() as connection:
        unit = Unit(db, connection, manager.org_id, now, locked=True)
        rows = connection.execute(
            select(CHANGE_LOG)
            .where(_LOG.org_id == manager.org_id, _LOG.verdict == "quarantined")
            .order_by(_LOG.seq)
        ).all()
        found = [one for row in rows if (one := _shown(unit, row)) is not None]
        held = held_of(connection, manager, {one.customer_id for one in found}, now)
    return [one for one in found if one.customer_id in held]


def _shown(unit: Unit, stored: Row[Any]) -> Waiting | None:
    change = Change(**json.loads(stored.body))
    try:
        customer_id = _customer_of(unit, change)
    except Refusal:  # about nothing that is here: only the log knows it
        return None
    return Waiting(
        change_id=change.change_id,
        staff_id=stored.staff_id,
        customer_id=customer_id,
        entity=change.entity,
        record_id=change.record_id,
        kind=change.kind,
        fields=change.fields,
        written_at=stored.written_at,
        received_at=stored.received_at,
    )


def release(
    db: Database, manager: Caller, change_ids: Sequence[str], now: datetime
) -> dict[str, Applied]:
    """Applies these changes in the order in which they came; all of them or, where one is
    refused, none.

    Refuses whoever is no store manager with a running grant for the customer, what never waited
    (`RECORD_MISSING`), and what the record's own rules refuse.
    """

    def work(unit: Unit) -> dict[str, Applied]:
        done = {}
        for stored in _waiting(unit, change_ids):
            unit.begin_change()
            done[stored.change_id] = applied = _apply(unit, manager, stored)
            _settle(unit, manager, stored, applied.verdict, applied.conflicts)
            _note(unit, manager, Action.CHANGES_RELEASED, stored)
        retrying.follow(unit)
        return done

    return write(db, manager.org_id, now, work)


def refuse(db: Database, manager: Caller, change_ids: Sequence[str], now: datetime) -> None:
    """Leaves these changes unapplied for good. They stay in the log."""

    def work(unit: Unit) -> None:
        for stored in _waiting(unit, change_ids):
            change = Change(**json.loads(stored.body))
            _check_manager(unit, manager, _customer_of(unit, change))
            _settle(unit, manager, stored, "rejected", [])
            _note(unit, manager, Action.CHANGES_REFUSED, stored)

    write(db, manager.org_id, now, work)


def _waiting(unit: Unit, change_ids: Sequence[str]) -> list[Row[Any]]:
    found = unit.connection.execute(
        select(CHANGE_LOG)
        .where(
            _LOG.org_id == unit.org_id,
            _LOG.change_id.in_(change_ids),
            _LOG.verdict == "quarantined",
        )
        .order_by(_LOG.seq)
    ).all()
    if len(found) != len(set(change_ids)):
        raise Refusal(Code.RECORD_MISSING, where="quarantine")
    return list(found)


def _apply(unit: Unit, manager: Caller, stored: Row[Any]) -> Applied:
    change = Change(**json.loads(stored.body))
    entity, creating = ENTITIES[change.entity], change.kind == "create"
    _check_manager(unit, manager, _customer_of(unit, change))
    values = check(entity, change.fields, whole=creating)
    held = unit.get(change.entity, change.record_id)
    row = held.row if held else {**values, "id": change.record_id} if creating else None
    grant = unit.get("grant", change.grant_id)
    if grant is not None:
        allowed = right_of(grant.row)
        check_reach(unit, allowed, entity, row, creating=creating, holder=stored.staff_id)
        right = Right(Manner.LATE, allowed.role, allowed.bucket)
    else:  # lost with an epoch: the manager's own right stands in for it
        right = Right(Manner.LATE, *_own_right(unit, manager, _customer_of(unit, change)))
    written_at = from_wire(stored.written_at)
    author = Caller(
        org_id=unit.org_id,
        staff_id=stored.staff_id,
        role=right.role,
        device_id=stored.device_id,
        device_key="",
    )
    sending = Sending(sent_at=written_at, boot_id="", monotonic_ms=0, received_at=unit.now)
    policy = policy_of(unit.connection, unit.org_id, unit.now)
    return apply(Desk(unit, author, policy, sending), change, values, right, written_at)


def _settle(
    unit: Unit, manager: Caller, stored: Row[Any], verdict: str, conflicts: list[str]
) -> None:
    unit.connection.execute(
        update(CHANGE_LOG)
        .where(_LOG.org_id == unit.org_id, _LOG.change_id == stored.change_id)
        .values(
            verdict=verdict,
            settled_by=manager.staff_id,
            outcome=json.dumps({"field": None, "conflicts": conflicts}),
        )
    )


def _note(unit: Unit, manager: Caller, action: Action, stored: Row[Any]) -> None:
    change = Change(**json.loads(stored.body))
    audit.note(
        unit, manager, action, subject=("change", stored.change_id),
        customer=_customer_of(unit, change), of=stored.staff_id,
    )  # fmt: skip


def _customer_of(unit: Unit, change: Change) -> str:
    """Whose customer a change is about: by its record, or by the grant it was written under where
    the record itself still waits."""
    entity = ENTITIES[change.entity]
    held = unit.get(change.entity, change.record_id)
    row = held.row if held else {**change.fields, "id": change.record_id}
    customer = row.get(entity.customer) if entity.customer else None
    grant = unit.get("grant", change.grant_id)
    if customer is None and grant is not None:
        bucket = right_of(grant.row).bucket
        case = unit.get("case", bucket.key) if bucket.kind == "case" else None
        customer = case.row["customer_id"] if case else bucket.key
    if not isinstance(customer, str):
        raise Refusal(Code.RECORD_MISSING, entity=change.entity)
    return customer


def _check_manager(unit: Unit, manager: Caller, customer_id: str) -> None:
    if manager.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    _own_right(unit, manager, customer_id)


def _own_right(unit: Unit, manager: Caller, customer_id: str) -> tuple[Role, Any]:
    bucket = f"customer:{customer_id}"
    for grant in unit.find("grant", bucket=bucket, staff_id=manager.staff_id):
        if is_live(grant.row, unit.now):
            return Role.STORE_MANAGER, right_of(grant.row).bucket
    raise Refusal(Code.OUT_OF_SCOPE)
