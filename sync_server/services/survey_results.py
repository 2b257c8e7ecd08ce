"""What surveys say: figures of months that have settled, of groups that are large enough (S4
#162)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from shared.entities import Question, Survey
from shared.periods import Period, month_of
from shared.satisfaction import SCORES, told
from shared.suppression import ALL
from shared.surveys import settled
from sync_server.db.surveys import EVERYTHING, SURVEY_TALLY, SURVEY_WORDS
from sync_server.services.accounts import policy_of
from sync_server.services.calendars import zone_of

MONTHS = 12
"""Shown of a survey, and looked at for drops."""
_TALLY, _WORDS = SURVEY_TALLY.c, SURVEY_WORDS.c

Told = dict[str, dict[str, dict[int, int]]]
"""By question, then by group (a store, or `suppression.ALL`): how often each point was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What is told of one month; `answers` by group: how many answered, where that is told."""

    period: Period
    told: Told

    @property
    def answers(self) -> dict[str, int]:
        return {g: sum(counts.values()) for g, counts in self.told.get(EVERYTHING, {}).items()}

    def score(self, question: Question, group: str) -> float | None:
        """The NPS or CSAT of a group; None where it is hidden, or the question has neither."""
        counts = self.told.get(question.key, {}).get(group)
        rule = SCORES.get(question.asks)
        return rule(counts) if rule and counts else None


def months_of(connection: Connection, org_id: str, survey: Survey, now: datetime) -> list[Month]:
    """The last months that have settled and were answered, the oldest first. Each is a publication
    by itself: nobody's answer counts in two of them, and none moves any more."""
    return _months(connection, org_id, now, _TALLY.survey_id == survey.id).get(survey.id, [])


def months_of_all(connection: Connection, org_id: str, now: datetime) -> dict[str, list[Month]]:
    """The same of every survey that has such months."""
    return _months(connection, org_id, now)


def _months(
    connection: Connection, org_id: str, now: datetime, *which: ColumnElement[bool]
) -> dict[str, list[Month]]:
    policy = policy_of(connection, org_id, now)
    today = now.astimezone(zone_of(connection, org_id)).date()
    first = month_of(today) - MONTHS
    rows = connection.execute(
        select(
            _TALLY.survey_id, _TALLY.month, _TALLY.question, _TALLY.store_id, _TALLY.points,
            _TALLY.amount,
        ).where(_TALLY.org_id == org_id, _TALLY.month >= first, *which)
    )  # fmt: skip
    given: dict[tuple[str, int], dict[str, dict[tuple[str, int], int]]] = {}
    for survey_id, month, question, store_id, points, amount in rows:
        if settled(month, today, policy.figures_settle_days):
            counts = given.setdefault((survey_id, month), {}).setdefault(question, {})
            counts[store_id, points] = int(amount)
    found: dict[str, list[Month]] = {}
    for (survey_id, month), by_question in sorted(given.items(), key=lambda one: one[0]):
        shown = told(by_question, policy.survey_least_answers)
        found.setdefault(survey_id, []).append(Month(period=Period(month, 1), told=shown))
    return found


def words_of(
    connection: Connection, org_id: str, survey: Survey, month: Month, group: str
) -> Mapping[str, Sequence[str]]:
    """What people wrote in a month, by question, where the group that wrote is large enough to be
    told of; in no order that means anything."""
    open_ = {key for key, groups in month.told.items() if group in groups}
    query = select(_WORDS.question, _WORDS.words).where(
        _WORDS.org_id == org_id,
        _WORDS.survey_id == survey.id,
        _WORDS.month == month.period.first_month,
    )
    if group != ALL:
        query = query.where(_WORDS.store_id == group)
    found: dict[str, list[str]] = {}
    for question, words in connection.execute(query.order_by(_WORDS.id)):
        if question in open_:
            found.setdefault(question, []).append(words)
    return found


def answers_so_far(connection: Connection, org_id: str) -> dict[str, int]:
    """How many answers each survey has, settled or not."""
    rows = connection.execute(
        select(_TALLY.survey_id, func.sum(_TALLY.amount))
        .where(_TALLY.org_id == org_id, _TALLY.question == EVERYTHING)
        .group_by(_TALLY.survey_id)
    )
    return {survey_id: int(amount) for survey_id, amount in rows}
