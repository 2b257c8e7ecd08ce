"""Anonymous surveys on a device: which are open, and answers on their way up (S4 #162). All of it
works offline; what was handed in is in the outbox, and in the sealed log, like any other work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from shared.entities import Customer, Question, Survey, SurveyAnswer, SurveyReply
from shared.errors import Code, Refusal
from shared.ids import random_id
from shared.surveys import fitting, is_open

if TYPE_CHECKING:
    from mobile.store.store import Store


def open_surveys(store: Store, today: date, store_id: str | None) -> list[Survey]:
    """Surveys that may be answered on a local day for a store's figures, the newest first."""
    return [
        one
        for one in store.find(Survey, newest_first=True)
        if is_open(one, today) and one.store_id in (None, store_id)
    ]


def store_of(store: Store, customer_id: str | None) -> str | None:
    """For which store's figures somebody answers: the customer's own, else the agent's. Nothing
    else of the customer goes along."""
    customer = store.get(Customer, customer_id) if customer_id else None
    return (customer.store_id if customer else None) or store.staff().store_id


def hand_in(
    store: Store, survey: Survey, store_id: str | None, replies: Sequence[SurveyReply]
) -> None:
    """Keeps one answer for the next sync, durably. Under random ids: nothing of it says when it was
    given, and the server keeps nothing of who brought it.

    Refuses (`FIELD_REQUIRED`) an answer to none of the questions.
    """
    said = fitting(survey.questions, replies)
    if not said:
        raise Refusal(Code.FIELD_REQUIRED, field="survey_answer.replies")
    with store.unit() as unit:
        unit.create(
            SurveyAnswer(
                id=random_id(),
                survey_id=survey.id,
                store_id=store_id,
                replies=tuple(said.values()),
            )
        )
        unit.commit()


def worded(question: Question, language: str) -> tuple[str, Sequence[str]]:
    """A question and its options in a language."""
    if language.startswith("en"):
        return question.en, question.options_en
    return question.zh, question.options_zh
