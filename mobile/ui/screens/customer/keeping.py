"""How likely the customer is to come back, with what speaks against it, and the plan to keep them
(S1 #47, #48, #65)."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases import churn
from mobile.usecases.churn import Standing
from mobile.usecases.customers import VISITING
from shared.entities import ChurnScore, RetentionPlan

Opens = Callable[[str], None]
WATCHED = ("churn_score", "retention_plan", "customer")
_FULL = 100


@ft.component
def Keeping(shell: Shell, customer_id: str, open_: Opens) -> ft.Control:
    """Nothing at all where nothing is known, and for who does not look after customers."""
    found = use_query(
        lambda store: churn.standing(store, customer_id), [customer_id], watch=WATCHED
    )
    known = found.value
    if known is None or shell.role not in VISITING:
        return ft.Container(visible=False)
    if known.score is None and known.plan is None and not known.signs:
        return ft.Container(visible=False)
    lines = told(shell, known)
    where = f"/customers/{customer_id}/plan"
    plan = known.plan
    if plan is not None:
        lines.append(_plan(shell, plan, lambda: open_(f"{where}/{plan.id}")))
    else:
        lines.append(
            buttons.tonal(
                shell,
                "new-plan",
                t("churn.plan.new"),
                lambda: open_(f"{where}/new"),
                icon=ft.Icons.VOLUNTEER_ACTIVISM_OUTLINED,
            )
        )
    return surfaces.section(t("churn.title"), [surfaces.card(lines, key="keeping")])


def told(shell: Shell, known: Standing) -> list[ft.Control]:
    """The chance, the customer's habit and the signs, each in words."""
    lines: list[ft.Control] = []
    score = known.score
    if score is not None and score.return_percent is not None:
        lines.append(_chance(score, score.return_percent))
    if score is not None and known.silent_days is not None:
        lines.append(words.body(_habit(score, known.silent_days)))
    if known.signs:
        badges: list[ft.Control] = [
            marks.badge(choice("sign", sign), "wait", ft.Icons.TRENDING_DOWN)
            for sign in known.signs
        ]
        lines.append(ft.Row(badges, wrap=True, spacing=GAP, run_spacing=GAP))
    if score is not None:
        as_of = formats.day(formats.local(score.scored_at).date(), shell.now())
        lines.append(words.faint(t("churn.as_of", day=as_of)))
    return lines


def _chance(score: ChurnScore, percent: int) -> ft.Control:
    says = t("churn.chance", percent=percent, days=score.within_days or 0)
    low = "unlikely" in score.signs
    bar = ft.ProgressBar(
        value=percent / _FULL,
        bar_height=8,
        border_radius=4,
        color=ft.Colors.ERROR if low else ft.Colors.PRIMARY,
        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
    )
    return ft.Column(
        [words.title(says), ft.Semantics(exclude_semantics=True, content=bar)],
        spacing=6,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _habit(score: ChurnScore, silent: int) -> str:
    if score.usual_days is None:
        return t("churn.bought_once", silent=silent)
    return t("churn.habit", every=score.usual_days, silent=silent)


def _plan(shell: Shell, plan: RetentionPlan, open_: Callable[[], None]) -> ft.Control:
    due = t("churn.plan.due", when=formats.day(formats.local(plan.due_at).date(), shell.now()))
    what = choice("cause", plan.cause) if plan.cause else t("churn.plan.no_cause")
    return surfaces.line(
        "open-plan",
        t("entity.retention_plan"),
        lambda _: open_(),
        icon=ft.Icons.VOLUNTEER_ACTIVISM_OUTLINED,
        text=f"{what} · {due}",
        trailing=marks.state(plan.state),
    )
