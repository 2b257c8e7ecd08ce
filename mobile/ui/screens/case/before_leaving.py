"""The checklist before setting out (S2 #92): there from the acceptance on, part of the report."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import surfaces, words
from mobile.ui.components.messages import guarded
from mobile.ui.state import Shell
from mobile.ui.texts import language, t
from mobile.ui.theme import TARGET
from mobile.usecases.repairs import Job
from mobile.usecases.report_writing import BEFORE_LEAVING, ReportWriting
from shared.entities import CheckItem


@ft.component
def BeforeLeaving(shell: Shell, job: Job) -> ft.Control:
    """Ticked or not; nothing stops someone who sets out without."""
    writing = ReportWriting(shell.store)
    report = job.open_report
    lines = report.checklist if report is not None else writing.checklist(language())
    mine = [line for line in lines if line.key.startswith(f"{BEFORE_LEAVING}.")]
    if not mine:
        return ft.Container(visible=False)
    done = sum(1 for line in mine if line.done)
    rows: list[ft.Control] = [
        ft.Container(
            ft.Checkbox(
                key=f"check-{line.key}",
                label=line.label,
                value=bool(line.done),
                on_change=guarded(shell, _tick(shell, job, line)),
            ),
            padding=ft.Padding.symmetric(vertical=(TARGET - 40) // 2),
        )
        for line in mine
    ]
    count = words.faint(t("repair.before.count", done=done, count=len(mine)))
    return surfaces.card([surfaces.section(t("repair.before"), rows, count)])


def _tick(shell: Shell, job: Job, line: CheckItem) -> Callable[[], object]:
    writing = ReportWriting(shell.store)
    return lambda: writing.tick(job.case, line.key, not line.done, language())
