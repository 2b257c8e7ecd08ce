"""Rejected changes, judged once more: what they lacked may have come since (a record that was on
its way, a role that was given back). Everything that came is in the log, so nobody writes it
again (L1).

Nobody has to notice that a missing record came: a restored server may hear of an edit before the
phone that made the record has sent it again. The edit waits in quarantine and follows (`follow`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from shared.clock import from_wire
from shared.declare import Role
from shared.device_time import Sending
from shared.errors import Code, Refusal
from sync_server.db.accounts import DEVICE
from sync_server.db.among import among
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG
from sync_server.services import audit
from sync_server.services.accounts import by_staff, policy_of
from sync_server.services.applying import Applied, Desk, judge_and_apply
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.changes import read_change
from sync_server.services.epochs import was_restored
from sync_server.services.erasing import EMPTIED
from sync_server.services.writing import Unit, write

_LOG = CHANGE_LOG.c


def retry(db: Database, who: Caller, change_ids: Sequence[str], now: datetime) -> dict[str, str]:
    """The verdict of each of these changes, by the grant that it names and by what is there now.

    Harmless however often: what still can't be applied stays rejected, under today's reason, and
    nothing is applied twice. Refuses whoever is no administrator (`ROLE_NOT_ALLOWED`), and what was
    not rejected (`RECORD_MISSING`).
    """
    if who.role is not Role.ADMINISTRATOR:
        raise Refusal(Code.ROLE_NOT_ALLOWED)

    def work(unit: Unit) -> dict[str, str]:
        found = _rejected(unit, change_ids)
        verdicts = {stored.change_id: _again(unit, who, stored) for stored in found}
        follow(unit)
        return verdicts

    return write(db, who.org_id, now, work)


def awaited(unit: Unit, refusal: Refusal, record_id: str | None) -> str | None:
    """The id of the record for want of which a change of `record_id` was refused, where it may
    still come."""
    if refusal.code is not Code.RECORD_MISSING or record_id is None:
        return None
    if not was_restored(unit.connection, unit.org_id):
        return None
    return str(refusal.details.get("missing", record_id))[:36]


def follow(unit: Unit) -> None:
    """Judges once more what waits for a record that `unit` makes; and what waits for that, and so
    on."""
    server, tried = audit.by_itself(unit.org_id), set[str]()
    while made := [h.id for h in unit.held.values() if h.stored is None and h.dirty]:
        found = unit.connection.execute(
            select(CHANGE_LOG)
            .where(_LOG.org_id == unit.org_id, among(unit.connection, _LOG.missing_id, made))
            .where(_LOG.missing_id.is_not(None))  # lets SQLite take the index of those that wait
        ).all()
        # Put in order here: for an order of the database's, SQLite would read the whole log.
        waiting = sorted(found, key=lambda stored: stored.seq)
        new = [stored for stored in waiting if stored.change_id not in tried]
        if not new:
            return
        for stored in new:
            tried.add(stored.change_id)
            _again(unit, server, stored)


def _rejected(unit: Unit, change_ids: Sequence[str]) -> Sequence[Row[Any]]:
    found = unit.connection.execute(
        select(CHANGE_LOG)
        .where(_LOG.org_id == unit.org_id, _LOG.change_id.in_(change_ids))
        .where(_LOG.verdict == "rejected")
        .order_by(_LOG.seq)
    ).all()
    if len(found) != len(set(change_ids)):
        raise Refusal(Code.RECORD_MISSING, where="rejected")
    return found


def _again(unit: Unit, who: Caller | audit.Actor, stored: Row[Any]) -> str:
    unit.begin_change()
    code = lacks = None
    try:
        done = _judged(unit, stored)
    except Refusal as refusal:
        unit.undo_change()
        lacks = awaited(unit, refusal, stored.record_id)
        done, code = Applied("rejected" if lacks is None else "quarantined"), refusal.code.key
    unit.connection.execute(
        update(CHANGE_LOG)
        .where(_LOG.org_id == unit.org_id, _LOG.change_id == stored.change_id)
        .values(
            verdict=done.verdict,
            code=code,
            settled_by=who.staff_id,
            missing_id=lacks,
            outcome=json.dumps({"field": None, "conflicts": done.conflicts}),
        )
    )
    audit.note(
        unit, who, Action.CHANGES_RETRIED, subject=("change", stored.change_id),
        of=stored.staff_id, verdict=done.verdict,
    )  # fmt: skip
    return done.verdict


def _judged(unit: Unit, stored: Row[Any]) -> Applied:
    """As `push` judges what it has never seen. A look's place in its chain was taken when it
    came."""
    if stored.body == EMPTIED:  # nothing is left to judge, and what refused it still holds
        raise Refusal(Code.of(stored.code or ""))
    incoming = read_change(stored.body.encode())
    if incoming.content is None:
        raise incoming.refusal or Refusal(Code.of(stored.code or ""))
    author = _author(unit.connection, unit.org_id, stored)
    written_at = from_wire(stored.written_at)
    sending = Sending(sent_at=written_at, boot_id="", monotonic_ms=0, received_at=unit.now)
    desk = Desk(unit, author, policy_of(unit.connection, unit.org_id, unit.now), sending)
    return judge_and_apply(desk, incoming.content, written_at)


def _author(connection: Connection, org_id: str, stored: Row[Any]) -> Caller:
    """Whoever sent it, as they stand now: work of someone who is barred waits for a manager."""
    account = by_staff(connection, org_id, stored.staff_id)
    device = connection.execute(
        select(DEVICE.c.key, DEVICE.c.state).where(
            DEVICE.c.org_id == org_id, DEVICE.c.id == stored.device_id
        )
    ).first()
    if account is None or device is None:
        raise Refusal(Code.DEVICE_UNKNOWN)
    return Caller(
        org_id=org_id,
        staff_id=stored.staff_id,
        role=account.role,
        device_id=stored.device_id,
        device_key=device.key,
        store_id=account.store_id,
        active=account.active and device.state == "approved",
    )
