"""The visit's address shows what its state asks for: the plan, the work, or the record.

One view for all three: a view that takes another's place leaves that one's barrier in the way of
screen readers.
"""

from __future__ import annotations

import flet as ft

from mobile.store.store import Store
from mobile.ui.components import buttons, frame, privacy, surfaces
from mobile.ui.components.form import use_form
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_effect
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.screens.visit.planned import Planned
from mobile.ui.screens.visit.record import Record
from mobile.ui.screens.visit.seen import Seen
from mobile.ui.screens.visit.under_way import UnderWay, Writing
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases import photos, visits
from shared.codec import write
from shared.entities import Contact, Customer, Staff, Visit
from shared.errors import Code, Refusal


@ft.component
def VisitScreen() -> ft.View:
    """Looking at a visit is looking at its customer: it is put on record first (L7)."""
    shell = use_shell()
    visit_id = ft.use_route_params()["visit_id"]
    found = use_query(
        lambda store: look_up(store, visit_id),
        [visit_id],
        watch=("visit", "customer", "contact", "file", "reference"),
    )
    seen = found.value
    form = use_form(
        shell,
        Visit,
        draft=visits.visit_draft(visit_id) if seen else "",
        start=write(seen.visit) if seen else {},
        about=("visit", visit_id),
    )
    writing: Writing = ft.use_memo(lambda: Writing(shell, form, form.kept.saved), [form])

    recorded, unrecorded = use_look(shell, "visit", visit_id, seen.customer.id if seen else None)
    use_effect(lambda: None, [form], writing.leave)
    title, refusal = t("entity.visit"), found.refusal or unrecorded
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back="/")
    if not recorded or seen is None:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/")
    writing.look_at(seen)
    return frame.screen(
        shell,
        [_face(shell, seen, writing)],
        title=title,
        back=seen.back,
        bottom=_bottom(shell, seen, writing),
        overlay=privacy.watermark(shell),
    )


def _face(shell: Shell, seen: Seen, writing: Writing) -> ft.Control:
    key = f"{seen.visit.id} {seen.visit.state}"
    match seen.visit.state:
        case "planned":
            return keyed(key, Planned, shell, seen)
        case "started":
            return keyed(key, UnderWay, shell, seen, writing)
        case _:
            return keyed(key, Record, shell, seen)


def _bottom(shell: Shell, seen: Seen, writing: Writing) -> list[ft.Control]:
    """The one next step, and what else one may do instead."""
    visit = seen.visit
    match visit.state:
        case "planned":
            return [
                buttons.secondary(
                    shell, "replan", t("visit.replan"),
                    lambda: shell.go(f"/visits/{visit.id}/plan"), icon=ft.Icons.EVENT_OUTLINED,
                ),
                buttons.primary(
                    shell, "start", t("visit.start"), lambda: visits.start(shell.store, visit),
                    icon=ft.Icons.PLAY_ARROW,
                ),
            ]  # fmt: skip
        case "started":
            return [
                buttons.secondary(shell, "later", t("visit.later"), writing.later),
                buttons.primary(
                    shell, "finish", t("visit.finish"), writing.finish, icon=ft.Icons.CHECK
                ),
            ]
        case _:
            return [
                buttons.primary(
                    shell, "open-customer", t("visit.customer"), lambda: shell.go(seen.back),
                    icon=ft.Icons.BUSINESS_OUTLINED,
                )
            ]  # fmt: skip


def look_up(store: Store, visit_id: str) -> Seen:
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
        photos=tuple(photos.of(store, photos.VISIT, visit)),
        owner=owner.name if owner else "",
        pending=shown is not None and shown.pending,
        following=store.get(Visit, visit.next_visit_id) if visit.next_visit_id else None,
    )
