"""Small marks: a state, a tier, what is not yet synced, how late something is."""

from __future__ import annotations

from datetime import datetime

import flet as ft

from mobile.ui import formats
from mobile.ui.components import words
from mobile.ui.texts import choice, t

_STATE_TONE = {
    "overdue": "error", "new": "strong", "assigned": "strong",
    "accepted": "active", "en_route": "active", "on_site": "active", "in_progress": "active",
    "started": "active",
    "waiting": "wait", "unreachable": "wait",
}  # fmt: skip
_TONES = {
    "error": (ft.Colors.ERROR_CONTAINER, ft.Colors.ON_ERROR_CONTAINER),
    "strong": (ft.Colors.PRIMARY_CONTAINER, ft.Colors.ON_PRIMARY_CONTAINER),
    "active": (ft.Colors.PRIMARY, ft.Colors.ON_PRIMARY),
    "wait": (ft.Colors.TERTIARY_CONTAINER, ft.Colors.ON_TERTIARY_CONTAINER),
    "calm": (ft.Colors.SURFACE_CONTAINER_HIGHEST, ft.Colors.ON_SURFACE_VARIANT),
}


def badge(text: str, tone: str = "calm", icon: ft.IconData | None = None) -> ft.Control:
    """A word in a pill. `tone`: error, strong, active, wait or calm. Colour never speaks alone."""
    back, ink = _TONES[tone]
    inside: list[ft.Control] = [ft.Icon(icon, size=14, color=ink)] if icon else []
    inside.append(words.label(text, color=ink))
    return ft.Container(
        ft.Row(inside, spacing=4, tight=True),
        bgcolor=back,
        border_radius=8,
        padding=ft.Padding.symmetric(horizontal=8, vertical=2),
    )


def state(word: str) -> ft.Control:
    """The state of a case, visit or callback."""
    return badge(choice("state", word), _STATE_TONE.get(word, "calm"))


def tier(word: str | None, vip: bool | None = False) -> ft.Control | None:
    """The customer's tier, with a star for a key client; None when there is neither."""
    if vip:
        return badge(t("mark.vip"), "strong", ft.Icons.STAR)
    return badge(choice("tier", word), "strong" if word == "high" else "calm") if word else None


def pending(waiting: bool = True) -> ft.Control | None:
    """The row marker: this record's change is on this phone alone until it is synced."""
    if not waiting:
        return None
    return ft.Icon(
        ft.Icons.CLOUD_UPLOAD_OUTLINED,
        size=18,
        color=ft.Colors.ON_SURFACE_VARIANT,
        tooltip=t("mark.pending"),
        semantics_label=t("mark.pending"),
    )


def due(moment: datetime, now: datetime) -> ft.Control:
    """Time left, or how late."""
    late = moment < now
    return badge(formats.due(moment, now), "error" if late else "calm", ft.Icons.SCHEDULE)
