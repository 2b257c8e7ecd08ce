"""The rest of the places, for the phone's navigation."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import frame, marks, surfaces
from mobile.ui.components.frame import (
    CALLBACKS,
    CUSTOMERS,
    DECISIONS,
    FIGURES,
    SETTINGS,
    SURVEYS,
    SYNC,
    WORK,
    Place,
    places,
)
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.usecases.access import DECIDED, decisions_waiting


@ft.component
def MoreScreen() -> ft.View:
    """Everything that the four places at the bottom leave out."""
    shell = use_shell()
    shown = {place.name for place in places(shell.role, False)}
    every = (CUSTOMERS, WORK, CALLBACKS, SURVEYS, DECISIONS, FIGURES, SYNC, SETTINGS)
    rest = [place for place in every if place.name not in shown]
    waiting = use_query(decisions_waiting, watch=DECIDED)
    counts = {"decisions": waiting.value or 0}
    lines = surfaces.card([_line(shell, place, counts.get(place.name, 0)) for place in rest])
    staff = shell.staff
    who = surfaces.pair(choice("role", staff.role), f"{staff.name} · {staff.organisation}")
    return frame.screen(shell, [surfaces.card([who]), lines], title=t("nav.more"), place="more")


def _line(shell: Shell, place: Place, count: int) -> ft.Control:
    return surfaces.line(
        f"go-{place.name}",
        t(f"nav.{place.name}"),
        lambda _: shell.go(place.route),
        icon=place.icon,
        trailing=marks.badge(str(count), "error") if count else None,
    )
