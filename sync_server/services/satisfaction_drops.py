"""A group whose satisfaction or loyalty fell from one month's survey to the next: shown in the
console, and told once to the managers of the store (S4 #164). What one customer says of a case, and
a store's cases, are watched by `churn_scoring`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from shared.entities import Question, Survey
from shared.ids import derived_id
from shared.periods import Period
from shared.satisfaction import SCORES, Drop, drop
from shared.suppression import ALL
from sync_server.db.base import Database
from sync_server.services import rule_runs
from sync_server.services.accounts import policy_of
from sync_server.services.churn_plans import managers_of
from sync_server.services.notices import tell
from sync_server.services.survey_results import months_of_all
from sync_server.services.surveys import surveys_of
from sync_server.services.writing import Unit, write

_RULE = "surveys"
_GROUPS = ("surveys",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """A question's score that fell in a group (a store, or `suppression.ALL`) in a month."""

    survey: Survey
    question: Question
    group: str
    period: Period
    drop: Drop


def fallen(connection: Connection, org_id: str, now: datetime) -> list[Fallen]:
    """Every drop of the months that are told, the newest first."""
    policy = policy_of(connection, org_id, now)
    by_survey = months_of_all(connection, org_id, now)
    found: list[Fallen] = []
    for survey in surveys_of(connection, org_id):
        months = by_survey.get(survey.id, [])
        groups = sorted({group for one in months for group in one.answers})
        for question in (one for one in survey.questions if one.asks in SCORES):
            for group in groups:
                scores = [one.score(question, group) for one in months]
                for place, month in enumerate(months):
                    fell = drop(question.asks, scores[: place + 1], policy)
                    if fell is not None:
                        found.append(
                            Fallen(
                                survey=survey, question=question, group=group,
                                period=month.period, drop=fell,
                            )
                        )  # fmt: skip
    return sorted(found, key=lambda one: one.period, reverse=True)


def tell_due(db: Database, now: datetime) -> int:
    """`tell_of_drops` in every organisation whose night it is. Harmless at any time."""
    return sum(tell_of_drops(db, org_id, now) for org_id in rule_runs.due(db, _RULE, now))


def tell_of_drops(db: Database, org_id: str, now: datetime) -> int:
    """Tells a store's managers of each drop of theirs, once; returns how many there were that had
    not been told. Of months from before the first run nobody is told: they are history."""
    with db.read() as connection:
        basis = rule_runs.basis_of(policy_of(connection, org_id, now), _GROUPS)
        last = rule_runs.last_run(connection, org_id, _RULE)
        every = fallen(connection, org_id, now) if last is not None else []
        new = [one for one in every if last is not None and one.period.first_month > last.seq]
        told = _newest_told(connection, org_id, now)
    if new:
        write(db, org_id, now, lambda unit: _tell(unit, new))
    seen = max(told, last.seq if last is not None else 0)
    with db.write() as connection:
        rule_runs.remember(connection, org_id, _RULE, seen, basis, now)
    return len(new)


def _newest_told(connection: Connection, org_id: str, now: datetime) -> int:
    every = months_of_all(connection, org_id, now).values()
    return max((month.period.first_month for months in every for month in months), default=0)


def _tell(unit: Unit, new: Sequence[Fallen]) -> None:
    for one in new:
        if one.group in (ALL, ""):
            continue
        occasion = derived_id(
            unit.org_id, one.survey.id, one.question.key, one.group, str(one.period)
        )
        for manager in managers_of(unit, one.group):
            tell(unit, occasion, manager, f"{one.drop.kind}_dropped", store_id=one.group)


__all__ = ["Fallen", "fallen", "tell_due", "tell_of_drops"]
