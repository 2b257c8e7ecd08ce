"""What a customer likes to buy and when, with what it was counted from (S2 #101)."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import surfaces, words
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import t
from mobile.usecases.customer_page import habits
from shared.preferences import PARTS, Preferences, Usual


@ft.component
def Habits(shell: Shell, customer_id: str) -> ft.Control:
    """Nothing where too few orders say anything."""
    found = use_query(
        lambda store: habits(store, customer_id), [customer_id], watch=("order", "order_line")
    )
    if found.value is None:
        return ft.Container(visible=False)
    return surfaces.section(t("habits.title"), [surfaces.card(_told(shell, found.value))])


def _told(shell: Shell, known: Preferences) -> list[ft.Control]:
    lines: list[ft.Control] = []
    if known.products:
        liked = [
            t("habits.product", what=one.description, count=one.orders) for one in known.products
        ]
        lines.append(surfaces.pair(t("habits.products"), "\n".join(liked)))
    if known.basket_cents is not None:
        amount = formats.money(known.basket_cents, known.currency)
        basket = t("habits.basket.text", amount=amount, lines=known.basket_lines or 1)
        lines.append(surfaces.pair(t("habits.basket"), basket))
    if times := _times(known):
        lines.append(surfaces.pair(t("habits.when"), " · ".join(times)))
    since, until = (
        formats.day(formats.local(at).date(), shell.now()) for at in (known.since, known.until)
    )
    how = t("habits.how", since=since, until=until, count=known.orders)
    return [*lines, words.faint(how)]


def _times(known: Preferences) -> list[str]:
    told: list[tuple[str, Usual]] = []
    if known.weekday:
        told.append((t(f"habits.day.{known.weekday.value}"), known.weekday))
    if known.part:
        told.append((t(f"habits.part.{PARTS[known.part.value]}"), known.part))
    if known.month:
        told.append((t("habits.month", month=known.month.value), known.month))
    return [t("habits.weekday", day=name, count=usual.orders) for name, usual in told]
