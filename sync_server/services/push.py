"""Push: every change of a batch gets its outcome, once, whatever comes twice or in another order
(L1, L2).

Changes are settled one by one in memory and stored together. If storing fails, they are stored
one by one, so that a change that the database won't take holds up nothing but later changes to
the same record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from shared.clock import from_wire, to_wire
from shared.codec import check
from shared.declare import ENTITIES
from shared.device_time import Sending, correct_time
from shared.errors import Code, Refusal
from shared.wire import Change, Outcome, PushReply, PushRequest
from sync_server.db.base import Database
from sync_server.db.log import ORG_STATE
from sync_server.services.accounts import policy_of
from sync_server.services.alarms import raise_alarm
from sync_server.services.applying import Applied, Desk, apply
from sync_server.services.caller import Caller
from sync_server.services.changes import Unreadable, content_digest, original, sending_of
from sync_server.services.epochs import org_state
from sync_server.services.judging import Manner, judge
from sync_server.services.look_chain import Chain
from sync_server.services.outcomes import Known, final, known_outcomes, record_outcome
from sync_server.services.writing import Unit, write

_log = structlog.get_logger("huifang.push")


def push(db: Database, caller: Caller, request: PushRequest, now: datetime) -> PushReply:
    """Settles every change of the request. Refuses (`BATCH_TOO_LARGE`, `SERVER_BUSY`,
    `EPOCH_CHANGED`) only as a whole, with nothing stored: the same request may be sent again at
    any time.

    A device of another epoch first has to send again what the backup had not: a change that
    builds on such work would be rejected for good.
    """
    with db.read() as connection:
        policy = policy_of(connection, caller.org_id, now)
        epoch = org_state(connection, caller.org_id).epoch
    if request.epoch not in (None, epoch):
        raise Refusal(Code.EPOCH_CHANGED, epoch=epoch)
    if len(request.changes) > policy.max_push_changes:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=policy.max_push_changes)
    sending = sending_of(request, now)
    try:
        outcomes = _settle(db, caller, sending, request.changes, now)
    except OperationalError:
        raise Refusal(Code.SERVER_BUSY) from None
    except SQLAlchemyError as error:
        _log.error("push_failed", kind=type(error).__name__, changes=len(request.changes))
        outcomes = _one_by_one(db, caller, sending, request.changes, now)
    with db.read() as connection:
        state = connection.execute(
            select(ORG_STATE.c.epoch, ORG_STATE.c.backed_up_to).where(
                ORG_STATE.c.org_id == caller.org_id
            )
        ).one()
    return PushReply(
        epoch=state.epoch,
        outcomes=outcomes,
        backed_up_to=state.backed_up_to,
        server_time=to_wire(now),
    )


def _settle(
    db: Database, caller: Caller, sending: Sending, changes: Sequence[Change], now: datetime
) -> list[Outcome]:
    def work(unit: Unit) -> tuple[Unit, list[Outcome]]:
        batch = _Batch(
            Desk(unit, caller, policy_of(unit.connection, unit.org_id, now), sending, Chain())
        )
        batch.prepare(changes)
        return unit, [batch.settle(change) for change in changes]

    unit, outcomes = write(db, caller.org_id, now, work)
    return [final(unit, outcome) for outcome in outcomes]


def _one_by_one(
    db: Database, caller: Caller, sending: Sending, changes: Sequence[Change], now: datetime
) -> list[Outcome]:
    """Each change in a transaction of its own; those that the database won't take are to be sent
    again."""
    outcomes: list[Outcome] = []
    waiting: set[str] = set()
    for change in changes:
        if _names(change) & waiting:
            outcomes.append(_retry(change))
            continue
        try:
            outcomes += _settle(db, caller, sending, [change], now)
        except SQLAlchemyError as error:
            _log.error("change_failed", kind=type(error).__name__, change=change.change_id)
            waiting.add(change.record_id)
            outcomes.append(_retry(change))
    return outcomes


@dataclass(slots=True)
class _Batch:
    """The changes of one push on their way; `waiting` are records with a change that is to be
    sent again."""

    desk: Desk
    known: Known = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)

    def prepare(self, changes: Sequence[Change]) -> None:
        """Reads in a few statements what the changes will need."""
        unit = self.desk.unit
        self.known = known_outcomes(unit.connection, unit.org_id, (c.change_id for c in changes))
        fresh = [
            c for c in changes if c.change_id not in self.known and not isinstance(c, Unreadable)
        ]
        for entity in sorted({c.entity for c in fresh}):
            unit.load(entity, (c.record_id for c in fresh if c.entity == entity))
        unit.load("grant", (c.grant_id for c in fresh))
        unit.load("customer", _texts(c.fields.get("customer_id") for c in fresh))
        unit.load("case", _texts(c.fields.get("case_id") for c in fresh))

    def settle(self, change: Change) -> Outcome:
        """The change's outcome; `retry` where something failed that is not the change's fault."""
        text = original(change)
        digest = content_digest(text)
        if change.change_id in self.known:
            return self._again(change, text, digest)
        if _names(change) & self.waiting:
            return _retry(change)
        unit = self.desk.unit
        written_at = self._written_at(change)
        unit.begin_change()
        try:
            outcome = self._outcome(change, written_at)
        except Refusal as refusal:
            unit.undo_change()
            outcome = _rejected(change, refusal)
        except Exception as error:  # whatever it is, it must not take the other changes with it
            unit.undo_change()
            _log.error("change_failed", kind=type(error).__name__, change=change.change_id)
            self.waiting.add(change.record_id)
            return _retry(change)
        outcome = _numbered(outcome, unit.number())
        record_outcome(unit, self.desk.caller, change, text, digest, written_at, outcome)
        self.known[change.change_id] = (digest, outcome)
        return outcome

    def _outcome(self, change: Change, written_at: datetime) -> Outcome:
        if isinstance(change, Unreadable):
            raise change.refusal
        desk = self.desk
        held = desk.unit.get(change.entity, change.record_id)
        entity, creating = ENTITIES[change.entity], change.kind == "create"
        values = check(entity, change.fields, whole=creating)
        row: dict[str, Any] | None = held.row if held else None
        if held is None and creating:
            row = {**values, "id": change.record_id}
        right = judge(desk.unit, desk.caller, change, entity, row, written_at)
        if right.manner is Manner.QUARANTINE:
            return Outcome(change_id=change.change_id, verdict="quarantined")
        applied: Applied = apply(desk, change, values, right, written_at)
        return Outcome(
            change_id=change.change_id, verdict=applied.verdict, conflicts=applied.conflicts
        )

    def _again(self, change: Change, text: str, digest: bytes) -> Outcome:
        """The outcome of the first time; other content under the same id is an error and an
        alarm, and is kept."""
        first_digest, outcome = self.known[change.change_id]
        if digest == first_digest:
            return outcome
        raise_alarm(
            self.desk.unit, self.desk.caller, "change_id_reused", change.change_id, detail=text
        )
        return Outcome(
            change_id=change.change_id,
            verdict="rejected",
            seq=self.desk.unit.number(),
            code=Code.CHANGE_ID_REUSED.key,
        )

    def _written_at(self, change: Change) -> datetime:
        if isinstance(change, Unreadable):
            return self.desk.sending.received_at
        claimed = from_wire(change.claimed_at)
        return correct_time(claimed, change.boot_id, change.monotonic_ms, self.desk.sending)


def _names(change: Change) -> set[str]:
    """The record that a change writes and those it names: none of them may still be waiting."""
    if isinstance(change, Unreadable):
        return set()
    return {change.record_id, *_texts(v for k, v in change.fields.items() if k.endswith("_id"))}


def _texts(values: Iterable[object]) -> set[str]:
    return {v for v in values if isinstance(v, str)}


def _retry(change: Change) -> Outcome:
    return Outcome(change_id=change.change_id, verdict="retry", code=Code.SERVER_FAULT.key)


def _rejected(change: Change, refusal: Refusal) -> Outcome:
    named = refusal.details.get("field")
    return Outcome(
        change_id=change.change_id,
        verdict="rejected",
        code=refusal.code.key,
        field=named if isinstance(named, str) else None,
    )


def _numbered(outcome: Outcome, seq: int) -> Outcome:
    return Outcome(
        change_id=outcome.change_id,
        verdict=outcome.verdict,
        seq=seq,
        code=outcome.code,
        field=outcome.field,
        conflicts=outcome.conflicts,
    )
