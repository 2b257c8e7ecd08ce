"""The weekly sample of looks, and its review (S4 #157): drawn by chance that can be done again, for
each person's looks; a store manager reviews their own store's, nobody their own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, true, update

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.sampling import draw, week_before
from shared.unusual import local_day
from sync_server.db.accounts import upsert
from sync_server.db.base import Database
from sync_server.db.looks import LOOK_REVIEW, LOOK_SAMPLE
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.calendars import zone_of
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state
from sync_server.services.vitals import organisations

VERDICTS = ("fine", "question")
LONGEST_NOTE = 500

_LOOK, _STAFF = RECORDS["look"].c, RECORDS["staff"].c
_SAMPLE, _REVIEW = LOOK_SAMPLE.c, LOOK_REVIEW.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A week's sample, as one reviewer sees it: how many there are for them, how many of these
    wait, and whether they are overdue."""

    id: str
    week: str
    drawn_at: str
    due_at: str
    seed: str
    percent: int
    population: int
    chosen: int
    open: int
    questions: int
    overdue: bool


def draw_due(db: Database, now: datetime) -> int:
    """Draws the last whole week's sample where there is none; says how many were drawn. Harmless
    at any time, and from several processes."""
    with db.read() as connection:
        orgs = organisations(connection)
    return sum(_draw(db, org_id, now) for org_id in orgs)


def _draw(db: Database, org_id: str, now: datetime) -> int:
    with db.read() as connection:
        week = week_before(local_day(now, zone_of(connection, org_id)))
        if _of_week(connection, org_id, week) is not None:
            return 0
    with db.write() as connection:
        policy = policy_of(connection, org_id, now)
        newest = connection.scalar(
            select(func.max(_SAMPLE.last_seq)).where(_SAMPLE.org_id == org_id)
        )
        sample: dict[str, Any] = {
            "org_id": org_id,
            "id": derived_id("look sample", org_id, week),
            "week": week,
            "after_seq": newest or 0,
            "last_seq": org_state(connection, org_id).last_seq,
            "seed": secrets.token_hex(16),
            "percent": policy.look_sample_percent,
            "least": policy.look_sample_least,
            "drawn_at": to_wire(now),
            "due_at": to_wire(now + timedelta(days=policy.look_review_days)),
        }
        looks = _population(connection, sample)
        sample["population"] = len(looks)
        made = connection.execute(
            upsert(connection, LOOK_SAMPLE).values(sample).on_conflict_do_nothing()
        )
        if not made.rowcount:  # another process was faster
            return 0
        _choose(connection, sample, looks)
        if looks:
            audit.note(
                connection, audit.by_itself(org_id), Action.SAMPLE_DRAWN, now=now,
                subject=("sample", sample["id"]), week=week, looks=len(looks),
            )  # fmt: skip
    return 1


def drawn_again(connection: Connection, org_id: str, sample_id: str) -> list[str]:
    """Ids that the kept seed chooses: whoever doubts a sample compares them with its reviews."""
    found = connection.execute(
        select(LOOK_SAMPLE).where(_SAMPLE.org_id == org_id, _SAMPLE.id == sample_id)
    ).first()
    if found is None:
        raise Refusal(Code.RECORD_MISSING, where="sample")
    return draw(_population(connection, found._asdict()), found.seed, found.percent, found.least)


def _population(connection: Connection, sample: dict[str, Any]) -> list[tuple[str, str]]:
    rows = connection.execute(
        select(_LOOK.id, _LOOK.created_by).where(
            _LOOK.org_id == sample["org_id"],
            _LOOK.seq > sample["after_seq"],
            _LOOK.seq <= sample["last_seq"],
            _LOOK.created_by.is_not(None),
        )
    )
    return [(row.id, row.created_by) for row in rows]


def _choose(connection: Connection, sample: dict[str, Any], looks: list[tuple[str, str]]) -> None:
    whose = dict(looks)
    staff = connection.execute(
        select(_STAFF.id, _STAFF.store_id).where(_STAFF.org_id == sample["org_id"])
    )
    stores = {row.id: row.store_id for row in staff}
    chosen = draw(looks, sample["seed"], sample["percent"], sample["least"])
    rows = [
        {
            "org_id": sample["org_id"],
            "sample_id": sample["id"],
            "look_id": look_id,
            "staff_id": whose[look_id],
            "store_id": stores.get(whose[look_id]),
            "due_at": sample["due_at"],
        }
        for look_id in chosen
    ]
    if rows:
        connection.execute(insert(LOOK_REVIEW), rows)


