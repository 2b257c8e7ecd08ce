"""Trainings: each store's weekly one and its monthly lecture (S0 #9), and what a fail calls for, a
training or a review of the position, each with whoever sees to it and a day (S1 #69)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.policy import PolicySettings
from sync_server.db.base import Database
from sync_server.db.people import TRAINING
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.rankings import people_of
from sync_server.services.writing import Unit, write

EVERY = {"weekly": "training_every_days", "lecture": "lecture_every_days"}
"""What every store holds, with the setting that says how often."""
OUTCOMES = ("training", "other_duties", "dismissal", "stays")
"""What a review may come to (S1 #69)."""
MOST = 100
_TRAINING, _STORE = TRAINING.c, RECORDS["store"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a store holds next of a kind; `last`: when it did, None if never."""

    store_id: str
    kind: str
    last: date | None
    due_on: date


def due(
    connection: Connection, org_id: str, policy: PolicySettings, store: str | None = None
) -> list[Due]:
    """The next of each kind, of one store or of all. What was never held is due that long after the
    store was opened."""
    stores = select(_STORE.id, _STORE.created_at).where(_STORE.org_id == org_id)
    held = (
        select(_TRAINING.store_id, _TRAINING.kind, func.max(_TRAINING.done_on).label("last"))
        .where(_TRAINING.org_id == org_id, _TRAINING.kind.in_(EVERY))
        .group_by(_TRAINING.store_id, _TRAINING.kind)
    )
    lasts = {(row.store_id, row.kind): _day(row.last) for row in connection.execute(held)}
    found = []
    for row in connection.execute(stores.order_by(_STORE.id)):
        for kind, setting in EVERY.items():
            last = lasts.get((row.id, kind))
            since = last or _day(row.created_at[:10])
            due_on = since + timedelta(days=getattr(policy, setting))
            found.append(Due(store_id=row.id, kind=kind, last=last, due_on=due_on))
    return [one for one in found if store in (None, one.store_id)]


def opened(connection: Connection, org_id: str, store: str | None = None) -> list[Any]:
    """What fails called for and nobody has closed, the most urgent first."""
    return _listed(connection, org_id, store, _TRAINING.done_on.is_(None), _TRAINING.due_on)


def done(connection: Connection, org_id: str, store: str | None = None) -> list[Any]:
    """The last `MOST` that were held or closed."""
    order = _TRAINING.done_on.desc()
    return _listed(connection, org_id, store, _TRAINING.done_on.is_not(None), order)


def overdue(
    connection: Connection, org_id: str, policy: PolicySettings, today: date, store: str | None
) -> int:
    """How many should have been held or closed before today."""
    late = sum(one.due_on < today for one in due(connection, org_id, policy, store))
    open_ = opened(connection, org_id, store)
    return late + len([row for row in open_ if row.due_on < today.isoformat()])


def hold(
    db: Database,
    who: Caller,
    *,
    kind: str,
    held_on: str,
    title: str,
    attended: Sequence[str],
    note: str | None,
    now: datetime,
    today: date,
) -> None:
    """Puts a training of the caller's store on record, as held; the same once more is no second
    one. Refuses (FIELD_INVALID) a day to come, and (OUT_OF_SCOPE) people of other stores."""
    store = who.store_id or ""
    if held_on > today.isoformat():
        raise Refusal(Code.FIELD_INVALID, field="held_on", wanted=today.isoformat())
    told = json.dumps([kind, held_on, title, sorted(attended), note])
    made = derived_id(who.org_id, "training", store, told)

    def work(unit: Unit) -> None:
        if not set(attended) <= set(people_of(unit.connection, unit.org_id, store)):
            raise Refusal(Code.OUT_OF_SCOPE, field="attended")
        unit.lock()  # the same may be sent once more at this moment
        if unit.connection.execute(_that(select(_TRAINING.id), unit, made)).first():
            return
        row = {
            "org_id": unit.org_id, "id": made, "store_id": store, "kind": kind, "title": title,
            "done_on": held_on, "attended": sorted(attended), "note": note,
            "done_by": who.staff_id,
        }  # fmt: skip
        unit.append(TRAINING, row)
        audit.note(unit, who, Action.TRAINING_NOTED, subject=("training", made), kind=kind)

    write(db, who.org_id, now, work)


def close(
    db: Database,
    who: Caller,
    training_id: str,
    *,
    note: str,
    outcome: str | None,
    now: datetime,
    today: date,
) -> None:
    """Closes what a fail opened, with what was done; a review says what it came to. Refuses another
    store's (RECORD_MISSING), a review without its outcome (FIELD_REQUIRED), and one that is closed
    (MOVE_NOT_ALLOWED)."""

    def work(unit: Unit) -> None:
        row = _own(unit, who, training_id)
        if row.done_on is not None:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before="done", after="done")
        if row.kind == "review" and outcome not in OUTCOMES:
            raise Refusal(Code.FIELD_REQUIRED, field="review_outcome")
        values = {
            "done_on": today.isoformat(), "note": note, "done_by": who.staff_id,
            "outcome": outcome if row.kind == "review" else None,
        }  # fmt: skip
        unit.connection.execute(_that(update(TRAINING), unit, training_id).values(**values))
        audit.note(
            unit, who, Action.TRAINING_NOTED, subject=("training", training_id), kind=row.kind
        )

    write(db, who.org_id, now, work)


def hand_to(
    db: Database, who: Caller, training_id: str, owner_id: str, due_on: str, now: datetime
) -> None:
    """Names who sees to it, and by which day. Refuses (OUT_OF_SCOPE) people of other stores."""

    def work(unit: Unit) -> None:
        row = _own(unit, who, training_id)
        if row.done_on is not None:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before="done", after="open")
        if owner_id not in people_of(unit.connection, unit.org_id, row.store_id):
            raise Refusal(Code.OUT_OF_SCOPE, field="owner_id")
        values = {"owner_id": owner_id, "due_on": due_on}
        unit.connection.execute(_that(update(TRAINING), unit, training_id).values(**values))
        audit.note(unit, who, Action.TRAINING_NOTED, subject=("training", training_id), kind="due")

    write(db, who.org_id, now, work)


def _own(unit: Unit, who: Caller, training_id: str) -> Any:
    """One of the caller's store that names a person."""
    query = _that(select(TRAINING), unit, training_id).with_for_update()
    row = unit.connection.execute(query).first()
    if row is None or row.store_id != who.store_id or row.staff_id is None:
        raise Refusal(Code.RECORD_MISSING, entity="training")
    return row


def _that(query: Any, unit: Unit, training_id: str) -> Any:
    return query.where(_TRAINING.org_id == unit.org_id, _TRAINING.id == training_id)


def _listed(
    connection: Connection, org_id: str, store: str | None, which: Any, order: Any
) -> list[Any]:
    query = select(TRAINING).where(_TRAINING.org_id == org_id, which)
    if store is not None:
        query = query.where(_TRAINING.store_id == store)
    return list(connection.execute(query.order_by(order, _TRAINING.id).limit(MOST)))


def _day(said: str | date | None) -> Any:
    return date.fromisoformat(said) if isinstance(said, str) else said


__all__ = [
    "EVERY",
    "OUTCOMES",
    "Due",
    "close",
    "done",
    "due",
    "hand_to",
    "hold",
    "opened",
    "overdue",
]
