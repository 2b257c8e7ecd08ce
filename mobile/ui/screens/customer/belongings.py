"""What stands with the customer, and what they bought (S0 #3, S2 #99)."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.customer.habits import Habits
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, label, t
from mobile.usecases import customer_records
from mobile.usecases.customer_page import CustomerPage, OwnedAsset, order_lines, purchases
from shared.declare import ENTITIES, Role
from shared.entities import Asset, Order, OrderLine

Opens = Callable[[str], None]
PAGE = 20
_TONE = {"running": "strong", "ending": "wait", "over": "error", "unknown": "calm"}


@ft.component
def Assets(shell: Shell, page: CustomerPage, open_: Opens) -> ft.Control:
    """A card each, with how its warranty stands."""
    writing = Role(shell.role) in ENTITIES["asset"].creators
    add = buttons.tonal(
        shell,
        "add-asset",
        t("customer.asset.add"),
        lambda: open_(f"/customers/{page.customer.id}/assets/new"),
        icon=ft.Icons.ADD,
    )
    if not page.assets:
        return surfaces.empty(
            ft.Icons.PRECISION_MANUFACTURING_OUTLINED,
            t("customer.assets.empty"),
            t("customer.assets.empty.text"),
            add if writing else None,
        )
    rows: list[ft.Control] = [_asset(shell, owned, open_, writing) for owned in page.assets]
    if writing:
        rows.append(add)
    return ft.Column(
        rows, spacing=12, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _asset(shell: Shell, owned: OwnedAsset, open_: Opens, writing: bool) -> ft.Control:
    asset, now = owned.asset, shell.now()
    until = formats.day(asset.warranty_until, now) if asset.warranty_until else ""
    head: list[ft.Control] = [words.title(asset.product, expand=True)]
    if writing:
        head.append(
            buttons.icon(
                shell,
                f"edit-{asset.id}",
                ft.Icons.EDIT_OUTLINED,
                t("customer.asset.edit", product=asset.product),
                lambda: open_(f"/customers/{asset.customer_id}/assets/{asset.id}"),
            )
        )
    lines: list[ft.Control] = [
        ft.Row(head),
        ft.Row(
            [
                marks.badge(
                    t(f"customer.warranty.{owned.warranty}", until=until),
                    _TONE[owned.warranty],
                    ft.Icons.VERIFIED_USER_OUTLINED,
                )
            ],
            wrap=True,
        ),
    ]
    facts = (
        ("model", asset.model),
        ("serial", asset.serial),
        ("bought_at", formats.day(asset.bought_at, now) if asset.bought_at else None),
        ("price_cents", formats.money(asset.price_cents, asset.currency)),
        ("location", asset.location),
    )
    told = [t("customer.fact", name=label(name), text=text) for name, text in facts if text]
    if told:
        lines.append(words.faint(" · ".join(told), selectable=True))
    if customer_records.may_add_customers(shell.role):
        lines.append(_about(shell, asset, open_))
    return surfaces.card(lines)


def _about(shell: Shell, asset: Asset, open_: Opens) -> ft.Control:
    """What is said of this thing, and who was taught to use it (S2 #83, #84)."""

    def opens(what: str) -> Callable[[], None]:
        return lambda: open_(f"/customers/{asset.customer_id}/{what}?asset={asset.id}")

    acts = {"feedback": "feedback.note", "training": "training.log"}
    row: list[ft.Control] = [
        buttons.quiet(shell, f"{what}-{asset.id}", t(text), opens(what))
        for what, text in acts.items()
    ]
    return ft.Row(row, wrap=True, spacing=0)


@ft.component
def Orders(shell: Shell, customer_id: str) -> ft.Control:
    """Sums first, then the orders; the lines of one open on a tap."""
    most, set_most = use_state(PAGE)
    found = use_query(
        lambda store: purchases(store, customer_id), [customer_id], watch=("order", "order_line")
    )
    if found.value is None:
        assert found.refusal is not None
        return refusal_card(found.refusal)
    bought = found.value
    if not bought.orders:
        return surfaces.empty(
            ft.Icons.RECEIPT_LONG_OUTLINED,
            t("customer.orders.empty"),
            t("customer.orders.empty.text"),
        )
    sums = " · ".join(formats.money(cents, currency) for currency, cents in bought.totals)
    rows: list[ft.Control] = [
        surfaces.card(
            [words.figure(sums), words.faint(t("customer.orders.total", count=bought.count))]
        )
    ]
    rows.append(keyed("habits", Habits, shell, customer_id))
    rows += [keyed(f"order {order.id}", OrderRow, shell, order) for order in bought.orders[:most]]
    if most < bought.count:
        rows.append(
            buttons.quiet(
                shell,
                "more-orders",
                t("customer.more", left=bought.count - most),
                lambda: set_most(most + PAGE),
            )
        )
    return ft.Column(
        rows, spacing=8, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


@ft.component
def OrderRow(shell: Shell, order: Order) -> ft.Control:
    """One order; open, it shows its lines. They are read when it is opened."""
    open_, set_open = use_state(False)
    lines = use_query(
        lambda store: order_lines(store, order) if open_ else [], [order.id, open_], ("order_line",)
    )
    cancelled = order.state == "cancelled"
    head = ft.Row(
        [
            ft.Column(
                [
                    words.body(order.number),
                    words.faint(formats.day(formats.local(order.ordered_at).date(), shell.now())),
                ],
                spacing=0,
                tight=True,
                expand=True,
            ),
            marks.badge(choice("state", "cancelled"))
            if cancelled
            else words.body(formats.money(order.total_cents, order.currency)),
            ft.Icon(ft.Icons.EXPAND_LESS if open_ else ft.Icons.EXPAND_MORE),
        ]
    )
    rows: list[ft.Control] = [
        surfaces.tappable(
            head,
            key=f"order-{order.id}",
            says=t(
                "customer.order",
                number=order.number,
                total=formats.money(order.total_cents, order.currency),
            ),
            on_click=lambda _: set_open(not open_),
            padding=8,
        )
    ]
    rows += [_line(line) for line in lines.value or []]
    return surfaces.card(rows)


def _line(line: OrderLine) -> ft.Control:
    price = formats.money(line.unit_price_cents, line.currency)
    return ft.Row(
        [
            ft.Column(
                [words.body(line.description or line.code), words.faint(line.code)],
                spacing=0,
                tight=True,
                expand=True,
            ),
            words.body(t("customer.order.line", quantity=line.quantity or 0, price=price)),
        ]
    )
