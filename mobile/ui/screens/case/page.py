"""The case's address: looked at on record first (L7), then everything about it, and the one next
step at the bottom."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons, frame, privacy, surfaces
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import keyed, use_effect, use_maybe, use_state
from mobile.ui.screens.case.before_leaving import BeforeLeaving
from mobile.ui.screens.case.clocks import Clocks
from mobile.ui.screens.case.desk_cards import Instructions, desk_cards
from mobile.ui.screens.case.eight_steps import EightSteps
from mobile.ui.screens.case.head import customer_card, head
from mobile.ui.screens.case.history import History
from mobile.ui.screens.case.reports import reports
from mobile.ui.screens.case.steps import next_step
from mobile.ui.screens.case.turns import Turns
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.ui.theme import GAP
from mobile.usecases.repairs import Job, Repairs
from shared.declare import Role
from shared.errors import Code, Refusal

WATCHED = (
    "case", "case_event", "report", "customer", "contact", "asset", "callback", "staff",
    "transfer", "milestone", "inspection", "feedback", "customer_training",
)  # fmt: skip


@ft.component
def CaseScreen() -> ft.View:
    """Refused reading says so; a case that was handed to someone else is gone from here."""
    shell = use_shell()
    case_id = ft.use_route_params()["case_id"]
    recorded, set_recorded = use_state(False)
    unrecorded, set_unrecorded = use_maybe(Refusal)
    found = use_query(lambda store: Repairs(store).job(case_id), [case_id], watch=WATCHED)
    job = found.value

    def record() -> None:
        if job is None:
            return
        try:
            privacy.record_look(shell, "case", case_id, job.case.customer_id, "opened")
            set_recorded(True)
        except Refusal as refusal:
            set_unrecorded(refusal)

    use_effect(record, [case_id, job is None])
    refusal = found.refusal or unrecorded
    if refusal is not None and refusal.code in (Code.RECORD_MISSING, Code.GRANT_ENDED):
        ended = privacy.ended(shell, ("case", case_id))
        return frame.screen(shell, [ended], title=t("entity.case"), back="/cases")
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=t("entity.case"), back="/cases")
    if job is None or not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=t("entity.case"), back="/cases")
    step = next_step(shell, job)
    return frame.screen(
        shell,
        _body(shell, job),
        title=job.case.number,
        back="/cases",
        bottom=[step] if step is not None else [],
        broad=True,
        overlay=privacy.watermark(shell),
    )


_BESIDE = (
    ("feedback", "note-feedback", "feedback.note", ft.Icons.RATE_REVIEW_OUTLINED),
    ("training", "log-training", "training.log", ft.Icons.SCHOOL_OUTLINED),
    ("another", "another-case", "repair.another_case", ft.Icons.ADD),
)
"""The address below the case's, the button's key, its text and icon."""


def _beside(shell: Shell, job: Job) -> ft.Control:
    """What comes up beside the case: what the customer says of us, what they were taught (S2 #83,
    #84), and for a technician a second thing to repair at the same place."""
    shown = [_BESIDE[0], _BESIDE[1]]
    if shell.role == Role.TECHNICIAN and job.case.state not in {"closed", "cancelled"}:
        shown.append(_BESIDE[2])
    row: list[ft.Control] = [
        buttons.quiet(shell, key, t(text), _opens(shell, job, what), icon=icon)
        for what, key, text, icon in shown
    ]
    return ft.Row(row, wrap=True, spacing=GAP)


def _opens(shell: Shell, job: Job, what: str) -> Callable[[], None]:
    return lambda: shell.go(f"/cases/{job.case.id}/{what}")


def _body(shell: Shell, job: Job) -> list[ft.Control]:
    work: list[ft.Control] = [head(shell, job)]
    if shell.role == Role.TECHNICIAN and job.case.state in {"accepted", "en_route"}:
        work.append(keyed("before", BeforeLeaving, shell, job))
    if job.case.state not in {"resolved", "closed", "cancelled"}:
        work.append(keyed("clocks", Clocks, shell, job))
    if job.case.kind == "complaint":
        work.append(keyed("steps", EightSteps, shell, job))
    work += desk_cards(shell, job)
    work += reports(shell, job)
    if job.case.state not in {"closed", "cancelled"}:
        work.append(keyed(f"turns-{job.case.state}", Turns, shell, job))
    work.append(_beside(shell, job))
    if job.case.state not in {"resolved", "closed", "cancelled"}:
        work.append(keyed("instructions", Instructions, shell, job))
    about = [customer_card(shell, job), keyed("history", History, shell, job)]
    if shell.window.wide:
        return [surfaces.columns(work, about)]
    return [work[0], about[0], *work[1:], *about[1:]]
