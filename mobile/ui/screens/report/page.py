"""The report's address: its steps, one at a time, each stored when it is left; what is typed
meanwhile is a draft that survives a kill.
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons, frame, privacy, surfaces, words
from mobile.ui.components.form import use_form
from mobile.ui.components.messages import guarded, refusal_card
from mobile.ui.hooks import keyed, use_held, use_state, use_task
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.screens.report.checks import Checks
from mobile.ui.screens.report.diagnosis import Diagnosis
from mobile.ui.screens.report.handover import Handover
from mobile.ui.screens.report.parts import Parts
from mobile.ui.screens.report.photos import Photos
from mobile.ui.screens.report.review import Review
from mobile.ui.screens.report_pdf import warm_up
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases.repairs import Job, Repairs
from mobile.usecases.report_writing import ReportWriting, draft_key
from shared.codec import write
from shared.entities import Report
from shared.errors import Code

STEPS = ("diagnosis", "checklist", "parts", "photos", "handover", "review")
_PARTS = {
    "diagnosis": Diagnosis, "checklist": Checks, "parts": Parts, "photos": Photos,
    "handover": Handover, "review": Review,
}  # fmt: skip
_DRAFTED_STEP = "step"


@ft.component
def ReportScreen() -> ft.View:
    """Without a report being written there is nothing to write: the case's page begins one."""
    shell = use_shell()
    case_id = ft.use_route_params()["case_id"]
    found = use_query(
        lambda store: Repairs(store).job(case_id),
        [case_id],
        watch=("case", "report", "file", "customer", "asset", "reference"),
    )
    back, title = f"/cases/{case_id}", t("entity.report")
    open_report = found.value.open_report if found.value else None
    recorded, unrecorded = use_look(
        shell,
        "report",
        open_report.id if open_report else "",
        open_report.customer_id if open_report else None,
    )
    if found.value is None or open_report is None or unrecorded is not None:
        problem = found.refusal or unrecorded or Code.REPORT_SEALED
        return frame.screen(shell, [refusal_card(problem)], title=title, back=back)
    if not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back=back)
    report = open_report
    return keyed(f"write-{report.id}", Writing, shell, found.value, report)


@ft.component
def Writing(shell: Shell, job: Job, report: Report) -> ft.View:
    """One step; leaving it by any way stores what was said on it."""
    form = use_form(
        shell,
        Report,
        draft=draft_key(report),
        start=write(report),
        about=("report", report.id),
    )
    drafted = form.get(_DRAFTED_STEP)
    step, set_step = use_state(drafted if drafted in STEPS else STEPS[0])
    latest = use_held(report)
    latest.current = report

    def commit() -> None:
        changes = form.changes()
        if changes:
            saved = ReportWriting(shell.store).save(latest.current, **changes)
            form.start = write(saved)

    def go(name: str) -> None:
        commit()
        form.set(_DRAFTED_STEP, name, render=False)
        set_step(name)

    def sign() -> None:
        commit()
        shell.go(f"/cases/{job.case.id}/sign")

    use_task(warm_up if step == "review" else _idle, [step])
    at = STEPS.index(step)
    body: list[ft.Control] = [_trail(shell, step, go)]
    if report.amends_id:
        body.append(words.faint(t("report.amends")))
    body += [
        keyed(f"step-{step}", _PARTS[step], shell, job, report, form, go),
        form.saved_line(),
    ]
    bottom: list[ft.Control] = []
    if at > 0:
        bottom.append(
            buttons.secondary(shell, "step-back", t("report.back"), lambda: go(STEPS[at - 1]))
        )
    if step == "review":
        bottom.append(_to_sign(shell, job, report, sign))
    else:
        bottom.append(
            buttons.primary(shell, "step-on", t("action.next"), lambda: go(STEPS[at + 1]))
        )
    return frame.screen(
        shell,
        body,
        title=t("report.of_case", number=job.case.number),
        back=f"/cases/{job.case.id}",
        bottom=bottom,
        overlay=privacy.watermark(shell),
    )


async def _idle() -> None:
    """Nothing is loaded ahead of the review."""


def _to_sign(shell: Shell, job: Job, report: Report, sign: Callable[[], None]) -> ft.Control:
    writing = ReportWriting(shell.store)
    ready = not writing.missing_to_sign(report) and writing.may_sign(job.case)
    return buttons.primary(
        shell, "to-sign", t("report.to_sign"), sign, icon=ft.Icons.DRAW_OUTLINED,
        disabled=not ready,
    )  # fmt: skip


def _trail(shell: Shell, step: str, go: Callable[[str], None]) -> ft.Control:
    """Where one is, and a tap to anywhere. A phone has room for the present step's name only."""

    def mark(place: int, name: str) -> ft.Control:
        here = name == step
        named = here or shell.window.wide
        ink = ft.Colors.ON_PRIMARY if here else ft.Colors.ON_SURFACE_VARIANT
        return surfaces.tappable(
            ft.Row(
                [
                    words.label(f"{place}", color=ink),
                    words.label(t(f"report.{name}"), color=ink, visible=named),
                ],
                spacing=6,
                tight=True,
                alignment=ft.MainAxisAlignment.CENTER,
            ),
            key=f"step-{name}",
            says=t("report.step", place=place, count=len(STEPS), name=t(f"report.{name}")),
            on_click=guarded(shell, lambda: go(name)),
            padding=ft.Padding.symmetric(horizontal=19 if not named else 14, vertical=15),
            bgcolor=ft.Colors.PRIMARY if here else ft.Colors.SURFACE_CONTAINER_HIGH,
        )

    return ft.Row(
        [mark(place, name) for place, name in enumerate(STEPS, 1)],
        scroll=ft.ScrollMode.AUTO,
        spacing=6,
        key="steps",
    )
