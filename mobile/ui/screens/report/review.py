"""The last look before the customer signs: what is still missing, each with the way there, and the
report as it reads.
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons
from mobile.ui.components.form import Form
from mobile.ui.components.messages import notice
from mobile.ui.screens.report.content import content
from mobile.ui.state import Shell
from mobile.ui.texts import label, t
from mobile.usecases.repairs import Job
from mobile.usecases.report_writing import ReportWriting
from shared.entities import Report

_STEP_OF = {
    "cause": "diagnosis", "method": "diagnosis", "checklist": "checklist",
    "training_given": "handover", "operation_confirmed": "handover",
}  # fmt: skip


@ft.component
def Review(
    shell: Shell, job: Job, report: Report, _form: Form, go: Callable[[str], None]
) -> ft.Control:
    """Signing waits for what the rules ask (S2 #93, #94); saving waits for nothing."""
    writing = ReportWriting(shell.store)
    rows: list[ft.Control] = []
    missing = writing.missing_to_sign(report)
    if missing:
        jumps: list[ft.Control] = [_jump(shell, name, go) for name in missing]
        rows.append(
            notice(
                ft.Icons.EDIT_NOTE, t("report.missing", count=len(missing)),
                action=ft.Column(jumps, spacing=4, tight=True), tone="warning",
            )
        )  # fmt: skip
    if not writing.may_sign(job.case):
        rows.append(notice(ft.Icons.INFO_OUTLINE, t("report.not_there"), tone="warning"))
    rows += content(shell, job, report)
    return ft.Column(
        rows, spacing=12, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _jump(shell: Shell, name: str, go: Callable[[str], None]) -> ft.Control:
    return buttons.quiet(
        shell, f"missing-{name}", label(name), lambda: go(_STEP_OF[name]),
        icon=ft.Icons.ARROW_FORWARD,
    )  # fmt: skip
