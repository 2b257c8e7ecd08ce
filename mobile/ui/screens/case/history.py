"""All that happened to the case, the latest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import flet as ft

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.hooks import use_state
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, t
from mobile.usecases.repairs import Job
from shared.entities import CaseEvent, Staff

_FEW = 5
_ICONS = {
    "moved": ft.Icons.TRENDING_FLAT,
    "assigned": ft.Icons.PERSON_OUTLINE,
    "noted": ft.Icons.STICKY_NOTE_2_OUTLINED,
    "informed": ft.Icons.CAMPAIGN_OUTLINED,
}


@ft.component
def History(shell: Shell, job: Job) -> ft.Control:
    """Folded to the last few steps."""
    whole, show_whole = use_state(False)
    names = use_query(_names, watch=("staff",)).value or {}
    events = sorted(job.events, key=lambda e: (e.happened_at, e.id), reverse=True)
    shown = events if whole else events[:_FEW]
    rows = [_entry(event, names, shell.now()) for event in shown]
    if not rows:
        rows = [words.faint(t("repair.history.none"))]
    if len(shown) < len(events):
        text = t("action.show_all", count=len(events))
        rows.append(buttons.quiet(shell, "history-all", text, lambda: show_whole(True)))
    return surfaces.section(t("repair.history"), rows)


def _names(store: Store) -> dict[str, str]:
    return {person.id: person.name for person in store.find(Staff)}


def _entry(event: CaseEvent, names: Mapping[str, str], now: datetime) -> ft.Control:
    what = choice("kind", event.kind)
    if event.to_state:
        what = choice("state", event.to_state)
        if event.waiting_for:
            what = f"{what} · {choice('waiting_for', event.waiting_for)}"
    who = names.get(event.staff_id or "", "")
    lines: list[ft.Control] = [
        words.body(what),
        words.faint(" · ".join(p for p in (formats.when(event.happened_at, now), who) if p)),
    ]
    if event.note:
        lines.insert(1, words.body(event.note, color=ft.Colors.ON_SURFACE_VARIANT))
    return ft.Row(
        [
            ft.Icon(_ICONS[event.kind], size=20, color=ft.Colors.ON_SURFACE_VARIANT),
            ft.Column(lines, spacing=0, tight=True, expand=True),
        ],
        vertical_alignment=ft.CrossAxisAlignment.START,
        spacing=12,
    )
