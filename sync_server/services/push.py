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

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import to_wire
from shared.codec import check
from shared.declare import ENTITIES
from shared.device_time import Sending, correct_time
from shared.errors import Code, Refusal
from shared.wire import Outcome, PushReply
from sync_server.db.base import Database
from sync_server.db.limits import BUSY, NoConnectionLeft
from sync_server.db.log import ORG_STATE
from sync_server.services import retrying, survey_answers
from sync_server.services.accounts import policy_of
from sync_server.services.alarms import raise_alarm
from sync_server.services.applying import Desk, judge_and_apply
from sync_server.services.caller import Caller
from sync_server.services.changes import Incoming, Push, Readable
from sync_server.services.epochs import org_state
from sync_server.services.look_chain import Chain
from sync_server.services.outcomes import (
    Known,
    Settled,
    known_outcomes,
    record_outcome,
    says_the_same,
)
from sync_server.services.survey_answers import is_anonymous
from sync_server.services.writing import Unit, write

_log = structlog.get_logger("huifang.push")


def push(
    db: Database, caller: Caller, request: Push, now: datetime, *, limited: bool = True
) -> PushReply:
    """Settles every change of the request. Refuses (`BATCH_TOO_LARGE`, `SERVER_BUSY`,
    `EPOCH_CHANGED`) only as a whole, with nothing stored: the same request may be sent again at
    any time. `limited` False takes a batch of any length.

    A device of another epoch first has to send again what the backup had not: a change that
    builds on such work would be rejected for good.
    """
    with db.read() as connection:
        policy = policy_of(connection, caller.org_id, now)
        epoch = org_state(connection, caller.org_id).epoch
    if request.epoch not in (None, epoch):
        raise Refusal(Code.EPOCH_CHANGED, epoch=epoch)
    if limited and len(request.changes) > policy.max_push_changes:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=policy.max_push_changes)
    sending = request.sending(now)
    try:
        outcomes = _settle(db, caller, sending, request.changes, now)
    except BUSY:
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
    db: Database, caller: Caller, sending: Sending, changes: Sequence[Incoming], now: datetime
) -> list[Outcome]:
    def work(unit: Unit) -> tuple[Unit, list[Settled]]:
        batch = _Batch(Desk(unit, caller, policy_of(unit.connection, unit.org_id, now), sending))
        batch.prepare(changes)
        settled = [batch.settle(change) for change in changes]
        retrying.follow(unit)
        return unit, settled

    unit, settled = write(db, caller.org_id, now, work)
    return [one.outcome(unit.final) for one in settled]


def _one_by_one(
    db: Database, caller: Caller, sending: Sending, changes: Sequence[Incoming], now: datetime
) -> list[Outcome]:
    """Each change in a transaction of its own; those that the database won't take are to be sent
    again."""
    outcomes: list[Outcome] = []
    waiting: set[str] = set()
    for change in changes:
        if waiting and _names(change) & waiting:
            outcomes.append(_retry(change, waiting).outcome())
            continue
        try:
            outcomes += _settle(db, caller, sending, [change], now)
        except NoConnectionLeft:
            raise Refusal(Code.SERVER_BUSY) from None  # the others would wait as long, each
        except SQLAlchemyError as error:
            _log.error("change_failed", kind=type(error).__name__, change=change.change_id)
            outcomes.append(_retry(change, waiting).outcome())
    return outcomes


