"""The one next step of a case, by its state: accept, set out, arrive, write, sign."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons
from mobile.ui.state import Shell
from mobile.ui.texts import choice, language, t
from mobile.usecases.repairs import Job, Repairs
from mobile.usecases.report_writing import ReportWriting
from shared.declare import Role

_MOVES = {
    "new": ("accepted", ft.Icons.CHECK),
    "assigned": ("accepted", ft.Icons.CHECK),
    "accepted": ("en_route", ft.Icons.DIRECTIONS_CAR_OUTLINED),
    "en_route": ("on_site", ft.Icons.LOCATION_ON_OUTLINED),
}


def next_step(shell: Shell, job: Job) -> ft.Control | None:
    """The primary action; None where nothing is left to do, or for someone who only looks."""
    if shell.role != Role.TECHNICIAN:
        return None
    state = job.case.state
    if state in _MOVES:
        after, icon = _MOVES[state]
        return buttons.primary(
            shell, "next-step", t(f"repair.step.{after}"), lambda: _move(shell, job, after),
            icon=icon,
        )  # fmt: skip
    if state == "waiting":
        back = resumed(job)
        return buttons.primary(
            shell, "next-step", t("repair.step.resume", state=choice("state", back)),
            lambda: _move(shell, job, back), icon=ft.Icons.PLAY_ARROW,
        )  # fmt: skip
    if state in {"on_site", "in_progress"}:
        begun = job.open_report is not None and job.open_report.cause is not None
        key = "repair.step.write_on" if begun else "repair.step.write"
        return buttons.primary(
            shell, "next-step", t(key), lambda: write(shell, job), icon=ft.Icons.EDIT_NOTE
        )
    if state in {"resolved", "closed"} and job.open_report is not None:
        return buttons.primary(
            shell, "next-step", t("repair.step.amend_on"), lambda: write(shell, job),
            icon=ft.Icons.EDIT_NOTE,
        )  # fmt: skip
    return None


def resumed(job: Job) -> str:
    """Where work goes on after waiting: where it stood before, or at the acceptance."""
    before = next((e.from_state for e in reversed(job.events) if e.to_state == "waiting"), None)
    return before if before in job.steps - {"new", "assigned"} else "accepted"


def _move(shell: Shell, job: Job, state: str) -> None:
    # No word of it at the bottom: it would cover the next step, and the state stands at the top.
    Repairs(shell.store).move(job.case, state)


def write(shell: Shell, job: Job) -> None:
    """Begins the report where there is none, and opens it."""
    ReportWriting(shell.store).begin(job.case, language())
    shell.go(f"/cases/{job.case.id}/report")
