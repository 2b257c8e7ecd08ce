"""A complaint's eight steps as a list: what is done, what is missing, and where to write it (S4
#179)."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import marks, surfaces, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import label, t
from mobile.usecases import complaints
from mobile.usecases.repairs import Job
from shared.complaints import StepReading, present_step
from shared.declare import ENTITIES

WATCHED = ("case", "case_event", "milestone", "callback", "report", "file")
_FIELDS = ENTITIES["case"].fields


@ft.component
def EightSteps(shell: Shell, job: Job) -> ft.Control:
    """Nobody ticks one off: it is done when what belongs to it is there."""
    found = use_query(lambda store: complaints.steps(store, job.case), [job.case], watch=WATCHED)
    if found.value is None:
        assert found.refusal is not None
        return refusal_card(found.refusal)
    steps = found.value
    present = present_step(steps)
    rows = [_step(shell, job, place, step, step == present) for place, step in enumerate(steps, 1)]
    done = sum(step.done for step in steps)
    count = words.faint(t("repair.before.count", done=done, count=len(steps)))
    return surfaces.section(
        t("complaint.steps"), [surfaces.card(rows, padding=4, spacing=0)], count
    )


def _step(shell: Shell, job: Job, place: int, step: StepReading, present: bool) -> ft.Control:
    icon = ft.Icons.CHECK_CIRCLE if step.done else ft.Icons.RADIO_BUTTON_UNCHECKED
    writable = step.name in complaints.WORK_FIELDS
    missing = "" if step.done else t("complaint.missing", what=missing_words(step))
    trailing: ft.Control | None = None
    if present:
        trailing = marks.badge(t("complaint.present"), "active")
    return surfaces.line(
        f"step-{step.name}",
        t("complaint.step", place=place, name=t(f"complaint.step.{step.name}")),
        _opener(shell, job, step.name) if writable else None,
        icon=icon,
        text=missing or t("complaint.done"),
        trailing=trailing,
    )


def _opener(shell: Shell, job: Job, step: str) -> Callable[[object], None]:
    return lambda _event: shell.go(f"/cases/{job.case.id}/steps/{step}")


def missing_words(step: StepReading) -> str:
    """What is missing, in words: fields by their labels, the rest by what has to happen."""
    said = [
        complaint_label(name) if name in _FIELDS else t(f"complaint.lacks.{name}")
        for name in step.missing
    ]
    return t("report.list").join(said)


def complaint_label(name: str) -> str:
    """A case's field as a complaint calls it: its description is the course of things (S2 #89)."""
    own = {"description": "complaint.course", "category": "complaint.topic"}
    return t(own[name]) if name in own else label(name)
