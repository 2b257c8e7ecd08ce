"""What the desk keeps beside a case's steps: questions to experts, milestones, inspections, work
instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.components.form import use_correction
from mobile.ui.components.messages import guarded
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.case.clocks import clock_mark
from mobile.ui.state import Shell, use_now
from mobile.ui.texts import choice, label, language, t
from mobile.ui.theme import GAP, TARGET
from mobile.usecases.desk import Desk, answer_draft
from mobile.usecases.instructions import instructions
from mobile.usecases.outbox import staff_name
from mobile.usecases.repairs import Job
from shared.entities import Inspection, Milestone, Transfer


def desk_cards(shell: Shell, job: Job) -> list[ft.Control]:
    """Nothing where nothing is kept."""
    found: list[ft.Control] = []
    if job.transfers:
        rows = [keyed(f"transfer {one.id}", Asked, shell, one) for one in job.transfers]
        found.append(surfaces.section(t("desk.transfers"), rows))
    if job.milestones:
        lines = [_milestone(shell, one) for one in job.milestones]
        done = sum(one.finished_at is not None for one in job.milestones)
        count = words.faint(t("repair.before.count", done=done, count=len(lines)))
        found.append(surfaces.card([surfaces.section(t("desk.milestones"), lines, count)]))
    if job.inspections:
        seen = [_inspection(shell, one) for one in job.inspections]
        found.append(surfaces.card([surfaces.section(t("desk.inspections"), seen)]))
    if noted := [*_feedback(shell, job), *_trainings(shell, job)]:
        found.append(
            surfaces.section(t("desk.noted"), [surfaces.card(noted, padding=4, spacing=0)])
        )
    return found


def _feedback(shell: Shell, job: Job) -> Iterator[ft.Control]:
    """What the customer said in the course of this case (S2 #83)."""
    for one in job.feedback:
        yield surfaces.line(
            f"feedback-{one.id}",
            one.said,
            _goes(shell, f"/feedback/{one.id}"),
            icon=ft.Icons.RATE_REVIEW_OUTLINED,
            text=" · ".join(
                filter(None, (formats.when(one.happened_at, shell.now()), one.department))
            ),
        )


def _trainings(shell: Shell, job: Job) -> Iterator[ft.Control]:
    """What the customer's people were taught in its course (S2 #84)."""
    for one in job.trainings:
        yield surfaces.line(
            f"training-{one.id}",
            one.covered,
            _goes(shell, f"/trainings/{one.id}"),
            icon=ft.Icons.SCHOOL_OUTLINED,
            text=f"{formats.when(one.held_at, shell.now())} · {one.trained}",
        )


def _goes(shell: Shell, route: str) -> Callable[[object], None]:
    return lambda _event: shell.go(route)


@ft.component
def Asked(shell: Shell, transfer: Transfer) -> ft.Control:
    """One question: who answers it, how much of the promise is left, and the answer."""
    now = use_now(30)
    desk = Desk(shell.store)
    who = t(
        "desk.transfer.who",
        asker=staff_name(shell.store, transfer.asked_by),
        expert=staff_name(shell.store, transfer.expert_id),
    )
    by = t("repair.clock.by", when=formats.when(transfer.promised_at, now))
    head = ft.Column([words.title(who), words.faint(by)], spacing=0, tight=True, expand=True)
    lines: list[ft.Control] = [
        ft.Row([head, clock_mark(desk.clock(transfer))]),
        words.body(transfer.question, selectable=True),
    ]
    if transfer.answered_at is None and transfer.expert_id == shell.staff.id:
        lines.append(keyed("answering", Answering, shell, transfer))
    elif transfer.answer:
        lines.append(surfaces.pair(label("answer"), transfer.answer))
    return surfaces.card(lines)


@ft.component
def Answering(shell: Shell, transfer: Transfer) -> ft.Control:
    """The expert's answer. It begins with what was half written when their access ended."""
    form, seen = use_correction(shell, transfer, ("answer",), draft=answer_draft(transfer.id))

    def send() -> None:
        if form.complete(required=("answer",)):
            Desk(shell.store).answer(seen, form.get("answer"))
            form.done()

    button = buttons.tonal(shell, "expert-send", t("desk.answer"), send)
    return ft.Column(
        [form.field("answer", lines=2), form.saved_line(), ft.Row([button])],
        spacing=GAP,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _milestone(shell: Shell, one: Milestone) -> ft.Control:
    now = shell.now()
    owner = staff_name(shell.store, one.owner_id)
    when = formats.when(one.finished_at or one.due_at, now)
    mark = marks.badge(t("desk.reached")) if one.finished_at else marks.due(one.due_at, now)
    box = ft.Checkbox(
        key=f"milestone-{one.id}",
        label=one.title,
        value=one.finished_at is not None,
        on_change=guarded(shell, _turned(shell, one)),
        expand=True,
    )
    below = words.faint(" · ".join(part for part in (when, owner) if part))
    return ft.Column([ft.Row([box, mark], height=TARGET), below], spacing=0, tight=True)


def _turned(shell: Shell, one: Milestone) -> Callable[[], object]:
    return lambda: Desk(shell.store).reach(one, one.finished_at is None)


def _inspection(shell: Shell, one: Inspection) -> ft.Control:
    faults = [item.label for item in one.checklist if not item.done]
    parts = [formats.when(one.happened_at, shell.now()), staff_name(shell.store, one.author_id)]
    lines: list[ft.Control] = [
        ft.Row(
            [
                marks.badge(
                    choice("judgement", one.judgement),
                    "calm" if one.judgement == "passed" else "error",
                ),
                words.faint(" · ".join(part for part in parts if part)),
            ],
            wrap=True,
        )
    ]
    if faults:
        lines.append(words.body(t("desk.inspection.lacking", what=t("report.list").join(faults))))
    if one.notes:
        lines.append(words.body(one.notes))
    return ft.Column(lines, spacing=4, tight=True)


@ft.component
def Instructions(shell: Shell, job: Job) -> ft.Control:
    """Work instructions for this kind of case and this product (S4 #170), folded."""
    open_, set_open = use_state("")
    found = instructions(shell.store, job.case.kind, job.asset, language())
    if not found:
        return ft.Container(visible=False)
    rows: list[ft.Control] = []
    for one in found:
        shown = one.key == open_
        rows.append(
            surfaces.line(
                f"instruction-{one.key}",
                one.title,
                _opens(set_open, "" if shown else one.key),
                icon=ft.Icons.MENU_BOOK_OUTLINED,
                trailing=ft.Icon(ft.Icons.EXPAND_LESS if shown else ft.Icons.EXPAND_MORE),
            )
        )
        if shown:
            steps = [words.body(f"{n}. {step}") for n, step in enumerate(one.steps, 1)]
            standard = [surfaces.pair(t("desk.standard"), one.standard)] if one.standard else []
            rows.append(
                ft.Container(
                    ft.Column([*steps, *standard], spacing=6, tight=True),
                    padding=ft.Padding.only(left=16, right=16, bottom=12),
                )
            )
    return surfaces.section(t("desk.instructions"), [surfaces.card(rows, padding=4, spacing=0)])


def _opens(set_open: Callable[[str], None], key: str) -> Callable[[object], None]:
    return lambda _event: set_open(key)
