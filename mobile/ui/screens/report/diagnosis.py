"""What was wrong and what was done about it (S2 #93)."""

from __future__ import annotations

from typing import Any

import flet as ft

from mobile.ui.components import surfaces
from mobile.ui.components.chips import chips
from mobile.ui.components.form import Form
from mobile.ui.state import Shell, use_query, watch
from mobile.ui.texts import label, language, t
from mobile.usecases.repairs import Job
from mobile.usecases.report_writing import ReportWriting
from shared.entities import Report


@ft.component
def Diagnosis(_shell: Shell, job: Job, report: Report, form: Form, _go: Any) -> ft.Control:
    """The catalogue's cause gives the text its first words; they can be said better."""
    watch(form.state)
    spoken = report.language or language()
    found = use_query(lambda store: ReportWriting(store).causes(spoken), watch=("reference",))
    causes = found.value or {}
    reported = " · ".join(part for part in (job.case.title, job.case.description) if part)

    def pick(key: str | None) -> None:
        before = form.get("cause_code")
        if form.get("cause") in (None, causes.get(before or "")):
            form.set("cause", causes.get(key or ""))
        form.set("cause_code", key)

    options = list(causes.items())
    return ft.Column(
        [
            surfaces.pair(t("report.reported"), reported),
            surfaces.section(
                label("cause"), [chips("cause", options, form.get("cause_code"), pick)]
            ),
            form.field("cause", label=t("report.cause.text"), lines=3),
            form.field("method", hint=t("report.method.hint"), lines=4),
        ],
        spacing=16,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
