"""Opening a case with the customer beside one: what, which thing, who, where, how bad (S2 #89, S4
#165).
"""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.screens.customer.subject import Subject, for_subject
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import t
from mobile.usecases import case_opening
from mobile.usecases.case_opening import CASE_FIELDS
from mobile.usecases.customer_page import things_of
from shared.entities import Case, Contact


@ft.component
def OpenCaseScreen() -> ft.View:
    """A new case of a customer; or a second one beside a case, by whoever is on site for that one:
    of the same customer, about its device or another one, with its contact."""
    return for_subject(t("customer.new_case"), Opening)


@ft.component
def Opening(shell: Shell, subject: Subject) -> ft.View:
    """The number is given when the case is saved: nobody uses one up by looking. The form shows
    where the customer is: that is put on record like any unmasking."""
    store, customer, beside, back = shell.store, subject.customer, subject.case, subject.back
    start = ft.use_memo(
        lambda: (
            case_opening.suggested_beside(store, beside)
            if beside
            else case_opening.suggested_case(store, customer.id)
        ),
        [],
    )
    form = use_form(
        shell,
        Case,
        draft=case_opening.case_draft(customer.id),
        start=start,
        about=("customer", customer.id),
    )
    recorded, unrecorded = use_look(shell, "customer", customer.id, customer.id, "unmasked")
    people = use_query(
        lambda store: store.find(Contact, customer_id=customer.id), [customer.id], ("contact",)
    )
    things = use_query(lambda store: things_of(store, customer.id), [customer.id], ("asset",))

    def save() -> None:
        if form.complete(required=("kind", "title")):
            case = case_opening.open_case(store, customer.id, form.values)
            form.done()
            say(shell, t("customer.case.opened", number=case.number))
            shell.back(back)

    if not recorded:
        instead = refusal_card(unrecorded) if unrecorded else surfaces.skeleton()
        return frame.screen(shell, [instead], title=t("customer.new_case"), back=back)
    choices = {
        "contact_id": [
            (one.id, one.name)
            for one in people.value or []
            if beside is None or one.id == beside.contact_id
        ],
        "asset_id": [
            one for one in things.value or [] if beside is None or one[0] == beside.asset_id
        ],
    }
    return frame.screen(
        shell,
        [
            words.headline(customer.name),
            *(_field(form, name, choices) for name in CASE_FIELDS),
            form.saved_line(),
        ],
        title=t("customer.new_case"),
        back=back,
        bottom=[buttons.primary(shell, "save", t("customer.case.open"), save, icon=ft.Icons.CHECK)],
    )


def _field(form: Form, name: str, choices: dict[str, list[tuple[str, str]]]) -> ft.Control:
    if name in choices:
        return ChooseRecord(form, name, choices[name])
    return form.field(name)
