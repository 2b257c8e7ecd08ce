"""Yes, no, or not said: what a switch can't tell apart."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import words
from mobile.ui.components.chips import chips
from mobile.ui.components.form import Form
from mobile.ui.state import watch
from mobile.ui.texts import label, t


def yes_no(
    key: str, about: str, value: bool | None, answer: Callable[[bool | None], None]
) -> ft.Control:
    """Two chips; a second tap takes the answer back. `about` is the question, to be heard."""

    said = {True: "yes", False: "no"}
    options = [(word, t(f"report.{word}")) for word in said.values()]
    chosen = None if value is None else said[value]

    def choose(word: str | None) -> None:
        answer(None if word is None else word == "yes")

    return chips(key, options, chosen, choose, about)


@ft.component
def YesNo(form: Form, name: str) -> ft.Control:
    """A field of the form that must be answered before signing."""
    watch(form.state)
    return ft.Column(
        [
            words.body(label(name)),
            yes_no(name, label(name), form.get(name), lambda value: form.set(name, value)),
        ],
        spacing=4,
        tight=True,
    )
