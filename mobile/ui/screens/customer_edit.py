"""Writing down who a customer is: a new one, or changes to one that is known (S0 #1, #8, S1
#44).
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons, frame, surfaces
from mobile.ui.components.chips import chips
from mobile.ui.components.form import Form, use_correction, use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import Shell, use_query, use_shell, watch
from mobile.ui.texts import t
from mobile.ui.theme import PAD
from mobile.usecases import customer_records
from mobile.usecases.customer_records import CUSTOMER_FIELDS, NEW_CUSTOMER_DRAFT
from shared.declare import ENTITIES, Role
from shared.entities import Customer
from shared.errors import Code
from shared.tiers import industry_class, industry_classes

_WRITTEN = (*(name for names in CUSTOMER_FIELDS.values() for name in names), "agent_id")


@ft.component
def NewCustomerScreen() -> ft.View:
    """A name is enough; the rest can be learned later."""
    shell = use_shell()
    form = use_form(
        shell, Customer, draft=NEW_CUSTOMER_DRAFT, start={"kind": "company", "stage": "potential"}
    )

    def save() -> None:
        if form.complete(required=("name",)):
            made = customer_records.add_customer(shell.store, form.values)
            form.done()
            say(shell, t("customer.added"))
            shell.page.navigate(f"/customers/{made.id}")

    return _screen(shell, form, t("customers.add"), "/customers", save)


@ft.component
def EditCustomerScreen() -> ft.View:
    """Changes the fields that were changed, and no others: colleagues may be at the rest."""
    shell = use_shell()
    customer_id = ft.use_route_params()["customer_id"]
    found = use_query(lambda store: store.get(Customer, customer_id), [customer_id], ("customer",))
    if found.value is None:
        problem = found.refusal or Code.RECORD_MISSING
        return frame.screen(
            shell, [refusal_card(problem)], title=t("customer.edit"), back="/customers"
        )
    return keyed(f"edit {customer_id}", Editing, shell, found.value)


@ft.component
def Editing(shell: Shell, customer: Customer) -> ft.View:
    """A form shows phone and address unmasked: that is put on record like any unmasking."""
    draft = customer_records.customer_draft(customer.id)
    form, seen = use_correction(shell, customer, _WRITTEN, draft=draft)
    back = f"/customers/{customer.id}"
    recorded, unrecorded = use_look(shell, "customer", customer.id, customer.id, "unmasked")

    def save() -> None:
        if form.complete(required=("name",)):
            customer_records.edit_customer(shell.store, seen, form.changes())
            form.done()
            say(shell, t("customer.saved"))
            shell.back(back)

    if not recorded:
        instead = refusal_card(unrecorded) if unrecorded else surfaces.skeleton()
        return frame.screen(shell, [instead], title=t("customer.edit"), back=back)
    return _screen(shell, form, t("customer.edit"), back, save)


def _screen(shell: Shell, form: Form, title: str, back: str, save: Callable[[], None]) -> ft.View:
    body: list[ft.Control] = []
    for group, names in CUSTOMER_FIELDS.items():
        fields = [form.field(name) for name in names if _mine(shell, name)]
        if group == "business":
            fields.insert(1, keyed("industries", Industries, shell, form))
        if fields:
            stretched = ft.Column(
                fields, spacing=PAD, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
            )
            body.append(surfaces.section(t(f"customer.group.{group}"), [stretched]))
    if _mine(shell, "agent_id"):
        agents = [(one.id, one.name) for one in customer_records.agents(shell.store)]
        body.append(keyed("agent", ChooseRecord, form, "agent_id", agents))
    body.append(form.saved_line())
    return frame.screen(
        shell,
        body,
        title=title,
        back=back,
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
    )


@ft.component
def Industries(shell: Shell, form: Form) -> ft.Control:
    """The policy's classes, of which a tap writes one down; other words may be typed (S4 #154)."""
    watch(form.state)
    policy = shell.store.policy()
    options = [(name, name) for name in industry_classes(policy)]
    chosen = industry_class(form.get("industry"), policy)

    def write_down(word: str | None) -> None:
        if word is not None:  # a second tap clears no words that were typed
            form.set("industry", word)

    about = t("customer.industry_class")
    return chips("industry-class", options, chosen, write_down, about)


def _mine(shell: Shell, name: str) -> bool:
    """Tier and VIP are a store manager's to give (S1 #51); others don't see an editor for them."""
    return Role(shell.role) in ENTITIES["customer"].fields[name].writers
