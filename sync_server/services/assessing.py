"""Four grades from an assessment panel (S1 #68): a score proposes, the manager of the store and a
second seat confirm or change it with a reason, and what both say counts.

Nobody assesses themselves: of a store's manager the second seat decides alone. What counts is told
to the person concerned alone (S4 #174), with their figures. A fail opens a training, repeated ones
a review (S1 #69).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from shared.declare import Role
from shared.errors import Code, Refusal
from shared.figures import GRADES, after_grades
from shared.ids import derived_id
from shared.periods import Period, period_of
from shared.policy import PolicySettings
from sync_server.db.base import Database
from sync_server.db.figures import FIGURE_STATE
from sync_server.db.people import STAFF_GRADE, TRAINING
from sync_server.db.putting import upsert_rows
from sync_server.db.records import RECORDS
from sync_server.services import audit, rankings
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.figures import policy_for
from sync_server.services.writing import Unit, write

MANAGER, SECOND = "manager", "second"
_GRADE, _STAFF = STAFF_GRADE.c, RECORDS["staff"].c

Said = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One person's cycle: `wanted` seats have to agree, `mine` are the reader's among them; `grade`
    is what counts, None until they do."""

    staff_id: str
    store_id: str
    period: Period
    proposed: str
    score: float
    policy_version: int
    wanted: frozenset[str]
    mine: frozenset[str]
    said: Said
    grade: str | None = None


def agreed(said: Said, wanted: frozenset[str]) -> str | None:
    """The grade that all these seats say; None while one is silent or says another."""
    grades = {said[seat]["grade"] if seat in said else None for seat in wanted}
    return grades.pop() if len(grades) == 1 else None


def cycle(today: date, policy: PolicySettings) -> Period:
    """The cycle that is assessed: the last one that has ended (S1 #67)."""
    return period_of(today, policy.grade_every).before()


def assessments(
    connection: Connection, reader: Caller, store: str, period: Period, now: datetime
) -> list[Assessment]:
    """Everybody of a store of whom anything was counted, the best score first."""
    org_id = reader.org_id
    held = policy_for(connection, org_id, period, now)
    rows = connection.execute(
        select(STAFF_GRADE).where(
            _GRADE.org_id == org_id, _GRADE.store_id == store, _GRADE.period == str(period)
        )
    )
    stored = {row.staff_id: row for row in rows}
    today = policy_of(connection, org_id, now)
    people = select(_STAFF.id, _STAFF.role).where(_STAFF.org_id == org_id, _STAFF.store_id == store)
    roles = {person.id: person.role for person in connection.execute(people)}
    found = []
    for one in rankings.staff(connection, org_id, store, period, held.settings):
        row = stored.get(one.key)
        if one.scored is None or one.grade is None:
            continue
        alone = roles[one.key] == Role.STORE_MANAGER
        wanted = frozenset({SECOND} if alone else {MANAGER, SECOND})
        made = Assessment(
            staff_id=one.key,
            store_id=store,
            period=period,
            proposed=row.proposed if row else one.grade,
            score=row.score if row else one.scored.score,
            policy_version=row.policy_version if row else held.version,
            wanted=wanted,
            mine=wanted & _seats(reader, one.key, store, today),
            said=row.said if row else {},
            grade=row.grade if row else None,
        )
        found.append(made)
    return found


