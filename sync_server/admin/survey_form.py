"""A survey's questions as rows of a form, and the answers that a page of questions sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.datastructures import FormData

from shared.entities import Question
from shared.entities.survey import ASKS, ASPECTS, MOST_QUESTIONS
from shared.surveys import bounds

COLUMNS = ("asks", "aspect", "zh", "en", "options_zh", "options_en")
"""Cells of a row; in a form ``q<number>.<column>``. Options stand one a line."""

asks, aspects = ASKS, ASPECTS
_SAID = "said."


def names() -> list[str]:
    """Every cell's name in a form."""
    return [f"q{number}.{column}" for number in range(MOST_QUESTIONS) for column in COLUMNS]


def rows(sent: FormData | None, shown: int = 6) -> list[dict[str, str]]:
    """The cells of each row as they were filled in: so many at least, and one that is empty."""
    cells = [
        {column: str(sent.get(f"q{n}.{column}", "")) if sent else "" for column in COLUMNS}
        for n in range(MOST_QUESTIONS)
    ]
    filled = max((n + 1 for n, row in enumerate(cells) if row["zh"] or row["en"]), default=0)
    return cells[: min(max(shown, filled + 1), MOST_QUESTIONS)]


def questions(sent: FormData) -> list[dict[str, Any]]:
    """The questions of the rows that say something, in their order, as wire values."""
    found: list[dict[str, Any]] = []
    for row in rows(sent, MOST_QUESTIONS):
        if not (row["zh"].strip() or row["en"].strip()):
            continue
        question: dict[str, Any] = {
            "key": f"q{len(found) + 1}",
            "asks": row["asks"],
            "zh": row["zh"].strip(),
            "en": row["en"].strip(),
        }
        if row["aspect"]:
            question["aspect"] = row["aspect"]
        if row["asks"] == "choice":
            for name in ("options_zh", "options_en"):
                question[name] = [one.strip() for one in row[name].splitlines() if one.strip()]
        found.append(question)
    return found


def worded(question: Question, language: str) -> tuple[str, Sequence[tuple[int, str]]]:
    """A question and what may be chosen, as (points, label), in a language; nothing to choose from
    where words are asked for."""
    english = language.startswith("en")
    limits = bounds(question)
    if limits is None:
        return (question.en if english else question.zh), ()
    labels = question.options_en if english else question.options_zh
    options = [
        (points, labels[points] if question.asks == "choice" else str(points))
        for points in range(limits[0], limits[1] + 1)
    ]
    return (question.en if english else question.zh), options


def field_of(question: Question) -> str:
    """What a question's answer is called in the page of questions."""
    return f"{_SAID}{question.key}"


def replies(sent: FormData, asked: Iterable[Question]) -> list[dict[str, Any]]:
    """What was answered, as wire values of `SurveyReply`; what was passed over is left out."""
    found: list[dict[str, Any]] = []
    for question in asked:
        said = sent.get(field_of(question))
        if not isinstance(said, str) or not said.strip():
            continue
        if question.asks == "words":
            words = said.replace("\r\n", "\n").strip()
            found.append({"question": question.key, "words": words})
        elif said.isascii() and said.isdigit() and len(said) <= 2:
            found.append({"question": question.key, "points": int(said)})
    return found
