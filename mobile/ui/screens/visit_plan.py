"""Planning a visit, or moving a planned one (S0 #20-#23). The form begins with a plan that will
do.
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, words
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases import visits
from mobile.usecases.drafting import as_seen
from shared.codec import write
from shared.entities import Contact, Customer, Visit
from shared.errors import Code

PLANNED = ("purpose", "planned_at", "minutes", "channel", "contact_id", "notes")


@ft.component
def PlanVisitScreen() -> ft.View:
    """A new visit to `customer_id`."""
    shell = use_shell()
    customer_id = ft.use_route_params()["customer_id"]
    found = use_query(lambda store: store.get(Customer, customer_id), [customer_id], ("customer",))
    title, back = t("customer.plan_visit"), f"/customers/{customer_id}"
    if found.value is None:
        problem = found.refusal or Code.RECORD_MISSING
        return frame.screen(shell, [refusal_card(problem)], title=title, back=back)
    return keyed(f"plan {customer_id}", Planning, shell, found.value, None)


@ft.component
def MoveVisitScreen() -> ft.View:
    """Another time, contact, purpose or channel for visit `visit_id`."""
    shell = use_shell()
    visit_id = ft.use_route_params()["visit_id"]
    found = use_query(lambda store: store.get(Visit, visit_id), [visit_id], ("visit",))
    visit = found.value
    customer = use_query(
        lambda store: store.get(Customer, visit.customer_id) if visit else None,
        [visit_id, visit is None],
        ("customer",),
    )
    if visit is None or customer.value is None:
        problem = found.refusal or Code.RECORD_MISSING
        return frame.screen(shell, [refusal_card(problem)], title=t("visit.replan"), back="/")
    return keyed(f"move {visit_id}", Planning, shell, customer.value, visit)


@ft.component
def Planning(shell: Shell, customer: Customer, visit: Visit | None) -> ft.View:
    """`visit` is the one to be moved; None for a new one."""
    store = shell.store
    start = ft.use_memo(
        lambda: (
            write(visit) if visit else visits.suggested_plan(store, customer.id, formats.zone())
        ),
        [],
    )
    draft = visits.replan_draft(visit.id) if visit else visits.plan_draft(customer.id)
    form = use_form(shell, Visit, draft=draft, start=start, about=("customer", customer.id))
    seen = None
    if visit is not None:
        seen = as_seen(Visit, visit.id, PLANNED, form.start, form.values)
    contacts = use_query(
        lambda store: store.find(Contact, customer_id=customer.id), [customer.id], ("contact",)
    )

    def save() -> None:
        if not form.complete(required=("purpose", "planned_at")):
            return
        if seen is None:
            planned = visits.plan(store, customer.id, form.values)
            undo = "visit.plan.undo"
            say(
                shell,
                t("visit.planned", when=formats.when(planned.planned_at, shell.now())),
                undo=lambda: visits.cancel(store, planned, t(undo)),
            )
        else:
            moved = visits.replan(store, seen, form.changes())
            say(shell, t("visit.planned", when=formats.when(moved.planned_at, shell.now())))
        form.done()
        shell.back(f"/customers/{customer.id}")

    people = [(contact.id, contact.name) for contact in contacts.value or []]
    return frame.screen(
        shell,
        [words.headline(customer.name), *_fields(form, people), form.saved_line()],
        title=t("visit.replan" if visit else "customer.plan_visit"),
        back=f"/customers/{customer.id}",
        bottom=[buttons.primary(shell, "save", t("visit.plan.save"), save, icon=ft.Icons.CHECK)],
    )


def _fields(form: Form, people: list[tuple[str, str]]) -> list[ft.Control]:
    return [
        ChooseRecord(form, name, people)
        if name == "contact_id"
        else form.field(name, lines=3)
        if name == "notes"
        else form.field(name)
        for name in PLANNED
    ]
