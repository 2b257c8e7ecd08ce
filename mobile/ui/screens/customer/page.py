"""The customer's page: a head that says who and what next, and below it one section at a time.

Opening it is put on record before anything is shown (L7).
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.customer.belongings import Assets, Orders
from mobile.ui.screens.customer.history import History
from mobile.ui.screens.customer.keeping import Keeping
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.screens.customer.people import People
from mobile.ui.screens.customer.profile import Profile
from mobile.ui.state import Shell, use_now, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP, PAD
from mobile.usecases import visits
from mobile.usecases.customer_page import CustomerPage, customer_page, whole_address
from mobile.usecases.customer_records import may_add_customers
from mobile.usecases.customers import VISITING
from shared.entities import Case, Customer, Visit
from shared.errors import Code

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
    today = formats.local(now).date()
    found = use_query(
        lambda store: customer_page(store, customer_id, today),
        [customer_id, today],
        watch=("customer", "contact", "asset", "visit", "case", "policy", "consent"),
    )

    until = use_query(
        lambda store: store.access_ends("customer", customer_id), [customer_id, found.value]
    )

    recorded, unrecorded = use_look(
        shell, "customer", customer_id, customer_id if found.value else None
    )
    title = t("entity.customer")
    refusal = found.refusal or unrecorded
    if refusal is not None and refusal.code in (Code.RECORD_MISSING, Code.GRANT_ENDED):
        gone = privacy.ended(shell, ("customer", customer_id))
        return frame.screen(shell, [gone], title=title, back="/customers")
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
    keeping = keyed("keeping", Keeping, shell, customer_id, open_)
    facts = [_head(shell, page, open_), *_coming(shell, page, open_), keeping]
    chosen = [_chooser(page, section, show), parts[section]()]
    wide, ends_at = shell.window.wide, until.value

    def body() -> ft.Control:
        if wide:
            return frame.two_panes(_pane(facts), _pane(chosen))
        return _stack([*facts, *chosen])

    shown = body()
    if ends_at is not None:
        about = ("customer", customer_id)
        timed = keyed("access", privacy.AccessCountdown, shell, ends_at, body, about)
        shown = ft.Container(timed, expand=wide)
    return frame.screen(
        shell,
        shown,
        title=title,
        back="/customers",
        bottom=_bottom(shell, page, open_),
        overlay=privacy.watermark(shell),
        scroll=not wide,
        full_width=wide,
    )


def _pane(controls: list[ft.Control]) -> ft.Control:
    """One side of a wide window; it scrolls by itself."""
    return ft.Column(
        [ft.Container(_stack(controls), padding=PAD)],
        scroll=ft.ScrollMode.AUTO,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _stack(controls: list[ft.Control]) -> ft.Control:
    return ft.Column(
        controls, spacing=PAD, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


# ── head ──────────────────────────────────────────────────────────────────────────────────


def _head(shell: Shell, page: CustomerPage, open_: Opens) -> ft.Control:
    customer, now = page.customer, shell.now()
    badges: list[ft.Control] = []
    for badge in (
        marks.tier(customer.tier, customer.vip),
        marks.badge(choice("stage", customer.stage)) if customer.stage == "potential" else None,
        marks.badge(choice("loyalty", customer.loyalty), "wait")
        if customer.loyalty == "churn_risk"
        else None,
        marks.badge(t("consent.refused"), "error") if page.refused_at else None,
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
        lines.append(_address(shell, customer))
    if page.owner:
        lines.append(words.faint(t("customer.owner", name=page.owner)))
    if page.refused_at is not None:
        lines.append(words.faint(t("consent.refused.why", when=formats.when(page.refused_at, now))))
    if page.due_at is not None and not page.visits and page.refused_at is None:
        lines.append(
            ft.Row(
                [words.faint(t("customer.due")), marks.due(page.due_at, now)],
                wrap=True,
                spacing=GAP,
            )
        )
    if may_add_customers(shell.role):
        lines.append(_actions(shell, page, open_))
    return surfaces.card(lines)


def _address(shell: Shell, customer: Customer) -> ft.Control:
    if not customer.address:
        return words.body(customer.city or "")  # a city is nobody's home
    where = whole_address(customer)
    return privacy.Address(shell, where, "customer", customer.id, customer.id)


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
    """One section at a time; the row scrolls sideways where it is too wide."""
    counts = {"contacts": len(page.contacts), "assets": len(page.assets)}
    line = ft.BorderSide(1, ft.Colors.OUTLINE_VARIANT)
    return ft.Container(
        ft.Row(
            [_tab(name, name == section, counts.get(name, 0), show) for name in SECTIONS],
            scroll=ft.ScrollMode.HIDDEN,
            spacing=0,
        ),
        border=ft.Border(bottom=line),
    )


def _tab(name: str, chosen: bool, count: int, show: Shows) -> ft.Control:
    text = f"{t(f'customer.show.{name}')} {count}" if count else t(f"customer.show.{name}")
    colour = ft.Colors.PRIMARY if chosen else ft.Colors.ON_SURFACE_VARIANT
    under = ft.BorderSide(3, ft.Colors.PRIMARY if chosen else ft.Colors.TRANSPARENT)
    return ft.Semantics(
        label=text,
        button=True,
        selected=chosen,
        container=True,
        exclude_semantics=True,
        on_tap=lambda _: show(name),
        content=ft.Container(
            words.title(text, color=colour),
            key=f"show-{name}",
            ink=True,
            on_click=lambda _: show(name),
            padding=ft.Padding.symmetric(horizontal=14, vertical=12),
            border=ft.Border(bottom=under),
        ),
    )


def _actions(shell: Shell, page: CustomerPage, open_: Opens) -> ft.Control:
    where = f"/customers/{page.customer.id}"
    return ft.Row(
        [
            buttons.tonal(
                shell,
                "new-case",
                t("customer.new_case"),
                lambda: open_(f"{where}/case"),
                icon=ft.Icons.HANDYMAN_OUTLINED,
            ),
            buttons.quiet(
                shell,
                "note-feedback",
                t("feedback.note"),
                lambda: open_(f"{where}/feedback"),
                icon=ft.Icons.RATE_REVIEW_OUTLINED,
            ),
            buttons.quiet(
                shell,
                "log-training",
                t("training.log"),
                lambda: open_(f"{where}/training"),
                icon=ft.Icons.SCHOOL_OUTLINED,
            ),
            buttons.quiet(
                shell,
                "edit",
                t("customer.edit"),
                lambda: open_(f"{where}/edit"),
                icon=ft.Icons.EDIT_OUTLINED,
            ),
        ],
        wrap=True,
        spacing=GAP,
    )


def _bottom(shell: Shell, page: CustomerPage, open_: Opens) -> list[ft.Control]:
    customer_id, me = page.customer.id, shell.staff.id
    if shell.role not in VISITING:
        return []
    mine = next((v for v in page.visits if v.state == "started" and v.owner_id == me), None)

    def begin() -> None:
        visit = visits.start_now(shell.store, customer_id, formats.zone())
        open_(f"/visits/{visit.id}")

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
