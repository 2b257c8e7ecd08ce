"""Taking answers in: one more in each tally, and nothing of who gave or brought them (S4 #162)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.codec import read
from shared.declare import ENTITIES
from shared.entities import Survey, SurveyAnswer, SurveyReply
from shared.errors import Code, Refusal
from shared.ids import random_id
from shared.surveys import counts_in, fitting
from sync_server.db.surveys import EVERYTHING, SURVEY_TALLY, SURVEY_WORDS
from sync_server.services.accounts import policy_of
from sync_server.services.calendars import zone_of
from sync_server.services.changes import Incoming
from sync_server.services.writing import Unit


def is_anonymous(change: Incoming) -> bool:
    """Whether nothing of a change may be kept but its outcome: also of one that can't be read, if
    it looks like an answer."""
    if change.content is not None:
        return ENTITIES[change.content.entity].anonymous
    return any(f'"{name}"' in change.text for name, one in ENTITIES.items() if one.anonymous)


def take(unit: Unit, values: Mapping[str, Any], answered_at: datetime) -> None:
    """Counts one answer (the checked fields of a `SurveyAnswer`), in the unit's transaction. Taken
    also when the survey is over: an answer given offline comes when it comes.

    Refuses (`RECORD_MISSING`) where there is no such survey, and (`FIELD_REQUIRED`) what answers
    none of its questions.
    """
    held = unit.get("survey", values["survey_id"])
    if held is None:
        raise Refusal(Code.RECORD_MISSING, entity="survey")
    survey = read(Survey, held.row)
    answer = read(SurveyAnswer, {"id": held.id, **values})
    found = fitting(survey.questions, answer.replies)
    if not found:
        raise Refusal(Code.FIELD_REQUIRED, field="survey_answer.replies")
    zone = zone_of(unit.connection, unit.org_id)
    days = policy_of(unit.connection, unit.org_id, unit.now).figures_settle_days
    month = counts_in(answered_at.astimezone(zone).date(), unit.now.astimezone(zone).date(), days)
    store_id = survey.store_id or answer.store_id or ""
    if store_id and unit.get("store", store_id) is None:
        store_id = ""
    group = {
        "org_id": unit.org_id, "survey_id": survey.id, "store_id": store_id, "month": month,
    }  # fmt: skip
    unit.append(SURVEY_TALLY, {**group, "question": EVERYTHING, "points": 0, "amount": 1})
    for question, reply in found.items():
        _count(unit, {**group, "question": question}, reply)


def _count(unit: Unit, place: Mapping[str, Any], reply: SurveyReply) -> None:
    points = reply.points if reply.points is not None else 0
    unit.append(SURVEY_TALLY, {**place, "points": points, "amount": 1})
    if reply.words:
        unit.append(SURVEY_WORDS, {**place, "id": random_id(), "words": reply.words})


__all__ = ["is_anonymous", "take"]
