"""The visit's address shows what its state asks for: the plan, the work, or the record."""

from __future__ import annotations

import flet as ft

from mobile.store.store import Store
from mobile.ui.components import frame, privacy, surfaces
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_effect, use_maybe, use_state
from mobile.ui.screens.visit.planned import Planned
from mobile.ui.screens.visit.record import Record
from mobile.ui.screens.visit.seen import Seen
from mobile.ui.screens.visit.under_way import UnderWay
from mobile.ui.state import use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases.visit_photos import photos
from shared.entities import Contact, Customer, Staff, Visit
from shared.errors import Code, Refusal


@ft.component
def VisitScreen() -> ft.View:
    """Looking at a visit is looking at its customer: it is put on record first (L7)."""
    shell = use_shell()
    visit_id = ft.use_route_params()["visit_id"]
    recorded, set_recorded = use_state(False)
    unrecorded, set_unrecorded = use_maybe(Refusal)
    found = use_query(
        lambda store: seen(store, visit_id),
        [visit_id],
        watch=("visit", "customer", "contact", "file", "reference"),
    )

    def record() -> None:
        if found.value is None:
            return
        try:
            privacy.record_look(shell, "visit", visit_id, found.value.visit.customer_id, "opened")
            set_recorded(True)
        except Refusal as refusal:
            set_unrecorded(refusal)

    use_effect(record, [visit_id, found.value is None])
    title, refusal = t("entity.visit"), found.refusal or unrecorded
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back="/")
    if not recorded or found.value is None:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/")
    state = found.value.visit.state
    part = {"planned": Planned, "started": UnderWay}.get(state, Record)
    return keyed(f"{visit_id} {state}", part, shell, found.value)


def seen(store: Store, visit_id: str) -> Seen:
    """Refuses `record_missing` where no such visit may be read."""
    visit = store.get(Visit, visit_id)
    customer = store.get(Customer, visit.customer_id) if visit else None
    if visit is None or customer is None:
        raise Refusal(Code.RECORD_MISSING, entity="visit")
    owner = store.get(Staff, visit.owner_id)
    shown = store.row("visit", visit_id)
    return Seen(
        visit=visit,
        customer=customer,
        contacts=tuple(store.find(Contact, customer_id=customer.id)),
        photos=tuple(photos(store, visit)),
        owner=owner.name if owner else "",
        pending=shown is not None and shown.pending,
        following=store.get(Visit, visit.next_visit_id) if visit.next_visit_id else None,
    )
