"""Yes, no, or not said: what a switch can't tell apart."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import words
from mobile.ui.components.form import Form
from mobile.ui.state import watch
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP


def yes_no(key: str, value: bool | None, answer: Callable[[bool | None], None]) -> ft.Control:
    """Two chips; a second tap takes the answer back."""

    def chip(word: str, means: bool) -> ft.Control:
        return ft.Chip(
            key=f"{key}-{word}",
            label=words.body(t(f"report.{word}")),
            selected=value is means,
            on_select=lambda _: answer(None if value is means else means),
        )

    return ft.Row([chip("yes", True), chip("no", False)], spacing=GAP, tight=True)


@ft.component
def YesNo(form: Form, name: str) -> ft.Control:
    """A field of the form that must be answered before signing."""
    watch(form.state)
    return ft.Column(
        [
            words.body(label(name)),
            yes_no(name, form.get(name), lambda value: form.set(name, value)),
        ],
        spacing=4,
        tight=True,
    )