def assess(
    db: Database,
    who: Caller,
    staff_id: str,
    period: Period,
    grade: str,
    reason: str | None,
    now: datetime,
    today: date,
) -> str | None:
    """Says a grade in the caller's seats; the grade that counts from now on, or None while another
    seat is still to say so. `today` is the reader's day. Refuses another seat's matter
    (ROLE_NOT_ALLOWED), a grade that differs from the proposal without a reason (FIELD_REQUIRED),
    somebody of whom nothing was counted (RECORD_MISSING), and what was confirmed before
    (MOVE_NOT_ALLOWED)."""
    if grade not in GRADES:
        raise Refusal(Code.FIELD_INVALID, field="grade", wanted=", ".join(GRADES))

    def work(unit: Unit) -> str | None:
        connection = unit.connection
        person = unit.get("staff", staff_id)
        store = person.row.get("store_id") or "" if person else ""
        there = assessments(connection, who, store, period, now)
        one = next((held for held in there if held.staff_id == staff_id), None)
        if one is None:
            raise Refusal(Code.RECORD_MISSING, entity="staff")
        if not one.mine:
            raise Refusal(Code.ROLE_NOT_ALLOWED)
        if grade != one.proposed and not (reason or "").strip():
            raise Refusal(Code.FIELD_REQUIRED, field="grade_reason")
        said = _locked(unit, one)
        entry = {"grade": grade, "reason": reason, "by": who.staff_id, "at": unit.now_text}
        said |= {seat: entry for seat in one.mine}
        counts = agreed(said, one.wanted)
        values = {"said": said, "grade": counts, "decided_at": unit.now_text if counts else None}
        connection.execute(_that(update(STAFF_GRADE), unit.org_id, one).values(**values))
        audit.note(
            unit, who, Action.GRADE_SAID, subject=("staff", staff_id), period=str(period),
            proposed=one.proposed, said=grade, became=counts or "waiting",
        )  # fmt: skip
        if counts:
            _follow(unit, who, one, today)
        return counts

    return write(db, who.org_id, now, work)


def _locked(unit: Unit, one: Assessment) -> dict[str, Any]:
    """What the seats have said; nobody else says anything until this transaction is through."""
    row = {
        "org_id": unit.org_id, "staff_id": one.staff_id, "period": str(one.period),
        "store_id": one.store_id, "proposed": one.proposed, "score": one.score,
        "policy_version": one.policy_version, "said": {},
    }  # fmt: skip
    upsert_rows(unit.connection, STAFF_GRADE, [row], {"store_id": "staff_grade.store_id"})
    held = unit.connection.execute(_that(select(STAFF_GRADE), unit.org_id, one)).one()
    if held.grade is not None:
        raise Refusal(Code.MOVE_NOT_ALLOWED, before=held.grade, after=held.grade)
    return dict(held.said)


def _that(query: Any, org_id: str, one: Assessment) -> Any:
    return query.where(
        _GRADE.org_id == org_id,
        _GRADE.staff_id == one.staff_id,
        _GRADE.period == str(one.period),
    )


def _follow(unit: Unit, who: Caller, one: Assessment, today: date) -> None:
    """What a grade that counts brings: the person is told, and a fail opens what it calls for."""
    told = update(FIGURE_STATE).where(FIGURE_STATE.c.org_id == unit.org_id)
    unit.connection.execute(told.values(told_at=None))  # their sheet is written within the minute
    policy = policy_of(unit.connection, unit.org_id, unit.now)
    grades = rankings.given_grades(unit.connection, unit.org_id, one.period, {one.staff_id})
    after = after_grades([grade for _, grade in grades[one.staff_id]], policy)
    if after is None:
        return
    days = policy.review_days if after == "review" else policy.fail_training_days
    row = {
        "org_id": unit.org_id,
        "id": derived_id(unit.org_id, "training", one.staff_id, str(one.period)),
        "store_id": one.store_id,
        "kind": "review" if after == "review" else "fail",
        "staff_id": one.staff_id,
        "period": str(one.period),
        "owner_id": who.staff_id,
        "due_on": (today + timedelta(days=days)).isoformat(),
    }
    unit.append(TRAINING, row)


def _seats(who: Caller, staff_id: str, store: str, policy: PolicySettings) -> frozenset[str]:
    """The seats that somebody has in the assessment of another."""
    if who.staff_id == staff_id:
        return frozenset()
    manages = who.role is Role.STORE_MANAGER and who.store_id == store
    named = policy.panel_grades.split()
    by_role = who.role in named and (manages or who.role is not Role.STORE_MANAGER)
    sits = {MANAGER: manages, SECOND: by_role or who.staff_id in named}
    return frozenset(seat for seat, there in sits.items() if there)


__all__ = ["MANAGER", "SECOND", "Assessment", "agreed", "assess", "assessments", "cycle"]
