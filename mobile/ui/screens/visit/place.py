"""Where the visit takes place: an explicit fix with its accuracy and age, or the reason why there
is none (ux.md, Position).
"""

from __future__ import annotations

import flet as ft

from mobile.device.port import NoFix
from mobile.ui import formats
from mobile.ui.components import buttons, marks, surfaces, words
from mobile.ui.components.chips import TALL
from mobile.ui.components.form import Form
from mobile.ui.hooks import use_maybe, use_state
from mobile.ui.screens.visit.seen import Seen
from mobile.ui.state import Shell, watch
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases import visits
from shared.declare import ENTITIES
from shared.entities import Position, Visit

REASONS = ENTITIES["visit"].fields["no_position_because"].choices


@ft.component
def Place(shell: Shell, seen: Seen, form: Form) -> ft.Control:
    """Nothing is located before the tap; what is shown is when and how exactly it was."""
    watch(form.state)
    visit = seen.visit
    busy, set_busy = use_state(False)
    failed, set_failed = use_maybe(NoFix)

    async def locate() -> None:
        set_busy(True)
        set_failed(None)
        try:
            found = await shell.services.device.fix()
        finally:
            set_busy(False)
        if isinstance(found, NoFix):
            set_failed(found)
        else:
            visits.set_position(shell.store, visit, found)

    lines: list[ft.Control] = []
    if visit.position is not None:
        lines += fix_lines(shell, visit.position)
    elif visit.no_position_because:
        lines.append(
            words.body(t("visit.place.none", why=choice("no_position_because",
                                                        visit.no_position_because)))
        )  # fmt: skip
    else:
        lines.append(words.faint(t("visit.place.text")))
    if busy:
        lines.append(ft.ProgressBar(semantics_label=t("visit.place.busy")))
    if failed is not None:
        lines.append(words.body(t(f"visit.place.failed.{failed}"), color=ft.Colors.ERROR))
    elif form.errors.get("position") and not (visit.position or visit.no_position_because):
        lines.append(words.body(t("visit.place.lacking"), color=ft.Colors.ERROR))
    again = "again" if visit.position is not None else "get"
    lines.append(
        buttons.tonal(
            shell, "locate", t(f"visit.place.{again}"), locate, icon=ft.Icons.MY_LOCATION,
            disabled=busy,
        )
    )  # fmt: skip
    if visit.position is None:
        lines.append(_reasons(shell, visit))
    return surfaces.section(t("visit.section.place"), [surfaces.card(lines)])


def fix_lines(shell: Shell, position: Position) -> list[ft.Control]:
    """How exact and how old a fix is, and whether it was faked."""
    age = formats.ago(position.fixed_at, shell.now())
    at = f"{position.latitude:.5f}, {position.longitude:.5f}"
    lines: list[ft.Control] = [
        words.body(t("visit.place.fix", accuracy=round(position.accuracy_m or 0), age=age)),
        words.faint(at, selectable=True),
    ]
    if position.mocked:
        lines.append(marks.badge(t("visit.place.mocked"), "error", ft.Icons.WRONG_LOCATION))
    return lines


def _reasons(shell: Shell, visit: Visit) -> ft.Control:
    def chip(word: str) -> ft.Control:
        return ft.Chip(
            key=f"no-position-{word}",
            label=words.body(choice("no_position_because", word)),
            padding=TALL,
            selected=visit.no_position_because == word,
            on_select=lambda _: visits.set_no_position(shell.store, visit, word),
        )

    return ft.Column(
        [
            words.faint(t("visit.place.or")),
            ft.Row([chip(word) for word in REASONS], wrap=True, spacing=GAP),
        ],
        spacing=4,
        tight=True,
    )