@dataclass(slots=True)
class _Batch:
    """The changes of one push on their way; `waiting` are records with a change that is to be
    sent again."""

    desk: Desk
    known: Known = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    chain: Chain = field(default_factory=Chain)

    def prepare(self, changes: Sequence[Incoming]) -> None:
        """Reads in a few statements what the changes will need."""
        unit = self.desk.unit
        self.known = known_outcomes(unit.connection, unit.org_id, (c.change_id for c in changes))
        records: dict[str, set[str]] = {"grant": set(), "customer": set(), "case": set()}
        for change in changes:
            content = change.content
            if content is None or change.change_id in self.known or is_anonymous(change):
                continue
            records.setdefault(content.entity, set()).add(content.record_id)
            records["grant"].add(content.grant_id)
            for entity in ("customer", "case"):
                named = content.fields.get(f"{entity}_id")
                if isinstance(named, str):
                    records[entity].add(named)
        for entity in sorted(records):
            unit.load(entity, records[entity])

    def settle(self, change: Incoming) -> Settled:
        """What became of the change; `retry` where something failed that is not its fault."""
        if change.change_id in self.known:
            return self._again(change)
        if self.waiting and _names(change) & self.waiting:
            return _retry(change, self.waiting)
        unit = self.desk.unit
        content = change.content
        written_at = self._written_at(change)
        unit.begin_change()
        forgotten = False
        try:
            if content is None:
                raise change.refusal or Refusal(Code.MALFORMED)
            settled = self._outcome(change, content, written_at)
        except Refusal as refusal:
            unit.undo_change()
            settled = _refused(unit, change, refusal)
            forgotten = refusal.code is Code.CUSTOMER_ERASED
        except Exception as error:  # whatever it is, it must not take the other changes with it
            unit.undo_change()
            _log.error("change_failed", kind=type(error).__name__, change=change.change_id)
            return _retry(change, self.waiting)
        if content is not None and (content.entity, content.kind) == ("look", "create"):
            self._link(content)
        settled.seq = unit.number()
        record_outcome(unit, self.desk.caller, change, written_at, settled, forgotten=forgotten)
        self.known[change.change_id] = settled
        return settled

    def _outcome(self, change: Incoming, content: Readable, written_at: datetime) -> Settled:
        entity = ENTITIES[content.entity]
        if entity.anonymous:  # by no grant: it is nobody's, and nobody reads it
            values = check(entity, content.fields, whole=content.kind == "create")
            survey_answers.take(self.desk.unit, values, written_at)
            return Settled(change, "applied")
        done = judge_and_apply(self.desk, content, written_at)
        return Settled(change, done.verdict, conflicts=done.conflicts)

    def _link(self, look: Readable) -> None:
        """Takes a look into its chain whatever became of it: that it was refused, or waits for a
        manager, is no gap. One that can't be read is."""
        try:
            values = check(ENTITIES["look"], look.fields, whole=True)
        except Refusal:
            return
        self.chain.add(self.desk.unit, self.desk.caller, {**values, "id": look.record_id})

    def _again(self, change: Incoming) -> Settled:
        """The outcome of the first time; other content under the same id is an error and an
        alarm, and is kept."""
        unit, first = self.desk.unit, self.known[change.change_id]
        if is_anonymous(change):  # nothing was kept to compare it with
            return first
        if says_the_same(unit.connection, unit.org_id, first, change):
            return first
        raise_alarm(
            unit, self.desk.caller, "change_id_reused", change.change_id, detail=change.text
        )
        return Settled(change, "rejected", unit.number(), Code.CHANGE_ID_REUSED.key)

    def _written_at(self, change: Incoming) -> datetime:
        content, sending = change.content, self.desk.sending
        if content is None or change.claimed_at is None:
            return sending.received_at
        return correct_time(change.claimed_at, content.boot_id, content.monotonic_ms, sending)


def _names(change: Incoming) -> set[str]:
    """The record that a change writes and those it names: none of them may still be waiting."""
    content = change.content
    if content is None:
        return set()
    return {
        content.record_id,
        *_texts(v for k, v in content.fields.items() if k.endswith("_id")),
    }


def _texts(values: Iterable[object]) -> set[str]:
    return {v for v in values if isinstance(v, str)}


def _retry(change: Incoming, waiting: set[str]) -> Settled:
    """To be sent again, and with it whatever names its record."""
    if change.content is not None:
        waiting.add(change.content.record_id)
    return Settled(change, "retry", code=Code.SERVER_FAULT.key)


def _refused(unit: Unit, change: Incoming, refusal: Refusal) -> Settled:
    """For good, unless what it lacks may still come."""
    named = refusal.details.get("field")
    record_id = change.content.record_id if change.content else None
    lacks = retrying.awaited(unit, refusal, record_id)
    return Settled(
        change,
        "rejected" if lacks is None else "quarantined",
        code=refusal.code.key,
        field=named if isinstance(named, str) else None,
        missing=lacks,
    )
