"""The desk's acts on a case that want more than a text: to whom it goes, whom to ask and by when, a
milestone, an inspection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.chips import chips
from mobile.ui.components.messages import say
from mobile.ui.hooks import Held, use_held, use_state
from mobile.ui.state import Shell
from mobile.ui.texts import choice, label, language, t
from mobile.ui.theme import GAP
from mobile.usecases.desk import Desk
from mobile.usecases.repairs import Job
from mobile.usecases.report_writing import ReportWriting
from shared.entities import CheckItem, Staff

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
    body.append(_ends(shell, close))
    return surfaces.card(body, key="turning-assign")


@ft.component
def AskExpert(shell: Shell, job: Job, close: Close) -> ft.Control:
    """Whom, what, and the time that the customer is told (S0 #15, S2 #88)."""
    desk = Desk(shell.store)
    expert, set_expert = use_state("")
    longest = int(desk.longest_promise().total_seconds() // 3600)
    hours, set_hours = use_state(str(min(4, longest)))
    lacking, set_lacking = use_state(False)
    text = use_held("")

    def send() -> None:
        said = text.current.strip()
        set_lacking(not (expert and said))
        if expert and said:
            promised = shell.now() + timedelta(hours=int(hours))
            desk.transfer(job.case, expert, said, promised)
            say(shell, t("desk.asked", when=formats.when(promised, shell.now())))
            close()

    people = [(one.id, _called(one)) for one in desk.experts()]
    offered = [(str(h), t("desk.hours", count=h)) for h in _PROMISES if h <= longest]
    return surfaces.card(
        [
            words.title(t("desk.act.ask")),
            _asked(t("desk.ask.whom"), lacking and not expert),
            chips("expert", people, expert or None, lambda word: set_expert(word or "")),
            _note(text, label("question"), t("desk.ask.hint"), lacking),
            words.faint(t("desk.ask.promise")),
            chips("promise", offered, hours, lambda word: set_hours(word or hours)),
            _ends(shell, close, t("desk.ask.do"), send),
        ],
        key="turning-ask",
    )


@ft.component
def SetMilestone(shell: Shell, job: Job, close: Close) -> ft.Control:
    """What, and by which working day (S2 #114); whoever has the case does it."""
    days, set_days = use_state(str(_DUE[0]))
    lacking, set_lacking = use_state(False)
    text = use_held("")

    def keep() -> None:
        said = text.current.strip()
        set_lacking(not said)
        if said:
            due = shell.store.calendar().reached(shell.now(), int(days), formats.zone())
            owner = job.case.assignee_id or shell.staff.id
            Desk(shell.store).set_milestone(job.case, said, due, owner)
            close()

    offered = [(str(d), t("desk.workdays", count=d)) for d in _DUE]
    return surfaces.card(
        [
            words.title(t("desk.act.milestone")),
            _note(text, label("title"), t("desk.milestone.hint"), lacking, lines=1),
            words.faint(t("desk.milestone.within")),
            chips("within", offered, days, lambda word: set_days(word or days)),
            _ends(shell, close, t("action.save"), keep),
        ],
        key="turning-milestone",
    )


@ft.component
def Inspect(shell: Shell, job: Job, close: Close) -> ft.Control:
    """What a manager sees on site, by the technicians' own checklist (S4 #169)."""
    lines = ReportWriting(shell.store).checklist(language())
    ticked, tick = use_state(frozenset[str]())
    judgement, judge = use_state("")
    lacking, set_lacking = use_state(False)
    text = use_held("")

    def keep() -> None:
        set_lacking(not judgement)
        if judgement:
            seen = [CheckItem(key=i.key, label=i.label, done=i.key in ticked) for i in lines]
            Desk(shell.store).inspect(job.case, seen, judgement, text.current)
            say(shell, t("desk.inspected"))
            close()

    def turn(key: str) -> Callable[[object], None]:
        return lambda _event: tick(lambda old: old ^ {key})

    boxes: Sequence[ft.Control] = [
        ft.Checkbox(
            key=f"seen-{line.key}",
            label=line.label,
            value=line.key in ticked,
            on_change=turn(line.key),
        )
        for line in lines
    ]
    words_ = [(word, choice("judgement", word)) for word in ("passed", "faults")]
    return surfaces.card(
        [
            words.title(t("desk.act.inspect")),
            *boxes,
            _asked(label("judgement"), lacking),
            chips("judgement", words_, judgement or None, lambda word: judge(word or "")),
            _note(text, label("notes"), t("desk.inspect.hint"), wrong=False),
            _ends(shell, close, t("action.save"), keep),
        ],
        key="turning-inspect",
    )


def _called(person: Staff) -> str:
    return f"{person.name} · {choice('role', person.role)}"


def _asked(question: str, wrong: bool) -> ft.Control:
    return words.faint(question, color=ft.Colors.ERROR if wrong else None)


def _note(text: Held[str], name: str, hint: str, wrong: bool, lines: int = 2) -> ft.Control:
    def typed(event: ft.Event[ft.TextField]) -> None:
        text.current = event.control.value or ""

    return ft.TextField(
        key="act-note",
        label=name,
        hint_text=hint,
        value=text.current,
        multiline=lines > 1,
        align_label_with_hint=lines > 1,
        min_lines=lines if lines > 1 else None,
        max_lines=6 if lines > 1 else 1,
        max_length=2000 if lines > 1 else 160,
        error=t("form.required") if wrong and not text.current else None,
        border=ft.OutlineInputBorder(border_radius=12),
        on_change=typed,
    )


def _ends(
    shell: Shell, close: Close, text: str = "", do: Callable[[], None] | None = None
) -> ft.Control:
    row: list[ft.Control] = [buttons.quiet(shell, "turn-no", t("action.cancel"), close)]
    if do is not None:
        row.append(buttons.tonal(shell, "turn-yes", text, do))
    return ft.Row(row, alignment=ft.MainAxisAlignment.END, wrap=True, spacing=GAP)
