"""The questions of a visit by its purpose, from the organisation's templates (S0 #23): data, not
code.

A template is the `data` of a `visit_template` reference: ``{title, questions: [{key, kind, label,
options?, option_labels?}]}`` with texts by language. An entry that this version can't read is left
out rather than stopping the visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.entities import Visit

if TYPE_CHECKING:
    from mobile.store.store import Store

KINDS = frozenset({"text", "choice", "scale"})


@dataclass(frozen=True, slots=True)
class Question:
    """One question in the user's language. `options` are (word, label) of a choice; a scale goes
    from 0 to 100.
    """

    key: str
    kind: str
    label: str
    options: tuple[tuple[str, str], ...] = ()


def questions(store: Store, purpose: str, language: str) -> tuple[Question, ...]:
    """The questions for a purpose; empty where the organisation has no template for it."""
    for reference in store.references("visit_template"):
        if reference.key == purpose:
            return read_questions(reference.data, language)
    return ()


def read_questions(data: Any, language: str) -> tuple[Question, ...]:
    """The questions of a template's data; what can't be read is left out."""
    listed = data.get("questions") if isinstance(data, Mapping) else None
    found = []
    for entry in listed if isinstance(listed, Sequence) else ():
        if isinstance(entry, Mapping) and entry.get("key") and entry.get("kind") in KINDS:
            labels = entry.get("option_labels") or {}
            found.append(
                Question(
                    key=str(entry["key"]),
                    kind=str(entry["kind"]),
                    label=said(entry.get("label"), language) or str(entry["key"]),
                    options=tuple(
                        (str(word), said(labels.get(word), language) or str(word))
                        for word in entry.get("options") or ()
                    ),
                )
            )
    return tuple(found)


def said(texts: Any, language: str) -> str:
    """A text by language: the user's, or else any that there is."""
    if isinstance(texts, str):
        return texts
    if not isinstance(texts, Mapping) or not texts:
        return ""
    return str(texts.get(language) or next(iter(texts.values())))


def answered(
    answers: Iterable[Mapping[str, Any]], question: Question, answer: str | None
) -> list[dict[str, Any]]:
    """`answers` (wire form) with one question answered, or with its answer taken back (None or
    empty). The question's wording goes along: it may read otherwise next year.
    """
    others = [dict(one) for one in answers if one.get("key") != question.key]
    if answer is None or not answer.strip():
        return others
    made = {"key": question.key, "question": question.label[:300], "answer": answer}
    return [*others, made]


def answer_to(answers: Iterable[Mapping[str, Any]], key: str) -> str:
    """What was answered to `key`; empty when it was not."""
    return next((str(a.get("answer") or "") for a in answers if a.get("key") == key), "")


def shown_answers(visit: Visit, asked: Iterable[Question]) -> list[tuple[str, str]]:
    """(question, answer) of a finished visit, choices in words. Questions that the template no
    longer has are shown as they were asked.
    """
    words = {q.key: dict(q.options) for q in asked}
    return [
        (answer.question or answer.key, words.get(answer.key, {}).get(said_, said_))
        for answer in visit.answers
        if (said_ := answer.answer or "")
    ]
