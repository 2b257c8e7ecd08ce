"""The customer's page: a head that says who and what next, and below it one section at a time.

Opening it is put on record before anything is shown (L7).
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import use_effect, use_maybe, use_state
from mobile.ui.screens.customer.belongings import Assets, Orders
from mobile.ui.screens.customer.history import History
from mobile.ui.screens.customer.people import People
from mobile.ui.screens.customer.profile import Profile
from mobile.ui.state import Shell, use_now, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases import visits
from mobile.usecases.customer_page import CustomerPage, customer_page
from mobile.usecases.customers import VISITING
from shared.entities import Case, Visit
from shared.errors import Refusal

Opens = Callable[[str], None]
Shows = Callable[[str], None]
SECTIONS = ("history", "profile", "contacts", "assets", "orders")


@ft.component
def CustomerScreen() -> ft.View:
    """The chosen section stands in the address of the way back (`?show=assets`)."""
    shell = use_shell()
    customer_id = ft.use_route_params()["customer_id"]
    now = use_now(60)
    asked = parse_qs(urlsplit(shell.page.route or "").query).get("show", [""])[0]
    section, show = use_state(asked if asked in SECTIONS else SECTIONS[0])
    recorded, set_recorded = use_state(False)
    unrecorded, set_unrecorded = use_maybe(Refusal)
    today = formats.local(now).date()
    found = use_query(
        lambda store: customer_page(store, customer_id, today),
        [customer_id, today],
        watch=("customer", "contact", "asset", "visit", "case", "policy"),
    )

    def record() -> None:
        try:
            privacy.record_look(shell, "customer", customer_id, customer_id, "opened")
            set_recorded(True)
        except Refusal as refusal:
            set_unrecorded(refusal)

    use_effect(record, [customer_id])
    title = t("entity.customer")
    refusal = found.refusal or unrecorded
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back="/customers")
    if not recorded or found.value is None:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/customers")
    page = found.value

    def open_(route: str) -> None:
        shell.trail = [*shell.trail[-30:], f"/customers/{customer_id}?show={section}"]
        shell.page.navigate(route)

    parts = {
        "history": lambda: History(shell, customer_id, open_),
        "profile": lambda: Profile(shell, page, open_),
        "contacts": lambda: People(shell, page, open_),
        "assets": lambda: Assets(shell, page, open_),
        "orders": lambda: Orders(shell, customer_id),
    }
    return frame.screen(
        shell,
        [
            _head(shell, page),
            *_coming(shell, page, open_),
            _chooser(page, section, show),
            parts[section](),
        ],
        title=page.customer.name,
        back="/customers",
        actions=[_menu(shell, page, open_)],
        bottom=_bottom(shell, page, open_),
        overlay=privacy.watermark(shell),
    )


# ── head ──────────────────────────────────────────────────────────────────────────────────


def _head(shell: Shell, page: CustomerPage) -> ft.Control:
    customer, now = page.customer, shell.now()
    badges: list[ft.Control] = []
    for badge in (
        marks.tier(customer.tier, customer.vip),
        marks.badge(choice("stage", customer.stage)) if customer.stage == "potential" else None,
        marks.badge(choice("loyalty", customer.loyalty), "wait")
        if customer.loyalty == "churn_risk"
        else None,
        marks.pending(page.pending),
    ):
        if badge is not None:
            badges.append(badge)
    lines: list[ft.Control] = [words.headline(customer.name)]
    if customer.company and customer.company != customer.name:
        lines.append(words.body(customer.company))
    if badges:
        lines.append(ft.Row(badges, wrap=True, spacing=GAP))
    lines.append(privacy.Phone(shell, customer.phone, "customer", customer.id, customer.id))
    if customer.address or customer.city:
        lines.append(_address(" ".join(p for p in (customer.city, customer.address) if p)))
    if page.owner:
        lines.append(words.faint(t("customer.owner", name=page.owner)))
    if page.due_at is not None and not page.visits:
        lines.append(
            ft.Row(
                [words.faint(t("customer.due")), marks.due(page.due_at, now)],
                wrap=True,
                spacing=GAP,
            )
        )
    return surfaces.card(lines)


def _address(address: str) -> ft.Control:
    goal = f"geo:0,0?q={quote(address)}"
    return ft.Row(
        [
            words.body(address, expand=True, selectable=True),
            buttons.link("map", ft.Icons.DIRECTIONS_OUTLINED, t("action.directions"), goal),
        ]
    )


def _coming(shell: Shell, page: CustomerPage, open_: Opens) -> list[ft.Control]:
    """Open visits and cases: what comes next stands above what was."""
    if not page.visits and not page.cases:
        return []
    rows = [_visit(shell, visit, open_) for visit in page.visits]
    rows += [_case(case, open_) for case in page.cases]
    return [surfaces.section(t("customer.coming"), [surfaces.card(rows)])]


def _visit(shell: Shell, visit: Visit, open_: Opens) -> ft.Control:
    return surfaces.line(
        f"visit-{visit.id}",
        choice("purpose", visit.purpose),
        lambda _: open_(f"/visits/{visit.id}"),
        icon=ft.Icons.HANDSHAKE_OUTLINED,
        text=formats.when(visit.planned_at, shell.now()),
        trailing=marks.state(visit.state),
    )


def _case(case: Case, open_: Opens) -> ft.Control:
    return surfaces.line(
        f"case-{case.id}",
        case.title,
        lambda _: open_(f"/cases/{case.id}"),
        icon=ft.Icons.HANDYMAN_OUTLINED,
        text=f"{choice('kind', case.kind)} · {case.number}",
        trailing=marks.state(case.state),
    )


# ── choosing and acting ───────────────────────────────────────────────────────────────────


def _chooser(page: CustomerPage, section: str, show: Shows) -> ft.Control:
    counts = {"contacts": len(page.contacts), "assets": len(page.assets)}

    def chip(name: str) -> ft.Control:
        count = f" {counts[name]}" if counts.get(name) else ""
        return ft.Chip(
            key=f"show-{name}",
            label=words.body(t(f"customer.show.{name}") + count),
            selected=name == section,
            show_checkmark=False,
            on_select=lambda _: show(name),
        )

    return ft.Row([chip(name) for name in SECTIONS], scroll=ft.ScrollMode.HIDDEN, spacing=GAP)


def _menu(shell: Shell, page: CustomerPage, open_: Opens) -> ft.Control:
    customer_id = page.customer.id
    return buttons.icon(
        shell,
        "new-case",
        ft.Icons.ADD_ALERT_OUTLINED,
        t("customer.new_case"),
        lambda: open_(f"/customers/{customer_id}/case"),
    )


def _bottom(shell: Shell, page: CustomerPage, open_: Opens) -> list[ft.Control]:
    customer_id, me = page.customer.id, shell.staff.id
    if shell.role not in VISITING:
        return []
    mine = next((v for v in page.visits if v.state == "started" and v.owner_id == me), None)

    def begin() -> None:
        visit = visits.start_now(shell.store, customer_id, formats.zone())
        open_(f"/visits/{visit.id}")
        if mine is None:
            say(shell, t("visit.started"))

    return [
        buttons.secondary(
            shell,
            "plan-visit",
            t("customer.plan_visit"),
            lambda: open_(f"/customers/{customer_id}/visit"),
            icon=ft.Icons.EVENT_OUTLINED,
        ),
        buttons.primary(
            shell,
            "start-visit",
            t("customer.continue_visit" if mine else "customer.start_visit"),
            begin,
            icon=ft.Icons.PLAY_ARROW,
        ),
    ]
