"""Anonymous surveys, and an answer on its way up (S4 #162). A case's own satisfaction is another
instrument: `Callback.satisfaction`, which is tied to its case (S2 #96)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    FIELD_ROLES,
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    choice,
    day,
    entity,
    integer,
    many,
    reference,
    text,
)

ASKS = ("nps", "csat", "choice", "words")
"""Kinds of question: 0 to 10 (would you recommend us), 1 to 5 (how content are you), one of some
options, and free words."""
ASPECTS = ("quality", "attitude", "logistics", "after_sales", "other")
"""What a question is about (S4 #162)."""
SURVEY_SUBJECTS = ("store", "after_sales", "delivery", "other")
MOST_QUESTIONS = 12
MOST_OPTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question in both languages; `options_zh` and `options_en` belong to each other by their
    places, and an answer names the place."""

    key: str = text(20, required=True)
    asks: str = choice(*ASKS, required=True)
    aspect: str | None = choice(*ASPECTS)
    zh: str = text(300, required=True)
    en: str = text(300, required=True)
    options_zh: tuple[str, ...] = many(text(80), MOST_OPTIONS)
    options_en: tuple[str, ...] = many(text(80), MOST_OPTIONS)


@entity("survey", catalogue="reference", at="open_from")
@dataclass(frozen=True, slots=True, kw_only=True)
class Survey(Record):
    """A survey as it was made in the console. Once made, only its end moves: other questions are
    another survey. `store_id` None: of every store."""

    title_zh: str = text(120, required=True, writers=SERVER_ONLY)
    title_en: str = text(120, required=True, writers=SERVER_ONLY)
    subject: str = choice(*SURVEY_SUBJECTS, required=True, writers=SERVER_ONLY)
    store_id: str | None = reference("store", writers=SERVER_ONLY)
    open_from: Any = day(required=True, writers=SERVER_ONLY)
    open_until: Any = day(required=True, writers=SERVER_ONLY)
    questions: tuple[Question, ...] = many(Question, MOST_QUESTIONS, writers=SERVER_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyReply:
    """What was said to one question: points of a scale or the place of an option (from 0), or
    words."""

    question: str = text(20, required=True)
    points: int | None = integer(0, 10)
    words: str | None = text(1000, personal=Personal.TEXT)


@entity("survey_answer", creators=FIELD_ROLES, one_way=True, anonymous=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyAnswer(Record):
    """One customer's answers, as they leave a device: for which survey and which store's figures,
    and nothing of who, by whom or when. The server adds them to its tallies and keeps no such
    record (`Entity.anonymous`)."""

    survey_id: str = reference("survey", required=True, merge=Merge.IMMUTABLE)
    store_id: str | None = reference("store", merge=Merge.IMMUTABLE)
    replies: tuple[SurveyReply, ...] = many(SurveyReply, MOST_QUESTIONS, merge=Merge.IMMUTABLE)


__all__ = [
    "ASKS",
    "ASPECTS",
    "MOST_OPTIONS",
    "MOST_QUESTIONS",
    "SURVEY_SUBJECTS",
    "Question",
    "Survey",
    "SurveyAnswer",
    "SurveyReply",
]
