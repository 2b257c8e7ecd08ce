"""Choosing one of a customer's contacts or assets in a form."""

from __future__ import annotations

from collections.abc import Sequence

import flet as ft

from mobile.ui.components import words
from mobile.ui.components.chips import TALL
from mobile.ui.components.form import Form
from mobile.ui.state import watch
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP

CHIPS_UP_TO = 8


@ft.component
def ChooseRecord(form: Form, name: str, choices: Sequence[tuple[str, str]]) -> ft.Control:
    """Chips of (id, what it is called) for the reference field `name`; a second tap takes the
    choice back. Of many, one is found by typing. Says so where there is nothing to choose.
    """
    watch(form.state)
    picked = form.get(name)
    if len(choices) > CHIPS_UP_TO:
        return ft.Dropdown(
            key=name,
            label=label(name),
            value=picked,
            options=[ft.DropdownOption(key=one, text=called) for one, called in choices],
            enable_filter=True,
            editable=True,
            expand=True,
            on_select=lambda event: form.set(name, event.data),
        )

    def chip(record_id: str, called: str) -> ft.Control:
        return ft.Chip(
            key=f"{name}-{record_id}",
            label=words.body(called),
            padding=TALL,
            selected=record_id == picked,
            on_select=lambda _: form.set(name, None if record_id == picked else record_id),
        )

    inside: list[ft.Control] = [words.faint(label(name))]
    if choices:
        inside.append(ft.Row([chip(*one) for one in choices], wrap=True, spacing=GAP))
    else:
        inside.append(words.body(t("customer.choose.none")))
    return ft.Column(inside, spacing=4, tight=True)
