"""A call that is over: what was answered and concluded."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import surfaces
from mobile.ui.screens.callback.questions import asked
from mobile.ui.state import Shell
from mobile.ui.texts import choice, label, language, t
from mobile.usecases.callbacks import Call


def record(shell: Shell, call: Call) -> ft.Control:
    """Choices in words; questions that the script no longer has, as they were asked."""
    callback = call.callback
    options = {q.key: dict(q.options) for q in asked(shell.store, callback.kind, language())}
    lines: list[ft.Control] = []
    if callback.outcome:
        lines.append(surfaces.pair(label("outcome"), choice("outcome", callback.outcome)))
    if callback.satisfaction is not None:
        lines.append(surfaces.pair(label("satisfaction"), str(callback.satisfaction)))
    for answer in callback.answers:
        given = answer.answer or ""
        shown = options.get(answer.key, {}).get(given, given)
        lines.append(surfaces.pair(answer.question or answer.key, shown))
    if callback.notes:
        lines.append(surfaces.pair(t("callback.notes"), callback.notes))
    if callback.reopened_case:
        lines.append(surfaces.pair(label("reopened_case"), t("report.yes")))
    return surfaces.card(lines) if lines else ft.Container(visible=False)
