"""One step of a complaint: what belongs to it, written into the case (S4 #179). Works offline; a
draft is kept like any other."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, privacy, words
from mobile.ui.components.form import use_correction
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.case.eight_steps import complaint_label
from mobile.ui.screens.case.evidence import Evidence
from mobile.ui.screens.customer.looking import use_record
from mobile.ui.screens.topics import Topics
from mobile.ui.state import Shell, use_shell
from mobile.ui.texts import t
from mobile.usecases import complaints
from mobile.usecases.complaints import WORK_FIELDS
from shared.entities import Case
from shared.errors import Code


@ft.component
def ComplaintStepScreen() -> ft.View:
    """`/cases/<id>/steps/<step>`."""
    shell = use_shell()
    params = ft.use_route_params()
    case_id, step = params["case_id"], params["step"]
    title, back = t("entity.case"), f"/cases/{case_id}"
    case = use_record(shell, Case, case_id, title=title, back=back)
    if isinstance(case, ft.View):
        return case
    if step not in WORK_FIELDS:
        return frame.screen(shell, [refusal_card(Code.RECORD_MISSING)], title=title, back=back)
    return keyed(f"step {case_id} {step}", Writing, shell, case, step)


@ft.component
def Writing(shell: Shell, case: Case, step: str) -> ft.View:
    """The fields of one step, with what it is for above them."""
    names, draft = WORK_FIELDS[step], complaints.step_draft(case.id, step)
    form, seen = use_correction(shell, case, names, draft=draft)
    back = f"/cases/{case.id}"

    def save() -> None:
        if form.complete():
            complaints.save_step(shell.store, seen, form.changes(), draft)
            form.done()
            say(shell, t("customer.saved"))
            shell.back(back)

    body: list[ft.Control] = [
        words.headline(t(f"complaint.step.{step}")),
        words.body(t(f"complaint.hint.{step}"), color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    for name in names:
        if name == "category":
            body.append(keyed("topics", Topics, shell, form, "category"))
        else:
            body.append(form.field(name, label=complaint_label(name)))
    if step == "verify":
        body.append(keyed("evidence", Evidence, shell, case))
    return frame.screen(
        shell,
        [*body, form.saved_line()],
        title=case.number,
        back=back,
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
        overlay=privacy.watermark(shell),
    )
