"""Handing over: what the customer was shown, that it works again, and what else is to be said
(S2 #93, #94).
"""

from __future__ import annotations

from typing import Any

import flet as ft

from mobile.ui.components.form import Form
from mobile.ui.components.messages import notice
from mobile.ui.hooks import keyed
from mobile.ui.screens.report.answers import YesNo
from mobile.ui.state import Shell, watch
from mobile.ui.texts import t
from mobile.usecases.repairs import Job
from shared.entities import Report


@ft.component
def Handover(_shell: Shell, _job: Job, _report: Report, form: Form, _go: Any) -> ft.Control:
    """What does not work yet is signed for as well, and stays open."""
    watch(form.state)
    rows: list[ft.Control] = [
        keyed("operation", YesNo, form, "operation_confirmed"),
        keyed("training", YesNo, form, "training_given"),
        form.field("training_note", lines=2),
        form.field("remarks", lines=3),
    ]
    if form.get("operation_confirmed") is False:
        rows.insert(1, notice(ft.Icons.INFO_OUTLINE, t("report.not_working"), tone="warning"))
    return ft.Column(
        rows, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )
