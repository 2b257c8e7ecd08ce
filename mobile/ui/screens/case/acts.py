"""The desk's acts on a case that want more than a text: to whom it goes, whom to ask and by when, a
milestone, an inspection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.chips import chips
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import say
from mobile.ui.state import Shell, watch
from mobile.ui.texts import choice, language, t
from mobile.ui.theme import GAP
from mobile.usecases.desk import Desk
from mobile.usecases.repairs import Job, turn_draft
from mobile.usecases.report_writing import ReportWriting
from shared.entities import CheckItem, Inspection, Milestone, Staff, Transfer

Close = Callable[[], None]
_PROMISES = (1, 2, 4, 8, 24)  # hours to choose from, as far as the policy allows
_DUE = (1, 2, 3, 5)  # working days until a milestone


@ft.component
def Assign(shell: Shell, job: Job, close: Close) -> ft.Control:
    """A tap on a name gives the case to them."""
    desk = Desk(shell.store)
    people = desk.technicians(job.case)

    def give(staff_id: str | None) -> None:
        if staff_id and staff_id != job.case.assignee_id:
            desk.assign(job.case, staff_id)
            name = next(one.name for one in people if one.id == staff_id)
            say(shell, t("desk.assigned", name=name))
        close()

    options = [(one.id, one.name) for one in people]
    body: list[ft.Control] = [words.title(t("desk.act.assign"))]
    if options:
        body.append(chips("assign", options, job.case.assignee_id, give))
    else:
        body.append(words.body(t("desk.assign.nobody")))
    body.append(_row([_cancel(shell, close)]))
    return surfaces.card(body, key="turning-assign")


@ft.component
def AskExpert(shell: Shell, job: Job, close: Close) -> ft.Control:
    """Whom, what, and the time that the customer is told (S0 #15, S2 #88)."""
    desk = Desk(shell.store)
    form = _use_act(shell, job, Transfer, "ask")
    longest = int(desk.longest_promise().total_seconds() // 3600)
    hours = form.get("hours") or str(min(4, longest))

    def send() -> None:
        if form.complete(required=("expert_id", "question")):
            promised = shell.now() + timedelta(hours=int(hours))
            desk.transfer(job.case, form.get("expert_id"), form.get("question"), promised)
            form.done()
            say(shell, t("desk.asked", when=formats.when(promised, shell.now())))
            close()

    people = [(one.id, _called(one)) for one in desk.experts()]
    offered = [(str(h), t("desk.hours", count=h)) for h in _PROMISES if h <= longest]
    return surfaces.card(
        [
            words.title(t("desk.act.ask")),
            _asked(t("desk.ask.whom"), "expert_id" in form.errors),
            chips("expert", people, form.get("expert_id"), _setter(form, "expert_id")),
            form.field("question", hint=t("desk.ask.hint"), lines=2),
            words.faint(t("desk.ask.promise")),
            chips("promise", offered, hours, _setter(form, "hours")),
            form.saved_line(),
            ends(shell, form, close, t("desk.ask.do"), send),
        ],
        key="turning-ask",
    )


@ft.component
def SetMilestone(shell: Shell, job: Job, close: Close) -> ft.Control:
    """What, and by which working day (S2 #114); whoever has the case does it."""
    form = _use_act(shell, job, Milestone, "milestone")
    days = form.get("days") or str(_DUE[0])

    def keep() -> None:
        if form.complete(required=("title",)):
            due = shell.store.calendar().reached(shell.now(), int(days), formats.zone())
            owner = job.case.assignee_id or shell.staff.id
            Desk(shell.store).set_milestone(job.case, form.get("title"), due, owner)
            form.done()
            close()

    offered = [(str(d), t("desk.workdays", count=d)) for d in _DUE]
    return surfaces.card(
        [
            words.title(t("desk.act.milestone")),
            form.field("title", hint=t("desk.milestone.hint")),
            words.faint(t("desk.milestone.within")),
            chips("within", offered, days, _setter(form, "days")),
            form.saved_line(),
            ends(shell, form, close, t("action.save"), keep),
        ],
        key="turning-milestone",
    )


@ft.component
def Inspect(shell: Shell, job: Job, close: Close) -> ft.Control:
    """What a manager sees on site, by the technicians' own checklist (S4 #169)."""
    lines = ReportWriting(shell.store).checklist(language())
    form = _use_act(shell, job, Inspection, "inspect")
    ticked = frozenset(form.get("ticked") or ())

    def keep() -> None:
        if form.complete(required=("judgement",)):
            seen = [CheckItem(key=i.key, label=i.label, done=i.key in ticked) for i in lines]
            judgement, notes = form.get("judgement"), form.get("notes") or ""
            Desk(shell.store).inspect(job.case, seen, judgement, notes)
            form.done()
            say(shell, t("desk.inspected"))
            close()

    def turn(key: str) -> Callable[[object], None]:
        return lambda _event: form.set("ticked", sorted(ticked ^ {key}))

    boxes: Sequence[ft.Control] = [
        ft.Checkbox(
            key=f"seen-{line.key}",
            label=line.label,
            value=line.key in ticked,
            on_change=turn(line.key),
        )
        for line in lines
    ]
    return surfaces.card(
        [
            words.title(t("desk.act.inspect")),
            *boxes,
            form.field("judgement"),
            form.field("notes", hint=t("desk.inspect.hint"), lines=2),
            form.saved_line(),
            ends(shell, form, close, t("action.save"), keep),
        ],
        key="turning-inspect",
    )


def _use_act(shell: Shell, job: Job, cls: type, act: str) -> Form:
    """The form of one act (a hook). What belongs to no field of the record, as the days chosen,
    lies in it under a name of its own."""
    form = use_form(
        shell, cls, draft=turn_draft(job.case.id, act), start={}, about=("case", job.case.id)
    )
    watch(form.state)
    return form


def _setter(form: Form, name: str) -> Callable[[str | None], None]:
    return lambda word: form.set(name, word)


def _called(person: Staff) -> str:
    return f"{person.name} · {choice('role', person.role)}"


def _asked(question: str, wrong: bool) -> ft.Control:
    return words.faint(question, color=ft.Colors.ERROR if wrong else None)


def ends(shell: Shell, form: Form, close: Close, text: str, do: Callable[[], None]) -> ft.Control:
    """The two ends of what is being written: given up, or done."""

    def cancel() -> None:
        form.give_up()
        close()

    return _row([_cancel(shell, cancel), buttons.tonal(shell, "turn-yes", text, do)])


def _cancel(shell: Shell, close: Close) -> ft.Control:
    return buttons.quiet(shell, "turn-no", t("action.cancel"), close)


def _row(row: list[ft.Control]) -> ft.Control:
    return ft.Row(row, alignment=ft.MainAxisAlignment.END, wrap=True, spacing=GAP)
