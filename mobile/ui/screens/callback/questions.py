"""The script's questions by kind of call (S0 #27): text, choice or points, in any order."""

from __future__ import annotations

import flet as ft

from mobile.store.store import Store
from mobile.ui.components import surfaces, words
from mobile.ui.components.chips import chips
from mobile.ui.components.entry import text_entry
from mobile.ui.components.form import Form
from mobile.ui.screens.callback.points import points_row
from mobile.ui.state import Shell, use_query, watch
from mobile.ui.texts import choice, language, t
from mobile.usecases.callbacks import Callbacks
from mobile.usecases.visit_questions import Question, answer_to, answered, read_questions


@ft.component
def Questions(_shell: Shell, kind: str, form: Form) -> ft.Control:
    """What was answered before a call was cut off is there again."""
    watch(form.state)
    found = use_query(lambda store: asked(store, kind, language()), [kind], watch=("reference",))
    if not found.value:
        return ft.Container(visible=False)
    rows = [_question(form, question) for question in found.value]
    asking = ft.Column(
        rows, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )
    return surfaces.section(
        t("callback.questions", kind=choice("kind", kind)), [surfaces.card([asking])]
    )


def asked(store: Store, kind: str, spoken: str) -> tuple[Question, ...]:
    """The questions of a kind of call; empty where the organisation has no script for it."""
    return read_questions(Callbacks(store).script(kind), spoken)


def _question(form: Form, question: Question) -> ft.Control:
    given = answer_to(form.get("answers") or (), question.key)

    def answer(text: str | None, *, render: bool = True) -> None:
        form.set("answers", answered(form.get("answers") or (), question, text), render=render)

    key = f"answer-{question.key}"
    if question.kind == "text":
        return text_entry(
            key,
            question.label,
            given,
            lambda text: answer(text, render=False),
            multiline=True,
            align_label_with_hint=True,
            min_lines=2,
            max_lines=8,
            max_length=2000,
            counter="",
        )
    if question.kind == "scale":
        chosen = int(given) if given.isdecimal() else None
        row: ft.Control = points_row(
            key, chosen, lambda value: answer(None if value is None else str(value))
        )
    else:
        row = chips(key, question.options, given or None, answer, question.label)
    return ft.Column([words.body(question.label), row], spacing=4, tight=True)
