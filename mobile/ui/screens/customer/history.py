"""Everything that happened with the customer, the newest first, by month; narrowed by kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.components.chips import TALL
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import use_state
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases.timeline import KINDS, Happening, timeline

Opens = Callable[[str], None]
PAGE = 30
_SHOWN_TEXT = 140  # characters of what someone wrote
_ICON = {
    "visit": ft.Icons.HANDSHAKE_OUTLINED,
    "case": ft.Icons.HANDYMAN_OUTLINED,
    "report": ft.Icons.ASSIGNMENT_TURNED_IN_OUTLINED,
    "callback": ft.Icons.PHONE_CALLBACK_OUTLINED,
    "order": ft.Icons.RECEIPT_LONG_OUTLINED,
    "file": ft.Icons.PHOTO_OUTLINED,
    "feedback": ft.Icons.RATE_REVIEW_OUTLINED,
    "customer_training": ft.Icons.SCHOOL_OUTLINED,
}


@ft.component
def History(shell: Shell, customer_id: str, open_: Opens) -> ft.Control:
    """Filter chips (none chosen: everything) and the list, some at a time."""
    kinds, set_kinds = use_state(frozenset[str]())
    most, set_most = use_state(PAGE)
    found = use_query(
        lambda store: timeline(store, customer_id, formats.zone(), kinds, most),
        [customer_id, kinds, most],
        watch=(*KINDS, "case_event"),
    )
    if found.value is None:
        assert found.refusal is not None
        return refusal_card(found.refusal)
    listed = found.value

    def toggle(kind: str) -> None:
        set_kinds(kinds ^ {kind})
        set_most(PAGE)

    def chip(kind: str) -> ft.Control:
        return ft.Chip(
            key=f"filter-{kind}",
            label=words.body(t(f"entity.{kind}")),
            padding=TALL,
            selected=kind in kinds,
            on_select=lambda _: toggle(kind),
        )

    rows: list[ft.Control] = [
        ft.Row([chip(kind) for kind in KINDS], scroll=ft.ScrollMode.HIDDEN, spacing=GAP)
    ]
    if not listed.months:
        rows.append(
            surfaces.empty(
                ft.Icons.HISTORY, t("customer.history.empty"), t("customer.history.empty.text")
            )
        )
    for month in listed.months:
        rows.append(
            surfaces.section(
                _month(month.year, month.month, shell),
                [surfaces.card([_happening(shell, one, open_) for one in month.happenings])],
            )
        )
    if listed.shown < listed.total:
        rows.append(
            buttons.quiet(
                shell,
                "more-history",
                t("customer.more", left=listed.total - listed.shown),
                lambda: set_most(most + PAGE),
            )
        )
    return ft.Column(
        rows, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _month(year: int, month: int, shell: Shell) -> str:
    name = t(f"month.{month}")
    if year == formats.local(shell.now()).year:
        return name
    return t("customer.history.month", year=year, month=name)


def _happening(shell: Shell, one: Happening, open_: Opens) -> ft.Control:
    what = choice(one.field, one.word) if one.word else ""
    title = (
        t("customer.happening", kind=t(f"entity.{one.kind}"), what=what)
        if what
        else t(f"entity.{one.kind}")
    )
    on: date = formats.local(one.at).date()
    when = f"{formats.day(on, shell.now())} {formats.time(one.at)}"
    lines: list[ft.Control] = [
        words.body(title, weight=ft.FontWeight.W_600),
        words.faint(" · ".join(part for part in (when, one.who) if part)),
    ]
    if one.text:
        lines.append(
            words.body(one.text[:_SHOWN_TEXT], max_lines=2, overflow=ft.TextOverflow.ELLIPSIS)
        )
    trailing: list[ft.Control] = []
    if one.amount is not None:
        trailing.append(words.body(formats.money(*one.amount)))
    if one.satisfaction is not None:
        trailing.append(marks.badge(t("customer.points", points=one.satisfaction)))
    if one.state:
        trailing.append(marks.state(one.state))
    row = ft.Row(
        [
            ft.Icon(_ICON[one.kind], color=ft.Colors.PRIMARY),
            ft.Column(lines, spacing=2, tight=True, expand=True),
            ft.Column(
                trailing,
                spacing=4,
                tight=True,
                horizontal_alignment=ft.CrossAxisAlignment.END,
            ),
        ],
        spacing=12,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
    if not one.route:
        return ft.Container(
            row, key=f"happened-{one.id}", padding=ft.Padding.symmetric(vertical=GAP)
        )
    return surfaces.tappable(
        row,
        key=f"happened-{one.id}",
        says=f"{title} {when}",
        on_click=lambda _: open_(one.route),
        padding=ft.Padding.symmetric(vertical=GAP),
    )
