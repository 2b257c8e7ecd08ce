"""Surveys: made, ended, and the links that lead to them (S4 #162)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from shared.codec import check, read
from shared.declare import ENTITIES, Role
from shared.entities import Survey
from shared.errors import Code, Refusal
from shared.ids import is_id, new_id, random_id
from shared.surveys import check_questions, is_open
from sync_server.db.base import Database
from sync_server.db.records import RECORDS, to_row
from sync_server.db.sealing import KeyRing
from sync_server.db.surveys import SURVEY_LINK
from sync_server.services import audit, survey_answers
from sync_server.services.audit import Action
from sync_server.services.calendars import zone_of
from sync_server.services.caller import Caller
from sync_server.services.writing import Author, Unit, write

MOST_LINKS = 100
"""Made at once."""
_LINK, _SURVEY = SURVEY_LINK.c, RECORDS["survey"].c


def make(
    db: Database, who: Caller, fields: Mapping[str, Any], now: datetime, known_as: str | None = None
) -> str:
    """A new survey; returns its id: `known_as`, under which twice is once, or one of its own.
    Phones have it with their next sync. Refuses what its declaration and `check_questions` refuse,
    and an end before its beginning."""
    survey_id = known_as if known_as and is_id(known_as) else new_id()
    row = check_new(fields)

    def work(unit: Unit) -> None:
        if unit.get("survey", survey_id) is not None:
            return
        unit.create("survey", {"id": survey_id, **row}, Author(staff_id=who.staff_id))
        audit.note(unit, who, Action.SURVEY_MADE, subject=("survey", survey_id))

    write(db, who.org_id, now, work)
    return survey_id


def check_new(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a new survey, or what is wrong with it."""
    given = {name: value for name, value in fields.items() if value not in (None, [])}
    row = check(ENTITIES["survey"], given, whole=True)
    check_questions(read(Survey, {"id": "", **row}).questions)
    if row["open_until"] < row["open_from"]:
        raise Refusal(Code.FIELD_INVALID, field="survey.open_until", wanted=row["open_from"])
    return row


def end(db: Database, who: Caller, survey_id: str, now: datetime) -> None:
    """Nobody new is asked from today on; what was answered offline still comes. Harmless twice."""

    def work(unit: Unit) -> None:
        held = unit.get("survey", survey_id)
        if held is None:
            raise Refusal(Code.RECORD_MISSING, entity="survey")
        today = _today(unit.connection, unit.org_id, now).isoformat()
        if held.row["open_until"] > today:
            until = {"open_until": max(today, str(held.row["open_from"]))}
            unit.update("survey", survey_id, until, Author(staff_id=who.staff_id))
        unit.connection.execute(
            delete(SURVEY_LINK).where(_LINK.org_id == unit.org_id, _LINK.survey_id == survey_id)
        )
        audit.note(unit, who, Action.SURVEY_ENDED, subject=("survey", survey_id))

    write(db, who.org_id, now, work)


def surveys_of(connection: Connection, org_id: str) -> list[Survey]:
    """Every survey, the newest first."""
    query = select(RECORDS["survey"]).where(_SURVEY.org_id == org_id)
    found = connection.execute(query.order_by(_SURVEY.open_from.desc(), _SURVEY.id.desc()))
    return [read(Survey, to_row("survey", row)) for row in found]


def survey_of(connection: Connection, org_id: str, survey_id: str) -> Survey:
    """One survey. Refuses RECORD_MISSING."""
    found = connection.execute(
        select(RECORDS["survey"]).where(_SURVEY.org_id == org_id, _SURVEY.id == survey_id)
    ).first()
    if found is None:
        raise Refusal(Code.RECORD_MISSING, entity="survey")
    return read(Survey, to_row("survey", found))


def concerns(who: Caller, survey: Survey) -> bool:
    """Whether a survey is any of somebody's business: a store manager's are those of their own
    store and of every store."""
    return who.role is Role.ADMINISTRATOR or survey.store_id in (None, who.store_id)


def survey_for(connection: Connection, who: Caller, survey_id: str) -> Survey:
    """One survey, for whom it concerns. Refuses RECORD_MISSING."""
    found = survey_of(connection, who.org_id, survey_id)
    if not concerns(who, found):
        raise Refusal(Code.RECORD_MISSING, entity="survey")
    return found


