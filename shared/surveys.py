"""What fits a survey's questions, and when a survey is open: the same on a phone, at a link and in
the server's tallies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from shared.entities.survey import Question, Survey, SurveyReply
from shared.errors import Code, Refusal
from shared.periods import Period, month_of

SCALES: Mapping[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5)}
"""Lowest and highest answer of the two scales."""


def bounds(question: Question) -> tuple[int, int] | None:
    """Lowest and highest points that answer a question; None where words do."""
    if question.asks == "choice":
        return 0, len(question.options_zh) - 1
    return SCALES.get(question.asks)


def check_questions(questions: Sequence[Question]) -> None:
    """Refuses (`FIELD_REQUIRED`, `FIELD_INVALID`) questions that nobody can answer: none at all, a
    key twice, a choice with fewer than two options or not the same number in both languages."""
    if not questions:
        raise Refusal(Code.FIELD_REQUIRED, field="survey.questions")
    if len({one.key for one in questions}) < len(questions):
        raise Refusal(Code.FIELD_INVALID, field="survey.questions", wanted="each key once")
    for one in questions:
        options = len(one.options_zh)
        if options != len(one.options_en) or (one.asks == "choice") != (options >= 2):
            raise Refusal(Code.FIELD_INVALID, field="survey.questions", wanted="options")


def fitting(
    questions: Iterable[Question], replies: Iterable[SurveyReply]
) -> dict[str, SurveyReply]:
    """The replies that answer one of the questions, the first to each, by its key. What fits none
    is left out: nobody can be asked again."""
    asked = {one.key: one for one in questions}
    found: dict[str, SurveyReply] = {}
    for reply in replies:
        question = asked.get(reply.question)
        if question is None or reply.question in found:
            continue
        limits = bounds(question)
        if limits is None:
            if reply.words and reply.words.strip():
                found[reply.question] = SurveyReply(
                    question=question.key, words=reply.words.strip()
                )
        elif reply.points is not None and limits[0] <= reply.points <= limits[1]:
            found[reply.question] = SurveyReply(question=question.key, points=reply.points)
    return found


def is_open(survey: Survey, today: date) -> bool:
    """Whether a survey may be answered on a local day."""
    opens: date = survey.open_from
    ends: date = survey.open_until
    return opens <= today <= ends


def settled(month: int, today: date, settle_days: int) -> bool:
    """Whether a month (`periods.month_of`) is over by `settle_days`: its figures are told then, and
    move no more."""
    return today > Period(month, 1).last_day + timedelta(days=settle_days)


def counts_in(answered_on: date, today: date, settle_days: int) -> int:
    """The month in which an answer counts: its own, or the present one where its own has settled.
    What was told of a month so never moves by one answer, from which that answer could be read."""
    own = month_of(min(answered_on, today))
    return month_of(today) if settled(own, today, settle_days) else own
