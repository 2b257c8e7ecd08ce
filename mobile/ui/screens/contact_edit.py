"""A person at a customer: a new one, or changes to one that is known."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, surfaces
from mobile.ui.components.form import use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases import customer_records
from mobile.usecases.customer_records import CONTACT_FIELDS
from mobile.usecases.drafting import as_seen
from shared.codec import write
from shared.entities import Contact
from shared.errors import Code


@ft.component
def EditContactScreen() -> ft.View:
    """`/customers/<id>/contacts/new` for a new one."""
    shell = use_shell()
    params = ft.use_route_params()
    customer_id, contact_id = params["customer_id"], params["contact_id"]
    found = use_query(lambda store: store.get(Contact, contact_id), [contact_id], ("contact",))
    new = contact_id == "new"
    if found.refusal is not None or (found.value is None and not new):
        return frame.screen(
            shell,
            [refusal_card(found.refusal or Code.RECORD_MISSING)],
            title=t("entity.contact"),
            back=f"/customers/{customer_id}",
        )
    return keyed(f"contact {contact_id}", Editing, shell, customer_id, found.value)


@ft.component
def Editing(shell: Shell, customer_id: str, contact: Contact | None) -> ft.View:
    """`contact` is None for a new one. A form shows the number unmasked: that is put on record
    like any unmasking.
    """
    form = use_form(
        shell,
        Contact,
        draft=customer_records.contact_draft(customer_id, contact.id if contact else None),
        start=write(contact) if contact else {},
        about=("customer", customer_id),
    )
    back = f"/customers/{customer_id}?show=contacts"
    title = contact.name if contact else t("customer.contact.add")
    recorded, unrecorded = use_look(
        shell,
        "contact",
        contact.id if contact else "",
        customer_id if contact else None,
        "unmasked",
    )

    seen = None
    if contact is not None:
        seen = as_seen(Contact, contact.id, CONTACT_FIELDS, form.start, form.values)

    def save() -> None:
        if form.complete(required=("name",)):
            customer_records.save_contact(shell.store, customer_id, seen, form.changes())
            form.done()
            say(shell, t("customer.saved"))
            shell.back(back)

    if contact and not recorded:
        instead = refusal_card(unrecorded) if unrecorded else surfaces.skeleton()
        return frame.screen(shell, [instead], title=title, back=back)
    more = {"position": {"label": t("customer.contact.position")}}  # of a visit it is a place
    fields = [form.field(name, **more.get(name, {})) for name in CONTACT_FIELDS]
    return frame.screen(
        shell,
        [*fields, form.saved_line()],
        title=title,
        back=back,
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
    )
