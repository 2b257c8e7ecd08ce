"""A visit that goes on: what is said is written down here and kept as it is typed."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, privacy, surfaces
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import confirm, notice, say
from mobile.ui.hooks import use_effect, use_held, use_state
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.visit.photos import Photos
from mobile.ui.screens.visit.place import Place
from mobile.ui.screens.visit.planned import Cancelling
from mobile.ui.screens.visit.questions import Questions, Scale
from mobile.ui.screens.visit.seen import Seen, head
from mobile.ui.state import Shell, use_now
from mobile.ui.texts import label, t
from mobile.usecases import visits
from shared.codec import write
from shared.entities import Visit
from shared.errors import Refusal


@ft.component
def UnderWay(shell: Shell, seen: Seen) -> ft.View:
    """`began` is the visit as it was when this writing began: what the author has seen."""
    visit = seen.visit
    use_now(60)  # how long it has been going on
    began = use_held(visit)
    form = use_form(
        shell,
        Visit,
        draft=visits.visit_draft(visit.id),
        start=write(visit),
        about=("visit", visit.id),
    )
    restored = use_held(form.kept.saved)
    ended = use_held(False)  # the writing has become a record: nothing is kept twice
    lacks_place, set_lacks_place = use_state(False)

    def leave() -> None:
        if shell.session.store is not None and not ended.current:
            ended.current = _keep(shell, began.current, form)

    use_effect(lambda: None, [visit.id], leave)

    async def finish() -> None:
        lacking = visits.missing(visit, form.changes())
        set_lacks_place("position" in lacking)
        holds = form.complete(required=[name for name in lacking if name != "position"])
        if lacking or not holds:
            names = [label(name) for name in (*lacking, *form.errors)]
            say(shell, t("visit.lacking", fields=t("visit.comma").join(dict.fromkeys(names))))
            return
        asked = confirm(shell, t("visit.finish.ask"), t("visit.finish.text"), t("visit.finish"))
        if not await asked:
            return
        done = visits.finish(shell.store, began.current, form.changes(), formats.zone())
        form.done()
        ended.current = True
        if done.following is None:
            say(shell, t("visit.finished"))
        else:
            when = formats.when(done.following.planned_at, shell.now())
            say(shell, t("visit.finished.next", when=when))

    def later() -> None:
        leave()
        say(shell, t("visit.kept" if ended.current else "visit.kept.draft"))
        shell.back(seen.back)

    body: list[ft.Control] = [head(shell, seen)]
    if restored.current:
        body.append(notice(ft.Icons.HISTORY_EDU, t("visit.restored"), t("visit.restored.text")))
    body += [
        Place(shell, seen, lacks_place),
        _about(form, seen),
        Questions(form),
        _learned(form),
        Photos(shell, seen),
        _next(form),
        form.saved_line(),
        Cancelling(shell, seen),
    ]
    return frame.screen(
        shell,
        body,
        title=t("entity.visit"),
        back=seen.back,
        bottom=[
            buttons.secondary(shell, "later", t("visit.later"), later),
            buttons.primary(shell, "finish", t("visit.finish"), finish, icon=ft.Icons.CHECK),
        ],
        overlay=privacy.watermark(shell),
    )


def _keep(shell: Shell, visit: Visit, form: Form) -> bool:
    """Hands what was written to the record, so that it travels even if nobody comes back here.
    False when it does not fit yet: then it stays a draft.
    """
    try:
        if changes := form.changes():
            visits.keep(shell.store, visit, changes)
    except Refusal:
        form.save()
        return False
    form.done()
    return True


def _about(form: Form, seen: Seen) -> ft.Control:
    contacts = [(contact.id, contact.name) for contact in seen.contacts]
    return surfaces.section(
        t("visit.section.about"),
        [form.field("purpose"), form.field("channel"), ChooseRecord(form, "contact_id", contacts)],
    )


def _learned(form: Form) -> ft.Control:
    return surfaces.section(
        t("visit.section.learned"),
        [
            form.field("notes", lines=5, hint=t("visit.notes.hint")),
            form.field("needs_found", lines=3),
            form.field("preferences_found", lines=2),
            Scale(form, "satisfaction"),
        ],
    )


def _next(form: Form) -> ft.Control:
    return surfaces.section(
        t("visit.section.next"),
        [form.field("next_step", lines=2, hint=t("visit.next.hint")), form.field("next_step_on")],
    )
