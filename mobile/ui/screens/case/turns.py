"""What may happen beside the straight way: waiting, handing back, telling the customer, noting."""

from __future__ import annotations

from collections.abc import Callable, Container

import flet as ft

from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.form import use_form
from mobile.ui.hooks import use_state
from mobile.ui.screens.case.acts import AskExpert, Assign, Inspect, SetMilestone, ends
from mobile.ui.state import Shell
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP
from mobile.usecases.desk import Desk
from mobile.usecases.repairs import Job, Repairs, turn_draft
from shared.declare import Role
from shared.entities import CaseEvent
from shared.states import OPEN_CASE_STATES

_MORE = {
    "assign": Assign,
    "ask": AskExpert,
    "milestone": SetMilestone,
    "inspect": Inspect,
}
"""Acts that want more than a text."""
_ICONS = {
    "wait": ft.Icons.PAUSE_CIRCLE_OUTLINE,
    "informed": ft.Icons.CAMPAIGN_OUTLINED,
    "noted": ft.Icons.STICKY_NOTE_2_OUTLINED,
    "back": ft.Icons.UNDO,
    "assign": ft.Icons.PERSON_ADD_ALT,
    "ask": ft.Icons.CONTACT_SUPPORT_OUTLINED,
    "milestone": ft.Icons.FLAG_OUTLINED,
    "inspect": ft.Icons.FACT_CHECK_OUTLINED,
    "solve": ft.Icons.CHECK_CIRCLE_OUTLINE,
    "decline": ft.Icons.BLOCK,
}


@ft.component
def Turns(shell: Shell, job: Job) -> ft.Control:
    """Closed buttons; one opens to its words, which a text or a choice completes. What was half
    written stands open again."""
    repairs = Repairs(shell.store)
    offered = ["informed", "noted"]
    if shell.role == Role.TECHNICIAN:
        if "waiting" in job.steps and job.case.state != "resolved":
            offered.insert(0, "wait")
        if repairs.hand_back_to(job.case) and job.case.state != "resolved":
            offered.append("back")
    offered += acts_on(shell, job)
    begun = ft.use_memo(lambda: _half_written(shell, job, offered), [])
    open_, set_open = use_state(begun)
    if open_ in _MORE and open_ in offered:
        return _MORE[open_](shell, job, lambda: set_open(""))
    if open_ in offered:
        return Turn(shell, job, open_, lambda: set_open(""))
    row = [
        buttons.secondary(
            shell, f"turn-{name}", t(f"repair.turn.{name}"), _opener(set_open, name),
            icon=_ICONS[name],
        )
        for name in offered
    ]  # fmt: skip
    desk = Desk(shell.store)
    if desk.reviews(job.case):
        approve = buttons.tonal(
            shell, "approve", t("desk.approve"), lambda: desk.approve(job.case),
            icon=ft.Icons.THUMB_UP_OUTLINED,
        )  # fmt: skip
        row.insert(0, approve)
    return ft.Row(row, wrap=True, spacing=GAP, run_spacing=GAP)


def acts_on(shell: Shell, job: Job) -> list[str]:
    """What the desk may do with this case now, by role and state."""
    case, desk = job.case, Desk(shell.store)
    if case.state not in OPEN_CASE_STATES:
        return ["inspect"] if shell.role == Role.STORE_MANAGER else []
    found = ["solve"] if desk.solves(case) else []
    if desk.reviews(case):
        found.append("decline")
    if shell.role == Role.STORE_MANAGER:
        found += ["assign", "inspect"]
    if case.kind == "complaint":
        found.append("milestone")
    return [*found, "ask"]


def _half_written(shell: Shell, job: Job, offered: Container[str]) -> str:
    """Which of these has a draft, the latest first."""
    begun = turn_draft(job.case.id)
    turns = (key.removeprefix(begun) for key in shell.store.drafts(begun))
    return next((turn for turn in turns if turn in offered), "")


def _opener(set_open: Callable[[str], None], name: str) -> Callable[[], None]:
    return lambda: set_open(name)


@ft.component
def Turn(shell: Shell, job: Job, name: str, close: Callable[[], None]) -> ft.Control:
    """The words for one turn, and doing it."""
    form = use_form(
        shell,
        CaseEvent,
        draft=turn_draft(job.case.id, name),
        start={},
        about=("case", job.case.id),
    )
    repairs = Repairs(shell.store)

    def do() -> None:
        if not form.complete(required=("waiting_for" if name == "wait" else "note",)):
            return
        said = (form.get("note") or "").strip()
        if name == "wait":
            waiting_for = form.get("waiting_for")
            repairs.move(job.case, "waiting", waiting_for=waiting_for, note=said or None, turn=name)
        elif name == "back":
            repairs.hand_back(job.case, said)
        elif name == "solve":
            Desk(shell.store).solve(job.case, said)
        elif name == "decline":
            Desk(shell.store).decline(job.case, said)
        else:
            repairs.note(job.case, said, kind=name)
        form.done()
        close()  # what was done stands in the state and on the record at once

    lines: list[ft.Control] = [words.title(t(f"repair.turn.{name}"))]
    if name == "wait":
        lines.append(form.field("waiting_for", label=t("repair.turn.wait.for")))
    called, hint = "reason" if name in {"back", "decline"} else "note", f"repair.turn.{name}.hint"
    lines += [
        form.field("note", label=label(called), hint=t(hint), lines=2),
        form.saved_line(),
        ends(shell, form, close, t(f"repair.turn.{name}.do"), do),
    ]
    return surfaces.card(lines, key=f"turning-{name}")
