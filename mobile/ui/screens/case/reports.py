"""The case's reports: what was signed, what corrects it, and the call that follows."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import surfaces
from mobile.ui.state import Shell
from mobile.ui.texts import t
from mobile.usecases.repairs import Job
from shared.entities import Report


def reports(shell: Shell, job: Job) -> list[ft.Control]:
    """Nothing as long as nothing was signed."""
    if not job.signed:
        return []
    rows = [_line(shell, report) for report in reversed(job.signed)]
    if job.callback is not None:
        when = formats.when(job.callback.next_attempt_at or job.callback.due_at, shell.now())
        rows.append(
            surfaces.line(
                "callback-note", t("repair.callback", when=when), icon=ft.Icons.PHONE_CALLBACK
            )
        )
    return [surfaces.section(t("repair.reports"), [surfaces.card(rows, padding=4, spacing=0)])]


def _line(shell: Shell, report: Report) -> ft.Control:
    seal = report.signature
    assert seal is not None
    signed = t("repair.report.refused") if seal.refused_because else (seal.signer_name or "")
    when = formats.when(seal.signed_at, shell.now())
    title = t("repair.report.amendment") if report.amends_id else t("entity.report")
    return surfaces.line(
        f"report-{report.id}",
        title,
        _opener(shell, report),
        icon=ft.Icons.VERIFIED_OUTLINED,
        text=" · ".join(part for part in (signed, when) if part),
    )


def _opener(shell: Shell, report: Report) -> Callable[[object], None]:
    return lambda _event: shell.go(f"/reports/{report.id}")