def _of_week(connection: Connection, org_id: str, week: str) -> Row[Any] | None:
    return connection.execute(
        select(_SAMPLE.id).where(_SAMPLE.org_id == org_id, _SAMPLE.week == week)
    ).first()


def in_reach(caller: Caller) -> ColumnElement[bool]:
    """Which reviews somebody may see: an administrator all, a store manager their store's. Refuses
    everyone else."""
    if caller.role is Role.ADMINISTRATOR:
        return true()
    if caller.role is not Role.STORE_MANAGER or caller.store_id is None:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    return _REVIEW.store_id == caller.store_id


def samples(connection: Connection, caller: Caller, now: datetime) -> list[Sample]:
    """The samples with something for this reviewer, the newest first."""
    waits = func.count().filter(_REVIEW.verdict.is_(None))
    rows = connection.execute(
        select(
            LOOK_SAMPLE,
            func.count().label("chosen"),
            waits.label("open"),
            func.count().filter(_REVIEW.verdict == "question").label("questions"),
        )
        .join(LOOK_REVIEW, (_REVIEW.org_id == _SAMPLE.org_id) & (_REVIEW.sample_id == _SAMPLE.id))
        .where(_SAMPLE.org_id == caller.org_id, in_reach(caller))
        .group_by(*LOOK_SAMPLE.columns)
        .order_by(_SAMPLE.week.desc())
    )
    return [
        Sample(
            id=row.id, week=row.week, drawn_at=row.drawn_at, due_at=row.due_at, seed=row.seed,
            percent=row.percent, population=row.population, chosen=row.chosen, open=row.open,
            questions=row.questions, overdue=bool(row.open) and row.due_at < to_wire(now),
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A look in a sample, and what was said of it."""

    look_id: str
    looked_at: str
    staff_id: str
    what: str
    entity: str
    record_id: str
    customer_id: str | None
    verdict: str | None
    note: str | None
    reviewed_at: str | None
    reviewed_by: str | None


def chosen(connection: Connection, caller: Caller, sample_id: str) -> list[Reviewed]:
    """A sample's looks within reach; those that nobody has reviewed first."""
    rows = connection.execute(
        select(
            _REVIEW.look_id, _LOOK.looked_at, _REVIEW.staff_id, _LOOK.what, _LOOK.entity,
            _LOOK.record_id, _LOOK.customer_id, _REVIEW.verdict, _REVIEW.note,
            _REVIEW.reviewed_at, _REVIEW.reviewed_by,
        )
        .join(RECORDS["look"], (_LOOK.org_id == _REVIEW.org_id) & (_LOOK.id == _REVIEW.look_id))
        .where(_REVIEW.org_id == caller.org_id, _REVIEW.sample_id == sample_id, in_reach(caller))
        .order_by(_REVIEW.verdict.is_not(None), _REVIEW.look_id)
    )  # fmt: skip
    return [Reviewed(**row._mapping) for row in rows]


def review(
    db: Database, caller: Caller, look_id: str, verdict: str, note: str | None, now: datetime
) -> None:
    """Says of a look in a sample that it is fine or a question. A later word takes the place of an
    earlier one; both are in the audit log.

    Refuses what is in no sample within reach (`RECORD_MISSING`) and one's own looks
    (`OUT_OF_SCOPE`).
    """
    if verdict not in VERDICTS:
        raise Refusal(Code.FIELD_INVALID, field="verdict", wanted=", ".join(VERDICTS))
    text = (note or "").strip()
    if len(text) > LONGEST_NOTE:
        raise Refusal(Code.FIELD_TOO_LONG, field="note", limit=LONGEST_NOTE)
    with db.write() as connection:
        found = connection.execute(
            select(_REVIEW.staff_id).where(
                _REVIEW.org_id == caller.org_id, _REVIEW.look_id == look_id, in_reach(caller)
            )
        ).first()
        if found is None:
            raise Refusal(Code.RECORD_MISSING, where="sample")
        if found.staff_id == caller.staff_id:
            raise Refusal(Code.OUT_OF_SCOPE)
        connection.execute(
            update(LOOK_REVIEW)
            .where(_REVIEW.org_id == caller.org_id, _REVIEW.look_id == look_id)
            .values(
                verdict=verdict,
                note=text or None,
                reviewed_at=to_wire(now),
                reviewed_by=caller.staff_id,
            )
        )
        audit.note(
            connection, caller, Action.LOOK_REVIEWED, now=now, subject=("look", look_id),
            verdict=verdict, of=found.staff_id,
        )  # fmt: skip
