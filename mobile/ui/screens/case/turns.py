"""What may happen beside the straight way: waiting, handing back, telling the customer, noting."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.chips import chips
from mobile.ui.hooks import use_held, use_state
from mobile.ui.screens.case.acts import AskExpert, Assign, Inspect, SetMilestone
from mobile.ui.state import Shell
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP
from mobile.usecases.desk import Desk
from mobile.usecases.repairs import Job, Repairs
from shared.declare import Role
from shared.states import OPEN_CASE_STATES, WAITING_FOR

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
    """Closed buttons; one opens to its words, which a text or a choice completes."""
    open_, set_open = use_state("")
    repairs = Repairs(shell.store)
    offered = ["informed", "noted"]
    if shell.role == Role.TECHNICIAN:
        if "waiting" in job.steps and job.case.state != "resolved":
            offered.insert(0, "wait")
        if repairs.hand_back_to(job.case) and job.case.state != "resolved":
            offered.append("back")
    offered += acts_on(shell, job)
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


def _opener(set_open: Callable[[str], None], name: str) -> Callable[[], None]:
    return lambda: set_open(name)


@ft.component
def Turn(shell: Shell, job: Job, name: str, close: Callable[[], None]) -> ft.Control:
    """The words for one turn, and doing it."""
    text = use_held("")
    waiting_for, set_waiting_for = use_state("")
    lacking, set_lacking = use_state(False)
    repairs = Repairs(shell.store)

    def typed(event: ft.Event[ft.TextField]) -> None:
        text.current = event.control.value or ""

    def do() -> None:
        said = text.current.strip()
        complete = bool(waiting_for) if name == "wait" else bool(said)
        set_lacking(not complete)
        if not complete:
            return
        if name == "wait":
            repairs.move(job.case, "waiting", waiting_for=waiting_for, note=said or None)
        elif name == "back":
            repairs.hand_back(job.case, said)
        elif name == "solve":
            Desk(shell.store).solve(job.case, said)
        elif name == "decline":
            Desk(shell.store).decline(job.case, said)
        else:
            repairs.note(job.case, said, kind=name)
        close()  # what was done stands in the state and on the record at once

    lines: list[ft.Control] = [words.title(t(f"repair.turn.{name}"))]
    if name == "wait":
        ink = ft.Colors.ERROR if lacking else ft.Colors.ON_SURFACE_VARIANT
        lines.append(words.faint(t("repair.turn.wait.for"), color=ink))
        options = [(word, choice("waiting_for", word)) for word in WAITING_FOR]
        chosen = waiting_for or None
        lines.append(chips("wait", options, chosen, lambda word: set_waiting_for(word or "")))
    lines.append(
        ft.TextField(
            key="turn-note",
            label=label("reason" if name in {"back", "decline"} else "note"),
            hint_text=t(f"repair.turn.{name}.hint"),
            value=text.current,
            multiline=True,
            align_label_with_hint=True,
            min_lines=2,
            max_lines=6,
            max_length=2000,
            error=t("form.required") if lacking and name != "wait" else None,
            border=ft.OutlineInputBorder(border_radius=12),
            on_change=typed,
        )
    )
    lines.append(
        ft.Row(
            [
                buttons.quiet(shell, "turn-no", t("action.cancel"), close),
                buttons.tonal(shell, "turn-yes", t(f"repair.turn.{name}.do"), do),
            ],
            alignment=ft.MainAxisAlignment.END,
            wrap=True,
            spacing=GAP,
        )
    )
    return surfaces.card(lines, key=f"turning-{name}")
