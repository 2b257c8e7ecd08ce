"""What someone is told on Today: customers that came or went, and what waits to be decided."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.messages import notice
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import t
from mobile.ui.theme import GAP
from mobile.usecases.access import open_requests
from mobile.usecases.notices import Told, dismiss, open_notices

_ICONS = {
    "received": ft.Icons.MOVE_TO_INBOX_OUTLINED,
    "handed_on": ft.Icons.OUTBOX_OUTLINED,
    "not_taken": ft.Icons.PERSON_OFF_OUTLINED,
    "transferred": ft.Icons.STOREFRONT_OUTLINED,
    "access_given": ft.Icons.LOCK_OPEN,
    "access_refused": ft.Icons.BLOCK,
    "tier_changed": ft.Icons.STAIRS_OUTLINED,
    "plans_proposed": ft.Icons.TRENDING_DOWN,
    "plan_given": ft.Icons.VOLUNTEER_ACTIVISM_OUTLINED,
    "satisfaction_dropped": ft.Icons.SENTIMENT_DISSATISFIED_OUTLINED,
    "store_dropped": ft.Icons.SENTIMENT_DISSATISFIED_OUTLINED,
    "csat_dropped": ft.Icons.SENTIMENT_DISSATISFIED_OUTLINED,
    "nps_dropped": ft.Icons.SENTIMENT_DISSATISFIED_OUTLINED,
}
_MOST = 3


@ft.component
def Notices(shell: Shell) -> ft.Control:
    """Nothing at all where there is nothing to say."""
    told = use_query(
        lambda store: open_notices(store, store.now()), watch=("notice", "staff", "store")
    )
    open_ = use_query(lambda store: len(store.conflicts()), watch=("conflict",))
    asked = use_query(lambda store: len(open_requests(store)), watch=("access_request",))
    cards = [_card(shell, one) for one in (told.value or [])[:_MOST]]
    if asked.value:
        look = buttons.tonal(
            shell, "to-wishes", t("decisions.open"), lambda: shell.go("/decisions")
        )
        title = t("wishes.waiting", count=asked.value)
        cards.insert(0, notice(ft.Icons.LOCK_CLOCK, title, "", look, tone="warning"))
    if open_.value:
        go = buttons.tonal(
            shell, "to-decisions", t("decisions.open"), lambda: shell.go("/decisions")
        )
        title = t("decisions.waiting", count=open_.value)
        cards.insert(0, notice(ft.Icons.CALL_SPLIT, title, "", go, tone="warning"))
    return ft.Column(cards, spacing=GAP, tight=True, visible=bool(cards))


def _card(shell: Shell, told: Told) -> ft.Control:
    one = told.notice
    count = one.count or 0
    who = told.other or told.by or t("conflict.someone")
    if one.kind.startswith("access_"):
        what = t(f"notices.asked.{one.subject or 'customer'}")
        text = t(f"notices.{one.kind}", what=what, who=who, hours=count)
    else:
        what = t(f"notices.what.{one.subject or 'customer'}", count=count)
        text = t(f"notices.{one.kind}", what=what, who=who, store=told.store)
    by = told.by if told.by and told.by != who else ""
    when = formats.when(one.happened_at, shell.now())
    below = t("notices.by", who=by, when=when) if by else when
    said: list[ft.Control] = [words.body(text), words.faint(below)]
    away = buttons.icon(
        shell,
        f"dismiss-{one.id}",
        ft.Icons.CLOSE,
        t("notices.dismiss"),
        lambda: dismiss(shell.store, one),
    )
    icon = ft.Icon(_ICONS.get(one.kind, ft.Icons.INFO_OUTLINE), color=ft.Colors.PRIMARY)
    middle = ft.Column(said, spacing=2, tight=True, expand=True)
    return surfaces.card([ft.Row([icon, middle, away], spacing=GAP)], padding=12)
