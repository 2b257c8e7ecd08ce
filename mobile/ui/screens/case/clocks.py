"""How much time is left: for an answer, for the solution, and in the node in which the case is."""

from __future__ import annotations

from datetime import timedelta

import flet as ft

from mobile.ui import formats
from mobile.ui.components import marks, surfaces, words
from mobile.ui.state import Shell, use_now
from mobile.ui.texts import choice, t
from mobile.usecases.repairs import Job, Repairs
from shared.service_clock import CaseClocks, ClockReading, NodeReading

_NEAR = timedelta(hours=4)


@ft.component
def Clocks(shell: Shell, job: Job) -> ft.Control:
    """The clocks, as they run (S0 #10, #16, #17; S2 #90; S4 #167)."""
    now = use_now(30)
    read = Repairs(shell.store).clocks(job.case, job.events)
    assert now  # the clocks are read anew whenever it changes
    rows = [_clock(shell, read.response), _clock(shell, read.resolution)]
    if read.update is not None:
        rows.append(_clock(shell, read.update))
    if read.current is not None:
        rows.insert(0, _node(shell, read.current))
    rows.append(words.faint(_under(read)))
    return surfaces.card(rows, padding=12)


def _node(shell: Shell, stay: NodeReading) -> ft.Control:
    """Where in its flow the case is, who sees to it, and to whom it goes otherwise."""
    node = stay.node
    title = t("clock.node", node=choice("node", node.name), owner=choice("role", node.owner))
    row = _clock(shell, stay.clock, title)
    if stay.escalated_to:
        mark = marks.badge(
            t("clock.escalated", role=choice("role", stay.escalated_to)),
            "error",
            ft.Icons.NOTIFICATION_IMPORTANT_OUTLINED,
        )
        return ft.Column([row, ft.Row([mark], wrap=True)], spacing=4, tight=True)
    if stay.escalates_at and node.escalate_to and not stay.clock.paused:
        when = formats.when(stay.escalates_at, shell.now())
        goes = t("clock.escalates", role=choice("role", node.escalate_to), when=when)
        return ft.Column([row, words.faint(goes)], spacing=0, tight=True)
    return row


def _clock(shell: Shell, reading: ClockReading, title: str = "") -> ft.Control:
    lines: list[ft.Control] = [words.body(title or t(f"repair.clock.{reading.name}"))]
    if reading.due_at is not None:
        by = t("repair.clock.by", when=formats.when(reading.due_at, shell.now()))
        if reading.provisional:
            by = f"{by} · {t('repair.clock.provisional')}"
        lines.append(words.faint(by))
    return ft.Row(
        [
            ft.Column(lines, spacing=0, tight=True, expand=True),
            clock_mark(reading),
        ]
    )


def clock_mark(reading: ClockReading) -> ft.Control:
    """One clock in a pill: time left, over, met, paused, or without a limit."""
    left = reading.remaining
    if reading.stopped_at is not None:
        key = "repair.clock.over" if reading.breached else "repair.clock.met"
        passed = formats.span(reading.stopped_at - reading.started_at)
        return marks.badge(t(key, span=passed), "error" if reading.breached else "calm")
    if left is None:
        return marks.badge(t("clock.no_limit"))
    if reading.paused:
        return marks.badge(t("repair.clock.paused"), "wait", ft.Icons.PAUSE)
    tone = "error" if reading.breached else "wait" if left < _NEAR else "calm"
    key = "due.over" if reading.breached else "due.left"
    return marks.badge(t(key, span=formats.span(left)), tone, ft.Icons.SCHEDULE)


def _under(read: CaseClocks) -> str:
    """By which version of the policy each clock runs: the one that held when it began."""
    running = read.current.clock.policy if read.current else read.resolution.policy
    if running == read.resolution.policy:
        return t("clock.policy", version=running)
    return t("clock.policies", version=read.resolution.policy, node=running)
