"""The questions of the visit's purpose (S0 #23): text, choice or scale, answered in any order or
not at all.
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.chips import TALL
from mobile.ui.components.entry import text_entry
from mobile.ui.components.form import Form
from mobile.ui.state import Shell, use_query, watch
from mobile.ui.texts import choice, label, language, t
from mobile.ui.theme import GAP
from mobile.usecases.visit_questions import Question, answer_to, answered, questions

Answers = Callable[[str | None], None]
Points = Callable[[int | None], None]


@ft.component
def Questions(form: Form) -> ft.Control:
    """Another purpose asks other questions; answers to the first ones stay."""
    watch(form.state)
    purpose = str(form.get("purpose") or "")
    found = use_query(
        lambda store: questions(store, purpose, language()), [purpose], watch=("reference",)
    )
    asked = found.value or ()
    if not asked:
        return ft.Container(visible=False)
    return surfaces.section(
        t("visit.section.questions", purpose=choice("purpose", purpose)),
        [
            ft.Column(
                [_asked(form, question) for question in asked],
                tight=True,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            )
        ],
    )


def _asked(form: Form, question: Question) -> ft.Control:
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
            min_lines=2,
            max_lines=8,
            max_length=2000,
        )
    if question.kind == "choice":
        return _choice(key, question, given, answer)
    points = int(given) if given.isdecimal() else None
    return ScaleBar(
        form.shell,
        key,
        question.label,
        points,
        lambda value: answer(None if value is None else str(value)),
    )


def _choice(key: str, question: Question, given: str, answer: Answers) -> ft.Control:
    def chip(word: str, said: str) -> ft.Control:
        return ft.Chip(
            key=f"{key}-{word}",
            label=words.body(said),
            padding=TALL,
            selected=word == given,
            on_select=lambda _: answer(None if word == given else word),
        )

    return ft.Column(
        [
            words.body(question.label),
            ft.Row([chip(*option) for option in question.options], wrap=True, spacing=GAP),
        ],
        spacing=4,
        tight=True,
    )


@ft.component
def Scale(form: Form, name: str) -> ft.Control:
    """A field of 0 to 100 points."""
    watch(form.state)
    value = form.get(name)
    bar = ScaleBar(form.shell, name, label(name), value, lambda points: form.set(name, points))
    problem = form.errors.get(name)
    if not problem:
        return bar
    return ft.Column([bar, words.faint(problem, color=ft.Colors.ERROR)], spacing=2, tight=True)


@ft.component
def ScaleBar(shell: Shell, key: str, heading: str, value: int | None, change: Points) -> ft.Control:
    """0 to 100: one tap for the tens, another for the fives; unset until tapped, and it can be
    unset again.

    No slider: in the browser, Flutter's lays a sheet for its bubble over the whole screen, which
    keeps a screen reader's taps from everything else.
    """

    def step(by: int) -> Callable[[], None]:
        return lambda: change(min(100, max(0, (value or 0) + by)))

    def chip(points: int) -> ft.Control:
        return ft.Chip(
            key=f"{key}-{points}",
            label=words.body(str(points)),
            padding=TALL,
            selected=points == value,
            show_checkmark=False,
            on_select=lambda _: change(None if points == value else points),
        )

    head: list[ft.Control] = [words.body(heading, expand=True)]
    if value is None:
        head.append(words.faint(t("visit.scale.unset")))
    else:
        head += [
            buttons.icon(
                shell, f"{key}-less", ft.Icons.REMOVE, t("visit.scale.less", name=heading), step(-5)
            ),
            words.title(t("customer.points", points=value), key=f"{key}-points"),
            buttons.icon(
                shell, f"{key}-more", ft.Icons.ADD, t("visit.scale.more", name=heading), step(5)
            ),
        ]
    tens = ft.Row([chip(points) for points in range(0, 101, 10)], wrap=True, spacing=6)
    return ft.Column([ft.Row(head), tens], spacing=4, tight=True)