# ── links ─────────────────────────────────────────────────────────────────────────────────


def make_links(
    db: Database,
    who: Caller,
    survey_id: str,
    store_id: str | None,
    now: datetime,
    *,
    once: bool,
    count: int,
) -> list[str]:
    """The secrets of new links to a survey, for one store's figures or, None, for none in
    particular. They are kept nowhere: only by their marks are they known again. A store manager
    makes links for their own store.

    Refuses (`FIELD_INVALID`) more than `MOST_LINKS`, and a survey that is over; and what
    `survey_for` refuses.
    """
    if not 1 <= count <= MOST_LINKS:
        raise Refusal(Code.FIELD_INVALID, field="count", wanted=f"1 to {MOST_LINKS}")
    if who.role is not Role.ADMINISTRATOR:
        store_id = who.store_id
    tokens = [secrets.token_urlsafe(16) for _ in range(count)]

    def work(unit: Unit) -> None:
        survey = survey_for(unit.connection, who, survey_id)
        today = _today(unit.connection, unit.org_id, now)
        if survey.open_until < today:
            raise Refusal(Code.FIELD_INVALID, field="survey.open_until", wanted=today.isoformat())
        batch = random_id()
        for token in tokens:
            link = {
                "org_id": unit.org_id, "survey_id": survey_id, "batch": batch,
                "store_id": survey.store_id or store_id or "", "once": once,
                "token_mark": _mark(db.ring, token), "made_on": today.isoformat(),
            }  # fmt: skip
            unit.append(SURVEY_LINK, link)
        audit.note(
            unit,
            who,
            Action.SURVEY_LINKS_MADE,
            subject=("survey", survey_id),
            count=count,
            once=once,
        )

    write(db, who.org_id, now, work)
    return tokens


def links_left(connection: Connection, org_id: str, survey_id: str) -> tuple[int, int]:
    """How many links still lead to a survey: those for one answer and those for many."""
    rows = connection.execute(
        select(_LINK.once, func.count())
        .where(_LINK.org_id == org_id, _LINK.survey_id == survey_id)
        .group_by(_LINK.once)
    )
    counts = {bool(once): int(count) for once, count in rows}
    return counts.get(True, 0), counts.get(False, 0)


def behind(db: Database, token: str, now: datetime) -> tuple[str, Survey]:
    """The organisation and the survey that a link leads to. Refuses (NOT_FOUND) one that is no
    good: unknown, used up, or to a survey that is over or has yet to begin."""
    with db.read() as connection:
        link = connection.execute(
            select(SURVEY_LINK).where(_LINK.token_mark == _mark(db.ring, token))
        ).first()
        if link is None:
            raise Refusal(Code.NOT_FOUND)
        survey = survey_of(connection, link.org_id, link.survey_id)
        today = _today(connection, link.org_id, now)
    if not is_open(survey, today):
        raise Refusal(Code.NOT_FOUND)
    return link.org_id, survey


def answer(db: Database, token: str, replies: list[dict[str, Any]], now: datetime) -> None:
    """Takes one answer through a link; a link that is good once goes with it. Nothing is kept of
    who sent it, from where, or when. Refuses NOT_FOUND, and what `survey_answers.take` refuses."""
    org_id, survey = behind(db, token, now)
    mark = _mark(db.ring, token)

    def work(unit: Unit) -> None:
        link = unit.connection.execute(select(SURVEY_LINK).where(_LINK.token_mark == mark)).first()
        if link is None:
            raise Refusal(Code.NOT_FOUND)
        given = {"survey_id": survey.id, "replies": replies}
        if link.store_id:
            given["store_id"] = link.store_id
        values = check(ENTITIES["survey_answer"], given, whole=True)
        survey_answers.take(unit, values, now)
        if link.once:
            gone = unit.connection.execute(delete(SURVEY_LINK).where(_LINK.token_mark == mark))
            if gone.rowcount == 0:  # another answer was faster
                raise Refusal(Code.NOT_FOUND)

    write(db, org_id, now, work)


def _mark(ring: KeyRing, token: str) -> str:
    return ring.mark("survey link", token.encode())


def _today(connection: Connection, org_id: str, now: datetime) -> date:
    return now.astimezone(zone_of(connection, org_id)).date()
