"""Plans to keep customers that wait for a store manager to name an owner (S1 #65)."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces
from mobile.ui.hooks import use_state
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, t
from mobile.usecases import churn
from mobile.usecases.churn import Proposal

_SHOWN = 5


@ft.component
def PlanProposals(shell: Shell) -> ft.Control:
    """A section of the inbox; nothing where nothing waits. Only what is shown is looked up."""
    whole, show_whole = use_state(False)
    waiting = use_query(churn.waiting_plans, watch=("retention_plan",)).value or []
    shown = waiting if whole else waiting[:_SHOWN]
    told = use_query(
        lambda store: [churn.proposal(store, plan) for plan in shown],
        [shown],
        watch=("customer", "churn_score"),
    )
    lines = [_line(shell, one) for one in told.value or []]
    rows: list[ft.Control] = [surfaces.card(lines, padding=0)]
    if len(shown) < len(waiting):
        more = t("action.show_all", count=len(waiting))
        rows.append(buttons.quiet(shell, "all-plans", more, lambda: show_whole(True)))
    badge = marks.badge(str(len(waiting)), "error")
    section = surfaces.section(t("churn.plans.waiting"), rows, badge)
    return ft.Container(section, visible=bool(waiting))


def _line(shell: Shell, one: Proposal) -> ft.Control:
    plan = one.plan
    why = [choice("sign", sign) for sign in plan.signs]
    if one.return_percent is not None:
        why.append(t("churn.percent", percent=one.return_percent))
    if one.tier:
        why.append(choice("tier", one.tier))
    why.append(
        t("churn.plan.due", when=formats.day(formats.local(plan.due_at).date(), shell.now()))
    )
    return surfaces.line(
        f"plan-{plan.id}",
        one.customer or t("today.unknown_customer"),
        lambda _: shell.go(f"/customers/{plan.customer_id}/plan/{plan.id}"),
        icon=ft.Icons.VOLUNTEER_ACTIVISM_OUTLINED,
        text=" · ".join(why),
    )
