"""Whom the call is to, what it is about, and what was tried before."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, privacy, surfaces, words
from mobile.ui.screens.callbacks import badges
from mobile.ui.state import Shell
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP
from mobile.usecases.callbacks import Call
from shared.states import OPEN_CALLBACK_STATES


def head(shell: Shell, call: Call) -> ft.Control:
    """The number is masked until it is needed."""
    callback, customer = call.callback, call.customer
    open_ = callback.state in OPEN_CALLBACK_STATES
    marked = [marks.state(callback.state)]
    if open_:  # how long it may be read stands above, counting down
        marked = badges(call, shell.now(), access=False)
    if (waiting := marks.pending(call.pending)) is not None:
        marked.append(waiting)
    lines: list[ft.Control] = [
        words.headline(customer.name if customer else t("today.unknown_customer")),
        words.body(choice("kind", callback.kind)),
        ft.Row(marked, wrap=True, spacing=GAP, run_spacing=4),
    ]
    if call.contact is not None:
        facts = (call.contact.name, call.contact.position)
        lines.append(words.body(" · ".join(fact for fact in facts if fact)))
    if open_ and call.phone is not None:
        number, entity, record_id = call.phone
        lines.append(privacy.Phone(shell, number, entity, record_id, callback.customer_id))
    if customer is not None and customer.service_preferences:
        lines.append(surfaces.pair(label("service_preferences"), customer.service_preferences))
    return surfaces.card(lines)


def about_case(shell: Shell, call: Call) -> list[ft.Control]:
    """What was repaired, so that nobody asks the customer to tell it again."""
    case, report = call.case, call.report
    if case is None:
        return []
    lines: list[ft.Control] = [
        ft.Row(
            [words.title(f"{case.number} · {case.title}", expand=True), marks.state(case.state)],
            spacing=GAP,
        )
    ]
    if case.resolved_at:
        when = formats.when(case.resolved_at, shell.now())
        lines.append(words.faint(f"{label('resolved_at')} {when}"))
    if report is not None:
        lines += [
            surfaces.pair(label(name), text)
            for name in ("cause", "method")
            if (text := getattr(report, name))
        ]
        lines.append(
            buttons.quiet(
                shell, "open-report", t("callback.report"),
                lambda: shell.go(f"/reports/{report.id}"), icon=ft.Icons.DESCRIPTION_OUTLINED,
            )
        )  # fmt: skip
    return [surfaces.card(lines)]


def attempts(shell: Shell, call: Call) -> list[ft.Control]:
    """Every call that was made, the latest first."""
    made = call.callback.attempts
    if not made:
        return []
    now = shell.now()
    rows: list[ft.Control] = [
        surfaces.pair(
            formats.when(attempt.at, now),
            " · ".join(p for p in (choice("result", attempt.result), attempt.note) if p),
        )
        for attempt in reversed(made)
    ]
    return [surfaces.section(label("attempts"), [surfaces.card(rows)])]
