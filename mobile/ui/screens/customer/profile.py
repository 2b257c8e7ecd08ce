"""Who the customer is, by declaration: only what is filled, personal data masked until asked for
(S0 #1, #8; ux.md, Timed access).
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, privacy, surfaces, words
from mobile.ui.components.levels import reason
from mobile.ui.components.values import shown
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.customer import checks
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, label, language, t
from mobile.usecases import consents, customer_records
from mobile.usecases.customer_page import CustomerPage
from mobile.usecases.customer_records import CUSTOMER_FIELDS
from mobile.usecases.customers import VISITING
from mobile.usecases.outbox import staff_name
from shared.codec import write
from shared.declare import ENTITIES
from shared.masking import MASKED, mask
from shared.tiers import OTHER, industry_class, telling

Opens = Callable[[str], None]


@ft.component
def Profile(shell: Shell, page: CustomerPage, open_: Opens) -> ft.Control:
    """The filled fields by group, and the two checks that are due by the calendar."""
    groups: list[ft.Control] = []
    if customer_records.may_add_customers(shell.role):
        groups.append(checks.both(shell, page.customer, page.checks))
    for group, names in CUSTOMER_FIELDS.items():
        rows = _rows(shell, page, names)
        if rows:
            groups.append(surfaces.section(t(f"customer.group.{group}"), [surfaces.card(rows)]))
    if agent := staff_name(shell.store, page.customer.agent_id):
        groups.append(surfaces.card([surfaces.pair(label("agent_id"), agent)]))
    standing = _standing(shell, page)
    if standing is not None:
        groups.append(standing)
    if shell.role in VISITING:
        groups.append(_who_looked(shell, page.customer.id))
    groups.append(keyed("consents", Consents, page.customer.id, open_))
    return ft.Column(
        groups, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _who_looked(shell: Shell, customer_id: str) -> ft.Control:
    line = surfaces.line(
        "who-looked",
        t("looks.line"),
        lambda _: shell.go(f"/customers/{customer_id}/looks"),
        icon=ft.Icons.VISIBILITY_OUTLINED,
    )
    return surfaces.card([line])


def _rows(shell: Shell, page: CustomerPage, names: tuple[str, ...]) -> list[ft.Control]:
    row, declared = write(page.customer), ENTITIES["customer"].fields
    rows = []
    for name in names:
        text = shown(declared[name], row.get(name), shell.now())
        if not text or name in {"name", "phone", "address"}:  # the head shows these
            continue
        if name == "industry":
            found = industry_class(text, shell.store.policy())
            text = text if found in (None, OTHER, text) else f"{text} · {found}"
        if declared[name].personal in MASKED:
            rows.append(Masked(shell, name, text, "customer", page.customer.id, page.customer.id))
        else:
            rows.append(surfaces.pair(label(name), text))
    return rows


@ft.component
def Consents(customer_id: str, open_: Opens) -> ft.Control:
    """What the customer agreed to, in a line (S4 #155)."""
    found = use_query(
        lambda store: consents.standings(store, customer_id, language()),
        [customer_id],
        watch=("consent", "reference"),
    )
    told = " · ".join(
        t(
            "consent.line",
            scope=choice("scope", one.scope),
            state=t(f"consent.state.{one.state}"),
        )
        for one in found.value or ()
    )
    where = f"/customers/{customer_id}/consent"
    row = surfaces.line(
        "consent", t("consent.title"), lambda _: open_(where), icon=ft.Icons.FACT_CHECK_OUTLINED,
        text=told,
    )  # fmt: skip
    return surfaces.card([row], padding=0)


@ft.component
def Masked(
    shell: Shell, name: str, text: str, entity: str, record_id: str, customer_id: str
) -> ft.Control:
    """A personal value with its middle hidden until someone asks; that is put on record first."""
    open_, set_open = use_state(False)
    personal = ENTITIES[entity].fields[name].personal

    def unmask() -> None:
        privacy.record_look(shell, entity, record_id, customer_id, "unmasked")
        set_open(True)

    if open_:
        return surfaces.pair(label(name), text)
    eye = buttons.icon(
        shell,
        f"unmask-{name}-{record_id}",
        ft.Icons.VISIBILITY_OUTLINED,
        t("customer.unmask", field=label(name)),
        unmask,
    )
    return surfaces.pair(label(name), mask(text, personal), trailing=eye, selectable=False)


def _standing(shell: Shell, page: CustomerPage) -> ft.Control | None:
    """What the year's purchases are, and the level that the panel drew from them (S1 #53)."""
    customer = page.customer
    if customer.spend_12m_cents is None and page.tiered is None and customer.lifecycle is None:
        return None
    rows: list[ft.Control] = []
    if customer.spend_12m_cents is not None:
        spent = formats.money(customer.spend_12m_cents, customer.currency)
        rows.append(surfaces.pair(label("spend_12m_cents"), spent))
        rows.append(surfaces.pair(label("orders_12m"), str(customer.orders_12m or 0)))
    for name in ("loyalty", "lifecycle"):
        if word := getattr(customer, name):
            rows.append(surfaces.pair(label(name), choice(name, word)))
    if (tiered := page.tiered) is not None:
        why = " · ".join(reason(one, customer.currency) for one in telling(tiered.reasons))
        when = formats.when(tiered.decided_at or tiered.proposed_at, shell.now())
        said = t("customer.tiered", tier=choice("tier", tiered.after), when=when)
        version = t("customer.tiered.policy", version=tiered.policy_version or 0)
        rows.append(surfaces.pair(said, why or version))
        if why and tiered.policy_version:
            rows.append(words.faint(version))
    return surfaces.section(t("customer.group.value"), [surfaces.card(rows)])
