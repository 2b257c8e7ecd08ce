"""Customers: one search box, and below it whoever is due first, or whoever was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.entry import text_entry
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import Held, use_effect, use_held, use_state
from mobile.ui.screens.customer.looking import use_search_look
from mobile.ui.state import Read, Shell, use_now, use_query, use_shell
from mobile.ui.texts import t
from mobile.ui.theme import GAP, PAD
from mobile.usecases.customer_records import may_add_customers
from mobile.usecases.customers import CustomerCard, Found, own_customers, search

DEBOUNCE_SECONDS = 0.08  # results stand within a tenth of a second of the last key
PAGE = 60  # rows handed to the client at once; more as it scrolls
ROW_HEIGHT = 76
_LIST = "customers"

_ICON = {
    "customer": ft.Icons.BUSINESS_OUTLINED,
    "contact": ft.Icons.PERSON_OUTLINE,
    "case": ft.Icons.HANDYMAN_OUTLINED,
    "asset": ft.Icons.PRECISION_MANUFACTURING_OUTLINED,
    "order": ft.Icons.RECEIPT_LONG_OUTLINED,
}


@ft.component
def CustomersScreen() -> ft.View:
    """The words searched for stand in the address of the way back, so that returning from a
    customer finds the same hits.
    """
    shell = use_shell()
    now = use_now(60)
    asked = parse_qs(urlsplit(shell.page.route or "").query).get("q", [""])[0]
    query, set_query = use_state(asked)
    text = use_held(asked)  # as typed; the query follows when the typing rests
    typing: Held[asyncio.Task[None] | None] = use_held(None)
    offset = shell.scrolled.get(_LIST, 0.0)
    shown, set_shown = use_state(PAGE + int(offset / ROW_HEIGHT))
    listed: Held[ft.ListView | None] = use_held(None)
    own = use_query(own_customers, watch=("customer", "visit", "policy"))
    found = use_query(
        lambda store: search(store, query),
        [query],
        watch=("customer", "contact", "case", "asset", "order"),
    )

    hits = sum(len(group) for group in (found.value or {}).values())
    note, unrecorded = use_search_look(shell, query, hits)

    async def look_up() -> None:
        await asyncio.sleep(DEBOUNCE_SECONDS)
        set_query(text.current.strip())

    def typed(now: str) -> None:
        text.current = now
        if typing.current is not None:
            typing.current.cancel()
        typing.current = asyncio.ensure_future(look_up())

    def clear() -> None:
        text.current = ""
        set_query("")

    def scrolled(event: ft.OnScrollEvent) -> None:
        shell.scrolled[_LIST] = event.pixels
        if event.pixels > event.max_scroll_extent - 10 * ROW_HEIGHT:
            set_shown(lambda old: old + PAGE if old < len(own.value or ()) else old)

    async def return_to_place() -> None:
        if listed.current is not None and offset:
            await listed.current.scroll_to(offset=offset)

    use_effect(return_to_place, [])
    actions = []
    if may_add_customers(shell.role):
        add = buttons.icon(
            shell, "add-customer", ft.Icons.PERSON_ADD_ALT, t("customers.add"),
            lambda: shell.go("/customers/new"),
        )  # fmt: skip
        actions.append(add)
    body: list[ft.Control] = [_search_box(shell, text.current, typed, clear)]
    refusal = own.refusal or found.refusal or unrecorded
    if refusal is not None:
        body.append(ft.Container(refusal_card(refusal), padding=PAD))
    elif query:
        body.append(_hits(shell, query, found, note))
    else:
        listed.current = _list(shell, (own.value or [])[:shown], now, scrolled)
        body.append(_own(own.value or [], listed.current, now))
    return frame.screen(
        shell,
        ft.Column(body, expand=True, spacing=0),
        title=t("nav.customers"),
        place="customers",
        actions=actions,
        scroll=False,
    )


def _search_box(
    shell: Shell, text: str, typed: Callable[[str], None], clear: buttons.Action
) -> ft.Control:
    wipe = buttons.icon(shell, "search-clear", ft.Icons.CLOSE, t("customers.clear"), clear)
    field = text_entry(
        "search",
        t("customers.search"),
        text,
        typed,
        hint_text=t("customers.search.hint"),
        expand=True,
        prefix_icon=ft.Icons.SEARCH,
        suffix_icon=wipe if text else None,
        border=ft.OutlineInputBorder(border_radius=28),
        autocorrect=False,
        enable_suggestions=False,
    )
    return ft.Container(
        ft.Row([field]), padding=ft.Padding.only(left=PAD, right=PAD, top=12, bottom=GAP)
    )


# ── one's own ─────────────────────────────────────────────────────────────────────────────


def _own(cards: list[CustomerCard], listed: ft.Control, now: datetime) -> ft.Control:
    if not cards:
        return surfaces.empty(
            ft.Icons.PEOPLE_OUTLINE, t("customers.empty"), t("customers.empty.text")
        )
    late = sum(card.overdue(now) for card in cards)
    counts = t("customers.count", count=len(cards))
    if late:
        counts += t("customers.count.late", late=late)
    count = ft.Container(words.faint(counts, key="count"), padding=ft.Padding.only(left=PAD))
    return ft.Column([count, listed], expand=True, spacing=4)


def _list(shell: Shell, cards: list[CustomerCard], now: datetime, scrolled: Any) -> ft.ListView:
    return ft.ListView(
        [_row(shell, card, now, f"/customers/{card.id}") for card in cards],
        key=_LIST,
        expand=True,
        # Rows of one height let ten thousand of them scroll without being measured.
        item_extent=ROW_HEIGHT * shell.display.text_scale,
        padding=ft.Padding.only(left=GAP, right=GAP, bottom=PAD),
        on_scroll=scrolled,
        scroll_interval=100,
    )


def _row(shell: Shell, card: CustomerCard, now: datetime, route: str) -> ft.Control:
    late = card.overdue(now)
    due = _due(card, now)
    says = t(
        "customers.row",
        name=card.name,
        tier=t(f"choice.tier.{card.tier}") if card.tier else "",
        due=due,
    )
    first: list[ft.Control] = [
        words.title(card.name, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS, expand=True)
    ]
    if (badge := marks.tier(card.tier, card.vip)) is not None:
        first.append(badge)
    where = " · ".join(part for part in (card.company, card.city) if part)
    second: list[ft.Control] = [
        words.faint(where, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS, expand=True)
    ]
    if due:
        second.append(
            marks.badge(due, "error", ft.Icons.SCHEDULE) if late else words.faint(due, max_lines=1)
        )
    lines = ft.Column(
        [ft.Row(first, spacing=GAP), ft.Row(second, spacing=GAP)], spacing=4, tight=True
    )
    return surfaces.tappable(
        lines,
        key=f"open-{card.id}",
        says=says,
        on_click=lambda _: shell.go(route),
        padding=ft.Padding.symmetric(horizontal=GAP, vertical=10),
    )


def _due(card: CustomerCard, now: datetime) -> str:
    """The coming visit, or when one falls due by tier."""
    if card.planned_at is not None and card.planned_at >= now:
        return t("customers.planned", when=formats.when(card.planned_at, now))
    if card.due_at is None:
        return ""
    key = "customers.due.over" if card.due_at < now else "customers.due.left"
    return t(key, span=formats.span(card.due_at - now))


# ── found ─────────────────────────────────────────────────────────────────────────────────


def _hits(
    shell: Shell, query: str, found: Read[dict[str, list[Found]]], note: Callable[[], None]
) -> ft.Control:
    groups = found.value or {}
    if not groups:
        return surfaces.empty(
            ft.Icons.SEARCH_OFF, t("customers.none", query=query), t("customers.none.text")
        )

    def open_hit(hit: Found) -> None:
        note()
        shell.trail = [*shell.trail[-30:], f"/customers?q={quote(query)}"]
        shell.page.navigate(hit.route)

    rows: list[ft.Control] = []
    for kind, hits in groups.items():
        rows.append(
            ft.Semantics(
                heading_level=2,
                content=ft.Container(
                    words.label(
                        t("customers.group", kind=t(f"entity.{kind}"), count=len(hits)),
                        color=ft.Colors.PRIMARY,
                    ),
                    padding=ft.Padding.only(left=GAP, top=12, bottom=4),
                ),
            )
        )
        rows += [_hit(hit, lambda _, hit=hit: open_hit(hit)) for hit in hits]
    return ft.ListView(
        rows, key="hits", expand=True, padding=ft.Padding.only(left=GAP, right=GAP, bottom=PAD)
    )


def _hit(hit: Found, on_click: Any) -> ft.Control:
    first: list[ft.Control] = [
        words.title(hit.title, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS, expand=True)
    ]
    if hit.state:
        first.append(marks.state(hit.state))
    elif hit.kind == "customer" and (badge := marks.tier(hit.tier, hit.vip)) is not None:
        first.append(badge)
    below = " · ".join(part for part in (hit.customer, hit.text) if part)
    lines: list[ft.Control] = [ft.Row(first, spacing=GAP)]
    if below:
        lines.append(words.faint(below, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS))
    return surfaces.tappable(
        ft.Row(
            [
                ft.Icon(_ICON[hit.kind], color=ft.Colors.ON_SURFACE_VARIANT),
                ft.Column(lines, spacing=2, tight=True, expand=True),
            ],
            spacing=12,
        ),
        key=f"hit-{hit.id}",
        says=t("customers.hit", kind=t(f"entity.{hit.kind}"), title=hit.title, text=below),
        on_click=on_click,
        padding=ft.Padding.symmetric(horizontal=GAP, vertical=10),
    )
